#include "hub/audit/anchor_keeper.hpp"

#include <algorithm>
#include <thread>

#include "hub/base/mutex.hpp"

namespace rabt::audit {

namespace {

using std::chrono::steady_clock;
// The time between puts: files are synced one by one. After failures it doubles, up to kMaxPause.
constexpr std::chrono::milliseconds kFirstPause{1'000};
constexpr std::chrono::milliseconds kMaxPause{60'000};
// Longer than an anchor should ever take.
constexpr std::chrono::milliseconds kHangs{15'000};

}  // namespace

struct AnchorKeeper::Shared {
  // Constant after construction
  std::unique_ptr<Anchor> anchor;
  std::string name;
  bool required = false;
  std::shared_ptr<Ledger> ledger;
  std::shared_ptr<AnchorMemory> memory;
  // Between two readings of an anchor that is given nothing.
  std::chrono::milliseconds interval{};

  Mutex mutex;
  Condition changed;
  // Checkpoint that has to be brought to the anchor. Nothing when nothing is new.
  std::optional<Checkpoint> target RABT_GUARDED_BY(mutex);
  std::optional<Checkpoint> last RABT_GUARDED_BY(mutex);
  bool was_read RABT_GUARDED_BY(mutex) = false;
  // Number of readings at once that were asked for, and of those that were answered.
  std::uint64_t asked RABT_GUARDED_BY(mutex) = 0;
  std::uint64_t answered RABT_GUARDED_BY(mutex) = 0;
  bool closing RABT_GUARDED_BY(mutex) = false;
  bool ended RABT_GUARDED_BY(mutex) = false;
  bool hang_logged RABT_GUARDED_BY(mutex) = false;
  std::optional<steady_clock::time_point> busy_since RABT_GUARDED_BY(mutex);
  std::optional<Error> failure RABT_GUARDED_BY(mutex);

  // Reads the anchor's checkpoint and checks it. Errors of kind corrupt: it is not of this log,
  // contradicts this log, or is less than was there.
  Result<std::optional<Checkpoint>> read_there() {
    RABT_TRY(note, anchor->last());
    // It hung; another hub may be at work by now.
    if (ledger->closed()) return unavailable("audit.closing", "the audit log is being closed");
    std::optional<Checkpoint> there;
    if (note) {
      auto opened = ledger->signer().open(*note);
      if (!opened.ok()) {
        return corrupt("audit.anchor_damaged",
                       "what the anchor " + name + " keeps is " + opened.error().message);
      }
      RABT_TRY_STATUS(ledger->holds(*opened, "the anchor " + name));
      there = std::move(*opened);
    }
    const Lock lock(mutex);
    const std::int64_t now = there ? there->size : -1;
    const std::int64_t before = last ? last->size : memory->size_of(name);
    if (anchor->readable() && now < before) {
      return corrupt("audit.anchor_cut", "the anchor " + name + " kept a checkpoint of " +
                                             std::to_string(before) + " entries and keeps " +
                                             (there ? "one of " + std::to_string(now) : "none") +
                                             " now; it is not filled again" + advice());
    }
    return there;
  }

  // One visit: what is there is read and checked, then what is wanted is put.
  Status visit(const std::optional<Checkpoint>& wanted) {
    RABT_TRY(there, read_there());
    if (there && !wanted) RABT_TRY_STATUS(anchor->compare(*there, *ledger));
    {
      const Lock lock(mutex);
      was_read = true;
      if (there) last = there;
    }
    changed.notify_all();
    if (there) RABT_TRY_STATUS(memory->kept(name, there->size));
    if (!wanted || ledger->refused()) return ok_status();
    if (there && there->size >= wanted->size) return ok_status();
    RABT_TRY_STATUS(anchor->put(*wanted, *ledger));
    if (anchor->readable()) RABT_TRY_STATUS(memory->kept(name, wanted->size));
    const Lock lock(mutex);
    last = wanted;
    return ok_status();
  }

  // A contradiction stops acts whoever found it; a place that was emptied or changed does when it
  // is required.
  [[nodiscard]] bool stops_acts(const Error& error) const {
    return error.kind == ErrorKind::corrupt &&
           (required || !error.code.starts_with("audit.anchor_"));
  }
};

AnchorKeeper::AnchorKeeper(AnchorEntry entry, std::shared_ptr<Ledger> ledger,
                           std::shared_ptr<AnchorMemory> memory, std::chrono::milliseconds interval)
    : shared_(std::make_shared<Shared>()) {
  shared_->anchor = std::move(entry.anchor);
  shared_->name = shared_->anchor->name();
  shared_->required = entry.required;
  shared_->ledger = std::move(ledger);
  shared_->memory = std::move(memory);
  shared_->interval = interval;
  std::thread([shared = shared_] { run(shared); }).detach();
}

AnchorKeeper::~AnchorKeeper() {
  if (shared_ == nullptr) return;
  Shared& shared = *shared_;
  const Lock lock(shared.mutex);
  shared.closing = true;
  shared.changed.notify_all();
}

void AnchorKeeper::run(const std::shared_ptr<Shared>& shared) {
  Shared& self = *shared;
  auto pause = kFirstPause;
  Lock lock(self.mutex);
  for (;;) {
    self.changed.wait_for(lock, self.interval, [&]() RABT_REQUIRES(self.mutex) {
      return self.closing || self.target || !self.was_read || self.asked != self.answered;
    });
    if (self.closing && !self.target) break;
    const std::optional<Checkpoint> wanted = self.target;
    const std::uint64_t asked = self.asked;
    const bool last_try = self.closing;
    self.busy_since = steady_clock::now();
    lock.unlock();
    const Status status = self.visit(wanted);
    if (!status.ok() && self.stops_acts(status.error())) self.ledger->refuse(status.error());
    lock.lock();
    self.answered = asked;
    self.busy_since.reset();
    self.hang_logged = false;
    const bool was_failing = self.failure.has_value();
    if (status.ok()) {
      if (self.target == wanted) self.target.reset();
      self.failure.reset();
      pause = kFirstPause;
      if (was_failing) {
        self.ledger->log(LogLevel::info, "audit.anchor_recovered",
                         {{"anchor", std::string_view(self.name)}});
      }
    } else {
      if (!was_failing || self.failure->code != status.error().code) {
        const bool grave = self.required || status.error().kind == ErrorKind::corrupt;
        self.ledger->log(grave ? LogLevel::error : LogLevel::warn, "audit.anchor_failed",
                         {{"anchor", std::string_view(self.name)},
                          {"code", std::string_view(status.error().code)},
                          {"message", std::string_view(status.error().message)}});
        pause = kFirstPause;
      }
      self.failure = status.error();
    }
    self.changed.notify_all();
    if (last_try && !status.ok()) break;
    // The next visit waits, after a success and after a failure.
    self.changed.wait_for(lock, pause, [&]() RABT_REQUIRES(self.mutex) {
      return self.closing || self.asked != self.answered;
    });
    if (!status.ok()) pause = std::min(pause * 2, kMaxPause);
  }
  self.ended = true;
  lock.unlock();
  self.changed.notify_all();
}

const std::string& AnchorKeeper::name() const {
  return shared_->name;
}
bool AnchorKeeper::required() const {
  return shared_->required;
}

void AnchorKeeper::bring(const Checkpoint& checkpoint) {
  Shared& shared = *shared_;
  {
    const Lock lock(shared.mutex);
    shared.target = checkpoint;
  }
  shared.changed.notify_all();
}

void AnchorKeeper::look(steady_clock::time_point until) {
  Shared& shared = *shared_;
  Lock lock(shared.mutex);
  const std::uint64_t mine = ++shared.asked;
  shared.changed.notify_all();
  shared.changed.wait_until(lock, until, [&]() RABT_REQUIRES(shared.mutex) {
    return shared.answered >= mine || shared.closing;
  });
}

bool AnchorKeeper::read() const {
  Shared& shared = *shared_;
  const Lock lock(shared.mutex);
  return shared.was_read;
}

bool AnchorKeeper::wait_read(steady_clock::time_point until) const {
  Shared& shared = *shared_;
  Lock lock(shared.mutex);
  shared.changed.wait_until(lock, until, [&]() RABT_REQUIRES(shared.mutex) {
    return shared.was_read || shared.failure.has_value();
  });
  return shared.was_read;
}

std::optional<Checkpoint> AnchorKeeper::last() const {
  Shared& shared = *shared_;
  const Lock lock(shared.mutex);
  return shared.last;
}

AnchorState AnchorKeeper::state() const {
  Shared& shared = *shared_;
  const Lock lock(shared.mutex);
  AnchorState state{.name = shared.name,
                    .required = shared.required,
                    .size = shared.last ? shared.last->size : 0};
  if (shared.failure) {
    state.failing = true;
    state.code = shared.failure->code;
  } else if (shared.busy_since && steady_clock::now() - *shared.busy_since > kHangs) {
    state.failing = true;
    state.code = "audit.anchor_hangs";
  }
  return state;
}

void AnchorKeeper::watch() {
  Shared& shared = *shared_;
  const Lock lock(shared.mutex);
  if (shared.hang_logged || !shared.busy_since ||
      steady_clock::now() - *shared.busy_since <= kHangs)
    return;
  shared.hang_logged = true;
  shared.ledger->log(shared.required ? LogLevel::error : LogLevel::warn, "audit.anchor_failed",
                     {{"anchor", std::string_view(shared.name)}, {"code", "audit.anchor_hangs"}});
}

bool AnchorKeeper::stop(steady_clock::time_point until) {
  Shared& shared = *shared_;
  Lock lock(shared.mutex);
  shared.closing = true;
  shared.changed.notify_all();
  return shared.changed.wait_until(lock, until,
                                   [&]() RABT_REQUIRES(shared.mutex) { return shared.ended; });
}

}  // namespace rabt::audit
