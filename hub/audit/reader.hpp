#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Reading entries of the audit log back, for exports and reports. It shows what the rows say;
// whether they are as they were written is what verification answers (audit_log.hpp).
namespace rabt::audit {

// An entry as it stands in the log.
struct Logged {
  std::int64_t seq = 0;
  std::int64_t at_ms = 0;  // wall clock when the entry was made
  Entry entry;
  std::string canonical;  // the bytes that are hashed
};

// All conditions hold together; an empty text is no condition.
struct Query {
  std::int64_t first = 1;  // seq, inclusive
  std::int64_t last = INT64_MAX;
  std::int64_t from_ms = INT64_MIN;  // at_ms, inclusive
  std::int64_t to_ms = INT64_MAX;    // exclusive
  std::string tenant;
  std::string patient;  // pseudonym
  std::string object;   // "instance:01J..."
  std::string act;      // "recording.read"; with a star at the end, its beginning: "recording.*"
};

inline constexpr std::size_t kMaxEntriesPerPage = 1'000;  // up to 64 MB of entries in memory

struct Page {
  std::vector<Logged> entries;  // in the order of their numbers
  std::optional<Query> next;    // where to go on; empty: that was all
};
// At most `limit` entries (at most kMaxEntriesPerPage), in a snapshot of its own. By number, time,
// object and patient it reads only tiles that may have such entries; a look-up by act or tenant
// alone reads every entry. Errors: store.*;
// kind corrupt audit.entry when a row cannot be read as an entry (its number is in the message).
[[nodiscard]] Result<Page> read_page(store::Store& store, const Query& query, std::size_t limit);
[[nodiscard]] Result<Page> read_page(store::Connection& connection, const Query& query,
                                     std::size_t limit);

// Every entry that fits, page by page; each returns false to stop. No snapshot is held while each
// runs, and each may itself read or write.
[[nodiscard]] Status read_each(store::Store& store, const Query& query,
                               const std::function<bool(const Logged&)>& each);
[[nodiscard]] Status read_each(store::Connection& connection, const Query& query,
                               const std::function<bool(const Logged&)>& each);

}  // namespace rabt::audit
