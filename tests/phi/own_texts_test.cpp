#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "hub/phi/policy.hpp"

// What the hub says in words of its own reaches who reads it: the detector looks for patient data
// in what came from outside.
namespace rabt::phi {
namespace {

namespace fs = std::filesystem;

const Policy& policy() {
  static const auto made = [] {
    auto detector = Detector::make({});
    EXPECT_TRUE(detector.ok());
    return std::make_unique<const Policy>(default_rules(),
                                          std::shared_ptr<const Detector>(*std::move(detector)));
  }();
  return *made;
}

std::string shown(const std::string& text) {
  return policy().hub_text(Channel::error, "detail", text);
}

// The texts that stand in a source between quotes, neighbours put together.
std::vector<std::string> literals(const std::string& source) {
  std::vector<std::string> out;
  bool joins = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const std::string_view rest = std::string_view(source).substr(i);
    if (rest.starts_with("//") || rest.starts_with("#include")) {
      i = std::min(source.find('\n', i), source.size());
    } else if (rest.starts_with("R\"")) {
      const std::string end = ")" + source.substr(i + 2, source.find('(', i) - i - 2) + "\"";
      i = std::min(source.find(end, i), source.size()) + end.size() - 1;
      joins = false;
    } else if (c == '\'' && i + 2 < source.size() && i > 0 &&
               std::isalnum(static_cast<unsigned char>(source[i - 1])) == 0) {
      i = source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2));
      joins = false;
    } else if (c == '"') {
      std::string text;
      for (++i; i < source.size() && source[i] != '"'; ++i) {
        if (source[i] == '\\') ++i;
        text += source[i];
      }
      if (joins) {
        out.back() += text;
      } else {
        out.push_back(text);
      }
      joins = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      joins = false;
    }
  }
  return out;
}

// What is a sentence, and not SQL, HTML or a program of jq.
bool is_said(const std::string& text) {
  static const std::array<std::string_view, 6> kOther = {"SELECT ", "INSERT ", "UPDATE ",
                                                         "DELETE ", "<",       "def "};
  const auto words = std::count(text.begin(), text.end(), ' ');
  return words >= 2 && std::none_of(kOther.begin(), kOther.end(),
                                    [&](std::string_view one) { return text.starts_with(one); });
}

TEST(OwnTexts, WhatTheHubSaysIsNotTakenForPatientData) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (source == nullptr) GTEST_SKIP() << "set RABT_SOURCE_DIR to the sources";
  std::size_t read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(source) / "hub")) {
    const fs::path& path = entry.path();
    if (path.extension() != ".cpp" && path.extension() != ".hpp") continue;
    // Words that the detector looks for, and commands, which print what they say.
    const std::string folder = path.parent_path().filename();
    if (folder == "phi" || folder == "cli") continue;
    std::ifstream in(path);
    std::ostringstream all;
    all << in.rdbuf();
    for (const std::string& text : literals(all.str())) {
      if (!is_said(text)) continue;
      ++read;
      EXPECT_EQ(shown(text), text) << path << ": kOwnTexts of hub/phi/policy.cpp may name a part "
                                   << "of it, unless it can be said otherwise";
    }
  }
  EXPECT_GT(read, 1'000U);
}

TEST(OwnTexts, WhatIsListedComesThroughAndTheSameElsewhereDoesNot) {
  for (const std::string text :
       {"weekly[0].day: it must be one of sunday, monday, tuesday, wednesday, thursday, friday, "
        "saturday",
        "scheduledStart: it must be a time of RFC 3339, such as 2026-03-10T06:00:00Z; title: it is "
        "needed",
        "body: colour: is no member; known are: `participants`, `patient`, `plannedMinutes`, "
        "`provider`"})
    EXPECT_EQ(shown(text), text);
  EXPECT_EQ(shown("born on 2026-03-10, such as 2026-03-10T06:00:00Z"),
            "born on [date], such as 2026-03-10T06:00:00Z");
  EXPECT_EQ(shown("such as 10.0.0.0/8, not 10.0.0.1"), "such as 10.0.0.0/8, not [ip]");
  EXPECT_EQ(shown("of Mr. Abdullah Alqahtani by POST /api/v1/auth"),
            "of Mr. [name] by POST /api/v1/auth");
}

}  // namespace
}  // namespace rabt::phi
