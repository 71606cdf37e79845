#pragma once

#include <cstdint>
#include <string_view>

// The Range header of a request (RFC 9110 section 14).
namespace rabt::http {

struct Range {
  enum class Kind {
    whole,         // no range, or one that is to be ignored: answer 200
    part,          // answer 206
    unsatisfiable  // answer 416
  };
  Kind kind = Kind::whole;
  std::uint64_t from = 0;
  std::uint64_t length = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

// value: the value of the only Range header. What RFC 9110 lets a server ignore is ignored: units
// other than bytes, several ranges, and what does not follow the grammar. The result lies inside
// `bytes`.
[[nodiscard]] Range parse_range(std::string_view value, std::uint64_t bytes);

}  // namespace rabt::http
