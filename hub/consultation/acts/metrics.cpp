#include "hub/consultation/acts/metrics.hpp"

#include <string>

#include "hub/consultation/acts/statements.hpp"
#include "hub/consultation/recording/rows.hpp"

namespace rabt::consultation {

namespace {

// Longest age of the count of a metric.
constexpr std::int64_t kCountedMs = 60'000;

// Events of which one visit has thousands.
bool is_often(std::string_view type) {
  return type == "message-sent" || type == "transcript-added" || type == "vitals-recorded";
}

}  // namespace

void ActMetrics::happened(std::string_view session, std::string_view type, const Json& data) {
  figures_.happened(type, data);
  parts_.log.log(is_often(type) ? LogLevel::debug : LogLevel::info, "session.event",
                 {{"session", session}, {"type", type}});
}

void ActMetrics::count(const Session& before, const Change& change, Timestamp now) {
  const Session& after = change.after;
  if (after.status != before.status || before.version == 0)
    ++entered_[static_cast<std::size_t>(after.status)];
  for (const SessionEvent& event : change.events) {
    happened(after.id, event.type, event.data);
    if (event.type != "participant-joined") continue;
    if (const auto role = parse_part_role(event.data.string_or("role", "")))
      ++joined_[static_cast<std::size_t>(*role)];
  }
  figures_.changed(before, change, now.ms);
}

std::uint64_t ActMetrics::kept_bytes() const {
  const std::int64_t now = parts_.clock.now().ms;
  const Lock lock(kept_.mutex);
  if (kept_.counted_ms > 0 && now - kept_.counted_ms < kCountedMs) return kept_.bytes;
  if (const auto bytes = bytes_of_ready(parts_.store, parts_.tenant); bytes.ok())
    kept_.bytes = *bytes;
  kept_.counted_ms = now;
  return kept_.bytes;
}

void ActMetrics::write(MetricsWriter& out) const {
  out.counters("rabt_sessions_total", "Sessions that came into a state.");
  for (std::size_t i = 0; i < entered_.size(); ++i)
    out.sample("rabt_sessions_total", {{"status", to_string(static_cast<SessionStatus>(i))}},
               entered_[i].load());
  const auto count = [&](SessionStatus status) {
    return entered_[static_cast<std::size_t>(status)].load();
  };
  const std::uint64_t completed = count(SessionStatus::completed);
  const std::uint64_t over = completed + count(SessionStatus::cancelled) +
                             count(SessionStatus::no_show) + count(SessionStatus::failed);
  if (over > 0) {
    // A metric of this writer is a whole number.
    const std::string thousandths = std::to_string(1'000 + completed * 1'000 / over);
    out.text(
        "# HELP rabt_session_success_ratio Sessions that completed, of those that are over.\n"
        "# TYPE rabt_session_success_ratio gauge\nrabt_session_success_ratio " +
        std::string(completed == over ? "1." : "0.") + thousandths.substr(1) + "\n");
  }
  std::uint64_t active = 0;
  (void)parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::acts::kActiveSessions, {parts_.tenant}, [&active](const store::Row& row) {
          active = static_cast<std::uint64_t>(row.integer(sql::acts::kActiveSessions["count"]));
          return false;
        });
  });
  out.gauge("rabt_sessions_active", "Sessions that are active now.", active);
  out.gauge("rabt_recording_bytes", "Bytes of the recordings of sessions that are kept.",
            kept_bytes());
  figures_.write(out);
  out.counters("rabt_participants_joined_total", "Participants who came into a call.");
  for (std::size_t i = 0; i < joined_.size(); ++i)
    out.sample("rabt_participants_joined_total", {{"role", to_string(static_cast<PartRole>(i))}},
               joined_[i].load());
}

}  // namespace rabt::consultation
