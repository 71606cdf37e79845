#include "hub/engine/metrics.hpp"

namespace rabt::engine {

void write_metrics(const Engine& engine, MetricsWriter& out) {
  const EngineStats stats = engine.stats();
  out.counter("rabt_deliveries_total", "Webhook deliveries accepted, repeats included.",
              stats.deliveries);
  out.counter("rabt_deliveries_repeated_total",
              "Deliveries that were answered from the stored answer.", stats.repeated_deliveries);
  out.counter("rabt_events_total", "Events stored.", stats.events);
  out.counters("rabt_instances_total", "Workflow instances by what became of them.");
  out.sample("rabt_instances_total", {{"state", "started"}}, stats.started);
  out.sample("rabt_instances_total", {{"state", "completed"}}, stats.completed);
  out.sample("rabt_instances_total", {{"state", "faulted"}}, stats.faulted);
  out.sample("rabt_instances_total", {{"state", "cancelled"}}, stats.cancelled);
  out.sample("rabt_instances_total", {{"state", "retried"}}, stats.retried);
  out.gauge("rabt_instances_live", "Instances held in memory.", stats.resident);
  out.counter("rabt_turns_total", "Turns run.", stats.turns);
  out.counter("rabt_actions_total", "Action calls sent, repeats included.", stats.actions);
  out.counter("rabt_actions_resent_total", "Action calls repeated after an ambiguous outcome.",
              stats.resends);
  out.counter("rabt_actions_parked_total", "Actions that wait for a person's decision.",
              stats.parked);
  out.gauge("rabt_actions_held", "Actions that wait until the hub has room for what they write.",
            stats.held);
  out.gauge("rabt_timer_late_seconds", "How late the oldest timer is that has not rung.",
            static_cast<std::uint64_t>(stats.timer_late_ms / 1000));
  out.counter("rabt_results_late_total", "Action results that nothing waited for any more.",
              stats.late_results);
  out.counter("rabt_task_faults_total",
              "Tasks that faulted, those whose error was caught included.", stats.task_faults);
}

}  // namespace rabt::engine
