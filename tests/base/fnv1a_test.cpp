#include "hub/base/fnv1a.hpp"

#include <gtest/gtest.h>

namespace rabt::fnv1a_test {
namespace {

// The vectors of its authors: http://www.isthe.com/chongo/src/fnv/test_fnv.c.
TEST(Fnv1a, HashesAsItsAuthorsSay) {
  EXPECT_EQ(fnv1a(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171f73967e8ULL);
}

TEST(Fnv1a, ATextInPiecesHashesAsTheWhole) {
  EXPECT_EQ(fnv1a("bar", fnv1a("foo")), fnv1a("foobar"));
}

}  // namespace
}  // namespace rabt::fnv1a_test
