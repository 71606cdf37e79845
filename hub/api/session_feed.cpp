#include "hub/api/session_feed.hpp"

#include <algorithm>

#include "hub/api/requests/entry_requests.hpp"
#include "hub/api/requests/provider_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/requests/shared_requests.hpp"
#include "hub/api/requests/transcript_requests.hpp"
#include "hub/consultation/events/hearing.hpp"

namespace rabt::api {

using consultation::EventKind;
using consultation::LiveEvent;
using consultation::Membership;

namespace {

// Time for which a decision holds when nothing happens, in milliseconds.
constexpr std::int64_t kDecideEveryMs = 60'000;

// Events after which somebody may see more, or less, than before.
bool changes_rights(std::string_view type) {
  return type.starts_with("participant-") || type.starts_with("consent-") || type == "updated";
}

bool is_signal(std::string_view kind) {
  return kind == "offer" || kind == "answer" || kind == "candidate";
}

}  // namespace

void Outlet::send(const Json& frame) {
  const Lock lock(mutex_);
  if (!open_) {
    waiting_.push_back(frame.dump());
  } else if (const auto socket = socket_.lock()) {
    socket->send(frame.dump());
  }
}

void Outlet::open(const Json& first) {
  const Lock lock(mutex_);
  open_ = true;
  const auto socket = socket_.lock();
  if (socket == nullptr) return;
  socket->send(first.dump());
  for (const std::string& text : waiting_) socket->send(text);
  waiting_.clear();
}

void Outlet::close(std::uint16_t code, std::string_view reason) {
  if (const auto socket = socket_.lock()) socket->close(code, reason);
}

SessionFeed::SessionFeed(const LiveParts& parts, Ask ask, std::string link)
    : parts_(parts), ask_(std::move(ask)), link_(std::move(link)) {}

std::string SessionFeed::link_now(const LiveParts& parts, const identity::Caller& caller) {
  if (caller.who.kind != identity::Kind::guest) return {};
  const auto of = parts.sessions.acts.membership({caller}, caller.who.part.session);
  return of.ok() ? of->link : std::string();
}

bool SessionFeed::is_former(const Membership& of) const {
  return ask_.caller.who.kind == identity::Kind::guest && (of.link.empty() || of.link != link_);
}

Status SessionFeed::begin(std::optional<std::int64_t> after) {
  RABT_TRY(of, parts_.sessions.acts.membership(ask_.caller, ask_.session));
  if (!of.listens() || is_former(of)) {
    return denied("participant.not_a_participant",
                  "only who takes part in the session can listen to it");
  }
  // Listening is reading: it is in the audit log before the first word.
  RABT_TRY(seen, parts_.sessions.reading.get(ask_.caller, of_session(ask_)));
  (void)seen;
  session_ = of.session;
  const std::string tenant = of.tenant;
  {
    const Lock lock(mutex_);
    membership_ = std::move(of);
    decided_ms_ = parts_.clock.monotonic_ms();
  }
  left_ = false;
  RABT_TRY(newest, parts_.live.listen(tenant, session_, after, shared_from_this()));
  newest_ = newest;
  parts_.practice.providers.seen(tenant, ask_.caller.who.person);
  announce("connected");
  return ok_status();
}

void SessionFeed::end() {
  if (left_.exchange(true)) return;
  parts_.live.leave(session_, *this);
  announce("disconnected");
  leave_call();
}

Status SessionFeed::enter_call(const Membership& of) {
  if (of.video != consultation::kP2p || in_call_.exchange(true)) return ok_status();
  parts_.live.count_call(of.participant, 1);
  const auto joined = parts_.sessions.entry.join(ask_.caller, join_call_of(ask_));
  if (joined.ok()) return ok_status();
  in_call_ = false;
  parts_.live.count_call(of.participant, -1);
  return joined.error();
}

void SessionFeed::leave_call() {
  if (!in_call_.exchange(false)) return;
  // Another device of the person goes on.
  if (parts_.live.count_call(membership().participant, -1) > 0) return;
  // Leaving may be refused: nobody has to leave a session that is over.
  (void)parts_.sessions.entry.leave(ask_.caller, of_participant(ask_));
}

void SessionFeed::announce(std::string_view kind) {
  const Membership of = membership();
  if (of.participant.empty() || !of.admitted) return;
  parts_.live.relay(session_, *this, Json::object({{"kind", kind}, {"from", of.participant}}));
}

Membership SessionFeed::membership() const {
  const Lock lock(mutex_);
  return membership_;
}

bool SessionFeed::still_allowed(bool look) {
  const std::int64_t now = parts_.clock.monotonic_ms();
  {
    const Lock lock(mutex_);
    if (!look && now - decided_ms_ < kDecideEveryMs) return true;
  }
  auto of = parts_.sessions.acts.membership(ask_.caller, ask_.session);
  if (!of.ok() || !of->listens() || is_former(*of)) {
    end();
    dismissed(of.ok() ? "authorisation.denied" : of.error().code);
    return false;
  }
  const Lock lock(mutex_);
  membership_ = *std::move(of);
  decided_ms_ = now;
  return true;
}

void SessionFeed::happened(const LiveEvent& event) {
  if (left_) return;
  const EventKind kind = consultation::event_kind(event.type);
  Json data = event.data;
  // One word for several events: which one it is.
  if (kind.kind == "session" || kind.type.ends_with('-')) data.set("event", event.type);
  const std::string about = event.data.string_or("participant", "");
  const Membership before = membership();
  // Whoever is denied or removed is told so before the end.
  if ((event.type == "participant-denied" || event.type == "participant-removed") &&
      about == before.participant && !about.empty())
    tell(kind.kind, event.seq, event.at_ms, data);
  if (!still_allowed(changes_rights(event.type))) return;
  const Membership of = membership();
  if (event.type == "participant-admitted" && about == of.participant && !about.empty()) {
    tell_admitted(event);
    // The others were not told of a participant as long as he waited.
    if (!before.admitted && !left_) announce("connected");
    return;
  }
  if (!consultation::may_hear(of, event.type, event.at_ms, event.data,
                              event.content.string_or("to", "")))
    return;
  if (event.content.is_object() && !of.administrator) data.set("content", event.content);
  tell(kind.kind, event.seq, event.at_ms, data);
}

void SessionFeed::alive() {
  if (left_ || !still_allowed(false)) return;
  parts_.practice.providers.seen(membership().tenant, ask_.caller.who.person);
}

void SessionFeed::tell_admitted(const LiveEvent& event) {
  Json data = event.data;
  const auto token = parts_.sessions.entry.told_token(ask_.caller, of_session(ask_));
  // The link is checked again once the token is made.
  if (!still_allowed(true)) return;
  if (token.ok()) {
    data.set("accessToken", token->token);
    data.set("media", token->media ? to_json(*token->media) : Json());
  }
  tell("admitted", event.seq, event.at_ms, data);
}

void SessionFeed::relayed(const Json& what) {
  if (left_) return;
  // Most providers are those of other sessions.
  if (const std::string who = what.string_or("provider", ""); !who.empty()) {
    const Lock lock(mutex_);
    if (who != membership_.provider) return;
  }
  if (!still_allowed(false)) return;
  const Membership of = membership();
  if (!of.admitted) return;
  const std::string to = what.string_or("to", "");
  if (!to.empty() && to != of.participant) return;
  tell(what.string_or("kind", ""), 0, parts_.clock.now().ms, what);
}

Result<Json> SessionFeed::signal(std::string_view kind, const Json& what) {
  const Membership of = membership();
  if (!of.admitted)
    return conflict("participant.waiting", "the caller waits to be admitted to the session");
  if (is_end(of.status))
    return conflict("session." + std::string(to_string(of.status)), "the session has ended");
  Json relayed = Json::object({{"kind", kind}, {"from", of.participant}});
  for (const char* member : {"to", "signal", "payload", "text", "seq", "raised"}) {
    if (const Json* value = what.find(member)) relayed.set(member, *value);
  }
  if (kind == "signal") RABT_TRY_STATUS(enter_call(of));
  parts_.live.relay(session_, *this, relayed);
  return Json::object();
}

// The session's doctor is not among them: what he sets is told wherever he sets it.
void SessionFeed::tell_status(const Json& status) {
  const Membership of = membership();
  if (of.participant.empty() || !of.admitted || ask_.caller.who.person == of.provider) return;
  parts_.live.relay(
      session_, *this,
      Json::object({{"kind", "presence"}, {"from", of.participant}, {"status", status}}));
}

Status SessionFeed::may_say(std::string_view kind) {
  const bool guest = ask_.caller.who.kind == identity::Kind::guest;
  if (!still_allowed(guest))
    return denied("authorisation.denied", "the caller may not listen here");
  if (guest && kind != "chat" && kind != "signal" && kind != "hand" && kind != "typing")
    return denied("authorisation.denied",
                  "who came by a link says chat, signal, hand and typing here, and nothing else");
  return ok_status();
}

Result<Json> SessionFeed::chat(const consultation::Asked<consultation::SendMessage>& message) {
  RABT_TRY_STATUS(may_say("chat"));
  RABT_TRY(sent, parts_.records.chat.send(ask_.caller, message));
  return to_json(sent);
}

Result<Json> SessionFeed::write_down(const consultation::Asked<consultation::AddSegment>& segment) {
  RABT_TRY_STATUS(may_say("transcript"));
  RABT_TRY(added, parts_.records.transcripts.add_segment(ask_.caller, segment));
  return to_json(added);
}

Result<Json> SessionFeed::set_presence(const consultation::SetPresence& presence) {
  RABT_TRY_STATUS(may_say("status"));
  RABT_TRY(set, parts_.practice.providers.set_presence(ask_.caller, presence));
  tell_status(Json(set.status));
  return to_json(set);
}

Result<Json> SessionFeed::hand_on(const Signal& word) {
  RABT_TRY_STATUS(may_say("signal"));
  Json members = Json::object({{"signal", word.kind}, {"payload", word.payload}});
  if (!word.to.empty()) members.set("to", word.to);
  return signal("signal", members);
}

Result<Json> SessionFeed::say(std::string_view kind, const Json& what) {
  Ask ask = ask_;
  Json body = what;
  for (const char* member : {"type", "id", "topic", "kind"}) body.mutable_object().erase(member);
  ask.body = std::move(body);
  if (kind == "chat") return chat(send_message_of(ask));
  if (kind == "status") return set_presence(set_presence_of(ask));
  if (kind == "transcript" && what.bool_or("final", true)) return write_down(add_segment_of(ask));
  RABT_TRY_STATUS(may_say(kind));
  if (kind == "quality") {
    RABT_TRY(taken, parts_.records.line.report(ask.caller, report_quality_of(ask)));
    return to_json(taken);
  }
  if (kind == "signal" && !is_signal(what.string_or("signal", "")))
    return invalid("api.invalid", "signal: it must be offer, answer or candidate");
  if (kind == "signal" || kind == "transcript" || kind == "hand" || kind == "typing")
    return signal(kind, what);
  return invalid("api.invalid",
                 "kind: it must be chat, signal, transcript, status, quality, hand or typing");
}

}  // namespace rabt::api
