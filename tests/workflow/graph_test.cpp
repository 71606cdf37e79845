#include "hub/workflow/explain/graph.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "harness.hpp"
#include "hub/workflow/explain/explain.hpp"

namespace rabt::workflow {
namespace {

std::string source_file(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / name);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Written by `rabt workflow graph workflows/consultation.yaml`; Mermaid 11 reads it.
TEST(Graph, the_shipped_workflow_is_drawn_as_it_was) {
  const ParsedDefinition definition =
      parse_definition(source_file("workflows/consultation.yaml"), nullptr);
  ASSERT_NE(definition.definition, nullptr);
  EXPECT_EQ(mermaid(*definition.definition), source_file("tests/golden/consultation.mmd"));
}

TEST(Graph, hostile_names_stay_inside_their_labels_and_arabic_stays_whole) {
  const std::string text =
      mermaid(*parsed("do:\n  - 'a\"] --> x; click y <b>': {set: {}}\n  - موعد: {set: {}}\n"));
  EXPECT_EQ(text.find("click y <"), std::string::npos);
  EXPECT_EQ(text.find("\"] -->"), std::string::npos);
  EXPECT_NE(text.find("موعد"), std::string::npos);
}

TEST(Explain, the_way_of_arguments_is_followed_through_context_and_functions) {
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
}  // namespace rabt::workflow
