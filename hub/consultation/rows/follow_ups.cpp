#include "hub/consultation/rows/follow_ups.hpp"

#include <string>

#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

// Says whether another session than `but` follows one.
Status find_follower(store::Connection& connection, const Session& session,
                     std::string_view followed, std::string_view but, bool& found) {
  return connection.query(sql::rows::kFollowsOn, {session.tenant, session.patient, followed, but},
                          [&](const Row& /*row*/) {
                            found = true;
                            return false;
                          });
}

}  // namespace

Result<bool> is_followed(store::Store& store, const Session& session) {
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return find_follower(connection, session, session.id, session.id, found);
  }));
  return found;
}

Status take_word(store::Transaction& transaction, const Session& session) {
  bool taken = false;
  RABT_TRY_STATUS(
      find_follower(transaction, session, session.ties.follow_up_of, session.id, taken));
  if (!taken) return ok_status();
  return conflict(std::string(kSessionRaced), "another session follows the same one meanwhile");
}

Status check_follow_up(store::Transaction& transaction, const Session& session) {
  constexpr std::int64_t kMostOpen = 20;
  const std::int64_t from = session.schedule.at_ms.value_or(session.created_ms);
  const std::int64_t to = from + session.schedule.minutes * 60'000;
  std::int64_t open = 0;
  std::int64_t then = 0;
  RABT_TRY_STATUS(
      transaction.query(sql::rows::kFollowUps,
                        {session.tenant, session.provider, session.ties.follow_up_of, session.id,
                         session.created_ms - kMostPlannedMinutes * 60'000, from, to},
                        [&](const Row& row) {
                          open = row.integer(sql::rows::kFollowUps["count"]);
                          then = row.integer(sql::rows::kFollowUps["overlapping_count"]);
                          return false;
                        }));
  if (then > 0)
    return conflict("follow_up.taken",
                    "the visit has a follow-up at that time already; choose another time, or "
                    "cancel that one first");
  if (open < kMostOpen) return ok_status();
  return conflict("follow_up.limit", "the visit has " + std::to_string(open) +
                                         " follow-ups that are not over, as many as there may be; "
                                         "cancel one first");
}

}  // namespace rabt::consultation
