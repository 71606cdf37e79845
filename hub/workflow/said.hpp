#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/workflow/execution.hpp"

// The order in which a source's events happened, as the source tells it.
namespace rabt::workflow {

// Attribute of an event whose source gave no time: `time` is the time of its receipt, and says
// nothing about the order in which the source's events happened.
inline constexpr std::string_view kTimeOfReceipt = "rabtreceipt";

// Time at which the event happened. nullopt where its source gave none.
[[nodiscard]] std::optional<Timestamp> said_at(const Json& envelope);
// True if an instance was started by, or has heard, an event of the same source that happened
// later, in whole seconds as HL7 v2 tells them. Times of different sources are of different clocks,
// and those of the hub's own events tell nothing of what a source knew. journal: its inputs.
[[nodiscard]] bool knows_newer(const std::vector<Input>& journal, const Json& envelope);
// Time at which an instance that is cancelled was; nullopt for any other. Its end may have come
// later.
[[nodiscard]] std::optional<Timestamp> cancelled_at(const std::vector<Input>& journal);

}  // namespace rabt::workflow
