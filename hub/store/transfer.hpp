#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/store/store.hpp"

// All rows of one database in another one, whatever the engines are.
namespace rabt::store {

enum class Engine : std::uint8_t { sqlite, postgres };

struct TransferredTable {
  std::string name;
  std::int64_t rows = 0;
};

// Puts the rows of `from` into `to`, which has none, in one job: all of them or none are durable
// when it returns. Then reads both and compares each table. Both have the same migrations, nobody
// else writes to either, and `to` is opened anew afterwards, because it has read its numbers.
// Errors: conflict store.used (`to` has rows), store.transfer (the tables differ, or what was
// written is not what was read; the message names the table), those of the stores.
[[nodiscard]] Result<std::vector<TransferredTable>> transfer(Store& from, Engine from_engine,
                                                             Store& to, Engine to_engine);

}  // namespace rabt::store
