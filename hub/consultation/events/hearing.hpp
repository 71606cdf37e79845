#pragma once

#include <cstdint>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/consultation/session/membership.hpp"

// Which participants see which events of a session: the same by REST and by the live channel.
namespace rabt::consultation {

// Those who see an event beside the participant whom it is about.
enum class Hearers : std::uint8_t {
  admitted,
  // Also those who wait.
  waiting,
  // Only those who admit others.
  hosts,
  // Only doctor, specialist and nurse.
  staff
};

struct EventKind {
  // The event's, without the prefix; a hyphen at its end stands for all that begin so.
  std::string_view type;
  // What the live channel calls it.
  std::string_view kind;
  Hearers hearers;
};

// The event as the channel names it. All that is in no table is about the session as a whole.
[[nodiscard]] EventKind event_kind(std::string_view type);
// True if the caller sees the event, of this time. data: as it is stored. to: the participant whom
// a message is for, where the caller of this function has opened it; events of earlier builds do
// not say.
[[nodiscard]] bool may_hear(const Membership& of, std::string_view type, std::int64_t at_ms,
                            const Json& data, std::string_view to = {});

// Audience of a message that only those who admit others see: of somebody who waits.
inline constexpr std::string_view kForHosts = "hosts";

}  // namespace rabt::consultation
