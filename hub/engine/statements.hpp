#pragma once

#include "hub/store/store.hpp"

// SQL of the engine, one text for SQLite and PostgreSQL. Tables: migrations/sqlite,
// 0002_engine.sql, 0005_starts.sql, 0006_patient.sql, 0008_binding.sql. The view running_instance
// has the instances that have not ended. $1 and $2 of a partition's statements are its range.
namespace rabt::engine::sql {

using store::Statement;

// Numbers are drawn before the row is inserted.
inline constexpr store::Sequence kDefinitionNumbers{"definition"};
inline constexpr store::Sequence kEventNumbers{"event"};
inline constexpr store::Sequence kInstanceNumbers{"instance"};

inline constexpr Statement kInsertDefinition{
    "INSERT INTO definition (id, tenant, namespace, name, version, sha256, source, deployed_ms, "
    "active) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)"};
inline constexpr Statement kDeactivateDefinitions{
    "UPDATE definition SET active = 0 WHERE tenant = $1 AND namespace = $2 AND name = $3"};
inline constexpr Statement kActivateDefinition{"UPDATE definition SET active = 1 WHERE id = $1"};
inline constexpr Statement kAllDefinitions{
    "SELECT id, name, version, source, active, sha256, deployed_ms FROM definition WHERE tenant = "
    "$1 ORDER BY id"};
inline constexpr Statement kInsertDefinitionChild{
    "INSERT INTO definition_child (definition, namespace, name, version, child) "
    "VALUES ($1, $2, $3, $4, $5)"};
inline constexpr Statement kAllDefinitionChildren{
    "SELECT c.definition, c.namespace, c.name, c.version, c.child FROM definition_child c "
    "JOIN definition d ON d.id = c.definition WHERE d.tenant = $1"};
inline constexpr Statement kReadSource{
    "SELECT source FROM definition WHERE id = $1 AND tenant = $2"};
// Definitions of the instances that have not ended, and of the faulted ones: a retry goes on with
// one.
inline constexpr Statement kLivingDefinitions{
    "SELECT DISTINCT definition FROM instance WHERE tenant = $1 AND status IN (0, 1, 3)"};
// Numbers of running instances, for plan.
inline constexpr Statement kCountRunning{
    "SELECT definition, COUNT(*) AS count FROM running_instance WHERE tenant = $1 GROUP BY "
    "definition"};

inline constexpr Statement kFindDelivery{
    "SELECT body_index, status, answer FROM delivery WHERE tenant = $1 AND source = $2 AND dedupe "
    "= $3"};
inline constexpr Statement kInsertDelivery{
    "INSERT INTO delivery (tenant, source, dedupe, body_index, status, answer, received_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING"};
inline constexpr Statement kUpdateDelivery{
    "UPDATE delivery SET answer = $4 WHERE tenant = $1 AND source = $2 AND dedupe = $3"};
inline constexpr Statement kExpireDeliveries{
    "DELETE FROM delivery WHERE (tenant, source, dedupe) IN (SELECT tenant, source, dedupe FROM "
    "delivery WHERE received_ms < $1 ORDER BY received_ms LIMIT 500)"};
inline constexpr Statement kFirstExpiry{"SELECT MIN(expires_ms) AS first_expires_ms FROM event"};

inline constexpr Statement kInsertEvent{
    "INSERT INTO event (seq, uid, tenant, origin, data_key, sealed, received_ms, expires_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"};
inline constexpr Statement kReadEvent{"SELECT uid, sealed, data_key FROM event WHERE seq = $1"};
inline constexpr Statement kInsertEventKey{
    "INSERT INTO event_key (tenant, key, event) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
inline constexpr Statement kExpireEventKeys{
    "DELETE FROM event_key WHERE event IN (SELECT seq FROM event WHERE expires_ms < $1 ORDER BY "
    "expires_ms LIMIT 500)"};
inline constexpr Statement kExpireEvents{
    "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE expires_ms < $1 ORDER BY "
    "expires_ms LIMIT 500)"};

inline constexpr Statement kInsertInstance{
    "INSERT INTO instance (num, id, tenant, definition, status, busy, business_key, start_event, "
    "data_key, created_ms, updated_ms, binding) "
    "VALUES ($1, $2, $3, $4, 0, 1, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"};
inline constexpr Statement kInsertBinding{
    "INSERT INTO binding (tenant, roles) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
inline constexpr Statement kAllBindings{"SELECT id, roles FROM binding WHERE tenant = $1"};
inline constexpr Statement kRunningByBinding{
    "SELECT definition, binding, COUNT(*) AS count FROM running_instance WHERE tenant = $1 GROUP "
    "BY "
    "definition, binding ORDER BY definition, binding"};
inline constexpr Statement kRunningByBusinessKey{
    "SELECT id FROM running_instance WHERE tenant = $1 AND business_key = $2"};
// The living instance that has the business key of another.
inline constexpr Statement kHolderOfBusinessKey{
    "SELECT r.id FROM instance i JOIN running_instance r ON r.tenant = i.tenant AND r.business_key "
    "= i.business_key AND r.num <> i.num WHERE i.num = $1 AND i.business_key IS NOT NULL"};
// Notes that $1 is $2 started again, if that has not moved since it was read.
inline constexpr Statement kInsertRestart{
    "INSERT INTO restart (instance, of) SELECT $1, num FROM instance WHERE num = $2 AND status >= "
    "2 "
    "AND updated_ms = $3 ON CONFLICT DO NOTHING"};
inline constexpr Statement kRestartedAs{
    "SELECT i.id FROM restart r JOIN instance i ON i.num = r.instance WHERE r.of = $1"};
inline constexpr Statement kRestartOf{
    "SELECT i.id FROM restart r JOIN instance i ON i.num = r.of WHERE r.instance = $1"};
inline constexpr Statement kUpdateInstance{
    "UPDATE instance SET status = $1, busy = $2, updated_ms = $3, about = $5 WHERE num = $4"};
inline constexpr Statement kParkInstance{
    "UPDATE instance SET parked = $1, question = $2, updated_ms = $3 WHERE num = $4"};
inline constexpr Statement kCodeOfInstance{"UPDATE instance SET code = $1 WHERE num = $2"};
inline constexpr Statement kDefinitionOfInstance{
    "UPDATE instance SET definition = $1 WHERE num = $2"};
inline constexpr Statement kLoadInstance{
    "SELECT num, id, tenant, definition, status, busy, parked, start_event, data_key, "
    "created_ms, updated_ms, binding, about, question "
    "FROM instance WHERE num = $1"};
inline constexpr Statement kLoadInstanceById{
    "SELECT num, id, tenant, definition, status, busy, parked, start_event, data_key, "
    "created_ms, updated_ms, binding, about, question "
    "FROM instance WHERE id = $1 AND tenant = $2"};
inline constexpr Statement kStateOfInstance{
    "SELECT i.num, i.status, i.busy, i.parked IS NOT NULL AS is_parked, i.code, i.about, "
    "i.updated_ms, (SELECT "
    "COALESCE(MAX(j.n) + 1, 0) FROM journal j WHERE j.instance = i.num) AS journal_end, (SELECT "
    "a.id FROM restart "
    "r JOIN instance a ON a.num = r.instance WHERE r.of = i.num) AS restarted_as FROM instance i "
    "WHERE i.id = $1 "
    "AND i.tenant = $2"};
inline constexpr Statement kBusyInstances{
    "SELECT num FROM instance WHERE busy = 1 AND num >= $1 AND num < $2 ORDER BY num"};
// Lists of instances: $1 tenant, $2 before this id, $3 and $4 workflow and version or "", $5 code
// or
// "", $6 and $7 from and before this time of the last change.
#define RABT_LISTED                                                                      \
  "SELECT i.id, i.definition, i.status, i.parked, i.created_ms, i.updated_ms, i.about, " \
  "i.question "
#define RABT_WANTED                                                                                \
  "i.tenant = $1 AND i.id < $2 AND i.definition IN (SELECT d.id FROM definition d WHERE d.tenant " \
  "= $1 AND ($3 = '' OR d.name = $3) AND ($4 = '' OR d.version = $4)) AND ($5 = '' OR i.code = "   \
  "$5) AND i.updated_ms >= $6 AND i.updated_ms < $7 "
// $8: how many. $9: one state that the row says. A parked one has a code.
inline constexpr Statement kListInstances{
    RABT_LISTED "FROM instance i WHERE " RABT_WANTED
                "AND i.status = $9 AND ($9 > 1 OR i.code IS NULL) ORDER BY i.id DESC LIMIT $8"};
inline constexpr Statement kListParked{RABT_LISTED
                                       "FROM instance i WHERE " RABT_WANTED
                                       "AND i.parked IS NOT NULL ORDER BY i.id DESC LIMIT $8"};
// The same, the oldest first.
#define RABT_REPAIRABLE                                                                         \
  "SELECT i.id, i.status, i.parked, i.created_ms, i.updated_ms, i.question, (SELECT "           \
  "COALESCE(MAX(j.n) + 1, 0) FROM journal j WHERE j.instance = i.num) AS journal_end, (SELECT " \
  "p.patient FROM "                                                                             \
  "instance_patient p WHERE p.instance = i.num ORDER BY p.place LIMIT 1) AS first_patient, "    \
  "(SELECT COUNT(*) FROM "                                                                      \
  "restart r WHERE r.of = i.num) AS restarts FROM instance i "
inline constexpr Statement kOldestInstances{
    RABT_REPAIRABLE "WHERE " RABT_WANTED
                    "AND i.status = $9 AND ($9 > 1 OR i.code IS NULL) ORDER BY i.id LIMIT $8"};
inline constexpr Statement kOldestParked{
    RABT_REPAIRABLE "WHERE " RABT_WANTED "AND i.parked IS NOT NULL ORDER BY i.id LIMIT $8"};
inline constexpr Statement kRepairableById{RABT_REPAIRABLE "WHERE i.id = $1 AND i.tenant = $2"};
#undef RABT_REPAIRABLE
// $8: index of a person.
inline constexpr Statement kListInstancesOfPatient{
    RABT_LISTED
    "FROM instance_patient p JOIN instance i ON i.num = p.instance WHERE p.tenant = $1 "
    "AND p.patient = $8 AND " RABT_WANTED "ORDER BY i.id DESC"};
// $8: index of a business key.
inline constexpr Statement kListInstancesOfKey{
    RABT_LISTED "FROM instance i WHERE i.business_key = $8 AND " RABT_WANTED "ORDER BY i.id DESC"};
#undef RABT_LISTED
#undef RABT_WANTED
// Calls that wait for a decision: one an instance, the next to be decided.
inline constexpr Statement kParkedCalls{
    "SELECT i.id, i.parked, i.updated_ms, d.name, d.version FROM running_instance i "
    "JOIN definition d ON d.id = i.definition WHERE i.tenant = $1 AND i.id < $2 AND i.parked IS "
    "NOT NULL ORDER BY i.id DESC LIMIT $3"};
// Number and time of the last change of the first, by code, of those that changed from $2 on.
inline constexpr Statement kParkedByCode{
    "SELECT code, COUNT(*) AS count, MIN(updated_ms) AS first_updated_ms FROM instance WHERE "
    "tenant = $1 AND parked IS NOT NULL "
    "AND updated_ms >= $2 GROUP BY code ORDER BY 3"};
// The first thousand are enough to say that somebody has to decide.
inline constexpr Statement kParkedFirst{
    "SELECT code, COUNT(*) AS count, MIN(updated_ms) AS first_updated_ms FROM (SELECT code, "
    "updated_ms FROM instance INDEXED BY "
    "instance_parked WHERE tenant = $1 AND parked IS NOT NULL ORDER BY id LIMIT 1000) first GROUP "
    "BY "
    "code"};
inline constexpr Statement kFaultedByCode{
    "SELECT code, COUNT(*) AS count, MIN(updated_ms) AS first_updated_ms FROM instance WHERE "
    "tenant = $1 AND status = 3 AND "
    "code IS NOT NULL AND updated_ms >= $2 GROUP BY code ORDER BY 3"};
inline constexpr Statement kCountInstances{
    "SELECT i.status, i.definition, i.code, i.updated_ms FROM instance i WHERE i.tenant = $1 AND "
    "i.definition IN (SELECT d.id FROM definition d WHERE d.tenant = $1 AND ($2 = '' OR d.name = "
    "$2) AND ($3 = '' OR d.version = $3)) AND ($4 = '' OR i.code = $4) AND i.updated_ms >= $5 AND "
    "i.updated_ms < $6"};
inline constexpr Statement kWaitForDecision{
    "SELECT count(*) AS count, min(updated_ms) AS first_updated_ms, '' AS code FROM instance "
    "INDEXED BY instance_business_key WHERE "
    "tenant = $1 AND business_key IS NOT NULL AND status < 2 AND parked IS NOT NULL AND updated_ms "
    "< $2"};
// An instance that nothing will wake: neither an event, nor a time, nor an answer.
inline constexpr Statement kWaitForNothing{
    "SELECT count(*) AS count, min(i.updated_ms) AS first_updated_ms, '' AS code FROM instance i "
    "INDEXED BY instance_business_key WHERE "
    "i.tenant = $1 AND i.business_key IS NOT NULL AND i.status < 2 AND i.parked IS NULL AND i.busy "
    "= 0 AND i.updated_ms < $2 AND NOT EXISTS (SELECT 1 FROM timer t WHERE t.instance = i.num) AND "
    "NOT EXISTS (SELECT 1 FROM subscription s WHERE s.instance = i.num) AND NOT EXISTS (SELECT 1 "
    "FROM child c WHERE c.parent = i.num)"};
// An instance whose call has had no answer.
inline constexpr Statement kWaitForAnswer{
    "SELECT count(*) AS count, min(i.updated_ms) AS first_updated_ms, '' AS code FROM instance i "
    "INDEXED BY instance_busy WHERE i.busy "
    "= 1 AND i.tenant = $1 AND i.status < 2 AND i.parked IS NULL AND i.updated_ms < $2"};
inline constexpr Statement kFamily{
    "WITH RECURSIVE family (num) AS (SELECT num FROM instance WHERE tenant = $1 AND id = $2 UNION "
    "SELECT o.instance FROM origin o JOIN family f ON o.parent = f.num) SELECT i.id, i.data_key "
    "FROM instance i JOIN family f ON i.num = f.num ORDER BY i.num"};
inline constexpr Statement kInsertPatient{
    "INSERT INTO instance_patient (tenant, patient, instance, place) VALUES ($1, $2, $3, $4) ON "
    "CONFLICT DO NOTHING"};
inline constexpr Statement kInheritPatients{
    "INSERT INTO instance_patient (tenant, patient, instance, place) SELECT tenant, patient, $1, "
    "place FROM instance_patient WHERE instance = $2"};
inline constexpr Statement kPatientOf{
    "SELECT patient FROM instance_patient WHERE instance = $1 ORDER BY place LIMIT 1"};
inline constexpr Statement kPatientsOfInstance{
    "SELECT p.patient FROM instance i JOIN instance_patient p ON p.instance = i.num WHERE i.id = "
    "$2 AND p.tenant = $1 ORDER BY p.place"};
inline constexpr Statement kInstancesOfPatient{
    "SELECT i.id, n.patient FROM instance_patient p JOIN instance i ON i.num = p.instance JOIN "
    "instance_patient n ON n.instance = p.instance AND n.place = 0 WHERE p.tenant = $1 AND "
    "p.patient = $2 ORDER BY i.num"};

inline constexpr Statement kInsertOrigin{
    "INSERT INTO origin (instance, input, parent, call, awaited, depth) "
    "VALUES ($1, $2, $3, $4, $5, $6)"};
inline constexpr Statement kLoadOrigin{
    "SELECT o.input, o.parent, o.call, o.awaited, o.depth, p.id FROM origin o "
    "LEFT JOIN instance p ON p.num = o.parent WHERE o.instance = $1"};
inline constexpr Statement kStartedBy{
    "SELECT i.id, o.call FROM origin o JOIN instance i ON i.num = o.instance WHERE o.parent = $1 "
    "ORDER BY i.num LIMIT $2"};
inline constexpr Statement kInsertChild{
    "INSERT INTO child (parent, call, instance, refused, cancelled) VALUES ($1, $2, $3, $4, 0)"};
inline constexpr Statement kDeleteChild{"DELETE FROM child WHERE parent = $1 AND call = $2"};
inline constexpr Statement kChildrenOf{
    "SELECT c.call, c.instance, c.refused, r.num FROM child c LEFT JOIN running_instance r ON "
    "r.num = c.instance WHERE c.parent = $1 AND c.cancelled = 0 ORDER BY c.call"};
inline constexpr Statement kCancelChild{
    "UPDATE child SET cancelled = 1 WHERE parent = $1 AND call = $2"};
inline constexpr Statement kDeleteCancelledChild{
    "DELETE FROM child WHERE instance = $1 AND cancelled = 1"};
// Recovery: parents whose children have ended or were refused, and children that nobody waits for.
inline constexpr Statement kParentsToAnswer{
    "SELECT DISTINCT c.parent FROM child c WHERE c.cancelled = 0 AND c.parent >= $1 AND c.parent < "
    "$2 AND NOT EXISTS (SELECT 1 FROM running_instance r WHERE r.num = c.instance)"};
inline constexpr Statement kChildrenToCancel{
    "SELECT instance FROM child WHERE cancelled = 1 AND parent >= $1 AND parent < $2"};

inline constexpr Statement kFindStartSet{
    "SELECT definition, sealed, data_key, version FROM start_set WHERE tenant = $1 AND namespace = "
    "$2 AND "
    "name = $3"};
inline constexpr Statement kInsertStartSet{
    "INSERT INTO start_set (tenant, namespace, name, definition, data_key, sealed, version) "
    "VALUES ($1, $2, $3, $4, $5, $6, 1) ON CONFLICT DO NOTHING"};
inline constexpr Statement kUpdateStartSet{
    "UPDATE start_set SET definition = $4, data_key = $5, sealed = $6, version = version + 1 "
    "WHERE tenant = $1 AND namespace = $2 AND name = $3 AND version = $7"};

inline constexpr Statement kFindSchedule{
    "SELECT definition, due_ms, instance FROM schedule WHERE tenant = $1 AND namespace = $2 AND "
    "name = $3"};
inline constexpr Statement kInsertSchedule{
    "INSERT INTO schedule (tenant, namespace, name, definition, due_ms) VALUES ($1, $2, $3, $4, "
    "$5) ON CONFLICT DO NOTHING"};
inline constexpr Statement kUpdateSchedule{
    "UPDATE schedule SET definition = $4, due_ms = $5 WHERE tenant = $1 AND namespace = $2 AND "
    "name = $3 AND definition = $6 AND due_ms IS NOT DISTINCT FROM $7"};
inline constexpr Statement kDeleteSchedule{
    "DELETE FROM schedule WHERE tenant = $1 AND namespace = $2 AND name = $3"};
inline constexpr Statement kTakeDueTime{
    "UPDATE schedule SET due_ms = $3, last_ms = $2 WHERE definition = $1 AND due_ms = $2"};
inline constexpr Statement kScheduleStarted{
    "UPDATE schedule SET instance = $2 WHERE definition = $1"};
inline constexpr Statement kScheduleAgain{"UPDATE schedule SET due_ms = $2 WHERE definition = $1"};
inline constexpr Statement kScheduleOfInstance{
    "SELECT definition, due_ms FROM schedule WHERE instance = $1"};
inline constexpr Statement kScheduleAfter{
    "UPDATE schedule SET due_ms = $2 WHERE instance = $1 AND due_ms IS NOT DISTINCT FROM $3"};
inline constexpr Statement kSchedulesDue{
    "SELECT definition, due_ms FROM schedule WHERE tenant = $1 AND due_ms <= $2"};
inline constexpr Statement kNewestEvent{"SELECT COALESCE(MAX(seq), 0) AS newest_seq FROM event"};

inline constexpr Statement kInsertJournal{
    "INSERT INTO journal (instance, n, sealed) VALUES ($1, $2, $3)"};
inline constexpr Statement kJournalEnd{
    "SELECT COALESCE(MAX(n), 0) AS journal_end FROM journal WHERE instance = $1"};
inline constexpr Statement kReadJournal{
    "SELECT sealed FROM journal WHERE instance = $1 ORDER BY n"};

inline constexpr Statement kInsertTimer{
    "INSERT INTO timer (instance, timer, due_ms) VALUES ($1, $2, $3)"};
inline constexpr Statement kDeleteTimer{"DELETE FROM timer WHERE instance = $1 AND timer = $2"};
inline constexpr Statement kDeleteTimers{"DELETE FROM timer WHERE instance = $1"};
inline constexpr Statement kTimersDue{
    "SELECT instance, timer, due_ms FROM timer WHERE instance >= $1 AND instance < $2 AND due_ms "
    "<= "
    "$3"};

inline constexpr Statement kInsertSubscription{
    "INSERT INTO subscription (tenant, key, instance, listen) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "DO NOTHING"};
inline constexpr Statement kDeleteSubscription{
    "DELETE FROM subscription WHERE instance = $1 AND listen = $2"};
inline constexpr Statement kDeleteSubscriptions{"DELETE FROM subscription WHERE instance = $1"};
inline constexpr Statement kSubscribersOfKey{
    "SELECT instance, listen FROM subscription WHERE tenant = $1 AND key = $2"};
// Events that came before the one that started the instance are among them, too: the newest of
// them.
inline constexpr Statement kEventsOfKey{
    "SELECT event FROM event_key WHERE tenant = $1 AND key = $2 AND event <> $3 ORDER BY event "
    "DESC LIMIT $4"};
// Time at which an event was received.
inline constexpr Statement kEventReceived{"SELECT received_ms FROM event WHERE seq = $1"};
// True if an instance with the same business key was started by an event before $2.
inline constexpr Statement kEarlierOfBusinessKey{
    "SELECT EXISTS (SELECT 1 FROM instance o WHERE o.tenant = i.tenant AND o.business_key = "
    "i.business_key AND o.num <> i.num AND o.start_event < $2) AS has_earlier FROM instance i "
    "WHERE i.num = $1 "
    "AND i.business_key IS NOT NULL"};
inline constexpr Statement kInsertUnheardStart{
    "INSERT INTO unheard_start (tenant, business_key, event, instance) SELECT $1, $2, $3, num FROM "
    "running_instance WHERE tenant = $1 AND business_key = $2 ON CONFLICT (tenant, business_key, "
    "event) DO UPDATE SET instance = excluded.instance"};
// The instance $2 has heard the event.
inline constexpr Statement kHeardStart{
    "DELETE FROM unheard_start WHERE tenant = $1 AND event = $3 AND business_key = (SELECT "
    "business_key FROM instance WHERE num = $2)"};
inline constexpr Statement kDeleteUnheardStart{
    "DELETE FROM unheard_start WHERE tenant = $1 AND business_key = $2 AND event = $3"};
// Those of business keys under which no instance lives any more, the first that came first, and
// the instance that lived then.
inline constexpr Statement kUnheardStarts{
    "SELECT business_key, event, instance FROM unheard_start u WHERE tenant = $1 AND NOT EXISTS "
    "(SELECT 1 FROM running_instance r WHERE r.tenant = u.tenant AND r.business_key = "
    "u.business_key) ORDER BY event"};
// $3 follows the instance that lived.
inline constexpr Statement kUnheardBy{
    "UPDATE unheard_start SET instance = $3 WHERE tenant = $1 AND business_key = $2"};
// Recovery: every pair of a waiting listen and a stored event that share a key.
inline constexpr Statement kOpenMatches{
    "SELECT DISTINCT s.instance, s.listen, k.event FROM subscription s "
    "JOIN event_key k ON k.tenant = s.tenant AND k.key = s.key "
    "JOIN instance i ON i.num = s.instance AND k.event <> i.start_event "
    "WHERE s.instance >= $1 AND s.instance < $2 AND k.event > $3 ORDER BY k.event"};

inline constexpr Statement kInsertDispatched{
    "INSERT INTO dispatched (instance, call) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
inline constexpr Statement kFindDispatched{
    "SELECT 1 FROM dispatched WHERE instance = $1 AND call = $2"};
inline constexpr Statement kRenameDispatched{
    "UPDATE dispatched SET call = $3 WHERE instance = $1 AND call = $2"};
inline constexpr Statement kDeleteDispatched{
    "DELETE FROM dispatched WHERE instance = $1 AND call = $2"};

inline constexpr Statement kRolePauses{
    "SELECT role, since_ms, until_ms, paused_by FROM role_pause WHERE tenant = $1 ORDER BY role"};
inline constexpr Statement kInsertRolePause{
    "INSERT INTO role_pause (tenant, role, since_ms, until_ms, paused_by) VALUES ($1, $2, $3, $4, "
    "$5) ON CONFLICT DO NOTHING"};
inline constexpr Statement kDeleteRolePause{
    "DELETE FROM role_pause WHERE tenant = $1 AND role = $2"};

}  // namespace rabt::engine::sql
