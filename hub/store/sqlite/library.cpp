#include "hub/store/sqlite/library.hpp"

#include <sqlite3.h>

namespace rabt::store::sqlite {

void set_up_library() {
  // SQLite counts its memory under one lock for all connections, and nobody asks for the count
  // (sqlite.org/c3ref/c_config_covering_index_scan.html, SQLITE_CONFIG_MEMSTATUS).
  static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(done);
}

}  // namespace rabt::store::sqlite
