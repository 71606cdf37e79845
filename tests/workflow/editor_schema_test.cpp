#include "hub/workflow/lint/editor_schema.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "files.hpp"
#include "hub/schema/schema.hpp"
#include "hub/workflow/yaml/yaml.hpp"
#include "lint_catalog.hpp"

namespace rabt::workflow::editor_schema_test {
namespace {

namespace fs = std::filesystem;

Schema compiled(const ActionCatalog* catalog) {
  SchemaMistake mistake;
  auto schema = Schema::compile(editor_schema(catalog), SchemaOptions{}, &mistake);
  EXPECT_TRUE(schema.ok()) << mistake.pointer << ": " << mistake.message;
  return schema.ok() ? *schema : Schema();
}

const Schema& with_actions() {
  static const LintCatalog catalog;
  static const Schema schema = compiled(&catalog);
  return schema;
}

// Empty when the schema takes the file.
std::string fault(const Schema& schema, std::string_view text) {
  const YamlOutcome tree = parse_yaml(text);
  if (tree.root == nullptr) return tree.fault.message;
  const auto found = schema.check(to_json(*tree.root));
  return found ? found->instance_path + ' ' + found->message : std::string();
}

TEST(EditorSchema, TakesTheShippedWorkflow) {
  const std::string root = variable("RABT_SOURCE_DIR");
  if (root.empty()) GTEST_SKIP() << "RABT_SOURCE_DIR is not set";
  EXPECT_EQ(fault(compiled(nullptr), read(fs::path(root) / "workflows/consultation.yaml")), "");
}

TEST(EditorSchema, TakesEveryExampleOfTheSpecificationInsideOfTheProfile) {
  const fs::path folder = fs::path(variable("RABT_CONFORMANCE_DATA")) / "dsl/examples";
  if (!fs::is_directory(folder)) GTEST_SKIP() << folder << " is not there";
  const Schema schema = compiled(nullptr);
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string text = read(entry.path());
    if (parse_definition(text, nullptr).definition == nullptr) continue;
    EXPECT_EQ(fault(schema, text), "") << entry.path().filename();
  }
}

TEST(EditorSchema, RefusesStructuralMistakes) {
  EXPECT_EQ(fault(with_actions(), document("do:\n  - a: {set: {b: 1}}\n")), "");
  for (const char* body : {
           "outputs: {as: .x}\ndo:\n  - a: {set: {b: 1}}\n",
           "do:\n  - a: {sett: {b: 1}}\n",
           "do:\n  - a: {set: {b: 1}, wait: PT1S}\n",
           "do:\n  - a: {then: end}\n",
           "do:\n  - a: {set: {b: 1}, exprot: {as: .}}\n",
           "do:\n  - a: {wait: {minute: 5}}\n",
           "do:\n  - a: {wait: 5 minutes}\n",
           "do:\n  - a: {try: [{b: {set: {c: 1}}}]}\n",
           "do:\n  - a: {for: {each: x}, do: [{b: {set: {c: 1}}}]}\n",
           "do:\n  - a: {switch: [{b: {when: .x}}]}\n",
           "do:\n  - a: {listen: {to: {one: {with: {source: x}}}}}\n",
           "do:\n  - a: {emit: {event: {with: {source: x}}}}\n",
           "do:\n  - a: {raise: {error: {type: x}}}\n",
           "do:\n  - a: {call: grpc, with: {}}\n",
           "do:\n  - a: {call: http, with: {method: get}}\n",
           "do:\n  - a: {run: {shell: {command: ls}}}\n",
           "do:\n  - a: {set: {b: 1}, with: {c: 1}}\n",
           "do:\n  - {a: {set: {b: 1}}, c: {set: {d: 1}}}\n",
           "do: []\n",
           "use: {retrys: {}}\ndo:\n  - a: {set: {b: 1}}\n",
       }) {
    EXPECT_NE(fault(with_actions(), document(body)), "") << body;
  }
  EXPECT_NE(fault(with_actions(),
                  "document: {dsl: 9.9.9, namespace: t, name: n, version: '1.0.0'}\n"
                  "do:\n  - a: {set: {b: 1}}\n"),
            "");
}

TEST(EditorSchema, KnowsTheArgumentsOfEachAction) {
  const auto call = [](std::string_view with) {
    return fault(with_actions(), document("do:\n  - a:\n      call: create-session:1.1.7@video\n" +
                                          std::string(with)));
  };
  EXPECT_EQ(call("      with: {reference: r}\n"), "");
  EXPECT_EQ(call("      with: {reference: r, participants: [{role: patient, identity: p}]}\n"), "");
  EXPECT_NE(call(""), "") << "an argument is needed";
  EXPECT_NE(call("      with: {refrence: r}\n"), "");
  EXPECT_NE(call("      with: {reference: 5}\n"), "");
  EXPECT_NE(call("      with: {reference: r, record: yes}\n"), "");
  EXPECT_NE(call("      with: {reference: r, region: de2}\n"), "");
  EXPECT_NE(call("      with: {reference: r, participants: [{role: patient, identty: p}]}\n"), "");
}

TEST(EditorSchema, TakesAnExpressionForAnyArgument) {
  EXPECT_EQ(fault(with_actions(),
                  document("do:\n  - a:\n      call: create-session:1.0.0@video\n      with:\n"
                           "        reference: ${ .id }\n        record: ${ .record }\n"
                           "        region: ${ .region }\n        seats: ${ .seats }\n"
                           "        participants:\n          - ${ .first }\n"
                           "          - {role: '${ .role }', identity: '${ .id }'}\n"
                           "  - b:\n      call: end-session:1.0.0@video\n      with: ${ . }\n")),
            "");
}

TEST(EditorSchema, OffersCallsWithTitlesAndIsTheSameEachTime) {
  const LintCatalog catalog;
  const Json schema = editor_schema(&catalog);
  const Json& choices = schema["$defs"]["task"]["properties"]["call"]["anyOf"];
  EXPECT_EQ(choices[0]["const"], Json("submit-claim:1.2.0@payer"));
  EXPECT_EQ(choices[1]["const"], Json("create-session:1.2.0@video"));
  EXPECT_EQ(choices[1]["title"], Json("Title of create-session"));
  const Json& arguments = schema["$defs"]["action.video.create-session.1"]["anyOf"][0];
  EXPECT_EQ(arguments["properties"]["reference"]["description"], Json("Names the session."));
  EXPECT_EQ(schema.dump(), editor_schema(&catalog).dump());
}

TEST(EditorSchema, ExplainsEveryKeyOfATask) {
  const Json schema = editor_schema(nullptr);
  for (const auto& [key, member] : schema["$defs"]["task"]["properties"].as_object()) {
    const std::string ref = member.string_or("$ref", "");
    const Json& target = ref.empty() ? member : schema["$defs"][ref.substr(8)];
    EXPECT_FALSE(member["title"].is_null() && target["title"].is_null()) << key;
  }
}

}  // namespace
}  // namespace rabt::workflow::editor_schema_test
