#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

// Between FHIR R4 (4.0.1) resources and the hub's own data. No input and output here.
namespace fhir {

using Json = nlohmann::json;

struct Settings {
  std::string base_url;  // without a '/' at the end
  bool bearer = true;
  std::string organization_reference;
  std::string organization_display;
};
// Throws std::runtime_error with a text for the operator.
[[nodiscard]] Settings read_settings(std::string_view json);

// A JSON value, or nothing: not JSON, or nested deeper than any FHIR resource is.
[[nodiscard]] std::optional<Json> parse(std::string_view text);
// The member when it is a text, else "".
[[nodiscard]] std::string text(const Json& object, const char* key);

// Unix seconds of a FHIR instant (RFC 3339 date-time with seconds and an offset); fractions are
// dropped. 24:00 and leap seconds are refused, as FHIR does.
[[nodiscard]] std::optional<std::int64_t> read_instant(std::string_view text);
[[nodiscard]] std::string write_instant(std::int64_t unix_seconds);  // in UTC

// A delivery as the events that it announces: one for each Appointment in it. Subscription
// handshakes, heartbeats and notifications about other resources announce none.
struct Announcement {
  Json events = Json::array();
  std::string error;  // not empty: what is missing and where; never a value from the delivery
};
[[nodiscard]] Announcement to_events(std::string_view body, const Settings& settings);

// The identifier system of what the hub creates; its value is the id of the consultation.
inline constexpr std::string_view kConsultationSystem = "https://rabt.health/consultation";

// The Encounter of a consultation that is over. input: as write-encounter takes it.
[[nodiscard]] Json encounter(const Json& input, const Settings& settings);
// The DocumentReference with one attachment for each recording. input: as write-document takes it.
[[nodiscard]] Json document(const Json& input, const Settings& settings, std::int64_t now_seconds);

// A resource's JSON with another status, all other bytes unchanged: FHIR decimals must keep their
// digits. Nothing when the text is no JSON object with a text as its status.
[[nodiscard]] std::optional<std::string> with_status(std::string_view resource,
                                                     std::string_view status);

}  // namespace fhir
