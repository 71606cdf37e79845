#include "hub/plugin/instance.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <future>
#include <thread>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/utf8.hpp"
#include "hub/net/url.hpp"
#include "hub/plugin/package/marked_places.hpp"
#include "hub/plugin/recorder.hpp"
#include "hub/worker/abi_bytes.hpp"

namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::view;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr std::chrono::milliseconds kSlowLane{50};     // abi.h, LANES
constexpr std::chrono::seconds kCreateTimeout{30};     // a constructor that needs longer hangs
constexpr std::chrono::seconds kMigrateTimeout{35};    // a process is ended before, see its start
constexpr std::chrono::seconds kNormaliseTimeout{20};  // the sender of a webhook gives up before
constexpr std::int64_t kStopWaitMs = 2000;             // for lane threads to leave plugin code
constexpr std::int64_t kFirstHealthMs = 5'000;
constexpr std::int64_t kHealthEveryMs = 60'000;
constexpr std::int64_t kHealthTimeoutMs = 10'000;
constexpr std::size_t kMaxOpenCalls = 65'536;  // per instance
// Time series of answers for one instance.
constexpr std::size_t kMaxCountedAnswers = 64;
// Calls that were never answered; with more, the instance counts as stuck.
constexpr std::uint64_t kMaxOverdue = 1024;
constexpr std::chrono::milliseconds kClockSlack{50};  // between the timers and the lanes' clock
constexpr std::size_t kAuditedCalls = 16;             // calls that the entry of a crash names
constexpr std::uint64_t kAuditedAttempts = 8;         // per process, one entry each
constexpr std::size_t kAuditedClauses = 8;            // broken by one process, one entry each
constexpr std::size_t kMaxOperatorText = 512;         // message of an outcome
constexpr std::size_t kMaxCode = 64;
// Before a call is given again to a process that had no room for it.
constexpr std::chrono::milliseconds kFullWait{1};
constexpr std::string_view kThrew = "threw an exception across the C line";
constexpr const char* kQuarantined =
    "the plugin's process ended too often; look into the log, then rabt plugin release";

bool is_code(std::string_view text) {
  return text.size() <= kMaxCode && std::all_of(text.begin(), text.end(), [](char c) {
           return is_alnum(c) || c == '.' || c == '_' || c == '-';
         });
}

// A text for operators: bounded, one line, printable ASCII and whole UTF-8.
std::string operator_text(std::string_view text) {
  std::string out(text.substr(0, kMaxOperatorText));
  if (out.size() < text.size()) {
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xc0U) == 0x80U)
      out.pop_back();
    if (!out.empty() && static_cast<unsigned char>(out.back()) >= 0x80U) out.pop_back();
  }
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20U || c == 0x7f) c = ' ';
  }
  if (!is_utf8(out)) return "(not UTF-8)";
  return out;
}

ActionOutcome not_started() {
  return failed(OutcomeKind::transient, "plugin.not_started",
                "the plugin was busy until the deadline; nothing was started");
}

std::string at_path(const SchemaFault& fault) {
  return (fault.instance_path.empty() ? std::string("the value") : fault.instance_path) + " " +
         fault.message;
}

}  // namespace

Instance::Instance(Setup setup)
    : setup_(std::move(setup)),
      lane_(setup_.package.manifest.concurrency),
      metric_table_(setup_.package.metrics) {
  host_.size = sizeof host_;
  host_.abi_minor = RABT_ABI_MINOR;
  host_.self = this;
  host_.get_service = &Instance::get_service;
  host_.complete = &Instance::complete;
  fill_services();
}

Instance::~Instance() = default;

Status Instance::open() {
  return setup_.worker == nullptr ? ok_status() : setup_.worker->start(*this, host_);
}

Result<std::optional<Json>> Instance::migrate(const rabt_entry* entry,
                                              const std::string& from_version, const Json& config) {
  const Manifest& manifest = setup_.package.manifest;
  auto promise = std::make_shared<std::promise<worker::Migration>>();
  auto future = promise->get_future();
  lane_.post([this, entry, promise, from_version, text = config.dump()] {
    worker::Migration said;
    static_cast<void>(guarded("migrate", [&] {
      said = setup_.worker != nullptr ? setup_.worker->migrate(from_version, text)
                                      : worker::run_migrate(entry, from_version, text);
    }));
    promise->set_value(std::move(said));
  });
  const auto refused = [&](const std::string& why) {
    return invalid("plugin.migrate", manifest.id + " " + manifest.version +
                                         " cannot take over the configuration that was written "
                                         "for " +
                                         from_version + ": " + why +
                                         "; write its section of the configuration for " +
                                         manifest.version + ", or stay with the older version");
  };
  if (future.wait_for(kMigrateTimeout) != std::future_status::ready)
    return refused("migrate did not return within " + std::to_string(kMigrateTimeout.count()) +
                   " s");
  const worker::Migration said = future.get();
  if (said.end == worker::Migration::End::absent) return std::optional<Json>();
  if (const std::string fault = worker::migration_fault(said); !fault.empty())
    return refused(operator_text(fault));
  auto parsed = Json::parse(said.config);
  if (!parsed.ok()) return refused("migrate gave no JSON: " + parsed.error().message);
  if (const auto fault = setup_.package.config.check(*parsed))
    return refused("what migrate gave does not fit the schema of the manifest: config" +
                   fault->instance_path + " " + fault->message);
  return std::optional<Json>(std::move(parsed).value());
}

Status Instance::start(const rabt_entry* entry, Json taken, Reach reach) {
  setup_.config.config = std::move(taken);
  reach_ = std::move(reach);
  if (!setup_.config.record.empty()) {
    RABT_TRY(recorder, Recorder::open({setup_.config.record, setup_.parts.privacy,
                                       setup_.package.phi_names, setup_.config.secrets}));
    recorder_ = std::move(recorder);
  }
  struct Outcome {
    const rabt_plugin* plugin = nullptr;
    std::string error;
  };
  auto promise = std::make_shared<std::promise<Outcome>>();
  auto future = promise->get_future();
  lane_.post([this, entry, promise] {  // the entry is part of a library that stays mapped
    Outcome outcome;
    const std::string config = setup_.config.config.is_null() ? "{}" : setup_.config.config.dump();
    const rabt_sink sink = [](void* context, rabt_bytes text) {
      *static_cast<std::string*>(context) = operator_text(view(text));
    };
    if (!guarded("create", [&] {
          outcome.plugin = setup_.worker != nullptr
                               ? setup_.worker->create(config, &outcome.error, sink)
                               : entry->create(&host_, bytes(config), &outcome.error, sink);
        })) {
      outcome.error = "its constructor threw across the C line";
    }
    promise->set_value(std::move(outcome));
  });
  const std::string name = setup_.package.manifest.id;
  if (future.wait_for(kCreateTimeout) != std::future_status::ready) {
    return unavailable("plugin.create", name + ": create did not return within " +
                                            std::to_string(kCreateTimeout.count()) +
                                            " s; it must not wait for outside systems");
  }
  const Outcome outcome = future.get();
  if (outcome.plugin == nullptr) {
    return invalid("plugin.create",
                   name + " could not start: " +
                       (outcome.error.empty() ? "it gave no reason" : outcome.error) +
                       "; check its section of the configuration");
  }
  const rabt_plugin* plugin = outcome.plugin;
  if (!RABT_HAS(rabt_plugin, plugin, destroy) || plugin->invoke == nullptr ||
      plugin->destroy == nullptr) {
    return invalid("plugin.create",
                   name + ": the instance lacks invoke or destroy; build it against rabt/abi.h");
  }
  if (plugin->get_extension != nullptr) {
    const auto* webhook =
        static_cast<const rabt_webhook*>(plugin->get_extension(plugin->self, RABT_WEBHOOK));
    if (webhook != nullptr && RABT_HAS(rabt_webhook, webhook, normalise) &&
        webhook->normalise != nullptr)
      webhook_ = webhook;
    const auto* probe =
        static_cast<const rabt_probe*>(plugin->get_extension(plugin->self, RABT_PROBE));
    if (probe != nullptr && RABT_CAN(rabt_probe, probe, probe)) probe_ = probe;
    const auto* health =
        static_cast<const rabt_health*>(plugin->get_extension(plugin->self, RABT_HEALTH));
    if (health != nullptr && RABT_CAN(rabt_health, health, check)) health_ = health;
  }
  for (const CompiledAction& action : setup_.package.actions) {
    if (action.spec.idempotency == "probe" && probe_ == nullptr) {
      return invalid(
          "plugin.create",
          name + ": the action " + action.spec.name +
              " is declared with idempotency: probe, but the plugin offers no " RABT_PROBE);
    }
  }
  plugin_ = plugin;
  alive_ = true;
  if (health_ != nullptr) ask_health(kFirstHealthMs);
  return ok_status();
}

void Instance::ask_health(std::int64_t after_ms) {
  setup_.timers.add(setup_.parts.clock.monotonic_ms() + after_ms, [this] {
    static const CompiledAction* const kCheck = [] {
      auto* action = new CompiledAction();  // no destructor at exit: a call may still be open
      action->spec.timeout_ms = kHealthTimeoutMs;
      return action;
    }();
    {
      const Lock lock(mutex_);
      if (closing_) return;
    }
    CallRequest request;
    request.arguments = Json::object();
    call(Purpose::health, *kCheck, std::move(request), [this](const ActionOutcome& outcome) {
      PluginHost::PluginHealth health{"down", ""};
      const std::string status = outcome.output.string_or("status", "");
      if (outcome.kind != OutcomeKind::done) {
        health.reason = outcome.message;
      } else if (status == "ok" || status == "degraded" || status == "down") {
        health = {status, masked(outcome.output.string_or("reason", ""))};
      }
      const Lock lock(mutex_);
      health_state_ = std::move(health);
    });
    ask_health(kHealthEveryMs);
  });
}

std::uint64_t Instance::call(Purpose purpose, const CompiledAction& action, CallRequest request,
                             Ended ended) {
  auto open = std::make_shared<OpenCall>();
  open->purpose = purpose;
  open->action = &action;
  open->ended = std::move(ended);
  open->idempotency_key = std::move(request.idempotency_key);
  open->attempt = request.attempt;
  open->run = std::move(request.instance);
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
        refusal = failed(OutcomeKind::transient, "plugin.quarantined", kQuarantined);
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
      if (const auto taken = take(token))
        deliver(*taken, failed(OutcomeKind::transient, "plugin.quarantined", kQuarantined));
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
    if (taken) {
      deliver(*taken, failed(OutcomeKind::ambiguous, "plugin.exception",
                             "the plugin threw across the C line"));
    }
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
    }
  }
  if (!wrong.empty()) {
    violation("A4", wrong);
    return;
  }
  setup_.timers.cancel(open->timer);
  deliver(*open, read_outcome(*open, outcome));
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
  for (const WorkerPlugin::Busy& one : setup_.worker->busy()) {
    if (blocking && one.call != call.token) {
      // It is bound by the deadline of its own call, as long as that is open.
      const auto own = calls_.find(one.call);
      if (!queued || (own != calls_.end() && own->second->state != OpenCall::State::overdue))
        continue;
    }
    (now - one.since >= out.patience - kClockSlack ? out.too_long : out.for_now)
        .push_back(one.serial);
  }
  return out;
}

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
    // What the process had not begun goes to the next one. The hub's own record decides: a call for
    // which a request may have been made is never given twice.
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

bool Instance::begin_request(std::uint64_t call) {
  const Lock lock(mutex_);
  if (ending_) return false;
  if (call == 0) {
    ++background_;
    return true;
  }
  const auto found = calls_.find(call);
  if (found == calls_.end() || found->second->state != OpenCall::State::running) return false;
  ++found->second->requests;
  return true;
}

void Instance::unsent_request(std::uint64_t call) {
  const Lock lock(mutex_);
  const auto found = calls_.find(call);
  if (found != calls_.end() && found->second->requests > 0) --found->second->requests;
}

bool Instance::carries_patient_data(std::uint64_t call) {
  if (call == 0) return given_marked_;
  const Lock lock(mutex_);
  const auto found = calls_.find(call);
  return found != calls_.end() && found->second->marked;
}

void Instance::withheld(std::uint64_t call, std::string_view url) {
  const auto parsed = net::parse_url(url);
  const std::string host = parsed.ok() ? parsed->host : std::string();
  std::string run;
  std::string action;
  bool known = false;
  {
    const Lock lock(mutex_);
    const auto found = calls_.find(call);
    if (found != calls_.end()) {
      run = found->second->run;
      action = found->second->action->spec.name;
      known = std::exchange(found->second->withheld, true);
    }
  }
  violation("patient_data", "a request to a host that is not for patient data");
  if (call == 0) known = withheld_++ >= kAuditedAttempts;
  if (known) return;
  audit("plugin.withheld", "plugin.patient_host",
        Json::object({{"version", setup_.package.manifest.version},
                      {"host", host},
                      {"instance", run},
                      {"action", action}}));
}

void Instance::cancel_all_flights() {
  std::vector<std::uint64_t> open;
  {
    const Lock lock(flights_mutex_);
    for (const auto& [id, flight] : flights_) open.push_back(flight.call);
  }
  for (const std::uint64_t call : open) cancel_flights(call);
}

void Instance::cancel_flights(std::uint64_t call) {
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  std::vector<net::RequestId> requests;
  {
    const Lock lock(flights_mutex_);
    for (auto& [id, flight] : flights_) {
      if (flight.call != call) continue;
      flight.cancelled = true;
      if (flight.request != 0) requests.push_back(flight.request);
    }
  }
  for (const net::RequestId request : requests) setup_.parts.http.cancel(request);
}

bool Instance::guarded(std::string_view what, const std::function<void()>& code) {
  const auto begin = std::chrono::steady_clock::now();
  bool returned = true;
  const bool control = what == "create" || what == "migrate";
  const OnLane here(*this, control);
  try {
    code();
  } catch (...) {
    returned = false;
  }
  if (!returned) violation("line", kThrew);
  if (!control)
    report_slow(what, std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now() - begin));
  return returned;
}

void Instance::report_slow(std::string_view function, std::chrono::milliseconds held) {
  if (held <= kSlowLane || setup_.package.manifest.blocking) return;
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  setup_.parts.log.warn("plugin.slow_lane",
                        {{"plugin", std::string_view(setup_.package.manifest.id)},
                         {"function", function},
                         {"ms", static_cast<std::int64_t>(held.count())}});
}

void Instance::call_back(std::string_view what, std::function<void()> code) {
  auto kept = std::make_shared<const std::function<void()>>(std::move(code));
  lane_.post([this, what, kept = std::move(kept)] {
    if (setup_.worker != nullptr) {
      // What the code holds lives until the plugin's function has returned.
      setup_.worker->give_callback(*kept, [this, kept] { owe(-1); });
      return;
    }
    guarded(what, *kept);
    owe(-1);
  });
}

std::string Instance::masked(std::string_view text) const {
  return setup_.parts.privacy.outside_text(phi::Channel::error, operator_text(text),
                                           setup_.package.words);
}

void Instance::violation(std::string_view clause, std::string_view what) {
  bool first = false;
  {
    const Lock lock(mutex_);
    first = audited_clauses_.size() < kAuditedClauses &&
            audited_clauses_.emplace(std::string(clause)).second;
    const auto found = violations_.find(clause);
    if (found != violations_.end()) {
      ++found->second;
    } else {
      violations_.emplace(clause, 1);
    }
  }
  const Rundown::Pass pass(rundown_);
  if (!pass) return;
  setup_.parts.log.warn("plugin.violation",
                        {{"plugin", std::string_view(setup_.package.manifest.id)},
                         {"clause", clause},
                         {"what", what}});
  if (first) {
    audit("plugin.violation", "plugin.violation",
          Json::object({{"version", setup_.package.manifest.version}, {"clause", clause}}));
  }
}

Result<Json> Instance::normalise(const Json& delivery, std::string_view body) {
  const std::string& name = setup_.package.manifest.id;
  if (webhook_ == nullptr) {
    return invalid("plugin.no_webhook", "the plugin " + name +
                                            " does not read webhooks (it offers no " RABT_WEBHOOK
                                            ")");
  }
  struct Work {
    std::string info;
    std::string body;
    std::string events;
    std::string error;
    int events_calls = 0;
    int error_calls = 0;
    std::int32_t result = 0;
    bool ran = false;
    bool returned = false;
  };
  // The delivery's place on the lane: open until it has been read there, or was dropped.
  struct Turn {
    Instance& self;
    std::promise<void> over{};
    explicit Turn(Instance& instance) : self(instance) {}
    ~Turn() {
      over.set_value();
      const Lock lock(self.mutex_);
      --self.undelivered_;
      if (self.closing_) self.idle_.notify_all();
    }
  };
  auto work = std::make_shared<Work>();
  work->info = delivery.dump();
  work->body = body;
  if (!setup_.package.phi_names.empty()) given_marked_ = true;  // nobody knows what it holds
  {
    const Lock lock(mutex_);
    if (closing_) return unavailable("plugin.shutdown", "the plugin " + name + " is stopping");
    ++undelivered_;
  }
  auto turn = std::make_shared<Turn>(*this);
  auto future = turn->over.get_future();
  lane_.post([this, work, turn = std::move(turn)] {
    work->ran = true;
    work->returned = guarded("normalise", [&] {
      work->result = webhook_->normalise(
          webhook_->self, bytes(work->info), bytes(work->body), work.get(),
          [](void* context, rabt_bytes text) {
            auto& to = *static_cast<Work*>(context);
            ++to.events_calls;
            to.events = view(text);
          },
          [](void* context, rabt_bytes text) {
            auto& to = *static_cast<Work*>(context);
            ++to.error_calls;
            to.error = operator_text(view(text));
          });
    });
  });
  if (future.wait_for(kNormaliseTimeout) != std::future_status::ready) {
    if (setup_.worker != nullptr) {
      // Only what holds a lane so long hangs; a lane that waits for its turn may have come later.
      for (const WorkerPlugin::Busy& one : setup_.worker->busy()) {
        if (std::chrono::steady_clock::now() - one.since >= kNormaliseTimeout)
          setup_.worker->kill("hang");
      }
    }
    return unavailable("plugin.delivery_timeout",
                       "the plugin " + name + " did not read the delivery in time");
  }
  if (!work->ran) return unavailable("plugin.shutdown", "the plugin " + name + " is stopping");
  if (!work->returned)
    return invalid("plugin.delivery", name + ": the plugin failed on this delivery");
  if (work->result == WorkerPlugin::kLost || work->result == WorkerPlugin::kNotGiven) {
    return unavailable("plugin.crashed",
                       "the plugin " + name + " could not read the delivery: its process ended");
  }
  if (work->result != 0) {
    return invalid(
        "plugin.delivery",
        name + ": " + (work->error.empty() ? "the delivery was refused" : masked(work->error)));
  }
  if (work->events_calls != 1) {
    violation("webhook", "returned 0 without giving events exactly once");
    return invalid("plugin.delivery", name + ": the plugin gave no events");
  }
  auto parsed = Json::parse(work->events);
  if (!parsed.ok()) {
    violation("webhook", "gave events that are no JSON");
    return invalid("plugin.delivery", name + ": the events are no JSON: " + parsed.error().message);
  }
  const Status shape = check_events(*parsed);
  if (!shape.ok()) {
    violation("webhook", "gave events of a wrong shape");
    return shape.error();
  }
  return std::move(parsed).value();
}

Status Instance::check_events(const Json& events) const {
  const std::string& name = setup_.package.manifest.id;
  const auto wrong = [&name](std::size_t at, const std::string& what) {
    return invalid("plugin.delivery", name + ": event " + std::to_string(at + 1) + " " + what);
  };
  if (!events.is_array())
    return invalid("plugin.delivery", name + ": the events are no JSON array");
  if (events.size() > static_cast<std::size_t>(limits::kMaxEventsPerDelivery)) {
    return invalid("plugin.delivery", name + ": more than " +
                                          std::to_string(limits::kMaxEventsPerDelivery) +
                                          " events in one delivery");
  }
  static const std::vector<std::string> kMembers{"type", "source", "subject", "time", "id", "data"};
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Json& event = events[i];
    if (!event.is_object()) return wrong(i, "is no object");
    for (const auto& [key, value] : event.as_object()) {
      if (std::find(kMembers.begin(), kMembers.end(), key) == kMembers.end()) {
        return wrong(i, "has a member other than type, source, subject, time, id, data");
      }
      if (key == "data") continue;
      if (!value.is_string() || value.as_string().empty() || value.as_string().size() > 1024) {
        return wrong(i, "needs a text of 1 to 1024 bytes as \"" + key + "\"");
      }
    }
    for (const char* key : {"type", "source", "id"}) {
      if (!event[key].is_string()) return wrong(i, "lacks \"" + std::string(key) + "\"");
    }
    if (event["time"].is_string() && !parse_iso8601(event["time"].as_string()).ok()) {
      return wrong(i, "has a \"time\" that is no RFC 3339 time");
    }
    const auto declared = setup_.package.events.find(event["type"].as_string());
    if (declared == setup_.package.events.end())
      return wrong(i, "has a type that the manifest does not list under events");
    if (const auto fault = declared->second.check(event["data"])) {
      return wrong(i, "(" + declared->first + ") does not fit its schema: " + at_path(*fault));
    }
    if (event.dump().size() > limits::kMaxEventBytes) {
      return wrong(i, "is larger than " + std::to_string(limits::kMaxEventBytes) + " bytes");
    }
  }
  return ok_status();
}

PluginHost::PluginState Instance::state() const {
  PluginHost::PluginState state;
  state.id = setup_.package.manifest.id;
  state.version = setup_.package.manifest.version;
  state.key_id = setup_.config.key_id;
  if (setup_.worker != nullptr) {
    const WorkerPlugin::State worker = setup_.worker->state();
    state.worker =
        PluginHost::WorkerState{worker.phase,  worker.pid,       worker.starts,
                                worker.deaths, worker.forbidden, worker.quarantine_left_ms,
                                worker.missing};
  }
  const Lock lock(mutex_);
  if (health_ != nullptr) state.health = health_state_;
  state.calls = started_;
  state.open = undelivered_;
  state.outcomes = outcomes_;
  state.answers = answers_;
  state.violations.insert(violations_.begin(), violations_.end());
  return state;
}

void Instance::owe(int count) {
  const Lock lock(mutex_);
  owed_ += static_cast<std::uint64_t>(static_cast<std::int64_t>(count));
  if (closing_) idle_.notify_all();
}

void Instance::shutdown(std::int64_t grace_ms) {
  cancel_flights(0);  // background requests: nobody waits for them
  struct Rest {
    std::uint64_t token;
    std::shared_ptr<OpenCall> open;
    bool started;
  };
  std::vector<Rest> rest;
  bool abandoned = false;
  {
    Lock lock(mutex_);
    if (closing_) return;
    closing_ = true;
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(grace_ms);
    while (undelivered_ != 0 || owed_ != 0 || overdue_ != 0) {
      if (idle_.wait_until(lock, until) == std::cv_status::timeout) break;
    }
    abandoned = undelivered_ != 0 || overdue_ != 0;
    for (auto& [token, open] : calls_) {
      if (open->state == OpenCall::State::overdue) continue;
      const bool started = open->state == OpenCall::State::running && !revoked(*open);
      rest.push_back({token, open, started});
      // The record of a started call stays, so that its bytes stay valid for a plugin that still
      // reads them (A3).
      if (!started) continue;
      open->state = OpenCall::State::overdue;
      ++overdue_;
    }
    for (const Rest& unanswered : rest) {
      if (!unanswered.started) calls_.erase(unanswered.token);
    }
  }
  for (const Rest& unanswered : rest) {
    setup_.timers.cancel(unanswered.open->timer);
    deliver(*unanswered.open, unanswered.started
                                  ? failed(OutcomeKind::ambiguous, "plugin.shutdown",
                                           "the hub stopped before the plugin answered")
                                  : failed(OutcomeKind::transient, "plugin.shutdown",
                                           "the hub stopped before the call was started"));
  }
  cancel_all_flights();
  drop_wakes();
  const bool was_alive = alive_.exchange(false);
  if (abandoned || !was_alive) {
    // Never destroyed: the plugin still holds calls (A7).
    if (was_alive) {
      setup_.parts.log.warn("plugin.abandoned",
                            {{"plugin", std::string_view(setup_.package.manifest.id)}});
    }
    if (setup_.worker != nullptr) setup_.worker->stop();  // lets go of the lanes
    drop_blob_writes();
    rundown_.close();
    drop_disk_work();
    lane_.stop({}, kStopWaitMs);
    return;
  }
  const bool ended = lane_.stop(
      [this] {
        try {
          const OnLane here(*this, true);
          plugin_->destroy(plugin_->self);
        } catch (...) {  // it is gone either way
        }
      },
      kStopWaitMs);
  if (!ended)
    setup_.parts.log.warn("plugin.abandoned",
                          {{"plugin", std::string_view(setup_.package.manifest.id)}});
  if (setup_.worker != nullptr) setup_.worker->stop();
  drop_blob_writes();
  rundown_.close();
  drop_disk_work();
}

}  // namespace rabt::plugin
