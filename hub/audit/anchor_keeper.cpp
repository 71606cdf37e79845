#include "hub/audit/anchor_keeper.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace rabt::audit {

namespace {

using std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{1'000};      // between puts: files are synced one by one
constexpr std::chrono::milliseconds kMaxPause{60'000};  // after failures, doubling
constexpr std::chrono::milliseconds kHangs{15'000};     // longer than an anchor should ever take

}  // namespace

struct AnchorKeeper::Shared {
  std::unique_ptr<Anchor> anchor;
  std::string name;
  bool required = false;
  std::shared_ptr<Ledger> ledger;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex:
  std::optional<Checkpoint> target;  // to be brought; empty: nothing new
  std::optional<Checkpoint> last;
  bool was_read = false;
  bool closing = false;
  bool ended = false;
  bool hang_logged = false;
  std::optional<steady_clock::time_point> busy_since;
  std::optional<Error> failure;

  // One visit: what is there is read and checked, then what is wanted is put.
  Status visit(const std::optional<Checkpoint>& wanted) {
    RABT_TRY(note, anchor->last());
    if (ledger->closed())  // it hung; another hub may be at work by now
      return unavailable("audit.closing", "the audit log is being closed");
    std::optional<Checkpoint> there;
    if (note) {
      auto opened = ledger->signer().open(*note);
      if (!opened.ok()) {
        return corrupt("audit.anchor_damaged",
                       "what the anchor " + name + " keeps is " + opened.error().message);
      }
      const Status holds = ledger->holds(*opened, "the anchor " + name);
      if (!holds.ok()) {
        if (holds.error().kind == ErrorKind::corrupt) ledger->refuse(holds.error());
        return holds;
      }
      there = std::move(*opened);
    }
    {
      const std::scoped_lock lock(mutex);
      was_read = true;
      if (there) last = there;
    }
    changed.notify_all();
    if (!wanted || ledger->refused()) return ok_status();
    if (there && there->size >= wanted->size) return ok_status();
    RABT_TRY_STATUS(anchor->put(*wanted, *ledger));
    const std::scoped_lock lock(mutex);
    last = wanted;
    return ok_status();
  }
};

AnchorKeeper::AnchorKeeper(AnchorEntry entry, std::shared_ptr<Ledger> ledger)
    : shared_(std::make_shared<Shared>()) {
  shared_->anchor = std::move(entry.anchor);
  shared_->name = shared_->anchor->name();
  shared_->required = entry.required;
  shared_->ledger = std::move(ledger);
  std::thread([shared = shared_] { run(shared); }).detach();
}

AnchorKeeper::~AnchorKeeper() {
  if (shared_ == nullptr) return;
  const std::scoped_lock lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
}

void AnchorKeeper::run(const std::shared_ptr<Shared>& shared) {
  Shared& self = *shared;
  auto pause = kPause;
  std::unique_lock lock(self.mutex);
  for (;;) {
    self.changed.wait(lock, [&] { return self.closing || self.target || !self.was_read; });
    if (self.closing && !self.target) break;
    const std::optional<Checkpoint> wanted = self.target;
    const bool last_try = self.closing;
    self.busy_since = steady_clock::now();
    lock.unlock();
    const Status status = self.visit(wanted);
    lock.lock();
    self.busy_since.reset();
    self.hang_logged = false;
    const bool was_failing = self.failure.has_value();
    if (status.ok()) {
      if (self.target == wanted) self.target.reset();
      self.failure.reset();
      pause = kPause;
      if (was_failing) {
        self.ledger->log(LogLevel::info, "audit.anchor_recovered",
                         {{"anchor", std::string_view(self.name)}});
      }
    } else {
      if (!was_failing) {
        self.ledger->log(self.required ? LogLevel::error : LogLevel::warn, "audit.anchor_failed",
                         {{"anchor", std::string_view(self.name)},
                          {"code", std::string_view(status.error().code)},
                          {"message", std::string_view(status.error().message)}});
        pause = kPause;
      }
      self.failure = status.error();
    }
    self.changed.notify_all();
    if (last_try && !status.ok()) break;
    // Whether it went well or not, the next visit is not at once.
    self.changed.wait_for(lock, pause, [&] { return self.closing; });
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
  {
    const std::scoped_lock lock(shared_->mutex);
    shared_->target = checkpoint;
  }
  shared_->changed.notify_all();
}

bool AnchorKeeper::read() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->was_read;
}

bool AnchorKeeper::wait_read(steady_clock::time_point until) const {
  std::unique_lock lock(shared_->mutex);
  shared_->changed.wait_until(lock, until,
                              [&] { return shared_->was_read || shared_->failure.has_value(); });
  return shared_->was_read;
}

std::optional<Checkpoint> AnchorKeeper::last() const {
  const std::scoped_lock lock(shared_->mutex);
  return shared_->last;
}

AnchorState AnchorKeeper::state() const {
  const std::scoped_lock lock(shared_->mutex);
  AnchorState state{.name = shared_->name,
                    .required = shared_->required,
                    .size = shared_->last ? shared_->last->size : 0};
  if (shared_->failure) {
    state.failing = true;
    state.code = shared_->failure->code;
  } else if (shared_->busy_since && steady_clock::now() - *shared_->busy_since > kHangs) {
    state.failing = true;
    state.code = "audit.anchor_hangs";
  }
  return state;
}

void AnchorKeeper::watch() {
  const std::scoped_lock lock(shared_->mutex);
  if (shared_->hang_logged || !shared_->busy_since ||
      steady_clock::now() - *shared_->busy_since <= kHangs)
    return;
  shared_->hang_logged = true;
  shared_->ledger->log(
      shared_->required ? LogLevel::error : LogLevel::warn, "audit.anchor_failed",
      {{"anchor", std::string_view(shared_->name)}, {"code", "audit.anchor_hangs"}});
}

bool AnchorKeeper::stop(steady_clock::time_point until) {
  std::unique_lock lock(shared_->mutex);
  shared_->closing = true;
  shared_->changed.notify_all();
  return shared_->changed.wait_until(lock, until, [&] { return shared_->ended; });
}

}  // namespace rabt::audit
