#pragma once

#include <cstdint>

#include "hub/store/store.hpp"
#include "tests/must.hpp"

namespace rabt::test {

// The number in the first column of the one row that a statement without values gives.
inline std::int64_t number_of(store::Store& store, const store::Statement& statement) {
  std::int64_t number = -1;
  must(store.read([&](store::Connection& connection) {
    return connection.query(statement, {}, [&number](const store::Row& row) {
      number = row.integer(0);
      return false;
    });
  }));
  return number;
}

}  // namespace rabt::test
