#include "hub/phi/detector.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include "hub/base/utf8.hpp"

namespace rabt::phi::detector_test {
namespace {

const Detector& detector() {
  static const auto kDetector = [] {
    auto made = Detector::make({.mrn_patterns = {R"(\bKF[0-9]{7}\b)"}, .min_score = 0.5});
    EXPECT_TRUE(made.ok());
    return std::move(*made);
  }();
  return *kDetector;
}

// "class:text class:text ..." in order
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

TEST(Detector, NationalIdAndIqamaNeedTheirChecksum) {
  check({{"national ID 1000000008", "national-id:1000000008"},
         {"رقم الهوية ١٠٠٠٠٠٠٠٠٨", "national-id:١٠٠٠٠٠٠٠٠٨"},
         {"رقم الإقامة 2000000006", "iqama:2000000006"},
         {"iqama no. 2000000006.", "iqama:2000000006"},
         {"call 0501234567.\nوهويتي 1000000008", "phone:0501234567 | national-id:1000000008"},
         {"id: 1000 000 008", "national-id:1000 000 008"},
         {"value 1000000008", "national-id:1000000008"},  // without a word beside it: less sure
         {"value 1000000009", ""},                        // wrong check digit
         {"value 3000000004", ""},                        // neither citizen nor resident
         {"order 1000000008", ""},                        // the number of a thing
         {"10000000080", ""},
         {"0.1000000008", ""},
         {"my SSN: 078-05-1120", "national-id:078-05-1120"}});
}

TEST(Detector, ScoreOfAnIdSaysWhetherAWordStandsBesideIt) {
  const auto with = detector().find("national id 1000000008");
  const auto without = detector().find("value 1000000008");
  ASSERT_EQ(with.size(), 1U);
  ASSERT_EQ(without.size(), 1U);
  EXPECT_GT(with[0].score, 0.9);
  EXPECT_LT(without[0].score, 0.7);
}

TEST(Detector, Phones) {
  check({{"call +966501234567", "phone:+966501234567"},
         {"call 00966501234567 now", "phone:00966501234567"},
         {"جوالي ٠٥٠١٢٣٤٥٦٧", "phone:٠٥٠١٢٣٤٥٦٧"},
         {"0501234567", "phone:0501234567"},
         {"050 123 4567", "phone:050 123 4567"},
         {"966501234567", "phone:966501234567"},
         {"الهاتف 011 465 1234", "phone:011 465 1234"},
         {"+44 7911 123456", "phone:+44 7911 123456"},
         {"call 602-272-9781 x12", "phone:602-272-9781 x12"},
         {"order 0501234567", ""},
         {"invoice 5012345678", ""},
         {"took 0501234567 ms", ""},
         {"1.0501234567", ""},
         {"glucose 105 and 98", ""}});
}

TEST(Detector, EmailAddresses) {
  check({{"write to a.b+c@example.co.uk.", "email:a.b+c@example.co.uk"},
         {"<sara@moh.gov.sa>", "email:sara@moh.gov.sa"},
         {"البريد:sara@moh.gov.sa", "email:sara@moh.gov.sa"},
         {"a@b", ""},
         {"@home and me@", ""},
         {"a@b..com", ""}});
}

TEST(Detector, IbansNeedLengthAndChecksum) {
  check({{"SA0380000000608010167519", "iban:SA0380000000608010167519"},
         {"iban SA03 8000 0000 6080 1016 7519 ok", "iban:SA03 8000 0000 6080 1016 7519"},
         {"gb82west12345698765432", "iban:gb82west12345698765432"},
         {"SA0480000000608010167519", ""},                                    // wrong check digits
         {"IBAN SA0480000000608010167519", "iban:SA0480000000608010167519"},  // mistyped, but said
         {"XX0380000000608010167519", ""}});
}

TEST(Detector, Cards) {
  check({{"card 4111 1111 1111 1111", "card:4111 1111 1111 1111"},
         {"4111111111111111", "card:4111111111111111"},
         {"card 378282246310005", "card:378282246310005"},
         {"4111111111111112", ""},
         {"tracking 4111111111111111", ""}});
}

TEST(Detector, RecordNumbersByWordsAndByTheTenantsPatterns) {
  check({{"MRN: 445566", "mrn:445566"},
         {"medical record number A-12345", "mrn:A-12345"},
         {"رقم الملف 445566", "mrn:445566"},
         {"seen KF1234567 today", "mrn:KF1234567"},
         {"seen KX1234567 today", ""},
         {"patient id: 7788123", "mrn:7788123"}});
}

TEST(Detector, Passports) {
  check({{"Passport No: A1234567", "passport:A1234567"},
         {"جواز السفر رقم K3603757", "passport:K3603757"},
         {"part A1234567", ""},
         {"P<SAUALGHAMDI<<AHMED<<<<<<<<<<<<<<<<<<<<<<<<",
          "passport:P<SAUALGHAMDI<<AHMED<<<<<<<<<<<<<<<<<<<<<<<<"}});
}

TEST(Detector, DatesOfBothCalendars) {
  check({{"on 2024-03-12 at", "date:2024-03-12"},
         {"12/03/2024", "date:12/03/2024"},
         {"12/05/1447", "date:12/05/1447"},
         {"12 March 2024", "date:12 March 2024"},
         {"March 12, 2024", "date:March 12, 2024"},
         {"12th of March", "date:12th of March"},
         {"12-Mar-2024", "date:12-Mar-2024"},
         {"15 Dhu al-Hijjah 1445", "date:15 Dhu al-Hijjah 1445"},
         {"١٢ محرم ١٤٤٧", "date:١٢ محرم ١٤٤٧"},
         {"12 ربيع الأول 1447هـ", "date:12 ربيع الأول 1447هـ"},
         {"15 كانون الثاني 2024", "date:15 كانون الثاني 2024"},
         {"5 من رمضان", "date:5 من رمضان"},
         {"2024-03-12T10:22:31Z x", "date:2024-03-12T10:22:31Z"},
         {"born 19850412", "date:19850412"},
         {"since 1999 she", "date:1999"},
         {"عام ١٤٤٥هـ", "date:١٤٤٥هـ"},
         {"BP 120/80, 3/4 of it", ""},
         {"version 1.2.2024", ""},
         {"tomorrow, in 3 days, next week, last Monday", ""},
         {"it may 12 mg", ""},
         {"13/13/2024", ""},
         {"2024-13-01", ""},
         {"2001 patients in 1200 beds", ""},
         {"غدا أو بعد ثلاثة أيام", ""}});
}

TEST(Detector, AgesOverEightyNineOnly) {
  check({{"a 95 year old man", "age:95"},
         {"92-year-old", "age:92"},
         {"aged 101", "age:101"},
         {"she is ninety-two years old", "age:ninety-two"},
         {"عمره ٩٥ سنة", "age:٩٥"},
         {"تبلغ من العمر 92 عاما", "age:92"},
         {"عمرها خمسة وتسعون عاما", "age:خمسة وتسعون"},
         {"a 45 year old man", ""},
         {"SpO2 95%", ""},
         {"HR 95, 95 mg", ""},
         {"منذ 95 سنة", ""},
         {"95 years ago", ""}});
}

TEST(Detector, Addresses) {
  check({{"14 Crown Street", "address:14 Crown Street"},
         {"P.O. Box 255", "address:P.O. Box 255"},
         {"7282 King Fahd Road, Al Olaya, Riyadh 12211-4321",
          "address:7282 King Fahd Road, Al Olaya, Riyadh 12211-4321"},
         {"national address RRRD2929", "address:RRRD2929"},
         {"شارع الملك فهد، حي العليا، الرياض", "address:شارع الملك فهد، حي العليا، الرياض"},
         {"ص.ب 1234", "address:ص.ب 1234"},
         {"الرمز البريدي 12211", "address:12211"},
         {"my zip code is 35350", "address:35350"},
         {"lot RRRD2929", ""},
         {"/tmp/rabt-WZ4U0T/bad.yaml", ""},
         {"Vörösvári U. 5", "address:Vörösvári U. 5"},
         {"room 5, 12 tablets", ""}});
}

TEST(Detector, GivenNamesInARowAreFoundToTheLast) {
  check({{"attending: Sara, Ahmed, Noura and Khalid",
          "name:Sara | name:Ahmed | name:Noura | name:Khalid"},
         {"The following patients did not attend: Mona, Huda, Ali.",
          "name:Mona | name:Huda | name:Ali"},
         {"المرضى: سارة، منى، هدى، علي", "name:سارة | name:منى | name:هدى | name:علي"},
         {"حضرت سارة, منى", "name:سارة | name:منى"},
         {"الأعراض: حمى، سعال، صداع", ""},
         {"the offices of White, Willis and Hoffman", ""}});
}

TEST(Detector, AGivenNameBehindAPrepositionIsFoundWhereAVerbSaysSo) {
  check({{"احجز لماجد يوم الاثنين", "name:ماجد"},
         {"اتصل بسامي", "name:سامي"},
         {"اتصل بنا لحجز موعد", ""},
         {"اتصل بالطوارئ", ""},
         {"ارسل للمريض رسالة", ""}});
}

TEST(Detector, AnAdverbOfTimeBehindATitleIsNoName) {
  check({{"الدكتور ليلاً في الطوارئ", ""},
         {"يستيقظ المريض ليلاً من الألم", ""},
         {"السيد ليلاً لم يحضر", ""},
         {"المريضة صباحاً بخير", ""},
         {"السيدة ليلى حضرت", "name:ليلى"}});
}

// Words for a patient's state. متعب means "tired" and is a given name: it is taken for the name.
TEST(Detector, AStateBehindThePatientIsNoName) {
  check({{"المريضة متعبة منذ الصباح", ""},
         {"المريض مرهق ومحموم", ""},
         {"المريضة واعية ومتعاونة", ""},
         {"المريضة حامل في الشهر الخامس", ""},
         {"المريض متعب القحطاني يشكو", "name:متعب القحطاني"}});
}

TEST(Detector, ASpacedIdBehindHisNumberIsOne) {
  check({{"رقمه 10 0000 0008", "national-id:10 0000 0008"},
         {"رقمه: 1 0 0 0 0 0 0 0 0 8", "national-id:1 0 0 0 0 0 0 0 0 8"},
         {"رقمها ٢٠ ٠٠٠٠ ٠٠٠٦", "iqama:٢٠ ٠٠٠٠ ٠٠٠٦"},
         {"رقمه 10 0000 0009", ""},
         {"الجرعة 10 0000 0008", ""}});
}

TEST(Detector, EnglishNames) {
  check({{"Dr. Zbxqwy will see you", "name:Zbxqwy"},
         {"My name is Khalid Al-Ghamdi", "name:Khalid Al-Ghamdi"},
         {"Mrs. Jennifer O'Brien called", "name:Jennifer O'Brien"},
         {"discussed with Maria van der Berg.", "name:Maria van der Berg"},
         {"John F. Kennedy", "name:John F. Kennedy"},
         {"{\"firstName\":\"Oliver\",\"lastName\":\"Khan\"}", "name:Oliver | name:Khan"},
         {"my name is vitoria", "name:vitoria"},
         {"Parkinson's disease and Crohn's disease", ""},
         {"King Fahd Hospital", ""},
         {"Metformin and Augmentin were given", ""},
         {"I will mark the page; hope grows", ""},
         {"May 2024 Will Be Fine", "date:May 2024"}});
}

TEST(Detector, ArabicNames) {
  check({{"اسمي محمد العتيبي", "name:محمد العتيبي"},
         {"المريضة نورة بنت خالد القحطاني تعاني", "name:نورة بنت خالد القحطاني"},
         {"د. سامي الحربي", "name:سامي الحربي"},
         {"عبد الرحمن آل سعود", "name:عبد الرحمن آل سعود"},
         {"أبو فهد اتصل", "name:أبو فهد"},
         {"السيد هتان بخشوين", "name:هتان بخشوين"},
         {"ضيف الله الزهراني", "name:ضيف الله الزهراني"},
         {"مُحَمَّد العتيبـــي", "name:مُحَمَّد العتيبـــي"},
         {"مستشفى الملك فيصل التخصصي", ""},
         {"حالة المريض مستقرة والأمل كبير", ""},
         {"على الطاولة", ""},
         {"نتمنى لكم السلامة", ""}});
}

TEST(Detector, InternetAddresses) {
  check({{"from 48.90.248.226:80", "ip:48.90.248.226"},
         {"2001:db8:85a3::8a2e:370:7334", "ip:2001:db8:85a3::8a2e:370:7334"},
         {"mac 00:1b:44:11:3a:b7", "ip:00:1b:44:11:3a:b7"},
         {"https://x.sa/patients/1234567", "url:https://x.sa/patients/1234567"},
         {"https://x.sa/?id=7.", "url:https://x.sa/?id=7"},
         {"https://x.sa/about", ""},
         {"version 1.2.3.4", ""},
         {"at 10:30:45", ""},
         {"300.1.1.1", ""}});
}

TEST(Detector, FieldsOfHl7SegmentsAreWhatTheyHold) {
  check({{"PID|1||998877^^^H^MR||Zbxq^Wxyz||19500909|M|||1 A St^^X||0512345678",
          "mrn:998877 | name:Zbxq^Wxyz | date:19500909 | address:1 A St^^X | phone:0512345678"},
         {"OBX|1|NM|718-7^Hemoglobin^LN||13.4|g/dL", ""}});
}

TEST(Detector, EncodedTextIsReadOneLevelDeep) {
  check(
      {{R"("\u0627\u0633\u0645\u064a \u0645\u062d\u0645\u062f \u0627\u0644\u0639\u062a\u064a\u0628\u064a")",
        R"(name:\u0645\u062d\u0645\u062f \u0627\u0644\u0639\u062a\u064a\u0628\u064a)"},
       {"phone=%2B966501234567&x", "phone:%2B966501234567"},
       {"data=eyJwaG9uZSI6Iis5NjY1MDEyMzQ1NjcifQ==.",
        "phone:eyJwaG9uZSI6Iis5NjY1MDEyMzQ1NjcifQ=="}});
}

TEST(Detector, InvisibleMarksDoNotHideAnything) {
  // Right-to-left marks, a zero-width joiner, a tatweel inside; full-width digits
  check({{"\u200f٠٥٠\u200c١٢٣٤٥٦٧\u200f", "phone:٠٥٠\u200c١٢٣٤٥٦٧"},
         {"national id \u202a1000000008\u202c", "national-id:1000000008"},
         {"０５０１２３４５６７", "phone:０５０１２３４５６７"}});
}

TEST(Detector, BadBytesAreNeverPartOfAFinding) {
  const std::string text =
      "0501\xff"
      "234567 and 0501234567\xc3 Dr. Ah\xff"
      "med";
  for (const Finding& finding : detector().find(text)) {
    const std::string_view value =
        std::string_view(text).substr(finding.begin, finding.end - finding.begin);
    EXPECT_TRUE(is_utf8(value));
  }
  EXPECT_EQ(found("0501\xff"
                  "234567"),
            "");
}

TEST(Detector, FindingsAreInOrderOnBoundariesAndDoNotOverlap) {
  const std::string text =
      "المريض محمد العتيبي، جوال ٠٥٠١٢٣٤٥٦٧ a@b.com 12/05/1447 Dr. Zoë Çelik, Mr. Ø";
  std::size_t last = 0;
  for (const Finding& finding : detector().find(text)) {
    EXPECT_GE(finding.begin, last);
    EXPECT_LT(finding.begin, finding.end);
    EXPECT_FALSE(continues_utf8(text[finding.begin]));
    EXPECT_TRUE(finding.end == text.size() || !continues_utf8(text[finding.end]));
    EXPECT_GE(finding.score, 0.5);
    EXPECT_LE(finding.score, 1.0);
    last = finding.end;
  }
}

TEST(Detector, LongTextsAreReadInBlocksAndNothingIsLostAtTheirEdges) {
  // The same line at every offset of a block's edge
  for (std::size_t shift = 0; shift < 80; shift += 7) {
    std::string text(shift, '.');
    std::size_t lines = 0;
    while (text.size() < 200'000) {
      text += "call +966501234567 or national id 1000000008\n";
      ++lines;
    }
    const auto findings = detector().find(text);
    EXPECT_EQ(findings.size(), 2 * lines);
  }
  std::string one_line;
  std::size_t many = 0;
  for (; one_line.size() < 200'000; ++many) one_line += "a@example.com ";
  EXPECT_EQ(detector().find(one_line).size(), many);
}

TEST(Detector, TimeIsLinearForHostileTexts) {
  // Processor time, which does not count how long others had the processor.
  const auto now = [] {
    timespec spent{};
    EXPECT_EQ(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent), 0);
    return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
  };
  const auto time = [&](std::string_view unit, std::size_t size) {
    std::string text;
    while (text.size() < size) text += unit;
    const double start = now();
    (void)detector().find(text);
    return now() - start;
  };
  for (const char* unit : {"1", "5 ", "a", "@", "a@a.", "\xff", "\xcc\x81", ":", "http://", "(1",
                           "1/1/1", "Ahmed ", "\\u", "%41"}) {
    const double small = time(unit, 100'000);
    const double large = time(unit, 800'000);
    EXPECT_LT(large, 32 * small + 0.2)
        << unit;  // eight times as long; noise may make it four times that
  }
}

TEST(Detector, PatternsThatCannotWorkAreRefused) {
  const auto broken = Detector::make({.mrn_patterns = {"("}});
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().code, "phi.pattern");
  const auto empty = Detector::make({.mrn_patterns = {"[0-9]*"}});
  ASSERT_FALSE(empty.ok());
  EXPECT_EQ(empty.error().code, "phi.pattern");
}

TEST(Detector, MinScoreLeavesOutWhatIsLessSure) {
  const auto sure = Detector::make({.mrn_patterns = {}, .min_score = 0.9});
  ASSERT_TRUE(sure.ok());
  EXPECT_TRUE((*sure)->find("on Sunday, value 1000000008").empty());
  EXPECT_EQ((*sure)->find("national id 1000000008").size(), 1U);
}

TEST(Mask, PutsTheClassInPlaceOfTheValue) {
  const std::string text = "اسمي محمد العتيبي وجوالي 0501234567";
  EXPECT_EQ(mask(text, detector().find(text)), "اسمي [name] وجوالي [phone]");
  EXPECT_EQ(mask("nothing", {}), "nothing");
}

}  // namespace
}  // namespace rabt::phi::detector_test
