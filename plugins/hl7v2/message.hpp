#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "hl7.hpp"
#include "settings.hpp"

// Segments that all messages to the record system have. No input and output here.
namespace rabt::hl7v2 {

// The hub as an assigning authority.
inline constexpr const char* kAuthority = "RABT";

// YYYYMMDDHHMMSS+ZZZZ of an RFC 3339 time; "" if it is none.
[[nodiscard]] std::string hl7_time(const std::string& text);
[[nodiscard]] std::string hl7_time(std::int64_t seconds);

// A field as a booking brought it, with the usual delimiters and without ends of segments. Whoever
// wrote the input may have written anything.
[[nodiscard]] std::string as_field(std::string text);

// MSH-9, MSH-10 and the time of a message, in Unix seconds.
struct Heading {
  std::string_view type;
  std::string_view trigger;
  std::string_view structure;
  std::string control_id;
  std::int64_t now = 0;
};
// MSH, and EVN where the message has one.
void add_head(Writer& out, const Heading& heading, const Settings& settings);

// PID of input.patient. number: PID-3 as the booking had it. Throws sdk::Refusal when the patient
// has no identifier.
void add_patient(Writer& out, const Json& input, const std::string& number);

// Doctor of input.practitioner as XCN. doctor: the doctor as the booking had him.
[[nodiscard]] std::string practitioner(const Json& input, const std::string& doctor);

struct Stay {
  std::string doctor;
  std::string number;
  std::string start;
  std::string end;
};
// PV1 of input.consultation.
void add_visit(Writer& out, const Json& input, const Stay& stay, const Settings& settings);

// PID and PV1 of a visit whose encounter was filed: {id, patientReference, practitionerReference,
// start, end}. Returns its doctor as XCN.
std::string add_filed_visit(Writer& out, const Json& input, const Json& encounter,
                            const Settings& settings);

// The text in a character set. Throws sdk::Refusal when the set does not hold the text.
[[nodiscard]] std::string in_charset(std::string_view text, const std::string& charset);
// True if the character set holds the text.
[[nodiscard]] bool holds(const std::string& charset, std::string_view text);

}  // namespace rabt::hl7v2
