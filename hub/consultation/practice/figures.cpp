#include <algorithm>
#include <cmath>

#include "hub/consultation/line/quality.hpp"
#include "hub/consultation/practice/practice_service.hpp"

// Figures over many sessions. Administrators see those of the tenant, doctors those of their own.
namespace rabt::consultation {

using store::Row;
using store::Statement;

namespace {

// $2 and $3 bound the planned start, $4 is a provider or empty, $5 a session or empty. CROSS JOIN:
// SQLite begins with the sessions of that time, not with all figures that there are.
constexpr Statement kQuality{
    "SELECT q.session, q.samples, q.mos_sum, q.loss_sum, q.jitter_sum, q.rtt_sum FROM session s "
    "CROSS JOIN quality_summary q WHERE q.tenant = s.tenant AND q.session = s.id AND s.tenant = $1 "
    "AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 = '' OR s.provider = $4) AND ($5 = '' OR s.id = "
    "$5) AND q.samples > 0 ORDER BY q.session"};
constexpr Statement kBandwidth{
    "SELECT q.session, CAST(SUM(q.bytes_up) AS BIGINT), CAST(SUM(q.bytes_down) AS BIGINT), "
    "CAST(SUM(q.seconds) AS BIGINT) FROM session s CROSS JOIN quality_summary q WHERE q.tenant = "
    "s.tenant AND q.session = s.id AND s.tenant = $1 AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 = "
    "'' OR s.provider = $4) AND ($5 = '' OR s.id = $5) GROUP BY q.session ORDER BY q.session "
    "DESC"};
constexpr Statement kPerformance{
    "SELECT status, COUNT(*), CAST(COALESCE(SUM(ended_ms - started_ms), 0) AS BIGINT) FROM session "
    "WHERE tenant = $1 AND at_ms >= $2 AND at_ms < $3 AND ($4 = '' OR provider = $4) AND ($5 = '' "
    "OR id = $5) GROUP BY status"};
constexpr Statement kJoins{
    "SELECT s.started_ms, MIN(a.joined_ms) FROM session_attendance a JOIN session s ON s.tenant = "
    "a.tenant AND s.id = a.session WHERE s.tenant = $1 AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 "
    "= '' OR s.provider = $4) AND ($5 = '' OR s.id = $5) AND s.started_ms IS NOT NULL GROUP BY "
    "a.session, a.participant, s.started_ms"};
constexpr Statement kSessionByNumber{"SELECT id FROM session WHERE tenant = $1 AND number = $2"};
constexpr Statement kMonthly{
    "SELECT m.person, s.id, s.type, a.joined_ms, a.left_ms FROM session_member m JOIN session s ON "
    "s.tenant = m.tenant AND s.id = m.session JOIN session_attendance a ON a.tenant = m.tenant AND "
    "a.session = m.session AND a.participant = m.participant WHERE m.tenant = $1 AND s.status = "
    "'completed' AND s.started_ms >= $2 AND s.started_ms < $3 AND m.role IN ('doctor', "
    "'specialist') ORDER BY m.person, s.id"};

// Two decimals.
Json rounded(double value) {
  return {std::round(value * 100) / 100};
}

struct Scope {
  Period period;
  std::string provider;
  std::string session;
};

Result<Scope> scope_of(store::Store& store, const Ask& ask) {
  RABT_TRY_STATUS(may(access::Right::figures_see, ask, "read figures of sessions"));
  Scope scope;
  RABT_TRY(period, period_of(ask));
  scope.period = period;
  if (!manages(ask)) scope.provider = ask.caller.who.person;
  const std::string_view session = ask.parameter("session");
  if (session.empty()) return scope;
  const Reference reference = read_reference(session);
  if (reference.none()) return not_found("session.unknown", "there is no such session");
  scope.session = reference.id.value_or("-");
  if (!reference.number) return scope;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kSessionByNumber, {ask.caller.who.tenant, *reference.number},
                            [&](const Row& row) {
                              scope.session = std::string(row.text(0));
                              return false;
                            });
  }));
  return scope;
}

}  // namespace

Answer PracticeService::quality_metrics(const Ask& ask) {
  RABT_TRY(scope, scope_of(parts_.store, ask));
  std::map<std::string, double> lowest;
  std::int64_t samples = 0;
  double loss = 0;
  double jitter = 0;
  double rtt = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        kQuality,
        {ask.caller.who.tenant, scope.period.from_ms, scope.period.to_ms, scope.provider,
         scope.session},
        [&](const Row& row) {
          const auto count = static_cast<double>(row.integer(1));
          const double mean = static_cast<double>(row.integer(2)) / 1000 / count;
          const auto [it, fresh] = lowest.emplace(std::string(row.text(0)), mean);
          if (!fresh) it->second = std::min(it->second, mean);
          samples += row.integer(1);
          loss += static_cast<double>(row.integer(3)) / 1000;
          jitter += static_cast<double>(row.integer(4)) / 1000;
          rtt += static_cast<double>(row.integer(5)) / 1000;
          return true;
        });
  }));
  Json distribution =
      Json::object({{"excellent", 0}, {"good", 0}, {"fair", 0}, {"poor", 0}, {"bad", 0}});
  double sum = 0;
  for (const auto& [session, mean] : lowest) {
    const double score = std::round(mean * 100) / 100;
    sum += score;
    distribution.set(grade_of(score), distribution.int_or(grade_of(score), 0) + 1);
  }
  const auto mean = [](double total, double count) {
    return count > 0 ? rounded(total / count) : Json();
  };
  const auto many = static_cast<double>(samples);
  return Json::object({{"averageQualityScore", mean(sum, static_cast<double>(lowest.size()))},
                       {"sessionsMeasured", static_cast<std::int64_t>(lowest.size())},
                       {"averagePacketLossPercent", mean(loss, many)},
                       {"averageJitterMs", mean(jitter, many)},
                       {"averageRttMs", mean(rtt, many)},
                       {"distribution", std::move(distribution)}});
}

Answer PracticeService::performance(const Ask& ask) {
  RABT_TRY(scope, scope_of(parts_.store, ask));
  std::map<std::string, std::int64_t, std::less<>> by_status;
  std::int64_t total = 0;
  std::int64_t duration_ms = 0;
  std::int64_t joins = 0;
  double join_seconds = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(kPerformance,
                                     {ask.caller.who.tenant, scope.period.from_ms,
                                      scope.period.to_ms, scope.provider, scope.session},
                                     [&](const Row& row) {
                                       const std::string status(row.text(0));
                                       by_status[status] = row.integer(1);
                                       total += row.integer(1);
                                       if (status == "completed") duration_ms = row.integer(2);
                                       return true;
                                     }));
    // From the session's beginning until each participant was there; whoever was there before it
    // waited no time.
    return connection.query(kJoins,
                            {ask.caller.who.tenant, scope.period.from_ms, scope.period.to_ms,
                             scope.provider, scope.session},
                            [&](const Row& row) {
                              ++joins;
                              join_seconds += static_cast<double>(std::max<std::int64_t>(
                                                  0, row.integer(1) - row.integer(0))) /
                                              1000;
                              return true;
                            });
  }));
  const std::int64_t completed = by_status["completed"];
  const std::int64_t over =
      completed + by_status["cancelled"] + by_status["no_show"] + by_status["failed"];
  const auto mean = [](double sum, std::int64_t count) {
    return count > 0 ? rounded(sum / static_cast<double>(count)) : Json();
  };
  return Json::object(
      {{"totalSessions", total},
       {"completedSessions", completed},
       {"cancelledSessions", by_status["cancelled"]},
       {"noShowSessions", by_status["no_show"]},
       {"failedSessions", by_status["failed"]},
       {"activeSessions", by_status["active"]},
       {"successRate", mean(static_cast<double>(completed), over)},
       {"averageDurationMinutes", mean(static_cast<double>(duration_ms) / 60'000, completed)},
       {"averageJoinSeconds", mean(join_seconds, joins)}});
}

Answer PracticeService::bandwidth(const Ask& ask) {
  RABT_TRY(scope, scope_of(parts_.store, ask));
  std::int64_t sent = 0;
  std::int64_t received = 0;
  std::int64_t seconds = 0;
  Json sessions = Json::array();
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        kBandwidth,
        {ask.caller.who.tenant, scope.period.from_ms, scope.period.to_ms, scope.provider,
         scope.session},
        [&](const Row& row) {
          sent += row.integer(1);
          received += row.integer(2);
          seconds += row.integer(3);
          sessions.push_back(Json::object({{"session", row.text(0)},
                                           {"bytesSent", row.integer(1)},
                                           {"bytesReceived", row.integer(2)},
                                           {"totalBytes", row.integer(1) + row.integer(2)}}));
          return true;
        });
  }));
  const auto bytes = static_cast<double>(sent + received);
  return Json::object(
      {{"totalBytes", sent + received},
       {"bytesSent", sent},
       {"bytesReceived", received},
       {"averageKbps",
        seconds > 0 ? rounded(bytes * 8 / 1000 / static_cast<double>(seconds)) : Json(0)},
       {"sessions", std::move(sessions)}});
}

// One line for each licence: what the Saudi Commission for Health Specialties is told of a month.
Answer PracticeService::scfhs_report(const Ask& ask) {
  RABT_TRY_STATUS(may(access::Right::practice_audit, ask, "read this report"));
  const std::string& tenant = ask.caller.who.tenant;
  const std::string_view text = ask.parameter("month");
  const auto begins = parse_iso8601(std::string(text) + "-01T00:00:00Z");
  if (text.size() != 7 || !begins.ok())
    return invalid("api.invalid", "month: it must be a month such as 2026-11");
  RABT_TRY(month, month_of(std::stoi(std::string(text.substr(0, 4))),
                           std::stoi(std::string(text.substr(5, 2))), parts_.settings.time_zone));
  struct Line {
    std::set<std::string> sessions;
    std::int64_t seconds = 0;
    std::int64_t training_seconds = 0;
  };
  std::map<std::string, Line> lines;
  std::map<std::pair<std::string, std::string>, std::vector<Attended>> stays;
  std::set<std::string> training;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        kMonthly, {tenant, month.begins.ms, month.ends.ms}, [&](const Row& row) {
          const std::string session(row.text(1));
          if (row.text(2) == "training_session") training.insert(session);
          stays[{std::string(row.text(0)), session}].push_back(
              {.joined_ms = row.integer(3),
               .left_ms = row.is_null(4) ? std::nullopt : std::optional(row.integer(4))});
          return true;
        });
  }));
  const Timestamp now = parts_.clock.now();
  for (auto& [key, of] : stays) {
    Line& line = lines[key.first];
    line.sessions.insert(key.second);
    const std::int64_t seconds = united_seconds(of, Timestamp{0}, now, now);
    (training.contains(key.second) ? line.training_seconds : line.seconds) += seconds;
  }
  Json rows = Json::array();
  for (const auto& [person, line] : lines) {
    RABT_TRY(found, parts_.people.find(tenant, person));
    rows.push_back(Json::object({{"licenceNumber", found.profile["licenceNumber"]},
                                 {"person", person},
                                 {"sessions", static_cast<std::int64_t>(line.sessions.size())},
                                 {"minutes", whole_minutes(line.seconds)},
                                 {"trainingMinutes", whole_minutes(line.training_seconds)}}));
  }
  RABT_TRY_STATUS(append(entry(ask, "compliance.read", "report:scfhs",
                               Json::object({{"month", text}, {"rows", rows.size()}}))));
  return Json::object({{"month", text}, {"dataSet", "SCFHS_MONTHLY"}, {"items", std::move(rows)}});
}

}  // namespace rabt::consultation
