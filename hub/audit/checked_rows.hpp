#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Rows of the audit log, given only when they are what was written.
namespace rabt::audit {

// An entry as its row has it. Texts live until the visit returns.
struct LoggedRow {
  std::int64_t seq = 0;
  std::int64_t stream = 0;
  std::int64_t n = 0;
  std::int64_t at_ms = 0;
  std::string_view tenant, act, object, patient;
  // The bytes that are hashed.
  std::string_view canonical;
};

// "entry 17 (stream 1, number 17)".
[[nodiscard]] std::string entry_text(std::int64_t seq, std::int64_t stream, std::int64_t n);
// The first difference between columns and content, in words; empty if they agree.
[[nodiscard]] std::string wrong_column(const LoggedRow& row, const Json& content);
// The content of a row. Error corrupt audit.broken: a column says something else, or its version is
// not known here.
[[nodiscard]] Result<Json> content_of(const LoggedRow& row);

// That the rows above `from`, up to `to`, are there, that each has the content that its hash names,
// and, with the key, that the MAC chain goes on over them. Error corrupt audit.broken names the
// first that does not hold.
[[nodiscard]] Status rows_hold(store::Connection& connection, const SecretBytes* mac_key,
                               std::int64_t from, std::int64_t to);

// One snapshot of the log. Caller synchronises.
class CheckedRows {
 public:
  CheckedRows(store::Connection& connection, const Known& known)
      : connection_(connection), known_(known) {}

  // That the database has the tree of the checkpoint and nothing behind it that was not written by
  // the hub. Errors of kind corrupt: audit.cut, audit.rewritten, audit.broken.
  [[nodiscard]] Status open();
  // After open().
  [[nodiscard]] std::int64_t size() const { return size_; }
  // Every row from `first` to `last` that the log has, in order; visit returns false to stop. Each
  // is the row that was written at its place: its content has its hash, and the hash is the one in
  // its tile, which leads to the root of the checkpoint. Error corrupt audit.broken names the first
  // entry that is not, before it is visited.
  [[nodiscard]] Status each(std::int64_t first, std::int64_t last,
                            const std::function<Result<bool>(const LoggedRow&)>& visit);
  // The full tile `number` of level 0 with its rows and its look-up row.
  [[nodiscard]] Status check_tile(std::int64_t number);

 private:
  [[nodiscard]] Status take_newest();
  [[nodiscard]] Result<Digest> expected(std::int64_t seq);

  store::Connection& connection_;
  const Known known_;
  std::int64_t size_ = 0;
  // Under the checkpoint, and all.
  std::optional<TreeView> signed_;
  std::optional<TreeView> all_;
  Checkpoint checkpoint_;
};

}  // namespace rabt::audit
