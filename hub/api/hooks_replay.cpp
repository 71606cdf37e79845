#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/hooks.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/number.hpp"

// Deliveries that came to nothing, taken once more or given up by a person.
namespace rabt::api {

using http::Response;

namespace {

constexpr std::string_view kNew = "new";
constexpr std::string_view kTaken = "taken";
constexpr std::string_view kChanged = "changed";

// The delivery as one of its own: living instances are told, and nothing is started. The same body
// gives the same id, so that it is told once.
void become_update(engine::Delivery& delivery) {
  const std::string mark = "/changed/" + to_hex(as_bytes(delivery.body_sha256));
  delivery.dedupe_id += mark;
  delivery.starts_nothing = true;
  for (Json& event : delivery.events) event.set("id", event.string_or("id", "") + mark);
}

std::vector<std::string> types_in(const engine::Delivery& delivery) {
  std::vector<std::string> out;
  for (const Json& event : delivery.events) {
    std::string type = event.string_or("type", "");
    if (std::find(out.begin(), out.end(), type) == out.end()) out.push_back(std::move(type));
  }
  return out;
}

Result<std::int64_t> number_of(const Call& call) {
  const auto id = read_number<std::int64_t>(call.path[0]);
  if (!id) return not_found("delivery.unknown", "there is no delivery with this number");
  return *id;
}

}  // namespace

Result<Hooks::Replayed> Hooks::replay_kept(std::int64_t id, bool dry,
                                           const engine::Asked& asked) const {
  if (parts_.outcomes == nullptr || parts_.details == nullptr)
    return not_found("delivery.body", "no body of this delivery is kept");
  RABT_TRY(kept, parts_.outcomes->kept(id));
  if (kept.settled == "discarded")
    return conflict("delivery.discarded", "the delivery was discarded");
  const auto source = sources_.find(kept.source);
  if (source == sources_.end()) {
    return conflict("delivery.source", "the source " + kept.source +
                                           " is not configured any more; nobody reads its "
                                           "deliveries");
  }
  RABT_TRY(read, parts_.plugins.normalise(source->second.plugin, kept.envelope, kept.body));
  if (const std::string refused = read.string_or("refused", ""); !refused.empty())
    return invalid("plugin.delivery", refused);
  const Json& events = read.is_object() ? read["events"] : read;
  const std::string dedupe = read.is_object() ? read.string_or("id", kept.dedupe) : kept.dedupe;
  engine::Delivery delivery = delivery_of(kept.source, kept.body, dedupe,
                                          {.client = kept.client, .request = kept.request}, events);
  RABT_TRY(state, parts_.engine.known(delivery));
  Replayed out{.was = kNew, .types = types_in(delivery), .instances = Json::array()};
  if (state == engine::Known::changed) {
    become_update(delivery);
    out.was = kChanged;
    RABT_TRY(state_of_update, parts_.engine.known(delivery));
    state = state_of_update;
  }
  if (state == engine::Known::same) out.was = kTaken;
  if (dry) return out;
  RABT_TRY(reason,
           parts_.details->seal(parts_.tenant, "", Json::object({{"reason", asked.reason}})));
  Json detail = Json::object({{"source", kept.source}, {"was", out.was}});
  if (!asked.step.job.empty()) detail.set("repair", asked.step.job);
  const auto entry = parts_.audit.prepare({.tenant = parts_.tenant,
                                           .actor = asked.actor,
                                           .act = "delivery.replayed",
                                           .object = "delivery:" + std::to_string(id),
                                           .result = "ok",
                                           .detail = std::move(detail),
                                           .sealed = reason.text});
  const auto first = [&](store::Transaction& transaction) -> Status {
    if (asked.step.first) RABT_TRY_STATUS(asked.step.first(transaction));
    RABT_TRY_STATUS(parts_.outcomes->settle(
        transaction, {.id = id, .as = "replayed", .became = out.was, .by = asked.actor}));
    RABT_TRY_STATUS(access::PatientDetail::store(transaction, reason));
    return parts_.audit.append(transaction, entry);
  };
  if (out.was == kTaken) {
    RABT_TRY_STATUS(parts_.store.write(first));
    return out;
  }
  if (parts_.provider_event) {
    for (const Json& event : events.as_array()) RABT_TRY_STATUS(parts_.provider_event(event));
  }
  delivery.first = first;
  RABT_TRY(accepted, parts_.engine.accept(delivery));
  out.used = accepted.use == engine::Accepted::Use::used;
  RABT_TRY(answer, Json::parse(accepted.answer));
  out.instances = answer["instances"];
  return out;
}

Result<std::vector<Hooks::One>> Hooks::kept(const repair::DeliveryFilter& filter,
                                            std::size_t limit) const {
  if (parts_.outcomes == nullptr) return std::vector<One>();
  return parts_.outcomes->oldest(filter, limit);
}

Result<std::string> Hooks::look(std::int64_t id) const {
  RABT_TRY(seen, replay_kept(id, true, {}));
  return std::string(seen.was);
}

Status Hooks::replay(std::int64_t id, const engine::Asked& asked) const {
  RABT_TRY_STATUS(replay_kept(id, false, asked));
  return ok_status();
}

Result<Response> Hooks::take_again(const Call& call) const {
  RABT_TRY(id, number_of(call));
  RABT_TRY(body, body_object(call));
  const bool dry = body.bool_or("dryRun", false);
  engine::Asked asked{.actor = call.caller.who.actor(), .reason = {}};
  if (!dry) {
    RABT_TRY(reason, needed_reason(body));
    asked.reason = std::move(reason);
  }
  RABT_TRY(done, replay_kept(id, dry, asked));
  Json types = Json::array();
  for (const std::string& type : done.types) types.push_back(type);
  Json out = Json::object({{"was", done.was}, {"types", std::move(types)}, {"done", !dry}});
  if (!dry) {
    out.set("used", done.used);
    out.set("instances", std::move(done.instances));
  }
  return json_response(200, out);
}

Result<Response> Hooks::discard(const Call& call) const {
  RABT_TRY(id, number_of(call));
  RABT_TRY(body, body_object(call));
  RABT_TRY(given, needed_reason(body));
  if (parts_.outcomes == nullptr || parts_.details == nullptr)
    return not_found("delivery.unknown", "there is no delivery with this number");
  const std::string actor = call.caller.who.actor();
  RABT_TRY(reason, parts_.details->seal(parts_.tenant, "", Json::object({{"reason", given}})));
  const auto entry = parts_.audit.prepare({.tenant = parts_.tenant,
                                           .actor = actor,
                                           .act = "delivery.discarded",
                                           .object = "delivery:" + std::to_string(id),
                                           .result = "ok",
                                           .client = call.caller.client,
                                           .request = call.caller.request,
                                           .sealed = reason.text});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        parts_.outcomes->settle(transaction, {.id = id, .as = "discarded", .by = actor}));
    RABT_TRY_STATUS(access::PatientDetail::store(transaction, reason));
    return parts_.audit.append(transaction, entry);
  }));
  return json_response(200, Json::object({{"discarded", true}}));
}

}  // namespace rabt::api
