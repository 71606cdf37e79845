#include "hub/plugin/metrics.hpp"

namespace rabt::plugin {

namespace {

using PluginState = PluginHost::PluginState;
using WorkerState = PluginHost::WorkerState;

// One sample for each plugin that runs in a process.
template <class Value>
void write_workers(std::string_view name, const std::vector<PluginState>& plugins, Value value,
                   MetricsWriter& out) {
  for (const PluginState& plugin : plugins) {
    if (!plugin.worker) continue;
    out.sample(name, {{"plugin", plugin.id}, {"version", plugin.version}},
               static_cast<std::uint64_t>(value(*plugin.worker)));
  }
}

// One sample for each plugin and each key of a map of counts.
void write_counts(std::string_view name, std::string_view label,
                  std::map<std::string, std::uint64_t> PluginState::*counts,
                  const std::vector<PluginState>& plugins, MetricsWriter& out) {
  for (const PluginState& plugin : plugins) {
    for (const auto& [key, count] : plugin.*counts) {
      out.sample(name, {{"plugin", plugin.id}, {"version", plugin.version}, {label, key}}, count);
    }
  }
}

}  // namespace

void write_metrics(const PluginHost& host, MetricsWriter& out) {
  const std::vector<PluginState> plugins = host.plugins();
  out.counters("rabt_plugin_calls_total", "Calls by plugin, version and outcome.");
  write_counts("rabt_plugin_calls_total", "outcome", &PluginState::outcomes, plugins, out);
  out.counters("rabt_plugin_answers_total", "Answers by the codes that their schemas declare.");
  write_counts("rabt_plugin_answers_total", "code", &PluginState::answers, plugins, out);
  out.counters("rabt_plugin_violations_total", "Broken clauses of the plugin contract.");
  write_counts("rabt_plugin_violations_total", "clause", &PluginState::violations, plugins, out);
  out.gauges("rabt_plugin_up", "1: the plugin's process serves.");
  write_workers(
      "rabt_plugin_up", plugins, [](const WorkerState& worker) { return worker.phase == "up"; },
      out);
  out.gauges("rabt_plugin_quarantined", "1: the plugin is not started again by itself.");
  write_workers(
      "rabt_plugin_quarantined", plugins,
      [](const WorkerState& worker) { return worker.phase == "quarantined"; }, out);
  out.counters("rabt_plugin_crashes_total", "Ends of the plugin's process but by the hub's end.");
  write_workers(
      "rabt_plugin_crashes_total", plugins, [](const WorkerState& worker) { return worker.deaths; },
      out);
  out.counters("rabt_plugin_restarts_total", "Starts of the plugin's process but the first.");
  write_workers(
      "rabt_plugin_restarts_total", plugins,
      [](const WorkerState& worker) { return worker.starts == 0 ? 0 : worker.starts - 1; }, out);
  out.counters("rabt_plugin_forbidden_total", "System calls that the sandbox refused.");
  write_workers(
      "rabt_plugin_forbidden_total", plugins,
      [](const WorkerState& worker) { return worker.forbidden; }, out);
  // All versions of a plugin share its storage: the newest one reports.
  const auto write_storage = [&](std::string_view name, auto value) {
    for (const PluginState& plugin : plugins) {
      if (!plugin.newest) continue;
      out.sample(name, {{"plugin", plugin.id}}, static_cast<std::uint64_t>(value(plugin)));
    }
  };
  out.gauges("rabt_plugin_storage_bytes", "What the plugin keeps, without what has expired.");
  write_storage("rabt_plugin_storage_bytes",
                [](const PluginState& plugin) { return plugin.storage_bytes; });
  out.gauges("rabt_plugin_storage_limit_bytes", "What the plugin may keep.");
  write_storage("rabt_plugin_storage_limit_bytes",
                [](const PluginState& plugin) { return plugin.storage_quota; });
  out.text(host.metrics());
}

}  // namespace rabt::plugin
