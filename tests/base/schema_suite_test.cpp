#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>

#include "hub/base/schema.hpp"

// The official test suite of JSON Schema 2020-12, every file that is there.
namespace rabt {
namespace {

// Groups that need a document from outside (their remotes are no part of the schema), or that ask
// for what docs/schemas.md says is not done. "file: group" or "file: group: test".
[[maybe_unused]] const std::map<std::string, std::string>& excused() {
  static const std::map<std::string, std::string> list = {};
  return list;
}

struct Outcome {
  std::size_t passed = 0;
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
  return parsed.ok() ? *parsed : Json();
}

void run(const std::filesystem::path& path, FormatMode formats, Outcome& outcome) {
  const Json groups = read(path);
  const std::string file = path.lexically_relative(suite()).string();
  for (const Json& group : groups.as_array()) {
    const std::string name = file + ": " + group["description"].as_string();
    SchemaMistake mistake;
    const auto schema = Schema::compile(
        group["schema"], {.formats = formats, .unknown = UnknownKeywords::ignore}, &mistake);
    for (const Json& test : group["tests"].as_array()) {
      const std::string full = name + ": " + test["description"].as_string();
      if (!schema.ok()) {
        outcome.failed.insert(full + "   [" + schema.error().message + "]");
        continue;
      }
      const Json& data = test["data"];
      const bool valid = !schema->check(data);
      // All ways to ask say the same.
      const auto all = schema->check_all(data, 100);
      EXPECT_EQ(all.empty(), valid) << full;
      if (valid == test["valid"].as_bool()) {
        ++outcome.passed;
      } else {
        outcome.failed.insert(full);
      }
    }
  }
}

TEST(SchemaSuite, Explore) {
  if (suite().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  for (const char* folder : {"", "optional", "optional/format"}) {
    Outcome outcome;
    for (const auto& path : files(suite() / folder))
      run(path,
          std::string(folder) == "optional/format" ? FormatMode::assert : FormatMode::annotate,
          outcome);
    std::cout << folder << ": " << outcome.passed << " hold, " << outcome.failed.size()
              << " do not\n";
    for (const std::string& one : outcome.failed) std::cout << "   " << one << "\n";
  }
}

}  // namespace
}  // namespace rabt
