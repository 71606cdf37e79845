#include <algorithm>
#include <set>
#include <utility>

#include "hub/base/start_thread.hpp"
#include "hub/plugin/host.hpp"

// Versions beside each other, and their end.

namespace rabt::plugin {

namespace {

using workflow::OutcomeKind;

// Interval at which a version that drains is looked at.
constexpr std::chrono::milliseconds kDrainLook{10};
// Rest for callbacks that a version still gets when its calls have ended.
constexpr std::int64_t kDrainRestMs = 1000;
// Limit of the wait for the end of a blob that is being committed.
constexpr std::int64_t kFinisherWaitMs = 10'000;

}  // namespace

std::vector<PluginHost::PluginState> Host::plugins() const {
  const ReadLock lock(mutex_);
  std::vector<PluginState> out;
  for (const auto& [id, versions] : instances_) {
    for (const Serving& version : versions) {
      out.push_back(version.instance->state());
      out.back().newest = &version == &versions.front();
    }
  }
  for (Instance* const instance : draining_) {
    out.push_back(instance->state());
    out.back().newest = false;
    out.back().draining = true;
  }
  return out;
}

void Host::look_after_storage() {
  KvUses uses;
  {
    const ReadLock lock(mutex_);
    uses = kv_uses_;
  }
  const Status looked = look_after(uses, parts_.clock.now().ms, parts_.store, parts_.log);
  if (!looked.ok()) parts_.log.warn("plugin.storage_unread", {{"code", looked.error().code}});
}

bool Host::remove_expired_values() {
  KvUses uses;
  {
    const ReadLock lock(mutex_);
    uses = kv_uses_;
  }
  const auto more = remove_expired(uses, parts_.clock.now().ms, parts_.store);
  if (!more.ok()) parts_.log.warn("plugin.storage_kept", {{"code", more.error().code}});
  return more.ok() && *more;
}

std::string Host::metrics() const {
  std::string out;
  const ReadLock lock(mutex_);
  // Only the newest version reports: a family may stand there once.
  for (const auto& [id, versions] : instances_) versions.front().instance->metrics(out);
  return out;
}

Status Host::release(std::string_view plugin_id, std::string_view actor) {
  Instance* instance = nullptr;
  {
    const ReadLock lock(mutex_);
    instance = quarantined(plugin_id);
  }
  if (instance == nullptr) {
    return not_found("plugin.unknown",
                     "there is no plugin " + std::string(plugin_id.substr(0, 64)));
  }
  const auto state = instance->state();
  if (!state.worker || state.worker->phase != "quarantined") {
    return conflict("plugin.not_quarantined",
                    "the plugin " + std::string(plugin_id) + " is not in quarantine");
  }
  audit::Entry entry;
  entry.tenant = instance->tenant();
  entry.actor = actor;
  entry.act = "plugin.released";
  entry.object = "plugin:" + std::string(plugin_id);
  entry.result = "ok";
  RABT_TRY_STATUS(audit(entry, store::Store::Need::droppable));
  static_cast<void>(instance->release());  // when it ended by itself meanwhile, so much the better
  return ok_status();
}

Instance* Host::quarantined(std::string_view id) const {
  const auto found = instances_.find(id);
  if (found == instances_.end()) return nullptr;
  for (const Serving& serving : found->second) {
    const auto state = serving.instance->state();
    if (state.worker && state.worker->phase == "quarantined") return serving.instance;
  }
  return found->second.front().instance;
}

Result<std::vector<std::string>> Host::retire(const std::vector<Need>& needs,
                                              std::int64_t grace_ms) {
  std::vector<Serving> gone;
  {
    const WriteLock lock(mutex_);
    if (closed_) return unavailable("plugin.shutdown", "the hub is stopping");
    routes_.clear();  // they hold versions back from being drained
    std::set<const Instance*> needed;
    for (const Need& need : needs) {
      Target target = target_of(need.target);
      const CompiledAction* action = nullptr;
      if (choose(target, need.action, need.version, action) && target.instance != nullptr)
        needed.insert(target.instance);
    }
    for (auto& [id, versions] : instances_) {
      for (std::size_t i = versions.size(); i-- > 1;) {  // the newest stays
        if (needed.contains(versions[i].instance)) continue;
        gone.push_back(std::move(versions[i]));
        versions.erase(versions.begin() + static_cast<std::ptrdiff_t>(i));
        draining_.push_back(gone.back().instance);
      }
    }
  }
  std::vector<std::string> names;
  for (Serving& serving : gone) {
    const Manifest& manifest = serving.instance->package().manifest;
    names.push_back(manifest.id + " " + manifest.version);
    audit::Entry entry;
    entry.tenant = serving.instance->tenant();
    entry.actor = "node:plugins";
    entry.act = "plugin.retired";
    entry.object = "plugin:" + manifest.id;
    entry.result = "ok";
    entry.detail = Json::object({{"version", manifest.version}});
    const Status written = audit(entry, store::Store::Need::required);
    if (!written.ok())
      parts_.log.error("plugin.retired_unaudited", {{"code", written.error().code}});
    parts_.log.info("plugin.draining", {{"plugin", std::string_view(manifest.id)},
                                        {"version", std::string_view(manifest.version)}});
    drain(std::move(serving), grace_ms);
  }
  return names;
}

void Host::drain(Serving version, std::int64_t grace_ms) {
  const WriteLock lock(mutex_);
  if (closed_) return;  // shutdown ends it
  std::erase_if(drains_, [](Drain& drain) {
    if (!drain.over->load()) return false;
    drain.thread.join();
    return true;
  });
  auto over = std::make_shared<std::atomic<bool>>(false);
  auto thread = start_thread([this, grace_ms, over, instance = version.instance,
                              entering = std::move(version.entering)] {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
    const auto busy = [&] { return entering.use_count() > 1 || instance->state().open != 0; };
    while (busy() && std::chrono::steady_clock::now() < until) {
      std::this_thread::sleep_for(kDrainLook);
      const ReadLock inside(mutex_);
      if (closed_) return;  // shutdown ends it
    }
    instance->shutdown(kDrainRestMs);
    const Manifest& manifest = instance->package().manifest;
    parts_.log.info("plugin.retired", {{"plugin", std::string_view(manifest.id)},
                                       {"version", std::string_view(manifest.version)}});
    {
      const WriteLock inside(mutex_);
      draining_.erase(std::remove(draining_.begin(), draining_.end(), instance), draining_.end());
    }
    over->store(true);
  });
  if (thread.ok()) {
    drains_.push_back({*std::move(thread), std::move(over)});
    return;
  }
  // It serves its open calls, and ends with the hub.
  parts_.log.warn("plugin.not_retired", {{"code", std::string_view(thread.error().code)}});
}

void Host::shutdown(std::int64_t grace_ms) {
  std::vector<Instance*> instances;
  std::vector<Drain> drains;
  {
    const WriteLock lock(mutex_);
    if (std::exchange(closed_, true)) return;
    instances = by_number_;
    drains = std::move(drains_);
  }
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
  for (Instance* instance : instances) {
    if (instance == nullptr) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          until - std::chrono::steady_clock::now())
                          .count();
    instance->shutdown(std::max<std::int64_t>(left, 0));
  }
  for (Drain& drain : drains) drain.thread.join();
  finisher_->stop({}, kFinisherWaitMs);
  end_service_calls(until);
  services_rundown_->close();
  // A call that was ended above may still run. Services end their threads when they go, and whoever
  // stops the hub destroys afterwards what these threads use.
  decltype(services_) services;
  decltype(all_services_) all;
  decltype(routes_) routes;
  {
    const WriteLock lock(mutex_);
    services.swap(services_);
    all.swap(all_services_);
    routes.swap(routes_);
  }
}

// Waits for open calls of services, then ends the rest.
void Host::end_service_calls(std::chrono::steady_clock::time_point until) {
  std::map<std::uint64_t, std::shared_ptr<ServiceCall>> rest;
  {
    Lock lock(service_mutex_);
    while (!service_calls_.empty() &&
           service_idle_.wait_until(lock, until) == std::cv_status::no_timeout) {
    }
    rest = service_calls_;
  }
  for (const auto& [number, open] : rest) {
    end_service_call(open, failed(OutcomeKind::ambiguous, "plugin.shutdown",
                                  "the hub stopped before the service answered"));
  }
}

}  // namespace rabt::plugin
