#include "hub/api/control_id.hpp"

#include <string>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/base/trace_context.hpp"

namespace rabt::api {

namespace {

// The 10th field is behind the 9th separator: the first field is the separator itself.
constexpr int kBefore = 9;
constexpr std::size_t kSegment = 3;  // "MSH"
// Most letters in a row that are no name.
constexpr std::size_t kLetters = 3;
// Digits of identity numbers and of telephone numbers, with 0 or 966 before them. With 00966 they
// are 14, as those of a time to the second.
constexpr std::size_t kLeastNumber = 9;
constexpr std::size_t kLongestNumber = 12;
constexpr std::size_t kWithCountry = 14;
// 19900131
constexpr std::size_t kDay = 8;

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

int number(std::string_view digits) {
  int out = 0;
  for (const char c : digits) out = out * 10 + (c - '0');
  return out;
}

bool is_day(int year, int month, int day) {
  // Years of births in the Hijri and the Gregorian calendar.
  const bool in_a_life = (year >= 1300 && year < 1500) || (year >= 1850 && year < 2150);
  return in_a_life && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// A telephone or identity number, or a day in one of the usual orders.
bool names_somebody(std::string_view digits) {
  if (digits.size() == kDay) {
    const int first = number(digits.substr(0, 2));
    const int second = number(digits.substr(2, 2));
    const int last = number(digits.substr(4));
    return is_day(number(digits.substr(0, 4)), number(digits.substr(4, 2)),
                  number(digits.substr(6))) ||
           is_day(last, second, first) || is_day(last, first, second);
  }
  return (digits.size() >= kLeastNumber && digits.size() <= kLongestNumber) ||
         (digits.size() == kWithCountry && digits.starts_with("00"));
}

// True if neighbouring runs of digits together are such a number: people write numbers in parts.
bool names_somebody(const std::vector<std::string>& runs) {
  for (std::size_t first = 0; first < runs.size(); ++first) {
    std::string joined;
    for (std::size_t i = first; i < runs.size(); ++i) {
      joined += runs[i];
      if (names_somebody(joined)) return true;
    }
  }
  return false;
}

bool names_nobody(std::string_view id) {
  std::size_t letters = 0;
  bool numbered = false;
  // Runs of digits with nothing but separators between them.
  std::vector<std::string> runs(1);
  for (const char c : id) {
    if (is_digit(c)) {
      runs.back() += c;
      letters = 0;
      numbered = true;
      continue;
    }
    if (is_alpha(c)) {
      if (names_somebody(runs) || ++letters > kLetters) return false;
      runs.assign(1, "");
      continue;
    }
    letters = 0;
    if (c != '-' && c != '_' && c != '.') return false;
    if (!runs.back().empty()) runs.emplace_back();
  }
  return numbered && !names_somebody(runs);
}

}  // namespace

std::string control_id(std::string_view message) {
  const std::string_view id = raw_id(message);
  if (id.empty() || id.size() > kMaxControlId) return {};
  return is_machine_id(id) || names_nobody(id) ? std::string(id) : std::string();
}

}  // namespace rabt::api
