#include "hub/consultation/intents/provider_events.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/intents/looks.hpp"
#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

// Contents of an event that commands are made of.
struct Told {
  std::string identity;
  // The provider's id of the stay.
  std::string sid;
  Timestamp at;
};

// An event that one command enters.
struct EventCommand {
  std::string_view type;
  Command (*command)(const Told&);
};
constexpr std::array<EventCommand, 8> kCommands{{
    {"participant-joined.v1",
     [](const Told& word) -> Command {
       return ProviderJoined{.identity = word.identity, .sid = word.sid, .at = word.at};
     }},
    {"participant-left.v1",
     [](const Told& word) -> Command {
       return ProviderLeft{.identity = word.identity, .sid = word.sid, .at = word.at};
     }},
    {"recording-started.v1", [](const Told& /*told*/) -> Command { return RecordingSeen{}; }},
    {"transcription-started.v1",
     [](const Told& word) -> Command { return TranscriptionSeen{.at = word.at}; }},
    {"transcription-failed.v1",
     [](const Told& word) -> Command {
       return TranscriptionLost{.code = std::string(kTranscriptionFailed), .at = word.at};
     }},
    {"transcription-stopped.v1",
     [](const Told& word) -> Command {
       return TranscriptionLost{
           .code = std::string(kTranscriptionStopped), .at = word.at, .may_be_asked = true};
     }},
    {"transcription-interrupted.v1",
     [](const Told& word) -> Command {
       return TranscriptionPaused{true, word.at};
     }},
    {"transcription-resumed.v1",
     [](const Told& word) -> Command {
       return TranscriptionPaused{false, word.at};
     }},
}};

// The provider's time of the event, else that of its envelope, else now.
Timestamp time_of(const Json& event, Timestamp now) {
  for (const std::string& text : {event["data"].string_or("at", ""), event.string_or("time", "")}) {
    if (const auto said = parse_iso8601(text); said.ok()) return *said;
  }
  return now;
}

}  // namespace

Status ProviderEvents::quality(std::string_view id, const Json& data, Timestamp at) {
  constexpr std::int64_t kWindowMs = 10'000;
  constexpr std::int64_t kLateMs = 3'600'000;
  const Timestamp now = acts_.parts().clock.now();
  if (at.ms > now.ms + kLateMs || at.ms < now.ms - kLateMs) return ok_status();
  RABT_TRY(session, acts_.load(id));
  const std::string identity = data.string_or("identity", "");
  const auto one =
      std::find_if(session.people.participants.begin(), session.people.participants.end(),
                   [&](const Participant& part) { return part.identity == identity; });
  if (session.over() || one == session.people.participants.end()) return ok_status();
  const auto figure = [&](std::string_view name) {
    const Json& value = data[name];
    return value.is_number() ? std::optional<double>(value.as_double()) : std::nullopt;
  };
  const LineSample sample{.at_ms = at.ms - at.ms % kWindowMs,
                          .direction = data.string_or("direction", "down"),
                          .loss_percent = figure("lossPercent"),
                          .jitter_ms = figure("jitterMs"),
                          .rtt_ms = figure("rttMs"),
                          .kbps = figure("kbps")};
  if (!sample.loss_percent && !sample.jitter_ms && !sample.rtt_ms) return ok_status();
  Membership of = membership_of(session, Actor{}, now);
  of.participant = one->id;
  LineBytes bytes;
  const store::Lane lane = lane_of(of.session);
  RABT_TRY_STATUS(acts_.parts().store.write(lane, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(acts_.still_open(transaction, of));
    RABT_TRY(added, add_line_sample(transaction, of, acts_.parts().settings, sample, now));
    bytes = added.bytes;
    for (Json& change : added.changes)
      RABT_TRY_STATUS(
          acts_.add_event(transaction, of, "quality-changed", "node:sessions", std::move(change)));
    return ok_status();
  }));
  acts_.count(Counted::bytes_up, bytes.up);
  acts_.count(Counted::bytes_down, bytes.down);
  return ok_status();
}

Status ProviderEvents::enter_event(std::string_view session, std::string_view type,
                                   const Json& data, Timestamp at) {
  const std::string identity = data.string_or("identity", "");
  const Told word{.identity = identity, .sid = data.string_or("participantId", identity), .at = at};
  for (const EventCommand& command : kCommands) {
    if (command.type == type) return enter(acts_, session, command.command(word));
  }
  const std::string recording = data.string_or("recordingId", "");
  if (type == "ended.v1" && data.string_or("reason", "") == "lost")
    return lose_room(acts_, video_, session);
  if (type == "ended.v1") return enter(acts_, session, RoomEnded{at});
  if (type == "quality.v1") return quality(session, data, at);
  if (type == "recording-failed.v1") return recordings_.broke(session, recording, at);
  if (type == "recording-ready.v1") return recordings_.came(session, recording);
  return ok_status();
}

Status ProviderEvents::take(const Json& event) {
  constexpr std::string_view kPrefix = "org.rabt.session.";
  const std::string type = event.string_or("type", "");
  if (!type.starts_with(kPrefix)) return ok_status();
  const Json& data = event["data"];
  const SessionParts& parts = acts_.parts();
  RABT_TRY(session, acts_.rows().of_room(parts.tenant, data.string_or("sessionId", "")));
  if (!session) {
    // The provider's id of the room, which the log may hold, is what the operator looks for.
    parts.log.info("session.event_unmatched",
                   {{"type", type},
                    {"room", data.string_or("sessionId", "")},
                    {"why", "no session has this room: it is a workflow's, or nobody's"}});
    return ok_status();
  }
  const Status entered = enter_event(*session, std::string_view(type).substr(kPrefix.size()), data,
                                     time_of(event, parts.clock.now()));
  // A rule refuses a repeat, too: the sender need not send one.
  if (!entered.ok() && error_policy(entered.error().kind).retry_helps) return entered.error();
  return ok_status();
}

}  // namespace rabt::consultation
