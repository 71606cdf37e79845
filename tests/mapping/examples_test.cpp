#include <filesystem>

#include "hub/mapping/cases.hpp"
#include "hub/mapping/inspect.hpp"
#include "hub/mapping/limits.hpp"
#include "tests/mapping/support.hpp"

// The shipped examples pass their own tests, and the linter finds what they miss.
namespace rabt::mapping::examples_test {
namespace {

namespace fs = std::filesystem;

TEST(MappingExamples, PassTheirCases) {
  const fs::path folder = test::source_dir() + "/config/sources/examples";
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".test.yaml")) continue;
    ++files;
    const auto text = read_part(path, limits::kMaxWorkflowBytes);
    ASSERT_TRUE(text.ok());
    const auto cases = read_cases(*text, path);
    ASSERT_TRUE(cases.ok()) << cases.error().message;
    const auto source = read_files((folder / cases->mapping).string());
    ASSERT_TRUE(source.ok()) << source.error().message;
    const auto mapping = load(*source);
    ASSERT_TRUE(mapping.ok()) << mapping.error().message;
    for (const Case& one : cases->cases) {
      std::string body = one.text;
      if (!one.file.empty()) {
        const auto read = read_part((folder / one.file).string(), limits::kMaxRequestBody);
        ASSERT_TRUE(read.ok()) << read.error().message;
        body = *read;
      }
      for (const std::string& line : differences(one, test::take(**mapping, body), true))
        ADD_FAILURE() << path << ": " << one.name << ": " << line;
    }
  }
  EXPECT_EQ(files, 6);
}

TEST(MappingInspection, NamesFieldsThatNoRuleReadsAndPatientDataWithoutAMark) {
  const auto mapping = test::mapping_of(R"(mapping: 1
format: json
schema:
  type: object
  properties: {rows: {type: array, items: {type: object, properties: {who: {x-phi: true}}}}}
each: ${ .rows[] }
key: ${ .who }
events:
  - type: sa.example.one.v1
    schema: {type: object, properties: {name: {x-phi: true}}}
rules:
  - type: sa.example.one.v1
    data: {name: '${ .who }', label: '${ "for " + .who }', n: '${ .n }'}
)");
  ASSERT_NE(mapping, nullptr);
  const auto message = Json::parse(
      R"({"rows": [{"who": "a", "n": 1}, {"who": "b", "n": 2, "left": true}], "head": {"to": "x"}})");
  ASSERT_TRUE(message.ok());
  const Inspection found = inspect(*mapping, *message, {});
  EXPECT_EQ(found.read, (std::vector<std::string>{"/rows/*/n", "/rows/*/who"}));
  EXPECT_EQ(found.unread, (std::vector<std::string>{"/head/to", "/rows/*/left"}));
  ASSERT_EQ(found.leaks.size(), 2U);
  EXPECT_EQ(found.leaks[0].from, "/rows/*/who");
  EXPECT_EQ(found.leaks[0].to, "/data/label");
  EXPECT_EQ(found.leaks[1].to, "/subject");
}

TEST(MappingInspection, DraftsASchemaWithGuessedMarks) {
  const auto sample =
      Json::parse(R"({"id": 1, "rows": [{"patientName": "x", "n": 1.5}, {"n": 2, "free": null}]})");
  ASSERT_TRUE(sample.ok());
  EXPECT_EQ(
      draft_schema(*sample).dump(),
      R"({"type":"object","required":["id","rows"],"properties":{"id":{"type":"integer"},)"
      R"("rows":{"type":"array","items":{"type":"object","required":["n"],"properties":)"
      R"({"patientName":{"type":"string","x-phi":true},"n":{"type":"number"},"free":{}}}}}})");
}

TEST(MappingCases, SayWhatIsDifferentWithoutValuesOfRealBodies) {
  const auto file = read_cases(R"(mapping: x.yaml
cases:
  - name: one
    text: '{}'
    becomes: [{type: t, data: {a: 1}}]
  - name: two
    text: '{}'
    refused: no rule
)",
                               "x.test.yaml");
  ASSERT_TRUE(file.ok()) << file.error().message;
  Taken taken;
  taken.events.push_back(Json::object({{"type", "t"}, {"data", Json::object({{"a", "secret"}})}}));
  EXPECT_EQ(differences(file->cases[0], taken, false),
            std::vector<std::string>{"event 1 /data/a: must be 1, is something else"});
  EXPECT_EQ(differences(file->cases[0], taken, true),
            std::vector<std::string>{"event 1 /data/a: must be 1, is \"secret\""});
  EXPECT_EQ(differences(file->cases[1], taken, false),
            std::vector<std::string>{"was taken and must be refused"});
  EXPECT_FALSE(read_cases("mapping: x\ncases: [{name: a, text: b}]\n", "x").ok());
}

}  // namespace
}  // namespace rabt::mapping::examples_test
