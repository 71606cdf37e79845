#include "hub/identity/watch.hpp"

#include <chrono>
#include <set>
#include <utility>

#include "hub/identity/epochs.hpp"

namespace rabt::identity {

namespace {

constexpr std::chrono::milliseconds kLookEvery{200};
// Everything open is looked at so often, since a session grows idle and a token runs out without a
// change.
constexpr std::int64_t kCheckEveryMs = 60'000;
constexpr std::int64_t kUsedForMs = 60LL * 60 * 1000;

bool same(const Principal& a, const Principal& b) {
  return a.kind == b.kind && a.id == b.id && a.person == b.person && a.session == b.session &&
         a.roles == b.roles;
}

}  // namespace

Watch::~Watch() {
  std::thread ended;
  {
    const Lock lock(mutex_);
    stopping_ = true;
    ended = std::move(thread_);
  }
  wake_.notify_all();
  if (ended.joinable()) ended.join();
}

std::int64_t Watch::add(Open open) {
  std::int64_t number = 0;
  {
    const Lock lock(mutex_);
    // First: where no thread can be made, nothing is open.
    if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
    number = ++last_;
    // Looked at once at the beginning: something may have changed since the credential was judged.
    open_.emplace(number, Kept{.open = std::move(open), .due_ms = 0});
  }
  wake_.notify_all();
  return number;
}

void Watch::remove(std::int64_t number) {
  Kept gone;
  const Lock lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  gone = std::move(found->second);
  open_.erase(found);
}

std::vector<std::int64_t> Watch::due() {
  std::set<std::string, std::less<>> changed;
  if (seen_ < 0) {
    const auto newest = newest_epoch(parts_.store);
    if (newest.ok()) seen_ = *newest;
  } else {
    const auto news = changed_after(parts_.store, seen_);
    if (!news.ok()) parts_.log.warn("identity.watch", {{"code", news.error().code}});
    if (news.ok() && !news->empty()) {
      seen_ = news->back().epoch;
      for (const Changed& one : *news) changed.insert(one.tenant + "/" + one.subject);
    }
  }
  const std::int64_t now = parts_.clock.monotonic_ms();
  std::vector<std::int64_t> out;
  const Lock lock(mutex_);
  for (auto& [number, kept] : open_) {
    const Principal& who = kept.open.who;
    const bool news =
        !changed.empty() && (changed.contains(who.tenant + "/" + person_subject(who.person)) ||
                             changed.contains(who.tenant + "/" + client_subject(who.id)) ||
                             changed.contains(who.tenant + "/" + guest_subject(who.id)));
    if (!news && now < kept.due_ms) continue;
    kept.due_ms = now + kCheckEveryMs;
    out.push_back(number);
  }
  return out;
}

void Watch::look(std::int64_t number) {
  Open open;
  {
    const Lock lock(mutex_);
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    open = found->second.open;
  }
  const bool used = open.used_ms && parts_.clock.monotonic_ms() - open.used_ms() < kUsedForMs;
  const auto now = parts_.who.again(open.shown, used);
  if (now.ok() && same(*now, open.who)) return;
  const Lock lock(mutex_);
  const auto found = open_.find(number);
  if (found == open_.end()) return;
  if (!now.ok() && now.error().kind != ErrorKind::denied) {
    // The database cannot say: it is asked again at once.
    found->second.due_ms = 0;
    return;
  }
  open_.erase(found);
  open.lost();
}

void Watch::run() {
  for (;;) {
    {
      Lock lock(mutex_);
      wake_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return stopping_ || !open_.empty(); });
      if (stopping_) return;
    }
    for (const std::int64_t number : due()) look(number);
    Lock lock(mutex_);
    if (wake_.wait_for(lock, kLookEvery, [&]() RABT_REQUIRES(mutex_) { return stopping_; })) return;
  }
}

}  // namespace rabt::identity
