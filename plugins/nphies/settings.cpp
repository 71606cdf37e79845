#include "settings.hpp"

#include <optional>
#include <utility>

#include "money.hpp"
#include "refusal.hpp"

namespace rabt::nphies {
namespace {

// Licences become parts of URLs.
bool is_token(std::string_view text) {
  if (text.empty() || text.size() > 60) return false;
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_';
    if (!good) return false;
  }
  return true;
}

Party read_party(const Json& config, const std::string& name) {
  Party out{text_at(config, name + "/licence"), text_at(config, name + "/name")};
  if (!is_token(out.licence)) {
    throw Refusal(name + "/licence", "must be a licence of letters, digits, '-', '.' and '_'");
  }
  if (out.name.empty()) out.name = out.licence;
  return out;
}

std::int64_t read_percent(const Json& config, const std::string& name) {
  const Json* value = find(config, name);
  if (value == nullptr) return 0;
  const std::string digits = value->is_string() ? value->get<std::string>() : number_text(*value);
  const std::optional<std::int64_t> percent = scaled(digits, 2);
  if (!percent || *percent > kMaxPercentHundredths) {
    throw Refusal(name, "must be 0 to 100 with at most two decimals");
  }
  return *percent;
}

std::string or_else(std::string text, std::string other) {
  return text.empty() ? std::move(other) : std::move(text);
}

}  // namespace

Settings read_settings(std::string_view config_text) {
  Json config;
  try {
    config = without_empty(parse_json(config_text));
  } catch (const JsonError& failure) {
    throw Refusal("", std::string("the configuration is not valid JSON: ") + failure.what());
  }
  Settings out;
  out.url = text_at(config, "base_url");
  if (!out.url.starts_with("http://") && !out.url.starts_with("https://")) {
    throw Refusal("base_url",
                  "must be an http or https URL, for example https://nphies.sa/api/fs/fhir");
  }
  // One operation only, rule GE-00009.
  static constexpr std::string_view kOperation = "$process-message";
  if (!out.url.ends_with(kOperation)) {
    if (!out.url.ends_with('/')) out.url.push_back('/');
    out.url += kOperation;
  }
  out.provider = read_party(config, "provider");
  out.provider_type = or_else(text_at(config, "provider/type"), "1");
  out.payer = read_party(config, "payer");
  const Json* is_default = find(config, "payer/default");
  out.payer_is_default = is_default != nullptr && *is_default == Json(true);
  out.facility = read_party(config, "facility");
  out.clinic_specialty = text_at(config, "facility/clinicSpecialty");
  if (out.clinic_specialty.empty()) {
    throw Refusal("facility/clinicSpecialty",
                  "missing; give a code of clinic-specialty, rule BV-00898");
  }
  out.practitioner = {text_at(config, "practitioner/licence"), text_at(config, "practitioner/name"),
                      text_at(config, "practitioner/specialty"),
                      text_at(config, "practitioner/role")};
  out.services = array_at(config, "services");
  out.tax_percent_hundredths = read_percent(config, "tax_percent");
  out.patient_percent_hundredths = read_percent(config, "patient_share_percent");
  out.poll_whole_queue = text_at(config, "poll_mode") == "queue";
  if (const Json* count = find(config, "poll_count"); count != nullptr) {
    out.poll_count = scaled(number_text(*count), 0).value_or(0);
    // Rules DT-01301, DT-01303.
    if (out.poll_count < 1 || out.poll_count > 100) throw Refusal("poll_count", "must be 1 to 100");
  }
  const std::string licence_base(kLicence);
  out.identifier_base = or_else(text_at(config, "identifier_base"),
                                licence_base + "provider-license/" + out.provider.licence);
  while (out.identifier_base.ends_with('/')) out.identifier_base.pop_back();
  out.member_system =
      or_else(text_at(config, "payer/member_system"), out.identifier_base + "/memberid");
  out.provider_endpoint = or_else(text_at(config, "endpoints/provider"),
                                  licence_base + "provider-license/" + out.provider.licence);
  out.payer_endpoint = text_at(config, "endpoints/payer");
  out.nphies_endpoint =
      or_else(text_at(config, "endpoints/nphies"), licence_base + "nphies/NPHIES");
  const Json* bearer = find(config, "bearer");
  out.bearer = bearer != nullptr && bearer->is_boolean() && bearer->get<bool>();
  out.ig_1_0_0_names = text_at(config, "naming") == "ig-1.0.0";
  return out;
}

}  // namespace rabt::nphies
