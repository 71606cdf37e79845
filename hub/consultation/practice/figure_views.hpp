#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"

// Figures over many sessions, as answers show them.
namespace rabt::consultation {

// Null when it is unset.
[[nodiscard]] Json number_or_null(const std::optional<double>& number);

// Means are unset while nothing was measured, in this struct and the next.
struct QualityMetricsView {
  // Sessions by the grade of their worst line.
  struct Grades {
    std::int64_t excellent = 0;
    std::int64_t good = 0;
    std::int64_t fair = 0;
    std::int64_t poor = 0;
    std::int64_t bad = 0;
  };
  // Mean opinion score: 1 to 5.
  std::optional<double> average_quality_score{};
  std::int64_t sessions_measured = 0;
  std::optional<double> average_packet_loss_percent{};
  std::optional<double> average_jitter_ms{};
  std::optional<double> average_rtt_ms{};
  Grades distribution{};
};
[[nodiscard]] Json to_json(const QualityMetricsView& quality);

struct PerformanceView {
  std::int64_t total_sessions = 0;
  std::int64_t completed_sessions = 0;
  std::int64_t cancelled_sessions = 0;
  std::int64_t no_show_sessions = 0;
  std::int64_t failed_sessions = 0;
  std::int64_t active_sessions = 0;
  // Share of the sessions that are over: 0 to 1.
  std::optional<double> success_rate{};
  std::optional<double> average_duration_minutes{};
  std::optional<double> average_join_seconds{};
};
[[nodiscard]] Json to_json(const PerformanceView& performance);

struct BandwidthView {
  struct Session {
    // ULID
    std::string session;
    std::int64_t bytes_sent = 0;
    std::int64_t bytes_received = 0;
    std::int64_t total_bytes = 0;
  };
  std::int64_t total_bytes = 0;
  std::int64_t bytes_sent = 0;
  std::int64_t bytes_received = 0;
  // Stays 0 while nothing was measured.
  double average_kbps = 0;
  // Newest first.
  std::vector<Session> sessions{};
};
[[nodiscard]] Json to_json(const BandwidthView& bandwidth);

// A month for the Saudi Commission for Health Specialties.
struct ScfhsReportView {
  // Sum of one provider.
  struct Line {
    // Empty when the profile has none.
    std::string licence_number;
    // ULID
    std::string person;
    std::int64_t sessions = 0;
    std::int64_t minutes = 0;
    std::int64_t training_minutes = 0;
  };
  // 2026-11
  std::string month;
  std::vector<Line> items{};
};
[[nodiscard]] Json to_json(const ScfhsReportView& report);

}  // namespace rabt::consultation
