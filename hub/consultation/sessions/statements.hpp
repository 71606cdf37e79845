#pragma once

#include "hub/store/store.hpp"

// SQL of the table session_message, of which messages/ is the writer.
namespace rabt::consultation::sql::sessions {

using store::Statement;

// A code for a second device says nothing about the visit.
inline constexpr Statement kToldOfVisit{
    "SELECT kind, outcome, at_ms FROM session_message WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 AND kind <> 'second_proof'"};

}  // namespace rabt::consultation::sql::sessions
