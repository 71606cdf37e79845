#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/store/store.hpp"

// All rows of one database in another one, whatever the engines are.
namespace rabt::store {

struct TransferredTable {
  std::string name;
  std::int64_t rows = 0;
};

// Puts the rows of `from` into `to`, which has none, in one job, which also reads both and compares
// each table: all rows or none are durable when it returns. If `to` has the same rows already, a
// copy that was cut after its commit, it changes nothing and is ok. Both have the same migrations,
// nobody else writes to either, and `to` is opened anew afterwards, because it has read its
// numbers. Errors: conflict store.used (`to` has other rows), store.transfer (the tables differ, or
// what was written is not what was read; the message names the table), store.denied (of a server
// that lets the role set no numbers), those of the stores.
[[nodiscard]] Result<std::vector<TransferredTable>> transfer(Store& from, Store& to);

}  // namespace rabt::store
