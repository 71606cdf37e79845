#include "hub/api/requests/webhook_requests.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::Asked;
using consultation::Fields;
using webhooks::Again;
using webhooks::ChangeWebhook;
using webhooks::DiscardDeliveries;
using webhooks::ListDeliveries;
using webhooks::OfWebhook;
using webhooks::ReplayDeliveries;
using webhooks::RotateSecret;
using webhooks::WebhookMembers;

namespace {

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kLongestUrl = 2048;
constexpr std::size_t kLongestReason = 500;
constexpr std::int64_t kMostOverlapHours = 168;
constexpr std::int64_t kOverlapHours = 24;

// Unset when absent; null is a list without entries.
std::optional<std::vector<std::string>> texts_in(Fields& fields, const Json& body,
                                                 std::string_view name) {
  const Json* const list = body.find(name);
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> out;
  if (list->is_null()) return out;
  if (!list->is_array()) {
    fields.wrong(name, "it must be a list of texts");
    return out;
  }
  for (const Json& item : list->as_array()) {
    if (!item.is_string()) {
      fields.wrong(name, "it must be a list of texts");
      return out;
    }
    out.push_back(item.as_string());
  }
  return out;
}

void read_lists(Fields& fields, const Json& body, WebhookMembers& out) {
  out.events = texts_in(fields, body, "events");
  out.types = texts_in(fields, body, "types");
  out.clinics = texts_in(fields, body, "clinics");
}

Asked<WebhookMembers> changed_members_in(const Json& body) {
  Fields fields(body);
  fields.only({"name", "url", "events", "types", "clinics", "active"});
  WebhookMembers out;
  if (fields.has("name")) out.name = fields.needed_text("name", kLongestName);
  if (fields.has("url")) out.url = fields.needed_text("url", kLongestUrl);
  read_lists(fields, body, out);
  out.active = fields.boolean("active");
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<std::int64_t> overlap_hours_in(const Json& body) {
  Fields fields(body);
  fields.only({"overlapHours"});
  const std::int64_t hours =
      fields.integer("overlapHours", 0, kMostOverlapHours).value_or(kOverlapHours);
  RABT_TRY_STATUS(fields.done());
  return hours;
}

Asked<Again> again_in(const Json& body) {
  Fields fields(body);
  fields.only({"delivery", "since", "dead"});
  Again again{.delivery = fields.text("delivery"),
              .since_ms = {},
              .dead = fields.boolean("dead").value_or(false)};
  if (const auto since = fields.time("since")) again.since_ms = since->ms;
  const int named =
      (again.delivery.empty() ? 0 : 1) + (again.since_ms ? 1 : 0) + (again.dead ? 1 : 0);
  if (fields.good() && named != 1)
    fields.wrong("delivery", "name one of `delivery`, `since` and `dead`");
  RABT_TRY_STATUS(fields.done());
  return again;
}

Asked<DiscardDeliveries::Which> which_in(const Json& body) {
  Fields fields(body);
  fields.only({"delivery", "dead", "reason"});
  DiscardDeliveries::Which out{.delivery = fields.text("delivery"), .reason = {}};
  const bool all = fields.boolean("dead").value_or(false);
  out.reason = fields.needed_text("reason", kLongestReason);
  if (fields.good() && out.delivery.empty() != all)
    fields.wrong("delivery", "name one of `delivery` and `dead`");
  RABT_TRY_STATUS(fields.done());
  return out;
}

}  // namespace

OfWebhook of_webhook(const Ask& ask) {
  return {.webhook = ask.record};
}

Asked<WebhookMembers> create_webhook_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"name", "url", "events", "types", "clinics"});
  WebhookMembers out{.name = fields.needed_text("name", kLongestName),
                     .url = fields.needed_text("url", kLongestUrl)};
  read_lists(fields, ask.body, out);
  RABT_TRY_STATUS(fields.done());
  return out;
}

ChangeWebhook change_webhook_of(const Ask& ask) {
  return {.webhook = ask.record, .version = ask.version, .members = changed_members_in(ask.body)};
}

RotateSecret rotate_secret_of(const Ask& ask) {
  return {.webhook = ask.record, .overlap_hours = overlap_hours_in(ask.body)};
}

ListDeliveries list_deliveries_of(const Ask& ask) {
  return {.webhook = ask.record,
          .delivery = std::string(ask.parameter("delivery")),
          .state = std::string(ask.parameter("state"))};
}

ReplayDeliveries replay_deliveries_of(const Ask& ask) {
  return {.webhook = ask.record, .again = again_in(ask.body)};
}

DiscardDeliveries discard_deliveries_of(const Ask& ask) {
  return {.webhook = ask.record, .which = which_in(ask.body)};
}

}  // namespace rabt::api
