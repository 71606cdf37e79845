#include "client.hpp"

#include <algorithm>
#include <utility>

#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

namespace {

using sdk::percent_encode;
using sdk::text_of;

constexpr const char* kContentType = "application/fhir+json";
// Issues of an OperationOutcome that are passed on.
constexpr std::size_t kMaxIssues = 10;

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
  return request_to(settings, "GET",
                    settings.base_url + "/Coverage?beneficiary=" +
                        percent_encode("Patient/" + patient) + "&_count=" + std::to_string(count));
}

std::optional<HttpRequest> page_request(const Settings& settings, const std::string& link) {
  const auto mark = link.find_first_of("/?");
  const bool absolute = link.find("://") != std::string::npos;
  if (!absolute && mark != 0) return request_to(settings, "GET", settings.base_url + "/" + link);
  const auto goes_on = [&settings, &link] {
    const std::size_t end = settings.base_url.size();
    return link.starts_with(settings.base_url) &&
           (link.size() == end || link[end] == '/' || link[end] == '?');
  };
  if (!absolute && link.starts_with('?'))
    return request_to(settings, "GET", settings.base_url + link);
  if (!goes_on()) return std::nullopt;
  return request_to(settings, "GET", link);
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
