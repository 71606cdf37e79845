#include "hub/consultation/sessions/people.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/printable.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/acts/desk.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/standing_consents.hpp"

namespace rabt::consultation {

namespace {

Answer transcribing(const Session& session, const Change& /*change*/) {
  return Json::object({{"session", session.id}, {"transcribing", session.transcript.on}});
}

// Whoever comes by the link of a child speaks as its guardian.
Result<Guarded> guardian_who_speaks(const SessionParts& parts, const Session& is, const Ask& ask) {
  const Participant* const own = own_of(is, Acts::actor_of(ask));
  if (ask.caller.who.part.participant.empty() || own == nullptr) return Guarded{};
  return guarded(parts, is, *own);
}

Error no_guardian(const SessionParts& parts, const Session& is, const Ask& ask) {
  const std::string& child = ask.caller.who.part.participant;
  ask_desk(parts, is, {.title = "patient.no-guardian", .participant = child, .key = child});
  return conflict("consent.guardian",
                  "a guardian consents for a child, and the record names none; call the hospital");
}

}  // namespace

Answer SessionPeople::participants(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  const bool reason = !ask.caller.reason.empty();
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
                                      Json::object({{"what", "participants"}})));
  Names names(acts_.parts().directory, acts_.parts().tenant);
  Json items = Json::array();
  for (const Participant& one : session.people.participants)
    items.push_back(participant_json(session, one, sight_of(session, who, reason), names,
                                     acts_.parts().clock.now()));
  return Json::object({{"items", std::move(items)}});
}

Answer SessionPeople::add_participant(const Ask& ask) {
  Mistakes mistakes;
  const ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(one, acts_.persons().participant(Acts::actor_of(ask), input, mistakes, "participant."));
  RABT_TRY_STATUS(mistakes.status());
  RABT_TRY(acted, acts_.act(ask, ask.session,
                            [&](const Session& is) -> Result<Command> {
                              RABT_TRY(coming, acts_.persons().as_known(is, one));
                              return Command(Add{std::move(coming)});
                            },
                            {.shape = entry_.admission_shape(ask.caller)}));
  RABT_TRY(admission, entry_.admission(ask.caller, acted));
  return to_json(admission);
}

Answer SessionPeople::remove_participant(const Ask& ask) {
  std::string session;
  RABT_TRY(removed, acts_.act_and_show_participant(
                        ask.caller, ask.session, [&](const Session& is) -> Result<Command> {
                          session = is.id;
                          return Command(Remove{record_of(is, ask.record)});
                        }));
  video_.forget(session);
  return removed;
}

Answer SessionPeople::admit(const Ask& ask) {
  RABT_TRY(acted, acts_.act(ask, ask.session,
                            [&](const Session& is) -> Result<Command> {
                              return Command(Admit{record_of(is, ask.record)});
                            },
                            {.accounts = true, .shape = entry_.admission_shape(ask.caller)}));
  RABT_TRY(admission, entry_.admission(ask.caller, acted));
  return to_json(admission);
}

Answer SessionPeople::deny(const Ask& ask) {
  return acts_.act_and_answer(ask.caller, ask.session,
                              [&](const Session& is) -> Result<Command> {
                                return Command(Deny{record_of(is, ask.record),
                                                    tidy_text(ask.body.string_or("reason", ""))});
                              },
                              {.shape = entry_.admission_shape(ask.caller)});
}

Answer SessionPeople::waiting_room(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(may(access::Right::participant_admit, session, who));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
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
  Json items = Json::array();
  std::int64_t position = 0;
  for (const Participant* one : waiting) {
    items.push_back(
        Json::object({{"participant", participant_json(session, *one, sight_of(session, who, false),
                                                       names, acts_.parts().clock.now())},
                      {"role", to_string(one->role)},
                      {"here", one->here},
                      {"since", to_iso8601({one->since_ms})},
                      {"position", ++position}}));
  }
  return Json::object({{"items", std::move(items)}});
}

Answer SessionPeople::confirm_identity(const Ask& ask) {
  Fields members(ask.body);
  members.only({"identifiers"});
  ConfirmIdentity command{members.texts("identifiers")};
  const Json& given = command.identifiers;
  const auto known = [](const Json& one) {
    return std::find(kIdentifiers.begin(), kIdentifiers.end(), one.as_string()) !=
           kIdentifiers.end();
  };
  const bool good = given.is_array() && given.size() == 2 && given.item(0) != given.item(1) &&
                    known(given.item(0)) && known(given.item(1));
  if (!good && members.good())
    members.wrong(
        "identifiers",
        "it must be two different ones of name, birth_date, record_number and national_id");
  RABT_TRY_STATUS(members.done());
  return acts_.act_and_show(ask.caller, ask.session,
                            [&](const Session& is) -> Result<Command> {
                              command.visit_open = acts_.visit_open(is);
                              return Command(command);
                            },
                            {.accounts = true});
}

Answer SessionPeople::start_transcription(const Ask& ask) {
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session&) -> Result<Command> { return Command(StartTranscription{}); },
      {.shape = &transcribing});
}

Answer SessionPeople::stop_transcription(const Ask& ask) {
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session&) -> Result<Command> { return Command(StopTranscription{}); },
      {.shape = &transcribing});
}

Answer SessionPeople::consents(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  return Json::object({{"items", consents_json(session, sight_of(session, who, false))}});
}

Answer SessionPeople::record_consent(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
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
  Json consent = Json::object({{"id", acts_.parts().ids.next().text()},
                               {"kind", kind},
                               {"given", given},
                               {"method", method}});
  return acts_.act_and_answer(
      ask.caller, ask.session,
      [&](const Session& is) -> Result<Command> {
        if (!guest.empty()) {
          const std::string id = record_of(is, guest);
          if (id.empty())
            return not_found("participant.unknown", "the session has no such participant");
          consent.set("participant", id);
        }
        RABT_TRY(by, guardian_who_speaks(acts_.parts(), is, ask));
        if (by.child && !by.guardian && given) return no_guardian(acts_.parts(), is, ask);
        if (by.guardian) consent.set("guardian", guardian_json(*by.guardian));
        return Command(RecordConsent{consent});
      },
      {.strangers = true,
       .accounts = true,
       .shape = [&](const Session& session, const Change&) -> Answer {
         const Json* const said =
             latest_word(session, kind, who.person.empty() ? who.actor : who.person,
                         consent.string_or("participant", ""));
         RABT_CHECK(said != nullptr);
         return consent_json(*said);
       }});
}

}  // namespace rabt::consultation
