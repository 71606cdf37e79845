#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/checked_rows.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Reading entries of the audit log back, for exports and reports. An entry is shown only when it is
// the one that was written at its place: checked_rows.hpp.
namespace rabt::audit {

// An entry as it stands in the log.
struct Logged {
  std::int64_t seq = 0;
  // Stream of the writer, and the number of the entry in it.
  std::int64_t stream = 0;
  std::int64_t n = 0;
  // The wall clock when the entry was made.
  std::int64_t at_ms = 0;
  Entry entry;
  // The bytes that are hashed.
  std::string canonical;
};

// All conditions hold together; an empty text is no condition.
struct Query {
  // Positions, both inclusive.
  std::int64_t first = 1;
  std::int64_t last = INT64_MAX;
  // Times: the first inclusive, the second exclusive.
  std::int64_t from_ms = INT64_MIN;
  std::int64_t to_ms = INT64_MAX;
  std::string tenant;
  // A pseudonym.
  std::string patient;
  // "instance:01J...", or every object of a kind: "grant:*".
  std::string object;
  // "recording.read", or the beginning of acts with a star at its end: "recording.*".
  std::string act;
};

// Up to 64 MB of entries in memory.
inline constexpr std::size_t kMaxEntriesPerPage = 1'000;

struct Page {
  // In the order of their positions.
  std::vector<Logged> entries;
  // Query of the next page. Unset after the last page.
  std::optional<Query> next;
};
// At most `limit` entries (at most kMaxEntriesPerPage), in a snapshot of its own. By number, time,
// object, kind of object and patient it reads only tiles that may have such entries; a look-up by
// act or tenant alone reads every entry. Every row on the way is checked, also those that do not
// fit the query. Errors: store.*; of kind corrupt those of CheckedRows, which name the entry: then
// there is no page.
[[nodiscard]] Result<Page> read_page(store::Connection& connection, const Known& heads,
                                     const Query& query, std::size_t limit);
// With what the running log knows; an error of kind corrupt stops the log as well.
[[nodiscard]] Result<Page> read_page(AuditLog& log, const Query& query, std::size_t limit);

// The time of the newest entry, unverified; nothing in an empty log.
[[nodiscard]] Result<std::optional<Timestamp>> newest_entry(store::Connection& connection);

// Every entry that fits, page by page; each returns false to stop. No snapshot is held while each
// runs, and each may itself read or write.
[[nodiscard]] Status read_each(AuditLog& log, const Query& query,
                               const std::function<bool(const Logged&)>& each);

}  // namespace rabt::audit
