#pragma once

#include "hub/store/store.hpp"

// SQL of the tables repair_job, repair_item.
namespace rabt::repair::sql {

using store::Statement;

#define RABT_REPAIR_JOB                                                                        \
  "SELECT id, verb, state, digest, total, more, oldest_ms, filter, effects, created_ms, "      \
  "created_by, started_ms, started_by, every_ms, first, goes_on, passed, failures, ended_ms, " \
  "why, data_key, sealed FROM repair_job WHERE tenant = $1 "
inline constexpr Statement kJobById{RABT_REPAIR_JOB "AND id = $2"};
inline constexpr Statement kJobs{RABT_REPAIR_JOB "AND id < $2 ORDER BY id DESC LIMIT $3"};
inline constexpr Statement kJobsAtWork{
    RABT_REPAIR_JOB
    "AND id IN (SELECT r.id FROM repair_job r WHERE r.tenant = $1 AND r.id > '' AND r.state = "
    "'running' UNION SELECT i.job FROM repair_item i WHERE i.tenant = $1 AND i.job > '' AND "
    "i.state = 'acted') ORDER BY id"};
#undef RABT_REPAIR_JOB
inline constexpr Statement kInsertJob{
    "INSERT INTO repair_job (tenant, id, verb, state, digest, total, more, oldest_ms, filter, "
    "effects, created_ms, created_by, every_ms, first, goes_on, passed, failures, data_key, "
    "sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, "
    "$18, $19)"};
inline constexpr Statement kChangeJob{
    "UPDATE repair_job SET state = $3, started_ms = $4, started_by = $5, every_ms = $6, first = "
    "$7, goes_on = $8, passed = $9, failures = $10, ended_ms = $11, why = $12, data_key = $13, "
    "sealed = $14 WHERE tenant = $1 AND id = $2 AND state = $15"};
// Previews that are too old or too many, and jobs that ended long ago.
inline constexpr Statement kOldJobs{
    "SELECT id FROM repair_job WHERE tenant = $1 AND id > '' AND ((state = 'previewed' AND "
    "created_ms < $2) OR ended_ms < $3)"};
inline constexpr Statement kPreviews{
    "SELECT id FROM repair_job WHERE tenant = $1 AND id > '' AND state = 'previewed' ORDER BY id "
    "DESC"};
inline constexpr Statement kRemoveJob{"DELETE FROM repair_job WHERE tenant = $1 AND id = $2"};

#define RABT_REPAIR_ITEM                                                                 \
  "SELECT n, object, turns, updated_ms, subject, call, state, code, became, at_ms FROM " \
  "repair_item WHERE tenant = $1 AND job = $2 "
inline constexpr Statement kItems{RABT_REPAIR_ITEM
                                  "AND n > $3 AND ($5 = '' OR state = $5) ORDER BY n LIMIT $4"};
inline constexpr Statement kOpenItems{RABT_REPAIR_ITEM "AND state = 'open' ORDER BY n LIMIT $3"};
inline constexpr Statement kActedItems{RABT_REPAIR_ITEM "AND state = 'acted' ORDER BY n"};
#undef RABT_REPAIR_ITEM
inline constexpr Statement kItemCounts{
    "SELECT state, COUNT(*) AS count FROM repair_item WHERE tenant = $1 AND job = $2 GROUP BY "
    "state"};
inline constexpr Statement kInsertItem{
    "INSERT INTO repair_item (tenant, job, n, object, turns, updated_ms, subject, call, state, "
    "code, became) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open', '', '')"};
inline constexpr Statement kActItem{
    "UPDATE repair_item SET state = 'acted', at_ms = $4 WHERE tenant = $1 AND job = $2 AND n = $3 "
    "AND state = 'open' AND EXISTS (SELECT 1 FROM repair_job WHERE tenant = $1 AND id = $2 AND "
    "state = 'running')"};
inline constexpr Statement kEndItem{
    "UPDATE repair_item SET state = $4, code = $5, became = $6, at_ms = $7 WHERE tenant = $1 AND "
    "job = $2 AND n = $3 AND state = $8"};
inline constexpr Statement kRemoveItems{"DELETE FROM repair_item WHERE tenant = $1 AND job = $2"};

}  // namespace rabt::repair::sql
