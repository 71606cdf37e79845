#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "hub/phi/constants.hpp"
#include "hub/phi/policy.hpp"
#include "tools/texts/literals.hpp"

namespace rabt::embedded {
extern const std::string_view codes;
extern const std::string_view own_texts;
}  // namespace rabt::embedded

// What the hub says in words of its own reaches who reads it: the detector looks for patient data
// in what came from outside.
namespace rabt::phi {
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

// What a plugin without words of its own may say.
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
    for (const Finding& one : finds->find(text)) {
      // Examples of times, lists of days and cities, addresses of standards.
      const bool of_things =
          one.kind == Class::date || one.kind == Class::address || one.kind == Class::url;
      if (!of_things) found += one.end - one.begin;
    }
    EXPECT_LT(2 * found, text.size()) << "a text of the hub that reads like patient data: " << text;
  }
}

}  // namespace
}  // namespace rabt::phi
