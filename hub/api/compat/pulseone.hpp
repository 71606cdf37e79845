#pragma once

#include <string_view>

#include "hub/base/json.hpp"
#include "hub/consultation/sessions/sessions.hpp"

namespace rabt::api::compat {

// The body of a message to RabbitMQ in PulseOne's words, with its ids. event: {type, timestamp,
// data}, as webhooks send it. session: null when the event is about none.
[[nodiscard]] Json bus_message(std::string_view key, const Json& event,
                               const consultation::Membership* session);

}  // namespace rabt::api::compat
