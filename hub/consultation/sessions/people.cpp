#include "hub/consultation/sessions/people.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/acts/desk.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

namespace {

Result<TranscribingView> transcribing(const Session& session, const Change& /*change*/) {
  return TranscribingView{.session = session.id, .transcribing = session.transcript.on};
}

// Whoever comes by the link of a child speaks as its guardian.
Result<Guarded> guardian_who_speaks(const SessionParts& parts, const Session& session,
                                    const Caller& caller) {
  const Participant* const own = own_of(session, Acts::actor_of(caller));
  if (caller.who.part.participant.empty() || own == nullptr) return Guarded{};
  return guarded(parts, session, *own);
}

// True while nobody else is the patient.
bool takes_a_patient(const Session& session) {
  const auto& all = session.people.participants;
  return !session.over() && session.patient.empty() &&
         std::none_of(all.begin(), all.end(), [](const Participant& participant) {
           return participant.role == PartRole::patient;
         });
}

Error no_guardian(const SessionParts& parts, const Session& session, const Caller& caller) {
  const std::string& child = caller.who.part.participant;
  ask_desk(parts, session, {.title = "patient.no-guardian", .participant = child, .key = child});
  return conflict("consent.guardian",
                  "a guardian consents for a child, and the record names none; call the hospital");
}

}  // namespace

Result<ItemsOf<ParticipantView>> SessionPeople::participants(const Caller& caller,
                                                             const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  const bool reason = !caller.reason.empty();
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session,
                                      Json::object({{"what", "participants"}})));
  Names names(acts_.parts().directory, acts_.parts().tenant);
  ItemsOf<ParticipantView> all;
  for (const Participant& participant : session.people.participants)
    all.items.push_back(participant_view(session, participant, sight_of(session, who, reason),
                                         names, acts_.parts().clock.now()));
  return all;
}

Result<AdmissionView> SessionPeople::add_participant(const Caller& caller,
                                                     const Asked<AddParticipant>& asked) {
  RABT_TRY(request, asked);
  Mistakes mistakes;
  RABT_TRY(one, acts_.persons().participant(Acts::actor_of(caller), request.input, mistakes,
                                            "participant."));
  RABT_TRY_STATUS(mistakes.status());
  const Participant named = one;
  Persons::NewRecord record;
  const auto add = [&](Persons::Enters enters) {
    const auto make = [&](const Session& session) -> Result<Command> {
      one = named;
      record.reset();
      if (takes_a_patient(session)) {
        RABT_TRY(entered,
                 acts_.persons().settle(caller, session.id, request.input.guardians, enters, one));
        record = std::move(entered);
      }
      RABT_TRY(coming, acts_.persons().as_known(session, one));
      return Command(Add{std::move(coming)});
    };
    const auto enter = [&](store::Transaction& transaction, const Change& /*change*/) {
      return record ? write_record(transaction, *record) : ok_status();
    };
    return acts_.act(caller, request.session, make,
                     {.shape = entry_.admission_shape(caller), .also = enter});
  };
  auto added = add(Persons::Enters::whoever_is_unknown);
  if (record && is_entered_already(added)) added = add(Persons::Enters::nobody);
  RABT_TRY(acted, std::move(added));
  if (caller.system && one.role == PartRole::patient)
    acts_.persons().ask_who(caller, acted.session);
  return entry_.admission(caller, acted);
}

Result<ParticipantView> SessionPeople::remove_participant(const Caller& caller,
                                                          const Asked<OfParticipant>& asked) {
  RABT_TRY(request, asked);
  std::string session;
  RABT_TRY(removed, acts_.act_and_show_participant(
                        caller, request.session, [&](const Session& before) -> Result<Command> {
                          session = before.id;
                          return Command(Remove{record_of(before, request.participant)});
                        }));
  video_.forget(session);
  return removed;
}

Result<AdmissionView> SessionPeople::admit(const Caller& caller,
                                           const Asked<OfParticipant>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(acted, acts_.act(caller, request.session,
                            [&](const Session& session) -> Result<Command> {
                              return Command(Admit{record_of(session, request.participant)});
                            },
                            {.accounts = true, .shape = entry_.admission_shape(caller)}));
  return entry_.admission(caller, acted);
}

Result<AdmissionView> SessionPeople::deny(const Caller& caller,
                                          const Asked<DenyParticipant>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_view(
      caller, request.session,
      [&](const Session& session) -> Result<Command> {
        return Command(Deny{record_of(session, request.participant), request.reason});
      },
      [&](const Session& session, const Change& change) {
        return entry_.waiting_admission(caller, session, change);
      });
}

Result<ItemsOf<WaitingView>> SessionPeople::waiting_room(const Caller& caller,
                                                         const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY_STATUS(may(access::Right::participant_admit, session, who));
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session,
                                      Json::object({{"what", "waiting_room"}})));
  std::vector<const Participant*> waiting;
  for (const Participant& one : session.people.participants) {
    if (one.admission == Admission::waiting) waiting.push_back(&one);
  }
  // People who have come before people who are expected, each in order of arrival.
  std::stable_sort(waiting.begin(), waiting.end(), [](const auto* a, const auto* b) {
    if (a->here != b->here) return a->here;
    return a->since_ms < b->since_ms;
  });
  Names names(acts_.parts().directory, acts_.parts().tenant);
  ItemsOf<WaitingView> all;
  for (const Participant* participant : waiting) {
    all.items.push_back(
        {.participant = participant_view(session, *participant, sight_of(session, who, false),
                                         names, acts_.parts().clock.now()),
         .role = participant->role,
         .here = participant->here,
         .since = {participant->since_ms},
         .position = static_cast<std::int64_t>(all.items.size()) + 1});
  }
  return all;
}

Result<SessionView> SessionPeople::confirm_identity(const Caller& caller,
                                                    const Asked<IdentifyPatient>& asked) {
  RABT_TRY(request, asked);
  ConfirmIdentity command{.identifiers =
                              Json::array({request.identifiers[0], request.identifiers[1]})};
  return acts_.act_and_show(caller, request.session,
                            [&](const Session& session) -> Result<Command> {
                              command.visit_open = acts_.visit_open(session);
                              return Command(command);
                            },
                            {.accounts = true});
}

Result<TranscribingView> SessionPeople::start_transcription(const Caller& caller,
                                                            const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_view(
      caller, request.session,
      [&](const Session&) -> Result<Command> { return Command(StartTranscription{}); },
      transcribing);
}

Result<TranscribingView> SessionPeople::stop_transcription(const Caller& caller,
                                                           const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  return acts_.act_and_view(
      caller, request.session,
      [&](const Session&) -> Result<Command> { return Command(StopTranscription{}); },
      transcribing);
}

Result<ItemsOf<ConsentView>> SessionPeople::consents(const Caller& caller,
                                                     const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  ItemsOf<ConsentView> all;
  const Json seen = consents_json(session, sight_of(session, who, false));
  for (const Json& item : seen.as_array()) all.items.push_back({.said = item});
  return all;
}

Result<ConsentView> SessionPeople::record_consent(const Caller& caller,
                                                  const Asked<GiveConsent>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  Json consent = Json::object({{"id", acts_.parts().ids.next().text()},
                               {"kind", request.kind},
                               {"given", request.given},
                               {"method", request.method}});
  return acts_.act_and_view(
      caller, request.session,
      [&](const Session& session) -> Result<Command> {
        if (!request.participant.empty()) {
          const std::string id = record_of(session, request.participant);
          if (id.empty())
            return not_found("participant.unknown", "the session has no such participant");
          consent.set("participant", id);
        }
        RABT_TRY(by, guardian_who_speaks(acts_.parts(), session, caller));
        if (by.child && !by.guardian && request.given)
          return no_guardian(acts_.parts(), session, caller);
        if (by.guardian) consent.set("guardian", guardian_json(*by.guardian));
        return Command(RecordConsent{consent});
      },
      [&](const Session& session, const Change&) -> Result<ConsentView> {
        const Json* const said =
            latest_word(session, request.kind, who.person.empty() ? who.actor : who.person,
                        consent.string_or("participant", ""));
        RABT_CHECK(said != nullptr);
        return ConsentView{.said = consent_json(*said)};
      },
      {.strangers = true, .accounts = true});
}

}  // namespace rabt::consultation
