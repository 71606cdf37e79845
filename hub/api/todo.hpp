#pragma once

#include <string>
#include <string_view>

#include "hub/access/grants.hpp"
#include "hub/alerts/alerts.hpp"
#include "hub/api/delivery_outcomes.hpp"
#include "hub/api/health.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/engine/engine.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/repair/repairs.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::api {

// Work in the whole hub that needs a person now. No patient data: names of the configuration and
// of workflows, codes, counts and times.
struct Todo {
  engine::Engine& engine;
  const consultation::Tasks& tasks;
  webhooks::Webhooks& webhooks;
  access::Grants& grants;
  identity::Approvals& approvals;
  const DeliveryOutcomes& outcomes;
  const Clock& clock;
  const alerts::Alerts& alerts;
  const repair::Repairs& repairs;
  Health health;

  // Faulted instances and deliveries that could not be read are shown for so long.
  static constexpr std::int64_t kShownMs = 7LL * 24 * 3600 * 1000;
  // Deliveries that were refused, or that changed nothing.
  static constexpr std::int64_t kRefusedShownMs = 24LL * 3600 * 1000;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;

 private:
  class Items;
  [[nodiscard]] Status add_instances(Items& items) const;
  [[nodiscard]] Status add_deliveries(Items& items) const;
  // Everything else for which /health does not say `pass`.
  void add_health(Items& items) const;
  void add_plugins(Items& items) const;
  void add_paused(Items& items) const;
  void add_audit(Items& items) const;
  [[nodiscard]] Status add_people(Items& items) const;
  [[nodiscard]] Status add_repairs(Items& items) const;
  // After all others: an alert about an item that stands in the list is said there.
  void add_alerts(Items& items) const;
};

}  // namespace rabt::api
