#include "mapping.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "belonging.hpp"
#include "elements.hpp"
#include "in_force.hpp"
#include "rabt/booking.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/person_number.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::fhir {

namespace {

using sdk::characters;
using sdk::list_of;
using sdk::lower;
using sdk::member_of;
using sdk::text_of;

// Entries of a Bundle; an appointment comes with a handful.
constexpr std::size_t kMaxEntries = 1000;
// Appointments in one delivery.
constexpr std::size_t kMaxAppointments = 50;
// Diagnoses of a claim.
constexpr std::size_t kMaxReasons = 50;
// Given names and ways to reach a person, as a payer takes them.
constexpr std::size_t kMaxGiven = 10;
constexpr std::size_t kMaxTelecom = 10;
// Identifiers of a patient that are told, and bytes of one.
constexpr std::size_t kMaxIdentifiers = 20;
constexpr std::size_t kMaxIdentifier = 100;
// Links of one patient to others that are read.
constexpr std::size_t kMaxLinks = 20;
// Bytes of an appointment's key, which becomes part of event ids. A key without a system stands for
// the appointment in a session, which takes less.
constexpr std::size_t kMaxKey = 512;
constexpr std::size_t kMaxPlainKey = 200;
// Minutes of FHIR's Appointment.minutesDuration that are read: a year.
constexpr std::int64_t kMaxMinutes = 366LL * 24 * 60;
// FHIR R4 unsignedInt.
constexpr std::int64_t kMaxAttachment = 2'147'483'647;

constexpr const char* kIdentifierTypes = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr const char* kActCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
constexpr const char* kSha256 = "https://rabt.health/fhir/StructureDefinition/sha256";

constexpr const char* kNoPatient =
    "the appointment names no patient: participant[].actor must refer to a Patient that is in the "
    "bundle, has not declined, and takes part at Appointment.start";
constexpr const char* kNoPractitioner =
    "the appointment names no practitioner: participant[].actor must refer to a Practitioner that "
    "is in the bundle, has not declined, and takes part at Appointment.start";
// The moment at which things must be in force, Unix seconds; nothing when none is known.
using When = std::optional<std::int64_t>;

[[noreturn]] void refuse(const std::string& text) {
  throw sdk::Refusal("fhir.delivery", text);
}

const Json& nothing() {
  static const Json kNothing;
  return kNothing;
}
const Json& first(const Json& array) {
  return array.is_array() && !array.empty() ? array.front() : nothing();
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}
// The first code of a CodeableConcept that is known; "" when none is.
std::string code_among(const Json& concept_value, std::initializer_list<std::string_view> codes) {
  for (const Json& coding : list_of(concept_value, "coding")) {
    std::string code = text_of(coding, "code");
    if (is_one_of(code, codes)) return code;
  }
  return {};
}

// ---- The resources of a delivery ----

struct Entry {
  const Json* resource = nullptr;
  // Address of the container, if the resource is contained.
  std::string full_url;
  // The resource that contains this one; null if none does.
  const Json* container = nullptr;
};

std::string type_of(const Json& resource) {
  return text_of(resource, "resourceType");
}

// "https://ehr/fhir/Patient/1" -> "https://ehr/fhir"; "" when the URL is not the address of this
// resource.
std::string base_of(const Entry& entry) {
  if (!entry.full_url.starts_with("http://") && !entry.full_url.starts_with("https://")) return {};
  const Json& own = entry.container == nullptr ? *entry.resource : *entry.container;
  const std::string tail = "/" + type_of(own) + "/" + text_of(own, "id");
  if (!entry.full_url.ends_with(tail)) return {};
  return entry.full_url.substr(0, entry.full_url.size() - tail.size());
}

std::string without_version(const std::string& reference) {
  return reference.substr(0, reference.find("/_history/"));
}

// The type that a literal reference says it has: "Patient/1", "https://ehr/fhir/Patient/1".
std::string type_in(const std::string& reference) {
  const std::string plain = without_version(reference);
  const auto end = plain.rfind('/');
  if (end == std::string::npos) return {};
  const auto begin = plain.rfind('/', end == 0 ? 0 : end - 1);
  return plain.substr(begin == std::string::npos ? 0 : begin + 1,
                      end - (begin == std::string::npos ? 0 : begin + 1));
}

// Resolution as http://hl7.org/fhir/R4/bundle.html#references says; then by type and id, for
// bundles whose fullUrls are missing or do not match.
class Resources {
 public:
  void add(const Json& resource, std::string full_url) {
    entries_.push_back({&resource, std::move(full_url)});
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  [[nodiscard]] std::optional<Entry> resolve(const Entry& from, const Json& reference_value) const {
    const std::string reference = without_version(text_of(reference_value, "reference"));
    if (reference.empty()) return std::nullopt;
    if (reference.front() == '#') {
      const Json& holder = from.container == nullptr ? *from.resource : *from.container;
      if (reference == "#") return Entry{&holder, from.full_url, nullptr};
      for (const Json& contained : list_of(holder, "contained")) {
        if (text_of(contained, "id") == reference.substr(1))
          return Entry{&contained, from.full_url, &holder};
      }
      return std::nullopt;
    }
    const bool absolute = reference.find(':') != std::string::npos;
    const std::string base = base_of(from);
    const std::string wanted = absolute || base.empty() ? reference : base + "/" + reference;
    for (const Entry& entry : entries_) {
      if (!entry.full_url.empty() && without_version(entry.full_url) == wanted) return entry;
    }
    const Entry* match = nullptr;
    for (const Entry& entry : entries_) {
      const std::string own = type_of(*entry.resource) + "/" + text_of(*entry.resource, "id");
      if (reference != own && !(entry.full_url.empty() && reference.ends_with("/" + own))) continue;
      if (match != nullptr) return std::nullopt;  // two of them: which one is meant cannot be told
      match = &entry;
    }
    return match == nullptr ? std::nullopt : std::optional<Entry>(*match);
  }

 private:
  std::vector<Entry> entries_;
};

// Returns the address of a resource for the record system: relative on its own server, else the
// absolute address; "" when the resource has no address.
std::string address(const std::optional<Entry>& entry, const Settings& settings) {
  if (!entry || entry->container != nullptr || text_of(*entry->resource, "id").empty()) return {};
  const std::string relative = type_of(*entry->resource) + "/" + text_of(*entry->resource, "id");
  const std::string base = base_of(*entry);
  if (!base.empty()) return base == settings.base_url ? relative : base + "/" + relative;
  return entry->full_url.empty() ? relative : std::string();
}

// ---- Appointment ----

// By which the hospital knows the appointment: its first identifier that the hub did not write.
const Json& known_as(const Json& appointment) {
  static const Json none;
  for (const Json& identifier : list_of(appointment, "identifier")) {
    if (is_one_of(text_of(identifier, "system"), {kSessionSystem, kRoomSystem})) continue;
    if (!text_of(identifier, "value").empty()) return identifier;
  }
  return none;
}

std::string key_of(const Json& appointment) {
  if (const Json& identifier = known_as(appointment); !identifier.is_null())
    return text_of(identifier, "system") + "|" + text_of(identifier, "value");
  const std::string id = text_of(appointment, "id");
  if (id.empty())
    refuse(
        "the appointment has no identifier with a value and no id: nothing tells it from others");
  return "Appointment/" + id;
}

bool says_video(const Json& concept_value) {
  const auto named = [](const std::string& words) {
    const std::string plain = lower(words);
    return plain.find("video") != std::string::npos || plain.find("virtual") != std::string::npos;
  };
  if (named(text_of(concept_value, "text"))) return true;
  for (const Json& coding : list_of(concept_value, "coding")) {
    if (text_of(coding, "code") == "VR" || named(text_of(coding, "code")) ||
        named(text_of(coding, "display")))
      return true;
  }
  return false;
}

bool is_video(const Json& appointment) {
  // R5 has the element; R4 carries it as an extension.
  if (!list_of(appointment, "virtualService").empty()) return true;
  for (const Json& extension : list_of(appointment, "extension")) {
    if (text_of(extension, "url").ends_with("Appointment.virtualService")) return true;
  }
  const auto any = [](const Json& concepts) {
    return std::any_of(concepts.begin(), concepts.end(), says_video);
  };
  return any(list_of(appointment, "serviceType")) || any(list_of(appointment, "serviceCategory")) ||
         says_video(member_of(appointment, "appointmentType"));
}

// Why the visit was booked: {system, code, display, text} of each reason, with the code that says
// most to a payer. What the visit finds out is for its clinicians to say.
Json reasons_of(const Json& appointment) {
  Json reasons = Json::array();
  for (const Json& reason : list_of(appointment, "reasonCode")) {
    if (reasons.size() == kMaxReasons) break;
    const Json* best = nullptr;
    for (const Json& coding : list_of(reason, "coding")) {
      if (text_of(coding, "code").empty()) continue;
      const bool icd = lower(text_of(coding, "system")).find("icd-10") != std::string::npos;
      if (best == nullptr || icd) best = &coding;
      if (icd) break;
    }
    Json item = Json::object();
    if (best != nullptr) {
      for (const char* key : {"system", "code", "display"}) put(item, key, text_of(*best, key));
    }
    put(item, "text", text_of(reason, "text"));
    if (!item.empty()) reasons.push_back(std::move(item));
  }
  return reasons;
}

// Returns the reason of the appointment in words: a claim needs it.
std::string description_of(const Json& appointment) {
  for (const char* key : {"description", "comment"}) {
    if (std::string words = text_of(appointment, key); !words.empty()) return words;
  }
  for (const Json& reason : list_of(appointment, "reasonCode")) {
    if (std::string words = text_of(reason, "text"); !words.empty()) return words;
    for (const Json& coding : list_of(reason, "coding")) {
      if (std::string words = text_of(coding, "display"); !words.empty()) return words;
    }
  }
  return {};
}

std::optional<std::int64_t> instant_at(const Json& appointment, const char* key) {
  const Json& value = member_of(appointment, key);
  if (value.is_null()) return std::nullopt;
  const auto seconds =
      value.is_string() ? read_instant(value.get_ref<const std::string&>()) : std::nullopt;
  if (!seconds) {
    refuse("Appointment." + std::string(key) +
           " is no instant; write YYYY-MM-DDThh:mm:ss and an offset such as +03:00");
  }
  return seconds;
}

// Seconds that the visit is to take; nothing when neither end nor minutesDuration says it.
std::optional<std::int64_t> length_of(const Json& appointment, When start, When end) {
  if (start && end) return *end - *start;
  const Json& minutes = member_of(appointment, "minutesDuration");
  if (!minutes.is_number_integer() || minutes < 0) return std::nullopt;
  return minutes > kMaxMinutes ? kMaxMinutes * 60 : minutes.get<std::int64_t>() * 60;
}

// ---- Patient, Practitioner, Coverage ----

// The name that counts first; null when there is none.
const Json& best_name(const Json& person) {
  const Json* best = nullptr;
  int best_rank = 9;
  for (const Json& name : list_of(person, "name")) {
    const std::string use = text_of(name, "use");
    const int rank = use == "official"                 ? 0
                     : use == "usual"                  ? 1
                     : use == "old" || use == "maiden" ? 3
                                                       : 2;
    if (rank < best_rank) {
      best = &name;
      best_rank = rank;
    }
  }
  return best == nullptr ? nothing() : *best;
}

// Given names as a list, those that fit.
Json given_of(const Json& name) {
  Json out = Json::array();
  for (const Json& given : list_of(name, "given")) {
    if (given.is_string() && !given.get_ref<const std::string&>().empty() && out.size() < kMaxGiven)
      out.push_back(given);
  }
  return out;
}

std::string name_of(const Json& person) {
  const Json& best = best_name(person);
  if (best.is_null()) return {};
  if (std::string whole = text_of(best, "text"); !whole.empty()) return whole;
  std::string built;
  for (const Json& given : given_of(best))
    built += (built.empty() ? "" : " ") + given.get<std::string>();
  const std::string family = text_of(best, "family");
  if (!family.empty()) built += (built.empty() ? "" : " ") + family;
  return built;
}

// Ranks an identifier that is out of force behind all that are in force.
constexpr int kOutOfForce = 20;
int out_of_force(const Json& identifier, When at) {
  return in_force(member_of(identifier, "period"), at) ? 0 : kOutOfForce;
}
bool is_old(const Json& identifier) {
  return text_of(identifier, "use") == "old";
}

// Types of identifiers that a payer knows, the best first.
constexpr std::array<std::string_view, 7> kKnown{"NI", "PRC", "PPN", "BN", "DP", "VP", "MR"};
std::string known_type(const Json& identifier) {
  return code_among(member_of(identifier, "type"), {"NI", "PRC", "PPN", "BN", "DP", "VP", "MR"});
}

// Type by the configuration of its system, "" if that has none.
std::string configured_type(const Json& identifier, const Settings& settings) {
  return sdk::configured_type(settings.number_types, text_of(identifier, "system"), {},
                              text_of(identifier, "value"));
}

// Country that gave it, in small letters; "" when none is named.
std::string country_of(const Json& identifier) {
  std::string country;
  for (const Json& extension : list_of(identifier, "extension")) {
    if (!text_of(extension, "url").ends_with("extension-identifier-country")) continue;
    const std::string code =
        text_of(first(list_of(member_of(extension, "valueCodeableConcept"), "coding")), "code");
    if (code.size() <= 3) country = lower(code);
  }
  return country;
}

// {system, value, type} of an identifier with a value. configured: its type by the configuration.
Json number_of(const Json& identifier, const std::string& configured) {
  Json item = Json::object();
  put(item, "system", text_of(identifier, "system"));
  item["value"] = text_of(identifier, "value");
  put(item, "type", configured.empty() ? known_type(identifier) : configured);
  return item;
}

// All identifiers of the patient that are his, one under an own system also under the system that
// the hub knows; empty when there are not two.
Json patient_identifiers(const Json& patient, const Settings& settings) {
  Json out = Json::array();
  Json item = Json::array();
  for (const Json& identifier : list_of(patient, "identifier")) {
    const std::string value = text_of(identifier, "value");
    if (value.empty() || value.size() > kMaxIdentifier || is_old(identifier) ||
        out.size() == kMaxIdentifiers)
      continue;
    const std::string configured = configured_type(identifier, settings);
    out.push_back(number_of(identifier, configured));
    item.push_back(sdk::known_number(out.back(), country_of(identifier), !configured.empty()));
  }
  sdk::add_numbers(out, item, kMaxIdentifiers);
  return out.size() < 2 ? Json::array() : out;
}

// The best of the patient's identifiers for a payer; null when there is none.
Json patient_identifier(const Json& patient, When at, const Settings& settings) {
  Json best;
  int best_rank = 99;
  for (const Json& identifier : list_of(patient, "identifier")) {
    if (text_of(identifier, "value").empty() || is_old(identifier)) continue;
    Json item = number_of(identifier, configured_type(identifier, settings));
    const std::string type = text_of(item, "type");
    int rank = 9;
    if (!type.empty()) {
      rank = type == "MR"
                 ? 8
                 : static_cast<int>(std::find(kKnown.begin(), kKnown.end(), type) - kKnown.begin());
    } else if (text_of(item, "system").find("nphies.sa/identifier/") != std::string::npos) {
      rank = 1;
    } else if (member_of(identifier, "type").is_null()) {
      rank = 7;
    }
    rank += out_of_force(identifier, at);
    if (rank >= best_rank) continue;
    best_rank = rank;
    best = std::move(item);
    put(best, "country", country_of(identifier));
  }
  return best;
}

std::string marital_status(const Json& patient) {
  // NPHIES knows L, D, M, U, W; S (never married) is its U.
  std::string code =
      code_among(member_of(patient, "maritalStatus"), {"L", "D", "M", "U", "W", "S"});
  return code == "S" ? "U" : code;
}

// Returns the contact points of a person: [{system, value}].
Json telecom_of(const Json& person) {
  Json out = Json::array();
  for (const Json& point : list_of(person, "telecom")) {
    const std::string value = text_of(point, "value");
    const std::string system = text_of(point, "system");
    if (value.empty() || characters(value) > 250 || text_of(point, "use") == "old" ||
        out.size() == kMaxTelecom ||
        !is_one_of(system, {"phone", "fax", "email", "pager", "url", "sms", "other"}))
      continue;
    Json item = Json::object();
    item["system"] = system;
    item["value"] = value;
    out.push_back(std::move(item));
  }
  return out;
}

bool is_full_date(const std::string& date) {
  return date.size() == 10 && read_instant(date + "T00:00:00Z").has_value();
}

// Fits the `patient` of the payer role: exactly those members.
Json patient_data(const Json& patient, bool whole, When at, const Settings& settings) {
  Json data = Json::object();
  const Json identifier = patient_identifier(patient, at, settings);
  const std::string name = name_of(patient);
  const std::string gender = text_of(patient, "gender");
  const std::string birth_date = text_of(patient, "birthDate");
  const bool known_gender = is_one_of(gender, {"male", "female", "other", "unknown"});
  if (whole) {
    if (identifier.is_null())
      refuse("the patient has no identifier with a value: Patient.identifier[]");
    if (name.empty())
      refuse("the patient has no name: Patient.name[] needs text, or given and family");
    if (!known_gender) refuse("Patient.gender must be male, female, other or unknown");
    if (!is_full_date(birth_date)) refuse("Patient.birthDate must be a full date, YYYY-MM-DD");
  }
  put(data, "identifier", identifier);
  put(data, "name", name);
  put(data, "family", text_of(best_name(patient), "family"));
  put(data, "given", given_of(best_name(patient)));
  put(data, "telecom", telecom_of(patient));
  if (known_gender) data["gender"] = gender;
  put(data, "birthDate", birth_date);
  put(data, "maritalStatus", marital_status(patient));
  return data;
}

// The best of a practitioner's identifiers; null when there is none. licence: only those that are
// his licence.
const Json* practitioner_identifier(const Json& practitioner, bool licence, When at) {
  const Json* best = nullptr;
  int best_rank = 99;
  for (const Json& identifier : list_of(practitioner, "identifier")) {
    if (text_of(identifier, "value").empty() || is_old(identifier)) continue;
    const bool is_licence =
        !code_among(member_of(identifier, "type"), {"MD"}).empty() ||
        lower(text_of(identifier, "system")).find("practitioner-licen") != std::string::npos;
    if (licence && !is_licence) continue;
    const int rank = (is_licence                              ? 0
                      : text_of(identifier, "system").empty() ? 2
                                                              : 1) +
                     out_of_force(identifier, at);
    if (rank >= best_rank) continue;
    best = &identifier;
    best_rank = rank;
  }
  return best;
}

Json practitioner_data(const Json& practitioner, When at) {
  Json data = Json::object();
  if (const Json* licence = practitioner_identifier(practitioner, true, at)) {
    put(data, "licence", text_of(*licence, "value"));
    put(data, "licenceSystem", text_of(*licence, "system"));
  }
  // Somebody without a name is shown by his number.
  const Json* number = practitioner_identifier(practitioner, false, at);
  const std::string name = name_of(practitioner);
  put(data, "name", name.empty() && number != nullptr ? text_of(*number, "value") : name);
  put(data, "family", text_of(best_name(practitioner), "family"));
  put(data, "given", given_of(best_name(practitioner)));
  return data;
}

bool is_member_id(const Json& identifier) {
  return !code_among(member_of(identifier, "type"), {"MB"}).empty();
}

// The identifier that is the member id; null when the coverage has none.
const Json& member_identifier(const Json& coverage, When at) {
  const Json* best = nullptr;
  int best_rank = 99;
  for (const Json& identifier : list_of(coverage, "identifier")) {
    if (text_of(identifier, "value").empty() || is_old(identifier)) continue;
    const int rank = (is_member_id(identifier) ? 0 : 1) + out_of_force(identifier, at);
    if (rank >= best_rank) continue;
    best = &identifier;
    best_rank = rank;
  }
  return best == nullptr ? nothing() : *best;
}

Json class_data(const Json& coverage) {
  const auto type_code = [](const Json& node) {
    return code_among(member_of(node, "type"),
                      {"group", "subgroup", "plan", "subplan", "class", "subclass", "sequence",
                       "rxbin", "rxpcn", "rxid", "rxgroup"});
  };
  const Json* chosen = nullptr;
  for (const Json& item : list_of(coverage, "class")) {
    const std::string type = type_code(item);
    if (type.empty() || (chosen != nullptr && type != "plan")) continue;
    chosen = &item;
    if (type == "plan") break;
  }
  Json data = Json::object();
  if (chosen == nullptr) return data;
  const std::string value = text_of(*chosen, "value");
  // A cut value would name another class: one that does not fit is left out.
  if (value.empty() || characters(value) > 30) return data;
  data["type"] = type_code(*chosen);
  data["value"] = value;
  const std::string name = text_of(*chosen, "name");
  if (characters(name) <= 100) put(data, "name", name);
  return data;
}

struct Payer {
  std::string licence;
  std::string name;
  // The reference to an Organization that was not found.
  std::string unresolved;
  // True if nobody but a person pays: no insurer is to be asked.
  bool person = false;
};

// The identifier is a licence in force. Any other number of a payer, such as the hospital's own for
// it, may be the licence of another payer.
bool is_payer_licence(const Json& identifier, When at) {
  return text_of(identifier, "system") == sdk::kPayerLicenceSystem &&
         !text_of(identifier, "value").empty() && !is_old(identifier) &&
         out_of_force(identifier, at) == 0;
}

// The organisation that pays: the first of Coverage.payor that is no person.
Payer payer_of(const Resources& delivery, const Entry& entry, When at) {
  Payer out;
  // Code of http://terminology.hl7.org/CodeSystem/coverage-selfpay.
  out.person = !code_among(member_of(*entry.resource, "type"), {"pay"}).empty();
  for (const Json& payor : list_of(*entry.resource, "payor")) {
    const std::string reference = text_of(payor, "reference");
    const auto found = delivery.resolve(entry, payor);
    std::string type = found ? type_of(*found->resource) : text_of(payor, "type");
    if (type.empty()) type = type_in(reference);
    if (is_one_of(type, {"Patient", "RelatedPerson"})) {
      out.person = true;
      continue;
    }
    out.person = false;
    const Json* organization = found && type == "Organization" ? found->resource : nullptr;
    Json identifiers = Json::array({member_of(payor, "identifier")});
    if (organization != nullptr) {
      for (const Json& identifier : list_of(*organization, "identifier"))
        identifiers.push_back(identifier);
    }
    std::string other;
    for (const Json& identifier : identifiers) {
      if (is_payer_licence(identifier, at)) {
        out.licence = text_of(identifier, "value");
        break;
      }
      if (other.empty()) other = text_of(identifier, "value");
    }
    out.name = text_of(payor, "display");
    if (out.name.empty() && organization != nullptr) out.name = text_of(*organization, "name");
    // A payer that is named somehow is never taken for one that is not named at all.
    if (out.licence.empty() && out.name.empty()) out.name = other.empty() ? reference : other;
    if (out.licence.empty() && organization == nullptr) out.unresolved = reference;
    break;
  }
  return out;
}

// Fits the `coverage` of the payer role: exactly those members.
Json coverage_data(const Entry& entry, const Payer& payer, When at) {
  const Json& coverage = *entry.resource;
  Json data = Json::object();
  const std::string relationship =
      code_among(member_of(coverage, "relationship"),
                 {"child", "parent", "spouse", "common", "other", "self", "injured"});
  // The payer's number for the subscriber is better than an identifier without type, which may be
  // the record system's own for the coverage; unless the subscriber is somebody else.
  const Json& member = member_identifier(coverage, at);
  const std::string subscriber = text_of(coverage, "subscriberId");
  const bool by_subscriber = member.is_null() || (!subscriber.empty() && !is_member_id(member) &&
                                                  is_one_of(relationship, {"", "self"}));
  put(data, "memberId", by_subscriber ? subscriber : text_of(member, "value"));
  if (!by_subscriber) put(data, "memberSystem", text_of(member, "system"));
  put(data, "payerLicence", payer.licence);
  put(data, "payerName", payer.name);
  put(data, "type", code_among(member_of(coverage, "type"), {"EHCPOL", "PUBLICPOL"}));
  put(data, "relationship", relationship);
  put(data, "class", class_data(coverage));
  const std::string network = text_of(coverage, "network");
  if (characters(network) <= 30) put(data, "network", network);
  return data;
}

// True if the patient says that another record replaces this one.
bool says_merged(const Json& patient) {
  const Json& links = list_of(patient, "link");
  return std::any_of(links.begin(), links.end(),
                     [](const Json& link) { return text_of(link, "type") == "replaced-by"; });
}

// The coverages of a delivery: its entries, and those that they contain. What another appointment
// contains is its own.
std::vector<Entry> coverages_of(const Resources& delivery, const Json* appointment) {
  std::vector<Entry> out;
  for (const Entry& entry : delivery.entries()) {
    const std::string type = type_of(*entry.resource);
    if (type == "Coverage") out.push_back(entry);
    if (type == "Appointment" && entry.resource != appointment) continue;
    for (const Json& contained : list_of(*entry.resource, "contained")) {
      if (type_of(contained) == "Coverage")
        out.push_back({&contained, entry.full_url, entry.resource});
    }
  }
  return out;
}

// True if the coverage counts at that time.
bool holds(const Entry& coverage, When at) {
  return is_one_of(text_of(*coverage.resource, "status"), {"active", ""}) &&
         in_force(member_of(*coverage.resource, "period"), at);
}

// True if the coverage is of one of these records.
bool covers(const Resources& delivery, const Entry& coverage,
            const std::vector<const Json*>& records) {
  const auto beneficiary = delivery.resolve(coverage, member_of(*coverage.resource, "beneficiary"));
  return beneficiary &&
         std::find(records.begin(), records.end(), beneficiary->resource) != records.end();
}

// True if both name one payer, as far as one can tell.
bool is_same_payer(const Payer& payer, const Payer& other) {
  if (!payer.licence.empty() && !other.licence.empty()) return payer.licence == other.licence;
  return payer.name == other.name;
}

// The coverage that counts first.
struct Cover {
  Entry entry;
  Payer payer;
  // True if one of another payer counts as much: a person says which of them pays.
  bool tied = false;
  // Reference of a payer of a tie that the delivery does not hold.
  std::string unread;
};

// The coverage of this very patient that is in force and counts first; never another patient's. One
// that a person pays counts only where no insurer has one. records: his own, and those that were
// merged into it.
std::optional<Cover> coverage_of(const Resources& delivery, const std::vector<Entry>& coverages,
                                 const std::vector<const Json*>& records, When at) {
  std::optional<Cover> best;
  std::pair<bool, std::int64_t> best_rank;
  for (const Entry& entry : coverages) {
    if (!holds(entry, at) || !covers(delivery, entry, records)) continue;
    const Json& order_value = member_of(*entry.resource, "order");
    const std::int64_t order = order_value.is_number_integer()
                                   ? order_value.get<std::int64_t>()
                                   : std::numeric_limits<std::int64_t>::max();
    const Payer payer = payer_of(delivery, entry, at);
    const std::pair rank{payer.person, order};
    if (best && rank == best_rank && !payer.person && !is_same_payer(payer, best->payer)) {
      best->tied = true;
      if (best->unread.empty()) best->unread = payer.unresolved;
    }
    if (best && rank >= best_rank) continue;
    best = Cover{.entry = entry, .payer = payer, .tied = false, .unread = payer.unresolved};
    best_rank = rank;
  }
  return best;
}

// Pairs of records of a delivery that are of one patient, since one was merged into the other.
using Merges = std::vector<std::pair<const Json*, const Json*>>;
Merges merges_of(const Resources& delivery) {
  Merges out;
  for (const Entry& entry : delivery.entries()) {
    if (type_of(*entry.resource) != "Patient") continue;
    std::size_t links = 0;
    for (const Json& link : list_of(*entry.resource, "link")) {
      const std::string type = text_of(link, "type");
      if (++links > kMaxLinks) break;
      if (!is_one_of(type, {"replaced-by", "replaces"})) continue;
      const auto other = delivery.resolve(entry, member_of(link, "other"));
      if (!other || type_of(*other->resource) != "Patient") continue;
      // A record that lives is not replaced by what another says; one that was merged says so.
      if (type == "replaces" && member_of(*other->resource, "active") != Json(false)) continue;
      if (type == "replaces" && says_merged(*other->resource)) continue;
      out.emplace_back(entry.resource, other->resource);
    }
  }
  return out;
}

// All records of the patient of a record.
std::vector<const Json*> records_of(const Json* patient, const Merges& merges) {
  std::vector<const Json*> out{patient};
  const auto add = [&out](const Json* item) {
    if (std::find(out.begin(), out.end(), item) == out.end()) out.push_back(item);
  };
  for (std::size_t at = 0; at < out.size(); ++at) {
    const Json* const reference = out[at];
    for (const auto& [one, other] : merges) {
      if (one == reference) add(other);
      if (other == reference) add(one);
    }
  }
  return out;
}

struct People {
  std::optional<Entry> patient;
  std::optional<Entry> practitioner;
};

// Rank of a participant among those of one kind: a participant who accepted comes first.
constexpr int kNotActive = 3;    // or is informed only
constexpr int kTakesNoPart = 4;  // has declined, or takes part at another time
int rank_of(const Json& participant, When at) {
  const std::string status = text_of(participant, "status");
  if (status == "declined" || !in_force(member_of(participant, "period"), at)) return kTakesNoPart;
  if (text_of(participant, "required") == "information-only") return kNotActive;
  return status == "accepted" ? 0 : status == "tentative" ? 1 : 2;
}

// The least rank of who is not active any more.
int standing(const Json& person, When at) {
  return member_of(person, "active") == Json(false) || !in_force(member_of(person, "period"), at)
             ? kNotActive
             : 0;
}

// whole: a participant that cannot be found is refused, and who takes no part is left out.
People people_of(const Resources& delivery, const Entry& appointment, bool whole, When start) {
  People people;
  int patient_rank = kTakesNoPart + 1;
  int practitioner_rank = kTakesNoPart + 1;
  std::size_t at = 0;
  for (const Json& participant : list_of(*appointment.resource, "participant")) {
    const std::string where = "participant[" + std::to_string(at++) + "].actor";
    int rank = rank_of(participant, start);
    if (whole && rank >= kTakesNoPart) continue;
    const Json& actor = member_of(participant, "actor");
    std::optional<Entry> found = delivery.resolve(appointment, actor);
    std::string type = found ? type_of(*found->resource) : type_in(text_of(actor, "reference"));
    if (!found && whole && is_one_of(type, {"Patient", "Practitioner", "PractitionerRole"})) {
      refuse("the appointment's " + where + " refers to a " + type +
             " that is not in the bundle: add it as an entry with the fullUrl that the reference "
             "means");
    }
    if (found && type == "PractitionerRole") {
      rank = std::max(rank, standing(*found->resource, start));
      found = delivery.resolve(*found, member_of(*found->resource, "practitioner"));
      if (!found && whole) {
        refuse("the PractitionerRole of the appointment's " + where +
               " refers to no Practitioner that is in the bundle");
      }
      type = found ? type_of(*found->resource) : std::string();
    }
    if (!found) continue;
    rank = std::max(rank, standing(*found->resource, start));
    if (type == "Patient") {
      const bool other = people.patient && people.patient->resource != found->resource;
      if (other && rank < kTakesNoPart && patient_rank < kTakesNoPart) {
        refuse(
            "the appointment names more than one patient: participant[].actor must refer to one "
            "Patient");
      }
      if (rank >= patient_rank) continue;
      people.patient = found;
      patient_rank = rank;
    } else if (type == "Practitioner" && rank < practitioner_rank) {
      people.practitioner = found;
      practitioner_rank = rank;
    }
  }
  if (whole && !people.patient) refuse(kNoPatient);
  if (whole && !people.practitioner) refuse(kNoPractitioner);
  return people;
}

std::string event_type(const std::string& status) {
  if (status == "booked") return "org.rabt.appointment.booked.v1";
  if (status == "cancelled" || status == "entered-in-error")
    return "org.rabt.appointment.cancelled.v1";
  if (status == "noshow") return "org.rabt.appointment.noshow.v1";
  return "org.rabt.appointment.updated.v1";
}

// True if the coverage names a patient who is not in the delivery: it may be anybody's.
bool of_unknown(const Resources& delivery, const Entry& coverage) {
  return !delivery.resolve(coverage, member_of(*coverage.resource, "beneficiary"));
}

// True if the reference means a Coverage that the delivery does not hold.
bool is_unread_coverage(const Resources& delivery, const Entry& from, const Json& reference) {
  if (delivery.resolve(from, reference)) return false;
  std::string type = text_of(reference, "type");
  if (type.empty()) type = type_in(text_of(reference, "reference"));
  return type == "Coverage";
}

// True if the appointment, or a request that it fulfils, refers to a Coverage that the delivery
// does not hold.
bool refers_to_unread_coverage(const Resources& delivery, const Entry& appointment) {
  for (const Json& reference : list_of(*appointment.resource, "supportingInformation")) {
    if (is_unread_coverage(delivery, appointment, reference)) return true;
  }
  for (const Json& request : list_of(*appointment.resource, "basedOn")) {
    const auto found = delivery.resolve(appointment, request);
    if (!found) continue;
    for (const Json& reference : list_of(*found->resource, "insurance")) {
      if (is_unread_coverage(delivery, *found, reference)) return true;
    }
  }
  return false;
}

// Payer of a visit as a delivery names it; empty where it has no coverage of the patient.
struct Said {
  Json coverage = Json::object();
  // True if the delivery names coverages of which none is known to be in force for the patient, or
  // two payers of which none comes first.
  bool lapsed = false;
  // True if a person is the payer.
  bool self_pay = false;
};
Said cover_of(const Resources& delivery, const Merges& merges, const Entry& appointment,
              const People& people, bool whole, When start) {
  Said out;
  if (!people.patient) return out;
  const auto records = records_of(people.patient->resource, merges);
  const std::vector<Entry> coverages = coverages_of(delivery, appointment.resource);
  const auto coverage = coverage_of(delivery, coverages, records, start);
  if (coverage && coverage->tied) {
    out.lapsed = whole;
    return out;
  }
  const Payer payer = coverage ? coverage->payer : Payer{.person = true};
  if (payer.person) {
    // A change of status may come without the Coverage that the booking brought.
    const bool booked = text_of(*appointment.resource, "status") == "booked";
    const bool unread = booked && refers_to_unread_coverage(delivery, appointment);
    const bool another = std::any_of(coverages.begin(), coverages.end(), [&](const Entry& entry) {
      if (of_unknown(delivery, entry)) return !coverage || holds(entry, start);
      return !coverage && covers(delivery, entry, records);
    });
    out.lapsed = whole && (unread || another);
    out.self_pay = coverage && !out.lapsed;
    return out;
  }
  // A payer that is named and cannot be read must not become another one.
  if (whole && !payer.unresolved.empty()) {
    refuse(
        "the coverage's payor[] refers to an Organization that is not in the bundle: add it as "
        "an entry with the fullUrl that the reference means, or write payor[].identifier");
  }
  out.coverage = coverage_data(coverage->entry, payer, start);
  if (whole && !out.coverage.contains("memberId")) {
    refuse("the coverage has no member id: Coverage.identifier[].value or Coverage.subscriberId");
  }
  return out;
}

// message: stands for the message among the ids of events.
Json event_of(const Resources& delivery, const Merges& merges, const Entry& entry,
              const std::string& message, const Settings& settings) {
  const Json& appointment = *entry.resource;
  const std::string status = text_of(appointment, "status");
  if (!is_one_of(status, {"proposed", "pending", "booked", "arrived", "fulfilled", "cancelled",
                          "noshow", "entered-in-error", "checked-in", "waitlist"})) {
    refuse("Appointment.status is missing or no status of FHIR R4");
  }
  // A cancellation must not be lost because it comes alone: it needs the key only.
  const bool whole = !is_one_of(status, {"cancelled", "entered-in-error", "noshow"});
  const std::string key = key_of(appointment);
  Json details = Json::object();
  put(details, "id", text_of(appointment, "id"));
  details["key"] = key;
  if (const Json& identifier = known_as(appointment); !identifier.is_null()) {
    Json own = Json::object();
    put(own, "system", text_of(identifier, "system"));
    own["value"] = text_of(identifier, "value");
    details["identifier"] = std::move(own);
  }
  const std::size_t most =
      text_of(member_of(details, "identifier"), "system").empty() ? kMaxPlainKey : kMaxKey;
  if (key.size() > most)
    refuse("the appointment's first identifier is longer than " + std::to_string(most) + " bytes");
  const auto start = instant_at(appointment, "start");
  const auto end = instant_at(appointment, "end");
  if (whole && !start) refuse("the appointment has no start: Appointment.start");
  if (start && end && *end < *start)
    refuse("the appointment ends before it starts: Appointment.start, Appointment.end");
  if (start) {
    details["start"] = text_of(appointment, "start");
    details["startEpoch"] = *start;
  }
  if (end) {
    details["end"] = text_of(appointment, "end");
    details["endEpoch"] = *end;
  }
  details["status"] = status;
  put(details, "description", description_of(appointment));
  put(details, "reasons", reasons_of(appointment));

  const People people = people_of(delivery, entry, whole, start);
  put(details, "reference", address(entry, settings));
  put(details, "patientReference", address(people.patient, settings));
  put(details, "practitionerReference", address(people.practitioner, settings));

  Json data = Json::object();
  data["appointment"] = std::move(details);
  data["modality"] = is_video(appointment) ? "video" : "in-person";
  if (people.patient) {
    put(data, "patient", patient_data(*people.patient->resource, whole, start, settings));
    put(data, "patientIdentifiers", patient_identifiers(*people.patient->resource, settings));
  }
  if (people.practitioner) {
    const Json& person = *people.practitioner->resource;
    put(data, "practitioner", practitioner_data(person, start));
    if (whole && !data.contains("practitioner"))
      refuse("the practitioner has no name and no identifier: Practitioner.name[], identifier[]");
    const Json* number = practitioner_identifier(person, false, start);
    if (number != nullptr && !text_of(*number, "system").empty()) {
      Json& own = data["appointment"]["practitionerIdentifier"];
      own["system"] = text_of(*number, "system");
      own["value"] = text_of(*number, "value");
    }
  }
  Said said = cover_of(delivery, merges, entry, people, whole, start);
  put(data, "coverage", std::move(said.coverage));
  if (said.self_pay) data["selfPay"] = true;
  // The visit does not wait for the payer: the workflow asks the desk.
  if (said.lapsed) sdk::warn_of(data, std::string(sdk::kNoCoverageInForce));
  if (const auto length = length_of(appointment, start, end))
    sdk::set_booking_length(data, *length);

  const Json& meta = member_of(appointment, "meta");
  std::string version = text_of(meta, "versionId");
  if (version.empty()) version = text_of(meta, "lastUpdated");
  version = version.substr(0, 64);
  // A coverage is corrected without another version of the appointment, and a correction that is
  // taken back says what was said before in another message.
  const std::string word = sdk::fingerprint(data.dump()) + "/" + message;
  sdk::cut_booking_texts(data);
  const std::string too_long = sdk::too_long_in_booking(data);
  if (whole && !too_long.empty()) refuse("longer than a session or a payer takes: " + too_long);
  const std::string base = base_of(entry);
  Json event = Json::object();
  event["type"] = event_type(status);
  event["source"] = base.empty() ? settings.base_url : base;
  event["id"] = key + "/" + status + "/" + version + "/" + word;
  event["subject"] = key;
  if (const auto updated = read_instant(text_of(meta, "lastUpdated")))
    event["time"] = sdk::write_instant(*updated);
  event["data"] = std::move(data);
  return event;
}

// ---- Subscription notifications ----

// The status resource of a notification: Parameters in R4 (backport), SubscriptionStatus in R4B and
// later. Null: none.
const Json& notification_status(const Json& bundle) {
  const Json& status = member_of(first(list_of(bundle, "entry")), "resource");
  const std::string type = type_of(status);
  if (type == "SubscriptionStatus") return status;
  if (type != "Parameters") return nothing();
  for (const Json& parameter : list_of(status, "parameter")) {
    if (text_of(parameter, "name") == "subscription") return status;
  }
  return nothing();
}

// True if the notification is about an Appointment.
bool focuses_on_appointment(const Json& status) {
  const auto is_appointment = [](const Json& reference) {
    return type_in(text_of(reference, "reference")) == "Appointment";
  };
  for (const Json& event : list_of(status, "notificationEvent")) {
    if (is_appointment(member_of(event, "focus"))) return true;
  }
  for (const Json& parameter : list_of(status, "parameter")) {
    if (text_of(parameter, "name") != "notification-event") continue;
    for (const Json& part : list_of(parameter, "part")) {
      if (text_of(part, "name") == "focus" && is_appointment(member_of(part, "valueReference")))
        return true;
    }
  }
  return false;
}

Json events_of(const Json& root, const std::string& message, const Settings& settings) {
  const std::string type = type_of(root);
  Resources delivery;
  if (type == "Appointment") {
    delivery.add(root, {});
  } else if (type == "Bundle") {
    const Json& entries = list_of(root, "entry");
    if (entries.size() > kMaxEntries)
      refuse("the bundle has more than " + std::to_string(kMaxEntries) + " entries");
    for (const Json& entry : entries) {
      const Json& resource = member_of(entry, "resource");
      if (resource.is_object()) delivery.add(resource, text_of(entry, "fullUrl"));
    }
  } else {
    refuse("the body is no Appointment and no Bundle: resourceType must be one of these");
  }
  const Merges merges = merges_of(delivery);
  Json events = Json::array();
  for (const Entry& entry : delivery.entries()) {
    if (type_of(*entry.resource) != "Appointment") continue;
    if (events.size() == kMaxAppointments) {
      refuse("the bundle has more than " + std::to_string(kMaxAppointments) + " appointments");
    }
    events.push_back(event_of(delivery, merges, entry, message, settings));
  }
  if (!events.empty()) return events;
  const Json& status = notification_status(root);
  if (status.is_null()) refuse("the bundle holds no Appointment: entry[].resource must have one");
  if (focuses_on_appointment(status)) {
    refuse(
        "the notification names an Appointment and does not hold it: the subscription needs the "
        "payload full-resource");
  }
  return events;
}

// ---- What the hub writes ----

Json consultation_identifier(const Json& input) {
  Json value = Json::object();
  value["system"] = std::string(kConsultationSystem);
  value["value"] = text_of(input, "consultation");
  return value;
}

// Reference and identifier, without display: names do not belong into other resources.
Json reference(const std::string& type, const std::string& literal, Json identifier) {
  Json value = Json::object();
  put(value, "reference", literal);
  put(value, "identifier", std::move(identifier));
  if (!value.empty()) value["type"] = type;
  return value;
}
Json patient_reference(const Json& input, const std::string& literal) {
  const Json& patient_number = member_of(member_of(input, "patient"), "identifier");
  Json identifier = Json::object();
  if (!text_of(patient_number, "value").empty()) {
    const std::string type = text_of(patient_number, "type");
    if (!type.empty()) identifier["type"] = concept_of(coding(kIdentifierTypes, type));
    put(identifier, "system", text_of(patient_number, "system"));
    identifier["value"] = text_of(patient_number, "value");
  }
  return reference("Patient", literal, std::move(identifier));
}
Json practitioner_reference(const Json& input, const std::string& literal) {
  const std::string licence = text_of(member_of(input, "practitioner"), "licence");
  Json identifier = Json::object();
  if (!licence.empty()) {
    identifier["type"] = concept_of(coding(kIdentifierTypes, "MD"));
    put(identifier, "system", text_of(member_of(input, "practitioner"), "licenceSystem"));
    identifier["value"] = licence;
  } else {  // who has no licence is known by another number
    const Json& own = member_of(member_of(input, "appointment"), "practitionerIdentifier");
    if (!text_of(own, "value").empty()) identifier = own;
  }
  return reference("Practitioner", literal, std::move(identifier));
}
Json organization_reference(const Settings& settings) {
  Json value = Json::object();
  put(value, "reference", settings.organization_reference);
  put(value, "display", settings.organization_display);
  return value;
}

// Encounter.reasonCode from the reasons of the booking.
Json reason_codes(const Json& appointment) {
  Json out = Json::array();
  for (const Json& reason : list_of(appointment, "reasons")) {
    Json item = Json::object();
    if (!text_of(reason, "code").empty()) {
      Json code = Json::object();
      for (const char* key : {"system", "code", "display"}) put(code, key, text_of(reason, key));
      item["coding"] = just(std::move(code));
    }
    put(item, "text", text_of(reason, "text"));
    if (!item.empty()) out.push_back(std::move(item));
  }
  return out;
}

Json period(const Json& object) {
  Json value = Json::object();
  put(value, "start", text_of(object, "start"));
  put(value, "end", text_of(object, "end"));
  return value;
}

// urn:rabt:recording:<id>: the id is ours, but a URL must stay one whatever it holds.
std::string recording_url(const std::string& id) {
  return "urn:rabt:recording:" + sdk::percent_encode(id, ":");
}

Json attachment(const Json& recording) {
  Json value = Json::object();
  // Attachment.hash is a SHA-1 in R4; the SHA-256 has an extension of its own.
  if (const std::string sha256 = text_of(recording, "sha256"); !sha256.empty()) {
    Json extension = Json::object();
    extension["url"] = kSha256;
    extension["valueString"] = sha256;
    value["extension"] = just(std::move(extension));
  }
  put(value, "contentType", text_of(recording, "contentType"));
  value["url"] = recording_url(text_of(recording, "id"));
  const Json& bytes = member_of(recording, "bytes");
  if (bytes.is_number_integer() && bytes >= 0 && bytes <= kMaxAttachment) value["size"] = bytes;
  const std::string kind = text_of(recording, "kind");
  value["title"] = kind.empty() ? "Session recording" : "Session recording, " + kind;
  return value;
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw sdk::Refusal("fhir.config", "the configuration must be an object");
  Settings settings;
  settings.base_url = text_of(config, "base_url");
  while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
  if (!settings.base_url.starts_with("http://") && !settings.base_url.starts_with("https://")) {
    throw sdk::Refusal("fhir.config",
                       "base_url must be the service base of the FHIR server, for example "
                       "https://ehr.example.sa/fhir");
  }
  const Json& bearer = member_of(config, "bearer");
  if (bearer.is_boolean()) settings.bearer = bearer.get<bool>();
  settings.organization_reference = text_of(member_of(config, "organization"), "reference");
  settings.organization_display = text_of(member_of(config, "organization"), "display");
  settings.number_types = sdk::read_number_types(config, "fhir.config");
  return settings;
}

std::optional<std::int64_t> read_instant(std::string_view value) {
  // FHIR's instant is narrower than RFC 3339: capital letters, no leap second, offsets to 14 hours.
  const auto seconds = sdk::read_instant(value);
  if (!seconds || value[10] != 'T' || value.substr(17, 2) == "60" || value.ends_with('z'))
    return std::nullopt;
  if (!value.ends_with('Z') && value.substr(value.size() - 5, 2) > "14") return std::nullopt;
  return seconds;
}

Json to_events(std::string_view body, const Settings& settings, std::string_view message) {
  const auto root = sdk::parse_json(body);
  if (!root || !root->is_object())
    refuse("the body is no JSON object; send a FHIR R4 resource as application/fhir+json");
  return events_of(*root, sdk::fingerprint(message.empty() ? body : message), settings);
}

Json encounter(const Json& input, const Settings& settings) {
  const Json& appointment = member_of(input, "appointment");
  Json resource = Json::object();
  resource["resourceType"] = "Encounter";
  resource["identifier"] = just(consultation_identifier(input));
  resource["status"] = "finished";
  resource["class"] = coding(kActCode, "VR", "virtual");
  put(resource, "subject", patient_reference(input, text_of(appointment, "patientReference")));
  Json individual = practitioner_reference(input, text_of(appointment, "practitionerReference"));
  if (!individual.empty()) {
    Json participant = Json::object();
    participant["individual"] = std::move(individual);
    resource["participant"] = just(std::move(participant));
  }
  Json booked = reference("Appointment", text_of(appointment, "reference"),
                          member_of(appointment, "identifier"));
  if (!booked.empty()) resource["appointment"] = just(std::move(booked));
  put(resource, "period", period(input));
  put(resource, "reasonCode", reason_codes(appointment));
  put(resource, "serviceProvider", organization_reference(settings));
  return resource;
}

Json living(const Json& patients) {
  Json out = Json::array();
  for (const bool active : {true, false}) {
    for (const Json& patient : patients) {
      if (!says_merged(patient) && (member_of(patient, "active") != Json(false)) == active)
        out.push_back(patient);
    }
    if (!out.empty()) break;
  }
  return out;
}

// "Organization/17" or an address below base_url -> "17", if the type is this one; else "". Another
// server is not asked: it would be handed the credentials.
static std::string own_id(const std::string& reference, std::string_view type,
                          const Settings& settings) {
  const std::string rest = plain_reference(reference, settings);
  return rest.starts_with(std::string(type) + "/") ? rest.substr(type.size() + 1) : std::string();
}

std::string replaced_by(const Json& patient, const Settings& settings) {
  for (const Json& link : list_of(patient, "link")) {
    if (text_of(link, "type") == "replaced-by")
      return own_id(text_of(member_of(link, "other"), "reference"), "Patient", settings);
  }
  return {};
}

std::vector<std::string> replaced_ids(const Json& patient, const Settings& settings) {
  std::vector<std::string> out;
  for (const Json& link : list_of(patient, "link")) {
    if (text_of(link, "type") != "replaces") continue;
    std::string id = own_id(text_of(member_of(link, "other"), "reference"), "Patient", settings);
    if (!id.empty()) out.push_back(std::move(id));
  }
  return out;
}

bool lets_itself_be_replaced(const Json& other, const std::string& by, const Settings& settings) {
  const std::string into = replaced_by(other, settings);
  return into.empty() ? member_of(other, "active") == Json(false) : into == by;
}

// True if a coverage that is not taken was the patient's at that time, or says that it is his: one
// that was called off, or is a draft, counts for as long as it says that it runs.
static bool is_or_was_cover(const Json& coverage, When at) {
  const std::string status = text_of(coverage, "status");
  if (is_one_of(status, {"active", ""})) return true;
  return is_one_of(status, {"cancelled", "draft"}) && in_force(member_of(coverage, "period"), at);
}

Insured insured(const Json& patients, const Json& entries, std::int64_t at,
                const Settings& settings) {
  Resources found;
  std::vector<const Json*> records;
  for (const Json& item : patients) {
    found.add(item, {});
    records.push_back(&item);
  }
  for (const Json& entry : entries)
    found.add(member_of(entry, "resource"), text_of(entry, "fullUrl"));
  const Json& patient = first(patients);
  Insured out;
  out.output["found"] = true;
  out.output["patientReference"] = "Patient/" + text_of(patient, "id");
  out.output["patient"] = patient_data(patient, false, at, settings);
  const std::vector<Entry> coverages = coverages_of(found, nullptr);
  if (const auto coverage = coverage_of(found, coverages, records, at)) {
    out.unread_payer = own_id(coverage->unread, "Organization", settings);
    // A coverage that a person pays is no insurer's.
    if (coverage->payer.person) return out;
    if (coverage->tied) {
      sdk::warn_of(out.output, std::string(sdk::kNoCoverageInForce));
      return out;
    }
    Json data = coverage_data(coverage->entry, coverage->payer, at);
    if (data.contains("memberId")) {
      out.output["coverage"] = std::move(data);
    } else {
      sdk::warn_of(out.output, std::string(sdk::kNoMemberId));
    }
    return out;
  }
  for (const Entry& entry : coverages) {
    if (covers(found, entry, records) && is_or_was_cover(*entry.resource, at) &&
        !payer_of(found, entry, at).person)
      sdk::warn_of(out.output, std::string(sdk::kNoCoverageInForce));
  }
  return out;
}

Json document(const Json& input, const Settings& settings, std::int64_t now_seconds) {
  const Json& visit = member_of(input, "encounter");
  Json resource = Json::object();
  resource["resourceType"] = "DocumentReference";
  resource["identifier"] = just(consultation_identifier(input));
  resource["status"] = "current";
  resource["type"]["text"] = "Telehealth session recording";
  Json category = Json::object();
  category["text"] = "recording";
  resource["category"] = just(std::move(category));
  put(resource, "subject", patient_reference(input, text_of(visit, "patientReference")));
  resource["date"] = sdk::write_instant(now_seconds);
  Json author = practitioner_reference(input, text_of(visit, "practitionerReference"));
  if (!author.empty()) resource["author"] = just(std::move(author));
  put(resource, "custodian", organization_reference(settings));
  resource["securityLabel"] = just(concept_of(coding(kConfidentiality, "R", "restricted")));
  resource["content"] = Json::array();
  for (const Json& recording : list_of(input, "recordings")) {
    Json content = Json::object();
    content["attachment"] = attachment(recording);
    resource["content"].push_back(std::move(content));
  }
  Json of_visit = Json::object();
  put(of_visit, "reference", text_of(visit, "reference"));
  if (!of_visit.empty()) resource["context"]["encounter"] = just(std::move(of_visit));
  Json during = period(visit);
  if (!during.empty()) resource["context"]["period"] = std::move(during);
  return resource;
}

namespace {

// Returns the begin of the value of an object's member. The text is known to be JSON, so only
// nesting and strings need to be followed.
std::optional<std::size_t> value_at(std::string_view object, std::string_view name) {
  int depth = 0;
  bool is_key = false;  // the next string at depth 1 is a key
  for (std::size_t i = 0; i < object.size(); ++i) {
    const char c = object[i];
    if (c == '{' || c == '[') {
      if (depth == 0 && c == '[') return std::nullopt;
      ++depth;
      is_key = depth == 1;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',' && depth == 1) {
      is_key = true;
    } else if (c == '"') {
      const std::size_t begin = ++i;
      while (object[i] != '"') i += object[i] == '\\' ? 2 : 1;
      if (depth != 1 || !is_key) continue;
      is_key = false;
      if (object.substr(begin, i - begin) == name)
        return object.find_first_not_of(" \t\r\n", object.find(':', i) + 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> with_status(std::string_view resource, std::string_view status) {
  if (!Json::accept(resource)) return std::nullopt;
  const auto at = value_at(resource, "status");
  if (!at || resource[*at] != '"') return std::nullopt;
  std::size_t end = *at + 1;
  while (resource[end] != '"') end += resource[end] == '\\' ? 2 : 1;
  return std::string(resource.substr(0, *at + 1)) + std::string(status) +
         std::string(resource.substr(end));
}

Json session_identifiers(const Json& session) {
  Json out = Json::array();
  for (const auto& [name, system] :
       {std::pair{"id", kSessionSystem}, std::pair{"room", kRoomSystem}}) {
    const std::string value = sdk::text_of(session, name);
    if (value.empty()) continue;
    Json item = Json::object();
    item["system"] = system;
    item["value"] = value;
    out.push_back(std::move(item));
  }
  return out;
}

std::optional<std::string> with_identifiers(std::string_view resource, const Json& identifiers) {
  const Json whole = Json::parse(resource, nullptr, false);
  if (!whole.is_object()) return std::nullopt;
  Json before = whole.value("identifier", Json::array());
  if (!before.is_array()) return std::nullopt;
  // Those of the same systems that say something else; those that are there already.
  Json kept = Json::array();
  Json added = identifiers;
  bool replaces = false;
  for (const Json& node : before) {
    const auto same = std::find_if(added.begin(), added.end(), [&](const Json& wanted) {
      return sdk::text_of(wanted, "system") == sdk::text_of(node, "system");
    });
    if (same == added.end()) {
      kept.push_back(node);
    } else if (sdk::text_of(*same, "value") == sdk::text_of(node, "value")) {
      kept.push_back(node);
      added.erase(same);
    } else {
      replaces = true;
    }
  }
  if (added.empty() && !replaces) return std::string(resource);
  std::string items = added.dump();
  items = items.substr(1, items.size() - 2);
  const auto at = value_at(resource, "identifier");
  if (!at) {
    const std::size_t end = resource.rfind('}');
    return std::string(resource.substr(0, end)) + (whole.empty() ? "" : ",") + "\"identifier\":[" +
           items + "]" + std::string(resource.substr(end));
  }
  std::size_t end = *at;
  int depth = 0;
  do {
    const char c = resource[end];
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c == '"') {
      for (++end; resource[end] != '"';) end += resource[end] == '\\' ? 2 : 1;
    }
    ++end;
  } while (depth > 0);
  if (!replaces) {
    return std::string(resource.substr(0, end - 1)) + (before.empty() ? "" : ",") + items +
           std::string(resource.substr(end - 1));
  }
  // Identifiers hold no decimals: the list may be written anew.
  for (const Json& item : added) kept.push_back(item);
  return std::string(resource.substr(0, *at)) + kept.dump() + std::string(resource.substr(end));
}

}  // namespace rabt::fhir
