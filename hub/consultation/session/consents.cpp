#include "hub/consultation/session/step.hpp"

#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/standing_consents.hpp"

// Decisions about consents.
namespace rabt::consultation {

namespace {

// A guest has no account: a host writes down what he said, or the application that opened the
// session passes it on. Whoever has one speaks for himself.
Status may_speak_for(const Session& session, const Participant& guest, const Actor& who) {
  const Participant* own = own_of(session, who);
  if (own == &guest) return ok_status();
  if (!guest.person.empty())
    return conflict("consent.own_word",
                    "who has an account gives or refuses the consent himself, without participant");
  if (own == nullptr || is_host(session, *own)) return ok_status();
  return denied("authorisation.denied", "a host writes down what a guest has said");
}

// True if the caller is the one who refused. A link that was sent again, or another one, is his
// only after a second proof: whoever sent it may have opened it. The code of that proof went to the
// telephone of the record that he was booked with, and that nobody has changed since, so that
// nobody sends it to himself. An account that the participant had then is his, and no later one.
bool is_who_refused(const Session& session, const Json& refusal, const Actor& who) {
  const std::string by = refusal.string_or("by", "");
  if (!who.person.empty() && by == who.person) return true;
  const Participant* const own = own_of(session, who);
  if (own == nullptr || by != guest_actor(own->id)) return false;
  // A refusal that was said before a host let anybody in: the participant whom a host has seen says
  // what he wants.
  if (refusal.bool_or("waiting", false) && own->admitted()) return true;
  const Json& record = refusal["record"];
  if (who.part.participant.empty())
    return !who.person.empty() && record.string_or("of", "") == who.person;
  const std::string link = link_word(session, *own);
  if (!link.empty() && refusal.string_or("link", "") == link) return true;
  return link_proven(session, *own, record);
}

// Refuses a consent that somebody has refused himself, and that another one would give. about: the
// participant whose consent it is, null when nobody takes part as him. Consents of other kinds than
// transcription are the patient's besides; in a training everybody speaks for himself. Somebody who
// was removed and added anew is the same person, and so is a guest in the patient's place.
Status may_be_given(const Session& session, std::string_view kind, const Participant* about,
                    const Actor& who) {
  for (const Json& refusal : own_refusals(session, kind)) {
    const std::string by = refusal.string_or("by", "");
    const bool of_him =
        about != nullptr &&
        (by == guest_actor(about->id) || (!by.empty() && by == about->person) ||
         std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       return by == guest_actor(participant.id) &&
                              is_same_person(participant, *about);
                     }));
    const bool of_patient =
        kind != "transcription" || (about != nullptr && about->role == PartRole::patient);
    const bool counts = of_him || (of_patient && is_patients_word(session, refusal));
    if (!counts || is_who_refused(session, refusal, who)) continue;
    return conflict(
        "consent.own_word",
        "a consent of kind " + std::string(kind) +
            " was refused by whom it is about, who alone gives it: under the same "
            "account, in the same browser, or by the link after a code to the telephone of the "
            "record, unless the record was made or changed since the booking; where that is not "
            "possible it stays refused in this session, and a new one asks anew");
  }
  return ok_status();
}

// True if the caller said the same last, and nobody has said otherwise since.
bool is_repeat(const Session& session, const Json& consent) {
  const std::string kind = consent.string_or("kind", "");
  const Json* const latest =
      latest_word(session, kind, consent.string_or("by", ""), consent.string_or("participant", ""));
  if (latest == nullptr || (*latest)["guardian"] != consent["guardian"]) return false;
  // A yes that counts no more is none; a no of somebody whom nobody had let in is not yet his.
  if (!still_counts(session, *latest)) return false;
  if (latest->bool_or("waiting", false) && !consent.bool_or("waiting", false)) return false;
  bool since = false;
  for (const Json& item : session.consents.all.as_array()) {
    since = since || &item == latest;
    if (since && item.string_or("kind", "") == kind && item["given"] != consent["given"])
      return false;
  }
  return true;
}

// Error conflict consent.limit. A refusal is always taken: it is one row more at most.
Status has_place(const Session& session, const Json& consent) {
  const auto& all = session.consents.all.as_array();
  const std::string by = consent.string_or("by", "");
  const auto own = std::count_if(all.begin(), all.end(),
                                 [&](const Json& item) { return item.string_or("by", "") == by; });
  if (!consent.bool_or("given", true) ||
      (all.size() < limits::kMaxSessionConsents &&
       static_cast<std::size_t>(own) < limits::kMaxConsentsOfOne))
    return ok_status();
  return conflict("consent.limit",
                  "the session has as many consents as it takes: 200, and 40 by one person; a "
                  "refusal is still taken");
}

// Keeps with a refusal whose it is: roles and records of participants may become others.
void keep_whose(const Session& session, const Participant* own, const Actor& who, bool by_link,
                Json& refusal) {
  const bool patient = own != nullptr && own->role == PartRole::patient;
  if (patient || (!who.person.empty() && who.person == session.patient))
    refusal.set("patient", true);
  if (!by_link) return;
  refusal.set("record", Json::object({{"of", own->record_of}, {"version", own->record_version}}));
  if (own->waits_again && !own->admitted()) refusal.set("waiting", true);
}

// Relatives and observers who might not come in any more leave the session, and so does staff
// without an account.
void put_relatives_out(Step& step) {
  for (Participant& participant : step.after().people.participants) {
    const bool relative = participant.role == PartRole::family_member ||
                          participant.role == PartRole::observer ||
                          (participant.person.empty() && !opens_by_link(participant.role));
    if (!relative || !participant.takes_part() || may_take_part(step, participant).ok()) continue;
    participant.admission = Admission::removed;
    participant.here = false;
    end_stays(step, participant.id, step.moment.now.ms);
    put_out(step, participant);
    end_links(step, participant.id);
    step.record("participant.removed", named(participant));
    step.tell("participant-removed", named(participant));
  }
  follow_presence(step);
}

}  // namespace

void keep_refusals(Step& step, const Participant& participant) {
  Session& session = step.after();
  const std::string link = link_word(session, participant);
  for (std::size_t at = 0; at < session.consents.all.size(); ++at) {
    Json no = session.consents.all.item(at);
    if (!no.bool_or("waiting", false) || no.string_or("by", "") != guest_actor(participant.id) ||
        no.string_or("link", "") != link)
      continue;
    no.mutable_object().erase("waiting");
    const auto& all = session.consents.all.as_array();
    if (std::find(all.begin(), all.end(), no) == all.end())
      session.consents.all.push_back(std::move(no));
  }
}

//
Result<Change> on(Step step, const RecordConsent& command) {
  Session& session = step.after();
  const Actor& who = step.moment.who;
  const std::string kind = command.consent.string_or("kind", "");
  RABT_TRY_STATUS(must_be_open(session, "requested, scheduled, waiting or active"));
  const bool given = command.consent.bool_or("given", true);
  Json consent = command.consent;
  const Participant* const own = own_of(session, who);
  const Participant* about = own;
  if (const std::string guest = consent.string_or("participant", ""); !guest.empty()) {
    RABT_TRY(one, named_in(step, guest));
    RABT_TRY_STATUS(may_speak_for(session, *one, who));
    about = one;
  }
  const bool by_link = own != nullptr && !who.part.participant.empty();
  if (given) {
    // Whoever holds the telephone may be anybody until a host has let him in. The page asks for the
    // recording before it joins; of a link that was opened anew nothing counts.
    if (by_link && !own->admitted() && (kind != "recording" || own->waits_again))
      return conflict("participant.waiting",
                      "a consent is given by a link once a host has let its holder in");
    RABT_TRY_STATUS(may_be_given(session, kind, about, who));
    const bool of_somebody =
        about != nullptr || (!who.person.empty() && who.person == session.patient);
    // It counts for the one person who gives it.
    if (kind == "transcription" && !of_somebody)
      return conflict("consent.own_word", "who takes part gives this consent for himself");
  }
  consent.set("by", who.person.empty() ? who.actor : who.person);
  consent.set("at", to_iso8601(step.moment.now));
  if (by_link) consent.set("link", link_word(session, *own));
  if (!given) keep_whose(session, own, who, by_link, consent);
  if (is_repeat(session, consent)) return nothing(step.before);
  RABT_TRY_STATUS(has_place(session, consent));
  Json detail = Json::object({{"kind", kind}, {"given", given}});
  if (const std::string by = consent["guardian"].string_or("relation", ""); !by.empty())
    detail.set("guardian", by);
  session.consents.all.push_back(std::move(consent));
  step.record("consent.recorded", std::move(detail));
  if (kind == "family" && given) session.clear_warning("consent.family_missing");
  if (kind == "family" && !given) put_relatives_out(step);
  // After its consequences: a person who is taken out learns of that first.
  step.tell("consent-recorded", Json::object({{"kind", kind}, {"given", given}}));
  const bool about_it = kind == "recording" ||
                        (kind == "training" && (session.recording.purpose == "training" ||
                                                session.type == SessionType::training_session));
  if (about_it && !given && !session.recording.running.empty()) {
    step.ask("stop-recording", session.recording.running);
    end_recording(step);
  }
  return done(std::move(step));
}

}  // namespace rabt::consultation
