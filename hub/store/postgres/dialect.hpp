#pragma once

#include <string>
#include <string_view>

namespace rabt::store::postgres {

// A statement of the hub as PostgreSQL takes it. One text serves both engines; what differs is
// turned here, outside of quotes:
//   INDEXED BY i    a hint to SQLite alone    nothing
//   instr(          place of a text in one    strpos(
[[nodiscard]] std::string for_postgres(std::string_view sql);

// The highest n of the parameters $n, outside of quotes.
[[nodiscard]] int parameters_of(std::string_view sql);

}  // namespace rabt::store::postgres
