#pragma once

#include <string>
#include <string_view>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/sessions/entry_requests.hpp"

// Readers of requests to come into a call.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::JoinCall> join_call_of(const Ask& ask);
// A kind of device, under the name that the body has for it.
[[nodiscard]] std::string device_type_in(consultation::Fields& members, std::string_view name);

}  // namespace rabt::api
