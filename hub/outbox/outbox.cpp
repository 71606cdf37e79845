#include "hub/outbox/outbox.hpp"

#include <algorithm>

#include "hub/outbox/statements.hpp"

namespace rabt::outbox {

using store::Row;

int shard_of(std::string_view target, std::string_view subject) {
  // FNV-1a: the same on every machine and in every build.
  std::uint32_t hash = 2'166'136'261U;
  const auto add = [&hash](std::string_view text) {
    for (const char one : text) {
      hash ^= static_cast<unsigned char>(one);
      hash *= 16'777'619U;
    }
  };
  add(target);
  add("\n");
  add(subject);
  return static_cast<int>(hash % static_cast<std::uint32_t>(kShards));
}

Status put(store::Transaction& transaction, std::string_view tenant, const NewWork& work) {
  RABT_TRY(n, transaction.next(sql::kNumbers));
  // Work without a subject is spread by what it names.
  const int shard = shard_of(work.target, work.subject.empty() ? work.ref : work.subject);
  return store::run(transaction, sql::kPut,
                    {n, tenant, std::int64_t{shard}, work.kind, work.target, work.subject, work.ref,
                     work.ref_n, work.due_ms});
}

Status due(store::Connection& connection, std::string_view tenant, std::string_view kind,
           std::string_view target, std::int64_t now_ms, std::size_t limit,
           std::vector<Work>& out) {
  const auto read = [&](const store::Statement& statement) {
    if (out.size() >= limit) return ok_status();
    return connection.query(
        statement, {tenant, kind, target, now_ms, static_cast<std::int64_t>(limit - out.size())},
        [&](const Row& row) {
          out.push_back({.n = row.integer(0),
                         .ref = std::string(row.text(1)),
                         .ref_n = row.integer(2),
                         .attempts = row.integer(3)});
          return true;
        });
  };
  out.clear();
  RABT_TRY_STATUS(read(sql::kDueFirst));
  return read(sql::kDueAgain);
}

Status leave(store::Transaction& transaction, std::string_view tenant, std::int64_t n) {
  return store::run(transaction, sql::kLeave, {tenant, n});
}

Status leave(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
             std::string_view ref) {
  return store::run(transaction, sql::kLeaveRef, {tenant, kind, ref});
}

Status leave_all(store::Transaction& transaction, std::string_view tenant, std::string_view kind,
                 std::string_view target) {
  return store::run(transaction, sql::kLeaveAll, {tenant, kind, target});
}

Status again(store::Transaction& transaction, std::string_view tenant, std::int64_t n,
             std::int64_t attempts, std::int64_t due_ms) {
  return store::run(transaction, sql::kAgain, {tenant, n, attempts, due_ms});
}

Result<std::optional<std::int64_t>> due_of(store::Store& store, std::string_view tenant,
                                           std::string_view kind, std::string_view ref) {
  std::optional<std::int64_t> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    found.reset();
    return connection.query(sql::kDueOf, {tenant, kind, ref}, [&](const Row& row) {
      found = row.integer(0);
      return false;
    });
  }));
  return found;
}

Result<std::set<std::string, std::less<>>> waiting(store::Store& store, std::string_view tenant,
                                                   std::string_view kind) {
  std::set<std::string, std::less<>> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    found.clear();
    return connection.query(sql::kRefs, {tenant, kind}, [&](const Row& row) {
      found.emplace(row.text(0));
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
      if (!row.is_null(0)) found = row.integer(0);
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
    std::int64_t put_ms = 0;
  };
  std::vector<Line> lines;
  const Status read = store.read([&](store::Connection& connection) {
    lines.clear();
    return connection.query(sql::kWaiting, {tenant}, [&](const Row& row) {
      lines.push_back({.kind = std::string(row.text(0)),
                       .target = std::string(row.text(1)),
                       .count = row.integer(2),
                       .put_ms = row.integer(3)});
      return true;
    });
  });
  if (!read.ok()) return;
  out.gauges("rabt_outbox_waiting", "Work that has to reach somebody and has no outcome yet.");
  for (const Line& one : lines)
    out.sample("rabt_outbox_waiting", {{"kind", one.kind}, {"target", one.target}}, one.count);
  out.gauges("rabt_outbox_oldest_seconds", "Age of the work that has waited longest.");
  for (const Line& one : lines) {
    out.sample("rabt_outbox_oldest_seconds", {{"kind", one.kind}, {"target", one.target}},
               std::max<std::int64_t>(0, now.ms - one.put_ms) / 1000);
  }
}

}  // namespace rabt::outbox
