#include "hub/audit/reader.hpp"

#include <algorithm>

#include "hub/audit/finder.hpp"

namespace rabt::audit {

namespace {

using store::Statement;

constexpr Statement kFitting{
    "SELECT seq, at_ms, canonical FROM audit WHERE seq >= $1 AND seq <= $2 AND at_ms >= $3 AND "
    "at_ms < $4 AND ($5 = '' OR tenant = $5) AND ($6 = '' OR patient = $6) AND ($7 = '' OR object "
    "= $7) AND ($8 = '' OR (act >= $8 AND act < $9)) ORDER BY seq LIMIT $10"};

Result<Logged> to_logged(const store::Row& row) {
  Logged logged;
  logged.seq = row.integer(0);
  logged.at_ms = row.integer(1);
  logged.canonical = row.blob(2);
  const auto content = Json::parse(logged.canonical);
  if (!content.ok() || !content->is_object()) {
    return corrupt("audit.entry", "entry " + std::to_string(logged.seq) +
                                      " of the audit log is damaged; run: rabt audit verify");
  }
  Entry& entry = logged.entry;
  entry.tenant = content->string_or("tenant", "");
  entry.actor = content->string_or("actor", "");
  entry.act = content->string_or("act", "");
  entry.object = content->string_or("object", "");
  entry.result = content->string_or("result", "");
  entry.detail = (*content)["detail"];
  entry.patient = content->string_or("patient", "");
  entry.purpose = content->string_or("purpose", "");
  entry.client = content->string_or("client", "");
  entry.request = content->string_or("request", "");
  entry.sealed = content->string_or("sealed", "");
  return logged;
}

// The first text after all that begin with this one; acts are ASCII.
std::string after(std::string text) {
  text.back() = static_cast<char>(text.back() + 1);
  return text;
}

template <typename ReadPage>
Status each_page(const Query& query, const std::function<bool(const Logged&)>& each,
                 const ReadPage& page_of) {
  std::optional<Query> next = query;
  while (next) {
    RABT_TRY(page, page_of(*next));
    for (const Logged& logged : page.entries) {
      if (!each(logged)) return ok_status();
    }
    next = std::move(page.next);
  }
  return ok_status();
}

constexpr std::size_t kEntriesAtOnce = 256;

}  // namespace

Result<Page> read_page(store::Connection& connection, const Query& query, std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxEntriesPerPage);
  std::string act = query.act;
  std::string act_end;
  if (act.ends_with('*')) {
    act.pop_back();
    if (!act.empty()) act_end = after(act);
  } else if (!act.empty()) {
    act_end = act + '\x01';
  }
  Page page;
  const Wanted wanted{.from_ms = query.from_ms,
                      .to_ms = query.to_ms,
                      .object = query.object,
                      .patient = query.patient};
  RABT_TRY_STATUS(each_run(
      connection, wanted, query.first, query.last,
      [&](std::int64_t first, std::int64_t last) -> Result<bool> {
        std::optional<Error> damaged;
        RABT_TRY_STATUS(connection.query(
            kFitting,
            {first, last, query.from_ms, query.to_ms, std::string_view(query.tenant),
             std::string_view(query.patient), std::string_view(query.object), std::string_view(act),
             std::string_view(act_end), static_cast<std::int64_t>(limit - page.entries.size())},
            [&](const store::Row& row) {
              auto logged = to_logged(row);
              if (!logged.ok()) {
                damaged = logged.error();
                return false;
              }
              page.entries.push_back(std::move(*logged));
              return true;
            }));
        if (damaged) return *damaged;
        return page.entries.size() < limit;
      }));
  if (page.entries.size() == limit && page.entries.back().seq < query.last) {
    page.next = query;
    page.next->first = page.entries.back().seq + 1;
  }
  return page;
}

Result<Page> read_page(store::Store& store, const Query& query, std::size_t limit) {
  std::optional<Result<Page>> page;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    page = read_page(connection, query, limit);
    return ok_status();
  }));
  return std::move(*page);
}

Status read_each(store::Store& store, const Query& query,
                 const std::function<bool(const Logged&)>& each) {
  return each_page(query, each,
                   [&](const Query& next) { return read_page(store, next, kEntriesAtOnce); });
}

Status read_each(store::Connection& connection, const Query& query,
                 const std::function<bool(const Logged&)>& each) {
  return each_page(query, each,
                   [&](const Query& next) { return read_page(connection, next, kEntriesAtOnce); });
}

}  // namespace rabt::audit
