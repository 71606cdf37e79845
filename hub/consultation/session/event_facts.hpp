#pragma once

#include "hub/base/json.hpp"

namespace rabt::consultation {

struct Session;

// Members that every event of a session begins with; no patient data. {session,
// sessionNumber, type, bookingType, status, visit, clinic, hasAppointment, namesAppointment,
// consultation, provider, patient}; patient: the pseudonym. Null where the session has none.
[[nodiscard]] Json event_facts(const Session& session);

}  // namespace rabt::consultation
