#include "hub/phi/constants.hpp"

#include <algorithm>
#include <cstring>

#include "hub/base/ascii.hpp"

namespace rabt::embedded {
extern const std::string_view codes;
extern const std::string_view own_texts;
}  // namespace rabt::embedded

namespace rabt::phi {

namespace {

constexpr std::size_t kKey = 8;
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxCode = 64;
constexpr std::size_t kMinWords = 3;
constexpr std::size_t kMinPlainWords = 2;

constexpr bool in_code(char c) {
  return is_alnum(c) || c == '_' || c == '-' || c == '.' || static_cast<unsigned char>(c) >= 0x80;
}
// Signs that make a part of a longer name of what stands before or behind them.
constexpr bool joins(char c) {
  return in_code(c) || c == '@' || c == '/' || c == '+' || c == '=';
}

std::uint64_t key_of(const char* at) {
  std::uint64_t key = 0;
  std::memcpy(&key, at, kKey);
  return key;
}

bool is_sentence(std::string_view text) {
  if (text.size() < kKey || text.size() > kMaxText) return false;
  std::size_t words = 0;
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_alpha(text[i]) || (i > 0 && is_alpha(text[i - 1]))) continue;
    ++words;
    if (is_lower(text[i]) && i + 1 < text.size() && is_lower(text[i + 1])) ++plain;
  }
  return words >= kMinWords && plain >= kMinPlainWords;
}

// a.b, a.b_c: lower-case names with points between them.
bool is_dotted(std::string_view text) {
  if (text.empty() || text.size() > kMaxCode || !is_lower(text.front()) || text.back() == '.' ||
      text.find('.') == std::string_view::npos || text.find("..") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

template <typename Take>
void each_line(std::string_view text, const Take& take) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) take(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

const Constants& Constants::own() {
  static const Constants constants = [] {
    Constants out;
    each_line(embedded::own_texts, [&out](std::string_view line) { out.add(line); });
    each_line(embedded::codes, [&out](std::string_view line) { out.add_code(line); });
    return out;
  }();
  return constants;
}

void Constants::add(std::string_view text) {
  if (is_dotted(text)) {
    add_code(text);
  } else if (is_sentence(text)) {
    std::vector<std::string>& same = texts_[key_of(text.data())];
    const auto at = std::find_if(same.begin(), same.end(), [text](const std::string& word) {
      return word.size() <= text.size();
    });
    if (at == same.end() || *at != text) same.emplace(at, text);
  }
}

void Constants::merge(Constants&& other) {
  for (const auto& [key, texts] : other.texts_) {
    for (const std::string& text : texts) add(text);
  }
  codes_.merge(std::move(other.codes_));
}

std::size_t Constants::code_at(std::string_view text, std::size_t at) const {
  if (!is_alpha(text[at]) || (at > 0 && joins(text[at - 1]))) return 0;
  std::size_t end = at;
  while (end < text.size() && in_code(text[end])) ++end;
  if (end < text.size() && joins(text[end])) return 0;
  while (end > at && text[end - 1] == '.') --end;  // it ends the sentence
  return end - at <= kMaxCode && codes_.contains(std::string(text.substr(at, end - at))) ? end - at
                                                                                         : 0;
}

std::size_t Constants::length_at(std::string_view text, std::size_t at) const {
  if (text.size() - at >= kKey) {
    if (const auto found = texts_.find(key_of(text.data() + at)); found != texts_.end()) {
      for (const std::string& word : found->second) {
        if (text.substr(at).starts_with(word)) return word.size();
      }
    }
  }
  return code_at(text, at);
}

}  // namespace rabt::phi
