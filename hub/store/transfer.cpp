#include "hub/store/transfer.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "hub/base/fnv1a.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::store {

namespace {

// Name, type and place in the primary key (0: none) of each column, in the order of the table.
constexpr Statement kSqliteColumns{
    "SELECT m.name, p.name, p.type, p.pk FROM sqlite_master m JOIN pragma_table_info(m.name) p "
    "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid"};
constexpr Statement kPostgresColumns{
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), "
    "coalesce(array_position(i.indkey::int2[], a.attnum) + 1 - array_lower(i.indkey::int2[], 1), "
    "0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = "
    "current_schema() JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE c.relkind "
    "= 'r' ORDER BY c.relname, a.attnum"};
constexpr Statement kIdentities{
    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND "
    "n.nspname = current_schema() JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> "
    "'' WHERE c.relkind = 'r' ORDER BY c.relname"};
// Tables that the engines themselves keep.
const std::set<std::string, std::less<>> kOwn{"schema_migration", "store_writer", "store_format"};
// The tables that others refer to.
constexpr std::string_view kFirst = "definition";
constexpr std::int64_t kPage = 1'000;
constexpr std::size_t kMostColumns = 64;

enum class Kind : std::uint8_t { integer, text, blob };

struct Column {
  std::string name;
  Kind kind = Kind::text;
  std::int64_t key = 0;
  friend bool operator==(const Column& a, const Column& b) {
    return a.name == b.name && a.kind == b.kind;
  }
};
struct Table {
  std::string name;
  std::vector<Column> columns;
};
using Tables = std::map<std::string, Table, std::less<>>;

Error wrong(const std::string& table, const std::string& what) {
  return conflict("store.transfer", "table " + table + ": " + what);
}

// The stores prepare a statement by its address, so that the text must stay.
Statement kept(std::string sql) {
  static Mutex mutex;
  static std::deque<std::string> texts;
  const Lock lock(mutex);
  for (const std::string& one : texts) {
    if (one == sql) return {one.c_str()};
  }
  return {texts.emplace_back(std::move(sql)).c_str()};
}

Result<Kind> kind_of(const std::string& table, std::string_view type) {
  if (type == "INTEGER" || type == "BIGINT" || type == "bigint" || type == "integer")
    return Kind::integer;
  if (type == "TEXT" || type == "text") return Kind::text;
  if (type == "BLOB" || type == "bytea") return Kind::blob;
  return wrong(table, "a column has the type " + std::string(type));
}

Result<Tables> tables_of(Connection& connection, Engine engine) {
  Tables out;
  Status good = ok_status();
  RABT_TRY_STATUS(connection.query(
      engine == Engine::sqlite ? kSqliteColumns : kPostgresColumns, {}, [&](const Row& row) {
        const std::string name(row.text(0));
        if (kOwn.contains(name)) return true;
        auto kind = kind_of(name, row.text(2));
        if (!kind.ok()) {
          good = kind.error();
          return false;
        }
        Table& table = out[name];
        table.name = name;
        table.columns.push_back(
            {.name = std::string(row.text(1)), .kind = *kind, .key = row.integer(3)});
        return true;
      }));
  RABT_TRY_STATUS(good);
  return out;
}

// Each table of `from` is one of `to`, with the same columns in any order.
Status check_same(const Tables& from, const Tables& to) {
  for (const auto& [name, table] : from) {
    const auto other = to.find(name);
    if (other == to.end()) return wrong(name, "the other database has none");
    if (table.columns.size() > kMostColumns) return wrong(name, "has too many columns");
    if (!std::is_permutation(table.columns.begin(), table.columns.end(),
                             other->second.columns.begin(), other->second.columns.end()))
      return wrong(name, "has other columns in the other database");
    if (std::none_of(table.columns.begin(), table.columns.end(),
                     [](const Column& one) { return one.key > 0; }))
      return wrong(name, "has no primary key");
  }
  for (const auto& [name, table] : to) {
    if (!from.contains(name)) return wrong(name, "is in the other database alone");
  }
  return ok_status();
}

std::vector<Table> in_order(const Tables& tables) {
  std::vector<Table> out;
  if (const auto first = tables.find(kFirst); first != tables.end()) out.push_back(first->second);
  for (const auto& [name, table] : tables) {
    if (name != kFirst) out.push_back(table);
  }
  return out;
}

struct Cell {
  bool null = false;
  std::int64_t number = 0;
  std::string bytes;
};
using Cells = std::vector<Cell>;

Value value_of(const Column& column, const Cell& cell) {
  if (cell.null) return Null{};
  if (column.kind == Kind::integer) return cell.number;
  if (column.kind == Kind::text) return std::string_view(cell.bytes);
  return Blob{cell.bytes};
}

// Calls `act` with so many values as a list has: statements take an initializer_list.
template <class Act>
auto with_values(const std::vector<Value>& values, const Act& act) {
  using Answer = decltype(act(std::initializer_list<Value>{}));
  using Call = Answer (*)(const std::vector<Value>&, const Act&);
  constexpr auto kCalls = []<std::size_t... Count>(std::index_sequence<Count...>) {
    return std::array<Call, sizeof...(Count)>{
        +[](const std::vector<Value>& all, const Act& run) -> Answer {
          return []<std::size_t... I>(const std::vector<Value>& of, const Act& with,
                                      std::index_sequence<I...>) {
            return with(std::initializer_list<Value>{of[I]...});
          }
          (all, run, std::make_index_sequence<Count>());
        }...};
  }
  (std::make_index_sequence<kMostColumns + 1>());
  return kCalls.at(values.size())(values, act);
}

std::vector<std::size_t> key_of(const Table& table) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].key > 0) out.push_back(i);
  }
  std::sort(out.begin(), out.end(), [&](std::size_t a, std::size_t b) {
    return table.columns[a].key < table.columns[b].key;
  });
  return out;
}

std::string list_of(const Table& table, const std::vector<std::size_t>& places) {
  std::string out;
  for (const std::size_t i : places) out += (out.empty() ? "" : ", ") + table.columns[i].name;
  return out;
}

std::string numbers(std::size_t count) {
  std::string out;
  for (std::size_t i = 1; i <= count; ++i) out += (out.empty() ? "$" : ", $") + std::to_string(i);
  return out;
}

std::vector<std::size_t> all_of(const Table& table) {
  std::vector<std::size_t> out(table.columns.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

// Every row, in pages by the primary key, so that no statement runs long and no table is held
// whole.
Status each_row(Connection& connection, const Table& table,
                const std::function<Status(const Cells&)>& take) {
  const std::vector<std::size_t> key = key_of(table);
  const std::string head = "SELECT " + list_of(table, all_of(table)) + " FROM " + table.name;
  const std::string tail = " ORDER BY " + list_of(table, key) + " LIMIT " + std::to_string(kPage);
  const Statement first = kept(head + tail);
  const Statement next =
      kept(head + " WHERE (" + list_of(table, key) + ") > (" + numbers(key.size()) + ")" + tail);
  std::vector<Cells> page;
  const auto read = [&](const Row& row) {
    Cells& cells = page.emplace_back(table.columns.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const int place = static_cast<int>(i);
      cells[i].null = row.is_null(place);
      if (cells[i].null) continue;
      if (table.columns[i].kind == Kind::integer) {
        cells[i].number = row.integer(place);
      } else {
        cells[i].bytes = table.columns[i].kind == Kind::text ? row.text(place) : row.blob(place);
      }
    }
    return true;
  };
  std::optional<Cells> last;
  for (;;) {
    page.clear();
    if (!last) {
      RABT_TRY_STATUS(connection.query(first, {}, read));
    } else {
      std::vector<Value> values;
      values.reserve(key.size());
      for (const std::size_t i : key) values.push_back(value_of(table.columns[i], (*last)[i]));
      RABT_TRY_STATUS(with_values(values, [&](std::initializer_list<Value> list) {
        return connection.query(next, list, read);
      }));
    }
    for (const Cells& cells : page) RABT_TRY_STATUS(take(cells));
    if (page.size() < static_cast<std::size_t>(kPage)) return ok_status();
    last = std::move(page.back());
  }
}

// Digest of a table's rows in any order.
struct Digest {
  std::int64_t rows = 0;
  std::uint64_t sum = 0;
  void add(const Table& table, const std::vector<std::size_t>& order, const Cells& cells) {
    std::string text;
    for (const std::size_t i : order) {
      const Cell& cell = cells[i];
      const bool number = table.columns[i].kind == Kind::integer;
      const std::string bytes = cell.null ? std::string()
                                : number  ? std::to_string(cell.number)
                                          : cell.bytes;
      text.append(cell.null ? "-" : "+").append(std::to_string(bytes.size())).append(":");
      text.append(bytes);
    }
    ++rows;
    sum += fnv1a(text);
  }
  friend bool operator==(const Digest&, const Digest&) = default;
};

Result<std::map<std::string, Digest>> digests_of(Store& store, Engine engine) {
  std::map<std::string, Digest> out;
  RABT_TRY_STATUS(store.read([&](Connection& connection) -> Status {
    out.clear();
    RABT_TRY(tables, tables_of(connection, engine));
    for (const auto& [name, table] : tables) {
      // Both engines take the columns by their names.
      std::vector<std::size_t> order = all_of(table);
      std::sort(order.begin(), order.end(), [&table = table](std::size_t a, std::size_t b) {
        return table.columns[a].name < table.columns[b].name;
      });
      Digest& digest = out[name];
      RABT_TRY_STATUS(each_row(connection, table, [&, &table = table](const Cells& cells) {
        digest.add(table, order, cells);
        return ok_status();
      }));
    }
    return ok_status();
  }));
  return out;
}

// The numbers that the server draws go on behind those that were copied.
Status go_on_counting(Transaction& transaction) {
  std::vector<std::pair<std::string, std::string>> columns;
  RABT_TRY_STATUS(transaction.query(kIdentities, {}, [&](const Row& row) {
    columns.emplace_back(row.text(0), row.text(1));
    return true;
  }));
  for (const auto& [table, column] : columns) {
    const Statement set = kept("SELECT setval(pg_get_serial_sequence('" + table + "', '" + column +
                               "'), coalesce(max(" + column + "), 0) + 1, false) FROM " + table);
    RABT_TRY_STATUS(transaction.query(set, {}, [](const Row&) { return true; }));
  }
  return ok_status();
}

Status check_empty(Connection& connection, const Table& table) {
  bool empty = true;
  RABT_TRY_STATUS(connection.query(kept("SELECT 1 FROM " + table.name + " LIMIT 1"), {},
                                   [&empty](const Row&) { return empty = false; }));
  if (empty) return ok_status();
  return conflict("store.used", "a hub has written to the other database: table " + table.name +
                                    " has rows; name one that is empty");
}

Status copy_rows(Connection& source, Transaction& target, const std::vector<Table>& tables) {
  for (const Table& table : tables) RABT_TRY_STATUS(check_empty(target, table));
  for (const Table& table : tables) {
    const Statement insert =
        kept("INSERT INTO " + table.name + " (" + list_of(table, all_of(table)) + ") VALUES (" +
             numbers(table.columns.size()) + ")");
    std::vector<Value> values;
    RABT_TRY_STATUS(each_row(source, table, [&](const Cells& cells) {
      values.clear();
      for (std::size_t i = 0; i < cells.size(); ++i)
        values.push_back(value_of(table.columns[i], cells[i]));
      with_values(values, [&](std::initializer_list<Value> list) { target.put(insert, list); });
      return ok_status();
    }));
  }
  return ok_status();
}

}  // namespace

Result<std::vector<TransferredTable>> transfer(Store& from, Engine from_engine, Store& to,
                                               Engine to_engine) {
  RABT_TRY_STATUS(from.read([&](Connection& source) {
    return to.write([&](Transaction& target) -> Status {
      RABT_TRY(tables, tables_of(source, from_engine));
      RABT_TRY(others, tables_of(target, to_engine));
      RABT_TRY_STATUS(check_same(tables, others));
      RABT_TRY_STATUS(copy_rows(source, target, in_order(tables)));
      return to_engine == Engine::postgres ? go_on_counting(target) : ok_status();
    });
  }));
  RABT_TRY(read, digests_of(from, from_engine));
  RABT_TRY(written, digests_of(to, to_engine));
  std::vector<TransferredTable> out;
  for (const auto& [name, digest] : read) {
    const auto other = written.find(name);
    if (other == written.end() || !(other->second == digest))
      return wrong(name, "what was written is not what was read");
    out.push_back({.name = name, .rows = digest.rows});
  }
  return out;
}

}  // namespace rabt::store
