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
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/keys/retention.hpp"
#include "hub/phi/policy.hpp"
#include "hub/plugin/package/plugin_store.hpp"
#include "hub/store/open.hpp"
#include "hub/store/store.hpp"
#include "tests/must.hpp"
#include "tools/demo/signed_store.hpp"

// Backups beside a running hub, and a hub that is held after a restore.
namespace rabt::assembly::backup_test {
namespace {

namespace fs = std::filesystem;
using test::must;

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
  [[nodiscard]] std::vector<std::string> warnings(const std::string& folder) const {
    return must(verify_backup(folder, config_)).warnings;
  }
  [[nodiscard]] std::string to() const { return (folder_ / "backups").string(); }
  // A backup of a hub with five entries in its audit log and with the rows of these statements.
  std::string backup_with(std::initializer_list<const store::Statement*> statements = {}) {
    const auto hub = must(Foundation::open(config_, clock_, null_logger()));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(act(*hub));
    for (const store::Statement* statement : statements) change(*hub->store, *statement);
    return must(create_backup(config_, to(), clock_)).folder;
  }
  static void change(store::Store& store, const store::Statement& statement) {
    must(store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(changed, transaction.execute(statement, {}));
      EXPECT_GT(changed, 0) << statement.sql;
      return ok_status();
    }));
  }
  // Changes a row of the backup's database, as somebody who does not know of MANIFEST.
  static void change_row(const std::string& folder, const store::Statement& statement) {
    const auto store = must(store::open(
        store::SqliteOptions{.path = folder + "/rabt.db", .migrations_folder = RABT_MIGRATIONS},
        null_logger()));
    change(*store, statement);
  }
  // Writes the sum of the database that stands there now into MANIFEST.
  static void fit_manifest(const std::string& folder) {
    std::ifstream in(folder + "/rabt.db", std::ios::binary);
    const std::string database(std::istreambuf_iterator<char>(in), {});
    Json manifest = *Json::parse(*config::read_text(folder + "/MANIFEST"));
    Json sums = manifest["sha256"];
    sums.set("rabt.db", to_hex(crypto::sha256(database)));
    manifest.set("sha256", std::move(sums));
    std::ofstream(folder + "/MANIFEST") << manifest.dump();
  }

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
  BackupReport backup_report;
  {
    const auto hub = Foundation::open(config_, clock_, null_logger());
    ASSERT_TRUE(hub.ok());
    ASSERT_TRUE(act(**hub));
    const auto report = create_backup(config_, to(), clock_);
    ASSERT_TRUE(report.ok()) << report.error().message;
    backup_report = *report;
  }
  ASSERT_EQ(problems(backup_report.folder), std::vector<std::string>{});
  const std::string generation = "\"keyringGeneration\":";
  std::string manifest = *config::read_text(backup_report.folder + "/MANIFEST");
  manifest.insert(manifest.find(generation) + generation.size(), "9");
  std::ofstream(backup_report.folder + "/MANIFEST") << manifest;
  ASSERT_EQ(problems(backup_report.folder).size(), 1U);
  EXPECT_NE(problems(backup_report.folder)[0].find("keyring"), std::string::npos);
  EXPECT_NE(problems(backup_report.folder)[0].find("is older"), std::string::npos);

  std::ofstream(backup_report.folder + "/audit.vkey", std::ios::app) << "x";
  ASSERT_GE(problems(backup_report.folder).size(), 2U);
  EXPECT_NE(problems(backup_report.folder)[0].find("audit.vkey is not what was backed up"),
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

TEST_F(Backup, VerifyFindsAnAlteredEntryOfTheAuditLogAlsoUnderAFittingSum) {
  const std::string folder = backup_with();
  ASSERT_EQ(problems(folder), std::vector<std::string>{});
  static constexpr store::Statement kAltered{
      "UPDATE audit SET canonical = CAST(replace(CAST(canonical AS TEXT), 'test.done', "
      "'test.gone') AS BLOB) WHERE seq = (SELECT min(seq) FROM audit WHERE act = 'test.done')"};
  change_row(folder, kAltered);
  const std::vector<std::string> found = problems(folder);
  ASSERT_GE(found.size(), 2U);
  EXPECT_EQ(found[0], "rabt.db is not what was backed up: its SHA-256 differs");
  EXPECT_EQ(found[1].find("audit: entry "), 0U) << found[1];

  fit_manifest(folder);
  const std::vector<std::string> fitted = problems(folder);
  ASSERT_FALSE(fitted.empty());
  EXPECT_EQ(fitted[0].find("audit: entry "), 0U) << fitted[0];
}

TEST_F(Backup, VerifyFindsADamagedPageOfTheDatabaseAlsoUnderAFittingSum) {
  const std::string folder = backup_with();
  std::int64_t page = 0;
  std::int64_t size = 0;
  {
    const auto reader = must(store::open_reader(store::SqliteOptions{.path = folder + "/rabt.db"}));
    static constexpr store::Statement kPlace{
        "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = "
        "'session'"};
    must(reader->query(kPlace, {}, [&](const store::Row& row) {
      page = row.integer(0);
      size = row.integer(1);
      return false;
    }));
  }
  ASSERT_GT(page, 1);
  ASSERT_GE(size, 512);
  std::fstream(folder + "/rabt.db", std::ios::in | std::ios::out | std::ios::binary)
          .seekp((page - 1) * size)
      << std::string(static_cast<std::size_t>(size), '\xff');
  fit_manifest(folder);
  const std::vector<std::string> found = problems(folder);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].find("rabt.db is damaged: "), std::string::npos) << found[0];
}

// The backup was made when the recording was lost already: the sums of its blobs do not tell.
TEST_F(Backup, VerifyFindsARecordingThatTheDatabaseNamesAndNoFileHolds) {
  static constexpr store::Statement kLost{
      "INSERT INTO blob (id, tenant, content_type, bytes, sha256, data_key, finished, owner, "
      "created_ms) VALUES ('01LOST', 't1', 'video/webm', 5, '', x'00', 1, 'recording', 1)"};
  // No record owns it yet.
  static constexpr store::Statement kUnowned{
      "INSERT INTO blob (id, tenant, content_type, bytes, sha256, data_key, finished, owner, "
      "created_ms) VALUES ('01NEW', 't1', 'video/webm', 5, '', x'00', 1, '', 1)"};
  EXPECT_EQ(problems(backup_with({&kLost, &kUnowned})),
            std::vector<std::string>{"blobs/01LOST is missing"});
}

// Symptom: a restored hub had a list of plugins, and no plugin, no key and no configuration.
TEST_F(Backup, HoldsPluginsAndKeysThatTheLockNamesAndFindsOneThatIsMissingOrChanged) {
  config_.plugins = (folder_ / "store").string();
  must(demo::make_signed_store({std::string(RABT_FIXTURES) + "/desk-1.0.0"},
                               (folder_ / "work").string(), config_.plugins));
  // Neither was added by an operator.
  fs::create_directory(config_.plugins + "/unsigned");
  std::ofstream(config_.plugins + "/unsigned/manifest.yaml") << "id: unsigned\n";
  std::ofstream(config_.plugins + "/secret.txt") << "x";
  const std::string folder = backup_with();
  ASSERT_EQ(problems(folder), std::vector<std::string>{});
  EXPECT_EQ(warnings(folder), std::vector<std::string>{});

  // The copy is a store from which the hub loads.
  const auto store =
      must(plugin::PluginStore::open(folder + "/plugins", plugin::PluginStore::Use::read));
  ASSERT_EQ(store.entries().size(), 1U);
  ASSERT_EQ(store.keys().size(), 1U);
  EXPECT_TRUE(store.load(store.entries().front()).ok());
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder + "/plugins")) {
    EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
    if (entry.path().parent_path() == folder + "/plugins") names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"desk", "keys", "plugins.lock"}));

  const std::string key = "plugins/keys/" + store.keys().front().id() + ".json";
  fs::remove(folder + "/" + key);
  std::ofstream(folder + "/plugins/desk/1.0.0/manifest.yaml", std::ios::app) << "#";
  std::ofstream(folder + "/plugins/plugins.lock", std::ios::app) << " ";
  std::vector<std::string> found = problems(folder);
  std::sort(found.begin(), found.end());
  const std::string changed = " is not what was backed up: its SHA-256 differs";
  EXPECT_EQ(found, (std::vector<std::string>{"plugins/desk/1.0.0/manifest.yaml" + changed,
                                             key + " is missing or cannot be read",
                                             "plugins/plugins.lock" + changed}));
}

// Symptom: a restore put files in place that no backup had held, and `verify` had said nothing.
// Cause: only names in MANIFEST were looked at.
// Tests changed and removed files.
TEST_F(Backup, VerifyNamesWhatWasAddedToPluginsAndConfiguration) {
  const fs::path etc = folder_ / "etc";
  fs::create_directory(etc);
  config_.file = (etc / "rabt.yaml").string();
  std::ofstream(config_.file) << "tenant: t1\n";
  const fs::path folder = backup_with();
  ASSERT_EQ(problems(folder), std::vector<std::string>{});
  const std::string place = "config" + etc.string();
  std::ofstream(folder / place / "more.yaml") << "x";
  fs::create_symlink("/etc", folder / place / "z");
  fs::create_directories(folder / "plugins" / "own" / "1.0.0");
  std::ofstream(folder / "plugins" / "own" / "1.0.0" / "manifest.yaml") << "id: own\n";
  const std::string added =
      " is not of the backup: it was added, and a restore would put it in place";
  EXPECT_EQ(problems(folder),
            (std::vector<std::string>{place + "/more.yaml" + added, place + "/z" + added,
                                      "plugins/own/1.0.0/manifest.yaml" + added}));
}

// Symptom: a set of keys with its private halves was copied into the backup.
// Cause: private keys were looked for in PEM alone.
// Tests had PEM.
TEST_F(Backup, LeavesOutAJwkWithPrivateMembers) {
  const auto hub = must(Foundation::open(config_, clock_, null_logger()));
  int made = 0;
  const auto left_out = [&](const std::string& jwks) {
    const fs::path file = folder_ / (std::to_string(++made) + ".jwks");
    std::ofstream(file) << jwks;
    config_.identity.issuers.resize(1);
    config_.identity.issuers[0].jwks = file.string();
    const BackupReport report =
        must(create_backup(config_, (folder_ / std::to_string(made)).string(), clock_));
    const bool copied = fs::exists(report.folder + "/config" + file.string());
    EXPECT_EQ(report.secret,
              copied ? std::vector<std::string>{}
                     : std::vector<std::string>{file.string() + ": it holds a private key"});
    EXPECT_EQ(problems(report.folder), std::vector<std::string>{});
    return !copied;
  };
  EXPECT_FALSE(left_out(R"({"keys": [{"kty": "EC", "crv": "P-256", "x": "A", "y": "A"}]})"));
  EXPECT_FALSE(left_out(R"({"keys": [{"kty": "RSA", "n": "A", "e": "AQAB", "kid": "d"}]})"));
  for (const char* key :
       {R"({"kty": "EC", "crv": "P-256", "x": "A", "y": "A", "d": "A"})",
        R"({"kty": "RSA", "n": "A", "e": "AQAB", "p": "A", "q": "A"})",
        R"({"kty": "oct", "k": "A"})", R"({"kty": "AKP", "alg": "ML-DSA-44", "priv": "A"})"}) {
    EXPECT_TRUE(left_out(key)) << key;
    EXPECT_TRUE(left_out(std::string(R"({"keys": [)") + key + "]}")) << key;
  }
}

// A nightly backup of the database is worth more than one that ends at a damaged store.
TEST_F(Backup, NamesPluginsThatItCouldNotCopyAndHoldsEverythingElse) {
  config_.plugins = (folder_ / "store").string();
  must(demo::make_signed_store({std::string(RABT_FIXTURES) + "/desk-1.0.0"},
                               (folder_ / "work").string(), config_.plugins));
  const fs::path package = fs::path(config_.plugins) / "desk" / "1.0.0";
  fs::create_symlink("/etc/passwd", package / "link");
  const auto hub = must(Foundation::open(config_, clock_, null_logger()));
  // Backups of one second have one name.
  const auto made = [&](const char* to) {
    return must(create_backup(config_, (folder_ / to).string(), clock_));
  };
  const BackupReport linked = made("linked");
  ASSERT_EQ(linked.missing.size(), 1U);
  EXPECT_EQ(linked.missing[0].find((package / "link").string() + ": it is a link"), 0U);
  EXPECT_FALSE(fs::exists(linked.folder + "/plugins/desk/1.0.0/link"));
  EXPECT_TRUE(fs::exists(linked.folder + "/plugins/desk/1.0.0/manifest.yaml"));

  fs::remove_all(package);
  const BackupReport gone = made("gone");
  ASSERT_EQ(gone.missing.size(), 1U);
  EXPECT_EQ(gone.missing[0].find(package.string() + ": plugins.lock names it"), 0U);

  std::ofstream(config_.plugins + "/plugins.lock") << "{}";
  const BackupReport damaged = made("damaged");
  ASSERT_EQ(damaged.missing.size(), 1U);
  EXPECT_EQ(damaged.missing[0].find("plugins of " + config_.plugins + ": "), 0U);
  EXPECT_EQ(problems(damaged.folder), std::vector<std::string>{});
  EXPECT_EQ(warnings(damaged.folder),
            std::vector<std::string>{"not in the backup: " + damaged.missing[0]});
}

TEST_F(Backup, HoldsTheConfigurationAndWhatItNamesAndNoSecret) {
  const auto hub = must(Foundation::open(config_, clock_, null_logger()));
  const fs::path etc = folder_ / "etc";
  for (const char* name : {"flows", "maps", "texts"}) fs::create_directories(etc / name);
  const std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const auto file = [&](const std::string& name, const std::string& content) {
    std::ofstream(etc / name) << content;
    return (etc / name).string();
  };
  config_.file = file("rabt.yaml", "tenant: t1\n");
  config_.common = file("tenants.yaml", "tenants: {}\n");
  // A folder of a deployment often has links.
  const std::string flow = file("flows/v7.yaml", "do: []\n");
  fs::create_symlink(flow, etc / "flow.yaml");
  config_.workflows = {(etc / "flow.yaml").string(), (etc / "none.yaml").string()};
  config_.maps = (etc / "maps").string();
  file("maps/sex.csv", "from,to\n");
  file("maps/secret.txt", "a-secret");
  config_.messages = (etc / "texts").string();
  file("texts/ar.yaml", "a: b\n");
  file("texts/en.yaml", "a: b\n");
  config_.http.ca = file("ca.pem", pem);
  config_.plugin["clinic"].source =
      file("clinic.yaml", "maps: {sex: maps/sex.csv, more: more.csv}\nschema: clinic.json\n");
  file("more.csv", "from,to\n");
  file("clinic.json", "{}");
  config_.plugin["clinic"].secrets["token"] = {.file = file("token", "a-secret"), .env = {}};
  config_.plugin["clinic"].tls_key = file("client.key", "a-secret");
  config_.server.tls_certificates = file(
      "hub.pem", pem + "-----BEGIN EC PRIVATE KEY-----\na-secret\n-----END EC PRIVATE KEY-----\n");
  config_.server.tls_key = config_.server.tls_certificates;
  const BackupReport report = must(create_backup(config_, to(), clock_));

  const std::string place = "config" + etc.string();
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(report.folder + "/config")) {
    EXPECT_EQ(mode_of(entry.path()), entry.is_directory() ? 0700U : 0600U) << entry.path();
    EXPECT_FALSE(entry.is_symlink()) << entry.path();
    if (entry.is_directory()) continue;
    EXPECT_EQ(must(config::read_text(entry.path())).find("a-secret"), std::string::npos);
    names.push_back(entry.path().lexically_relative(report.folder + "/" + place).string());
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"ca.pem", "clinic.json", "clinic.yaml", "flow.yaml",
                                             "maps/sex.csv", "more.csv", "rabt.yaml",
                                             "tenants.yaml", "texts/ar.yaml", "texts/en.yaml"}));
  EXPECT_EQ(report.files, names.size());
  EXPECT_EQ(report.secret,
            std::vector<std::string>{(etc / "hub.pem").string() + ": it holds a private key"});
  EXPECT_EQ(report.missing,
            std::vector<std::string>{(etc / "none.yaml").string() + ": No such file or directory"});
  ASSERT_EQ(warnings(report.folder).size(), 2U);
  EXPECT_EQ(warnings(report.folder)[0], "not in the backup: " + report.missing[0]);

  ASSERT_EQ(problems(report.folder), std::vector<std::string>{});
  fs::remove(report.folder + "/" + place + "/flow.yaml");
  std::ofstream(report.folder + "/" + place + "/rabt.yaml", std::ios::app) << "#";
  EXPECT_EQ(problems(report.folder),
            (std::vector<std::string>{
                place + "/flow.yaml is missing or cannot be read",
                place + "/rabt.yaml is not what was backed up: its SHA-256 differs"}));
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
}  // namespace rabt::assembly::backup_test
