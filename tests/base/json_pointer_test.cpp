#include "hub/base/json_pointer.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace rabt::json_pointer_test {
namespace {

// RFC 6901 section 5.
TEST(JsonPointer, EvaluatesTheExamplesOfRfc6901) {
  const Json document = Json::parse(R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,
      "i\\j":5,"k\"l":6," ":7,"m~n":8})")
                            .value();
  EXPECT_EQ(at_pointer(document, ""), &document);
  for (const auto& [pointer, expected] :
       std::vector<std::pair<const char*, const char*>>{{"/foo", R"(["bar","baz"])"},
                                                        {"/foo/0", R"("bar")"},
                                                        {"/", "0"},
                                                        {"/a~1b", "1"},
                                                        {"/c%d", "2"},
                                                        {"/e^f", "3"},
                                                        {"/g|h", "4"},
                                                        {"/i\\j", "5"},
                                                        {"/k\"l", "6"},
                                                        {"/ ", "7"},
                                                        {"/m~0n", "8"}}) {
    const Json* found = at_pointer(document, pointer);
    ASSERT_NE(found, nullptr) << pointer;
    EXPECT_EQ(found->dump(), expected) << pointer;
  }
}

TEST(JsonPointer, LeadsNowherePastWhatThereIs) {
  const Json document = Json::parse(R"({"list":[1,2],"text":"x","~":1})").value();
  for (const char* pointer : {"list", "/list/2", "/list/-", "/list/00", "/list/01", "/list/+1",
                              "/list/1x", "/list/", "/list/99999999999999999999999", "/list/0/0",
                              "/text/0", "/none", "/none/more", "/~", "/~2", "/text/"})
    EXPECT_EQ(at_pointer(document, pointer), nullptr) << pointer;
}

TEST(JsonPointer, EscapesATokenAndReadsItBack) {
  for (const char* token : {"", "plain", "a/b", "m~n", "~1", "~01", "/~/"}) {
    const std::string escaped = escape_token(token);
    EXPECT_EQ(escaped.find('/'), std::string::npos) << token;
    EXPECT_EQ(unescape_token(escaped), token);
  }
  EXPECT_EQ(escape_token("~1"), "~01");
  EXPECT_EQ(unescape_token("~"), std::nullopt);
  EXPECT_EQ(unescape_token("~2"), std::nullopt);
}

}  // namespace
}  // namespace rabt::json_pointer_test
