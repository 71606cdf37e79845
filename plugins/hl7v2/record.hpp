#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "settings.hpp"

// Messages that the hub files with a record system that speaks HL7 v2, and the meaning of the
// answers. No input and output here.
namespace rabt::hl7v2 {

// MSH-10 of a call: the same for the same idempotency key, 17 characters.
[[nodiscard]] std::string control_id(std::string_view key);

// The message of a visit that is over (ADT^A04 or A08). input: as write-encounter takes it. Throws
// sdk::Refusal.
[[nodiscard]] std::string encounter(const Json& input, const Settings& settings,
                                    const std::string& control_id, std::int64_t now_seconds);
// The id that the record system knows the visit by: PV1-19.
[[nodiscard]] std::string visit_number(const Json& input);
// The message of a document that lists recordings (MDM^T02). input: as write-document takes it.
[[nodiscard]] std::string document(const Json& input, const Settings& settings,
                                   const std::string& control_id, std::int64_t now_seconds);

// Returns the outcome of an acknowledgement: Kind::done, or the reason of the refusal. repeated: an
// attempt before this one may have arrived.
[[nodiscard]] sdk::Outcome acknowledged(const sdk::HttpResult& answer,
                                        const std::string& control_id, bool repeated);

// The segment that an acknowledgement names as wrong, counted from 1 among those of its name; 0
// when it does not say which.
struct Place {
  std::string segment;
  std::size_t number = 0;
};
[[nodiscard]] Place refused_place(std::string_view answer);

}  // namespace rabt::hl7v2
