#include "hub/consultation/rows/provider_time.hpp"

#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/base/riyadh.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

// Midnight before a time.
std::int64_t day_of(std::int64_t at_ms) {
  const std::int64_t local = at_ms + kRiyadhMs;
  return local - ((local % kDayMs) + kDayMs) % kDayMs - kRiyadhMs;
}

}  // namespace

Result<std::vector<TimePart>> taken_parts(store::Connection& connection, const WantedTime& wanted,
                                          std::span<const PlannedTime> planned) {
  std::vector<TimePart> parts;
  const std::int64_t earliest_ms = wanted.from_ms - kMostPlannedMinutes * 60'000;
  RABT_TRY_STATUS(connection.query(sql::rows::kTakenParts,
                                   {wanted.tenant, wanted.provider, wanted.from_ms, wanted.to_ms,
                                    wanted.session, earliest_ms, wanted.clinic_session},
                                   [&](const Row& row) {
                                     const std::string_view id = row.text(2);
                                     const bool leaves = std::any_of(
                                         planned.begin(), planned.end(),
                                         [&](const PlannedTime& one) { return one.session == id; });
                                     if (!leaves)
                                       parts.emplace_back(row.integer(0), row.integer(1));
                                     return true;
                                   }));
  for (const PlannedTime& one : planned) {
    const bool beside = !one.clinic_session.empty() && one.clinic_session == wanted.clinic_session;
    if (one.provider == wanted.provider && one.session != wanted.session && !beside &&
        one.time.first < wanted.to_ms && one.time.second > wanted.from_ms)
      parts.push_back(one.time);
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

Result<Fit> fit(store::Connection& connection, const WantedTime& wanted) {
  RABT_TRY(found, fit_after(connection, wanted, {}));
  return found.fit;
}

Result<Fitting> fit_after(store::Connection& connection, const WantedTime& wanted,
                          std::span<const PlannedTime> planned) {
  RABT_TRY(parts, taken_parts(connection, wanted, planned));
  Fitting found;
  if (!parts.empty()) found.taken = parts.front();
  bool published = false;
  std::int64_t from_ms = wanted.from_ms;
  std::int64_t to_ms = wanted.to_ms;
  for (const TimePart& part : parts) {
    from_ms = std::min(from_ms, part.first);
    to_ms = std::max(to_ms, part.second);
  }
  const std::int64_t day = day_of(from_ms);
  const std::int64_t end = day_of(to_ms - 1) + kDayMs;
  RABT_TRY_STATUS(connection.query(
      sql::rows::kSlotsIn, {wanted.tenant, wanted.provider, day, end}, [&](const Row& row) {
        published = true;
        const bool within = row.integer(1) < wanted.to_ms && row.integer(2) > wanted.from_ms;
        if (!found.taken && within && row.text(4) == "blocked")
          found.taken = TimePart{row.integer(1), row.integer(2)};
        return !found.taken;
      }));
  if (found.taken) found.fit = published ? Fit::busy : Fit::overlaps;
  return found;
}

}  // namespace rabt::consultation
