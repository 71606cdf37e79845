#include "record.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include "hl7.hpp"
#include "message.hpp"
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

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
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
  std::string key_of_appointment = part_of_reference(member_of(input, "appointment"), 2);
  return key_of_appointment.empty() ? escaped(text_of(input, "consultation")) : key_of_appointment;
}

std::string encounter(const Json& input, const Settings& settings, const std::string& control_id,
                      std::int64_t now_seconds) {
  const Json& appointment = member_of(input, "appointment");
  Writer out;
  add_head(out, {"ADT", settings.encounter_event, "ADT_A01", control_id, now_seconds}, settings);
  add_patient(out, input, text_of(appointment, "patientReference"));
  add_visit(out, input,
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
  return in_charset(out.str(), settings.charset);
}

std::string document(const Json& input, const Settings& settings, const std::string& control_id,
                     std::int64_t now_seconds) {
  const Json& encounter = member_of(input, "encounter");
  Writer out;
  add_head(out, {"MDM", "T02", "MDM_T02", control_id, now_seconds}, settings);
  const std::string doctor = add_filed_visit(out, input, encounter, settings);
  const std::string begun = hl7_time(text_of(encounter, "start"));
  out.segment("TXA")
      .text(1, "1")
      .text(2, settings.document_type)
      .text(3, "TX")
      .text(4, begun)
      .text(6, hl7_time(now_seconds))
      .encoded(9, doctor)
      .parts(12, {text_of(input, "consultation"), kAuthority})
      .text(17, "DO")
      .text(18, "R")
      .text(19, "AV");
  std::size_t number = 0;
  for (const Json& recording : list_of(input, "recordings")) {
    std::string words = "urn:rabt:recording:" + sdk::percent_encode(text_of(recording, "id"), ":");
    for (const char* key : {"kind", "contentType"}) {
      if (const std::string time = text_of(recording, key); !time.empty()) words += " " + time;
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
  return in_charset(out.str(), settings.charset);
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

Place refused_place(std::string_view answer) {
  Message message;
  try {
    message.read_codes(answer);
  } catch (const Fault&) {
    // The segments before the fault may say it.
  }
  const Segment* err = message.find("ERR");
  if (err == nullptr) return {};
  const std::size_t field = err->text(2).empty() ? 1 : 2;  // ERR-1 before version 2.5
  const std::string number = err->text(field, 2);
  const bool counts = !number.empty() && number.size() < 5 && sdk::all_digits(number);
  return {err->text(field), counts ? std::stoul(number) : 0};
}

}  // namespace rabt::hl7v2
