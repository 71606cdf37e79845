#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Time of a provider: which part is taken, and whether a visit fits in. Pure reading, inside
// a job or outside.
namespace rabt::consultation {

// A part of a provider's time, and who wants it.
struct WantedTime {
  std::string_view tenant;
  std::string_view provider;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  // The session that wants it: its own place does not count.
  std::string_view session{};
  // The clinic session that it has a place in: the others there do not count, capacity does.
  std::string_view clinic_session{};
};

enum class Fit : std::uint8_t {
  free,
  // Taken, and the provider has published slots neither for the day of the visit nor for that of
  // the part that is taken.
  overlaps,
  // Taken, and he has for one of these days.
  busy
};
// Taken is what a session that is not over covers, or a blocked slot. A day is one of Asia/Riyadh.
[[nodiscard]] Result<Fit> fit(store::Connection& connection, const WantedTime& wanted);

using TimePart = std::pair<std::int64_t, std::int64_t>;
// A session that is about to change: the time that it takes then.
struct PlannedTime {
  std::string session;
  // Empty if it takes none.
  std::string provider{};
  TimePart time{};
  std::string clinic_session{};
};
struct Fitting {
  Fit fit = Fit::free;
  // The first part that is taken.
  std::optional<TimePart> taken{};
};
// The same as if the planned changes were done.
[[nodiscard]] Result<Fitting> fit_after(store::Connection& connection, const WantedTime& wanted,
                                        std::span<const PlannedTime> planned);

// Parts of the wanted time that living sessions cover, in order; parts may overlap.
[[nodiscard]] Result<std::vector<TimePart>> taken_parts(store::Connection& connection,
                                                        const WantedTime& wanted,
                                                        std::span<const PlannedTime> planned = {});

}  // namespace rabt::consultation
