#pragma once

#include "hub/store/store.hpp"

// SQL of the tables recording, session, session_member.
namespace rabt::consultation::sql::recording {

using store::Statement;

#define RABT_RECORDING_COLUMNS                                                                \
  "r.id, r.number, r.session, r.status, r.kind, r.purpose, r.started_ms, r.stopped_ms, "      \
  "r.stored_ms, r.retain_until_ms, r.bytes, r.sha256, r.content_type, r.sealed, s.data_key, " \
  "r.copy, r.problem"
#define RABT_RECORDING_FROM \
  " FROM recording r JOIN session s ON s.tenant = r.tenant AND s.id = r.session "
inline constexpr Statement kOfSession{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                                      "WHERE r.tenant = $1 AND r.session = $2 ORDER BY r.id"};
inline constexpr Statement kById{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                                 "WHERE r.tenant = $1 AND r.id = $2"};
inline constexpr Statement kByNumber{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                                     "WHERE r.tenant = $1 AND r.number = $2"};
inline constexpr Statement kAll{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                                "WHERE r.tenant = $1 AND r.id < $2 AND ($3 = '' OR r.status = $3) "
                                "ORDER BY r.id DESC LIMIT $4 OFFSET $5"};
#undef RABT_RECORDING_FROM
inline constexpr Statement kCountAll{
    "SELECT count(*) AS count FROM recording WHERE tenant = $1 AND session <> '' AND ($2 = '' OR "
    "status = "
    "$2)"};
inline constexpr Statement kTotalsOfAll{
    "SELECT count(*) AS count, CAST(coalesce(sum(bytes), 0) AS BIGINT) AS sum_bytes FROM recording "
    "WHERE tenant = $1 AND "
    "session <> ''"};
inline constexpr Statement kKeptBytes{
    "SELECT CAST(SUM(bytes) AS BIGINT) AS sum_bytes FROM recording WHERE tenant = $1 AND status = "
    "'ready' AND "
    "session <> ''"};
inline constexpr Statement kInsertRecording{
    "INSERT INTO recording (tenant, id, number, session, instance, external, status, kind, "
    "purpose, started_ms, stopped_ms, stored_ms, retain_until_ms, blob, bytes, sha256, "
    "content_type, sealed, copy, problem) VALUES ($1, $2, $3, $4, '', $5, $6, $7, $8, $9, $10, "
    "NULL, NULL, '', $12, '', '', $11, 'kept', '') ON CONFLICT DO NOTHING"};
inline constexpr Statement kStopped{
    "UPDATE recording SET status = 'processing', stopped_ms = $3 WHERE tenant = $1 AND id = $2 AND "
    "status = 'recording'"};
inline constexpr Statement kBind{
    "UPDATE recording SET external = $3, kind = $4, sealed = $5, bytes = $6 WHERE tenant = $1 AND "
    "id = $2"};
inline constexpr Statement kFailed{
    "UPDATE recording SET status = 'failed', problem = $3 WHERE tenant = $1 AND id = $2 AND status "
    "IN ('recording', 'processing')"};
inline constexpr Statement kNone{
    "UPDATE recording SET status = 'none', problem = $3 WHERE tenant = $1 AND id = $2 AND status "
    "IN ('recording', 'processing')"};
inline constexpr Statement kMerged{
    "UPDATE recording SET status = 'merged', sealed = $3, problem = '' WHERE tenant = $1 AND id = "
    "$2 AND status IN ('recording', 'processing')"};
inline constexpr Statement kReady{
    "UPDATE recording SET status = 'ready', stored_ms = $3, retain_until_ms = $4, blob = $5, bytes "
    "= $6, sha256 = $7, content_type = $8, sealed = $9, copy = 'deleting', problem = '' WHERE "
    "tenant = $1 AND id = $2 AND status IN ('recording', 'processing', 'failed')"};
inline constexpr Statement kCopy{
    "UPDATE recording SET copy = $3, problem = CASE WHEN $4 = '' AND status = 'failed' THEN "
    "problem ELSE $4 END WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kWithdraw{
    "UPDATE recording SET status = 'deleted', sealed = $3, copy = $4 WHERE tenant = $1 AND id = $2 "
    "AND status IN ('ready', 'failed')"};
inline constexpr Statement kInsertKept{
    "INSERT INTO recording (tenant, id, number, session, instance, external, status, kind, "
    "purpose, started_ms, stopped_ms, stored_ms, retain_until_ms, blob, bytes, sha256, "
    "content_type, sealed, copy, problem) VALUES ($1, $2, NULL, '', $3, $4, 'ready', $5, '', NULL, "
    "NULL, $6, $7, $8, $9, $10, $11, $12, '', '') ON CONFLICT DO NOTHING"};
// The consultation: the session or the instance.
#define RABT_KEPT_COLUMNS                                                             \
  "id, CASE WHEN instance = '' THEN session ELSE instance END AS owner, kind, blob, " \
  "content_type, bytes, "                                                             \
  "sha256, stored_ms"
inline constexpr Statement kFindKeptByExternal{
    "SELECT " RABT_KEPT_COLUMNS
    " FROM recording WHERE tenant = $1 AND instance = $2 AND instance <> '' AND external = $3"};
inline constexpr Statement kFindKept{
    "SELECT " RABT_KEPT_COLUMNS " FROM recording WHERE tenant = $1 AND id = $2 AND blob <> ''"};
#undef RABT_KEPT_COLUMNS

#define RABT_RECORDING_OF_MEMBER \
  " FROM session_member m JOIN recording r ON r.tenant = m.tenant AND r.session = m.session "
// Sessions of $2, whose other records are $4 to $11, in tenant $1; $3: 1 when patients read
// recordings, and 2 more when the person's account may be a doctor.
#define RABT_RECORDING_MAY_SEE                                                                     \
  "WHERE m.tenant = $1 AND m.person IN ($2, $4, $5, $6, $7, $8, $9, $10, $11) AND m.admission IN " \
  "('waiting', 'admitted') AND ($3 >= 2 AND m.role IN ('doctor', 'specialist') AND m.person = $2 " \
  "OR $3 % 2 = 1 AND m.role = 'patient') AND (m.person = $2 OR NOT EXISTS (SELECT 1 FROM "         \
  "session_member o WHERE o.tenant = m.tenant AND o.person = $2 AND o.session = m.session)) "
inline constexpr Statement kOfPerson{
    "SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_OF_MEMBER
    "JOIN session s ON s.tenant = r.tenant AND s.id = r.session " RABT_RECORDING_MAY_SEE
    "AND r.id < $12 AND ($13 = '' OR r.status = $13) ORDER BY r.id DESC LIMIT $14 OFFSET $15"};
#undef RABT_RECORDING_COLUMNS
inline constexpr Statement kCountOfPerson{
    "SELECT count(*) AS count" RABT_RECORDING_OF_MEMBER RABT_RECORDING_MAY_SEE
    "AND ($12 = '' OR r.status = $12)"};
inline constexpr Statement kTotalsOfPerson{
    "SELECT count(*) AS count, CAST(coalesce(sum(r.bytes), 0) AS BIGINT) AS "
    "sum_bytes" RABT_RECORDING_OF_MEMBER RABT_RECORDING_MAY_SEE};
#undef RABT_RECORDING_OF_MEMBER
#undef RABT_RECORDING_MAY_SEE

}  // namespace rabt::consultation::sql::recording
