#include <algorithm>
#include <utility>

#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

constexpr std::uint64_t kMaxWakes = 65'536;  // of one instance
constexpr std::size_t kMaxRandom = 1U << 20U;

}  // namespace

struct Services::Clock {
  static std::int64_t now_unix_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    return pass ? parts(self).clock.now().ms : 0;
  }
  static std::int64_t monotonic_ms(void* raw) noexcept {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    return pass ? parts(self).clock.monotonic_ms() : 0;
  }
  static void wake_after(void* raw, std::int64_t after_ms, void* context,
                         void (*wake)(void*)) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    if (self.wakes_.fetch_add(1) >= kMaxWakes) {
      self.wakes_.fetch_sub(1);
      self.violation("limit", "too many wake-ups are waiting; this one is lost");
      return;
    }
    self.setup_.timers.add(
        parts(self).clock.monotonic_ms() + std::max<std::int64_t>(after_ms, 0),
        [&self, context, wake] {
          self.wakes_.fetch_sub(1);
          self.lane_.post([&self, context, wake] { self.guarded("wake", [&] { wake(context); }); });
        });
  } catch (...) {
    RABT_BUG("wake_after threw");
  }
  static void random(void* raw, std::uint8_t* out, std::uint64_t size) noexcept {
    Instance& self = of(raw);
    if (out == nullptr || size == 0) return;
    const Gate::Pass pass(self.gate_);
    if (pass && size <= kMaxRandom) parts(self).random.fill({out, static_cast<std::size_t>(size)});
  }
};

void Services::fill_clock(Instance& self) {
  self.clock_ = {
      sizeof self.clock_, 0, &self, &Clock::now_unix_ms, &Clock::monotonic_ms, &Clock::wake_after,
      &Clock::random};
}

}  // namespace rabt::plugin
