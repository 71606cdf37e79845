#include "hub/api/requests/people_requests.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/printable.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/session/decide.hpp"

namespace rabt::api {

using consultation::AddParticipant;
using consultation::Asked;
using consultation::DenyParticipant;
using consultation::Fields;
using consultation::GiveConsent;
using consultation::IdentifyPatient;
using consultation::kIdentifiers;
using consultation::Mistakes;
using consultation::ParticipantInput;
using consultation::read_participant;

namespace {

constexpr std::size_t kMaxConsentingId = 64;

bool is_identifier(const Json& item) {
  return std::find(kIdentifiers.begin(), kIdentifiers.end(), item.as_string()) !=
         kIdentifiers.end();
}

}  // namespace

Asked<AddParticipant> add_participant_of(const Ask& ask) {
  Mistakes mistakes;
  ParticipantInput input = read_participant(ask.body, mistakes, "");
  RABT_TRY_STATUS(mistakes.status());
  return AddParticipant{.session = ask.session, .input = std::move(input)};
}

Asked<DenyParticipant> deny_participant_of(const Ask& ask) {
  return DenyParticipant{.session = ask.session,
                         .participant = ask.record,
                         .reason = tidy_text(ask.body.string_or("reason", ""))};
}

Asked<IdentifyPatient> identify_patient_of(const Ask& ask) {
  Fields members(ask.body);
  members.only({"identifiers"});
  const Json given = members.texts("identifiers");
  const bool good = given.is_array() && given.size() == 2 && given.item(0) != given.item(1) &&
                    is_identifier(given.item(0)) && is_identifier(given.item(1));
  if (!good && members.good())
    members.wrong(
        "identifiers",
        "it must be two different ones of name, birth_date, record_number and national_id");
  RABT_TRY_STATUS(members.done());
  return IdentifyPatient{.session = ask.session,
                         .identifiers = {given.item(0).as_string(), given.item(1).as_string()}};
}

Asked<GiveConsent> give_consent_of(const Ask& ask) {
  Fields members(ask.body);
  GiveConsent request{.session = ask.session};
  request.kind = members.word("kind", {"family", "recording", "training", "transcription"});
  request.method = members.word("method", {"verbal", "written", "app"});
  request.given = members.boolean("given").value_or(true);
  request.participant = members.text("participant", kMaxConsentingId);
  if (request.kind.empty() && members.good()) members.wrong("kind", "it is needed");
  if (!members.has("given") && members.good()) members.wrong("given", "it is needed");
  const bool names = members.has("participant");
  if (names && request.kind != "transcription" && members.good())
    members.wrong("participant", "it is for kind transcription alone");
  if (names && request.participant.empty() && members.good())
    members.wrong("participant", "it must name a participant");
  RABT_TRY_STATUS(members.done());
  if (request.method.empty()) request.method = "app";
  return request;
}

}  // namespace rabt::api
