#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/onboarding_requests.hpp"

// Readers of requests about how patients are made ready for calls.
namespace rabt::api {

// record: the patient, here and in the next one.
[[nodiscard]] consultation::OfPatient of_patient(const Ask& ask);
[[nodiscard]] consultation::NoteOnboarding note_onboarding_of(const Ask& ask);

}  // namespace rabt::api
