#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/fields.hpp"

// Measurements of a body at one moment. Pure.
namespace rabt::consultation {

// In the order of the table.
enum class Sign : std::uint8_t {
  heart_rate,
  systolic,
  diastolic,
  temperature_c,
  respiratory_rate,
  oxygen_saturation,
  weight_kg,
  height_cm,
  glucose_mmol,
  pain_scale
};
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

struct MeasuredSign {
  // Name in the table.
  std::string_view name;
  // A number, with the digits it came with.
  Json value;
};
// In the order of the table.
using MeasuredSigns = std::vector<MeasuredSign>;
// {heartRate: 72, ...}
[[nodiscard]] Json to_json(const MeasuredSigns& signs);
// The measured values of a record's document.
[[nodiscard]] MeasuredSigns signs_in(const Json& document);

// The measured values of a body. Mistakes are in `fields` afterwards: a value out of range,
// a diastolic pressure that is not below the systolic, no value at all.
[[nodiscard]] MeasuredSigns read_vital_signs(Fields& fields);
// The same where the body has other names, and only these signs.
struct SignName {
  std::string_view member;
  Sign sign;
};
// names: in the order of the table.
[[nodiscard]] MeasuredSigns read_vital_signs(Fields& fields, std::span<const SignName> names);

}  // namespace rabt::consultation
