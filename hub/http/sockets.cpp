#include "hub/http/sockets.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/mutex.hpp"
#include "hub/http/frame_heads.hpp"

namespace rabt::http {

namespace {

// Reads of one event that only drop bytes, so that it does not keep the thread.
constexpr int kDroppedReads = 16;

struct FreeContext {
  void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
};

// Reads what has come and drops it. False when the other end has closed.
bool drop_some(Transport& io) {
  char unread[4096];
  for (int i = 0; i < kDroppedReads; ++i) {
    const auto step = io.read(unread);
    if (step.state == Transport::Step::State::closed) return false;
    if (step.state != Transport::Step::State::done) break;
  }
  return true;
}

// Events for a handler, in order.
struct Told {
  enum class What : std::uint8_t { opened, message, closed } what = What::message;
  std::string text;
};

}  // namespace

class Sockets::State {
 public:
  class Open;
  class WebSocket;
  class Events;

  State(SocketOptions chosen, Loop& l, const Clock& c, Logger& g)
      : options(chosen), loop(l), clock(c), log(g) {}

  [[nodiscard]] bool adopt(const std::shared_ptr<Open>& open);
  void forget(Open& open);
  [[nodiscard]] std::vector<std::shared_ptr<Open>> everybody();

  // Constant after construction.
  const SocketOptions options;
  Loop& loop;
  const Clock& clock;
  Logger& log;

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> count{0};
  std::atomic<std::uint64_t> opened{0};
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> slow{0};
  std::atomic<std::uint64_t> broken{0};

  Mutex mutex;
  std::map<Open*, std::shared_ptr<Open>> all RABT_GUARDED_BY(mutex);
  bool ended RABT_GUARDED_BY(mutex) = false;
  // Connections whose handler has not heard the end.
  int unfinished RABT_GUARDED_BY(mutex) = 0;
  Condition finished;
};

// One connection, whatever its bytes mean. Its mutex is taken before the one of State.
class Sockets::State::Open : public Socket,
                             public Loop::Watched,
                             public std::enable_shared_from_this<Open> {
 public:
  Open(State& all, Upgraded upgraded);

  void send(std::string_view text) override;
  void close(std::uint16_t code, std::string_view reason) override;
  void on_ready(std::uint32_t events) override;

  // Once, before the loop can call: the handler hears of the opening first.
  void join();
  // Reads what came with the head.
  void begin();
  // Once: the handler is told last.
  void end();

 protected:
  // Reads what has come. False when the connection is over.
  [[nodiscard]] virtual bool receive() RABT_REQUIRES(mutex_) = 0;
  // Writes what can be written. False when the connection is over.
  [[nodiscard]] virtual bool write() RABT_REQUIRES(mutex_) = 0;
  // Events to wait for. Nothing when the connection is over.
  [[nodiscard]] virtual std::optional<std::uint32_t> wanted() RABT_REQUIRES(mutex_) = 0;
  // Time until which to wait.
  [[nodiscard]] virtual std::int64_t deadline() RABT_REQUIRES(mutex_) = 0;
  // The deadline has passed. False when the connection is over.
  [[nodiscard]] virtual bool on_due(std::int64_t now) RABT_REQUIRES(mutex_) = 0;
  // Queues a text. False when too much waits already.
  [[nodiscard]] virtual bool queue(std::string_view text) RABT_REQUIRES(mutex_) = 0;
  virtual void queue_close(std::uint16_t code, std::string_view reason) RABT_REQUIRES(mutex_) = 0;

  // Says that nothing more comes from here.
  void end_sending() RABT_REQUIRES(mutex_) {
    io_->end_sending();
    ::shutdown(fd_.get(), SHUT_WR);
  }
  void tell(Told told) RABT_REQUIRES(mutex_) { inbox_.push_back(std::move(told)); }
  [[nodiscard]] std::int64_t now() const { return all_.clock.monotonic_ms(); }

  // Constant after construction.
  State& all_;

  Mutex mutex_;
  const std::unique_ptr<Transport> io_ RABT_GUARDED_BY(mutex_);
  // Bytes that arrived behind the handshake.
  std::string early_ RABT_GUARDED_BY(mutex_);
  std::deque<Told> inbox_ RABT_GUARDED_BY(mutex_);
  // True if only waiting bytes are still sent.
  bool closing_ RABT_GUARDED_BY(mutex_) = false;
  // Reading waits until the handler has come to the end of the inbox.
  bool paused_ RABT_GUARDED_BY(mutex_) = false;

 private:
  // Writes, and waits for what comes next. False when the connection is over.
  [[nodiscard]] bool flush(bool rearm) RABT_REQUIRES(mutex_);
  // Ends the connection for the other end, and makes it ready for the loop, which learns so.
  void cut() RABT_REQUIRES(mutex_);
  // True if the caller, without the lock, calls post_run().
  [[nodiscard]] bool take_ready() RABT_REQUIRES(mutex_);
  void post_run();
  // Tells the handler what waits for it.
  void run();
  void tell_handler(const Told& told);

  // Constant once the loop knows the connection.
  const Descriptor fd_;
  const std::shared_ptr<SocketHandler> handler_;
  Loop::Id id_ = 0;

  std::shared_ptr<void> seat_ RABT_GUARDED_BY(mutex_);

  // A thread runs the handler, or will.
  bool busy_ RABT_GUARDED_BY(mutex_) = true;
  bool over_ RABT_GUARDED_BY(mutex_) = false;
  std::uint32_t armed_for_ RABT_GUARDED_BY(mutex_) = 0;
};

Sockets::State::Open::Open(State& all, Upgraded upgraded)
    : all_(all),
      io_(std::move(upgraded.transport)),
      early_(std::move(upgraded.early)),
      fd_(std::move(upgraded.connection)),
      handler_(std::move(upgraded.handler)),
      seat_(std::move(upgraded.seat)) {
  inbox_.push_back({Told::What::opened, {}});
}

void Sockets::State::Open::join() {
  id_ = all_.loop.add(fd_.get(), shared_from_this());
}

void Sockets::State::Open::begin() {
  post_run();
  on_ready(EPOLLIN);
}

bool Sockets::State::Open::take_ready() {
  if (busy_ || inbox_.empty()) return false;
  busy_ = true;
  return true;
}

void Sockets::State::Open::post_run() {
  all_.loop.post(Lane::message, [self = shared_from_this()](Loop::Turn /*now*/) { self->run(); });
}

bool Sockets::State::Open::flush(bool rearm) {
  if (!write()) return false;
  const auto next = wanted();
  if (!next) return false;
  if (rearm || *next != armed_for_) {
    armed_for_ = *next;
    all_.loop.arm(id_, fd_.get(), *next, deadline());
  }
  return true;
}

void Sockets::State::Open::on_ready(std::uint32_t events) {
  bool alive = true;
  bool run = false;
  {
    const Lock lock(mutex_);
    if (over_) return;
    if (events == 0) alive = on_due(now());
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = receive();
    alive = flush(true) && alive;
    run = take_ready();
  }
  if (run) post_run();
  if (!alive) all_.forget(*this);
}

void Sockets::State::Open::send(std::string_view text) {
  const Lock lock(mutex_);
  if (over_ || closing_) return;
  if (queue(text)) {
    ++all_.sent;
  } else {
    ++all_.slow;
    queue_close(kCloseSlow, "messages are read too slowly");
  }
  if (!flush(closing_)) cut();
}

void Sockets::State::Open::close(std::uint16_t code, std::string_view reason) {
  const Lock lock(mutex_);
  if (over_) return;
  queue_close(code, reason);
  if (!flush(true)) cut();
}

void Sockets::State::Open::cut() {
  io_->end_sending();
  ::shutdown(fd_.get(), SHUT_RDWR);
}

void Sockets::State::Open::end() {
  all_.loop.remove(id_, fd_.get());
  {
    const Lock lock(mutex_);
    if (std::exchange(over_, true)) return;
    cut();
    seat_.reset();
    tell({Told::What::closed, {}});
    if (!take_ready()) return;
  }
  post_run();
}

void Sockets::State::Open::run() {
  for (;;) {
    Told next;
    {
      const Lock lock(mutex_);
      if (inbox_.empty()) {
        // The reading stopped for want of room. What TLS holds already makes no socket ready.
        const bool paused = std::exchange(paused_, false);
        const bool alive = !paused || over_ || receive();
        if (!over_ && (!flush(paused) || !alive)) cut();
        if (!inbox_.empty()) continue;
        busy_ = false;
        return;
      }
      next = std::move(inbox_.front());
      inbox_.pop_front();
    }
    tell_handler(next);
    if (next.what == Told::What::closed) {
      const Lock lock(all_.mutex);
      --all_.unfinished;
      all_.finished.notify_all();
      return;
    }
  }
}

void Sockets::State::Open::tell_handler(const Told& told) {
  try {
    switch (told.what) {
      case Told::What::opened:
        handler_->opened(shared_from_this());
        break;
      case Told::What::message:
        handler_->received(*this, told.text);
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

class Sockets::State::WebSocket final : public Open {
 public:
  WebSocket(State& all, Upgraded upgraded);

 protected:
  bool receive() RABT_REQUIRES(mutex_) override;
  bool write() RABT_REQUIRES(mutex_) override;
  std::optional<std::uint32_t> wanted() RABT_REQUIRES(mutex_) override;
  std::int64_t deadline() RABT_REQUIRES(mutex_) override;
  bool on_due(std::int64_t now) RABT_REQUIRES(mutex_) override;
  bool queue(std::string_view text) RABT_REQUIRES(mutex_) override;
  void queue_close(std::uint16_t code, std::string_view reason) RABT_REQUIRES(mutex_) override;

 private:
  static ssize_t read_some(wslay_event_context* context, std::uint8_t* buffer, std::size_t size,
                           int flags, void* self);
  static ssize_t write_some(wslay_event_context* context, const std::uint8_t* data,
                            std::size_t size, int flags, void* self);
  static void message_came(wslay_event_context* context, const wslay_event_on_msg_recv_arg* message,
                           void* self);
  // Returns how many of the bytes wslay gets.
  ssize_t judged(wslay_event_context* context, std::string_view bytes) RABT_REQUIRES(mutex_);
  // Closes the connection for a wrong head, or as wslay did for anything else.
  void break_off() RABT_REQUIRES(mutex_);
  // Result of a step for wslay.
  static ssize_t result_of(wslay_event_context* context, Transport::Step step);

  std::unique_ptr<wslay_event_context, FreeContext> context_ RABT_GUARDED_BY(mutex_);
  bool pinged_ RABT_GUARDED_BY(mutex_) = false;
  FrameHeads heads_ RABT_GUARDED_BY(mutex_);
  // The other end broke the protocol; then the close frame that says so has gone out.
  bool broken_ RABT_GUARDED_BY(mutex_) = false;
  bool said_ RABT_GUARDED_BY(mutex_) = false;
  // Times of the last received frame, and of queueing the close frame.
  std::int64_t heard_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t closing_ms_ RABT_GUARDED_BY(mutex_) = 0;
};

Sockets::State::WebSocket::WebSocket(State& all, Upgraded upgraded)
    : Open(all, std::move(upgraded)),
      heads_(all.options.max_message, all.options.max_fragments),
      heard_ms_(now()) {
  wslay_event_callbacks callbacks{};
  callbacks.recv_callback = read_some;
  callbacks.send_callback = write_some;
  callbacks.on_msg_recv_callback = message_came;
  wslay_event_context* made = nullptr;
  RABT_CHECK(wslay_event_context_server_init(&made, &callbacks, this) == 0);
  context_.reset(made);
  wslay_event_config_set_max_recv_msg_length(made, all.options.max_message);
}

// The three callbacks run inside wslay_event_recv and wslay_event_send, under mutex_, which the
// analysis cannot see through C.
ssize_t Sockets::State::WebSocket::read_some(wslay_event_context* context, std::uint8_t* buffer,
                                             std::size_t size, int /*flags*/, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<WebSocket*>(self);
  if (!open.early_.empty()) {
    const std::size_t take = std::min(size, open.early_.size());
    std::copy_n(open.early_.data(), take, buffer);
    open.early_.erase(0, take);
    return open.judged(context, {reinterpret_cast<const char*>(buffer), take});
  }
  // Messages that wait for the handler hold up the reading, so that their memory has a limit.
  if (open.inbox_.size() >= open.all_.options.inbox) {
    open.paused_ = true;
    wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  const auto step = open.io_->read({reinterpret_cast<char*>(buffer), size});
  if (step.state != Transport::Step::State::done) return result_of(context, step);
  return open.judged(context, {reinterpret_cast<const char*>(buffer), step.bytes});
}

// wslay closes without a code, or late, for heads that it finds wrong itself.
ssize_t Sockets::State::WebSocket::judged(wslay_event_context* context, std::string_view bytes) {
  const std::size_t good = heads_.follow(bytes);
  if (good > 0) return static_cast<ssize_t>(good);
  break_off();
  wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
  return -1;
}

void Sockets::State::WebSocket::break_off() {
  if (closing_) return;
  if (heads_.fault()) {
    queue_close(heads_.fault()->code, heads_.fault()->reason);
  } else if (wslay_event_want_read(context_.get()) != 0) {
    return;
  }
  closing_ = true;
  closing_ms_ = now();
  broken_ = true;
  ++all_.broken;
}

ssize_t Sockets::State::WebSocket::write_some(wslay_event_context* context,
                                              const std::uint8_t* data, std::size_t size,
                                              int /*flags*/, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<WebSocket*>(self);
  return result_of(context, open.io_->write({reinterpret_cast<const char*>(data), size}));
}

void Sockets::State::WebSocket::message_came(wslay_event_context* /*context*/,
                                             const wslay_event_on_msg_recv_arg* message, void* self)
    RABT_THREAD_ATTRIBUTE(no_thread_safety_analysis) {
  auto& open = *static_cast<WebSocket*>(self);
  // wslay answers pings and close frames itself.
  if (message->opcode == WSLAY_CONNECTION_CLOSE) {
    open.closing_ = true;
    open.closing_ms_ = open.now();
  }
  if (wslay_is_ctrl_frame(message->opcode) != 0 || open.closing_) return;
  if (message->opcode != WSLAY_TEXT_FRAME) {
    open.queue_close(WSLAY_CODE_UNSUPPORTED_DATA, "messages are text");
    return;
  }
  ++open.all_.received;
  open.tell({Told::What::message,
             std::string(reinterpret_cast<const char*>(message->msg), message->msg_length)});
}

ssize_t Sockets::State::WebSocket::result_of(wslay_event_context* context, Transport::Step step) {
  if (step.state == Transport::Step::State::done) return static_cast<ssize_t>(step.bytes);
  const bool over = step.state == Transport::Step::State::closed;
  wslay_event_set_error(context, over ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
  return -1;
}

bool Sockets::State::WebSocket::receive() {
  // A reset, which answers whoever sends on to a closed socket, would take the close frame away.
  if (broken_) return drop_some(*io_);
  heard_ms_ = now();
  pinged_ = false;
  if (wslay_event_recv(context_.get()) != 0) return false;
  // wslay has queued a close frame for what it found wrong, and reads no more.
  break_off();
  return true;
}

bool Sockets::State::WebSocket::write() {
  wslay_event_context* context = context_.get();
  if (wslay_event_want_write(context) != 0 && wslay_event_send(context) != 0) return false;
  if (broken_ && !said_ && wslay_event_want_write(context) == 0) {
    said_ = true;
    end_sending();
  }
  return true;
}

std::optional<std::uint32_t> Sockets::State::WebSocket::wanted() {
  const bool reads = wslay_event_want_read(context_.get()) != 0;
  const bool writes = wslay_event_want_write(context_.get()) != 0;
  if (said_) return EPOLLIN;
  if (!reads && !writes) return std::nullopt;
  const bool room = inbox_.size() < all_.options.inbox;
  return (reads && room ? static_cast<std::uint32_t>(EPOLLIN) : 0U) |
         (writes ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

std::int64_t Sockets::State::WebSocket::deadline() {
  const SocketOptions& limits = all_.options;
  if (closing_) return closing_ms_ + limits.close_ms;
  return heard_ms_ + limits.ping_ms + (pinged_ ? limits.pong_ms : 0);
}

bool Sockets::State::WebSocket::on_due(std::int64_t now) {
  if (deadline() > now) return true;
  if (closing_ || pinged_) return false;
  pinged_ = true;
  const wslay_event_msg ping{WSLAY_PING, nullptr, 0};
  return wslay_event_queue_msg(context_.get(), &ping) == 0;
}

bool Sockets::State::WebSocket::queue(std::string_view text) {
  wslay_event_context* context = context_.get();
  if (wslay_event_get_queued_msg_length(context) + text.size() > all_.options.queue) return false;
  const wslay_event_msg message{WSLAY_TEXT_FRAME,
                                reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  return wslay_event_queue_msg(context, &message) == 0;
}

void Sockets::State::WebSocket::queue_close(std::uint16_t code, std::string_view reason) {
  if (closing_) return;
  closing_ = true;
  closing_ms_ = now();
  wslay_event_shutdown_read(context_.get());
  wslay_event_queue_close(context_.get(), code,
                          reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size());
}

// A stream of events: what the handler sends goes out as it is; what the caller says is dropped.
class Sockets::State::Events final : public Open {
 public:
  Events(State& all, Upgraded upgraded) : Open(all, std::move(upgraded)), progress_ms_(now()) {}

 protected:
  bool receive() RABT_REQUIRES(mutex_) override;
  bool write() RABT_REQUIRES(mutex_) override;
  std::optional<std::uint32_t> wanted() RABT_REQUIRES(mutex_) override;
  std::int64_t deadline() RABT_REQUIRES(mutex_) override;
  bool on_due(std::int64_t now) RABT_REQUIRES(mutex_) override;
  bool queue(std::string_view text) RABT_REQUIRES(mutex_) override;
  void queue_close(std::uint16_t code, std::string_view reason) RABT_REQUIRES(mutex_) override;

 private:
  std::string waiting_ RABT_GUARDED_BY(mutex_);
  // Bytes of waiting_ that have gone out.
  std::size_t gone_ RABT_GUARDED_BY(mutex_) = 0;
  // Time when bytes last went out, or when none waited.
  std::int64_t progress_ms_ RABT_GUARDED_BY(mutex_);
};

bool Sockets::State::Events::receive() {
  return drop_some(*io_);
}

bool Sockets::State::Events::write() {
  while (gone_ < waiting_.size()) {
    const auto step = io_->write(std::string_view(waiting_).substr(gone_));
    if (step.state == Transport::Step::State::closed) return false;
    if (step.state != Transport::Step::State::done) return true;
    gone_ += step.bytes;
    progress_ms_ = now();
  }
  waiting_.clear();
  gone_ = 0;
  return true;
}

std::optional<std::uint32_t> Sockets::State::Events::wanted() {
  if (!waiting_.empty()) return EPOLLIN | EPOLLOUT;
  if (closing_) return std::nullopt;
  return EPOLLIN;
}

std::int64_t Sockets::State::Events::deadline() {
  return progress_ms_ + (waiting_.empty() ? all_.options.comment_ms : all_.options.stall_ms);
}

bool Sockets::State::Events::on_due(std::int64_t now) {
  if (deadline() > now) return true;
  if (!waiting_.empty()) {
    ++all_.slow;
    return false;
  }
  waiting_ = ":\n\n";
  return true;
}

bool Sockets::State::Events::queue(std::string_view text) {
  if (waiting_.size() - gone_ + text.size() > all_.options.queue) return false;
  if (waiting_.empty()) progress_ms_ = now();
  waiting_.erase(0, std::exchange(gone_, 0));
  waiting_ += text;
  return true;
}

void Sockets::State::Events::queue_close(std::uint16_t code, std::string_view /*reason*/) {
  closing_ = true;
  // Whoever does not read would hold it for ever. A reader drops the part of an event.
  if (code == kCloseSlow) waiting_.clear();
  if (waiting_.empty()) gone_ = 0;
}

std::vector<std::shared_ptr<Sockets::State::Open>> Sockets::State::everybody() {
  const Lock lock(mutex);
  std::vector<std::shared_ptr<Open>> out;
  out.reserve(all.size());
  for (const auto& [key, open] : all) out.push_back(open);
  return out;
}

bool Sockets::State::adopt(const std::shared_ptr<Open>& open) {
  {
    const Lock lock(mutex);
    if (ended) return false;
    open->join();
    all[open.get()] = open;
    ++unfinished;
  }
  ++count;
  ++opened;
  open->begin();
  return true;
}

void Sockets::State::forget(Open& open) {
  std::shared_ptr<Open> gone;
  {
    const Lock lock(mutex);
    const auto found = all.find(&open);
    if (found == all.end()) return;
    gone = std::move(found->second);
    all.erase(found);
  }
  --count;
  gone->end();
}

Sockets::Sockets(SocketOptions options, Loop& loop, const Clock& clock, Logger& log)
    : state_(std::make_unique<State>(options, loop, clock, log)) {}

Sockets::~Sockets() {
  stop();
}

bool Sockets::has_room() const {
  return !state_->stopping && state_->count < static_cast<std::uint64_t>(state_->options.max);
}

bool Sockets::adopt(Upgraded upgraded) {
  return has_room() &&
         state_->adopt(std::make_shared<State::WebSocket>(*state_, std::move(upgraded)));
}

bool Sockets::adopt_events(Upgraded upgraded) {
  return has_room() && state_->adopt(std::make_shared<State::Events>(*state_, std::move(upgraded)));
}

void Sockets::stop() {
  State& state = *state_;
  if (state.stopping.exchange(true)) return;
  {
    const Lock lock(state.mutex);
    state.ended = true;
  }
  for (const auto& open : state.everybody()) {
    open->close(kCloseRestart, "the hub restarts");
    state.forget(*open);
  }
  Lock lock(state.mutex);
  state.finished.wait(lock, [&]() RABT_REQUIRES(state.mutex) { return state.unfinished == 0; });
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
