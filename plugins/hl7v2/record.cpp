#include "record.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "hl7.hpp"
#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::hl7v2 {

namespace {

using sdk::Kind;
using sdk::list_of;
using sdk::member_of;
using sdk::Outcome;
using sdk::text_of;

// YYYYMMDDHHMMSS+ZZZZ of an RFC 3339 time; "" if it is none.
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

// A field as a booking brought it, with the usual delimiters and without ends of segments. Whoever
// wrote the input may have written anything.
std::string as_field(std::string text) {
  std::erase_if(
      text, [](char c) { return c == '|' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return text;
}
// The parts of appointment.reference: SCH-1, SCH-2, PV1-19.
std::string part_of_reference(const Json& appointment, std::size_t number) {
  std::string rest = text_of(appointment, "reference");
  for (std::size_t i = 0; i < number; ++i) {
    const auto end = rest.find('|');
    if (end == std::string::npos) return {};
    rest.erase(0, end + 1);
  }
  return as_field(rest.substr(0, rest.find('|')));
}

void head(Writer& out, std::string_view type, std::string_view trigger, std::string_view structure,
          const Settings& settings, const std::string& control_id, std::int64_t now) {
  out.segment("MSH")
      .text(3, settings.sending_application)
      .text(4, settings.sending_facility)
      .text(5, settings.receiving_application)
      .text(6, settings.receiving_facility)
      .text(7, hl7_time(now))
      .parts(9, {std::string(type), std::string(trigger), std::string(structure)})
      .text(10, control_id)
      .text(11, settings.processing_ids.empty() ? "P" : settings.processing_ids.front())
      .text(12, "2.5.1")
      .text(18, settings.charset);
  out.segment("EVN").text(1, trigger).text(2, hl7_time(now));
}

// known: PID-3 as the booking had it.
void patient(Writer& out, const Json& input, const std::string& known) {
  const Json& person = member_of(input, "patient");
  const Json& identifier = member_of(person, "identifier");
  out.segment("PID").text(1, "1");
  if (!known.empty()) {
    out.encoded(3, as_field(known));
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

// known: the doctor as the booking had him (XCN).
std::string practitioner(const Json& input, const std::string& known) {
  if (!known.empty()) return as_field(known);
  const Json& person = member_of(input, "practitioner");
  std::string out = escaped(text_of(person, "licence"));
  const std::string family = text_of(person, "family");
  out += "^" + escaped(family.empty() ? text_of(person, "name") : family);
  const Json& given = list_of(person, "given");
  if (!family.empty() && !given.empty() && given[0].is_string())
    out += "^" + escaped(given[0].get<std::string>());
  return out == "^" ? std::string() : out;
}

struct Stay {
  std::string doctor;
  std::string number;
  std::string start;
  std::string end;
};
void visit(Writer& out, const Json& input, const Stay& stay, const Settings& settings) {
  out.segment("PV1")
      .text(1, "1")
      .text(2, settings.patient_class)
      .encoded(7, stay.doctor)
      .encoded(19, stay.number)
      .text(44, hl7_time(stay.start))
      .text(45, hl7_time(stay.end))
      .parts(50, {text_of(input, "consultation"), "", "", "RABT"});
}

std::string finished(const Writer& out, const Settings& settings) {
  std::string text;
  if (!from_utf8(settings.charset, out.str(), text))
    throw sdk::Refusal("hl7v2.charset", "the message cannot be written in the character set " +
                                            settings.charset + "; use UNICODE UTF-8");
  return text;
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> known) {
  return std::find(known.begin(), known.end(), value) != known.end();
}

}  // namespace

std::string control_id(std::string_view key) {
  std::string out = "R" + sdk::fingerprint(key);
  for (char& c : out) {
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::string visit_number(const Json& input) {
  std::string known = part_of_reference(member_of(input, "appointment"), 2);
  return known.empty() ? escaped(text_of(input, "consultation")) : known;
}

std::string encounter(const Json& input, const Settings& settings, const std::string& control_id,
                      std::int64_t now_seconds) {
  const Json& appointment = member_of(input, "appointment");
  Writer out;
  head(out, "ADT", settings.encounter_event, "ADT_A01", settings, control_id, now_seconds);
  patient(out, input, text_of(appointment, "patientReference"));
  visit(out, input,
        {.doctor = practitioner(input, text_of(appointment, "practitionerReference")),
         .number = visit_number(input),
         .start = text_of(input, "start"),
         .end = text_of(input, "end")},
        settings);
  const Json& reasons = list_of(appointment, "reasons");
  if (!reasons.empty()) {
    const Json& reason = reasons[0];
    const std::string words = text_of(reason, "text");
    out.segment("PV2").parts(
        3, {text_of(reason, "code"), words.empty() ? text_of(reason, "display") : words});
  }
  return finished(out, settings);
}

std::string document(const Json& input, const Settings& settings, const std::string& control_id,
                     std::int64_t now_seconds) {
  const Json& encounter = member_of(input, "encounter");
  const std::string doctor = practitioner(input, text_of(encounter, "practitionerReference"));
  Writer out;
  head(out, "MDM", "T02", "MDM_T02", settings, control_id, now_seconds);
  patient(out, input, text_of(encounter, "patientReference"));
  visit(out, input,
        {.doctor = doctor,
         .number = as_field(text_of(encounter, "id")),
         .start = text_of(encounter, "start"),
         .end = text_of(encounter, "end")},
        settings);
  const std::string begun = hl7_time(text_of(encounter, "start"));
  out.segment("TXA")
      .text(1, "1")
      .text(2, settings.document_type)
      .text(3, "TX")
      .text(4, begun)
      .text(6, hl7_time(now_seconds))
      .encoded(9, doctor)
      .parts(12, {text_of(input, "consultation"), "RABT"})
      .text(17, "DO")
      .text(18, "R")
      .text(19, "AV");
  std::size_t number = 0;
  for (const Json& recording : list_of(input, "recordings")) {
    std::string words = "urn:rabt:recording:" + sdk::percent_encode(text_of(recording, "id"), ":");
    for (const char* key : {"kind", "contentType"}) {
      if (const std::string known = text_of(recording, key); !known.empty()) words += " " + known;
    }
    if (const Json& bytes = member_of(recording, "bytes"); bytes.is_number_integer())
      words += " " + bytes.dump() + " bytes";
    if (const std::string sha256 = text_of(recording, "sha256"); !sha256.empty())
      words += " sha256 " + sha256;
    out.segment("OBX")
        .text(1, std::to_string(++number))
        .text(2, "TX")
        .parts(3, {"RECORDING", "Recording of the visit", "L"})
        .text(5, words)
        .text(11, "F")
        .text(14, begun);
  }
  return finished(out, settings);
}

Outcome acknowledged(const sdk::HttpResult& answer, const std::string& control_id, bool repeated) {
  // Only a whole answer says that the message has arrived.
  if (!answer.answered()) return no_answer(answer, "hl7v2", sdk::Repeat::unsafe);
  if (!succeeded(answer))
    return bad_status(answer, "hl7v2." + std::to_string(answer.status),
                      "the record system answered " + std::to_string(answer.status));
  const auto unclear = [](const std::string& what) {
    return Outcome::fail(Kind::ambiguous, "hl7v2.unreadable", "the record system's answer " + what);
  };
  Message message;
  try {
    message.read_codes(answer.body);
  } catch (const Fault&) {
    // The segments before the fault say whether the message has arrived.
  }
  const Segment* msa = message.find("MSA");
  if (msa == nullptr) return unclear("is no acknowledgement: it has no MSA");
  const std::string about = msa->text(2);
  if (!about.empty() && about != control_id) return unclear("is about another message: MSA-2");
  std::string code = msa->text(1);
  std::transform(code.begin(), code.end(), code.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  if (is_one_of(code, {"AA", "CA"})) return Outcome::done("{}");
  if (!is_one_of(code, {"AE", "AR", "CE", "CR"})) return unclear("has no known code in MSA-1");

  const Segment* err = message.find("ERR");
  std::string number;
  std::string place;
  if (err != nullptr) {
    number = err->text(3);
    if (number.empty()) number = err->text(1, 4);  // before version 2.5
    place = err->text(number == err->text(3) ? 2 : 1);
  }
  // Texts of the answer may quote the message: a code of table 0357 and a name of a segment do not.
  if (number.size() != 3 || !sdk::all_digits(number)) number.clear();
  const bool is_name = place.size() == 3 && std::all_of(place.begin(), place.end(), [](char c) {
                         return (c >= 'A' && c <= 'Z') || sdk::is_digit(c);
                       });
  // The first attempt has arrived.
  if (repeated && number == std::to_string(kDuplicate)) return Outcome::done("{}");
  std::string text = "the record system answered " + code;
  if (!number.empty()) text += " " + number;
  if (!number.empty()) text += ", " + std::string(words_of(std::stoi(number)));
  if (is_name) text += ", segment " + place;
  const bool rejects = code.ends_with('R');
  const bool may_pass =
      number == "206" || number == std::to_string(kInternal) || (rejects && number.empty());
  return Outcome::fail(may_pass ? Kind::transient : Kind::permanent,
                       "hl7v2." + sdk::lower(code) + (number.empty() ? "" : "." + number), text);
}

}  // namespace rabt::hl7v2
