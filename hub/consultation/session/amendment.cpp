#include "hub/consultation/session/amendment.hpp"

#include <utility>

namespace rabt::consultation {

std::vector<std::string_view> Amendment::names() const {
  const std::pair<std::string_view, bool> members[] = {
      {"type", type.has_value()},
      {"scheduledStart", start_ms.has_value()},
      {"plannedMinutes", planned_minutes.has_value()},
      {"maxParticipants", max_participants.has_value()},
      {"quality", !quality.empty()},
      {"recording", !recording.empty()},
      {"waitingRoom", waiting_room.has_value()},
      {"language", language.has_value()},
      {"notes", notes.has_value()},
      {"chiefComplaint", chief_complaint.has_value()},
      {"appointment", appointment.has_value()},
      {"context", context.has_value()},
      {"patient", !patient.is_null()},
  };
  std::vector<std::string_view> out;
  for (const auto& [name, changes] : members) {
    if (changes) out.push_back(name);
  }
  return out;
}

}  // namespace rabt::consultation
