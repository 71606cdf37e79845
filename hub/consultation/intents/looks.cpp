#include "hub/consultation/intents/looks.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/consultation/intents/statements.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

// Interval of looks at all open rooms.
constexpr std::int64_t kReconcileMs = 3LL * 60 * 1000;
// Interval of looks at rooms under transcription: some providers stop transcribing without an
// event.
constexpr std::int64_t kListenMs = 30'000;
constexpr std::int64_t kMaxReconciled = 1'000;

}  // namespace

Status enter(Acts& acts, std::string_view session, const Command& command) {
  const auto acted = acts.act_as_hub(session, command);
  return acted.ok() ? ok_status() : acted.error();
}

Status lose_room(Acts& acts, VideoProvider& video, std::string_view session) {
  RABT_TRY(visit, acts.load(session));
  if (visit.over()) return ok_status();
  video.forget(session);
  return acts.parts().store.write(lane_of(session), [&](store::Transaction& transaction) {
    return acts.add_event(transaction, visit, "room-lost", Json::object());
  });
}

Intent Looks::look(const Session& session, std::int64_t now) {
  return {.tenant = session.tenant,
          .session = session.id,
          .kind = std::string(kLook),
          .subject = std::to_string(now)};
}

// A look without an answer is repeated at the next interval.
bool Looks::turn(const Call& call) {
  const SessionParts& parts = acts_.parts();
  if (!parts.settings.provider_events) return false;
  const std::int64_t now = parts.clock.now().ms;
  if (reconcile_ms_ == 0) reconcile_ms_ = now + kReconcileMs;
  if (now < reconcile_ms_) return listen(now, call);
  reconcile_ms_ = now + kReconcileMs;
  std::vector<std::string> rooms;
  const Status read = parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::intents::kRoomsOpen, {parts.tenant, kMaxReconciled},
                            [&](const Row& row) {
                              rooms.emplace_back(row.text(sql::intents::kRoomsOpen["id"]));
                              return true;
                            });
  });
  if (!read.ok()) return false;
  for (const std::string& id : rooms) {
    const auto session = acts_.load(id);
    if (!session.ok() || session->over() || session->room.state != "open") continue;
    if (!call(look(*session, now), *session)) return true;
  }
  return !rooms.empty();
}

// Looks at the rooms under transcription whose time has come.
bool Looks::listen(std::int64_t now, const Call& call) {
  bool any = false;
  for (auto next = listening_.begin(); next != listening_.end();) {
    auto& [id, of] = *next;
    if (now < of.due_ms) {
      ++next;
      continue;
    }
    const auto session = acts_.load(id);
    if (!session.ok() || session->over() || session->room.state != "open" ||
        !session->transcript.on) {
      next = listening_.erase(next);
      continue;
    }
    if (!call(look(*session, now), *session)) return true;
    of.due_ms = now + kListenMs;
    any = true;
    ++next;
  }
  return any;
}

void Looks::transcribes(std::string_view session) {
  const std::int64_t now = acts_.parts().clock.now().ms;
  listening_[std::string(session)] = {.since_ms = now, .due_ms = now + kListenMs};
}

// Handles the transcription status in a get-session answer. Providers that report none are polled
// at the normal interval only.
Status Looks::listened(const Session& session, std::int64_t asked, std::string_view status) {
  if (!session.transcript.on) {
    listening_.erase(session.id);
    if (status == "started" && session.transcript.asked_ms == 0)
      return enter(acts_, session.id, TranscriptionSeen{});
    return ok_status();
  }
  const auto place = listening_.find(session.id);
  const bool ran = place != listening_.end() && place->second.since_ms < asked &&
                   place->second.since_ms >= session.transcript.asked_ms;
  // A transcription that is about to begin is not stopped.
  if (status == "failed" || (status == "stopped" && ran)) {
    listening_.erase(session.id);
    return enter(acts_, session.id,
                 TranscriptionLost{.code = std::string(status == "failed" ? kTranscriptionFailed
                                                                          : kTranscriptionStopped),
                                   .at = Timestamp{asked}});
  }
  if (status == "started" && !ran && asked >= session.transcript.asked_ms)
    listening_[session.id] = {.since_ms = asked, .due_ms = asked + kListenMs};
  if (status.empty()) listening_.erase(session.id);
  return ok_status();
}

void Looks::looked(const Intent& intent, const Json& output) {
  const auto session = acts_.load(intent.session);
  // The answer is about another room, or the session is over; its end closed the stays.
  if (!session.ok() || session->over() || session->room.sid != output.string_or("sessionId", ""))
    return;
  const std::int64_t asked = std::stoll(intent.subject);
  const auto written = [&]() -> Status {
    const Json& people = output["participants"];
    RABT_TRY_STATUS(people_of(intent.session, people));
    const std::string status = output.string_or("status", "");
    if (status == "in-progress") {
      RABT_TRY_STATUS(listened(*session, asked, output.string_or("transcription", "")));
      return absent_ones(*session, people, asked);
    }
    const auto ended = parse_iso8601(output.string_or("endedAt", ""));
    const bool lost = status == "failed";
    RABT_TRY_STATUS(
        enter(acts_, intent.session, RoomEnded{ended.ok() ? *ended : Timestamp{asked}, lost}));
    return lost ? lose_room(acts_, video_, intent.session) : ok_status();
  }();
  if (!written.ok())
    acts_.parts().log.warn("session.look",
                           {{"session", intent.session}, {"code", written.error().code}});
}

Status Looks::absent_ones(const Session& session, const Json& people, std::int64_t asked_ms) {
  if (!video_.has(session, "presence") || !people.is_array()) return ok_status();
  const auto& there = people.as_array();
  for (const Stay& stay : session.people.stays) {
    // A person who came while the provider was asked may be missing in its answer.
    if (stay.left_ms || stay.source == "synthetic" || stay.joined_ms >= asked_ms) continue;
    const bool listed = std::any_of(there.begin(), there.end(), [&](const Json& item) {
      return item.string_or("participantId", item.string_or("identity", "")) == stay.sid;
    });
    const Participant* const who = session.participant(stay.participant);
    if (listed || who == nullptr) continue;
    RABT_TRY_STATUS(enter(acts_, session.id,
                          ProviderLeft{.identity = who->identity,
                                       .sid = stay.sid,
                                       .at = Timestamp{asked_ms},
                                       .source = "reconcile"}));
  }
  return ok_status();
}

Status Looks::people_of(std::string_view session, const Json& people) {
  if (!people.is_array()) return ok_status();
  for (const Json& item : people.as_array()) {
    const std::string identity = item.string_or("identity", "");
    const std::string sid = item.string_or("participantId", identity);
    const auto joined = parse_iso8601(item.string_or("joinedAt", ""));
    const auto left = parse_iso8601(item.string_or("leftAt", ""));
    if (!joined.ok()) continue;
    RABT_TRY_STATUS(enter(
        acts_, session,
        ProviderJoined{.identity = identity, .sid = sid, .at = *joined, .source = "reconcile"}));
    if (left.ok())
      RABT_TRY_STATUS(enter(
          acts_, session,
          ProviderLeft{.identity = identity, .sid = sid, .at = *left, .source = "reconcile"}));
  }
  return ok_status();
}

}  // namespace rabt::consultation
