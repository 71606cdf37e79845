#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/workflow/expression/expression_ast.hpp"
#include "hub/workflow/lint/data_flow.hpp"

// Operations on the possible content of values: join, take apart, put together. Pure.
namespace rabt::workflow::flow {

// A value with more parts is taken as one.
inline constexpr std::size_t kMaxParts = 256;
// Segment of a place for the result of .[].
inline constexpr std::string_view kSome = "[]";
// Limit on the depth of the walk into expressions and tasks.
inline constexpr int kMaxDepth = 200;

// True if into has grown.
bool join(FlowValue& into, const FlowValue& from);
[[nodiscard]] FlowValue joined(FlowValue a, const FlowValue& b);
// One value made of all parts of the given one; their places in it are no longer known.
[[nodiscard]] FlowValue mixed(const FlowValue& value);
[[nodiscard]] std::size_t parts(const FlowValue& value);
[[nodiscard]] FlowValue bounded(FlowValue value);
[[nodiscard]] FlowValue member(const FlowValue& value, const std::string& key);
// A list with these items.
[[nodiscard]] FlowValue list_of(FlowValue items);
// Result of .[2].
[[nodiscard]] FlowValue numbered(const FlowValue& value);
// Result of .[].
[[nodiscard]] FlowValue item(const FlowValue& value);
// Returns value with `key` replaced by part, for certain.
[[nodiscard]] FlowValue with_member(FlowValue value, const std::string& key, FlowValue part);
// Returns value with part at the place that the names lead to.
[[nodiscard]] FlowValue with_path(const FlowValue& value, const std::vector<PathKey>& names,
                                  std::size_t at, const FlowValue& part);
// Adds a second name for a place: what lies below one lies below the other.
void also(FlowValue& value, const std::string& origin);

}  // namespace rabt::workflow::flow
