#include "hub/plugin/process/lane.hpp"

#include <chrono>
#include <deque>
#include <thread>
#include <utility>

#include "hub/base/mutex.hpp"

namespace rabt::plugin {

struct Lane::State {
  Mutex mutex;
  Condition wake;
  Condition ended;
  std::deque<std::function<void()>> queue RABT_GUARDED_BY(mutex);
  std::function<void()> last RABT_GUARDED_BY(mutex);
  int threads RABT_GUARDED_BY(mutex) = 0;
  int running RABT_GUARDED_BY(mutex) = 0;
  bool stopping RABT_GUARDED_BY(mutex) = false;
  bool done RABT_GUARDED_BY(mutex) = false;

  void run() {
    Lock lock(mutex);
    while (true) {
      while (!stopping && queue.empty()) wake.wait(lock);
      if (stopping) break;
      {
        const std::function<void()> closure = std::move(queue.front());
        queue.pop_front();
        ++running;
        lock.unlock();
        closure();
      }  // destroyed without the lock: it may hold the last reference to something that posts
      lock.lock();
      --running;
    }
    if (--threads > 0) return;
    const std::function<void()> final = std::move(last);
    lock.unlock();
    if (final) final();
    lock.lock();
    done = true;
    ended.notify_all();
  }
};

Lane::Lane(int threads) : state_(std::make_shared<State>()) {
  {
    const Lock lock(state_->mutex);
    state_->threads = threads;
  }
  for (int i = 0; i < threads; ++i) std::thread([state = state_] { state->run(); }).detach();
}

Lane::~Lane() {
  stop({}, 0);
}

bool Lane::post(std::function<void()> closure) {
  const Lock lock(state_->mutex);
  if (state_->stopping) return false;
  state_->queue.push_back(std::move(closure));
  state_->wake.notify_one();
  return true;
}

bool Lane::post_first(std::function<void()> closure) {
  const Lock lock(state_->mutex);
  if (state_->stopping) return false;
  state_->queue.push_front(std::move(closure));
  state_->wake.notify_one();
  return true;
}

std::size_t Lane::depth() const {
  const Lock lock(state_->mutex);
  return state_->queue.size();
}

bool Lane::idle() const {
  const Lock lock(state_->mutex);
  return state_->queue.empty() && state_->running == 0 && !state_->stopping;
}

bool Lane::stop(std::function<void()> last, std::int64_t wait_ms) {
  std::deque<std::function<void()>> dropped;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  Lock lock(state_->mutex);
  if (!state_->stopping) {
    state_->stopping = true;
    state_->last = std::move(last);
    dropped.swap(state_->queue);
    state_->wake.notify_all();
  }
  lock.unlock();
  dropped.clear();
  lock.lock();
  while (!state_->done) {
    if (state_->ended.wait_until(lock, until) == std::cv_status::timeout) return state_->done;
  }
  return true;
}

}  // namespace rabt::plugin
