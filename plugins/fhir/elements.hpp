#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "mapping.hpp"

// Elements of FHIR R4 resources that the hub writes. Pure.
namespace rabt::fhir {

inline constexpr const char* kConfidentiality =
    "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

// Sets the member unless the value is empty: FHIR has no empty members.
inline void put(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
inline void put(Json& object, const char* key, Json value) {
  if (!value.empty()) object[key] = std::move(value);
}

// A Coding.
inline Json coding(std::string_view system, std::string_view code, std::string_view display = {}) {
  Json value = Json::object();
  value["system"] = system;
  value["code"] = code;
  if (!display.empty()) value["display"] = display;
  return value;
}
// A CodeableConcept of one Coding.
inline Json concept_of(Json code) {
  Json value = Json::object();
  value["coding"] = Json::array();
  value["coding"].push_back(std::move(code));
  return value;
}
// A list of one.
inline Json just(Json item) {
  Json value = Json::array();
  value.push_back(std::move(item));
  return value;
}

}  // namespace rabt::fhir
