#include "hub/consultation/record/languages.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/arabic_strings.hpp"

namespace rabt::consultation::languages_test {
namespace {

const Languages& languages() {
  static const Languages all;
  return all;
}

TEST(Languages, B14TheThirteenStringsAreThese) {
  const Json arabic = languages().strings("ar");
  EXPECT_EQ(arabic.string_or("direction", ""), "rtl");
  EXPECT_EQ(arabic["strings"].size(), std::size(test::kArabicStrings));
  for (const auto& [key, text] : test::kArabicStrings)
    EXPECT_EQ(arabic["strings"].string_or(key, ""), text) << key;
  const Json english = languages().strings("xx");
  EXPECT_EQ(english.string_or("language", ""), "en");
  for (const auto& [key, text] : test::kArabicStrings)
    EXPECT_NE(english["strings"].find(key), nullptr) << key;
}

TEST(Languages, EveryTemplateSpeaksBothLanguages) {
  std::set<std::string> ids;
  const Json templates = languages().note_templates();
  for (const Json& item : templates["items"].as_array()) {
    ids.insert(item.string_or("id", ""));
    for (const char* language : {"en", "ar"}) {
      EXPECT_NE(item["title"].string_or(language, ""), "");
      for (const Json& section : item["sections"].as_array()) {
        EXPECT_NE(section["title"].string_or(language, ""), "") << section.dump();
        EXPECT_NE(section["hint"].string_or(language, ""), "") << section.dump();
      }
    }
  }
  EXPECT_EQ(ids,
            (std::set<std::string>{"soap", "follow_up", "emergency", "mental_health", "free"}));
  EXPECT_TRUE(languages().note_template("none").is_null());
  EXPECT_EQ(languages().note_template("soap")["sections"].size(), 4U);
}

TEST(Languages, B16TermsAreManyAndEachIsInBothLanguagesOnce) {
  const Json all = languages().terms("", 10'000);
  EXPECT_GE(all["items"].size(), 200U);
  std::set<std::string> english;
  for (const Json& term : all["items"].as_array()) {
    EXPECT_TRUE(english.insert(term.string_or("en", "")).second) << term.dump();
    EXPECT_NE(term.string_or("ar", ""), "") << term.dump();
  }
}

std::string first(std::string_view query) {
  return languages().terms(query, 1)["items"].item(0).string_or("en", "");
}

TEST(Languages, ATermIsFoundInEitherLanguageHoweverItIsWritten) {
  EXPECT_EQ(languages().terms("Hypertension", 5)["items"].item(0).string_or("ar", ""),
            "ارتفاع ضغط الدم");
  EXPECT_EQ(first("HYPERT"), "hypertension");
  EXPECT_EQ(first("ارتفاع ضغط"), "hypertension");
  EXPECT_EQ(first("الانف"), "nose");
  EXPECT_EQ(first("MRI"), "magnetic resonance imaging");
  EXPECT_EQ(first("anemia"), "anaemia");
  EXPECT_EQ(first("infarction"), "myocardial infarction");
  EXPECT_EQ(first("no such thing"), "");
  // Vowels and the stroke that stretches a word.
  EXPECT_EQ(first("القَلْب"), "heart");
  EXPECT_EQ(first("القـلب"), "heart");
}

TEST(Languages, ATermIsFoundWithAndWithoutTheArabicArticle) {
  EXPECT_EQ(languages().terms("قلب", 100)["items"].size(),
            languages().terms("القلب", 100)["items"].size());
  for (const char* query : {"قلب", "القلب", "بالقلب", "والقلب", "للقلب"})
    EXPECT_EQ(first(query), "heart") << query;
  EXPECT_EQ(first("فشل قلب"), "heart failure");
  EXPECT_EQ(first("امراض القلب"), "cardiology");
  // Letters that only look like the article are part of the word.
  EXPECT_EQ(first("التهاب"), "inflammation");
  const Json pain = languages().terms("ألم", 500)["items"];
  ASSERT_GT(pain.size(), 0U);
  for (const Json& term : pain.as_array())
    EXPECT_NE(term.string_or("ar", "").find("لم"), std::string::npos) << term.dump();
}

}  // namespace
}  // namespace rabt::consultation::languages_test
