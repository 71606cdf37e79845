#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mapping.hpp"
#include "rabt/http_result.hpp"

// The RESTful API of FHIR R4 (http://hl7.org/fhir/R4/http.html): requests, and what an answer
// means.
namespace rabt::fhir {

using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

[[nodiscard]] HttpRequest read_request(const Settings& settings, const std::string& type,
                                       const std::string& id);
// Created only when no resource of this type has the identifier yet (If-None-Exist): a repeat finds
// the first one.
[[nodiscard]] HttpRequest create_request(const Settings& settings, const Json& resource,
                                         const std::string& system, const std::string& value);
// body: the whole resource. version: the one that it replaces (If-Match).
[[nodiscard]] HttpRequest update_request(const Settings& settings, const std::string& type,
                                         const std::string& id, std::string body,
                                         const std::string& version);
// The CapabilityStatement of the record system.
[[nodiscard]] HttpRequest metadata_request(const Settings& settings);
// body: a Bundle of type transaction. The answer need not repeat the resources.
[[nodiscard]] HttpRequest transaction_request(const Settings& settings, std::string body);
// By POST, so that identifiers of patients stay out of addresses and access logs.
[[nodiscard]] HttpRequest search_request(const Settings& settings, const std::string& type,
                                         const Json& parameters, std::int64_t count);
// The coverages of a patient with the organisations that pay, by the id that the record system
// gave: nothing in the address says who that is.
[[nodiscard]] HttpRequest coverage_request(const Settings& settings, const std::string& patient,
                                           std::int64_t count);
// A further page. link: an address, or a path on the same server. Nothing when it leads outside
// base_url: another server would be handed the credentials.
[[nodiscard]] std::optional<HttpRequest> page_request(const Settings& settings,
                                                      const std::string& link);
// The same request at the place that a 307 or 308 names. Nothing for other answers, and when the
// place lies on another server.
[[nodiscard]] std::optional<HttpRequest> moved_request(const Settings& settings,
                                                       const HttpRequest& request,
                                                       const HttpResult& answer);

// The resource in the answer when it has this type, else nothing.
[[nodiscard]] std::optional<Json> resource_of(const HttpResult& answer, std::string_view type);

// Which resource an answer is about: from its body, else from Location and ETag. Members are ""
// when it does not say.
struct Written {
  std::string id;
  std::string version;
};
[[nodiscard]] Written written(const HttpResult& answer, const std::string& type);

// True for the answer of a record system that took nothing of a transaction and would not do so
// later either: each of its changes may be taken alone. R4 names 400 and 500 for it, so 500 is no
// outage here.
[[nodiscard]] bool refuses_transaction(const HttpResult& answer);

// The outcome of a request that did not succeed. Every request of this plugin may be sent again
// without harm, so a lost answer is transient. Of an OperationOutcome only the issue codes are
// passed on: its texts may quote patient data.
[[nodiscard]] Outcome failure(const HttpResult& answer);

}  // namespace rabt::fhir
