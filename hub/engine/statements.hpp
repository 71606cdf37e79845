#pragma once

#include "hub/store/store.hpp"

// Every statement of the engine. Tables: migrations/sqlite/0002_engine.sql.
namespace rabt::engine::sql {

using store::Statement;

inline constexpr Statement kInsertDefinition{
    "INSERT INTO definition (tenant, namespace, name, version, sha256, source, deployed_ms, "
    "active) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, 1)"};
inline constexpr Statement kFindDefinition{
    "SELECT id, sha256, active FROM definition WHERE tenant = $1 AND namespace = $2 AND name = $3 "
    "AND version = $4"};
inline constexpr Statement kDeactivateDefinitions{
    "UPDATE definition SET active = 0 WHERE tenant = $1 AND namespace = $2 AND name = $3"};
inline constexpr Statement kActivateDefinition{"UPDATE definition SET active = 1 WHERE id = $1"};
inline constexpr Statement kAllDefinitions{
    "SELECT id, name, version, source, active FROM definition WHERE tenant = $1 ORDER BY id"};

inline constexpr Statement kFindDelivery{
    "SELECT body_sha256, status, answer FROM delivery WHERE tenant = $1 AND source = $2 AND dedupe "
    "= $3"};
inline constexpr Statement kInsertDelivery{
    "INSERT INTO delivery (tenant, source, dedupe, body_sha256, status, answer, received_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)"};

inline constexpr Statement kFindEvent{"SELECT seq FROM event WHERE tenant = $1 AND origin = $2"};
inline constexpr Statement kInsertEvent{
    "INSERT INTO event (uid, tenant, origin, type, sealed, received_ms, expires_ms) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)"};
inline constexpr Statement kReadEvent{"SELECT uid, sealed FROM event WHERE seq = $1"};
inline constexpr Statement kInsertEventKey{
    "INSERT INTO event_key (tenant, key, event) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"};
inline constexpr Statement kExpireEventKeys{
    "DELETE FROM event_key WHERE event IN (SELECT seq FROM event WHERE expires_ms < $1 ORDER BY "
    "expires_ms LIMIT 500)"};
inline constexpr Statement kExpireEvents{
    "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE expires_ms < $1 ORDER BY "
    "expires_ms LIMIT 500)"};

inline constexpr Statement kInsertInstance{
    "INSERT INTO instance (id, tenant, definition, status, busy, business_key, start_event, "
    "wrapped_key, created_ms, "
    "updated_ms) VALUES ($1, $2, $3, 0, 1, $4, $5, $6, $7, $8)"};
inline constexpr Statement kLiveByBusinessKey{
    "SELECT id FROM instance WHERE tenant = $1 AND business_key = $2 AND status < 2"};
inline constexpr Statement kUpdateInstance{
    "UPDATE instance SET status = $1, busy = $2, updated_ms = $3 WHERE num = $4"};
inline constexpr Statement kParkInstance{
    "UPDATE instance SET parked = $1, updated_ms = $2 WHERE num = $3"};
inline constexpr Statement kLoadInstance{
    "SELECT num, id, tenant, definition, status, busy, parked, start_event, wrapped_key, "
    "created_ms, updated_ms "
    "FROM instance WHERE num = $1"};
inline constexpr Statement kLoadInstanceById{
    "SELECT num, id, tenant, definition, status, busy, parked, start_event, wrapped_key, "
    "created_ms, updated_ms "
    "FROM instance WHERE id = $1 AND tenant = $2"};
inline constexpr Statement kBusyInstances{"SELECT num FROM instance WHERE busy = 1 ORDER BY num"};
inline constexpr Statement kListInstances{
    "SELECT i.id, d.name, d.version, i.status, i.parked, i.created_ms, i.updated_ms FROM instance "
    "i "
    "JOIN definition d ON d.id = i.definition WHERE i.tenant = $1 AND i.id < $2 AND i.status >= $3 "
    "AND "
    "i.status <= $4 AND (i.parked IS NOT NULL OR $5 = 0) ORDER BY i.id DESC LIMIT $6"};

inline constexpr Statement kInsertJournal{"INSERT INTO journal (instance, sealed) VALUES ($1, $2)"};
inline constexpr Statement kReadJournal{
    "SELECT sealed FROM journal WHERE instance = $1 ORDER BY seq"};

inline constexpr Statement kInsertTimer{
    "INSERT INTO timer (instance, timer, due_ms) VALUES ($1, $2, $3)"};
inline constexpr Statement kDeleteTimer{"DELETE FROM timer WHERE instance = $1 AND timer = $2"};
inline constexpr Statement kDeleteTimers{"DELETE FROM timer WHERE instance = $1"};
inline constexpr Statement kAllTimers{"SELECT instance, timer, due_ms FROM timer"};

inline constexpr Statement kInsertSubscription{
    "INSERT INTO subscription (tenant, key, instance, listen) VALUES ($1, $2, $3, $4) ON CONFLICT "
    "DO NOTHING"};
inline constexpr Statement kDeleteSubscription{
    "DELETE FROM subscription WHERE instance = $1 AND listen = $2"};
inline constexpr Statement kDeleteSubscriptions{"DELETE FROM subscription WHERE instance = $1"};
inline constexpr Statement kSubscribersOfKey{
    "SELECT instance, listen FROM subscription WHERE tenant = $1 AND key = $2"};
inline constexpr Statement kEventsOfKeySince{
    "SELECT event FROM event_key WHERE tenant = $1 AND key = $2 AND event > $3 ORDER BY event"};
// Recovery: every pair of a waiting listen and a stored event that share a key.
inline constexpr Statement kOpenOffers{
    "SELECT DISTINCT s.instance, s.listen, k.event FROM subscription s "
    "JOIN event_key k ON k.tenant = s.tenant AND k.key = s.key "
    "JOIN instance i ON i.num = s.instance AND k.event > i.start_event ORDER BY k.event"};

inline constexpr Statement kInsertDispatched{
    "INSERT INTO dispatched (instance, call) VALUES ($1, $2) ON CONFLICT DO NOTHING"};
inline constexpr Statement kFindDispatched{
    "SELECT 1 FROM dispatched WHERE instance = $1 AND call = $2"};
inline constexpr Statement kDeleteDispatched{
    "DELETE FROM dispatched WHERE instance = $1 AND call = $2"};

}  // namespace rabt::engine::sql
