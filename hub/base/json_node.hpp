#pragma once

#include <atomic>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/json.hpp"

// Node of a Json whose value does not fit into 8 bytes. For hub/base/json*.cpp only.
namespace rabt {

struct Json::Node {
  class Reader;   // json_parse.cpp
  class Printer;  // json_print.cpp
  // Each thread keeps the memory of some released nodes, for the nodes that it makes next.
  static void* operator new(std::size_t size);
  static void operator delete(void* memory) noexcept;
  mutable std::atomic<std::uint32_t> references{1};
};

// A number that keeps its digits.
struct Json::DecimalNode : Node {
  explicit DecimalNode(std::string_view digits) : text(digits) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // from_chars leaves the value alone when it is out of range; strtod gives +-HUGE_VAL or 0,
    // which is what comparisons need.
    if (error == std::errc::result_out_of_range) value = std::strtod(text.c_str(), nullptr);
  }
  std::string text;
  double value = 0;
};

struct Json::StringNode : Node {
  explicit StringNode(std::string v) : value(std::move(v)) {}
  explicit StringNode(std::string_view v) : value(v) {}
  std::string value;
};

struct Json::ArrayNode : Node {
  explicit ArrayNode(Array v) : value(std::move(v)) {}
  Array value;
};

struct Json::ObjectNode : Node {
  explicit ObjectNode(JsonObject v) : value(std::move(v)) {}
  JsonObject value;
};

// The memory of every kind of node has this size, so that one can take the place of another.
inline constexpr std::size_t kNodeBytes = 56;

}  // namespace rabt
