#include "hub/outbox/outbox.hpp"

#include <algorithm>

#include "hub/outbox/statements.hpp"

namespace rabt::outbox {

using store::Row;

namespace {

constexpr std::size_t kUlid = 26;

// Value of a letter of Crockford's base 32; 0 for any other.
int value_of(char letter) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto at = kAlphabet.find(letter);
  return at == std::string_view::npos ? 0 : static_cast<int>(at);
}

}  // namespace

int shard_of(std::string_view key) {
  if (key.size() < kUlid) return 0;
  return value_of(key[kUlid - 1]) + 32 * (value_of(key[kUlid - 2]) % 2);
}

Status put(store::Transaction& transaction, std::string_view tenant, const NewWork& work) {
  RABT_TRY(n, transaction.next(sql::kNumbers));
  const int shard = shard_of(work.subject.empty() ? work.ref : work.subject);
  transaction.put(sql::kPut, {n, tenant, std::int64_t{shard}, work.kind, work.target, work.subject,
                              work.ref, work.ref_n, work.put_ms, work.due_ms});
  return ok_status();
}

Status due(store::Connection& connection, std::string_view tenant, std::string_view kind,
           std::string_view target, std::int64_t now_ms, std::size_t limit,
           std::vector<Work>& out) {
  const auto read = [&](const store::Statement& statement) {
    if (out.size() >= limit) return ok_status();
    return connection.query(
        statement, {tenant, kind, target, now_ms, static_cast<std::int64_t>(limit - out.size())},
        [&](const Row& row) {
          out.push_back({.ref = std::string(row.text(sql::kDueFirst["ref"])),
                         .ref_n = row.integer(sql::kDueFirst["ref_n"]),
                         .n = row.integer(sql::kDueFirst["n"])});
          return true;
        });
  };
  out.clear();
  RABT_TRY_STATUS(read(sql::kDueFirst));
  return read(sql::kDueAgain);
}

void leave(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
           std::string_view ref, std::int64_t ref_n) {
  transaction.put(sql::kLeave, {tenant, kind, ref, ref_n});
}

void leave_all(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
               std::string_view target) {
  transaction.put(sql::kLeaveAll, {tenant, kind, target});
}

void leave_older(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
                 std::int64_t before_ms) {
  transaction.put(sql::kLeaveOlder, {tenant, kind, before_ms});
}

void again(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
           const Work& work, std::int64_t attempts, std::int64_t due_ms) {
  transaction.put(sql::kAgain, {tenant, kind, work.ref, work.ref_n, attempts, due_ms});
}

Result<DueTimes> due_of(store::Store& store, std::string_view tenant, std::string_view kind,
                        const std::vector<std::string>& refs) {
  DueTimes found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    found.clear();
    for (const std::string& ref : refs) {
      RABT_TRY_STATUS(connection.query(sql::kDueOf, {tenant, kind, ref}, [&](const Row& row) {
        found.emplace(ref, row.integer(sql::kDueOf["due_ms"]));
        return false;
      }));
    }
    return ok_status();
  }));
  return found;
}

Result<std::set<std::string, std::less<>>> waiting(store::Store& store, std::string_view tenant,
                                                   std::string_view kind) {
  std::set<std::string, std::less<>> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    found.clear();
    return connection.query(sql::kRefs, {tenant, kind}, [&](const Row& row) {
      found.emplace(row.text(sql::kRefs["ref"]));
      return true;
    });
  }));
  return found;
}

Result<std::optional<std::int64_t>> oldest(store::Store& store, std::string_view tenant,
                                           std::string_view kind) {
  std::optional<std::int64_t> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    found.reset();
    return connection.query(sql::kOldest, {tenant, kind}, [&](const Row& row) {
      if (!row.is_null(sql::kOldest["first_put_ms"]))
        found = row.integer(sql::kOldest["first_put_ms"]);
      return false;
    });
  }));
  return found;
}

void write_metrics(store::Store& store, std::string_view tenant, Timestamp now,
                   MetricsWriter& out) {
  struct Line {
    std::string kind;
    std::string target;
    std::int64_t count = 0;
    std::int64_t first = 0;
    std::int64_t put_ms = 0;
  };
  std::vector<Line> lines;
  const Status read = store.read([&](store::Connection& connection) -> Status {
    lines.clear();
    RABT_TRY_STATUS(connection.query(sql::kWaitingByTarget, {tenant}, [&](const Row& row) {
      lines.push_back({.kind = std::string(row.text(sql::kWaitingByTarget["kind"])),
                       .target = std::string(row.text(sql::kWaitingByTarget["target"])),
                       .count = row.integer(sql::kWaitingByTarget["count"]),
                       .first = row.integer(sql::kWaitingByTarget["first_n"])});
      return true;
    }));
    for (Line& line : lines) {
      RABT_TRY_STATUS(connection.query(sql::kPutAt, {line.first}, [&](const Row& row) {
        line.put_ms = row.integer(sql::kPutAt["put_ms"]);
        return false;
      }));
    }
    return ok_status();
  });
  if (!read.ok()) return;
  out.gauges("rabt_outbox_waiting", "Work that has to reach somebody and has no outcome yet.");
  for (const Line& line : lines) {
    out.sample("rabt_outbox_waiting", {{"kind", line.kind}, {"target", line.target}},
               static_cast<std::uint64_t>(line.count));
  }
  out.gauges("rabt_outbox_oldest_seconds", "Age of the work that has waited longest.");
  for (const Line& line : lines) {
    out.sample("rabt_outbox_oldest_seconds", {{"kind", line.kind}, {"target", line.target}},
               static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.ms - line.put_ms) / 1000));
  }
}

}  // namespace rabt::outbox
