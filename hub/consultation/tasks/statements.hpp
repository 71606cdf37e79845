#pragma once

#include "hub/store/store.hpp"

// SQL of the table task.
namespace rabt::consultation::sql::tasks {

using store::Statement;

// The columns of a row, in the order of read_task.
#define RABT_TASK_COLUMNS                                                                        \
  "id, kind, title, role, assignee, escalation, object_type, object, instance, patient, state, " \
  "opened_ms, due_ms, overdue, claimed_by, claimed_ms, decided_by, decided_ms, version"
inline constexpr Statement kInsert{
    "INSERT INTO task (tenant, " RABT_TASK_COLUMNS
    ", call, data_key, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
    "$14, 0, '', NULL, '', NULL, 1, $15, $16, $17) ON CONFLICT DO NOTHING"};
inline constexpr Statement kFind{
    "SELECT " RABT_TASK_COLUMNS
    ", data_key, sealed, answer FROM task WHERE tenant = $1 AND id = $2"};
inline constexpr Statement kOfCall{
    "SELECT " RABT_TASK_COLUMNS
    ", data_key, sealed, answer FROM task WHERE tenant = $1 AND call = $2"};
// $3 to $11: a record, and those that are read as one with it.
#define RABT_TASK_ABOUT                                                                         \
  " FROM task WHERE tenant = $1 AND kind = $2 AND object IN ($3, $4, $5, $6, $7, $8, $9, $10, " \
  "$11)"
inline constexpr Statement kAbout{"SELECT " RABT_TASK_COLUMNS
                                  ", data_key, sealed, answer" RABT_TASK_ABOUT
                                  " AND id < $12 ORDER BY id DESC LIMIT $13"};
inline constexpr Statement kCountAbout{"SELECT COUNT(*) AS count" RABT_TASK_ABOUT
                                       " AND state IN ('open', 'claimed')"};
#undef RABT_TASK_ABOUT
// $3: all of them; $4: ",desk,nurse,", roles of the caller; $5: the caller's person.
#define RABT_TASK_SEEN                                                                         \
  " AND ($3 = 1 OR $4 LIKE '%,' || role || ',%' OR (assignee <> '' AND assignee = $5) OR "     \
  "(overdue = 1 AND $4 LIKE '%,' || escalation || ',%'))"                                      \
  " AND ($6 = '' OR role = $6) AND ($7 = '' OR kind = $7) AND ($8 = '' OR object = $8)"        \
  " AND ($9 = '' OR claimed_by = $9 OR (assignee <> '' AND assignee = $10)) ORDER BY id DESC " \
  "LIMIT $11"
inline constexpr Statement kWaiting{
    "SELECT " RABT_TASK_COLUMNS
    " FROM task WHERE tenant = $1 AND id < $2 AND state IN ('open', 'claimed')" RABT_TASK_SEEN};
inline constexpr Statement kInState{
    "SELECT " RABT_TASK_COLUMNS
    " FROM task WHERE tenant = $1 AND id < $2 AND state = $12" RABT_TASK_SEEN};
#undef RABT_TASK_SEEN
inline constexpr Statement kOverdue{
    "SELECT " RABT_TASK_COLUMNS
    " FROM task WHERE due_ms IS NOT NULL AND due_ms <= $2 AND overdue = 0 AND state IN ('open', "
    "'claimed') AND tenant = $1 ORDER BY due_ms LIMIT 100"};
#undef RABT_TASK_COLUMNS
inline constexpr Statement kWaitingByKind{
    "SELECT kind, COUNT(*) AS count, MIN(opened_ms) AS first_opened_ms FROM task WHERE tenant = $1 "
    "AND state IN ('open', "
    "'claimed') GROUP BY kind ORDER BY 3"};
// $2: a person; $3: ",desk,nurse,", roles of the person. As is_for, but a task that names a person
// is for that one alone. A claimed one has its person.
inline constexpr Statement kOpenFor{
    "SELECT COUNT(*) AS count, MIN(CASE WHEN overdue = 0 THEN due_ms END) AS next_due_ms FROM task "
    "WHERE tenant = $1 AND "
    "state IN ('open', 'claimed') AND state <> 'claimed' AND (assignee = $2 OR (assignee = '' AND "
    "$3 LIKE '%,' || role || ',%') OR (overdue = 1 AND $3 LIKE '%,' || escalation || ',%'))"};
inline constexpr Statement kOpenOf{
    "SELECT call, id FROM task WHERE tenant = $1 AND kind = $2 AND state IN ('open', 'claimed')"};
inline constexpr Statement kUpdate{
    "UPDATE task SET state = $4, overdue = $5, claimed_by = $6, claimed_ms = $7, decided_by = $8, "
    "decided_ms = $9, version = version + 1 WHERE tenant = $1 AND id = $2 AND version = $3"};
inline constexpr Statement kAnswer{"UPDATE task SET answer = $3 WHERE tenant = $1 AND id = $2"};

}  // namespace rabt::consultation::sql::tasks
