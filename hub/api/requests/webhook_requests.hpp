#pragma once

#include "hub/webhooks/requests.hpp"

// Readers of requests about webhooks.
namespace rabt::api {

[[nodiscard]] webhooks::OfWebhook of_webhook(const consultation::Ask& ask);
// {name, url, events?, types?, clinics?}
[[nodiscard]] consultation::Asked<webhooks::WebhookMembers> create_webhook_of(
    const consultation::Ask& ask);
// The members of create, and `active`; each may be absent.
[[nodiscard]] webhooks::ChangeWebhook change_webhook_of(const consultation::Ask& ask);
// {overlapHours?}
[[nodiscard]] webhooks::RotateSecret rotate_secret_of(const consultation::Ask& ask);
// ?state&delivery
[[nodiscard]] webhooks::ListDeliveries list_deliveries_of(const consultation::Ask& ask);
// {delivery}, {since} or {dead: true}
[[nodiscard]] webhooks::ReplayDeliveries replay_deliveries_of(const consultation::Ask& ask);
// {reason, delivery} or {reason, dead: true}
[[nodiscard]] webhooks::DiscardDeliveries discard_deliveries_of(const consultation::Ask& ask);

}  // namespace rabt::api
