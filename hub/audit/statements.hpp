#pragma once

#include "hub/store/store.hpp"

// SQL of the tables audit, audit_tile, audit_find, audit_checkpoint.
namespace rabt::audit::sql {

using store::Statement;

inline constexpr Statement kInsert{
    "INSERT INTO audit (seq, stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
inline constexpr Statement kInsertTile{
    "INSERT INTO audit_tile (level, number, root, hashes) VALUES ($1, $2, $3, $4)"};
inline constexpr Statement kInsertFind{
    "INSERT INTO audit_find (tile, from_ms, to_ms, keys, mac) VALUES ($1, $2, $3, $4, $5)"};
inline constexpr Statement kInsertCheckpoint{
    "INSERT INTO audit_checkpoint (number, size, note, mac) VALUES ($1, $2, $3, $4)"};

inline constexpr Statement kHead{"SELECT seq, mac, n FROM audit ORDER BY seq DESC LIMIT 1"};
inline constexpr Statement kNewestAt{"SELECT at_ms FROM audit ORDER BY seq DESC LIMIT 1"};
inline constexpr Statement kMac{"SELECT mac FROM audit WHERE seq = $1"};
// Above $1, up to $2.
inline constexpr Statement kLeaves{
    "SELECT seq, leaf FROM audit WHERE seq > $1 AND seq <= $2 ORDER BY seq"};
inline constexpr Statement kEntries{
    "SELECT seq, canonical, leaf FROM audit WHERE seq > $1 AND seq <= $2 ORDER BY seq"};
inline constexpr Statement kLookUp{
    "SELECT at_ms, object, patient FROM audit WHERE seq > $1 AND seq <= $2"};
inline constexpr Statement kNewestSeq{"SELECT max(seq) AS last_seq FROM audit"};
inline constexpr Statement kSignedEntries{
    "SELECT seq, stream, n, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM audit "
    "WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3"};
// One statement with both would walk the whole table: SQLite takes only one of them from an end.
inline constexpr Statement kEnds{
    "SELECT (SELECT min(seq) FROM audit) AS first, (SELECT max(seq) FROM audit) AS last"};
inline constexpr Statement kWholeEntries{
    "SELECT seq, stream, n, at_ms, tenant, act, object, patient, canonical, leaf FROM audit WHERE "
    "seq >= $1 AND seq <= $2 ORDER BY seq"};
inline constexpr Statement kChainEntries{
    "SELECT seq, stream, n, canonical, leaf, mac FROM audit WHERE seq > $1 AND seq <= $2 ORDER BY "
    "seq"};
inline constexpr Statement kTimeOf{"SELECT at_ms FROM audit WHERE seq = $1"};
inline constexpr Statement kFinds{
    "SELECT tile, from_ms, to_ms, keys, mac FROM audit_find WHERE tile >= $1 AND tile <= $2 ORDER "
    "BY tile"};
inline constexpr Statement kSurplusFinds{
    "SELECT tile FROM audit_find WHERE tile < 0 OR tile >= $1 ORDER BY tile LIMIT 100"};
inline constexpr Statement kFindOfTile{
    "SELECT from_ms, to_ms, keys FROM audit_find WHERE tile = $1"};
inline constexpr Statement kFindWithMac{
    "SELECT from_ms, to_ms, keys, mac FROM audit_find WHERE tile = $1"};
inline constexpr Statement kTile{"SELECT hashes FROM audit_tile WHERE level = $1 AND number = $2"};
// From $2, below $3.
inline constexpr Statement kTileRoots{
    "SELECT number, root FROM audit_tile WHERE level = $1 AND number >= $2 AND number < $3 ORDER "
    "BY number"};
inline constexpr Statement kLeafTileRoots{
    "SELECT number, root FROM audit_tile WHERE level = 0 AND number >= $1 AND number < $2 ORDER BY "
    "number LIMIT $3"};
inline constexpr Statement kSurplusTiles{
    "SELECT level, number FROM audit_tile WHERE level < 0 OR level > $1 OR number < 0 OR (level = "
    "$2 AND number >= $3) ORDER BY level, number LIMIT 100"};
inline constexpr Statement kTileWithRoot{
    "SELECT root, hashes FROM audit_tile WHERE level = $1 AND number = $2"};
inline constexpr Statement kLastCheckpoint{
    "SELECT number, size, note FROM audit_checkpoint ORDER BY number DESC LIMIT 1"};
inline constexpr Statement kCheckpoint{"SELECT note FROM audit_checkpoint WHERE number = $1"};
inline constexpr Statement kCheckpointRows{
    "SELECT number, note, mac FROM audit_checkpoint WHERE number >= $1 AND number <= $2 ORDER BY "
    "number"};
inline constexpr Statement kCheckpointOfSize{
    "SELECT note FROM audit_checkpoint WHERE size = $1 ORDER BY number DESC LIMIT 1"};
inline constexpr Statement kCheckpointFrom{
    "SELECT size FROM audit_checkpoint WHERE size >= $1 ORDER BY size LIMIT 1"};
inline constexpr Statement kCheckpoints{
    "SELECT number, size, note, mac FROM audit_checkpoint ORDER BY number"};

}  // namespace rabt::audit::sql
