#include "hub/crypto/root.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/key_wrap.hpp"
#include "hub/crypto/keyring.hpp"
#include "tests/crypto/support.hpp"
#include "tests/softhsm.hpp"

// One set of rules for every root provider; the root in Vault is in tests/keys.
namespace rabt::crypto::root_test {
namespace {

SecretBytes key_of(char c) {
  return SecretBytes(std::string(kWrapKeyBytes, c));
}

// Opens one and the same root each time.
using Open = std::function<Result<std::unique_ptr<RootProvider>>()>;

void keeps_the_rules(const Open& open) {
  auto root = open();
  ASSERT_TRUE(root.ok()) << root.error().message;
  EXPECT_EQ(*(*root)->version(), 1U);
  const auto first = (*root)->wrap(key_of('a').expose(), "context one");
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->version, 1U);
  EXPECT_EQ(first->bytes.size(), kWrappedBytes);
  EXPECT_TRUE((*root)->unwrap(*first, "context one")->equals(key_of('a').expose()));

  // Bound to its context; every changed bit is found.
  const auto refused = [&](const RootProvider::Wrapped& wrapped, std::string_view context) {
    const auto key = (*root)->unwrap(wrapped, context);
    return !key.ok() && key.error().kind == ErrorKind::corrupt &&
           key.error().code == "crypto.unwrap";
  };
  EXPECT_TRUE(refused(*first, "context two"));
  for (std::size_t at = 0; at < first->bytes.size(); ++at) {
    RootProvider::Wrapped changed = *first;
    changed.bytes[at] = static_cast<char>(changed.bytes[at] ^ 0x10);
    EXPECT_TRUE(refused(changed, "context one")) << at;
  }
  for (const std::size_t size : {0U, 8U, 48U, 55U}) {
    EXPECT_TRUE(refused({1, first->bytes.substr(0, size)}, "context one")) << size;
  }
  EXPECT_TRUE(refused({2, first->bytes}, "context one"));

  ASSERT_EQ(*(*root)->rotate(), 2U);
  const auto second = (*root)->wrap(key_of('b').expose(), "context one");
  EXPECT_EQ(second->version, 2U);
  EXPECT_EQ(*(*root)->oldest_version(), 1U);
  EXPECT_TRUE(refused({1, second->bytes}, "context one"));

  auto again = open();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->id(), (*root)->id());
  EXPECT_TRUE((*again)->unwrap(*first, "context one")->equals(key_of('a').expose()));
  EXPECT_TRUE((*again)->unwrap(*second, "context one")->equals(key_of('b').expose()));

  EXPECT_FALSE((*root)->destroy_below(3).ok());
  ASSERT_TRUE((*root)->destroy_below(2).ok());
  EXPECT_EQ(*(*again)->oldest_version(), 2U);
  EXPECT_TRUE(refused(*first, "context one"));
  EXPECT_EQ((*again)->unwrap(*first, "context one").error().code, "crypto.unwrap");
  EXPECT_TRUE((*again)->unwrap(*second, "context one").ok());
  EXPECT_EQ(*(*root)->rotate(), 3U);
}

TEST(FileRoot, KeepsTheRules) {
  test::TemporaryFolder folder;
  SystemRandom random;
  keeps_the_rules([&] { return open_file_root(folder / "root.key", random, true); });
}

TEST(FileRoot, IsMadeOnlyWhenItMayBe) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "root.key";
  const auto missing = open_file_root(path, random, false);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "crypto.root_missing");
  ASSERT_TRUE(open_file_root(path, random, true).ok());
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0400U);
  EXPECT_TRUE(open_file_root(path, random, false).ok());
}

TEST(FileRoot, RefusesEveryDamage) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "root.key";
  ASSERT_TRUE(open_file_root(path, random, true).ok());
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  const std::string good = test::read_file(path);
  for (std::size_t at = 0; at <= good.size(); ++at) {
    std::string bytes = good.substr(0, at);
    if (at < good.size()) {
      bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ 1);
    } else {
      bytes += 'x';
    }
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto root = open_file_root(path, random, true);
    ASSERT_FALSE(root.ok());
    EXPECT_EQ(root.error().code, "crypto.root_corrupt");
    EXPECT_EQ(test::read_file(path), bytes);
  }
}

TEST(FileRoot, LeavesNothingOfDestroyedVersionsInTheFileOrItsOldBlocks) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "root.key";
  auto root = std::move(*open_file_root(path, random, true));
  const std::string key = test::read_file(path).substr(36, 32);
  ASSERT_TRUE(root->rotate().ok());
  const std::string kept = folder / "old-blocks";
  ASSERT_EQ(::link(path.c_str(), kept.c_str()), 0);
  ASSERT_NE(test::read_file(kept).find(key), std::string::npos);
  ASSERT_TRUE(root->destroy_below(2).ok());
  EXPECT_EQ(test::read_file(path).find(key), std::string::npos);
  EXPECT_EQ(test::read_file(kept).find(key), std::string::npos);
}

TEST(DevelopmentRoot, SaysWhatItIsAndCannotBeRotated) {
  const auto root = make_development_root(SecretBytes(std::string(64, 'a')), "RABT_ROOT");
  ASSERT_TRUE(root.ok());
  EXPECT_TRUE((*root)->development());
  EXPECT_EQ((*root)->rotate().error().kind, ErrorKind::denied);
  const auto wrapped = (*root)->wrap(key_of('a').expose(), "context");
  EXPECT_TRUE((*root)->unwrap(*wrapped, "context").ok());
  EXPECT_FALSE((*root)->unwrap(*wrapped, "other").ok());
  for (const char* bad : {"", "zz", "abcd"}) {
    const auto refused = make_development_root(SecretBytes(std::string_view(bad)), "RABT_ROOT");
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("RABT_ROOT"), std::string::npos);
  }
}

// ---- PKCS#11, on SoftHSM2

class SoftHsmTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!hsm_.ready()) GTEST_SKIP() << test::SoftHsm::kMissing;
  }
  Open opener(const std::string& key, bool create = true) {
    return [this, key, create] {
      return open_pkcs11_root({.module = hsm_.module(),
                               .token = "rabt-test",
                               .key = key,
                               .pin = std::make_shared<SecretBytes>(std::string_view("1234")),
                               .create = create});
    };
  }
  test::SoftHsm& hsm_ = test::SoftHsm::shared();
};

TEST_F(SoftHsmTest, KeepsTheRules) {
  keeps_the_rules(opener("rules"));
}

TEST_F(SoftHsmTest, IsMadeOnlyWhenItMayBe) {
  const auto missing = opener("not-made", false)();
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, "crypto.root_missing");
}

TEST_F(SoftHsmTest, SaysWhatIsWrongWithModuleTokenAndPin) {
  auto pin = std::make_shared<SecretBytes>(std::string_view("1234"));
  const auto no_module =
      open_pkcs11_root({.module = "/nonexistent.so", .token = "rabt-test", .key = "k", .pin = pin});
  ASSERT_FALSE(no_module.ok());
  EXPECT_EQ(no_module.error().code, "crypto.root_pkcs11");
  const auto no_token =
      open_pkcs11_root({.module = hsm_.module(), .token = "other", .key = "k", .pin = pin});
  ASSERT_FALSE(no_token.ok());
  EXPECT_EQ(no_token.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(no_token.error().code, "keys.root");
  auto wrong = std::make_shared<SecretBytes>(std::string_view("9999"));
  const auto no_pin = open_pkcs11_root(
      {.module = hsm_.module(), .token = "rabt-test", .key = "k", .pin = wrong, .create = true});
  ASSERT_FALSE(no_pin.ok());
  EXPECT_EQ(no_pin.error().code, "crypto.root_pin");
  EXPECT_EQ(no_pin.error().kind, ErrorKind::unavailable);
}

// The wrapped bytes are those of RFC 5649: a key that is known outside the token unwraps them with
// OpenSSL, and the token unwraps what OpenSSL has wrapped.
TEST_F(SoftHsmTest, AgreesWithOpensslOnRfc5649) {
  const SecretBytes bytes = key_of('\x5c');
  ASSERT_TRUE(hsm_.import_aes("known", "00000001", bytes.expose_text()));
  auto root = opener("known", false)();
  ASSERT_TRUE(root.ok()) << root.error().message;
  const auto by_token = (*root)->wrap(key_of('k').expose(), "context");
  ASSERT_TRUE(by_token.ok());
  const auto opened = unwrap_key(bytes.expose(), by_token->bytes, "context");
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(opened->equals(key_of('k').expose()));
  const std::string by_openssl = wrap_key(bytes.expose(), key_of('m').expose(), "context");
  EXPECT_TRUE((*root)->unwrap({1, by_openssl}, "context")->equals(key_of('m').expose()));
}

TEST_F(SoftHsmTest, HoldsAKeyringThroughRotationAndDestruction) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const SystemClock clock;
  const auto open = [&] {
    auto root = opener("keyring")();
    EXPECT_TRUE(root.ok());
    auto keyring = Keyring::open_or_create({.path = folder / "keyring", .root = std::move(*root)},
                                           clock, random);
    EXPECT_TRUE(keyring.ok());
    return std::move(*keyring);
  };
  const auto keyring = open();
  ASSERT_TRUE(keyring->ensure_tenant("acme").ok());
  ASSERT_TRUE(keyring->ensure_buckets("acme", {"event/2026-11"}).ok());
  const std::string index = *keyring->blind_index("acme", "mrn", "1");
  const std::string copy = test::read_file(folder / "keyring");
  ASSERT_EQ(*keyring->rotate_root(), 2U);
  ASSERT_EQ(*keyring->destroy_old_roots(), 2U);
  EXPECT_EQ(*open()->blind_index("acme", "mrn", "1"), index);
  std::ofstream(folder / "keyring", std::ios::binary | std::ios::trunc) << copy;
  EXPECT_EQ(open()->blind_index("acme", "mrn", "1").error().code, "crypto.unwrap");
}

}  // namespace
}  // namespace rabt::crypto::root_test
