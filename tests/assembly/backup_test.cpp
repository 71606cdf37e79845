#include "hub/assembly/backup.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "hub/assembly/foundation.hpp"
#include "hub/assembly/hold.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/keys/retention.hpp"
#include "hub/phi/policy.hpp"

// Backups beside a running hub, and a hub that is held after a restore.
namespace rabt::assembly {
namespace {

namespace fs = std::filesystem;

class Backup : public testing::Test {
 protected:
  Backup() {
    std::string pattern = (fs::temp_directory_path() / "rabt-backup-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.data = (folder_ / "data").string();
    fs::create_directory(config_.data);
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.audit.origin = "rabt.health/audit/t1";
    config_.migrations = RABT_MIGRATIONS;
  }
  ~Backup() override { fs::remove_all(folder_); }
  static bool act(Foundation& hub) {
    const audit::Prepared entry = hub.audit->prepare(
        {.tenant = "t1", .actor = "operator", .act = "test.done", .object = "o", .result = "ok"});
    return hub.store
        ->write(
            [&](store::Transaction& transaction) { return hub.audit->append(transaction, entry); },
            store::Store::Need::required)
        .ok();
  }
  [[nodiscard]] std::vector<std::string> problems(const std::string& folder) const {
    const auto found = verify_backup(folder, config_);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message);
    return found.ok() ? found->problems : std::vector<std::string>{"unreadable"};
  }
  [[nodiscard]] std::string to() const { return (folder_ / "backups").string(); }

  SystemClock clock_;
  fs::path folder_;
  config::Config config_;
};

unsigned mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777U;
}

TEST_F(Backup, OfAHubThatWritesHoldsAndIsForItsUserAlone) {
  const auto hub = Foundation::open(config_, clock_, null_logger());
  ASSERT_TRUE(hub.ok()) << hub.error().message;
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(act(**hub));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) EXPECT_TRUE(act(**hub));
  });
  EXPECT_FALSE(last_backup(config_.data));
  const auto made = create_backup(config_, to(), clock_);
  stop = true;
  writer.join();
  ASSERT_TRUE(made.ok()) << made.error().message;
  EXPECT_EQ(problems(made->folder), std::vector<std::string>{});
  const auto last = last_backup(config_.data);
  ASSERT_TRUE(last) << "alerts know when a backup was made";
  EXPECT_LT(clock_.now().ms - last->ms, 60'000);
  EXPECT_EQ(mode_of(made->folder), 0700U);
  for (const auto& entry : fs::directory_iterator(made->folder)) {
    EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
    EXPECT_EQ(entry.path().filename().string().find("keyring"), std::string::npos);
  }
  EXPECT_EQ(create_backup(config_, made->folder + "/MANIFEST/x", clock_).error().code, "backup.io");
}

TEST_F(Backup, VerifyFindsWhatWasChangedAndAnOlderKeyring) {
  BackupReport made;
  {
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    ASSERT_TRUE(act(**hub));
    const auto report = create_backup(config_, to(), clock_);
    ASSERT_TRUE(report.ok()) << report.error().message;
    made = *report;
  }
  ASSERT_EQ(problems(made.folder), std::vector<std::string>{});
  const std::string generation = "\"keyringGeneration\":";
  std::string manifest = *config::read_text(made.folder + "/MANIFEST");
  manifest.insert(manifest.find(generation) + generation.size(), "9");
  std::ofstream(made.folder + "/MANIFEST") << manifest;
  ASSERT_EQ(problems(made.folder).size(), 1U);
  EXPECT_NE(problems(made.folder)[0].find("keyring"), std::string::npos);
  EXPECT_NE(problems(made.folder)[0].find("is older"), std::string::npos);

  std::ofstream(made.folder + "/audit.vkey", std::ios::app) << "x";
  ASSERT_GE(problems(made.folder).size(), 2U);
  EXPECT_NE(problems(made.folder)[0].find("audit.vkey is not what was backed up"),
            std::string::npos);
  EXPECT_EQ(verify_backup(folder_.string(), config_).error().code, "backup.folder");
}

// Symptom: a backup that no key opened any more was verified. Cause: only generations of the
// keyring were compared, and a later one was good. No test dropped versions after a backup.
TEST_F(Backup, VerifyFindsDataKeysWhoseVersionWasDropped) {
  const keys::Order order{.actor = "tester", .reason = "a test", .client = {}, .request = {}};
  std::string folder;
  std::string bucket;
  {
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    ASSERT_TRUE((*hub)->keys->shared("t1", keys::kEvent).ok());
    const auto lease = (*hub)->keys->lease("t1");
    ASSERT_TRUE(lease.ok());
    bucket = *lease->bucket(keys::kEvent);
    const auto made = create_backup(config_, to(), clock_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    folder = made->folder;
    ASSERT_TRUE((*hub)->key_admin->rotate_bucket(order, bucket).ok());
    ASSERT_TRUE((*hub)->key_admin->rewrap_now(order, false).ok());
    EXPECT_EQ(problems(folder), std::vector<std::string>{}) << "the older version still opens";
    ASSERT_TRUE((*hub)->key_admin->rewrap_now(order, true).ok());
  }
  const auto found = problems(folder);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].find("1 data key of " + bucket + " cannot be opened: the keyring dropped"), 0U)
      << found[0];
}

// Symptom: a backup beside the keyring of another hub was verified.
TEST_F(Backup, VerifyFindsAKeyringOfAnotherHub) {
  std::string folder;
  for (const char* data : {"data", "other"}) {
    config_.data = (folder_ / data).string();
    fs::create_directories(config_.data);
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    ASSERT_TRUE((*hub)->keys->shared("t1", keys::kEvent).ok());
    if (!folder.empty()) continue;
    const auto made = create_backup(config_, to(), clock_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    folder = made->folder;
  }
  const auto found = problems(folder);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("this keyring is of another hub"), std::string::npos) << found[0];
  fs::remove(config_.data + "/keyring");
  const auto without = verify_backup(folder, config_);
  ASSERT_TRUE(without.ok());
  ASSERT_EQ(without->warnings.size(), 1U);
  EXPECT_NE(without->warnings[0].find("there is no keyring"), std::string::npos);
}

// Symptom: a backup whose recordings had been cut or altered was verified. Cause: only their
// presence was checked. No test changed a blob.
TEST_F(Backup, VerifyFindsBlobsThatWereCutLengthenedOrAltered) {
  const std::string content(200'000, 'b');
  std::string folder;
  {
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    fs::create_directories(config_.data + "/blobs");
    for (const char* name : {"kept", "cut", "long", "other", "gone", "new.part"})
      std::ofstream(config_.data + "/blobs/" + name) << content;
    const auto made = create_backup(config_, to(), clock_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made->blobs, 5);
    EXPECT_EQ(made->linked_blobs, 5) << "on one file system";
    folder = made->folder;
  }
  ASSERT_EQ(problems(folder), std::vector<std::string>{});
  // A copy that lies elsewhere, or was put back into a data folder.
  const fs::path copy = folder_ / "restored";
  fs::copy(folder, copy, fs::copy_options::recursive);
  ASSERT_EQ(problems(copy.string()), std::vector<std::string>{});
  const fs::path blobs = copy / "blobs";
  fs::resize_file(blobs / "cut", 10);
  std::ofstream(blobs / "long", std::ios::app) << "x";
  std::fstream(blobs / "other", std::ios::in | std::ios::out).seekp(100'000) << "a";
  fs::remove(blobs / "gone");
  std::vector<std::string> found = problems(copy.string());
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, (std::vector<std::string>{
                       "blobs/cut is not what was backed up: its SHA-256 differs",
                       "blobs/gone is missing or cannot be read",
                       "blobs/long is not what was backed up: its SHA-256 differs",
                       "blobs/other is not what was backed up: its SHA-256 differs"}));
  // A list of sums that was changed to fit.
  std::ofstream(copy / "blobs.sha256") << "";
  ASSERT_EQ(problems(copy.string()).size(), 1U);
  EXPECT_EQ(problems(copy.string())[0],
            "blobs.sha256 is not what was backed up: its SHA-256 differs");
}

// A backup of a version that kept no sums of blobs.
TEST_F(Backup, AnOlderBackupIsVerifiedWithAWarning) {
  std::string folder;
  {
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    const auto made = create_backup(config_, to(), clock_);
    ASSERT_TRUE(made.ok()) << made.error().message;
    folder = made->folder;
  }
  EXPECT_EQ(verify_backup(folder, config_)->warnings, std::vector<std::string>{});
  Json manifest = *Json::parse(*config::read_text(folder + "/MANIFEST"));
  Json sums = manifest["sha256"];
  sums.mutable_object().erase("blobs.sha256");
  manifest.set("sha256", std::move(sums));
  std::ofstream(folder + "/MANIFEST") << manifest.dump();
  fs::remove(folder + "/blobs.sha256");
  const auto found = verify_backup(folder, config_);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->problems, std::vector<std::string>{});
  ASSERT_EQ(found->warnings.size(), 1U);
  EXPECT_NE(found->warnings[0].find("no sums of its blobs"), std::string::npos);
}

http::Request asked(const std::string& method) {
  http::Request request;
  request.method = method;
  request.path = "/health";
  return request;
}

TEST(Held, OnlyRequestsThatLookAreAnsweredAndNothingIsSent) {
  EXPECT_TRUE(only_looks(asked("GET")));
  EXPECT_TRUE(only_looks(asked("HEAD")));
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
    EXPECT_FALSE(only_looks(asked(method))) << method;
  http::Request socket = asked("GET");
  socket.headers = {{"upgrade", "websocket"}};
  EXPECT_FALSE(only_looks(socket));
  EXPECT_EQ(held_answer().status, 503);

  const auto client = make_held_client();
  net::Response answer;
  client->start({.url = "https://example.org/"}, nullptr,
                [&](net::Response got) { answer = std::move(got); });
  EXPECT_EQ(answer.sent, net::Sent::no);
  EXPECT_EQ(answer.error_code, "held");
}

TEST_F(Backup, AHeldHubRunsNothingAndRefusesActs) {
  const auto hub = Hub::start(config_, clock_, null_logger(), phi::strict_policy(), {.hold = true});
  ASSERT_TRUE(hub.ok()) << hub.error().message;
  const auto refused = (*hub)->admit(asked("POST"), "");
  ASSERT_TRUE(std::holds_alternative<http::Response>(refused));
  EXPECT_NE(std::get<http::Response>(refused).body.find("hub.held"), std::string::npos);
  const auto looked = (*hub)->admit(asked("GET"), "");
  const auto* answer = std::get_if<http::Response>(&looked);
  EXPECT_TRUE(answer == nullptr || answer->status != 503);
  (*hub)->stop(0);
}

}  // namespace
}  // namespace rabt::assembly
