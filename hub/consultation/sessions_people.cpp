#include <algorithm>

#include "hub/base/printable.hpp"
#include "hub/base/typed_code.hpp"
#include "hub/consultation/sessions_impl.hpp"

// Who takes part: coming and going, waiting room, invitations, consents.
namespace rabt::consultation {

namespace {

// 128 bits.
constexpr std::size_t kCodeDigits = 32;

// The id of a participant or invitation that a path names by id, UUID or, participants, number.
std::string record_of(const Session& session, std::string_view record) {
  if (const auto id = identity::ulid_of(record)) return *id;
  for (const Participant& one : session.participants) {
    if (std::to_string(one.number) == record) return one.id;
  }
  return {};
}

}  // namespace

// The patient of the audit log, when he comes later than the session.
void SessionsImpl::name_patient(Session& is, const Participant& coming) const {
  if (coming.role != PartRole::patient || !is.patient.empty() || coming.person.empty()) return;
  if (const auto known = parts_.directory.find(is.tenant, coming.person); known.ok())
    is.patient_pseudonym = known->pseudonym;
}

AcceptInvitation SessionsImpl::accepting(Session& is, const Invitation& invitation,
                                         const std::string& person, Json guest) const {
  AcceptInvitation command{invitation.id,
                           new_participant(invitation.role, person, std::move(guest))};
  name_patient(is, command.participant);
  return command;
}

Result<Acted> SessionsImpl::come_in(const Ask& ask) {
  Fields members(ask.body);
  Join command;
  command.device_type = members.word("deviceType", {"web", "ios", "android", "desktop", "other"});
  command.browser_info = members.text("browserInfo", 200);
  RABT_TRY_STATUS(members.done());
  command.stay = parts_.ids.next().text();
  const Actor who = actor_of(ask);
  // Whom a host has invited by name accepts by coming.
  RABT_TRY(seen, rows_.load(parts_.tenant, ask.session));
  if (seen.of_person(who.person) == nullptr && !who.person.empty()) {
    for (const Invitation& one : seen.invitations) {
      if (one.person != who.person || one.status != "pending") continue;
      RABT_TRY(accepted, act(
                             ask, ask.session,
                             [&](Session& is) -> Result<Command> {
                               return Command(accepting(is, one, who.person, one.guest));
                             },
                             {}, Sees::may));
      (void)accepted;
      break;
    }
  }
  return act(
      ask, ask.session,
      [&](Session& is) -> Result<Command> {
        refresh_accounts(is);
        command.visit_open = visit_open(is);
        return Command(command);
      },
      {}, Sees::may);
}

Answer SessionsImpl::join(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(acted, come_in(ask));
  const std::string participant = acted.change.participant;
  RABT_TRY(access, access_of(ask, acted.session, participant, true));
  RABT_TRY(session, show(ask, acted.session));
  Names names(parts_.directory, parts_.tenant);
  const Participant& own = *acted.session.participant(participant);
  const Sight sight = sight_of(acted.session, who, false);
  return Json::object(
      {{"session", std::move(session)},
       {"participant", participant_json(acted.session, own, sight, names, parts_.clock.now())},
       {"admission", to_string(own.admission)},
       {"accessToken", access.token},
       {"tokenUse", access.use},
       {"media", access.media.is_object() ? access.media : Json()}});
}

Answer SessionsImpl::token(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, rows_.load(parts_.tenant, ask.session));
  const Participant* own = session.of_person(who.person);
  // hub://session names the participant.
  if (who.system) own = session.participant(record_of(session, ask.record));
  if (!who.system) RABT_TRY_STATUS(may(access::Right::session_take_part, session, who));
  if (own == nullptr || !own->takes_part())
    return not_found("participant.unknown", "the session has no such participant");
  if (session.over()) return ended_error(session.status, "scheduled, waiting or active");
  if (session.status == SessionStatus::requested)
    return conflict("session.not_accepted",
                    "the session is requested, and tokens are given from scheduled on");
  if (!own->admitted())
    return conflict("participant.waiting", "the participant waits, and has to be admitted first");
  if (session.provider_plugin.empty() && video_.bound().empty())
    return unavailable("video.not_configured", "no video provider is bound to the role video");
  // Somebody who asks for a token before the room is opened wants to come in.
  if (session.room != "open" && session.room != "asked" && !who.system) {
    RABT_TRY(joined, come_in(ask));
    session = std::move(joined.session);
    own = session.of_person(who.person);
    if (own == nullptr)
      return not_found("participant.unknown", "the session has no such participant");
  }
  RABT_TRY(access, access_of(ask, session, own->id, true));
  return Json::object({{"token", access.token},
                       {"roomName", session.room_name},
                       {"sessionId", session.id},
                       {"participant", own->id},
                       {"identity", own->identity},
                       {"provider", session.provider_plugin},
                       {"expiresAt", access.media["expiresAt"]},
                       {"media", access.media}});
}

Answer SessionsImpl::leave(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(acted, act(
                      ask, ask.session,
                      [&](Session& is) -> Result<Command> {
                        return Command(Leave{ask.record.empty() ? "" : record_of(is, ask.record)});
                      },
                      {}, Sees::may));
  Names names(parts_.directory, parts_.tenant);
  return participant_json(acted.session, *acted.session.participant(acted.change.participant),
                          sight_of(acted.session, who, false), names, parts_.clock.now());
}

Answer SessionsImpl::participants(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  const bool reason = !ask.caller.reason.empty();
  RABT_TRY_STATUS(audit_reading(ask, "session:" + session.id, &session,
                                Json::object({{"what", "participants"}})));
  Names names(parts_.directory, parts_.tenant);
  Json items = Json::array();
  for (const Participant& one : session.participants)
    items.push_back(
        participant_json(session, one, sight_of(session, who, reason), names, parts_.clock.now()));
  return Json::object({{"items", std::move(items)}});
}

Answer SessionsImpl::admission_answer(const Ask& ask, const Acted& acted) {
  const Participant& one = *acted.session.participant(acted.change.participant);
  RABT_TRY(access, access_of(ask, acted.session, one.id, false));
  Names names(parts_.directory, parts_.tenant);
  const Sight sight = sight_of(acted.session, actor_of(ask), false);
  return Json::object(
      {{"participant", participant_json(acted.session, one, sight, names, parts_.clock.now())},
       {"admission", to_string(one.admission)},
       {"accessToken", access.token},
       {"tokenUse", access.use}});
}

Answer SessionsImpl::add_participant(const Ask& ask) {
  Mistakes mistakes;
  const ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(one, resolve(actor_of(ask), input, mistakes, "participant."));
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(acted, act(ask, ask.session, [&](Session& is) -> Result<Command> {
             name_patient(is, one);
             return Command(Add{one});
           }));
  return admission_answer(ask, acted);
}

Answer SessionsImpl::remove_participant(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session, [&](Session& is) -> Result<Command> {
             return Command(Remove{record_of(is, ask.record)});
           }));
  video_.forget(acted.session.id);
  Names names(parts_.directory, parts_.tenant);
  return participant_json(acted.session, *acted.session.participant(acted.change.participant),
                          sight_of(acted.session, actor_of(ask), false), names, parts_.clock.now());
}

Answer SessionsImpl::admit(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session, [&](Session& is) -> Result<Command> {
             refresh_accounts(is);
             return Command(Admit{record_of(is, ask.record)});
           }));
  return admission_answer(ask, acted);
}

Answer SessionsImpl::deny(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session, [&](Session& is) -> Result<Command> {
             return Command(
                 Deny{record_of(is, ask.record), tidy_text(ask.body.string_or("reason", ""))});
           }));
  return admission_answer(ask, acted);
}

Answer SessionsImpl::waiting_room(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  RABT_TRY_STATUS(may(access::Right::participant_admit, session, who));
  RABT_TRY_STATUS(audit_reading(ask, "session:" + session.id, &session,
                                Json::object({{"what", "waiting_room"}})));
  std::vector<const Participant*> waiting;
  for (const Participant& one : session.participants) {
    if (one.admission == Admission::waiting) waiting.push_back(&one);
  }
  // Who has come before who is expected, each in order of arrival.
  std::stable_sort(waiting.begin(), waiting.end(), [](const auto* a, const auto* b) {
    if (a->here != b->here) return a->here;
    return a->since_ms < b->since_ms;
  });
  Names names(parts_.directory, parts_.tenant);
  Json items = Json::array();
  std::int64_t position = 0;
  for (const Participant* one : waiting) {
    items.push_back(
        Json::object({{"participant", participant_json(session, *one, sight_of(session, who, false),
                                                       names, parts_.clock.now())},
                      {"role", to_string(one->role)},
                      {"here", one->here},
                      {"since", to_iso8601({one->since_ms})},
                      {"position", ++position}}));
  }
  return Json::object({{"items", std::move(items)}});
}

Answer SessionsImpl::invitations(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  RABT_TRY_STATUS(may(access::Right::invitations_see, session, who));
  RABT_TRY_STATUS(audit_reading(ask, "session:" + session.id, &session,
                                Json::object({{"what", "invitations"}})));
  Json items = Json::array();
  for (const Invitation& one : session.invitations)
    items.push_back(invitation_json(one, sight_of(session, who, false), parts_.clock.now()));
  return Json::object({{"items", std::move(items)}});
}

Answer SessionsImpl::invite(const Ask& ask) {
  Mistakes mistakes;
  const ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY(whom, resolve(actor_of(ask), input, mistakes, ""));
  if (whom.person.empty() && input.guest.string_or("email", "").empty() &&
      input.guest.string_or("phone", "").empty())
    mistakes.add("person", "it is needed, or email or phone");
  RABT_TRY_STATUS(mistakes.status());
  Invitation invitation;
  invitation.id = parts_.ids.next().text();
  invitation.person = whom.person;
  invitation.guest = input.guest;
  invitation.role = *input.role;
  // Shown once; what is stored cannot be turned back into it.
  const std::string code = hex(kCodeDigits);
  RABT_TRY(lease, parts_.keys.lease(parts_.tenant));
  const std::string index = lease.blind_index("session.invitation", code);
  RABT_TRY(acted, act(
                      ask, ask.session,
                      [&](Session&) -> Result<Command> {
                        return Command(Invite{invitation, whom});
                      },
                      [&](store::Transaction& transaction, const Change& change) {
                        return SessionRows::put_code(transaction, change.after.tenant, index,
                                                     change.after.id, invitation.id);
                      }));
  Json answer = invitation_json(acted.session.invitations.back(),
                                sight_of(acted.session, actor_of(ask), false), parts_.clock.now());
  answer.set("code", code);
  return answer;
}

Answer SessionsImpl::revoke_invitation(const Ask& ask) {
  const std::string id = identity::ulid_of(ask.record).value_or("");
  RABT_TRY(acted,
           act(ask, ask.session, [&](Session&) -> Result<Command> { return Command(Revoke{id}); }));
  for (const Invitation& one : acted.session.invitations) {
    if (one.id == id)
      return invitation_json(one, sight_of(acted.session, actor_of(ask), false),
                             parts_.clock.now());
  }
  return not_found("invitation.unknown", "the session has no such invitation");
}

Answer SessionsImpl::accept_invitation(const Ask& ask) {
  const Actor who = actor_of(ask);
  const std::string code = typed_code(ask.body.string_or("code", ""));
  if (code.size() != kCodeDigits)
    return invalid("api.invalid", "code: must be the code of an invitation");
  RABT_TRY(invited, rows_.of_code(parts_.tenant, code));
  RABT_TRY(acted,
           act(
               ask, invited.session,
               [&](Session& is) -> Result<Command> {
                 for (const Invitation& one : is.invitations) {
                   if (one.id != invited.invitation) continue;
                   if (!one.person.empty() && one.person != who.person)
                     return denied("authorisation.denied", "the invitation is for somebody else");
                   return Command(accepting(is, one, who.person, one.guest));
                 }
                 return not_found("invitation.unknown", "there is no invitation with this code");
               },
               {}, Sees::may));
  RABT_TRY(answer, admission_answer(ask, acted));
  answer.set("session", acted.session.id);
  answer.set("roomName", acted.session.room_name);
  return answer;
}

Answer SessionsImpl::start_transcription(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session,
                      [&](Session&) -> Result<Command> { return Command(StartTranscription{}); }));
  return Json::object({{"session", acted.session.id}, {"transcribing", acted.session.transcribed}});
}

Answer SessionsImpl::stop_transcription(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session,
                      [&](Session&) -> Result<Command> { return Command(StopTranscription{}); }));
  return Json::object({{"session", acted.session.id}, {"transcribing", acted.session.transcribed}});
}

Answer SessionsImpl::consents(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY(session, visible(ask, who));
  return Json::object({{"items", session.consents}});
}

Answer SessionsImpl::record_consent(const Ask& ask) {
  Fields members(ask.body);
  const std::string kind =
      members.word("kind", {"family", "recording", "training", "transcription"});
  std::string method = members.word("method", {"verbal", "written", "app"});
  const bool given = members.boolean("given").value_or(true);
  const std::string guest = members.text("participant", 64);
  if (kind.empty() && members.good()) members.wrong("kind", "it is needed");
  if (!members.has("given") && members.good()) members.wrong("given", "it is needed");
  if (members.has("participant") && kind != "transcription" && members.good())
    members.wrong("participant", "it is for kind transcription alone");
  if (members.has("participant") && guest.empty() && members.good())
    members.wrong("participant", "it must name a participant");
  RABT_TRY_STATUS(members.done());
  if (method.empty()) method = "app";
  Json consent = Json::object(
      {{"id", parts_.ids.next().text()}, {"kind", kind}, {"given", given}, {"method", method}});
  RABT_TRY(acted, act(
                      ask, ask.session,
                      [&](Session& is) -> Result<Command> {
                        if (!guest.empty()) {
                          const std::string id = record_of(is, guest);
                          if (id.empty())
                            return not_found("participant.unknown",
                                             "the session has no such participant");
                          consent.set("participant", id);
                        }
                        return Command(RecordConsent{consent});
                      },
                      {}, Sees::may));
  return acted.session.consents.as_array().back();
}

}  // namespace rabt::consultation
