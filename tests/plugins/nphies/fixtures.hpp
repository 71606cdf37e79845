#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "json_text.hpp"
#include "requests.hpp"
#include "settings.hpp"

// A fictional clinic, patient and visit. Distinct values, so that a leak can be searched for.
namespace rabt::nphies::testing {

inline constexpr std::int64_t kNow = 1773124200;  // 2026-03-10T09:30:00+03:00

inline constexpr const char* kConfig = R"({
  "base_url": "http://127.0.0.1:1/fhir",
  "provider": {"licence": "PR-FHIR", "name": "Example Telehealth Polyclinic", "type": "2"},
  "payer": {"licence": "INS-FHIR", "name": "Example Insurer", "member_system": "http://insurer.example.sa/memberid"},
  "facility": {"licence": "GACH", "clinicSpecialty": "P01-02"},
  "practitioner": {"licence": "N-P-00003", "name": "Dr. Sample Physician", "specialty": "08.00"},
  "services": [{"code": "83600-00-10", "ownCode": "TELE-GP", "unitPriceHalalas": 10000}],
  "tax_percent": 15, "patient_share_percent": "17.39",
  "identifier_base": "https://provider.example.sa"
})";

// Words of the patient in the inputs below; none may appear in an outcome's message.
inline const std::vector<std::string> kPatientWords = {
    "Canaryname", "2000000006", "1990-05-17", "MB-900001", "J02.9", "Canarycomplaint"};

inline Json patient_input() {
  return parse_json(R"({
    "patient": {"identifier": {"value": "2000000006"}, "name": "Test Canaryname", "gender": "female",
                "birthDate": "1990-05-17", "maritalStatus": "M", "occupation": "education"},
    "coverage": {"memberId": "MB-900001", "payerLicence": "INS-FHIR", "relationship": "self", "network": "Golden C",
                 "class": {"type": "plan", "value": "CB135", "name": "Insurance Plan A"},
                 "policyHolder": {"name": "Example Employer",
                                  "identifier": {"system": "http://insurer.example.sa/policyholder", "value": "PH-1001"}}}
  })");
}
inline Json eligibility_input() {
  Json out = patient_input();
  out["serviceDate"] = "2026-03-10";
  return out;
}
inline Json claim_input() {
  Json out = patient_input();
  out["consultation"] = "EP-0001";
  out["encounter"] = parse_json(
      R"({"id": "ENC-VR-0001", "start": "2026-03-10T06:00:00Z", "end": "2026-03-10T09:20:00+03:00"})");
  out["diagnoses"] = parse_json(R"([{"code": "J02.9"}])");
  out["eligibility"] =
      parse_json(R"({"system": "http://insurer.example.sa/eligibilityresponse", "value": "R-1"})");
  out["preAuthRef"] = "AUTH-778899";
  out["priorAuthResponse"] = parse_json(
      R"({"system": "http://insurer.example.sa/authorizationresponse", "value": "AR-0001"})");
  out["notes"] =
      parse_json(R"({"chiefComplaint": "Canarycomplaint for two days", "treatmentPlan": "Rest"})");
  return out;
}

// Ids that count up, in the shape of GUIDs.
inline Stamp counting_stamp(int& count) {
  return {[&count] {
            std::string digits = std::to_string(++count);
            return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
          },
          kNow};
}

// The folder of third-party and shared message files, or empty.
inline std::filesystem::path conformance_folder(const char* part) {
  const char* root = std::getenv("RABT_CONFORMANCE_DATA");
  return root == nullptr ? std::filesystem::path() : std::filesystem::path(root) / part;
}
inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline const Json* resource_of(const Json& bundle, std::string_view type) {
  for (const Json& entry : array_at(bundle, "entry")) {
    if (text_at(entry, "resource/resourceType") == type) return find(entry, "resource");
  }
  return nullptr;
}

}  // namespace rabt::nphies::testing
