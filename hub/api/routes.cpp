#include "hub/api/routes.hpp"

#include "hub/api/answers.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/register.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/range.hpp"

namespace rabt::api {

namespace {

constexpr std::size_t kMaxPage = 200;
constexpr std::int64_t kRefusalAuditEveryMs =
    1000;  // a flood of forged deliveries must not become a flood of audit entries

Json pairs(const std::vector<std::pair<std::string, std::string>>& list) {
  Json out = Json::array();
  for (const auto& [key, value] : list) out.push_back(Json::array({key, value}));
  return out;
}

// Splits "a/b/c" at the first slash.
std::pair<std::string_view, std::string_view> split(std::string_view path) {
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Json summary_json(const engine::InstanceSummary& summary) {
  return Json::object({{"id", summary.id},
                       {"workflow", summary.workflow},
                       {"version", summary.version},
                       {"status", summary.status},
                       {"created", to_iso8601(summary.created)},
                       {"updated", to_iso8601(summary.updated)}});
}

Json summaries_json(const std::vector<engine::InstanceSummary>& list) {
  Json items = Json::array();
  for (const auto& summary : list) items.push_back(summary_json(summary));
  return items;
}

Error bad_limit() {
  return invalid("api.limit", "`limit` must be a number from 1 to 200");
}

}  // namespace

Routes::Routes(Parts parts, std::string tenant, crypto::Digest token_sha256,
               std::vector<Source> sources)
    : parts_(parts), tenant_(std::move(tenant)), token_sha256_(token_sha256) {
  for (Source& source : sources) {
    std::string name = source.name;
    sources_.emplace(std::move(name), std::move(source));
  }
}

Response Routes::handle(const Request& request) {
  Response response = answer(request);
  http::screen(response, parts_.privacy);
  return response;
}

Response Routes::answer(const Request& request) {
  const std::string_view path = request.path;
  constexpr std::string_view kHooks = "/hooks/";
  constexpr std::string_view kApi = "/api/v1/";
  if (path.starts_with(kHooks)) {
    if (request.method != "POST") return wrong_method("POST");
    return hook(request, path.substr(kHooks.size()));
  }
  if (path.starts_with(kApi)) {
    if (!authorised(request)) {
      ++refused_tokens_;
      Response response =
          http::problem(401, "http.unauthenticated", "Unauthorized",
                        "send the API token as `Authorization: Bearer ...`; it is in the "
                        "file api-token of the data folder");
      response.headers.emplace_back("WWW-Authenticate", "Bearer");
      return response;
    }
    return api(request, path.substr(kApi.size()));
  }
  if (path == "/health" || path == "/metrics") {
    if (request.method != "GET") return wrong_method("GET");
    return path == "/health" ? health() : metrics();
  }
  return http::problem(404, "http.not_found", "Not Found",
                       "there is nothing here; see docs/openapi.yaml");
}

bool Routes::authorised(const Request& request) const {
  const auto value = request.only_header("authorization");
  constexpr std::string_view kBearer = "Bearer ";
  if (!value || !value->starts_with(kBearer)) return false;
  return constant_time_equal(crypto::sha256(value->substr(kBearer.size())), token_sha256_);
}

// ---- intake
// -------------------------------------------------------------------------------------------------------

Response Routes::hook(const Request& request, std::string_view name) {
  const auto found = sources_.find(name);
  if (found == sources_.end()) {
    return http::problem(404, "hooks.unknown_source", "Not Found",
                         "no source of this name is configured");
  }
  const Source& source = found->second;
  for (const auto& sender : parts_.senders) {
    if (const Status ready = sender->ready(); !ready.ok()) return http::problem(ready.error());
  }

  // Nothing is parsed before the signature holds.
  const auto verified = http::verify(source.signature, request, parts_.clock.now());
  if (!verified.ok()) {
    audit_refusal(source.name, verified.error().code);
    return http::problem(verified.error());
  }

  const Json delivery = Json::object({{"source", source.name},
                                      {"method", request.method},
                                      {"path", request.path},
                                      {"query", pairs(request.query)},
                                      {"headers", pairs(request.headers)},
                                      {"content_type", request.header("content-type")}});
  auto events = parts_.plugins.normalise(source.plugin, delivery, request.body);
  if (!events.ok()) {
    parts_.log.warn("hook.unreadable", {{"source", source.name}, {"code", events.error().code}});
    if (events.error().code == "plugin.delivery") {
      return http::problem(422, events.error().code, "Unprocessable Content",
                           events.error().message);
    }
    return http::problem(events.error());
  }

  const crypto::Digest digest = crypto::sha256(request.body);
  engine::Delivery accepted;
  accepted.tenant = tenant_;
  accepted.source = source.name;
  accepted.dedupe_id = verified->dedupe_id;
  accepted.body_sha256 = std::string(as_text(digest));
  accepted.client = request.remote;
  accepted.request = request.request_id;
  std::int64_t number = 0;
  for (const Json& event : events->as_array()) {
    Json envelope = Json::object(
        {{"specversion", "1.0"},
         {"id", event.string_or("id", verified->dedupe_id + "/" + std::to_string(number))},
         {"source", event.string_or("source", "/sources/" + source.name)},
         {"type", event.string_or("type", "")},
         {"time", event.string_or("time", to_iso8601(parts_.clock.now()))}});
    if (event.find("subject") != nullptr) envelope.set("subject", event["subject"]);
    envelope.set("datacontenttype", "application/json");
    envelope.set("data", event["data"]);
    accepted.events.push_back(std::move(envelope));
    ++number;
  }
  auto answer = parts_.engine.accept(accepted);
  if (!answer.ok()) return http::problem(answer.error());
  Response response{.status = answer->status,
                    .headers = {{"Content-Type", "application/json"}},
                    .body = answer->answer};
  if (answer->repeated) response.headers.emplace_back("X-Rabt-Repeated", "true");
  return response;
}

void Routes::audit_refusal(std::string_view source, std::string_view code) {
  const std::uint64_t count = ++refused_signatures_;
  parts_.log.warn("hook.refused", {{"source", source}, {"code", code}});
  const std::int64_t now = parts_.clock.monotonic_ms();
  std::int64_t last = last_refusal_audit_ms_.load();
  if (now - last < kRefusalAuditEveryMs ||
      !last_refusal_audit_ms_.compare_exchange_strong(last, now))
    return;
  const auto entry = parts_.audit.prepare({.tenant = tenant_,
                                           .actor = "source:" + std::string(source),
                                           .act = "webhook.refused",
                                           .result = std::string(code),
                                           .detail = Json::object({{"total", count}})});
  audit::AuditLog& log = parts_.audit;
  parts_.store.submit(
      store::Store::Need::droppable,
      [&log, entry](store::Transaction& tx) { return log.append(tx, entry); },
      [](const Status& /*status*/) {});
}

// ---- API
// ----------------------------------------------------------------------------------------------------------

Response Routes::api(const Request& request, std::string_view path) {
  const auto [collection, rest] = split(path);
  const auto [id, verb] = split(rest);
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  if (collection == "instances" && id.empty())
    return get ? instances(request) : wrong_method("GET");
  if (collection == "instances" && id == "search" && verb.empty())
    return post ? search(request) : wrong_method("POST");
  if (collection == "instances" && verb.empty())
    return get ? instance(request, id) : wrong_method("GET");
  if (collection == "instances" && verb == "events") {
    if (!get) return wrong_method("GET");
    const auto events = parts_.engine.lifecycle(id);
    return events.ok() ? json_response(200, Json::object({{"events", *events}}))
                       : http::problem(events.error());
  }
  if (collection == "instances" && verb == "cancel")
    return post ? cancel(request, id) : wrong_method("POST");
  if (collection == "instances" && verb == "resolve")
    return post ? resolve(request, id) : wrong_method("POST");
  if (collection == "workflows" && verb.empty()) {
    if (post && (id == "plan" || id == "apply")) return deploy(request, id == "apply");
    return get ? workflows(request, id) : wrong_method("GET");
  }
  if (collection == "recordings" && !id.empty() && (verb.empty() || verb == "content")) {
    return get ? recording(request, id, verb == "content") : wrong_method("GET");
  }
  if (collection == "audit" && verb.empty())
    return post ? audit(request, id) : wrong_method("POST");
  if (collection == "break-glass") return break_glass(request, id, verb);
  if (collection == "keys" && verb.empty()) return keys(request, id);
  if (collection == "plugins" && id == "acts" && verb.empty()) return plugin_acts(request);
  if (collection == "plugins") return plugin(request, id, verb);
  return http::problem(404, "http.not_found", "Not Found",
                       "the API has no such path; see docs/openapi.yaml");
}

Response Routes::instances(const Request& request) {
  if (request.parameter("patient")) {
    return http::problem(invalid("api.patient_in_address",
                                 "name the patient in the body of POST /api/v1/instances/search: "
                                 "addresses are kept by proxies and histories"));
  }
  std::size_t limit = 50;
  if (const auto text = request.parameter("limit"); text) {
    limit = 0;
    for (const char c : *text) {
      if (c < '0' || c > '9' || limit > kMaxPage) return http::problem(bad_limit());
      limit = limit * 10 + static_cast<std::size_t>(c - '0');
    }
    if (limit < 1 || limit > kMaxPage) return http::problem(bad_limit());
  }
  const auto optional_text = [&](std::string_view name) -> std::optional<std::string> {
    const auto value = request.parameter(name);
    return value ? std::optional<std::string>(*value) : std::nullopt;
  };
  const auto list = parts_.engine.instances(limit, optional_text("before"), optional_text("status"),
                                            std::nullopt);
  if (!list.ok()) return http::problem(list.error());
  Json body = Json::object({{"instances", summaries_json(*list)}});
  if (list->size() == limit) {
    std::string next =
        "/api/v1/instances?before=" + list->back().id + "&limit=" + std::to_string(limit);
    if (const auto status = optional_text("status"); status) next += "&status=" + *status;
    body.set("next", next);
  }
  return json_response(200, body);
}

// An identifier stands in a body, never in an address.
Response Routes::search(const Request& request) {
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  const std::int64_t limit = body->int_or("limit", 50);
  if (limit < 1 || limit > static_cast<std::int64_t>(kMaxPage)) return http::problem(bad_limit());
  auto index = patient_index(body->string_or("patient", ""));
  if (!index.ok()) return http::problem(index.error());
  // That this person was looked for is in the log before it is known whether there is anything.
  const Status admitted = parts_.gate.admit(
      reader_of(request),
      {.act = "instance.search",
       .object = "search:instances",
       .instance = "",
       .patient = *index,
       .detail = Json::object({{"query", "patient=" + to_hex(as_bytes(*index))}})});
  if (!admitted.ok()) return http::problem(admitted.error());
  const auto optional_text = [&](std::string_view name) -> std::optional<std::string> {
    const Json& value = (*body)[name];
    return value.is_string() ? std::optional<std::string>(value.as_string()) : std::nullopt;
  };
  const auto list =
      parts_.engine.instances(static_cast<std::size_t>(limit), optional_text("before"),
                              optional_text("status"), std::move(*index));
  if (!list.ok()) return http::problem(list.error());
  Json out = Json::object({{"instances", summaries_json(*list)}});
  // The next page: the same body with this `before`.
  if (list->size() == static_cast<std::size_t>(limit)) out.set("before", list->back().id);
  return json_response(200, out);
}

Response Routes::instance(const Request& request, std::string_view id) {
  engine::Engine::Admit admit;
  if (request.parameter("data") == std::optional<std::string_view>("true")) {
    admit = [&](std::string_view instance, std::string_view patient) {
      return parts_.gate.admit(reader_of(request), {.act = "instance.read",
                                                    .object = "instance:" + std::string(instance),
                                                    .instance = std::string(instance),
                                                    .patient = std::string(patient)});
    };
  }
  const auto found = parts_.engine.instance(id, admit);
  return found.ok() ? json_response(200, *found) : http::problem(found.error());
}

Response Routes::cancel(const Request& request, std::string_view id) {
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  const Status status = parts_.engine.cancel(id, "api", body->string_or("reason", ""));
  return status.ok() ? json_response(202, Json::object({{"cancelled", true}}))
                     : http::problem(status.error());
}

Response Routes::resolve(const Request& request, std::string_view id) {
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  workflow::ActionOutcome outcome;
  const std::string kind = body->string_or("outcome", "");
  if (kind == "done") {
    outcome.output = (*body)["output"];
  } else if (kind == "transient" || kind == "permanent") {
    outcome.kind =
        kind == "transient" ? workflow::OutcomeKind::transient : workflow::OutcomeKind::permanent;
    outcome.code = "operator.decision";
    outcome.message = "an operator decided that the action had no effect";
  } else {
    return http::problem(invalid("api.outcome", "`outcome` must be done, transient or permanent"));
  }
  const Status status =
      parts_.engine.resolve(id, std::move(outcome), "api", body->string_or("reason", ""));
  return status.ok() ? json_response(202, Json::object({{"resolved", true}}))
                     : http::problem(status.error());
}

Response Routes::workflows(const Request& request, std::string_view name) {
  if (!name.empty()) {
    const auto source =
        parts_.engine.source(request.parameter("namespace").value_or(std::string_view{}), name,
                             request.parameter("version").value_or(std::string_view{}));
    if (!source.ok()) return http::problem(source.error());
    return {.status = 200, .headers = {{"Content-Type", "application/yaml"}}, .body = *source};
  }
  const auto list = parts_.engine.workflows();
  if (!list.ok()) return http::problem(list.error());
  Json items = Json::array();
  for (const auto& one : *list) {
    items.push_back(Json::object({{"namespace", one.name_space},
                                  {"name", one.name},
                                  {"version", one.version},
                                  {"active", one.active},
                                  {"deployed", to_iso8601(one.deployed)},
                                  {"sha256", one.sha256},
                                  {"running", one.running}}));
  }
  return json_response(200, Json::object({{"workflows", items}}));
}

Response Routes::deploy(const Request& request, bool apply) {
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  std::vector<engine::WorkflowFile> files;
  const Json& list = (*body)["files"];
  if (!list.is_array() || list.size() == 0)
    return http::problem(invalid("api.files", "`files` must be a list with at least one file"));
  for (const Json& file : list.as_array()) {
    if (!file["name"].is_string() || !file["source"].is_string())
      return http::problem(
          invalid("api.files", "each of `files` needs `name` and `source`, both text"));
    files.push_back({file["name"].as_string(), file["source"].as_string()});
  }
  const Json* wish = body->find("prune");
  if (wish != nullptr && !wish->is_bool())
    return http::problem(invalid("api.prune", "`prune` must be true or false"));
  const bool prune = wish != nullptr && wish->as_bool();
  if (!apply) {
    const auto plan = parts_.engine.plan(files, prune);
    return plan.ok() ? json_response(200, *plan) : http::problem(plan.error());
  }
  const auto done = parts_.engine.apply(files, "api", prune);
  if (!done.ok()) return http::problem(done.error());
  Json items = Json::array();
  for (const engine::Deployed& one : *done) {
    items.push_back(Json::object({{"namespace", one.name_space},
                                  {"name", one.name},
                                  {"version", one.version},
                                  {"change", one.change}}));
  }
  return json_response(200, Json::object({{"workflows", items}}));
}

Response Routes::recording(const Request& request, std::string_view id, bool content) {
  const auto found = consultation::find_recording(parts_.store, tenant_, id);
  if (!found.ok()) return http::problem(found.error());
  if (!content) {
    return json_response(200, Json::object({{"id", found->id},
                                            {"consultation", found->consultation},
                                            {"kind", found->kind},
                                            {"contentType", found->content_type},
                                            {"bytes", found->bytes},
                                            {"sha256", found->sha256},
                                            {"stored", to_iso8601(found->stored)}}));
  }
  // RFC 9110 section 13.1.5: a range of something else than the caller holds is no range.
  const std::string tag = "\"" + found->sha256 + "\"";
  const auto wish = request.only_header("range");
  const bool ranged =
      wish && (request.header("if-range").empty() || request.only_header("if-range") == tag);
  const http::Range range = ranged ? http::parse_range(*wish, found->bytes) : http::Range{};
  const bool part = range.kind == http::Range::Kind::part;
  auto patient = parts_.engine.patient_of(found->consultation);
  if (!patient.ok() && patient.error().kind == ErrorKind::not_found) patient = std::string();
  if (!patient.ok()) return http::problem(patient.error());
  // Audited before the first byte leaves; no audit, no act.
  access::Reading reading{.act = "recording.read",
                          .object = "recording:" + found->id,
                          .instance = found->consultation,
                          .patient = *patient};
  if (part) reading.detail = Json::object({{"from", range.from}, {"bytes", range.length}});
  const Status admitted = parts_.gate.admit(reader_of(request), reading);
  if (!admitted.ok()) return http::problem(admitted.error());
  if (range.kind == http::Range::Kind::unsatisfiable) {
    Response refused =
        http::problem(416, "api.range", http::reason_phrase(416),
                      "the recording has " + std::to_string(found->bytes) + " bytes");
    refused.headers.emplace_back("Content-Range", "bytes */" + std::to_string(found->bytes));
    return refused;
  }
  // What was cut, swapped or damaged at its ends is found before the answer begins.
  auto reader = parts_.blobs.open(tenant_, found->blob);
  if (!reader.ok()) {
    const auto entry = parts_.audit.prepare({.tenant = tenant_,
                                             .actor = "hub",
                                             .act = "recording.refused",
                                             .object = "recording:" + found->id,
                                             .result = reader.error().code});
    const Status audited =
        parts_.store.write([&](store::Transaction& tx) { return parts_.audit.append(tx, entry); });
    return http::problem(audited.ok() ? reader.error() : audited.error());
  }
  Response response{
      .status = part ? 206 : 200,
      .headers = {
          {"Content-Type", found->content_type}, {"Accept-Ranges", "bytes"}, {"ETag", tag}}};
  const std::uint64_t from = part ? range.from : 0;
  response.stream_length = part ? range.length : found->bytes;
  if (part) {
    response.headers.emplace_back("Content-Range", "bytes " + std::to_string(from) + "-" +
                                                       std::to_string(from + range.length - 1) +
                                                       "/" + std::to_string(found->bytes));
  }
  response.stream = [opened = std::shared_ptr<blob::BlobReader>(std::move(*reader)), from,
                     length = response.stream_length](const auto& write) {
    return opened->read(from, length, write);
  };
  return response;
}

// ---- health and metrics
// -------------------------------------------------------------------------------------------

namespace {
Json key_health(const crypto::RootProvider& root, const std::string& trouble) {
  Json out = Json::object({{"root", root.kind()}, {"available", trouble.empty()}});
  if (!trouble.empty()) out.set("code", trouble);
  // Not fit for patient data.
  if (root.development()) out.set("development", true);
  return out;
}
}  // namespace

Response Routes::health() const {
  const auto store = parts_.store.stats();
  // Asks the root only when the keys have expired, and after a failure at most once a second.
  const auto keys = parts_.keyring.tenant(tenant_);
  const audit::LogState audit = parts_.audit.state();
  const bool well =
      !store.disk_full && store.queued < limits::kMaxQueuedJobs / 2 && audit.well() && keys.ok();
  Json anchors = Json::array();
  for (const audit::AnchorState& anchor : audit.anchors) {
    Json one = Json::object({{"name", anchor.name},
                             {"required", anchor.required},
                             {"failing", anchor.failing},
                             {"size", anchor.size}});
    if (anchor.failing) one.set("code", anchor.code);
    anchors.push_back(std::move(one));
  }
  Json log = Json::object({{"appendable", audit.appendable},
                           {"signing", audit.signing},
                           {"entries", audit.entries},
                           {"signed", audit.signed_size},
                           {"anchors", std::move(anchors)}});
  if (!audit.code.empty()) log.set("code", audit.code);
  Json plugins = Json::array();
  std::string unsigned_ones;
  for (const auto& state : parts_.plugins.plugins()) {
    if (state.key_id.empty()) unsigned_ones += (unsigned_ones.empty() ? "" : ", ") + state.id;
    plugins.push_back(plugin_health(state));
  }
  Json body = Json::object(
      {{"status", well ? "pass" : "fail"},
       {"store", Json::object({{"diskFull", store.disk_full}, {"queued", store.queued}})},
       {"keys", key_health(parts_.keyring.root(), keys.ok() ? "" : keys.error().code)},
       {"audit", std::move(log)},
       {"plugins", plugins}});
  if (!unsigned_ones.empty())
    body.set("notes", Json::array({"dev mode: unsigned plugins: " + unsigned_ones}));
  Response response = json_response(well ? 200 : 503, body);
  response.headers = {{"Content-Type", "application/health+json"}};
  return response;
}

Response Routes::metrics() const {
  std::string out;
  const auto family = [&](std::string_view name, std::string_view type, std::string_view help) {
    out.append("# HELP ")
        .append(name)
        .append(" ")
        .append(help)
        .append("\n# TYPE ")
        .append(name)
        .append(" ")
        .append(type)
        .append("\n");
  };
  const auto sample = [&](std::string_view name, std::uint64_t value,
                          std::string_view labels = {}) {
    out.append(name).append(labels).append(" ").append(std::to_string(value)).append("\n");
  };
  const auto one = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t value) {
    family(name, type, help);
    sample(name, value);
  };
  const auto engine = parts_.engine.stats();
  const auto store = parts_.store.stats();
  one("rabt_deliveries_total", "counter", "Webhook deliveries accepted, repeats included.",
      engine.deliveries);
  one("rabt_deliveries_repeated_total", "counter",
      "Deliveries that were answered from the stored answer.", engine.repeated_deliveries);
  one("rabt_deliveries_refused_total", "counter", "Deliveries whose signature did not hold.",
      refused_signatures_);
  one("rabt_api_refused_total", "counter", "API requests without a valid token.", refused_tokens_);
  one("rabt_events_total", "counter", "Events stored.", engine.events);
  family("rabt_instances_total", "counter", "Workflow instances by what became of them.");
  sample("rabt_instances_total", engine.started, "{state=\"started\"}");
  sample("rabt_instances_total", engine.completed, "{state=\"completed\"}");
  sample("rabt_instances_total", engine.faulted, "{state=\"faulted\"}");
  sample("rabt_instances_total", engine.cancelled, "{state=\"cancelled\"}");
  one("rabt_instances_live", "gauge", "Instances held in memory.", engine.resident);
  one("rabt_turns_total", "counter", "Turns run.", engine.turns);
  one("rabt_actions_total", "counter", "Action calls sent, repeats included.", engine.actions);
  one("rabt_actions_resent_total", "counter", "Action calls repeated after an ambiguous outcome.",
      engine.resends);
  one("rabt_actions_parked_total", "counter", "Actions that wait for a person's decision.",
      engine.parked);
  one("rabt_results_late_total", "counter", "Action results that nothing waited for any more.",
      engine.late_results);
  const audit::LogState log = parts_.audit.state();
  const auto as_count = [](std::int64_t value) { return static_cast<std::uint64_t>(value); };
  one("rabt_audit_entries", "gauge", "Entries of the audit log.", as_count(log.entries));
  one("rabt_audit_signed_entries", "gauge", "Entries under the newest signed checkpoint.",
      as_count(log.signed_size));
  one("rabt_audit_refused", "gauge", "1: a defect of the audit log was found; no act is possible.",
      log.appendable ? 0 : 1);
  one("rabt_audit_not_signing", "gauge", "1: the last try to sign a checkpoint failed.",
      log.signing ? 0 : 1);
  if (!log.anchors.empty()) {
    const auto label = [](const audit::AnchorState& anchor) {
      std::string labels = "{anchor=";
      append_json_string(labels, anchor.name);
      return labels + "}";
    };
    family("rabt_audit_anchor_entries", "gauge",
           "Entries under the checkpoint that an anchor keeps.");
    for (const auto& anchor : log.anchors)
      sample("rabt_audit_anchor_entries", as_count(anchor.size), label(anchor));
    family("rabt_audit_anchor_failing", "gauge", "1: an anchor fails or hangs.");
    for (const auto& anchor : log.anchors)
      sample("rabt_audit_anchor_failing", anchor.failing ? 1 : 0, label(anchor));
  }
  one("rabt_store_commits_total", "counter", "Transactions committed.", store.commits);
  one("rabt_store_jobs_total", "counter", "Jobs committed; jobs by commits is the group size.",
      store.jobs);
  one("rabt_store_rows_total", "counter", "Rows written.", store.rows);
  one("rabt_store_queued", "gauge", "Jobs waiting for the writer.", store.queued);
  one("rabt_store_disk_full", "gauge", "1 while the disk is full.", store.disk_full ? 1 : 0);
  family("rabt_phi_withheld_total", "counter",
         "Texts that did not leave as they were, by channel and by what was found in them.");
  for (const auto& found : parts_.privacy.counts()) {
    sample("rabt_phi_withheld_total", found.count,
           "{channel=\"" + std::string(to_string(found.channel)) + "\",class=\"" +
               std::string(found.what) + "\"}");
  }
  const auto gate = parts_.gate.stats();
  one("rabt_patient_reads_total", "counter", "Readings of patient data over the API.", gate.reads);
  one("rabt_patient_reads_refused_total", "counter",
      "Readings of patient data refused for want of a break-glass grant.", gate.refused);
  one("rabt_break_glass_opened_total", "counter", "Break-glass grants opened.", gate.opened);
  one("rabt_break_glass_reads_total", "counter", "Readings of patient data under a grant.",
      gate.used);
  family("rabt_audit_syslog_waiting", "gauge",
         "Entries of the audit log that a syslog server has not confirmed.");
  for (const auto& sender : parts_.senders) {
    sample("rabt_audit_syslog_waiting", static_cast<std::uint64_t>(sender->stats().waiting),
           "{server=\"" + sender->name() + "\"}");
  }
  family("rabt_audit_syslog_behind", "gauge", "1 while a syslog server is behind its high water.");
  for (const auto& sender : parts_.senders) {
    sample("rabt_audit_syslog_behind", sender->stats().behind ? 1 : 0,
           "{server=\"" + sender->name() + "\"}");
  }
  family("rabt_audit_syslog_sent_total", "counter", "Messages sent, repeats included.");
  for (const auto& sender : parts_.senders)
    sample("rabt_audit_syslog_sent_total", sender->stats().sent,
           "{server=\"" + sender->name() + "\"}");
  one("rabt_bugs_total", "counter", "Defects found at run time.", bug_count());
  const auto plugins = parts_.plugins.plugins();
  family("rabt_plugin_calls_total", "counter", "Calls by plugin, version and outcome.");
  for (const auto& state : plugins) {
    for (const auto& [kind, count] : state.outcomes) {
      sample("rabt_plugin_calls_total", count,
             "{plugin=\"" + state.id + "\",version=\"" + state.version + "\",outcome=\"" + kind +
                 "\"}");
    }
  }
  family("rabt_plugin_violations_total", "counter", "Broken clauses of the plugin contract.");
  for (const auto& state : plugins) {
    for (const auto& [clause, count] : state.violations) {
      sample("rabt_plugin_violations_total", count,
             "{plugin=\"" + state.id + "\",version=\"" + state.version + "\",clause=\"" + clause +
                 "\"}");
    }
  }
  plugin_metrics(plugins, out);
  out += parts_.plugins.metrics();
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = std::move(out)};
}

}  // namespace rabt::api
