#include "hub/consultation/session_work.hpp"

#include <algorithm>
#include <array>

#include "hub/base/event_names.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/consultation/hub_events.hpp"
#include "hub/consultation/recording_link.hpp"
#include "hub/consultation/records.hpp"
#include "hub/consultation/sessions_impl.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;
using workflow::OutcomeKind;

constexpr Statement kOpen{
    "SELECT e.tenant, e.session, e.n, e.kind, e.subject, e.attempts FROM session_effect e WHERE "
    "e.state = 'open' AND e.due_ms <= $1 AND NOT EXISTS (SELECT 1 FROM session_effect b WHERE "
    "b.tenant = e.tenant AND b.session = e.session AND b.state = 'open' AND b.n < e.n AND b.kind "
    "<> "
    "'delete') ORDER BY e.due_ms LIMIT $2"};
constexpr Statement kRoomOpen{
    "SELECT count(*) FROM session_effect WHERE session = $1 AND tenant = $2 AND kind = 'open-room' "
    "AND state = 'open'"};
constexpr Statement kCollectOpen{
    "SELECT count(*) FROM session_effect WHERE tenant = $1 AND session = $2 AND kind = 'collect' "
    "AND state = 'open'"};
constexpr Statement kRoomOf{
    "SELECT subject FROM session_effect WHERE tenant = $1 AND session = $2 AND kind = 'open-room' "
    "AND state = 'done' ORDER BY n DESC LIMIT 1"};
constexpr Statement kClose{
    "UPDATE session_effect SET state = $4, code = $5, subject = CASE WHEN $6 = '' THEN subject "
    "ELSE $6 END WHERE tenant = $1 AND session = $2 AND n = $3"};
constexpr Statement kAgain{
    "UPDATE session_effect SET attempts = attempts + 1, due_ms = $4, code = $5 WHERE tenant = $1 "
    "AND session = $2 AND n = $3"};
constexpr Statement kUnsent{
    "SELECT tenant, session, seq, type, at_ms, data, trace FROM session_event WHERE sent = 0 ORDER "
    "BY at_ms, session, seq LIMIT $1"};
constexpr Statement kSent{
    "UPDATE session_event SET sent = 1 WHERE tenant = $1 AND session = $2 AND seq = $3"};

constexpr Statement kRoomsOpen{
    "SELECT tenant, id FROM session WHERE tenant = $1 AND status IN ('scheduled', 'waiting', "
    "'active') AND room_sid <> '' ORDER BY id LIMIT $2"};

// The clock of tests moves without waking anybody.
constexpr std::chrono::milliseconds kIdle{200};
// Between two turns while the disk is full.
constexpr std::chrono::milliseconds kFullDisk{1000};
constexpr std::int64_t kBatch = 64;
// Calls of the provider under way at once.
constexpr std::size_t kMaxInFlight = 32;
constexpr std::int64_t kCallMs = 30'000;
constexpr std::int64_t kFetchMs = 3'600'000;
// A call that is answered `later` is made again so often; a provider that is down for an hour is
// no reason to lose a recording.
constexpr std::int64_t kMaxAttempts = 24;
constexpr std::int64_t kLongestPauseMs = 10LL * 60 * 1000;
// A copy that a provider does not delete is asked for over more than two days.
constexpr std::int64_t kLongestDeletePauseMs = 6LL * 3600 * 1000;
// What was recorded is asked for over nearly two days, the last times as seldom: a disk that is
// full in the evening is made room on in the morning after the next.
constexpr std::int64_t kSeldomFrom = 17;
// News of a provider may be lost: it is asked as often about each room that is open.
constexpr std::int64_t kReconcileMs = 3LL * 60 * 1000;
// A provider that breaks off may tell nobody who does not ask.
constexpr std::int64_t kListenMs = 30'000;
constexpr std::int64_t kMaxReconciled = 1'000;
// The kind of an intent that stands in no row.
constexpr std::string_view kLook = "look";
constexpr std::string_view kDelete = "delete";
constexpr std::string_view kTranscribe = "start-transcription";
constexpr std::string_view kTranscriptionFailed = "video.transcription_failed";
constexpr std::string_view kTranscriptionStopped = "video.transcription_stopped";
constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kGhosts = 2;

// Capability that carries out each kind of intent. The plugin's own names are its own affair.
struct Served {
  std::string_view kind;
  std::string_view capability;
};
constexpr std::array<Served, 11> kServed{{{"open-room", "video.session.create"},
                                          {"end-room", "video.session.end"},
                                          {"collect", "video.recording.list"},
                                          {"fetch", "video.recording.fetch"},
                                          {kDelete, "video.recording.delete"},
                                          {"start-recording", "video.recording.start"},
                                          {"stop-recording", "video.recording.stop"},
                                          {"remove-participant", "video.participant.remove"},
                                          {"hold-receivers", "video.participant.hold"},
                                          {kTranscribe, "video.transcription.start"},
                                          {"stop-transcription", "video.transcription.stop"}}};

std::string capability_of(std::string_view kind) {
  for (const Served& one : kServed) {
    if (one.kind == kind) return std::string(one.capability);
  }
  RABT_CHECK(false);
  return {};
}

std::int64_t pause_ms(std::string_view kind, std::int64_t attempts) {
  const bool recording = kind == "collect" || kind == "fetch";
  if (recording && attempts >= kSeldomFrom) return kLongestDeletePauseMs;
  return std::min<std::int64_t>(kind == kDelete ? kLongestDeletePauseMs : kLongestPauseMs,
                                500LL << std::min<std::int64_t>(attempts, 16));
}

}  // namespace

void SessionWork::start(SessionService::Deliver deliver) {
  deliver_ = std::move(deliver);
  thread_ = std::thread([this] { run(); });
}

void SessionWork::stop() {
  {
    const Lock lock(box_->mutex);
    box_->stopping = true;
  }
  box_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SessionWork::wake() {
  {
    const Lock lock(box_->mutex);
    box_->woken = true;
  }
  box_->changed.notify_all();
}

void SessionWork::run() {
  Box& box = *box_;
  Lock lock(box.mutex);
  while (!box.stopping) {
    lock.unlock();
    turn();
    const bool full = sessions_.parts().store.stats().disk_full;
    lock.lock();
    // A failed write is due again at once: only time helps.
    if (full) {
      box.changed.wait_for(lock, kFullDisk,
                           [&]() RABT_REQUIRES(box.mutex) { return box.stopping; });
    } else {
      box.changed.wait_for(lock, kIdle, [&]() RABT_REQUIRES(box.mutex) {
        return box.stopping || box.woken || !box.ended.empty();
      });
    }
    box.woken = false;
  }
}

void SessionWork::turn() {
  const Lock one(turn_);
  // Each of them makes work for the others: an outcome may end a session, whose events are told.
  for (int round = 0; round < 8; ++round) {
    const bool settled = settle_all();
    const bool ticked = timers();
    const bool asked = ask();
    const bool told = tell();
    const bool looked_at = reconcile();
    const bool freed = settle_stranded();
    if (!looked_at && !settled && !ticked && !asked && !told && !freed) return;
    if (sessions_.parts().store.stats().disk_full) return;
  }
}

void SessionWork::wait_for_room(std::string_view session, std::chrono::milliseconds patience) {
  // Patience is counted in waits: the clock of tests stands still.
  constexpr std::chrono::milliseconds kSlice{100};
  auto slices = patience / kSlice;
  wake();
  Box& box = *box_;
  Lock lock(box.mutex);
  while (!box.stopping) {
    const std::uint64_t seen = box.settled;
    lock.unlock();
    std::int64_t open = 0;
    const Status read = sessions_.parts().store.read([&](store::Connection& connection) {
      return connection.query(kRoomOpen, {session, sessions_.parts().tenant}, [&](const Row& row) {
        open = row.integer(0);
        return false;
      });
    });
    lock.lock();
    if (!read.ok() || open == 0) return;
    while (!box.changed.wait_for(lock, kSlice, [&]() RABT_REQUIRES(box.mutex) {
      return box.stopping || box.settled != seen;
    })) {
      if (--slices <= 0) return;
    }
  }
}

// ---- Timers

bool SessionWork::timers() {
  const auto due =
      sessions_.rows().due(sessions_.parts().clock.now(), static_cast<std::size_t>(kBatch));
  if (!due.ok()) return false;
  bool any = false;
  for (const auto& [tenant, id] : *due) {
    const auto acted = sessions_.act_as_hub(id, Tick{});
    if (acted.ok() && !acted->change.unchanged) any = true;
    if (!acted.ok())
      sessions_.parts().log.warn("session.timer", {{"session", id}, {"code", acted.error().code}});
  }
  return any;
}

// ---- Events out

bool SessionWork::tell() {
  if (!deliver_) return false;
  struct Unsent {
    std::string tenant;
    std::string session;
    std::int64_t seq = 0;
    std::string type;
    std::int64_t at_ms = 0;
    std::string data;
    std::string trace;
  };
  std::vector<Unsent> unsent;
  const Status read = sessions_.parts().store.read([&](store::Connection& connection) {
    return connection.query(kUnsent, {kBatch}, [&](const Row& row) {
      unsent.push_back({.tenant = std::string(row.text(0)),
                        .session = std::string(row.text(1)),
                        .seq = row.integer(2),
                        .type = std::string(row.text(3)),
                        .at_ms = row.integer(4),
                        .data = std::string(row.text(5)),
                        .trace = std::string(row.text(6))});
      return true;
    });
  });
  if (!read.ok()) return false;
  const std::size_t outside = tell_hub_events(sessions_.parts().store, sessions_.parts().random,
                                              sessions_.parts().log, deliver_);
  told_ += outside;
  const bool any = outside > 0;
  // What was told, as far as it came.
  std::vector<Json> delivered;
  for (const Unsent& one : unsent) {
    auto data = Json::parse(one.data);
    const std::string id = one.session + "/" + std::to_string(one.seq);
    engine::Delivery delivery;
    delivery.tenant = one.tenant;
    delivery.source = "hub";
    delivery.dedupe_id = id;
    delivery.body_sha256 = std::string(as_text(crypto::sha256(one.data)));
    delivery.events.push_back(
        Json::object({{"specversion", "1.0"},
                      {"id", id},
                      {"source", "/hub/sessions"},
                      {"type", event_type("session." + one.type)},
                      {"time", to_iso8601({one.at_ms})},
                      {"subject", one.session},
                      {"datacontenttype", "application/json"},
                      {"data", data.ok() ? std::move(*data) : Json::object()}}));
    if (!one.trace.empty()) {
      delivery.events.front().set("traceparent",
                                  traceparent_of(one.trace, sessions_.parts().random));
    }
    if (const Status told = deliver_(delivery); !told.ok()) {
      sessions_.parts().log.warn("session.event",
                                 {{"session", one.session}, {"code", told.error().code}});
      break;
    }
    delivered.push_back(delivery.events.front()["data"]);
  }
  if (delivered.empty()) return any;
  // The same delivery again is known to whoever takes it: told once, whenever we stop before this
  // commit.
  const Status marked = sessions_.parts().store.write([&](store::Transaction& transaction) {
    for (std::size_t i = 0; i < delivered.size(); ++i)
      transaction.put(kSent, {unsent[i].tenant, unsent[i].session, unsent[i].seq});
    return ok_status();
  });
  if (!marked.ok()) return any;
  for (std::size_t i = 0; i < delivered.size(); ++i) {
    ++told_;
    sessions_.parts().log.info("session.told",
                               {{"session", unsent[i].session}, {"type", unsent[i].type}});
    sessions_.figures().told(unsent[i].type, delivered[i]);
  }
  return true;
}

// ---- Calls of the provider

bool SessionWork::ask() {
  std::vector<Intent> open;
  const Status read = sessions_.parts().store.read([&](store::Connection& connection) {
    return connection.query(kOpen, {sessions_.parts().clock.now().ms, kBatch}, [&](const Row& row) {
      open.push_back({.tenant = std::string(row.text(0)),
                      .session = std::string(row.text(1)),
                      .n = row.integer(2),
                      .kind = std::string(row.text(3)),
                      .subject = std::string(row.text(4)),
                      .attempts = row.integer(5)});
      return true;
    });
  });
  if (!read.ok()) return false;
  bool any = false;
  for (Intent& intent : open) {
    intent.asked_ms = sessions_.parts().clock.now().ms;
    {
      const Lock lock(box_->mutex);
      if (box_->stopping || box_->in_flight.size() >= kMaxInFlight) break;
      if (!box_->in_flight.emplace(intent.session, intent.n).second) continue;
    }
    any = true;
    carry_out(intent);
  }
  return any;
}

// For the accounting of disclosures, durable before the first byte goes: whom the provider learns
// of, under the names of that session alone. A repeat of the call sends the same again.
Status SessionWork::note_disclosure(const Session& is, const std::string& action,
                                    const Json& arguments) const {
  const SessionParts& parts = sessions_.parts();
  if (is.patient_pseudonym.empty()) return ok_status();
  const auto recipient = parts.actions.recipient(is.provider_plugin, action, "1.0.0");
  if (!recipient) return ok_status();
  Json fields = Json::array();
  for (const auto& [name, value] : arguments.as_object()) fields.push_back(name);
  const audit::Prepared entry = parts.audit.prepare(
      {.tenant = is.tenant,
       .actor = "node:sessions",
       .act = "action.sent",
       .object = "session:" + is.id,
       .result = "ok",
       .detail =
           Json::object({{"role", "video"},
                         {"task", "open-room"},
                         {"recipient", recipient->plugin},
                         {"version", recipient->version},
                         {"host", recipient->hosts.empty() ? "none" : recipient->hosts.front()},
                         {"capability", action + ":1.0.0"},
                         {"fields", std::move(fields)}}),
       .patient = is.patient_pseudonym,
       .purpose = "TREAT"});
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, entry); });
}

// A table: one part a kind of intent.
void SessionWork::carry_out(const Intent& intent) {
  const auto answer = [box = box_, intent](workflow::ActionOutcome outcome) {
    const Lock lock(box->mutex);
    box->ended.push_back({intent, std::move(outcome)});
    box->changed.notify_all();
  };
  const auto skip = [&](std::string_view why) {
    answer({.kind = OutcomeKind::done, .output = Json::object({{"skipped", why}})});
  };
  // The session goes on without what it was told of: people are told so.
  const auto none = [&](std::string_view code) {
    answer(plugin::failed(OutcomeKind::permanent, std::string(code),
                          "the provider has opened no room"));
  };
  auto loaded = sessions_.rows().load(intent.tenant, intent.session);
  if (!loaded.ok()) {
    answer(plugin::failed(OutcomeKind::transient, loaded.error().code, loaded.error().message));
    return;
  }
  const Session& is = *loaded;
  std::string room = is.room_sid;
  if (room.empty() && intent.kind != "open-room") {
    (void)sessions_.parts().store.read([&](store::Connection& connection) {
      return connection.query(kRoomOf, {intent.tenant, intent.session}, [&](const Row& row) {
        room = std::string(row.text(0));
        return false;
      });
    });
  }
  // A room that ended before the session did.
  if (intent.kind == "collect" && !intent.subject.empty()) room = intent.subject;
  Json arguments = Json::object({{"sessionId", room}});
  const std::string action = capability_of(intent.kind);
  // the room has the session's name at the provider, too, also when it is opened again.
  std::string key = is.id + "/" + std::to_string(intent.n);
  std::int64_t timeout = kCallMs;
  if (intent.kind == "open-room") {
    if (is.over() && intent.attempts == 0) return skip("over");
    key = is.room_name;
    Json people = Json::array();
    for (const Participant& one : is.participants) {
      if (!one.admitted()) continue;
      Json person = Json::object({{"role", provider_role(one.role)}, {"identity", one.identity}});
      if (only_receives(is.type, one.role) && sessions_.video().has(is, "receive-only"))
        person.set("receiveOnly", true);
      people.push_back(std::move(person));
    }
    // The hub counts persons. Whoever lost the line may stand in the room twice for a while.
    arguments = Json::object({{"reference", is.room_name},
                              {"participants", std::move(people)},
                              {"maxParticipants", is.max_participants + kGhosts}});
  } else if (intent.kind == "fetch" || intent.kind == "delete") {
    const auto recording = find_session_recording(sessions_.parts(), intent.subject);
    if (!recording.ok() && recording.error().kind != ErrorKind::not_found) {
      answer(plugin::failed(OutcomeKind::transient, recording.error().code,
                            recording.error().message));
      return;
    }
    if (!recording.ok() || recording->sid.empty()) return skip("unknown");
    if (intent.kind == kDelete && !sessions_.video().serves(is, action)) return skip("not_served");
    arguments = Json::object({{"recordingId", recording->sid}});
    if (intent.kind == "fetch") timeout = kFetchMs;
  } else if (intent.kind == "remove-participant") {
    const Participant* const one = is.participant(intent.subject);
    if (room.empty() || one == nullptr || is.over()) return skip("no_room");
    if (!sessions_.video().serves(is, action)) return skip("not_served");
    arguments.set("identity", one->identity);
  } else if (intent.kind == "hold-receivers") {
    if (room.empty() || is.over()) return skip("no_room");
    Json receivers = Json::array();
    for (const Participant& one : is.participants) {
      if (one.takes_part() && only_receives(is.type, one.role)) receivers.push_back(one.identity);
    }
    if (receivers.size() == 0) return skip("nobody");
    arguments.set("receivers", std::move(receivers));
  } else if (intent.kind == kTranscribe) {
    // What was stopped again meanwhile does not begin.
    if (!is.transcribed) return skip("stopped");
    if (room.empty()) return none("video.no_room");
    arguments.set("language", is.language);
  } else if (intent.kind == "start-recording" && is.over() && intent.attempts == 0) {
    // The room came after the end: there is nobody to record.
    return skip("over");
  } else if (intent.kind == "start-recording" && room.empty() && !is.over()) {
    return none("video.no_room");
  } else if (room.empty()) {
    // There is no room to record in, to collect from or to end.
    return skip("no_room");
  }
  if (intent.kind == "open-room" && intent.attempts == 0) {
    if (const Status written = note_disclosure(is, action, arguments); !written.ok()) {
      answer(plugin::failed(OutcomeKind::transient, written.error().code, written.error().message));
      return;
    }
  }
  ++calls_;
  sessions_.video().call(is, action, std::move(arguments), std::move(key), timeout,
                         static_cast<std::uint32_t>(intent.attempts + 1), answer);
}

// Asks about rooms. What is not answered is asked again the next time.
bool SessionWork::reconcile() {
  const SessionParts& parts = sessions_.parts();
  if (!parts.settings.provider_events) return false;
  const std::int64_t now = parts.clock.now().ms;
  if (reconcile_ms_ == 0) reconcile_ms_ = now + kReconcileMs;
  if (now < reconcile_ms_) return listen(now);
  reconcile_ms_ = now + kReconcileMs;
  std::vector<std::pair<std::string, std::string>> rooms;
  const Status read = parts.store.read([&](store::Connection& connection) {
    return connection.query(kRoomsOpen, {parts.tenant, kMaxReconciled}, [&](const Row& row) {
      rooms.emplace_back(row.text(0), row.text(1));
      return true;
    });
  });
  if (!read.ok()) return false;
  for (const auto& [tenant, id] : rooms) {
    const auto is = sessions_.rows().load(tenant, id);
    if (!is.ok() || is->over() || is->room != "open") continue;
    if (!look(*is, now)) return true;
  }
  return !rooms.empty();
}

// The rooms in which it transcribes, when it is their time.
bool SessionWork::listen(std::int64_t now) {
  bool any = false;
  for (auto next = listening_.begin(); next != listening_.end();) {
    auto& [id, of] = *next;
    if (now < of.due_ms) {
      ++next;
      continue;
    }
    const auto is = sessions_.rows().load(sessions_.parts().tenant, id);
    if (!is.ok() || is->over() || is->room != "open" || !is->transcribed) {
      next = listening_.erase(next);
      continue;
    }
    if (!look(*is, now)) return true;
    of.due_ms = now + kListenMs;
    any = true;
    ++next;
  }
  return any;
}

// False when no more calls can be under way.
bool SessionWork::look(const Session& is, std::int64_t now) {
  const Intent intent{.tenant = is.tenant,
                      .session = is.id,
                      .kind = std::string(kLook),
                      .subject = std::to_string(now)};
  {
    const Lock lock(box_->mutex);
    if (box_->stopping || box_->in_flight.size() >= kMaxInFlight) return false;
    if (!box_->in_flight.emplace(is.id, 0).second) return true;
  }
  ++calls_;
  sessions_.video().call(is, "video.session.get", Json::object({{"sessionId", is.room_sid}}),
                         is.id + "/look/" + intent.subject, kCallMs, 1,
                         [box = box_, intent](workflow::ActionOutcome outcome) {
                           const Lock lock(box->mutex);
                           box->ended.push_back({intent, std::move(outcome)});
                           box->changed.notify_all();
                         });
  return true;
}

// What a provider told that says of a room whether it transcribes. One that does not is asked about
// its rooms as seldom as before: it tells by itself.
Status SessionWork::listened(const Intent& intent, const Session& is, std::string_view status) {
  const std::int64_t asked = std::stoll(intent.subject);
  if (!is.transcribed) {
    listening_.erase(is.id);
    if (status == "started" && is.transcribed_ms == 0)
      return told_late(intent, TranscriptionSeen{});
    return ok_status();
  }
  const auto known = listening_.find(is.id);
  const bool ran = known != listening_.end() && known->second.since_ms < asked &&
                   known->second.since_ms >= is.transcribed_ms;
  // What is about to begin is not stopped.
  if (status == "failed" || (status == "stopped" && ran)) {
    listening_.erase(is.id);
    return told_late(
        intent, TranscriptionLost{.code = std::string(status == "failed" ? kTranscriptionFailed
                                                                         : kTranscriptionStopped),
                                  .at = Timestamp{asked}});
  }
  if (status == "started" && !ran && asked >= is.transcribed_ms)
    listening_[is.id] = {.since_ms = asked, .due_ms = asked + kListenMs};
  if (status.empty()) listening_.erase(is.id);
  return ok_status();
}

// What get-session told. Who came or left without news is entered, and a room that is gone.
void SessionWork::looked(const Intent& intent, const Json& output) {
  const auto is = sessions_.rows().load(intent.tenant, intent.session);
  // Meanwhile it is another room, or the session is over: then its end tells who was there.
  if (!is.ok() || is->over() || is->room_sid != output.string_or("sessionId", "")) return;
  Status written = people_of(intent, output["participants"]);
  const std::int64_t asked = std::stoll(intent.subject);
  const std::string status = output.string_or("status", "");
  if (status != "in-progress") {
    const auto ended = parse_iso8601(output.string_or("endedAt", ""));
    const bool lost = status == "failed";
    if (written.ok())
      written = told_late(intent, RoomEnded{ended.ok() ? *ended : Timestamp{asked}, lost});
    if (written.ok() && lost) written = sessions_.lost_room(intent.session);
  } else if (written.ok()) {
    written = listened(intent, *is, output.string_or("transcription", ""));
  }
  if (status == "in-progress" && sessions_.video().has(*is, "presence") &&
      output["participants"].is_array()) {
    const auto& people = output["participants"].as_array();
    for (const Stay& stay : is->stays) {
      // Who came while the provider was asked may be missing in its answer.
      if (stay.left_ms || stay.source == "synthetic" || stay.joined_ms >= asked) continue;
      const bool there = std::any_of(people.begin(), people.end(), [&](const Json& one) {
        return one.string_or("participantId", one.string_or("identity", "")) == stay.sid;
      });
      const Participant* const who = is->participant(stay.participant);
      if (there || who == nullptr || !written.ok()) continue;
      written = told_late(intent, ProviderLeft{.identity = who->identity,
                                               .sid = stay.sid,
                                               .at = Timestamp{asked},
                                               .source = "reconcile"});
    }
  }
  if (!written.ok())
    sessions_.parts().log.warn("session.look",
                               {{"session", intent.session}, {"code", written.error().code}});
}

bool SessionWork::settle_all() {
  bool any = false;
  while (true) {
    Ended ended;
    {
      const Lock lock(box_->mutex);
      if (box_->ended.empty()) return any;
      ended = std::move(box_->ended.front());
      box_->ended.pop_front();
    }
    settle(ended);
    any = true;
    if (ended.intent.kind == "collect" || ended.intent.kind == "fetch") stranded_ms_ = 0;
    {
      const Lock lock(box_->mutex);
      box_->in_flight.erase({ended.intent.session, ended.intent.n});
      ++box_->settled;
    }
    box_->changed.notify_all();
  }
}

void SessionWork::settle(const Ended& ended) {
  const Intent& intent = ended.intent;
  const workflow::ActionOutcome& outcome = ended.outcome;
  if (intent.kind == kLook) {
    if (outcome.kind == OutcomeKind::done) looked(intent, outcome.output);
    return;
  }
  if (intent.kind == kDelete) {
    const Status written = settle_deletion(intent, outcome);
    if (!written.ok()) again(intent, written.error().code, 0);
    return;
  }
  switch (outcome.kind) {
    case OutcomeKind::done: {
      const Status written = settle_done(intent, outcome.output);
      // What could not be written is asked again: every call is safe to repeat by its key.
      if (!written.ok()) again(intent, written.error().code, 0);
      return;
    }
    case OutcomeKind::transient:
    case OutcomeKind::ambiguous:
      if (intent.attempts + 1 < kMaxAttempts) {
        again(intent, outcome.code, 0);
      } else {
        give_up(intent, outcome.kind == OutcomeKind::ambiguous ? "parked" : "refused",
                outcome.code);
      }
      return;
    default:
      give_up(intent, "refused", outcome.code,
              refuses_credentials(outcome) ? "video.credentials" : "video.room_refused",
              outcome.message);
      return;
  }
}

Status SessionWork::close(const Intent& intent, std::string_view state, std::string_view code,
                          std::string_view subject) {
  return sessions_.parts().store.write([&](store::Transaction& transaction) {
    return store::run(transaction, kClose,
                      {intent.tenant, intent.session, intent.n, state, code, subject});
  });
}

void SessionWork::again(const Intent& intent, std::string_view code, std::int64_t retry_after_ms) {
  const std::int64_t due = sessions_.parts().clock.now().ms +
                           std::max(retry_after_ms, pause_ms(intent.kind, intent.attempts));
  const Status written = sessions_.parts().store.write([&](store::Transaction& transaction) {
    return store::run(transaction, kAgain, {intent.tenant, intent.session, intent.n, due, code});
  });
  if (!written.ok())
    sessions_.parts().log.warn("session.effect",
                               {{"session", intent.session}, {"code", written.error().code}});
}

void SessionWork::give_up(const Intent& intent, std::string_view state, std::string_view code,
                          std::string_view refused, std::string_view message) {
  if (state == "parked") ++parked_;
  sessions_.parts().log.warn("session.effect", {{"session", intent.session},
                                                {"kind", intent.kind},
                                                {"state", state},
                                                {"code", code},
                                                {"message", message}});
  // Nobody says what became of those whose files were not found.
  std::vector<std::string> lost;
  if (intent.kind == "collect" && intent.subject.empty()) {
    const auto session = sessions_.rows().load(intent.tenant, intent.session);
    const auto known = session.ok() ? recordings_of(sessions_.parts(), *session)
                                    : Result<std::vector<KeptRecording>>(session.error());
    if (known.ok()) {
      for (const KeptRecording& one : *known) {
        if (one.sid.empty() && one.status == "processing") lost.push_back(one.id);
      }
    }
  }
  const auto closed = [&](store::Transaction& transaction, const Change& change) -> Status {
    for (const std::string& id : lost) {
      RABT_TRY_STATUS(write_failed(transaction, intent.tenant, id, code));
      RABT_TRY_STATUS(sessions_.add_event(transaction, membership_of(change.after, Actor{}),
                                          "recording-failed", "node:sessions",
                                          Json::object({{"recording", id}, {"code", code}})));
    }
    if (!intent.subject.empty() && (intent.kind == "fetch" || intent.kind == "start-recording"))
      RABT_TRY_STATUS(write_failed(transaction, intent.tenant, intent.subject, code));
    if (intent.kind == "fetch")
      RABT_TRY_STATUS(sessions_.add_event(
          transaction, membership_of(change.after, Actor{}), "recording-failed", "node:sessions",
          Json::object({{"recording", intent.subject}, {"code", code}})));
    return store::run(transaction, kClose,
                      {intent.tenant, intent.session, intent.n, state, code, ""});
  };
  const auto acted =
      intent.kind == "open-room"
          ? sessions_.act_as_hub(
                intent.session,
                RoomNotOpened{.warning =
                                  std::string(state == "parked" ? "video.room_unknown" : refused)},
                closed)
      : intent.kind == "start-recording"
          ? sessions_.act_as_hub(intent.session, RecordingLost{intent.subject, std::string(code)},
                                 closed)
      : intent.kind == kTranscribe
          ? sessions_.act_as_hub(intent.session, TranscriptionLost{.code = std::string(code)},
                                 closed)
          : sessions_.act_as_hub(intent.session, Look{}, closed);
  if (!acted.ok())
    sessions_.parts().log.warn("session.effect",
                               {{"session", intent.session}, {"code", acted.error().code}});
}

Status SessionWork::settle_done(const Intent& intent, const Json& output) {
  if (output.find("skipped") != nullptr) return close(intent, "done", "skipped", "");
  if (intent.kind == "open-room") return opened(intent, output);
  if (intent.kind == "end-room") return ended_room(intent, output);
  if (intent.kind == "collect") return collected(intent, output);
  if (intent.kind == "fetch") return fetched(intent, output);
  // The room was gone: nothing is recorded, and nobody may believe that something is.
  if (intent.kind == "start-recording" && !output.bool_or("recording", true)) {
    give_up(intent, "refused", "video.not_recording");
    return ok_status();
  }
  if (intent.kind == kTranscribe && !output.bool_or("transcribing", true)) {
    give_up(intent, "refused", "video.not_transcribing");
    return ok_status();
  }
  if (intent.kind == kTranscribe) {
    const std::int64_t now = sessions_.parts().clock.now().ms;
    listening_[intent.session] = {.since_ms = now, .due_ms = now + kListenMs};
  }
  return close(intent, "done", "", "");
}

// The provider is asked until it has deleted its copy, whatever it answers: what it refuses today
// is often mended by its operator. When it never does, the recording says so.
Status SessionWork::settle_deletion(const Intent& intent, const workflow::ActionOutcome& outcome) {
  const SessionParts& parts = sessions_.parts();
  const bool done = outcome.kind == OutcomeKind::done;
  const bool unknown = done && outcome.output.string_or("skipped", "") == "unknown";
  if (unknown) return close(intent, "done", "skipped", "");
  const bool served = !done || outcome.output.find("skipped") == nullptr;
  const bool deleted = done && served && outcome.output.bool_or("deleted", true);
  const std::string code = deleted   ? std::string()
                           : !served ? "video.no_deletion"
                           : done    ? "video.not_deleted"
                                     : outcome.code;
  const bool last = !served || intent.attempts + 1 >= kMaxAttempts;
  sessions_.figures().copy(deleted ? "deleted" : last ? "left" : "refused");
  if (!deleted)
    parts.log.warn("recording.copy", {{"session", intent.session},
                                      {"recording", intent.subject},
                                      {"code", code},
                                      {"copy", last ? "left" : "deleting"}});
  if (!deleted && !last) {
    again(intent, code, 0);
    return ok_status();
  }
  RABT_TRY(session, sessions_.rows().load(intent.tenant, intent.session));
  const audit::Prepared entry =
      parts.audit.prepare({.tenant = session.tenant,
                           .actor = "node:sessions",
                           .act = deleted ? "recording.copy_deleted" : "recording.copy_left",
                           .object = "recording:" + intent.subject,
                           .result = deleted ? "ok" : "failed",
                           .detail = Json::object({{"session", session.id}, {"code", code}}),
                           .patient = session.patient_pseudonym});
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        write_copy(transaction, intent.tenant, intent.subject, deleted ? "deleted" : "left", code));
    RABT_TRY_STATUS(store::run(
        transaction, kClose,
        {intent.tenant, intent.session, intent.n, deleted ? "done" : "refused", code, ""}));
    return parts.audit.append(transaction, entry);
  });
}

Status SessionWork::opened(const Intent& intent, const Json& output) {
  const std::string sid = output.string_or("sessionId", "");
  if (sid.empty()) {
    give_up(intent, "refused", "video.no_room");
    return ok_status();
  }
  const auto acted = sessions_.act_as_hub(
      intent.session, RoomOpened{.sid = sid, .region = output.string_or("region", "")},
      [&](store::Transaction& transaction, const Change& /*change*/) {
        return store::run(transaction, kClose,
                          {intent.tenant, intent.session, intent.n, "done", "", sid});
      });
  return acted.ok() ? ok_status() : acted.error();
}

// The provider knows who was there, also when its news were lost.
Status SessionWork::ended_room(const Intent& intent, const Json& output) {
  if (sessions_.parts().settings.provider_events)
    RABT_TRY_STATUS(people_of(intent, output["participants"]));
  return close(intent, "done", "", "");
}

Status SessionWork::people_of(const Intent& intent, const Json& people) {
  if (!people.is_array()) return ok_status();
  for (const Json& one : people.as_array()) {
    const std::string identity = one.string_or("identity", "");
    const std::string sid = one.string_or("participantId", identity);
    const auto joined = parse_iso8601(one.string_or("joinedAt", ""));
    const auto left = parse_iso8601(one.string_or("leftAt", ""));
    if (!joined.ok()) continue;
    RABT_TRY_STATUS(told_late(
        intent,
        ProviderJoined{.identity = identity, .sid = sid, .at = *joined, .source = "reconcile"}));
    if (left.ok())
      RABT_TRY_STATUS(told_late(
          intent,
          ProviderLeft{.identity = identity, .sid = sid, .at = *left, .source = "reconcile"}));
  }
  return ok_status();
}

Status SessionWork::told_late(const Intent& intent, const Command& command) {
  const auto acted = sessions_.act_as_hub(intent.session, command);
  return acted.ok() ? ok_status() : acted.error();
}

Status SessionWork::collected(const Intent& intent, const Json& output) {
  if (!output.bool_or("ready", false)) {
    if (intent.attempts + 1 < kMaxAttempts) {
      again(intent, "video.processing", 2'000);
    } else {
      give_up(intent, "refused", "video.processing");
    }
    return ok_status();
  }
  const SessionParts& parts = sessions_.parts();
  RABT_TRY(session, sessions_.rows().load(intent.tenant, intent.session));
  RABT_TRY(bound, bind_recordings(parts, session, output, intent.subject.empty()));
  const Timestamp now = parts.clock.now();
  for (const BoundRecording& one : bound) {
    if (one.problem.empty() || one.settled) continue;
    parts.log.warn("recording.failed", {{"session", session.id},
                                        {"recording", one.id},
                                        {"code", one.problem},
                                        {"copy", one.sid.empty() ? "none" : "kept"}});
  }
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    for (const BoundRecording& one : bound) {
      RABT_TRY_STATUS(write_bound(transaction, session, one));
      if (one.settled) continue;
      if (!one.problem.empty()) {
        RABT_TRY_STATUS(sessions_.add_event(
            transaction, membership_of(session, Actor{}), "recording-failed", "node:sessions",
            Json::object({{"recording", one.id}, {"code", one.problem}})));
      } else {
        RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, "fetch", one.id, now));
      }
    }
    return store::run(transaction, kClose,
                      {intent.tenant, intent.session, intent.n, "done", "", ""});
  });
}

Status SessionWork::fetched(const Intent& intent, const Json& output) {
  const SessionParts& parts = sessions_.parts();
  RABT_TRY(session, sessions_.rows().load(intent.tenant, intent.session));
  RABT_TRY(recording, find_session_recording(parts, intent.subject));
  const Timestamp now = parts.clock.now();
  // the longer of the two counts.
  const Timestamp kept{now.ms + std::max(parts.settings.recording_retention_days,
                                         parts.settings.legal_retention_days) *
                                    kDayMs};
  RABT_TRY(job, prepare_keep(parts,
                             {.id = recording.id,
                              .consultation = session.id,
                              .external = recording.sid,
                              .kind = recording.kind.empty() ? "composition" : recording.kind,
                              .retain_until = kept},
                             output.string_or("blob", "")));
  // The provider's copy goes next: what was sealed must be all that it has.
  const auto sealed = static_cast<std::int64_t>(job.blob.bytes);
  const bool whole = (recording.bytes == 0 || recording.bytes == sealed) &&
                     output.int_or("bytes", sealed) == sealed &&
                     output.string_or("sha256", job.blob.sha256) == job.blob.sha256;
  if (!whole) {
    constexpr std::string_view kCode = "recording.truncated";
    parts.log.warn(kCode, {{"session", session.id},
                           {"recording", recording.id},
                           {"message",
                            "the provider handed out another length or digest than it "
                            "says; its copy is kept"}});
    if (intent.attempts + 1 < kMaxAttempts) {
      again(intent, kCode, 0);
    } else {
      give_up(intent, "refused", kCode);
    }
    return ok_status();
  }
  Json stored = Json::object(
      {{"session", session.id}, {"bytes", job.blob.bytes}, {"sha256", job.blob.sha256}});
  Json told = Json::object(
      {{"recording", recording.id}, {"bytes", job.blob.bytes}, {"sha256", job.blob.sha256}});
  // The plugin says so where the provider could not record everything.
  recording.incomplete = Json();
  if (const Json& lacks = output["incomplete"]; lacks.is_object()) {
    const std::string why = lacks.string_or("code", "video.incomplete");
    recording.incomplete =
        Json::object({{"code", why}, {"message", lacks.string_or("message", "")}});
    stored.set("incomplete", why);
    told.set("incomplete", why);
    parts.log.warn("recording.incomplete",
                   {{"session", session.id}, {"recording", recording.id}, {"code", why}});
  }
  RABT_TRY(sealed_row, seal_recording(parts, session, recording));
  // Before the commit with which the provider is asked to delete its own.
  RABT_TRY_STATUS(sessions_.said_in(session, recording.id, output["said"]));
  const audit::Prepared entry = parts.audit.prepare({.tenant = session.tenant,
                                                     .actor = "node:sessions",
                                                     .act = "recording.stored",
                                                     .object = "recording:" + recording.id,
                                                     .result = "ok",
                                                     .detail = stored,
                                                     .patient = session.patient_pseudonym});
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(write_keep(transaction, parts, job));
    RABT_TRY_STATUS(write_ready(transaction, session.tenant, recording.id, job.blob, sealed_row,
                                now, job.what.retain_until));
    // In this commit: whenever the hub stops, the deletion stands beside the sealed copy.
    RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, kDelete, recording.id, now));
    RABT_TRY_STATUS(sessions_.add_event(transaction, membership_of(session, Actor{}),
                                        "recording-ready", "node:sessions", told));
    RABT_TRY_STATUS(
        store::run(transaction, kClose, {intent.tenant, intent.session, intent.n, "done", "", ""}));
    return parts.audit.append(transaction, entry);
  }));
  sessions_.figures().sealed(static_cast<double>(now.ms - intent.asked_ms) / 1'000);
  return ok_status();
}

Status SessionsImpl::said_in(const Session& session, std::string_view recording, const Json& said) {
  if (!said.is_array() || said.size() == 0 || !keep_said_ || session.transcribed_ms == 0)
    return ok_status();
  const auto passed_over = [&](const Error& why) {
    parts_.log.warn("transcript.not_kept",
                    {{"session", session.id}, {"recording", recording}, {"code", why.code}});
    return ok_status();
  };
  if (const Status may = may_be_transcribed(session); !may.ok()) return passed_over(may.error());
  Json known = Json::array();
  for (const Json& one : said.as_array()) {
    const std::string identity = one.string_or("identity", "");
    const auto who =
        std::find_if(session.participants.begin(), session.participants.end(),
                     [&](const Participant& part) { return part.identity == identity; });
    if (identity.empty() || who == session.participants.end()) continue;
    Json item = one;
    item.mutable_object().erase("identity");
    item.set("participant", who->id);
    item.set("role", to_string(who->role));
    if (!who->person.empty()) item.set("person", who->person);
    known.push_back(std::move(item));
  }
  Ask ask;
  ask.caller.who.kind = identity::Kind::node;
  ask.caller.who.tenant = session.tenant;
  ask.caller.who.id = "sessions";
  ask.door = "workflow";
  ask.session = session.id;
  ask.body = Json::object({{"recording", recording}, {"said", std::move(known)}});
  const Answer kept = keep_said_(ask);
  if (kept.ok()) return ok_status();
  return error_policy(kept.error().kind).retry_helps ? Status(kept.error())
                                                     : passed_over(kept.error());
}

// ---- Events in

// The provider started anew and knows the room no more; nobody ended the visit. The next token
// opens the room again under its name.
Status SessionsImpl::lost_room(std::string_view id) {
  RABT_TRY(session, rows_.load(parts_.tenant, id));
  if (session.over()) return ok_status();
  video_.forget(id);
  return parts_.store.write([&](store::Transaction& transaction) {
    return add_event(transaction, membership_of(session, Actor{}), "room-lost", "node:sessions",
                     Json::object({}));
  });
}

// A recording broke off. Twilio tells it of one track: the others are stopped, so that what people
// are told is what happens.
Status SessionsImpl::recording_broke(std::string_view id, std::string_view sid, Timestamp at) {
  // Clocks differ; what is older tells of a recording before.
  constexpr std::int64_t kSkewMs = 10'000;
  constexpr std::string_view kCode = "video.recording_failed";
  RABT_TRY(session, rows_.load(parts_.tenant, id));
  RABT_TRY(known, recordings_of(parts_, session));
  const KeptRecording* found = nullptr;
  for (const KeptRecording& one : known) {
    const bool running = one.id == session.recording_now;
    const bool open = one.sid.empty() && one.status == "processing";
    const bool then = at.ms >= one.started_ms - kSkewMs;
    if (one.sid == sid || (found == nullptr && then && (running || open))) found = &one;
  }
  if (found == nullptr || (found->status != "recording" && found->status != "processing"))
    return ok_status();
  const auto failed = [&](store::Transaction& transaction, const Change& change) -> Status {
    RABT_TRY_STATUS(write_failed(transaction, session.tenant, found->id, kCode));
    if (!change.unchanged) return ok_status();
    return add_event(transaction, membership_of(session, Actor{}), "recording-failed",
                     "node:sessions", Json::object({{"recording", found->id}, {"code", kCode}}));
  };
  const bool running = found->id == session.recording_now;
  const auto acted = act_as_hub(
      session.id,
      RecordingLost{.recording = found->id, .code = std::string(kCode), .stop = running}, failed);
  return acted.ok() ? ok_status() : acted.error();
}

// What is ready is collected when the session ends. A file that comes after all that the provider
// listed then is collected once more.
Status SessionsImpl::recording_came(std::string_view id, std::string_view sid) {
  RABT_TRY(session, rows_.load(parts_.tenant, id));
  if (!session.over() || !session.recorded) return ok_status();
  RABT_TRY(known, recordings_of(parts_, session));
  if (std::any_of(known.begin(), known.end(),
                  [&](const KeptRecording& one) { return one.sid == sid; }))
    return ok_status();
  std::int64_t open = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(kCollectOpen, {session.tenant, session.id}, [&](const Row& row) {
      open = row.integer(0);
      return false;
    });
  }));
  if (open > 0) return ok_status();
  return parts_.store.write([&](store::Transaction& transaction) {
    return SessionRows::put_effect(transaction, session, "collect", "", parts_.clock.now());
  });
}

// How a line is, as the provider measures it: one sample for each ten seconds, as clients give
// them.
Status SessionsImpl::provider_quality(std::string_view id, const Json& data, Timestamp at) {
  constexpr std::int64_t kWindowMs = 10'000;
  constexpr std::int64_t kLateMs = 3'600'000;
  const Timestamp now = parts_.clock.now();
  if (at.ms > now.ms + kLateMs || at.ms < now.ms - kLateMs) return ok_status();
  RABT_TRY(session, rows_.load(parts_.tenant, id));
  const std::string identity = data.string_or("identity", "");
  const auto one = std::find_if(session.participants.begin(), session.participants.end(),
                                [&](const Participant& part) { return part.identity == identity; });
  if (session.over() || one == session.participants.end()) return ok_status();
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
  Membership of = membership_of(session, Actor{});
  of.participant = one->id;
  LineBytes bytes;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(still_open(transaction, of));
    RABT_TRY(added, add_line_sample(transaction, of, parts_.settings, sample, now));
    bytes = added.bytes;
    for (Json& change : added.changes)
      RABT_TRY_STATUS(
          add_event(transaction, of, "quality-changed", "node:sessions", std::move(change)));
    return ok_status();
  }));
  count(Counted::bytes_up, bytes.up);
  count(Counted::bytes_down, bytes.down);
  return ok_status();
}

Status SessionsImpl::provider_event(const Json& event) {
  constexpr std::string_view kPrefix = "org.rabt.session.";
  const std::string type = event.string_or("type", "");
  if (!type.starts_with(kPrefix)) return ok_status();
  const Json& data = event["data"];
  RABT_TRY(session, rows_.of_room(parts_.tenant, data.string_or("sessionId", "")));
  if (!session) {
    // The provider's id of the room, which the log may hold, is what the operator looks for.
    parts_.log.info("session.event_unmatched",
                    {{"type", type},
                     {"room", data.string_or("sessionId", "")},
                     {"why", "no session has this room: it is a workflow's, or nobody's"}});
    return ok_status();
  }
  Timestamp at = parts_.clock.now();
  for (const std::string& text : {data.string_or("at", ""), event.string_or("time", "")}) {
    if (const auto said = parse_iso8601(text); said.ok()) {
      at = *said;
      break;
    }
  }
  const std::string what = type.substr(kPrefix.size());
  const std::string identity = data.string_or("identity", "");
  const std::string sid = data.string_or("participantId", identity);
  Result<Acted> acted = Acted{};
  if (what == "participant-joined.v1") {
    acted = act_as_hub(*session, ProviderJoined{.identity = identity, .sid = sid, .at = at});
  } else if (what == "participant-left.v1") {
    acted = act_as_hub(*session, ProviderLeft{.identity = identity, .sid = sid, .at = at});
  } else if (what == "ended.v1" && data.string_or("reason", "") == "lost") {
    return lost_room(*session);
  } else if (what == "ended.v1") {
    acted = act_as_hub(*session, RoomEnded{at});
  } else if (what == "recording-started.v1") {
    acted = act_as_hub(*session, RecordingSeen{});
  } else if (what == "transcription-started.v1") {
    acted = act_as_hub(*session, TranscriptionSeen{.at = at});
  } else if (what == "transcription-failed.v1") {
    acted = act_as_hub(*session,
                       TranscriptionLost{.code = std::string(kTranscriptionFailed), .at = at});
  } else if (what == "transcription-stopped.v1") {
    acted = act_as_hub(
        *session, TranscriptionLost{
                      .code = std::string(kTranscriptionStopped), .at = at, .may_be_asked = true});
  } else if (what == "transcription-interrupted.v1" || what == "transcription-resumed.v1") {
    acted = act_as_hub(*session, TranscriptionPaused{what == "transcription-interrupted.v1", at});
  } else {
    const std::string recording = data.string_or("recordingId", "");
    const Status noted = what == "quality.v1"            ? provider_quality(*session, data, at)
                         : what == "recording-failed.v1" ? recording_broke(*session, recording, at)
                         : what == "recording-ready.v1"  ? recording_came(*session, recording)
                                                         : ok_status();
    if (!noted.ok()) acted = noted.error();
  }
  if (acted.ok()) return ok_status();
  // What a rule refuses will be refused again: the sender need not repeat it.
  return error_policy(acted.error().kind).retry_helps ? acted.error() : ok_status();
}

}  // namespace rabt::consultation
