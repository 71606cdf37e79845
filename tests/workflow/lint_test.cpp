#include <gtest/gtest.h>

#include "harness.hpp"
#include "hub/base/limits.hpp"

namespace rabt::workflow::lint_test {
namespace {

std::string first(std::string_view body) {
  const ParsedDefinition result = parse_definition(document(body), nullptr);
  return result.diagnostics.empty() ? "nothing" : to_string(result.diagnostics.front(), "f");
}

TEST(Lint, PlacesExpressionFaultsInsideTheScalar) {
  const std::string syntax = first("do:\n  - a:\n      set:\n        b: ${ .x | | }\n");
  EXPECT_NE(syntax.find("[expression.syntax]"), std::string::npos) << syntax;
  EXPECT_EQ(syntax.substr(0, 4), "f:5:") << syntax;
  const std::string variable =
      first("do:\n  - a:\n      if: ${ .x == $contxt.y }\n      set: {b: 1}\n");
  EXPECT_EQ(variable.substr(0, 7), "f:4:20:") << variable;
  EXPECT_NE(variable.find("[expression.unknown_variable]"), std::string::npos) << variable;
  const std::string quoted = first("do:\n  - a:\n      if: '$nope'\n      set: {b: 1}\n");
  EXPECT_EQ(quoted.substr(0, 7), "f:4:12:") << quoted;
}

TEST(Lint, VariablesAreKnownOnlyWhereTheyHaveAValue) {
  EXPECT_NE(first("do:\n  - a: {set: {b: 1}, output: {as: $output}}\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_NE(first("do:\n  - a: {set: {b: 1}, if: $input}\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_NE(first("input: {from: $context}\ndo: [{a: {set: {b: 1}}}]\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_EQ(first("do:\n  - a: {set: {b: 1}, export: {as: '[$output, $input, $context, $task, "
                  "$workflow, $runtime]'}}\n"),
            "nothing");
  const std::string secret = first("do:\n  - a: {set: {b: '${ $secrets.key }'}}\n");
  EXPECT_NE(secret.find("what this expression gives is kept with the instance"), std::string::npos)
      << secret;
}

TEST(Lint, ChecksTheDocument) {
  const auto codes = [](std::string_view text) {
    std::string out;
    for (const Diagnostic& diagnostic : parse_definition(text, nullptr).diagnostics) {
      out += std::to_string(diagnostic.line) + ':' + std::to_string(diagnostic.column) + ' ' +
             diagnostic.code + '\n';
    }
    return out;
  };
  const std::string body = "do: [{a: {set: {b: 1}}}]\n";
  EXPECT_EQ(codes("document:\n  dsl: 9.9.9\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "2:8 workflow.version\n");
  EXPECT_EQ(codes("document:\n  dsl: 1.1.0\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "2:8 workflow.version\n");
  EXPECT_EQ(codes("document:\n  dsl: 1.0.9\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "");
  EXPECT_EQ(codes("document:\n  dsl: 1.0.3\n  namespace: X_y\n  name: y\n  version: 1.0\n" + body),
            "3:14 workflow.value\n5:12 workflow.type\n");
  EXPECT_EQ(codes("document: {dsl: 1.0.3, namespace: x, name: y}\n" + body),
            "1:1 workflow.missing_key\n");
  const std::string whole = "document: {dsl: 1.0.3, namespace: x, name: y, version: 1.0.0}\n";
  EXPECT_EQ(codes(whole + "use: {catalogs: {c: {endpoint: 'plugin://'}}}\n" + body),
            "2:32 workflow.value\n")
      << "it names no plugin";
  EXPECT_EQ(codes(body), "1:1 workflow.missing_key\n");
  EXPECT_EQ(codes("document: {dsl: 1.0.1, namespace: x, name: y, version: 1.0.0}\ndo: [{a: {wait: "
                  "'${ .t }'}}]\n"),
            "2:17 workflow.version\n");
  EXPECT_EQ(codes(""), "1:1 workflow.type\n");
}

TEST(Lint, LimitsTheNumberOfTasks) {
  const auto with_tasks = [](std::size_t count) {
    std::string body = "do:\n";
    for (std::size_t i = 0; i < count; ++i)
      body += "  - t" + std::to_string(i) + ": {set: {a: 1}}\n";
    return parse_definition(document(body), nullptr);
  };
  EXPECT_NE(with_tasks(limits::kMaxWorkflowTasks).definition, nullptr);
  const ParsedDefinition refused = with_tasks(limits::kMaxWorkflowTasks + 1);
  ASSERT_EQ(refused.diagnostics.size(), 1U);
  EXPECT_EQ(refused.diagnostics.front().code, "workflow.limit");
}

TEST(Lint, KnowsItsCallsAndStarts) {
  const auto definition = parsed(
      "schedule: {on: {one: {with: {type: booked.v1, data: '${ .modality == \"video\" }'}}}}\n"
      "do:\n  - a: {call: create-session:1.0.0@video}\n");
  ASSERT_EQ(definition->calls().size(), 1U);
  EXPECT_EQ(definition->calls()[0].role, "video");
  EXPECT_EQ(definition->calls()[0].line, 4);
  EXPECT_EQ(definition->start_types(), std::vector<std::string>{"booked.v1"});
  EXPECT_TRUE(definition->starts_on(event("booked.v1", json(R"({"modality":"video"})"))));
  EXPECT_FALSE(definition->starts_on(event("booked.v1", json(R"({"modality":"clinic"})"))));
  EXPECT_FALSE(definition->starts_on(event("booked.v1", Json(5))));
  EXPECT_FALSE(definition->starts_on(event("booked.v10", json(R"({"modality":"video"})"))));
}

TEST(Lint, GivesTheBusinessKeyOfAnInput) {
  const ParsedDefinition result = parse_definition(
      "document:\n  {dsl: 1.0.3, namespace: t, name: n, version: 1.0.0, metadata: {rabt: "
      "{businessKey: '${ .appointment }'}}}\n"
      "input: {from: '.[0].data'}\n"
      "do: [{a: {set: {b: 1}}}]\n",
      nullptr);
  ASSERT_NE(result.definition, nullptr) << all_text(result.diagnostics);
  const auto key =
      result.definition->business_key(Json::array({event("t", json(R"({"appointment":"A1"})"))}));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key.value(), "A1");
  EXPECT_FALSE(result.definition->business_key(Json::array({event("t", json("{}"))})).ok());
}

}  // namespace
}  // namespace rabt::workflow::lint_test
