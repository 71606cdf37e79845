#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "chart.hpp"
#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::fhir::test {

using testing::Answer;
using testing::Request;
using testing::TestHost;

inline Json visit() {
  return Json::parse(R"({
    "consultation": "01ABC",
    "diagnoses": [{"code": "G43.9", "display": "Migraine, unspecified", "type": "principal"},
                  {"code": "I10", "type": "secondary"}],
    "notes": {"chiefComplaint": "صداع منذ يومين", "treatmentPlan": "Rest <b>&\nwater"},
    "vitals": {"systolic": 138, "diastolic": 88, "pulse": 84, "temperatureCel": 36.8},
    "prescriptions": [{"number": "RX-2026-1", "issuedAt": "2026-03-10T06:15:00Z",
                       "items": [{"name": "Sumatriptan", "code": "N02CC01", "dosage": "50 mg", "frequency": "once",
                                  "instructions": "With water"}]}],
    "sources": {"diagnoses/0": {"at": "2026-03-10T06:18:00Z"}, "vitals/pulse": {"at": "2026-03-10T06:05:00Z"}}})");
}

// A record system that holds the encounter of the visit, and what is written.
struct RecordSystem {
  std::map<std::string, std::vector<Json>> resources;  // by type
  std::map<std::string, int> refused;                  // type -> status of creations and updates
  // The status of an answer that is no success, for this request alone; nothing for the others.
  std::function<std::optional<int>(const Request&)> fails;
  bool searches = true;  // false: parameters of a search are ignored, as handling=lenient permits
  // Its CapabilityStatement has `transaction`, and conditionalCreate of these types.
  std::set<std::string> together;
  bool any_of = true;  // false: a search for one of several identifiers finds nothing
  bool atomic = true;  // false: an entry that is refused does not undo the others
  int transactions = 0;
  int writes = 0;
  TestHost host{R"({"base_url": "https://ehr.example.sa/fhir"})"};

  RecordSystem() {
    resources["Encounter"].push_back(Json::parse(R"({"resourceType": "Encounter", "id": "e1",
        "meta": {"versionId": "1"}, "status": "finished",
        "identifier": [{"system": "https://rabt.health/consultation", "value": "01ABC"}],
        "subject": {"reference": "Patient/p1"},
        "participant": [{"individual": {"reference": "Practitioner/d1"}}],
        "period": {"start": "2026-03-10T06:00:00Z", "end": "2026-03-10T06:20:00Z"}})"));
    host.outside = [this](const Request& request) { return answer(request); };
  }
  Json* find(const std::string& type, const std::string& id) {
    for (Json& item : resources[type]) {
      if (item["id"] == id) return &item;
    }
    return nullptr;
  }
  static bool matches(const Json& resource, const std::string& body) {
    if (body.starts_with("encounter=")) {
      // A DocumentReference names it in its context.
      const Json context = resource.value("context", Json::object());
      const Json listed = context.value("encounter", Json::array());
      const Json encounter =
          listed.empty() ? resource.value("encounter", Json::object()) : listed.front();
      const std::string whole = encounter.value("reference", "");
      return !whole.empty() && body.starts_with("encounter=" + sdk::percent_encode(whole) + "&");
    }
    Json own = resource.value("identifier", Json::array());
    if (own.is_object()) own = Json::array({own});
    std::string wanted = body.substr(0, body.find('&')) + "%2C";
    wanted.replace(0, std::string("identifier=").size(), "%2C");
    return std::any_of(own.begin(), own.end(), [&](const Json& item) {
      return wanted.find(
                 "%2C" +
                 sdk::percent_encode(item.value("system", "") + "|" + item.value("value", "")) +
                 "%2C") != std::string::npos;
    });
  }
  [[nodiscard]] Answer metadata() const {
    Json types = Json::array();
    for (const std::string& type : together)
      types.push_back({{"type", type}, {"conditionalCreate", true}});
    const Json rest = {{"mode", "server"},
                       {"interaction", Json::array({{{"code", "transaction"}}})},
                       {"resource", types}};
    return {
        .status = 200,
        .body =
            Json({{"resourceType", "CapabilityStatement"}, {"rest", Json::array({rest})}}).dump()};
  }
  // An entry of a transaction, without references to others of it.
  Json take(const Json& entry) {
    const Json& request = entry["request"];
    const std::string url = request["url"];
    const std::string type = url.substr(0, url.find('/'));
    Json node = entry["resource"];
    EXPECT_EQ(node.dump().find("urn:uuid:"), std::string::npos) << node;
    const auto done = [](const char* status, const Json& resource) {
      return Json({{"response",
                    {{"status", status},
                     {"location", resource["resourceType"].get<std::string>() + "/" +
                                      resource["id"].get<std::string>() + "/_history/1"}}}});
    };
    if (const auto no = refused.find(type); no != refused.end())
      return {{"response", {{"status", std::to_string(no->second)}}}};
    if (request["method"] == "PUT") {
      Json* const found = find(type, url.substr(type.size() + 1));
      const std::string version = (*found)["meta"].value("versionId", "");
      if (request["ifMatch"] != "W/\"" + version + "\"")
        return {{"response", {{"status", "412 Precondition Failed"}}}};
      node["meta"]["versionId"] = version + "1";
      ++writes;
      *found = node;
      return done("200 OK", node);
    }
    for (const Json& item : resources[type]) {
      if (matches(item, request["ifNoneExist"].get<std::string>() + "&")) return done("200", item);
    }
    node["id"] = std::to_string(++writes);
    node["meta"]["versionId"] = "1";
    resources[type].push_back(node);
    return done("201 Created", node);
  }
  Answer transaction(std::string body) {
    ++transactions;
    const auto before = resources;
    const int before_writes = writes;
    Json answers = Json::array();
    const std::size_t count = Json::parse(body)["entry"].size();
    for (std::size_t at = 0; at < count; ++at) {
      const Json entry = Json::parse(body)["entry"][at];
      answers.push_back(take(entry));
      const Json& response = answers.back()["response"];
      const std::string status = response["status"];
      if (atomic && !status.starts_with("2")) {
        resources = before;
        writes = before_writes;
        return {.status = std::stoi(status)};
      }
      const std::string name = entry["fullUrl"];
      if (!name.starts_with("urn:uuid:") || !response.contains("location")) continue;
      std::string reference = response["location"];
      reference.erase(reference.find("/_history"));
      for (auto found = body.find(name); found != std::string::npos; found = body.find(name))
        body.replace(found, name.size(), reference);
    }
    const Json answer = {
        {"resourceType", "Bundle"}, {"type", "transaction-response"}, {"entry", answers}};
    return {.status = 200, .body = answer.dump()};
  }
  Answer search(const std::string& type, const std::string& body) {
    Json bundle = {{"resourceType", "Bundle"}, {"type", "searchset"}, {"entry", Json::array()}};
    if (!any_of && body.find("%2C") != std::string::npos)
      return {.status = 200, .body = bundle.dump()};
    for (const Json& item : resources[type]) {
      if (!searches || matches(item, body)) bundle["entry"].push_back({{"resource", item}});
    }
    return {.status = 200, .body = bundle.dump()};
  }
  Answer answer(const Request& request) {
    if (fails) {
      if (const auto status = fails(request)) return {.status = *status};
    }
    if (request.url() == "https://ehr.example.sa/fhir") return transaction(request.body);
    std::string path(request.url().substr(std::string("https://ehr.example.sa/fhir/").size()));
    const std::string type = path.substr(0, path.find('/'));
    path.erase(0, std::min(path.size(), type.size() + 1));
    if (type == "metadata") return together.empty() ? Answer{.status = 404} : metadata();
    if (path == "_search") return search(type, request.body);
    if (request.method() == "GET") {
      const Json* const found = find(type, path);
      return found == nullptr ? Answer{.status = 404}
                              : Answer{.status = 200, .body = found->dump()};
    }
    if (const auto no = refused.find(type); no != refused.end()) return {.status = no->second};
    ++writes;
    Json item = Json::parse(request.body);
    if (request.method() == "PUT") {
      Json* const found = find(type, path);
      EXPECT_EQ(request.header("If-Match"),
                "W/\"" + (*found)["meta"].value("versionId", "") + "\"");
      item["meta"]["versionId"] = (*found)["meta"].value("versionId", "") + "1";
      *found = item;
      return {.status = 200, .body = item.dump()};
    }
    EXPECT_FALSE(request.header("If-None-Exist").empty());
    item["id"] = std::to_string(writes);
    item["meta"]["versionId"] = "1";
    resources[type].push_back(item);
    return {.status = 201, .body = item.dump()};
  }
  Json write(const Json& input) {
    const auto outcome = host.call("write-record", input);
    EXPECT_EQ(outcome.kind, sdk::Kind::done) << outcome.code;
    return outcome.kind == sdk::Kind::done ? Json::parse(outcome.output) : Json();
  }
  Json& the(const std::string& type, const std::string& code) {
    static Json none;
    for (Json& item : resources[type]) {
      if (item.dump().find('"' + code + '"') != std::string::npos) return item;
    }
    ADD_FAILURE() << type << " " << code;
    return none;
  }
  // Stores a resource of somebody else; its reference.
  std::string store(Json resource, const std::string& id) {
    const std::string type = resource["resourceType"];
    resource["id"] = id;
    resource["meta"]["versionId"] = "1";
    resources[type].push_back(std::move(resource));
    return type + "/" + id;
  }
};

// Diagnoses of an Encounter: "1 Condition/7", rank and reference of each.
inline std::vector<std::string> diagnoses_of(const Json& encounter) {
  std::vector<std::string> out;
  for (const Json& item : sdk::list_of(encounter, "diagnosis"))
    out.push_back(item.value("rank", Json()).dump() + " " +
                  sdk::text_of(sdk::member_of(item, "condition"), "reference"));
  return out;
}

// References of the sections of a note.
inline std::vector<std::string> entries_of(const Json& composition) {
  std::vector<std::string> out;
  for (const Json& section : sdk::list_of(composition, "section")) {
    for (const Json& item : sdk::list_of(section, "entry"))
      out.push_back(sdk::text_of(item, "reference"));
  }
  return out;
}

}  // namespace rabt::fhir::test
