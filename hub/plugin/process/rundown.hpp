#pragma once

#include <atomic>
#include <cstdint>

namespace rabt::plugin {

// Lets callers in until it is closed; closing waits for those inside. A caller that is inside may
// enter again. Plugins live longer than the hub's parts (their code is never unloaded), so every
// way from plugin code to such a part goes through a Rundown.
class Rundown {
 public:
  class Pass {
   public:
    explicit Pass(Rundown& rundown) : rundown_(rundown), inside_(rundown.enter()) {}
    ~Pass() {
      if (inside_) rundown_.leave();
    }
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    explicit operator bool() const { return inside_; }

   private:
    Rundown& rundown_;
    bool inside_;
  };

  void close() {
    closed_.store(true);
    for (std::uint32_t inside = inside_.load(); inside != 0; inside = inside_.load())
      inside_.wait(inside);
  }
  [[nodiscard]] bool closed() const { return closed_.load(); }

 private:
  bool enter() {
    inside_.fetch_add(1);
    if (!closed_.load()) return true;
    leave();
    return false;
  }
  void leave() {
    inside_.fetch_sub(1);
    if (closed_.load()) inside_.notify_all();
  }
  std::atomic<std::uint32_t> inside_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace rabt::plugin
