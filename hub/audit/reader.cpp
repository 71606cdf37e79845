#include "hub/audit/reader.hpp"

#include <algorithm>

#include "hub/audit/finder.hpp"
#include "hub/audit/statements.hpp"
#include "hub/base/json.hpp"

namespace rabt::audit {

namespace {

Result<Logged> to_logged(const LoggedRow& row) {
  RABT_TRY(content, content_of(row));
  Logged logged{.seq = row.seq, .stream = row.stream, .n = row.n, .at_ms = row.at_ms};
  logged.canonical = row.canonical;
  Entry& entry = logged.entry;
  entry.tenant = row.tenant;
  entry.actor = content.string_or("actor", "");
  entry.act = row.act;
  entry.object = row.object;
  entry.result = content.string_or("result", "");
  entry.detail = content["detail"];
  entry.patient = row.patient;
  entry.purpose = content.string_or("purpose", "");
  entry.client = content.string_or("client", "");
  entry.request = content.string_or("request", "");
  entry.sealed = content.string_or("sealed", "");
  return logged;
}

bool of_a_kind(const Query& query) {
  return query.object.ends_with(":*");
}

// True if a text is what is wanted, or begins with what stands before the star at its end.
bool is_wanted(std::string_view wanted, std::string_view text) {
  return wanted.empty() ||
         (wanted.ends_with('*') ? text.starts_with(wanted.substr(0, wanted.size() - 1))
                                : wanted == text);
}

// Conditions of a query on an entry, apart from its position.
class Filter {
 public:
  explicit Filter(const Query& query)
      : query_(query), patient_(in_json(query.patient)), object_(in_json(query.object)) {
    if (of_a_kind(query)) object_ = object_.substr(0, object_.size() - 2);
  }

  // False when neither the columns nor the content can say what is asked: then the columns need not
  // be compared with the content. A hash is cheaper than parsing.
  [[nodiscard]] bool may_fit(const LoggedRow& row) const {
    const auto may = [&row](const std::string& wanted, const std::string& in_json,
                            std::string_view column) {
      return is_wanted(wanted, column) || row.canonical.find(in_json) != std::string_view::npos;
    };
    return may(query_.patient, patient_, row.patient) && may(query_.object, object_, row.object);
  }
  [[nodiscard]] bool fits(const LoggedRow& row) const {
    return row.at_ms >= query_.from_ms && row.at_ms < query_.to_ms &&
           is_wanted(query_.tenant, row.tenant) && is_wanted(query_.patient, row.patient) &&
           is_wanted(query_.object, row.object) && is_wanted(query_.act, row.act);
  }

 private:
  static std::string in_json(const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
  }
  const Query& query_;
  const std::string patient_;
  std::string object_;
};

constexpr std::size_t kEntriesAtOnce = 256;

}  // namespace

Result<Page> read_page(store::Connection& connection, const Known& heads, const Query& query,
                       std::size_t limit) {
  limit = std::clamp<std::size_t>(limit, 1, kMaxEntriesPerPage);
  CheckedRows rows(connection, heads);
  RABT_TRY_STATUS(rows.open());
  const Filter filter(query);
  Page page;
  const Wanted wanted{.from_ms = query.from_ms,
                      .to_ms = query.to_ms,
                      .object = of_a_kind(query) ? "" : query.object,
                      .kind = of_a_kind(query) ? std::string(kind_of(query.object)) : "",
                      .patient = query.patient};
  const auto visit = [&](const LoggedRow& row) -> Result<bool> {
    if (!filter.may_fit(row)) return true;
    RABT_TRY(logged, to_logged(row));
    if (filter.fits(row)) page.entries.push_back(std::move(logged));
    return page.entries.size() < limit;
  };
  RABT_TRY_STATUS(each_run(connection, heads.mac_key, wanted, query.first,
                           std::min(query.last, rows.size()),
                           [&](std::int64_t first, std::int64_t last) -> Result<bool> {
                             RABT_TRY_STATUS(rows.each(first, last, visit));
                             return page.entries.size() < limit;
                           }));
  if (page.entries.size() == limit && page.entries.back().seq < query.last) {
    page.next = query;
    page.next->first = page.entries.back().seq + 1;
  }
  return page;
}

Result<Page> read_page(AuditLog& log, const Query& query, std::size_t limit) {
  RABT_TRY(heads, log.known());
  Result<Page> page = Page();
  const Status read = log.store().read([&](store::Connection& connection) -> Status {
    page = read_page(connection, heads, query, limit);
    return ok_status();
  });
  if (!read.ok()) return read.error();
  if (!page.ok() && page.error().kind == ErrorKind::corrupt) log.refuse(page.error());
  return page;
}

Status read_each(AuditLog& log, const Query& query,
                 const std::function<bool(const Logged&)>& each) {
  std::optional<Query> next = query;
  while (next) {
    RABT_TRY(page, read_page(log, *next, kEntriesAtOnce));
    for (const Logged& logged : page.entries) {
      if (!each(logged)) return ok_status();
    }
    next = std::move(page.next);
  }
  return ok_status();
}

Result<std::optional<Timestamp>> newest_entry(store::Connection& connection) {
  std::optional<Timestamp> at;
  RABT_TRY_STATUS(connection.query(sql::kNewestAt, {}, [&](const store::Row& row) {
    at = Timestamp{row.integer(sql::kNewestAt["at_ms"])};
    return false;
  }));
  return at;
}

}  // namespace rabt::audit
