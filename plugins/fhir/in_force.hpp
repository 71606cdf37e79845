#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>

namespace rabt::fhir {

// True if a Period (FHIR R4) holds at `at`, Unix seconds: both ends belong to it, an end without a
// time means its whole day, month or year in Riyadh, and an end that is missing or unreadable sets
// no limit. True without `at`.
[[nodiscard]] bool in_force(const nlohmann::json& period, std::optional<std::int64_t> at);

}  // namespace rabt::fhir
