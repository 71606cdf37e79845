#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/engine/events.hpp"
#include "hub/engine/messages.hpp"

// From whoever learnt something to the worker whose instance it is about.
namespace rabt::engine {

// A message and the open work that it is.
struct QueuedMessage {
  Message message;
  WorkToken work;
};

// The queue of one worker. Internally synchronised.
class Inbox {
 public:
  void push(QueuedMessage message);
  // Waits for messages and takes all; `into` is empty, and its room serves the next ones. Returns
  // false if the inbox was closed.
  bool take(std::vector<QueuedMessage>& into);
  // Waits `ms` milliseconds. Returns false if the inbox was closed.
  bool pause(std::int64_t ms);
  void close();
  [[nodiscard]] bool empty() const;
  // Calls look for each message that waits.
  template <class Look>
  void for_each(Look look) {
    const Lock lock(mutex_);
    for (QueuedMessage& queued : queue_) look(queued.message);
  }

 private:
  mutable Mutex mutex_;
  Condition wake_;
  std::vector<QueuedMessage> queue_ RABT_GUARDED_BY(mutex_);
  bool waiting_ RABT_GUARDED_BY(mutex_) = false;
  bool closed_ RABT_GUARDED_BY(mutex_) = false;
};

// Internally synchronised.
class Router {
 public:
  Router(Context& context, const Events& events, const OwnedPartitions& partitions, Timers& timers);

  // To the worker of the instance; dropped when the instance lies in a partition of another engine,
  // which finds the reason in the store.
  void send(Message message);
  void send_to_all(const std::function<Message()>& make);
  // Does what a committed transaction left to do. Reads the store where there are new events or
  // listens; when that fails, the sweep finds what was missed. Returns true if an instance was told
  // of one of the events, or the look failed.
  bool route(AfterCommit&& after);

  [[nodiscard]] std::size_t size() const { return inboxes_.size(); }
  [[nodiscard]] Inbox& inbox(std::size_t worker) { return *inboxes_[worker]; }

 private:
  void push(std::size_t worker, Message message);

  Context& context_;
  const Events& events_;
  const OwnedPartitions& partitions_;
  Timers& timers_;
  std::vector<std::unique_ptr<Inbox>> inboxes_;
};

}  // namespace rabt::engine
