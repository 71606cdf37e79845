#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/fields.hpp"

// Measurements of a body at one moment. Pure.
namespace rabt::consultation {

// A measured value outside of its range is a slip of the hand or of the unit, not a patient.
struct VitalSign {
  std::string_view name;
  double min;
  double max;
  // Counted, not measured: no fraction.
  bool whole;
  std::string_view unit;
};
[[nodiscard]] std::span<const VitalSign> vital_signs();

// The measured values of a body, in the order of the table, with the digits they came with. What is
// wrong stands in `fields` afterwards: a value out of range, a diastolic pressure that is not below
// the systolic, no value at all.
[[nodiscard]] Json read_vital_signs(Fields& fields, const Json& body);

}  // namespace rabt::consultation
