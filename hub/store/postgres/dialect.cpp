#include "hub/store/postgres/dialect.hpp"

#include <algorithm>

namespace rabt::store::postgres {

namespace {

bool in_word(char c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Length of the quoted text that begins at `at`, with both quotes.
std::size_t quoted(std::string_view sql, std::size_t at) {
  const std::size_t end = sql.find(sql[at], at + 1);
  return (end == std::string_view::npos ? sql.size() : end + 1) - at;
}

// Calls each(part, is_code) for what stands outside of quotes and for what stands in them.
template <typename Each>
void split(std::string_view sql, const Each& each) {
  std::size_t at = 0;
  while (at < sql.size()) {
    const std::size_t quote = std::min(sql.find_first_of("'\"", at), sql.size());
    if (quote > at) each(sql.substr(at, quote - at), true);
    if (quote == sql.size()) return;
    const std::size_t length = quoted(sql, quote);
    each(sql.substr(quote, length), false);
    at = quote + length;
  }
}

constexpr std::string_view kHint = " INDEXED BY ";
constexpr std::string_view kPlace = "instr(";

std::string turn_code(std::string_view code) {
  std::string out;
  std::size_t at = 0;
  while (at < code.size()) {
    const std::string_view rest = code.substr(at);
    if (rest.starts_with(kHint)) {
      at += kHint.size();
      while (at < code.size() && in_word(code[at])) ++at;
    } else if (rest.starts_with(kPlace) && (at == 0 || !in_word(code[at - 1]))) {
      out += "strpos(";
      at += kPlace.size();
    } else {
      out.push_back(code[at++]);
    }
  }
  return out;
}

}  // namespace

std::string for_postgres(std::string_view sql) {
  std::string out;
  split(sql, [&](std::string_view part, bool code) {
    out += code ? turn_code(part) : std::string(part);
  });
  return out;
}

int parameters_of(std::string_view sql) {
  int highest = 0;
  split(sql, [&](std::string_view part, bool code) {
    if (!code) return;
    for (std::size_t at = 0; at < part.size(); ++at) {
      if (part[at] != '$') continue;
      int number = 0;
      while (at + 1 < part.size() && part[at + 1] >= '0' && part[at + 1] <= '9' && number < 1000)
        number = number * 10 + (part[++at] - '0');
      highest = std::max(highest, number);
    }
  });
  return highest;
}

}  // namespace rabt::store::postgres
