#include "hub/repair/runner.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "hub/base/number.hpp"
#include "hub/repair/answer.hpp"

namespace rabt::repair {

namespace {

// The clock of tests moves without waking anybody.
constexpr std::chrono::milliseconds kWorking{20};
constexpr std::chrono::milliseconds kIdle{1'000};
// Jobs that wait for the store's writer: with more of them new work comes first.
constexpr std::uint64_t kMostQueued = 32;
// After the hub had no room for an act.
constexpr std::int64_t kPauseMs = 1'000;

bool sends(const Job& job, const Json& answer) {
  return job.verb == "retry" || job.verb == "restart" ||
         (job.verb == "answer" && asks_again(answer));
}

}  // namespace

void Runner::start() {
  thread_ = std::thread([this] { run(); });
}

void Runner::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Runner::wake() {
  {
    const Lock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Runner::run() {
  Lock lock(mutex_);
  while (!stopping_) {
    woken_ = false;
    lock.unlock();
    const bool works = turn();
    lock.lock();
    changed_.wait_for(lock, works ? kWorking : kIdle,
                      [this]() RABT_REQUIRES(mutex_) { return stopping_ || woken_; });
  }
}

bool Runner::turn() {
  const Lock one(turn_);
  Around around;
  const auto works = look(around);
  if (works.ok()) return *works;
  parts_.log.warn("repair.turn_failed", {{"code", works.error().code}});
  return false;
}

Result<bool> Runner::look(Around& around) {
  RABT_TRY(jobs, rows_.at_work());
  if (jobs.empty()) return false;
  around.busy = parts_.engine.stats().held > 0 || parts_.store.stats().queued > kMostQueued;
  // An error in one job does not hold up the others.
  std::optional<Error> failure;
  const auto keep = [&failure](const Status& status) {
    if (!status.ok()) failure = status.error();
    return status.ok();
  };
  std::set<std::string> settled;
  for (Job& job : jobs) {
    if (keep(settle(job, around))) settled.insert(job.id);
  }
  for (Job& job : jobs) {
    if (job.state == JobState::running && settled.contains(job.id)) (void)keep(step(job, around));
  }
  if (failure) return *failure;
  return true;
}

// ---- What became of the acts

Result<std::optional<Runner::Verdict>> Runner::judge(const Job& job, const Item& item) const {
  Json answer;
  if (job.verb == "answer") {
    RABT_TRY(content, opened(parts_.keys, parts_.tenant, job));
    answer = content["answer"];
  }
  std::optional<Verdict> none;
  if (!sends(job, answer)) return std::optional(Verdict{});
  engine::InstanceState state;
  std::string became;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, engine::read_state(connection, parts_.tenant, item.object));
    state = std::move(found);
    became = job.verb == "restart" ? state.restarted_as : std::string();
    if (became.empty()) return ok_status();
    RABT_TRY(next, engine::read_state(connection, parts_.tenant, became));
    state = std::move(next);
    return ok_status();
  }));
  using Is = workflow::InstanceStatus;
  const auto status = static_cast<Is>(state.status);
  if (status == Is::completed) return std::optional(Verdict{.became = became});
  if (status == Is::faulted || state.parked)
    return std::optional(Verdict{ItemState::failed, state.code, became});
  if (status == Is::cancelled)
    return std::optional(Verdict{ItemState::failed, "cancelled", became});
  // It went on to wait for somebody else. A timer alone may be the pause before the next try.
  if (status == Is::waiting && !state.busy) {
    const auto about = Json::parse(state.about);
    if (about.ok() && about->find("events") != nullptr)
      return std::optional(Verdict{.became = became});
  }
  const std::int64_t since = item.at ? item.at->ms : 0;
  if (parts_.clock.now().ms - since > kWatchedMs)
    return std::optional(Verdict{.state = ItemState::goes_on, .became = became});
  return none;
}

Status Runner::settle(Job& job, Around& around) {
  RABT_TRY(acted, rows_.acted_items(job.id));
  for (Item& item : acted) {
    RABT_TRY(verdict, judge(job, item));
    if (!verdict) {
      around.subjects.insert(item.subject);
      continue;
    }
    item.state = verdict->state;
    item.code = verdict->code;
    item.became = verdict->became;
    Job next = job;
    if (item.state == ItemState::failed) ++next.failures;
    if (item.state == ItemState::well) next.failures = 0;
    RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(ended, rows_.end(transaction, job.id, item, ItemState::acted));
      if (!ended || next.failures == job.failures) return ok_status();
      RABT_TRY(changed, rows_.change(transaction, next, job.state));
      (void)changed;
      return ok_status();
    }));
    job.failures = next.failures;
  }
  if (job.state == JobState::running && job.failures >= kMaxFailures)
    return change(job, JobState::stopped, "failures");
  return ok_status();
}

// ---- The next act

Status Runner::step(Job& job, Around& around) {
  RABT_TRY(counts, rows_.counts(job.id));
  const std::int64_t in_flight = counts[ItemState::acted];
  const std::int64_t open = counts[ItemState::open];
  if (open == 0) return in_flight > 0 ? ok_status() : change(job, JobState::done, "");
  if (!job.passed && counts.tried() >= job.first) {
    if (in_flight > 0) return ok_status();
    if (!job.goes_on || counts[ItemState::well] != counts.tried())
      return change(job, JobState::waiting, "");
    job.passed = true;
    RABT_TRY_STATUS(change(job, JobState::running, ""));
  }
  const std::int64_t now = parts_.clock.monotonic_ms();
  std::int64_t& due = due_[job.id];
  if (around.busy || in_flight >= kInFlight || now < due) return ok_status();
  RABT_TRY(items, rows_.open_items(job.id));
  for (const Item& item : items) {
    if (!around.subjects.insert(item.subject).second) continue;
    const Status done = act(job, item);
    const bool no_room = !done.ok() && done.error().kind == ErrorKind::unavailable;
    due = now + std::max(job.every_ms, no_room ? kPauseMs : 0);
    return no_room ? ok_status() : done;
  }
  return ok_status();
}

Status Runner::ask(const Job& job, const Item& item, const Json& content) const {
  const bool deliver = job.verb == kDeliver;
  const auto first = [this, id = job.id, item, deliver,
                      clock = &parts_.clock](store::Transaction& transaction) -> Status {
    if (deliver) return rows_.act(transaction, id, item.n, clock->now().ms);
    RABT_TRY(now, engine::read_state(transaction, parts_.tenant, item.object));
    if (now.mark != item.mark)
      return conflict(std::string(kMoved), "the instance is not as the preview saw it");
    return rows_.act(transaction, id, item.n, clock->now().ms);
  };
  const engine::Asked asked{.actor = job.started_by,
                            .reason = content.string_or("reason", ""),
                            .step = {.job = job.id, .first = first}};
  // The delivery's own state is looked at in the same commit.
  if (deliver) {
    const auto id = read_number<std::int64_t>(item.object);
    return deliveries_ != nullptr && id
               ? deliveries_->replay(*id, asked)
               : Status(conflict("repair.not_possible", "this hub takes no deliveries"));
  }
  engine::Engine& engine = parts_.engine;
  if (job.verb == "retry")
    return engine.retry(item.object, asked.actor, asked.reason, asked.step, job.version());
  if (job.verb == "cancel")
    return engine.cancel(item.object, asked.actor, asked.reason, asked.step);
  if (job.verb == "answer") {
    return resolve_call(engine, item.object, static_cast<std::uint64_t>(item.call),
                        content["answer"], asked);
  }
  const auto restart = engine.restart(item.object, "", item.call, asked);
  return restart.ok() ? ok_status() : Status(restart.error());
}

Result<bool> Runner::has_moved(const Job& job, const Item& item) const {
  if (job.verb == kDeliver) return false;
  std::optional<engine::InstanceMark> mark;
  const Status read = parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(now, engine::read_state(connection, parts_.tenant, item.object));
    mark = now.mark;
    return ok_status();
  });
  if (!read.ok() && read.error().kind == ErrorKind::not_found) return true;
  RABT_TRY_STATUS(read);
  return mark != item.mark;
}

Status Runner::act(Job& job, const Item& item) {
  // Looks before it asks, so that a row that has moved costs no turn. The commit looks again.
  RABT_TRY(moved, has_moved(job, item));
  if (moved) return leave(job, item, ItemState::moved, "");
  const auto content = opened(parts_.keys, parts_.tenant, job);
  if (!content.ok() && content.error().kind == ErrorKind::not_found)
    return change(job, JobState::stopped, content.error().code);
  if (!content.ok()) return content.error();
  const Status done = ask(job, item, *content);
  if (done.ok() || done.error().code == kStopped) return ok_status();
  const Error& error = done.error();
  if (error.kind == ErrorKind::unavailable) return done;
  // Somebody gave the delivery up, or its time is over.
  if (error.code == kMoved || error.code == "delivery.discarded" || error.code == "delivery.body")
    return leave(job, item, ItemState::moved, "");
  RABT_TRY(since, has_moved(job, item));
  return leave(job, item, since ? ItemState::moved : ItemState::refused, since ? "" : error.code);
}

Status Runner::leave(Job& job, Item item, ItemState state, const std::string& code) {
  item.state = state;
  item.code = code;
  item.at = parts_.clock.now();
  Job next = job;
  if (state == ItemState::refused) ++next.failures;
  const auto entry = parts_.audit.prepare(
      {.tenant = parts_.tenant,
       .actor = job.started_by,
       .act = "repair.left_out",
       .object = (job.verb == kDeliver ? "delivery:" : "instance:") + item.object,
       .result = state == ItemState::moved ? std::string(kMoved) : code,
       .detail = Json::object({{"verb", job.verb}, {"repair", job.id}})});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(ended, rows_.end(transaction, job.id, item, ItemState::open));
    if (!ended) return ok_status();
    if (next.failures != job.failures) {
      RABT_TRY(changed, rows_.change(transaction, next, JobState::running));
      (void)changed;
    }
    return parts_.audit.append(transaction, entry);
  }));
  job.failures = next.failures;
  if (job.failures >= kMaxFailures) return change(job, JobState::stopped, "failures");
  return ok_status();
}

Status Runner::change(Job& job, JobState to, const std::string& why) {
  job.state = to;
  job.why = why;
  const bool ends = to == JobState::done || to == JobState::stopped;
  if (ends) job.ended = parts_.clock.now();
  const auto entry =
      parts_.audit.prepare({.tenant = parts_.tenant,
                            .actor = "node:hub",
                            .act = "repair." + std::string(to_string(to)),
                            .object = "repair:" + job.id,
                            .result = why.empty() ? "ok" : why,
                            .detail = Json::object({{"verb", job.verb}, {"digest", job.digest}})});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(changed, rows_.change(transaction, job, JobState::running));
    // A person was quicker.
    if (!changed || to == JobState::running) return ok_status();
    return parts_.audit.append(transaction, entry);
  }));
  if (to != JobState::running) {
    parts_.log.info("repair." + std::string(to_string(to)), {{"repair", job.id}, {"why", why}});
    due_.erase(job.id);
  }
  return ok_status();
}

}  // namespace rabt::repair
