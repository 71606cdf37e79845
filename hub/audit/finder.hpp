#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Finds entries: one row of the table audit_find for each full tile, written with it, says which
// objects, patients and times the tile's entries have (docs/formats/audit_log.md, "Look-up"). An
// entry costs no index of its own.
namespace rabt::audit {

// "grant" of "grant:01J..."; empty for an object without a colon.
[[nodiscard]] std::string_view kind_of(std::string_view object);

// Row of audit_find: a summary of the entries that were added to it.
class LookUpRow {
 public:
  // Empty texts are not indexed.
  void add(std::int64_t at_ms, std::string_view object, std::string_view patient);
  // The least and the greatest time.
  [[nodiscard]] std::int64_t from_ms() const { return from_ms_; }
  [[nodiscard]] std::int64_t to_ms() const { return to_ms_; }
  // The column `keys`.
  [[nodiscard]] std::string keys() const;

 private:
  std::int64_t from_ms_ = INT64_MAX;
  std::int64_t to_ms_ = INT64_MIN;
  std::set<std::string, std::less<>> objects_;
  std::set<std::string, std::less<>> kinds_;
  std::set<std::string, std::less<>> patients_;
};

// The look-up row of a tile. Inside the job that added the tile's last entry.
[[nodiscard]] Status write_find(store::Transaction& transaction, std::int64_t tile,
                                const LookUpRow& look_up, const SecretBytes& mac_key);

// An empty text and the widest times are no condition.
struct Wanted {
  // Inclusive.
  std::int64_t from_ms = INT64_MIN;
  // Exclusive.
  std::int64_t to_ms = INT64_MAX;
  std::string object;
  // Part of an object before the colon.
  std::string kind;
  std::string patient;
};
// Gives the runs of entries among first to last that may hold what is wanted, in rising order; all
// others do not hold it. A tile without its row, and what no full tile covers, may; without the key
// every tile may. visit returns false to stop; it may ask the connection itself. Error corrupt
// audit.broken names a tile whose row is not the one that was written.
[[nodiscard]] Status each_run(
    store::Connection& connection, const SecretBytes* mac_key, const Wanted& wanted,
    std::int64_t first, std::int64_t last,
    const std::function<Result<bool>(std::int64_t first, std::int64_t last)>& visit);

}  // namespace rabt::audit
