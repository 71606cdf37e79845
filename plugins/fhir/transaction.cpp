#include "transaction.hpp"

#include <algorithm>
#include <utility>

#include "correction.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"

namespace rabt::fhir {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;

namespace {

// A name that no other entry of the same Bundle has: the record system puts the reference of the
// resource in its place.
std::string placeholder(std::size_t number) {
  constexpr std::size_t kDigits = 12;
  const std::string digits = std::to_string(number);
  return "urn:uuid:00000000-0000-4000-8000-" + std::string(kDigits - digits.size(), '0') + digits;
}

// "https://ehr/fhir/Condition/7/_history/1" -> "Condition/7"; "" for another type.
std::string reference_in(const std::string& location, const std::string& type) {
  const std::string path = "/" + location;
  const auto at = path.rfind("/" + type + "/");
  if (at == std::string::npos) return {};
  const std::string id = path.substr(at + type.size() + 2);
  return id.empty() ? std::string() : type + "/" + id.substr(0, id.find('/'));
}

}  // namespace

Abilities abilities_of(const Json& statement) {
  Abilities out;
  for (const Json& rest : list_of(statement, "rest")) {
    if (text_of(rest, "mode") != "server") continue;
    for (const Json& node : list_of(rest, "interaction"))
      out.transaction = out.transaction || text_of(node, "code") == "transaction";
    for (const Json& item : list_of(rest, "resource")) {
      if (member_of(item, "conditionalCreate") == true)
        out.conditional_create.insert(text_of(item, "type"));
    }
  }
  return out;
}

std::string Transaction::make(const ChartEntry& wanted) {
  const auto again = std::find_if(changes_.begin(), changes_.end(), [&](const Change& change) {
    return !change.identifier.empty() && change.identifier == wanted.identifier &&
           text_of(change.resource, "resourceType") == wanted.type;
  });
  if (again != changes_.end()) {
    again->resource = corrected(again->resource, wanted);
    return again->reference;
  }
  changes_.push_back({.reference = placeholder(changes_.size() + 1),
                      .identifier = wanted.identifier,
                      .version = {},
                      .resource = wanted.resource});
  return changes_.back().reference;
}

bool Transaction::replace(const Json& before, const Json& now) {
  const std::string version = text_of(member_of(before, "meta"), "versionId");
  if (version.empty()) return false;
  const std::string reference = text_of(before, "resourceType") + "/" + text_of(before, "id");
  const auto again = std::find_if(changes_.begin(), changes_.end(), [&](const Change& change) {
    return change.reference == reference;
  });
  if (again != changes_.end()) {
    again->resource = now;
  } else {
    changes_.push_back(
        {.reference = reference, .identifier = {}, .version = version, .resource = now});
  }
  return true;
}

bool Transaction::suits(const Abilities& abilities) const {
  return abilities.transaction &&
         std::all_of(changes_.begin(), changes_.end(), [&](const Change& change) {
           return change.identifier.empty() ||
                  abilities.conditional_create.contains(text_of(change.resource, "resourceType"));
         });
}

Json Transaction::bundle(const Settings& settings) const {
  Json entries = Json::array();
  for (const Change& change : changes_) {
    Json entry = Json::object();
    entry["resource"] = change.resource;
    if (change.identifier.empty()) {
      entry["fullUrl"] = settings.base_url + "/" + change.reference;
      entry["request"] = {{"method", "PUT"},
                          {"url", change.reference},
                          {"ifMatch", "W/\"" + change.version + "\""}};
    } else {
      entry["fullUrl"] = change.reference;
      entry["request"] = {
          {"method", "POST"},
          {"url", text_of(change.resource, "resourceType")},
          {"ifNoneExist", "identifier=" + sdk::percent_encode(std::string(kRecordSystem) + "|" +
                                                              change.identifier)}};
    }
    entries.push_back(std::move(entry));
  }
  return {{"resourceType", "Bundle"}, {"type", "transaction"}, {"entry", std::move(entries)}};
}

std::optional<std::map<std::string, std::string>> Transaction::made(const Json& answer) const {
  const Json& entries = list_of(answer, "entry");
  if (entries.size() != changes_.size()) return std::nullopt;
  std::map<std::string, std::string> out;
  auto change = changes_.begin();
  for (const Json& entry : entries) {
    const Change& one = *change++;
    const Json& response = member_of(entry, "response");
    const std::string status = text_of(response, "status");
    if (!status.starts_with(one.identifier.empty() ? "2" : "201")) return std::nullopt;
    if (one.identifier.empty()) continue;
    const std::string type = text_of(one.resource, "resourceType");
    std::string reference = reference_in(text_of(response, "location"), type);
    const Json& resource = member_of(entry, "resource");
    if (reference.empty() && text_of(resource, "resourceType") == type &&
        !text_of(resource, "id").empty())
      reference = type + "/" + text_of(resource, "id");
    if (reference.empty()) return std::nullopt;
    out[one.reference] = reference;
  }
  return out;
}

}  // namespace rabt::fhir
