#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/person_number.hpp"

// Between FHIR R4 (4.0.1) resources and the hub's own data. No input and output here.
namespace rabt::fhir {

using Json = nlohmann::json;

struct Settings {
  std::string base_url;  // without a '/' at the end
  bool bearer = true;
  std::string organization_reference;
  std::string organization_display;
  // Types of numbers by own systems of the record system.
  sdk::NumberTypes number_types = {};
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

// Unix seconds of a FHIR instant (RFC 3339 date-time with seconds and an offset); fractions are
// dropped. 24:00 and leap seconds are refused, as FHIR does.
[[nodiscard]] std::optional<std::int64_t> read_instant(std::string_view text);

// The list of events that a delivery announces: one for each Appointment in it. Subscription
// handshakes, heartbeats and notifications about other resources announce none. message: the
// sender's id of the message, which a repeat of it has, too; without one the body stands for it.
// Throws sdk::Refusal, whose text says what is missing and where and quotes no value of the
// delivery.
[[nodiscard]] Json to_events(std::string_view body, const Settings& settings,
                             std::string_view message = {});

// The identifier system of what the hub creates; its value is the id of the consultation.
inline constexpr std::string_view kConsultationSystem = "https://rabt.health/consultation";

// The Encounter of a consultation that is over. input: as write-encounter takes it.
[[nodiscard]] Json encounter(const Json& input, const Settings& settings);
// The DocumentReference with one attachment for each recording. input: as write-document takes it.
[[nodiscard]] Json document(const Json& input, const Settings& settings, std::int64_t now_seconds);

// output: {found: true, patient, patientReference, coverage?, warnings?} as a payer takes them: the
// coverage of this patient that is in force at `at` (Unix seconds) and counts first, else why there
// is none. patients: the patient, and those that were merged into him. entries: [{resource,
// fullUrl?}] of Coverages, and of Organizations that they refer to.
struct Insured {
  Json output;
  // The id of the Organization that pays and that is not among the entries; "" if there is none.
  std::string unread_payer;
};
[[nodiscard]] Insured insured(const Json& patients, const Json& entries, std::int64_t at,
                              const Settings& settings);

// The patients of a search that are not merged into another one, and are active if some are:
// [Patient].
[[nodiscard]] Json living(const Json& patients);
// The id of the Patient that replaces this one; "" if there is none.
[[nodiscard]] std::string replaced_by(const Json& patient, const Settings& settings);
// The ids of the Patients that this one says it replaces.
[[nodiscard]] std::vector<std::string> replaced_ids(const Json& patient, const Settings& settings);
// False if another Patient that this one says it replaces says otherwise: it lives, or was merged
// into somebody else.
[[nodiscard]] bool lets_itself_be_replaced(const Json& other, const std::string& by,
                                           const Settings& settings);

// A resource's JSON with another status, all other bytes unchanged: FHIR decimals must keep their
// digits. Nothing when the text is no JSON object with a text as its status.
[[nodiscard]] std::optional<std::string> with_status(std::string_view resource,
                                                     std::string_view status);

// The identifiers by which an Appointment knows its session and its room: [{system, value}].
// session: {id, room?}.
inline constexpr std::string_view kSessionSystem = "https://rabt.health/session";
inline constexpr std::string_view kRoomSystem = "https://rabt.health/session-room";
[[nodiscard]] Json session_identifiers(const Json& session);
// A resource's JSON with these identifiers in place of others of the same systems; without any,
// they come last, and all other bytes are unchanged. Nothing when the text is no JSON object whose
// identifiers are a list.
[[nodiscard]] std::optional<std::string> with_identifiers(std::string_view resource,
                                                          const Json& identifiers);

}  // namespace rabt::fhir
