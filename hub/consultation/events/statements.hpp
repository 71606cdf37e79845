#pragma once

#include "hub/store/store.hpp"

// SQL of the tables hub_event, session, session_event.
namespace rabt::consultation::sql::events {

using store::Statement;

inline constexpr Statement kPutHubEvent{
    "INSERT INTO hub_event (tenant, id, type, at_ms, data, trace) VALUES ($1, $2, $3, $4, $5, $6)"};
inline constexpr Statement kHubEvent{
    "SELECT id, type, at_ms, data, trace FROM hub_event WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kNewestOfType{
    "SELECT data FROM hub_event WHERE tenant = $1 AND type = $2 ORDER BY id DESC LIMIT 1"};
inline constexpr Statement kHubEventAt{"SELECT at_ms FROM hub_event WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kHubEventsAfter{
    "SELECT id, type, at_ms, data FROM hub_event WHERE tenant = $1 AND id <> $2 AND at_ms >= $3 "
    "ORDER BY at_ms, id LIMIT 1000"};
inline constexpr Statement kSweepHubEvents{
    "DELETE FROM hub_event WHERE at_ms < $1 AND EXISTS (SELECT 1 FROM hub_event n WHERE n.tenant = "
    "hub_event.tenant AND n.type = hub_event.type AND n.id > hub_event.id)"};

inline constexpr Statement kNewestOfSession{
    "SELECT events, data_key, number FROM session WHERE tenant = $1 AND id = $2"};

inline constexpr Statement kSessionEventsAfter{
    "SELECT seq, type, at_ms, actor, data FROM session_event WHERE tenant = $1 AND session = $2 "
    "AND seq > $3 ORDER BY seq LIMIT 256"};

}  // namespace rabt::consultation::sql::events
