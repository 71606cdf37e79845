#include <gtest/gtest.h>

#include <string>

#include "hub/schema/schema_regex.hpp"

namespace rabt::schema::schema_pattern_test {
namespace {

std::string refusal(std::string_view text) {
  const auto pattern = Pattern::compile(text);
  return pattern.ok() ? "" : pattern.error().message;
}
bool found(std::string_view pattern, std::string_view text) {
  const auto compiled = Pattern::compile(pattern);
  EXPECT_TRUE(compiled.ok()) << pattern << " " << refusal(pattern);
  return compiled.ok() && (*compiled)->found_in(text);
}

TEST(Pattern, MeansWhatEcmaScriptMeans) {
  struct Case {
    const char* pattern;
    const char* text;
    bool matches;
  };
  const Case cases[] = {
      {"b", "abc", true},
      {"^b", "abc", false},
      {"^abc$", "abc\n", false},
      {R"(^\d+$)", "42", true},
      {R"(^\d$)", "\xDF\x80", false},
      {R"(^\w$)", "\xC3\xA9", false},
      {R"(^\s$)", "\xC2\xA0", true},
      {R"(^[\s]$)", "\xEF\xBB\xBF", true},
      {R"(^\S$)", "\xE2\x80\x83", false},
      {R"(^[^\S]$)", "\xE2\x80\x83", true},
      {R"(^[\S]$)", "a", true},
      {"^.$", "\n", false},
      {"^.$", "\r", false},
      {"^.$", "\xE2\x80\xA8", false},
      {"^.$", "\xF0\x9F\x98\x80", true},
      {"^[^]$", "\n", true},
      {"[]", "a", false},
      {R"(^\cA\x41\u0042\u{1F600}$)",
       "\x01"
       "AB\xF0\x9F\x98\x80",
       true},
      {R"(^\uD83D\uDE00$)", "\xF0\x9F\x98\x80", true},
      {R"(^[\uD83D\uDE00-\uD83D\uDE02]$)", "\xF0\x9F\x98\x81", true},
      {R"(^\/a\-b\.$)", "/a-b.", true},
      {R"(^[\b]$)", "\b", true},
      {R"(^\p{Letter}\p{Lu}\p{Script=Arabic}\P{gc=Nd}$)",
       "\xC3\xA9"
       "A\xD8\xB1x",
       true},
      {R"(^\p{digit}$)", "\xE0\xA7\xAA", true},
      {R"(^[\p{LC}_]+$)", "aB_", true},
      {"^(?<year>a)(?:b)(c)$", "abc", true},
      {"^a{2,3}?$", "aaa", true},
      {"^a{$", "a{", true},
      {"^[[:alpha:]]$", "a]", true},
      {"^[[:alpha:]]$", "x", false},
      {"^[a&&b]$", "&", true},
      {R"(^[\]\\^-]+$)", "]\\^-", true},
      {"^[+-]$", "-", true},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(found(one.pattern, one.text), one.matches) << one.pattern << " in " << one.text;
  }
}

TEST(Pattern, SaysWhyItIsRefused) {
  const auto says = [](std::string_view pattern, std::string_view part) {
    const std::string said = refusal(pattern);
    EXPECT_NE(said.find(part), std::string::npos) << pattern << ": " << said;
  };
  says("(?=a)", "look-ahead");
  says("(?!a)", "look-ahead");
  says("(?<=a)", "look-behind");
  says(R"((a)\1)", "back-reference");
  says(R"((?<n>a)\k<n>)", "back-reference");
  says(R"(\A)", "no escape of ECMA-262");
  says(R"(\Z)", "no escape of ECMA-262");
  says(R"(\Q)", "no escape of ECMA-262");
  says("(?P<n>a)", "ECMA-262 does not know");
  says("(?i)a", "ECMA-262 does not know");
  says("a{1001}", "1000");
  says("a{3,2}", "backwards");
  says("[z-a]", "backwards");
  says(R"([a-\d])", "escape the -");
  says("[a", "[ without ]");
  says("(a", "no regular expression");
  says("a**", "no regular expression");
  says(R"(\p{Klingon})", "Klingon");
  says(R"(\p{L)", "property in braces");
  says(R"(\u12)", "four hexadecimal digits");
  says("\\", "backslash");
  says(std::string(5000, 'a'), "4096 bytes");
  says("((a{1,300}){1,300}){1,10}", "");
}

TEST(Pattern, ThePatternThatMayBeLongestIsTaken) {
  EXPECT_EQ(refusal(std::string(kMaxPatternBytes, 'a')), "");
  EXPECT_NE(refusal(std::string(kMaxPatternBytes + 1, 'a')), "");
}

TEST(Pattern, TheFormAloneTakesWhatCannotRun) {
  EXPECT_TRUE(is_ecma_regex(R"(^(?!a)(b)\1(?<=c)$)"));
  EXPECT_TRUE(is_ecma_regex("a{5000}"));
  EXPECT_FALSE(is_ecma_regex("^(abc]"));
  EXPECT_FALSE(is_ecma_regex(R"(\Z)"));
}

}  // namespace
}  // namespace rabt::schema::schema_pattern_test
