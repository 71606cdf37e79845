#include "hub/api/hooks.hpp"

#include <set>

#include "hub/api/answers.hpp"
#include "hub/api/control_id.hpp"
#include "hub/api/patients.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/number.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/receipt.hpp"
#include "hub/http/content_coding.hpp"
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

// The envelope as it is kept: headers that prove who sends stay out.
Json without_proofs(const http::SignatureConfig& config, Json envelope) {
  const auto proves = [&config](std::string_view name) {
    return equal_ignoring_case(name, "authorization") || equal_ignoring_case(name, "cookie") ||
           equal_ignoring_case(name, "proxy-authorization") ||
           equal_ignoring_case(name, config.proof_header) ||
           lower(name).find("signature") != std::string::npos;
  };
  Json kept = Json::array();
  for (const Json& header : envelope["headers"].as_array()) {
    if (!proves(header[0].as_string())) kept.push_back(header);
  }
  envelope.set("headers", std::move(kept));
  return envelope;
}

// True if a video provider or a gateway of messages says what became of something; whether it is
// one of the hub's is for the session service to say.
bool of_provider(const Json& events) {
  for (const Json& event : events.as_array()) {
    const std::string type = event.string_or("type", "");
    if (type.starts_with("org.rabt.session.") || type.starts_with("org.rabt.notify.")) return true;
  }
  return false;
}

// The types of the events, each once.
std::string types_of(const std::vector<Json>& events) {
  std::set<std::string> types;
  for (const Json& event : events) types.insert(event.string_or("type", ""));
  std::string out;
  for (const std::string& type : types) out += (out.empty() ? "" : ", ") + type;
  return out.empty() ? "a delivery without events" : out;
}

// Why a delivery that was taken changed nothing.
struct Unused {
  std::string_view code;
  std::string_view reason;
};
Unused why_unused(engine::Accepted::Use use) {
  using Use = engine::Accepted::Use;
  if (use == Use::key_taken)
    return {
        .code = "event.key_taken",
        .reason =
            "an instance of its business key lives, and never waits for such an event; what the "
            "event says is not taken over"};
  if (use == Use::kept)
    return {.code = "event.kept",
            .reason =
                "no instance waits for it now; it is kept for one that will, also where an "
                "instance of its business key is busy"};
  return {.code = "event.unused",
          .reason = "no workflow starts with it, and no instance waits for it"};
}

Response answer(engine::Accepted accepted, const std::string& type) {
  Response response{.status = accepted.status,
                    .headers = {{"Content-Type", type}},
                    .body = std::move(accepted.answer)};
  if (accepted.repeated) response.headers.emplace_back("X-Rabt-Repeated", "true");
  // Not in the body, which a repeat gets as well.
  if (accepted.use != engine::Accepted::Use::used)
    response.headers.emplace_back("X-Rabt-Unused", why_unused(accepted.use).code);
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
  const bool of_another = names_tenant(call.path) && call.path[0] != parts_.tenant;
  const auto found = sources_.find(source_in(call.path));
  if (of_another || found == sources_.end() || found->second.over_mllp)
    return not_found("hooks.unknown_source", "no source of this name is configured");
  const Source& source = found->second;
  const std::string& client = call.caller.client;
  if (!source.addresses || client == kThisMachine || source.addresses->has(client))
    return ok_status();
  Error other = denied("hooks.address",
                       "the sender's address is none of the `addresses` that this source takes "
                       "deliveries from");
  audit_refusal(source.name, other.code);
  lost({.source = source.name,
        .outcome = Outcome::signature,
        .code = other.code,
        .reason = other.message,
        .client = client,
        .request = call.request.request_id,
        .body = {}});
  return other;
}

bool Hooks::asks_sender(const Call& call) const {
  const auto found = sources_.find(source_in(call.path));
  if (found == sources_.end()) return false;
  const http::SignatureConfig& signature = found->second.signature;
  return signature.fetch != nullptr || signature.asks_issuer;
}

Result<Response> Hooks::deliver(const Call& call) {
  const auto found = sources_.find(source_in(call.path));
  RABT_CHECK(found != sources_.end());
  const std::string_view coding = call.request.header("content-encoding");
  if (!http::is_unpacked(coding)) return deliver_plain(call, found->second, call.request);
  auto content = http::unpacked(call.request.body, coding, limits::kMaxRequestBody);
  // Nothing is proved: as with a signature that does not hold, the body is not kept.
  if (!content.ok())
    return refuse(found->second, {.client = call.caller.client, .request = call.request.request_id},
                  Outcome::signature, content.error(), call.request.body);
  Request plain = call.request;
  plain.body = *std::move(content);
  std::erase_if(plain.headers, [](const auto& one) { return one.first == "content-encoding"; });
  return deliver_plain(call, found->second, plain);
}

Result<Response> Hooks::deliver_plain(const Call& call, const Source& source,
                                      const Request& request) {
  const std::string_view parent = request.only_header("traceparent").value_or("");
  const From from{.client = call.caller.client,
                  .request = proven_request(request),
                  .traceparent = parse_traceparent(parent) ? std::string(parent) : std::string()};
  auto verified = http::verify(source.signature, request, parts_.clock.now());
  // Some senders sign what they compress, others the bytes that they send: both prove the content.
  if (!verified.ok() && &request != &call.request) {
    verified = http::verify(source.signature, call.request, parts_.clock.now());
    if (verified.ok() && !verified->id_from_sender) verified->dedupe_id = http::digest_id(request);
  }
  if (!verified.ok()) {
    audit_refusal(source.name, verified.error().code);
    // The caller's own name of the request is nobody's word here.
    return refuse(source, {.client = from.client, .request = request.request_id},
                  Outcome::signature, verified.error(), request.body);
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
  return take(source, envelope, request.body, verified->dedupe_id, from);
}

std::optional<std::string> Hooks::message(std::string_view source, const std::string& body,
                                          const std::string& address) {
  const auto found = sources_.find(source);
  RABT_CHECK(found != sources_.end());
  const Json envelope = Json::object({{"source", found->second.name},
                                      {"method", "MLLP"},
                                      {"path", ""},
                                      {"query", Json::array()},
                                      {"headers", Json::array()},
                                      {"content_type", "application/hl7-v2"}});
  auto response =
      take(found->second, envelope, body, to_hex(as_bytes(as_text(crypto::sha256(body)))),
           {.client = address, .request = request_of(body)});
  // Senders of such messages do not understand the hub's own problem documents.
  if (!response.ok() || response->headers.empty() ||
      response->headers.front().second == "application/problem+json")
    return std::nullopt;
  return std::move(response->body);
}

std::string Hooks::request_of(std::string_view message) const {
  std::string out = parts_.ids.next().text();
  if (const std::string control = control_id(message); !control.empty())
    out.append(" control:").append(control);
  return out;
}

Result<Response> Hooks::take(const Source& source, const Json& envelope, const std::string& body,
                             const std::string& dedupe_id, const From& sender) {
  From from = sender;
  from.envelope = without_proofs(source.signature, envelope);
  from.dedupe = dedupe_id;
  {
    const Lock lock(mutex_);
    ++heard_[source.name];
  }
  const Status ready = parts_.ready ? parts_.ready() : ok_status();
  if (!ready.ok()) return refuse(source, from, Outcome::not_taken, ready.error(), body);
  const auto read = parts_.plugins.normalise(source.plugin, envelope, body);
  if (!read.ok()) {
    // A plugin that cannot answer now has read nothing.
    const bool unread = read.error().kind == ErrorKind::invalid;
    return refuse(source, from, unread ? Outcome::unreadable : Outcome::not_taken, read.error(),
                  body);
  }
  if (!read->is_object()) {
    auto accepted = store(source, body, dedupe_id, from, *read);
    if (!accepted.ok()) return refuse(source, from, Outcome::not_taken, accepted.error(), body);
    return answer(*std::move(accepted), "application/json");
  }
  const Json& answers = (*read)["answers"];
  const std::string type = answers.string_or("content_type", "");
  const auto say = [&](int status, const char* what) {
    Response response{
        .status = status, .headers = {{"Content-Type", type}}, .body = answers.string_or(what, "")};
    response.cause = http::Cause{.logged = true};
    return response;
  };
  if (const std::string refused = read->string_or("refused", ""); !refused.empty()) {
    lost({.source = source.name,
          .outcome = Outcome::unreadable,
          .code = "plugin.delivery",
          .reason = refused,
          .client = from.client,
          .request = from.request,
          .body = body,
          .envelope = &from.envelope,
          .dedupe = from.dedupe});
    return say(422, "refused");
  }
  auto accepted = store(source, body, read->string_or("id", dedupe_id), from, (*read)["events"]);
  if (accepted.ok()) {
    accepted->answer = answers.string_or("accepted", "");
    return answer(*std::move(accepted), type);
  }
  const Error& error = accepted.error();
  (void)refuse(source, from, Outcome::not_taken, error, body);
  return say(error_policy(error.kind).http_status, error.code == "engine.delivery_conflict"
                                                       ? "conflict"
                                                   : error.kind == ErrorKind::invalid ? "refused"
                                                                                      : "failed");
}

engine::Delivery Hooks::delivery_of(const std::string& source, const std::string& body,
                                    const std::string& dedupe_id, const From& from,
                                    const Json& events) const {
  const crypto::Digest digest = crypto::sha256(body);
  engine::Delivery delivery{.tenant = parts_.tenant,
                            .source = source,
                            .dedupe_id = dedupe_id,
                            .body_sha256 = std::string(as_text(digest)),
                            .client = from.client,
                            .request = from.request};
  std::int64_t number = 0;
  for (const Json& event : events.as_array()) {
    Json envelope =
        Json::object({{"specversion", "1.0"},
                      {"id", event.string_or("id", dedupe_id + "/" + std::to_string(number))},
                      {"source", event.string_or("source", "/sources/" + source)},
                      {"type", event.string_or("type", "")},
                      {"time", event.string_or("time", to_iso8601(parts_.clock.now()))}});
    if (event.find("time") == nullptr) envelope.set(engine::kTimeOfReceipt, true);
    if (const Json* const codes = event.find("codes"); codes != nullptr)
      envelope.set(engine::kEventCodes, codes->dump());
    if (event.find("subject") != nullptr) envelope.set("subject", event["subject"]);
    if (!from.traceparent.empty()) envelope.set("traceparent", from.traceparent);
    envelope.set("datacontenttype", "application/json");
    envelope.set("data", event["data"]);
    delivery.events.push_back(std::move(envelope));
    ++number;
  }
  return delivery;
}

Result<engine::Accepted> Hooks::store(const Source& source, const std::string& body,
                                      const std::string& dedupe_id, const From& from,
                                      const Json& events) const {
  if (parts_.provider_event) {
    for (const Json& event : events.as_array()) RABT_TRY_STATUS(parts_.provider_event(event));
  }
  const engine::Delivery delivery = delivery_of(source.name, body, dedupe_id, from, events);
  auto accepted = parts_.engine.accept(delivery);
  if (accepted.ok() && of_provider(events)) accepted->use = engine::Accepted::Use::used;
  // A heartbeat, or a notice of no interest, holds no event that anybody could miss.
  if (accepted.ok() && !delivery.events.empty() && accepted->use != engine::Accepted::Use::used) {
    const Unused why = why_unused(accepted->use);
    lost({.source = source.name,
          .outcome = Outcome::unused,
          .code = std::string(why.code),
          .reason = types_of(delivery.events) + ": " + std::string(why.reason),
          .client = from.client,
          .request = from.request,
          .body = body});
  }
  return accepted;
}

Result<Response> Hooks::lost_body(const Call& call) const {
  const auto id = read_number<std::int64_t>(call.path[0]);
  if (parts_.outcomes == nullptr || parts_.access == nullptr || !id)
    return not_found("delivery.body", "no body of this delivery is kept");
  RABT_TRY(body, parts_.outcomes->body(*id));
  RABT_TRY_STATUS(parts_.access->admit_review(
      reader_of(call), {.act = "delivery.read", .object = "delivery:" + std::to_string(*id)}));
  return Response{.status = 200,
                  .headers = {{"Content-Type", "application/octet-stream"},
                              {"Content-Disposition", "attachment; filename=\"delivery\""}},
                  .body = std::move(body)};
}

std::map<std::string, std::uint64_t> Hooks::heard() const {
  std::map<std::string, std::uint64_t> out;
  for (const auto& [name, source] : sources_) out[name] = 0;
  const Lock lock(mutex_);
  for (const auto& [name, count] : heard_) out[name] = count;
  return out;
}

void Hooks::lost(const LostDelivery& delivery) const {
  const bool unused = delivery.outcome == Outcome::unused;
  parts_.log.log(unused ? LogLevel::info : LogLevel::warn,
                 "hook." + std::string(to_string(delivery.outcome)),
                 {{"source", delivery.source},
                  {"code", delivery.code},
                  {"reason", delivery.reason},
                  {"request_id", delivery.request},
                  {"remote", delivery.client},
                  {"bytes", static_cast<std::int64_t>(delivery.body.size())}});
  if (parts_.outcomes != nullptr) parts_.outcomes->note(delivery);
}

Response Hooks::refuse(const Source& source, const From& from, Outcome outcome, const Error& error,
                       const std::string& body) const {
  lost({.source = source.name,
        .outcome = outcome,
        .code = error.code,
        .reason = error.message,
        .client = from.client,
        .request = from.request,
        .body = body,
        .envelope = from.envelope.is_null() ? nullptr : &from.envelope,
        .dedupe = from.dedupe,
        .for_good = error.kind == ErrorKind::invalid || error.kind == ErrorKind::conflict});
  Response response = http::problem(error);
  if (response.cause) response.cause->logged = true;
  return response;
}

void Hooks::audit_refusal(std::string_view source, std::string_view code) {
  const std::uint64_t count = ++refused_;
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
  out.counter("rabt_deliveries_refused_total", "Deliveries that did not prove their sender.",
              hooks.refused());
  hooks.write_outcomes(out);
}

}  // namespace rabt::api
