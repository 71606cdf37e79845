#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/person_number.hpp"

namespace rabt::hl7v2 {

using Json = nlohmann::json;

// The cover of patients whose booking has no IN1. Unset if `licence` is empty.
struct Cover {
  std::string licence;
  std::string name;
  std::string type;
};

struct Settings {
  // The offset of times that say none, "+03:00".
  std::string time_zone = "+03:00";
  // The character set of messages whose MSH-18 is empty, and of those that are sent.
  std::string charset = "UNICODE UTF-8";
  // Those of MSH-11 that are taken.
  std::vector<std::string> processing_ids{"P"};
  // Codes of SCH-7, SCH-8, AIS-3 and PV1-2 that say that a visit is held by video.
  std::vector<std::string> video_codes;
  // Codes of IN1-2, IN1-3, IN1-4 and IN1-15 that say that the patient pays.
  std::vector<std::string> self_pay_codes;
  // System URIs by namespace (HD-1).
  std::map<std::string, std::string> systems;
  // Types of numbers by own systems (URI) and namespaces (HD-1).
  sdk::NumberTypes number_types = {};
  Cover cover;
  // True if an appointment is known by the placer's number (SCH-1) where a message has both.
  bool by_placer = false;

  // Address of the record system, mllp:// or mllps://. Empty if nothing is filed.
  std::string url;
  // MSH-3 to MSH-6 of messages that are sent.
  std::string sending_application = "RABT";
  std::string sending_facility;
  std::string receiving_application;
  std::string receiving_facility;
  // A04 or A08.
  std::string encounter_event = "A04";
  // PV1-2 and TXA-2.
  std::string patient_class = "O";
  std::string document_type = "CN";
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

}  // namespace rabt::hl7v2
