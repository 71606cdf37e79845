#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Which events a webhook is told. Pure.
namespace rabt::webhooks {

struct Wants {
  // Names as docs/consultation.md lists them, without prefix and version: "session.completed". A
  // star stands for any characters: "session.*".
  std::vector<std::string> events{"*"};
  // Only events about sessions of these types, and of these clinics (ULIDs). A list that is empty
  // lets every event through.
  std::vector<std::string> types{};
  std::vector<std::string> clinics{};
  friend bool operator==(const Wants&, const Wants&) = default;
};

// True if one of the patterns fits events of this type (CloudEvents 1.0).
[[nodiscard]] bool names_type(const Wants& wants, std::string_view type);
// event: a CloudEvent of the hub.
[[nodiscard]] bool wanted(const Wants& wants, const Json& event);

// Error invalid webhook.events: there is no pattern, too many, one that fits no event of the hub,
// a type that no session has, or what can be the name of no clinic.
[[nodiscard]] Status check(const Wants& wants);

// Which events a broker is told, and under which routing key.
struct Route {
  // As an entry of Wants::events.
  std::string event;
  std::string key;
  // Only events about sessions that belong to an appointment.
  bool appointment = false;
  friend bool operator==(const Route&, const Route&) = default;
};
// Those of PulseOne.
[[nodiscard]] std::vector<Route> default_routes();
// True if a route may fit events of this type (CloudEvents 1.0).
[[nodiscard]] bool names_type(const std::vector<Route>& routes, std::string_view type);
// The first route that fits. Null when none does.
[[nodiscard]] const Route* route_of(const std::vector<Route>& routes, const Json& event);
// Error invalid bus.keys: there is no route, too many, or one that fits no event of the hub.
[[nodiscard]] Status check_routes(const std::vector<Route>& routes);

// {events, types, clinics}, and back.
[[nodiscard]] Json to_json(const Wants& wants);
[[nodiscard]] Wants read_wants(const Json& json);

}  // namespace rabt::webhooks
