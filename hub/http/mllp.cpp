#include "hub/http/mllp.hpp"

#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <thread>
#include <utility>

#include "hub/base/mllp.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/start_thread.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/transport.hpp"

namespace rabt::http {

namespace {

using SteadyClock = std::chrono::steady_clock;
using State = crypto::TlsStep::State;

constexpr std::size_t kChunk = 16'384;
// Time for a frame after bytes that belong to none, and for the byte after kEnd.
constexpr std::int64_t kMaxNoiseMs = 5'000;
constexpr std::int64_t kMaxEndMs = 1'000;
// Lines mllp.refused of a second.
constexpr std::int64_t kMostLines = 20;
// No place is taken from a connection that brought a message within this time.
constexpr std::int64_t kSilentMs = 1'000;
constexpr std::int64_t kTaking = -1;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             SteadyClock::now().time_since_epoch())
      .count();
}

}  // namespace

struct MllpListener::State {
  State(MllpOptions given, TakeMessage taker, Logger& logger)
      : options(std::move(given)), take(std::move(taker)), log(logger) {}

  // A connection and its thread.
  struct Connection {
    Poco::Net::StreamSocket socket;
    std::string address;
    std::thread thread;
    // Since when it has brought no message; unset while one of it is taken.
    std::atomic<std::int64_t> silent_since_ms{0};
    // Under the mutex of the listener. Its socket is closed then.
    bool over = false;
  };

  void run();
  void serve(Connection& connection);
  void close_ended();
  // A connection that is silent makes room for another: of the same address if that has its part.
  bool has_room(const std::string& address) RABT_REQUIRES(mutex);
  // A flood of connections is no flood of log lines.
  void refused(const std::string& address, std::string_view why);

  // Constant after start().
  const MllpOptions options;
  const TakeMessage take;
  Logger& log;
  Poco::Net::ServerSocket listener;

  std::atomic<bool> stopping{false};
  Mutex mutex;
  std::list<Connection> connections RABT_GUARDED_BY(mutex);
  std::atomic<std::int64_t> second{0};
  std::atomic<std::int64_t> lines{0};
  std::thread accepting;
};

namespace {

// One connection's bytes, with limits in time.
class Line {
 public:
  Line(const MllpOptions& options, int fd, std::unique_ptr<Transport> transport)
      : options_(options), fd_(fd), transport_(std::move(transport)) {}

  bool handshake() {
    return step([&] { return transport_->begin(); }, options_.slow_ms);
  }
  bool write(std::string_view text) {
    while (!text.empty()) {
      std::size_t written = 0;
      if (!step(
              [&] {
                const auto did = transport_->write(text);
                written = did.bytes;
                return did;
              },
              options_.slow_ms))
        return false;
      text.remove_prefix(written);
    }
    return true;
  }
  // The next message; nothing at the end of the connection. why: what was wrong, or "". Skips bytes
  // before the frame, and frames without an end, for each of which it calls `lost`.
  template <class Lost>
  std::optional<std::string> read(std::string& why, const Lost& lost) {
    auto deadline = after(options_.idle_ms);
    std::size_t skipped = 0;
    std::size_t from = 1;  // what stands before holds no end of the message
    bool begun = false;
    for (;;) {
      if (!begun) {
        const auto begin = std::min(buffer_.find(mllp::kBegin), buffer_.size());
        const std::string_view noise = std::string_view(buffer_).substr(0, begin);
        const bool strange = noise.find_first_not_of("\r\n") != std::string_view::npos;
        if (strange && skipped == 0) deadline = after(std::min(options_.slow_ms, kMaxNoiseMs));
        if (strange || skipped > 0) skipped += begin;
        buffer_.erase(0, begin);
        if (skipped > mllp::kMaxBetween) {
          why = "no frame";
          return std::nullopt;
        }
        begun = !buffer_.empty();
        if (begun) deadline = after(options_.slow_ms);
      }
      const Ending end = begun ? ending(from) : Ending{};
      if (const auto next = next_head(from, end); begun && next != std::string::npos) {
        lost();
        buffer_.erase(0, next);
        deadline = after(options_.slow_ms);
        from = 1;
        continue;
      }
      if (end.state != Ending::none && end.at > options_.max_message + 1) {
        why = "too long";
        return std::nullopt;
      }
      if (end.state == Ending::whole) return take(end);
      // The frame's last byte may still be on its way.
      if (buffer_.size() > options_.max_message + 2 + mllp::kMaxBetween) {
        why = "too long";
        return std::nullopt;
      }
      if (begun)
        from = std::max<std::size_t>(1, end.state == Ending::open ? end.at : buffer_.size());
      char piece[kChunk];
      std::size_t came = 0;
      if (!step(
              [&] {
                const auto did = transport_->read(piece);
                came = did.bytes;
                return did;
              },
              end.state == Ending::open ? std::min(deadline, after(kMaxEndMs)) : deadline)) {
        // The whole of the last segment is there: only the byte after the frame is missing.
        if (end.state == Ending::open && buffer_[end.at - 1] == '\r') return take(end);
        if (!buffer_.empty()) why = "cut off";
        if (skipped > 0 && !begun) why = "no frame";
        return std::nullopt;
      }
      buffer_.append(piece, came);
    }
  }
  void end() { transport_->end_sending(); }
  [[nodiscard]] const Transport& transport() const { return *transport_; }

 private:
  static SteadyClock::time_point after(std::int64_t ms) {
    return SteadyClock::now() + std::chrono::milliseconds(ms);
  }
  template <class Step>
  bool step(Step once, std::int64_t ms) {
    return step(once, after(ms));
  }
  // Until it is done: false when the connection is over, or the time.
  template <class Step>
  bool step(Step once, SteadyClock::time_point deadline) {
    for (;;) {
      const auto did = once();
      if (did.state == State::done) return true;
      if (did.state == State::closed) return false;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now())
              .count();
      if (left <= 0) return false;
      pollfd one{fd_, static_cast<short>(did.state == State::read ? POLLIN : POLLOUT), 0};
      if (::poll(&one, 1, static_cast<int>(left)) == 0) return false;
    }
  }

  // End of the message that the buffer begins with: the place of kEnd, and of the first byte behind
  // the frame. open: the byte behind kEnd is missing, or is another one and no frame has come yet.
  struct Ending {
    enum State : std::uint8_t { none, open, whole } state = none;
    std::size_t at = 0;
    std::size_t next = 0;
  };
  // kEnd without kAfter ends a message where the next frame begins; a kEnd anywhere else is text.
  [[nodiscard]] Ending ending(std::size_t from) const {
    static constexpr char kMarks[] = {mllp::kBegin, mllp::kEnd};
    static constexpr std::string_view kHead = "MSH";
    for (auto at = buffer_.find(mllp::kEnd, from); at != std::string::npos;
         at = buffer_.find(mllp::kEnd, at + 1)) {
      if (at + 1 < buffer_.size() && buffer_[at + 1] == mllp::kAfter)
        return {Ending::whole, at, at + 2};
      const auto next = std::min(
          buffer_.find_first_of(std::string_view(kMarks, sizeof kMarks), at + 1), buffer_.size());
      if (next - at > mllp::kMaxBetween) continue;
      if (next == buffer_.size()) return {Ending::open, at, next};
      const std::string_view head = std::string_view(buffer_).substr(next + 1, kHead.size());
      if (buffer_[next] != mllp::kBegin || !kHead.starts_with(head)) continue;
      return {head == kHead ? Ending::whole : Ending::open, at, next};
    }
    return {};
  }
  // Place of the frame that begins within the message, which has no end then: its sender repeats
  // it, because nothing answers it. A kBegin before anything else than a head is text.
  [[nodiscard]] std::size_t next_head(std::size_t from, const Ending& end) const {
    static constexpr std::string_view kFrame = "\x0bMSH";
    // The head may have begun among the bytes that were looked at.
    const std::size_t first = from > kFrame.size() ? from - kFrame.size() : 1;
    const std::size_t at = buffer_.find(kFrame, first);
    return end.state == Ending::none || at < end.at ? at : std::string::npos;
  }
  std::string take(const Ending& end) {
    std::string message = buffer_.substr(1, end.at - 1);
    buffer_.erase(0, end.next);
    return message;
  }

  const MllpOptions& options_;
  const int fd_;
  std::unique_ptr<Transport> transport_;
  std::string buffer_;
};

bool is_named(const MllpOptions& options, const Transport& transport) {
  if (options.names.empty()) return true;
  const auto certificate = transport.peer_certificate();
  return certificate != nullptr &&
         std::any_of(options.names.begin(), options.names.end(), [&](const std::string& name) {
           const auto& dns = certificate->dns;
           return std::find(dns.begin(), dns.end(), name) != dns.end();
         });
}

}  // namespace

void MllpListener::State::serve(Connection& connection) {
  const int fd = connection.socket.impl()->sockfd();
  std::unique_ptr<Transport> transport;
  if (options.tls == nullptr) {
    transport = plain_transport(fd);
  } else {
    auto session = options.tls->accept(fd);
    if (!session.ok()) return refused(connection.address, session.error().code);
    transport = tls_transport(fd, *std::move(session));
  }
  Line line(options, fd, std::move(transport));
  if (!line.handshake()) return refused(connection.address, "handshake");
  if (!is_named(options, line.transport()))
    return refused(connection.address, "name of the certificate");
  std::string why;
  const auto lost = [&] { refused(connection.address, "frame without an end"); };
  while (const auto message = line.read(why, lost)) {
    connection.silent_since_ms = kTaking;
    const auto answer = take(*message, connection.address);
    connection.silent_since_ms = now_ms();
    if (!answer) break;
    if (!answer->empty() && !line.write(mllp::frame(*answer))) {
      why = "answer not taken";
      break;
    }
  }
  if (!why.empty()) refused(connection.address, why);
  line.end();
}

void MllpListener::State::close_ended() {
  const Lock lock(mutex);
  for (auto one = connections.begin(); one != connections.end();) {
    if (!one->over) {
      ++one;
      continue;
    }
    one->thread.join();
    one = connections.erase(one);
  }
}

void MllpListener::State::refused(const std::string& address, std::string_view why) {
  const std::int64_t is = now_ms() / 1000;
  if (second.exchange(is) != is) lines = 0;
  if (const auto said = ++lines; said < kMostLines) {
    log.warn("mllp.refused", {{"address", address}, {"why", why}});
  } else if (said == kMostLines) {
    log.warn("mllp.refused", {{"address", address}, {"why", "and more within this second"}});
  }
}

bool MllpListener::State::has_room(const std::string& address) {
  std::size_t open = 0;
  std::size_t of_address = 0;
  for (const Connection& one : connections) {
    if (one.over) continue;
    ++open;
    if (one.address == address) ++of_address;
  }
  const bool has_its_part = of_address >= (options.max_connections * 3 + 3) / 4;
  if (!has_its_part && open < options.max_connections) return true;
  Connection* longest = nullptr;
  for (Connection& connection : connections) {
    const std::int64_t since = connection.silent_since_ms;
    if (connection.over || since == kTaking || now_ms() - since < kSilentMs) continue;
    if (has_its_part && connection.address != address) continue;
    if (longest == nullptr || since < longest->silent_since_ms) longest = &connection;
  }
  if (longest == nullptr) return false;
  refused(longest->address, "silent, and another needs its place");
  // Its thread finds the end.
  ::shutdown(longest->socket.impl()->sockfd(), SHUT_RDWR);
  longest->silent_since_ms = kTaking;
  return true;
}

void MllpListener::State::run() {
  while (!stopping) {
    try {
      Poco::Net::SocketAddress from;
      Poco::Net::StreamSocket socket = listener.acceptConnection(from);
      close_ended();
      const std::string address = from.host().toString();
      if (options.allowed && !options.allowed(address)) {
        refused(address, "address");
        continue;
      }
      socket.setBlocking(false);
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
      const Lock lock(mutex);
      if (stopping) return;
      if (!has_room(address)) {
        refused(address, "too many connections");
        continue;
      }
      Connection& connection = connections.emplace_back();
      connection.silent_since_ms = now_ms();
      connection.socket = socket;
      connection.address = address;
      auto thread = start_thread([this, &connection] {
        try {
          serve(connection);
        } catch (const std::exception&) {
          log.error("mllp.failed", {{"address", connection.address}});
        }
        // With what was not read thrown away, the other end learns at once that it is over.
        const Lock ending(mutex);
        connection.socket.close();
        connection.over = true;
      });
      if (thread.ok()) {
        connection.thread = *std::move(thread);
        continue;
      }
      connections.pop_back();
      refused(address, "no thread is left for it");
    } catch (const Poco::Exception&) {
      if (stopping) return;
      // No descriptor is left, or the caller is gone again.
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

MllpListener::MllpListener(std::unique_ptr<State> state) : state_(std::move(state)) {}

MllpListener::~MllpListener() {
  state_->stopping = true;
  ::shutdown(state_->listener.impl()->sockfd(), SHUT_RDWR);
  state_->accepting.join();
  std::list<State::Connection> open;
  {
    const Lock lock(state_->mutex);
    open.swap(state_->connections);
    // A message that is being received is answered; then the reader finds the end.
    for (State::Connection& one : open) {
      if (!one.over) ::shutdown(one.socket.impl()->sockfd(), SHUT_RD);
    }
  }
  for (State::Connection& connection : open) connection.thread.join();
}

Result<std::unique_ptr<MllpListener>> MllpListener::start(MllpOptions options, TakeMessage take,
                                                          Logger& log) {
  Poco::Net::IPAddress ip;
  if (!Poco::Net::IPAddress::tryParse(options.address, ip))
    return invalid("http.address", "\"" + options.address + "\" is not an IP address");
  const std::string where = options.address + " port " + std::to_string(options.port);
  auto state = std::make_unique<State>(std::move(options), std::move(take), log);
  try {
    const auto port = static_cast<Poco::UInt16>(state->options.port);
    state->listener.bind(Poco::Net::SocketAddress(ip, port), true, false);
    state->listener.listen(64);
  } catch (const Poco::Exception& error) {
    return unavailable("http.bind", where + " cannot be opened: " + error.displayText());
  }
  State& running = *state;
  RABT_TRY(accepting, start_thread([&running] { running.run(); }));
  state->accepting = std::move(accepting);
  return std::unique_ptr<MllpListener>(new MllpListener(std::move(state)));
}

int MllpListener::port() const {
  return state_->listener.address().port();
}

}  // namespace rabt::http
