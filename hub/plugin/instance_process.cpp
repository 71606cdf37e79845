#include "hub/plugin/instance.hpp"

#include <utility>

#include "hub/plugin/instance_parts.hpp"
#include "hub/worker/abi_bytes.hpp"

// The process of a plugin: when it hangs, ends, or breaks a rule; what the audit log says of that.
namespace rabt::plugin {

namespace {

using workflow::OutcomeKind;

constexpr std::size_t kAuditedCalls = 16;  // calls that the entry of a crash names

}  // namespace

bool Instance::end_hanging(const std::vector<std::uint64_t>& serials) {
  if (serials.empty() || setup_.worker == nullptr || !setup_.worker->kill_busy(serials, "hang"))
    return false;
  ending_ = true;  // until ended()
  return true;
}

void Instance::ended(const WorkerPlugin::Death& death) {
  struct Lost {
    std::shared_ptr<OpenCall> open;
    bool effect;
  };
  std::vector<Lost> lost;
  std::vector<std::uint64_t> again;
  cancel_all_flights();  // first: what has not begun by now never does
  {
    const Lock lock(mutex_);
    ending_ = false;
    audited_clauses_.clear();
    // Calls that the process had not begun go to the next process. The hub's own record decides: a
    // call for which a request may have been made is never given twice.
    for (const std::uint64_t token : death.not_begun) {
      const auto found = calls_.find(token);
      if (found == calls_.end() || found->second->state != OpenCall::State::running ||
          may_have_effect(*found->second))
        continue;
      found->second->state = OpenCall::State::queued;
      again.push_back(token);
    }
    for (auto at = calls_.begin(); at != calls_.end();) {
      const OpenCall::State state = at->second->state;
      if (state == OpenCall::State::queued) {
        ++at;
        continue;
      }
      if (state == OpenCall::State::overdue) {
        --overdue_;
      } else {
        lost.push_back({at->second, may_have_effect(*at->second)});
      }
      at = calls_.erase(at);
    }
  }
  while (!again.empty()) {
    lane_.post_first([this, token = again.back()] { run(token); });
    again.pop_back();
  }
  drop_blob_writes();
  drop_wakes();
  const Manifest& manifest = setup_.package.manifest;
  Json calls = Json::array();
  for (const Lost& one : lost) {
    if (calls.size() == kAuditedCalls) break;
    calls.push_back(Json::object({{"instance", one.open->run},
                                  {"action", one.open->action->spec.name},
                                  {"outcome", one.effect ? "ambiguous" : "transient"}}));
  }
  const std::string_view run = lost.empty() ? std::string_view() : lost.front().open->run;
  const std::string_view action =
      lost.empty() ? std::string_view() : lost.front().open->action->spec.name;
  const char* const event = death.quarantined ? "plugin.quarantined"
                            : death.ours      ? "plugin.interrupted"
                                              : "plugin.crashed";
  setup_.parts.log.error(event, {{"plugin", std::string_view(manifest.id)},
                                 {"version", std::string_view(manifest.version)},
                                 {"reason", std::string_view(death.reason)},
                                 {"process", static_cast<std::int64_t>(death.process)},
                                 {"calls", static_cast<std::int64_t>(lost.size())},
                                 {"instance", run},
                                 {"action", action}});
  audit(event, death.reason,
        Json::object({{"version", manifest.version},
                      {"process", death.process},
                      {"lost", lost.size()},
                      {"calls", std::move(calls)}}));
  audited_ = 0;
  for (const Lost& one : lost) {
    setup_.timers.cancel(one.open->timer);
    deliver(*one.open,
            failed(one.effect ? OutcomeKind::ambiguous : OutcomeKind::transient, "plugin.crashed",
                   one.effect ? "the plugin's process ended; an outside request had been made"
                              : "the plugin's process ended before any outside request was made"));
  }
}

void Instance::forbidden(const std::string& system_call) {
  const Manifest& manifest = setup_.package.manifest;
  setup_.parts.log.warn("plugin.forbidden", {{"plugin", std::string_view(manifest.id)},
                                             {"version", std::string_view(manifest.version)},
                                             {"call", std::string_view(system_call)}});
  if (audited_++ < kAuditedAttempts) {
    audit("plugin.forbidden", "plugin.forbidden",
          Json::object({{"version", manifest.version}, {"call", system_call}}));
  }
}

void Instance::broke_format(std::string_view what) {
  violation("frame", what);
}

void Instance::audit(std::string act, std::string result, Json detail) {
  audit::Entry entry;
  entry.tenant = setup_.config.tenant;
  entry.actor = "plugin:" + setup_.package.manifest.id;
  entry.act = std::move(act);
  entry.object = "plugin:" + setup_.package.manifest.id;
  entry.result = std::move(result);
  entry.detail = std::move(detail);
  audit::AuditLog& log = setup_.parts.audit;
  setup_.parts.store.submit(
      store::Store::Need::required,
      [&log, prepared = log.prepare(entry)](store::Transaction& transaction) {
        return log.append(transaction, prepared);
      },
      [](const Status& /*status*/) {});  // no act hangs on it: the log has the event as well
}

bool Instance::release() {
  if (setup_.worker == nullptr || !setup_.worker->release()) return false;
  setup_.parts.log.info("plugin.released",
                        {{"plugin", std::string_view(setup_.package.manifest.id)}});
  return true;
}

}  // namespace rabt::plugin
