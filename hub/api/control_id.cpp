#include "hub/api/control_id.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/trace_context.hpp"

namespace rabt::api {

namespace {

// The 10th field is behind the 9th separator: the first field is the separator itself.
constexpr int kBefore = 9;
constexpr std::size_t kSegment = 3;  // "MSH"
// Letters in a row: a name has more.
constexpr std::size_t kLetters = 3;
// Digits in a row of identity numbers and of telephone numbers, with 0 or 966 before them. With
// 00966 they are 14, as those of a time to the second.
constexpr std::size_t kLeastNumber = 9;
constexpr std::size_t kLongestNumber = 12;
constexpr std::size_t kWithCountry = 14;

std::string_view raw_id(std::string_view message) {
  if (!message.starts_with("MSH") || message.size() <= kSegment) return {};
  const char separator = message[kSegment];
  std::string_view rest = message.substr(0, message.find_first_of("\r\n"));
  for (int i = 0; i < kBefore; ++i) {
    const auto at = rest.find(separator);
    if (at == std::string_view::npos) return {};
    rest.remove_prefix(at + 1);
  }
  return rest.substr(0, rest.find(separator));
}

// A telephone or identity number.
bool names_somebody(std::string_view digits) {
  return (digits.size() >= kLeastNumber && digits.size() <= kLongestNumber) ||
         (digits.size() == kWithCountry && digits.starts_with("00"));
}

bool names_nobody(std::string_view id) {
  std::size_t letters = 0;
  std::size_t digits = 0;
  bool numbered = false;
  for (std::size_t i = 0; i <= id.size(); ++i) {
    const char c = i < id.size() ? id[i] : '-';
    if (is_digit(c)) {
      ++digits;
      letters = 0;
      numbered = true;
      continue;
    }
    if (names_somebody(id.substr(i - digits, digits))) return false;
    digits = 0;
    letters = is_alpha(c) ? letters + 1 : 0;
    if (letters > kLetters) return false;
    if (letters == 0 && c != '-' && c != '_' && c != '.') return false;
  }
  return numbered;
}

}  // namespace

std::string control_id(std::string_view message) {
  const std::string_view id = raw_id(message);
  if (id.empty() || id.size() > kMaxControlId) return {};
  return is_machine_id(id) || names_nobody(id) ? std::string(id) : std::string();
}

}  // namespace rabt::api
