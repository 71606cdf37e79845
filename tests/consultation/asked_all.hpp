#pragma once

#include <utility>

#include "tests/consultation/asked_life.hpp"

namespace rabt::consultation {

// The sessions of a test. Members hide those of Sessions, whose services take structs.
struct AskedSessions : Sessions {
  explicit AskedSessions(SessionParts parts) : Sessions(std::move(parts)) {}

  AskedEntry entry{Sessions::entry};
  AskedPeople people{Sessions::people};
  AskedInvitations invitations{Sessions::invitations};
  AskedGuests guests{Sessions::guests};
};

}  // namespace rabt::consultation
