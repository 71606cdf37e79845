#pragma once

#include "hub/store/store.hpp"

// SQL of the tables session, session_guest, session_member, session_ring, session_proof,
// recording, session_sealed, session_event, session_attendance, session_effect, session_request,
// session_invitation, slot, place; it reads person_role, too.
namespace rabt::consultation::sql::rows {

using store::Statement;

// Columns of read_row (session_row.hpp), in its order. session_lists.cpp makes statements with
// these columns.
#define RABT_SESSION_COLUMNS                                                                     \
  "s.id, s.number, s.version, s.status, s.type, s.booking, s.provider, s.patient, s.visit, "     \
  "s.clinic, s.consultation, s.follow_up_of, s.room_sid, s.door, s.scheduled_ms, s.created_ms, " \
  "s.updated_ms, s.started_ms, s.ended_ms, s.data_key, d.sealed, s.patient_by, "                 \
  "s.booked_by"
#define RABT_SESSION_FROM \
  " FROM session s JOIN session_sealed d ON d.tenant = s.tenant AND d.id = s.id "
inline constexpr Statement kSessionById{"SELECT " RABT_SESSION_COLUMNS RABT_SESSION_FROM
                                        "WHERE s.tenant = $1 AND s.id = $2"};
inline constexpr Statement kSessionByNumber{"SELECT " RABT_SESSION_COLUMNS RABT_SESSION_FROM
                                            "WHERE s.tenant = $1 AND s.number = $2"};
#undef RABT_SESSION_FROM
// The index leaves out sessions without a room, and is taken only if the statement says so, too.
inline constexpr Statement kSessionOfRoom{
    "SELECT id FROM session WHERE tenant = $1 AND room_sid = $2 AND room_sid <> ''"};
inline constexpr Statement kDueSessions{
    "SELECT tenant, id FROM session WHERE due_ms IS NOT NULL AND due_ms <= $1 ORDER BY due_ms "
    "LIMIT $2"};
inline constexpr Statement kInsertSession{
    "INSERT INTO session (tenant, id, number, version, events, status, type, booking, provider, "
    "patient, visit, clinic, consultation, follow_up_of, appointment, room_sid, door, at_ms, "
    "scheduled_ms, planned_minutes, created_ms, updated_ms, started_ms, ended_ms, due_ms, "
    "data_key, patient_by, booked_by) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10, $11, "
    "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)"};
inline constexpr Statement kUpdateSession{
    "UPDATE session SET version = $3, status = $4, provider = $5, patient = $6, consultation = $7, "
    "appointment = $8, room_sid = $9, at_ms = $10, scheduled_ms = $11, planned_minutes = $12, "
    "updated_ms = $13, started_ms = $14, ended_ms = $15, due_ms = $16, patient_by = $18, type = "
    "$19 WHERE tenant = $1 AND id = $2 AND version = $17"};
// After the end: what links a session with others, and no new version.
inline constexpr Statement kRelinkSession{
    "UPDATE session SET consultation = $3, appointment = $4 WHERE tenant = $1 AND id = $2 AND "
    "version = $5"};
inline constexpr Statement kHoldSession{
    "UPDATE session SET events = events WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kStatusOfSession{
    "SELECT status FROM session WHERE tenant = $1 AND id = $2"};
// Both without emergencies that begin within $3 of their making.
inline constexpr Statement kBookings{
    "SELECT count(*) AS count FROM session WHERE tenant = $1 AND booked_by = $2 AND booked_by <> "
    "'' AND "
    "ended_ms IS NULL AND NOT (type = 'emergency_consultation' AND at_ms <= created_ms + $3)"};
inline constexpr Statement kBookedSince{
    "SELECT count(*) AS count FROM session WHERE tenant = $1 AND booked_by = $2 AND booked_by <> "
    "'' AND "
    "created_ms > $4 AND NOT (type = 'emergency_consultation' AND at_ms <= created_ms + $3)"};
inline constexpr Statement kBookedFor{
    "SELECT count(*) FILTER (WHERE patient = $4 AND patient <> '') AS patient_count, count(*) "
    "FILTER (WHERE "
    "provider = $5 AND provider <> '') AS provider_count FROM session WHERE tenant = $1 AND "
    "booked_by = $2 AND "
    "booked_by <> '' AND created_ms > $3"};
inline constexpr Statement kOpenBookings{
    "SELECT count(*) AS count FROM session WHERE tenant = $1 AND booked_by = $2 AND booked_by <> "
    "'' AND "
    "ended_ms IS NULL AND at_ms <= $3"};
inline constexpr Statement kOpenEmergency{
    "SELECT id FROM session WHERE tenant = $1 AND booked_by = $2 AND booked_by <> '' AND ended_ms "
    "IS NULL AND type = 'emergency_consultation' AND id <> $3 AND at_ms <= $4 LIMIT 1"};
inline constexpr Statement kEmergenciesSince{
    "SELECT count(*) AS count FROM session WHERE tenant = $1 AND booked_by = $2 AND booked_by <> "
    "'' AND "
    "created_ms > $4 AND type = 'emergency_consultation' AND at_ms <= created_ms + $3"};
inline constexpr Statement kCountEvent{
    "UPDATE session SET events = events + 1 WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kEventNumber{"SELECT events FROM session WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kUnderWay{
    "SELECT 1 FROM session WHERE tenant = $1 AND patient = $2 AND patient <> '' AND status IN "
    "('waiting', 'active') LIMIT 1"};
// $3 to $10 are the other records of the patient.
inline constexpr Statement kLastVisit{
    "SELECT MAX(started_ms) AS last_started_ms FROM session WHERE tenant = $1 AND patient <> '' "
    "AND patient IN ($2, "
    "$3, $4, $5, $6, $7, $8, $9, $10)"};
inline constexpr Statement kFollowsOn{
    "SELECT id FROM session WHERE tenant = $1 AND patient = $2 AND patient <> '' AND follow_up_of "
    "= $3 AND id <> $4 LIMIT 1"};
// $5 is before the start of whatever lasts until $6; the index walks from there on.
inline constexpr Statement kFollowUps{
    "SELECT count(*) AS count, count(*) FILTER (WHERE at_ms + planned_minutes * 60000 > $6 AND "
    "at_ms < $7) AS overlapping_count "
    "FROM session WHERE tenant = $1 AND provider = $2 AND provider <> '' AND at_ms > $5 AND "
    "follow_up_of = $3 AND id <> $4 AND status IN ('requested', 'scheduled', 'waiting', 'active')"};
// $6 is before the start of whatever lasts until $3: the index needs it, or it walks through all
// that the provider ever had. A booking in a clinic without a time of its own takes a place there,
// and no time.
inline constexpr Statement kTakenParts{
    "SELECT s.at_ms, s.at_ms + s.planned_minutes * 60000 AS end_ms, s.id FROM session s WHERE "
    "s.tenant = $1 "
    "AND s.provider = $2 AND s.provider <> '' AND s.at_ms > $6 AND s.at_ms < $4 AND s.at_ms + "
    "s.planned_minutes * 60000 > $3 AND s.status IN ('scheduled', 'waiting', 'active') AND s.id <> "
    "$5 AND NOT EXISTS (SELECT 1 FROM place p WHERE p.tenant = $1 AND p.session = s.id AND "
    "p.clinic_session <> '' AND (p.clinic_session = $7 OR s.scheduled_ms IS NULL)) ORDER BY "
    "s.at_ms LIMIT 5000"};
// $4, $5: times of this session and of a day before.
inline constexpr Statement kAhead{
    "SELECT count(*) AS count FROM session s WHERE s.tenant = $1 AND s.provider = $2 AND "
    "s.provider <> '' "
    "AND s.id <> $3 AND s.at_ms > $5 AND s.status IN ('waiting', 'active') AND (s.status = "
    "'active' OR s.at_ms < $4 OR (s.at_ms = $4 AND s.id < $3))"};

inline constexpr Statement kFindGuest{
    "SELECT session, invitation, participant, generation FROM session_guest WHERE tenant = $1 AND "
    "secret = $2"};
inline constexpr Statement kTapped{
    "SELECT tap FROM session_guest WHERE tenant = $1 AND invitation = $2 AND generation = $3"};
inline constexpr Statement kPutGuest{
    "INSERT INTO session_guest (tenant, secret, session, invitation, participant, generation, tap, "
    "created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
inline constexpr Statement kForgetGuests{
    "DELETE FROM session_guest WHERE tenant = $1 AND invitation = $2 AND generation < $3"};
inline constexpr Statement kForgetAllGuests{
    "DELETE FROM session_guest WHERE tenant = $1 AND invitation = $2"};

inline constexpr Statement kPutMember{
    "INSERT INTO session_member (tenant, person, session, participant, role, admission) VALUES "
    "($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, person, session) DO UPDATE SET participant = "
    "$4, role = $5, admission = $6"};
inline constexpr Statement kAdmissionOf{
    "SELECT admission FROM session_member WHERE tenant = $1 AND session = $2 AND participant = $3"};
// True if the session stands on the person's own word, on that of somebody whom he brought in, or
// of an account that neither treats nor is an office; whether it is near. Staff who wait to be let
// in do not treat. at_ms is the planned start, or when the session was made. patient_by begins with
// who named the patient: a ULID. $6 to $13 are the other records of the patient.
inline constexpr Statement kTreats{
    "SELECT instr(s.patient_by, m.person) > 0 OR (s.patient_by <> '' AND NOT EXISTS (SELECT 1 FROM "
    "person_role r WHERE r.tenant = m.tenant AND r.person = substr(s.patient_by, 1, 26) AND r.role "
    "IN ('doctor', 'specialist', 'nurse', 'admin', 'operator', 'integration', 'desk'))) AS "
    "is_own_booking, "
    "s.started_ms IS NOT NULL OR s.at_ms <= $5 AS has_begun FROM session_member m JOIN session s "
    "ON s.tenant = "
    "m.tenant AND s.id = m.session WHERE m.tenant = $1 AND m.person = $2 AND s.patient IN ($3, $6, "
    "$7, $8, $9, $10, $11, $12, $13) AND m.role IN ('doctor', 'specialist', 'nurse') AND "
    "m.admission = 'admitted' AND s.status <> 'cancelled' AND (s.ended_ms IS NULL OR s.ended_ms > "
    "$4)"};
inline constexpr Statement kTakesPartNow{
    "SELECT 1 FROM session_member m JOIN session s ON s.tenant = m.tenant AND s.id = m.session "
    "WHERE m.tenant = $1 AND m.person = $2 AND m.admission = 'admitted' AND s.status = 'active' "
    "LIMIT 1"};

inline constexpr Statement kRingsOf{
    "SELECT n, person, at_ms, outcome FROM session_ring WHERE tenant = $1 AND session = $2 ORDER "
    "BY n"};
inline constexpr Statement kRingsNow{
    "SELECT session, at_ms FROM session_ring WHERE tenant = $1 AND person = $2 AND at_ms > $3 AND "
    "outcome = 'rings' ORDER BY at_ms LIMIT 20"};
inline constexpr Statement kPutRing{
    "INSERT INTO session_ring (tenant, session, n, person, at_ms, outcome) VALUES ($1, $2, $3, $4, "
    "$5, $6) ON CONFLICT DO NOTHING"};
inline constexpr Statement kEndRing{
    "UPDATE session_ring SET outcome = $4 WHERE tenant = $1 AND session = $2 AND n = $3 AND "
    "outcome = 'rings'"};

inline constexpr Statement kFindProof{
    "SELECT code, expires_ms, sent_ms, sent, tries FROM session_proof WHERE tenant = $1 AND "
    "invitation = $2 AND generation = $3"};
inline constexpr Statement kForgetEarlierProofs{
    "DELETE FROM session_proof WHERE tenant = $1 AND invitation = $2 AND generation < $3"};
inline constexpr Statement kBeginProof{
    "INSERT INTO session_proof (tenant, invitation, generation, code, expires_ms, sent_ms, sent, "
    "tries) VALUES ($1, $2, $3, $4, 0, 0, 0, 0) ON CONFLICT DO NOTHING"};
inline constexpr Statement kPutProof{
    "UPDATE session_proof SET code = $4, expires_ms = $5, sent_ms = $6, sent = $7, tries = $8 "
    "WHERE tenant = $1 AND invitation = $2 AND generation = $3 AND sent = $9 AND tries = $10 AND "
    "code = $11"};

inline constexpr Statement kBlobsOfInstance{
    "SELECT blob FROM recording WHERE tenant = $1 AND instance = $2 AND instance <> '' ORDER BY "
    "id"};
inline constexpr Statement kBlobOfRecording{
    "SELECT blob FROM recording WHERE tenant = $1 AND id = $2 AND blob <> ''"};

inline constexpr Statement kInsertSealed{
    "INSERT INTO session_sealed (tenant, id, sealed) VALUES ($1, $2, $3)"};
inline constexpr Statement kUpdateSealed{
    "UPDATE session_sealed SET sealed = $3 WHERE tenant = $1 AND id = $2"};

inline constexpr Statement kEvents{
    "SELECT seq, type, at_ms, actor, data FROM session_event WHERE tenant = $1 AND session = $2 "
    "AND seq > $3 ORDER BY seq LIMIT $4"};
inline constexpr Statement kPutEvent{
    "INSERT INTO session_event (tenant, session, seq, type, at_ms, actor, data, trace) VALUES ($1, "
    "$2, $3, $4, $5, $6, $7, $8)"};

// The sum keeps SQLite from walking all stays of the tenant in the order of their time.
inline constexpr Statement kStays{
    "SELECT participant, sid, joined_ms, left_ms, source FROM session_attendance WHERE tenant = $1 "
    "AND session = $2 ORDER BY joined_ms + 0, sid"};
inline constexpr Statement kPutStay{
    "INSERT INTO session_attendance (tenant, session, participant, sid, joined_ms, left_ms, "
    "source) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, session, participant, sid, "
    "joined_ms) DO UPDATE SET left_ms = $6"};

inline constexpr Statement kPutEffect{
    "INSERT INTO session_effect (tenant, session, n, kind, subject, state, attempts, code) VALUES "
    "($1, $2, $3, $4, $5, 'open', 0, '')"};
inline constexpr Statement kLastEffect{
    "SELECT max(n) AS last_n FROM session_effect WHERE tenant = $1 AND session = $2"};

inline constexpr Statement kSessionOfRequest{
    "SELECT session FROM session_request WHERE tenant = $1 AND key = $2"};
inline constexpr Statement kPutRequest{
    "INSERT INTO session_request (tenant, key, session) VALUES ($1, $2, $3) ON CONFLICT DO "
    "NOTHING"};

inline constexpr Statement kSessionOfCode{
    "SELECT session, invitation FROM session_invitation WHERE tenant = $1 AND code = $2"};
inline constexpr Statement kPutCode{
    "INSERT INTO session_invitation (tenant, code, session, invitation) VALUES ($1, $2, $3, $4)"};

// Slots of a provider do not overlap: before the last one that begins by a time, none reaches over
// it, so that nothing looks further back.

// Slots of the provider $2 that have a part of the time from $3 to $4, in order.
inline constexpr Statement kSlotsIn{
    "SELECT id, starts_ms, ends_ms, clinic, status FROM slot WHERE tenant = $1 AND provider = $2 "
    "AND starts_ms >= COALESCE((SELECT MAX(s.starts_ms) FROM slot s WHERE s.tenant = $1 AND "
    "s.provider = $2 AND s.starts_ms <= $3), $3) AND starts_ms < $4 AND ends_ms > $3 ORDER BY "
    "starts_ms LIMIT 5000"};
// Slots of the provider $2 that have a part of the time from $3 to $4 go.
inline constexpr Statement kDropSlots{
    "DELETE FROM slot WHERE tenant = $1 AND provider = $2 AND starts_ms >= COALESCE((SELECT "
    "MAX(s.starts_ms) FROM slot s WHERE s.tenant = $1 AND s.provider = $2 AND s.starts_ms <= $3), "
    "$3) AND starts_ms < $4 AND ends_ms > $3"};

}  // namespace rabt::consultation::sql::rows
