#include "hub/workflow/said.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/event_names.hpp"

namespace rabt::workflow {

std::optional<Timestamp> said_at(const Json& envelope) {
  if (!envelope.is_object() || envelope.find(kTimeOfReceipt) != nullptr) return std::nullopt;
  const auto said = parse_iso8601(envelope.string_or("time", ""));
  return said.ok() ? std::optional(*said) : std::nullopt;
}

bool knows_newer(const std::vector<Input>& journal, const Json& envelope) {
  const auto said = said_at(envelope);
  if (!said) return false;
  const std::string source = envelope.string_or("source", "");
  const auto newer = [&](const Json& envelope_before) {
    if (!envelope_before.is_object() || envelope_before.string_or("source", "") != source ||
        is_hub_type(envelope_before.string_or("type", "")))
      return false;
    const auto at = said_at(envelope_before);
    return at && at->ms / kSecondMs > said->ms / kSecondMs;
  };
  return std::any_of(journal.begin(), journal.end(), [&](const Input& input) {
    if (const auto* const arrived = std::get_if<EventArrived>(&input.what))
      return newer(arrived->event);
    const auto* const start = std::get_if<Start>(&input.what);
    if (start == nullptr || !start->input.is_array()) return false;
    const auto& events = start->input.as_array();
    return std::any_of(events.begin(), events.end(), newer);
  });
}

std::optional<Timestamp> cancelled_at(const std::vector<Input>& journal) {
  std::optional<Timestamp> out;
  for (const Input& input : journal) {
    // An end that was undone by going on.
    if (std::holds_alternative<Rewound>(input.what)) out.reset();
    if (std::holds_alternative<Cancel>(input.what) && !out) out = input.at;
  }
  return out;
}

}  // namespace rabt::workflow
