#include <algorithm>
#include <utility>

#include "hub/base/plugin_address.hpp"
#include "hub/base/suggest.hpp"
#include "hub/plugin/host.hpp"
#include "hub/plugin/package/capability.hpp"
#include "hub/plugin/targets.hpp"

// Which plugin, which version and which action a call meets.

namespace rabt::plugin {

namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr std::string_view kNotifyRole = "notify";  // SMS, e-mail, push
// Calls name few actions in few versions; more than these are looked up anew.
constexpr std::size_t kMaxRoutes = 4096;

}  // namespace

Error unknown_target(std::string_view role, std::string_view target,
                     const std::vector<std::string>& targets) {
  const std::string near = did_you_mean(target, targets);
  return not_found("plugin.unknown_target",
                   "role " + std::string(role) + " cannot be bound to \"" + std::string(target) +
                       "\"; " + (near.empty() ? near : near + ' ') +
                       "there are: " + (targets.empty() ? "none" : listed(targets)));
}

void Host::add_service(std::shared_ptr<HubService> service) {
  auto entry = std::make_shared<Service>();
  entry->service = std::move(service);
  for (ActionSpec& spec : entry->service->actions()) {
    CompiledAction action;
    // A service of the hub is our own code: a schema that does not compile is our defect.
    auto input =
        spec.input_schema.is_null() ? Result<Schema>(Schema{}) : Schema::compile(spec.input_schema);
    auto output = spec.output_schema.is_null() ? Result<Schema>(Schema{})
                                               : Schema::compile(spec.output_schema);
    RABT_CHECK(input.ok() && output.ok());
    action.input = std::move(input).value();
    action.output = std::move(output).value();
    action.spec = std::move(spec);
    entry->actions.push_back(std::move(action));
  }
  const WriteLock lock(mutex_);
  routes_.clear();
  all_services_.push_back(entry);
  services_[entry->service->name()] = std::move(entry);
}

Status Host::bind_role(std::string role, std::string_view target) {
  const WriteLock lock(mutex_);
  const Target found = find_target(target);
  if (found.versions == nullptr && found.service == nullptr) {
    std::vector<std::string> targets;
    for (const auto& [id, instance] : instances_) targets.push_back(plugin_address(id));
    for (const auto& [name, service] : services_) targets.push_back(std::string(kHubScheme) + name);
    return unknown_target(role, target, targets);
  }
  routes_.clear();
  bindings_[std::move(role)] = std::string(target);
  return ok_status();
}

bool Host::has_feature(std::string_view target, std::string_view feature) const {
  const ReadLock lock(mutex_);
  const Target found = find_target(target);
  if (found.versions == nullptr || found.versions->empty()) return false;
  const auto& features = found.versions->front().instance->package().manifest.features;
  return std::find(features.begin(), features.end(), feature) != features.end();
}

std::map<std::string, std::string> Host::bindings() const {
  const ReadLock lock(mutex_);
  return {bindings_.begin(), bindings_.end()};
}

std::optional<Recipient> Host::recipient(std::string_view role, std::string_view action,
                                         std::string_view version) const {
  const ReadLock lock(mutex_);
  Target target = target_of(role);
  if (target.versions == nullptr) return std::nullopt;
  const CompiledAction* found = nullptr;
  // Before a call that nothing serves is refused, the newest stands for all.
  if (!choose(target, action, version, found)) target.instance = target.versions->front().instance;
  for (const Serving& serving : *target.versions) {
    if (serving.instance == target.instance) return serving.recipient;
  }
  return std::nullopt;
}

std::vector<std::string> Host::roles() const {
  const ReadLock lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [role, target] : bindings_) out.push_back(role);
  return out;
}

std::vector<std::string> Host::actions(std::string_view role) const {
  const ReadLock lock(mutex_);
  std::vector<std::string> out;
  const auto add = [&out](const std::string& name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  each_action(target_of(role), [&](const ActionSpec& action) {
    add(action.name);
    if (const Capability* const shared = find_capability(action.capability)) add(shared->name);
  });
  return out;
}

std::vector<std::string> Host::versions(std::string_view role, std::string_view action) const {
  const ReadLock lock(mutex_);
  std::vector<std::string> out;
  each_action(target_of(role), [&](const ActionSpec& spec) {
    const Capability* const shared = find_capability(spec.capability);
    std::string version = spec.name == action ? spec.version
                          : shared != nullptr && shared->name == action
                              ? std::to_string(shared->revision) + ".0.0"
                              : std::string();
    if (!version.empty() && std::find(out.begin(), out.end(), version) == out.end())
      out.push_back(std::move(version));
  });
  std::sort(out.begin(), out.end(),
            [](const std::string& a, const std::string& b) { return compare_semver(a, b) < 0; });
  return out;
}

std::vector<std::string> Host::providers(std::string_view action, std::string_view version) const {
  const ReadLock lock(mutex_);
  std::vector<std::string> out;
  const auto ask = [&](std::string target) RABT_REQUIRES_SHARED(mutex_) {
    Target found = find_target(target);
    const CompiledAction* serving = nullptr;
    if (choose(found, action, version, serving)) out.push_back(std::move(target));
  };
  for (const auto& [id, instance] : instances_) ask(plugin_address(id));
  for (const auto& [name, service] : services_) ask(std::string(kHubScheme) + name);
  return out;
}

std::optional<workflow::ActionInfo> Host::find(std::string_view role, std::string_view action,
                                               std::string_view version) const {
  const ReadLock lock(mutex_);
  Target target = target_of(role);
  const CompiledAction* found = nullptr;
  if (!choose(target, action, version, found)) return std::nullopt;
  return action_info(found->spec, action);
}

std::vector<workflow::EventInfo> Host::events() const {
  const ReadLock lock(mutex_);
  std::vector<workflow::EventInfo> out;
  for (const auto& [id, versions] : instances_) {
    const auto& own = versions.front().instance->package().manifest.events;
    out.insert(out.end(), own.begin(), own.end());
  }
  return out;
}

bool Host::takes_patient_data(std::string_view url) const {
  return parts_.patient_hosts != nullptr && parts_.patient_hosts->check(url).ok();
}

bool Host::choose(Target& target, std::string_view name, std::string_view version,
                  const CompiledAction*& action) {
  if (target.service != nullptr) {
    action = serving_action(target.service->actions, name, version);
    return action != nullptr;
  }
  if (target.versions == nullptr) return false;
  for (const Serving& serving : *target.versions) {
    action = serving_action(serving.instance->package().actions, name, version);
    if (action == nullptr) continue;
    target.instance = serving.instance;
    target.entering = serving.entering;
    return true;
  }
  return false;
}

Host::Target Host::target_of(std::string_view role) const {
  const auto bound = bindings_.find(role);
  return find_target(bound == bindings_.end() ? role : std::string_view(bound->second));
}

Host::Target Host::find_target(std::string_view target) const {
  Target out;
  if (const std::string_view id = plugin_at(target); !id.empty()) {
    const auto found = instances_.find(id);
    if (found != instances_.end()) out.versions = &found->second;
  } else if (target.starts_with(kHubScheme)) {
    const auto found = services_.find(target.substr(kHubScheme.size()));
    if (found != services_.end()) out.service = found->second;
  }
  return out;
}

std::optional<phi::Channel> Host::channel_of(const Target& target,
                                             const CompiledAction& action) const {
  if (action.spec.channel) return action.spec.channel;
  // A capability of the role says itself what goes to people. A question about a message does not,
  // and capability_fault lets it take nothing else.
  if (action.spec.capability.starts_with("notify.")) return std::nullopt;
  // Also when a workflow names the plugin and not the role.
  if (target.versions == nullptr || !bindings_.contains(kNotifyRole)) return std::nullopt;
  return target_of(kNotifyRole).versions == target.versions ? std::optional(phi::Channel::notify)
                                                            : std::nullopt;
}

std::optional<ActionOutcome> Host::resolve(const CallRequest& call, Target& target,
                                           const CompiledAction*& action) {
  const std::string& wish = call.target.empty() ? call.role : call.target;
  std::string key;
  key.reserve(wish.size() + call.action.size() + call.version.size() + 2);
  key.append(wish).append(1, '\n').append(call.action).append(1, '\n').append(call.version);
  {
    const ReadLock lock(mutex_);
    const auto route = routes_.find(key);
    if (route != routes_.end()) {
      target = route->second.target;
      action = route->second.action;
      return std::nullopt;
    }
  }
  Route route;
  const WriteLock lock(mutex_);
  if (closed_) return failed(OutcomeKind::transient, "plugin.shutdown", "the hub is stopping");
  if (auto refusal = find_route(call, route)) return refusal;
  target = route.target;
  action = route.action;
  if (routes_.size() >= kMaxRoutes) routes_.clear();
  routes_[std::move(key)] = std::move(route);
  return std::nullopt;
}

std::optional<ActionOutcome> Host::find_route(const CallRequest& call, Route& route) const {
  Target& target = route.target;
  target = target_of(call.target.empty() ? call.role : call.target);
  if (target.versions == nullptr && target.service == nullptr) {
    return failed(
        OutcomeKind::transient, "plugin.unknown_role",
        call.target.empty() || call.target == call.role
            ? "the role " + call.role + " is bound to nothing; bind it in the configuration"
            : "the role " + call.role + " means " + call.target +
                  " here, which is not loaded; put it back into the configuration");
  }
  if (!choose(target, call.action, call.version, route.action)) {
    return failed(OutcomeKind::permanent, "plugin.unknown_action",
                  "the role " + call.role + " offers no action " + call.action +
                      " in a version that serves " + call.version);
  }
  target.channel = channel_of(target, *route.action);
  target.versions = nullptr;  // the lock goes
  return std::nullopt;
}

}  // namespace rabt::plugin
