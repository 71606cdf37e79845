#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "hub/workflow/definition.hpp"

// metadata.rabt.patient: whose data an instance works on.
namespace rabt::workflow::patient_test {
namespace {

ParsedDefinition parse(const std::string& patient) {
  return parse_definition(
      "document: {dsl: '1.0.3', namespace: t, name: n, version: 1.0.0, metadata: {rabt: "
      "{patient: " +
          patient +
          "}}}\n"
          "input: {from: '.[0].data'}\n"
          "do: [{a: {set: {b: 1}}}]\n",
      nullptr);
}
Json start(const Json& data) {
  return Json::array({Json::object({{"type", "t"}, {"data", data}})});
}
std::string all(const ParsedDefinition& parsed) {
  std::string out;
  for (const Diagnostic& diagnostic : parsed.diagnostics)
    out += to_string(diagnostic, "w.yaml") + "\n";
  return out;
}

TEST(Patient, IdentifiersComeInTheOrderOfTheFileOnTheShapedInput) {
  const auto parsed = parse("{mrn: '${ .patient.mrn }', identifier: '${ .patient.id }'}");
  ASSERT_NE(parsed.definition, nullptr) << all(parsed);
  const auto found = parsed.definition->patient(
      start(Json::object({{"patient", Json::object({{"id", "1012345672"}, {"mrn", 4711}})}})));
  EXPECT_TRUE(found.declared);
  EXPECT_EQ(found.unread, 0);
  ASSERT_EQ(found.identifiers.size(), 2U);
  EXPECT_EQ(found.identifiers[0].kind, "mrn");
  EXPECT_EQ(found.identifiers[0].value, "4711") << "a number is its digits";
  EXPECT_EQ(found.identifiers[1].value, "1012345672");
}

TEST(Patient, WhatIsNullOrEmptyIsLeftOutAndWhatIsNoTextIsCounted) {
  const auto parsed =
      parse("{identifier: '${ .a }', mrn: '${ .b }', phone: '${ .c }', email: '${ .d | error }'}");
  ASSERT_NE(parsed.definition, nullptr) << all(parsed);
  const auto found = parsed.definition->patient(
      start(Json::object({{"b", ""}, {"c", Json::array({1})}, {"d", "x"}})));
  EXPECT_TRUE(found.declared);
  EXPECT_TRUE(found.identifiers.empty());
  EXPECT_EQ(found.unread, 2);
}

TEST(Patient, AWorkflowWithoutItDeclaresNobody) {
  const auto parsed = parse_definition(
      "document: {dsl: '1.0.3', namespace: t, name: n, version: 1.0.0}\ndo: [{a: {set: {b: 1}}}]\n",
      nullptr);
  ASSERT_NE(parsed.definition, nullptr);
  EXPECT_FALSE(parsed.definition->patient(start(Json())).declared);
}

// The patient's report finds what a workflow with patient data sends, and its readers.
TEST(Patient, EveryShippedWorkflowOfAPatientSaysWhose) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const std::filesystem::path folder = std::filesystem::path(root != nullptr ? root : ".");
  int of_patients = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder / "workflows")) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(".test.yaml") || !name.ends_with(".yaml")) continue;
    std::ifstream stream(file.path());
    std::ostringstream text;
    text << stream.rdbuf();
    if (text.str().find("dataClass: patient") == std::string::npos) continue;
    ++of_patients;
    const auto parsed = parse_definition(text.str(), nullptr);
    ASSERT_NE(parsed.definition, nullptr) << name << "\n" << all(parsed);
    EXPECT_TRUE(parsed.definition->patient(start(Json::object({}))).declared) << name;
    // Events of the hospital have the identifier itself.
    if (name == "consultation.yaml" || name == "payment.yaml" || name == "cancellation.yaml")
      continue;
    const auto found = parsed.definition->patient(start(Json::object({{"patient", "0a1b"}})));
    ASSERT_EQ(found.identifiers.size(), 1U) << name;
    EXPECT_EQ(found.identifiers[0].kind, "pseudonym") << name;
    EXPECT_EQ(found.identifiers[0].value, "0a1b") << name;
  }
  EXPECT_GE(of_patients, 6);
}

TEST(Patient, MistakesAreSaidWithTheirPlace) {
  for (const auto& [patient, said] :
       {std::pair{"{identifer: '${ .a }'}", "did you mean `identifier`?"},
        std::pair{"{name: '${ .a }'}", "`name` is not a kind of identifier of a patient"},
        std::pair{"{}", "names no identifier of the patient"},
        std::pair{"someone", "metadata.rabt.patient"},
        std::pair{"{identifier: '${ .a + }'}", "expression"}}) {
    const auto parsed = parse(patient);
    EXPECT_EQ(parsed.definition, nullptr) << patient;
    EXPECT_NE(all(parsed).find(said), std::string::npos) << patient << "\n" << all(parsed);
  }
}

}  // namespace
}  // namespace rabt::workflow::patient_test
