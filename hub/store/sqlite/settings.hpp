#pragma once

#include "hub/store/sqlite/connection.hpp"

namespace rabt::store::sqlite {

// Set and read back what a connection needs, so that nothing is durable in name only. Error code
// store.durability; other errors are SQLite's own.
[[nodiscard]] Status set_up_writer(Database& database);
[[nodiscard]] Status set_up_reader(Database& database);

}  // namespace rabt::store::sqlite
