#include "hub/keys/vault_root.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "hub/crypto/key_wrap.hpp"
#include "tests/keys/support.hpp"
#include "tests/keys/vault_stand_in.hpp"

namespace rabt::keys::vault_test {
namespace {

using rabt::test::must;

class VaultTest : public testing::Test {
 protected:
  [[nodiscard]] Result<std::unique_ptr<crypto::RootProvider>> open(std::string key = "rabt",
                                                                   std::string token = "s.good") {
    return open_vault_root({.url = vault_.url(),
                            .mount = "transit",
                            .key = std::move(key),
                            .name_space = {},
                            .token = std::make_shared<SecretBytes>(std::string_view(token)),
                            .tls = nullptr},
                           *http_);
  }
  static SecretBytes key_of(char c) { return SecretBytes(std::string(32, c)); }

  SystemClock clock_;
  std::unique_ptr<net::HttpClient> http_ = net::make_curl_client(clock_, null_logger());
  test::VaultStandIn vault_;
};

TEST_F(VaultTest, KeepsTheRules) {
  auto root = must(open());
  EXPECT_EQ(must(root->version()), 1U);
  const auto first = must(root->wrap(key_of('a').expose(), "context one"));
  EXPECT_EQ(first.version, 1U);
  EXPECT_TRUE(must(root->unwrap(first, "context one")).equals(key_of('a').expose()));
  const auto code = [&](const crypto::RootProvider::Wrapped& wrapped, std::string_view context) {
    const auto key = root->unwrap(wrapped, context);
    return key.ok() ? "ok" : key.error().code;
  };
  EXPECT_EQ(code(first, "context two"), "crypto.unwrap");
  for (std::size_t at = 0; at < first.bytes.size(); ++at) {
    auto changed = first;
    changed.bytes[at] = changed.bytes[at] == 'A' ? 'B' : 'A';
    EXPECT_EQ(code(changed, "context one"), "crypto.unwrap") << at;
  }
  EXPECT_EQ(code({2, first.bytes}, "context one"), "crypto.unwrap");
  EXPECT_EQ(must(root->rotate()), 2U);
  EXPECT_EQ(must(root->wrap(key_of('b').expose(), "c")).version, 2U);
  EXPECT_EQ(must(root->oldest_version()), 1U);
  EXPECT_EQ(code(first, "context one"), "ok");
  ASSERT_TRUE(root->destroy_below(2).ok());
  EXPECT_EQ(must(root->oldest_version()), 2U);
  EXPECT_EQ(code(first, "context one"), "crypto.unwrap");
  EXPECT_FALSE(root->destroy_below(3).ok());
}

TEST_F(VaultTest, TellsARefusalFromAnAbsence) {
  EXPECT_EQ(must(open("rabt", "s.bad"))->version().error().code, "keys.vault_denied");
  EXPECT_EQ(must(open("other"))->version().error().code, "keys.vault_denied");
  // 503 for who sends to the hub, not 403: the delivery is good, it comes again.
  EXPECT_EQ(must(open("rabt", "s.bad"))->version().error().kind, ErrorKind::unavailable);
  auto root = must(open());
  vault_.answer_with(503);
  const auto sealed = root->version();
  EXPECT_EQ(sealed.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(sealed.error().code, "keys.root");
  vault_.answer_with(0);
  EXPECT_TRUE(root->version().ok());
  vault_.answer_body("not json");
  EXPECT_EQ(root->version().error().code, "keys.root");
  EXPECT_EQ(root->wrap(key_of('a').expose(), "c").error().code, "keys.root");
  vault_.answer_body(R"({"data":{"ciphertext":"vault:v0:AAAA","latest_version":-1}})");
  EXPECT_EQ(root->wrap(key_of('a').expose(), "c").error().code, "keys.root");
  EXPECT_EQ(root->version().error().code, "keys.root");
  vault_.stop();
  EXPECT_EQ(root->version().error().code, "keys.root");
}

TEST_F(VaultTest, TakesNoAddressThatCouldMeanSomethingElse) {
  for (const char* key : {"", "a/b", "..", "a?b", "a b"}) EXPECT_FALSE(open(key).ok()) << key;
}

TEST_F(VaultTest, NoKeyAndNoTokenLeavesInAnError) {
  auto root = must(open("rabt", "s.secret-token"));
  const auto refused = root->wrap(key_of('k').expose(), "context");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.find("s.secret-token"), std::string::npos);
  EXPECT_EQ(refused.error().message.find(to_base64(key_of('k').expose())), std::string::npos);
}

TEST_F(VaultTest, HoldsAKeyringAndMakesOlderCopiesUselessWhenItTrims) {
  const std::string folder = test::make_folder();
  SystemRandom random;
  const auto open_ring = [&] {
    return must(crypto::Keyring::open_or_create({.path = folder + "/keyring", .root = must(open())},
                                                clock_, random));
  };
  const auto keyring = open_ring();
  ASSERT_TRUE(keyring->ensure_tenant("t1").ok());
  const std::string index = must(keyring->blind_index("t1", "mrn", "1"));
  std::filesystem::copy(folder + "/keyring", folder + "/copy");
  EXPECT_EQ(must(keyring->rotate_root()), 2U);
  EXPECT_EQ(must(keyring->destroy_old_roots()), 2U);
  EXPECT_EQ(must(open_ring()->blind_index("t1", "mrn", "1")), index);
  std::filesystem::copy(folder + "/copy", folder + "/keyring",
                        std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(open_ring()->blind_index("t1", "mrn", "1").error().code, "crypto.unwrap");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace rabt::keys::vault_test
