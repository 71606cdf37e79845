#pragma once

#include "hub/store/store.hpp"

// Statements about the slots of a time. Table: migrations/sqlite/0012_practice.sql. A provider's
// slots do not overlap: before the last one that begins by a time, none reaches over it, so that
// nothing looks further back.
namespace rabt::consultation::sql {

// Slots of the provider $2 that have a part of the time from $3 to $4, in order.
inline constexpr store::Statement kSlotsIn{
    "SELECT id, starts_ms, ends_ms, clinic, status FROM slot WHERE tenant = $1 AND provider = $2 "
    "AND starts_ms >= COALESCE((SELECT MAX(s.starts_ms) FROM slot s WHERE s.tenant = $1 AND "
    "s.provider = $2 AND s.starts_ms <= $3), $3) AND starts_ms < $4 AND ends_ms > $3 ORDER BY "
    "starts_ms LIMIT 5000"};
// Slots of the provider $2 that have a part of the time from $3 to $4 go.
inline constexpr store::Statement kDropSlots{
    "DELETE FROM slot WHERE tenant = $1 AND provider = $2 AND starts_ms >= COALESCE((SELECT "
    "MAX(s.starts_ms) FROM slot s WHERE s.tenant = $1 AND s.provider = $2 AND s.starts_ms <= $3), "
    "$3) AND starts_ms < $4 AND ends_ms > $3"};

}  // namespace rabt::consultation::sql
