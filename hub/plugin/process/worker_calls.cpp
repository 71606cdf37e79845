#include <algorithm>
#include <utility>

#include "hub/base/start_thread.hpp"
#include "hub/plugin/process/worker_life.hpp"
#include "hub/worker/abi_bytes.hpp"

// Calls, callbacks and deliveries on their way to the process.
namespace rabt::plugin {

namespace {

using worker::bytes;
using worker::Frame;
using worker::Place;
using worker::texts_of;
using worker::Type;
using worker::view;

constexpr std::chrono::milliseconds kDestroyTimeout{1500};
// Pause before the next attempt to send while the ring has room and the socket is full of packets
// that the process has not read.
constexpr std::chrono::milliseconds kFullSocketLook{1};

// Set while code of give_callback runs on this thread; the callback that it gives takes it.
thread_local std::function<void()>* after_callback = nullptr;

}  // namespace

bool WorkerPlugin::room(std::size_t text_bytes) const {
  const auto lanes = static_cast<std::size_t>(setup_.lanes);
  if (free_.empty() || (in_step_ && active_.size() >= lanes)) return false;
  if (text_bytes > worker::kMaxInlineBytes) return !free_loans_.empty() && writer_.room(0);
  return writer_.room(text_bytes);
}

WorkerPlugin::Bell::~Bell() {
  if (process_ != nullptr) worker::ring_bell(process_->frames.get());
}

bool WorkerPlugin::put(const Frame& frame, Bell& bell) {
  if (process_ == nullptr || !writer_.room(texts_of(frame))) return false;
  if (writer_.put(frame)) bell.is_for(process_);
  return true;
}

bool WorkerPlugin::put_lent(const Frame& frame, std::size_t place, Bell& bell) {
  if (process_ == nullptr || !writer_.room(0) || !loans_->lend(place, frame)) return false;
  if (writer_.put_lent(frame, place)) bell.is_for(process_);
  return true;
}

bool WorkerPlugin::put_first(const Frame& frame, Bell& bell) {
  const std::size_t size = texts_of(frame);
  if (size > worker::kMaxFrameBytes) return false;
  return size > worker::kMaxInlineBytes ? put_lent(frame, 0, bell) : put(frame, bell);
}
void WorkerPlugin::take_back_first() {
  const Lock lock(mutex_);
  if (loans_ != nullptr) loans_->take_back(0);
}

WorkerPlugin::Given WorkerPlugin::give(Frame& frame, std::uint64_t process, Upcall upcall) {
  const std::size_t size = texts_of(frame);
  if (size > worker::kMaxFrameBytes) return Given::gone;
  Bell bell;
  const Lock lock(mutex_);
  if (phase_ != Phase::up || process_ == nullptr || (process != 0 && process != number_))
    return Given::gone;
  if (!room(size)) return Given::full;
  const std::uint8_t place = free_.back();
  upcall.serial = (++last_serial_ * worker::kPlaces) | place;
  if (size > worker::kMaxInlineBytes) upcall.loan = free_loans_.back();
  if (active_.size() < static_cast<std::size_t>(setup_.lanes))
    upcall.since = std::chrono::steady_clock::now();
  frame.n[0] = upcall.serial;
  (*shared_)->places[place].store(worker::place_word(upcall.serial, Place::given),
                                  std::memory_order_relaxed);
  if (!(upcall.loan ? put_lent(frame, *upcall.loan, bell) : put(frame, bell))) return Given::full;
  free_.pop_back();
  if (upcall.loan) free_loans_.pop_back();
  upcalls_[place] = std::move(upcall);
  active_.push_back(&upcalls_[place]);
  return Given::given;
}

WorkerPlugin::Given WorkerPlugin::give_waiting(Frame& frame, std::uint64_t process,
                                               const Upcall& upcall) {
  while (true) {
    const Given given = give(frame, process, upcall);
    if (given != Given::full) return given;
    Lock lock(mutex_);
    ++waiting_;
    if (phase_ == Phase::up && room(texts_of(frame))) {
      changed_.wait_for(lock, kFullSocketLook);
    } else if (phase_ == Phase::up) {
      changed_.wait(lock);
    }
    --waiting_;
  }
}

void WorkerPlugin::free_place(Upcall& upcall) {
  const auto at = std::find(active_.begin(), active_.end(), &upcall);
  const auto index = static_cast<std::size_t>(at - active_.begin());
  const auto lanes = static_cast<std::size_t>(setup_.lanes);
  active_.erase(at);
  // The function that stood behind the lanes comes to hold one.
  if (index < lanes && active_.size() >= lanes)
    active_[lanes - 1]->since = std::chrono::steady_clock::now();
  if (upcall.loan && loans_ != nullptr) {
    loans_->take_back(*upcall.loan);
    free_loans_.push_back(*upcall.loan);
  }
  free_.push_back(static_cast<std::uint8_t>(upcall.serial % worker::kPlaces));
  upcall = Upcall();
}

bool WorkerPlugin::revoke(std::uint64_t call) {
  const Lock lock(mutex_);
  const auto found = std::find_if(active_.begin(), active_.end(), [call](const Upcall* one) {
    return one->call == call && one->answer == nullptr && one->type != Type::cancel;
  });
  if (found == active_.end() || shared_ == nullptr) return false;
  Upcall& upcall = **found;
  std::uint64_t word = worker::place_word(upcall.serial, Place::given);
  upcall.revoked = (*shared_)->places[upcall.serial % worker::kPlaces].compare_exchange_strong(
      word, worker::place_word(upcall.serial, Place::revoked), std::memory_order_acq_rel);
  return upcall.revoked;
}

std::vector<WorkerPlugin::Busy> WorkerPlugin::busy() const {
  const Lock lock(mutex_);
  std::vector<Busy> out;
  for (const Upcall* upcall : active_) {
    if (upcall->since) out.push_back({upcall->serial, upcall->call, *upcall->since});
  }
  return out;
}

bool WorkerPlugin::kill_busy(const std::vector<std::uint64_t>& serials, std::string_view reason) {
  const Lock lock(mutex_);
  const bool holds = std::any_of(active_.begin(), active_.end(), [&](const Upcall* upcall) {
    return std::find(serials.begin(), serials.end(), upcall->serial) != serials.end();
  });
  if (process_ == nullptr || !holds) return false;
  if (kill_reason_.empty()) kill_reason_ = reason;
  worker::kill(*process_);
  return true;
}

// ---- the functions of the plugin's table

std::int32_t WorkerPlugin::give_call(void* self, Type type, const rabt_call* call) {
  Frame frame(type, call->id, {0, call->attempt, word(call->deadline_unix_ms)});
  frame.add(view(call->action))
      .add(view(call->action_version))
      .add(view(call->input))
      .add(view(call->idempotency_key));
  Upcall upcall;
  upcall.type = type;
  upcall.call = call->id;
  switch (of(self).give(frame, 0, std::move(upcall))) {
    case Given::given:
      return kGiven;
    case Given::full:
      return kFull;
    case Given::gone:
      return kNotGiven;
  }
  return kNotGiven;
}
std::int32_t WorkerPlugin::invoke(void* self, const rabt_call* call) {
  return give_call(self, Type::invoke, call);
}
std::int32_t WorkerPlugin::probe(void* self, const rabt_call* call) {
  return give_call(self, Type::probe, call);
}
std::int32_t WorkerPlugin::health(void* self, const rabt_call* call) {
  return give_call(self, Type::health, call);
}

void WorkerPlugin::cancel(void* self, rabt_call_id call) {
  Frame frame(Type::cancel, call);
  Upcall upcall;
  upcall.type = Type::cancel;
  upcall.call = call;
  static_cast<void>(of(self).give_waiting(frame, 0, upcall));
}

void WorkerPlugin::give_callback(const std::function<void()>& code, std::function<void()> after) {
  after_callback = &after;
  code();
  after_callback = nullptr;
  if (after) after();
}

void WorkerPlugin::finish(Operation* operation, Frame frame) {
  const std::unique_ptr<Operation> over(operation);
  {
    const Lock lock(mutex_);
    if (operation->process != number_) return;  // its process is gone
    if (operations_ > 0) --operations_;
    if (frame.type == Type::http_done) requests_.erase(operation->id);
  }
  Upcall upcall;
  upcall.type = frame.type;
  std::function<void()>* const after = after_callback;
  if (after != nullptr) upcall.after = *after;
  if (give_waiting(frame, operation->process, upcall) == Given::given && after != nullptr)
    *after = nullptr;
}

void WorkerPlugin::destroy(void* self) {
  WorkerPlugin& plugin = of(self);
  {
    const Lock lock(plugin.mutex_);
    plugin.stopping_ = true;  // the process ends behind it, in time or not
  }
  auto answer = std::make_shared<Answer>();
  Frame frame(Type::destroy, 0);
  Upcall upcall;
  upcall.type = Type::destroy;
  upcall.answer = answer;
  std::atomic<bool> over{false};
  auto clock = start_thread([&] {
    const auto until = std::chrono::steady_clock::now() + kDestroyTimeout;
    Lock lock(plugin.mutex_);
    while (!over && plugin.changed_.wait_until(lock, until) == std::cv_status::no_timeout) {
    }
    lock.unlock();
    if (!over) plugin.kill("destroy takes too long");
  });
  if (!clock.ok()) return plugin.kill("no thread is left to end it in time");
  if (plugin.give_waiting(frame, 0, upcall) == Given::given) answer->done.wait(0);
  {
    const Lock lock(plugin.mutex_);
    over = true;
  }
  plugin.changed_.notify_all();
  clock->join();
}

const void* WorkerPlugin::get_extension(void* self, const char* id) {
  WorkerPlugin& plugin = of(self);
  const Lock lock(plugin.mutex_);
  const std::string_view name(id);
  if (name == RABT_WEBHOOK && (plugin.extensions_ & 1U) != 0) return &plugin.webhook_;
  if (name == RABT_PROBE && (plugin.extensions_ & 2U) != 0) return &plugin.probe_;
  if (name == RABT_HEALTH && (plugin.extensions_ & 4U) != 0) return &plugin.health_;
  return nullptr;
}

std::int32_t WorkerPlugin::normalise(void* self, rabt_bytes delivery, rabt_bytes body,
                                     void* context, rabt_sink events, rabt_sink error) {
  WorkerPlugin& plugin = of(self);
  std::shared_ptr<Answer> answer;
  // Reading a delivery changes nothing outside. If a process ends before it has read the delivery,
  // the next process reads it; a third one does not, as the delivery itself may end them.
  for (int attempt = 1; attempt <= 2; ++attempt) {
    if (plugin.await() == Ready::quarantined) return kNotGiven;
    answer = std::make_shared<Answer>();
    Frame frame(Type::normalise, 0);
    frame.add(view(delivery)).add(view(body));
    Upcall upcall;
    upcall.type = Type::normalise;
    upcall.answer = answer;
    if (plugin.give_waiting(frame, 0, upcall) != Given::given) {
      answer.reset();
      continue;
    }
    answer->done.wait(0);
    if (answer->result == kNotGiven) --attempt;  // it had not begun
    if (answer->result != kLost && answer->result != kNotGiven) break;
  }
  if (answer == nullptr) return kNotGiven;
  if (answer->result == kLost) return kLost;
  if (answer->threw) throw PluginThrew{};
  const std::uint64_t events_calls = std::min<std::uint64_t>(answer->events_calls, 2);
  const std::uint64_t error_calls = std::min<std::uint64_t>(answer->error_calls, 2);
  for (std::uint64_t i = 0; i < events_calls; ++i) events(context, bytes(answer->events));
  for (std::uint64_t i = 0; i < error_calls; ++i) error(context, bytes(answer->error));
  return answer->result;
}

}  // namespace rabt::plugin
