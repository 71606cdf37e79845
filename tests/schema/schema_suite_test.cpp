#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "hub/schema/schema.hpp"

// The official test suite of JSON Schema 2020-12: every test of every file that is there.
namespace rabt::schema_suite_test {
namespace {

// These groups refer to documents that the suite serves over HTTP. A schema here is one document,
// so each of them must be refused when it is compiled. "file: group".
const std::set<std::string> kNeedsAnotherDocument = {
    "dynamicRef.json: strict-tree schema, guards against misspelled properties",
    "dynamicRef.json: tests for implementation dynamic anchor and reference link",
    "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $defs first",
    "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $ref first",
    "dynamicRef.json: $ref to $dynamicRef finds detached $dynamicAnchor",
    "refRemote.json: remote ref",
    "refRemote.json: fragment within remote ref",
    "refRemote.json: anchor within remote ref",
    "refRemote.json: ref within remote ref",
    "refRemote.json: base URI change",
    "refRemote.json: base URI change - change folder",
    "refRemote.json: base URI change - change folder in subschema",
    "refRemote.json: root ref in remote ref",
    "refRemote.json: remote ref with ref to defs",
    "refRemote.json: Location-independent identifier in remote ref",
    "refRemote.json: retrieved nested refs resolve relative to their URI not $id",
    "refRemote.json: remote HTTP ref with different $id",
    "refRemote.json: remote HTTP ref with different URN $id",
    "refRemote.json: remote HTTP ref with nested absolute ref",
    "refRemote.json: $ref to $ref finds detached $anchor",
    "vocabulary.json: schema that uses custom metaschema with with no validation vocabulary",
    "vocabulary.json: ignore unrecognized optional vocabulary",
    "optional/cross-draft.json: refs to historic drafts are processed as historic drafts",
    "optional/format-assertion.json: schema that uses custom metaschema with format-assertion: "
    "false",
    "optional/format-assertion.json: schema that uses custom metaschema with format-assertion: "
    "true",
};

// Host names in ASCII that stand for international ones: that they decode to what IDNA 2008 allows
// is not checked. Tests of one group.
const std::string kPunycode =
    "optional/format/hostname.json: validation of A-label (punycode) host names: ";
const std::set<std::string> kNeedsIdna = {
    "Arabic-Indic digits mixed with Extended Arabic-Indic digits",
    "Begins with a Nonspacing Mark",
    "Begins with a Spacing Combining Mark",
    "Begins with an Enclosing Mark",
    "Exceptions that are DISALLOWED, left-to-right chars",
    "Exceptions that are DISALLOWED, right-to-left chars",
    "Greek KERAIA not followed by Greek",
    "Greek KERAIA not followed by anything",
    "Hebrew GERESH not preceded by Hebrew",
    "Hebrew GERESH not preceded by anything",
    "Hebrew GERSHAYIM not preceded by Hebrew",
    "Hebrew GERSHAYIM not preceded by anything",
    "KATAKANA MIDDLE DOT with no Hiragana, Katakana, or Han",
    "KATAKANA MIDDLE DOT with no other characters",
    "MIDDLE DOT with no following 'l'",
    "MIDDLE DOT with no preceding 'l'",
    "MIDDLE DOT with nothing following",
    "MIDDLE DOT with nothing preceding",
    "ZERO WIDTH JOINER not preceded by Virama",
    "ZERO WIDTH JOINER not preceded by anything",
    "contains \"--\" in the 3rd and 4th position",
    "contains illegal char U+302E Hangul single dot tone mark",
    "invalid Punycode",
};
// idn-hostname stays an annotation for the same reason: this file's texts are all accepted.
const std::string kAnnotationOnly = "optional/format/idn-hostname.json";

struct Outcome {
  std::size_t held = 0;
  std::size_t excused = 0;
  std::set<std::string> failed;  // "file: group: test"
};

std::filesystem::path suite() {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) return {};
  return std::filesystem::path(data) / "vectors/json_schema/tests/draft2020-12";
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Json read(const std::filesystem::path& path) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed.ok()) << path << (parsed.ok() ? "" : parsed.error().message);
  return parsed.ok() ? *parsed : Json(Json::Array());
}

bool is_excused(const std::string& file, const std::string& test) {
  if (file == kAnnotationOnly) return true;
  return test.starts_with(kPunycode) && kNeedsIdna.contains(test.substr(kPunycode.size()));
}

void run(const std::filesystem::path& path, FormatMode formats, Outcome& outcome) {
  const Json groups = read(path);
  const std::string file = path.lexically_relative(suite()).string();
  for (const Json& group : groups.as_array()) {
    const std::string name = file + ": " + group["description"].as_string();
    const auto schema =
        Schema::compile(group["schema"], {.formats = formats, .unknown = UnknownKeywords::ignore});
    if (kNeedsAnotherDocument.contains(name)) {
      EXPECT_FALSE(schema.ok()) << name << ": needs no excuse any more";
      EXPECT_EQ(schema.ok() ? "" : schema.error().code, "schema.unsupported") << name;
      outcome.excused += group["tests"].size();
      continue;
    }
    EXPECT_TRUE(schema.ok()) << name << ": " << (schema.ok() ? "" : schema.error().message);
    if (!schema.ok()) continue;
    for (const Json& test : group["tests"].as_array()) {
      const std::string full = name + ": " + test["description"].as_string();
      const auto fault = schema->check(test["data"]);
      const auto all = schema->check_all(test["data"], 100);
      EXPECT_EQ(all.empty(), !fault) << full;
      const bool right = !fault == test["valid"].as_bool();
      if (is_excused(file, full)) {
        ++outcome.excused;
        if (file == kAnnotationOnly) {
          EXPECT_FALSE(fault) << full;
        } else {
          EXPECT_FALSE(right) << full << ": needs no excuse any more";
        }
      } else if (right) {
        ++outcome.held;
      } else {
        outcome.failed.insert(full);
      }
    }
  }
}

Outcome run_folder(const char* folder, FormatMode formats) {
  Outcome outcome;
  for (const auto& path : files(suite() / folder)) run(path, formats, outcome);
  for (const std::string& text : outcome.failed) ADD_FAILURE() << text;
  std::cout << "  " << outcome.held << " tests hold, " << outcome.failed.size() << " fail, "
            << outcome.excused << " are excused\n";
  return outcome;
}

TEST(SchemaSuite, EveryRequiredTestHoldsBesideThoseThatNeedAnotherDocument) {
  if (suite().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const Outcome outcome = run_folder("", FormatMode::annotate);
  EXPECT_GT(outcome.held, 1200U);
  EXPECT_EQ(outcome.excused, 49U);
}

TEST(SchemaSuite, EveryOptionalTestHoldsBesideThoseThatNeedAnotherDocument) {
  if (suite().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  EXPECT_GT(run_folder("optional", FormatMode::annotate).held, 150U);
}

TEST(SchemaSuite, FormatsAreAssertedBesideInternationalHostNames) {
  if (suite().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  EXPECT_GT(run_folder("optional/format", FormatMode::assert).held, 600U);
}

TEST(SchemaSuite, NoFormatIsAssertedUnlessAsked) {
  if (suite().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  for (const auto& path : files(suite() / "optional/format")) {
    const Json groups = read(path);
    for (const Json& group : groups.as_array()) {
      const auto schema = Schema::compile(group["schema"]);
      ASSERT_TRUE(schema.ok()) << schema.error().message;
      if (group["schema"].size() > 2) continue;  // says more than $schema and format
      for (const Json& test : group["tests"].as_array())
        EXPECT_FALSE(schema->check(test["data"])) << path << test["description"].dump();
    }
  }
}

}  // namespace
}  // namespace rabt::schema_suite_test
