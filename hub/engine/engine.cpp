#include "hub/engine/engine.hpp"

#include <algorithm>
#include <chrono>

#include "hub/engine/impl.hpp"

// The life of the engine, and what is asked of one instance.
namespace rabt::engine {

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  if (impl_ != nullptr) stop();
}

Result<std::unique_ptr<Engine>> Engine::open(Parts parts, Options options) {
  // Without an allow-list workflows reach no host.
  if (options.http.allow == nullptr) options.http.allow = std::make_shared<const net::AllowList>();
  auto impl = std::make_unique<Impl>(parts, std::move(options));
  Impl& engine = *impl;
  RABT_TRY_STATUS(engine.definitions.load());
  engine.wanted.deploy(engine.definitions.all());
  RABT_TRY_STATUS(engine.wanted.look());
  RABT_TRY_STATUS(engine.definitions.load_bindings());
  RABT_TRY_STATUS(engine.load_pauses());
  if (engine.context.options.refuse_unserved) {
    RABT_TRY(needs, engine.definitions.needs());
    RABT_TRY_STATUS(plugin::check_served(needs, parts.actions));
  }
  // Before partitions are taken, so that recovery does not offer them.
  for (bool more = true; more;) {
    RABT_TRY(left, engine.recovery.expire_events());
    more = left;
  }
  for (std::size_t i = 0; i < engine.router.size(); ++i) {
    engine.workers.push_back(std::make_unique<Worker>(Worker::Parts{
        .context = engine.context,
        .definitions = engine.definitions,
        .reader = engine.reader,
        .starts = engine.starts,
        .events = engine.events,
        .wanted = engine.wanted,
        .partitions = engine.partitions,
        .details = engine.details,
        .http = *engine.http,
        .router = engine.router,
        .timers = engine.timers,
        .inbox = engine.router.inbox(i),
    }));
  }
  engine.timers.start([&engine](const Timers::Entry& entry) { engine.rang(entry); });
  engine.timers.add({.due = {parts.clock.now().ms + kSweepMs}, .kind = Timers::Kind::sweep});
  for (const auto& worker : engine.workers) worker->start();
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

void Engine::Impl::rang(const Timers::Entry& entry) {
  switch (entry.kind) {
    case Timers::Kind::schedule:
      schedules.due(entry);
      return;
    case Timers::Kind::unheard:
      start_unheard();
      return;
    case Timers::Kind::sweep:
      end_due_pauses();
      recovery.sweep();
      start_unheard();
      if (const Status looked = wanted.look_if_ended(); !looked.ok())
        context.parts.log.warn("engine.sweep_failed", {{"code", looked.error().code}});
      timers.add({.due = {context.parts.clock.now().ms + kSweepMs}, .kind = Timers::Kind::sweep});
      return;
    case Timers::Kind::task:
    case Timers::Kind::woken:
    case Timers::Kind::resend:
    case Timers::Kind::probe:
    case Timers::Kind::held:
      router.send(TimerFired{entry.instance, entry});
      return;
  }
}

Status Engine::take(int partition) {
  return impl_->recovery.take(partition);
}

void Engine::give(int partition) {
  impl_->recovery.give(partition);
}

void Engine::catch_up() {
  impl_->timers.catch_up();
}

bool Engine::drain(std::int64_t timeout_ms) {
  return impl_->context.work->wait_idle(std::chrono::milliseconds(timeout_ms));
}

void Engine::stop() {
  if (impl_->stopping.exchange(true)) return;
  impl_->schedules.stop();
  impl_->timers.stop();
  for (const auto& worker : impl_->workers) worker->stop();
  impl_->http.reset();  // what is open ends now; its messages reach nobody
  impl_->context.parts.store.flush();
}

template <class Request>
Status Engine::Impl::ask(std::string_view id, Request request) {
  RABT_TRY(row, reader.row(id));
  request.num = row.num;
  request.answer = std::make_shared<std::promise<Status>>();
  auto done = request.answer->get_future();
  router.send(std::move(request));
  return done.get();
}

Status Engine::cancel(std::string_view id, std::string_view actor, std::string_view reason,
                      Step step) {
  return impl_->ask(id, CancelRequest{.actor = std::string(actor),
                                      .reason = std::string(reason),
                                      .step = std::move(step),
                                      .answer = {}});
}

Status Engine::retry(std::string_view id, std::string_view actor, std::string_view reason,
                     Step step, std::string_view version) {
  return impl_->ask(id, RetryRequest{.version = std::string(version),
                                     .actor = std::string(actor),
                                     .reason = std::string(reason),
                                     .step = std::move(step),
                                     .answer = {}});
}

Status Engine::resolve(std::string_view id, workflow::ActionOutcome outcome, std::string_view actor,
                       std::string_view reason, std::uint64_t call, Step step) {
  return impl_->ask(id, ResolveRequest{.call = call,
                                       .outcome = std::move(outcome),
                                       .actor = std::string(actor),
                                       .reason = std::string(reason),
                                       .step = std::move(step),
                                       .answer = {}});
}

Status Engine::send_again(std::string_view id, std::string_view actor, std::string_view reason,
                          std::uint64_t call, Step step) {
  return impl_->ask(id, ResolveRequest{.call = call,
                                       .again = true,
                                       .outcome = {},
                                       .actor = std::string(actor),
                                       .reason = std::string(reason),
                                       .step = std::move(step),
                                       .answer = {}});
}

Status Engine::with_needs(const std::function<Status(const std::vector<plugin::Need>&)>& use) {
  const Lock serial(impl_->deploy_mutex);
  RABT_TRY(needs, impl_->definitions.needs());
  return use(needs);
}

Result<bool> Engine::expire_events() {
  return impl_->recovery.expire_events();
}

Result<bool> Engine::expire_deliveries() {
  return impl_->recovery.expire_deliveries();
}

EngineStats Engine::stats() const {
  const Counters& c = impl_->context.counters;
  const WorkTimes& times = impl_->context.times;
  return {.started = c.started,
          .completed = c.completed,
          .faulted = c.faulted,
          .cancelled = c.cancelled,
          .retried = c.retried,
          .turns = c.turns,
          .deliveries = c.deliveries,
          .repeated_deliveries = c.repeated,
          .events = c.events,
          .actions = c.actions,
          .resends = c.resends,
          .parked = c.parked,
          .held = impl_->context.held.count(),
          .late_results = c.late,
          .task_faults = c.task_faults,
          .resident = static_cast<std::uint64_t>(std::max<std::int64_t>(0, c.resident)),
          .timer_late_ms = impl_->timers.late_ms(),
          .interpreter_ns = times.interpreter,
          .seal_ns = times.seal,
          .audit_ns = times.audit,
          .submit_ns = times.submit,
          .dispatch_ns = times.dispatch};
}

}  // namespace rabt::engine
