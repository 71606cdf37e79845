#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "hub/alerts/alerts.hpp"
#include "hub/alerts/rhythm.hpp"
#include "hub/alerts/window.hpp"
#include "hub/api/delivery_outcomes.hpp"
#include "hub/api/hooks.hpp"
#include "hub/assembly/standstill.hpp"
#include "hub/bus/publisher.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/engine/engine.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/webhooks/webhooks.hpp"

namespace rabt::assembly {

// Measures what alerts are about, from numbers that the hub has. Takes the same time however many
// instances and deliveries there are, but for work that waits, which is looked at once a minute.
// For one thread.
class AlertReadings {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    engine::Engine& engine;
    plugin::PluginHost& plugins;
    webhooks::Webhooks& webhooks;
    const api::DeliveryOutcomes& outcomes;
    const consultation::Tasks& tasks;
    const Standstill& standstill;
    // The times of the hub; `wall` for what others set: certificates, agreements.
    const Clock& clock;
    const Clock& wall;
    // Null when no broker is configured.
    const bus::Publisher* broker = nullptr;
    // When the certificates of the listeners expire, by listener; unset while nothing listens.
    std::function<std::optional<std::map<std::string, Timestamp>>()> certificates{};
    // Deliveries of each source since the hub started.
    std::function<std::map<std::string, std::uint64_t>()> heard{};
  };
  AlertReadings(Parts parts, const config::Config& config);

  [[nodiscard]] alerts::Readings take();

 private:
  void add_events(alerts::Readings& out);
  void add_runs(alerts::Readings& out);
  void add_standstill(alerts::Readings& out);
  void add_plugins(alerts::Readings& out);
  void add_ends(alerts::Readings& out) const;
  void add_house(alerts::Readings& out) const;

  const Parts parts_;
  const std::string tenant_;
  const std::string data_;
  // As api::Health has it.
  const std::string_view sends_sms_;
  const std::vector<consultation::Agreement> agreements_;
  alerts::Rhythms rhythms_;
  alerts::Window ended_;
  alerts::Window faulted_;
  // Uptime from which work that waits is looked at again.
  std::int64_t next_standstill_ms_ = 0;
  // By source.
  std::map<std::string, alerts::Window> lost_;
  // By plugin: calls that failed, and calls that were answered.
  std::map<std::string, alerts::Window> failed_;
  std::map<std::string, alerts::Window> answered_;
};

}  // namespace rabt::assembly
