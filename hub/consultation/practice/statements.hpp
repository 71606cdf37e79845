#pragma once

#include "hub/store/store.hpp"

// SQL of the tables session, visit, clinic_session, clinic, session_attendance, place, presence,
// onboarding_step, session_member, slot, quality_summary, session_event.
namespace rabt::consultation::sql::practice {

using store::Statement;

inline constexpr Statement kActiveOfVisit{
    "SELECT number FROM session WHERE tenant = $1 AND visit = $2 AND status = 'active' LIMIT 1"};
// $2 and $3 bound the planned start, $4 is a provider or empty, $5 a session or empty. CROSS JOIN:
// SQLite begins with the sessions of that time, not with all figures that there are.
inline constexpr Statement kQuality{
    "SELECT q.session, q.samples, q.mos_sum, q.loss_sum, q.jitter_sum, q.rtt_sum FROM session s "
    "CROSS JOIN quality_summary q WHERE q.tenant = s.tenant AND q.session = s.id AND s.tenant = $1 "
    "AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 = '' OR s.provider = $4) AND ($5 = '' OR s.id = "
    "$5) AND q.samples > 0 ORDER BY q.session"};
inline constexpr Statement kBandwidth{
    "SELECT q.session, CAST(SUM(q.bytes_up) AS BIGINT) AS sum_bytes_up, CAST(SUM(q.bytes_down) AS "
    "BIGINT) AS sum_bytes_down, "
    "CAST(SUM(q.seconds) AS BIGINT) AS sum_seconds FROM session s CROSS JOIN quality_summary q "
    "WHERE q.tenant = "
    "s.tenant AND q.session = s.id AND s.tenant = $1 AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 = "
    "'' OR s.provider = $4) AND ($5 = '' OR s.id = $5) GROUP BY q.session ORDER BY q.session DESC"};
inline constexpr Statement kPerformance{
    "SELECT status, COUNT(*) AS count, CAST(COALESCE(SUM(ended_ms - started_ms), 0) AS BIGINT) AS "
    "spent_ms FROM session "
    "WHERE tenant = $1 AND at_ms >= $2 AND at_ms < $3 AND ($4 = '' OR provider = $4) AND ($5 = '' "
    "OR id = $5) GROUP BY status"};
inline constexpr Statement kSessionByNumber{
    "SELECT id FROM session WHERE tenant = $1 AND number = $2"};
inline constexpr Statement kInSession{
    "SELECT provider, MAX(started_ms) AS last_started_ms FROM session WHERE tenant = $1 AND status "
    "= 'active' AND "
    "provider <> '' GROUP BY provider"};
// Latest arrival in the waiting room, and latest departure from it, for each session.
inline constexpr Statement kWaitingRooms{
    "SELECT coalesce((SELECT c.name FROM clinic c WHERE c.tenant = s.tenant AND c.id = s.clinic), "
    "'') AS clinic_name, coalesce(s.scheduled_ms, 0) AS planned_ms, (SELECT max(e.seq) FROM "
    "session_event e WHERE e.tenant = "
    "s.tenant AND e.session = s.id AND e.type = 'participant-waiting') AS came_seq, (SELECT "
    "max(e.at_ms) FROM "
    "session_event e WHERE e.tenant = s.tenant AND e.session = s.id AND e.type = "
    "'participant-waiting') AS came_ms, (SELECT max(e.seq) FROM session_event e WHERE e.tenant = "
    "s.tenant AND "
    "e.session = s.id AND e.type IN ('participant-admitted', 'participant-denied', "
    "'participant-left', 'participant-removed')) AS left_seq FROM session s WHERE s.tenant = $1 "
    "AND s.status "
    "IN ('waiting', 'active')"};
// In the order in which they happened.
inline constexpr Statement kComings{
    "SELECT s.id, s.patient, coalesce(s.scheduled_ms, 0) AS planned_ms, e.seq, e.at_ms, e.type, "
    "e.data FROM "
    "session s JOIN session_event e ON e.tenant = s.tenant AND e.session = s.id WHERE s.tenant = "
    "$1 AND s.status IN ('waiting', 'active') AND e.type IN ('participant-waiting', "
    "'participant-admitted', 'participant-denied', 'participant-left', 'participant-removed') "
    "ORDER BY s.id, e.seq"};

inline constexpr Statement kVisitById{
    "SELECT id, number, version, patient, provider, status, opened_ms, closed_ms, data_key, "
    "sealed, opened_by FROM visit WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kVisitByNumber{
    "SELECT id, number, version, patient, provider, status, opened_ms, closed_ms, data_key, "
    "sealed, opened_by FROM visit WHERE tenant = $1 AND number = $2"};
// The last condition lets the partial index be used.
inline constexpr Statement kVisitByExternal{
    "SELECT id, number, version, patient, provider, status, opened_ms, closed_ms, data_key, "
    "sealed, opened_by FROM visit WHERE tenant = $1 AND external = $2 AND length(external) > 0"};
// $2 to $4 are a patient, a provider and a status, or empty; $5 and $6 bound the opening; $7 is the
// number before which the page begins, $10 whose visits are shown, or empty; $11 to $18 are the
// other records of the patient.
inline constexpr Statement kVisits{
    "SELECT id, number, version, patient, provider, status, opened_ms, closed_ms, data_key, "
    "sealed, opened_by FROM visit WHERE tenant = $1 AND ($2 = '' OR patient IN ($2, $11, $12, $13, "
    "$14, $15, $16, $17, $18)) AND ($3 = '' OR provider = $3) AND ($4 = '' OR status = $4) AND "
    "opened_ms >= $5 AND opened_ms < $6 AND number < $7 AND ($10 = '' OR provider = $10 OR "
    "opened_by = $10) ORDER BY number DESC LIMIT $8 OFFSET $9"};
inline constexpr Statement kCountVisits{
    "SELECT COUNT(*) AS count FROM visit WHERE tenant = $1 AND ($2 = '' OR patient IN ($2, $8, $9, "
    "$10, "
    "$11, $12, $13, $14, $15)) AND ($3 = '' OR provider = $3) AND ($4 = '' OR status = $4) AND "
    "opened_ms >= $5 AND opened_ms < $6 AND ($7 = '' OR provider = $7 OR opened_by = $7)"};
inline constexpr Statement kInsertVisit{
    "INSERT INTO visit (tenant, id, number, version, patient, provider, status, opened_ms, "
    "external, data_key, sealed, opened_by) VALUES ($1, $2, $3, 1, $4, $5, 'OPEN', $6, $7, $8, $9, "
    "$10) ON CONFLICT DO NOTHING"};
inline constexpr Statement kCloseVisit{
    "UPDATE visit SET status = 'CLOSED', closed_ms = $1, version = version + 1 WHERE tenant = $2 "
    "AND id = $3 AND status = 'OPEN'"};
inline constexpr Statement kReopenVisit{
    "UPDATE visit SET status = 'OPEN', closed_ms = NULL, version = version + 1 WHERE tenant = $1 "
    "AND id = $2 AND status = 'CLOSED'"};

inline constexpr Statement kClinicSessions{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND clinic = $2 AND ends_ms > $3 AND starts_ms < $4 ORDER BY starts_ms "
    "LIMIT 1000"};
inline constexpr Statement kClinicSessionById{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kClinicSessionByNumber{
    "SELECT id, number, clinic, provider, starts_ms, ends_ms, capacity, booked FROM clinic_session "
    "WHERE tenant = $1 AND number = $2"};
inline constexpr Statement kInsertClinicSession{
    "INSERT INTO clinic_session (tenant, id, number, clinic, provider, starts_ms, ends_ms, "
    "capacity, booked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) ON CONFLICT DO NOTHING"};
// $3: the start less the longest hours that a clinic may have.
inline constexpr Statement kClinicSessionOverlaps{
    "SELECT 1 FROM clinic_session WHERE tenant = $1 AND provider = $2 AND starts_ms > $3 AND "
    "starts_ms < $5 AND ends_ms > $4 LIMIT 1"};
inline constexpr Statement kTakeClinicSession{
    "UPDATE clinic_session SET booked = booked + 1 WHERE tenant = $1 AND id = $2 AND booked < "
    "capacity"};
inline constexpr Statement kGiveClinicSession{
    "UPDATE clinic_session SET booked = booked - 1 WHERE tenant = $1 AND id = $2 AND booked > 0"};

inline constexpr Statement kClinics{
    "SELECT id, number, name, name_ar, time_zone, active, created_ms FROM clinic WHERE tenant = $1 "
    "ORDER BY number DESC LIMIT 1000"};
inline constexpr Statement kClinicNames{
    "SELECT name, name_ar FROM clinic WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kClinicById{"SELECT id FROM clinic WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kClinicByNumber{
    "SELECT id FROM clinic WHERE tenant = $1 AND number = $2"};
inline constexpr Statement kInsertClinic{
    "INSERT INTO clinic (tenant, id, number, name, name_ar, time_zone, active, created_ms) VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"};

inline constexpr Statement kJoins{
    "SELECT s.started_ms, MIN(a.joined_ms) AS first_joined_ms FROM session_attendance a JOIN "
    "session s ON s.tenant = "
    "a.tenant AND s.id = a.session WHERE s.tenant = $1 AND s.at_ms >= $2 AND s.at_ms < $3 AND ($4 "
    "= '' OR s.provider = $4) AND ($5 = '' OR s.id = $5) AND s.started_ms IS NOT NULL GROUP BY "
    "a.session, a.participant, s.started_ms"};

inline constexpr Statement kPlace{
    "SELECT clinic_session FROM place WHERE tenant = $1 AND session = $2"};
inline constexpr Statement kInsertPlace{
    "INSERT INTO place (tenant, session, clinic_session, slot) VALUES ($1, $2, $3, '')"};
inline constexpr Statement kDropPlace{"DELETE FROM place WHERE tenant = $1 AND session = $2"};

inline constexpr Statement kSetByHand{
    "SELECT person, status, set_ms FROM presence WHERE tenant = $1"};
inline constexpr Statement kSetPresence{
    "INSERT INTO presence (tenant, person, status, set_ms) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "(tenant, person) DO UPDATE SET status = excluded.status, set_ms = excluded.set_ms"};

inline constexpr Statement kOnboardingSteps{
    "SELECT step, value, at_ms FROM onboarding_step WHERE tenant = $1 AND patient = $2"};
// $3 to $10 are the other records of the patient.
inline constexpr Statement kStepsOfRecords{
    "SELECT step, value, at_ms FROM onboarding_step WHERE tenant = $1 AND patient IN ($2, $3, $4, "
    "$5, $6, $7, $8, $9, $10) ORDER BY at_ms, step"};
inline constexpr Statement kPutOnboardingStep{
    "INSERT INTO onboarding_step (tenant, patient, step, value, at_ms) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (tenant, patient, step) DO UPDATE SET value = excluded.value, at_ms = "
    "excluded.at_ms"};

inline constexpr Statement kScfhsStays{
    "SELECT m.person, s.id, s.type, a.joined_ms, a.left_ms FROM session_member m JOIN session s ON "
    "s.tenant = m.tenant AND s.id = m.session JOIN session_attendance a ON a.tenant = m.tenant AND "
    "a.session = m.session AND a.participant = m.participant WHERE m.tenant = $1 AND s.status = "
    "'completed' AND s.started_ms >= $2 AND s.started_ms < $3 AND m.role IN ('doctor', "
    "'specialist') ORDER BY m.person, s.id"};

inline constexpr Statement kInsertSlot{
    "INSERT INTO slot (tenant, id, provider, starts_ms, ends_ms, clinic, status) VALUES ($1, $2, "
    "$3, $4, $5, $6, $7)"};

}  // namespace rabt::consultation::sql::practice
