#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

// Plugin and lane that the calling thread is inside of. A plugin never runs inside another one.
struct Inside {
  const Instance* instance = nullptr;
  std::uint32_t lane = RABT_LANE_NONE;
};
thread_local Inside inside;

}  // namespace

struct Services::ThreadCheck {
  static std::uint32_t lane(void* raw) noexcept {
    return inside.instance == &of(raw) ? inside.lane : RABT_LANE_NONE;
  }
};

OnLane::OnLane(const Instance& instance, bool control)
    : outer_instance_(inside.instance), outer_lane_(inside.lane) {
  inside = {&instance, control ? RABT_LANE_CONTROL : RABT_LANE_CALL};
}
OnLane::~OnLane() {
  inside = {outer_instance_, outer_lane_};
}

void Services::fill_thread_check(Instance& self) {
  self.offered_.thread_check = {sizeof self.offered_.thread_check, 0, &self, &ThreadCheck::lane};
}

}  // namespace rabt::plugin
