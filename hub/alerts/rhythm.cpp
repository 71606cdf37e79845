#include "hub/alerts/rhythm.hpp"

#include <algorithm>

#include "hub/alerts/statements.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/riyadh.hpp"

namespace rabt::alerts {

namespace {

constexpr std::int64_t kThousand = 1000;
// A week counts for a quarter of what is usual.
constexpr std::int64_t kWeeks = 4;
// Hours that are looked at: two weeks.
constexpr std::int64_t kMostHours = 2 * static_cast<std::int64_t>(kWeekHours);

std::size_t of_week(std::int64_t hour) {
  return static_cast<std::size_t>(hour % static_cast<std::int64_t>(kWeekHours));
}

}  // namespace

std::int64_t Rhythm::hour_of(std::int64_t ms) {
  return (ms + kRiyadhMs) / kHourMs;
}

std::vector<Rhythm::Known> Rhythm::heard(std::int64_t now_ms, std::uint64_t deliveries) {
  std::vector<Known> out;
  const std::int64_t now = hour_of(now_ms);
  for (int hours = 0; hour_ < now && hours < kMostHours; ++hours, ++hour_) {
    if (whole_) {
      auto& usual = usual_.at(of_week(hour_));
      const std::int64_t count = static_cast<std::int64_t>(in_hour_) * kThousand;
      usual = usual ? (*usual * (kWeeks - 1) + count) / kWeeks : count;
      out.push_back({of_week(hour_), *usual});
    }
    in_hour_ = 0;
    whole_ = true;
  }
  hour_ = std::max(hour_, now);
  in_hour_ += deliveries;
  if (deliveries > 0) {
    last_ms_ = now_ms;
    heard_ = true;
  }
  return out;
}

std::int64_t Rhythm::missed(std::int64_t now_ms) const {
  if (now_ms - last_ms_ < kLeastSilenceMs) return 0;
  std::int64_t thousandths = 0;
  const std::int64_t first = hour_of(last_ms_);
  const std::int64_t end = std::min(hour_of(now_ms), first + kMostHours);
  for (std::int64_t hour = first; hour <= end; ++hour) {
    const std::int64_t from = std::max(last_ms_, hour * kHourMs - kRiyadhMs);
    const std::int64_t to = std::min(now_ms, (hour + 1) * kHourMs - kRiyadhMs);
    if (to > from) thousandths += usual_.at(of_week(hour)).value_or(0) * (to - from) / kHourMs;
  }
  return thousandths / kThousand;
}

Status Rhythms::load(std::int64_t now_ms) {
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::kReadRhythm, {tenant_}, [&](const store::Row& row) {
      const auto hour = row.integer(sql::kReadRhythm["hour"]);
      if (hour < 0 || hour >= static_cast<std::int64_t>(kWeekHours)) return true;
      auto& one =
          sources_
              .try_emplace(std::string(row.text(sql::kReadRhythm["source"])), One{Rhythm(now_ms)})
              .first->second;
      one.rhythm.know(static_cast<std::size_t>(hour), row.integer(sql::kReadRhythm["mean"]));
      return true;
    });
  }));
  loaded_ = true;
  return ok_status();
}

Result<std::map<std::string, std::optional<std::int64_t>>> Rhythms::look(
    const std::map<std::string, std::uint64_t>& totals, std::int64_t now_ms) {
  if (!loaded_) RABT_TRY_STATUS(load(now_ms));
  std::map<std::string, std::optional<std::int64_t>> missed;
  std::vector<std::pair<std::string, Rhythm::Known>> hours;
  for (const auto& [source, total] : totals) {
    One& one = sources_.try_emplace(source, One{Rhythm(now_ms)}).first->second;
    const std::uint64_t came = total - std::min(total, one.total);
    one.total = total;
    for (const Rhythm::Known& hour : one.rhythm.heard(now_ms, came))
      hours.emplace_back(source, hour);
    const std::int64_t count = one.rhythm.missed(now_ms);
    missed[source] = one.rhythm.is_heard() || count > 0 ? std::optional(count) : std::nullopt;
  }
  if (hours.empty()) return missed;
  RABT_TRY_STATUS(store_.write([&](store::Transaction& transaction) -> Status {
    for (const auto& [source, hour] : hours) {
      RABT_TRY_STATUS(
          store::run(transaction, sql::kPutRhythm,
                     {tenant_, source, static_cast<std::int64_t>(hour.hour), hour.mean}));
    }
    return ok_status();
  }));
  return missed;
}

}  // namespace rabt::alerts
