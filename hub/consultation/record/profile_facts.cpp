#include "hub/consultation/record/profile_facts.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "hub/phi/index_value.hpp"

namespace rabt::consultation {

namespace {

std::optional<std::string> text_of(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  return json.as_string();
}

std::optional<std::string> name_of(const Json& profile) {
  const auto arabic = text_of(profile["nameAr"]);
  return arabic ? arabic : text_of(profile["name"]);
}

std::optional<std::string> known_as(phi::IndexKind kind, const Json& given) {
  auto one = phi::normalise(kind, given.is_string() ? given.as_string() : "");
  if (!one.ok()) return std::nullopt;
  return *std::move(one);
}

void set_if(Json& out, std::string_view name, const std::optional<std::string>& text) {
  if (text) out.set(name, *text);
}

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

}  // namespace

std::vector<ProfileIdentifier> identifiers_of_profile(const Json& profile) {
  struct Kind {
    std::string_view kind;
    std::string_view type;
    std::string_view system;
  };
  constexpr std::array<Kind, 4> kKinds{
      {{"national_id", "NI", "http://nphies.sa/identifier/nationalid"},
       {"iqama", "PRC", "http://nphies.sa/identifier/iqama"},
       {"passport", "PPN", "http://nphies.sa/identifier/passportnumber"},
       {"mrn", "MR", ""}}};
  std::vector<ProfileIdentifier> out;
  const auto take = [&](const Kind& kind, const Json& system, const Json& value) {
    if (!value.is_string()) return;
    ProfileIdentifier identifier{.value = value.as_string(), .type = std::string(kind.type)};
    if (system.is_string()) {
      identifier.system = system.as_string();
    } else if (!kind.system.empty()) {
      identifier.system = kind.system;
    }
    out.push_back(std::move(identifier));
  };
  for (const Kind& kind : kKinds) {
    if (const Json& list = profile["identifiers"]; list.is_array()) {
      for (const Json& item : list.as_array()) {
        if (item.string_or("kind", "") == kind.kind) take(kind, item["system"], item["value"]);
      }
    }
    if (kind.type == "MR") take(kind, Json(), profile["mrn"]);
  }
  return out;
}

ClaimPatient patient_of_profile(const Json& profile) {
  ClaimPatient out{.name = name_of(profile),
                   .gender = text_of(profile["gender"]),
                   .birth_date = text_of(profile["birthDate"])};
  if (auto identifiers = identifiers_of_profile(profile); !identifiers.empty())
    out.identifier = std::move(identifiers.front());
  return out;
}

PatientContact contact_of_profile(const Json& profile) {
  PatientContact out{.language = profile.string_or("language", "ar"),
                     .phone = known_as(phi::IndexKind::phone, profile["phone"]),
                     .email = known_as(phi::IndexKind::email, profile["email"])};
  if (const Json& guardians = profile["guardians"]; guardians.is_array()) {
    for (const Json& item : guardians.as_array()) {
      if (auto phone = known_as(phi::IndexKind::phone, item["phone"]))
        out.guardian_phones.push_back(*std::move(phone));
    }
  }
  return out;
}

ClaimPractitioner practitioner_of_profile(const Json& profile) {
  return {.licence = text_of(profile["licenceNumber"]), .name = name_of(profile)};
}

Json to_json(const ProfileIdentifier& identifier) {
  Json out = Json::object({{"value", identifier.value}, {"type", identifier.type}});
  set_if(out, "system", identifier.system);
  return out;
}

Json to_json(const std::vector<ProfileIdentifier>& identifiers) {
  Json out = Json::array();
  for (const ProfileIdentifier& identifier : identifiers) out.push_back(to_json(identifier));
  return out;
}

Json to_json(const ClaimPatient& patient) {
  Json out = Json::object();
  if (patient.identifier) out.set("identifier", to_json(*patient.identifier));
  out.set("name", or_null(patient.name));
  set_if(out, "gender", patient.gender);
  set_if(out, "birthDate", patient.birth_date);
  return out;
}

Json to_json(const PatientContact& contact) {
  Json out = Json::object({{"language", contact.language}});
  set_if(out, "phone", contact.phone);
  set_if(out, "email", contact.email);
  if (!contact.guardian_phones.empty()) {
    Json phones = Json::array();
    for (const std::string& phone : contact.guardian_phones) phones.push_back(phone);
    out.set("guardianPhones", std::move(phones));
  }
  return out;
}

Json to_json(const ClaimPractitioner& practitioner) {
  Json out = Json::object();
  set_if(out, "licence", practitioner.licence);
  out.set("name", or_null(practitioner.name));
  return out;
}

}  // namespace rabt::consultation
