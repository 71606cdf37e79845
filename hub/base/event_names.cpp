#include "hub/base/event_names.hpp"

#include <algorithm>

namespace rabt {

namespace {

constexpr std::string_view kPrefix = "org.rabt.hub.";
constexpr std::string_view kVersion = ".v1";

}  // namespace

// A table: one line an event.
const std::vector<std::string>& event_names() {
  static const std::vector<std::string> names{"session.requested",
                                              "session.created",
                                              "session.accepted",
                                              "session.updated",
                                              "session.waiting",
                                              "session.ready",
                                              "session.started",
                                              "session.ended",
                                              "session.completed",
                                              "session.cancelled",
                                              "session.no-show",
                                              "session.failed",
                                              "session.room-lost",
                                              "session.participant-added",
                                              "session.participant-invited",
                                              "session.participant-waiting",
                                              "session.participant-admitted",
                                              "session.participant-denied",
                                              "session.participant-joined",
                                              "session.participant-left",
                                              "session.participant-removed",
                                              "session.consent-recorded",
                                              "session.identity-confirmed",
                                              "session.recording-started",
                                              "session.recording-confirmed",
                                              "session.recording-stopped",
                                              "session.recording-ready",
                                              "session.recording-failed",
                                              "session.recording-unasked",
                                              "session.emergency-called",
                                              "session.emergency-unanswered",
                                              "session.message-sent",
                                              "session.message-undelivered",
                                              "session.document-shared",
                                              "session.note-written",
                                              "session.note-entered-in-error",
                                              "session.vitals-recorded",
                                              "session.prescription-issued",
                                              "session.prescription-cancelled",
                                              "session.prescription-dispensed",
                                              "session.prescription-dispensing-in-error",
                                              "session.transcript-started",
                                              "session.transcript-interrupted",
                                              "session.transcript-resumed",
                                              "session.transcript-stopped",
                                              "session.transcript-unasked",
                                              "session.transcript-added",
                                              "session.transcript-ready",
                                              "session.quality-changed",
                                              "session.phi-detected",
                                              "session.phi-reviewed",
                                              "session.feedback-given",
                                              "session.follow-up-created",
                                              "provider.presence-changed",
                                              "provider.availability-changed",
                                              "provider.rung",
                                              "provider.ring-ended",
                                              "task.opened",
                                              "task.decided",
                                              "task.overdue",
                                              "patient.merged",
                                              "patient.unmerged",
                                              "alert.opened",
                                              "alert.closed",
                                              "metering.threshold",
                                              "compliance.changed"};
  return names;
}

bool is_event_name(std::string_view name) {
  const auto& names = event_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string event_type(std::string_view name) {
  return std::string(kPrefix) + std::string(name) + std::string(kVersion);
}

std::string_view event_name(std::string_view type) {
  if (!is_hub_type(type) || !type.ends_with(kVersion)) return {};
  type.remove_prefix(kPrefix.size());
  type.remove_suffix(std::min(kVersion.size(), type.size()));
  return type;
}

bool is_hub_type(std::string_view type) {
  return type.starts_with(kPrefix);
}

}  // namespace rabt
