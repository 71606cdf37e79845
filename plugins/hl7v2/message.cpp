#include "message.hpp"

#include <algorithm>

#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::hl7v2 {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;

std::string hl7_time(const std::string& text) {
  const auto seconds = sdk::read_instant(text);
  if (!seconds) return {};
  std::string digits = sdk::write_instant(*seconds);
  std::erase_if(digits, [](char c) { return !sdk::is_digit(c); });
  return digits.substr(0, 14) + "+0000";
}
std::string hl7_time(std::int64_t seconds) {
  return hl7_time(sdk::write_instant(seconds));
}

std::string as_field(std::string text) {
  std::erase_if(
      text, [](char c) { return c == '|' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text;
}

void add_head(Writer& out, const Heading& heading, const Settings& settings) {
  out.segment("MSH")
      .text(3, settings.sending_application)
      .text(4, settings.sending_facility)
      .text(5, settings.receiving_application)
      .text(6, settings.receiving_facility)
      .text(7, hl7_time(heading.now))
      .parts(9, {std::string(heading.type), std::string(heading.trigger),
                 std::string(heading.structure)})
      .text(10, heading.control_id)
      .text(11, settings.processing_ids.empty() ? "P" : settings.processing_ids.front())
      .text(12, "2.5.1")
      .text(18, settings.charset);
  // Results have none.
  if (heading.type == "ORU") return;
  out.segment("EVN").text(1, heading.trigger).text(2, hl7_time(heading.now));
}

void add_patient(Writer& out, const Json& input, const std::string& number) {
  const Json& person = member_of(input, "patient");
  const Json& identifier = member_of(person, "identifier");
  out.segment("PID").text(1, "1");
  if (!number.empty()) {
    out.encoded(3, as_field(number));
  } else if (!text_of(identifier, "value").empty()) {
    const std::string system = text_of(identifier, "system");
    const std::string authority = system.empty() ? "" : "&" + escaped(system) + "&URI";
    out.encoded(3, escaped(text_of(identifier, "value")) + "^^^" + authority + "^" +
                       escaped(text_of(identifier, "type")));
  } else {
    throw sdk::Refusal("hl7v2.input", "the patient has no identifier: PID-3");
  }
  std::string family = text_of(person, "family");
  std::string first;
  std::string further;
  for (const Json& given : list_of(person, "given")) {
    if (!given.is_string()) continue;
    std::string& to = first.empty() ? first : further;
    to += (to.empty() ? "" : " ") + given.get<std::string>();
  }
  if (family.empty() && first.empty()) family = text_of(person, "name");
  out.parts(5, {family, first, further, "", "", "", "L"});
  std::string born = text_of(person, "birthDate");
  std::erase(born, '-');
  out.text(7, born);
  const std::string gender = text_of(person, "gender");
  out.text(8, gender == "male"      ? "M"
              : gender == "female"  ? "F"
              : gender == "other"   ? "O"
              : gender == "unknown" ? "U"
                                    : "");
}

std::string practitioner(const Json& input, const std::string& doctor) {
  if (!doctor.empty()) return as_field(doctor);
  const Json& person = member_of(input, "practitioner");
  std::string out = escaped(text_of(person, "licence"));
  const std::string family = text_of(person, "family");
  out += "^" + escaped(family.empty() ? text_of(person, "name") : family);
  const Json& given = list_of(person, "given");
  if (!family.empty() && !given.empty() && given[0].is_string())
    out += "^" + escaped(given[0].get<std::string>());
  return out == "^" ? std::string() : out;
}

void add_visit(Writer& out, const Json& input, const Stay& stay, const Settings& settings) {
  out.segment("PV1")
      .text(1, "1")
      .text(2, settings.patient_class)
      .encoded(7, stay.doctor)
      .encoded(19, stay.number)
      .text(44, hl7_time(stay.start))
      .text(45, hl7_time(stay.end))
      .parts(50, {text_of(input, "consultation"), "", "", kAuthority});
}

std::string add_filed_visit(Writer& out, const Json& input, const Json& encounter,
                            const Settings& settings) {
  std::string doctor = practitioner(input, text_of(encounter, "practitionerReference"));
  add_patient(out, input, text_of(encounter, "patientReference"));
  add_visit(out, input,
            {.doctor = doctor,
             .number = as_field(text_of(encounter, "id")),
             .start = text_of(encounter, "start"),
             .end = text_of(encounter, "end")},
            settings);
  return doctor;
}

std::string in_charset(std::string_view text, const std::string& charset) {
  std::string out;
  if (!from_utf8(charset, text, out))
    throw sdk::Refusal("hl7v2.charset", "the message cannot be written in the character set " +
                                            charset + "; use UNICODE UTF-8");
  return out;
}

bool holds(const std::string& charset, std::string_view text) {
  std::string out;
  return from_utf8(charset, text, out);
}

}  // namespace rabt::hl7v2
