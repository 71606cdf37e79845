#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/sessions/people_requests.hpp"

// Readers of requests about the people of a session.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::AddParticipant> add_participant_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::DenyParticipant> deny_participant_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::IdentifyPatient> identify_patient_of(
    const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::GiveConsent> give_consent_of(const Ask& ask);

}  // namespace rabt::api
