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
  RABT_TRY_STATUS(connection.query(
      sql::rows::kTakenParts,
      {wanted.tenant, wanted.provider, wanted.from_ms, wanted.to_ms, wanted.session, earliest_ms,
       wanted.clinic_session},
      [&](const Row& row) {
        const std::string_view id = row.text(sql::rows::kTakenParts["id"]);
        const bool leaves = std::any_of(
            planned.begin(), planned.end(),
            [&](const PlannedTime& planned_time) { return planned_time.session == id; });
        if (!leaves)
          parts.emplace_back(row.integer(sql::rows::kTakenParts["at_ms"]),
                             row.integer(sql::rows::kTakenParts["end_ms"]));
        return true;
      }));
  for (const PlannedTime& time : planned) {
    const bool beside =
        !time.clinic_session.empty() && time.clinic_session == wanted.clinic_session;
    if (time.provider == wanted.provider && time.session != wanted.session && !beside &&
        time.time.first < wanted.to_ms && time.time.second > wanted.from_ms)
      parts.push_back(time.time);
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
        const bool within = row.integer(sql::rows::kSlotsIn["starts_ms"]) < wanted.to_ms &&
                            row.integer(sql::rows::kSlotsIn["ends_ms"]) > wanted.from_ms;
        if (!found.taken && within && row.text(sql::rows::kSlotsIn["status"]) == "blocked")
          found.taken = TimePart{row.integer(sql::rows::kSlotsIn["starts_ms"]),
                                 row.integer(sql::rows::kSlotsIn["ends_ms"])};
        return !found.taken;
      }));
  if (found.taken) found.fit = published ? Fit::busy : Fit::overlaps;
  return found;
}

}  // namespace rabt::consultation
