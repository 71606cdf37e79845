#include "hub/plugin/plugin_host.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/plugin/host.hpp"

namespace rabt::plugin {

using workflow::ActionOutcome;
using workflow::OutcomeKind;

std::unique_ptr<PluginHost> PluginHost::make(Parts parts) {
  return std::make_unique<Host>(std::move(parts));
}

Host::Host(Parts parts)
    : parts_(std::move(parts)), finisher_(std::make_shared<Lane>(1)), timers_(parts_.clock) {}

Host::~Host() {
  shutdown(0);
}

std::uint64_t Host::invoke(CallRequest call, Ended done) {
  Target target;  // holds its version back from being drained until the call is in its hands
  const CompiledAction* action = nullptr;
  if (auto refusal = resolve(call, target, action)) {
    done(*std::move(refusal));
    return 0;
  }
  if (target.instance != nullptr) {
    if (target.channel) {
      auto passed = parts_.privacy.document(*target.channel, call.arguments, action->marked);
      if (!passed.ok()) {
        done(failed(OutcomeKind::permanent, passed.error().code, passed.error().message));
        return 0;
      }
      call.arguments = std::move(passed).value();
    }
    return target.instance->call(Instance::Purpose::invoke, *action, std::move(call),
                                 std::move(done));
  }
  return invoke_service(target.service, *action, call, std::move(done));
}

void Host::cancel(std::uint64_t token) {
  Instance* instance = nullptr;
  {
    const ReadLock lock(mutex_);
    const std::uint64_t number = token >> Instance::kTokenShift;
    if (number == 0 || number > by_number_.size()) return;
    instance = by_number_[number - 1];
  }
  if (instance != nullptr) instance->cancel(token);
}

void Host::probe(CallRequest call, std::function<void(ProbeAnswer)> done) {
  Target target;
  const CompiledAction* action = nullptr;
  if (resolve(call, target, action) || target.instance == nullptr ||
      !target.instance->can_probe()) {
    done(ProbeAnswer{});
    return;
  }
  target.instance->call(
      Instance::Purpose::probe, *action, std::move(call),
      [action, done = std::move(done)](const ActionOutcome& outcome) {
        ProbeAnswer answer;
        if (outcome.kind == OutcomeKind::done && outcome.output.is_object()) {
          const std::string effect = outcome.output.string_or("effect", "");
          if (effect == "no") answer.effect = ProbeAnswer::Effect::no;
          // An effect whose output cannot be shown does not end the call as done.
          if (effect == "yes" && !action->output.check(outcome.output["output"])) {
            answer.effect = ProbeAnswer::Effect::yes;
            answer.output = outcome.output["output"];
          }
        }
        done(std::move(answer));
      });
}

Result<Json> Host::normalise(std::string_view plugin_id, const Json& delivery,
                             std::string_view body) {
  Instance* instance = nullptr;
  std::shared_ptr<char> entering;  // holds it back from being drained until it has the delivery
  {
    const ReadLock lock(mutex_);
    const auto found = instances_.find(plugin_id);
    if (found != instances_.end()) {
      instance = found->second.front().instance;
      entering = found->second.front().entering;
    }
  }
  if (instance == nullptr) {
    return not_found("plugin.unknown", "there is no plugin " +
                                           std::string(plugin_id.substr(0, 64)) +
                                           "; load it in the configuration");
  }
  return instance->normalise(delivery, body);
}

std::uint64_t Host::invoke_service(const std::shared_ptr<Service>& service,
                                   const CompiledAction& action, const CallRequest& call,
                                   Ended done) {
  if (const auto fault = action.input.check(call.arguments)) {
    done(failed(OutcomeKind::permanent, "plugin.arguments",
                "the arguments do not fit the input schema of " + action.spec.name + ": " +
                    (fault->instance_path.empty() ? "the value" : fault->instance_path) + " " +
                    fault->message));
    return 0;
  }
  const Rundown::Pass pass(*services_rundown_);
  if (!pass) {
    done(failed(OutcomeKind::transient, "plugin.shutdown", "the hub is stopping"));
    return 0;
  }
  auto open = std::make_shared<ServiceCall>();
  open->done = std::move(done);
  open->action = &action;
  {
    const Lock lock(service_mutex_);
    open->number = ++next_service_call_;
    service_calls_.emplace(open->number, open);
    if (call.deadline_unix_ms > 0) {
      const std::int64_t left =
          std::max<std::int64_t>(call.deadline_unix_ms - parts_.clock.now().ms, 0);
      open->timer = timers_.add(
          parts_.clock.monotonic_ms() + left + limits::kActionGrace.count(), [this, open] {
            end_service_call(open, failed(OutcomeKind::ambiguous, "plugin.no_answer",
                                          "no answer until the deadline and its grace time"));
          });
    }
  }
  // A call may name the capability; the service knows its own names.
  CallRequest own = call;
  own.action = action.spec.name;
  service->service->invoke(own, [this, open, gate = services_rundown_](ActionOutcome outcome) {
    const Rundown::Pass inside(*gate);
    if (!inside) return;
    if (outcome.kind == OutcomeKind::done) {
      if (const auto fault = open->action->output.check(outcome.output)) {
        outcome =
            failed(OutcomeKind::permanent, "plugin.output",
                   "the output does not fit the output schema of " + open->action->spec.name +
                       ": " + (fault->instance_path.empty() ? "the value" : fault->instance_path) +
                       " " + fault->message);
      }
    }
    end_service_call(open, std::move(outcome));
  });
  return 0;
}

void Host::end_service_call(const std::shared_ptr<ServiceCall>& open, ActionOutcome outcome) {
  if (open->ended.exchange(true)) return;
  timers_.cancel(open->timer);
  open->done(std::move(outcome));
  const Lock lock(service_mutex_);
  service_calls_.erase(open->number);
  service_idle_.notify_all();
}

}  // namespace rabt::plugin
