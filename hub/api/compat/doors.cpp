#include "hub/api/compat/doors.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/utf8.hpp"
#include "hub/http/form.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::embedded {
// docs/openapi.yaml
extern const std::string_view openapi;
}  // namespace rabt::embedded

namespace rabt::api::compat {

using http::Request;
using http::Response;

namespace {

const std::array<const Door*, 4>& all_doors() {
  static const std::array<const Door*, 4> doors{&kiorex(), &emr(), &pulseone(), &clinicvault()};
  return doors;
}

bool names_json(const Request& head) {
  return head.header("accept").find("application/json") != std::string_view::npos;
}

// A form with a file: texts, and the file under `audio` in base64 with its `format`.
class FormWithFile final : public http::FormSink {
 public:
  Status begin_part(const http::FormPart& part) override {
    part_ = part;
    content_.clear();
    return ok_status();
  }
  Status take_part(std::string_view piece) override {
    content_ += piece;
    return ok_status();
  }
  Status end_part() override {
    if (!part_.file_name) {
      if (!is_utf8(content_)) return invalid("http.form", "a field of the form must be UTF-8");
      fields_.set(part_.name, content_);
      return ok_status();
    }
    fields_.set("audio", to_base64(as_bytes(content_)));
    const std::string type = part_.content_type.substr(0, part_.content_type.find(';'));
    const std::size_t slash = type.find('/');
    if (slash != std::string::npos && fields_.find("format") == nullptr)
      fields_.set("format", type.substr(slash + 1));
    return ok_status();
  }
  [[nodiscard]] const Json& fields() const { return fields_; }

 private:
  http::FormPart part_;
  std::string content_;
  Json fields_ = Json::object();
};

// A form is an object of texts. Errors: json.*, api.body, http.form.
Result<Json> body_of(const Request& request) {
  if (const auto boundary = http::form_boundary(request.header("content-type"))) {
    FormWithFile form;
    http::FormReader reader(*boundary, form);
    RABT_TRY_STATUS(reader.take(request.body));
    RABT_TRY_STATUS(reader.finish());
    return form.fields();
  }
  constexpr std::string_view kForm = "application/x-www-form-urlencoded";
  if (!request.header("content-type").starts_with(kForm))
    return body_object(Call{.request = request});
  const auto pairs = http::parse_query(request.body);
  if (!pairs) return invalid("api.body", "the body is no form");
  Json body = Json::object();
  for (const auto& [name, value] : *pairs) body.set(name, value);
  return body;
}

Response html(std::string body) {
  return {.status = 200,
          .headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}},
          .body = std::move(body)};
}

constexpr std::string_view kHead =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Rabt</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}code{font-size:.9em}"
    "</style></head><body>";

std::string path_of_document(const Door& door) {
  return "/api/docs/" + std::string(door.name) + ".json";
}

std::string index_page() {
  std::string out(kHead);
  out += "<h1>APIs of this hub</h1><ul><li><a href=\"/api/v1/openapi.yaml\">/api/v1</a></li>";
  for (const Door* door : all_doors()) {
    out += "<li><a href=\"/api/docs/" + std::string(door->name) + "\">" + std::string(door->title) +
           "</a> (<a href=\"" + path_of_document(*door) + "\">OpenAPI</a>)</li>";
  }
  return out + "</ul></body></html>";
}

}  // namespace

Doors::Doors(House house, const phi::Policy& privacy,
             std::map<std::string, DoorOptions, std::less<>> options)
    : house_(std::move(house)), privacy_(privacy), options_(std::move(options)) {}

const DoorOptions& Doors::options_of(const Door& door) const {
  static const DoorOptions kDefault;
  const auto found = options_.find(door.name);
  return found == options_.end() ? kDefault : found->second;
}

Doors::Found Doors::find(std::string_view listener, const Request& head) const {
  std::string_view path = head.path;
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  Found found;
  for (const Door* door : all_doors()) {
    if (!options_of(*door).enabled) continue;
    // The pattern that fits first: a table has words before parameters.
    std::string_view first;
    for (const DoorRoute& route : door->routes) {
      const auto parameters = match(route.pattern, path);
      if (!parameters || (!first.empty() && route.pattern != first)) continue;
      if (path == "/health" && listener != door->name && !(listener.empty() && names_json(head)))
        continue;
      first = route.pattern;
      found.door = door;
      if (route.method == head.method) {
        found.route = &route;
        found.path = *parameters;
        return found;
      }
      found.allowed.append(found.allowed.empty() ? "" : ", ").append(route.method);
    }
    if (found.door != nullptr) break;
  }
  return found;
}

Response Doors::answer(const Found& found, const Request& request,
                       const identity::Caller& caller) const {
  Response response = serve(found, request, caller);
  const Lock lock(mutex_);
  ++answered_[{std::string(found.door->name), response.status}];
  return response;
}

void Doors::write_metrics(MetricsWriter& out) const {
  out.counters("rabt_door_requests_total", "Requests that compatibility APIs answered.");
  const Lock lock(mutex_);
  for (const auto& [of, count] : answered_)
    out.sample("rabt_door_requests_total",
               {{"door", of.first}, {"status", std::to_string(of.second)}}, count);
}

Response Doors::serve(const Found& found, const Request& request,
                      const identity::Caller& caller) const {
  const Door& door = *found.door;
  consultation::Caller asks{caller};
  asks.door = door.name;
  asks.manner = door.manner;
  asks.naive_offset_minutes = options_of(door).naive_offset_minutes;
  DoorCall call{.house = house_,
                .request = request,
                .status = found.route->status,
                .path = found.path,
                .caller = std::move(asks),
                .second_factor_exempt = options_of(door).second_factor_exempt};
  auto body = body_of(request);
  if (door.check != nullptr) {
    if (const Status good = door.check(*found.route, found.path); !good.ok())
      return refuse(found, request, good.error());
  }
  if (body.ok()) call.body = camel_case(*body);
  auto answered = body.ok() ? found.route->handler(call) : Result<Response>(body.error());
  if (!answered.ok()) {
    const Error& error = answered.error();
    const Status may = error.kind == ErrorKind::invalid ? may_act(*found.route, call) : ok_status();
    // That the session is not there, or is named wrongly, is for the handler to say.
    const bool denied = !may.ok() && may.error().kind == ErrorKind::denied;
    return refuse(found, request, denied ? may.error() : error);
  }
  allow_origin(door, request, *answered);
  return *std::move(answered);
}

Status Doors::may_act(const DoorRoute& route, const DoorCall& call) {
  if (route.may != nullptr) RABT_TRY_STATUS(route.may(call));
  if (!route.right) return ok_status();
  std::string session(route.may == nullptr ? call.path[0] : "");
  if (!route.session.empty()) {
    const Json& named = call.body[route.session];
    if (named.is_string()) session = named.as_string();
    if (named.is_number()) session = named.number_text();
  }
  if (!session.empty()) return call.house.sessions.acts.allows(call.caller, session, *route.right);
  if (access::is_conceivable(*route.right, call.caller.who.roles)) return ok_status();
  return denied("authorisation.denied", "no role of the caller allows this");
}

Response Doors::refuse(const Found& found, const Request& head, const Error& error) const {
  // Status, and how much of the error may leave, are those of every API of the hub.
  Response problem = http::problem(error);
  const auto document = Json::parse(problem.body);
  const std::string detail = privacy_.hub_text(
      phi::Channel::error, "detail", document.ok() ? document->string_or("detail", "") : "");
  say(*found.door, head, {.status = problem.status, .code = error.code, .detail = detail}, problem);
  return problem;
}

void Doors::say(const Door& door, const Request& head, Refusal refusal, Response& response) const {
  response.body = door.error(refusal).dump();
  response.status = refusal.status;
  std::erase_if(response.headers, [](const auto& field) { return field.first == "Content-Type"; });
  response.headers.emplace_back("Content-Type", "application/json");
  response.headers.emplace_back("X-Rabt-Code", refusal.code);
  allow_origin(door, head, response);
}

void Doors::word(std::string_view listener, const Request& head, Response& problem) const {
  const Door* const door = owner_of(listener, head.path);
  if (door == nullptr) return;
  const auto document = Json::parse(problem.body);
  if (!document.ok()) return;
  const std::string code = document->string_or("code", "");
  const std::string detail = document->string_or("detail", "");
  say(*door, head, {.status = problem.status, .code = code, .detail = detail}, problem);
}

const Door* Doors::owner_of(std::string_view listener, std::string_view path) const {
  const auto begins_with = [path](std::string_view prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  };
  const Door* own = nullptr;
  for (const Door* door : all_doors()) {
    if (!options_of(*door).enabled) continue;
    if (std::any_of(door->prefixes.begin(), door->prefixes.end(), begins_with)) return door;
    if (listener == door->name) own = door;
  }
  // The hub's own paths are served there, too.
  const bool ours = begins_with("/api/v1") || begins_with("/hooks");
  return ours ? nullptr : own;
}

Response Doors::too_many(const Found& found, const Request& head, const Limit& limit,
                         std::int64_t wait_ms) const {
  Response response =
      refuse(found, head,
             unavailable("rate.exceeded", "too many requests; wait as long as Retry-After says"));
  set_rate_headers(response, limit, wait_ms);
  return response;
}

Response Doors::other_method(const Found& found, const Request& head) const {
  if (head.method == "OPTIONS" && !head.header("access-control-request-method").empty()) {
    Response response{.status = 204};
    allow_origin(*found.door, head, response);
    if (response.headers.size() > 1) {
      response.headers.emplace_back("Access-Control-Allow-Methods", found.allowed);
      response.headers.emplace_back("Access-Control-Allow-Headers",
                                    "Authorization, Content-Type, X-Rabt-Reason, X-Rabt-Purpose");
      response.headers.emplace_back("Access-Control-Max-Age", "600");
    }
    return response;
  }
  const std::string text = "Method \"" + head.method + "\" not allowed.";
  Refusal refusal{.status = 405, .code = "http.method", .detail = text};
  const Json body = found.door->error(refusal);
  Response response = json_response(405, body);
  response.headers.emplace_back("X-Rabt-Code", "http.method");
  response.headers.emplace_back("Allow", found.allowed);
  response.cause = http::Cause{.code = "http.method", .reason = text};
  allow_origin(*found.door, head, response);
  return response;
}

void Doors::allow_origin(const Door& door, const Request& request, Response& response) const {
  const auto& origins = options_of(door).origins;
  if (origins.empty()) return;
  response.headers.emplace_back("Vary", "Origin");
  const auto origin = request.only_header("origin");
  if (origin && std::find(origins.begin(), origins.end(), *origin) != origins.end())
    response.headers.emplace_back("Access-Control-Allow-Origin", *origin);
}

std::optional<Response> Doors::description(std::string_view listener, const Request& head) const {
  if (head.method != "GET") return std::nullopt;
  const std::string_view path = head.path;
  const auto is_page = [&](std::string_view page) {
    return path == page || (page == "/docs" && path == "/redoc");
  };
  for (const Door* door : all_doors()) {
    if (!options_of(*door).enabled) continue;
    const bool own = listener == door->name;
    const std::string named = "/api/docs/" + std::string(door->name);
    // Two doors have the same address for their document; each answers on its own listener.
    const bool shared = door->description == "/openapi.json";
    if (path == named + ".json" ||
        (path == door->description && (own || (!shared && listener.empty()))))
      return json_response(200, openapi_of(*door));
    if (path == named || (is_page(door->page) && own)) return html(page_of(*door));
    const bool alone = door->page != "/docs" && door->page != "/api/docs";
    if (path == door->page && alone && listener.empty()) return html(page_of(*door));
  }
  if (path == "/api/v1/openapi.yaml") {
    return Response{.status = 200,
                    .headers = {{"Content-Type", "application/yaml"}},
                    .body = std::string(embedded::openapi)};
  }
  if (listener.empty() && (path == "/docs" || path == "/api/docs" || path == "/redoc"))
    return html(index_page());
  return std::nullopt;
}

// ---- descriptions

namespace {

struct Member {
  std::string name;
  bool query = false;
  bool optional = false;
};

// "?page sessionId notes?" as its members.
std::vector<Member> members_of(std::string_view takes) {
  std::vector<Member> out;
  while (!takes.empty()) {
    const std::string_view word = takes.substr(0, takes.find(' '));
    takes.remove_prefix(std::min(takes.size(), word.size() + 1));
    if (word.empty()) continue;
    Member member;
    member.query = word.starts_with('?');
    member.optional = word.ends_with('?');
    member.name =
        word.substr(member.query ? 1 : 0, word.size() - (member.query || member.optional ? 1 : 0));
    out.push_back(std::move(member));
  }
  return out;
}

// Statuses with which each path may refuse.
constexpr std::array<std::string_view, 15> kRefusals{"400", "401", "403", "404", "405",
                                                     "409", "410", "413", "415", "422",
                                                     "429", "500", "502", "503", "default"};
struct OtherAnswer {
  std::string_view operation;
  std::string_view status;
  std::string_view what;
};
constexpr std::array kOtherAnswers{
    OtherAnswer{"downloadRecording", "206", "the part that was asked for"},
    OtherAnswer{"downloadRecording", "304", "the caller has it"},
    OtherAnswer{"downloadRecording", "416", "the content has no such part"},
    OtherAnswer{"openSocket", "426", "the request does not ask for a WebSocket"},
    OtherAnswer{"openSocket", "101", "the connection is a WebSocket"},
    OtherAnswer{"login", "303", "a browser's form, on to the dashboard"},
    OtherAnswer{"getDashboard", "303", "a browser that is not signed in, on to the sign-in"},
};

Json parameter(std::string_view name, std::string_view in) {
  return Json::object({{"name", name},
                       {"in", in},
                       {"required", in == "path"},
                       {"schema", Json::object({{"type", "string"}})}});
}

Json operation_of(const DoorRoute& route) {
  Json parameters = Json::array();
  for (auto from = route.pattern.find('{'); from != std::string_view::npos;
       from = route.pattern.find('{', from + 1)) {
    const auto end = route.pattern.find('}', from);
    parameters.push_back(parameter(route.pattern.substr(from + 1, end - from - 1), "path"));
  }
  Json properties = Json::object();
  Json required = Json::array();
  for (const Member& take : members_of(route.takes)) {
    if (take.query) {
      parameters.push_back(parameter(take.name, "query"));
      continue;
    }
    properties.set(take.name, Json::object());
    if (!take.optional) required.push_back(take.name);
  }
  Json out = Json::object({{"operationId", route.operation}, {"summary", route.summary}});
  if (parameters.size() > 0) out.set("parameters", std::move(parameters));
  if (properties.size() > 0) {
    Json schema = Json::object({{"type", "object"}, {"properties", std::move(properties)}});
    const bool needed = required.size() > 0;
    if (needed) schema.set("required", std::move(required));
    out.set("requestBody",
            Json::object(
                {{"required", needed},
                 {"content", Json::object({{"application/json",
                                            Json::object({{"schema", std::move(schema)}})}})}}));
  }
  const Json error = Json::object({{"$ref", "#/components/responses/Error"}});
  Json responses = Json::object(
      {{std::to_string(route.status),
        Json::object({{"description", "done"},
                      {"content", Json::object({{"application/json", Json::object()}})}})}});
  // Other answers of all is well: a part of a recording, a page for a browser, a WebSocket.
  for (const auto& [operation, status, what] : kOtherAnswers) {
    if (operation == route.operation) responses.set(status, Json::object({{"description", what}}));
  }
  for (const std::string_view status : kRefusals) responses.set(status, error);
  out.set("responses", std::move(responses));
  if (route.open) out.set("security", Json::array());
  return out;
}

std::string lower_method(std::string_view method) {
  std::string out;
  for (const char c : method) out.push_back(static_cast<char>(c - 'A' + 'a'));
  return out;
}

}  // namespace

Json openapi_of(const Door& door) {
  Json paths = Json::object();
  for (const DoorRoute& route : door.routes) {
    Json path = paths[route.pattern];
    if (path.is_null()) path = Json::object();
    path.set(lower_method(route.method), operation_of(route));
    paths.set(route.pattern, std::move(path));
  }
  const Json error = Json::object(
      {{"description", "the error in the form of this API; X-Rabt-Code has the hub's code"},
       {"headers",
        Json::object(
            {{"X-Rabt-Code", Json::object({{"schema", Json::object({{"type", "string"}})}})}})},
       {"content", Json::object({{"application/json", Json::object()}})}});
  return Json::object(
      {{"openapi", "3.1.0"},
       {"info", Json::object({{"title", door.title}, {"version", "1.0.0"}})},
       {"servers", Json::array({Json::object({{"url", "/"}})})},
       {"security", Json::array({Json::object({{"bearer", Json::array()}})})},
       {"paths", std::move(paths)},
       {"components",
        Json::object({{"responses", Json::object({{"Error", error}})},
                      {"securitySchemes",
                       Json::object({{"bearer", Json::object({{"type", "http"},
                                                              {"scheme", "bearer"}})}})}})}});
}

std::string page_of(const Door& door) {
  std::string out(kHead);
  out += "<h1>" + std::string(door.title) + "</h1><p><a href=\"" + path_of_document(door) +
         "\">OpenAPI 3.1</a></p><table><tr><th>Operation</th><th></th><th>Takes</th></tr>";
  for (const DoorRoute& route : door.routes) {
    out += "<tr><td><code>" + std::string(route.method) + " " + std::string(route.pattern) +
           "</code></td><td>" + std::string(route.summary) + "</td><td><code>" +
           std::string(route.takes) + "</code></td></tr>";
  }
  return out + "</table></body></html>";
}

}  // namespace rabt::api::compat
