#include "hub/http/sockets.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::http {

namespace {

constexpr int kEvents = 64;
// How often silence is looked for.
constexpr int kTickMs = 1'000;

struct FreeContext {
  void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
};

// What a handler is told, in order.
struct Told {
  enum class What : std::uint8_t { opened, message, closed } what = What::message;
  std::string text;
};

}  // namespace

struct Sockets::State {
  State(SocketOptions chosen, const Clock& c, Logger& l) : options(chosen), clock(c), log(l) {}

  class Open;

  void wait();
  void work();
  void tick();
  // Its handler has something to do.
  void ready(std::shared_ptr<Open> open);
  void forget(int fd);
  [[nodiscard]] std::vector<std::shared_ptr<Open>> everybody();

  // Constant after construction.
  const SocketOptions options;
  const Clock& clock;
  Logger& log;
  Descriptor epoll;
  Descriptor wake;
  std::thread waiter;
  std::vector<std::thread> workers;

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> slow{0};
  std::atomic<std::uint64_t> broken{0};

  Mutex mutex;
  std::map<int, std::shared_ptr<Open>> all RABT_GUARDED_BY(mutex);
  std::deque<std::shared_ptr<Open>> queue RABT_GUARDED_BY(mutex);
  bool ended RABT_GUARDED_BY(mutex) = false;
  Condition some;
};

// One connection. Its mutex is taken before the one of State.
class Sockets::State::Open final : public Socket, public std::enable_shared_from_this<Open> {
 public:
  Open(State& all, Descriptor fd, std::unique_ptr<Transport> io, std::string early,
       std::shared_ptr<SocketHandler> handler);

  void send(std::string_view text) override;
  void close(std::uint16_t code, std::string_view reason) override;

  // On the waiting thread. False when the connection is over.
  [[nodiscard]] bool on_ready(bool readable);
  [[nodiscard]] bool on_tick(std::int64_t now);
  // On the waiting thread, once: the handler is told last.
  void end();
  // On a worker's thread.
  void run();

  [[nodiscard]] int fd() const { return fd_.get(); }
  void begin();

 private:
  static ssize_t read_some(wslay_event_context* context, std::uint8_t* buffer, std::size_t size,
                           int flags, void* self);
  static ssize_t write_some(wslay_event_context* context, const std::uint8_t* data,
                            std::size_t size, int flags, void* self);
  static void frame_began(wslay_event_context* context,
                          const wslay_event_on_frame_recv_start_arg* frame, void* self);
  static void message_came(wslay_event_context* context, const wslay_event_on_msg_recv_arg* message,
                           void* self);

  // What wslay is told of a step.
  ssize_t result_of(wslay_event_context* context, Transport::Step step);
  // Writes what can be written, and says what to wait for. False when the connection is over.
  bool flush() RABT_REQUIRES(mutex_);
  void queue_close(std::uint16_t code, std::string_view reason) RABT_REQUIRES(mutex_);
  void tell(Told told) RABT_REQUIRES(mutex_);
  // Whether the caller, without the lock, calls all_.ready().
  [[nodiscard]] bool take_ready() RABT_REQUIRES(mutex_);

  // Constant after construction.
  State& all_;
  const Descriptor fd_;
  const std::shared_ptr<SocketHandler> handler_;

  Mutex mutex_;
  const std::unique_ptr<Transport> io_ RABT_GUARDED_BY(mutex_);
  std::unique_ptr<wslay_event_context, FreeContext> context_ RABT_GUARDED_BY(mutex_);
  // What arrived behind the handshake.
  std::string early_ RABT_GUARDED_BY(mutex_);
  std::deque<Told> inbox_ RABT_GUARDED_BY(mutex_);
  // A worker has it, or will have.
  bool busy_ RABT_GUARDED_BY(mutex_) = false;
  bool over_ RABT_GUARDED_BY(mutex_) = false;
  bool closing_ RABT_GUARDED_BY(mutex_) = false;
  bool pinged_ RABT_GUARDED_BY(mutex_) = false;
  // Reading waits until the handler has come to the end of the inbox.
  bool paused_ RABT_GUARDED_BY(mutex_) = false;
  int fragments_ RABT_GUARDED_BY(mutex_) = 0;
  std::uint32_t waiting_for_ RABT_GUARDED_BY(mutex_) = EPOLLIN;
  // When something came last, and when the close frame was queued.
  std::int64_t heard_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t closing_ms_ RABT_GUARDED_BY(mutex_) = 0;
};

Sockets::State::Open::Open(State& all, Descriptor fd, std::unique_ptr<Transport> io,
                           std::string early, std::shared_ptr<SocketHandler> handler)
    : all_(all),
      fd_(std::move(fd)),
      handler_(std::move(handler)),
      io_(std::move(io)),
      early_(std::move(early)),
      heard_ms_(all.clock.monotonic_ms()) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = read_some;
  callbacks.send_callback = write_some;
  callbacks.on_frame_recv_start_callback = frame_began;
  callbacks.on_msg_recv_callback = message_came;
  wslay_event_context* made = nullptr;
  RABT_CHECK(wslay_event_context_server_init(&made, &callbacks, this) == 0);
  context_.reset(made);
  wslay_event_config_set_max_recv_msg_length(made, all.options.max_message);
}

// The four callbacks run inside wslay_event_recv and wslay_event_send, under mutex_, which the
// analysis cannot see through C.
ssize_t Sockets::State::Open::read_some(wslay_event_context* context, std::uint8_t* buffer,
                                        std::size_t size, int /*flags*/, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<Open*>(self);
  if (!open.early_.empty()) {
    const std::size_t take = std::min(size, open.early_.size());
    std::memcpy(buffer, open.early_.data(), take);
    open.early_.erase(0, take);
    return static_cast<ssize_t>(take);
  }
  // Messages that wait for the handler hold up the reading, so that their memory has a limit.
  if (open.inbox_.size() >= open.all_.options.inbox) {
    open.paused_ = true;
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  const auto step = open.io_->read({reinterpret_cast<char*>(buffer), size});
  return open.result_of(context, step);
}

ssize_t Sockets::State::Open::write_some(wslay_event_context* context, const std::uint8_t* data,
                                         std::size_t size, int /*flags*/, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<Open*>(self);
  return open.result_of(context, open.io_->write({reinterpret_cast<const char*>(data), size}));
}

void Sockets::State::Open::frame_began(wslay_event_context* /*context*/,
                                       const wslay_event_on_frame_recv_start_arg* frame, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<Open*>(self);
  if (wslay_is_ctrl_frame(frame->opcode) != 0) return;
  open.fragments_ = frame->opcode == WSLAY_CONTINUATION_FRAME ? open.fragments_ + 1 : 1;
  if (open.fragments_ > open.all_.options.max_fragments)
    open.queue_close(kCloseTooBig, "a message of too many fragments");
}

void Sockets::State::Open::message_came(wslay_event_context* /*context*/,
                                        const wslay_event_on_msg_recv_arg* message, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<Open*>(self);
  // wslay answers pings and close frames itself.
  if (message->opcode == WSLAY_CONNECTION_CLOSE) open.closing_ = true;
  if (wslay_is_ctrl_frame(message->opcode) != 0 || open.closing_) return;
  if (message->opcode != WSLAY_TEXT_FRAME) {
    open.queue_close(WSLAY_CODE_UNSUPPORTED_DATA, "messages are text");
    return;
  }
  ++open.all_.received;
  open.tell({Told::What::message,
             std::string(reinterpret_cast<const char*>(message->msg), message->msg_length)});
}

ssize_t Sockets::State::Open::result_of(wslay_event_context* context, Transport::Step step) {
  if (step.state == Transport::Step::State::done) return static_cast<ssize_t>(step.bytes);
  const bool over = step.state == Transport::Step::State::closed;
  wslay_event_set_error(context, over ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
  return -1;
}

void Sockets::State::Open::tell(Told told) {
  inbox_.push_back(std::move(told));
}

bool Sockets::State::Open::take_ready() {
  if (busy_ || inbox_.empty()) return false;
  busy_ = true;
  return true;
}

void Sockets::State::Open::queue_close(std::uint16_t code, std::string_view reason) {
  if (closing_) return;
  closing_ = true;
  closing_ms_ = all_.clock.monotonic_ms();
  wslay_event_shutdown_read(context_.get());
  wslay_event_queue_close(context_.get(), code,
                          reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size());
}

bool Sockets::State::Open::flush() {
  wslay_event_context* context = context_.get();
  if (wslay_event_want_write(context) != 0 && wslay_event_send(context) != 0) return false;
  const bool reads = wslay_event_want_read(context) != 0;
  const bool writes = wslay_event_want_write(context) != 0;
  if (!reads && !writes) return false;
  const bool room = inbox_.size() < all_.options.inbox;
  const std::uint32_t wanted = (reads && room ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
                               (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  if (wanted != waiting_for_) {
    waiting_for_ = wanted;
    epoll_event event{};
    event.events = wanted;
    event.data.fd = fd_.get();
    ::epoll_ctl(all_.epoll.get(), EPOLL_CTL_MOD, fd_.get(), &event);
  }
  return true;
}

void Sockets::State::Open::begin() {
  {
    const Lock lock(mutex_);
    tell({Told::What::opened, {}});
    busy_ = true;
  }
  all_.ready(shared_from_this());
}

bool Sockets::State::Open::on_ready(bool readable) {
  bool alive = true;
  bool run = false;
  {
    const Lock lock(mutex_);
    if (over_) return true;
    if (readable) {
      heard_ms_ = all_.clock.monotonic_ms();
      pinged_ = false;
      alive = wslay_event_recv(context_.get()) == 0;
      // wslay has queued a close frame for whoever broke the protocol, and reads no more.
      if (alive && !closing_ && wslay_event_want_read(context_.get()) == 0) {
        closing_ = true;
        closing_ms_ = heard_ms_;
        ++all_.broken;
      }
    }
    alive = flush() && alive;
    run = take_ready();
  }
  if (run) all_.ready(shared_from_this());
  return alive;
}

bool Sockets::State::Open::on_tick(std::int64_t now) {
  const Lock lock(mutex_);
  if (over_) return true;
  if (closing_ && closing_ms_ > 0 && now - closing_ms_ > all_.options.close_ms) return false;
  if (closing_) return true;
  const std::int64_t silent = now - heard_ms_;
  if (pinged_) return silent <= all_.options.ping_ms + all_.options.pong_ms;
  if (silent > all_.options.ping_ms) {
    pinged_ = true;
    const wslay_event_msg ping{WSLAY_PING, nullptr, 0};
    wslay_event_queue_msg(context_.get(), &ping);
    return flush();
  }
  return true;
}

void Sockets::State::Open::end() {
  {
    const Lock lock(mutex_);
    if (over_) return;
    over_ = true;
    io_->end_sending();
    ::shutdown(fd_.get(), SHUT_RDWR);
    tell({Told::What::closed, {}});
    if (!take_ready()) return;
  }
  all_.ready(shared_from_this());
}

void Sockets::State::Open::run() {
  for (;;) {
    Told next;
    {
      const Lock lock(mutex_);
      if (inbox_.empty()) {
        // The reading stopped for want of room. What TLS holds already makes no socket ready.
        const bool paused = std::exchange(paused_, false);
        bool alive = true;
        if (paused && !over_) alive = wslay_event_recv(context_.get()) == 0;
        if (!over_ && (!flush() || !alive)) ::shutdown(fd_.get(), SHUT_RDWR);
        if (!inbox_.empty()) continue;
        busy_ = false;
        return;
      }
      next = std::move(inbox_.front());
      inbox_.pop_front();
    }
    try {
      switch (next.what) {
        case Told::What::opened:
          handler_->opened(shared_from_this());
          break;
        case Told::What::message:
          handler_->received(*this, next.text);
          break;
        case Told::What::closed:
          handler_->closed();
          break;
      }
    } catch (const std::exception&) {  // what() may hold a message's data
      all_.log.error("http.socket_handler_threw", {});
      close(WSLAY_CODE_INTERNAL_SERVER_ERROR, "");
    }
  }
}

void Sockets::State::Open::send(std::string_view text) {
  const Lock lock(mutex_);
  if (over_ || closing_) return;
  wslay_event_context* context = context_.get();
  if (wslay_event_get_queued_msg_length(context) + text.size() > all_.options.queue) {
    ++all_.slow;
    queue_close(kCloseSlow, "messages are read too slowly");
  } else {
    const wslay_event_msg message{WSLAY_TEXT_FRAME,
                                  reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
    if (wslay_event_queue_msg(context, &message) == 0) ++all_.sent;
  }
  // The waiting thread learns of the end, and ends the connection.
  if (!flush()) ::shutdown(fd_.get(), SHUT_RDWR);
}

void Sockets::State::Open::close(std::uint16_t code, std::string_view reason) {
  const Lock lock(mutex_);
  if (over_) return;
  queue_close(code, reason);
  if (!flush()) ::shutdown(fd_.get(), SHUT_RDWR);
}

void Sockets::State::ready(std::shared_ptr<Open> open) {
  {
    const Lock lock(mutex);
    queue.push_back(std::move(open));
  }
  some.notify_one();
}

void Sockets::State::forget(int fd) {
  std::shared_ptr<Open> gone;
  {
    const Lock lock(mutex);
    const auto found = all.find(fd);
    if (found == all.end()) return;
    gone = std::move(found->second);
    all.erase(found);
  }
  ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, fd, nullptr);
  --count;
  gone->end();
}

void Sockets::State::wait() {
  std::int64_t next_tick = clock.monotonic_ms() + kTickMs;
  std::vector<epoll_event> events(kEvents);
  while (!stopping) {
    const int got = ::epoll_wait(epoll.get(), events.data(), kEvents, kTickMs);
    for (int i = 0; i < got; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == wake.get()) continue;
      std::shared_ptr<Open> open;
      {
        const Lock lock(mutex);
        const auto found = all.find(event.data.fd);
        if (found != all.end()) open = found->second;
      }
      if (open == nullptr) continue;
      const bool readable = (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;
      if (!open->on_ready(readable)) forget(open->fd());
    }
    if (clock.monotonic_ms() < next_tick) continue;
    next_tick = clock.monotonic_ms() + kTickMs;
    tick();
  }
}

std::vector<std::shared_ptr<Sockets::State::Open>> Sockets::State::everybody() {
  const Lock lock(mutex);
  std::vector<std::shared_ptr<Open>> out;
  out.reserve(all.size());
  for (const auto& [fd, open] : all) out.push_back(open);
  return out;
}

void Sockets::State::tick() {
  const std::int64_t at = clock.monotonic_ms();
  for (const auto& open : everybody()) {
    if (!open->on_tick(at)) forget(open->fd());
  }
}

void Sockets::State::work() {
  for (;;) {
    std::shared_ptr<Open> next;
    {
      Lock lock(mutex);
      some.wait(lock, [&]() RABT_REQUIRES(mutex) { return ended || !queue.empty(); });
      if (queue.empty()) return;
      next = std::move(queue.front());
      queue.pop_front();
    }
    next->run();
  }
}

Sockets::Sockets(SocketOptions options, const Clock& clock, Logger& log)
    : state_(std::make_unique<State>(options, clock, log)) {
  State& state = *state_;
  state.epoll = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
  state.wake = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  RABT_CHECK(state.epoll.open() && state.wake.open());
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = state.wake.get();
  RABT_CHECK(::epoll_ctl(state.epoll.get(), EPOLL_CTL_ADD, state.wake.get(), &event) == 0);
  state.waiter = std::thread([&state] { state.wait(); });
  for (int i = 0; i < options.threads; ++i) state.workers.emplace_back([&state] { state.work(); });
}

Sockets::~Sockets() {
  stop();
}

bool Sockets::has_room() const {
  return !state_->stopping && state_->count < static_cast<std::uint64_t>(state_->options.max);
}

bool Sockets::adopt(Descriptor connection, std::unique_ptr<Transport> transport, std::string early,
                    std::shared_ptr<SocketHandler> handler) {
  State& state = *state_;
  if (!has_room()) return false;
  const int fd = connection.get();
  auto open = std::make_shared<State::Open>(state, std::move(connection), std::move(transport),
                                            std::move(early), std::move(handler));
  {
    const Lock lock(state.mutex);
    if (state.ended) return false;
    state.all[fd] = open;
  }
  ++state.count;
  ++state.opened;
  open->begin();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  RABT_CHECK(::epoll_ctl(state.epoll.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  // What came with the head makes no descriptor ready.
  if (!open->on_ready(true)) state.forget(fd);
  return true;
}

void Sockets::stop() {
  State& state = *state_;
  if (state.stopping.exchange(true)) return;
  const std::uint64_t one = 1;
  (void)!::write(state.wake.get(), &one, sizeof one);
  state.waiter.join();
  for (const auto& open : state.everybody()) {
    open->close(kCloseRestart, "the hub restarts");
    state.forget(open->fd());
  }
  {
    const Lock lock(state.mutex);
    state.ended = true;
  }
  state.some.notify_all();
  for (std::thread& worker : state.workers) worker.join();
}

Sockets::Stats Sockets::stats() const {
  const State& state = *state_;
  return {.open = state.count,
          .opened = state.opened,
          .received = state.received,
          .sent = state.sent,
          .slow = state.slow,
          .broken = state.broken};
}

}  // namespace rabt::http
