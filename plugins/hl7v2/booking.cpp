#include "booking.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <tuple>
#include <utility>

#include "hl7.hpp"
#include "rabt/booking.hpp"
#include "rabt/hl7_ack.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/person_number.hpp"
#include "rabt/time.hpp"

namespace rabt::hl7v2 {

namespace {

using sdk::lower;
using Pairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Bytes of an appointment's id, which becomes part of event ids, and of what is handed back.
constexpr std::size_t kMaxKey = 200;
constexpr std::size_t kMaxReference = 2000;
// As a payer takes them.
constexpr std::size_t kMaxTelecom = 10;
constexpr std::size_t kMaxReasons = 50;
constexpr std::size_t kMaxClass = 30;
constexpr std::size_t kMaxIdentifier = 100;
// Identifiers of a patient.
constexpr std::size_t kMaxIdentifiers = 20;
// Rank of a coverage without a priority, behind all that have one.
constexpr int kNoPriority = 100'000;

void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
void put(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}
std::string found_in(Pairs table, std::string_view code) {
  for (const auto& [key, value] : table) {
    if (key == code) return std::string(value);
  }
  return {};
}
template <class List>
bool contains(const List& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}
std::string encoded_of(const Segment* segment, std::size_t field) {
  return segment == nullptr ? std::string() : segment->first(field).encoded();
}
std::string text_in(const Segment* segment, std::size_t field, int component = 1) {
  return segment == nullptr ? std::string() : segment->text(field, component);
}

// ---- Times ----

struct Moment {
  std::string text;  // RFC 3339
  std::int64_t seconds = 0;
};

// A time (DTM) with minutes; nothing when it is empty.
std::optional<Moment> moment_of(const std::string& raw, const Settings& settings,
                                std::string_view segment, int field) {
  if (raw.empty()) return std::nullopt;
  const auto sign = raw.find_first_of("+-");
  std::string digits = raw.substr(0, std::min(sign, raw.find('.')));
  std::string zone = settings.time_zone;
  if (sign != std::string::npos && raw.size() == sign + 5)
    zone = raw.substr(sign, 3) + ":" + raw.substr(sign + 3);
  if (digits.size() == 12) digits += "00";
  if (digits.size() == 14 && (sign == std::string::npos || raw.size() == sign + 5)) {
    Moment out;
    out.text = digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" + digits.substr(6, 2) + "T" +
               digits.substr(8, 2) + ":" + digits.substr(10, 2) + ":" + digits.substr(12) + zone;
    if (const auto seconds = sdk::read_instant(out.text)) {
      out.seconds = *seconds;
      return out;
    }
  }
  throw Fault(kDataType, std::string(segment), field,
              "this is no time; write YYYYMMDDHHMM[SS][+ZZZZ]");
}

// ---- Identifiers ----

// The system that an assigning authority (HD) stands for: its URI, or that of the configuration;
// "" when there is none.
std::string system_of(const std::string& name, const std::string& id, const std::string& type,
                      const Settings& settings) {
  if (type == "ISO" && !id.empty()) return "urn:oid:" + id;
  if (type == "URI" && id.find(':') != std::string::npos) return id;
  const auto system = settings.systems.find(name);
  return system == settings.systems.end() ? std::string() : system->second;
}
std::string authority_of(const Value& value, int component, const Settings& settings) {
  return system_of(value.part(component, 1), value.part(component, 2), value.part(component, 3),
                   settings);
}
// The same for a field whose ids may come without an authority: the configuration has the system of
// those under the field's name, such as "IN1-3".
std::string authority_in(const std::string& field, const Value& value, int component,
                         const Settings& settings) {
  const bool bare = value.part(component, 1).empty() && value.part(component, 2).empty();
  return bare ? system_of(field, {}, {}, settings) : authority_of(value, component, settings);
}

struct EntityId {
  std::string key;
  std::string system;
  std::string value;
};
EntityId entity_of(const Value& value, const Settings& settings) {
  EntityId out;
  out.value = value.part(1);
  if (out.value.empty()) return out;
  out.system = system_of(value.part(2), value.part(3), value.part(4), settings);
  out.key = (out.system.empty() ? value.part(2) : out.system) + "|" + out.value;
  return out;
}

// ---- People ----

std::string joined(std::initializer_list<std::string> words) {
  std::string out;
  for (const std::string& word : words) {
    if (!word.empty()) out += (out.empty() ? "" : " ") + word;
  }
  return out;
}
Json given_of(std::initializer_list<std::string> names) {
  Json out = Json::array();
  for (const std::string& name : names) {
    if (!name.empty()) out.push_back(name);
  }
  return out;
}

// Types of identifiers that others know, the best for a payer first.
constexpr std::array<std::string_view, 7> kKnown{"NI", "PRC", "PPN", "BN", "DP", "VP", "MR"};

// Type of an identifier of PID-3 by the configuration of its authority, "" if that has none.
std::string configured_type(const Value& value, const Settings& settings) {
  return sdk::configured_type(settings.number_types, authority_of(value, 4, settings),
                              value.part(4, 1), value.part(1));
}
// The type of an identifier of PID-3 under the name that others have for it.
std::string type_of(const Value& value, const Settings& settings) {
  if (std::string type = configured_type(value, settings); !type.empty()) return type;
  const std::string type = value.part(5);
  if (type == "NNSAU") return "NI";
  return type == "PI" || type == "PT" ? "MR" : type;
}

// {system, value, type, country} of an identifier of PID-3; null when it is none.
Json identifier_of(const Value& value, const Segment& pid, const Settings& settings) {
  const std::string id = value.part(1);
  if (id.empty() || id.size() > kMaxIdentifier) return {};
  const std::string type = type_of(value, settings);
  Json out = Json::object();
  put(out, "system", authority_of(value, 4, settings));
  out["value"] = id;
  if (contains(kKnown, type)) out["type"] = type;
  const std::string country = text_in(&pid, 26);
  if (type == "PPN" && country.size() <= 3) put(out, "country", lower(country));
  return out;
}

Json patient_identifier(const Segment& pid, const Settings& settings) {
  Json best;
  std::size_t best_rank = 99;
  for (const Value& value : pid.all(3)) {
    Json item = identifier_of(value, pid, settings);
    if (item.is_null()) continue;
    const std::string type = type_of(value, settings);
    const auto at = std::find(kKnown.begin(), kKnown.end(), type);
    const std::size_t rank =
        at == kKnown.end() ? (type.empty() ? 7 : 9) : static_cast<std::size_t>(at - kKnown.begin());
    if (rank >= best_rank) continue;
    best_rank = rank;
    best = std::move(item);
  }
  return best;
}

// All identifiers of PID-3, one under an own system also under the system that the hub knows; empty
// when there are not two.
Json patient_identifiers(const Segment& pid, const Settings& settings) {
  Json out = Json::array();
  Json node = Json::array();
  for (const Value& value : pid.all(3)) {
    Json item = identifier_of(value, pid, settings);
    if (item.is_null() || out.size() == kMaxIdentifiers) continue;
    node.push_back(sdk::known_number(item, sdk::text_of(item, "country"),
                                     !configured_type(value, settings).empty()));
    out.push_back(std::move(item));
  }
  sdk::add_numbers(out, node, kMaxIdentifiers);
  return out.size() < 2 ? Json::array() : out;
}

// The name that counts first: the legal one (type L), else the first.
Value name_of(const Segment& pid) {
  for (const Value& name : pid.all(5)) {
    if (name.part(7) == "L") return name;
  }
  return pid.first(5);
}

Json telecom_of(const Segment& pid) {
  Json out = Json::array();
  for (const std::size_t field : {13U, 14U}) {
    for (const Value& point : pid.all(field)) {
      const std::string kind = point.part(3);
      const std::string mail = point.part(4);
      std::string number = point.part(12);
      if (number.empty()) number = point.part(1);
      const bool by_mail = !mail.empty() && (kind == "Internet" || number.empty());
      const std::string& value = by_mail ? mail : number;
      if (value.empty() || value.size() > 250 || out.size() == kMaxTelecom) continue;
      Json item = Json::object();
      item["system"] = by_mail ? "email" : kind == "FX" ? "fax" : kind == "BP" ? "pager" : "phone";
      item["value"] = value;
      out.push_back(std::move(item));
    }
  }
  return out;
}

// Fits the `patient` of the payer role. whole: what a payer needs must be there.
Json patient_of(const Segment& pid, const Settings& settings, bool whole) {
  Json data = Json::object();
  Json identifier = patient_identifier(pid, settings);
  const Value name = name_of(pid);
  const std::string words = joined({name.part(2), name.part(3), name.part(1)});
  const std::string gender = found_in({{"M", "male"},
                                       {"F", "female"},
                                       {"O", "other"},
                                       {"A", "other"},
                                       {"N", "other"},
                                       {"U", "unknown"}},
                                      pid.text(8));
  std::string born = pid.text(7).substr(0, 8);
  if (!born.empty() && born.size() == 8)
    born = born.substr(0, 4) + "-" + born.substr(4, 2) + "-" + born.substr(6);
  const bool is_date = sdk::read_instant(born + "T00:00:00Z").has_value();
  if (whole) {
    if (identifier.is_null()) throw Fault(kRequired, "PID", 3, "the patient has no identifier");
    if (words.empty()) throw Fault(kRequired, "PID", 5, "the patient has no name");
    if (born.empty()) throw Fault(kRequired, "PID", 7, "the patient's date of birth is missing");
    if (!is_date) throw Fault(kDataType, "PID", 7, "this is no whole date, YYYYMMDD");
    if (pid.text(8).empty()) throw Fault(kRequired, "PID", 8, "the patient's sex is missing");
    if (gender.empty()) throw Fault(kTable, "PID", 8, "the sex is no code of table 0001");
  }
  put(data, "identifier", std::move(identifier));
  put(data, "name", words);
  put(data, "family", name.part(1));
  put(data, "given", given_of({name.part(2), name.part(3)}));
  put(data, "telecom", telecom_of(pid));
  put(data, "gender", gender);
  if (is_date) data["birthDate"] = born;
  put(data, "maritalStatus",
      found_in({{"M", "M"}, {"D", "D"}, {"W", "W"}, {"S", "U"}, {"B", "U"}}, pid.text(16)));
  return data;
}

// The first person of AIP-3 who takes part, else the attending doctor of PV1-7; an empty value when
// there is none.
Value practitioner_value(const Message& message) {
  for (const Segment& segment : message.segments()) {
    if (segment.name() != "AIP" || segment.text(3).empty()) continue;
    // Taken out by AIP-2 (table 0206), or off by AIP-12 (table 0278).
    const std::string status = lower(segment.text(12));
    if (segment.text(2) == "D" || status == "cancelled" || status == "dc" || status == "deleted")
      continue;
    return segment.first(3);
  }
  const Segment* visit = message.find("PV1");
  return visit == nullptr ? Value() : visit->first(7);
}
// XCN-9: the system of a practitioner's id; "" when there is none.
std::string practitioner_system(const Value& person, const Settings& settings) {
  return authority_in("AIP-3", person, 9, settings);
}
Json practitioner_of(const Value& person, const Settings& settings) {
  Json data = Json::object();
  const std::string system = practitioner_system(person, settings);
  // By its type (XCN-13) or its system; any other number is no licence.
  const bool licence =
      person.part(13) == "MD" || lower(system).find("practitioner-licen") != std::string::npos;
  if (licence) put(data, "licence", person.part(1));
  if (data.contains("licence")) put(data, "licenceSystem", system);
  // Somebody without a name is shown by his number.
  const std::string name = joined({person.part(6), person.part(3), person.part(4), person.part(2)});
  put(data, "name", name.empty() ? person.part(1) : name);
  put(data, "family", person.part(2));
  put(data, "given", given_of({person.part(3), person.part(4)}));
  return data;
}

// -1, 0 or 1: a date or time (DTM) lies after, on or before the day YYYYMMDD; 0 when it is empty.
int side_of(const std::string& day, const std::string& raw) {
  const std::string date = raw.substr(0, 8);
  if (date.empty() || !sdk::all_digits(date)) return 0;
  const int order = day.compare(0, date.size(), date);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

// True if the IN1 says that the patient pays: its plan or its payer is one of the words for it, or
// HL7's null takes the insurance back.
bool is_self_pay(const Segment& in1, const Settings& settings) {
  if (in1.is_null(2) || in1.is_null(3)) return true;
  for (const auto& [field, component] : {std::pair{2, 1}, {2, 2}, {3, 1}, {4, 1}, {15, 1}}) {
    std::string word = in1.text(static_cast<std::size_t>(field), component);
    if (contains(settings.self_pay_codes, word)) return true;
    word = lower(word);
    std::erase_if(word, [](char c) { return c == ' ' || c == '-' || c == '_'; });
    if (word == "selfpay") return true;
  }
  return false;
}

// Rank of who pays by an IN1: an insurer, the patient, and an IN1 that names nobody.
int payer_rank(const Segment& in1, const Settings& settings) {
  if (is_self_pay(in1, settings)) return 1;
  return in1.text(3).empty() && in1.text(4).empty() && in1.text(36).empty() && in1.text(49).empty()
             ? 2
             : 0;
}

// The licence of the payer among IN1-3; "" when there is none. Any other number of a payer, such as
// the hospital's own for it, may be the licence of another payer.
std::string payer_of(const Segment& in1, const Settings& settings) {
  for (const Value& value : in1.all(3)) {
    if (authority_in("IN1-3", value, 4, settings) == sdk::kPayerLicenceSystem) return value.part(1);
  }
  return {};
}

// True if both IN1 name one payer, as far as one can tell.
bool is_same_payer(const Segment& segment, const Segment& other, const Settings& settings) {
  const std::string licence = payer_of(segment, settings);
  const std::string others = payer_of(other, settings);
  if (!licence.empty() && !others.empty()) return licence == others;
  const std::size_t field = segment.text(4).empty() && other.text(4).empty() ? 3 : 4;
  return segment.text(field) == other.text(field);
}

// A field that counts from 1, or a rank behind all that have one.
int count_in(const Segment& in1, std::size_t field) {
  const std::string text = in1.text(field);
  return text.size() < 5 && sdk::all_digits(text) && !text.empty() ? std::stoi(text) : kNoPriority;
}

// The IN1 that is in force on the day of the visit (IN1-12, IN1-13) and counts first (IN1-22, then
// IN1-1); null when there is none. The patient pays only where no insurer is in force. day:
// YYYYMMDD. lapsed: true if there are others only, or two payers of which none comes first.
const Segment* cover_segment(const Message& message, const std::string& day,
                             const Settings& settings, bool& lapsed) {
  const Segment* best = nullptr;
  std::tuple<int, int, int> best_rank;
  bool any = false;
  bool tied = false;
  for (const Segment& segment : message.segments()) {
    if (segment.name() != "IN1") continue;
    any = true;
    if (side_of(day, segment.text(12)) < 0 || side_of(day, segment.text(13)) > 0) continue;
    const int payer = payer_rank(segment, settings);
    const std::tuple rank{payer, count_in(segment, 22), count_in(segment, 1)};
    if (best != nullptr && rank == best_rank && payer == 0)
      tied = tied || !is_same_payer(segment, *best, settings);
    if (best != nullptr && rank >= best_rank) continue;
    best = &segment;
    best_rank = rank;
    tied = false;
  }
  lapsed = any && (best == nullptr || tied);
  return best;
}

// The day of the visit where the hospital is, YYYYMMDD, whatever offset the message says; empty
// when the message says no time.
std::string day_of(const Json& appointment, const Settings& settings) {
  const Json start = sdk::member_of(appointment, "startEpoch");
  const auto zone = sdk::read_instant("1970-01-01T00:00:00" + settings.time_zone);
  if (!start.is_number_integer() || !zone) return {};
  std::string day = sdk::write_date(start.get<std::int64_t>() - *zone);
  std::erase(day, '-');
  return day;
}

// Payer of a visit as a message names it.
struct Said {
  // Fits the `coverage` of the payer role; empty when nothing is known.
  Json coverage = Json::object();
  // True if the coverage is that of the configuration.
  bool assumed = false;
  // As of cover_segment.
  bool lapsed = false;
  bool self_pay = false;
};
Said cover_of(const Message& message, const Json& patient, const std::string& day,
              const Settings& settings) {
  Said out;
  Json& data = out.coverage;
  const Segment* in1 = cover_segment(message, day, settings, out.lapsed);
  if (out.lapsed) return out;
  if (in1 != nullptr) {
    out.self_pay = is_self_pay(*in1, settings);
    if (out.self_pay) return out;
    const bool of_member = !in1->text(49).empty();
    const Value member = in1->first(of_member ? 49 : 36);
    if (member.part(1).empty() || member.part(1).size() > kMaxIdentifier)
      throw Fault(kRequired, "IN1", 36, "the coverage has no member id: IN1-49 or IN1-36");
    data["memberId"] = member.part(1);
    if (of_member) put(data, "memberSystem", authority_of(member, 4, settings));
    put(data, "payerLicence", payer_of(*in1, settings));
    put(data, "payerName", in1->text(4));
    if (!data.contains("payerLicence") && !data.contains("payerName"))
      throw Fault(kRequired, "IN1", 3, "the coverage names no payer: a licence in IN1-3, or IN1-4");
    put(data, "relationship",
        found_in({{"SEL", "self"},
                  {"SPO", "spouse"},
                  {"CHD", "child"},
                  {"PAR", "parent"},
                  {"DOM", "common"}},
                 in1->text(17)));
    const std::string plan = in1->text(35);
    const std::string value = plan.empty() ? in1->text(8) : plan;
    if (!value.empty() && value.size() <= kMaxClass)
      data["class"] = {{"type", plan.empty() ? "group" : "plan"}, {"value", value}};
    return out;
  }
  // A payer knows no record number.
  const Json& identifier = sdk::member_of(patient, "identifier");
  const std::string type = sdk::text_of(identifier, "type");
  if (settings.cover.licence.empty() || type.empty() || type == "MR") return out;
  out.assumed = true;
  data["memberId"] = sdk::text_of(identifier, "value");
  data["payerLicence"] = settings.cover.licence;
  put(data, "payerName", settings.cover.name);
  put(data, "type", settings.cover.type);
  return out;
}

// ---- The appointment ----

bool says_video(const Value& code, const Settings& settings) {
  for (const int component : {1, 2}) {
    const std::string words = code.part(component);
    if (component == 1 && (words == "VR" || contains(settings.video_codes, words))) return true;
    const std::string plain = lower(words);
    if (plain.find("video") != std::string::npos || plain.find("virtual") != std::string::npos)
      return true;
  }
  return false;
}
bool is_video(const Message& message, const Segment& sch, const Settings& settings) {
  const auto says = [&](const Segment* segment, std::size_t field) {
    return segment != nullptr && says_video(segment->first(field), settings);
  };
  return says(&sch, 7) || says(&sch, 8) || says(message.find("AIS"), 3) ||
         says(message.find("PV1"), 2);
}

// A coded element as a reason: the code only if its system has a name that others know.
Json reason_of(const Value& coded) {
  const std::string system = found_in({{"I10", "http://hl7.org/fhir/sid/icd-10"},
                                       {"I10AM", "http://hl7.org/fhir/sid/icd-10-am"},
                                       {"ICD-10-AM", "http://hl7.org/fhir/sid/icd-10-am"},
                                       {"ICD10AM", "http://hl7.org/fhir/sid/icd-10-am"},
                                       {"SCT", "http://snomed.info/sct"}},
                                      coded.part(3));
  Json item = Json::object();
  if (!system.empty() && !coded.part(1).empty()) {
    item["system"] = system;
    item["code"] = coded.part(1);
    put(item, "display", coded.part(2));
  } else {
    put(item, "text", coded.part(coded.part(2).empty() ? 1 : 2));
  }
  return item;
}
Json reasons_of(const Message& message, const Segment& sch) {
  Json out = Json::array();
  const auto add = [&](const Value& coded) {
    Json item = reason_of(coded);
    if (!item.empty() && out.size() < kMaxReasons) out.push_back(std::move(item));
  };
  add(sch.first(7));
  for (const Segment& segment : message.segments()) {
    if (segment.name() == "DG1") add(segment.first(3));
  }
  return out;
}

std::string status_of(const std::string& trigger, const Segment& sch) {
  // The trigger names the event; the status adds information only about bookings.
  std::string by_trigger = found_in(
      {{"S15", "cancelled"}, {"S16", "cancelled"}, {"S17", "entered-in-error"}, {"S26", "noshow"}},
      trigger);
  if (!by_trigger.empty()) return by_trigger;
  const std::string said = lower(sch.text(25));
  if (said.empty()) return "booked";
  std::string status = found_in({{"booked", "booked"},
                                 {"overbook", "booked"},
                                 {"pending", "pending"},
                                 {"waitlist", "waitlist"},
                                 {"started", "arrived"},
                                 {"complete", "fulfilled"},
                                 {"cancelled", "cancelled"},
                                 {"dc", "cancelled"},
                                 {"deleted", "entered-in-error"},
                                 {"noshow", "noshow"}},
                                said);
  if (status.empty()) throw Fault(kTable, "SCH", 25, "the status is no code of table 0278 for it");
  return status;
}
std::string event_type(const std::string& status) {
  if (status == "booked") return "org.rabt.appointment.booked.v1";
  if (status == "cancelled" || status == "entered-in-error")
    return "org.rabt.appointment.cancelled.v1";
  return status == "noshow" ? "org.rabt.appointment.noshow.v1" : "org.rabt.appointment.updated.v1";
}

// A duration and its unit, minutes without one; nothing when they cannot be read. The unit may also
// stand before the number, as in SCH-11.3: "M20".
std::optional<std::int64_t> seconds_of(std::string number, std::string unit) {
  if (!number.empty() && !sdk::is_digit(number.front())) {
    unit = number.substr(0, 1);
    number.erase(0, 1);
  }
  if (number.empty() || number.size() > 5 || !sdk::all_digits(number)) return std::nullopt;
  unit = lower(unit);
  const std::int64_t count = std::stoll(number);
  if (unit.empty() || unit == "m" || unit.starts_with("min")) return count * 60;
  if (unit.starts_with("s")) return count;
  if (unit.starts_with("h")) return count * 3600;
  if (unit.starts_with("d")) return count * 24 * 3600;
  return std::nullopt;
}

// When it begins and ends, from where messages of different versions say it.
std::pair<std::optional<Moment>, std::optional<Moment>> period_of(const Message& message,
                                                                  const Segment& sch,
                                                                  const Settings& settings) {
  const Segment* timing = message.find("TQ1");
  const Segment* service = message.find("AIS");
  auto start = moment_of(sch.text(11, 4), settings, "SCH", 11);
  if (!start) start = moment_of(text_in(timing, 7), settings, "TQ1", 7);
  if (!start) start = moment_of(text_in(service, 4), settings, "AIS", 4);
  auto end = moment_of(sch.text(11, 5), settings, "SCH", 11);
  if (!end) end = moment_of(text_in(timing, 8), settings, "TQ1", 8);
  auto length = seconds_of(sch.text(9), sch.text(10));
  if (!length) length = seconds_of(sch.text(11, 3), "");
  if (!length) length = seconds_of(text_in(service, 7), text_in(service, 8));
  if (start && !end && length) {
    end = Moment{.seconds = start->seconds + *length};
    end->text = sdk::write_instant(end->seconds);
  }
  if (start && end && end->seconds < start->seconds)
    throw Fault(kDataType, "SCH", 11, "the appointment ends before it starts");
  return {start, end};
}

Json appointment_of(const Message& message, const Segment& sch, const EntityId& id,
                    const std::string& status, bool whole, const Settings& settings) {
  Json details = Json::object();
  details["key"] = id.key;
  Json identifier = Json::object();
  put(identifier, "system", id.system);
  identifier["value"] = id.value;
  details["identifier"] = std::move(identifier);
  const auto [start, end] = period_of(message, sch, settings);
  if (whole && !start)
    throw Fault(kRequired, "SCH", 11, "the start is missing: SCH-11.4, TQ1-7 or AIS-4");
  if (start) {
    details["start"] = start->text;
    details["startEpoch"] = start->seconds;
  }
  if (end) {
    details["end"] = end->text;
    details["endEpoch"] = end->seconds;
  }
  details["status"] = status;
  const std::string note = text_in(message.find("NTE"), 3);
  const Value reason = sch.first(7);
  put(details, "description", !note.empty() ? note : reason.part(reason.part(2).empty() ? 1 : 2));
  put(details, "reasons", reasons_of(message, sch));
  // Fields of the record system that it gets back with filed documents, as it wrote them.
  const auto kept = [&](const char* key, const std::string& value) {
    if (value.size() <= kMaxReference) put(details, key, value);
  };
  kept("reference",
       encoded_of(&sch, 1) + "|" + encoded_of(&sch, 2) + "|" + encoded_of(message.find("PV1"), 19));
  if (const Segment* pid = message.find("PID"); pid != nullptr) {
    std::string all;
    for (const Value& value : pid->all(3)) all += (all.empty() ? "" : "~") + value.encoded();
    kept("patientReference", all);
  }
  const Value practitioner = practitioner_value(message);
  kept("practitionerReference", practitioner.encoded());
  const std::string system = practitioner_system(practitioner, settings);
  if (!system.empty() && !practitioner.part(1).empty())
    details["practitionerIdentifier"] = {{"system", system}, {"value", practitioner.part(1)}};
  return details;
}

// Enters the visit's length and brings the data to the limits of sessions and payers. Throws Fault
// for a whole event with an identifier that is too long.
void fit(Json& data, bool whole) {
  const Json& details = data["appointment"];
  if (details.contains("startEpoch") && details.contains("endEpoch")) {
    const std::int64_t start = details["startEpoch"];
    const std::int64_t end = details["endEpoch"];
    sdk::set_booking_length(data, end - start);
  }
  sdk::cut_booking_texts(data);
  const std::string place = sdk::too_long_in_booking(data);
  if (!whole || place.empty()) return;
  struct Origin {
    std::string_view place;
    std::string_view segment;
    int field;
  };
  static constexpr std::array<Origin, 5> kOrigins{{{"patient.", "PID", 3},
                                                   {"practitioner.", "AIP", 3},
                                                   {"appointment.practitioner", "AIP", 3},
                                                   {"appointment.reasons", "DG1", 3},
                                                   {"coverage.payer", "IN1", 3}}};
  for (const Origin& origin : kOrigins) {
    if (place.starts_with(origin.place))
      throw Fault(kDataType, std::string(origin.segment), origin.field, "the id is too long");
  }
  const bool member = place.starts_with("coverage.");
  throw Fault(kDataType, member ? "IN1" : "SCH", member ? 36 : 2, "the id is too long");
}

Json event_of(const Message& message, std::string_view body, const std::string& trigger,
              const Settings& settings) {
  const Segment& msh = *message.header();
  const Segment* sch = message.find("SCH");
  if (sch == nullptr) throw Fault(kSequence, "SCH", 0, "the message has no SCH");
  // The filler's id comes with every message about an appointment, the placer's with some; unless
  // the placer books first and the filler's is added later.
  const int first = settings.by_placer ? 1 : 2;
  EntityId id = entity_of(sch->first(first), settings);
  if (id.value.empty()) id = entity_of(sch->first(3 - first), settings);
  if (id.value.empty())
    throw Fault(kRequired, "SCH", 2, "nothing tells the appointment from others: SCH-2 or SCH-1");
  if (id.key.size() > kMaxKey) throw Fault(kDataType, "SCH", 2, "the id is too long");
  const std::string status = status_of(trigger, *sch);
  const std::string type = event_type(status);
  // A cancellation must not be lost because something else is missing.
  const bool whole = type.ends_with("booked.v1") || type.ends_with("updated.v1");

  Json data = Json::object();
  data["appointment"] = appointment_of(message, *sch, id, status, whole, settings);
  data["modality"] = is_video(message, *sch, settings) ? "video" : "in-person";
  const Segment* pid = message.find("PID");
  if (pid == nullptr && whole) throw Fault(kSequence, "PID", 0, "the message has no PID");
  if (pid != nullptr) {
    put(data, "patient", patient_of(*pid, settings, whole));
    put(data, "patientIdentifiers", patient_identifiers(*pid, settings));
  }
  Json practitioner = practitioner_of(practitioner_value(message), settings);
  if (practitioner.empty() && whole)
    throw Fault(kSequence, "AIP", 0, "the message names no practitioner: AIP-3 or PV1-7");
  put(data, "practitioner", std::move(practitioner));
  if (whole) {
    const std::string day = day_of(sdk::member_of(data, "appointment"), settings);
    Said said = cover_of(message, sdk::member_of(data, "patient"), day, settings);
    put(data, "coverage", std::move(said.coverage));
    if (said.assumed) data["assumed"] = Json::array({"coverage"});
    // A message without IN1 says nothing of who pays.
    if (said.self_pay) data["selfPay"] = true;
    // The visit does not wait for the payer: the workflow asks the desk.
    if (said.lapsed) sdk::warn_of(data, std::string(sdk::kNoCoverageInForce));
  }
  fit(data, whole);

  Json event = Json::object();
  event["type"] = type;
  event["source"] =
      "/hl7v2/" + sdk::percent_encode(msh.text(4)) + "/" + sdk::percent_encode(msh.text(3));
  // A sender may count its control ids from the beginning again.
  event["id"] = id.key + "/" + trigger + "/" + msh.text(10) + "/" + sdk::fingerprint(body);
  event["subject"] = id.key;
  try {
    if (const auto sent = moment_of(msh.text(7), settings, "MSH", 7))
      event["time"] = sdk::write_instant(sent->seconds);
  } catch (const Fault&) {  // the hub's own time stands for it
  }
  event["data"] = std::move(data);
  return event;
}

// Throws Fault.
Json read_event(Message& message, std::string_view body, const Settings& settings) {
  message.read(body, settings.charset);
  const Segment& msh = *message.header();
  const std::string trigger = msh.text(9, 2);
  if (msh.text(10).empty()) throw Fault(kRequired, "MSH", 10, "the control id is missing");
  if (msh.text(10).size() > kMaxKey)
    throw Fault(kDataType, "MSH", 10, "the control id is too long");
  if (msh.text(9) != "SIU") throw Fault(kUnsupportedMessage, "MSH", 9, "only SIU is taken");
  static constexpr std::array<std::string_view, 7> kTriggers{"S12", "S13", "S14", "S15",
                                                             "S16", "S17", "S26"};
  if (!contains(kTriggers, trigger))
    throw Fault(kUnsupportedEvent, "MSH", 9, "of SIU, S12 to S17 and S26 are taken");
  if (!contains(settings.processing_ids, msh.text(11)))
    throw Fault(kUnsupportedProcessing, "MSH", 11,
                "messages with this processing id are not taken; see processing_ids");
  if (!contains(sdk::hl7::kVersions, msh.text(12)))
    throw Fault(kUnsupportedVersion, "MSH", 12, "this version of HL7 v2 is not known");
  return event_of(message, body, trigger, settings);
}

}  // namespace

sdk::Events to_events(std::string_view body, const Settings& settings, std::int64_t now_seconds) {
  Message message;
  Json out = Json::object();
  out["events"] = Json::array();
  std::optional<Fault> fault;
  try {
    out["events"].push_back(read_event(message, body, settings));
  } catch (const Fault& wrong) {
    fault = wrong;
  }
  const Segment* msh = message.header();
  const sdk::hl7::Acknowledger ack{msh, now_seconds};
  Json answers = Json::object();
  answers["content_type"] = "application/hl7-v2; charset=utf-8";
  if (fault) {
    const std::string place = fault->segment().empty() ? "the message"
                              : fault->field() == 0
                                  ? fault->segment()
                                  : fault->segment() + "-" + std::to_string(fault->field());
    out["refused"] = place + ": " + fault->what() + " (" + std::to_string(fault->code()) + ")";
    answers["refused"] = ack.refuse(*fault);
  } else {
    out["id"] = encoded_of(msh, 4) + "|" + encoded_of(msh, 3) + "|" + encoded_of(msh, 10);
    answers["accepted"] = ack.write('A', nullptr);
    answers["refused"] = ack.refuse(Fault(kInternal, "", 0, "the hub cannot take this message"));
    answers["conflict"] = ack.refuse(
        Fault(kDuplicate, "MSH", 10, "another message came with this control id before"));
  }
  answers["failed"] =
      ack.refuse(Fault(kInternal, "", 0, "the hub cannot take messages now; send it again"));
  out["answers"] = std::move(answers);
  return {.json = out.dump(), .error = {}};
}

}  // namespace rabt::hl7v2
