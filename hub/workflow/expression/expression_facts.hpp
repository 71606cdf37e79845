#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/expression.hpp"

// Facts about an expression for the linter, from its syntax tree.
namespace rabt::workflow {

// The keys of the object that an expression gives, as far as its form tells.
struct ObjectShape {
  std::set<std::string> keys;
  bool keeps_context = false;  // $context is part of it: the keys that were there stay
  bool is_output = false;      // exactly the task's output: `.` or `$output`
  bool known = true;           // false for a form about which nothing can be said
};

struct ExpressionFacts {
  std::vector<std::pair<std::string, std::size_t>> context_reads;  // key of $context, byte offset
  bool whole_context = false;                                      // $context without a key is used
  std::vector<std::pair<std::string, std::size_t>> secret_reads;   // key of $secrets, byte offset
  bool whole_secrets = false;
  std::vector<std::pair<std::string, std::size_t>> texts;  // literal texts, byte offset
  ObjectShape shape;
};

// variables: the names of the values that an evaluation gets, in that order.
[[nodiscard]] ExpressionFacts expression_facts(const Expression& expression,
                                               std::span<const std::string_view> variables);

}  // namespace rabt::workflow
