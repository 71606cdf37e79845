#include "hub/plugin/instance.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/plugin/instance_parts.hpp"
#include "hub/plugin/package/marked_places.hpp"
#include "hub/worker/abi_bytes.hpp"

// Calls: given to a lane or a process, ended by the plugin, by their deadline or by cancelling.
namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::view;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr std::size_t kMaxOpenCalls = 65'536;  // per instance
// Time series of answers for one instance.
constexpr std::size_t kMaxCountedAnswers = 64;
// Calls that were never answered; with more, the instance counts as stuck.
constexpr std::uint64_t kMaxOverdue = 1024;
constexpr std::chrono::milliseconds kClockSlack{50};  // between the timers and the lanes' clock
constexpr std::size_t kMaxCode = 64;
// Before a call is given again to a process that had no room for it.
constexpr std::chrono::milliseconds kFullWait{1};
bool is_code(std::string_view text) {
  return text.size() <= kMaxCode && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alnum(c) || c == '.' || c == '_' || c == '-';
         });
}

ActionOutcome not_started() {
  return failed(OutcomeKind::transient, "plugin.not_started",
                "the plugin was busy until the deadline; nothing was started");
}

}  // namespace

std::uint64_t Instance::call(Purpose purpose, const CompiledAction& action, CallRequest request,
                             Ended ended) {
  auto open = std::make_shared<OpenCall>();
  open->purpose = purpose;
  open->action = &action;
  open->ended = std::move(ended);
  open->idempotency_key = std::move(request.idempotency_key);
  open->attempt = request.attempt;
  open->trace = std::move(request.trace);
  open->run = std::move(request.instance);
  if (request.arguments.is_object()) {
    for (const std::string& name : action.left_out) request.arguments.mutable_object().erase(name);
  }
  open->marked = holds_marked(request.arguments, action.places, action.marked);
  if (open->marked) given_marked_ = true;
  const Clock& clock = setup_.parts.clock;
  const std::int64_t now = clock.now().ms;
  open->deadline_unix_ms =
      request.deadline_unix_ms > 0 ? request.deadline_unix_ms : now + action.spec.timeout_ms;

  std::optional<ActionOutcome> refusal;
  if (const auto fault = action.input.check(request.arguments)) {
    refusal = failed(OutcomeKind::permanent, "plugin.arguments",
                     "the arguments do not fit the input schema of " + action.spec.name + ": " +
                         at_path(*fault));
  } else {
    open->input = request.arguments.dump();
    if (open->input.size() > limits::kMaxActionBytes) {
      refusal = failed(OutcomeKind::permanent, "plugin.arguments",
                       "the arguments are larger than " + std::to_string(limits::kMaxActionBytes) +
                           " bytes; pass a blob");
    }
  }

  // A process is given a call without the way over the lane when nothing stands before it there.
  bool at_once = setup_.worker != nullptr && open->deadline_unix_ms > now &&
                 open->input.size() <= worker::kMaxInlineBytes / 2 && lane_.idle();
  std::uint64_t token = 0;
  {
    const Lock lock(mutex_);
    token = (setup_.number << kTokenShift) | next_call_++;
    open->token = token;
    if (purpose != Purpose::health) ++started_;
    ++undelivered_;
    if (!refusal) {
      if (closing_ || !alive_) {
        refusal = failed(OutcomeKind::transient, "plugin.shutdown", "the plugin is stopping");
      } else if (setup_.worker != nullptr && setup_.worker->quarantined()) {
        refusal = quarantined();
      } else if (overdue_ >= kMaxOverdue) {
        if (setup_.worker != nullptr) setup_.worker->kill("owes answers to too many calls");
        refusal = failed(OutcomeKind::transient, "plugin.stuck",
                         "the plugin owes answers to " + std::to_string(overdue_) +
                             " calls; restart the hub to restart it");
      } else if (calls_.size() >= kMaxOpenCalls) {
        refusal =
            failed(OutcomeKind::transient, "plugin.busy", "too many calls of this plugin are open");
      } else {
        const std::int64_t left = std::max<std::int64_t>(open->deadline_unix_ms - now, 0);
        open->timer = setup_.timers.add(clock.monotonic_ms() + left + limits::kActionGrace.count(),
                                        [this, token] { deadline_passed(token); });
        if (at_once) {
          open->state = OpenCall::State::running;
          open->background_before = background_;
          open->lacks_before = lacks_;
        }
        calls_.emplace(token, open);
      }
    }
  }
  if (refusal) {
    deliver(*open, *std::move(refusal));
    return token;
  }
  if (at_once && give_at_once(*open)) return token;
  lane_.post([this, token] { run(token); });
  return token;
}

void Instance::run(std::uint64_t token) {
  while (true) {
    if (setup_.worker != nullptr &&
        setup_.worker->await(bytes_of(token)) == WorkerPlugin::Ready::quarantined) {
      if (const auto taken = take(token)) deliver(*taken, quarantined());
      return;
    }
    // Keeps the bytes valid until complete and invoke have both returned.
    const std::shared_ptr<OpenCall> open = begin_call(token);
    if (open == nullptr || give(*open)) return;
    std::this_thread::sleep_for(kFullWait);
  }
}

std::size_t Instance::bytes_of(std::uint64_t token) const {
  const Lock lock(mutex_);
  const auto found = calls_.find(token);
  if (found == calls_.end()) return 0;
  const OpenCall& open = *found->second;
  return open.input.size() + open.idempotency_key.size() + open.action->spec.name.size() +
         open.action->spec.version.size();
}

std::shared_ptr<Instance::OpenCall> Instance::begin_call(std::uint64_t token) {
  const std::int64_t now = setup_.parts.clock.now().ms;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(token);
    if (found == calls_.end()) return nullptr;  // cancelled or overdue before it began
    if (found->second->deadline_unix_ms > now) {
      found->second->state = OpenCall::State::running;
      found->second->background_before = background_;
      found->second->lacks_before = lacks_;
      return found->second;
    }
  }
  if (const auto taken = take(token)) deliver(*taken, not_started());
  return nullptr;
}

std::int32_t Instance::enter(const OpenCall& open) {
  rabt_call call{};
  call.size = sizeof call;
  call.attempt = open.attempt;
  call.id = open.token;
  call.action = bytes(open.action->spec.name);
  call.action_version = bytes(open.action->spec.version);
  call.input = bytes(open.input);
  call.idempotency_key = bytes(open.idempotency_key);
  call.deadline_unix_ms = open.deadline_unix_ms;
  switch (open.purpose) {
    case Purpose::probe:
      return probe_->probe(probe_->self, &call);
    case Purpose::health:
      return health_->check(health_->self, &call);
    case Purpose::invoke:
      break;
  }
  return plugin_->invoke(plugin_->self, &call);
}

bool Instance::give(const OpenCall& open) {
  if (setup_.worker == nullptr) {
    std::int32_t result = 0;
    const bool threw = !guarded(open.purpose == Purpose::probe ? "probe" : "invoke",
                                [&] { result = enter(open); });
    settle(open.token, result, threw);
    return true;
  }
  const std::int32_t result = enter(open);
  if (result == WorkerPlugin::kFull) {
    queue_again(open);
    return false;
  }
  if (result != WorkerPlugin::kGiven) settle(open.token, result, false);
  return true;
}

bool Instance::give_at_once(const OpenCall& open) {
  if (enter(open) == WorkerPlugin::kGiven) return true;
  queue_again(open);
  return false;
}

void Instance::queue_again(const OpenCall& open) {
  const Lock lock(mutex_);
  const auto found = calls_.find(open.token);
  if (found != calls_.end() && found->second->state == OpenCall::State::running)
    found->second->state = OpenCall::State::queued;
}

void Instance::returned(std::uint64_t call, const WorkerPlugin::Return& how) {
  if (how.threw) violation("line", kThrew);
  report_slow(how.function, how.held);
  if (call != 0) settle(call, how.result, how.threw);
}

ActionOutcome Instance::quarantined() const {
  return failed(
      OutcomeKind::transient, "plugin.quarantined",
      "the plugin's process is not started again by itself: " + setup_.worker->quarantine_reason() +
          "; look into the log, then rabt plugin release");
}

void Instance::settle(std::uint64_t token, std::int32_t result, bool threw) {
  if (!threw && result == 0) return;
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  const auto taken = take(token);
  if (result == WorkerPlugin::kNotGiven) {
    if (taken) {
      deliver(*taken, failed(OutcomeKind::transient, "plugin.crashed",
                             "the plugin's process ended before it was given the call"));
    }
    return;
  }
  if (threw) {
    if (taken == nullptr) return;
    bool effect = true;
    {
      const Lock lock(mutex_);
      effect = may_have_effect(*taken);
    }
    deliver(*taken,
            failed(effect ? OutcomeKind::ambiguous : OutcomeKind::transient, "plugin.exception",
                   effect ? "the plugin threw across the C line; an outside request had "
                            "been made"
                          : "the plugin threw across the C line; no outside request had "
                            "been made"));
    return;
  }
  if (taken == nullptr) {
    violation("A2", "refused a call that had already ended");
    return;
  }
  deliver(*taken, failed(OutcomeKind::transient, "plugin.refused",
                         "the plugin refused the call (" + std::to_string(result) + ")"));
}

bool Instance::revoked(const OpenCall& open) {
  return open.state == OpenCall::State::running && setup_.worker != nullptr &&
         setup_.worker->revoke(open.token);
}

std::shared_ptr<Instance::OpenCall> Instance::take(std::uint64_t token) {
  std::shared_ptr<OpenCall> open;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(token);
    if (found == calls_.end()) return nullptr;
    open = std::move(found->second);
    calls_.erase(found);
    if (open->state == OpenCall::State::overdue) {
      --overdue_;
      return nullptr;
    }
  }
  setup_.timers.cancel(open->timer);
  return open;
}

void Instance::deliver(const OpenCall& call, ActionOutcome outcome) {
  const std::string kind(workflow::to_string(outcome.kind));
  const Json codes = outcome.codes;
  try {
    end_spans(call.token);
    call.ended(std::move(outcome));
  } catch (...) {
    RABT_BUG("the receiver of an outcome threw");
  }
  const Lock lock(mutex_);
  if (call.purpose != Purpose::health) ++outcomes_[kind];
  if (codes.is_object()) count_codes(codes);
  --undelivered_;
  if (closing_) idle_.notify_all();
}

void Instance::count_codes(const Json& codes) {
  for (const auto& [member, code] : codes.as_object()) {
    if (!code.is_string()) continue;
    const std::string name = member + "=" + code.as_string();
    if (answers_.size() < kMaxCountedAnswers || answers_.contains(name)) ++answers_[name];
  }
}

void Instance::complete(void* self, rabt_call_id token, const rabt_outcome* outcome) noexcept {
  try {
    static_cast<Instance*>(self)->completed(token, outcome);
  } catch (...) {
    RABT_BUG("complete threw");
  }
}

void Instance::completed(std::uint64_t token, const rabt_outcome* outcome) {
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  std::shared_ptr<OpenCall> open;
  std::string_view wrong;
  bool effect = true;
  std::string lacked;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(token);
    if (found == calls_.end()) {
      wrong = "completed a call that is not open (twice, or an id that is not its own)";
    } else if (found->second->state == OpenCall::State::queued) {
      wrong = "completed a call before it was given it";
    } else if (found->second->state == OpenCall::State::overdue) {
      wrong = "completed a call after its deadline and grace";
      open = std::move(found->second);  // its bytes live until here (A3)
      calls_.erase(found);
      --overdue_;
    } else {
      open = std::move(found->second);
      calls_.erase(found);
      effect = may_have_effect(*open);
      if (open->lacks_before != lacks_) lacked = lacked_;
    }
  }
  if (!wrong.empty()) {
    violation("A4", wrong);
    return;
  }
  setup_.timers.cancel(open->timer);
  ActionOutcome read = read_outcome(*open, outcome);
  // The SDK ends a call like this that an exception left, or that was dropped.
  if (!effect && read.kind == OutcomeKind::ambiguous && read.code == "plugin.no_answer")
    read.kind = OutcomeKind::transient;
  // The plugin failed because the hub could not keep what it gave: its own code would end the call.
  const bool retry = read.kind == OutcomeKind::transient || read.kind == OutcomeKind::ambiguous;
  if (retry && !lacked.empty()) read.code = std::move(lacked);
  read.unavailable = retry && open->unavailable;
  deliver(*open, std::move(read));
}

ActionOutcome Instance::read_outcome(const OpenCall& call, const rabt_outcome* outcome) {
  if (outcome == nullptr || !RABT_HAS(rabt_outcome, outcome, retry_after_ms) ||
      outcome->kind > RABT_CANCELLED) {
    violation("A8", "an outcome that is incomplete or of an unknown kind");
    return failed(OutcomeKind::ambiguous, "plugin.bad_outcome",
                  "the plugin's outcome is incomplete or of an unknown kind");
  }
  const Schema& schema = call.action->output;
  if (outcome->kind == RABT_DONE) {
    const std::string_view text = view(outcome->output);
    if (text.size() > limits::kMaxActionBytes) {
      return failed(OutcomeKind::permanent, "plugin.output",
                    "the output is larger than " + std::to_string(limits::kMaxActionBytes) +
                        " bytes; the plugin should use a blob");
    }
    ActionOutcome result;
    if (!text.empty()) {
      auto parsed = Json::parse(text);
      if (!parsed.ok()) {
        return failed(OutcomeKind::permanent, "plugin.output",
                      "the output is no JSON: " + parsed.error().message);
      }
      result.output = std::move(parsed).value();
    }
    if (call.purpose != Purpose::invoke) return result;
    if (const auto fault = schema.check(result.output)) {
      return failed(OutcomeKind::permanent, "plugin.output",
                    "the output does not fit the output schema of " + call.action->spec.name +
                        ": " + at_path(*fault));
    }
    result.codes = call.action->coded.read(result.output, setup_.package.words);
    return result;
  }
  ActionOutcome result;
  result.kind = outcome->kind == RABT_TRANSIENT   ? OutcomeKind::transient
                : outcome->kind == RABT_PERMANENT ? OutcomeKind::permanent
                : outcome->kind == RABT_CANCELLED ? OutcomeKind::cancelled
                                                  : OutcomeKind::ambiguous;
  result.code = view(outcome->code).substr(0, kMaxCode + 1);
  if (result.code.empty()) {
    result.code = "plugin.no_code";
  } else if (!is_code(result.code) || masked(result.code) != result.code) {
    result.code = "plugin.code_withheld";
  }
  const std::string whole = operator_text(view(outcome->message));
  result.message = masked(whole);
  if (result.message != whole) result.said = Sealed<std::string>(whole);
  result.retry_after_ms = std::max<std::int64_t>(outcome->retry_after_ms, 0);
  if (const std::string_view detail = view(outcome->detail);
      !detail.empty() && detail.size() <= limits::kMaxActionBytes) {
    auto parsed = Json::parse(detail);
    if (parsed.ok() && parsed->is_object()) result.detail = std::move(parsed).value();
  }
  return result;
}

void Instance::deadline_passed(std::uint64_t token) {
  std::shared_ptr<OpenCall> open;
  bool started = false;
  bool effect = true;
  bool hung = false;
  Holding lanes;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(token);
    if (found == calls_.end() || found->second->state == OpenCall::State::overdue) return;
    open = found->second;
    // A call that its process has not begun is taken back.
    if (revoked(*open)) open->state = OpenCall::State::queued;
    started = open->state == OpenCall::State::running;
    lanes = holding(*open);
    // First the end of the process, so that what is said of the call stays true.
    hung = end_hanging(lanes.too_long);
    effect = may_have_effect(*open);
    if (started) {
      open->state = OpenCall::State::overdue;
      ++overdue_;
    } else {
      calls_.erase(found);
    }
  }
  if (!hung && !lanes.for_now.empty()) {
    setup_.timers.add(setup_.parts.clock.monotonic_ms() + lanes.patience.count(),
                      [this, serials = std::move(lanes.for_now)] {
                        const Lock lock(mutex_);
                        end_hanging(serials);
                      });
  }
  if (!started) {
    deliver(*open, not_started());
    return;
  }
  setup_.parts.log.warn("plugin.deadline",
                        {{"plugin", std::string_view(setup_.package.manifest.id)},
                         {"action", std::string_view(open->action->spec.name)}});
  cancel_flights(token);
  if (hung) {
    deliver(*open,
            failed(effect ? OutcomeKind::ambiguous : OutcomeKind::transient, "plugin.hung",
                   effect ? "the plugin did not come back from a call; its process was ended"
                          : "the plugin did not come back from a call; its process was ended, and "
                            "no outside request had been made"));
    return;
  }
  if (plugin_->cancel != nullptr) {
    lane_.post(
        [this, token] { guarded("cancel", [&] { plugin_->cancel(plugin_->self, token); }); });
  }
  deliver(*open, failed(OutcomeKind::ambiguous, "plugin.no_answer",
                        "no answer until the deadline and its grace time"));
}

void Instance::cancel(std::uint64_t token) {
  std::shared_ptr<OpenCall> unstarted;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(token);
    if (found == calls_.end() || closing_) return;
    if (found->second->state == OpenCall::State::overdue) return;
    if (found->second->state == OpenCall::State::queued || revoked(*found->second)) {
      unstarted = std::move(found->second);
      calls_.erase(found);
    }
  }
  if (unstarted) {
    setup_.timers.cancel(unstarted->timer);
    deliver(*unstarted,
            failed(OutcomeKind::cancelled, "plugin.cancelled", "cancelled before it was started"));
    return;
  }
  lane_.post([this, token] {
    if (plugin_->cancel != nullptr)
      guarded("cancel", [&] { plugin_->cancel(plugin_->self, token); });
    cancel_flights(token);
  });
}

Instance::Holding Instance::holding(const OpenCall& call) const {
  Holding out;
  if (setup_.worker == nullptr) return out;
  const bool queued = call.state == OpenCall::State::queued;
  const bool blocking = setup_.package.manifest.blocking;
  const auto now = std::chrono::steady_clock::now();
  // A function that may block is given as long as the call has waited for its turn.
  out.patience = queued && blocking
                     ? std::chrono::duration_cast<std::chrono::milliseconds>(now - call.since)
                     : std::chrono::milliseconds(limits::kActionGrace);
  for (const WorkerPlugin::Busy& busy : setup_.worker->busy()) {
    if (blocking && busy.call != call.token) {
      // It is bound by the deadline of its own call, as long as that is open.
      const auto own = calls_.find(busy.call);
      if (!queued || (own != calls_.end() && own->second->state != OpenCall::State::overdue))
        continue;
    }
    (now - busy.since >= out.patience - kClockSlack ? out.too_long : out.for_now)
        .push_back(busy.serial);
  }
  return out;
}

}  // namespace rabt::plugin
