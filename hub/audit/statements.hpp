#pragma once

#include "hub/store/store.hpp"

// Every statement of the audit log. Table: migrations/<engine>/0001_audit.sql.
namespace rabt::audit::sql {

using store::Statement;

inline constexpr Statement kInsert{
    "INSERT INTO audit (seq, at_ms, tenant, act, object, patient, canonical, leaf, hash) VALUES "
    "($1, "
    "$2, $3, $4, $5, $6, $7, $8, $9)"};
inline constexpr Statement kLast{
    "SELECT seq, at_ms, tenant, canonical, leaf, hash FROM audit ORDER BY seq DESC LIMIT $1"};
inline constexpr Statement kHead{"SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"};
inline constexpr Statement kFrom{
    "SELECT seq, at_ms, tenant, canonical, leaf, hash FROM audit WHERE seq >= $1 AND seq <= $2 "
    "ORDER BY seq LIMIT $3"};

}  // namespace rabt::audit::sql
