#include "hub/base/uri.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace rabt::uri_test {
namespace {

// RFC 3986 section 5.4.
TEST(Uri, ResolvesTheExamplesOfRfc3986) {
  const std::string base = "http://a/b/c/d;p?q";
  for (const auto& [reference, expected] :
       std::vector<std::pair<const char*, const char*>>{{"g:h", "g:h"},
                                                        {"g", "http://a/b/c/g"},
                                                        {"./g", "http://a/b/c/g"},
                                                        {"g/", "http://a/b/c/g/"},
                                                        {"/g", "http://a/g"},
                                                        {"//g", "http://g"},
                                                        {"?y", "http://a/b/c/d;p?y"},
                                                        {"g?y", "http://a/b/c/g?y"},
                                                        {"#s", "http://a/b/c/d;p?q#s"},
                                                        {"g#s", "http://a/b/c/g#s"},
                                                        {"g?y#s", "http://a/b/c/g?y#s"},
                                                        {";x", "http://a/b/c/;x"},
                                                        {"g;x", "http://a/b/c/g;x"},
                                                        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
                                                        {"", "http://a/b/c/d;p?q"},
                                                        {".", "http://a/b/c/"},
                                                        {"./", "http://a/b/c/"},
                                                        {"..", "http://a/b/"},
                                                        {"../", "http://a/b/"},
                                                        {"../g", "http://a/b/g"},
                                                        {"../..", "http://a/"},
                                                        {"../../", "http://a/"},
                                                        {"../../g", "http://a/g"},
                                                        {"../../../g", "http://a/g"},
                                                        {"../../../../g", "http://a/g"},
                                                        {"/./g", "http://a/g"},
                                                        {"/../g", "http://a/g"},
                                                        {"g.", "http://a/b/c/g."},
                                                        {".g", "http://a/b/c/.g"},
                                                        {"g..", "http://a/b/c/g.."},
                                                        {"..g", "http://a/b/c/..g"},
                                                        {"./../g", "http://a/b/g"},
                                                        {"./g/.", "http://a/b/c/g/"},
                                                        {"g/./h", "http://a/b/c/g/h"},
                                                        {"g/../h", "http://a/b/c/h"},
                                                        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
                                                        {"g;x=1/../y", "http://a/b/c/y"},
                                                        {"g?y/./x", "http://a/b/c/g?y/./x"},
                                                        {"g?y/../x", "http://a/b/c/g?y/../x"},
                                                        {"g#s/./x", "http://a/b/c/g#s/./x"},
                                                        {"g#s/../x", "http://a/b/c/g#s/../x"},
                                                        {"http:g", "http:g"}}) {
    EXPECT_EQ(resolve_uri(base, reference), expected) << reference;
  }
}

TEST(Uri, ResolvesAgainstABaseWithoutAPathAndWithoutAnything) {
  EXPECT_EQ(resolve_uri("https://a.example", "v1"), "https://a.example/v1");
  EXPECT_EQ(resolve_uri("https://a.example?x", "/v1"), "https://a.example/v1");
  EXPECT_EQ(resolve_uri("", "a/./b#c"), "a/b#c");
  EXPECT_EQ(resolve_uri("urn:example:a", "#b"), "urn:example:a#b");
}

// A scheme starts with a letter (section 3.1); what does not is a path.
TEST(Uri, AColonAloneMakesNoScheme) {
  EXPECT_EQ(resolve_uri("http://a/b", "1:2"), "http://a/1:2");
  EXPECT_EQ(resolve_uri("http://a/b", ":x"), "http://a/:x");
  EXPECT_EQ(resolve_uri("http://a/b", "c/d:e"), "http://a/c/d:e");
}

TEST(Uri, DecodesPercentEscapesAndLeavesWhatIsNone) {
  EXPECT_EQ(percent_decode("a%2Fb%7e%00"), std::string("a/b~\0", 5));
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%zz%4"), "%zz%4");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
}

}  // namespace
}  // namespace rabt::uri_test
