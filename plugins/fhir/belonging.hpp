#pragma once

#include <string>
#include <string_view>

#include "mapping.hpp"

// Owner of a resource of the record system: a server may ignore the parameters of a search, so an
// answer is no proof. Pure.
namespace rabt::fhir {

// True if the resource has the identifier. system "": of any system. The case of letters in the
// value makes no difference, as FHIR advises for tokens.
[[nodiscard]] bool bears(const Json& resource, std::string_view system, std::string_view value);

// A literal reference without version, and without the address of this record system:
// "https://ehr/fhir/Condition/1/_history/2" -> "Condition/1".
[[nodiscard]] std::string plain_reference(const std::string& reference, const Settings& settings);

// False if two References are known to mean two persons: they have identifiers of one system with
// two values, or no such identifiers and two literal references. What cannot be compared is the
// same.
[[nodiscard]] bool same_subject(const Json& item, const Json& other, const Settings& settings);

}  // namespace rabt::fhir
