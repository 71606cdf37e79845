#include "hub/plugin/process/lane.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace rabt::plugin {

struct Lane::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable ended;
  std::deque<std::function<void()>> queue;
  std::function<void()> last;
  int threads = 0;
  bool stopping = false;
  bool done = false;

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stopping || !queue.empty(); });
      if (stopping) break;
      {
        const std::function<void()> closure = std::move(queue.front());
        queue.pop_front();
        lock.unlock();
        closure();
      }  // destroyed without the lock: it may hold the last reference to something that posts
      lock.lock();
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
  state_->threads = threads;
  for (int i = 0; i < threads; ++i) std::thread([state = state_] { state->run(); }).detach();
}

Lane::~Lane() {
  stop({}, 0);
}

bool Lane::post(std::function<void()> closure) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->stopping) return false;
  state_->queue.push_back(std::move(closure));
  state_->wake.notify_one();
  return true;
}

std::size_t Lane::depth() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->queue.size();
}

bool Lane::stop(std::function<void()> last, std::int64_t wait_ms) {
  std::deque<std::function<void()>> dropped;
  std::unique_lock lock(state_->mutex);
  if (!state_->stopping) {
    state_->stopping = true;
    state_->last = std::move(last);
    dropped.swap(state_->queue);
    state_->wake.notify_all();
  }
  lock.unlock();
  dropped.clear();
  lock.lock();
  return state_->ended.wait_for(lock, std::chrono::milliseconds(wait_ms),
                                [this] { return state_->done; });
}

}  // namespace rabt::plugin
