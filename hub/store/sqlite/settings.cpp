#include "hub/store/sqlite/settings.hpp"

#include <span>

namespace rabt::store::sqlite {

namespace {

struct Setting {
  const char* name;
  // As it is set, and as SQLite reads it back.
  const char* value;
  const char* read;
};

// The journal mode comes first: it is a setting of the file, the others are the connection's.
// temp_store: temporary files would hold rows in clear where nobody looks. mmap_size: an I/O error
// is an error code, not a signal.
constexpr Setting kWriterSettings[] = {
    {"journal_mode", "WAL", "wal"},
    {"synchronous", "FULL", "2"},
    {"foreign_keys", "ON", "1"},
    {"secure_delete", "ON", "1"},
    {"temp_store", "MEMORY", "2"},
    {"mmap_size", "0", "0"},
    {"cell_size_check", "ON", "1"},
    {"trusted_schema", "OFF", "0"},
    {"busy_timeout", "5000", "5000"},
    {"cache_size", "-65536", "-65536"},
    {"journal_size_limit", "67108864", "67108864"},
};
constexpr Setting kReaderSettings[] = {
    {"query_only", "ON", "1"},      {"temp_store", "MEMORY", "2"},
    {"mmap_size", "0", "0"},        {"cell_size_check", "ON", "1"},
    {"trusted_schema", "OFF", "0"}, {"busy_timeout", "5000", "5000"},
};

Status set_up(Database& database, std::span<const Setting> settings) {
  for (const Setting& setting : settings) {
    const std::string name = setting.name;
    RABT_TRY(answer, database.pragma(name + "=" + setting.value));
    static_cast<void>(answer);
    RABT_TRY(read, database.pragma(name));
    // With memory-mapped files compiled out, mmap_size has no answer: they are off then, too.
    if (name == "mmap_size" && read.empty()) continue;
    if (read != setting.read) {
      return unavailable("store.durability",
                         "the database does not take " + name + "=" + setting.value +
                             ": it answers '" + read +
                             "'; put it on a local file system that supports write-ahead logging");
    }
  }
  return ok_status();
}

}  // namespace

Status set_up_writer(Database& database) {
  // A setting of the file that is taken before its first page. One that was made without it goes on
  // without it: to change it, SQLite copies the whole file.
  RABT_TRY(pages, database.pragma("page_count"));
  if (pages == "0") RABT_TRY_STATUS(database.script("PRAGMA auto_vacuum=INCREMENTAL"));
  return set_up(database, kWriterSettings);
}
Status set_up_reader(Database& database) {
  return set_up(database, kReaderSettings);
}

}  // namespace rabt::store::sqlite
