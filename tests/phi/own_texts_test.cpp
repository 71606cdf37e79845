#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/phi/constants.hpp"
#include "hub/phi/policy.hpp"
#include "tools/texts/literals.hpp"

namespace rabt::embedded {
extern const std::string_view codes;
extern const std::string_view own_texts;
}  // namespace rabt::embedded

// Texts of the hub's own reach the reader unchanged: the detector searches patient data only in
// texts from outside.
namespace rabt::phi::own_texts_test {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<const Detector> detector() {
  auto detector = Detector::make({});
  EXPECT_TRUE(detector.ok());
  return *std::move(detector);
}

const Policy& policy() {
  static const Policy made(default_rules(), detector());
  return made;
}

std::string shown(const std::string& text) {
  return policy().hub_text(Channel::error, "detail", text);
}

// Text of a plugin without a vocabulary, as it is passed on.
std::string passed_on(const std::string& text) {
  return policy().outside_text(Channel::error, text, Vocabulary());
}

std::vector<std::string> lines(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

bool is_constant(const std::string& text) {
  return Constants::own().length_at(text, 0) == text.size();
}

TEST(Literals, AreTheTextsOfASource) {
  EXPECT_EQ(texts::literals(R"x(
#include "a.hpp"
// "no text"
f('"', "one " "two", 1'000, R"(raw "text")", "a \"b\" \\c");)x"),
            (std::vector<std::string>{"one two", "a \"b\" \\c"}));
}

// Each constant of the hub, of its libraries and of FHIR: on the hub's way and, where it is long
// enough to be told from data, as a plugin passes it on.
TEST(OwnTexts, AllOfThemAreReadable) {
  std::size_t sentences = 0;
  for (const std::string& text : lines(embedded::own_texts)) {
    if (!is_constant(text)) continue;
    ++sentences;
    EXPECT_EQ(shown(text), text);
    EXPECT_EQ(passed_on(text), text);
    // Beside what came from outside.
    EXPECT_EQ(passed_on("Noor: " + text), "[withheld]: " + text);
  }
  EXPECT_GT(sentences, 4'000U);
  std::size_t codes = 0;
  for (const std::string& code : lines(embedded::codes)) {
    ++codes;
    EXPECT_EQ(passed_on("issue " + code + ", " + code), "[withheld] " + code + ", " + code);
  }
  EXPECT_EQ(codes, 33U);  // IssueType of R4 and R5
}

// The build's list holds what the sources say now.
TEST(OwnTexts, HoldWhatEachSourceSays) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (source == nullptr) GTEST_SKIP() << "set RABT_SOURCE_DIR to the sources";
  std::size_t read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(source) / "hub")) {
    const fs::path& path = entry.path();
    if (path.extension() != ".cpp" && path.extension() != ".hpp") continue;
    std::ifstream in(path);
    std::ostringstream all;
    all << in.rdbuf();
    for (const std::string& text : texts::literals(all.str())) {
      for (const std::string& line : lines(text)) {
        if (std::count(line.begin(), line.end(), ' ') < 2) continue;
        ++read;
        // The words that the detector looks for stand in its own sources.
        if (path.parent_path().filename() != "phi") {
          EXPECT_EQ(shown(line), line) << path;
        }
      }
    }
  }
  EXPECT_GT(read, 3'000U);
}

std::string content_of(const fs::path& path) {
  std::ifstream in(path);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

// Ids of the hub hold what looks like a date or a number of a record by chance, and all of them do
// in some hours: those of 2026-12-26 begin with 01MAR.
TEST(OwnTexts, IdsAreReadable) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  constexpr std::size_t kId = 26;
  std::minstd_rand random(7);
  for (const char* begin : {"01MAR1", "01MAR9", "01MAY", "01M8EP", "01JAN", "01DEC2026"}) {
    for (int i = 0; i < 500; ++i) {
      std::string id = begin;
      while (id.size() < kId) id += kDigits[random() % kDigits.size()];
      ASSERT_EQ(shown(id), id);
      ASSERT_EQ(shown("patient (" + id + ")"), "patient (" + id + ")");
    }
  }
  for (const char* none : {"01MAR2026", "01MAR2026 0123456789ABCDEF", "01 MAR 2026"})
    EXPECT_NE(shown(none), none) << "a day";
  const std::string digits = "1012345672";
  EXPECT_EQ(shown("id 01M8EPP[" + digits).find(digits), std::string::npos);
}

// Symptom: `keys.lost` named "consultation/[date]", and `clock.behind` two times "[date]".
TEST(OwnTexts, BucketsOfKeysAndTimesOfTheHubAreReadable) {
  const std::string time = "2026-11-28T01:32:07.000Z";
  for (const std::string& text :
       {std::string("consultation/2026-11"), std::string("bucket:audit_detail/2036-01"),
        std::string("24 data keys of consultation/2036-11 (20), person/2036-12 (4)"),
        "the retention of consultation/2036-11 ends at " + time,
        "the key of event/2026-11 was destroyed at " + time}) {
    EXPECT_EQ(shown(text), text);
    EXPECT_EQ(policy().hub_text(Channel::log, "bucket", text), text);
  }
  for (const char* field : {"clock", "newest_entry", "expires"})
    EXPECT_EQ(policy().hub_text(Channel::log, field, time), time);
  for (const char* none : {"born/1990-01-31", "Noor/1990-01-31", "consultation/2026-11-28"})
    EXPECT_NE(shown(none), none) << "a day";
}

TEST(OwnTexts, ACheckpointOfTheAuditLogIsAWitness) {
  const std::string note =
      "rabt.health/audit/riyadh-hospital\n24733\n"
      "q3N0n8zJv0mYxj1B5mD8sWqzq0lq7n4kqv3o9M2i1rA=\n\n\u2014 rabt.health/audit/riyadh-hospital "
      "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE\n";
  EXPECT_EQ(policy().hub_text(Channel::log, "note", note), note);
  EXPECT_NE(policy().hub_text(Channel::log, "message", "hospital 24733"), "hospital 24733");
}

// Each code that the hub answers with, alone and in a line of text.
TEST(OwnTexts, CodesOfProblemsAreReadable) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (source == nullptr) GTEST_SKIP() << "set RABT_SOURCE_DIR to the sources";
  std::size_t read = 0;
  for (const std::string& line : lines(content_of(fs::path(source) / "docs/problems.md"))) {
    constexpr std::string_view kRow = "| `";
    if (!line.starts_with(kRow)) continue;
    const std::string code = line.substr(kRow.size(), line.find('`', kRow.size()) - kRow.size());
    if (code.find('.') == std::string::npos) continue;
    ++read;
    EXPECT_EQ(shown(code), code);
    EXPECT_EQ(shown("refused (" + code + ")"), "refused (" + code + ")");
  }
  EXPECT_GT(read, 400U);
}

std::vector<fs::path> sources_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".cpp" || extension == ".hpp") out.push_back(entry.path());
  }
  return out;
}

// A text for people: words with spaces between them.
bool is_prose(const std::string& text) {
  std::size_t words = 0;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == ' ' && is_lower(text[i - 1]) && is_lower(text[i + 1])) ++words;
  }
  return words >= 2 && text.find_first_of("<>=\n") == std::string::npos;
}

// The composed texts of a source whose literals are a text for people.
std::vector<std::string> prose_of(const fs::path& path, std::string_view part) {
  const std::string source = content_of(path);
  std::vector<std::string> out = texts::composed(source, part);
  const std::vector<std::string> bare = texts::composed(source, "2");
  std::size_t at = 0;
  std::erase_if(out, [&](const std::string&) { return !is_prose(bare.at(at++)); });
  return out;
}

// Parts that are written in sources and standards, or are numbers.
constexpr std::array<std::string_view, 4> kParts = {"Patient", "participant[0].actor", "2",
                                                    "MSH-18"};

TEST(ComposedTexts, AreFoundInASource) {
  EXPECT_EQ(texts::composed(R"x(f("the " + where + " of " + std::to_string(n) + "."); g("no");
h(a + " is " "none"); k("one " + x, "two"); l("part" + y);)x",
                            "P"),
            (std::vector<std::string>{"the P of 2.", "P is none", "one P"}));
}

// Symptom: "participant[0].actor [name] to a Patient that is not in the bundle". Cause: the hub
// passed on what a plugin said through its own constants alone. Other tests sent single literals
// through one of both gates.
TEST(ComposedTexts, OfTheHubAndOfShippedPluginsAreReadable) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (source == nullptr) GTEST_SKIP() << "set RABT_SOURCE_DIR to the sources";
  std::size_t read = 0;
  for (const std::string_view part : kParts) {
    for (const fs::path& path : sources_in(fs::path(source) / "hub")) {
      if (path.parent_path().filename() == "phi") continue;
      for (const std::string& text : prose_of(path, part)) {
        ++read;
        EXPECT_EQ(shown(text), text) << path;
      }
    }
    for (const auto& plugin : fs::directory_iterator(fs::path(source) / "plugins")) {
      if (!plugin.is_directory()) continue;
      Vocabulary words;
      words.add_text(part);
      for (const fs::path& path : sources_in(plugin)) {
        for (const std::string& text : texts::literals(content_of(path))) {
          for (const std::string& line : lines(text))
            words.add_program(std::string(kTextMark) + line);
        }
      }
      const Policy of(default_rules(), detector());
      of.learn(words);
      of.learn(plugin.path().filename().string());
      for (const fs::path& path : sources_in(plugin)) {
        for (const std::string& text : prose_of(path, part)) {
          ++read;
          const std::string said = of.outside_text(Channel::error, text, words);
          EXPECT_EQ(said, text) << path;
          EXPECT_EQ(of.hub_text(Channel::error, "detail", said), said) << path;
        }
      }
    }
  }
  EXPECT_GT(read, 2'000U);
}

// Data in the place of a part does not get through.
TEST(ComposedTexts, HideDataInThem) {
  Vocabulary words;
  for (const char* text : {"the appointment's ", " refers to a ", " that is not in the bundle"})
    words.add_program(std::string(kTextMark) + text);
  const Policy of(default_rules(), detector());
  of.learn(words);
  for (const std::string data :
       {"Noor Qahtan", "0501234567", "1000000008", "noor.qahtan@example.sa", "1990-04-07"}) {
    const std::string text =
        "the appointment's " + data + " refers to a " + data + " that is not in the bundle";
    EXPECT_EQ(of.outside_text(Channel::error, text, words).find(data), std::string::npos) << data;
    EXPECT_EQ(of.hub_text(Channel::error, "detail", text).find(data), std::string::npos) << data;
  }
}

TEST(OwnTexts, OfLibrariesAreReadable) {
  for (const std::string text :
       {"Couldn't connect to server", "SSL peer certificate or SSH remote key was not OK",
        "No space left on device", "unable to get local issuer certificate",
        "Temporary failure in name resolution", "database disk image is malformed"})
    EXPECT_EQ(passed_on(text + " (net.connect)"), text + " (net.connect)");
}

TEST(OwnTexts, OfSeveralPartsComeThrough) {
  for (const std::string text :
       {"weekly[0].day: it must be one of sunday, monday, tuesday, wednesday, thursday, friday, "
        "saturday",
        "scheduledStart: it must be a time of RFC 3339, of the Gregorian calendar, such as "
        "2026-03-10T06:00:00Z; title: it is needed",
        "doors.kiorex: `naive_time_zone` must be UTC, Asia/Riyadh or an offset such as +03:00",
        "body: colour: is no member; known are: `participants`, `patient`, `plannedMinutes`, "
        "`provider`",
        "slots: two of them overlap at 2026-03-10T06:00:00Z",
        "the slot at 2026-03-10T06:00:00Z overlaps one that begins at 2026-03-10T06:30:00Z",
        "the provider is not free for the 30 minutes from the time that was asked for; choose "
        "another time or provider",
        "the certificate /etc/rabt/tls.pem expired on 2026-03-10T06:00:00Z"})
    EXPECT_EQ(shown(text), text);
}

TEST(OwnTexts, LetNothingElseThrough) {
  EXPECT_EQ(shown("born on 2026-11-22: must be a date such as 2026-11-22, in quotes"),
            "born on [date]: must be a date such as [date], in quotes");
  EXPECT_EQ(shown("born on 2026-11-22: ` must be a date such as 2026-11-22, in quotes"),
            "born on [date]: ` must be a date such as 2026-11-22, in quotes");
  EXPECT_EQ(shown("of Mr. Abdullah Alqahtani: patient data are read under an open grant only; open "
                  "one with a reason: POST /api/v1/break-glass"),
            "of Mr. [name]: patient data are read under an open grant only; open one with a "
            "reason: POST /api/v1/break-glass");
  EXPECT_EQ(shown("born on 2026-03-10T06:00:00Z"), "born on [date]");
  // A plugin's dates are not the hub's, whatever stands before them.
  EXPECT_EQ(passed_on("expired on 2026-03-10"), "expired on [withheld]");
  // Words of a constant say nothing outside of it, and codes only stand alone.
  for (const char* text : {"Couldn't", "certificate", "resolver", "net.timeoutx", "a@net.timeout",
                           "net.timeout@a.sa", "net.timeout-1", "xexception", "exception-1"})
    EXPECT_NE(passed_on(text), text);
  // Numbers do not pass in groups around constants.
  EXPECT_EQ(passed_on("0501 Couldn't connect to server 234567"),
            "[withheld] Couldn't connect to server [withheld]");
}

TEST(OwnTexts, AreNoPersonsData) {
  const auto finds = detector();
  for (const std::string& text : lines(embedded::own_texts)) {
    if (!is_constant(text)) continue;
    std::size_t found = 0;
    for (const Finding& finding : finds->find(text)) {
      // Examples of times, lists of days and cities, addresses of standards.
      const bool of_things = finding.kind == Class::date || finding.kind == Class::address ||
                             finding.kind == Class::url;
      if (!of_things) found += finding.end - finding.begin;
    }
    EXPECT_LT(2 * found, text.size()) << "a text of the hub that reads like patient data: " << text;
  }
}

}  // namespace
}  // namespace rabt::phi::own_texts_test
