#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

// Finds patient data in free text, Arabic and English. A second net: what may leave on a channel is
// decided by lists of allowed fields first (policy.hpp).
namespace rabt::phi {

enum class Class : std::uint8_t {
  national_id,  // Saudi national identity number
  iqama,        // resident identity number
  phone,
  email,
  iban,
  mrn,  // medical record number, by the tenant's patterns
  passport,
  date,  // Gregorian or Hijri
  age,   // over 89
  address,
  name,
  card,  // payment card
  ip,
  url,  // with an id in it
};
[[nodiscard]] std::string_view to_string(Class value);  // "national-id", ...

// begin and end are byte offsets into the text as it was given, on code point boundaries.
struct Finding {
  Class kind = Class::name;
  std::size_t begin = 0;
  std::size_t end = 0;
  double score = 0;  // 0 to 1: how sure
  friend bool operator==(const Finding&, const Finding&) = default;
};

struct DetectorOptions {
  std::vector<std::string> mrn_patterns;  // RE2 syntax; for numbers that only this tenant knows
  double min_score = 0.5;
};

// Immutable; any thread. One pass over the text; time linear in its length.
class Detector {
 public:
  // Error phi.pattern: which pattern is wrong, and why.
  [[nodiscard]] static Result<std::unique_ptr<const Detector>> make(const DetectorOptions& options);
  virtual ~Detector() = default;
  // In order, without overlap. text need not be valid UTF-8; bad bytes are never part of a finding.
  [[nodiscard]] virtual std::vector<Finding> find(std::string_view text) const = 0;
};

// The text with every finding replaced by its class in brackets: "[name]", "[phone]".
[[nodiscard]] std::string mask(std::string_view text, const std::vector<Finding>& findings);

}  // namespace rabt::phi
