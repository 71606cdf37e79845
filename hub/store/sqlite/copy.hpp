#pragma once

#include <cstdint>
#include <string>

#include "hub/base/result.hpp"

// Copies of a database file, beside a running hub or without one.
namespace rabt::store {

// Copies the database as its last commit left it, in one step: writers go on and do not make the
// copy begin anew; the write-ahead log cannot begin anew until it has ended. The copy is a file of
// its own without a log, mode 0600, durable when ok. Nothing is left of it when not. Errors:
// store.open (the database, or the copy: it must not be there yet), store.full, store.copy.
[[nodiscard]] Status copy_sqlite(const std::string& path, const std::string& copy);

// Ok if each page of a database can be read and its trees and indexes fit. Error corrupt
// store.damaged, store.open.
[[nodiscard]] Status check_sqlite(const std::string& path);

// Number of the newest migration of a database. Error store.open.
[[nodiscard]] Result<std::int64_t> level_of_sqlite(const std::string& path);

}  // namespace rabt::store
