#include "hub/plugin/process/worker_plugin.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "hub/base/start_thread.hpp"
#include "hub/plugin/process/worker_life.hpp"
#include "hub/worker/abi_bytes.hpp"

// From process to process: start, rest, quarantine, stop.
namespace rabt::plugin {

namespace {

using worker::bytes;

constexpr std::int64_t kFirstRestMs = 100;   // before the second start
constexpr std::int64_t kMaxRestMs = 30'000;  // the pauses double up to this
// kMaxDeaths deaths within this window quarantine the plugin.
constexpr std::int64_t kDeathWindowMs = 600'000;
constexpr std::size_t kMaxDeaths = 5;
constexpr std::int64_t kQuarantineMs = 600'000;  // then one try
constexpr std::int64_t kPollMs = 10;             // how late a virtual clock may be noticed

// The pause before the nth start in a row that was needed.
std::int64_t rest_before(std::size_t n) {
  return std::min(kFirstRestMs << std::min<std::size_t>(n - 1, 10), kMaxRestMs);
}

}  // namespace

WorkerPlugin::WorkerPlugin(Setup setup, const Clock& clock)
    : setup_(std::move(setup)), clock_(clock), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  table_ = {sizeof table_, 0, this, &invoke, &cancel, &get_extension, &destroy};
  webhook_ = {sizeof webhook_, 0, this, &normalise};
  probe_ = {sizeof probe_, 0, this, &probe};
  health_ = {sizeof health_, 0, this, &health};
  const Lock lock(mutex_);
  active_.reserve(worker::kPlaces);
  for (std::size_t i = worker::kPlaces; i-- > 0;) free_.push_back(static_cast<std::uint8_t>(i));
}

WorkerPlugin::~WorkerPlugin() {
  stop();
}

Status WorkerPlugin::start(Owner& owner, const rabt_host& host) {
  owner_ = &owner;
  host_ = &host;
  if (!wake_.open())
    return unavailable("plugin.worker", setup_.name + ": the hub has no descriptor left for it");
  RABT_TRY(thread, start_thread([this] { keep(); }));
  thread_ = std::move(thread);
  Lock lock(mutex_);
  while (!first_known_) changed_.wait(lock);
  return first_;
}

void WorkerPlugin::nudge() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
}

void WorkerPlugin::set_phase(Phase phase) {
  {
    const Lock lock(mutex_);
    phase_ = phase;
  }
  changed_.notify_all();
}

worker::Migration WorkerPlugin::migrate(std::string from_version, std::string config) {
  Lock lock(mutex_);
  if (phase_ == Phase::mapped) {
    migrate_from_ = std::move(from_version);
    migration_.config = std::move(config);
    migrate_asked_ = Asked::wanted;
    nudge();
  }
  while (migrate_asked_ != Asked::answered && phase_ != Phase::stopped) changed_.wait(lock);
  if (migrate_asked_ == Asked::answered) return std::move(migration_);
  worker::Migration lost;
  lost.end = worker::Migration::End::lost;
  lost.error = "its process ended meanwhile (" + end_ + ")";
  return lost;
}

const rabt_plugin* WorkerPlugin::create(std::string_view config, void* context, rabt_sink error) {
  std::string why;
  {
    Lock lock(mutex_);
    config_ = config;
    nudge();
    while (phase_ != Phase::up && phase_ != Phase::waiting && phase_ != Phase::quarantined &&
           phase_ != Phase::stopped)
      changed_.wait(lock);
    if (phase_ == Phase::up) return &table_;
    why = create_error_;
  }
  if (!why.empty()) error(context, bytes(why));
  return nullptr;
}

WorkerPlugin::Ready WorkerPlugin::await(std::size_t text_bytes) {
  Lock lock(mutex_);
  ++waiting_;
  while (!stopping_ && phase_ != Phase::quarantined && phase_ != Phase::stopped &&
         !(phase_ == Phase::up && room(text_bytes)))
    changed_.wait(lock);
  --waiting_;
  if (stopping_ || phase_ == Phase::stopped) return Ready::stopped;
  return phase_ == Phase::up ? Ready::up : Ready::quarantined;
}

bool WorkerPlugin::quarantined() const {
  const Lock lock(mutex_);
  return phase_ == Phase::quarantined;
}

std::string WorkerPlugin::quarantine_reason() const {
  const Lock lock(mutex_);
  return quarantine_reason_;
}

void WorkerPlugin::kill(std::string_view reason) {
  const Lock lock(mutex_);
  if (process_ == nullptr) return;
  if (kill_reason_.empty()) kill_reason_ = reason;
  worker::kill(*process_);
}

bool WorkerPlugin::release() {
  {
    const Lock lock(mutex_);
    if (phase_ != Phase::quarantined) return false;
    released_ = true;
    deaths_.clear();
    on_trial_until_ = 0;
  }
  changed_.notify_all();
  return true;
}

WorkerPlugin::State WorkerPlugin::state() const {
  const Lock lock(mutex_);
  State out;
  switch (phase_) {
    case Phase::starting:
    case Phase::mapped:
      out.phase = "starting";
      break;
    case Phase::up:
      out.phase = "up";
      break;
    case Phase::waiting:
      out.phase = "waiting";
      break;
    case Phase::quarantined:
      out.phase = "quarantined";
      out.quarantine_left_ms = std::max<std::int64_t>(quarantine_until_ - clock_.monotonic_ms(), 0);
      break;
    case Phase::stopped:
      out.phase = "stopped";
  }
  if (process_ != nullptr) out.pid = process_->pid;
  out.deaths = death_count_;
  out.starts = start_count_;
  out.forbidden = forbidden_count_;
  out.missing = missing_;
  return out;
}

void WorkerPlugin::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
    if (process_ != nullptr) {
      if (kill_reason_.empty()) kill_reason_ = "stop";
      worker::kill(*process_);
    }
    nudge();
  }
  changed_.notify_all();
  if (thread_.get_id() == std::this_thread::get_id()) return;
  if (thread_.joinable()) thread_.join();
  const Lock lock(mutex_);
  setup_.library.reset();
  wake_.reset();
}

// ---- the plugin's thread

void WorkerPlugin::keep() {
  std::size_t shortages = 0;  // that the hub had, in a row
  for (std::uint64_t number = 1;; ++number) {
    Death death = live(number);
    const Sequel sequel = after_death(death, shortages);
    if (!sequel.ends) owner_->ended(death);
    let_go_waiters(death);
    if (sequel.ends) return;
    if (!rest(sequel.until_ms, death.quarantined ? Phase::quarantined : Phase::waiting)) return;
    set_phase(Phase::starting);
  }
}

WorkerPlugin::Sequel WorkerPlugin::after_death(Death& death, std::size_t& shortages) {
  Sequel sequel;
  const Lock lock(mutex_);
  // A plugin that was never created is not started again: whoever loads it is told.
  sequel.ends = stopping_ || (extensions_ & kCreated) == 0;
  const std::int64_t now = clock_.monotonic_ms();
  if (!death.ours) shortages = 0;
  if (!sequel.ends && death.ours) sequel.until_ms = now + rest_before(++shortages);
  if (!sequel.ends && !death.ours) {
    ++death_count_;
    deaths_.push_back(now);
    std::erase_if(deaths_, [now](std::int64_t at) { return at + kDeathWindowMs < now; });
    sequel.until_ms = now + rest_before(deaths_.size());
    if (death.quarantined) {
      quarantine_reason_ = death.reason;
    } else if (deaths_.size() >= kMaxDeaths) {
      quarantine_reason_ = "it ended " + std::to_string(deaths_.size()) + " times within " +
                           std::to_string(kDeathWindowMs / 1000) + " s, last by " + death.reason;
    } else if (now < on_trial_until_) {
      quarantine_reason_ = "it ended again soon after a quarantine, by " + death.reason;
    }
    death.quarantined = death.quarantined || deaths_.size() >= kMaxDeaths || now < on_trial_until_;
    if (death.quarantined) {
      sequel.until_ms = now + kQuarantineMs;
      quarantine_until_ = sequel.until_ms;
    }
  }
  end_ = death.reason;
  phase_ = sequel.ends ? Phase::stopped : death.quarantined ? Phase::quarantined : Phase::waiting;
  return sequel;
}

void WorkerPlugin::let_go_waiters(const Death& death) {
  std::vector<std::shared_ptr<Answer>> unanswered;  // their result is set
  std::vector<std::function<void()>> after;
  {
    const Lock lock(mutex_);
    while (!active_.empty()) {
      Upcall& upcall = *active_.back();
      if (upcall.answer != nullptr) {
        upcall.answer->result = upcall.not_begun ? kNotGiven : kLost;
        unanswered.push_back(std::move(upcall.answer));
      }
      if (upcall.after) after.push_back(std::move(upcall.after));
      free_place(upcall);
    }
    requests_.clear();
    if (!first_known_) {
      first_known_ = true;
      if (first_.ok())
        first_ = unavailable("plugin.worker",
                             setup_.name + ": its process ended at the start: " + death.reason);
    } else if (create_error_.empty() && (extensions_ & kCreated) == 0) {
      create_error_ = "its process ended while it was created (" + death.reason + ")";
    }
  }
  for (const auto& answer : unanswered) {
    answer->done.store(1);
    answer->done.notify_one();
  }
  for (const auto& one : after) one();
  changed_.notify_all();
}

bool WorkerPlugin::rest(std::int64_t until_ms, Phase phase) {
  Lock lock(mutex_);
  while (!stopping_) {
    if (phase == Phase::quarantined && std::exchange(released_, false)) return true;
    if (clock_.monotonic_ms() >= until_ms) {
      if (phase == Phase::quarantined) on_trial_until_ = clock_.monotonic_ms() + kDeathWindowMs;
      return true;
    }
    changed_.wait_for(lock, std::chrono::milliseconds(kPollMs));
  }
  phase_ = Phase::stopped;
  lock.unlock();
  changed_.notify_all();
  return false;
}

}  // namespace rabt::plugin
