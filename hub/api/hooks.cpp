#include "hub/api/hooks.hpp"

#include "hub/api/answers.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/problem.hpp"

namespace rabt::api {

using http::Request;
using http::Response;

namespace {

// A flood of forged deliveries must not become a flood of audit entries.
constexpr std::int64_t kRefusalAuditEveryMs = 1000;

Json pairs(const std::vector<std::pair<std::string, std::string>>& list) {
  Json out = Json::array();
  for (const auto& [key, value] : list) out.push_back(Json::array({key, value}));
  return out;
}

Response answer(engine::Accepted accepted, const std::string& type) {
  Response response{.status = accepted.status,
                    .headers = {{"Content-Type", type}},
                    .body = std::move(accepted.answer)};
  if (accepted.repeated) response.headers.emplace_back("X-Rabt-Repeated", "true");
  return response;
}

}  // namespace

Hooks::Hooks(Parts parts, std::vector<Source> sources) : parts_(std::move(parts)) {
  for (Source& source : sources) {
    std::string name = source.name;
    sources_.emplace(std::move(name), std::move(source));
  }
}

Status Hooks::expected(const Call& call) {
  const bool of_another = !call.path[1].empty() && call.path[0] != parts_.tenant;
  const auto found = sources_.find(source_in(call.path));
  if (of_another || found == sources_.end() || found->second.over_mllp)
    return not_found("hooks.unknown_source", "no source of this name is configured");
  return parts_.ready ? parts_.ready() : ok_status();
}

bool Hooks::asks_sender(const Call& call) const {
  const auto found = sources_.find(source_in(call.path));
  return found != sources_.end() && found->second.signature.fetch != nullptr;
}

Result<Response> Hooks::deliver(const Call& call) {
  const Request& request = call.request;
  const auto found = sources_.find(source_in(call.path));
  RABT_CHECK(found != sources_.end());
  const Source& source = found->second;

  const auto verified = http::verify(source.signature, request, parts_.clock.now());
  if (!verified.ok()) {
    audit_refusal(source.name, verified.error().code);
    return verified.error();
  }

  if (!verified->confirm_url.empty()) {
    RABT_TRY(confirmed, source.signature.fetch(verified->confirm_url));
    (void)confirmed;
    parts_.log.info("hook.subscribed", {{"source", source.name}});
    return Response{.status = 200};
  }

  const Json envelope = Json::object({{"source", source.name},
                                      {"method", request.method},
                                      {"path", request.path},
                                      {"query", pairs(request.query)},
                                      {"headers", pairs(request.headers)},
                                      {"content_type", request.header("content-type")}});
  const std::string_view parent = request.only_header("traceparent").value_or("");
  return take(source, envelope, request.body, verified->dedupe_id,
              {.client = call.caller.client,
               .request = proven_request(request),
               .traceparent = parse_traceparent(parent) ? std::string(parent) : std::string()});
}

std::optional<std::string> Hooks::message(std::string_view source, const std::string& body,
                                          const std::string& address) {
  const auto found = sources_.find(source);
  RABT_CHECK(found != sources_.end());
  if (parts_.ready && !parts_.ready().ok()) return std::nullopt;
  const Json envelope = Json::object({{"source", found->second.name},
                                      {"method", "MLLP"},
                                      {"path", ""},
                                      {"query", Json::array()},
                                      {"headers", Json::array()},
                                      {"content_type", "application/hl7-v2"}});
  auto response =
      take(found->second, envelope, body, to_hex(as_bytes(as_text(crypto::sha256(body)))),
           {.client = address, .request = {}});
  // What the hub says in its own words no sender of such messages understands.
  if (!response.ok() || response->headers.empty() ||
      response->headers.front().second == "application/problem+json")
    return std::nullopt;
  return std::move(response->body);
}

Result<Response> Hooks::take(const Source& source, const Json& envelope, const std::string& body,
                             const std::string& dedupe_id, const From& from) {
  const auto read = parts_.plugins.normalise(source.plugin, envelope, body);
  if (!read.ok()) {
    const Error& error = read.error();
    parts_.log.warn("hook.unreadable", {{"source", source.name}, {"code", error.code}});
    return error;
  }
  if (!read->is_object()) {
    RABT_TRY(accepted, store(source, body, dedupe_id, from, *read));
    return answer(std::move(accepted), "application/json");
  }
  const Json& answers = (*read)["answers"];
  const std::string type = answers.string_or("content_type", "");
  const auto say = [&](int status, const char* what) {
    return Response{
        .status = status, .headers = {{"Content-Type", type}}, .body = answers.string_or(what, "")};
  };
  if (const std::string refused = read->string_or("refused", ""); !refused.empty()) {
    parts_.log.warn("hook.unreadable", {{"source", source.name}, {"reason", refused}});
    return say(422, "refused");
  }
  auto accepted = store(source, body, read->string_or("id", dedupe_id), from, (*read)["events"]);
  if (accepted.ok()) {
    accepted->answer = answers.string_or("accepted", "");
    return answer(*std::move(accepted), type);
  }
  const Error& error = accepted.error();
  parts_.log.warn("hook.not_taken", {{"source", source.name}, {"code", error.code}});
  return say(error_policy(error.kind).http_status, error.code == "engine.delivery_conflict"
                                                       ? "conflict"
                                                   : error.kind == ErrorKind::invalid ? "refused"
                                                                                      : "failed");
}

// The events become CloudEvents 1.0 envelopes. What the plugin left out is filled in.
Result<engine::Accepted> Hooks::store(const Source& source, const std::string& body,
                                      const std::string& dedupe_id, const From& from,
                                      const Json& events) const {
  if (parts_.provider_event) {
    for (const Json& event : events.as_array()) RABT_TRY_STATUS(parts_.provider_event(event));
  }
  const crypto::Digest digest = crypto::sha256(body);
  engine::Delivery delivery{.tenant = parts_.tenant,
                            .source = source.name,
                            .dedupe_id = dedupe_id,
                            .body_sha256 = std::string(as_text(digest)),
                            .client = from.client,
                            .request = from.request};
  std::int64_t number = 0;
  for (const Json& event : events.as_array()) {
    Json envelope =
        Json::object({{"specversion", "1.0"},
                      {"id", event.string_or("id", dedupe_id + "/" + std::to_string(number))},
                      {"source", event.string_or("source", "/sources/" + source.name)},
                      {"type", event.string_or("type", "")},
                      {"time", event.string_or("time", to_iso8601(parts_.clock.now()))}});
    if (event.find("subject") != nullptr) envelope.set("subject", event["subject"]);
    if (!from.traceparent.empty()) envelope.set("traceparent", from.traceparent);
    envelope.set("datacontenttype", "application/json");
    envelope.set("data", event["data"]);
    delivery.events.push_back(std::move(envelope));
    ++number;
  }
  return parts_.engine.accept(delivery);
}

void Hooks::audit_refusal(std::string_view source, std::string_view code) {
  const std::uint64_t count = ++refused_;
  parts_.log.warn("hook.refused", {{"source", source}, {"code", code}});
  const std::int64_t now = parts_.clock.monotonic_ms();
  std::int64_t last = last_refusal_audit_ms_.load();
  if (now - last < kRefusalAuditEveryMs ||
      !last_refusal_audit_ms_.compare_exchange_strong(last, now))
    return;
  const auto entry = parts_.audit.prepare({.tenant = parts_.tenant,
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

void write_metrics(const Hooks& hooks, MetricsWriter& out) {
  out.counter("rabt_deliveries_refused_total", "Deliveries whose signature did not hold.",
              hooks.refused());
}

}  // namespace rabt::api
