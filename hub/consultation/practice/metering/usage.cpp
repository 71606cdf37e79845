#include "hub/consultation/practice/metering/usage.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/metering/metering.hpp"
#include "hub/consultation/practice/metering/statements.hpp"
#include "hub/consultation/request/caller_roles.hpp"

// Attendee-minutes of a month: rows of the metering for sessions that are over, stays for those
// that are not. Later findings about an ended session add a row, so that a closed month changes
// by adjustments alone.
namespace rabt::consultation {

using store::Row;

namespace {

// No stay is longer, so that one which reaches into a month began at most so long before it.
constexpr std::int64_t kLongestStayMs = 7LL * 24 * 3'600'000;
// Longest age of a count that decides whether a session may be created.
constexpr std::int64_t kCountedMs = 60'000;

}  // namespace

Result<Usage::MonthUsage> Usage::usage_of(std::string_view tenant, const Month& month,
                                          std::string_view provider) const {
  MonthUsage usage{.month = month};
  const Timestamp now = parts_.clock.now();
  const std::string name = month.name();
  const auto add = [&usage](const std::string& session, std::int64_t seconds) {
    if (seconds == 0) return;
    usage.seconds += seconds;
    auto& of = usage.sessions[session];
    of.seconds += seconds;
    ++of.participants;
  };
  std::string session;
  std::string participant;
  std::vector<Attended> stays;
  const auto close = [&] {
    if (stays.empty()) return;
    add(session, united_seconds(stays, month.begins, month.ends, now));
    stays.clear();
  };
  // One snapshot: a session that ends meanwhile is found in its rows or in its stays.
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    usage = MonthUsage{.month = month};
    stays.clear();
    RABT_TRY_STATUS(connection.query(
        sql::metering::kMeteredOfMonth, {tenant, name, provider}, [&](const Row& row) {
          add(std::string(row.text(sql::metering::kMeteredOfMonth["session"])),
              row.integer(sql::metering::kMeteredOfMonth["sum_seconds"]));
          usage.adjusted += row.integer(sql::metering::kMeteredOfMonth["adjusted_seconds"]);
          return true;
        }));
    const std::int64_t from = std::max(month.begins.ms, now.ms) - kLongestStayMs;
    return connection.query(
        sql::metering::kStaysUnderWay, {tenant, from, month.ends.ms, provider},
        [&](const Row& row) {
          if (row.text(sql::metering::kStaysUnderWay["session"]) != session ||
              row.text(sql::metering::kStaysUnderWay["participant"]) != participant) {
            close();
            session = std::string(row.text(sql::metering::kStaysUnderWay["session"]));
            participant = std::string(row.text(sql::metering::kStaysUnderWay["participant"]));
          }
          stays.push_back({.joined_ms = row.integer(sql::metering::kStaysUnderWay["joined_ms"]),
                           .left_ms = row.is_null(sql::metering::kStaysUnderWay["left_ms"])
                                          ? std::nullopt
                                          : std::optional(row.integer(
                                                sql::metering::kStaysUnderWay["left_ms"]))});
          return true;
        });
  }));
  close();
  return usage;
}

Result<Month> Usage::month_of_stay(Timestamp at) const {
  {
    const Lock lock(mutex_);
    if (at >= month_.begins && at < month_.ends) return month_;
  }
  RABT_TRY(found, month_at(at, parts_.settings.time_zone));
  const Lock lock(mutex_);
  month_ = found;
  return found;
}

// Sums of the stays, by month and participant.
Result<Usage::Metered> Usage::metered(const std::map<std::string, std::vector<Attended>>& stays,
                                      Timestamp now) const {
  Metered out;
  for (const auto& [participant, all] : stays) {
    std::int64_t last = 0;
    for (const Attended& one : all) last = std::max(last, one.left_ms.value_or(now.ms));
    std::int64_t first = last;
    for (const Attended& attended : all) first = std::min(first, attended.joined_ms);
    Timestamp at{std::max(first, last - kLongestStayMs)};
    while (at.ms < last) {
      RABT_TRY(month, month_of_stay(at));
      const std::int64_t seconds = united_seconds(all, month.begins, month.ends, now);
      if (seconds > 0) out[{month.name(), participant}] = seconds;
      at = month.ends;
    }
  }
  return out;
}

Status Usage::meter(store::Transaction& transaction, std::string_view tenant,
                    std::string_view session, bool ends) const {
  const Timestamp now = parts_.clock.now();
  std::map<std::string, std::vector<Attended>> stays;
  RABT_TRY_STATUS(
      transaction.query(sql::metering::kStaysOf, {tenant, session}, [&](const Row& row) {
        stays[std::string(row.text(sql::metering::kStaysOf["participant"]))].push_back(
            {.joined_ms = row.integer(sql::metering::kStaysOf["joined_ms"]),
             .left_ms = row.is_null(sql::metering::kStaysOf["left_ms"])
                            ? std::nullopt
                            : std::optional(row.integer(sql::metering::kStaysOf["left_ms"]))});
        return true;
      }));
  const auto metering = metered(stays, now);
  // A time that no calendar has: the act of which it is part does not fail for it.
  if (!metering.ok()) return ok_status();
  struct Kept {
    std::int64_t seconds = 0;
    std::int64_t n = 0;
  };
  std::map<Metered::key_type, Kept> kept;
  RABT_TRY_STATUS(
      transaction.query(sql::metering::kMeteredOfSession, {tenant, session}, [&](const Row& row) {
        kept[{std::string(row.text(sql::metering::kMeteredOfSession["month"])),
              std::string(row.text(sql::metering::kMeteredOfSession["participant"]))}] = {
            .seconds = row.integer(sql::metering::kMeteredOfSession["sum_seconds"]),
            .n = row.integer(sql::metering::kMeteredOfSession["last_n"])};
        return true;
      }));
  for (const auto& [key, seconds] : *metering) (void)kept[key];
  for (const auto& [key, before] : kept) {
    const auto found = metering->find(key);
    const std::int64_t more = (found == metering->end() ? 0 : found->second) - before.seconds;
    if (more == 0) continue;
    RABT_TRY_STATUS(store::run(transaction, sql::metering::kInsertUsage,
                               {tenant, key.first, session, key.second, before.n + 1,
                                ends ? "attendance" : "adjustment", more, now.ms}));
  }
  return ok_status();
}

void Usage::write_metrics(MetricsWriter& out) const {
  out.gauges("rabt_attendee_minutes", "Attendee-minutes of the month, as they were counted last.");
  const Lock lock(mutex_);
  if (noted_month_.empty()) return;
  out.sample("rabt_attendee_minutes", {{"month", noted_month_}},
             static_cast<std::uint64_t>(std::max<std::int64_t>(0, noted_minutes_)));
}

Result<Month> Usage::month_asked(const Asked<GetUsage>& asked) const {
  const std::string& zone = parts_.settings.time_zone;
  RABT_TRY(now, month_at(parts_.clock.now(), zone));
  RABT_TRY(request, asked);
  return month_of(request.year.value_or(now.year), request.month.value_or(now.month), zone);
}

// Each threshold is told once for a month.
Status Usage::note_thresholds(std::string_view tenant, const MonthUsage& usage) const {
  const std::int64_t minutes = whole_minutes(usage.seconds);
  const std::string month = usage.month.name();
  std::set<std::int64_t> levels;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::metering::kUsageAlerts, {tenant, month}, [&](const Row& row) {
      levels.insert(row.integer(sql::metering::kUsageAlerts["threshold"]));
      return true;
    });
  }));
  for (const int threshold :
       thresholds_reached(minutes, parts_.settings.free_minutes, parts_.settings.thresholds)) {
    if (levels.contains(threshold)) continue;
    const Json detail = Json::object({{"month", month},
                                      {"threshold", threshold},
                                      {"attendeeMinutes", minutes},
                                      {"limit", parts_.settings.free_minutes}});
    const audit::Prepared entry = parts_.audit.prepare({.tenant = std::string(tenant),
                                                        .actor = "node:metering",
                                                        .act = "metering.threshold",
                                                        .object = "month:" + month,
                                                        .result = "ok",
                                                        .detail = detail});
    const HubEvent reached{.id = parts_.ids.next().text(),
                           .type = "metering.threshold",
                           .at = parts_.clock.now(),
                           .data = detail};
    RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(inserted, transaction.execute(sql::metering::kInsertUsageAlert,
                                             {tenant, month, std::int64_t{threshold}, minutes,
                                              parts_.clock.now().ms}));
      if (inserted != 1) return ok_status();
      RABT_TRY_STATUS(put_event(transaction, tenant, reached));
      return parts_.audit.append(transaction, entry);
    }));
  }
  return ok_status();
}

// A doctor sees what his own sessions used, who manages the tenant what all did.
static std::string_view whose_sessions(const Caller& caller) {
  return manages(caller) ? std::string_view() : std::string_view(caller.who.person);
}

Result<UsageView> Usage::read(const Caller& caller, const Asked<GetUsage>& asked) {
  RABT_TRY_STATUS(may(access::Right::figures_see, caller, "read the usage"));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(month, month_asked(asked));
  const std::string_view provider = whose_sessions(caller);
  RABT_TRY(usage, usage_of(tenant, month, provider));
  const Timestamp now = parts_.clock.now();
  if (provider.empty() && now >= month.begins && now < month.ends)
    RABT_TRY_STATUS(note_thresholds(tenant, usage));
  const std::int64_t limit = parts_.settings.free_minutes;
  const UsageFigures figures = usage_figures(usage.seconds, limit);
  UsageView out{.year = month.year,
                .month = month.month,
                .time_zone = parts_.settings.time_zone,
                .attendee_minutes = figures.minutes,
                .attendee_seconds = usage.seconds,
                .adjustment_seconds = usage.adjusted,
                .limit = limit,
                .remaining = figures.remaining,
                .per_mille = figures.per_mille,
                .sessions = static_cast<std::int64_t>(usage.sessions.size())};
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    out.alerts.clear();
    RABT_TRY_STATUS(
        connection.query(sql::metering::kCountActive, {tenant, provider}, [&](const Row& row) {
          out.active_sessions = row.integer(sql::metering::kCountActive["count"]);
          return false;
        }));
    const std::string name = month.name();
    return connection.query(sql::metering::kUsageAlerts, {tenant, name}, [&](const Row& row) {
      out.alerts.push_back({.threshold = row.integer(sql::metering::kUsageAlerts["threshold"]),
                            .attendee_minutes = row.integer(sql::metering::kUsageAlerts["minutes"]),
                            .at = {row.integer(sql::metering::kUsageAlerts["at_ms"])}});
      return true;
    });
  }));
  return out;
}

Result<UsageBySessionView> Usage::by_session(const Caller& caller, const Asked<GetUsage>& asked) {
  RABT_TRY_STATUS(may(access::Right::figures_see, caller, "read the usage"));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(month, month_asked(asked));
  RABT_TRY(usage, usage_of(tenant, month, whose_sessions(caller)));
  UsageBySessionView out{
      .year = month.year, .month = month.month, .time_zone = parts_.settings.time_zone};
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    out.items.clear();
    for (auto it = usage.sessions.rbegin(); it != usage.sessions.rend(); ++it) {
      const auto& [session, of] = *it;
      std::int64_t count = 0;
      RABT_TRY_STATUS(
          connection.query(sql::metering::kNumberOfSession, {tenant, session}, [&](const Row& row) {
            count = row.integer(sql::metering::kNumberOfSession["number"]);
            return false;
          }));
      out.items.push_back({.session = session,
                           .number = count,
                           .participants = of.participants,
                           .attendee_seconds = of.seconds,
                           .attendee_minutes = whole_minutes(of.seconds)});
    }
    return ok_status();
  }));
  return out;
}

Status Usage::may_create(std::string_view tenant) {
  const std::int64_t limit = parts_.settings.free_minutes;
  if (!parts_.settings.refuse_over_limit || limit <= 0) return ok_status();
  const Timestamp now = parts_.clock.now();
  std::int64_t minutes = -1;
  {
    const Lock lock(mutex_);
    if (counted_ms_ > 0 && now.ms - counted_ms_ < kCountedMs) minutes = counted_minutes_;
  }
  if (minutes < 0) {
    RABT_TRY(month, month_at(now, parts_.settings.time_zone));
    RABT_TRY(usage, usage_of(tenant, month));
    minutes = whole_minutes(usage.seconds);
    const Lock lock(mutex_);
    counted_ms_ = now.ms;
    counted_minutes_ = minutes;
  }
  if (minutes < limit) return ok_status();
  return conflict("metering.limit", "the month has " + std::to_string(minutes) + " of " +
                                        std::to_string(limit) +
                                        " attendee-minutes; no session is created before the next");
}

Status Usage::count_month(Timestamp now) {
  RABT_TRY(month, month_at(now, parts_.settings.time_zone));
  RABT_TRY(usage, usage_of(parts_.tenant, month));
  {
    const Lock lock(mutex_);
    noted_month_ = month.name();
    noted_minutes_ = whole_minutes(usage.seconds);
  }
  return note_thresholds(parts_.tenant, usage);
}

}  // namespace rabt::consultation
