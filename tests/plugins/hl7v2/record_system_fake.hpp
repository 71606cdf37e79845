#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hl7.hpp"
#include "rabt/json_nlohmann.hpp"
#include "settings.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::hl7v2::test {

using testing::Answer;
using testing::Request;
using testing::TestHost;

// All people are fictional.
inline Json encounter() {
  return Json::parse(R"({
    "consultation": "01ABC",
    "appointment": {"reference": "PL-1^EHR|FL-1^HIS|V-7", "patientReference": "MRN001^^^CLINIC^MR~1000000008^^^KSA^NI",
                    "practitionerReference": "N-P-00001^Subaie^Noura"},
    "patient": {"identifier": {"value": "1000000008", "type": "NI"}, "name": "Sami Canaryname", "gender": "male",
                "family": "Canaryname", "given": ["Sami"], "birthDate": "1985-04-12"},
    "practitioner": {"licence": "N-P-00001", "name": "Dr. Noura"},
    "start": "2026-03-10T06:00:00Z", "end": "2026-03-10T06:20:00Z"})");
}
inline Json visit() {
  return Json::parse(R"({
    "consultation": "01ABC",
    "patient": {"identifier": {"value": "1000000008", "type": "NI"}, "name": "Sami Canaryname"},
    "diagnoses": [{"code": "G43.9", "display": "Migraine, unspecified", "type": "principal"},
                  {"code": "I10", "type": "secondary"}],
    "notes": {"chiefComplaint": "صداع منذ يومين", "treatmentPlan": "Rest | salt & water\nSleep"},
    "vitals": {"systolic": 138, "diastolic": 88, "pulse": 84, "temperatureCel": 36.8},
    "prescriptions": [{"number": "RX-2026-1", "issuedAt": "2026-03-10T06:15:00Z",
                       "items": [{"name": "Sumatriptan", "code": "N02CC01", "dosage": "50 mg", "frequency": "once",
                                  "instructions": "With water"}]}],
    "sources": {"diagnoses/0": {"at": "2026-03-10T06:18:00Z"}, "vitals/pulse": {"at": "2026-03-10T06:05:00Z"}}})");
}

inline std::string field(const std::string& text, const std::string& name, std::size_t number,
                         int part = 1, std::size_t nth = 0) {
  Message message;
  message.read(text, "UNICODE UTF-8");
  for (const Segment& segment : message.segments()) {
    if (segment.name() != name || nth-- > 0) continue;
    return segment.text(number, part);
  }
  return "none";
}
inline std::size_t count(const std::string& text, const std::string& name) {
  Message message;
  message.read(text, "UNICODE UTF-8");
  std::size_t out = 0;
  for (const Segment& segment : message.segments()) out += segment.name() == name ? 1 : 0;
  return out;
}
inline std::string kind_of(const std::string& message) {
  return field(message, "MSH", 9) + "^" + field(message, "MSH", 9, 2);
}

// A record system that takes each message once, by MSH-10, and has the encounter of the visit.
struct RecordSystem {
  explicit RecordSystem(std::string config = R"({"url": "mllps://his.example.sa:2575"})")
      : host(std::move(config)) {
    host.outside = [this](const Request& request) { return answer(request); };
    EXPECT_EQ(host.call("write-encounter", encounter(), "e").kind, sdk::Kind::done);
    taken.clear();
    seen.clear();
  }
  // Answers {MSA-1, segments after MSA}; an empty MSA-1 loses the answer of a message that was
  // taken. By its kind, "ADT^A08", and the message.
  std::function<std::pair<std::string, std::string>(const std::string&, const std::string&)> says =
      [](const std::string&, const std::string&) { return std::pair("AA", ""); };
  std::vector<std::string> taken;  // messages, each once
  std::vector<std::string> seen;   // kinds of all that came
  TestHost host;

  Answer answer(const Request& request) {
    const std::string id = field(request.body, "MSH", 10);
    const auto [code, more] = says(kind_of(request.body), request.body);
    seen.push_back(kind_of(request.body));
    const bool takes = code.empty() || code == "AA";
    bool again = false;
    for (const std::string& text : taken) {
      if (field(text, "MSH", 10) != id) continue;
      again = true;
      EXPECT_EQ(text, request.body) << "another message under the same MSH-10";
    }
    if (takes && !again) taken.push_back(request.body);
    if (code.empty()) return testing::lost();
    return {.status = 200,
            .body = "MSH|^~\\&|HIS|||RABT|20260310063000||ACK|1|P|2.5.1\rMSA|" + code + "|" + id +
                    "\r" + more};
  }
  sdk::Outcome call(const Json& input, const std::string& key) {
    return host.call("write-record", input, key);
  }
  // Its output; each write has a key of its own.
  Json write(const Json& input) {
    const auto outcome = call(input, "w" + std::to_string(++writes_));
    EXPECT_EQ(outcome.kind, sdk::Kind::done) << outcome.code;
    return outcome.kind == sdk::Kind::done ? Json::parse(outcome.output) : Json();
  }
  [[nodiscard]] std::vector<std::string> kinds() const {
    std::vector<std::string> out;
    for (const std::string& text : taken) out.push_back(kind_of(text));
    return out;
  }
  // The last one of this kind.
  [[nodiscard]] std::string last(const std::string& kind) const {
    std::string out = "MSH|^~\\&|none";
    for (const std::string& text : taken) {
      if (kind_of(text) == kind) out = text;
    }
    return out;
  }

 private:
  int writes_ = 0;
};

// Answers with this code to one kind of message, AA to the others.
inline auto refusing(const std::string& kind, const std::string& code,
                     const std::string& more = "") {
  return [=](const std::string& text, const std::string& /*message*/) {
    return text == kind ? std::pair(code, more) : std::pair(std::string("AA"), std::string());
  };
}

}  // namespace rabt::hl7v2::test
