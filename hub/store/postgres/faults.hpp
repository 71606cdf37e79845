#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt::store::postgres {

// Trouble of a statement, as far as the writer's next step depends on it. Later ones are worse.
enum class Trouble : std::uint8_t {
  none,
  // Another transaction was in the way: the batch runs again at once.
  raced,
  // The server is short of something, or took too long: tried again later.
  busy,
  // The server's disk has no room: tried again later.
  full,
  // The connection is gone, or the server takes no writes: connect again.
  lost,
  // The server cannot read what it has stored.
  fatal,
};

struct Fault {
  Error error;
  Trouble trouble = Trouble::none;
};

// Error of the server, without the parts that may hold values of a row.
struct ServerError {
  // SQLSTATE; empty when the connection is gone.
  std::string_view state;
  // May hold values.
  std::string_view message;
  std::string_view table;
  std::string_view column;
  std::string_view constraint;
};

// The one table from SQLSTATE to error kind, code and trouble. Messages name tables, columns and
// constraints, never values.
[[nodiscard]] Fault fault_of(const ServerError& error);

// The fault of a connection that is gone.
[[nodiscard]] Fault lost_connection();

}  // namespace rabt::store::postgres
