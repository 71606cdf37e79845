#include "tools/sandbox/nphies_validation.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <set>
#include <utility>

namespace rabt::sandbox::nphies {

namespace {

__extension__ using Wide = __int128;  // products of three scaled numbers do not fit 64 bits

const Json kNull;

constexpr std::size_t kMaxEntries = 400;     // a claim carries about ten; large claims some hundred
constexpr int kMaxDepth = 64;                // FHIR resources nest below twenty levels
constexpr std::size_t kMaxIdentifier = 100;  // BV-00275
constexpr std::size_t kMaxInfoText = 250;    // BV-00316, Latin
constexpr std::size_t kMaxInfoArabic = 125;  // BV-00316, Arabic
constexpr std::int64_t kMaxPollCount = 100;  // DT-01301
constexpr std::int64_t kMaxAttachment = 10 << 20;  // BV-00076, BV-00441

// The messages a provider may send (IG-NPHIES 2.8 chapter 4).
constexpr std::array kEvents{
    Event{"eligibility-request", "eligibility-response", "CoverageEligibilityRequest"},
    Event{"priorauth-request", "priorauth-response", "Claim"},
    Event{"claim-request", "claim-response", "Claim"},
    Event{"status-check", "status-response", "Task"},
    Event{"cancel-request", "cancel-response", "Task"},
    Event{"poll-request", "poll-response", "Task"},
    Event{"communication", "acknowledgement", "Communication"},
    Event{"payment-notice", "acknowledgement", "PaymentNotice"},
};

// Known to the code system, but only a payer or NPHIES sends them.
constexpr std::array<std::string_view, 14> kNotFromProviders{
    "eligibility-response",   "priorauth-response",    "claim-response",
    "batch-response",         "status-response",       "cancel-response",
    "poll-response",          "communication-request", "payment-reconciliation",
    "advanced-authorization", "prescriber-response",   "referral-response",
    "error-notice",           "acknowledgement"};

bool is_guid(const std::string& value) {
  if (value.size() != 36) return false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      return false;
    }
  }
  return true;
}

bool all_digits(std::string_view value) {
  return !value.empty() &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "2026-03-10T09:00:00(.123)(Z|+03:00)": BV-00811 wants the seconds, FHIR wants the zone.
bool has_seconds(const std::string& value) {
  if (value.size() < 20) return false;
  static constexpr std::string_view kShape = "0000-00-00T00:00:00";
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = value[i] >= '0' && value[i] <= '9';
    if (kShape[i] == '0' ? !digit : value[i] != kShape[i]) return false;
  }
  const char next = value[19];
  return next == 'Z' || next == '+' || next == '-' || next == '.';
}

std::size_t count_characters(const std::string& utf8, bool& arabic) {
  std::size_t count = 0;
  arabic = false;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if ((byte & 0xC0U) != 0x80U) ++count;
    // U+0600..U+06FF and U+0750..U+077F: lead bytes D8..DB and DD.
    if ((byte >= 0xD8 && byte <= 0xDB) || byte == 0xDD) arabic = true;
  }
  return count;
}

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

std::string at(const std::string& path, std::string_view name) {
  return path + "." + std::string(name);
}
std::string at(const std::string& path, std::string_view name, std::size_t index) {
  return path + "." + std::string(name) + "[" + std::to_string(index) + "]";
}
std::string entry_path(std::size_t index) {
  return "Bundle.entry[" + std::to_string(index) + "].resource";
}

std::size_t size_of(const Json& array) {
  return array.is_array() ? array.size() : 0;
}

struct Vital {
  std::string_view category;
  std::string_view required;  // rule when it is missing
  std::string_view unit_rule;
  std::string_view unit;
  std::string_view presence;   // neither a value nor an absence reason
  std::string_view exclusive;  // both
  std::string_view reason_rule;
  std::string_view reason_system;  // below the NPHIES code systems
};
constexpr std::array<Vital, 8> kVitals{{
    {"vital-sign-systolic", "BV-00773", "BV-00415", "mm[Hg]", "BV-00813", "P-Claim-SI-2",
     "BV-00821", "blood-pressure-absence-reason"},
    {"vital-sign-diastolic", "BV-00772", "BV-00416", "mm[Hg]", "BV-00814", "P-Claim-SI-3",
     "BV-00822", "blood-pressure-absence-reason"},
    {"vital-sign-height", "BV-00776", "BV-00417", "cm", "BV-00815", "P-Claim-SI-4", "BV-00823",
     "height-absence-reason"},
    {"vital-sign-weight", "BV-00778", "BV-00414", "kg", "BV-00812", "P-Claim-SI-1", "BV-00820",
     "weight-absence-reason"},
    {"pulse", "BV-00774", "BV-00487", "/min", "BV-00817", "P-Claim-SI-6", "BV-00825",
     "pulse-absence-reason"},
    // nphies-fs 1.0.0 spells the system "tempurature"; both spellings are accepted below.
    {"temperature", "BV-00775", "BV-00486", "Cel", "BV-00816", "P-Claim-SI-5", "BV-00824",
     "temperature-absence-reason"},
    {"oxygen-saturation", "BV-00780", "BV-00488", "%", "BV-00818", "P-Claim-SI-7", "BV-00826",
     "oxygen-saturation-absence-reason"},
    {"respiratory-rate", "BV-00777", "BV-00489", "/min", "BV-00819", "P-Claim-SI-8", "BV-00827",
     "respiratory-rate-absence-reason"},
}};

struct RequiredText {
  std::string_view category;
  std::string_view required;
  std::string_view text_rule;
};
constexpr std::array<RequiredText, 4> kRequiredTexts{{
    {"treatment-plan", "BV-00803", "BV-00782"},
    {"patient-history", "BV-00804", "BV-00783"},
    {"physical-examination", "BV-00805", "BV-00784"},
    {"history-of-present-illness", "BV-00806", "BV-00785"},
}};

// Rule ids for references that do not resolve, by type and element; RE-00174 for the rest.
const std::map<std::string, std::string, std::less<>>& reference_rules() {
  static const std::map<std::string, std::string, std::less<>> rules{
      {"Claim.careTeam.provider", "RE-00002"},
      {"Claim.facility", "RE-00005"},
      {"Claim.insurance.coverage", "RE-00007"},
      {"Claim.insurer", "RE-00008"},
      {"Claim.patient", "RE-00015"},
      {"Claim.payee.party", "RE-00016"},
      {"Claim.provider", "RE-00020"},
      {"Claim.extension.valueReference", "RE-00189"},
      {"Communication.recipient", "RE-00041"},
      {"Communication.sender", "RE-00042"},
      {"Communication.subject", "RE-00043"},
      {"Coverage.beneficiary", "RE-00055"},
      {"Coverage.payor", "RE-00057"},
      {"Coverage.policyHolder", "RE-00058"},
      {"Coverage.subscriber", "RE-00059"},
      {"CoverageEligibilityRequest.facility", "RE-00061"},
      {"CoverageEligibilityRequest.insurance.coverage", "RE-00062"},
      {"CoverageEligibilityRequest.insurer", "RE-00063"},
      {"CoverageEligibilityRequest.patient", "RE-00068"},
      {"CoverageEligibilityRequest.provider", "RE-00069"},
      {"Encounter.serviceProvider", "RE-00088"},
      {"Encounter.subject", "RE-00089"},
      {"PaymentNotice.payee", "RE-00111"},
      {"PaymentNotice.provider", "RE-00113"},
      {"Task.owner", "RE-00139"},
      {"Task.requester", "RE-00143"},
  };
  return rules;
}

// A table of rules: each of the guide is a few lines.
class Checker final {
 public:
  Checker(const Message& message, const Rules& rules) : message_(message), rules_(rules) {}

  std::vector<Finding> run() {
    check_bundle();
    check_header();
    check_contents();
    const auto type = message_.event().focal_type;
    if (type == "CoverageEligibilityRequest") {
      check_eligibility();
    } else if (type == "Claim") {
      check_claim();
    } else if (type == "Task") {
      check_task();
    } else if (type == "Communication") {
      check_communication();
    } else if (type == "PaymentNotice") {
      check_payment_notice();
    }
    return std::move(findings_);
  }

 private:
  void add(std::string_view code, std::string_view display, std::string path) {
    if (findings_.size() >= kMaxFindings) return;
    findings_.push_back({std::string(code), std::string(display), std::move(path)});
  }

  // A required element; true when it is there.
  bool need(const Json& owner, std::string_view name, std::string_view rule,
            const std::string& path) {
    if (!member(owner, name).is_null()) return true;
    const auto type = text(owner, "resourceType");
    add(rule,
        (type.empty() ? std::string(name) : type + " " + std::string(name)) + " is not provided",
        at(path, name));
    return false;
  }

  bool is_organization(const Json& reference, std::size_t from, const Party& licence) {
    const auto inline_identifier = party_of(member(reference, "identifier"));
    if (!inline_identifier.value.empty()) return inline_identifier == licence;
    return has_identifier(message_.target(reference, from), licence);
  }

  static bool has_identifier(const Json& resource, const Party& wanted) {
    const auto& list = member(resource, "identifier");
    for (std::size_t i = 0; i < size_of(list); ++i) {
      if (party_of(element(list, i)) == wanted) return true;
    }
    return false;
  }

  void check_bundle() {
    const auto& bundle = message_.bundle();
    if (text(bundle, "type") != "message")
      add("BV-00130", "Bundle.type is not message", "Bundle.type");
    if (!is_guid(message_.bundle_id())) {
      add("BV-00341", "Bundle ID is not a valid GUID in lower case", "Bundle.id");
    }
    if (!has_seconds(text(bundle, "timestamp"))) {
      add("IC-00010", "Bundle timestamp with seconds and time zone is not provided",
          "Bundle.timestamp");
    }
    if (size_of(member(member(bundle, "meta"), "profile")) == 0) {
      add("IC-00009", "Bundle meta profile is not provided", "Bundle.meta.profile");
    }
    std::set<std::string> urls;
    for (std::size_t i = 0; i < message_.size(); ++i) {
      const auto url = message_.full_url(i);
      const auto path = "Bundle.entry[" + std::to_string(i) + "].fullUrl";
      if (url.find("://") == std::string::npos && !url.starts_with("urn:")) {
        add("IC-01435", "Bundle entry needs an absolute fullUrl", path);
      } else if (!urls.insert(url).second) {
        add("FR-00007", "FullUrl must be unique in a bundle", path);
      }
      if (text(message_.resource(i), "resourceType").empty()) {
        add("RE-00180", "Bundle entry resource is not a valid FHIR resource", entry_path(i));
      } else if (size_of(member(member(message_.resource(i), "meta"), "profile")) == 0) {
        add("RE-00170", "Resource does not name an NPHIES profile",
            entry_path(i) + ".meta.profile");
      }
    }
  }

  void check_header() {
    const auto& header = message_.header();
    const auto path = entry_path(0);
    const auto sender = message_.sender();
    const auto receiver = message_.receiver();
    const auto event = message_.event().request;
    if (!is_guid(message_.header_id())) {
      add("BV-00168", "MessageHeader ID is not a valid GUID in lower case", at(path, "id"));
    }
    if (!member(header, "response").is_null()) {
      add("BV-00248", "MessageHeader response must not exist in a request message",
          at(path, "response"));
    }
    if (size_of(member(header, "destination")) != 1) {
      add("IC-00375", "MessageHeader needs exactly one destination", at(path, "destination"));
    }
    if (text(element(member(header, "destination"), 0), "endpoint").find("://") ==
        std::string::npos) {
      add("BV-00218", "MessageHeader destination endpoint does not contain a URL",
          path + ".destination[0].endpoint");
    }
    if (text(member(header, "source"), "endpoint").find("://") == std::string::npos) {
      add("BV-00177", "MessageHeader source endpoint does not contain a URL",
          path + ".source.endpoint");
    }
    if (size_of(member(header, "focus")) != 1) {
      add("BV-00221", "MessageHeader focus must reference the one main resource",
          at(path, "focus"));
    }
    if (!rules_.licence.empty() && sender.value != rules_.licence) {
      add("GE-00020", "The sender's credentials does not match the message sender",
          path + ".sender.identifier");
    }
    if (sender.system != kProviderLicence) {
      add("BV-00176", "The message sender is not a provider licence", path + ".sender.identifier");
    }
    const bool to_nphies = event == "poll-request" || event == "payment-notice";
    const bool addressed_to_nphies = receiver == Party{std::string(kNphiesLicence), "NPHIES"};
    if (to_nphies && !addressed_to_nphies) {
      add("BV-00456", "Message receiver must be NPHIES for a poll request or a payment notice",
          path + ".destination[0].receiver");
    }
    if (!to_nphies && receiver.system != kPayerLicence) {
      add("BV-00169", "The message receiver is not a payer licence",
          path + ".destination[0].receiver");
    }
    check_licence(sender, "GE-00031", "GE-00033", path + ".sender.identifier");
    if (!addressed_to_nphies) {
      check_licence(receiver, "GE-00032", "GE-00034", path + ".destination[0].receiver.identifier");
    }
  }

  void check_licence(const Party& party, std::string_view provider_rule,
                     std::string_view insurer_rule, const std::string& path) {
    for (std::size_t i = 1; i < message_.size(); ++i) {
      if (text(message_.resource(i), "resourceType") != "Organization") continue;
      if (has_identifier(message_.resource(i), party)) return;
    }
    if (party.system == kProviderLicence) {
      add(provider_rule,
          "The provider licence of the MessageHeader is not that of the provider Organization",
          path);
    } else if (party.system == kPayerLicence) {
      add(insurer_rule,
          "The insurer licence of the MessageHeader is not that of the insurer Organization", path);
    }
  }

  // Rules that hold for the resources wherever they occur.
  void check_contents() {
    for (std::size_t i = 0; i < message_.size(); ++i) {
      const auto& resource = message_.resource(i);
      const auto type = text(resource, "resourceType");
      walk(resource, i, type, entry_path(i), 0);
      if (type == "Patient") check_patient(resource, entry_path(i));
      if (type == "Coverage") check_coverage(resource, entry_path(i));
      if (type == "Organization") {
        need(resource, "identifier", "IC-00231", entry_path(i));
        if (member(resource, "active") != Json(true)) {
          add("IC-00229", "Organization active is not provided", at(entry_path(i), "active"));
        }
      }
    }
  }

  // References, empty elements and money, at any depth. `element_name` is the path without indexes.
  void walk(const Json& value, std::size_t entry, const std::string& element_name,
            const std::string& path, int depth) {
    if (depth > kMaxDepth) {
      add("GE-00035", "Element is nested too deeply", path);
      return;
    }
    if (value.is_null() || ((value.is_object() || value.is_array()) && value.empty()) ||
        (value.is_string() && value.get_ref<const std::string&>().empty())) {
      add("FR-00006", "Elements must have a value or children", path);
      return;
    }
    if (value.is_array()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        // null entries of a primitive array belong to the extensions of its siblings.
        if (value[i].is_null()) continue;
        walk(value[i], entry, element_name, path + "[" + std::to_string(i) + "]", depth + 1);
      }
      return;
    }
    if (!value.is_object()) return;
    if (member(value, "currency").is_string() && member(value, "value").is_number()) {
      const auto amount = fixed(member(value, "value"), 2);
      if (!amount) {
        add("IB-00349", "Amount exceeds the permissible value", at(path, "value"));
      } else if (!amount->exact) {
        add("GE-00028", "Currency values must be rounded to two digits after the decimal point",
            at(path, "value"));
      }
    }
    const auto& reference = member(value, "reference");
    if (reference.is_string() && depth > 0) check_reference(value, entry, element_name, path);
    for (const auto& [key, child] : value.items()) {
      if (depth == 0 && (key == "contained" || key == "resourceType")) continue;
      walk(child, entry, element_name + "." + key, at(path, key), depth + 1);
    }
  }

  void check_reference(const Json& value, std::size_t entry, const std::string& element_name,
                       const std::string& path) {
    if (message_.resolve(value, entry)) return;
    const auto literal = text(value, "reference");
    if (literal.starts_with('#')) {
      const auto& contained = member(message_.resource(entry), "contained");
      for (std::size_t i = 0; i < size_of(contained); ++i) {
        if (text(element(contained, i), "id") == literal.substr(1)) return;
      }
    }
    const auto rule = reference_rules().find(element_name);
    add(rule == reference_rules().end() ? "RE-00174" : rule->second,
        element_name + " does not refer to a resource of this bundle", path);
  }

  // reference -> a resource of this type; reports a wrong type, leaves the unresolved to
  // check_reference.
  const Json& expect(const Json& owner, std::string_view name, std::string_view type,
                     std::size_t from, const std::string& path) {
    const auto& resource = message_.target(member(owner, name), from);
    if (!resource.is_null() && text(resource, "resourceType") != type) {
      add("RE-00176", std::string(name) + " does not refer to a " + std::string(type),
          at(path, name));
    }
    return resource;
  }

  void check_patient(const Json& patient, const std::string& path) {
    need(patient, "name", "IC-00247", path);
    if (need(patient, "gender", "IC-00238", path)) {
      if (code_of(
              member(extension(member(patient, "_gender"), "extension-ksa-administrative-gender"),
                     "valueCodeableConcept"))
              .empty()) {
        add("IC-00240", "Patient gender has no ksa-administrative-gender extension",
            at(path, "_gender"));
      }
    }
    if (extension(patient, "extension-occupation").is_null()) {
      add("IC-01561", "Patient occupation is not provided", at(path, "extension"));
    }
    need(patient, "maritalStatus", "IC-01565", path);
    if (member(patient, "active") != Json(true)) {
      add("BV-00339", "Patient active must be true", at(path, "active"));
    }
    if (need(patient, "birthDate", "IC-00236", path)) {
      const auto birth = text(patient, "birthDate");
      if (birth < "1900-01-01" || !not_after(birth, rules_.now_ms)) {
        add("BV-00848", "Patient birth date must not be in the future or before 1900-01-01",
            at(path, "birthDate"));
      }
    }
    if (!need(patient, "identifier", "IC-00242", path)) return;
    const auto& list = member(patient, "identifier");
    for (std::size_t i = 0; i < size_of(list); ++i) {
      const auto& identifier = element(list, i);
      const auto value = text(identifier, "value");
      const auto kind = code_of(member(identifier, "type"));
      const auto where = at(path, "identifier", i);
      const bool ten = value.size() == 10 && all_digits(value);
      if (kind == "NI" && !(ten && value[0] == '1')) {
        add("BV-00797", "National ID must have 10 digits and start with 1", at(where, "value"));
      }
      if (kind == "PRC" && !(ten && value[0] == '2')) {
        add("BV-00798", "Iqama must have 10 digits and start with 2", at(where, "value"));
      }
      if (text(identifier, "system").ends_with("/identifier/passportnumber") &&
          extension(identifier, "extension-identifier-country").is_null()) {
        add("BV-00481", "The passport's issuing country is not provided", at(where, "extension"));
      }
      if (value.size() > kMaxIdentifier) {
        add("BV-00275", "Identifier value is longer than 100 characters", at(where, "value"));
      }
    }
  }

  void check_coverage(const Json& coverage, const std::string& path) {
    if (member(coverage, "identifier").is_null()) {
      add("BV-00150", "Coverage identifier is not provided", at(path, "identifier"));
    }
    if (text(coverage, "status") != "active") {
      add("BV-00340", "Coverage status must be active", at(path, "status"));
    }
    need(coverage, "type", "IC-00143", path);
    need(coverage, "policyHolder", "IC-01564", path);
    need(coverage, "beneficiary", "IC-00131", path);
    need(coverage, "relationship", "IC-00141", path);
    need(coverage, "payor", "IC-00140", path);
    if (!need(coverage, "class", "IC-01571", path)) return;
    int plans = 0;
    const auto& classes = member(coverage, "class");
    for (std::size_t i = 0; i < size_of(classes); ++i) {
      if (code_of(member(element(classes, i), "type")) == "plan") ++plans;
    }
    if (plans > 1)
      add("BV-00729", "Only one class of type plan may be provided", at(path, "class"));
  }

  // BV-00351, BV-00541 and their like: the element names the sender of the message.
  void check_is_sender(std::string_view name, std::string_view rule) {
    const auto index = message_.focal_index();
    if (is_organization(member(message_.focal(), name), index, message_.sender())) return;
    add(rule, std::string(name) + " does not refer to the sender of the message",
        at(entry_path(index), name));
  }

  void check_identifier(std::string_view rule) {
    const auto path = entry_path(message_.focal_index());
    if (!need(message_.focal(), "identifier", rule, path)) return;
    const auto identifier = message_.focal_identifier();
    if (identifier.system.empty() || identifier.value.empty()) {
      add(rule, "identifier needs a system and a value", path + ".identifier[0]");
    } else if (identifier.value.size() > kMaxIdentifier) {
      add("BV-00275", "Identifier value is longer than 100 characters",
          path + ".identifier[0].value");
    }
  }

  void check_eligibility() {
    const auto index = message_.focal_index();
    const auto path = entry_path(index);
    const auto& request = message_.focal();
    check_identifier("IC-00146");
    if (text(request, "status") != "active") {
      add("BV-00538", "CoverageEligibilityRequest status must be active", at(path, "status"));
    }
    need(request, "priority", "IC-00152", path);
    need(request, "patient", "IC-00151", path);
    need(request, "created", "IC-00144", path);
    need(request, "insurer", "IC-00148", path);
    if (need(request, "provider", "IC-00153", path)) check_is_sender("provider", "BV-00541");
    bool discovery = false;
    std::set<std::string> seen;
    const auto& purposes = member(request, "purpose");
    if (size_of(purposes) == 0) add("IC-00154", "purpose is not provided", at(path, "purpose"));
    for (std::size_t i = 0; i < size_of(purposes); ++i) {
      const auto purpose = purposes[i].is_string() ? purposes[i].get<std::string>() : std::string();
      discovery = discovery || purpose == "discovery";
      if (!is_one_of(purpose, {"benefits", "validation", "discovery"})) {
        add("IC-00154", "purpose must be benefits, validation or discovery",
            at(path, "purpose", i));
      } else if (!seen.insert(purpose).second) {
        add("ksa-purpose-unique-code", "purpose must not repeat a code", at(path, "purpose", i));
      }
    }
    const bool date = !member(request, "servicedDate").is_null();
    const bool period = !member(request, "servicedPeriod").is_null();
    if (date == period) {
      add("BV-00437", "Either servicedDate or servicedPeriod must be provided",
          at(path, "serviced"));
    }
    if (!discovery && member(element(member(request, "insurance"), 0), "coverage").is_null()) {
      add("RE-00179", "Coverage is required unless the purpose is discovery",
          at(path, "insurance"));
    }
    expect(request, "patient", "Patient", index, path);
    expect(request, "provider", "Organization", index, path);
    expect(request, "insurer", "Organization", index, path);
  }

  void check_claim() {
    const auto index = message_.focal_index();
    const auto path = entry_path(index);
    const auto& claim = message_.focal();
    const auto use = text(claim, "use");
    const auto type = code_of(member(claim, "type"));
    const bool professional = type == "professional";

    check_identifier("IC-00025");
    if (text(claim, "status") != "active")
      add("BV-00330", "Claim status must be active", at(path, "status"));
    if (use != (message_.event().request == "claim-request" ? "claim" : "preauthorization")) {
      add("BV-00165", "Claim use does not match the MessageHeader event coding", at(path, "use"));
    }
    need(claim, "type", "IC-00063", path);
    need(claim, "created", "IC-00018", path);
    need(claim, "insurer", "IC-00030", path);
    if (need(claim, "priority", "IC-00053", path) &&
        !is_one_of(code_of(member(claim, "priority")), {"stat", "normal", "deferred"})) {
      add("IB-00038", "Claim priority is not one of stat, normal, deferred", at(path, "priority"));
    }
    const auto sub_type = code_of(member(claim, "subType"));
    if (sub_type.empty()) {
      add("IC-01566", "Claim subType is not provided", at(path, "subType"));
    } else if (professional && !is_one_of(sub_type, {"op", "emr"})) {
      add("P-Claim-1", "subType of a professional claim must be op or emr", at(path, "subType"));
    }
    if (need(claim, "patient", "IC-00050", path)) expect(claim, "patient", "Patient", index, path);
    if (need(claim, "provider", "IC-00056", path)) {
      expect(claim, "provider", "Organization", index, path);
      check_is_sender("provider", "BV-00351");
    }
    expect(claim, "insurer", "Organization", index, path);
    check_payee(claim, path);
    check_links(claim, path);
    check_care_team(claim, index, path, type);
    check_diagnoses(claim, path);
    check_insurance(claim, index, path);
    if (professional) check_supporting_info(claim, path);
    const auto& encounter = check_encounter(claim, index, path, type, use);
    check_items(claim, encounter, path, use);
  }

  void check_payee(const Json& claim, const std::string& path) {
    const auto& payee = member(claim, "payee");
    if (!need(claim, "payee", "IC-00051", path)) return;
    const auto kind = code_of(member(payee, "type"));
    const bool party = !member(payee, "party").is_null();
    if (!is_one_of(kind, {"provider", "other"})) {
      add("BV-00492", "Claim payee type must be provider or other", path + ".payee.type");
    }
    if (kind == "other" && !party)
      add("BV-00056", "Claim payee party is not provided", path + ".payee.party");
    if (kind != "other" && party) {
      add("BV-00494", "Claim payee party must not be provided unless the type is other",
          path + ".payee.party");
    }
  }

  // Extensions that tie the claim to eligibility, authorization and accounting.
  void check_links(const Json& claim, const std::string& path) {
    const auto where = at(path, "extension");
    const auto has = [&](std::string_view name) { return !extension(claim, name).is_null(); };
    if (member(extension(claim, "extension-encounter"), "valueReference").is_null()) {
      add("IC-01329", "Claim extension encounter is not provided", where);
    }
    if (text(member(extension(claim, "extension-episode"), "valueIdentifier"), "value").empty()) {
      add("IC-01453", "The episode number is not provided", where);
    }
    const bool checked = has("extension-eligibility-response");
    const bool offline = has("extension-eligibility-offline-reference");
    if (checked == offline) {
      add("BV-00379",
          "Either the eligibility response or the offline eligibility reference must be provided",
          where);
    }
    if (offline && !has("extension-eligibility-offline-date")) {
      add("BV-00349", "The offline eligibility date is required with the offline reference", where);
    }
    const auto accounting = text(extension(claim, "extension-accountingPeriod"), "valueDate");
    if (has("extension-accountingPeriod") &&
        (accounting.size() != 10 || !accounting.ends_with("-01"))) {
      add("BV-01010", "The accounting period must be the first day of a month", where);
    }
    // Two spellings are in use: profiles v5.2 and nphies-fs 1.0.0.
    const bool authorized =
        has("extension-priorauth-response") || has("extension-priorauthresponse");
    const bool authorized_offline = has("extension-authorization-offline-date");
    bool reference = false;
    const auto& list = member(claim, "insurance");
    for (std::size_t i = 0; i < size_of(list); ++i) {
      const auto& insurance = element(list, i);
      if (member(insurance, "focal") == Json(true) && size_of(member(insurance, "preAuthRef")) > 0)
        reference = true;
    }
    if (reference && !authorized && !authorized_offline) {
      add("BV-00462",
          "preAuthRef needs the authorization response or the offline authorization date",
          at(path, "insurance"));
    }
    if (authorized && !reference) {
      add("BV-00449", "preAuthRef is required with the authorization response",
          at(path, "insurance"));
    }
    if (authorized_offline && !reference) {
      add("BV-00420", "preAuthRef is required with the offline authorization date",
          at(path, "insurance"));
    }
  }

  void check_care_team(const Json& claim, std::size_t index, const std::string& path,
                       const std::string& type) {
    const auto& team = member(claim, "careTeam");
    if (size_of(team) == 0 && type != "pharmacy") {
      add("IC-00014", "Claim careTeam is not provided", at(path, "careTeam"));
    }
    for (std::size_t i = 0; i < size_of(team); ++i) {
      const auto& one = element(team, i);
      const auto where = at(path, "careTeam", i);
      need(one, "sequence", "IC-00017", where);
      need(one, "role", "IC-00016", where);
      need(one, "qualification", "IC-01427", where);
      if (!need(one, "provider", "IC-00015", where)) continue;
      const auto& resource = message_.target(member(one, "provider"), index);
      if (!resource.is_null() &&
          !is_one_of(text(resource, "resourceType"), {"Practitioner", "PractitionerRole"})) {
        add("RE-00176", "careTeam provider does not refer to a Practitioner",
            at(where, "provider"));
      }
    }
  }

  void check_diagnoses(const Json& claim, const std::string& path) {
    const auto& list = member(claim, "diagnosis");
    if (size_of(list) == 0) {
      add("IC-00019", "Claim diagnosis is not provided", at(path, "diagnosis"));
      return;
    }
    int principal = 0;
    std::set<std::string> sequences;
    std::set<std::string> codes;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto& one = element(list, i);
      const auto where = at(path, "diagnosis", i);
      if (need(one, "sequence", "IC-00022", where) &&
          !sequences.insert(member(one, "sequence").dump()).second) {
        add("BV-00454", "Diagnosis sequence must be unique", at(where, "sequence"));
      }
      if (need(one, "diagnosisCodeableConcept", "IC-01320", where) &&
          !codes.insert(member(one, "diagnosisCodeableConcept").dump()).second) {
        add("BV-00057", "The same diagnosis is given twice", where);
      }
      const auto& types = member(one, "type");
      if (size_of(types) == 0) add("IC-00023", "Diagnosis type is not provided", at(where, "type"));
      for (std::size_t j = 0; j < size_of(types); ++j) {
        if (code_of(element(types, j)) == "principal") ++principal;
      }
    }
    if (principal != 1) {
      add("BV-00054", "One and only one principal diagnosis is required", at(path, "diagnosis"));
    }
  }

  void check_insurance(const Json& claim, std::size_t index, const std::string& path) {
    const auto& list = member(claim, "insurance");
    if (size_of(list) == 0) {
      add("IC-00026", "Claim insurance is not provided", at(path, "insurance"));
      return;
    }
    int focal = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      const auto where = at(path, "insurance", i);
      need(element(list, i), "sequence", "IC-00029", where);
      need(element(list, i), "focal", "IC-00028", where);
      if (need(element(list, i), "coverage", "IC-00027", where)) {
        expect(element(list, i), "coverage", "Coverage", index, where);
      }
      if (member(element(list, i), "focal") == Json(true)) ++focal;
    }
    if (focal != 1) add("BV-00400", "Exactly one insurance must be focal", at(path, "insurance"));
  }

  void check_supporting_info(const Json& claim, const std::string& path) {
    const auto& list = member(claim, "supportingInfo");
    std::set<std::string> categories;
    std::set<std::string> sequences;
    for (std::size_t i = 0; i < size_of(list); ++i) {
      const auto& info = element(list, i);
      const auto where = at(path, "supportingInfo", i);
      const auto category = code_of(member(info, "category"));
      if (category.empty())
        add("IC-00060", "supportingInfo category is not provided", at(where, "category"));
      categories.insert(category);
      if (need(info, "sequence", "IC-00061", where) &&
          !sequences.insert(member(info, "sequence").dump()).second) {
        add("BV-00453", "supportingInfo sequence must be unique", at(where, "sequence"));
      }
      check_info(info, category, where);
    }
    const auto missing = [&](std::string_view category, std::string_view rule) {
      if (!categories.contains(std::string(category))) {
        add(rule, std::string(category) + " SHALL be provided in the supporting information",
            at(path, "supportingInfo"));
      }
    };
    for (const auto& vital : kVitals) missing(vital.category, vital.required);
    for (const auto& text : kRequiredTexts) missing(text.category, text.required);
    missing("chief-complaint", "BV-00779");
    missing("investigation-result", "BV-00752");
  }

  void check_info(const Json& info, const std::string& category, const std::string& where) {
    const auto& quantity = member(info, "valueQuantity");
    const auto& reason = member(info, "reason");
    const auto unit = [&](std::string_view rule, std::string_view code) {
      if (quantity.is_null()) return;
      if (text(quantity, "code") != code ||
          text(quantity, "system") != "http://unitsofmeasure.org") {
        add(rule, category + " must use the UCUM unit " + std::string(code),
            at(where, "valueQuantity"));
      }
    };
    for (const auto& vital : kVitals) {
      if (vital.category != category) continue;
      unit(vital.unit_rule, vital.unit);
      if (!quantity.is_null() && !member(quantity, "value").is_number()) {
        add("IC-01342", category + " has no numeric value", at(where, "valueQuantity"));
      }
      if (quantity.is_null() && reason.is_null()) {
        add(vital.presence, category + " needs a value or an absence reason", where);
      }
      if (!quantity.is_null() && !reason.is_null()) {
        add(vital.exclusive, category + " must not have both a value and an absence reason", where);
      }
      const auto system = std::string(kCodes) + std::string(vital.reason_system);
      const bool other_spelling =
          category == "temperature" &&
          system_of(reason) == std::string(kCodes) + "tempurature-absence-reason";
      if (!reason.is_null() && system_of(reason) != system && !other_spelling) {
        add(vital.reason_rule, "The absence reason of " + category + " must come from " + system,
            at(where, "reason"));
      }
      if (member(info, "timingPeriod").is_null()) {
        add("IC-01339", category + " needs a timingPeriod", at(where, "timingPeriod"));
      }
    }
    const auto& value_string = member(info, "valueString");
    for (const auto& required_text : kRequiredTexts) {
      if (required_text.category == category && !value_string.is_string()) {
        add(required_text.text_rule, category + " needs a valueString", at(where, "valueString"));
      }
    }
    if (value_string.is_string()) {
      bool arabic = false;
      const auto length = count_characters(value_string.get<std::string>(), arabic);
      if (length > (arabic ? kMaxInfoArabic : kMaxInfoText)) {
        add("BV-00316", "valueString is longer than 250 Latin or 125 Arabic characters",
            at(where, "valueString"));
      }
    }
    const auto& code = member(info, "code");
    if (category == "chief-complaint" && code.is_null()) {
      add("BV-00531", "chief-complaint needs a code", at(where, "code"));
    }
    if (category != "chief-complaint" && !code.is_null() && code_of(code).empty()) {
      add("BV-00530", "supportingInfo code needs a coding", at(where, "code"));
    }
    if (category == "investigation-result" && code_of(code) == "IRA" &&
        member(info, "valueAttachment").is_null()) {
      add("BV-00846", "An attached investigation result needs a valueAttachment", where);
    }
    if (category == "investigation-result" && code_of(code) == "other" &&
        text(code, "text").empty()) {
      add("BV-00753", "An investigation result of code other needs a text", at(where, "code"));
    }
    if (category == "attachment" && member(info, "valueAttachment").is_null()) {
      add("BV-00404", "attachment needs a valueAttachment", where);
    }
    if (category == "info" && !value_string.is_string())
      add("BV-00402", "info needs a valueString", where);
    if (category == "reason-for-visit" && code.is_null()) {
      add("BV-00412", "reason-for-visit needs a code", at(where, "code"));
    }
    if (category == "days-supply") unit("BV-00413", "d");
    if (category == "birth-weight") unit("BV-00509", "kg");
  }

  // The encounter of the claim; null when it is missing.
  const Json& check_encounter(const Json& claim, std::size_t index, const std::string& path,
                              const std::string& type, const std::string& use) {
    const auto& reference = member(extension(claim, "extension-encounter"), "valueReference");
    const auto position = message_.resolve(reference, index);
    if (!position) return kNull;
    const auto& encounter = message_.resource(*position);
    const auto where = entry_path(*position);
    if (text(encounter, "resourceType") != "Encounter") {
      add("RE-00176", "extension-encounter does not refer to an Encounter", at(path, "extension"));
      return kNull;
    }
    need(encounter, "status", "IC-00189", where);
    if (need(encounter, "identifier", "IC-00183", where) &&
        party_of(member(encounter, "identifier")).value.empty()) {
      add("BV-00154", "The Encounter identifier must not be empty", at(where, "identifier"));
    }
    const auto kind = text(member(encounter, "class"), "code");
    const bool virtual_or_ambulatory = kind == "VR" || kind == "AMB";
    if (kind.empty()) add("IC-00178", "Encounter class is not provided", at(where, "class"));
    if (type == "institutional" && !is_one_of(kind, {"IMP", "SS"})) {
      add("BV-00741", "The encounter of an institutional claim must be IMP or SS",
          at(where, "class"));
    }
    if (type == "professional" && !is_one_of(kind, {"EMER", "AMB", "HH", "VR"})) {
      add("BV-00742", "The encounter of a professional claim must be EMER, AMB, HH or VR",
          at(where, "class"));
    }
    if (type == "oral" && kind != "AMB") {
      add("BV-00743", "The encounter of an oral claim must be AMB", at(where, "class"));
    }
    if (type != "professional" && is_one_of(kind, {"EMER", "HH", "VR"})) {
      add("BV-00808",
          "EMER, HH and VR (telemedicine) encounters belong to professional claims and "
          "authorizations",
          at(where, "class"));
    }
    if (type != "institutional" && is_one_of(kind, {"IMP", "SS"})) {
      add("BV-00807", "IMP and SS encounters belong to institutional claims", at(where, "class"));
    }
    if (code_of(member(claim, "subType")) == "emr" && kind != "EMER") {
      add("BV-00755", "An emergency claim needs an EMER encounter", at(where, "class"));
    }
    if (is_one_of(type, {"professional", "oral"}) &&
        code_of(member(extension(encounter, "extension-serviceEventType"), "valueCodeableConcept"))
            .empty()) {
      add("BV-00736", "Encounter service event type SHALL be provided", at(where, "extension"));
    }
    if (need(encounter, "subject", "IC-00192", where) &&
        message_.resolve(member(encounter, "subject"), *position) !=
            message_.resolve(member(claim, "patient"), index)) {
      add("BV-00761", "Encounter subject SHALL be the claim patient", at(where, "subject"));
    }
    if (need(encounter, "serviceProvider", "IC-00188", where) &&
        message_.resolve(member(encounter, "serviceProvider"), *position) !=
            message_.resolve(member(claim, "provider"), index)) {
      add("BV-00762", "Encounter serviceProvider SHALL be the claim provider",
          at(where, "serviceProvider"));
    }
    if (need(encounter, "period", "IC-00187", where)) {
      const auto start = text(member(encounter, "period"), "start");
      const auto end = text(member(encounter, "period"), "end");
      if (!has_seconds(start) || (!end.empty() && !has_seconds(end))) {
        add("BV-00811", "Encounter period needs date and time up to seconds", at(where, "period"));
      }
      if (use == "claim" && !not_after(start, rules_.now_ms + kClockTolerance)) {
        add("BV-00850", "Encounter start date cannot be in the future in claims",
            where + ".period.start");
      }
    }
    if (virtual_or_ambulatory) check_facility(claim, index, path, type);
    return encounter;
  }

  void check_facility(const Json& claim, std::size_t index, const std::string& path,
                      const std::string& type) {
    const auto& facility = member(claim, "facility");
    if (facility.is_null()) {
      if (type == "professional") {
        add("BV-00905", "Claim.facility SHALL be provided for an ambulatory or virtual encounter",
            at(path, "facility"));
      }
      return;
    }
    const auto position = message_.resolve(facility, index);
    if (!position) return;
    const auto& location = message_.resource(*position);
    const auto where = entry_path(*position);
    bool clinic = false;
    const auto& types = member(location, "type");
    for (std::size_t i = 0; i < size_of(types); ++i) {
      clinic =
          clinic || (system_of(element(types, i)) == std::string(kCodes) + "clinic-specialty" &&
                     !code_of(element(types, i)).empty());
    }
    if (!clinic)
      add("BV-00898", "Location type SHALL be a clinic-specialty code", at(where, "type"));
    if (message_.resolve(member(location, "managingOrganization"), *position) !=
        message_.resolve(member(claim, "provider"), index)) {
      add("BV-00899", "The managing organization of the facility SHALL be the claim provider",
          at(where, "managingOrganization"));
    }
  }

  std::set<std::int64_t> sequences(const Json& list) {
    std::set<std::int64_t> result;
    for (std::size_t i = 0; i < size_of(list); ++i) {
      const auto& number = member(element(list, i), "sequence");
      if (number.is_number_integer()) result.insert(number.get<std::int64_t>());
    }
    return result;
  }

  void check_sequence(const Json& item, std::string_view name, const std::set<std::int64_t>& known,
                      std::string_view rule, const std::string& where) {
    const auto& list = member(item, name);
    for (std::size_t i = 0; i < size_of(list); ++i) {
      const auto& number = element(list, i);
      if (!number.is_number_integer() || !known.contains(number.get<std::int64_t>())) {
        add(rule, std::string(name) + " does not match an entry of this claim", at(where, name, i));
      }
    }
  }

  void check_currency(const Json& money, std::string_view rule, const std::string& path) {
    if (!money.is_null() && text(money, "currency") != "SAR")
      add(rule, "Currency is not SAR", at(path, "currency"));
  }

  void check_items(const Json& claim, const Json& encounter, const std::string& path,
                   const std::string& use) {
    const auto& items = member(claim, "item");
    if (size_of(items) == 0) {
      add("IC-00031", "Claim item is not provided", at(path, "item"));
      return;
    }
    const auto team = sequences(member(claim, "careTeam"));
    const auto infos = sequences(member(claim, "supportingInfo"));
    const auto diagnoses = sequences(member(claim, "diagnosis"));
    Wide sum = 0;
    bool complete = true;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto& item = element(items, i);
      const auto where = at(path, "item", i);
      need(item, "sequence", "IC-00046", where);
      if (need(item, "careTeamSequence", "IC-00032", where)) {
        check_sequence(item, "careTeamSequence", team, "BV-00442", where);
      }
      check_sequence(item, "diagnosisSequence", diagnoses, "BV-00444", where);
      check_sequence(item, "informationSequence", infos, "BV-00443", where);
      const auto& information = member(item, "informationSequence");
      if (!infos.empty() && size_of(information) == 0) {
        add("BV-00501", "The claim item informationSequence is not provided",
            at(where, "informationSequence"));
      }
      std::set<std::string> seen;
      for (std::size_t j = 0; j < size_of(information); ++j) {
        if (seen.insert(information[j].dump()).second) continue;
        add("BV-00502", "informationSequence must be unique within the item",
            at(where, "informationSequence", j));
      }
      if (need(item, "productOrService", "IC-00044", where)) {
        const auto codings = size_of(member(member(item, "productOrService"), "coding"));
        if (codings < 1 || codings > 2) {
          add("IC-01434", "productOrService needs one or two codings",
              at(where, "productOrService"));
        }
      }
      check_serviced(item, encounter, where, use);
      const auto net = check_item_money(item, where, use);
      if (net) {
        sum += *net;
      } else {
        complete = false;
      }
    }
    if (!need(claim, "total", "IC-00062", path)) return;
    check_currency(member(claim, "total"), "BV-00096", at(path, "total"));
    const auto total = halalas(member(claim, "total"));
    if (!total) {
      add("IC-00062", "Claim total has no value", at(path, "total"));
    } else if (complete && Wide{*total} != sum) {
      add("BV-00059", "Claim total is not equal to the sum of Claim item net", at(path, "total"));
    }
  }

  void check_serviced(const Json& item, const Json& encounter, const std::string& where,
                      const std::string& use) {
    const auto date = text(item, "servicedDate");
    const auto& period = member(item, "servicedPeriod");
    if (date.empty() && period.is_null()) {
      add("BV-00066", "Either servicedDate or servicedPeriod must be provided",
          at(where, "serviced"));
      return;
    }
    if (!date.empty() && !period.is_null()) {
      add("BV-00439", "servicedDate must not be used together with servicedPeriod",
          at(where, "serviced"));
    }
    const auto first = text(member(encounter, "period"), "start").substr(0, 10);
    const auto last = text(member(encounter, "period"), "end").substr(0, 10);
    const auto from = (date.empty() ? text(period, "start") : date).substr(0, 10);
    const auto to = (date.empty() ? text(period, "end") : date).substr(0, 10);
    if (first.empty()) return;
    if (from < first || (!last.empty() && !to.empty() && to > last)) {
      add(use == "claim" ? "BV-00041" : "BV-00118",
          "The serviced date is not within the encounter period", at(where, "serviced"));
    }
  }

  // net = quantity x unitPrice x factor + tax, in halalas, half up (BV-00251, GE-00028).
  std::optional<std::int64_t> check_item_money(const Json& item, const std::string& where,
                                               const std::string& use) {
    const auto& price = member(item, "unitPrice");
    const auto& net = member(item, "net");
    const auto& tax = member(extension(item, "extension-tax"), "valueMoney");
    const auto& share = member(extension(item, "extension-patient-share"), "valueMoney");
    const auto& payer = member(extension(item, "extension-payer-share"), "valueMoney");
    check_currency(price, "BV-00092", at(where, "unitPrice"));
    check_currency(net, "BV-00093", at(where, "net"));
    check_currency(share, "BV-00088", at(where, "extension"));
    check_currency(tax, "BV-00086", at(where, "extension"));
    if (share.is_null())
      add("IC-01333", "Claim item patient share is not provided", at(where, "extension"));
    if (!member(extension(item, "extension-maternity"), "valueBoolean").is_boolean()) {
      add("IC-01560", "Claim item maternity is not provided", at(where, "extension"));
    }
    if (use == "claim" &&
        text(member(extension(item, "extension-patientInvoice"), "valueIdentifier"), "value")
            .empty()) {
      add("IC-01454", "Claim item patientInvoice is not provided", at(where, "extension"));
    }
    const bool has_quantity = need(item, "quantity", "IC-00045", where);
    const bool has_price = need(item, "unitPrice", "IC-00047", where);
    const bool has_net = need(item, "net", "IC-00043", where);
    if (!has_quantity || !has_price || !has_net) return std::nullopt;
    const auto quantity = fixed(member(member(item, "quantity"), "value"), 4);
    const auto factor = member(item, "factor").is_null() ? std::optional(Fixed{1'000'000, true})
                                                         : fixed(member(item, "factor"), 6);
    const auto unit_price = halalas(price);
    const auto amount = halalas(net);
    const auto tax_amount = tax.is_null() ? std::optional<std::int64_t>(0) : halalas(tax);
    if (!quantity || !factor || !unit_price || !amount || !tax_amount) {
      add("IB-00349", "quantity, unitPrice, factor, tax and net must be numbers in range", where);
      return std::nullopt;
    }
    if (factor->units < 0) add("BV-00482", "The factor must not be negative", at(where, "factor"));
    // A product of three 64-bit numbers may pass 128 bits; amounts of that size are no claims.
    constexpr std::int64_t kMaxUnits = 1'000'000'000'000;
    if (std::abs(quantity->units) > kMaxUnits || std::abs(factor->units) > kMaxUnits ||
        std::abs(*unit_price) > kMaxUnits) {
      add("IB-00349", "Claim item amounts exceed the permissible value", where);
      return std::nullopt;
    }
    // 10^4 of the quantity times 10^6 of the factor.
    constexpr std::int64_t kScale = 10'000'000'000;
    const Wide product = Wide{quantity->units} * *unit_price * factor->units;
    const Wide rounded = (product >= 0 ? product + kScale / 2 : product - kScale / 2) / kScale;
    if (rounded + *tax_amount != *amount) {
      add("BV-00251", "Claim item net is not equal to ((quantity * unit price) * factor) + tax",
          at(where, "net"));
    }
    const auto share_amount = halalas(share);
    if (share_amount && *share_amount > *amount) {
      add("BV-00474", "The patient share cannot be greater than the item net",
          at(where, "extension"));
    }
    const auto payer_amount = halalas(payer);
    if (share_amount && payer_amount && *share_amount + *payer_amount != *amount) {
      add("BV-00475", "payer share and patient share must add up to the item net",
          at(where, "extension"));
    }
    return amount;
  }

  void check_task() {
    const auto index = message_.focal_index();
    const auto path = entry_path(index);
    const auto& task = message_.focal();
    const auto event = message_.event().request;
    const auto code = code_of(member(task, "code"));
    const bool poll = event == "poll-request";
    const bool cancel = event == "cancel-request";
    check_identifier("IC-00296");
    if (text(task, "status") != "requested") {
      add("BV-00907", "Task status must be requested", at(path, "status"));
    }
    if (text(task, "intent") != "order")
      add("BV-00329", "Task intent must be order", at(path, "intent"));
    if (!is_one_of(text(task, "priority"), {"routine", "stat"})) {
      add(poll ? "IB-00290" : "IC-00306", "Task priority must be routine or stat",
          at(path, "priority"));
    }
    if (poll && code != "poll") add("BV-00910", "Task code must be poll", at(path, "code"));
    if (cancel && !is_one_of(code, {"cancel", "nullify"})) {
      add("BV-00908", "Task code must be cancel or nullify", at(path, "code"));
    }
    if (event == "status-check" && code != "status") {
      add("BV-00909", "Task code must be status", at(path, "code"));
    }
    need(task, "authoredOn", "IC-00294", path);
    if (need(task, "lastModified", "IC-00300", path) &&
        !not_after(text(task, "lastModified"), rules_.now_ms + kClockTolerance)) {
      add("BV-00471", "Task lastModified cannot be in the future", at(path, "lastModified"));
    }
    if (need(task, "requester", "IC-00307", path)) check_is_sender("requester", "BV-00912");
    if (need(task, "owner", "IC-00305", path) &&
        !is_organization(member(task, "owner"), index, message_.receiver())) {
      add("BV-00914", "Task owner does not refer to the receiver of the message",
          at(path, "owner"));
    }
    const auto reason = code_of(member(task, "reasonCode"));
    if (cancel && reason.empty()) {
      add("BV-00071", "Task reason code is not provided in the cancel request",
          at(path, "reasonCode"));
    } else if (cancel && !is_one_of(reason, {"WI", "NP", "TAS"})) {
      add("IB-00309", "Task reason code must be WI, NP or TAS", at(path, "reasonCode"));
    } else if (!cancel && !reason.empty()) {
      add("BV-00467", "The reason code can be used only in a cancellation request",
          at(path, "reasonCode"));
    }
    if (!poll && party_of(member(member(task, "focus"), "identifier")).value.empty()) {
      add(cancel ? "IC-00398" : "IC-00401", "Task focus identifier is not provided",
          at(path, "focus"));
    }
    const auto& inputs = member(task, "input");
    if (!poll && !inputs.is_null()) {
      add("BV-00874", "Task input is used only in a poll request", at(path, "input"));
    } else {
      check_poll_inputs(inputs, path);
    }
  }

  void check_poll_inputs(const Json& inputs, const std::string& path) {
    if (!inputs.is_null() && !inputs.is_array()) {
      add("IC-00297", "Task input must be a list", at(path, "input"));
      return;
    }
    int periods = 0;
    bool include = false;
    bool exclude = false;
    for (std::size_t i = 0; i < size_of(inputs); ++i) {
      const auto& input = element(inputs, i);
      const auto where = at(path, "input", i);
      const auto kind = code_of(member(input, "type"));
      include = include || kind == "include-message-type";
      exclude = exclude || kind == "exclude-message-type";
      if (kind == "period") {
        ++periods;
        if (!member(input, "valuePeriod").is_object()) {
          add("DT-01304", "The poll period needs a valuePeriod", at(where, "value"));
        }
      } else if (kind == "count") {
        const auto& count = member(input, "valuePositiveInt");
        if (!count.is_number_integer() || count.get<std::int64_t>() < 1 ||
            count.get<std::int64_t>() > kMaxPollCount) {
          add("DT-01303", "The poll count must be a positive integer between 1 and 100",
              at(where, "value"));
        }
      } else if (kind == "include-message-type" || kind == "exclude-message-type") {
        if (text(input, "valueCode").empty()) {
          add("IB-00338", "The message type needs a valueCode", at(where, "value"));
        }
      } else {
        add("IB-00292",
            "Task input type must be include-message-type, exclude-message-type, count or period",
            at(where, "type"));
      }
    }
    if (include && exclude) {
      add("IB-00292", "include-message-type and exclude-message-type must not be used together",
          at(path, "input"));
    }
    if (periods > 1)
      add("BV-00216", "The poll request contains more than one period", at(path, "input"));
  }

  void check_communication() {
    const auto path = entry_path(message_.focal_index());
    const auto& communication = message_.focal();
    check_identifier("IC-00111");
    need(communication, "status", "IC-00117", path);
    need(communication, "recipient", "IC-00116", path);
    const auto& about = member(communication, "about");
    if (size_of(about) == 0)
      add("IC-00109", "Communication about is not provided", at(path, "about"));
    for (std::size_t i = 0; i < size_of(about); ++i) {
      if (text(element(about, i), "type") != "Claim") {
        add("BV-00234", "Communication about must be a Claim", at(path, "about", i));
      }
      if (party_of(member(element(about, i), "identifier")).value.empty()) {
        add("IC-00346", "Communication about identifier is not provided", at(path, "about", i));
      }
    }
    const auto& payload = member(communication, "payload");
    if (size_of(payload) == 0)
      add("IC-01442", "Communication payload is not provided", at(path, "payload"));
    for (std::size_t i = 0; i < size_of(payload); ++i) {
      const auto& one = element(payload, i);
      const auto where = at(path, "payload", i);
      const auto& attachment = member(one, "contentAttachment");
      const int contents = (member(one, "contentString").is_null() ? 0 : 1) +
                           (attachment.is_null() ? 0 : 1) +
                           (member(one, "contentReference").is_null() ? 0 : 1);
      if (contents != 1) add("BV-00564", "A payload needs exactly one content", where);
      if (attachment.is_null()) continue;
      if (!is_one_of(text(attachment, "contentType"), {"application/pdf", "image/jpeg"})) {
        add("IB-00316", "Attachments must be pdf or jpeg",
            at(where, "contentAttachment.contentType"));
      }
      const auto& size = member(attachment, "size");
      if (size.is_number_integer() &&
          (size.get<std::int64_t>() < 1 || size.get<std::int64_t>() > kMaxAttachment)) {
        add("BV-00441", "Attachment size must be between 1 byte and 10 megabytes",
            at(where, "contentAttachment.size"));
      }
      // Four base64 characters carry three bytes.
      if (text(attachment, "data").size() / 4 * 3 > static_cast<std::size_t>(kMaxAttachment)) {
        add("BV-00076", "File size must not exceed 10 MB", at(where, "contentAttachment.data"));
      }
    }
  }

  void check_payment_notice() {
    const auto path = entry_path(message_.focal_index());
    const auto& notice = message_.focal();
    check_identifier("IC-00251");
    if (text(notice, "status") != "active") {
      add("BV-00336", "PaymentNotice status must be active", at(path, "status"));
    }
    need(notice, "created", "IC-00249", path);
    need(notice, "payment", "IC-00255", path);
    need(notice, "recipient", "IC-00259", path);
    if (need(notice, "paymentDate", "IC-00256", path) &&
        !not_after(text(notice, "paymentDate"), rules_.now_ms)) {
      add("BV-00358", "PaymentNotice paymentDate cannot be in the future", at(path, "paymentDate"));
    }
    if (need(notice, "provider", "IC-00258", path)) check_is_sender("provider", "BV-00377");
    if (need(notice, "payee", "IC-00254", path)) check_is_sender("payee", "BV-00359");
    if (!is_organization(member(notice, "recipient"), message_.focal_index(),
                         {std::string(kNphiesLicence), "NPHIES"})) {
      add("BV-00378", "PaymentNotice recipient must be NPHIES", at(path, "recipient"));
    }
    if (need(notice, "amount", "IC-00248", path)) {
      check_currency(member(notice, "amount"), "BV-00091", at(path, "amount"));
      const auto amount = halalas(member(notice, "amount"));
      if (!amount || *amount < 0) {
        add("BV-00469", "PaymentNotice amount must be zero or positive", at(path, "amount"));
      }
    }
    if (!is_one_of(code_of(member(notice, "paymentStatus")), {"paid", "cleared"})) {
      add("IC-00257", "PaymentNotice paymentStatus must be paid or cleared",
          at(path, "paymentStatus"));
    }
  }

  const Message& message_;
  const Rules& rules_;
  std::vector<Finding> findings_;
};

}  // namespace

const Json& member(const Json& object, std::string_view key) {
  if (!object.is_object()) return kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

const Json& element(const Json& array, std::size_t index) {
  return array.is_array() && index < array.size() ? array[index] : kNull;
}

std::string text(const Json& object, std::string_view key) {
  const auto& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string code_of(const Json& concept_value) {
  return text(element(member(concept_value, "coding"), 0), "code");
}

std::string system_of(const Json& concept_value) {
  return text(element(member(concept_value, "coding"), 0), "system");
}

const Json& extension(const Json& owner, std::string_view name) {
  const auto& list = member(owner, "extension");
  for (std::size_t i = 0; i < size_of(list); ++i) {
    const auto url = text(list[i], "url");
    if (url.size() > name.size() && url.ends_with(name) && url[url.size() - name.size() - 1] == '/')
      return list[i];
  }
  return kNull;
}

bool not_after(const std::string& value, std::int64_t limit_ms) {
  const auto number = [&](std::size_t from, std::size_t count) -> int {
    if (value.size() < from + count) return 0;
    int result = 0;
    for (std::size_t i = from; i < from + count; ++i) {
      if (value[i] < '0' || value[i] > '9') return 0;
      result = result * 10 + (value[i] - '0');
    }
    return result;
  };
  if (value.size() < 4) return true;
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  const int months = value.size() >= 7 ? number(5, 2) : 1;
  const int days = value.size() >= 10 ? number(8, 2) : 1;
  const std::chrono::year_month_day date{year(number(0, 4)), month(static_cast<unsigned>(months)),
                                         day(static_cast<unsigned>(days))};
  if (!date.ok()) return true;
  std::int64_t seconds =
      std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
  if (value.size() >= 19 && value[10] == 'T') {
    seconds += number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
    const auto zone = value.find_first_of("+-", 19);
    if (zone != std::string::npos) {
      const int offset = number(zone + 1, 2) * 3600 + number(zone + 4, 2) * 60;
      seconds += value[zone] == '+' ? -offset : offset;
    }
  } else {
    seconds -= 3 * 3600;  // a date without time starts in Asia/Riyadh
  }
  return seconds * 1000 <= limit_ms;
}

std::optional<Fixed> fixed(const Json& number, int digits) {
  if (!number.is_number()) return std::nullopt;
  // The shortest text that gives this double back is the decimal that was sent, up to 15 digits.
  const std::string literal = number.dump();
  constexpr std::int64_t kMax = 100'000'000'000'000'000;
  std::int64_t units = 0;
  std::int64_t exponent = 0;
  bool negative = false;
  bool point = false;
  bool exact = true;
  std::int64_t fraction = 0;
  std::size_t i = 0;
  if (literal[0] == '-') {
    negative = true;
    ++i;
  }
  for (; i < literal.size(); ++i) {
    const char c = literal[i];
    if (c == '.') {
      point = true;
    } else if (c == 'e' || c == 'E') {
      exponent = std::strtol(literal.c_str() + i + 1, nullptr, 10);
      break;
    } else if (c >= '0' && c <= '9') {
      if (units >= kMax) return std::nullopt;
      units = units * 10 + (c - '0');
      if (point) ++fraction;
    } else {
      return std::nullopt;  // NaN and infinity have no JSON form
    }
  }
  std::int64_t shift = digits - fraction + exponent;
  for (; shift > 0; --shift) {
    if (units >= kMax) return std::nullopt;
    units *= 10;
  }
  for (; shift < 0; ++shift) {
    if (units % 10 != 0) exact = false;
    units /= 10;
    if (units == 0) break;
  }
  return Fixed{negative ? -units : units, exact};
}

std::optional<std::int64_t> halalas(const Json& money) {
  const auto value = fixed(member(money, "value"), 2);
  if (!value) return std::nullopt;
  return value->units;
}

Party party_of(const Json& identifier) {
  const auto& one = identifier.is_array() ? element(identifier, 0) : identifier;
  return {text(one, "system"), text(one, "value")};
}

std::variant<Message, Finding> Message::open(const Json& bundle) {
  if (text(bundle, "resourceType") != "Bundle") {
    return Finding{"GE-00013", "Message payload is not a FHIR Bundle", "Bundle"};
  }
  const auto& entries = nphies::member(bundle, "entry");
  const auto& header = nphies::member(element(entries, 0), "resource");
  if (text(header, "resourceType") != "MessageHeader") {
    return Finding{"BV-00126", "The Bundle first entry is not a MessageHeader resource",
                   "Bundle.entry[0]"};
  }
  if (entries.size() > kMaxEntries) {
    return Finding{"GE-00000", "Bundle has too many entries", "Bundle.entry"};
  }
  Message message(bundle);
  message.size_ = entries.size();
  const auto event = text(nphies::member(header, "eventCoding"), "code");
  for (const auto& known : kEvents) {
    if (known.request == event) message.event_ = &known;
  }
  if (message.event_ == nullptr) {
    const bool foreign = std::find(kNotFromProviders.begin(), kNotFromProviders.end(), event) !=
                         kNotFromProviders.end();
    return foreign ? Finding{"BV-00545", "This MessageHeader eventCoding cannot be sent by an HCP",
                             "Bundle.entry[0].resource.eventCoding"}
                   : Finding{"GE-00018",
                             "Unable to find message event coding, or it is not supported here",
                             "Bundle.entry[0].resource.eventCoding"};
  }
  if (message.sender().value.empty()) {
    return Finding{"IC-00381", "The MessageHeader sender has no licence",
                   "Bundle.entry[0].resource.sender"};
  }
  if (message.header_id().empty()) {
    return Finding{"IC-00380", "The MessageHeader id is not provided",
                   "Bundle.entry[0].resource.id"};
  }
  if (message.bundle_id().empty())
    return Finding{"IC-00326", "The Bundle id is not provided", "Bundle.id"};
  for (std::size_t i = 0; i < message.size_; ++i) {
    const auto& resource = message.resource(i);
    message.by_url_.try_emplace(message.full_url(i), i);
    message.by_type_and_id_.try_emplace(text(resource, "resourceType") + "/" + text(resource, "id"),
                                        i);
  }
  const auto focus = message.resolve(element(nphies::member(header, "focus"), 0), 0);
  if (!focus || text(message.resource(*focus), "resourceType") != message.event_->focal_type) {
    return Finding{"BV-00167", "MessageHeader focus does not refer to the resource of this event",
                   "Bundle.entry[0].resource.focus"};
  }
  message.focal_index_ = *focus;
  return message;
}

const Json& Message::resource(std::size_t index) const {
  return nphies::member(element(nphies::member(*bundle_, "entry"), index), "resource");
}

std::string Message::full_url(std::size_t index) const {
  return text(element(nphies::member(*bundle_, "entry"), index), "fullUrl");
}

Party Message::sender() const {
  return party_of(nphies::member(nphies::member(header(), "sender"), "identifier"));
}

Party Message::receiver() const {
  const auto& destination = element(nphies::member(header(), "destination"), 0);
  return party_of(nphies::member(nphies::member(destination, "receiver"), "identifier"));
}

std::optional<std::size_t> Message::resolve(const Json& reference, std::size_t from) const {
  const auto literal = text(reference, "reference");
  if (literal.empty() || literal[0] == '#') return std::nullopt;
  const auto find = [](const auto& map, const std::string& key) -> std::optional<std::size_t> {
    const auto found = map.find(key);
    if (found == map.end()) return std::nullopt;
    return found->second;
  };
  if (const auto index = find(by_url_, literal)) return index;
  if (literal.find("://") != std::string::npos || literal.starts_with("urn:")) return std::nullopt;
  const auto own = full_url(from);
  const auto id = own.rfind('/');
  const auto type = id == std::string::npos || id == 0 ? id : own.rfind('/', id - 1);
  if (type != std::string::npos && own.starts_with("http")) {
    if (const auto index = find(by_url_, own.substr(0, type + 1) + literal)) return index;
  }
  return find(by_type_and_id_, literal);
}

const Json& Message::target(const Json& reference, std::size_t from) const {
  const auto index = resolve(reference, from);
  return index ? resource(*index) : kNull;
}

std::vector<Finding> validate(const Message& message, const Rules& rules) {
  return Checker(message, rules).run();
}

}  // namespace rabt::sandbox::nphies
