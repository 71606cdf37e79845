#pragma once

#include <functional>
#include <map>
#include <string>

#include "hub/store/store.hpp"

namespace rabt::store {

// The numbers of Transaction::next. The table number_block says up to where each sequence is
// reserved; the numbers of a block are counted in memory, so that a number costs a row only once a
// block. The rest of a block is lost when the hub stops. Confined to the writer.
class Sequences {
 public:
  static constexpr std::int64_t kBlock = 1024;
  // The table, for an engine to create where it is missing.
  static constexpr const char* kTable =
      "CREATE TABLE IF NOT EXISTS number_block (name TEXT NOT NULL PRIMARY KEY, "
      "reserved BIGINT NOT NULL)";
  // Reads the table.
  [[nodiscard]] Status open(Connection& connection);
  // Draws a number; reserves a block by `execute` when none is left, and then gives `on_rollback`
  // what has to run when that write is undone.
  [[nodiscard]] Result<std::int64_t> next(
      std::string_view name,
      const std::function<Status(const Statement&, std::initializer_list<Value>)>& execute,
      const std::function<void(std::function<void()>)>& on_rollback);

 private:
  struct Counter {
    std::int64_t last = 0;
    std::int64_t reserved = 0;
  };
  std::map<std::string, Counter, std::less<>> counters_;
};

}  // namespace rabt::store
