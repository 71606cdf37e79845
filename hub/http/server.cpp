#include "hub/http/server.hpp"

#include <Poco/Net/IPAddress.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <Poco/ThreadPool.h>
#include <Poco/Timespan.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

#include "hub/base/unix_path.hpp"
#include "hub/http/answer_head.hpp"
#include "hub/http/connection.hpp"
#include "hub/http/problem.hpp"

namespace rabt::http {

namespace {

constexpr std::size_t kReadChunk = 16U << 10U;
constexpr int kBacklog = 512;
// A thread that has left Poco's dispatcher counts in the pool for a moment more; without spares a
// connection would wait for it.
constexpr int kSpareThreads = 16;
// Poco's dispatcher loses the stop signal of a thread that is about to wait; this bounds how long
// stop() waits for it.
constexpr Poco::Timespan::TimeDiff kIdleThreadUs = 250'000;

// Gives Poco's socket and thread to a Connection.
class ServedConnection final : public Poco::Net::TCPServerConnection {
 public:
  ServedConnection(const Poco::Net::StreamSocket& socket, Shared& shared)
      : TCPServerConnection(socket), shared_(shared) {}

  void run() override {
    Peer peer;
    const int fd = socket().impl()->sockfd();
    try {
      if (socket().address().family() == Poco::Net::SocketAddress::UNIX_LOCAL) {
        ucred who{};
        socklen_t size = sizeof who;
        if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
        peer = {.address = "local", .uid = who.uid};
      } else {
        peer.address = socket().peerAddress().host().toString();
      }
    } catch (const Poco::Exception&) {  // the caller is gone
      return;
    }
    Connection(shared_, fd, std::move(peer)).serve();
  }

 private:
  Shared& shared_;
};

class Factory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit Factory(Shared& shared) : shared_(shared) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new ServedConnection(socket, shared_);
  }

 private:
  Shared& shared_;
};

// Runs on the accepting thread: one connection too many is told so at once and costs no thread.
class Overload final : public Poco::Net::TCPServerConnectionFilter {
 public:
  explicit Overload(Shared& shared) : shared_(shared) {}
  bool accept(const Poco::Net::StreamSocket& socket) override {
    if (shared_.connections() < shared_.options.threads) return true;
    ++shared_.overloaded;
    // A handshake would cost what is short.
    if (shared_.options.tls != nullptr &&
        socket.address().family() != Poco::Net::SocketAddress::UNIX_LOCAL)
      return false;
    const auto id = shared_.ids.next().text();
    auto response =
        problem(unavailable("http.overloaded", "all connections are in use; try again later"));
    set_instance(response, id);
    const auto text =
        write_head(response, response.body.size(), {.request_id = id, .now = shared_.clock.now()}) +
        response.body;
    const int fd = socket.impl()->sockfd();
    char unread[kReadChunk];
    while (::recv(fd, unread, sizeof unread, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof unread)) {
    }
    (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(fd, SHUT_WR);
    return false;
  }

 private:
  Shared& shared_;
};

Error cannot_listen(const ServerOptions& options, const Poco::Exception& error) {
  const std::string where = options.address + " port " + std::to_string(options.port);
  if (error.code() == EADDRINUSE) {
    return unavailable(
        "http.port_in_use",
        where +
            " is in use by another program; stop it (ss -ltnp shows which) or set another port");
  }
  if (error.code() == EACCES) {
    return unavailable("http.bind", where +
                                        " may not be opened by this user; use a port from 1024 "
                                        "on, or grant CAP_NET_BIND_SERVICE");
  }
  return unavailable("http.bind", where + " cannot be opened: " + error.displayText());
}

Poco::Net::ServerSocket listen_locally(const std::string& path) {
  (void)::unlink(path.c_str());
  const UnixPath name(path);
  Poco::Net::ServerSocket socket;
  socket.bind(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, name.name()), false);
  // Nobody can connect before listen().
  if (::chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0)
    throw Poco::Net::NetException("its mode cannot be set", errno);
  socket.listen(kBacklog);
  return socket;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string_view> Request::only_header(std::string_view name) const {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : headers) {
    if (key != name) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

struct Server::State {
  State(ServerOptions options, Admit admit, Logger& log)
      : shared(std::move(options), std::move(admit), log),
        pool(2, shared.options.threads + kSpareThreads, 60) {}

  // The threads of the pool use it; destroyed after them.
  Shared shared;
  Poco::ThreadPool pool;
  std::unique_ptr<Poco::Net::TCPServer> server;
  // Serves the Unix socket. Null when there is none.
  std::unique_ptr<Poco::Net::TCPServer> local;
  int port = 0;
  std::once_flag stopped;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Admit admit,
                                              Logger& log) {
  Poco::Net::IPAddress ip;
  if (!Poco::Net::IPAddress::tryParse(options.address, ip)) {
    return invalid("http.address", "\"" + options.address +
                                       "\" is not an IP address; write 127.0.0.1, 0.0.0.0 or ::1");
  }
  if (options.port < 0 || options.port > 65535)
    return invalid("http.options",
                   "port " + std::to_string(options.port) + " is not from 0 to 65535");
  if (options.threads < 1 || options.threads > 4096)
    return invalid("http.options", "threads must be from 1 to 4096");
  auto state = std::make_unique<State>(options, std::move(admit), log);
  State& made = *state;
  try {
    Poco::Net::ServerSocket socket;
    // Without reusePort: two hubs on one port would share its callers silently.
    socket.bind(Poco::Net::SocketAddress(ip, static_cast<Poco::UInt16>(options.port)), true, false);
    socket.listen(kBacklog);
    made.port = socket.address().port();
    Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
    params->setMaxThreads(options.threads);
    params->setMaxQueued(options.threads);
    params->setThreadIdleTime(Poco::Timespan(kIdleThreadUs));
    made.server =
        std::make_unique<Poco::Net::TCPServer>(new Factory(made.shared), made.pool, socket, params);
    if (!options.unix_socket.empty()) {
      made.local = std::make_unique<Poco::Net::TCPServer>(
          new Factory(made.shared), made.pool, listen_locally(options.unix_socket), params);
    }
    made.shared.connections = [&made] {
      const auto of = [](const Poco::Net::TCPServer& one) {
        return one.currentConnections() + one.queuedConnections();
      };
      return of(*made.server) + (made.local == nullptr ? 0 : of(*made.local));
    };
    for (Poco::Net::TCPServer* one : {made.server.get(), made.local.get()}) {
      if (one == nullptr) continue;
      one->setConnectionFilter(new Overload(made.shared));
      one->start();
    }
  } catch (const Poco::Exception& error) {
    return cannot_listen(options, error);
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const {
  return state_->port;
}

void Server::stop() {
  std::call_once(state_->stopped, [this] {
    Shared& shared = state_->shared;
    shared.stopping = true;
    state_->server->stop();
    if (state_->local != nullptr) {
      state_->local->stop();
      (void)::unlink(shared.options.unix_socket.c_str());
    }
    {
      const Lock lock(shared.mutex);
      for (const int fd : shared.open) ::shutdown(fd, SHUT_RD);
    }
    state_->pool.joinAll();
    shared.sockets.stop();
  });
}

Server::Stats Server::stats() const {
  const Shared& shared = state_->shared;
  return {.requests = shared.requests,
          .refused = shared.refused,
          .truncated = shared.truncated,
          .overloaded = shared.overloaded,
          .failed = shared.failed,
          .bodies = shared.bodies,
          .handshakes_failed = shared.handshakes_failed,
          .sockets = shared.sockets.stats().open,
          .slow_sockets = shared.sockets.stats().slow};
}

}  // namespace rabt::http
