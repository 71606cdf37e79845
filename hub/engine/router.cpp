#include "hub/engine/router.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

namespace rabt::engine {

namespace {

std::int64_t instance_of(const Message& message) {
  return std::visit(
      [](const auto& one) -> std::int64_t {
        if constexpr (requires { one.num; }) {
          return one.num;
        } else {
          return 0;
        }
      },
      message);
}

}  // namespace

void Inbox::push(QueuedMessage message) {
  bool wake = false;
  {
    const Lock lock(mutex_);
    queue_.push_back(std::move(message));
    wake = waiting_;
    waiting_ = false;  // once is enough
  }
  if (wake) wake_.notify_one();
}

bool Inbox::take(std::vector<QueuedMessage>& into) {
  Lock lock(mutex_);
  // The thread that woke this one may be stopped for it, with more to push. It runs before the
  // next message costs another sleep and another waking.
  if (!closed_ && queue_.empty()) {
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
  }
  while (!closed_ && queue_.empty()) {
    waiting_ = true;
    wake_.wait(lock);
  }
  waiting_ = false;
  if (closed_) return false;
  into.swap(queue_);
  return true;
}

bool Inbox::pause(std::int64_t ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  Lock lock(mutex_);
  while (!closed_) {
    if (wake_.wait_until(lock, until) == std::cv_status::timeout) return !closed_;
  }
  return false;
}

bool Inbox::empty() const {
  const Lock lock(mutex_);
  return queue_.empty();
}

void Inbox::close() {
  {
    const Lock lock(mutex_);
    closed_ = true;
  }
  wake_.notify_one();
}

Router::Router(Context& context, const Events& events, const OwnedPartitions& partitions,
               Timers& timers)
    : context_(context), events_(events), partitions_(partitions), timers_(timers) {
  const int workers = std::max(1, context.options.workers);
  for (int i = 0; i < workers; ++i) inboxes_.push_back(std::make_unique<Inbox>());
}

void Router::push(std::size_t worker, Message message) {
  inboxes_[worker]->push({std::move(message), WorkToken(context_.work)});
}

void Router::send(Message message) {
  const std::int64_t num = instance_of(message);
  // The end of a turn is told in any case: its commit is counted.
  if (!partitions_.has_instance(num) && !std::holds_alternative<TurnCommitted>(message)) {
    const auto refuse = [](const std::shared_ptr<std::promise<Status>>& answer) {
      if (answer != nullptr)
        answer->set_value(
            unavailable("engine.elsewhere", "another hub runs this instance; ask again later"));
    };
    if (const auto* request = std::get_if<CancelRequest>(&message)) refuse(request->answer);
    if (const auto* request = std::get_if<ResolveRequest>(&message)) refuse(request->answer);
    if (const auto* request = std::get_if<RetryRequest>(&message)) refuse(request->answer);
    return;
  }
  push(static_cast<std::size_t>(num) % inboxes_.size(), std::move(message));
}

void Router::send_to_all(const std::function<Message()>& make) {
  for (std::size_t i = 0; i < inboxes_.size(); ++i) push(i, make());
}

bool Router::route(AfterCommit&& after) {
  for (BeginInstance& begin : after.begins) send(std::move(begin));
  for (ChildEnded& answer : after.answers) send(std::move(answer));
  for (const CancelChild& cancel : after.cancels) send(cancel);
  for (const Timers::Entry& timer : after.timers) timers_.add(timer);
  if (after.events.empty()) return false;
  auto matches = events_.listens_for(after.events);
  if (!matches.ok()) {
    context_.parts.log.error("engine.look_failed", {{"code", matches.error().code}});
    return true;
  }
  for (EventMatch& match : *matches) send(std::move(match));
  return !matches->empty();
}

}  // namespace rabt::engine
