#include "hub/consultation/recording_link.hpp"
#include "hub/consultation/session_work.hpp"
#include "hub/consultation/sessions_impl.hpp"

// Recordings that wait for an intent that is not there any more.
namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

// Recordings of sessions that are over, for which no intent is open that would settle them. The
// last column is true if the provider ever opened a room for the session.
constexpr Statement kStranded{
    "SELECT r.session, r.id, r.sid <> x'', s.room_sid <> '' OR EXISTS (SELECT 1 FROM "
    "session_effect o WHERE o.tenant = r.tenant AND o.session = r.session AND o.kind = 'open-room' "
    "AND o.subject <> '') FROM session_recording r JOIN session s ON s.tenant = r.tenant AND s.id "
    "= r.session WHERE r.tenant = $1 AND r.status IN ('recording', 'processing') AND s.status IN "
    "('completed', 'cancelled', 'no_show', 'failed') AND NOT EXISTS (SELECT 1 FROM session_effect "
    "e WHERE e.tenant = r.tenant AND e.session = r.session AND e.state = 'open' AND (e.kind = "
    "'collect' OR (e.kind = 'fetch' AND e.subject = r.id))) LIMIT $2"};

constexpr std::int64_t kBatch = 64;
// Interval of the search. The end of a collect or a fetch begins one at once.
constexpr std::int64_t kSearchMs = 10'000;

struct Stranded {
  std::string session;
  std::string recording;
  // The provider named a file of the recording.
  bool named = false;
  bool had_room = false;
};

}  // namespace

bool SessionWork::settle_stranded() {
  const SessionParts& parts = sessions_.parts();
  const std::int64_t now = parts.clock.now().ms;
  if (now < stranded_ms_) return false;
  stranded_ms_ = now + kSearchMs;
  std::vector<Stranded> found;
  const Status read = parts.store.read([&](store::Connection& connection) {
    return connection.query(kStranded, {parts.tenant, kBatch}, [&](const Row& row) {
      found.push_back({.session = std::string(row.text(0)),
                       .recording = std::string(row.text(1)),
                       .named = row.integer(2) != 0,
                       .had_room = row.integer(3) != 0});
      return true;
    });
  });
  if (!read.ok() || found.empty()) return false;
  bool any_left = false;
  for (const Stranded& one : found) {
    const std::string_view code = !one.had_room ? "video.no_room"
                                  : one.named   ? "video.not_fetched"
                                                : "video.not_recorded";
    const Status settled = settle_without_file(one.session, one.recording, code);
    if (settled.ok()) continue;
    parts.log.warn(
        "recording.stranded",
        {{"session", one.session}, {"recording", one.recording}, {"code", settled.error().code}});
    any_left = true;
  }
  if (any_left) return false;
  if (found.size() == static_cast<std::size_t>(kBatch)) stranded_ms_ = 0;
  return true;
}

Status SessionWork::settle_without_file(std::string_view session, std::string_view recording,
                                        std::string_view code) {
  const SessionParts& parts = sessions_.parts();
  const auto is = sessions_.rows().load(parts.tenant, session);
  // A session whose key was destroyed tells nothing more; its recording is settled all the same.
  if (!is.ok() && error_policy(is.error().kind).retry_helps) return is.error();
  parts.log.warn("recording.failed",
                 {{"session", session}, {"recording", recording}, {"code", code}});
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(code == "video.no_room"
                        ? write_none(transaction, parts.tenant, recording, code)
                        : write_failed(transaction, parts.tenant, recording, code));
    if (!is.ok()) return ok_status();
    return sessions_.add_event(transaction, membership_of(*is, Actor{}), "recording-failed",
                               "node:sessions",
                               Json::object({{"recording", recording}, {"code", code}}));
  });
}

}  // namespace rabt::consultation
