#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <unordered_map>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/fhir_rules.hpp"
#include "tools/sandbox/service.hpp"

// A FHIR R4 (4.0.1) server: the RESTful API of http://hl7.org/fhir/R4/http.html, searches of
// http://hl7.org/fhir/R4/search.html as far as fhir_rules.cpp lists them, JSON only.
namespace rabt::sandbox {
namespace {

using fhir::Failure;

constexpr std::size_t kMaxResources = 500'000;
constexpr std::size_t kMaxVersions = 50;  // kept for each resource; older ones answer 404
constexpr std::size_t kMaxBundleEntries = 1000;
constexpr std::size_t kDefaultPage = 50;
constexpr std::size_t kMaxPage = 500;
constexpr const char* kContentType = "application/fhir+json; charset=utf-8";

Json outcome(const std::string& code, const std::string& diagnostics,
             const std::string& severity = "error") {
  return {{"resourceType", "OperationOutcome"},
          {"issue",
           Json::array({{{"severity", severity}, {"code", code}, {"diagnostics", diagnostics}}})}};
}

struct Version {
  std::uint64_t number = 1;
  std::int64_t modified_ms = 0;
  // Unset after the resource was deleted.
  std::optional<Json> resource;
};

struct Stored {
  std::uint64_t order = 0;  // of creation; searches answer in this order
  std::vector<Version> versions;

  [[nodiscard]] const Version& latest() const { return versions.back(); }
  [[nodiscard]] bool live() const { return !versions.empty() && latest().resource.has_value(); }
};

// Result of an interaction, before it becomes a response or a Bundle entry.
struct Result {
  int status = 200;
  std::optional<Json> resource;
  // Type of the resource that the result is about. Empty for searches.
  std::string type;
  std::string id;
  std::uint64_t version = 0;
  std::int64_t modified_ms = 0;
};

struct LedgerNote {
  std::string kind;
  std::string key;
  Json detail;
};

// The part of a URL after the base: Type, id, history version, query.
struct Target {
  std::vector<std::string> path;
  Pairs query;
};

Target read_target(std::string_view text) {
  Target out;
  const std::size_t mark = text.find('?');
  for (const std::string& each : split(text.substr(0, mark), '/')) {
    if (!each.empty()) out.path.push_back(percent_decode(each, false));
  }
  if (mark != std::string_view::npos) out.query = parse_pairs(text.substr(mark + 1));
  return out;
}

struct Conditions {
  std::string if_match;
  std::string if_none_match;
  std::string if_none_exist;
};

// Long, because each interaction works on the same tables.
class Fhir final : public Service {
 public:
  Fhir(Context context, const Json& options) : context_(std::move(context)) {
    for (const auto& [name, value] : options.items()) {
      if (name != "token" && name != "preload" && name != "hub") {
        throw std::runtime_error("fhir has no option '" + name + "'");
      }
    }
    if (options.contains("token")) {
      if (!options["token"].is_string()) throw std::runtime_error("fhir: 'token' is a string");
      token_ = options["token"].get<std::string>();
    }
    base_ = context_.base_url + "/fhir";
    if (options.contains("preload")) preload(options["preload"]);
    notes_.clear();  // what was there before the start is no effect
  }

  [[nodiscard]] std::string name() const override { return "fhir"; }

  Response handle(const Request& request) override {
    try {
      return respond(request);
    } catch (const Failure& failure) {
      Response out =
          Response::json(failure.status, outcome(failure.code, failure.diagnostics), kContentType);
      if (failure.status == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer");
      return out;
    }
  }

  Response error_body(int status) override {
    const char* code = status == 429   ? "throttled"
                       : status == 401 ? "login"
                       : status == 404 ? "not-found"
                       : status == 409 ? "conflict"
                       : status == 503 ? "transient"
                       : status >= 500 ? "exception"
                                       : "invalid";
    return Response::json(status, outcome(code, "the server refused the request"), kContentType);
  }

 private:
  using Type = std::map<std::string, Stored>;

  // --- HTTP --------------------------------------------------------------------------------------

  Response respond(const Request& request) {
    if (request.path != "/fhir" && !request.path.starts_with("/fhir/")) {
      throw Failure{404, "not-found", "the base of this server is " + base_};
    }
    Target target;
    for (std::string& each : split(request.path, '/')) {
      if (!each.empty()) target.path.push_back(std::move(each));
    }
    target.path.erase(target.path.begin());
    target.query = request.query;
    const bool metadata = target.path.size() == 1 && target.path[0] == "metadata";
    if (!metadata && !token_.empty() &&
        !equal_constant_time(request.header("authorization"), "Bearer " + token_)) {
      throw Failure{401, "login", "a bearer token is required"};
    }
    check_formats(request, target);
    if (metadata) {
      if (request.method != "GET") throw method_failure();
      return Response::json(200, fhir::capability_statement(base_, iso_seconds(context_.now_ms())),
                            kContentType);
    }
    std::optional<Json> body;
    const bool search_by_post =
        request.method == "POST" && !target.path.empty() && target.path.back() == "_search";
    if ((request.method == "POST" && !search_by_post) || request.method == "PUT") {
      body = parse_json(request.body);
      if (!body) throw Failure{400, "structure", "the body is not JSON"};
      if (!body->is_object() || !body->contains("resourceType") ||
          !(*body)["resourceType"].is_string()) {
        throw Failure{400, "structure", "the body has no resourceType"};
      }
    }
    if (search_by_post) {
      for (auto& pair : request.form()) target.query.push_back(std::move(pair));
      target.path.pop_back();
      if (target.path.size() != 1) throw Failure{404, "not-found", "_search follows a type"};
    }
    const std::string prefer = request.header("prefer");
    const Lock lock(mutex_);
    notes_.clear();
    if (target.path.empty()) {
      if (request.method != "POST") throw method_failure();
      Json answer;
      try {
        answer = bundle(*body);
      } catch (...) {
        roll_back();
        throw;
      }
      commit();
      return Response::json(200, answer, kContentType);
    }
    const Conditions conditions{.if_match = request.header("if-match"),
                                .if_none_match = request.header("if-none-match"),
                                .if_none_exist = request.header("if-none-exist")};
    Result result;
    try {
      result = interact(search_by_post ? "GET" : request.method, target, std::move(body),
                        conditions, {});
    } catch (...) {
      roll_back();
      throw;
    }
    commit();
    return http_response(result, prefer, request.method != "GET");
  }

  static Failure method_failure() {
    return {405, "not-supported", "the method is not supported here"};
  }

  static void check_formats(const Request& request, const Target& target) {
    const auto is_json = [](std::string_view text) {
      const std::string type = lower(trim(text.substr(0, text.find(';'))));
      return type == "application/fhir+json" || type == "application/json" || type == "json" ||
             type == "text/json";
    };
    const bool form = !target.path.empty() && target.path.back() == "_search";
    if ((request.method == "POST" && !form) || request.method == "PUT") {
      if (!is_json(request.header("content-type"))) {
        throw Failure{415, "not-supported", "Content-Type must be application/fhir+json"};
      }
    }
    std::string accept = request.header("accept");
    for (const auto& [name, value] : target.query) {
      if (name == "_format") accept = value;
    }
    if (accept.empty()) return;
    for (const std::string& each : split(accept, ',')) {
      if (is_json(each) || trim(each).starts_with("*/*") ||
          trim(each).starts_with("application/*")) {
        return;
      }
    }
    throw Failure{406, "not-supported", "this server answers application/fhir+json only"};
  }

  Response http_response(const Result& result, const std::string& prefer, bool written) const {
    Response out;
    const bool quiet = written && prefer.find("return=minimal") != std::string::npos;
    const bool told = written && prefer.find("return=OperationOutcome") != std::string::npos;
    if (told && !result.type.empty()) {
      out = Response::json(result.status, outcome("informational", "done", "information"),
                           kContentType);
    } else if (result.resource && !quiet) {
      out = Response::json(result.status, *result.resource, kContentType);
    } else {
      out = Response::empty(result.status);
    }
    if (result.version > 0) {
      out.headers.emplace_back("ETag", etag(result.version));
      out.headers.emplace_back("Last-Modified", http_date(result.modified_ms));
      if (written && result.status < 300) {
        out.headers.emplace_back("Location", location(result));
      }
    }
    return out;
  }

  static std::string etag(std::uint64_t version) { return "W/\"" + std::to_string(version) + "\""; }

  [[nodiscard]] std::string location(const Result& result) const {
    return base_ + "/" + result.type + "/" + result.id + "/_history/" +
           std::to_string(result.version);
  }

  // --- interactions ------------------------------------------------------------------------------

  static void require_type(const std::string& type) {
    if (!fhir::is_resource_type(type)) {
      throw Failure{404, "not-supported", "'" + type + "' is not a resource type of FHIR R4"};
    }
  }

  // assigned: the id that a transaction gave to this resource beforehand, or "".
  Result interact(const std::string& method, const Target& target, std::optional<Json> body,
                  const Conditions& conditions, const std::string& assigned) {
    const std::vector<std::string>& path = target.path;
    require_type(path[0]);
    const std::string& type = path[0];
    if (path.size() == 1) {
      if (method == "GET" || method == "HEAD") return search(type, target.query);
      if (method == "POST") return create(type, std::move(*body), conditions, assigned);
      if (method == "PUT")
        return update_where(type, target.query, std::move(*body), conditions, assigned);
      if (method == "DELETE") return remove_where(type, target.query);
      throw method_failure();
    }
    const std::string& id = path[1];
    if (path.size() == 2) {
      if (method == "GET" || method == "HEAD") return read(type, id, conditions);
      if (method == "PUT") return update(type, id, std::move(*body), conditions);
      if (method == "DELETE") return remove(type, id, conditions);
      throw method_failure();
    }
    if (path[2] == "_history" && (method == "GET" || method == "HEAD")) {
      if (path.size() == 3) return history(type, id);
      if (path.size() == 4) return version_read(type, id, path[3]);
    }
    throw Failure{404, "not-supported", "no such interaction"};
  }

  Stored* find(const std::string& type, const std::string& id) {
    const auto of_type = resources_.find(type);
    if (of_type == resources_.end()) return nullptr;
    const auto found = of_type->second.find(id);
    return found == of_type->second.end() ? nullptr : &found->second;
  }

  static Result shown(const std::string& type, const std::string& id, const Version& version,
                      int status) {
    return {.status = status,
            .resource = version.resource,
            .type = type,
            .id = id,
            .version = version.number,
            .modified_ms = version.modified_ms};
  }

  Stored& require(const std::string& type, const std::string& id) {
    Stored* const stored = find(type, id);
    if (stored == nullptr) throw Failure{404, "not-found", type + " of this id is not known"};
    if (!stored->live()) throw Failure{410, "deleted", type + " of this id was deleted"};
    return *stored;
  }

  Result read(const std::string& type, const std::string& id, const Conditions& conditions) {
    const Version& version = require(type, id).latest();
    Result out = shown(type, id, version, 200);
    if (conditions.if_none_match == etag(version.number)) {
      out.status = 304;
      out.resource.reset();
    }
    return out;
  }

  Result version_read(const std::string& type, const std::string& id, const std::string& number) {
    const Stored* const stored = find(type, id);
    if (stored != nullptr) {
      for (const Version& each : stored->versions) {
        if (std::to_string(each.number) != number) continue;
        if (!each.resource) throw Failure{410, "deleted", "this version is the deletion"};
        return shown(type, id, each, 200);
      }
    }
    throw Failure{404, "not-found", "this version is not known"};
  }

  Result history(const std::string& type, const std::string& id) {
    const Stored* const stored = find(type, id);
    if (stored == nullptr) throw Failure{404, "not-found", type + " of this id is not known"};
    Json entries = Json::array();
    for (auto each = stored->versions.rbegin(); each != stored->versions.rend(); ++each) {
      const bool first = each->number == 1;
      Json entry = {{"fullUrl", base_ + "/" + type + "/" + id},
                    {"request",
                     {{"method", !each->resource ? "DELETE"
                                 : first         ? "POST"
                                                 : "PUT"},
                      {"url", first ? type : type + "/" + id}}},
                    {"response",
                     {{"status", !each->resource ? "204"
                                 : first         ? "201"
                                                 : "200"},
                      {"etag", etag(each->number)},
                      {"lastModified", iso_millis(each->modified_ms)}}}};
      if (each->resource) entry["resource"] = *each->resource;
      entries.push_back(std::move(entry));
    }
    Result out;
    out.resource = Json{{"resourceType", "Bundle"},
                        {"type", "history"},
                        {"total", entries.size()},
                        {"entry", std::move(entries)}};
    return out;
  }

  Result create(const std::string& type, Json resource, const Conditions& conditions,
                const std::string& assigned) {
    check_body(type, resource);
    if (!conditions.if_none_exist.empty()) {
      const std::vector<std::string> ids = matching(type, conditions.if_none_exist);
      if (ids.size() > 1) throw several();
      if (ids.size() == 1) return shown(type, ids[0], require(type, ids[0]).latest(), 200);
    }
    const std::string id = assigned.empty() ? random_uuid() : assigned;
    return write(type, id, std::move(resource), 201);
  }

  static Failure several() {
    return {412, "multiple-matches", "the condition matches more than one resource"};
  }

  void check_match(const Stored* stored, const std::string& if_match) {
    if (if_match.empty()) return;
    if (stored == nullptr || !stored->live()) {
      throw Failure{412, "conflict", "If-Match was given, but there is no current version"};
    }
    const std::string current = std::to_string(stored->latest().number);
    if (if_match != "*" && if_match != "W/\"" + current + "\"" &&
        if_match != "\"" + current + "\"") {
      throw Failure{
          412, "conflict",
          "If-Match does not name the current version, which is " + etag(stored->latest().number)};
    }
  }

  Result update(const std::string& type, const std::string& id, Json resource,
                const Conditions& conditions) {
    if (!fhir::is_id(id)) throw Failure{400, "value", "the id is not a FHIR id"};
    if (!resource.contains("id") || resource["id"] != id) {
      throw Failure{400, "invalid", "the id in the body is not the id in the URL"};
    }
    check_body(type, resource);
    const Stored* const stored = find(type, id);
    check_match(stored, conditions.if_match);
    if (conditions.if_none_match == "*" && stored != nullptr && stored->live()) {
      throw Failure{412, "conflict", "If-None-Match: * was given, but the resource exists"};
    }
    return write(type, id, std::move(resource), stored != nullptr && stored->live() ? 200 : 201);
  }

  Result update_where(const std::string& type, const Pairs& query, Json resource,
                      const Conditions& conditions, const std::string& assigned) {
    check_body(type, resource);
    if (query.empty()) throw Failure{400, "invalid", "PUT needs an id or a search condition"};
    const std::vector<std::string> ids = matching(type, query);
    if (ids.size() > 1) throw several();
    if (ids.size() == 1) {
      if (resource.contains("id") && resource["id"] != ids[0]) {
        throw Failure{400, "invalid",
                      "the id in the body is not the id of the resource that matches"};
      }
      check_match(find(type, ids[0]), conditions.if_match);
      return write(type, ids[0], std::move(resource), 200);
    }
    std::string id = assigned.empty() ? random_uuid() : assigned;
    if (resource.contains("id")) {
      id = resource["id"].get<std::string>();
      if (const Stored* const stored = find(type, id); stored != nullptr && stored->live()) {
        throw Failure{409, "conflict", "a resource of this id exists and does not match"};
      }
    }
    return write(type, id, std::move(resource), 201);
  }

  Result remove(const std::string& type, const std::string& id, const Conditions& conditions) {
    Stored* const stored = find(type, id);
    check_match(stored, conditions.if_match);
    if (stored != nullptr && stored->live()) {
      notes_.push_back(
          {"resource.deleted", key_of(type, id, *stored->latest().resource), {{"id", id}}});
      append(type, id, std::nullopt);
    }
    return {.status = 204, .resource = {}, .type = type, .id = id, .version = 0, .modified_ms = 0};
  }

  Result remove_where(const std::string& type, const Pairs& query) {
    if (query.empty()) throw Failure{400, "invalid", "DELETE needs an id or a search condition"};
    const std::vector<std::string> ids = matching(type, query);
    if (ids.size() > 1) throw several();
    if (ids.empty()) {
      return {
          .status = 204, .resource = {}, .type = type, .id = {}, .version = 0, .modified_ms = 0};
    }
    return remove(type, ids[0], {});
  }

  static void check_body(const std::string& type, const Json& resource) {
    if (!resource.is_object() || !resource.contains("resourceType") ||
        resource["resourceType"] != type) {
      throw Failure{400, "invalid", "the body is not a " + type};
    }
    if (resource.contains("id") && (!resource["id"].is_string() ||
                                    !fhir::is_id(resource["id"].get_ref<const std::string&>()))) {
      throw Failure{400, "value", type + ".id is not a FHIR id"};
    }
    if (resource.contains("meta") && !resource["meta"].is_object()) {
      throw Failure{400, "structure", type + ".meta is not an object"};
    }
    if (const std::string wrong = fhir::check_required(resource); !wrong.empty()) {
      throw Failure{422, "required", wrong};
    }
  }

  static std::string key_of(const std::string& type, const std::string& id, const Json& resource) {
    if (resource.contains("identifier")) {
      const Json& identifier = resource["identifier"];
      const Json& first = identifier.is_array() && !identifier.empty() ? identifier[0] : identifier;
      if (first.is_object() && first.contains("value") && first["value"].is_string()) {
        const bool system = first.contains("system") && first["system"].is_string();
        return type + "/" + (system ? first["system"].get<std::string>() : "") + "|" +
               first["value"].get<std::string>();
      }
    }
    return type + "/" + id;
  }

  Result write(const std::string& type, const std::string& id, Json resource, int status) {
    resource["id"] = id;
    const Version& version = append(type, id, std::move(resource));
    notes_.push_back({status == 201 ? "resource.created" : "resource.updated",
                      key_of(type, id, *version.resource),
                      {{"id", id}, {"version", version.number}}});
    return shown(type, id, version, status);
  }

  // --- storage -----------------------------------------------------------------------------------

  // Every change goes through here, so that it can be taken back.
  const Version& append(const std::string& type, const std::string& id,
                        std::optional<Json> resource) {
    Type& of_type = resources_[type];
    auto found = of_type.find(id);
    if (found == of_type.end()) {
      if (count_ >= kMaxResources) throw Failure{507, "no-store", "the stand-in is full"};
      ++count_;
      found = of_type.emplace(id, Stored{.order = ++next_order_, .versions = {}}).first;
    }
    Stored& stored = found->second;
    if (stored.live()) index(type, id, *stored.latest().resource, false);
    Version version;
    version.number = stored.versions.empty() ? 1 : stored.latest().number + 1;
    version.modified_ms = context_.now_ms();
    if (resource) {
      (*resource)["meta"]["versionId"] = std::to_string(version.number);
      (*resource)["meta"]["lastUpdated"] = iso_millis(version.modified_ms);
      index(type, id, *resource, true);
    }
    version.resource = std::move(resource);
    stored.versions.push_back(std::move(version));
    undo_.emplace_back(type, id);
    return stored.latest();
  }

  void commit() {
    for (const auto& [type, id] : undo_) {
      std::vector<Version>& versions = resources_.at(type).at(id).versions;
      if (versions.size() > kMaxVersions) versions.erase(versions.begin());
    }
    undo_.clear();
    for (LedgerNote& note : notes_) {
      context_.ledger.record(name(), std::move(note.kind), std::move(note.key),
                             std::move(note.detail));
    }
    notes_.clear();
  }

  void roll_back() {
    for (auto each = undo_.rbegin(); each != undo_.rend(); ++each) {
      Type& of_type = resources_.at(each->first);
      Stored& stored = of_type.at(each->second);
      if (stored.live()) index(each->first, each->second, *stored.latest().resource, false);
      stored.versions.pop_back();
      if (stored.versions.empty()) {
        of_type.erase(each->second);
        --count_;
      } else if (stored.live()) {
        index(each->first, each->second, *stored.latest().resource, true);
      }
    }
    undo_.clear();
    notes_.clear();
  }

  // identifier -> ids: conditional creates must stay fast with many resources.
  void index(const std::string& type, const std::string& id, const Json& resource, bool add) {
    for (const std::string& token : fhir::identifier_tokens(resource)) {
      std::set<std::string>& ids = by_identifier_[type + '\n' + token];
      if (add) {
        ids.insert(id);
      } else {
        ids.erase(id);
        if (ids.empty()) by_identifier_.erase(type + '\n' + token);
      }
    }
  }

  // --- search ------------------------------------------------------------------------------------

  // Ids of the live resources that match all pairs, in order of creation.
  std::vector<std::string> matching(const std::string& type, const Pairs& query) {
    std::vector<fhir::Criterion> criteria;
    for (const auto& [parameter, value] : query) {
      criteria.push_back(fhir::read_criterion(type, parameter, value));
    }
    const fhir::Lookup lookup = [this](const std::string& of_type, const std::string& id) {
      const Stored* const stored = find(of_type, id);
      return stored != nullptr && stored->live() ? &*stored->latest().resource : nullptr;
    };
    const auto all = [&](const Json& resource) {
      return std::all_of(criteria.begin(), criteria.end(), [&](const fhir::Criterion& each) {
        return fhir::matches(each, resource, base_, lookup);
      });
    };
    std::vector<std::pair<std::uint64_t, std::string>> found;
    const auto consider = [&](const std::string& id, const Stored& stored) {
      if (stored.live() && all(*stored.latest().resource)) found.emplace_back(stored.order, id);
    };
    for (const fhir::Criterion& each : criteria) {
      const std::optional<std::string> token = fhir::exact_identifier(each);
      if (!token) continue;
      const auto ids = by_identifier_.find(type + '\n' + *token);
      if (ids != by_identifier_.end()) {
        for (const std::string& id : ids->second) consider(id, *find(type, id));
      }
      return ordered(std::move(found));
    }
    for (const auto& [id, stored] : resources_[type]) consider(id, stored);
    return ordered(std::move(found));
  }

  static std::vector<std::string> ordered(
      std::vector<std::pair<std::uint64_t, std::string>> found) {
    std::sort(found.begin(), found.end());
    std::vector<std::string> ids;
    ids.reserve(found.size());
    for (auto& [order, id] : found) ids.push_back(std::move(id));
    return ids;
  }

  std::vector<std::string> matching(const std::string& type, std::string_view condition) {
    if (const std::size_t mark = condition.find('?'); mark != std::string_view::npos) {
      condition.remove_prefix(mark + 1);
    }
    const Pairs query = parse_pairs(condition);
    if (query.empty()) throw Failure{400, "invalid", "the search condition is empty"};
    return matching(type, query);
  }

  static std::size_t count_value(const std::string& name, const std::string& value) {
    if (value.empty() || value.size() > 7 ||
        value.find_first_not_of("0123456789") != std::string::npos) {
      throw Failure{400, "value", name + " must be a whole number"};
    }
    return std::stoul(value);
  }

  // Adds what the entries refer to, each resource once.
  void include(const std::vector<std::string>& includes, Json& entries) {
    std::set<std::string> there;
    for (const Json& entry : entries) there.insert(entry.value("fullUrl", ""));
    const std::size_t matches = entries.size();
    for (const std::string& wanted : includes) {
      for (std::size_t i = 0; i < matches; ++i) {
        for (std::string reference : fhir::included(wanted, entries[i]["resource"])) {
          if (reference.starts_with(base_ + "/")) reference.erase(0, base_.size() + 1);
          const auto slash = reference.find('/');
          if (slash == std::string::npos) continue;
          const Stored* const stored =
              find(reference.substr(0, slash), reference.substr(slash + 1));
          const std::string url = base_ + "/" + reference;
          if (stored == nullptr || !stored->live() || !there.insert(url).second) continue;
          entries.push_back({{"fullUrl", url},
                             {"resource", *stored->latest().resource},
                             {"search", {{"mode", "include"}}}});
        }
      }
    }
  }

  Result search(const std::string& type, const Pairs& query) {
    Pairs criteria;
    Pairs kept;  // for the links
    std::size_t count = kDefaultPage;
    std::size_t offset = 0;
    bool only_count = false;
    std::string sort;
    std::vector<std::string> includes;
    for (const auto& pair : query) {
      const auto& [name, value] = pair;
      if (name == "_count") {
        count = std::min(count_value(name, value), kMaxPage);
        continue;
      }
      if (name == "_offset") {
        offset = count_value(name, value);
        continue;
      }
      kept.push_back(pair);
      if (name == "_format" || name == "_pretty" || name == "_total") continue;
      if (name == "_summary") {
        if (value != "count" && value != "false") {
          throw Failure{400, "not-supported", "_summary knows count and false"};
        }
        only_count = value == "count";
      } else if (name == "_sort") {
        sort = value;
      } else if (name == "_include") {
        includes.push_back(value);
      } else {
        criteria.push_back(pair);
      }
    }
    if (count == 0) only_count = true;
    std::vector<std::string> ids = matching(type, criteria);
    if (!sort.empty()) sort_ids(type, sort, ids);
    const auto link = [&](std::size_t at) {
      Pairs pairs = kept;
      pairs.emplace_back("_count", std::to_string(count));
      if (at > 0) pairs.emplace_back("_offset", std::to_string(at));
      return base_ + "/" + type + "?" + join_pairs(pairs);
    };
    Json links = Json::array({{{"relation", "self"}, {"url", link(offset)}}});
    Json bundle = {{"resourceType", "Bundle"},
                   {"id", random_uuid()},
                   {"type", "searchset"},
                   {"total", ids.size()}};
    if (!only_count) {
      Json entries = Json::array();
      const std::size_t end = std::min(ids.size(), offset + count);
      for (std::size_t i = offset; i < end; ++i) {
        entries.push_back({{"fullUrl", base_ + "/" + type + "/" + ids[i]},
                           {"resource", *find(type, ids[i])->latest().resource},
                           {"search", {{"mode", "match"}}}});
      }
      include(includes, entries);
      if (end < ids.size() && offset < ids.size()) {
        links.push_back({{"relation", "next"}, {"url", link(end)}});
      }
      if (offset > 0) {
        links.push_back(
            {{"relation", "previous"}, {"url", link(offset > count ? offset - count : 0)}});
      }
      if (!entries.empty()) bundle["entry"] = std::move(entries);
    }
    bundle["link"] = std::move(links);
    Result out;
    out.resource = std::move(bundle);
    return out;
  }

  void sort_ids(const std::string& type, const std::string& sort, std::vector<std::string>& ids) {
    const bool down = sort.starts_with('-');
    const std::string parameter = down ? sort.substr(1) : sort;
    std::vector<std::pair<std::string, std::string>> keyed;
    for (const std::string& id : ids) {
      keyed.emplace_back(fhir::sort_key(type, parameter, *find(type, id)->latest().resource), id);
    }
    std::stable_sort(keyed.begin(), keyed.end(), [down](const auto& a, const auto& b) {
      return down ? a.first > b.first : a.first < b.first;
    });
    std::transform(keyed.begin(), keyed.end(), ids.begin(),
                   [](const auto& each) { return each.second; });
  }

  // --- batch and transaction ---------------------------------------------------------------------

  struct Entry {
    std::size_t index = 0;
    std::string method;
    Target target;
    std::string full_url;
    std::optional<Json> resource;
    Conditions conditions;
    std::string assigned;
  };

  static Failure entry_failure(std::size_t index, const Failure& failure) {
    return {failure.status, failure.code,
            "Bundle.entry[" + std::to_string(index) + "]: " + failure.diagnostics};
  }

  static std::string string_at(const Json& object, const char* field) {
    return object.contains(field) && object[field].is_string() ? object[field].get<std::string>()
                                                               : "";
  }

  Entry read_entry(const Json& source, std::size_t index) const {
    if (!source.is_object() || !source.contains("request") || !source["request"].is_object()) {
      throw Failure{400, "required", "request is missing"};
    }
    const Json& request = source["request"];
    Entry out;
    out.index = index;
    out.method = string_at(request, "method");
    static const std::set<std::string> kMethods = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    if (!kMethods.contains(out.method)) {
      throw Failure{400, "not-supported", "request.method must be GET, HEAD, POST, PUT or DELETE"};
    }
    std::string url = string_at(request, "url");
    if (url.starts_with(base_ + "/")) url = url.substr(base_.size() + 1);
    out.target = read_target(url);
    if (out.target.path.empty()) throw Failure{400, "required", "request.url names no type"};
    out.full_url = string_at(source, "fullUrl");
    out.conditions = {.if_match = string_at(request, "ifMatch"),
                      .if_none_match = string_at(request, "ifNoneMatch"),
                      .if_none_exist = string_at(request, "ifNoneExist")};
    if (out.method == "POST" || out.method == "PUT") {
      if (!source.contains("resource") || !source["resource"].is_object()) {
        throw Failure{400, "required", "resource is missing"};
      }
      out.resource = source["resource"];
    }
    return out;
  }

  Json response_entry(const Result& result) const {
    static const std::map<int, std::string> kReasons = {
        {200, "200 OK"}, {201, "201 Created"}, {204, "204 No Content"}, {304, "304 Not Modified"}};
    Json entry = {{"response", {{"status", kReasons.at(result.status)}}}};
    if (result.version > 0) {
      entry["fullUrl"] = base_ + "/" + result.type + "/" + result.id;
      entry["response"]["location"] = location(result);
      entry["response"]["etag"] = etag(result.version);
      entry["response"]["lastModified"] = iso_millis(result.modified_ms);
    }
    if (result.resource) entry["resource"] = *result.resource;
    return entry;
  }

  // Runs in the caller's lock. When a transaction throws, the caller rolls it back; a batch commits
  // what worked.
  Json bundle(const Json& body) {
    const std::string type = string_at(body, "type");
    if (body["resourceType"] != "Bundle" || (type != "transaction" && type != "batch")) {
      throw Failure{400, "invalid", "the base takes Bundles of type transaction or batch"};
    }
    const Json entries = body.value("entry", Json::array());
    if (!entries.is_array() || entries.size() > kMaxBundleEntries) {
      throw Failure{entries.is_array() ? 413 : 400, "too-long",
                    "entry must be a list of at most " + std::to_string(kMaxBundleEntries)};
    }
    Json answers = type == "batch" ? batch(entries) : transaction(entries);
    return {{"resourceType", "Bundle"},
            {"id", random_uuid()},
            {"type", type + "-response"},
            {"entry", std::move(answers)}};
  }

  Json batch(const Json& entries) {
    Json answers = Json::array();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      try {
        Entry entry = read_entry(entries[i], i);
        answers.push_back(response_entry(
            interact(entry.method, entry.target, std::move(entry.resource), entry.conditions, {})));
        commit();
      } catch (const Failure& failure) {
        roll_back();
        answers.push_back({{"response",
                            {{"status", std::to_string(failure.status)},
                             {"outcome", outcome(failure.code, failure.diagnostics)}}}});
      }
    }
    return answers;
  }

  Json transaction(const Json& sources) {
    std::vector<Entry> entries;
    std::map<std::string, std::string> references;  // fullUrl -> Type/id
    std::set<std::string> written;
    for (std::size_t i = 0; i < sources.size(); ++i) {
      try {
        entries.push_back(read_entry(sources[i], i));
        Entry& entry = entries.back();
        const std::string text = foresee(entry);
        if (!text.empty() && !written.insert(text).second) {
          throw Failure{400, "duplicate", "another entry writes the same resource"};
        }
        if (entry.full_url.empty() || !entry.resource) continue;
        if (!references.emplace(entry.full_url, text).second) {
          throw Failure{400, "duplicate", "another entry has the same fullUrl"};
        }
      } catch (const Failure& failure) {
        throw entry_failure(i, failure);
      }
    }
    // http://hl7.org/fhir/R4/http.html#trules: DELETE, POST, PUT, GET, whatever the order given.
    static const std::map<std::string, int> kOrder = {
        {"DELETE", 0}, {"POST", 1}, {"PUT", 2}, {"GET", 3}, {"HEAD", 3}};
    std::vector<Entry*> in_order;
    for (Entry& entry : entries) in_order.push_back(&entry);
    std::stable_sort(in_order.begin(), in_order.end(), [](const Entry* a, const Entry* b) {
      return kOrder.at(a->method) < kOrder.at(b->method);
    });
    std::vector<Json> answers(entries.size());
    for (Entry* entry : in_order) {
      try {
        if (entry->resource) resolve(*entry->resource, references);
        Result result = interact(entry->method, entry->target, std::move(entry->resource),
                                 entry->conditions, entry->assigned);
        if (!entry->assigned.empty() && result.id != entry->assigned) {
          throw Failure{400, "duplicate", "another entry creates the same resource"};
        }
        answers[entry->index] = response_entry(result);
      } catch (const Failure& failure) {
        throw entry_failure(entry->index, failure);
      }
    }
    return answers;
  }

  // Returns the resource that this entry will write ("Type/id"), so that others can refer to it; ""
  // when it writes none. Assigns the id of a new resource.
  std::string foresee(Entry& entry) {
    const std::vector<std::string>& path = entry.target.path;
    const std::string& type = path[0];
    require_type(type);
    if (entry.method == "GET" || entry.method == "HEAD") return {};
    if (path.size() == 2 && entry.method != "POST") return type + "/" + path[1];
    if (path.size() != 1) throw Failure{400, "invalid", "request.url does not fit the method"};
    std::vector<std::string> ids;
    if (entry.method == "POST" && !entry.conditions.if_none_exist.empty()) {
      ids = matching(type, entry.conditions.if_none_exist);
    } else if (entry.method != "POST") {
      if (entry.target.query.empty()) throw Failure{400, "invalid", "request.url has no condition"};
      ids = matching(type, entry.target.query);
    }
    if (ids.size() > 1) throw several();
    if (ids.size() == 1) return type + "/" + ids[0];
    if (entry.method == "DELETE") return {};
    const bool own_id = entry.method == "PUT" && !string_at(*entry.resource, "id").empty();
    entry.assigned = own_id ? string_at(*entry.resource, "id") : random_uuid();
    return type + "/" + entry.assigned;
  }

  void resolve(Json& node, const std::map<std::string, std::string>& references) {
    if (node.is_array()) {
      for (Json& each : node) resolve(each, references);
      return;
    }
    if (!node.is_object()) return;
    for (auto& [field, value] : node.items()) {
      if (!value.is_string()) {
        resolve(value, references);
        continue;
      }
      // Identifier.value is plain text, whatever it looks like; all other elements may be URIs.
      if (field == "value") continue;
      const std::string& text = value.get_ref<const std::string&>();
      const auto found = references.find(text);
      if (found != references.end() && (field == "reference" || text.starts_with("urn:"))) {
        value = found->second;
        continue;
      }
      if (field != "reference") continue;
      if (text.starts_with("urn:uuid:") || text.starts_with("urn:oid:")) {
        throw Failure{400, "not-found", "a reference names no entry of the transaction"};
      }
      const std::size_t mark = text.find('?');
      if (mark != std::string::npos && fhir::is_resource_type(text.substr(0, mark))) {
        const std::string type = text.substr(0, mark);
        const std::vector<std::string> ids = matching(type, std::string_view(text).substr(mark));
        if (ids.size() != 1) {
          throw Failure{412, "not-found",
                        "a conditional reference matches " + std::to_string(ids.size()) +
                            " resources, not one"};
        }
        value = type + "/" + ids[0];
      }
    }
  }

  // --- preload -----------------------------------------------------------------------------------

  void preload(const Json& source) {
    if (source.is_string()) {
      const std::string directory = source.get<std::string>();
      std::error_code error;
      std::vector<std::filesystem::path> files;
      for (const auto& each : std::filesystem::directory_iterator(directory, error)) {
        if (each.path().extension() == ".json") files.push_back(each.path());
      }
      if (error) throw std::runtime_error("fhir: 'preload' cannot be read: " + directory);
      std::sort(files.begin(), files.end());
      for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        std::ostringstream text;
        text << in.rdbuf();
        const std::optional<Json> resource = parse_json(text.str());
        if (!resource) throw std::runtime_error("fhir: not JSON: " + file.string());
        preload_one(*resource, file.string());
      }
      return;
    }
    if (!source.is_array()) throw std::runtime_error("fhir: 'preload' is a directory or a list");
    for (std::size_t i = 0; i < source.size(); ++i) {
      preload_one(source[i], "preload[" + std::to_string(i) + "]");
    }
  }

  void preload_one(const Json& resource, const std::string& where) {
    try {
      const std::string type = resource.is_object() ? string_at(resource, "resourceType") : "";
      require_type(type);
      if (type == "Bundle" && string_at(resource, "type") == "transaction") {
        static_cast<void>(bundle(resource));
      } else if (type == "Bundle" && resource.contains("entry") &&
                 string_at(resource, "type") == "collection") {
        for (const Json& each : resource["entry"]) {
          if (each.contains("resource")) preload_one(each["resource"], where);
        }
      } else if (resource.contains("id")) {
        static_cast<void>(update(type, string_at(resource, "id"), resource, {}));
      } else {
        static_cast<void>(create(type, resource, {}, {}));
      }
      undo_.clear();
      notes_.clear();
    } catch (const Failure& failure) {
      throw std::runtime_error("fhir: " + where + ": " + failure.diagnostics);
    }
  }

  Context context_;
  std::string base_;
  std::string token_;

  Mutex mutex_;  // protects what follows
  std::map<std::string, Type> resources_;
  std::unordered_map<std::string, std::set<std::string>> by_identifier_;
  std::size_t count_ = 0;
  std::uint64_t next_order_ = 0;
  std::vector<std::pair<std::string, std::string>> undo_;  // what this request appended
  std::vector<LedgerNote> notes_;                          // what the ledger gets when it commits
};

}  // namespace

std::unique_ptr<Service> make_fhir(Context context, const Json& options) {
  return std::make_unique<Fhir>(std::move(context), options);
}

}  // namespace rabt::sandbox
