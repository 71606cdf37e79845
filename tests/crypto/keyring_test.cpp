#include "hub/crypto/keyring.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <thread>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/crypto/keyring_file.hpp"
#include "tests/crypto/support.hpp"
#include "tests/keyring.hpp"

namespace rabt::crypto::keyring_test {
namespace {

const std::string kBucket = "consultation/2036-11";
const std::string kId(16, 'i');

SecretBytes key_of(char c) {
  return SecretBytes(std::string(kWrapKeyBytes, c));
}

class KeyringTest : public testing::Test {
 protected:
  [[nodiscard]] std::unique_ptr<Keyring> open() {
    return test::open_keyring(folder_.text(), clock_, random_, {"acme"});
  }
  // Without the tenant.
  [[nodiscard]] Result<std::unique_ptr<Keyring>> try_open() {
    auto root = open_file_root(folder_ / "root.key", random_, true);
    if (!root.ok()) return root.error();
    return Keyring::open_or_create({.path = path_, .root = std::move(*root)}, clock_, random_);
  }
  static std::shared_ptr<const TenantKeys> keys(const Keyring& keyring,
                                                std::string_view tenant = "acme") {
    auto found = keyring.tenant(tenant);
    EXPECT_TRUE(found.ok()) << (found.ok() ? "" : found.error().message);
    return found.ok() ? *found : nullptr;
  }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

  test::TemporaryFolder folder_;
  FakeClock clock_;
  SystemRandom random_;
  const std::string path_ = folder_ / "keyring";
};

TEST_F(KeyringTest, IsMadeWithMode0600AndOpenedAgain) {
  std::string wrapped;
  std::string index;
  std::string purpose;
  {
    const auto keyring = open();
    struct stat info {};
    ASSERT_EQ(::stat(path_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((folder_ / "root.key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0400U);
    ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
    const auto tenant = keys(*keyring);
    wrapped = *tenant->wrap({kBucket, 1}, kId, key_of('k').expose());
    EXPECT_EQ(wrapped.size(), kWrappedBytes);
    index = tenant->blind_index("mrn", "123");
    purpose = std::string(tenant->purpose_key("kv").expose_text());
  }
  const auto keyring = open();
  const auto tenant = keys(*keyring);
  EXPECT_TRUE(tenant->unwrap({kBucket, 1}, kId, wrapped)->equals(key_of('k').expose()));
  EXPECT_EQ(tenant->blind_index("mrn", "123"), index);
  EXPECT_EQ(*keyring->blind_index("acme", "mrn", "123"), index);
  EXPECT_EQ(tenant->purpose_key("kv").expose_text(), purpose);
  EXPECT_EQ(keyring->purpose_key("acme", "kv")->expose_text(), purpose);
}

TEST_F(KeyringTest, KeepsTenantsBucketsVersionsAndIdsApart) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_tenant("beta").ok());
  const std::string other = "event/2036-11";
  for (const char* name : {"acme", "beta"})
    ASSERT_TRUE(keyring->ensure_buckets(name, {kBucket, other}).ok());
  ASSERT_TRUE(keyring->rotate_bucket("acme", kBucket).ok());
  const auto acme = keys(*keyring);
  const auto beta = keys(*keyring, "beta");
  const std::string wrapped = *acme->wrap({kBucket, 1}, kId, key_of('k').expose());
  EXPECT_TRUE(acme->unwrap({kBucket, 1}, kId, wrapped).ok());
  const auto refused = [](const Result<SecretBytes>& result) {
    return !result.ok() && result.error().code == "crypto.unwrap" &&
           result.error().kind == ErrorKind::corrupt;
  };
  EXPECT_TRUE(refused(beta->unwrap({kBucket, 1}, kId, wrapped)));
  EXPECT_TRUE(refused(acme->unwrap({kBucket, 2}, kId, wrapped)));
  EXPECT_TRUE(refused(acme->unwrap({other, 1}, kId, wrapped)));
  EXPECT_TRUE(refused(acme->unwrap({kBucket, 1}, std::string(16, 'j'), wrapped)));
  EXPECT_TRUE(refused(acme->unwrap({"consultation/2036-12", 1}, kId, wrapped)));

  EXPECT_NE(acme->blind_index("mrn", "1"), beta->blind_index("mrn", "1"));
  EXPECT_NE(acme->blind_index("mrn", "1"), acme->blind_index("phone", "1"));
  EXPECT_EQ(acme->blind_index("mrn", "1").size(), 16U);
  EXPECT_FALSE(acme->purpose_key("kv").equals(beta->purpose_key("kv").expose()));
  EXPECT_FALSE(acme->purpose_key("kv").equals(acme->purpose_key("webhook").expose()));
}

TEST_F(KeyringTest, RefusesAChangedWrappedKey) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  const auto tenant = keys(*keyring);
  const std::string wrapped = *tenant->wrap({kBucket, 1}, kId, key_of('k').expose());
  for (std::size_t at = 0; at < wrapped.size() * 8; ++at) {
    std::string changed = wrapped;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << at % 8));
    EXPECT_FALSE(tenant->unwrap({kBucket, 1}, kId, changed).ok()) << at;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_FALSE(tenant->unwrap({kBucket, 1}, kId, wrapped.substr(0, size)).ok());
}

TEST_F(KeyringTest, RefusesFilesThatOthersCanReadAndNamesTheCommand) {
  (void)open();
  for (const char* name : {"keyring", "root.key"}) {
    const std::string path = folder_ / name;
    const std::string code =
        std::string(name) == "keyring" ? "crypto.keyring_mode" : "crypto.root_mode";
    for (const mode_t mode : {0640, 0604, 0660, 0644}) {
      ASSERT_EQ(::chmod(path.c_str(), mode), 0);
      const auto keyring = try_open();
      ASSERT_FALSE(keyring.ok());
      EXPECT_EQ(keyring.error().code, code);
      EXPECT_NE(keyring.error().message.find("chmod 600 '" + path + "'"), std::string::npos);
    }
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  }
  EXPECT_TRUE(try_open().ok());
}

TEST_F(KeyringTest, RefusesEveryDamageAndLeavesTheFileAlone) {
  {
    const auto keyring = open();
    ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket, "hold/case-1"}).ok());
    ASSERT_TRUE(keyring->destroy_bucket("acme", "hold/case-1", "test").ok());
  }
  const std::string good = test::read_file(path_);
  std::vector<std::string> damaged = {"", "x", good.substr(0, good.size() - 1), good + 'x',
                                      std::string(good.size(), '\0')};
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int bit : {1, 128}) {
      damaged.push_back(good);
      damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ bit);
    }
  }
  for (const std::string& bytes : damaged) {
    write(bytes);
    const auto keyring = try_open();
    ASSERT_FALSE(keyring.ok());
    EXPECT_EQ(keyring.error().code, "crypto.keyring_corrupt");
    EXPECT_EQ(test::read_file(path_), bytes);
  }
  write(good);
  EXPECT_TRUE(try_open().ok());
}

// Somebody who can write the file, but does not have the root, makes the checksum again. What he
// changed in the part of a tenant is found when that tenant's keys are opened: a tombstone taken
// away, a hold ended, a version of a key put in the place of another.
TEST_F(KeyringTest, FindsAChangeWhoseChecksumWasMadeAgain) {
  {
    const auto keyring = open();
    ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket, "hold/case-1", "event/2026-03"}).ok());
    ASSERT_TRUE(keyring->hold_bucket("acme", "event/2026-03", "case-2").ok());
    ASSERT_TRUE(keyring->destroy_bucket("acme", "hold/case-1", "test").ok());
  }
  const std::string good = test::read_file(path_);
  const auto file = PrivateFile{path_, "crypto.keyring", "the keyring", kMaxKeyringFile};
  const auto parsed = parse_keyring(file, as_bytes(good));
  ASSERT_TRUE(parsed.ok());
  // Everything before the first tenant: magic, format, generation, root, count. The generation is
  // the one number there that a changed file can have and still be opened.
  const std::size_t head =
      8 + 4 + 8 + 4 + parsed->root_kind.size() + 4 + parsed->root_id.size() + 4;
  int refused_by_parser = 0;
  int refused_by_keys = 0;
  for (std::size_t at = head; at < good.size() - 32; ++at) {
    std::string changed = good.substr(0, good.size() - 32);
    changed[at] = static_cast<char>(changed[at] ^ 1);
    changed += as_text(sha256(changed));
    write(changed);
    const auto keyring = try_open();
    if (!keyring.ok()) {
      EXPECT_EQ(keyring.error().code, "crypto.keyring_corrupt") << at;
      ++refused_by_parser;
      continue;
    }
    const auto tenant = (*keyring)->tenant("acme");
    ASSERT_FALSE(tenant.ok()) << "byte " << at;
    const std::set<std::string> codes = {"crypto.unwrap", "crypto.keyring_corrupt",
                                         "crypto.tenant"};
    EXPECT_TRUE(codes.contains(tenant.error().code)) << tenant.error().code;
    ++refused_by_keys;
  }
  EXPECT_GT(refused_by_parser, 50);
  EXPECT_GT(refused_by_keys, 200);
}

TEST_F(KeyringTest, RefusesANewerFormatByItsNumber) {
  (void)open();
  std::string bytes = test::read_file(path_);
  bytes.resize(bytes.size() - 32);
  bytes[11] = 2;
  write(bytes + std::string(as_text(sha256(bytes))));
  const auto keyring = try_open();
  ASSERT_FALSE(keyring.ok());
  EXPECT_EQ(keyring.error().code, "crypto.keyring_newer");
  EXPECT_NE(keyring.error().message.find("format 2"), std::string::npos);
}

TEST_F(KeyringTest, RefusesTheKeyringOfAnotherRoot) {
  (void)open();
  ASSERT_EQ(::unlink((folder_ / "root.key").c_str()), 0);
  const auto keyring = try_open();  // makes another root
  ASSERT_FALSE(keyring.ok());
  EXPECT_EQ(keyring.error().code, "crypto.keyring_root");
}

// The id of the root stands in clear: who changes it too still has no key that unwraps.
TEST_F(KeyringTest, OpensNothingWithAnotherRootThatCallsItselfTheSame) {
  const std::string hex(64, 'a');
  const auto open_with = [&](const std::string& value) {
    return Keyring::open_or_create(
        {.path = path_, .root = std::move(*make_development_root(SecretBytes(value), "ROOT"))},
        clock_, random_);
  };
  ASSERT_TRUE((*open_with(hex))->ensure_tenant("acme").ok());
  EXPECT_TRUE((*open_with(hex))->tenant("acme").ok());
  const auto other = (*open_with(std::string(64, 'b')))->tenant("acme");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, "crypto.unwrap");
}

TEST_F(KeyringTest, SaysWhenItsFolderIsMissing) {
  const auto keyring = Keyring::open_or_create(
      {.path = "/nonexistent-folder/keyring",
       .root = std::move(*make_development_root(SecretBytes(std::string(64, '0')), "ROOT"))},
      clock_, random_);
  ASSERT_FALSE(keyring.ok());
  EXPECT_EQ(keyring.error().code, "crypto.keyring_io");
  EXPECT_NE(keyring.error().message.find("/nonexistent-folder/keyring"), std::string::npos);
}

TEST_F(KeyringTest, GivesNoKeysOfATenantThatItDoesNotHave) {
  const auto keyring = open();
  const auto tenant = keyring->tenant("nobody");
  ASSERT_FALSE(tenant.ok());
  EXPECT_EQ(tenant.error().code, "crypto.tenant");
  EXPECT_EQ(keyring->ensure_tenant("").error().code, "crypto.tenant_name");
  EXPECT_EQ(keyring->ensure_tenant(std::string(257, 'x')).error().code, "crypto.tenant_name");
  EXPECT_TRUE(keyring->ensure_tenant(std::string(256, 'x')).ok());
}

TEST_F(KeyringTest, TakesNoBucketNameThatCouldMeanSomethingElse) {
  const auto keyring = open();
  for (const char* name : {"", "event", "/2026-01", "event/", "Event/2026-01", "event/2026 01",
                           "event/../x", "event/2026-01\n"}) {
    EXPECT_FALSE(keyring->ensure_buckets("acme", {name}).ok()) << name;
  }
  EXPECT_FALSE(keyring->ensure_buckets("acme", {"event/" + std::string(95, '1')}).ok());
  EXPECT_TRUE(keyring->ensure_buckets("acme", {"event/" + std::string(94, '1')}).ok());
}

TEST_F(KeyringTest, KeepsTheKeysThatTwoOpenKeyringsAdd) {
  const auto one = open();
  const auto two = open();
  ASSERT_TRUE(one->ensure_tenant("a").ok());
  ASSERT_TRUE(two->ensure_tenant("b").ok());
  ASSERT_TRUE(one->ensure_buckets("acme", {"event/2026-01"}).ok());
  ASSERT_TRUE(two->ensure_buckets("acme", {"event/2026-02"}).ok());
  ASSERT_TRUE(one->ensure_buckets("acme", {"event/2026-02"}).ok());
  const auto info = open()->info();
  ASSERT_TRUE(info.ok());
  ASSERT_EQ(info->tenants.size(), 3U);
  EXPECT_EQ(info->tenants[1].buckets.size(), 2U);
  // The one that two made is the one that one uses.
  const std::string wrapped = *keys(*two)->wrap({"event/2026-02", 1}, kId, key_of('k').expose());
  EXPECT_TRUE(keys(*one)->unwrap({"event/2026-02", 1}, kId, wrapped).ok());
}

TEST_F(KeyringTest, MakesOneKeyForABucketThatManyThreadsUseFirst) {
  const auto keyring = open();
  std::vector<std::string> wrapped(8);
  std::vector<std::thread> threads;
  for (auto& one : wrapped) {
    threads.emplace_back([&] {
      if (keyring->ensure_buckets("acme", {kBucket}).ok())
        one = *keys(*keyring)->wrap({kBucket, 1}, kId, key_of('k').expose());
    });
  }
  for (auto& thread : threads) thread.join();
  // KWP is deterministic: one wrapping key gives one result.
  EXPECT_EQ(std::set<std::string>(wrapped.begin(), wrapped.end()).size(), 1U);
}

TEST_F(KeyringTest, ReportsAFileThatCannotBeWrittenAndChangesNothing) {
  std::unique_ptr<Keyring> keyring;
  {
    test::TemporaryFolder gone;
    keyring = test::open_keyring(gone.text(), clock_, random_, {"acme"});
    EXPECT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
    EXPECT_FALSE(keyring->ensure_buckets("acme", {"no bucket"}).ok());
    EXPECT_EQ(keyring->trouble(), "") << "a wrong name is no trouble of the file";
  }
  EXPECT_FALSE(keyring->ensure_tenant("beta").ok());
  EXPECT_FALSE(keyring->ensure_buckets("acme", {"event/2026-01"}).ok());
  EXPECT_EQ(keyring->trouble(), "crypto.keyring_io");
}

// Symptom: with a full disk callers of the API saw the path of the keyring, and /health passed.
TEST_F(KeyringTest, AFullDiskIsCalledThatWithoutAPathUntilThereIsRoom) {
  const PrivateFile file{folder_.text() + "/keyring", "crypto.keyring", "the keyring", 100};
  errno = ENOSPC;
  const Error full = file.io_error("write it");
  EXPECT_EQ(full.code, "crypto.keyring_full");
  EXPECT_EQ(full.message.find(folder_.text()), std::string::npos);
  errno = EACCES;
  EXPECT_EQ(file.io_error("write it").code, "crypto.keyring_io");
}

// ---- rotation and destruction

TEST_F(KeyringTest, EveryRotationLeavesIndexesPurposesAndWrappedKeysGood) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  const std::string index = *keyring->blind_index("acme", "mrn", "1");
  const std::string purpose(keyring->purpose_key("acme", "audit-signing/1")->expose_text());
  const std::string wrapped = *keys(*keyring)->wrap({kBucket, 1}, kId, key_of('k').expose());
  const auto check = [&](const char* what) {
    const std::unique_ptr<Keyring> fresh = open();
    for (Keyring* one : {keyring.get(), fresh.get()}) {
      EXPECT_EQ(*one->blind_index("acme", "mrn", "1"), index) << what;
      EXPECT_EQ(one->purpose_key("acme", "audit-signing/1")->expose_text(), purpose) << what;
      EXPECT_TRUE(keys(*one)->unwrap({kBucket, 1}, kId, wrapped).ok()) << what;
    }
  };
  EXPECT_EQ(*keyring->rotate_root(), 2U);
  check("root");
  EXPECT_EQ(*keyring->rotate_tenant("acme"), 2U);
  check("tenant");
  EXPECT_EQ(*keyring->rotate_bucket("acme", kBucket), 2U);
  check("bucket");
  EXPECT_EQ(*keys(*keyring)->bucket(kBucket), 2U);
  EXPECT_EQ(*keyring->destroy_old_roots(), 2U);
  check("old roots");
  const auto info = *keyring->info();
  EXPECT_EQ(info.tenants[0].root_version, 2U);
  EXPECT_EQ(info.tenants[0].key_version, 2U);
  EXPECT_EQ(info.tenants[0].buckets[0].version, 2U);
  EXPECT_EQ(info.tenants[0].buckets[0].oldest_version, 1U);

  ASSERT_TRUE(keyring->forget_old_versions("acme", kBucket).ok());
  const auto gone = keys(*keyring)->unwrap({kBucket, 1}, kId, wrapped);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code, "keys.shredded");
}

TEST_F(KeyringTest, ADestroyedBucketOpensNothingAndItsNameIsNeverUsedAgain) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket, "event/2026-03"}).ok());
  const std::string wrapped = *keys(*keyring)->wrap({kBucket, 1}, kId, key_of('k').expose());
  const std::string other = *keys(*keyring)->wrap({"event/2026-03", 1}, kId, key_of('o').expose());
  clock_.set({2'000'000'000'000});
  ASSERT_TRUE(keyring->destroy_bucket("acme", kBucket, "retention").ok());
  const auto again = open();
  for (Keyring* one : {keyring.get(), again.get()}) {
    const auto tenant = keys(*one);
    const auto opened = tenant->unwrap({kBucket, 1}, kId, wrapped);
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, "keys.shredded");
    EXPECT_EQ(opened.error().kind, ErrorKind::not_found);
    EXPECT_NE(opened.error().message.find("2033-05-18"), std::string::npos);
    EXPECT_TRUE(tenant->destroyed(kBucket));
    EXPECT_FALSE(tenant->bucket(kBucket).has_value());
    EXPECT_TRUE(tenant->unwrap({"event/2026-03", 1}, kId, other).ok());
    EXPECT_EQ(one->ensure_buckets("acme", {kBucket}).error().kind, ErrorKind::conflict);
  }
  EXPECT_EQ(keyring->destroy_bucket("acme", kBucket, "again").error().code, "keys.shredded");
  EXPECT_EQ(keyring->rotate_bucket("acme", kBucket).error().code, "keys.shredded");
  const auto info = *keyring->info();
  const auto& tombstone = info.tenants[0].buckets[0];
  EXPECT_TRUE(tombstone.destroyed);
  EXPECT_EQ(tombstone.reason, "retention");
  EXPECT_EQ(tombstone.destroyed_at.ms, 2'000'000'000'000);
}

TEST_F(KeyringTest, AHoldKeepsABucketFromBeingDestroyed) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  ASSERT_TRUE(keyring->hold_bucket("acme", kBucket, "case-7").ok());
  EXPECT_EQ(keyring->hold_bucket("acme", kBucket, "case-8").error().code, "keys.held");
  const auto refused = open()->destroy_bucket("acme", kBucket, "x");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "keys.held");
  EXPECT_NE(refused.error().message.find("case-7"), std::string::npos);
  ASSERT_TRUE(keyring->hold_bucket("acme", kBucket, "").ok());
  EXPECT_TRUE(keyring->destroy_bucket("acme", kBucket, "x").ok());
}

// Older copies of the keyring open everything while the root has the version that wrapped them, and
// nothing once that version was destroyed.
TEST_F(KeyringTest, AnOlderCopyOpensNothingOnceTheOldRootIsDestroyed) {
  auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  const std::string wrapped = *keys(*keyring)->wrap({kBucket, 1}, kId, key_of('k').expose());
  const std::string copy = test::read_file(path_);
  ASSERT_TRUE(keyring->destroy_bucket("acme", kBucket, "retention").ok());
  const std::string newest = test::read_file(path_);

  write(copy);
  EXPECT_TRUE(keys(*open())->unwrap({kBucket, 1}, kId, wrapped).ok());
  write(newest);
  ASSERT_TRUE(keyring->rotate_root().ok());
  EXPECT_EQ(keyring->root_versions()->oldest, 1U);
  ASSERT_TRUE(keyring->destroy_old_roots().ok());
  EXPECT_EQ(keyring->root_versions()->oldest, 2U);
  EXPECT_TRUE(keys(*open())->destroyed(kBucket));
  write(copy);
  const auto opened = open()->tenant("acme");
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, "crypto.unwrap");
}

// Nothing of a file before it was replaced can be read from its blocks, where the file system
// writes in place: a second name keeps them to be looked at.
TEST_F(KeyringTest, OverwritesWhatTheFileWasBeforeADestruction) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  const std::string kept = folder_ / "old-blocks";
  ASSERT_EQ(::link(path_.c_str(), kept.c_str()), 0);
  const std::size_t size = test::read_file(kept).size();
  ASSERT_TRUE(keyring->destroy_bucket("acme", kBucket, "retention").ok());
  EXPECT_EQ(test::read_file(kept), std::string(size, '\0'));
}

// A crash between writing and renaming leaves a file with the keys of then.
TEST_F(KeyringTest, OverwritesWhatACrashLeftBehind) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  std::filesystem::copy(path_, std::string(path_) + ".tmp");
  const std::string kept = folder_ / "old-blocks";
  ASSERT_EQ(::link((std::string(path_) + ".tmp").c_str(), kept.c_str()), 0);
  const std::size_t size = test::read_file(kept).size();
  ASSERT_TRUE(keyring->destroy_bucket("acme", kBucket, "retention").ok());
  EXPECT_EQ(test::read_file(kept), std::string(size, '\0'));
}

TEST_F(KeyringTest, HoldsNoKeyInClear) {
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_buckets("acme", {kBucket}).ok());
  const std::string root = test::read_file(folder_ / "root.key");
  const std::string file = test::read_file(path_);
  // Root: 8 magic, 4 format, 16 id, 4 count, 4 version, 32 key.
  EXPECT_EQ(file.find(root.substr(36, 32)), std::string::npos);
  EXPECT_EQ(file.find(keyring->purpose_key("acme", "kv")->expose_text()), std::string::npos);
}

// ---- a root that does not answer

class Moody final : public RootProvider {
 public:
  explicit Moody(std::unique_ptr<RootProvider> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] std::string kind() const override { return inner_->kind(); }
  [[nodiscard]] std::string id() const override { return inner_->id(); }
  Result<std::uint32_t> version() override { return inner_->version(); }
  Result<std::uint32_t> oldest_version() override { return inner_->oldest_version(); }
  Result<Wrapped> wrap(ByteView key, std::string_view context) override {
    return inner_->wrap(key, context);
  }
  Result<SecretBytes> unwrap(const Wrapped& wrapped, std::string_view context) override {
    ++asked;
    if (away) return unavailable("keys.root", "the root does not answer");
    return inner_->unwrap(wrapped, context);
  }
  Result<std::uint32_t> rotate() override { return inner_->rotate(); }
  Status destroy_below(std::uint32_t version) override { return inner_->destroy_below(version); }
  bool away = false;
  int asked = 0;

 private:
  std::unique_ptr<RootProvider> inner_;
};

TEST_F(KeyringTest, WorksWithoutTheRootUntilItsKeysExpireAndAgainWhenItIsBack) {
  auto moody =
      std::make_unique<Moody>(std::move(*open_file_root(folder_ / "root.key", random_, true)));
  Moody& root = *moody;
  auto keyring = std::move(*Keyring::open_or_create(
      {.path = path_, .root = std::move(moody), .ttl_ms = 300'000}, clock_, random_));
  ASSERT_TRUE(keyring->ensure_tenant("acme").ok());
  const auto held = keys(*keyring);
  const int asked = root.asked;
  root.away = true;
  clock_.advance_ms(299'999);
  EXPECT_TRUE(keyring->tenant("acme").ok());
  EXPECT_EQ(root.asked, asked);
  clock_.advance_ms(1);
  const auto away = keyring->tenant("acme");
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(away.error().code, "keys.root");
  // A second attempt right after a failure does not ask the root again.
  const int failures = root.asked;
  EXPECT_FALSE(keyring->tenant("acme").ok());
  EXPECT_EQ(root.asked, failures);
  // Keys already in use go on working.
  EXPECT_EQ(held->blind_index("mrn", "1").size(), 16U);
  root.away = false;
  EXPECT_FALSE(keyring->tenant("acme").ok());
  clock_.advance_ms(Keyring::kRetryMs);
  EXPECT_TRUE(keyring->tenant("acme").ok());
}

// Symptom: after a crash data could not be opened. Cause: a key was used before it was on disk.
// Here a child makes a bucket, wraps a key, says so and dies at once; what it wrapped must open.
TEST_F(KeyringTest, HasABucketsKeyOnDiskBeforeItIsUsed) {
  for (int run = 0; run < 10; ++run) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::string bucket = "event/20" + std::to_string(30 + run) + "-01";
    const pid_t child = ::fork();
    if (child == 0) {
      const auto keyring = open();
      if (!keyring->ensure_buckets("acme", {bucket}).ok()) ::_exit(1);
      const auto wrapped = (*keyring->tenant("acme"))->wrap({bucket, 1}, kId, key_of('k').expose());
      if (::write(ends[1], wrapped->data(), wrapped->size()) != kWrappedBytes) ::_exit(1);
      ::_exit(0);
    }
    char wrapped[kWrappedBytes];
    ASSERT_EQ(::read(ends[0], wrapped, sizeof wrapped), static_cast<ssize_t>(kWrappedBytes));
    ::close(ends[0]);
    ::close(ends[1]);
    int state = 0;
    ::waitpid(child, &state, 0);
    EXPECT_TRUE(
        keys(*open())->unwrap({bucket, 1}, kId, std::string_view(wrapped, sizeof wrapped)).ok());
  }
}

}  // namespace
}  // namespace rabt::crypto::keyring_test
