#include "tools/demo/chart.hpp"

#include <array>
#include <cstdio>
#include <vector>

#include "hub/net/local_http.hpp"

namespace rabt::demo {

namespace {

// Number of resources of a type in the chart of a visit that BookedVisit plays.
struct Part {
  const char* type;
  std::size_t count;
};
constexpr std::array kParts{Part{"Condition", 2}, Part{"Observation", 4},
                            Part{"MedicationRequest", 1}, Part{"Composition", 1}};

Result<Json> read(net::LocalHttp& http, const std::string& url) {
  return http.json("GET", url, {{"Authorization", "Bearer sandbox-fhir-token"}});
}

}  // namespace

std::string chart_line(const Json& resource) {
  const std::string type = resource.string_or("resourceType", "");
  const Json& concept_of = type == "MedicationRequest" ? resource["medicationCodeableConcept"]
                           : type == "Composition"     ? resource["type"]
                                                       : resource["code"];
  // The class of an Encounter is a coding by itself. A drug that the doctor wrote in words has no
  // code: the number of its prescription stands there.
  const Json& coding = type == "Encounter" ? resource["class"] : concept_of["coding"][0];
  const std::string code =
      coding.string_or("code", resource["groupIdentifier"].string_or("value", "-"));
  std::array<char, 256> line{};
  std::snprintf(line.data(), line.size(), "%-55s %-9s %s",
                (type + "/" + resource.string_or("id", "?")).c_str(), code.c_str(),
                coding.string_or("display", concept_of.string_or("text", "")).c_str());
  return line.data();
}

Result<std::string> chart_of(const std::string& fhir_url, const std::string& encounter,
                             const std::string& consultation) {
  net::LocalHttp http;
  const std::string base = fhir_url + "/fhir/";
  RABT_TRY(visit, read(http, base + encounter));
  std::string lines = chart_line(visit);
  for (const Part& part : kParts) {
    // A note has the hub's own identifier; the other resources name their encounter.
    const std::string by = std::string(part.type) == "Composition"
                               ? "identifier=https://rabt.health/record%7C" + consultation + "/note"
                               : "encounter=" + encounter;
    RABT_TRY(found, read(http, base + part.type + "?" + by));
    if (found["entry"].size() != part.count)
      return unavailable("demo.waits", "the chart has " + std::to_string(found["entry"].size()) +
                                           " of type " + part.type + ", not " +
                                           std::to_string(part.count));
    for (const Json& entry : found["entry"].as_array())
      lines += "\n" + chart_line(entry["resource"]);
  }
  return lines;
}

}  // namespace rabt::demo
