#include "hub/store/sqlite/sync_thread.hpp"

#include <utility>

namespace rabt::store::sqlite {

SyncThread::SyncThread(std::function<void()> sync, std::function<void()> told)
    : sync_(std::move(sync)), told_(std::move(told)), thread_([this] { run(); }) {}

SyncThread::~SyncThread() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

void SyncThread::durable() {
  {
    const Lock lock(mutex_);
    durable_ = visible_.load();
  }
  durable_now_.notify_all();
}

void SyncThread::begin() {
  {
    const Lock lock(mutex_);
    begun_ = true;
  }
  work_.notify_one();
}

void SyncThread::wait() {
  const std::uint64_t visible = visible_;
  if (durable_ >= visible) return;
  Lock lock(mutex_);
  durable_now_.wait(lock, [&] { return durable_ >= visible; });
}

void SyncThread::run() {
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
