#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Accepted work that waits, by what it waits for.
namespace rabt::engine {

struct Waiting {
  // A word of docs/operations.md: decision, answer, video, recording, nothing.
  std::string_view for_what;
  std::int64_t count = 0;
  std::int64_t oldest_ms = 0;
  // Code of a failure, or empty.
  std::string code;
};

// Without progress for so long: calls are repeated before an operator is told.
inline constexpr std::int64_t kStandstillMs = 15LL * 60 * 1000;

// Each statement gives one row for $1, the tenant, and $2, the time before which something has
// stood still: number, time of the oldest, code. Appends the rows.
[[nodiscard]] Status count_waiting(
    store::Store& store, std::string_view tenant, Timestamp now,
    std::initializer_list<std::pair<std::string_view, const store::Statement*>> kinds,
    std::vector<Waiting>& out);

// Instances that wait, of those that have a business key. All kinds, also those of which there is
// none.
[[nodiscard]] Status add_waiting(store::Store& store, std::string_view tenant, Timestamp now,
                                 std::vector<Waiting>& out);

}  // namespace rabt::engine
