#pragma once

#include <deque>
#include <initializer_list>
#include <string>
#include <vector>

#include "hub/store/store.hpp"
#include "tests/must.hpp"

namespace rabt::consultation {

// Query plan of the statement in SQLite.
inline std::vector<std::string> plan_of(store::Store& store, const store::Statement& statement,
                                        std::initializer_list<store::Value> values) {
  // Texts of statements live for ever.
  static std::deque<std::string> texts;
  texts.push_back(std::string("EXPLAIN QUERY PLAN ") + statement.sql);
  std::vector<std::string> steps;
  (void)rabt::test::must(store.read([&](store::Connection& connection) {
    return connection.query(store::Statement{texts.back().c_str()}, values,
                            [&](const store::Row& row) {
                              steps.emplace_back(row.text(3));
                              return true;
                            });
  }));
  return steps;
}

}  // namespace rabt::consultation
