#include "hub/keys/fit.hpp"

#include "tests/keys/support.hpp"
#include "tests/recording_logger.hpp"

// A keyring and a database that belong together, or do not.
namespace rabt::keys::fit_test {
namespace {

using rabt::test::must;
using test::House;

class FitTest : public test::HouseTest {
 protected:
  std::string origin(const crypto::Keyring& keyring) {
    std::string code = "ok";
    (void)must(house_->store->read([&](store::Connection& connection) {
      if (const Status same = check_origin(connection, keyring, "t1"); !same.ok())
        code = same.error().code;
      return ok_status();
    }));
    return code;
  }
  // Lines of the start with this keyring.
  std::vector<std::string> lines(const crypto::Keyring& keyring) {
    rabt::test::RecordingLogger log;
    EXPECT_TRUE(log_closed_keys(*house_->store, keyring, "t1", log).ok());
    return log.lines();
  }
  void forget_old(const std::string& bucket) {
    (void)must(house_->admin->rotate_bucket(order(), bucket));
    (void)must(house_->admin->rewrap_now(order(), true));
  }
};

// Symptom: keys that `rewrap --forget-old` had dropped were shown as keys under older versions.
// Cause: the oldest version that opens was not looked at. No test put an older database back.
TEST_F(FitTest, CountsTheDataKeysOfAnOlderDatabaseThatNothingOpens) {
  const std::string bucket = house_->make_many(20, kConsultation)[0].bucket;
  house_->make_many(4, kRecording);
  EXPECT_TRUE(lines(*house_->keyring).empty());
  const auto saved = std::filesystem::path(folder_) / "older.db";
  house_->close_database();
  std::filesystem::copy_file(folder_ + "/rabt.db", saved);
  house_->open_database();
  forget_old(bucket);
  EXPECT_TRUE(lines(*house_->keyring).empty()) << "all were brought along";

  house_->close_database();
  for (const char* rest : {"/rabt.db-wal", "/rabt.db-shm", "/audit.checkpoint"})
    std::filesystem::remove(folder_ + rest);
  std::filesystem::rename(saved, folder_ + "/rabt.db");
  house_->store = database_.open(folder_);
  const auto told = lines(*house_->keyring);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].find("keys.lost data_keys=20 message=20 data keys of " + bucket +
                         " cannot be opened"),
            0U)
      << told[0];
  EXPECT_NE(told[0].find("a backup of the database that was made after"), std::string::npos);
  EXPECT_EQ(origin(*house_->keyring), "ok") << "it is of this hub all the same";
}

TEST_F(FitTest, CountsTheDataKeysForWhichTheKeyringIsTooOld) {
  house_->make();
  const auto older = folder_ + "/older";
  std::filesystem::create_directory(older);
  for (const char* name : {"/keyring", "/root.key"})
    std::filesystem::copy_file(folder_ + name, older + name);
  const std::string bucket = house_->make().bucket;
  (void)must(house_->admin->rotate_bucket(order(), bucket));
  (void)must(house_->admin->rewrap_now(order(), false));
  const auto keyring = rabt::test::open_keyring(older, house_->clock, house_->random);
  const auto told = lines(*keyring);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].find("keys.too_old data_keys=2 "), 0U) << told[0];
  EXPECT_EQ(origin(*keyring), "ok") << "an older keyring of this hub";
  const KeysStatus status = must(house_->admin->status());
  EXPECT_TRUE(status.missing.empty());
}

// Keys of a bucket that somebody had destroyed are no loss.
TEST_F(FitTest, LeavesDestroyedBucketsOut) {
  const NewDataKey key = house_->make(kEvent);
  (void)must(house_->admin->shred(order(), key.bucket, true));
  EXPECT_TRUE(lines(*house_->keyring).empty());
  for (const BucketStatus& bucket : must(house_->admin->status()).buckets)
    EXPECT_EQ(bucket.lost_data_keys, 0U) << bucket.info.name;
}

// Symptom: a keyring of another hub was called a forged audit log. No test put one there.
TEST_F(FitTest, TellsAKeyringOfAnotherHubFromOneOfThis) {
  const auto elsewhere = test::make_folder();
  {
    const rabt::test::StoreUnderTest database;
    House other(elsewhere, database);
    EXPECT_EQ(origin(*other.keyring), "ok") << "nothing is sealed yet";
    house_->make();
    EXPECT_EQ(origin(*house_->keyring), "ok");
    EXPECT_EQ(origin(*other.keyring), "keys.other_hub") << "it has no such bucket";
    other.make();
    EXPECT_EQ(origin(*other.keyring), "keys.other_hub") << "it has the bucket of the same name";
  }
  std::error_code ignored;
  std::filesystem::remove_all(elsewhere, ignored);
}

TEST(ForgottenText, NamesAFewBucketsAndWhatToDo) {
  EXPECT_EQ(forgotten_text({}), "");
  EXPECT_EQ(forgotten_text({{"event/2031-01", 1}}).find("1 data key of event/2031-01 cannot"), 0U);
  std::vector<BucketCount> many;
  for (int i = 1; i <= 7; ++i) many.push_back({"event/2031-0" + std::to_string(i), 2});
  const std::string text = unknown_text(many);
  EXPECT_EQ(text.find("14 data keys of event/2031-01 (2), "), 0U) << text;
  EXPECT_NE(text.find("event/2031-05 (2) and 2 more buckets cannot be opened"), std::string::npos);
}

}  // namespace
}  // namespace rabt::keys::fit_test
