#pragma once

#include <string>
#include <vector>

#include "hub/store/store.hpp"

namespace rabt::store {

// One thing that was looked at.
struct PostgresFinding {
  enum class Level : std::uint8_t { good, warning };
  Level level = Level::good;
  std::string name;
  std::string value;
  // What to do; empty when nothing is.
  std::string advice;
};

// Connects as the hub does and tells what a DBA wants to know of it. Errors: those that keep a hub
// from starting.
[[nodiscard]] Result<std::vector<PostgresFinding>> check_postgres(const PostgresOptions& options);

}  // namespace rabt::store
