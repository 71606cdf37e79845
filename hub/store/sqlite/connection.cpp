#include "hub/store/sqlite/connection.hpp"

#include <sqlite3.h>

#include <charconv>
#include <cstring>

#include "hub/base/check.hpp"
#include "hub/base/full_disk.hpp"
#include "hub/store/sqlite/gathered_files.hpp"
#include "hub/store/sqlite/library.hpp"

namespace rabt::store::sqlite {

namespace {

// Far more than the hub has; text made at run time must not fill memory.
constexpr std::size_t kMaxCachedStatements = 1000;
constexpr int kMaxParameters = 64;

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string_view text(int column) const override {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data == nullptr ? std::string_view{} : std::string_view(data, size(column));
  }
  [[nodiscard]] std::string_view blob(int column) const override {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data == nullptr ? std::string_view{} : std::string_view(data, size(column));
  }

 private:
  [[nodiscard]] std::size_t size(int column) const {
    return static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  }
  sqlite3_stmt* statement_;
};

Trouble trouble_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Trouble::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Trouble::busy;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_READONLY:
    case SQLITE_PROTOCOL:
      return Trouble::fatal;
    default:
      return Trouble::none;
  }
}

}  // namespace

// Takes a statement from the cache, or prepares a private one when the cached one is in use further
// up the stack; resets or finalizes it whatever happens in between.
class Database::Use {
 public:
  Use(Database& database, const char* sql) {
    const auto at = database.statements_.find(sql);
    if (at != database.statements_.end() && !at->second.in_use &&
        std::strcmp(sqlite3_sql(at->second.statement), sql) == 0) {
      cached_ = &at->second;
    } else {
      auto fresh = database.prepare(sql);
      if (!fresh.ok()) {
        error_ = fresh.error();
        return;
      }
      if (at == database.statements_.end() && database.statements_.size() < kMaxCachedStatements) {
        cached_ = &database.statements_.emplace(sql, std::move(*fresh)).first->second;
      } else {
        private_ = std::move(*fresh);
      }
    }
    if (cached_ != nullptr) cached_->in_use = true;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() {
    if (cached_ != nullptr) {
      sqlite3_reset(cached_->statement);  // its code is that of the last step, already seen
      cached_->in_use = false;
    }
    sqlite3_finalize(private_.statement);
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] const Prepared& get() const { return cached_ != nullptr ? *cached_ : private_; }

 private:
  Prepared* cached_ = nullptr;
  Prepared private_;
  std::optional<Error> error_;
};

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  set_up_library();
  RABT_TRY(vfs, gathered_files(options.vfs));
  std::unique_ptr<Database> database(new Database());
  const int flags = (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(options.path.c_str(), &database->handle_, flags, vfs.c_str());
  if (code != SQLITE_OK) {
    return unavailable("store.open",
                       "cannot open the database " + options.path + ": " + sqlite3_errstr(code));
  }
  // Replaces SQLite's own checkpoint after a commit ("registering a callback using
  // sqlite3_wal_hook() disables the automatic checkpoint mechanism",
  // sqlite.org/c3ref/wal_autocheckpoint.html), which drops the errors that it meets: a failed sync
  // of the database would go unnoticed, and a log that began anew would be lost. The writer calls
  // checkpoint() instead.
  sqlite3_wal_hook(
      database->handle_,
      [](void* self, sqlite3* /*handle*/, const char* /*name*/, int pages) {
        static_cast<Database*>(self)->committed(pages);
        return SQLITE_OK;
      },
      database.get());
  return database;
}

Database::~Database() {
  for (auto& [sql, prepared] : statements_) sqlite3_finalize(prepared.statement);
  if (sqlite3_close(handle_) != SQLITE_OK)
    RABT_BUG("a database connection was closed with a statement open");
}

Error Database::failure(int code) {
  const Trouble trouble = trouble_of(code);
  if (trouble > trouble_) trouble_ = trouble;
  // SQLite's messages name tables and columns, never values.
  const char* message = sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return conflict("store.constraint", message);
    case SQLITE_FULL:
      return full_disk();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return unavailable("store.busy", "another program holds the database; nothing was written");
    case SQLITE_TOOBIG:
      return invalid("store.too_big", "a value is larger than the database takes");
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return corrupt("store.io", message);
    default:
      return internal("store.sql", message);
  }
}

Result<Database::Prepared> Database::prepare(const char* sql) {
  Prepared prepared;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared.statement, &tail);
  if (code != SQLITE_OK) return failure(code);
  const auto refuse = [&](const char* why) {
    sqlite3_finalize(prepared.statement);
    return internal("store.sql", why);
  };
  if (prepared.statement == nullptr) return refuse("an SQL statement is empty");
  if (std::string_view(tail).find_first_not_of(" \n\t;") != std::string_view::npos) {
    return refuse("an SQL text holds more than one statement");
  }
  // For SQLite $1 is only a name: parameters are numbered as they appear in the text.
  const int count = sqlite3_bind_parameter_count(prepared.statement);
  if (count > kMaxParameters) return refuse("an SQL statement has more than 64 parameters");
  prepared.index_of.assign(static_cast<std::size_t>(count), 0);
  for (int i = 1; i <= count; ++i) {
    const char* name = sqlite3_bind_parameter_name(prepared.statement, i);
    int number = 0;
    if (name == nullptr || name[0] != '$' ||
        std::from_chars(name + 1, name + std::strlen(name), number).ptr !=
            name + std::strlen(name) ||
        number < 1 || number > count) {
      return refuse("SQL parameters are $1, $2, ... without gaps");
    }
    prepared.index_of[static_cast<std::size_t>(number - 1)] = i;
  }
  return prepared;
}

Status Database::bind(const Prepared& prepared, std::initializer_list<Value> values) {
  if (values.size() != prepared.index_of.size())
    return internal("store.sql",
                    "an SQL statement got another number of values than it has parameters");
  // A null pointer would bind NULL where an empty text or blob is meant.
  const auto data = [](std::string_view text) { return text.data() == nullptr ? "" : text.data(); };
  std::size_t at = 0;
  for (const Value& value : values) {
    const int index = prepared.index_of[at++];
    int code = SQLITE_OK;
    if (std::holds_alternative<Null>(value)) {
      code = sqlite3_bind_null(prepared.statement, index);
    } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      code = sqlite3_bind_int64(prepared.statement, index, *integer);
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      code = sqlite3_bind_text64(prepared.statement, index, data(*text), text->size(),
                                 SQLITE_STATIC, SQLITE_UTF8);
    } else {
      const std::string_view bytes = std::get<Blob>(value).bytes;
      code =
          sqlite3_bind_blob64(prepared.statement, index, data(bytes), bytes.size(), SQLITE_STATIC);
    }
    if (code != SQLITE_OK) return failure(code);
  }
  return ok_status();
}

Status Database::query(const Statement& statement, std::initializer_list<Value> values,
                       const std::function<bool(const Row&)>& each) {
  const Use use(*this, statement.sql);
  if (use.error()) return *use.error();
  RABT_TRY_STATUS(bind(use.get(), values));
  const SqliteRow row(use.get().statement);
  for (;;) {
    const int code = sqlite3_step(use.get().statement);
    if (code == SQLITE_DONE) return ok_status();
    if (code != SQLITE_ROW) return failure(code);
    if (!each(row)) return ok_status();
  }
}

Result<std::int64_t> Database::execute(const Statement& statement,
                                       std::initializer_list<Value> values) {
  const Use use(*this, statement.sql);
  if (use.error()) return *use.error();
  RABT_TRY_STATUS(bind(use.get(), values));
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(use.get().statement);
  if (code != SQLITE_DONE) return failure(code);
  return static_cast<std::int64_t>(sqlite3_changes64(handle_));
}

Status Database::script(const std::string& sql) {
  const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return ok_status();
}

Result<std::string> Database::pragma(const std::string& text) {
  std::string value;
  const auto take = [](void* out, int count, char** columns, char** /*names*/) {
    if (count > 0 && columns[0] != nullptr) *static_cast<std::string*>(out) = columns[0];
    return 0;
  };
  const int code = sqlite3_exec(handle_, ("PRAGMA " + text).c_str(), take, &value, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return value;
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_) == 0;
}

Status Database::commit_unsynced(const std::function<void()>& visible) {
  if (log_ == nullptr) sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log_);
  hold_sync(log_, &visible);
  auto committed = execute(kCommit, {});
  hold_sync(log_, nullptr);
  if (!committed.ok()) return std::move(committed).error();
  return ok_status();
}

bool Database::sync_log() {
  return sync_file(log_);
}

bool Database::moved() const {
  int moved = 0;
  sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

// A log that begins anew has fewer pages than before.
void Database::committed(int log_pages) {
  added_pages_ += log_pages >= log_pages_ ? log_pages - log_pages_ : log_pages;
  log_pages_ = log_pages;
}

bool Database::checkpoint() {
  added_pages_ = 0;
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  static_cast<void>(failure(code));
  return false;
}

}  // namespace rabt::store::sqlite
