#include "hub/consultation/practice/figures.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "hub/consultation/line/quality.hpp"
#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/statements.hpp"

namespace rabt::consultation {

using store::Row;

namespace {

// Two decimals.
double rounded(double value) {
  return std::round(value * 100) / 100;
}

std::optional<double> mean_of(double sum, double count) {
  return count > 0 ? std::optional(rounded(sum / count)) : std::nullopt;
}

// The figure that counts the sessions of a grade.
std::int64_t& count_of(QualityMetricsView::Grades& grades, std::string_view grade) {
  if (grade == "excellent") return grades.excellent;
  if (grade == "good") return grades.good;
  if (grade == "fair") return grades.fair;
  return grade == "poor" ? grades.poor : grades.bad;
}

struct Scope {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = INT64_MAX;
  std::string provider{};
  std::string session{};
};

Result<Scope> scope_of(store::Store& store, const Caller& caller, const Asked<GetFigures>& asked) {
  RABT_TRY_STATUS(may(access::Right::figures_see, caller, "read figures of sessions"));
  RABT_TRY(request, asked);
  Scope scope{.from_ms = request.period.from_ms(), .to_ms = request.period.to_ms()};
  if (!manages(caller)) scope.provider = caller.who.person;
  if (!request.session) return scope;
  const Reference& session = *request.session;
  if (session.none()) return not_found("session.unknown", "there is no such session");
  scope.session = session.id.value_or("-");
  if (!session.number) return scope;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(
        sql::practice::kSessionByNumber, {caller.who.tenant, *session.number}, [&](const Row& row) {
          scope.session = std::string(row.text(sql::practice::kSessionByNumber["id"]));
          return false;
        });
  }));
  return scope;
}

}  // namespace

Result<QualityMetricsView> PracticeFigures::quality(const Caller& caller,
                                                    const Asked<GetFigures>& asked) {
  RABT_TRY(scope, scope_of(parts_.store, caller, asked));
  std::map<std::string, double> lowest;
  std::int64_t samples = 0;
  double loss = 0;
  double jitter = 0;
  double rtt = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::practice::kQuality,
        {caller.who.tenant, scope.from_ms, scope.to_ms, scope.provider, scope.session},
        [&](const Row& row) {
          const auto count = static_cast<double>(row.integer(sql::practice::kQuality["samples"]));
          const double mean =
              static_cast<double>(row.integer(sql::practice::kQuality["mos_sum"])) / 1000 / count;
          const auto [it, fresh] =
              lowest.emplace(std::string(row.text(sql::practice::kQuality["session"])), mean);
          if (!fresh) it->second = std::min(it->second, mean);
          samples += row.integer(sql::practice::kQuality["samples"]);
          loss += static_cast<double>(row.integer(sql::practice::kQuality["loss_sum"])) / 1000;
          jitter += static_cast<double>(row.integer(sql::practice::kQuality["jitter_sum"])) / 1000;
          rtt += static_cast<double>(row.integer(sql::practice::kQuality["rtt_sum"])) / 1000;
          return true;
        });
  }));
  QualityMetricsView out;
  double sum = 0;
  for (const auto& [session, mean] : lowest) {
    const double score = rounded(mean);
    sum += score;
    ++count_of(out.distribution, grade_of(score));
  }
  const auto many = static_cast<double>(samples);
  out.average_quality_score = mean_of(sum, static_cast<double>(lowest.size()));
  out.sessions_measured = static_cast<std::int64_t>(lowest.size());
  out.average_packet_loss_percent = mean_of(loss, many);
  out.average_jitter_ms = mean_of(jitter, many);
  out.average_rtt_ms = mean_of(rtt, many);
  return out;
}

Result<PerformanceView> PracticeFigures::performance(const Caller& caller,
                                                     const Asked<GetFigures>& asked) {
  RABT_TRY(scope, scope_of(parts_.store, caller, asked));
  std::map<std::string, std::int64_t, std::less<>> by_status;
  std::int64_t total = 0;
  std::int64_t duration_ms = 0;
  std::int64_t joins = 0;
  double join_seconds = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(
        sql::practice::kPerformance,
        {caller.who.tenant, scope.from_ms, scope.to_ms, scope.provider, scope.session},
        [&](const Row& row) {
          const std::string status(row.text(sql::practice::kPerformance["status"]));
          by_status[status] = row.integer(sql::practice::kPerformance["count"]);
          total += row.integer(sql::practice::kPerformance["count"]);
          if (status == "completed")
            duration_ms = row.integer(sql::practice::kPerformance["spent_ms"]);
          return true;
        }));
    // From the session's beginning until each participant was there; whoever was there before it
    // waited no time.
    return connection.query(
        sql::practice::kJoins,
        {caller.who.tenant, scope.from_ms, scope.to_ms, scope.provider, scope.session},
        [&](const Row& row) {
          ++joins;
          join_seconds += static_cast<double>(std::max<std::int64_t>(
                              0, row.integer(sql::practice::kJoins["first_joined_ms"]) -
                                     row.integer(sql::practice::kJoins["started_ms"]))) /
                          1000;
          return true;
        });
  }));
  const std::int64_t completed = by_status["completed"];
  const std::int64_t over =
      completed + by_status["cancelled"] + by_status["no_show"] + by_status["failed"];
  return PerformanceView{
      .total_sessions = total,
      .completed_sessions = completed,
      .cancelled_sessions = by_status["cancelled"],
      .no_show_sessions = by_status["no_show"],
      .failed_sessions = by_status["failed"],
      .active_sessions = by_status["active"],
      .success_rate = mean_of(static_cast<double>(completed), static_cast<double>(over)),
      .average_duration_minutes =
          mean_of(static_cast<double>(duration_ms) / 60'000, static_cast<double>(completed)),
      .average_join_seconds = mean_of(join_seconds, static_cast<double>(joins))};
}

Result<BandwidthView> PracticeFigures::bandwidth(const Caller& caller,
                                                 const Asked<GetFigures>& asked) {
  RABT_TRY(scope, scope_of(parts_.store, caller, asked));
  BandwidthView out;
  std::int64_t seconds = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::practice::kBandwidth,
        {caller.who.tenant, scope.from_ms, scope.to_ms, scope.provider, scope.session},
        [&](const Row& row) {
          out.bytes_sent += row.integer(sql::practice::kBandwidth["sum_bytes_up"]);
          out.bytes_received += row.integer(sql::practice::kBandwidth["sum_bytes_down"]);
          seconds += row.integer(sql::practice::kBandwidth["sum_seconds"]);
          out.sessions.push_back(
              {.session = std::string(row.text(sql::practice::kBandwidth["session"])),
               .bytes_sent = row.integer(sql::practice::kBandwidth["sum_bytes_up"]),
               .bytes_received = row.integer(sql::practice::kBandwidth["sum_bytes_down"]),
               .total_bytes = row.integer(sql::practice::kBandwidth["sum_bytes_up"]) +
                              row.integer(sql::practice::kBandwidth["sum_bytes_down"])});
          return true;
        });
  }));
  out.total_bytes = out.bytes_sent + out.bytes_received;
  if (seconds > 0)
    out.average_kbps =
        rounded(static_cast<double>(out.total_bytes) * 8 / 1000 / static_cast<double>(seconds));
  return out;
}

}  // namespace rabt::consultation
