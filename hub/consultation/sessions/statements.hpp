#pragma once

#include "hub/store/store.hpp"

// SQL of the table session_message, of which messages/ is the writer.
namespace rabt::consultation::sql::sessions {

using store::Statement;

// Oldest first. A code for a second device says nothing about the visit. The mail of a message that
// no telephone took counts if it left.
inline constexpr Statement kToldOfVisit{
    "SELECT REPLACE(kind, '/mail', '') AS message_kind, outcome, at_ms, CASE WHEN kind LIKE "
    "'%/mail' THEN 'mail' "
    "ELSE 'sms' END AS channel FROM session_message WHERE tenant = $1 AND session = $2 AND "
    "participant = $3 "
    "AND kind <> 'second_proof' AND (kind NOT LIKE '%/mail' OR outcome IN ('sent', 'delivered')) "
    "ORDER BY at_ms, kind"};

}  // namespace rabt::consultation::sql::sessions
