#include "hub/print/document.hpp"

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/must.hpp"
#include "tests/read_pdf.hpp"

// Documents as PDF, read back by poppler.
namespace rabt::print::document_test {
namespace {

using rabt::test::must;
using rabt::test::pdf_has;
using rabt::test::read_pdf;
using rabt::test::text_of_pdf;

Document document(std::vector<std::string> texts) {
  return {.house = "مستشفى النور · Al Noor Hospital",
          .title = "Note · ملاحظة",
          .foot = "محمد العتيبي · MRN 7",
          .sections = {{.heading = "Patient · المريض",
                        .fields = {{"Name · الاسم", "محمد بن عبدالله العتيبي"},
                                   {"Record number · رقم الملف", "MRN-7"}}},
                       {.heading = "Plan · الخطة", .texts = std::move(texts)}},
          .at = {1'773'124'200'123}};
}
std::string code_of(const Result<std::string>& pdf) {
  return pdf.ok() ? "ok" : pdf.error().code;
}
std::size_t count(const std::string& text, std::string_view of) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(of, at)) != std::string::npos; at += of.size()) ++found;
  return found;
}

TEST(Pdf, ArabicAndEnglishAreReadBackInLogicalOrder) {
  const std::string pdf =
      must(pdf_of(document({"حرارة منذ يومين مع التهاب في الحلق", "Fever for two days",
                            "الجرعة 500 mg مرتين في اليوم"})));
  const std::string text = text_of_pdf(pdf);
  for (const char* expected :
       {"حرارة منذ يومين مع التهاب في الحلق", "Fever for two days", "500", "mg", "مرتين في اليوم",
        "محمد بن عبدالله العتيبي", "MRN-7", "Al Noor Hospital", "ملاحظة"})
    EXPECT_TRUE(pdf_has(text, expected)) << expected << "\n" << text;
}

TEST(Pdf, EveryFontIsEmbeddedAndArabicHasOneOfItsOwn) {
  const std::string pdf = must(pdf_of(document({"حرارة", "fever"})));
  const std::string fonts = read_pdf(pdf, "pdffonts {}");
  EXPECT_NE(fonts.find("Arabic"), std::string::npos) << fonts;
  // Two lines of headings, then one a font: emb, sub and uni are "yes".
  EXPECT_EQ(count(fonts, "\n") - 2, count(fonts, "yes yes yes")) << fonts;
}

TEST(Pdf, ArabicLettersAreShaped) {
  // Three forms of one letter: alone, at the beginning and at the end are three glyphs, so that a
  // subset with shaped letters is the larger one.
  const std::string joined = must(pdf_of(document({"ههه"})));
  const std::string apart = must(pdf_of(document({"ه ه ه"})));
  EXPECT_GT(joined.size(), apart.size() + 100);
}

TEST(Pdf, ALongTextGoesOverPagesAndEachSaysItsNumber) {
  std::string text;
  for (int i = 1; i <= 300; ++i) text += "Line " + std::to_string(i) + " سطر\n";
  const std::string pdf = must(pdf_of(document({text})));
  const std::string read = text_of_pdf(pdf);
  const std::size_t pages = count(read_pdf(pdf, "pdftotext {} -"), "\f");
  EXPECT_GE(pages, 5U);
  EXPECT_EQ(count(read, " of " + std::to_string(pages)), pages) << read;
  EXPECT_EQ(count(read, "MRN 7"), pages);
  EXPECT_EQ(count(read, "Al Noor Hospital"), pages);
  for (int i = 1; i <= 300; ++i) EXPECT_TRUE(pdf_has(read, "Line " + std::to_string(i) + " ")) << i;
}

TEST(Pdf, AHeadingStandsOnThePageOfItsText) {
  // The headings of many sections meet the end of a page at every height.
  Document many = document({});
  for (int i = 0; i < 60; ++i)
    many.sections.push_back({.heading = "Heading-" + std::to_string(i),
                             .texts = {"Below-" + std::to_string(i) +
                                       std::string(static_cast<std::size_t>(i) + 1, '\n') + "x"}});
  const std::string text = read_pdf(must(pdf_of(many)), "pdftotext -layout {} -");
  std::size_t page = 0;
  for (int i = 0; i < 60; ++i) {
    const std::size_t heading = text.find("Heading-" + std::to_string(i) + "\n");
    ASSERT_NE(heading, std::string::npos) << i;
    const std::size_t below = text.find("Below-" + std::to_string(i) + "\n", heading);
    ASSERT_NE(below, std::string::npos) << i;
    EXPECT_EQ(text.substr(heading, below - heading).find('\f'), std::string::npos) << i;
    page = below;
  }
  EXPECT_GT(page, 0U);
}

TEST(Pdf, TheSameDocumentIsTheSameBytesOnEveryThread) {
  const Document one = document({"حرارة fever 👋"});
  const std::string first = must(pdf_of(one));
  std::vector<std::string> made(4);
  std::vector<std::thread> threads;
  for (std::string& out : made) threads.emplace_back([&] { out = must(pdf_of(one)); });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& out : made) EXPECT_EQ(out, first);
  EXPECT_NE(read_pdf(first, "TZ=UTC pdfinfo {}").find("Tue Mar 10 06:30:00 2026"),
            std::string::npos);
  Document later = one;
  later.at.ms += 1000;
  EXPECT_NE(must(pdf_of(later)), first);
}

TEST(Pdf, TextIsNeverMarkup) {
  const std::string text =
      text_of_pdf(must(pdf_of(document({"<b>bold</b> &amp; <span font='99'>x</span> <unclosed"}))));
  EXPECT_TRUE(pdf_has(text, "<b>bold</b> &amp; <span font='99'>x</span> <unclosed")) << text;
}

TEST(Pdf, ControlCharactersAndOverridesOfDirectionAreLeftOut) {
  const std::string text = text_of_pdf(must(
      pdf_of(document({std::string("be\x01"
                                   "fore\x7f \u202e"
                                   "50 mg\u202c \0 after",
                                   24),
                       "one\r\ntwo\rthree\u2028four\u2029five\x0bsix\x85", "\xff\xfe broken"}))));
  EXPECT_TRUE(pdf_has(text, "before 50 mg")) << text;
  for (const char* line : {"one\n", "two\n", "three\n", "four\n", "five\n", "broken"})
    EXPECT_TRUE(pdf_has(text, line)) << line << text;
}

TEST(Pdf, ACharacterWithoutAFontIsNamed) {
  // Both are for private use. Of the hand some machines have a picture.
  const std::string text = text_of_pdf(must(pdf_of(document({"a \U000F1234 b \U0010FFFD."}))));
  EXPECT_TRUE(pdf_has(text, "a [U+F1234] b [U+10FFFD].")) << text;
  const std::string hand = text_of_pdf(must(pdf_of(document({"a \U0001F44B b"}))));
  EXPECT_TRUE(pdf_has(hand, "a [U+1F44B] b") || pdf_has(hand, "\U0001F44B")) << hand;
}

TEST(Pdf, AWordLongerThanALineIsWrapped) {
  const std::string word(100'000, 'w');
  const std::string text = read_pdf(must(pdf_of(document({word}))), "pdftotext {} -");
  EXPECT_GE(count(text, "w"), word.size());
}

TEST(Pdf, AMegabyteInOneParagraphIsPrinted) {
  std::string text;
  while (text.size() < (1U << 20U)) text += "كلمة عربية word ";
  const std::string pdf = must(pdf_of(document({text})));
  EXPECT_LT(pdf.size(), 2U << 20U);
}

TEST(Pdf, ADocumentThatIsTooLongIsRefused) {
  EXPECT_EQ(code_of(pdf_of(document({std::string(kMaxText, 'a')}))), "print.too_large");
  EXPECT_EQ(code_of(pdf_of(document({std::string(200'000, '\n') + "x"}))), "print.too_large");
}

// A machine whose fonts are those of `folder`, asked for a document; ends with 7 for print.font.
[[noreturn]] void print_with_fonts_of(const std::string& folder) {
  const std::string file = folder + "/fonts.conf";
  std::FILE* const out = std::fopen(file.c_str(), "w");
  if (out == nullptr) std::exit(1);
  (void)std::fprintf(out, "<fontconfig><dir>%s</dir><cachedir>%s</cachedir></fontconfig>",
                     folder.c_str(), folder.c_str());
  (void)std::fclose(out);
  ::setenv("FONTCONFIG_FILE", file.c_str(), 1);
  std::exit(code_of(pdf_of(document({"x"}))) == "print.font" ? 7 : 2);
}

TEST(Pdf, AMachineWithoutArabicLettersSaysSo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  std::string folder = "/tmp/rabt-fonts-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  EXPECT_EXIT(print_with_fonts_of(folder), ::testing::ExitedWithCode(7), "");
  std::filesystem::remove_all(folder);
}

TEST(Pdf, TheDetailOfAMarkStandsOnEachPageAboveTheText) {
  Document one = document({"first line"});
  for (int i = 0; i < 100; ++i) one.sections.back().texts.push_back("line");
  one.mark = "IN ERROR";
  std::string reason;
  for (int i = 0; i < 60; ++i) reason += "because ";
  one.mark_detail = reason + "so";
  const std::string text = text_of_pdf(must(pdf_of(one)));
  EXPECT_GE(count(text, "\f"), 2U);
  EXPECT_EQ(count(text, "because"), 60 * count(text, "\f"));
  EXPECT_EQ(count(text, "IN ERROR"), count(text, "\f"));
  EXPECT_LT(text.find("because"), text.find("first line")) << text;
  // Lines without end leave room for the text.
  one.mark_detail.assign(100'000, 'w');
  EXPECT_TRUE(pdf_has(text_of_pdf(must(pdf_of(one))), "first line"));
}

TEST(Pdf, AnEmptyDocumentIsAPage) {
  EXPECT_EQ(
      count(read_pdf(must(pdf_of({.house = {}, .title = "x", .at = {}})), "pdftotext {} -"), "\f"),
      1U);
}

}  // namespace
}  // namespace rabt::print::document_test
