#pragma once

#include <cstddef>
#include <string_view>

namespace rabt::store {

// The columns in the rows of a statement: those of its first SELECT, or of RETURNING. A column has
// the name after AS, or its own without that of its table; an expression without AS has none.
class ColumnList {
 public:
  static constexpr int kNone = -1;
  static constexpr int kTwice = -2;

  constexpr explicit ColumnList(std::string_view sql) : list_(sql) {
    skip_to(sql.starts_with("SELECT ") || sql.starts_with("WITH ") ? "SELECT " : "RETURNING ");
    constexpr std::string_view kDistinct = "DISTINCT ";
    if (list_.starts_with(kDistinct)) list_.remove_prefix(kDistinct.size());
  }

  // The place of a column, from 0; kNone, kTwice.
  [[nodiscard]] constexpr int find(std::string_view column) const {
    int found = kNone;
    std::string_view rest = list_;
    for (int place = 0; !rest.empty(); ++place) {
      if (take_name(rest) != column) continue;
      if (found != kNone) return kTwice;
      found = place;
    }
    return found;
  }

 private:
  // Keeps the part after a word that stands outside of parentheses.
  constexpr void skip_to(std::string_view word) {
    int depth = 0;
    while (!list_.empty() && (depth > 0 || !list_.starts_with(word))) step(list_, depth);
    list_.remove_prefix(list_.empty() ? 0 : word.size());
  }
  // Takes a column off the list. Its name is the word that it ends with.
  static constexpr std::string_view take_name(std::string_view& rest) {
    std::string_view column = rest;
    int depth = 0;
    while (!rest.empty() && (depth > 0 || !ends_column(rest))) step(rest, depth);
    column.remove_suffix(rest.size());
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
    } else {
      rest = {};
    }
    std::size_t begin = column.size();
    while (begin > 0 && is_of_name(column[begin - 1])) --begin;
    return column.substr(begin);
  }
  static constexpr bool ends_column(std::string_view rest) {
    return rest.starts_with(',') || rest.starts_with(" FROM ");
  }
  static constexpr void step(std::string_view& rest, int& depth) {
    if (rest.starts_with('(')) ++depth;
    if (rest.starts_with(')')) --depth;
    rest.remove_prefix(1);
  }
  static constexpr bool is_of_name(char letter) {
    return letter == '_' || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
  }

  std::string_view list_;
};

}  // namespace rabt::store
