#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace rabt {

// The number that the whole text is: decimal digits, after '-' where Number has a sign. None if
// anything else stands there, or if Number cannot hold it.
template <class Number>
[[nodiscard]] std::optional<Number> read_number(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace rabt
