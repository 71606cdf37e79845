#pragma once

#include <string>
#include <vector>

#include "hub/store/open.hpp"

namespace rabt::store {

// Result of one look at the database's server.
struct PostgresFinding {
  // refused: a hub does not start.
  enum class Level : std::uint8_t { good, warning, refused };
  Level level = Level::good;
  std::string name;
  std::string value;
  // The next step of the administrator. Empty if there is none.
  std::string advice;
};

// Connects as the hub and as the owner of the tables, and reads the settings, rights and load of
// the server. Changes nothing. Errors: those of connecting, where nothing can be read.
[[nodiscard]] Result<std::vector<PostgresFinding>> check_postgres(const PostgresOptions& options);

}  // namespace rabt::store
