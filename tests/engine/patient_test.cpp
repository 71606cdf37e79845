#include <gtest/gtest.h>

#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"
#include "hub/identity/blind_index.hpp"
#include "tests/engine/loopback_http.hpp"
#include "tests/engine/rig.hpp"

// Instances and their patient: indexes, children, restarts, and what is disclosed.
namespace rabt::engine::patient_test {
namespace {

constexpr const char* kId = "1012345672";

class PatientOf : public testing::Test {
 protected:
  std::string index(const std::string& value, phi::IndexKind kind = phi::IndexKind::identifier) {
    return identity::blind_index(rig_.keyring(), "t1", kind, value).value();
  }
  std::vector<audit::Logged> entries(const std::string& act) {
    audit::Query query;
    query.act = act;
    return audit::read_page(rig_.audit(), query, 1000)->entries;
  }
  std::vector<std::string> found(const std::string& blind) {
    std::vector<std::string> out;
    const auto list = rig_.engine().instances({.patient = blind}, 50);
    EXPECT_TRUE(list.ok());
    if (!list.ok()) return out;
    for (const auto& one : *list) out.push_back(one.id);
    return out;
  }
  static std::string file(const std::string& name, const std::string& metadata,
                          const std::string& tasks) {
    return "document: {dsl: '1.0.3', namespace: test, name: " + name + ", version: '1.0.0'" +
           metadata + "}\n" +
           (name == "sample" ? "schedule: {on: {one: {with: {type: test.start.v1}}}}\n"
                               "input: {from: '${ .[0].data }'}\n"
                             : "") +
           "do:\n" + tasks;
  }
  static constexpr const char* kPatient =
      ", metadata: {rabt: {patient: {identifier: '${ .id }', phone: '${ .phone }'}}}";

  Rig rig_;
};

TEST_F(PatientOf, AnInstanceIsFoundByEachIdentifierAndNamedByTheFirst) {
  rig_.deploy(file("sample", kPatient, "  - a: {set: {b: 1}}\n"));
  const auto id = rig_.send("test.start.v1", Json::object({{"id", kId}, {"phone", "0501234567"}}));
  EXPECT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_EQ(found(index(kId)), id);
  EXPECT_EQ(found(index("+966501234567", phi::IndexKind::phone)), id);
  EXPECT_TRUE(found(index("2087654321")).empty());
  EXPECT_EQ(rig_.engine().patient_of(id.at(0)).value(), index(kId));
  EXPECT_EQ(entries("instance.started").at(0).entry.patient, to_hex(as_bytes(index(kId))));
}

TEST_F(PatientOf, AnIdentifierThatCannotBeOneLeavesTheInstanceWithoutAndRunning) {
  rig_.deploy(file("sample", kPatient, "  - a: {set: {b: 1}}\n"));
  const auto id = rig_.send("test.start.v1", Json::object({{"id", "no"}, {"phone", "x"}}));
  EXPECT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_EQ(rig_.engine().patient_of(id.at(0)).value(), "");
  EXPECT_EQ(entries("instance.started").at(0).entry.patient, "");
}

TEST_F(PatientOf, AChildHasItsParentsPatientUnlessItHasItsOwn) {
  const std::string run =
      "  - one: {run: {workflow: {namespace: test, name: plain, version: '1.0.0'}}}\n"
      "  - two: {run: {workflow: {namespace: test, name: own, version: '1.0.0', input: {id: "
      "'2087654321'}}}}\n";
  const auto applied = rig_.engine().apply(
      {{"plain.yaml", file("plain", "", "  - a: {set: {b: 1}}\n")},
       {"own.yaml", file("own", ", metadata: {rabt: {patient: {identifier: '${ .id }'}}}",
                         "  - a: {set: {b: 1}}\n")},
       {"sample.yaml", file("sample", kPatient, run)}},
      "test");
  ASSERT_TRUE(applied.ok()) << applied.error().message;
  const auto id = rig_.send("test.start.v1", Json::object({{"id", kId}}));
  EXPECT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_EQ(found(index(kId)).size(), 2U) << "the parent and the child without a patient";
  EXPECT_EQ(found(index("2087654321")).size(), 1U);
}

TEST_F(PatientOf, ARestartKeepsThePatient) {
  rig_.deploy(file("sample", kPatient, "  - rest: {wait: PT1M}\n  - a: {set: {b: 1}}\n"));
  const auto id = rig_.send("test.start.v1", Json::object({{"id", kId}}));
  EXPECT_EQ(rig_.wait_status(id.at(0), "waiting"), "waiting");
  rig_.crash();
  rig_.start();
  rig_.clock().advance_ms(61'000);
  EXPECT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_EQ(entries("timer.fired").at(0).entry.patient, to_hex(as_bytes(index(kId))));
}

TEST_F(PatientOf, WhatIsSentOutsideIsInTheLogBeforeItLeaves) {
  std::int64_t logged_before = -1;
  LoopbackHttp outside([&](const LoopbackRequest&) -> LoopbackResponse {
    logged_before = static_cast<std::int64_t>(entries("action.sent").size());
    return {.status = 200, .body = "{}"};
  });
  rig_.crash();
  rig_.http.allow = std::make_shared<const net::AllowList>(
      net::AllowList::make({outside.origin()}, true).value());
  rig_.start();
  rig_.deploy(file("sample", kPatient,
                   "  - ask: {call: http, with: {method: post, endpoint: '" + outside.origin() +
                       "/lab', body: {name: Layla}}}\n"));
  const auto id = rig_.send("test.start.v1", Json::object({{"id", kId}}));
  ASSERT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_EQ(logged_before, 1);
  const auto sent = entries("action.sent");
  ASSERT_EQ(sent.size(), 1U);
  const audit::Entry& entry = sent[0].entry;
  EXPECT_EQ(entry.patient, to_hex(as_bytes(index(kId))));
  EXPECT_EQ(entry.object, "instance:" + id.at(0));
  EXPECT_EQ(entry.purpose, "TREAT");
  EXPECT_EQ(entry.detail.string_or("host", ""), outside.origin().substr(7));
  EXPECT_EQ(entry.detail["fields"].dump(), R"(["headers","body"])");
  EXPECT_EQ(sent[0].canonical.find("Layla"), std::string::npos);
  EXPECT_EQ(sent[0].canonical.find("/lab"), std::string::npos);
}

TEST_F(PatientOf, ACallOfTheHubsOwnServiceIsNoDisclosure) {
  rig_.script().on("do-key", [](ScriptedService::Call call) { call.done(done()); });
  rig_.deploy(file("sample", kPatient, "  - ask: {call: 'do-key:1.0.0@script', with: {n: 1}}\n"));
  const auto id = rig_.send("test.start.v1", Json::object({{"id", kId}}));
  ASSERT_EQ(rig_.wait_status(id.at(0), "completed"), "completed");
  EXPECT_TRUE(entries("action.sent").empty());
  EXPECT_EQ(entries("action.ended").at(0).entry.patient, to_hex(as_bytes(index(kId))));
}

}  // namespace
}  // namespace rabt::engine::patient_test
