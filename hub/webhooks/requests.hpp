#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/consultation/request/answer.hpp"
#include "hub/webhooks/rows.hpp"

// Requests about webhooks.
namespace rabt::webhooks {

// A request that says no more than which webhook it is.
struct OfWebhook {
  std::string webhook;
};

// Members of a webhook that a request writes; those that are unset stay as they are.
struct WebhookMembers {
  std::optional<std::string> name{};
  std::optional<std::string> url{};
  // As Wants has them. Clinics may be named by whatever Parts::clinic knows.
  std::optional<std::vector<std::string>> events{};
  std::optional<std::vector<std::string>> types{};
  std::optional<std::vector<std::string>> clinics{};
  std::optional<bool> active{};
};

struct ChangeWebhook {
  std::string webhook;
  // The version that the caller has read.
  std::optional<std::int64_t> version{};
  // The webhook is looked up before mistakes in them count, here and in the requests below.
  consultation::Asked<WebhookMembers> members;
};

struct RotateSecret {
  std::string webhook;
  // Time in which the old secret signs, too.
  consultation::Asked<std::int64_t> overlap_hours;
};

struct ListDeliveries {
  std::string webhook;
  // The one delivery that is wanted; empty if a list is wanted.
  std::string delivery{};
  // open, done, dead or discarded; empty if deliveries in any state are wanted.
  std::string state{};
};

struct ReplayDeliveries {
  std::string webhook;
  consultation::Asked<Again> again;
};

struct DiscardDeliveries {
  struct Which {
    // Empty if all deliveries that were given up are meant.
    std::string delivery;
    std::string reason;
  };
  std::string webhook;
  consultation::Asked<Which> which;
};

}  // namespace rabt::webhooks
