#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fixtures.hpp"
#include "tests/plugins/test_host.hpp"

// The host with this plugin's own JSON, which keeps decimals, and fictional answers of the gateway.
namespace rabt::nphies::testing {

using rabt::testing::Answer;
using rabt::testing::lost;
using rabt::testing::Request;
using rabt::testing::TestHost;
using rabt::testing::unreachable;

class NphiesHost final : public TestHost {
 public:
  explicit NphiesHost(const std::string& config = kConfig) : TestHost(config) {}
  rabt_call_id begin(const std::string& action, const Json& input, const std::string& key) {
    return FakeHost::begin(action, write_json(input), key);
  }
  sdk::Outcome call(const std::string& action, const Json& input, const std::string& key) {
    return FakeHost::call(action, write_json(input), key);
  }
};

inline Json message_with(const std::string& id, const std::string& event,
                         const std::string& response_to, Json focal) {
  Json header = Json::object();
  header["resourceType"] = "MessageHeader";
  header["eventCoding"]["code"] = event;
  if (!response_to.empty()) {
    header["response"]["identifier"] = response_to;
    header["response"]["code"] = "ok";
  }
  header["focus"] = Json::array({reference("urn:focal")});
  Json bundle = Json::object();
  bundle["resourceType"] = "Bundle";
  bundle["id"] = id;
  bundle["type"] = "message";
  Json first = Json::object();
  first["fullUrl"] = "urn:header";
  first["resource"] = header;
  Json second = Json::object();
  second["fullUrl"] = "urn:focal";
  second["resource"] = std::move(focal);
  bundle["entry"] = Json::array({first, second});
  return bundle;
}
inline Json claim_response(const Identifier& claim, const std::string& outcome,
                           const std::string& adjudication = "", const std::string& error = "") {
  Json out = Json::object();
  out["resourceType"] = "ClaimResponse";
  if (!claim.value.empty()) out["request"]["identifier"] = to_json(claim);
  out["outcome"] = outcome;
  if (!adjudication.empty()) {
    Json extension = Json::object();
    extension["url"] = std::string(kProfile) + "extension-adjudication-outcome";
    extension["valueCodeableConcept"] = nphies_code("adjudication-outcome", adjudication);
    out["extension"] = Json::array({extension});
    Json total = Json::object();
    total["category"] = hl7_code("adjudication", "benefit");
    total["amount"]["value"] = decimal("95.00");
    out["total"] = Json::array({total});
  }
  if (!error.empty()) {
    Json entry = Json::object();
    entry["code"] = nphies_code("adjudication-error", error);
    entry["code"]["coding"][0]["display"] = "Text about Canaryname";
    out["error"] = Json::array({entry});
  }
  return out;
}
// Answers a request with the focal resource that make returns for its focal identifier.
inline Answer answered(const Request& sent, const std::string& event,
                       const std::function<Json(const Identifier&)>& make) {
  const Json request = parse_json(sent.body);
  Answer out;
  out.body = write_json(message_with(
      "answer-" + text_at(request, "id"), event, text_at(request, "entry/0/resource/id"),
      make(identifier_at(request, "entry/1/resource/identifier/0"))));
  return out;
}
inline Json poll_answer(const Json& request, const std::vector<Json>& nested, bool more) {
  Json task = Json::object();
  task["resourceType"] = "Task";
  task["status"] = "completed";
  Json out =
      message_with("poll-answer", "poll-response", text_at(request, "entry/0/resource/id"), task);
  if (more)
    out["entry"][0]["resource"]["meta"]["tag"] =
        Json::array({parse_json(R"({"code": "queued-messages"})")});
  for (const Json& bundle : nested) {
    Json entry = Json::object();
    entry["fullUrl"] = "urn:uuid:" + text_at(bundle, "id");
    entry["resource"] = bundle;
    out["entry"].push_back(entry);
  }
  return out;
}

}  // namespace rabt::nphies::testing
