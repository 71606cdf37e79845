#pragma once

#include "hub/store/store.hpp"

// SQL of the table outbox.
namespace rabt::outbox::sql {

using store::Statement;

inline constexpr store::Sequence kNumbers{"outbox"};

inline constexpr Statement kPut{
    "INSERT INTO outbox (n, tenant, shard, kind, target, subject, ref, ref_n, put_ms, due_ms, "
    "attempts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) ON CONFLICT (tenant, kind, ref, "
    "ref_n) DO UPDATE SET put_ms = excluded.put_ms, due_ms = excluded.due_ms, attempts = 0"};
inline constexpr Statement kDueFirst{
    "SELECT o.ref, o.ref_n, o.n FROM outbox o WHERE o.tenant = $1 AND o.kind = $2 AND o.target = "
    "$3 AND "
    "o.attempts = 0 AND o.due_ms <= $4 AND (o.subject = '' OR NOT EXISTS (SELECT 1 FROM outbox e "
    "WHERE e.tenant = o.tenant AND e.kind = o.kind AND e.target = o.target AND e.subject = "
    "o.subject AND e.n < o.n)) ORDER BY o.n LIMIT $5"};
inline constexpr Statement kDueAgain{
    "SELECT o.ref, o.ref_n, o.n FROM outbox o WHERE o.tenant = $1 AND o.kind = $2 AND o.target = "
    "$3 AND "
    "o.attempts > 0 AND o.due_ms <= $4 AND (o.subject = '' OR NOT EXISTS (SELECT 1 FROM outbox e "
    "WHERE e.tenant = o.tenant AND e.kind = o.kind AND e.target = o.target AND e.subject = "
    "o.subject AND e.n < o.n)) ORDER BY o.due_ms, o.n LIMIT $5"};
inline constexpr Statement kLeave{
    "DELETE FROM outbox WHERE tenant = $1 AND kind = $2 AND ref = $3 AND ref_n = $4"};
inline constexpr Statement kLeaveAll{
    "DELETE FROM outbox WHERE tenant = $1 AND kind = $2 AND target = $3"};
inline constexpr Statement kLeaveOlder{
    "DELETE FROM outbox WHERE tenant = $1 AND kind = $2 AND put_ms < $3"};
inline constexpr Statement kAgain{
    "UPDATE outbox SET attempts = $5, due_ms = $6 WHERE tenant = $1 AND kind = $2 AND ref = $3 AND "
    "ref_n = $4"};
inline constexpr Statement kDueOf{
    "SELECT due_ms FROM outbox WHERE tenant = $1 AND kind = $2 AND ref = $3 AND ref_n = 0"};
inline constexpr Statement kOldest{
    "SELECT min(put_ms) AS first_put_ms FROM outbox WHERE tenant = $1 AND kind = $2"};
inline constexpr Statement kRefs{"SELECT ref FROM outbox WHERE tenant = $1 AND kind = $2"};
inline constexpr Statement kWaitingByTarget{
    "SELECT kind, target, count(*) AS count, min(n) AS first_n FROM outbox WHERE tenant = $1 GROUP "
    "BY kind, target "
    "ORDER BY kind, target"};
inline constexpr Statement kPutAt{"SELECT put_ms FROM outbox WHERE n = $1"};

}  // namespace rabt::outbox::sql
