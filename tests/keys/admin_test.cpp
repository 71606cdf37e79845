#include "hub/keys/admin.hpp"

#include <fstream>

#include "hub/keys/requests.hpp"
#include "tests/eventually.hpp"
#include "tests/keys/support.hpp"

namespace rabt::keys::admin_test {
namespace {

using rabt::test::must;
using test::House;
using test::HouseTest;

class KeyAdminTest : public HouseTest {
 protected:
  KeyAdmin& admin() { return *house_->admin; }
  // As after a restart: nothing cached.
  void reopen() {
    house_ = nullptr;
    open_house();
  }
  BucketStatus status_of(const std::string& bucket) {
    for (auto& one : must(admin().status()).buckets) {
      if (one.info.name == bucket) return one;
    }
    ADD_FAILURE() << "no bucket " << bucket;
    return {};
  }
};

TEST_F(KeyAdminTest, EveryRotationAndRewrappingLeavesEveryKeyOpenAndIsAudited) {
  std::vector<NewDataKey> made = house_->make_many(800, kConsultation);
  const std::string bucket = made[1].bucket;
  for (NewDataKey& key : house_->make_many(400, kEvent)) made.push_back(std::move(key));
  EXPECT_EQ(must(admin().rotate_root(order(), false)), 2U);
  EXPECT_EQ(must(admin().rotate_tenant(order())), 2U);
  EXPECT_EQ(must(admin().rotate_bucket(order(), bucket)), 2U);
  EXPECT_EQ(status_of(bucket).old_data_keys, 800U);
  const NewDataKey newer = house_->make();
  EXPECT_EQ(newer.version, 2U);
  ASSERT_TRUE(admin().rewrap_now(order(), false).ok());
  EXPECT_EQ(status_of(bucket).old_data_keys, 0U);
  EXPECT_EQ(status_of(bucket).data_keys, 801U);
  EXPECT_EQ(status_of(bucket).info.oldest_version, 1U);  // backups of the database still open
  ASSERT_TRUE(admin().rewrap_now(order(), true).ok());
  EXPECT_EQ(status_of(bucket).info.oldest_version, 2U);
  EXPECT_FALSE(must(admin().status()).rewrap.has_value());
  reopen();
  for (const NewDataKey& key : made) ASSERT_EQ(house_->open(key.id), "ok");
  EXPECT_EQ(house_->open(newer.id), "ok");
  const auto acts = house_->acts();
  for (const char* act :
       {"keys.rotate begun", "keys.rotate ok", "keys.rewrap begun", "keys.rewrap batch",
        "keys.rewrap ok", "keys.forget begun", "keys.forget ok"}) {
    EXPECT_NE(std::find(acts.begin(), acts.end(), act), acts.end()) << act;
  }
  EXPECT_TRUE(audit::verify(*house_->store, folder_)->verified);
}

TEST_F(KeyAdminTest, ARewrappingInTheBackgroundGoesOnAfterARestart) {
  (void)house_->make_many(1000, kConsultation);
  const std::string bucket = house_->make().bucket;
  (void)must(admin().rotate_bucket(order(), bucket));
  ASSERT_TRUE(admin().rewrap(order(), false).ok());
  reopen();  // wherever it was
  admin().resume();
  EXPECT_TRUE(rabt::test::eventually([&] { return !must(admin().status()).rewrap.has_value(); }));
  EXPECT_EQ(status_of(bucket).old_data_keys, 0U);
}

// An older database brings back a data key whose bucket version is gone: it stays lost, and keeps
// nothing else from being rewrapped, nor old versions from going.
TEST_F(KeyAdminTest, ARewrappingPassesOverWhatCannotBeOpenedAnyMore) {
  const NewDataKey lost = house_->make();
  static constexpr store::Statement kUndo{
      "UPDATE data_key SET version = 1, wrapped = $2 WHERE id = $1"};
  (void)must(admin().rotate_bucket(order(), lost.bucket));
  ASSERT_TRUE(admin().rewrap_now(order(), true).ok());
  (void)must(house_->store->write([&](store::Transaction& tx) {
    return store::run(tx, kUndo, {store::Blob{lost.id}, store::Blob{lost.wrapped}});
  }));
  const NewDataKey other = house_->make();
  (void)must(admin().rotate_bucket(order(), lost.bucket));
  ASSERT_TRUE(admin().rewrap_now(order(), true).ok());
  EXPECT_EQ(status_of(lost.bucket).info.oldest_version, 3U);
  EXPECT_EQ(status_of(lost.bucket).old_data_keys, 0U);
  EXPECT_EQ(status_of(lost.bucket).lost_data_keys, 1U);
  reopen();
  EXPECT_EQ(house_->open(lost.id), "keys.shredded");
  EXPECT_EQ(house_->open(other.id), "ok");
}

TEST_F(KeyAdminTest, ASecondOrderToRewrapDoesNotCallOffTheForgetting) {
  const NewDataKey key = house_->make();
  (void)must(admin().rotate_bucket(order(), key.bucket));
  // Both orders stand before the work begins: the root is away.
  const std::string root = folder_ + "/root.key";
  house_->keyring->forget();
  std::filesystem::rename(root, root + ".away");
  ASSERT_TRUE(admin().rewrap(order("first"), true).ok());
  ASSERT_TRUE(admin().rewrap(order("second"), false).ok());
  std::filesystem::rename(root + ".away", root);
  reopen();
  admin().resume();
  EXPECT_TRUE(rabt::test::eventually([&] { return !must(admin().status()).rewrap.has_value(); }));
  EXPECT_EQ(status_of(key.bucket).info.oldest_version, 2U);
}

// A key that was made under a version before it went: its row is refused, not silently lost.
TEST_F(KeyAdminTest, TakesNoKeyUnderAVersionThatIsGone) {
  const NewDataKey late = must(house_->keys->make("t1", kConsultation));
  (void)must(admin().rotate_bucket(order(), late.bucket));
  ASSERT_TRUE(admin().rewrap_now(order(), true).ok());
  const auto refused =
      house_->store->write([&](store::Transaction& tx) { return insert(tx, late); });
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "keys.changed");
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  const NewDataKey again = must(house_->keys->make("t1", kConsultation));
  EXPECT_EQ(again.version, 2U);
  (void)must(house_->store->write([&](store::Transaction& tx) { return insert(tx, again); }));
}

TEST_F(KeyAdminTest, ShredsWhatHasExpiredAndNothingElseWithoutForce) {
  const NewDataKey event = house_->make(kEvent);
  const NewDataKey record = house_->make();
  const auto early = admin().shred(order(), event.bucket, false);
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code, "keys.not_expired");
  EXPECT_NE(early.error().message.find("2026-04-01"), std::string::npos);
  house_->clock.set(*parse_iso8601("2026-03-31T23:59:59.999Z"));
  EXPECT_FALSE(admin().shred(order(), event.bucket, false).ok());
  house_->clock.set(*parse_iso8601("2026-04-01T00:00:00Z"));
  EXPECT_TRUE(status_of(event.bucket).expired);
  ASSERT_TRUE(admin().shred(order("the month is over"), event.bucket, false).ok());
  EXPECT_EQ(house_->open(event.id), "keys.shredded");
  EXPECT_EQ(house_->open(record.id), "ok");
  EXPECT_EQ(admin().shred(order(), record.bucket, false).error().code, "keys.not_expired");
  ASSERT_TRUE(admin().shred(order("court order"), record.bucket, true).ok());
  EXPECT_EQ(house_->open(record.id), "keys.shredded");
  EXPECT_EQ(status_of(record.bucket).info.reason, "court order");
  for (const char* bad : {"", "nonsense", "event/2026-99", "hold/case-1"})
    EXPECT_FALSE(admin().shred(order(), bad, true).ok()) << bad;
}

TEST_F(KeyAdminTest, NoActWithoutReasonOrAudit) {
  const NewDataKey event = house_->make(kEvent);
  EXPECT_EQ(admin().shred(order(""), event.bucket, true).error().code, "api.invalid");
  EXPECT_EQ(admin().rotate_root(order(std::string(1025, 'x')), false).error().code, "api.invalid");
  // A database that takes nothing more: the log cannot be written.
  static constexpr store::Statement kBreak{
      "CREATE TRIGGER no_more BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END"};
  (void)must(
      house_->store->write([&](store::Transaction& tx) { return store::run(tx, kBreak, {}); }));
  EXPECT_FALSE(admin().shred(order(), event.bucket, true).ok());
  EXPECT_FALSE(admin().rotate_tenant(order()).ok());
  EXPECT_FALSE(admin().hold(order(), "case-1", "instance:x", {event.id}).ok());
  EXPECT_EQ(house_->open(event.id), "ok");
  EXPECT_EQ(must(admin().status()).tenant_key_version, 1U);
  EXPECT_TRUE(must(admin().status()).holds.empty());
}

TEST_F(KeyAdminTest, AHoldTakesKeysOutOfTheirBucketAndAReleasePutsThemBack) {
  const NewDataKey held = house_->make();
  const NewDataKey other = house_->make();
  ASSERT_TRUE(admin().hold(order("claim 7"), "case-7", "instance:one", {held.id}).ok());
  EXPECT_TRUE(admin().hold(order(), "case-7", "instance:one", {held.id}).ok());  // again: no change
  EXPECT_EQ(admin().hold(order(), "case-8", "instance:one", {held.id}).error().code, "keys.held");
  EXPECT_EQ(admin().hold(order(), "Case 7", "instance:one", {held.id}).error().code, "api.invalid");
  const auto holds = must(admin().status()).holds;
  ASSERT_EQ(holds.size(), 1U);
  EXPECT_EQ(holds[0].data_keys, 1U);
  EXPECT_EQ(status_of("hold/case-7").data_keys, 1U);
  EXPECT_EQ(admin().shred(order(), "hold/case-7", true).error().code, "keys.held");

  ASSERT_TRUE(admin().shred(order(), held.bucket, true).ok());
  reopen();
  EXPECT_EQ(house_->open(held.id), "ok");
  EXPECT_EQ(house_->open(other.id), "keys.shredded");

  // Its retention is over meanwhile: it goes with this month.
  house_->clock.set(*parse_iso8601("2040-05-05T00:00:00Z"));
  EXPECT_EQ(admin().release(order(), "case-9").error().code, "keys.case");
  ASSERT_TRUE(admin().release(order("settled"), "case-7").ok());
  EXPECT_EQ(house_->open(held.id), "ok");
  EXPECT_EQ(status_of("consultation/2040-05").data_keys, 1U);
  EXPECT_TRUE(status_of("hold/case-7").info.destroyed);
  EXPECT_EQ(admin().release(order(), "case-7").error().code, "keys.case");
}

TEST_F(KeyAdminTest, AReleaseBeforeTheEndPutsKeysBackWhereTheyWere) {
  const NewDataKey held = house_->make();
  ASSERT_TRUE(admin().hold(order(), "case-7", "instance:one", {held.id}).ok());
  ASSERT_TRUE(admin().release(order(), "case-7").ok());
  EXPECT_EQ(status_of(held.bucket).data_keys, 1U);
  ASSERT_TRUE(admin().shred(order(), held.bucket, true).ok());
  EXPECT_EQ(house_->open(held.id), "keys.shredded");
}

// An instance with a recording whose retention was shorter: what is left can be held.
TEST_F(KeyAdminTest, AHoldTakesWhatIsLeftOfAnObject) {
  const NewDataKey gone = house_->make(kEvent);
  const NewDataKey left = house_->make();
  ASSERT_TRUE(admin().shred(order(), gone.bucket, true).ok());
  EXPECT_EQ(admin().hold(order(), "case-7", "instance:one", {gone.id}).error().code,
            "keys.shredded");
  const auto held = must(admin().hold(order(), "case-7", "instance:one", {gone.id, left.id}));
  EXPECT_EQ(held.data_keys, 1U);
  EXPECT_EQ(held.destroyed, 1U);
  ASSERT_TRUE(admin().shred(order(), left.bucket, true).ok());
  EXPECT_EQ(house_->open(left.id), "ok");
  ASSERT_TRUE(admin().release(order(), "case-7").ok());
}

// The bucket was destroyed before its time: what the hold kept of it goes with this month, too.
TEST_F(KeyAdminTest, AReleasePutsWhatWouldBeDestroyedIntoThisMonth) {
  const NewDataKey held = house_->make();
  ASSERT_TRUE(admin().hold(order(), "case-7", "instance:one", {held.id}).ok());
  ASSERT_TRUE(admin().shred(order("court order"), held.bucket, true).ok());
  ASSERT_TRUE(admin().release(order(), "case-7").ok());
  EXPECT_EQ(status_of("consultation/2026-03").data_keys, 1U);
}

// An expired bucket that was not destroyed is still where a key came from.
TEST_F(KeyAdminTest, AReleaseAfterTheEndPutsKeysBackAsLongAsTheirBucketIsThere) {
  const NewDataKey held = house_->make(kEvent);
  ASSERT_TRUE(admin().hold(order(), "case-7", "instance:one", {held.id}).ok());
  house_->clock.advance_ms(60 * kDayMs);
  ASSERT_TRUE(admin().release(order(), "case-7").ok());
  EXPECT_EQ(status_of(held.bucket).data_keys, 1U);
}

// Symptom: with automatic destruction what a legal hold kept was destroyed. Cause: a case named
// like a month made its bucket look like one that expires. Nothing but release may end a hold.
TEST_F(KeyAdminTest, AHoldWhoseCaseLooksLikeAMonthDoesNotExpire) {
  const NewDataKey held = house_->make();
  ASSERT_TRUE(admin().hold(order(), "2026-01", "instance:one", {held.id}).ok());
  EXPECT_FALSE(status_of("hold/2026-01").expires.has_value());
  EXPECT_TRUE(must(admin().shred_expired()).empty());
  for (int day = 0; day < 3; ++day) {
    house_->clock.advance_ms(kDayMs);
    EXPECT_TRUE(must(admin().shred_expired()).empty());
  }
  EXPECT_EQ(house_->open(held.id), "ok");
}

TEST_F(KeyAdminTest, AWholeBucketUnderAHoldIsNotDestroyed) {
  const NewDataKey event = house_->make(kEvent);
  ASSERT_TRUE(admin().hold_bucket(order(), "case-7", event.bucket).ok());
  EXPECT_EQ(admin().shred(order(), event.bucket, true).error().code, "keys.held");
  EXPECT_EQ(status_of(event.bucket).info.hold, "case-7");
  ASSERT_TRUE(admin().release(order(), "case-7").ok());
  EXPECT_TRUE(admin().shred(order(), event.bucket, true).ok());
}

TEST_F(KeyAdminTest, DestroysByItselfOnlyWhatTwoReadingsADayOfUptimeApartFindExpired) {
  const NewDataKey event = house_->make(kEvent);
  EXPECT_TRUE(must(admin().shred_expired()).empty());
  house_->clock.set(*parse_iso8601("2026-04-02T00:00:00Z"));
  EXPECT_TRUE(must(admin().shred_expired()).empty());  // the first reading
  house_->clock.advance_ms(kDayMs - 1);
  EXPECT_TRUE(must(admin().shred_expired()).empty());
  house_->clock.advance_ms(1);
  EXPECT_EQ(must(admin().shred_expired()),
            (std::vector<std::string>{event.bucket, "incoming/2026-03"}));
  EXPECT_EQ(house_->open(event.id), "keys.shredded");
}

TEST_F(KeyAdminTest, TriesAgainAtOnceWhatCouldNotBeDestroyedWhenItWasDue) {
  const NewDataKey event = house_->make(kEvent);
  house_->clock.set(*parse_iso8601("2026-04-02T00:00:00Z"));
  EXPECT_TRUE(must(admin().shred_expired()).empty());
  house_->clock.advance_ms(kDayMs);
  const std::string root = folder_ + "/root.key";
  std::filesystem::rename(root, root + ".away");
  EXPECT_FALSE(admin().shred_expired().ok());
  std::filesystem::rename(root + ".away", root);
  house_->clock.advance_ms(3600 * 1000);
  EXPECT_EQ(must(admin().shred_expired()).size(), 2U);
  EXPECT_EQ(house_->open(event.id), "keys.shredded");
}

// A clock whose wall time and uptime can part, as when somebody sets the date.
class JumpingClock final : public Clock {
 public:
  [[nodiscard]] Timestamp now() const override { return {wall_ms}; }
  [[nodiscard]] std::int64_t monotonic_ms() const override { return uptime_ms; }
  std::int64_t wall_ms = 1'773'000'000'000;
  std::int64_t uptime_ms = 0;
};

TEST_F(KeyAdminTest, AClockThatJumpsDestroysNothing) {
  const NewDataKey record = house_->make();
  JumpingClock clock;
  KeyAdmin jumpy(
      {*house_->keyring, *house_->keys, *house_->store, *house_->audit, clock, null_logger()},
      "t1");
  clock.wall_ms = parse_iso8601("2040-01-01T00:00:00Z")->ms;
  for (int reading = 0; reading < 100; ++reading) {
    EXPECT_TRUE(must(jumpy.shred_expired()).empty());
    clock.wall_ms += kDayMs;  // the date runs away, the uptime does not
    clock.uptime_ms += 3600LL * 1000;
  }
  EXPECT_EQ(house_->open(record.id), "ok");
}

// The crypto-erasure that is promised: destroy a bucket, put last week's database back beside the
// present keyring: nothing of the bucket opens, the rest does, and the audit log of then verifies.
TEST_F(KeyAdminTest, AnOlderDatabaseOpensNothingOfADestroyedBucket) {
  std::vector<NewDataKey> events;
  std::vector<NewDataKey> records;
  for (int i = 0; i < 20; ++i) {
    events.push_back(house_->make(kEvent));
    records.push_back(house_->make());
  }
  // One was moved out of the bucket before the backup, one after it.
  ASSERT_TRUE(admin().hold(order(), "case-1", "instance:a", {events[0].id}).ok());
  house_->close_database();
  const auto backup = std::filesystem::path(folder_) / "backup";
  std::filesystem::create_directory(backup);
  const auto in_backup = [](const std::filesystem::path& file) {
    const std::string name = file.filename().string();
    return name.starts_with("rabt.db") || name.starts_with("audit.");
  };
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    if (in_backup(file.path())) std::filesystem::copy(file.path(), backup / file.path().filename());
  }
  house_->open_database();
  house_->clock.advance_ms(40 * kDayMs);
  ASSERT_TRUE(admin().hold(order(), "case-1", "instance:b", {events[1].id}).ok());
  ASSERT_TRUE(admin().shred(order(), events[0].bucket, false).ok());
  house_ = nullptr;
  std::vector<std::filesystem::path> present;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    if (in_backup(file.path())) present.push_back(file.path());
  }
  for (const auto& file : present) std::filesystem::remove(file);
  for (const auto& file : std::filesystem::directory_iterator(backup))
    std::filesystem::copy(file.path(), std::filesystem::path(folder_) / file.path().filename());
  open_house();
  EXPECT_EQ(house_->open(events[0].id), "ok");  // held when the backup was made
  for (std::size_t i = 1; i < events.size(); ++i)
    EXPECT_EQ(house_->open(events[i].id), "keys.shredded") << i;
  for (const NewDataKey& record : records) EXPECT_EQ(house_->open(record.id), "ok");
  EXPECT_TRUE(audit::verify(*house_->store, folder_)->verified);
}

TEST_F(KeyAdminTest, SaysWhenTheKeyringIsOlderThanTheDatabase) {
  const std::string path = folder_ + "/keyring";
  (void)house_->make();
  std::filesystem::copy(path, folder_ + "/older");
  house_->clock.set(*parse_iso8601("2027-06-01T00:00:00Z"));
  const NewDataKey later = house_->make();
  EXPECT_TRUE(must(admin().status()).missing.empty());
  house_ = nullptr;
  std::filesystem::copy(folder_ + "/older", path,
                        std::filesystem::copy_options::overwrite_existing);
  open_house();
  EXPECT_EQ(must(admin().status()).missing, std::vector<std::string>{later.bucket});
  EXPECT_EQ(house_->open(later.id), "crypto.unwrap");
}

TEST_F(KeyAdminTest, RequestsSayWhatIsWrongWithThem) {
  const ObjectKeys none = [](std::string_view) -> Result<std::vector<std::string>> {
    return not_found("engine.instance", "there is no instance with this id");
  };
  // The code, and of a wrong member its name.
  const auto code = [&](std::string_view verb, const char* body) {
    const auto done = perform(admin(), verb, must(Json::parse(body)), order(), none, true);
    if (done.ok()) return std::string("ok");
    const Error& error = done.error();
    return error.code == "api.invalid"
               ? "api.invalid " + error.message.substr(0, error.message.find(':'))
               : error.code;
  };
  EXPECT_EQ(code("rotate", R"({"what":"root"})"), "api.invalid reason");
  EXPECT_EQ(code("rotate", R"({"reason":"r"})"), "api.invalid what");
  EXPECT_EQ(code("rotate", R"({"reason":"r","what":"all"})"), "api.invalid what");
  EXPECT_EQ(code("rotate", R"({"reason":"r","what":"tenant","destroyOld":true})"),
            "api.invalid destroyOld");
  EXPECT_EQ(code("rotate", R"({"reason":"r","what":"root","destroyOld":1})"),
            "api.invalid destroyOld");
  EXPECT_EQ(code("rotate", R"({"reason":"r","what":"root","destroyOld":true})"), "ok");
  EXPECT_EQ(code("shred", R"({"reason":"r"})"), "api.invalid bucket");
  EXPECT_EQ(code("hold", R"({"reason":"r","case":"c"})"), "api.invalid object");
  EXPECT_EQ(code("hold", R"({"reason":"r","case":"c","object":"instance:x"})"), "engine.instance");
  EXPECT_EQ(code("release", R"({"reason":"r"})"), "api.invalid case");
  EXPECT_EQ(code("explode", R"({"reason":"r"})"), "http.not_found");
  EXPECT_EQ(to_json(must(admin().status()))["root"].int_or("version", 0), 2);
}

}  // namespace
}  // namespace rabt::keys::admin_test
