#include "settings.hpp"

#include "hl7.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/time.hpp"

namespace rabt::hl7v2 {

namespace {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object())
    throw sdk::Refusal("hl7v2.config", "the configuration must be an object");
  Settings settings;
  if (const std::string zone = text_of(config, "time_zone"); !zone.empty())
    settings.time_zone = zone;
  if (!sdk::read_instant("2026-01-01T00:00:00" + settings.time_zone))
    throw sdk::Refusal("hl7v2.config", "time_zone must be an offset such as +03:00");
  if (const std::string charset = text_of(config, "charset"); !charset.empty())
    settings.charset = charset;
  if (charset_of(settings.charset).empty())
    throw sdk::Refusal("hl7v2.config",
                       "charset must be UNICODE UTF-8, ASCII, 8859/1, 8859/6, WINDOWS-1256 or "
                       "WINDOWS-1252");
  if (config.contains("processing_ids"))
    settings.processing_ids = texts(list_of(config, "processing_ids"));
  settings.video_codes = texts(list_of(config, "video_codes"));
  settings.self_pay_codes = texts(list_of(config, "self_pay_codes"));
  const Json& systems = member_of(config, "systems");
  if (systems.is_object()) {
    for (const auto& [name, uri] : systems.items()) {
      if (uri.is_string()) settings.systems[name] = uri.get<std::string>();
    }
  }
  settings.number_types = sdk::read_number_types(config, "hl7v2.config");
  const Json& cover = member_of(config, "coverage");
  settings.cover = {text_of(cover, "payerLicence"), text_of(cover, "payerName"),
                    text_of(cover, "type")};
  settings.by_placer = text_of(config, "appointment_number") == "placer";
  settings.url = text_of(config, "url");
  for (const auto& [key, to] : {std::pair{"sending_application", &settings.sending_application},
                                {"sending_facility", &settings.sending_facility},
                                {"receiving_application", &settings.receiving_application},
                                {"receiving_facility", &settings.receiving_facility},
                                {"encounter_event", &settings.encounter_event},
                                {"patient_class", &settings.patient_class},
                                {"document_type", &settings.document_type}}) {
    if (std::string value = text_of(config, key); !value.empty()) *to = std::move(value);
  }
  return settings;
}

}  // namespace rabt::hl7v2
