#pragma once

#include <string>
#include <string_view>

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/practice/provider_requests.hpp"
#include "hub/consultation/request/fields.hpp"

// Readers of requests about providers.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::ListProviders> list_providers_of(const Ask& ask);
// record: the provider, here and in the next ones.
[[nodiscard]] consultation::OfProvider of_provider(const Ask& ask);
[[nodiscard]] consultation::GetAvailability get_availability_of(const Ask& ask);
[[nodiscard]] consultation::SetAvailability set_availability_of(const Ask& ask);
// True if the member of this name is a list of slots, as long as one may be, or absent; else it is
// a mistake.
[[nodiscard]] bool may_be_slots(consultation::Fields& fields, std::string_view name);
// The bounds of a slot, under the names that the body has for them.
[[nodiscard]] consultation::SetAvailability::Slot slot_in(consultation::Fields& slot,
                                                          std::string_view from,
                                                          std::string_view to,
                                                          int naive_offset_minutes);
[[nodiscard]] consultation::SetPresence set_presence_of(const Ask& ask);
// The status, under the name that the body has for it. None is a mistake.
[[nodiscard]] std::string presence_in(consultation::Fields& fields, std::string_view name);

}  // namespace rabt::api
