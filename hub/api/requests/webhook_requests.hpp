#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/webhooks/requests.hpp"

// Readers of requests about webhooks.
namespace rabt::api {

[[nodiscard]] webhooks::OfWebhook of_webhook(const Ask& ask);
// {name, url, events?, types?, clinics?}
[[nodiscard]] consultation::Asked<webhooks::WebhookMembers> create_webhook_of(const Ask& ask);
// The members of create, and `active`; each may be absent.
[[nodiscard]] webhooks::ChangeWebhook change_webhook_of(const Ask& ask);
// {overlapHours?}
[[nodiscard]] webhooks::RotateSecret rotate_secret_of(const Ask& ask);
// ?state&delivery
[[nodiscard]] webhooks::ListDeliveries list_deliveries_of(const Ask& ask);
// {delivery}, {since} or {dead: true}
[[nodiscard]] webhooks::ReplayDeliveries replay_deliveries_of(const Ask& ask);
// {reason, delivery} or {reason, dead: true}
[[nodiscard]] webhooks::DiscardDeliveries discard_deliveries_of(const Ask& ask);

}  // namespace rabt::api
