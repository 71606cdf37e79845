#include "hub/plugin/instance.hpp"

#include <chrono>
#include <future>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/utf8.hpp"
#include "hub/plugin/instance_parts.hpp"
#include "hub/plugin/recorder.hpp"
#include "hub/worker/abi_bytes.hpp"

namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::view;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

constexpr std::chrono::milliseconds kSlowLane{50};   // abi.h, LANES
constexpr std::chrono::seconds kCreateTimeout{30};   // a constructor that needs longer hangs
constexpr std::chrono::seconds kMigrateTimeout{35};  // a process is ended before, see its start
constexpr std::int64_t kStopWaitMs = 2000;           // for lane threads to leave plugin code
constexpr std::int64_t kFirstHealthMs = 5'000;
constexpr std::int64_t kHealthEveryMs = 60'000;
constexpr std::int64_t kHealthTimeoutMs = 10'000;
constexpr std::size_t kMaxOperatorText = 512;  // message of an outcome
constexpr std::size_t kAuditedClauses = 8;     // broken by one process, one entry each

}  // namespace

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

std::string at_path(const SchemaFault& fault) {
  return (fault.instance_path.empty() ? std::string("the value") : fault.instance_path) + " " +
         fault.message;
}

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
      // The callback's captures live until the plugin's function has returned.
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

bool Instance::may_log() {
  std::int64_t dropped = 0;
  bool first = false;
  bool good = false;
  {
    const Lock lock(log_mutex_);
    const std::int64_t now = setup_.parts.clock.monotonic_ms();
    if (now >= log_minute_ends_ms_) {
      dropped = std::max<std::int64_t>(log_lines_ - kLogLinesAMinute, 0);
      log_minute_ends_ms_ = now + kMinuteMs;
      log_lines_ = 0;
    }
    ++log_lines_;
    good = log_lines_ <= kLogLinesAMinute;
    first = log_lines_ == kLogLinesAMinute + 1;
  }
  if (dropped > 0) {
    setup_.parts.log.warn(
        "plugin.log_dropped",
        {{"plugin", std::string_view(setup_.package.manifest.id)}, {"lines", dropped}});
  }
  if (first) violation("log", "too many lines in one minute; the others of the minute are dropped");
  return good;
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
  const KvUse& use = *setup_.kv_use;
  state.storage_bytes = std::max<std::int64_t>(use.bytes - use.expired, 0);
  state.storage_quota = use.quota;
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

void Instance::lacked(std::string_view code) {
  const Lock lock(mutex_);
  ++lacks_;
  lacked_ = code;
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
