#include "hub/consultation/sessions/entry.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include "hub/consultation/session/standing_consents.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kWaitingTokenSeconds = 3600;
constexpr std::string_view kWaitingPurpose = "session-waiting/1";

// Media that a participant may send: none, for those who only see and hear.
std::vector<std::string_view> grants_of(const Session& session, const Participant& participant,
                                        const VideoSettings& settings) {
  if (only_receives(session.type, participant.role)) return {};
  std::vector<std::string_view> out{"camera", "microphone"};
  if (settings.screen_sharing_enabled &&
      (is_host(session, participant) || participant.role == PartRole::nurse))
    out.push_back("screen");
  return out;
}

// True if the participant is the caller, or a guest of the application that made the session.
bool is_own(const Session& session, const Participant& participant, const Actor& who) {
  return own_of(session, who) == &participant ||
         (participant.person.empty() && facts_of(session, who).is.has(access::Is::creator));
}

// True if whoever adds or admits the participant may have the media token: his own, or that of
// somebody without an account, who cannot ask for it. No host becomes a clinician by it, and no
// relative a nurse whom the patient does not want.
bool may_hold(const Session& session, const Participant& participant, const Actor& who) {
  if (is_own(session, participant, who)) return true;
  if (!participant.person.empty()) return false;
  return opens_by_link(participant.role) ||
         (participant.role == PartRole::nurse && !patient_refused(session, "family"));
}

}  // namespace

Result<Acted> SessionEntry::come_in(const Caller& caller, const JoinCall& request) {
  Join command{.device_type = request.device_type,
               .browser_info = request.browser_info,
               .location = request.location,
               .callback_phone = request.callback_phone,
               .stay = acts_.parts().ids.next().text(),
               .visit_open = {}};
  const Actor who = Acts::actor_of(caller);
  // A person whom a host has invited by name accepts by coming.
  RABT_TRY(seen, acts_.recognising(caller, request.session));
  if (seen.of_person(who.person) == nullptr && !who.person.empty()) {
    for (const Invitation& invitation : seen.people.invitations) {
      if (invitation.person != who.person || invitation.status != "pending") continue;
      RABT_TRY(accepted, acts_.act(caller, request.session,
                                   [&](const Session& session) -> Result<Command> {
                                     RABT_TRY(accept, acts_.persons().accepting(session, invitation,
                                                                                who.person));
                                     return Command(std::move(accept));
                                   },
                                   {.strangers = true}));
      (void)accepted;
      break;
    }
  }
  return acts_.act(caller, request.session,
                   [&](const Session& session) -> Result<Command> {
                     command.visit_open = acts_.visit_open(session);
                     return Command(command);
                   },
                   {.strangers = true, .accounts = true});
}

Result<JoinedView> SessionEntry::join(const Caller& caller, const Asked<JoinCall>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(acted, come_in(caller, request));
  const std::string participant = acted.change.participant;
  RABT_TRY(access, access_of(caller, acted.session, participant, true));
  const Participant& own = *acted.session.participant(participant);
  return JoinedView{.session = acts_.view(caller, acted.session),
                    .own = admission_of(caller, acted.session, own, access),
                    .media = access.media};
}

Result<TokenView> SessionEntry::token(const Caller& caller, const Asked<OfParticipant>& asked) {
  RABT_TRY(request, asked);
  return give_token(caller, request, true);
}

Result<TokenView> SessionEntry::told_token(const Caller& caller, const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  return give_token(caller, {.session = request.session, .participant = {}}, false);
}

Result<TokenView> SessionEntry::give_token(const Caller& caller, const OfParticipant& request,
                                           bool joins) {
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.load(request.session));
  const Participant* own = own_of(session, who);
  if (who.system) own = session.participant(record_of(session, request.participant));
  if (!who.system) RABT_TRY_STATUS(may(access::Right::session_take_part, session, who));
  if (own == nullptr || !own->takes_part())
    return not_found("participant.unknown", "the session has no such participant");
  if (session.over()) return ended_error(session.status, "scheduled, waiting or active");
  if (session.status == SessionStatus::requested)
    return conflict("session.not_accepted",
                    "the session is requested, and tokens are given from scheduled on");
  if (!own->admitted())
    return conflict("participant.waiting", "the participant waits, and has to be admitted first");
  if (session.room.plugin.empty() && video_.bound().empty())
    return unavailable("video.not_configured", "no video provider is bound to the role video");
  // Somebody who asks for a token wants to come in.
  const bool closed = session.room.state != "open" && session.room.state != "asked";
  if ((joins || closed) && !who.system) {
    RABT_TRY(joined, come_in(caller, {.session = request.session}));
    session = std::move(joined.session);
    own = own_of(session, who);
    if (own == nullptr)
      return not_found("participant.unknown", "the session has no such participant");
  }
  RABT_TRY(access, access_of(caller, session, own->id, true));
  return TokenView{.token = access.token,
                   .room_name = session.room.name,
                   .session = session.id,
                   .participant = own->id,
                   .identity = own->identity,
                   .provider = session.room.plugin,
                   .media = std::move(access.media)};
}

Result<ParticipantView> SessionEntry::leave(const Caller& caller,
                                            const Asked<OfParticipant>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_show_participant(
      caller, request.session,
      [&](const Session& session) -> Result<Command> {
        return Command(
            Leave{request.participant.empty() ? "" : record_of(session, request.participant)});
      },
      {.strangers = true});
}

AdmissionView SessionEntry::admission_of(const Caller& caller, const Session& session,
                                         const Participant& participant,
                                         const Access& access) const {
  return {.participant = acts_.view(caller, session, participant),
          .admission = participant.admission,
          .access_token = access.token,
          .token_use = access.use};
}

Result<AdmissionView> SessionEntry::admission(const Caller& caller, const Acted& acted) {
  const Participant& participant = *acted.session.participant(acted.change.participant);
  if (may_hold(acted.session, participant, Acts::actor_of(caller))) {
    RABT_TRY(access, access_of(caller, acted.session, participant.id, false));
    return admission_of(caller, acted.session, participant, access);
  }
  RABT_TRY(access, waiting_access(acted.session, participant));
  // His media token he gets under his account.
  if (participant.admitted() && !participant.person.empty()) access.use = "media";
  return admission_of(caller, acted.session, participant, access);
}

Result<AdmissionView> SessionEntry::waiting_admission(const Caller& caller, const Session& session,
                                                      const Change& change) const {
  const Participant& participant = *session.participant(change.participant);
  RABT_TRY(access, waiting_access(session, participant));
  return admission_of(caller, session, participant, access);
}

Acts::Shape SessionEntry::admission_shape(const Caller& caller) const {
  return [this, &caller](const Session& session, const Change& change) -> Answer {
    RABT_TRY(admission, waiting_admission(caller, session, change));
    return to_json(admission);
  };
}

Result<Session> SessionEntry::with_room(const Session& session, std::int64_t patience_ms) const {
  if (session.room.state == "asked") {
    intents_.wait_for_room(session.id, std::chrono::milliseconds(patience_ms));
    return acts_.rows().load(session.tenant, session.id);
  }
  return session;
}

Result<SessionEntry::Access> SessionEntry::waiting_access(const Session& session,
                                                          const Participant& participant) const {
  RABT_TRY(lease, acts_.parts().keys.lease(session.tenant));
  const SecretBytes key = lease.keys().purpose_key(kWaitingPurpose);
  const std::int64_t now = acts_.parts().clock.now().ms / 1000;
  const Json claims = Json::object({{"iss", "rabt"},
                                    {"use", "waiting"},
                                    {"session", session.id},
                                    {"sub", participant.id},
                                    {"iat", now},
                                    {"exp", now + kWaitingTokenSeconds}});
  RABT_TRY(token, crypto::sign_jwt(key.expose(), "HS256", R"({"typ":"JWT"})", claims.dump()));
  return Access{.token = std::move(token), .use = "waiting"};
}

Result<SessionEntry::Access> SessionEntry::access_of(const Caller& caller, const Session& session,
                                                     std::string_view participant, bool required) {
  RABT_TRY(access, open_access(session, participant, required));
  if (access.use != "media") return access;
  audit::Entry entry = Acts::entry_of(caller, session);
  entry.act = "token.issued";
  entry.detail = Json::object({{"participant", participant}});
  const audit::Prepared prepared = acts_.parts().audit.prepare(entry);
  const Status written = acts_.parts().store.write([&](store::Transaction& transaction) {
    return acts_.parts().audit.append(transaction, prepared);
  });
  if (!written.ok()) {
    // The act is done; its answer goes without a token that nobody could account for.
    if (!required) return waiting_access(session, *session.participant(participant));
    return written.error();
  }
  ++tokens_;
  return access;
}

Result<SessionEntry::Access> SessionEntry::open_access(const Session& given,
                                                       std::string_view participant,
                                                       bool required) {
  const Participant* one = given.participant(participant);
  RABT_CHECK(one != nullptr);
  if (!one->admitted()) return waiting_access(given, *one);
  RABT_TRY(session, with_room(given, VideoProvider::kPatienceMs));
  if (session.room.plugin.empty() || session.room.state != "open") {
    if (!required) return waiting_access(session, *one);
    if (session.warns("video.credentials")) return wrong_credentials(session.room.plugin);
    RABT_TRY_STATUS(may_be_in(acts_.parts().settings, session.room.region));
    if (session.warns("video.room_refused"))
      return unavailable("video.unavailable",
                         "the video provider refused to open a room; the log says why, in the line "
                         "session.effect of this session");
    return session.room.plugin.empty()
               ? unavailable("video.not_configured", "no video provider is bound to the role video")
               : unavailable("video.unavailable",
                             "the video provider has not opened the room yet; try again");
  }
  auto token = video_.token(session, *one, acts_.parts().settings.token_seconds);
  if (!token.ok()) {
    if (!required) return waiting_access(session, *one);
    return std::move(token).error();
  }
  const Json& ice = token->more["iceServers"];
  return Access{.token = token->token,
                .use = "media",
                .media = MediaView{.provider = session.room.plugin,
                                   .token = token->token,
                                   .room_name = session.room.name,
                                   .identity = one->identity,
                                   .url = token->more["url"],
                                   .room = token->more["room"],
                                   .ice_servers = ice.is_array() ? ice : Json::array(),
                                   .meeting = token->more["meeting"],
                                   .attendee = token->more["attendee"],
                                   .grants = grants_of(session, *one, acts_.parts().settings),
                                   .expires = {token->expires_ms}}};
}

Result<std::vector<HostTokenView>> SessionEntry::host_tokens(const Caller& caller,
                                                             const Session& session) {
  const Actor who = Acts::actor_of(caller);
  std::vector<HostTokenView> tokens;
  for (const Participant& participant : session.people.participants) {
    if (!leads(session, participant) || !is_own(session, participant, who)) continue;
    if (session.room.state != "open") continue;
    RABT_TRY(access, access_of(caller, session, participant.id, false));
    if (access.use != "media") continue;
    tokens.push_back({.media = *std::move(access.media),
                      .participant = participant.id,
                      .role = participant.role});
  }
  return tokens;
}

void SessionEntry::write_metrics(MetricsWriter& out) const {
  out.counter("rabt_tokens_issued_total", "Tokens that let somebody into a call.", tokens_.load());
}

}  // namespace rabt::consultation
