#include "tools/demo/chart.hpp"

#include <gtest/gtest.h>

namespace rabt::demo::chart_test {
namespace {

std::string line(const char* resource) {
  const auto parsed = Json::parse(resource);
  EXPECT_TRUE(parsed.ok());
  return parsed.ok() ? chart_line(*parsed) : std::string();
}

TEST(DemoChart, ALineHasTheIdAndTheCodeOfAResource) {
  const std::string rest(54 - std::string("Encounter/e1").size(), ' ');
  EXPECT_EQ(line(R"({"resourceType": "Encounter", "id": "e1", "class": {"code": "VR",
                     "display": "virtual"}})"),
            "Encounter/e1" + rest + "  VR        virtual");
  EXPECT_NE(line(R"({"resourceType": "Condition", "id": "c1", "code": {"coding": [
                     {"code": "J11.1", "display": "Influenza"}], "text": "flu"}})")
                .find(" J11.1     Influenza"),
            std::string::npos);
  EXPECT_NE(line(R"({"resourceType": "Composition", "id": "n1", "type": {"coding": [
                     {"code": "11488-4", "display": "Consult note"}]}})")
                .find(" 11488-4   Consult note"),
            std::string::npos);
}

TEST(DemoChart, ADrugInWordsStandsUnderTheNumberOfItsPrescription) {
  const std::string drug =
      line(R"({"resourceType": "MedicationRequest", "id": "m1", "medicationCodeableConcept":
               {"text": "Paracetamol 500 mg"}, "groupIdentifier": {"value": "RX-2026-1"}})");
  EXPECT_NE(drug.find("MedicationRequest/m1 "), std::string::npos) << drug;
  EXPECT_NE(drug.find(" RX-2026-1 Paracetamol 500 mg"), std::string::npos) << drug;
}

}  // namespace
}  // namespace rabt::demo::chart_test
