#include <gtest/gtest.h>

#include "hub/crypto/key_wrap.hpp"
#include "tests/crypto/support.hpp"

// The worked example of docs/formats/keyring.md.
namespace rabt::crypto::keyring_document_test {
namespace {

TEST(KeyringDocument, ShowsAWrappedKeyAsItIs) {
  const char* source = std::getenv("RABT_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::string page = test::read_file(std::string(source) + "/docs/formats/keyring.md");
  const auto shown = [&](const std::string& name) {
    const auto at = page.rfind("\n" + name + " ");  // the grammar has the names too
    if (at == std::string::npos) return std::string();
    const auto from = at + name.size() + 2;
    return page.substr(from, page.find('\n', from) - from);
  };
  const std::string context = wrap_context({"rabt/v1/bucket-key", "acme", "event/2026-11", "1"});
  EXPECT_EQ(shown("context"), to_hex(as_bytes(context)));
  const std::string wrapped = wrap_key(SecretBytes(std::string(32, '\0')).expose(),
                                       SecretBytes(std::string(32, '\1')).expose(), context);
  EXPECT_EQ(shown("wrapped"), to_hex(as_bytes(wrapped)));
}

}  // namespace
}  // namespace rabt::crypto::keyring_document_test
