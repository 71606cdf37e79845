#include "hub/webhooks/webhooks.hpp"

#include <algorithm>

#include "hub/base/clock.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/net/url.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::webhooks {

using consultation::Answer;
using consultation::Asked;
using consultation::Mistakes;
using consultation::Page;
using consultation::Window;

namespace {

constexpr std::size_t kMostWebhooks = 64;
constexpr std::string_view kPing = "org.rabt.hub.ping.v1";
// The routing key of a ping to the broker.
constexpr std::string_view kPingKey = "ping";

// Host and port, for the audit log: a path may hold a secret of the receiver.
std::string host_of(const std::string& url) {
  const auto parsed = net::parse_url(url);
  return parsed.ok() ? parsed->host_port() : std::string();
}

// next_ms: when it is tried next. Null when nobody tries it.
Json delivery_json(const Delivery& delivery, std::optional<std::int64_t> next_ms) {
  return Json::object(
      {{"id", delivery.id},
       {"event", delivery.event},
       {"type", delivery.type},
       {"state", delivery.state},
       {"attempts", delivery.attempts},
       {"createdAt", to_iso8601({delivery.created_ms})},
       {"triedAt", delivery.tried_ms ? Json(to_iso8601({*delivery.tried_ms})) : Json()},
       {"nextAt", next_ms ? Json(to_iso8601({*next_ms})) : Json()},
       {"status", delivery.status == 0 ? Json() : Json(delivery.status)},
       {"code", delivery.code.empty() ? Json() : Json(delivery.code)}});
}

}  // namespace

Webhooks::Webhooks(Parts parts, std::vector<Configured> configured)
    : parts_(std::move(parts)),
      details_(parts_.keys, parts_.store, parts_.random),
      book_({.store = parts_.store,
             .keys = parts_.keys,
             .clock = parts_.clock,
             .random = parts_.random,
             .ids = parts_.ids,
             .tenant = parts_.tenant},
            std::move(configured)),
      sender_({.store = parts_.store,
               .audit = parts_.audit,
               .http = parts_.http,
               .clock = parts_.clock,
               .random = parts_.random,
               .log = parts_.log,
               .tenant = parts_.tenant,
               .allow = parts_.allow,
               .tls = parts_.tls,
               .broker = parts_.broker,
               .patient = parts_.patient},
              book_) {}

Result<std::unique_ptr<Webhooks>> Webhooks::open(Parts parts, std::vector<Configured> configured) {
  for (const Configured& one : configured) {
    if (one.routes != nullptr) continue;
    const Status allowed = parts.allow->check(one.url);
    if (!allowed.ok())
      return invalid(allowed.error().code, "webhook " + one.name + ": " + allowed.error().message);
  }
  name_configured_clinics(configured, parts);
  std::unique_ptr<Webhooks> webhooks(new Webhooks(std::move(parts), std::move(configured)));
  RABT_TRY_STATUS(webhooks->book_.open());
  return webhooks;
}

void Webhooks::start() {
  if (parts_.broker.publisher != nullptr) parts_.broker.publisher->start();
  sender_.start();
}

void Webhooks::stop() {
  sender_.stop();
  if (parts_.broker.publisher != nullptr) parts_.broker.publisher->stop();
}

Delivery Webhooks::delivery_of(const Endpoint& endpoint, const Json& event,
                               std::string_view key) const {
  const Json body = Json::object(
      {{"type", event["type"]}, {"timestamp", event["time"]}, {"data", event["data"]}});
  const auto parent = parse_traceparent(event.string_or("traceparent", ""));
  return {.id = parts_.ids.next().text(),
          .webhook = endpoint.id,
          .event = event.string_or("id", ""),
          .type = event.string_or("type", ""),
          .body = body.dump(),
          .topic = std::string(key),
          .subject = key.empty() ? std::string() : event.string_or("subject", ""),
          .trace = parent ? parent->trace : std::string(),
          .created_ms = parts_.clock.now().ms};
}

std::vector<Delivery> Webhooks::deliveries_of(const Json& event) const {
  std::vector<Delivery> deliveries;
  for (const auto& endpoint : *book_.all()) {
    if (!endpoint->active()) continue;
    if (endpoint->routes != nullptr) {
      if (const Route* const route = route_of(*endpoint->routes, event))
        deliveries.push_back(delivery_of(*endpoint, event, route->key));
    } else if (wanted(endpoint->wants, event)) {
      deliveries.push_back(delivery_of(*endpoint, event, {}));
    }
  }
  return deliveries;
}

Status Webhooks::put(store::Transaction& transaction, const std::vector<Delivery>& deliveries) {
  for (const Delivery& delivery : deliveries)
    RABT_TRY_STATUS(insert_delivery(transaction, parts_.tenant, delivery));
  if (!deliveries.empty()) transaction.on_commit([this] { sender_.wake(); });
  return ok_status();
}

Result<std::size_t> Webhooks::accept(const Json& event) {
  const std::vector<Delivery> deliveries = deliveries_of(event);
  if (deliveries.empty()) return std::size_t{0};
  RABT_TRY_STATUS(parts_.store.write(
      [&](store::Transaction& transaction) { return put(transaction, deliveries); }));
  return deliveries.size();
}

bool Webhooks::wants(std::string_view type) const {
  const auto all = book_.all();
  return std::any_of(all->begin(), all->end(), [&](const auto& one) {
    return one->active() &&
           (one->routes != nullptr ? names_type(*one->routes, type) : names_type(one->wants, type));
  });
}

// ---- Administration

Result<std::shared_ptr<const Endpoint>> Webhooks::endpoint_of(const Caller& caller,
                                                              const std::string& id) const {
  auto found = book_.find(id);
  if (found == nullptr || caller.who.tenant != parts_.tenant)
    return not_found("webhook.unknown", "there is no such webhook");
  return found;
}

Result<std::shared_ptr<const Endpoint>> Webhooks::own_endpoint_of(const Caller& caller,
                                                                  const std::string& id) const {
  RABT_TRY(found, endpoint_of(caller, id));
  if (found->configured && found->state != "removed")
    return conflict("webhook.configured",
                    "the configuration has this webhook; change it there and start the hub again");
  return found;
}

Result<Json> Webhooks::to_json(const Endpoint& endpoint) const {
  RABT_TRY(counts, count_deliveries(parts_.store, parts_.tenant, endpoint.id));
  Json keys = Json::array();
  const auto add = [&](const std::vector<SigningSecret>& secrets) {
    for (const SigningSecret& secret : secrets) {
      if (std::string key = secret.public_key(); !key.empty()) keys.push_back(std::move(key));
    }
  };
  if (endpoint.secrets != nullptr) {
    add(*endpoint.secrets);
  } else if (!endpoint.sealed.empty()) {
    RABT_TRY(secrets, book_.secrets(endpoint));
    add(secrets);
  }
  Json out = Json::object({{"id", endpoint.id},
                           {"name", endpoint.name},
                           {"origin", endpoint.configured ? "configuration" : "api"},
                           {"url", endpoint.url},
                           {"state", endpoint.state},
                           {"active", endpoint.active()},
                           {"publicKeys", std::move(keys)},
                           {"waiting", counts.open},
                           {"dead", counts.dead},
                           {"version", endpoint.version},
                           {"createdAt", to_iso8601({endpoint.created_ms})},
                           {"updatedAt", to_iso8601({endpoint.updated_ms})}});
  const Json wants = webhooks::to_json(endpoint.wants);
  for (const auto& [name, value] : wants.as_object()) out.set(name, value);
  return out;
}

audit::Entry Webhooks::entry_of(const Caller& caller, std::string_view act,
                                const Endpoint& endpoint, Json detail) const {
  return {.tenant = parts_.tenant,
          .actor = caller.who.actor(),
          .act = std::string(act),
          .object = "webhook:" + endpoint.id,
          .result = "ok",
          .detail = std::move(detail),
          .client = caller.client,
          .request = caller.request};
}

audit::Prepared Webhooks::entry(const Caller& caller, std::string_view act,
                                const Endpoint& endpoint, Json detail) const {
  return parts_.audit.prepare(entry_of(caller, act, endpoint, std::move(detail)));
}

void Webhooks::name_configured_clinics(std::vector<Configured>& configured, const Parts& parts) {
  if (parts.clinic == nullptr) return;
  for (Configured& one : configured) {
    for (std::string& clinic : one.wants.clinics) {
      auto id = parts.clinic(clinic);
      if (id.ok()) {
        clinic = *std::move(id);
      } else {
        parts.log.warn("webhook.clinic",
                       {{"name", one.name}, {"clinic", clinic}, {"code", id.error().code}});
      }
    }
  }
}

Status Webhooks::name_clinics(std::vector<std::string>& clinics) const {
  RABT_TRY_STATUS(check({.clinics = clinics}));
  if (parts_.clinic == nullptr) return ok_status();
  for (std::string& clinic : clinics) {
    RABT_TRY(id, parts_.clinic(clinic));
    clinic = std::move(id);
  }
  return ok_status();
}

Status Webhooks::apply(const WebhookMembers& members, Endpoint& endpoint) const {
  Wants& wants = endpoint.wants;
  if (members.name) endpoint.name = *members.name;
  if (members.url) endpoint.url = *members.url;
  if (members.events) wants.events = *members.events;
  if (members.types) wants.types = *members.types;
  if (members.clinics) wants.clinics = *members.clinics;
  if (members.active) endpoint.state = *members.active ? "active" : "paused";
  // One after the other, so that a refusal names its member.
  Mistakes mistakes;
  if (const Status good = check({.events = wants.events}); !good.ok())
    mistakes.add("events", good.error().message);
  if (const Status good = check({.types = wants.types}); !good.ok())
    mistakes.add("types", good.error().message);
  if (const Status good = name_clinics(wants.clinics); !good.ok())
    mistakes.add("clinics", good.error().message);
  if (const auto url = net::parse_url(endpoint.url); !url.ok()) {
    mistakes.add("url", url.error().message);
  } else if (!parts_.allow->check(endpoint.url).ok()) {
    mistakes.add("url",
                 "webhooks may not reach this host; the operator lists hosts under "
                 "`http.webhooks` in the configuration");
  }
  return mistakes.status();
}

Answer Webhooks::list(const Caller& caller) {
  Json items = Json::array();
  if (caller.who.tenant == parts_.tenant) {
    for (const auto& endpoint : *book_.all()) {
      RABT_TRY(one, to_json(*endpoint));
      items.push_back(std::move(one));
    }
  }
  return Json::object({{"items", std::move(items)}});
}

Status Webhooks::write(const Caller& caller, const Json& answer, const store::Store::Job& job) {
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(job(transaction));
    return caller.once ? caller.once(transaction, answer) : ok_status();
  });
}

Answer Webhooks::create(const Caller& caller, const Asked<WebhookMembers>& asked) {
  RABT_TRY(members, asked);
  Endpoint endpoint;
  RABT_TRY_STATUS(apply(members, endpoint));
  if (book_.all()->size() >= kMostWebhooks)
    return conflict("webhook.too_many", "there are " + std::to_string(kMostWebhooks) +
                                            " webhooks already; delete one that nobody needs");
  endpoint.id = parts_.ids.next().text();
  endpoint.created_ms = parts_.clock.now().ms;
  endpoint.updated_ms = endpoint.created_ms;
  const std::string secret = SigningSecret::make_shared_text(parts_.random);
  RABT_TRY_STATUS(book_.seal(
      endpoint, {{.text = secret, .until_ms = {}},
                 {.text = SigningSecret::make_key_text(parts_.random), .until_ms = {}}}));
  const audit::Prepared created =
      entry(caller, "webhook.created", endpoint, Json::object({{"host", host_of(endpoint.url)}}));
  RABT_TRY(out, to_json(endpoint));
  out.set("secret", secret);
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(insert_endpoint(transaction, parts_.tenant, endpoint));
    return parts_.audit.append(transaction, created);
  }));
  RABT_TRY_STATUS(book_.reload());
  return out;
}

Answer Webhooks::get(const Caller& caller, const OfWebhook& asked) {
  RABT_TRY(endpoint, endpoint_of(caller, asked.webhook));
  return to_json(*endpoint);
}

Answer Webhooks::change(const Caller& caller, const ChangeWebhook& asked) {
  RABT_TRY(before, own_endpoint_of(caller, asked.webhook));
  if (!asked.version)
    return conflict("precondition.required", "send If-Match with the ETag of the webhook");
  if (*asked.version != before->version)
    return conflict("precondition.failed", "somebody else has changed the webhook meanwhile");
  RABT_TRY(members, asked.members);
  Endpoint after = *before;
  RABT_TRY_STATUS(apply(members, after));
  after.version += 1;
  after.updated_ms = parts_.clock.now().ms;
  const audit::Prepared changed =
      entry(caller, "webhook.changed", after,
            Json::object({{"host", host_of(after.url)}, {"state", after.state}}));
  RABT_TRY(out, to_json(after));
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(update_endpoint(transaction, parts_.tenant, after));
    return parts_.audit.append(transaction, changed);
  }));
  RABT_TRY_STATUS(book_.reload());
  sender_.end_pause(after.id);
  return out;
}

Answer Webhooks::remove(const Caller& caller, const OfWebhook& asked) {
  RABT_TRY(endpoint, own_endpoint_of(caller, asked.webhook));
  const audit::Prepared removed =
      entry(caller, "webhook.deleted", *endpoint, Json::object({{"host", host_of(endpoint->url)}}));
  RABT_TRY_STATUS(write(caller, Json::object(), [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(delete_endpoint(transaction, parts_.tenant, endpoint->id));
    return parts_.audit.append(transaction, removed);
  }));
  RABT_TRY_STATUS(book_.reload());
  return Json::object();
}

Answer Webhooks::rotate(const Caller& caller, const RotateSecret& asked) {
  RABT_TRY(before, own_endpoint_of(caller, asked.webhook));
  RABT_TRY(hours, asked.overlap_hours);
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t until = now + hours * kHourMs;
  RABT_TRY(secrets, book_.kept(*before));
  std::erase_if(secrets,
                [&](const KeptSecret& one) { return one.until_ms && *one.until_ms <= now; });
  // A secret that leaves already leaves when it was to.
  for (KeptSecret& kept_secret : secrets)
    kept_secret.until_ms = std::min(kept_secret.until_ms.value_or(until), until);
  const std::string secret = SigningSecret::make_shared_text(parts_.random);
  const std::string key = SigningSecret::make_key_text(parts_.random);
  // The new ones stand first: a receiver that looks at one signature only looks at the first.
  secrets.insert(secrets.begin(),
                 {{.text = secret, .until_ms = {}}, {.text = key, .until_ms = {}}});
  Endpoint after = *before;
  RABT_TRY_STATUS(book_.seal(after, secrets));
  after.version += 1;
  after.updated_ms = now;
  const audit::Prepared rotated =
      entry(caller, "webhook.rotated", after, Json::object({{"overlapHours", hours}}));
  RABT_TRY(pair, SigningSecret::parse(key));
  Json out = Json::object({{"id", after.id},
                           {"secret", secret},
                           {"publicKey", pair.public_key()},
                           {"oldUntil", to_iso8601({until})},
                           {"version", after.version}});
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(update_endpoint(transaction, parts_.tenant, after));
    return parts_.audit.append(transaction, rotated);
  }));
  RABT_TRY_STATUS(book_.reload());
  sender_.end_pause(after.id);
  return out;
}

Answer Webhooks::ping(const Caller& caller, const OfWebhook& asked) {
  RABT_TRY(endpoint, endpoint_of(caller, asked.webhook));
  if (!endpoint->active())
    return conflict("webhook.not_active",
                    "the webhook is " + endpoint->state + "; only an active one is told anything");
  const Delivery ping =
      delivery_of(*endpoint,
                  Json::object({{"id", parts_.ids.next().text()},
                                {"type", kPing},
                                {"time", to_iso8601(parts_.clock.now())},
                                {"data", Json::object({{"webhook", endpoint->id}})}}),
                  endpoint->routes != nullptr ? kPingKey : std::string_view());
  const audit::Prepared sent =
      entry(caller, "webhook.pinged", *endpoint, Json::object({{"delivery", ping.id}}));
  Json out = Json::object({{"delivery", ping.id}, {"event", ping.event}});
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(insert_delivery(transaction, parts_.tenant, ping));
    return parts_.audit.append(transaction, sent);
  }));
  sender_.end_pause(endpoint->id);
  return out;
}

// ---- Deliveries

Result<Page> Webhooks::deliveries(const Caller& caller, const ListDeliveries& asked,
                                  const Window& window) {
  RABT_TRY(endpoint, endpoint_of(caller, asked.webhook));
  Page page;
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t pause = sender_.pause_left_ms(endpoint->id);
  const auto add = [&](const std::vector<Delivery>& all) -> Status {
    std::vector<std::string> open;
    for (const Delivery& one : all) {
      if (one.state == "open" && endpoint->active()) open.push_back(one.id);
    }
    RABT_TRY(due, outbox::due_of(parts_.store, parts_.tenant, outbox::kWebhook, open));
    for (const Delivery& delivery : all) {
      const auto next = due.find(delivery.id);
      page.items.push_back(delivery_json(
          delivery,
          next == due.end()
              ? std::nullopt
              : std::optional(pause > 0 ? std::max(next->second, now + pause) : next->second)));
    }
    return ok_status();
  };
  if (!asked.delivery.empty()) {
    RABT_TRY(found, find_delivery(parts_.store, parts_.tenant, endpoint->id, asked.delivery));
    if (found) RABT_TRY_STATUS(add({*found}));
    return page;
  }
  const std::string_view state = asked.state;
  if (!state.empty() && state != "open" && state != "done" && state != "dead" &&
      state != "discarded")
    return invalid("api.invalid", "state: it must be open, done, dead or discarded");
  RABT_TRY(found, list_deliveries(parts_.store, parts_.tenant, endpoint->id, state, window.cursor,
                                  window.limit + 1));
  const bool more = found.size() > window.limit;
  if (more) found.resize(window.limit);
  RABT_TRY_STATUS(add(found));
  if (more) page.next = found.back().id;
  return page;
}

Answer Webhooks::replay(const Caller& caller, const ReplayDeliveries& asked) {
  RABT_TRY(endpoint, endpoint_of(caller, asked.webhook));
  RABT_TRY(again, asked.again);
  if (!endpoint->active())
    return conflict("webhook.not_active",
                    "the webhook is " + endpoint->state + "; only an active one is told anything");
  if (!again.delivery.empty()) {
    RABT_TRY(found, find_delivery(parts_.store, parts_.tenant, endpoint->id, again.delivery));
    if (!found) return not_found("webhook.delivery_unknown", "the webhook has no such delivery");
  }
  const std::int64_t now = parts_.clock.now().ms;
  Json what = Json::object();
  if (!again.delivery.empty()) what.set("delivery", again.delivery);
  if (again.since_ms) what.set("since", to_iso8601({*again.since_ms}));
  if (again.dead) what.set("dead", true);
  const audit::Prepared replayed = entry(caller, "webhook.replayed", *endpoint, std::move(what));
  Json out;
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(count, open_again(transaction, parts_.tenant, endpoint->id, again, now));
    out = Json::object({{"replayed", count}});
    return parts_.audit.append(transaction, replayed);
  }));
  sender_.end_pause(endpoint->id);
  return out;
}

Answer Webhooks::discard(const Caller& caller, const DiscardDeliveries& asked) {
  RABT_TRY(endpoint, endpoint_of(caller, asked.webhook));
  RABT_TRY(which, asked.which);
  const std::string& delivery = which.delivery;
  if (!delivery.empty()) {
    RABT_TRY(found, find_delivery(parts_.store, parts_.tenant, endpoint->id, delivery));
    if (!found) return not_found("webhook.delivery_unknown", "the webhook has no such delivery");
    if (found->state != "dead")
      return conflict("webhook.not_dead", "the delivery is " + found->state +
                                              "; only one that was given up is discarded");
  }
  RABT_TRY(sealed, details_.seal(parts_.tenant, "", Json::object({{"reason", which.reason}})));
  audit::Entry discarded = entry_of(
      caller, "webhook.discarded", *endpoint,
      delivery.empty() ? Json::object({{"dead", true}}) : Json::object({{"delivery", delivery}}));
  discarded.sealed = sealed.text;
  const audit::Prepared prepared = parts_.audit.prepare(discarded);
  Json out;
  RABT_TRY_STATUS(write(caller, out, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(count, discard_dead(transaction, parts_.tenant, endpoint->id, delivery));
    out = Json::object({{"discarded", count}});
    RABT_TRY_STATUS(access::PatientDetail::store(transaction, sealed));
    return parts_.audit.append(transaction, prepared);
  }));
  return out;
}

// ---- Metrics

void Webhooks::write_metrics(MetricsWriter& out) const {
  const Sender::Stats stats = sender_.stats();
  out.counters("rabt_webhook_deliveries_total", "Attempts to tell webhooks, by result.");
  out.sample("rabt_webhook_deliveries_total", {{"result", "delivered"}}, stats.delivered);
  out.sample("rabt_webhook_deliveries_total", {{"result", "failed"}}, stats.failed);
  out.sample("rabt_webhook_deliveries_total", {{"result", "dead"}}, stats.dead);
  out.gauge("rabt_webhook_failing", "Webhooks that are left alone for a while after failures.",
            stats.failing);
  std::int64_t open = 0;
  std::int64_t dead = 0;
  std::int64_t oldest = parts_.clock.now().ms;
  for (const auto& endpoint : *book_.all()) {
    const auto counts = count_deliveries(parts_.store, parts_.tenant, endpoint->id);
    if (!counts.ok()) continue;
    open += counts->open;
    dead += counts->dead;
    oldest = std::min(oldest, counts->oldest_ms.value_or(oldest));
  }
  const auto whole = [](std::int64_t value) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(value, 0));
  };
  out.gauge("rabt_webhook_waiting", "Deliveries that are still to be made.", whole(open));
  out.gauge("rabt_webhook_dead", "Deliveries that were given up, and are kept for a replay.",
            whole(dead));
  out.gauge("rabt_webhook_oldest_seconds", "Age of the oldest delivery that is still to be made.",
            whole((parts_.clock.now().ms - oldest) / 1000));
}

}  // namespace rabt::webhooks
