#include "hub/consultation/session/standing_consents.hpp"

#include <algorithm>
#include <array>

#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

namespace {

// Consents of kind transcription by the participant for himself.
bool is_own_word(const Participant& participant, const Json& consent) {
  const std::string by = consent.string_or("by", "");
  if (by == guest_actor(participant.id)) return true;
  return !participant.person.empty() && by == participant.person &&
         consent.string_or("participant", participant.id) == participant.id;
}

// Consents of kind transcription that a host wrote down for the participant. Of a guest who has an
// account since, a no counts on.
bool is_word_for(const Participant& participant, const Json& consent) {
  return consent.string_or("participant", "") == participant.id &&
         (participant.person.empty() || !consent.bool_or("given", false));
}

// The participant's last word about the transcription, his own or written down for him. ended: also
// one that no longer counts. Unset without a word.
std::optional<bool> last_said(const Session& session, const Participant& participant, bool ended) {
  std::optional<bool> given;
  for (const Json& consent : session.consents.all.as_array()) {
    if (consent.string_or("kind", "") != "transcription") continue;
    if (!ended && !still_counts(session, consent)) continue;
    if (is_own_word(participant, consent) || is_word_for(participant, consent))
      given = consent.bool_or("given", false);
  }
  return given;
}

// A no is taken back once, by a yes that may have ended since.
bool holds_to_no(const Session& session, const Participant& participant) {
  return last_said(session, participant, true) == false;
}

// True if the patient said so through the link of his part.
bool is_patient_by_link(const Session& session, std::string_view by) {
  return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       return participant.role == PartRole::patient &&
                              by == guest_actor(participant.id);
                     });
}

// A consent of kind training may also be somebody's own: there only a doctor writes down what the
// patient said.
bool speaks_for_patient(const Session& session, std::string_view kind, std::string_view by) {
  if (kind != "training" || by == session.patient) return true;
  if (by.starts_with("guest:")) return is_patient_by_link(session, by);
  const Participant* const own = session.of_person(by);
  return own == nullptr || needs_licence(own->role);
}

// The latest consent of the patient, whoever said or wrote it down. Unset without one that counts.
std::optional<bool> last_given(const Session& session, std::string_view kind) {
  std::optional<bool> given;
  for (const Json& consent : session.consents.all.as_array()) {
    if (consent.string_or("kind", "") == kind && still_counts(session, consent) &&
        speaks_for_patient(session, kind, consent.string_or("by", "")))
      given = consent.bool_or("given", false);
  }
  return given;
}

bool is_same_guest(const Json& item, const Json& other) {
  constexpr std::array<std::string_view, 5> kTells{"externalId", "userId", "phone", "email",
                                                   "name"};
  return std::any_of(kTells.begin(), kTells.end(), [&](std::string_view member) {
    return item[member].is_string() && item[member] == other[member];
  });
}

}  // namespace

std::string guest_actor(std::string_view participant) {
  return "guest:" + std::string(participant);
}

bool is_same_person(const Participant& participant, const Participant& other) {
  if (participant.id == other.id) return true;
  if (!participant.person.empty() || !other.person.empty())
    return participant.person == other.person;
  return is_same_guest(participant.guest, other.guest);
}

bool still_counts(const Session& session, const Json& consent) {
  const std::string link = consent.string_or("link", "");
  if (link.empty() || !consent.bool_or("given", false)) return true;
  const std::string by = consent.string_or("by", "");
  return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       return by == guest_actor(participant.id) &&
                              link == link_word(session, participant);
                     });
}

const Json* latest_word(const Session& session, std::string_view kind, std::string_view by,
                        std::string_view participant) {
  const Json* latest = nullptr;
  for (const Json& consent : session.consents.all.as_array()) {
    if (consent.string_or("kind", "") == kind && consent.string_or("by", "") == by &&
        consent.string_or("participant", "") == participant)
      latest = &consent;
  }
  return latest;
}

std::vector<Json> own_refusals(const Session& session, std::string_view kind) {
  std::vector<Json> standing;
  for (const Json& consent : session.consents.all.as_array()) {
    if (consent.string_or("kind", "") != kind) continue;
    const std::string by = consent.string_or("by", "");
    // Written down for somebody else.
    const std::string about = consent.string_or("participant", "");
    const Participant* const named = session.participant(about);
    const bool own =
        about.empty() || by == guest_actor(about) || (named != nullptr && named->person == by);
    if (by.empty() || !own) continue;
    if (!consent.bool_or("given", false)) {
      standing.push_back(consent);
      continue;
    }
    std::erase_if(standing, [&](const Json& refusal) {
      const std::string refused_by = refusal.string_or("by", "");
      if (refused_by == by) return true;
      return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                         [&](const Participant& participant) {
                           return participant.person == by &&
                                  refused_by == guest_actor(participant.id);
                         });
    });
  }
  return standing;
}

bool is_patients_word(const Session& session, const Json& consent) {
  const std::string by = consent.string_or("by", "");
  return consent.bool_or("patient", false) || (!session.patient.empty() && by == session.patient) ||
         is_patient_by_link(session, by);
}

bool patient_refused(const Session& session, std::string_view kind) {
  const std::vector<Json> refusals = own_refusals(session, kind);
  return std::any_of(refusals.begin(), refusals.end(),
                     [&](const Json& refusal) { return is_patients_word(session, refusal); });
}

bool consent_stands(const Session& session, std::string_view kind) {
  return !patient_refused(session, kind) && last_given(session, kind).value_or(false);
}

bool consent_refused(const Session& session, std::string_view kind) {
  return patient_refused(session, kind) || !last_given(session, kind).value_or(true);
}

bool is_unwanted_relative(const Session& session, const Participant& coming) {
  if (!patient_refused(session, "family")) return false;
  return std::any_of(session.people.participants.begin(), session.people.participants.end(),
                     [&](const Participant& participant) {
                       if (participant.role != PartRole::family_member || participant.takes_part())
                         return false;
                       return coming.person.empty()
                                  ? participant.person.empty() &&
                                        is_same_guest(participant.guest, coming.guest)
                                  : participant.person == coming.person;
                     });
}

bool words_refused(const Session& session) {
  return !own_refusals(session, "transcription").empty() ||
         std::any_of(
             session.people.participants.begin(), session.people.participants.end(),
             [&](const Participant& participant) { return holds_to_no(session, participant); });
}

Status may_be_transcribed(const Session& session) {
  const auto missing = [] {
    return conflict("consent.transcription_missing",
                    "nothing is transcribed without a consent of kind transcription by everybody "
                    "who took part");
  };
  const std::vector<Json> refusals = own_refusals(session, "transcription");
  // The patient's no holds before he comes, and whoever is in his place.
  const bool expected = std::any_of(
      session.people.participants.begin(), session.people.participants.end(),
      [](const Participant& one) { return one.role == PartRole::patient && one.takes_part(); });
  if (expected && patient_refused(session, "transcription")) return missing();
  bool anybody = false;
  for (const Participant& participant : session.people.participants) {
    if (participant.role == PartRole::patient && participant.takes_part() &&
        holds_to_no(session, participant))
      return missing();
    // Whoever was in once was heard, also when he waits again. Older hubs wrote no time down.
    const bool came_in =
        participant.admission == Admission::admitted || participant.admission == Admission::removed;
    if (!participant.in_ms && !was_in(session, participant) && !(participant.was_here && came_in))
      continue;
    const auto is_own = [&](const Json& consent) { return is_own_word(participant, consent); };
    const bool given = last_said(session, participant, false) == true;
    if (!given || std::any_of(refusals.begin(), refusals.end(), is_own)) return missing();
    anybody = true;
  }
  return anybody ? ok_status() : Status(missing());
}

}  // namespace rabt::consultation
