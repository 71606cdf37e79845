#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// The frame of one message of HL7 v2 (Minimal Lower Layer Protocol): 0B message 1C 0D.
namespace rabt::mllp {

inline constexpr char kBegin = '\x0b';
inline constexpr char kEnd = '\x1c';
// Follows kEnd. Some peers leave it out of their answers.
inline constexpr char kAfter = '\r';
// Bytes before a frame that are skipped: the protocol names none, and some peers send line ends,
// blanks, NUL or a line of their log.
inline constexpr std::size_t kMaxBetween = 1024;

// `message` holds neither kBegin nor kEnd.
[[nodiscard]] inline std::string frame(std::string_view message) {
  std::string out;
  out.reserve(message.size() + 3);
  out += kBegin;
  out += message;
  out += kEnd;
  out += kAfter;
  return out;
}

}  // namespace rabt::mllp
