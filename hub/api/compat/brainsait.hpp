#pragma once

#include <type_traits>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/invitation_requests.hpp"
#include "hub/consultation/sessions/people_requests.hpp"

// The library BrainSAIT Video Services, whose names /api/v1 takes besides its own where sessions
// and participants are made and changed: docs/compat/brainsait.md, and `x-also` of
// docs/openapi.yaml. Pure.
namespace rabt::api::compat {

// The same request under the names of /api/v1. One of them wins over the library's.
[[nodiscard]] Ask without_library_names(const Ask& ask);

// Marks people whom the body names by ids of the library's own system, as text, in its members
// `user_id` of participants and the patient of the context. given: the body as it came.
void mark_library_ids(const Json& given, consultation::Asked<consultation::SessionInput>& asked);
void mark_library_ids(const Json& given, consultation::Asked<consultation::AddParticipant>& asked);
void mark_library_ids(const Json& given, consultation::Inviting& inviting);

// Readers of requests that take these names, too, made of those that take the names of /api/v1.
template <auto reads>
[[nodiscard]] auto in_library_names(const Ask& ask) {
  return reads(without_library_names(ask));
}
template <auto reads>
[[nodiscard]] auto from_library(const Ask& ask) {
  using Request = std::invoke_result_t<decltype(reads), const Ask&>;
  // The library has no invitations of people who take part already.
  if constexpr (std::is_same_v<Request, consultation::Inviting>) {
    if (ask.body.find("participant") != nullptr) return reads(ask);
  }
  Request request = reads(without_library_names(ask));
  mark_library_ids(ask.body, request);
  return request;
}

}  // namespace rabt::api::compat
