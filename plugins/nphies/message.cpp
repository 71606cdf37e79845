#include "message.hpp"

#include <array>
#include <optional>

#include "rabt/text.hpp"
#include "refusal.hpp"
#include "times.hpp"

namespace rabt::nphies {
namespace {

constexpr std::size_t kNoBreak = std::string_view::npos;

struct CodePoints {
  std::size_t count = 0;
  bool arabic = false;
};

// The text came out of a JSON parser, so it is valid UTF-8.
CodePoints count_code_points(std::string_view text) {
  CodePoints out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    ++out.count;
    // U+0600..U+077F and U+08A0..U+08FF, U+FB50..U+FDFF, U+FE70..U+FEFF.
    if (lead >= 0xD8 && lead <= 0xDD) out.arabic = true;
    if (length == 3 && i + 2 < text.size()) {
      const unsigned point = ((lead & 0x0FU) << 12U) |
                             ((static_cast<unsigned char>(text[i + 1]) & 0x3FU) << 6U) |
                             (static_cast<unsigned char>(text[i + 2]) & 0x3FU);
      if ((point >= 0x8A0 && point <= 0x8FF) || (point >= 0xFB50 && point <= 0xFDFF) ||
          (point >= 0xFE70 && point <= 0xFEFF)) {
        out.arabic = true;
      }
    }
    i += length;
  }
  return out;
}

struct IdentifierKind {
  std::string_view type;
  std::string_view type_system;
  // The input's system stays if this is empty.
  std::string_view system;
};
constexpr std::string_view kV20203 = "http://terminology.hl7.org/CodeSystem/v2-0203";
constexpr std::string_view kPatientIdType =
    "http://nphies.sa/terminology/CodeSystem/patient-identifier-type";
constexpr std::array<IdentifierKind, 7> kIdentifierKinds = {{
    {"NI", kV20203, "http://nphies.sa/identifier/nationalid"},
    {"PRC", kV20203, "http://nphies.sa/identifier/iqama"},
    {"PPN", kV20203, "http://nphies.sa/identifier/passportnumber"},
    {"VP", kV20203, ""},
    {"MR", kV20203, ""},
    {"BN", kPatientIdType, "http://nphies.sa/identifier/bordernumber"},
    {"DP", kPatientIdType, ""},
}};

const IdentifierKind* kind_of(const std::string& type, const std::string& system,
                              const std::string& value) {
  for (const IdentifierKind& kind : kIdentifierKinds) {
    if (type == kind.type) return &kind;
  }
  if (!type.empty()) return nullptr;
  for (const IdentifierKind& kind : kIdentifierKinds) {
    if (!kind.system.empty() && system == kind.system) return &kind;
  }
  // Without type and known system the first digit tells: national ids start with 1, iqama with 2.
  if (value.size() == 10 && value.find_first_not_of("0123456789") == kNoBreak) {
    if (value.front() == '1') return &kIdentifierKinds[0];
    if (value.front() == '2') return &kIdentifierKinds[1];
  }
  return nullptr;
}

Json patient_identifier(const Json& input) {
  const std::string value = required_id(input, "patient/identifier/value");
  const std::string system = text_at(input, "patient/identifier/system");
  const IdentifierKind* kind = kind_of(text_at(input, "patient/identifier/type"), system, value);
  if (kind == nullptr) {
    throw Refusal("patient/identifier/type",
                  "unknown kind of identifier; give type NI, PRC (iqama), PPN, BN, DP, VP or MR");
  }
  const bool ten_digits = value.size() == 10 && value.find_first_not_of("0123456789") == kNoBreak;
  if (kind->type == "NI" && !(ten_digits && value.front() == '1')) {
    throw Refusal("patient/identifier/value",
                  "a national id has 10 digits and starts with 1 (BV-00797)");
  }
  if (kind->type == "PRC" && !(ten_digits && value.front() == '2')) {
    throw Refusal("patient/identifier/value",
                  "an iqama number has 10 digits and starts with 2 (BV-00798)");
  }
  Json out = Json::object();
  const std::string country = text_at(input, "patient/identifier/country");
  if (kind->type == "PPN" && country.empty()) {
    throw Refusal("patient/identifier/country", "a passport needs its issuing country (BV-00481)");
  }
  if (!country.empty()) {
    Json extension = Json::object();
    extension["url"] = std::string(kProfile) + "extension-identifier-country";
    extension["valueCodeableConcept"] = code_in("urn:iso:std:iso:3166", country);
    out["extension"] = Json::array({extension});
  }
  out["type"] = code_in(kind->type_system, kind->type);
  out["system"] = kind->system.empty() ? required_id(input, "patient/identifier/system", 255)
                                       : std::string(kind->system);
  out["value"] = value;
  return out;
}

// FHIR's four genders to ksa-administrative-gender.
std::string ksa_gender(const std::string& gender) {
  if (gender == "other") return "N";
  return gender;
}

Json extension_of(std::string_view name) {
  Json out = Json::object();
  out["url"] = std::string(kProfile) + std::string(name);
  return out;
}

std::string first_text(std::string text, std::string_view other) {
  if (text.empty()) text = other;
  return text;
}

}  // namespace

Json to_json(const Identifier& identifier) {
  Json out = Json::object();
  out["system"] = identifier.system;
  out["value"] = identifier.value;
  return out;
}

Identifier identifier_at(const Json& root, std::string_view path) {
  const std::string base = path.empty() ? std::string() : std::string(path) + "/";
  return {text_at(root, base + "system"), text_at(root, base + "value")};
}

Json code_in(std::string_view system, std::string_view code) {
  Json coding = Json::object();
  coding["system"] = system;
  coding["code"] = code;
  Json out = Json::object();
  out["coding"] = Json::array({coding});
  return out;
}
Json nphies_code(std::string_view code_system, std::string_view code) {
  return code_in(std::string(kCodes) + std::string(code_system), code);
}
Json hl7_code(std::string_view code_system, std::string_view code) {
  return code_in(std::string(kHl7Codes) + std::string(code_system), code);
}
Json reference(const std::string& url) {
  Json out = Json::object();
  out["reference"] = url;
  return out;
}

std::string fitted(std::string_view text, std::size_t latin_limit, bool* cut) {
  const CodePoints points = count_code_points(text);
  const std::size_t limit = points.arabic ? latin_limit / 2 : latin_limit;
  if (cut != nullptr) *cut = points.count > limit;
  if (points.count <= limit) return std::string(text);
  std::size_t kept = 0;
  std::size_t at = 0;
  while (at < text.size() && kept < limit - 3) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    ++kept;
  }
  return std::string(text.substr(0, at)) + "...";
}

std::string required_id(const Json& input, const std::string& path, std::size_t limit) {
  std::string value = text_at(input, path);
  if (value.empty()) throw Refusal(path, "missing");
  if (count_code_points(value).count > limit) {
    throw Refusal(path, "longer than " + std::to_string(limit) + " characters");
  }
  return value;
}

Slot MessageBuilder::slot(std::string_view type) const {
  Slot out;
  out.id = stamp_.uuid();
  out.url = settings_.identifier_base + "/" + std::string(type) + "/" + out.id;
  return out;
}

Json MessageBuilder::resource(std::string_view type, const Slot& slot, std::string_view profile) {
  Json out = Json::object();
  out["resourceType"] = type;
  out["id"] = slot.id;
  out["meta"]["profile"] = Json::array({std::string(kProfile) + std::string(profile) + "|1.0.0"});
  return out;
}

void MessageBuilder::add(const Slot& slot, Json resource) {
  entries_.emplace_back(slot, std::move(resource));
}

Draft MessageBuilder::finish(std::string_view event, const Party& receiver,
                             std::string_view receiver_system, const Slot& focus,
                             Identifier subject, Json facts) {
  Draft draft;
  draft.bundle_id = stamp_.uuid();
  draft.header_id = stamp_.uuid();
  draft.subject = std::move(subject);
  draft.facts = std::move(facts);

  const auto party = [](std::string_view system, const std::string& licence) {
    Json out = Json::object();
    out["type"] = "Organization";
    out["identifier"] = to_json({std::string(kLicence) + std::string(system), licence});
    return out;
  };
  std::string endpoint =
      receiver_system == "nphies" ? settings_.nphies_endpoint : settings_.payer_endpoint;
  if (endpoint.empty()) {
    endpoint = std::string(kLicence) + std::string(receiver_system) + "/" + receiver.licence;
  }
  Json destination = Json::object();
  destination["endpoint"] = endpoint;
  destination["receiver"] = party(receiver_system, receiver.licence);

  Json header = resource("MessageHeader", {draft.header_id, ""}, "message-header");
  header["eventCoding"]["system"] = std::string(kCodes) + "ksa-message-events";
  header["eventCoding"]["code"] = event;
  header["destination"] = Json::array({destination});
  header["sender"] = party("provider-license", settings_.provider.licence);
  header["source"]["endpoint"] = settings_.provider_endpoint;
  header["focus"] = Json::array({reference(focus.url)});

  Json bundle = resource("Bundle", {draft.bundle_id, ""}, "bundle");
  bundle["type"] = "message";
  bundle["timestamp"] = riyadh_time(stamp_.now);
  Json entries = Json::array();
  const auto entry = [&entries](const std::string& url, Json content) {
    Json out = Json::object();
    out["fullUrl"] = url;
    out["resource"] = std::move(content);
    entries.push_back(std::move(out));
  };
  entry("urn:uuid:" + draft.header_id, std::move(header));
  for (auto& [slot, content] : entries_) {
    if (slot.id == focus.id) entry(slot.url, std::move(content));
  }
  for (auto& [slot, content] : entries_) {
    if (slot.id != focus.id) entry(slot.url, std::move(content));
  }
  bundle["entry"] = std::move(entries);
  draft.bytes = write_json(without_empty(bundle));
  return draft;
}

Slot add_provider(MessageBuilder& builder, bool with_type) {
  Slot slot = builder.slot("Organization");
  const Settings& settings = builder.settings();
  Json out = MessageBuilder::resource("Organization", slot, "provider-organization");
  if (with_type) {
    Json type = extension_of("extension-provider-type");
    type["valueCodeableConcept"] = nphies_code("provider-type", settings.provider_type);
    out["extension"] = Json::array({type});
  }
  out["identifier"] = Json::array(
      {to_json({std::string(kLicence) + "provider-license", settings.provider.licence})});
  out["active"] = true;
  out["type"] = Json::array({nphies_code("organization-type", "prov")});
  out["name"] = fitted(settings.provider.name, 250);
  builder.add(slot, std::move(out));
  return slot;
}

Slot add_payer(MessageBuilder& builder, const Party& payer) {
  Slot slot = builder.slot("Organization");
  Json out = MessageBuilder::resource("Organization", slot, "insurer-organization");
  out["identifier"] =
      Json::array({to_json({std::string(kLicence) + "payer-license", payer.licence})});
  out["active"] = true;
  out["type"] = Json::array({nphies_code("organization-type", "ins")});
  out["name"] = fitted(payer.name, 250);
  builder.add(slot, std::move(out));
  return slot;
}

void add_name_parts(const Json& input, const std::string& path, Json& name) {
  const std::string family = text_at(input, path + "/family");
  if (!family.empty()) name["family"] = fitted(family, 250);
  for (const Json& given : array_at(input, path + "/given"))
    name["given"].push_back(fitted(given.get<std::string>(), 250));
}

Slot add_patient(MessageBuilder& builder, const Json& input) {
  Slot slot = builder.slot("Patient");
  Json out = MessageBuilder::resource("Patient", slot, "patient");
  Json occupation = extension_of("extension-occupation");
  occupation["valueCodeableConcept"] =
      nphies_code("occupation", first_text(text_at(input, "patient/occupation"), "unknown"));
  out["extension"] = Json::array({occupation});
  out["identifier"] = Json::array({patient_identifier(input)});
  out["active"] = true;  // rule BV-00339
  const std::string full_name = text_at(input, "patient/name");
  if (full_name.empty()) throw Refusal("patient/name", "missing");
  Json name = Json::object();
  name["use"] = "official";
  name["text"] = fitted(full_name, 250);
  add_name_parts(input, "patient", name);
  out["name"] = Json::array({name});
  for (const Json& point : array_at(input, "patient/telecom")) {
    Json contact = Json::object();
    contact["system"] = text_at(point, "system");
    contact["value"] = text_at(point, "value");
    out["telecom"].push_back(std::move(contact));
  }
  const std::string gender = text_at(input, "patient/gender");
  if (gender != "male" && gender != "female" && gender != "other" && gender != "unknown") {
    throw Refusal("patient/gender", "must be male, female, other or unknown");
  }
  out["gender"] = gender;
  Json ksa = extension_of("extension-ksa-administrative-gender");
  ksa["valueCodeableConcept"] = nphies_code("ksa-administrative-gender", ksa_gender(gender));
  out["_gender"]["extension"] = Json::array({ksa});
  const std::string birth_date = text_at(input, "patient/birthDate");
  // Rule BV-00848. Dates of one form compare as text.
  if (!is_date(birth_date) || birth_date > riyadh_date(builder.stamp().now)) {
    throw Refusal("patient/birthDate",
                  "must be a date YYYY-MM-DD between 1900-01-01 and today (BV-00848)");
  }
  out["birthDate"] = birth_date;
  out["maritalStatus"] =
      hl7_code("v3-MaritalStatus", first_text(text_at(input, "patient/maritalStatus"), "U"));
  builder.add(slot, std::move(out));
  return slot;
}

Slot add_coverage(MessageBuilder& builder, const Json& input, const Slot& patient,
                  const Slot& payer, Json& assumed) {
  std::string holder_url = patient.url;  // without an employer the policy is the patient's own
  const std::string holder_name = text_at(input, "coverage/policyHolder/name");
  const Identifier holder = identifier_at(input, "coverage/policyHolder/identifier");
  if (!holder_name.empty() && !holder.value.empty()) {
    Slot slot = builder.slot("Organization");
    Json out = MessageBuilder::resource("Organization", slot, "policyholder-organization");
    out["identifier"] = Json::array({to_json(holder)});
    out["active"] = true;
    out["name"] = fitted(holder_name, 250);
    builder.add(slot, std::move(out));
    holder_url = slot.url;
  }
  Slot slot = builder.slot("Coverage");
  Json out = MessageBuilder::resource("Coverage", slot, "coverage");
  out["identifier"] = Json::array({to_json(
      {first_text(text_at(input, "coverage/memberSystem"), builder.settings().member_system),
       required_id(input, "coverage/memberId")})});
  out["status"] = "active";
  out["type"] = nphies_code("coverage-type", first_text(text_at(input, "coverage/type"), "EHCPOL"));
  out["policyHolder"] = reference(holder_url);
  const std::string relationship = first_text(text_at(input, "coverage/relationship"), "self");
  if (relationship == "self") out["subscriber"] = reference(patient.url);
  out["beneficiary"] = reference(patient.url);
  out["relationship"] = hl7_code("subscriber-relationship", relationship);
  out["payor"] = Json::array({reference(payer.url)});
  Json plan = Json::object();
  plan["type"] =
      hl7_code("coverage-class", first_text(text_at(input, "coverage/class/type"), "plan"));
  if (!text_at(input, "coverage/class/value").empty()) {
    plan["value"] = required_id(input, "coverage/class/value", 30);
  } else {
    plan["value"] = "unknown";
    Json note = Json::object();
    note["category"] = "coverage-class";
    note["code"] = "unknown";
    assumed.push_back(note);
  }
  plan["name"] = fitted(text_at(input, "coverage/class/name"), 100);
  out["class"] = Json::array({plan});
  out["network"] = fitted(text_at(input, "coverage/network"), 30);
  builder.add(slot, std::move(out));
  return slot;
}

Slot add_facility(MessageBuilder& builder, const Slot& provider) {
  Slot slot = builder.slot("Location");
  const Settings& settings = builder.settings();
  Json out = MessageBuilder::resource("Location", slot, "location");
  out["identifier"] = Json::array(
      {to_json({std::string(kLicence) + "location-license", settings.facility.licence})});
  out["status"] = "active";
  out["name"] = fitted(settings.facility.name, 250);
  out["type"] =
      Json::array({nphies_code("clinic-specialty", settings.clinic_specialty)});  // BV-00898
  out["managingOrganization"] = reference(provider.url);                          // BV-00899
  builder.add(slot, std::move(out));
  return slot;
}

Party payer_of(const Settings& settings, const Json& input) {
  Party out{text_at(input, "coverage/payerLicence"), text_at(input, "coverage/payerName")};
  const Party& own = settings.payer;
  if (!out.licence.empty()) {
    if (out.name.empty()) out.name = out.licence == own.licence ? own.name : out.licence;
    return out;
  }
  if (!out.name.empty()) {
    if (sdk::lower(sdk::trim(out.name)) == sdk::lower(sdk::trim(own.name))) return own;
    throw Refusal("coverage/payerLicence",
                  "missing; the coverage names its payer by name only, and that is not the name of "
                  "the configured payer. Enter the payer's licence in the record system");
  }
  if (settings.payer_is_default) return own;
  throw Refusal("coverage/payerLicence",
                "missing; the coverage names no payer. Enter the payer's licence in the record "
                "system, or set payer.default: true in the configuration");
}

bool names_practitioner(const Json& input) {
  for (const char* part : {"practitioner/licence", "practitioner/name", "practitioner/family"}) {
    if (!text_at(input, part).empty()) return true;
  }
  return !array_at(input, "practitioner/given").empty();
}

Json assumed_of(const Json& input, bool with_practitioner) {
  Json out = Json::array();
  if (text_at(input, "coverage/payerLicence").empty() &&
      text_at(input, "coverage/payerName").empty())
    out.push_back("payer");
  if (!with_practitioner) return out;
  if (!names_practitioner(input)) {
    out.push_back("practitioner");
  } else if (text_at(input, "practitioner/specialty").empty()) {
    out.push_back("practitioner.specialty");
  }
  return out;
}

}  // namespace rabt::nphies
