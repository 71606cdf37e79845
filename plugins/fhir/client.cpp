#include "client.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

namespace {

using sdk::percent_encode;
using sdk::text_of;

constexpr const char* kContentType = "application/fhir+json";
// Issues of an OperationOutcome that are passed on.
constexpr std::size_t kMaxIssues = 10;
// A chart does not wait for a CapabilityStatement that does not come.
constexpr std::int64_t kMetadataTimeoutMs = 10'000;

HttpRequest request_to(const Settings& settings, std::string method, std::string url) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  sdk::Header accept;
  accept.name = "Accept";
  accept.value = kContentType;
  request.headers.push_back(std::move(accept));
  if (settings.bearer) {
    sdk::Header credential;
    credential.name = "Authorization";
    credential.secret = "access_token";
    credential.prefix = "Bearer ";
    request.headers.push_back(std::move(credential));
  }
  return request;
}

void add_header(HttpRequest& request, const char* name, std::string value) {
  sdk::Header header;
  header.name = name;
  header.value = std::move(value);
  request.headers.push_back(std::move(header));
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return {};
}

// "W/\"3\"" -> "3"
std::string version_in(const std::string& etag) {
  const auto begin = etag.find('"');
  const auto end = etag.rfind('"');
  return begin == std::string::npos || end <= begin ? std::string()
                                                    : etag.substr(begin + 1, end - begin - 1);
}

bool is_code(const std::string& code) {
  return !code.empty() && code.size() <= 40 && std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '-';
  });
}

Json issue_codes(const HttpResult& answer) {
  Json codes = Json::array();
  const auto outcome = resource_of(answer, "OperationOutcome");
  if (!outcome) return codes;
  for (const Json& issue : sdk::list_of(*outcome, "issue")) {
    const std::string code = text_of(issue, "code");
    if (codes.size() < kMaxIssues && is_code(code)) codes.push_back(code);
  }
  return codes;
}

// "https://ehr/fhir?a" -> {"https://ehr", "/fhir?a"}: the scheme and the authority in lower case
// and without the port that the scheme means anyhow.
struct Address {
  std::string server;
  std::string rest;
};
Address address_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto end = std::min(url.find_first_of("/?#\\", scheme + 3), url.size());
  Address out{sdk::lower(url.substr(0, end)), std::string(url.substr(end))};
  for (const auto& [name, port] : {std::pair{"https://", ":443"}, {"http://", ":80"}}) {
    if (out.server.starts_with(name) && out.server.ends_with(port))
      out.server.erase(out.server.size() - std::string_view(port).size());
  }
  return out;
}

bool is_absolute(std::string_view link) {
  return link.starts_with("//") || link.substr(0, link.find_first_of("/?#")).ends_with(':');
}

// The address of a link, absolute or a path from the root, on the server of base; nothing when it
// leads elsewhere, or climbs with "..".
std::optional<std::string> on_server(const std::string& base, std::string link) {
  const Address own = address_of(base);
  if (link.starts_with("//")) link.insert(0, own.server.substr(0, own.server.find(':') + 1));
  const Address to = is_absolute(link) ? address_of(link) : Address{own.server, link};
  if (own.server.empty() || to.server != own.server) return std::nullopt;
  std::string path = sdk::lower(to.rest.substr(0, to.rest.find_first_of("?#")));
  for (auto at = path.find("%2e"); at != std::string::npos; at = path.find("%2e", at))
    path.replace(at, 3, ".");
  const auto climbs = [&path](std::string_view step) {
    return (path + "/").find(step) != std::string::npos;
  };
  if (climbs("/../") || climbs("/./") || path.find('\\') != std::string::npos) return std::nullopt;
  return own.server + to.rest.substr(0, to.rest.find('#'));
}

}  // namespace

HttpRequest read_request(const Settings& settings, const std::string& type, const std::string& id) {
  return request_to(settings, "GET",
                    settings.base_url + "/" + percent_encode(type) + "/" + percent_encode(id));
}

HttpRequest create_request(const Settings& settings, const Json& resource,
                           const std::string& system, const std::string& value) {
  HttpRequest request =
      request_to(settings, "POST", settings.base_url + "/" + text_of(resource, "resourceType"));
  add_header(request, "Content-Type", kContentType);
  add_header(request, "Prefer", "return=representation");
  add_header(request, "If-None-Exist", "identifier=" + percent_encode(system + "|" + value));
  request.body = resource.dump();
  return request;
}

HttpRequest update_request(const Settings& settings, const std::string& type, const std::string& id,
                           std::string body, const std::string& version) {
  HttpRequest request = request_to(
      settings, "PUT", settings.base_url + "/" + percent_encode(type) + "/" + percent_encode(id));
  add_header(request, "Content-Type", kContentType);
  add_header(request, "Prefer", "return=representation");
  add_header(request, "If-Match", "W/\"" + version + "\"");
  request.body = std::move(body);
  return request;
}

HttpRequest metadata_request(const Settings& settings) {
  HttpRequest request = request_to(settings, "GET", settings.base_url + "/metadata");
  request.timeout_ms = kMetadataTimeoutMs;
  return request;
}

HttpRequest transaction_request(const Settings& settings, std::string body) {
  HttpRequest request = request_to(settings, "POST", settings.base_url);
  add_header(request, "Content-Type", kContentType);
  add_header(request, "Prefer", "return=minimal");
  request.body = std::move(body);
  return request;
}

HttpRequest search_request(const Settings& settings, const std::string& type,
                           const Json& parameters, std::int64_t count) {
  HttpRequest request =
      request_to(settings, "POST", settings.base_url + "/" + percent_encode(type) + "/_search");
  add_header(request, "Content-Type", "application/x-www-form-urlencoded");
  sdk::Form form;
  if (parameters.is_object()) {
    for (const auto& [name, value] : parameters.items()) {
      if (value.is_array()) {
        for (const Json& each : value) form.emplace_back(name, value_text(each));
      } else {
        form.emplace_back(name, value_text(value));
      }
    }
  }
  if (!parameters.is_object() || !parameters.contains("_count"))
    form.emplace_back("_count", std::to_string(count));
  request.body = sdk::encode_form(form);
  return request;
}

HttpRequest coverage_request(const Settings& settings, const std::string& patient,
                             std::int64_t count) {
  return request_to(
      settings, "GET",
      settings.base_url + "/Coverage?beneficiary=" + percent_encode("Patient/" + patient) +
          "&_include=" + percent_encode("Coverage:payor") + "&_count=" + std::to_string(count));
}

std::optional<HttpRequest> page_request(const Settings& settings, const std::string& link) {
  const bool below = !is_absolute(link) && !link.starts_with('/');
  const auto url =
      on_server(settings.base_url,
                !below ? link : settings.base_url + (link.starts_with('?') ? "" : "/") + link);
  const auto base = on_server(settings.base_url, settings.base_url);
  if (!url || !base || !url->starts_with(*base) ||
      (url->size() > base->size() && (*url)[base->size()] != '/' && (*url)[base->size()] != '?'))
    return std::nullopt;
  return request_to(settings, "GET", *url);
}

std::optional<HttpRequest> moved_request(const Settings& settings, const HttpRequest& request,
                                         const HttpResult& answer) {
  if (!answer.answered() || (answer.status != 307 && answer.status != 308)) return std::nullopt;
  const std::string place = header_of(answer, "location");
  if (!is_absolute(place) && !place.starts_with('/')) return std::nullopt;
  const auto url = on_server(settings.base_url, place);
  if (!url) return std::nullopt;
  HttpRequest again = request;
  again.url = *url;
  return again;
}

std::optional<Json> resource_of(const HttpResult& answer, std::string_view type) {
  auto resource = sdk::parse_json(answer.body);
  if (!resource || !resource->is_object() || text_of(*resource, "resourceType") != type)
    return std::nullopt;
  return resource;
}

Written written(const HttpResult& answer, const std::string& type) {
  Written out;
  if (const auto resource = resource_of(answer, type)) {
    out.id = text_of(*resource, "id");
    out.version = text_of(sdk::member_of(*resource, "meta"), "versionId");
  }
  // [base]/Type/id/_history/version
  const std::string location = header_of(answer, "location");
  const auto at = location.rfind("/" + type + "/");
  if (out.id.empty() && at != std::string::npos) {
    const std::string rest = location.substr(at + type.size() + 2);
    out.id = rest.substr(0, rest.find('/'));
  }
  if (out.version.empty()) out.version = version_in(header_of(answer, "etag"));
  if (out.version.empty() && at != std::string::npos) {
    const auto history = location.find("/_history/", at);
    if (history != std::string::npos) out.version = location.substr(history + 10);
  }
  return out;
}

bool refuses_transaction(const HttpResult& answer) {
  if (!answer.answered()) return failure(answer).kind == sdk::Kind::permanent;
  constexpr std::array kPassing{408, 429, 502, 503, 504};
  return !succeeded(answer) &&
         std::find(kPassing.begin(), kPassing.end(), answer.status) == kPassing.end();
}

Outcome failure(const HttpResult& answer) {
  if (!answer.answered()) return no_answer(answer, "fhir", sdk::Repeat::safe);
  const Json codes = issue_codes(answer);
  Json detail = Json::object();
  detail["status"] = answer.status;
  if (!codes.empty()) detail["issues"] = codes;
  std::string message = "the record system answered " + std::to_string(answer.status);
  for (std::size_t i = 0; i < codes.size(); ++i)
    message += (i == 0 ? ", issue " : ", ") + codes[i].get<std::string>();
  const std::string name = "fhir." + std::to_string(answer.status);
  // Somebody else changed the resource in between: the same request may succeed now.
  if (answer.status == 409)
    return Outcome::fail(sdk::Kind::transient, name, message, detail.dump(),
                         retry_after_ms(answer));
  return bad_status(answer, name, message, detail.dump());
}

}  // namespace rabt::fhir
