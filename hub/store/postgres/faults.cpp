#include "hub/store/postgres/faults.hpp"

#include <iterator>

namespace rabt::store::postgres {

namespace {

enum class Means : std::uint8_t {
  constraint,
  raced,
  busy,
  full,
  lost,
  fatal,
  too_big,
  value,
  denied,
  statement,
};

struct Entry {
  // A state, or the first characters of several; the first row that fits counts.
  std::string_view state;
  Means means;
};

// https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr Entry kTable[] = {
    {"40001", Means::raced},                            // serialization failure
    {"40P01", Means::raced},                            // deadlock
    {"40", Means::busy},       {"53100", Means::full},  // disk full
    {"53", Means::busy},                                // out of memory, too many connections
    {"54000", Means::too_big}, {"54", Means::statement},
    {"55P03", Means::busy},  // lock not available in time
    {"57014", Means::busy},  // statement timeout, or cancelled
    {"57P", Means::lost},    // shut down, crashed, still starting
    {"25006", Means::lost},  // a standby, or a server that takes no writes
    {"25P03", Means::lost},  // idle in a transaction for too long
    {"25", Means::statement},  {"08", Means::lost},
    {"58030", Means::fatal},  // I/O error
    {"XX001", Means::fatal},  // corrupted table
    {"XX002", Means::fatal},  // corrupted index
    {"23", Means::constraint}, {"22", Means::value},
    {"42501", Means::denied},
};

Means meaning_of(std::string_view state) {
  if (state.empty()) return Means::lost;
  for (const Entry& row : kTable) {
    if (state.starts_with(row.state)) return row.means;
  }
  return Means::statement;
}

// " (SQLSTATE 23505, table item, constraint item_pkey)"
std::string place_of(const ServerError& error) {
  std::string text = " (SQLSTATE " + std::string(error.state);
  const auto add = [&](const char* what, std::string_view name) {
    if (!name.empty()) text += std::string(", ") + what + " " + std::string(name);
  };
  add("table", error.table);
  add("column", error.column);
  add("constraint", error.constraint);
  return text + ")";
}

}  // namespace

Fault lost_connection() {
  return {unavailable("store.busy",
                      "the connection to the database was lost; nothing was written; try again "
                      "later"),
          Trouble::lost};
}

Fault fault_of(const ServerError& error) {
  const std::string place = place_of(error);
  switch (meaning_of(error.state)) {
    case Means::constraint:
      return {conflict("store.constraint", "a constraint of the database is violated" + place)};
    case Means::raced:
      return {unavailable("store.busy", "another transaction was in the way" + place),
              Trouble::raced};
    case Means::busy:
      return {unavailable("store.busy",
                          "the database is busy; nothing was written; try again later" + place),
              Trouble::busy};
    case Means::full:
      return {unavailable("store.full",
                          "the database server's disk is full: nothing was written; make room and "
                          "try again"),
              Trouble::full};
    case Means::lost:
      return lost_connection();
    case Means::fatal:
      return {corrupt("store.io", "the database server cannot read what it has stored" + place),
              Trouble::fatal};
    case Means::too_big:
      return {invalid("store.too_big", "a value is larger than the database takes" + place)};
    case Means::value:
      return {invalid("store.value", "the database does not take a value" + place)};
    case Means::denied:
      // Names an object of the database, no value.
      return {internal("store.denied",
                       "the database user lacks a right: " + std::string(error.message) + place +
                           "; it reads and writes all tables of the schema")};
    case Means::statement:
      break;
  }
  // Messages about a statement's text, which is the hub's own, repeat no values.
  const bool own = error.state.starts_with("42") || error.state.starts_with("0A");
  return {internal("store.sql", (own ? std::string(error.message) : "a statement failed") + place)};
}

}  // namespace rabt::store::postgres
