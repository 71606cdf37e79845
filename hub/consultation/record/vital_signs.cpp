#include "hub/consultation/record/vital_signs.hpp"

#include <array>

namespace rabt::consultation {

namespace {

constexpr std::array<VitalSign, 10> kSigns{{
    {"heartRate", 20, 300, true, "/min"},
    {"systolic", 40, 300, true, "mmHg"},
    {"diastolic", 20, 200, true, "mmHg"},
    {"temperatureC", 25, 45, false, "Cel"},
    {"respiratoryRate", 4, 80, true, "/min"},
    {"oxygenSaturation", 40, 100, false, "%"},
    {"weightKg", 0.3, 400, false, "kg"},
    {"heightCm", 20, 260, false, "cm"},
    {"glucoseMmol", 0.5, 60, false, "mmol/L"},
    {"painScale", 0, 10, true, "{score}"},
}};

}  // namespace

std::span<const VitalSign> vital_signs() {
  return kSigns;
}

Json to_json(const MeasuredSigns& signs) {
  Json out = Json::object();
  for (const MeasuredSign& sign : signs) out.set(sign.name, sign.value);
  return out;
}

MeasuredSigns signs_in(const Json& document) {
  MeasuredSigns out;
  for (const VitalSign& sign : kSigns) {
    if (const Json& value = document[sign.name]; !value.is_null())
      out.push_back({.name = sign.name, .value = value});
  }
  return out;
}

MeasuredSigns read_vital_signs(Fields& fields) {
  std::array<SignName, kSigns.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i)
    names[i] = {.member = kSigns[i].name, .sign = static_cast<Sign>(i)};
  return read_vital_signs(fields, names);
}

MeasuredSigns read_vital_signs(Fields& fields, std::span<const SignName> names) {
  MeasuredSigns out;
  bool any = false;
  Json systolic;
  Json diastolic;
  std::string_view below;
  for (const SignName& of : names) {
    if (!fields.has(of.member)) continue;
    any = true;
    const VitalSign& sign = kSigns[static_cast<std::size_t>(of.sign)];
    const bool good = sign.whole ? fields
                                       .integer(of.member, static_cast<std::int64_t>(sign.min),
                                                static_cast<std::int64_t>(sign.max))
                                       .has_value()
                                 : fields.number(of.member, sign.min, sign.max).has_value();
    if (!good) continue;
    const Json& value = fields.raw(of.member);
    if (of.sign == Sign::systolic) systolic = value;
    if (of.sign == Sign::diastolic) {
      diastolic = value;
      below = of.member;
    }
    out.push_back({.name = sign.name, .value = value});
  }
  if (!any) fields.wrong("body", "at least one vital sign is needed");
  if (!systolic.is_null() && !diastolic.is_null() && Json::compare(diastolic, systolic) >= 0)
    fields.wrong(below, "it must be below the systolic pressure");
  return out;
}

}  // namespace rabt::consultation
