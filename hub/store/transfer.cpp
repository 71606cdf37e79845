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
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type, "
    "coalesce(array_position(i.indkey::int2[], a.attnum) + 1 - array_lower(i.indkey::int2[], 1), "
    "0)::bigint AS key_place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND "
    "n.nspname = "
    "current_schema() JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary WHERE c.relkind "
    "= 'r' ORDER BY c.relname, a.attnum"};
// Table and column, and whether the role may set the next number.
constexpr Statement kIdentities{
    "SELECT c.relname, a.attname, CASE WHEN has_sequence_privilege(pg_get_serial_sequence("
    "format('%I.%I', n.nspname, c.relname), a.attname), 'UPDATE') THEN 1 ELSE 0 END::bigint AS "
    "may_set FROM "
    "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND "
    "n.nspname = current_schema() JOIN pg_attribute a ON a.attrelid = c.oid AND a.attidentity <> "
    "'' WHERE c.relkind = 'r' ORDER BY c.relname"};
// Tables that the engines themselves keep.
const std::set<std::string, std::less<>> kOwn{"schema_migration", "store_writer", "store_format"};
// Table that foreign keys of others refer to; copied first.
constexpr std::string_view kFirst = "definition";
// Rows and bytes that are in memory at once. A row that is longer is read alone.
constexpr std::int64_t kPage = 1'000;
constexpr std::size_t kPageBytes = std::size_t{4} << 20U;
// A page is at most so many times as long as the one before.
constexpr std::int64_t kGrowth = 8;
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
  for (const std::string& text : texts) {
    if (text == sql) return {text.c_str()};
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
        auto kind = kind_of(name, row.text(kSqliteColumns["type"]));
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
                     [](const Column& column) { return column.key > 0; }))
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

std::size_t size_of(const Cells& cells) {
  std::size_t size = 0;
  for (const Cell& cell : cells) size += sizeof(Cell) + cell.bytes.size();
  return size;
}

Cells cells_of(const Table& table, const Row& row) {
  Cells cells(table.columns.size());
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
  return cells;
}

// Every row, in pages by the primary key, so that no statement runs long and no table is held
// whole.
Status each_row(Connection& connection, const Table& table,
                const std::function<Status(const Cells&)>& take) {
  const std::vector<std::size_t> key = key_of(table);
  const std::string head = "SELECT " + list_of(table, all_of(table)) + " FROM " + table.name;
  const std::string tail = " ORDER BY " + list_of(table, key) + " LIMIT $";
  const Statement first = kept(head + tail + "1");
  const Statement next = kept(head + " WHERE (" + list_of(table, key) + ") > (" +
                              numbers(key.size()) + ")" + tail + std::to_string(key.size() + 1));
  std::optional<Cells> last;
  // A server sends a page whole: its length follows the rows of the page before.
  std::int64_t limit = 1;
  for (;;) {
    std::vector<Cells> page;
    std::size_t bytes = 0;
    const auto read = [&](const Row& row) {
      bytes += size_of(page.emplace_back(cells_of(table, row)));
      return bytes < kPageBytes;
    };
    std::vector<Value> values;
    if (last) {
      for (const std::size_t i : key) values.push_back(value_of(table.columns[i], (*last)[i]));
    }
    values.emplace_back(limit);
    RABT_TRY_STATUS(with_values(values, [&](std::initializer_list<Value> list) {
      return connection.query(last ? next : first, list, read);
    }));
    for (const Cells& cells : page) RABT_TRY_STATUS(take(cells));
    if (bytes < kPageBytes && page.size() < static_cast<std::size_t>(limit)) return ok_status();
    const std::size_t fit = kPageBytes / (bytes / page.size() + 1);
    limit = std::clamp(static_cast<std::int64_t>(fit), std::int64_t{1},
                       std::min(kPage, limit * kGrowth));
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

Result<Digest> digest_of(Connection& connection, const Table& table) {
  // Both engines take the columns by their names.
  std::vector<std::size_t> order = all_of(table);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return table.columns[a].name < table.columns[b].name;
  });
  Digest digest;
  RABT_TRY_STATUS(each_row(connection, table, [&](const Cells& cells) {
    digest.add(table, order, cells);
    return ok_status();
  }));
  return digest;
}

// Columns whose numbers the server draws.
Result<std::vector<std::pair<std::string, std::string>>> counted(Connection& connection) {
  std::vector<std::pair<std::string, std::string>> columns;
  std::string refused;
  RABT_TRY_STATUS(connection.query(kIdentities, {}, [&](const Row& row) {
    if (row.integer(kIdentities["may_set"]) == 0) refused = row.text(kIdentities["relname"]);
    columns.emplace_back(row.text(kIdentities["relname"]), row.text(kIdentities["attname"]));
    return true;
  }));
  if (refused.empty()) return columns;
  return internal("store.denied", "the role may not set the next number of the table " + refused +
                                      ": run packaging/postgres/roles.sql again");
}

// The numbers that the server draws go on behind those that were copied.
Status go_on_counting(Transaction& transaction) {
  RABT_TRY(columns, counted(transaction));
  for (const auto& [table, column] : columns) {
    const Statement set = kept("SELECT setval(pg_get_serial_sequence('" + table + "', '" + column +
                               "'), coalesce(max(" + column + "), 0) + 1, false) FROM " + table);
    RABT_TRY_STATUS(transaction.query(set, {}, [](const Row&) { return true; }));
  }
  return ok_status();
}

Result<bool> is_empty(Connection& connection, const std::vector<Table>& tables) {
  bool empty = true;
  for (const Table& table : tables) {
    RABT_TRY_STATUS(connection.query(kept("SELECT 1 FROM " + table.name + " LIMIT 1"), {},
                                     [&empty](const Row&) { return empty = false; }));
  }
  return empty;
}

Status copy_rows(Connection& source, Transaction& target, const std::vector<Table>& tables) {
  std::size_t pending = 0;
  for (const Table& table : tables) {
    const Statement insert =
        kept("INSERT INTO " + table.name + " (" + list_of(table, all_of(table)) + ") VALUES (" +
             numbers(table.columns.size()) + ")");
    std::vector<Value> values;
    RABT_TRY_STATUS(each_row(source, table, [&](const Cells& cells) {
      values.clear();
      for (std::size_t i = 0; i < cells.size(); ++i)
        values.push_back(value_of(table.columns[i], cells[i]));
      pending += size_of(cells);
      return with_values(values, [&](std::initializer_list<Value> list) -> Status {
        if (pending < kPageBytes) {
          target.put(insert, list);
          return ok_status();
        }
        // The rows that were put are sent now.
        pending = 0;
        return run(target, insert, list);
      });
    }));
  }
  return ok_status();
}

}  // namespace

Result<std::vector<TransferredTable>> transfer(Store& from, Store& to) {
  std::vector<TransferredTable> out;
  RABT_TRY_STATUS(from.read([&](Connection& source) {
    return to.write([&](Transaction& target) -> Status {
      out.clear();
      RABT_TRY(tables, tables_of(source, from.engine()));
      RABT_TRY(others, tables_of(target, to.engine()));
      RABT_TRY_STATUS(check_same(tables, others));
      const std::vector<Table> order = in_order(tables);
      RABT_TRY(empty, is_empty(target, order));
      if (empty) {
        if (to.engine() == Engine::postgres) RABT_TRY_STATUS(counted(target));
        RABT_TRY_STATUS(copy_rows(source, target, order));
        if (to.engine() == Engine::postgres) RABT_TRY_STATUS(go_on_counting(target));
      }
      for (const auto& [name, table] : tables) {
        RABT_TRY(read, digest_of(source, table));
        RABT_TRY(written, digest_of(target, others.at(name)));
        if (!(read == written)) {
          return empty ? Status(wrong(name, "what was written is not what was read"))
                       : Status(conflict("store.used",
                                         "the other database has rows already, and the table " +
                                             name +
                                             " has others than the one to copy: drop it and "
                                             "create it again, or name one that is empty"));
        }
        out.push_back({.name = name, .rows = read.rows});
      }
      return ok_status();
    });
  }));
  return out;
}

}  // namespace rabt::store
