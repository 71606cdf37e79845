#include "hub/consultation/record/vital_signs.hpp"

#include <gtest/gtest.h>

namespace rabt::consultation::vital_signs_test {
namespace {

// Error of the reader for a body; "" if the body is good.
std::string verdict(const Json& body) {
  Fields fields(body);
  (void)read_vital_signs(fields);
  const Status status = fields.done();
  return status.ok() ? "" : status.error().message;
}

TEST(VitalSigns, EveryRangeHoldsItsEndsAndNothingBeyond) {
  ASSERT_EQ(vital_signs().size(), 10U);
  for (const VitalSign& sign : vital_signs()) {
    const double step = sign.whole ? 1 : 0.1;
    const auto number = [&](double value) {
      return sign.whole ? Json(static_cast<std::int64_t>(value)) : Json(value);
    };
    for (const double good : {sign.min, sign.max})
      EXPECT_EQ(verdict(Json::object({{sign.name, number(good)}})), "") << sign.name;
    for (const double bad : {sign.min - step, sign.max + step}) {
      const std::string said = verdict(Json::object({{sign.name, number(bad)}}));
      EXPECT_TRUE(said.starts_with(std::string(sign.name) + ": it must be a")) << said;
    }
    EXPECT_NE(verdict(Json::object({{sign.name, "37"}})), "") << sign.name;
  }
}

TEST(VitalSigns, AHeartRateOf900NamesTheFieldAndTheRule) {
  EXPECT_EQ(verdict(Json::object({{"heartRate", 900}})),
            "heartRate: it must be a whole number from 20 to 300");
  EXPECT_EQ(verdict(Json::object({{"temperatureC", 36.6}, {"heartRate", 72.5}})),
            "heartRate: it must be a whole number from 20 to 300");
}

TEST(VitalSigns, AtLeastOneIsNeededAndPressuresStandInOrder) {
  EXPECT_EQ(verdict(Json::object()), "body: at least one vital sign is needed");
  EXPECT_EQ(verdict(Json::object({{"systolic", 120}, {"diastolic", 80}})), "");
  EXPECT_EQ(verdict(Json::object({{"systolic", 80}, {"diastolic", 80}})),
            "diastolic: it must be below the systolic pressure");
}

// A compatibility API has names of its own: the ranges are the same, mistakes name its members.
TEST(VitalSigns, UnderOtherNamesTheyAreReadByTheSameTable) {
  constexpr SignName kNames[] = {{"top", Sign::systolic}, {"bottom", Sign::diastolic}};
  const auto read = [&](const Json& body) {
    Fields fields(body);
    const MeasuredSigns signs = read_vital_signs(fields, kNames);
    const Status status = fields.done();
    return status.ok() ? to_json(signs).dump() : status.error().message;
  };
  EXPECT_EQ(read(Json::object({{"bottom", 80}, {"top", 120}, {"heartRate", 900}})),
            R"({"systolic":120,"diastolic":80})");
  EXPECT_EQ(read(Json::object({{"bottom", 80}, {"top", 80}})),
            "bottom: it must be below the systolic pressure");
  EXPECT_EQ(read(Json::object({{"top", 301}})), "top: it must be a whole number from 40 to 300");
  EXPECT_EQ(read(Json::object({{"heartRate", 70}})), "body: at least one vital sign is needed");
}

TEST(VitalSigns, DigitsStayAsTheyCame) {
  const Json body = *Json::parse(R"({"temperatureC": 36.60, "weightKg": 70.0})");
  Fields fields(body);
  EXPECT_EQ(to_json(read_vital_signs(fields)).dump(), R"({"temperatureC":36.60,"weightKg":70.0})");
}

TEST(VitalSigns, HugeNumbersAreOutOfRange) {
  EXPECT_NE(verdict(*Json::parse(R"({"weightKg": 1e300})")), "");
  EXPECT_NE(verdict(*Json::parse(R"({"heartRate": 99999999999999999999})")), "");
}

}  // namespace
}  // namespace rabt::consultation::vital_signs_test
