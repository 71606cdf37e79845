#include "hub/workflow/explain/graph.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness.hpp"
#include "hub/workflow/explain/explain.hpp"

namespace rabt::workflow::graph_test {
namespace {

std::string source_file(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::shared_ptr<const Definition> source_definition(const std::string& name,
                                                    const ActionCatalog* catalog = nullptr) {
  return parse_definition(source_file(name), catalog).definition;
}

// The pictures and explanations under tests/golden are what `rabt workflow graph FILE` and
// `rabt workflow explain [--format json] FILE` print; Mermaid 11 reads the pictures.
TEST(Graph, WorkflowsAreDrawnAsTheyWere) {
  const auto shipped = source_definition("workflows/consultation.yaml");
  ASSERT_NE(shipped, nullptr);
  EXPECT_EQ(mermaid(*shipped), source_file("tests/golden/consultation.mmd"));
  const auto tour = source_definition("tests/golden/tour.yaml");
  ASSERT_NE(tour, nullptr);
  EXPECT_EQ(mermaid(*tour), source_file("tests/golden/tour.mmd"));
}

TEST(Graph, ExtensionsStandAroundATaskAndAnExitBeforeItLeadsPastIt) {
  const std::string text = mermaid(*source_definition("tests/golden/tour.yaml"));
  EXPECT_NE(text.find("subgraph x0[\"extension mock: around every call task when"),
            std::string::npos);
  EXPECT_NE(text.find("x0_b1 --> x0_task\n"), std::string::npos);
  EXPECT_NE(text.find("x0_task --> x0_a0\n"), std::string::npos);
  EXPECT_NE(text.find("x0_b0 -->|\"in its place\"| x0_a0\n"), std::string::npos);
  EXPECT_EQ(text.find("x0_b0 --> x0_task"), std::string::npos);
}

TEST(Graph, ForeachOfAListenIsALoop) {
  const std::string text =
      mermaid(*parsed("do:\n  - l:\n      listen: {to: {any: [], until: '${ length == 2 }'}}\n"
                      "      foreach: {item: one, do: [{s: {set: {a: 1}}}]}\n"));
  EXPECT_NE(text.find("t0_in{{\"each one\"}}"), std::string::npos) << text;
  EXPECT_NE(text.find("t0_in -->|\"next\"| t0_0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("t0_0 --> t0_in\n"), std::string::npos) << text;
  EXPECT_NE(text.find("t0_in -->|\"no more\"| finish\n"), std::string::npos) << text;
}

TEST(Graph, TheStartSaysWhetherOneEventOrAllAreNeededAndWhenTheClockStartsIt) {
  const auto start = [](const std::string& schedule) {
    const std::string text =
        mermaid(*parsed("schedule: " + schedule + "\ndo: [{a: {set: {b: 1}}}]\n"));
    const std::size_t at = text.find("start -->");
    return text.substr(at, text.find('\n', at) - at);
  };
  EXPECT_EQ(start("{on: {any: [{with: {type: a}}, {with: {type: b}}]}}"),
            "start -->|\"a or b\"| t0");
  EXPECT_EQ(start("{on: {all: [{with: {type: a}}, {with: {type: b}}]}}"),
            "start -->|\"a and b\"| t0");
  EXPECT_EQ(start("{every: PT5M}"), "start -->|\"every 5 minutes\"| t0");
  EXPECT_EQ(start("{cron: '0 8 1 1 1'}"), "start -->|\"at 0 8 1 1 1\"| t0");
  EXPECT_EQ(start("{after: PT1H}"), "start -->|\"1 hour after the one before\"| t0");
}

TEST(Graph, HostileNamesStayInsideTheirLabelsAndArabicStaysWhole) {
  const std::string text =
      mermaid(*parsed("do:\n  - 'a\"] --> x; click y <b>': {set: {}}\n  - موعد: {set: {}}\n"));
  EXPECT_EQ(text.find("click y <"), std::string::npos);
  EXPECT_EQ(text.find("\"] -->"), std::string::npos);
  EXPECT_NE(text.find("موعد"), std::string::npos);
}

TEST(Explain, WorkflowsAreExplainedAsTheyWere) {
  for (const std::string name : {"workflows/consultation", "tests/golden/tour"}) {
    const auto definition = source_definition(name + ".yaml");
    ASSERT_NE(definition, nullptr);
    const Explanation found = explain(*definition, nullptr);
    const std::string golden = "tests/golden" + name.substr(name.rfind('/'));
    EXPECT_EQ(to_text(found), source_file(golden + ".explain.txt"));
    EXPECT_EQ(to_json(found).dump_pretty() + '\n', source_file(golden + ".explain.json"));
  }
}

// Marks the patient's name in what the action takes.
class MarkingCatalog final : public ActionCatalog {
 public:
  [[nodiscard]] std::vector<std::string> roles() const override { return {"stock", "ehr"}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view role) const override {
    return role == "stock" ? std::vector<std::string>{"reserve", "release"}
                           : std::vector<std::string>{"write"};
  }
  [[nodiscard]] std::optional<ActionInfo> find(std::string_view /*role*/, std::string_view action,
                                               std::string_view version) const override {
    ActionInfo out;
    out.name = action;
    out.version = version;
    out.idempotency = action == "write" ? "none" : "native";
    if (action == "reserve") {
      out.title = "Reserve a thing";
      out.input_schema = json(R"({"properties":{"who":{"x-phi":true},"n":{}}})");
    }
    return out;
  }
};

TEST(Explain, WithACatalogItSaysWhichRoleGetsPatientDataAndWhatMayBeRepeated) {
  const MarkingCatalog catalog;
  const auto definition = source_definition("tests/golden/tour.yaml", &catalog);
  ASSERT_NE(definition, nullptr);
  const std::string text = to_text(explain(*definition, &catalog));
  EXPECT_NE(text.find("reserve: stock/reserve (Reserve a thing)\n         safe to repeat"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("steps/write: ehr/write\n         NOT safe to repeat"), std::string::npos)
      << text;
  const std::size_t section = text.find("Patient data that reaches a role\n  stock\n");
  ASSERT_NE(section, std::string::npos) << text;
  EXPECT_NE(text.find("reserve who  from answer of http GET", section), std::string::npos) << text;
  EXPECT_EQ(text.find("reserve n ", section), std::string::npos) << text;
  EXPECT_EQ(text.find("  ehr\n", section), std::string::npos) << text;
}

TEST(Explain, TheWayOfArgumentsIsFollowedThroughContextAndFunctions) {
  const Explanation found = explain(
      *parsed("use: {functions: {f: {call: send:1.0.0@payer, with: {who: '${ .p }'}}}}\n"
              "do:\n"
              "  - a: {set: {p: '${ .patient.name }'}, export: {as: '${ $context + {keep: .} }'}}\n"
              "  - b: {call: f, with: {p: '${ $context.keep.p }'}}\n"),
      nullptr);
  ASSERT_EQ(found.calls.size(), 1U);
  ASSERT_EQ(found.calls[0].arguments.size(), 1U);
  EXPECT_EQ(found.calls[0].arguments[0].path, "who");
  EXPECT_EQ(found.calls[0].arguments[0].from, std::vector<std::string>{"input.patient.name"});
}

}  // namespace
}  // namespace rabt::workflow::graph_test
