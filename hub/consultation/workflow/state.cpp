#include "hub/consultation/workflow/state.hpp"

#include <array>
#include <string>
#include <utility>

namespace rabt::consultation {

namespace {
constexpr std::array<std::pair<State, std::string_view>, 9> kNames{
    {{State::booked, "booked"},
     {State::in_session, "in-session"},
     {State::ended, "ended"},
     {State::documented, "documented"},
     {State::billed, "billed"},
     {State::closed, "closed"},
     {State::no_show, "no-show"},
     {State::cancelled, "cancelled"},
     {State::failed, "failed"}}};

// The regular path in order; -1 for the ends beside it.
int rank(State state) {
  return state <= State::closed ? static_cast<int>(state) : -1;
}
}  // namespace

std::string_view to_string(State state) {
  for (const auto& [value, name] : kNames) {
    if (value == state) return name;
  }
  return "failed";
}

std::optional<State> parse_state(std::string_view text) {
  for (const auto& [value, name] : kNames) {
    if (name == text) return value;
  }
  return std::nullopt;
}

bool is_end(State state) {
  return state >= State::closed;
}

Result<Step> decide(std::optional<State> from, State to) {
  if (!from) {
    if (to == State::booked || to == State::failed || to == State::cancelled) return Step::change;
    return conflict("consultation.illegal_transition",
                    "a consultation starts as booked, not as " + std::string(to_string(to)));
  }
  if (*from == to) return Step::nothing;
  if (rank(*from) >= 0 && rank(to) >= 0 && rank(to) < rank(*from)) return Step::nothing;
  const bool forward = rank(*from) >= 0 && rank(to) == rank(*from) + 1;
  const bool aside = *from == State::booked && (to == State::no_show || to == State::cancelled);
  // A visit that is not claimed.
  const bool unclaimed = *from == State::documented && to == State::closed;
  const bool failing = !is_end(*from) && to == State::failed;
  if (forward || aside || unclaimed || failing) return Step::change;
  return conflict("consultation.illegal_transition",
                  "a consultation that is " + std::string(to_string(*from)) + " cannot become " +
                      std::string(to_string(to)));
}

}  // namespace rabt::consultation
