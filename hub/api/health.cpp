#include "hub/api/health.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/pauses.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/consultation/messages/role.hpp"
#include "hub/consultation/video/role.hpp"
#include "hub/keys/sealing_clock.hpp"

namespace rabt::api {

namespace {

Json key_health(const crypto::RootProvider& root, const std::string& trouble) {
  Json out = Json::object({{"root", root.kind()}, {"available", trouble.empty()}});
  if (!trouble.empty()) out.set("code", trouble);
  // A development root is not fit for patient data.
  if (root.development()) out.set("development", true);
  return out;
}

Json audit_health(const audit::LogState& state) {
  Json anchors = Json::array();
  for (const audit::AnchorState& anchor : state.anchors) {
    Json item = Json::object({{"name", anchor.name},
                              {"required", anchor.required},
                              {"failing", anchor.failing},
                              {"size", anchor.size}});
    if (anchor.failing) item.set("code", anchor.code);
    anchors.push_back(std::move(item));
  }
  Json out = Json::object({{"appendable", state.appendable},
                           {"signing", state.signing},
                           {"entries", state.entries},
                           {"signed", state.signed_size},
                           {"anchors", std::move(anchors)}});
  if (!state.code.empty()) out.set("code", state.code);
  if (state.anchors.empty()) {
    out.set("warning",
            "no anchor keeps checkpoints: an older copy of the data folder cannot be told from the "
            "newest");
  }
  return out;
}

Json plugin_health(const plugin::PluginHost::PluginState& state) {
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
  if (state.newest && state.storage_scarce()) {
    out.set("storage",
            Json::object({{"bytes", state.storage_bytes}, {"quota", state.storage_quota}}));
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

const char* word(bool well, bool scarce) {
  if (!well) return "fail";
  return scarce ? "warn" : "pass";
}

constexpr identity::Roles kOperators{identity::Role::admin, identity::Role::security_officer,
                                     identity::Role::engineer, identity::Role::operator_,
                                     identity::Role::auditor};

// The same state stands for a full disk, files that were taken away, and a server that is away.
std::string why_unwritten(const Json& troubles) {
  const std::string said = troubles.string_or("database", "");
  const std::string code = said.substr(0, said.find(": "));
  return code.empty() || code == "store.full" ? std::string(kDiskFull) : code;
}

std::vector<HealthFault> wrong_parts(const store::Store::Stats& stats, const audit::LogState& log,
                                     std::string_view keys, const Json& roles,
                                     const std::vector<HealthFault>& unread,
                                     const std::function<Json()>& troubles) {
  std::vector<HealthFault> out;
  const auto add = [&out](std::string_view part, std::string_view why) {
    out.push_back({std::string(part), std::string(why)});
  };
  if (stats.disk_full) add(kStorePart, why_unwritten(troubles()));
  if (stats.queued >= limits::kMaxQueuedJobs / 2) add(kStorePart, kWritesWait);
  if (!log.well()) {
    add("audit", log.code.empty() ? "fails" : log.code);
    for (const audit::AnchorState& anchor : log.anchors) {
      if (anchor.failing) add("anchor " + anchor.name, anchor.code);
    }
  }
  if (!keys.empty()) add(kKeysPart, keys);
  for (const auto& [role, why] : roles.as_object()) add("role " + role, why.as_string());
  out.insert(out.end(), unread.begin(), unread.end());
  return out;
}

// For the operator's log.
std::string in_words(const std::vector<HealthFault>& faults) {
  std::string out;
  for (const HealthFault& fault : faults)
    out.append(out.empty() ? "" : ", ").append(fault.part).append(" ").append(fault.why);
  return out;
}

}  // namespace

std::string why_unable(const plugin::PluginHost::PluginState& state) {
  if (state.worker && state.worker->phase == "quarantined") return "quarantined";
  if (state.worker && state.worker->phase == "stopped") return "stopped";
  if (state.health && state.health->status == "down") return "down";
  return {};
}

Json roles_unserved(const std::map<std::string, std::string>& bindings,
                    const std::vector<plugin::PluginHost::PluginState>& states,
                    const std::function<std::string_view(std::string_view role,
                                                         const std::string& target)>& useless) {
  Json out = Json::object();
  for (const auto& [role, target] : bindings) {
    const std::string_view id = plugin_at(target);
    std::string why = id.empty() ? "" : "not loaded";
    for (const auto& state : states) {
      if (why.empty()) break;
      if (state.id != id || !state.newest || state.draining) continue;
      why = why_unable(state);
      break;
    }
    if (why.empty()) why = useless(role, target);
    if (!why.empty()) out.set(role, target + " " + why);
  }
  return out;
}

Json roles_unserved(const plugin::PluginHost& plugins, std::string_view asking) {
  return roles_unserved(
      plugins.bindings(), plugins.plugins(),
      [&](std::string_view role, const std::string& target) -> std::string_view {
        if (role == "video" && !consultation::lets_people_in(plugins, target).ok())
          return "lets nobody in";
        if (role == consultation::kNotifyRole && !asking.empty() &&
            !consultation::sends_messages(plugins, target, asking).ok())
          return "sends no message";
        return {};
      });
}

std::vector<HealthFault> sources_unread(
    const std::set<std::string>& readers,
    const std::vector<plugin::PluginHost::PluginState>& states) {
  std::vector<HealthFault> out;
  for (const auto& state : states) {
    if (!readers.contains(state.id) || !state.newest || state.draining) continue;
    if (std::string why = why_unable(state); !why.empty())
      out.push_back({"plugin " + state.id, std::move(why)});
  }
  return out;
}

bool Health::may_see_detail(const identity::Principal& who) {
  return who.roles.has_any(kOperators);
}

// Asks the root only when the keys have expired, and after a failure at most once a second.
std::string Health::keys_trouble() const {
  const auto opened = keyring.tenant(tenant);
  if (!opened.ok()) return opened.error().code;
  if (std::string unwritten = keyring.trouble(); !unwritten.empty()) return unwritten;
  const Status timed = keys::check_clock(clock);
  return timed.ok() ? std::string() : timed.error().code;
}

std::vector<HealthFault> Health::faults() const {
  return wrong_parts(store.stats(), audit.state(), keys_trouble(),
                     roles_unserved(plugins, sends_sms), sources_unread(readers, plugins.plugins()),
                     troubles);
}

http::Response Health::get(const Call& call) const {
  const auto stats = store.stats();
  const std::string keys = keys_trouble();
  const audit::LogState log = audit.state();
  const auto states = plugins.plugins();
  Json roles = roles_unserved(plugins, sends_sms);
  const std::string wrong =
      in_words(wrong_parts(stats, log, keys, roles, sources_unread(readers, states), troubles));
  const bool well = wrong.empty();
  const auto answer = [&](const Json& body) {
    http::Response response = json_response(well ? 200 : 503, body);
    response.headers = {{"Content-Type", "application/health+json"}};
    const bool again = told->exchange(!well);
    if (!well)
      response.cause = http::Cause{.code = "health.fail", .reason = wrong, .logged = again};
    return response;
  };
  // Room that gets scarce stops nothing yet.
  const bool scarce = std::any_of(states.begin(), states.end(),
                                  [](const auto& state) { return state.storage_scarce(); });
  const char* const status = word(well, scarce || held);
  if (!may_see_detail(call.caller.who)) {
    Json body = Json::object({{"status", status}});
    if (held) body.set("held", true);
    return answer(body);
  }
  Json loaded = Json::array();
  std::string unsigned_ones;
  for (const auto& state : states) {
    if (state.key_id.empty()) unsigned_ones += (unsigned_ones.empty() ? "" : ", ") + state.id;
    loaded.push_back(plugin_health(state));
  }
  Json body = Json::object(
      {{"status", status},
       {"version", build.version},
       {"commit", build.commit},
       {"store", Json::object({{"diskFull", stats.disk_full}, {"queued", stats.queued}})},
       {"keys", key_health(keyring.root(), keys)},
       {"audit", audit_health(log)},
       {"plugins", std::move(loaded)}});
  if (roles.size() > 0) body.set("rolesUnserved", std::move(roles));
  if (held) body.set("held", true);
  if (paused) {
    Json pauses = Json::array();
    for (const engine::RolePause& pause : paused()) pauses.push_back(to_json(pause));
    if (pauses.size() > 0) body.set("rolesPaused", std::move(pauses));
  }
  if (Json beside = troubles(); beside.size() > 0) body.set("detail", std::move(beside));
  if (!warnings.empty()) {
    Json list = Json::array();
    for (const std::string& warning : warnings) list.push_back(warning);
    body.set("warnings", std::move(list));
  }
  if (!unsigned_ones.empty())
    body.set("notes", Json::array({"dev mode: unsigned plugins: " + unsigned_ones}));
  return answer(body);
}

}  // namespace rabt::api
