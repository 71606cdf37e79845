#include "hub/audit/ledger.hpp"

#include "hub/audit/statements.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

Error closing() {
  return unavailable("audit.closing", "the audit log is being closed");
}

}  // namespace

std::string advice() {
  return "; keep a copy of the data folder as evidence, run: rabt audit verify, and read "
         "docs/operations.md, \"When the audit log is refused\"";
}

Result<std::int64_t> committed_size(store::Connection& connection) {
  std::int64_t size = 0;
  RABT_TRY_STATUS(connection.query(sql::kHead, {}, [&](const store::Row& row) {
    size = row.integer(sql::kHead["seq"]);
    return false;
  }));
  return size;
}

Status Ledger::read(const std::function<Status(store::Connection&)>& function) const {
  const ReadLock lock(open_mutex_);
  if (store_ == nullptr) return closing();
  return store_->read(function);
}

Status Ledger::write(store::Store::Job job) const {
  const ReadLock lock(open_mutex_);
  if (store_ == nullptr) return closing();
  return store_->write(std::move(job));
}

Status Ledger::holds(const Checkpoint& checkpoint, const std::string& where) const {
  std::int64_t size = 0;
  std::int64_t in_database = 0;
  Digest root{};
  RABT_TRY_STATUS(read([&](store::Connection& connection) -> Status {
    RABT_TRY(committed, committed_size(connection));
    size = committed;
    RABT_TRY_STATUS(connection.query(sql::kLastCheckpoint, {}, [&](const store::Row& row) {
      in_database = row.integer(sql::kLastCheckpoint["size"]);
      return false;
    }));
    if (checkpoint.size > size) return ok_status();
    RABT_TRY(computed, TreeView(connection, checkpoint.size).root());
    root = computed;
    return ok_status();
  }));
  const std::string named = where + " names " + std::to_string(checkpoint.size) + " entries";
  const std::string end = "the audit log ends at entry " + std::to_string(size) + ", but " + named;
  if (checkpoint.size > size && in_database > size) {
    return corrupt("audit.cut", end + " and the database itself a checkpoint of " +
                                    std::to_string(in_database) +
                                    ": entries at its end were removed" + advice());
  }
  if (checkpoint.size > size) {
    return corrupt("audit.old_database",
                   end + ": an older database was put in place of the newer one" + advice());
  }
  if (root != checkpoint.root) {
    return corrupt("audit.rewritten",
                   named + ", and the first " + std::to_string(checkpoint.size) +
                       " entries of the audit log are not those: it was rewritten" + advice());
  }
  return ok_status();
}

void Ledger::refuse(const Error& reason) {
  {
    const Lock lock(reason_mutex_);
    if (reason_) return;
    reason_ = reason;
  }
  refused_.store(true, std::memory_order_release);
  log(LogLevel::error, "audit.refused",
      {{"code", std::string_view(reason.code)}, {"message", std::string_view(reason.message)}});
}

std::optional<Error> Ledger::reason() const {
  const Lock lock(reason_mutex_);
  return reason_;
}

void Ledger::log(LogLevel level, std::string_view event, LogFields fields) const {
  const ReadLock lock(open_mutex_);
  if (log_ != nullptr) log_->log(level, event, fields);
}

void Ledger::close() {
  const WriteLock lock(open_mutex_);
  store_ = nullptr;
  log_ = nullptr;
}

bool Ledger::closed() const {
  const ReadLock lock(open_mutex_);
  return store_ == nullptr;
}

Result<std::string> Ledger::tile(int level, std::int64_t number, int width) const {
  std::string bytes;
  RABT_TRY_STATUS(read([&](store::Connection& connection) -> Status {
    RABT_TRY(hashes, read_tile(connection, level, number, width));
    for (const Digest& hash : hashes) bytes.append(as_text(hash));
    return ok_status();
  }));
  return bytes;
}

Result<std::string> Ledger::entries(std::int64_t number, int width) const {
  std::string bytes;
  std::int64_t next = number * kTileWidth + 1;
  RABT_TRY_STATUS(read([&](store::Connection& connection) {
    return connection.query(
        sql::kEntries, {next - 1, next - 1 + width}, [&](const store::Row& row) {
          const std::string_view entry = row.blob(sql::kEntries["canonical"]);
          if (row.integer(sql::kEntries["seq"]) != next || entry.size() > 0xffff ||
              row.blob(sql::kEntries["leaf"]) != as_text(leaf_hash(entry)))
            return false;
          bytes.push_back(static_cast<char>(entry.size() >> 8U));
          bytes.push_back(static_cast<char>(entry.size()));
          bytes.append(entry);
          ++next;
          return true;
        });
  }));
  if (next != number * kTileWidth + 1 + width)
    return corrupt("audit.broken", "entry " + std::to_string(next) +
                                       " of the audit log is missing or damaged" + advice());
  return bytes;
}

}  // namespace rabt::audit
