#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/clinic_requests.hpp"

// Readers of requests about clinics.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::AddClinic> add_clinic_of(const Ask& ask);
// record: the clinic, here and in the next one.
[[nodiscard]] consultation::Asked<consultation::ListClinicSessions> list_clinic_sessions_of(
    const Ask& ask);
[[nodiscard]] consultation::AddClinicSession add_clinic_session_of(const Ask& ask);

}  // namespace rabt::api
