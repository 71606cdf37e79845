#include "hub/base/authorization.hpp"

#include <gtest/gtest.h>

namespace rabt::authorization_test {
namespace {

// RFC 9110 sections 11.1 and 11.4.
TEST(Authorization, TheSchemeCountsInAnyCaseAndSpacesFollow) {
  for (const char* header : {"Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc"})
    EXPECT_EQ(credentials_of(header, "Bearer"), "abc") << header;
  EXPECT_EQ(credentials_of("Basic a b", "Basic"), "a b");
}

TEST(Authorization, NothingElseIsACredential) {
  for (const char* header : {"", "Bearer", "Bearer ", "Bearerabc", "Basic abc", "Bearer\tabc"})
    EXPECT_FALSE(credentials_of(header, "Bearer")) << header;
}

}  // namespace
}  // namespace rabt::authorization_test
