#include "hub/audit/reader.hpp"

#include <algorithm>

namespace rabt::audit {

namespace {

using store::Statement;

// Beside the condition that names the index, all others: $1 first, $2 last, $3 from, $4 to, $5
// tenant, $6 patient, $7 object, $8 act from, $9 act to, $10 limit.
#define RABT_AUDIT_SELECT(condition)                                                      \
  "SELECT seq, at_ms, canonical FROM audit WHERE " condition                              \
  " seq >= $1 AND seq <= $2 AND at_ms >= $3 AND at_ms < $4 AND ($5 = '' OR tenant = $5) " \
  "AND ($6 = '' OR patient = $6) AND ($7 = '' OR object = $7) AND ($8 = '' OR "           \
  "(act >= $8 AND act < $9)) ORDER BY seq LIMIT $10"
constexpr Statement kBySeq{RABT_AUDIT_SELECT("")};
constexpr Statement kByPatient{RABT_AUDIT_SELECT("patient <> '' AND patient = $6 AND ")};
constexpr Statement kByObject{RABT_AUDIT_SELECT("object <> '' AND object = $7 AND ")};
#undef RABT_AUDIT_SELECT
// The clock may step back: the numbers between which all entries of a time lie.
constexpr Statement kBounds{
    "SELECT min(seq), max(seq) FROM audit WHERE at_ms >= $1 AND at_ms < $2"};

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
  Query wanted = query;
  if (wanted.patient.empty() && wanted.object.empty() &&
      (wanted.from_ms != INT64_MIN || wanted.to_ms != INT64_MAX) && wanted.last == INT64_MAX) {
    // Once: the next pages carry the bounds.
    std::int64_t low = 0;
    std::int64_t high = -1;
    RABT_TRY_STATUS(
        connection.query(kBounds, {wanted.from_ms, wanted.to_ms}, [&](const store::Row& row) {
          if (row.is_null(0)) return false;
          low = row.integer(0);
          high = row.integer(1);
          return false;
        }));
    wanted.first = std::max(wanted.first, low);
    wanted.last = high;
  }
  std::string act = wanted.act;
  std::string act_end;
  if (act.ends_with('*')) {
    act.pop_back();
    if (!act.empty()) act_end = after(act);
  } else if (!act.empty()) {
    act_end = act + '\x01';
  }
  Page page;
  std::optional<Error> damaged;
  const Statement& statement =
      !wanted.patient.empty() ? kByPatient : (!wanted.object.empty() ? kByObject : kBySeq);
  RABT_TRY_STATUS(connection.query(
      statement,
      {wanted.first, wanted.last, wanted.from_ms, wanted.to_ms, std::string_view(wanted.tenant),
       std::string_view(wanted.patient), std::string_view(wanted.object), std::string_view(act),
       std::string_view(act_end), static_cast<std::int64_t>(limit)},
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
  if (page.entries.size() == limit && page.entries.back().seq < wanted.last) {
    wanted.first = page.entries.back().seq + 1;
    page.next = std::move(wanted);
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
