#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "hub/base/ascii.hpp"
#include "hub/phi/policy.hpp"
#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "tools/texts/literals.hpp"

// The gate for texts of plugins (docs/privacy.md#what-a-plugin-says) lets every constant of the
// shipped plugins through.
namespace rabt::plugin::shipped_texts_test {
namespace {

namespace fs = std::filesystem;

const phi::Policy& policy() {
  static const auto made = [] {
    auto detector = phi::Detector::make({});
    EXPECT_TRUE(detector.ok());
    return std::make_unique<const phi::Policy>(
        phi::default_rules(), std::shared_ptr<const phi::Detector>(*std::move(detector)));
  }();
  return *made;
}

// Sources of a plugin, and what it is built with.
std::vector<fs::path> sources_of(const fs::path& source, const std::string& id) {
  std::vector<fs::path> out;
  for (const fs::path& folder : {source / "plugins" / id, source / "sdk/include/rabt",
                                 source / "plugins/asr_common", source / "hub/mapping"}) {
    if (folder.filename() == "mapping" && id != "mapped") continue;
    if (folder.filename() == "asr_common" && id != "pocketsphinx" && id != "whisper") continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".cpp" || extension == ".hpp") out.push_back(entry.path());
    }
  }
  return out;
}

// Everything with a word that is printed. A number of four digits that stands alone is a default or
// a picture's size, no text; the alphabet of an encoding is no word.
bool is_said(const std::string& text) {
  const bool words = std::any_of(text.begin(), text.end(), is_alpha);
  const bool number =
      text.find(' ') == std::string::npos && std::count_if(text.begin(), text.end(), is_digit) > 3;
  return words && !number && text.find("ABCDEFGHIJ") == std::string::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

struct Shipped {
  std::string id;
  Package package;
};

std::vector<Shipped> shipped() {
  std::vector<Shipped> out;
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  if (build == nullptr) return out;
  for (const auto& entry : fs::directory_iterator(fs::path(build) / "plugins")) {
    auto files = PackageFiles::read(entry.path());
    EXPECT_TRUE(files.ok()) << entry.path();
    if (!files.ok()) continue;
    auto package = read_package(*files);
    auto library = seal_library(*files);
    EXPECT_TRUE(package.ok() && library.ok()) << entry.path();
    if (!package.ok() || !library.ok()) continue;
    package->words.merge(std::move(library->words));
    policy().learn(package->manifest.id + " " + package->title + " " + package->manifest.vendor);
    out.push_back({entry.path().filename(), *std::move(package)});
  }
  return out;
}

std::string shown(const Shipped& plugin, const std::string& text) {
  return policy().outside_text(phi::Channel::error, text, plugin.package.words);
}

TEST(ShippedTexts, EveryOneOfThemIsReadable) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const auto plugins = shipped();
  if (source == nullptr || plugins.empty()) GTEST_SKIP() << "set RABT_SOURCE_DIR, RABT_BUILD_DIR";
  for (const Shipped& plugin : plugins) {
    std::size_t read = 0;
    for (const fs::path& path : sources_of(source, plugin.id)) {
      std::ifstream in(path);
      std::ostringstream all;
      all << in.rdbuf();
      for (const std::string& text : texts::literals(all.str())) {
        if (!is_said(text)) continue;
        ++read;
        EXPECT_EQ(shown(plugin, text), text) << plugin.id << ", " << path;
      }
    }
    EXPECT_GT(read, 20U) << plugin.id;
  }
}

TEST(ShippedTexts, CodesOfTheManifestAreReadable) {
  std::size_t read = 0;
  for (const Shipped& plugin : shipped()) {
    for (std::string code : plugin.package.codes) {
      for (const char digit : {'0', '1', '5', '9'}) {
        std::string text = code;
        std::replace(text.begin(), text.end(), '#', digit);
        ++read;
        EXPECT_EQ(shown(plugin, text), text) << plugin.id;
        EXPECT_EQ(shown(plugin, plugin.id + "." + text), plugin.id + "." + text);
        // A code of digits alone beside a number would let a telephone number through.
        const std::string with = is_digit(text.front()) ? "error " : "status 400: error ";
        EXPECT_EQ(shown(plugin, with + text), with + text);
      }
    }
  }
  EXPECT_GT(read, 50U);
}

// Whole messages, whose variable parts are ids and codes of standards.
TEST(ShippedTexts, HoldWhatTheirReaderNeeds) {
  const auto plugins = shipped();
  const auto said_by = [&](std::string_view id, const std::string& text) {
    for (const Shipped& plugin : plugins) {
      if (plugin.id == id) return shown(plugin, text);
    }
    return std::string("no such plugin");
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"fhir", "the record system answered 409, issue business-rule, multiple-matches"},
      {"fhir", "the record system answered 500, issue exception"},
      {"fhir", "the appointment's actor refers to a Patient"},
      {"fhir", "fhir.no_answer.connect"},
      {"nphies", "nphies.no_answer.not_allowed"},
      {"fhir", "Couldn't connect to server"},
      {"fhir", "SSL certificate problem: unable to get local issuer certificate"},
      {"fhir",
       "the name resolves to an address that may not be reached (private or special-purpose)"},
      {"fhir", "start is no instant; write YYYY-MM-DDThh:mm:ss and an offset such as +03:00"},
      {"hl7v2",
       "the character set is not known; use UNICODE UTF-8, ASCII, 8859/1 or 8859/6 (MSH-18)"},
      {"hl7v2", "time_zone must be an offset such as +03:00"},
      {"mapped",
       "the message: map: the code map `codes` has no such code; add it, or a row `*` for all that "
       "have none"},
      {"mapped", "line 12 of the message: more fields than there are columns"},
  };
  for (const auto& [id, text] : cases) EXPECT_EQ(said_by(id, text), text);
}

TEST(ShippedTexts, LetNoPersonThrough) {
  for (const Shipped& plugin : shipped()) {
    for (const char* text : {"Noor Qahtan", "0501234567", "1089341267", "noor.qahtan@example.sa",
                             "1990-04-07", "2026-11-22T08:00:00+03:00", "Mohammed Al-Harbi"})
      EXPECT_EQ(shown(plugin, text).find(text), std::string::npos) << plugin.id;
  }
}

}  // namespace
}  // namespace rabt::plugin::shipped_texts_test
