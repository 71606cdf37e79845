#include <algorithm>
#include <utility>

#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

// Per instance: a quarter of the operations that a process may have open.
constexpr std::size_t kMaxWakes = 16'384;
constexpr std::size_t kMaxRandom = 1U << 20U;

}  // namespace

struct Services::Clock {
  static std::int64_t now_unix_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    return pass ? parts(self).clock.now().ms : 0;
  }
  static std::int64_t monotonic_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    return pass ? parts(self).clock.monotonic_ms() : 0;
  }
  static void wake_after(void* raw, std::int64_t after_ms, void* context,
                         void (*wake)(void*)) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.wake_after(after_ms, [context, wake] { wake(context); });
  } catch (...) {
    RABT_BUG("wake_after threw");
  }
  static void random(void* raw, std::uint8_t* out, std::uint64_t size) noexcept {
    Instance& self = of(raw);
    if (out == nullptr || size == 0) return;
    const Rundown::Pass pass(self.rundown_);
    if (pass && size <= kMaxRandom) parts(self).random.fill({out, static_cast<std::size_t>(size)});
  }
};

bool Instance::wake_after(std::int64_t after_ms, std::function<void()> wake) {
  {
    const Lock lock(wakes_mutex_);
    if (wakes_.size() < kMaxWakes) {
      const std::uint64_t number = ++last_wake_;
      wakes_[number] =
          setup_.timers.add(setup_.parts.clock.monotonic_ms() + std::max<std::int64_t>(after_ms, 0),
                            [this, number, wake = std::move(wake)] {
                              {
                                const Lock inside(wakes_mutex_);
                                if (wakes_.erase(number) == 0) return;
                              }
                              lane_.post([this, wake] { guarded("wake", wake); });
                            });
      return true;
    }
  }
  violation("limit", "too many wake-ups are waiting; this one is lost");
  return false;
}

void Instance::drop_wakes() {
  std::unordered_map<std::uint64_t, Timers::Key> wakes;
  {
    const Lock lock(wakes_mutex_);
    wakes.swap(wakes_);
  }
  for (const auto& [number, key] : wakes) setup_.timers.cancel(key);
}

void Services::fill_clock(Instance& self) {
  self.offered_.clock = {sizeof self.offered_.clock,
                         0,
                         &self,
                         &Clock::now_unix_ms,
                         &Clock::monotonic_ms,
                         &Clock::wake_after,
                         &Clock::random};
}

}  // namespace rabt::plugin
