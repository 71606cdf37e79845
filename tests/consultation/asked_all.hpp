#pragma once

#include <utility>

#include "tests/consultation/asked_creation.hpp"
#include "tests/consultation/asked_life.hpp"
#include "tests/consultation/asked_reading.hpp"
#include "tests/consultation/asked_recordings.hpp"

namespace rabt::consultation {

// The sessions of a test. Members hide those of Sessions, whose services take structs.
struct AskedSessions : Sessions {
  explicit AskedSessions(SessionParts parts) : Sessions(std::move(parts)) {}

  AskedRecordings recordings{Sessions::recordings};
  AskedReading reading{Sessions::reading};
  AskedCreation creation{Sessions::creation};
  AskedLife life{Sessions::life};
  AskedDays days{Sessions::days};
  AskedEntry entry{Sessions::entry};
  AskedPeople people{Sessions::people};
  AskedInvitations invitations{Sessions::invitations};
  AskedGuests guests{Sessions::guests};
};

}  // namespace rabt::consultation
