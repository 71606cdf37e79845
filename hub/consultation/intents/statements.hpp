#pragma once

#include "hub/store/store.hpp"

// SQL of the tables session_effect, recording, session, session_event.
namespace rabt::consultation::sql::intents {

using store::Statement;

inline constexpr Statement kIntent{
    "SELECT kind, subject, attempts FROM session_effect WHERE tenant = $1 AND session = $2 AND n = "
    "$3"};
inline constexpr Statement kRoomOpening{
    "SELECT count(*) AS count FROM session_effect WHERE session = $1 AND tenant = $2 AND kind = "
    "'open-room' "
    "AND state = 'open'"};
inline constexpr Statement kRoomOf{
    "SELECT subject FROM session_effect WHERE tenant = $1 AND session = $2 AND kind = 'open-room' "
    "AND state = 'done' ORDER BY n DESC LIMIT 1"};
inline constexpr Statement kCloseIntent{
    "UPDATE session_effect SET state = $4, code = $5, subject = CASE WHEN $6 = '' THEN subject "
    "ELSE $6 END WHERE tenant = $1 AND session = $2 AND n = $3"};
inline constexpr Statement kIntentAgain{
    "UPDATE session_effect SET attempts = attempts + 1, code = $4 WHERE tenant = $1 AND session = "
    "$2 AND n = $3"};
inline constexpr Statement kCollectOpen{
    "SELECT count(*) AS count FROM session_effect WHERE tenant = $1 AND session = $2 AND kind = "
    "'collect' "
    "AND state = 'open'"};
inline constexpr Statement kVideoWaits{
    "SELECT count(*) AS count, min(s.updated_ms) AS first_updated_ms, coalesce(max(e.code), '') AS "
    "code FROM session_effect e INDEXED "
    "BY session_effect_open JOIN session s ON s.tenant = e.tenant AND s.id = e.session WHERE "
    "e.state = 'open' AND e.tenant = $1 AND e.attempts > 0 AND e.kind <> 'collect' AND "
    "s.updated_ms < $2"};

inline constexpr Statement kStrandedRecordings{
    "SELECT r.session, r.id, length(r.external) > 0 AS is_named, s.room_sid <> '' OR EXISTS "
    "(SELECT 1 FROM "
    "session_effect o WHERE o.tenant = r.tenant AND o.session = r.session AND o.kind = 'open-room' "
    "AND o.subject <> '') AS has_room FROM recording r JOIN session s ON s.tenant = r.tenant AND "
    "s.id = "
    "r.session WHERE r.tenant = $1 AND r.status IN ('recording', 'processing') AND s.status IN "
    "('completed', 'cancelled', 'no_show', 'failed') AND NOT EXISTS (SELECT 1 FROM session_effect "
    "e WHERE e.tenant = r.tenant AND e.session = r.session AND e.state = 'open' AND (e.kind = "
    "'collect' OR (e.kind = 'fetch' AND e.subject = r.id))) LIMIT $2"};
inline constexpr Statement kRecordingWaits{
    "SELECT count(DISTINCT r.id) AS count, min(s.ended_ms) AS first_ended_ms, "
    "coalesce(max(e.code), '') AS code FROM recording r "
    "INDEXED BY recording_waits JOIN session s ON s.tenant = r.tenant AND s.id = r.session LEFT "
    "JOIN session_effect e ON e.tenant = r.tenant AND e.session = r.session AND e.state = 'open' "
    "WHERE r.tenant = $1 AND r.status IN ('recording', 'processing') AND s.ended_ms < $2"};

inline constexpr Statement kRoomsOpen{
    "SELECT id FROM session WHERE tenant = $1 AND status IN ('scheduled', 'waiting', 'active') AND "
    "room_sid <> '' ORDER BY id LIMIT $2"};

inline constexpr Statement kSessionEvent{
    "SELECT type, at_ms, data, trace FROM session_event WHERE tenant = $1 AND session = $2 AND seq "
    "= $3"};

}  // namespace rabt::consultation::sql::intents
