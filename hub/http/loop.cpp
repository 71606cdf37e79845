#include "hub/http/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <limits>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::http {

namespace {

// Deadlines are looked at no more often than this.
constexpr std::int64_t kTickMs = 50;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
// Ids of the loop's own descriptors; those of others are larger.
constexpr Loop::Id kTimer = 0;
constexpr Loop::Id kPosted = 1;
constexpr Loop::Id kEnd = 2;

// Somebody waits for an answer to work in these lanes, and is told when its turn does not come.
constexpr bool is_answered(std::size_t lane) {
  const auto of = static_cast<Lane>(lane);
  return of != Lane::handshake && of != Lane::stream && of != Lane::message;
}

// Work that follows what this thread runs.
struct Following {
  Lane lane;
  Loop::Work work;
  Share share;
};
thread_local std::optional<Following> following;

}  // namespace

struct Loop::State {
  State(LoopOptions chosen, const Clock& c)
      : options(chosen), clock(c), limits{chosen.handshakes, chosen.heads,    chosen.sign_ins,
                                          chosen.links,      chosen.handlers, chosen.outside,
                                          chosen.rooms,      chosen.heavy,    chosen.streams,
                                          chosen.messages} {}

  struct Entry {
    std::shared_ptr<Watched> watched;
    bool armed = false;
    std::int64_t deadline = kNever;
  };
  struct Waiting {
    Work work;
    Share share;
    std::int64_t since = 0;
  };
  // Running and waiting work of one share. Forgotten when nothing runs.
  struct Shared {
    int running = 0;
    std::deque<Waiting> waiting;
  };
  // Work with a part of its lane, which has ended when the next one is looked for.
  struct Running {
    Work work;
    std::size_t lane = 0;
    std::string whose;
  };

  void serve();
  void watch_own(const Descriptor& fd, Id id, std::uint32_t events) const;
  // Returns the handler of an event. Null when another thread has it.
  [[nodiscard]] std::shared_ptr<Watched> take(Id id);
  void on_timer();
  // Passes the deadlines until `until`.
  void expire(std::int64_t until);
  void set_timer(std::int64_t at) RABT_REQUIRES(mutex);
  // The work of the lane that comes next, when it has room.
  [[nodiscard]] std::optional<Running> next_of(std::size_t lane) RABT_REQUIRES(mutex);
  // The work, when lane and share have room for it now; if not, it waits.
  [[nodiscard]] std::optional<Running> enter(std::size_t lane, Waiting one) RABT_REQUIRES(mutex);
  // The work waits for room in the lane.
  void waits(std::size_t lane, Waiting one) RABT_REQUIRES(mutex);
  // Sets the timer so that work which waits is told when it is late.
  void tell_late(std::size_t lane, std::int64_t since) RABT_REQUIRES(mutex);
  // One thread looks for work that waits.
  void wake() const;
  // True if the share has room; if not, the work waits for it.
  [[nodiscard]] bool has_part(std::size_t lane, Waiting& one) RABT_REQUIRES(mutex);
  // The work's part of the share is free.
  void leave(std::size_t lane, const std::string& whose) RABT_REQUIRES(mutex);
  // When the first work that waits is late.
  [[nodiscard]] std::int64_t first_late() const RABT_REQUIRES(mutex);
  // Runs what was posted, as long as there is something to run.
  void run_posted();
  // Runs this, and then what waits in the lane.
  void run_in(Running running);
  // Tells those whose turn did not come.
  void give_up_late();
  [[nodiscard]] bool finished();

  // Constant after construction.
  const LoopOptions options;
  const Clock& clock;
  const std::array<int, kLanes> limits;
  Descriptor epoll;
  Descriptor timer;
  // A counter: work was posted.
  Descriptor posted;
  // Readable once the loop ends.
  Descriptor end;
  std::vector<std::thread> threads;

  Mutex mutex;
  std::unordered_map<Id, Entry> entries RABT_GUARDED_BY(mutex);
  Id last_id RABT_GUARDED_BY(mutex) = kEnd;
  std::array<int, kLanes> running RABT_GUARDED_BY(mutex){};
  std::array<std::deque<Waiting>, kLanes> waiting RABT_GUARDED_BY(mutex);
  std::array<std::unordered_map<std::string, Shared>, kLanes> shares RABT_GUARDED_BY(mutex);
  // When the timer wakes somebody.
  std::int64_t due RABT_GUARDED_BY(mutex) = kNever;
  bool ending RABT_GUARDED_BY(mutex) = false;
};

void Loop::State::watch_own(const Descriptor& fd, Id id, std::uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  RABT_CHECK(fd.open() && ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0);
}

std::shared_ptr<Loop::Watched> Loop::State::take(Id id) {
  const Lock lock(mutex);
  const auto found = entries.find(id);
  if (found == entries.end() || !found->second.armed) return nullptr;
  found->second.armed = false;
  return found->second.watched;
}

void Loop::State::set_timer(std::int64_t at) {
  due = at;
  itimerspec when{};
  if (at != kNever) {
    const std::int64_t wait = std::max<std::int64_t>(at - clock.monotonic_ms(), 1);
    when.it_value.tv_sec = wait / 1'000;
    when.it_value.tv_nsec = (wait % 1'000) * 1'000'000;
  }
  RABT_CHECK(::timerfd_settime(timer.get(), 0, &when, nullptr) == 0);
}

void Loop::State::expire(std::int64_t until) {
  std::vector<std::shared_ptr<Watched>> late;
  {
    const Lock lock(mutex);
    std::int64_t next = kNever;
    for (auto& [id, entry] : entries) {
      if (!entry.armed) continue;
      if (entry.deadline <= until) {
        entry.armed = false;
        late.push_back(entry.watched);
      } else {
        next = std::min(next, entry.deadline);
      }
    }
    next = std::min(next, first_late());
    set_timer(next == kNever ? kNever : std::max(next, clock.monotonic_ms() + kTickMs));
  }
  for (const auto& one : late) one->on_ready(0);
}

void Loop::State::on_timer() {
  std::uint64_t count = 0;
  if (::read(timer.get(), &count, sizeof count) < 0) return;
  give_up_late();
  expire(clock.monotonic_ms());
}

std::int64_t Loop::State::first_late() const {
  std::int64_t first = kNever;
  // Each queue has its oldest work in front, except that work which waited for its share comes last
  // in its lane: that is told a little later.
  const auto look = [&](const std::deque<Waiting>& queue) {
    if (!queue.empty()) first = std::min(first, queue.front().since + options.max_wait_ms);
  };
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    if (!is_answered(lane)) continue;
    look(waiting[lane]);
    for (const auto& [whose, one] : shares[lane]) look(one.waiting);
  }
  return first;
}

void Loop::State::give_up_late() {
  std::vector<std::pair<Work, Turn>> late;
  {
    const Lock lock(mutex);
    const std::int64_t before = clock.monotonic_ms() - options.max_wait_ms;
    const auto look = [&](std::deque<Waiting>& queue, Turn turn) {
      while (!queue.empty() && queue.front().since <= before) {
        late.emplace_back(std::move(queue.front().work), turn);
        queue.pop_front();
      }
    };
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if (!is_answered(lane)) continue;
      look(waiting[lane], Turn::late);
      for (auto& [whose, one] : shares[lane]) look(one.waiting, Turn::late_in_share);
      std::erase_if(shares[lane], [](const auto& one) {
        return one.second.running == 0 && one.second.waiting.empty();
      });
    }
  }
  for (const auto& [work, turn] : late) work(turn);
}

void Loop::State::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(posted.get(), &one, sizeof one);
}

void Loop::State::tell_late(std::size_t lane, std::int64_t since) {
  const std::int64_t late = since + options.max_wait_ms;
  if (is_answered(lane) && late < due) set_timer(late);
}

void Loop::State::waits(std::size_t lane, Waiting one) {
  tell_late(lane, one.since);
  waiting[lane].push_back(std::move(one));
}

std::optional<Loop::State::Running> Loop::State::enter(std::size_t lane, Waiting piece) {
  if (running[lane] >= limits[lane]) {
    waits(lane, std::move(piece));
    return std::nullopt;
  }
  if (!has_part(lane, piece)) return std::nullopt;
  ++running[lane];
  return Running{std::move(piece.work), lane, std::move(piece.share.whose)};
}

bool Loop::State::has_part(std::size_t lane, Waiting& piece) {
  if (piece.share.most == 0) piece.share.whose.clear();
  if (piece.share.whose.empty()) return true;
  Shared& of = shares[lane][piece.share.whose];
  if (of.running < piece.share.most) {
    ++of.running;
    return true;
  }
  tell_late(lane, piece.since);
  of.waiting.push_back(std::move(piece));
  return false;
}

void Loop::State::leave(std::size_t lane, const std::string& whose) {
  --running[lane];
  const auto found = shares[lane].find(whose);
  if (found == shares[lane].end()) return;
  Shared& of = found->second;
  --of.running;
  // It comes to its turn behind the work of others.
  if (!of.waiting.empty()) {
    waiting[lane].push_back(std::move(of.waiting.front()));
    of.waiting.pop_front();
  }
  if (of.running == 0 && of.waiting.empty()) shares[lane].erase(found);
}

std::optional<Loop::State::Running> Loop::State::next_of(std::size_t lane) {
  while (!waiting[lane].empty() && running[lane] < limits[lane]) {
    Waiting one = std::move(waiting[lane].front());
    waiting[lane].pop_front();
    if (!has_part(lane, one)) continue;
    ++running[lane];
    return Running{std::move(one.work), lane, std::move(one.share.whose)};
  }
  return std::nullopt;
}

void Loop::State::run_in(Running now) {
  for (;;) {
    now.work(Turn::now);
    // Releases what the work holds before other work runs.
    now.work = nullptr;
    auto after = std::exchange(following, std::nullopt);
    const Lock lock(mutex);
    leave(now.lane, now.whose);
    std::optional<Running> next;
    if (after) {
      next = enter(static_cast<std::size_t>(after->lane),
                   {std::move(after->work), std::move(after->share), clock.monotonic_ms()});
      // This thread leaves the lane, so another looks for what waits in it.
      if (next && !waiting[now.lane].empty()) wake();
    }
    if (!next) next = next_of(now.lane);
    if (!next) return;
    now = *std::move(next);
  }
}

void Loop::State::run_posted() {
  std::uint64_t count = 0;
  (void)!::read(posted.get(), &count, sizeof count);
  for (;;) {
    std::optional<Running> next;
    {
      const Lock lock(mutex);
      for (std::size_t lane = 0; lane < kLanes && !next; ++lane) next = next_of(lane);
    }
    if (!next) return;
    run_in(*std::move(next));
  }
}

bool Loop::State::finished() {
  const Lock lock(mutex);
  return ending && std::all_of(waiting.begin(), waiting.end(),
                               [](const auto& queue) { return queue.empty(); });
}

void Loop::State::serve() {
  for (;;) {
    epoll_event event{};
    const int got = ::epoll_wait(epoll.get(), &event, 1, -1);
    if (got < 0) RABT_CHECK(errno == EINTR);
    if (got <= 0) continue;
    switch (event.data.u64) {
      case kTimer:
        on_timer();
        break;
      case kPosted:
        run_posted();
        break;
      case kEnd:
        run_posted();
        if (finished()) return;
        break;
      default:
        if (const auto watched = take(event.data.u64)) watched->on_ready(event.events);
    }
  }
}

Loop::Loop(LoopOptions options, const Clock& clock)
    : state_(std::make_unique<State>(options, clock)) {
  State& state = *state_;
  state.epoll = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  state.timer = Descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  // A semaphore: each post wakes one thread.
  state.posted = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE));
  state.end = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  RABT_CHECK(state.epoll.open());
  state.watch_own(state.timer, kTimer, EPOLLIN | EPOLLET);
  state.watch_own(state.posted, kPosted, EPOLLIN);
  state.watch_own(state.end, kEnd, EPOLLIN);
  int threads = 2;
  for (const int limit : state.limits) threads += limit;
  for (int i = 0; i < threads; ++i) state.threads.emplace_back([&state] { state.serve(); });
}

Loop::~Loop() {
  stop();
}

Loop::Id Loop::add(int fd, std::shared_ptr<Watched> watched) {
  State& state = *state_;
  Id id = 0;
  {
    const Lock lock(state.mutex);
    id = ++state.last_id;
    state.entries[id].watched = std::move(watched);
  }
  epoll_event event{};
  event.events = EPOLLONESHOT;
  event.data.u64 = id;
  RABT_CHECK(::epoll_ctl(state.epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  return id;
}

void Loop::arm(Id id, int fd, std::uint32_t events, std::int64_t deadline_ms) {
  State& state = *state_;
  {
    const Lock lock(state.mutex);
    const auto found = state.entries.find(id);
    if (found == state.entries.end()) return;
    found->second.armed = true;
    found->second.deadline = deadline_ms;
    if (deadline_ms < state.due) state.set_timer(std::max(deadline_ms, state.clock.monotonic_ms()));
  }
  epoll_event event{};
  event.events = events | EPOLLONESHOT;
  event.data.u64 = id;
  // It fails for one that was removed meanwhile.
  (void)::epoll_ctl(state.epoll.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::remove(Id id, int fd) {
  State& state = *state_;
  std::shared_ptr<Watched> last;
  {
    const Lock lock(state.mutex);
    const auto found = state.entries.find(id);
    if (found == state.entries.end()) return;
    last = std::move(found->second.watched);
    state.entries.erase(found);
  }
  (void)::epoll_ctl(state.epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::expire_all() {
  state_->expire(kNever);
}

void Loop::run(Lane lane, Work work, Share share) {
  State& state = *state_;
  std::optional<State::Running> now;
  {
    const Lock lock(state.mutex);
    now = state.enter(static_cast<std::size_t>(lane),
                      {std::move(work), std::move(share), state.clock.monotonic_ms()});
  }
  if (now) state.run_in(*std::move(now));
}

void Loop::follow(Lane lane, Work work, Share share) {
  RABT_CHECK(!following);
  following.emplace(Following{lane, std::move(work), std::move(share)});
}

void Loop::post(Lane lane, Work work, Share share) {
  State& state = *state_;
  {
    const Lock lock(state.mutex);
    state.waits(static_cast<std::size_t>(lane),
                {std::move(work), std::move(share), state.clock.monotonic_ms()});
  }
  state.wake();
}

void Loop::stop() {
  State& state = *state_;
  {
    const Lock lock(state.mutex);
    if (std::exchange(state.ending, true)) return;
  }
  const std::uint64_t one = 1;
  (void)!::write(state.end.get(), &one, sizeof one);
  for (std::thread& thread : state.threads) thread.join();
}

}  // namespace rabt::http
