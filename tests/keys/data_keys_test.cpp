#include "hub/keys/data_keys.hpp"

#include <thread>

#include "tests/keys/support.hpp"

namespace rabt::keys::data_keys_test {
namespace {

using rabt::test::must;
using test::House;
using test::HouseTest;

class DataKeysTest : public HouseTest {};

constexpr store::Statement kSetWrapped{"UPDATE data_key SET wrapped = $2 WHERE id = $1"};
constexpr store::Statement kSetTenant{"UPDATE data_key SET tenant = $2 WHERE id = $1"};
constexpr store::Statement kSetBucket{"UPDATE data_key SET bucket = $2 WHERE id = $1"};

TEST_F(DataKeysTest, AKeyOpensAgainAfterARestartAndOnlyForItsTenant) {
  const NewDataKey key = house_->make();
  EXPECT_EQ(key.id.size(), 16U);
  EXPECT_EQ(key.bucket, "consultation/2036-03");
  EXPECT_EQ(key.key->id(), key.id);
  house_ = nullptr;
  open_house();
  const auto opened = house_->keys->open("t1", key.id);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE((*opened)->material().equals(key.key->material().expose()));
  EXPECT_EQ(house_->open(key.id, "t2"), "keys.unknown");
  EXPECT_EQ(house_->open(std::string(16, 'x')), "keys.unknown");
  EXPECT_EQ(house_->open(""), "keys.unknown");
}

TEST_F(DataKeysTest, EachClassGoesToItsMonth) {
  struct Case {
    std::string_view class_name;
    const char* bucket;
  };
  // The clock of the tests stands at 2026-03-08.
  for (const Case& one : std::initializer_list<Case>{{kConsultation, "consultation/2036-03"},
                                                     {kEvent, "event/2026-03"},
                                                     {kRecording, "recording/2036-03"},
                                                     {kIncoming, "incoming/2026-03"},
                                                     {kPlugin, "plugin/2036-03"},
                                                     {kAuditDetail, "audit_detail/2036-03"}}) {
    EXPECT_EQ(house_->make(one.class_name).bucket, one.bucket);
  }
  EXPECT_EQ(house_->keys->make("t1", "nonsense").error().code, "keys.class");
  house_->clock.set(*parse_iso8601("2026-03-27T00:00:00Z"));
  EXPECT_EQ(house_->make(kEvent).bucket, "event/2026-04");
  house_->clock.set(*parse_iso8601("2026-12-31T23:00:00Z"));
  EXPECT_EQ(house_->make(kConsultation).bucket, "consultation/2036-12");
  EXPECT_EQ(house_->make(kEvent).bucket, "event/2027-01");
}

TEST_F(DataKeysTest, BucketsAreMadeSomeMonthsAhead) {
  (void)house_->make();
  std::vector<std::string> names;
  const auto info = must(house_->keyring->info());
  for (const auto& bucket : info.tenants[0].buckets) {
    if (bucket.name.starts_with("consultation/")) names.push_back(bucket.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"consultation/2036-03", "consultation/2036-04",
                                             "consultation/2036-05"}));
  // A copy of the keyring taken now opens what is sealed in the next months.
  const auto generation = info.generation;
  house_->clock.set(*parse_iso8601("2026-04-30T00:00:00Z"));
  (void)house_->make();
  EXPECT_EQ(must(house_->keyring->info()).generation, generation);
  house_->clock.set(*parse_iso8601("2026-06-15T00:00:00Z"));
  (void)house_->make();
  EXPECT_EQ(must(house_->keyring->info()).generation, generation + 1);
}

TEST_F(DataKeysTest, SmallRowsShareOneKeyAMonthAlsoWhenManyAskAtOnce) {
  std::vector<std::string> ids(8);
  std::vector<std::thread> threads;
  for (auto& id : ids)
    threads.emplace_back([&] { id = must(house_->keys->shared("t1", kEvent))->id(); });
  for (auto& thread : threads) thread.join();
  for (const auto& id : ids) EXPECT_EQ(id, ids[0]);
  EXPECT_NE(must(house_->keys->shared("t2", kEvent))->id(), ids[0]);
  EXPECT_NE(must(house_->keys->shared("t1", kPlugin))->id(), ids[0]);
  // After a restart the same one; in another month another, and the first still opens.
  house_ = nullptr;
  open_house();
  EXPECT_EQ(must(house_->keys->shared("t1", kEvent))->id(), ids[0]);
  house_->clock.advance_ms(31 * kDayMs);
  EXPECT_NE(must(house_->keys->shared("t1", kEvent))->id(), ids[0]);
  EXPECT_EQ(house_->open(ids[0]), "ok");
}

// An attacker who writes the database cannot give a record the key of another one.
TEST_F(DataKeysTest, SwappedWrappedKeysAreRefused) {
  std::vector<NewDataKey> made;
  for (const std::string_view class_name : {kConsultation, kConsultation, kEvent, kRecording})
    made.push_back(house_->make(class_name));
  made.push_back(house_->make(kConsultation, "t2"));
  const auto set = [&](const store::Statement& statement, const std::string& id,
                       store::Value value) {
    (void)must(house_->store->write([&](store::Transaction& tx) {
      return store::run(tx, statement, {store::Blob{id}, value});
    }));
  };
  // With an empty cache: as after a restart.
  const auto open = [&](const NewDataKey& key) {
    DataKeys fresh({*house_->keyring, *house_->store, house_->clock, house_->random, house_->ids},
                   {});
    const auto opened = fresh.open(key.tenant, key.id);
    return opened.ok() ? std::string("ok") : opened.error().code;
  };
  for (const NewDataKey& a : made) {
    for (const NewDataKey& b : made) {
      if (a.id == b.id) continue;
      set(kSetWrapped, a.id, store::Blob{b.wrapped});
      EXPECT_EQ(open(a), "crypto.unwrap");
      // Its bucket too.
      set(kSetBucket, a.id, std::string_view(b.bucket));
      EXPECT_EQ(open(a), "crypto.unwrap");
      set(kSetBucket, a.id, std::string_view(a.bucket));
      set(kSetWrapped, a.id, store::Blob{a.wrapped});
      EXPECT_EQ(open(a), "ok");
    }
  }
  // A row that is moved to another tenant.
  set(kSetTenant, made[0].id, std::string_view("t2"));
  NewDataKey moved = made[0];
  moved.tenant = "t2";
  EXPECT_EQ(open(moved), "crypto.unwrap");
}

TEST_F(DataKeysTest, ForgetsOpenedKeysAfterTheirTimeAndBeyondTheirNumber) {
  const NewDataKey key = house_->make();
  EXPECT_EQ(house_->keys->cached(), 1U);
  house_->clock.advance_ms(DataKeys::kTtlMs - 1);
  house_->keys->sweep();
  EXPECT_EQ(house_->keys->cached(), 1U);
  house_->clock.advance_ms(1);
  house_->keys->sweep();
  EXPECT_EQ(house_->keys->cached(), 0U);
  EXPECT_EQ(house_->open(key.id), "ok");
  for (std::size_t i = 0; i < DataKeys::kMaxCached + 10; ++i)
    (void)must(house_->keys->make("t1", kConsultation));
  EXPECT_EQ(house_->keys->cached(), DataKeys::kMaxCached);
}

TEST_F(DataKeysTest, MovesAKeyToAnotherBucketInTheTransactionOfItsRecord) {
  const NewDataKey key = house_->make(kIncoming);
  const std::string bucket =
      must(house_->keys->ensure_bucket("t1", kRecording, *parse_iso8601("2031-05-05T00:00:00Z")));
  EXPECT_EQ(bucket, "recording/2031-05");
  const Lease lease = must(house_->keys->lease("t1"));
  (void)must(house_->store->write(
      [&](store::Transaction& tx) { return house_->keys->move(tx, lease, key.id, bucket); }));
  ASSERT_TRUE(house_->keyring->destroy_bucket("t1", key.bucket, "test").ok());
  house_->keys->forget();
  const auto opened = house_->keys->open("t1", key.id);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE((*opened)->material().equals(key.key->material().expose()));
  // A transaction that fails leaves it where it was.
  const auto failed = house_->store->write([&](store::Transaction& tx) -> Status {
    RABT_TRY_STATUS(house_->keys->move(tx, lease, key.id, "event/2026-03"));
    return internal("test", "undone");
  });
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(house_->open(key.id), "ok");
}

// Symptom: for five minutes after a destruction a key could still be had. Cause: an act that had
// begun before opened it and put it into the cache again, for all.
TEST_F(DataKeysTest, CachesNothingThatAnActOfBeforeADestructionOpens) {
  const NewDataKey key = house_->make();
  const Lease lease = must(house_->keys->lease("t1"));
  ASSERT_TRUE(house_->keyring->destroy_bucket("t1", key.bucket, "test").ok());
  house_->keys->forget();
  EXPECT_TRUE(lease.open(key.id).ok());  // the act goes on to its end
  EXPECT_EQ(house_->keys->cached(), 0U);
  EXPECT_EQ(house_->open(key.id), "keys.shredded");
  const NewDataKey late = must(lease.make(kConsultation));
  EXPECT_EQ(house_->keys->cached(), 0U);
  (void)must(house_->store->write([&](store::Transaction& tx) { return insert(tx, late); }));
  EXPECT_EQ(house_->open(late.id), "keys.shredded");
}

// Symptom: records of an hour were gone for good. Cause: the machine began in 1970, until its clock
// was set; their bucket was over then, and was destroyed.
TEST_F(DataKeysTest, SealsNothingWhileTheClockCannotBeRight) {
  const NewDataKey key = house_->make();
  const auto present = house_->clock.now();
  const auto buckets = must(house_->keyring->info()).tenants[0].buckets.size();
  house_->clock.set(*parse_iso8601("1970-01-01T00:01:00Z"));
  EXPECT_EQ(house_->keys->make("t1", kConsultation).error().code, "keys.clock");
  EXPECT_EQ(house_->keys->shared("t1", kEvent).error().code, "keys.clock");
  EXPECT_EQ(house_->keys->ensure_bucket("t1", kRecording, {0}).error().code, "keys.clock");
  EXPECT_EQ(house_->keys->make("t1", kConsultation).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(house_->open(key.id), "ok");
  EXPECT_EQ(must(house_->keyring->info()).tenants[0].buckets.size(), buckets);
  house_->clock.set(present);
  EXPECT_EQ(house_->make().bucket, key.bucket);
}

TEST_F(DataKeysTest, RemovesTheRowOfAKeyUnlessOthersNeedIt) {
  const NewDataKey key = house_->make(kIncoming);
  const NewDataKey held = house_->make();
  ASSERT_TRUE(house_->admin->hold(order(), "case-1", "instance:x", {held.id}).ok());
  const auto shared = must(house_->keys->shared("t1", kEvent));
  for (const std::string& id : {key.id, held.id, shared->id()}) {
    (void)must(house_->store->write(
        [&](store::Transaction& tx) { return house_->keys->remove(tx, "t1", id); }));
  }
  EXPECT_EQ(house_->open(key.id), "keys.unknown");
  EXPECT_EQ(house_->open(held.id), "ok");
  EXPECT_EQ(house_->open(shared->id()), "ok");
}

TEST_F(DataKeysTest, PassesOverAMonthWhoseBucketWasDestroyed) {
  const NewDataKey key = house_->make();
  ASSERT_TRUE(house_->keyring->destroy_bucket("t1", key.bucket, "test").ok());
  house_->keys->forget();
  EXPECT_EQ(house_->open(key.id), "keys.shredded");
  EXPECT_EQ(house_->make().bucket, "consultation/2036-04");
}

}  // namespace
}  // namespace rabt::keys::data_keys_test
