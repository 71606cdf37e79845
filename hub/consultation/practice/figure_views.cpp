#include "hub/consultation/practice/figure_views.hpp"

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

Json to_json(const QualityMetricsView& quality) {
  const QualityMetricsView::Grades& grades = quality.distribution;
  return Json::object(
      {{"averageQualityScore", number_or_null(quality.average_quality_score)},
       {"sessionsMeasured", quality.sessions_measured},
       {"averagePacketLossPercent", number_or_null(quality.average_packet_loss_percent)},
       {"averageJitterMs", number_or_null(quality.average_jitter_ms)},
       {"averageRttMs", number_or_null(quality.average_rtt_ms)},
       {"distribution", Json::object({{"excellent", grades.excellent},
                                      {"good", grades.good},
                                      {"fair", grades.fair},
                                      {"poor", grades.poor},
                                      {"bad", grades.bad}})}});
}

Json to_json(const PerformanceView& performance) {
  return Json::object(
      {{"totalSessions", performance.total_sessions},
       {"completedSessions", performance.completed_sessions},
       {"cancelledSessions", performance.cancelled_sessions},
       {"noShowSessions", performance.no_show_sessions},
       {"failedSessions", performance.failed_sessions},
       {"activeSessions", performance.active_sessions},
       {"successRate", number_or_null(performance.success_rate)},
       {"averageDurationMinutes", number_or_null(performance.average_duration_minutes)},
       {"averageJoinSeconds", number_or_null(performance.average_join_seconds)}});
}

Json to_json(const BandwidthView& bandwidth) {
  Json sessions = Json::array();
  for (const BandwidthView::Session& session : bandwidth.sessions) {
    sessions.push_back(Json::object({{"session", session.session},
                                     {"bytesSent", session.bytes_sent},
                                     {"bytesReceived", session.bytes_received},
                                     {"totalBytes", session.total_bytes}}));
  }
  return Json::object({{"totalBytes", bandwidth.total_bytes},
                       {"bytesSent", bandwidth.bytes_sent},
                       {"bytesReceived", bandwidth.bytes_received},
                       {"averageKbps", bandwidth.average_kbps},
                       {"sessions", std::move(sessions)}});
}

Json to_json(const ScfhsReportView& report) {
  Json items = Json::array();
  for (const ScfhsReportView::Line& item : report.items) {
    items.push_back(Json::object({{"licenceNumber", text_or_null(item.licence_number)},
                                  {"person", item.person},
                                  {"sessions", item.sessions},
                                  {"minutes", item.minutes},
                                  {"trainingMinutes", item.training_minutes}}));
  }
  return Json::object(
      {{"month", report.month}, {"dataSet", "SCFHS_MONTHLY"}, {"items", std::move(items)}});
}

}  // namespace rabt::consultation
