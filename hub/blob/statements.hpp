#pragma once

#include "hub/store/store.hpp"

// SQL of the table blob.
namespace rabt::blob::sql {

using store::Statement;

inline constexpr Statement kInsert{
    "INSERT INTO blob (id, tenant, content_type, bytes, sha256, data_key, finished, owner, "
    "created_ms, incarnation) VALUES ($1, $2, $3, 0, '', $4, 0, '', $5, $6)"};
inline constexpr Statement kFinish{
    "UPDATE blob SET bytes = $2, sha256 = $3, finished = 1, incarnation = '' WHERE id = $1 AND "
    "finished = 0 AND incarnation = $4"};
// Takes an unfinished blob that no other incarnation writes.
inline constexpr Statement kTake{
    "UPDATE blob SET incarnation = $2 WHERE id = $1 AND finished = 0 AND incarnation IN ('', $2)"};
inline constexpr Statement kAnyTaken{
    "SELECT 1 FROM blob WHERE owner = '' AND incarnation <> '' LIMIT 1"};
inline constexpr Statement kGiveAll{
    "UPDATE blob SET incarnation = '' WHERE owner = '' AND created_ms >= 0 AND incarnation <> "
    "''"};
inline constexpr Statement kFind{
    "SELECT content_type, bytes, sha256, owner, created_ms, data_key FROM blob WHERE tenant = $1 "
    "AND id = $2 AND finished = $3"};
inline constexpr Statement kAdopt{
    "UPDATE blob SET owner = $3 WHERE tenant = $1 AND id = $2 AND owner = '' AND finished = 1"};
inline constexpr Statement kOwner{
    "SELECT owner FROM blob WHERE tenant = $1 AND id = $2 AND finished = 1"};
inline constexpr Statement kDataKey{"SELECT data_key FROM blob WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kExists{"SELECT 1 FROM blob WHERE id = $1"};
// $2 and its like: the incarnation that asks. What another one writes is not an orphan.
inline constexpr Statement kOrphans{
    "SELECT id FROM blob WHERE owner = '' AND created_ms < $1 AND incarnation IN ('', $2) ORDER BY "
    "created_ms LIMIT 1000"};
inline constexpr Statement kOrphan{
    "SELECT tenant, data_key FROM blob WHERE id = $1 AND owner = '' AND incarnation IN ('', $2)"};
inline constexpr Statement kDrop{
    "DELETE FROM blob WHERE id = $1 AND owner = '' AND incarnation IN ('', $2)"};
inline constexpr Statement kKept{
    "SELECT id FROM blob WHERE id > $1 AND finished = 1 AND owner <> '' ORDER BY id"};

}  // namespace rabt::blob::sql
