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
#include "hub/crypto/tls_server.hpp"
#include "hub/http/transport.hpp"

namespace rabt::http {

namespace {

using Clock = std::chrono::steady_clock;
using State = crypto::TlsStep::State;

constexpr std::size_t kChunk = 16'384;
constexpr char kFrameEnd[] = {mllp::kEnd, mllp::kAfter};

}  // namespace

struct MllpListener::State {
  State(MllpOptions given, TakeMessage taker, Logger& logger)
      : options(std::move(given)), take(std::move(taker)), log(logger) {}

  // A connection and its thread.
  struct Connection {
    Poco::Net::StreamSocket socket;
    std::string address;
    std::thread thread;
    // Under the mutex of the listener. Its socket is closed then.
    bool over = false;
  };

  void run();
  void serve(Connection& connection);
  void close_ended();
  void refused(const std::string& address, std::string_view why) {
    log.warn("mllp.refused", {{"address", address}, {"why", why}});
  }

  // Constant after start().
  const MllpOptions options;
  const TakeMessage take;
  Logger& log;
  Poco::Net::ServerSocket listener;

  std::atomic<bool> stopping{false};
  Mutex mutex;
  std::list<Connection> connections RABT_GUARDED_BY(mutex);
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
  // The next message; nothing at the end of the connection. why: what was wrong, or "".
  std::optional<std::string> read(std::string& why) {
    auto deadline = after(options_.idle_ms);
    for (std::size_t seen = 0;;) {
      // Line ends between frames do no harm.
      const auto begin = buffer_.find_first_not_of("\r\n");
      if (seen == 0 && begin != 0) buffer_.erase(0, begin);
      if (!buffer_.empty() && buffer_.front() != mllp::kBegin) {
        why = "no frame";
        return std::nullopt;
      }
      const auto end = buffer_.find(std::string_view(kFrameEnd, sizeof kFrameEnd), seen);
      // The frame's last byte may still be on its way.
      if (std::min(end, buffer_.empty() ? 0 : buffer_.size() - 1) > options_.max_message + 1) {
        why = "too long";
        return std::nullopt;
      }
      if (end != std::string::npos) {
        std::string message = buffer_.substr(1, end - 1);
        buffer_.erase(0, end + sizeof kFrameEnd);
        return message;
      }
      if (seen == 0 && !buffer_.empty()) deadline = after(options_.slow_ms);
      seen = buffer_.empty() ? 0 : buffer_.size() - 1;
      char piece[kChunk];
      std::size_t came = 0;
      if (!step(
              [&] {
                const auto did = transport_->read(piece);
                came = did.bytes;
                return did;
              },
              deadline)) {
        if (!buffer_.empty()) why = "cut off";
        return std::nullopt;
      }
      buffer_.append(piece, came);
    }
  }
  void end() { transport_->end_sending(); }
  [[nodiscard]] const Transport& transport() const { return *transport_; }

 private:
  static Clock::time_point after(std::int64_t ms) {
    return Clock::now() + std::chrono::milliseconds(ms);
  }
  template <class Step>
  bool step(Step once, std::int64_t ms) {
    return step(once, after(ms));
  }
  // Until it is done: false when the connection is over, or the time.
  template <class Step>
  bool step(Step once, Clock::time_point deadline) {
    for (;;) {
      const auto did = once();
      if (did.state == State::done) return true;
      if (did.state == State::closed) return false;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      pollfd one{fd_, static_cast<short>(did.state == State::read ? POLLIN : POLLOUT), 0};
      if (::poll(&one, 1, static_cast<int>(left)) == 0) return false;
    }
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
  while (const auto message = line.read(why)) {
    const auto answer = take(*message, connection.address);
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
      if (connections.size() >= options.max_connections) {
        refused(address, "too many connections");
        continue;
      }
      Connection& connection = connections.emplace_back();
      connection.socket = socket;
      connection.address = address;
      connection.thread = std::thread([this, &connection] {
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
    // What is being taken is answered; then the reader finds the end.
    for (State::Connection& one : open) {
      if (!one.over) ::shutdown(one.socket.impl()->sockfd(), SHUT_RD);
    }
  }
  for (State::Connection& one : open) one.thread.join();
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
  state->accepting = std::thread([&running] { running.run(); });
  return std::unique_ptr<MllpListener>(new MllpListener(std::move(state)));
}

int MllpListener::port() const {
  return state_->listener.address().port();
}

}  // namespace rabt::http
