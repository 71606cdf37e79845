#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "hub/base/result.hpp"

// The life of a consultation as a typed state machine. Pure.
//
//   booked -> in-session -> ended -> documented -> billed -> closed
//   booked -> no-show | cancelled
//   every state but the last ones -> failed
//
// closed, no-show, cancelled and failed are ends.
namespace rabt::consultation {

enum class State : std::uint8_t {
  booked,
  in_session,
  ended,
  documented,
  billed,
  closed,
  no_show,
  cancelled,
  failed
};

[[nodiscard]] std::string_view to_string(State state);
[[nodiscard]] std::optional<State> parse_state(std::string_view text);
[[nodiscard]] bool is_end(State state);

enum class Step : std::uint8_t { change, nothing };
// The step of a consultation in `from` that is told to be in `to`. `from` is nullopt if it is not
// registered yet. Returns `nothing` if it is in `to` already or is past it: the message is late or
// repeated. Error conflict consultation.illegal_transition names both states.
[[nodiscard]] Result<Step> decide(std::optional<State> from, State to);

}  // namespace rabt::consultation
