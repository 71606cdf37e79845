#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Where entries stand: one row of table audit_find for each full tile, written with it, says which
// objects, patients and times its entries have (docs/formats/audit_log.md, "Look-up"). An entry
// costs no index of its own. The verifier does not use this.
namespace rabt::audit {

// The row of a tile whose last entry was just added. Inside the job that added it.
[[nodiscard]] Status write_find(store::Transaction& transaction, std::int64_t tile);

// An empty text and the widest times are no condition.
struct Wanted {
  std::int64_t from_ms = INT64_MIN;  // inclusive
  std::int64_t to_ms = INT64_MAX;    // exclusive
  std::string object;
  std::string patient;
};
// Gives the runs of entries among first to last that may hold what is wanted, in rising order; all
// others do not hold it. A tile without its row, and what no full tile covers, may. visit returns
// false to stop; it may ask the connection itself.
[[nodiscard]] Status each_run(
    store::Connection& connection, const Wanted& wanted, std::int64_t first, std::int64_t last,
    const std::function<Result<bool>(std::int64_t first, std::int64_t last)>& visit);

}  // namespace rabt::audit
