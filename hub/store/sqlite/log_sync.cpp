#include "hub/store/sqlite/log_sync.hpp"

#include <utility>

namespace rabt::store::sqlite {

LogSync::LogSync(std::function<void()> sync, std::function<void()> told)
    : sync_(std::move(sync)), told_(std::move(told)), thread_([this] { run(); }) {}

LogSync::~LogSync() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void LogSync::durable() {
  {
    const Lock lock(mutex_);
    durable_ = visible_.load();
  }
  durable_now_.notify_all();
}

void LogSync::begin() {
  {
    const Lock lock(mutex_);
    begun_ = true;
  }
  work_.notify_one();
}

void LogSync::wait() {
  const std::uint64_t visible = visible_;
  if (durable_ >= visible) return;
  Lock lock(mutex_);
  durable_now_.wait(lock, [&] { return durable_ >= visible; });
}

void LogSync::run() {
  Lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return begun_ || stopping_; });
    if (!begun_) return;
    begun_ = false;
    lock.unlock();
    sync_();
    durable();
    told_();
    lock.lock();
  }
}

}  // namespace rabt::store::sqlite
