// Forms in which people write what is found, and what only looks like it.
#include <gtest/gtest.h>

#include "hub/phi/detector.hpp"

namespace rabt::phi::forms_test {
namespace {

const Detector& detector() {
  static const auto kDetector = [] {
    auto made = Detector::make({.mrn_patterns = {}, .min_score = 0.5});
    EXPECT_TRUE(made.ok());
    return std::move(*made);
  }();
  return *kDetector;
}
// "class:text | class:text" in order
std::string found(std::string_view text) {
  std::string out;
  for (const Finding& finding : detector().find(text)) {
    if (!out.empty()) out += " | ";
    out.append(to_string(finding.kind))
        .append(":")
        .append(text.substr(finding.begin, finding.end - finding.begin));
  }
  return out;
}
struct Row {
  const char* text;
  const char* findings;
};
void check(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(found(row.text), row.findings) << row.text;
}

TEST(Forms, NothingUnseenHidesANumber) {
  check({{"id 100\xCD\x8F"
          "0000008",
          "national-id:100\xCD\x8F"
          "0000008"},  // combining grapheme joiner
         {"tel 05\xEF\xB8\x8F"
          "01234567",
          "phone:05\xEF\xB8\x8F"
          "01234567"},  // variation selector
         {"id 1000\xE1\xA0\x8E"
          "000008",
          "national-id:1000\xE1\xA0\x8E"
          "000008"}});  // Mongolian vowel separator
}

TEST(Forms, ReferencesOfHtmlAreRead) {
  check({{"<td>+966&nbsp;50&nbsp;123&nbsp;4567</td>", "phone:+966&nbsp;50&nbsp;123&nbsp;4567"},
         {"id &#49;000000008", "national-id:&#49;000000008"},
         {"id &#x661;٠٠٠٠٠٠٠٠٨", "national-id:&#x661;٠٠٠٠٠٠٠٠٨"},
         {"mail &lt;sara@example.com&gt;", "email:sara@example.com"},
         {"R&D; A&B; &#0; &#x110000; &#xD800; &bogus; &;", ""}});
}

TEST(Forms, ALineMayBreakOnceInsideANumberThatIsUnmistakable) {
  check({{"mobile 0501\n234567", "phone:0501\n234567"},
         {"mobile +966 50\r\n123 4567", "phone:+966 50\r\n123 4567"},
         {"national id 10000\n00008", "national-id:10000\n00008"},
         {"value 10000\n00008", ""},  // without a word, two numbers
         {"IBAN SA44 2000 0001\n2345 6789 1234", "iban:SA44 2000 0001\n2345 6789 1234"},
         {"phone 0501234567\n3 tablets", "phone:0501234567"},
         {"sodium\n138\n4100", ""}});
}

TEST(Forms, SeveralNumbersSideBySideAreSeveral) {
  check({{"Contact 0501234567/0567891234/0143456789",
          "phone:0501234567 | phone:0567891234 | phone:0143456789"},
         {"tel +966.55.123.4567/013 876 5432", "phone:+966.55.123.4567 | phone:013 876 5432"},
         {"phone: 0 5 0 1 2 3 4 5 6 7", "phone:0 5 0 1 2 3 4 5 6 7"},
         {"cell 0501234567, wants to cancel booking 90021187", "phone:0501234567"}});
}

TEST(Forms, AnIdentityNumberInGroupsNeedsNoWordWhenItsCheckDigitHolds) {
  check({{"Nafath: 100 000 0008", "national-id:100 000 0008"},
         {"بطاقة الأحوال 100 000 0008", "national-id:100 000 0008"},
         {"values 100 000 0009", ""},
         {"values 10 00 00 00 08", ""},  // not as people group it
         {"order 100 000 0008", ""}});
}

TEST(Forms, ADayAndAMonthWithWordsOfADayAround) {
  check({{"seen on 3/11", "date:3/11"},
         {"موعد السونار ٢٢/١١ الساعة ٤", "date:٢٢/١١"},
         {"the fourth of April 2026", "date:fourth of April 2026"},
         {"on the twenty-first of May", "date:twenty-first of May"},
         {"غرة محرم ١٤٤٦", "date:غرة محرم ١٤٤٦"},
         {"since admission pain 8/10, power 4/5, vision 6/12", ""},
         {"on 1/2 tablet daily", ""},
         {"الجرعة ١/٢ حبة", ""}});
}

TEST(Forms, NamesThatArePutTogetherNeedNoList) {
  check({{"Dear Abdulmuhaymin,", "name:Abdulmuhaymin"},
         {"seen by Nizamuddin today", "name:Nizamuddin"},
         {"Md. Karimul signed", "name:Karimul"},
         {"patient Abdul Kareem Shaikh, 40", "name:Abdul Kareem Shaikh"},
         {"Inshallah he improves", ""}});
}

TEST(Forms, AHouseThatIsNamedLikeAPersonIsNone) {
  check({{"Noor pharmacy and Farah centre join", ""},
         {"Mobile: 0501234567", "phone:0501234567"},
         {"rate 66 PR 162 QRS 94", ""},
         {"40 M c/o LBP", ""}});
}

TEST(Forms, ArabicNamesEndWhereTheNextWordIsNone) {
  check({{"د. وائل الحربي والدكتورة سميرة باعشن", "name:وائل الحربي | name:سميرة باعشن"},
         {"كلمت هند أمس", "name:هند"},
         {"الشاهد: علي حسن", "name:علي حسن"},
         {"الطبيب المناوب: محمد خان", "name:محمد خان"},
         {"توفي رحمه الله", ""},
         {"يا دكتور سعيد جدا بالنتيجة", ""}});
}

}  // namespace
}  // namespace rabt::phi::forms_test
