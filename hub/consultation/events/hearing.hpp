#pragma once

#include <cstdint>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/consultation/session/membership.hpp"

// Visibility of a session's events for its participants, by REST and by the live channel alike.
namespace rabt::consultation {

// Participants who see an event, beside the one whom it is about.
enum class Hearers : std::uint8_t {
  admitted,
  // Also participants who wait.
  waiting,
  // Only participants who admit others.
  hosts,
  // Only doctor, specialist and nurse.
  staff
};

struct EventKind {
  // The event's, without the prefix; a hyphen at its end stands for all that begin so.
  std::string_view type;
  // Name in the live channel.
  std::string_view kind;
  Hearers hearers;
};

// The kind of an event. Events that the table does not list are about the session as a whole.
[[nodiscard]] EventKind event_kind(std::string_view type);
// True if the caller sees the event, of this time. data: as it is stored. to: the participant whom
// a message is for, where the caller of this function has opened it; events of earlier builds do
// not say.
[[nodiscard]] bool may_hear(const Membership& of, std::string_view type, std::int64_t at_ms,
                            const Json& data, std::string_view to = {});

// Audience of a message of a participant who waits: only participants who admit others see it.
inline constexpr std::string_view kForHosts = "hosts";

}  // namespace rabt::consultation
