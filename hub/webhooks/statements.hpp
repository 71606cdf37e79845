#pragma once

#include "hub/store/store.hpp"

// SQL of the tables webhook_delivery, webhook.
namespace rabt::webhooks::sql {

using store::Statement;

inline constexpr Statement kDeleteDeliveries{
    "DELETE FROM webhook_delivery WHERE tenant = $1 AND webhook = $2"};
inline constexpr Statement kInsertDelivery{
    "INSERT INTO webhook_delivery (tenant, id, webhook, event, type, body, state, attempts, "
    "created_ms, opened_ms, tried_ms, status, code, topic, subject, trace) VALUES ($1, $2, $3, $4, "
    "$5, $6, 'open', 0, $7, $7, NULL, 0, '', $8, $9, $10) ON CONFLICT DO NOTHING"};
// One that was given up meanwhile stays so.
inline constexpr Statement kAttemptDelivery{
    "UPDATE webhook_delivery SET state = $3, attempts = $4, tried_ms = $5, status = $6, code = $7 "
    "WHERE tenant = $1 AND id = $2 AND state = 'open'"};
inline constexpr Statement kKillDeliveries{
    "UPDATE webhook_delivery SET state = 'dead', code = $3 WHERE tenant = $1 AND webhook = $2 AND "
    "state = 'open'"};
inline constexpr Statement kAgainOne{
    "UPDATE webhook_delivery SET state = 'open', attempts = 0, opened_ms = $4 WHERE tenant = $1 "
    "AND webhook = $2 AND id = $3"};
inline constexpr Statement kAgainDead{
    "UPDATE webhook_delivery SET state = 'open', attempts = 0, opened_ms = $3 WHERE tenant = $1 "
    "AND webhook = $2 AND state = 'dead'"};
inline constexpr Statement kAgainSince{
    "UPDATE webhook_delivery SET state = 'open', attempts = 0, opened_ms = $3 WHERE tenant = $1 "
    "AND webhook = $2 AND created_ms >= $4 AND state <> 'discarded'"};
inline constexpr Statement kOpenDeliveries{
    "SELECT id, subject, opened_ms FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 AND "
    "state = 'open' ORDER BY id"};
inline constexpr Statement kDiscardOne{
    "UPDATE webhook_delivery SET state = 'discarded' WHERE tenant = $1 AND webhook = $2 AND id = "
    "$3 AND state = 'dead'"};
inline constexpr Statement kDiscardDead{
    "UPDATE webhook_delivery SET state = 'discarded' WHERE tenant = $1 AND webhook = $2 AND state "
    "= 'dead'"};
inline constexpr Statement kListDeliveries{
    "SELECT id, webhook, event, type, body, state, attempts, created_ms, tried_ms, status, code, "
    "topic, subject, trace FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 AND ($3 = '' "
    "OR state = $3) AND ($4 = '' OR id < $4) ORDER BY id DESC LIMIT $5"};
inline constexpr Statement kFindDelivery{
    "SELECT id, webhook, event, type, body, state, attempts, created_ms, tried_ms, status, code, "
    "topic, subject, trace FROM webhook_delivery WHERE tenant = $1 AND webhook = $2 AND id = $3"};
inline constexpr Statement kExpireDeliveries{
    "UPDATE webhook_delivery SET state = 'dead', code = 'webhook.expired' WHERE state = 'open' AND "
    "opened_ms < $1"};
inline constexpr Statement kSweepDeliveries{
    "DELETE FROM webhook_delivery WHERE state = $1 AND opened_ms < $2"};
inline constexpr Statement kCountDeliveries{
    "SELECT count(*) AS count, min(created_ms) AS first_created_ms FROM webhook_delivery WHERE "
    "tenant = $1 AND webhook = $2 AND "
    "state = $3"};

inline constexpr Statement kEndpoints{
    "SELECT id, name, origin, url, wants, state, version, created_ms, updated_ms, data_key, sealed "
    "FROM webhook WHERE tenant = $1 ORDER BY id"};
inline constexpr Statement kInsertEndpoint{
    "INSERT INTO webhook (tenant, id, name, origin, url, wants, state, version, created_ms, "
    "updated_ms, data_key, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON "
    "CONFLICT DO NOTHING"};
inline constexpr Statement kEndpointNamed{"SELECT id FROM webhook WHERE tenant = $1 AND name = $2"};
inline constexpr Statement kUpdateEndpoint{
    "UPDATE webhook SET name = $3, url = $4, wants = $5, state = $6, version = $7, updated_ms = "
    "$8, data_key = $9, sealed = $10 WHERE tenant = $1 AND id = $2 AND version = $7 - 1"};
inline constexpr Statement kDeleteEndpoint{"DELETE FROM webhook WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kGivenUp{
    "SELECT w.name, count(*) AS count, min(d.created_ms) AS first_created_ms, w.state FROM webhook "
    "w JOIN webhook_delivery d ON "
    "d.tenant = w.tenant AND d.webhook = w.id AND d.state = 'dead' WHERE w.tenant = $1 GROUP BY "
    "w.id, w.name, w.state ORDER BY w.name"};
inline constexpr Statement kUntold{
    "SELECT w.name, (SELECT count(*) FROM (SELECT 1 FROM webhook_delivery d WHERE d.tenant = "
    "w.tenant AND d.webhook = w.id AND d.state = 'dead' LIMIT 1000) dead) AS dead_count, (SELECT "
    "d.created_ms "
    "FROM webhook_delivery d WHERE d.tenant = w.tenant AND d.webhook = w.id AND d.state = 'open' "
    "ORDER BY d.id LIMIT 1) AS oldest_open_ms FROM webhook w WHERE w.tenant = $1 AND w.state = "
    "'active'"};

}  // namespace rabt::webhooks::sql
