#include "hub/api/answers.hpp"
#include "hub/api/routes.hpp"
#include "hub/http/problem.hpp"

// Plugins, over the API, on the health page and among the metrics.
namespace rabt::api {

Response Routes::plugin(const Request& request, std::string_view id, std::string_view verb) {
  if (id.empty() || (verb != "release" && verb != "upgrade")) {
    return http::problem(404, "http.not_found", "Not Found",
                         "the API has no such path; see docs/openapi.yaml");
  }
  if (request.method != "POST") return wrong_method("POST");
  if (verb == "upgrade") {
    if (!parts_.upgrade_plugin)
      return http::problem(
          unavailable("plugin.upgrade", "this hub was started without a plugin folder"));
    const auto done = parts_.upgrade_plugin(std::string(id));
    return done.ok() ? json_response(200, *done) : http::problem(done.error());
  }
  const Status released = parts_.plugins.release(id, "api");
  return released.ok() ? json_response(200, Json::object({{"released", std::string(id)}}))
                       : http::problem(released.error());
}

Json Routes::plugin_health(const plugin::PluginHost::PluginState& state) {
  Json out = Json::object({{"id", state.id},
                           {"version", state.version},
                           {"open", state.open},
                           {"isolation", state.worker ? "worker" : "inline"}});
  if (!state.newest) out.set("serves", state.draining ? "open calls" : "older contracts");
  if (state.health) {
    Json health = Json::object({{"status", state.health->status}});
    if (!state.health->reason.empty()) health.set("reason", state.health->reason);
    out.set("health", std::move(health));
  }
  if (!state.worker) return out;
  const plugin::PluginHost::WorkerState& worker = *state.worker;
  out.set("state", worker.phase);
  if (worker.pid != 0) out.set("pid", worker.pid);
  out.set("restarts", worker.starts == 0 ? worker.starts : worker.starts - 1);
  if (worker.quarantine_left_ms > 0) out.set("quarantineSeconds", worker.quarantine_left_ms / 1000);
  if (!worker.missing.empty()) out.set("sandboxLacks", worker.missing);
  return out;
}

void Routes::plugin_metrics(const std::vector<plugin::PluginHost::PluginState>& plugins,
                            std::string& out) {
  const auto family = [&](const std::string& name, const char* type, const char* help,
                          const auto& value) {
    out += "# HELP " + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
    for (const auto& state : plugins) {
      if (!state.worker) continue;
      out += name + "{plugin=\"" + state.id + "\",version=\"" + state.version + "\"} " +
             std::to_string(static_cast<std::uint64_t>(value(*state.worker))) + "\n";
    }
  };
  using Worker = plugin::PluginHost::WorkerState;
  family("rabt_plugin_up", "gauge", "1: the plugin's process serves.",
         [](const Worker& worker) { return worker.phase == "up"; });
  family("rabt_plugin_quarantined", "gauge", "1: the plugin is not started again by itself.",
         [](const Worker& worker) { return worker.phase == "quarantined"; });
  family("rabt_plugin_crashes_total", "counter",
         "Ends of the plugin's process but by the hub's end.",
         [](const Worker& worker) { return worker.deaths; });
  family("rabt_plugin_restarts_total", "counter", "Starts of the plugin's process but the first.",
         [](const Worker& worker) { return worker.starts == 0 ? 0 : worker.starts - 1; });
  family("rabt_plugin_forbidden_total", "counter", "System calls that the sandbox refused.",
         [](const Worker& worker) { return worker.forbidden; });
}

}  // namespace rabt::api
