#pragma once

#include <deque>
#include <string>

#include "hub/store/store.hpp"

struct pg_result;

namespace rabt::store::postgres {

// A row of a result in binary format, as the store's contract has it: integers of every length and
// truth values are read as an integer. Other numbers are not read. The result outlives it.
class ResultRow final : public Row {
 public:
  // A null result has no rows.
  explicit ResultRow(pg_result* result);
  // Goes to the next row, at first to the first one. False when there is none.
  [[nodiscard]] bool next();

  [[nodiscard]] bool is_null(int column) const override;
  [[nodiscard]] std::int64_t integer(int column) const override;
  [[nodiscard]] std::string_view text(int column) const override;
  [[nodiscard]] std::string_view blob(int column) const override;

 private:
  pg_result* result_;
  int rows_ = 0;
  int row_ = -1;
  // Numbers of this row that were read as text.
  mutable std::deque<std::string> made_;
};

}  // namespace rabt::store::postgres
