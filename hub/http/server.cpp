#include "hub/http/server.hpp"

#include <Poco/Net/IPAddress.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <mutex>

#include "hub/base/unix_path.hpp"
#include "hub/http/answer_head.hpp"
#include "hub/http/connection.hpp"
#include "hub/http/problem.hpp"

namespace rabt::http {

namespace {

constexpr int kBacklog = 1024;
// Connections that one event accepts, so that others come to their turn.
constexpr int kAcceptAtOnce = 64;
// Pause of a listener when no descriptor is left.
constexpr std::int64_t kRestMs = 100;
// Interval at which an idle listener looks for lines that the log left out.
constexpr std::int64_t kLookMs = 1'000;
// Descriptors that the rest of the process needs: the database, plugins, blobs.
constexpr int kOtherDescriptors = 512;
// Interval at which stop() looks for connections that wait.
constexpr std::int64_t kStopStepMs = 20;

// Address of the client. Nothing when the caller is gone.
std::optional<Peer> peer_of(int fd, const sockaddr_storage& address, socklen_t size) {
  if (address.ss_family == AF_UNIX) {
    ucred who{};
    socklen_t length = sizeof who;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0) return std::nullopt;
    return Peer{.address = "local", .uid = who.uid};
  }
  const auto ip =
      Poco::Net::SocketAddress(reinterpret_cast<const sockaddr*>(&address), size).host();
  Peer peer{.address = ip.toString()};
  if (ip.isLoopback()) return peer;
  const auto* bytes = static_cast<const char*>(ip.addr());
  // A network of 64 bits is what one caller of IPv6 has.
  constexpr std::size_t kNetwork = 8;
  const bool v4 = ip.family() == Poco::Net::AddressFamily::IPv4 || ip.isIPv4Mapped();
  peer.seat = v4 ? peer.address : std::string(bytes, kNetwork);
  return peer;
}

// Accepts the connections of one socket.
class Accepting final : public Loop::Watched, public std::enable_shared_from_this<Accepting> {
 public:
  Accepting(Shared& shared, const Poco::Net::ServerSocket& socket, Listener listener)
      : shared_(shared), socket_(socket), listener_(std::move(listener)) {
    socket_.setBlocking(false);
  }

  void begin() {
    id_ = shared_.loop.add(fd(), shared_from_this());
    arm();
  }

  void end() {
    shared_.loop.remove(id_, fd());
    // Another thread may be about to accept: the descriptor stays until nobody uses it.
    ::shutdown(fd(), SHUT_RDWR);
  }

  void on_ready(std::uint32_t /*events*/) override {
    shared_.refusals.tell_left_out();
    bool short_of_descriptors = false;
    for (int i = 0; i < kAcceptAtOnce && !shared_.stopping; ++i) {
      sockaddr_storage address{};
      socklen_t size = sizeof address;
      Descriptor one(::accept4(fd(), reinterpret_cast<sockaddr*>(&address), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!one.open()) {
        short_of_descriptors =
            errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (errno == ECONNABORTED || errno == EINTR) continue;
        break;
      }
      serve(std::move(one), address, size);
    }
    if (shared_.stopping) return;
    if (!short_of_descriptors) return arm();
    ++shared_.overloaded;
    shared_.log.warn("http.no_descriptor", {});
    shared_.loop.arm(id_, fd(), 0, shared_.clock.monotonic_ms() + kRestMs);
  }

 private:
  [[nodiscard]] int fd() const { return socket_.impl()->sockfd(); }
  void arm() { shared_.loop.arm(id_, fd(), EPOLLIN, shared_.clock.monotonic_ms() + kLookMs); }

  void serve(Descriptor descriptor, const sockaddr_storage& address, socklen_t size) {
    auto peer = peer_of(descriptor.get(), address, size);
    if (!peer) return;
    const auto& proxy = shared_.options.proxy;
    if (proxy != nullptr && proxy(peer->address)) peer->seat.clear();
    auto seat = shared_.seats.take(peer->seat);
    if (seat == nullptr) return turn_away(descriptor, peer->address);
    if (!peer->uid) {
      const int on = 1;
      (void)::setsockopt(descriptor.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    std::make_shared<Connection>(shared_, listener_, std::move(descriptor), *std::move(peer),
                                 std::move(seat))
        ->begin();
  }

  // One connection too many is told so at once.
  void turn_away(const Descriptor& descriptor, std::string_view address) {
    ++shared_.overloaded;
    // A handshake would cost what is short.
    if (listener_.tls != nullptr) return;
    const auto id = shared_.ids.next().text();
    auto response =
        problem(unavailable("http.overloaded", "all connections are in use; try again later"));
    // No request was read that could have a method.
    shared_.refusals.note(response, id, "", address);
    set_instance(response, id);
    const auto text =
        write_head(response, response.body.size(), {.request_id = id, .now = shared_.clock.now()}) +
        response.body;
    char unread[kReadChunk];
    while (::recv(descriptor.get(), unread, sizeof unread, MSG_DONTWAIT) ==
           static_cast<ssize_t>(sizeof unread)) {
    }
    (void)!::send(descriptor.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(descriptor.get(), SHUT_WR);
  }

  Shared& shared_;
  Poco::Net::ServerSocket socket_;
  const Listener listener_;
  Loop::Id id_ = 0;
};

// Returns the number of connections that fit into the descriptors that this process may open.
// Raises its limit as far as the system allows.
int connections_that_fit(int wanted, Logger& log) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const auto needed = static_cast<rlim_t>(wanted) + kOtherDescriptors;
  if (limit.rlim_cur < needed) {
    rlimit more = limit;
    more.rlim_cur = std::min(needed, limit.rlim_max);
    if (::setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
  }
  if (limit.rlim_cur >= needed) return wanted;
  // rabt serve refuses a limit that leaves none.
  const int some = std::max(static_cast<int>(limit.rlim_cur) - kOtherDescriptors, 1);
  log.warn("http.few_descriptors", {{"limit", static_cast<std::int64_t>(limit.rlim_cur)},
                                    {"connections", static_cast<std::int64_t>(some)}});
  return some;
}

Error cannot_listen(const Listener& listener, const Poco::Exception& error) {
  const std::string where = listener.address + " port " + std::to_string(listener.port);
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

// Memory of large bodies goes back to the system when it is let go. By itself the allocator learns
// from the first large block that is freed to keep such blocks in its heaps, one for each of many
// threads.
void return_large_blocks() {
  constexpr int kLarge = 1 << 20;
  (void)::mallopt(M_MMAP_THRESHOLD, kLarge);
}

Poco::Net::ServerSocket local_socket(const std::string& path) {
  (void)::unlink(path.c_str());
  const UnixPath name(path);
  Poco::Net::ServerSocket socket;
  socket.bind(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, name.name()), false);
  // No client can connect before listen().
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
  State(ServerOptions options, Logger& log) : shared(std::move(options), log) {}

  // Starts to accept what comes to this socket.
  void accept(const Poco::Net::ServerSocket& socket, Listener listener) {
    auto made = std::make_shared<Accepting>(shared, socket, std::move(listener));
    {
      const Lock lock(mutex);
      accepting.push_back(made);
    }
    made->begin();
  }

  Mutex mutex;
  // Their listeners outlive the connections.
  std::vector<std::shared_ptr<Accepting>> accepting RABT_GUARDED_BY(mutex);
  // Unix sockets, removed in the end.
  std::vector<std::string> local_paths RABT_GUARDED_BY(mutex);
  // Its threads use the listeners; destroyed before them.
  Shared shared;
  int port = 0;
  std::once_flag stopped;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Admit admit,
                                              Logger& log) {
  if (options.threads < 1 || options.threads > 4096)
    return invalid("http.options", "threads must be from 1 to 4096");
  return_large_blocks();
  ServerOptions chosen = options;
  chosen.max_connections = connections_that_fit(options.max_connections, log);
  std::unique_ptr<Server> server(new Server(std::make_unique<State>(std::move(chosen), log)));
  const Listener first{.address = options.address,
                       .port = options.port,
                       .tls = options.tls,
                       .admit = std::move(admit),
                       .word = options.word};
  RABT_TRY(port, server->listen(first));
  server->state_->port = port;
  return server;
}

Status Server::listen_locally(const std::string& path, Admit admit, Word word) {
  try {
    state_->accept(local_socket(path), {.admit = std::move(admit), .word = std::move(word)});
  } catch (const Poco::Exception& error) {
    return unavailable("http.bind",
                       "the socket " + path + " cannot be opened: " + error.displayText());
  }
  const Lock lock(state_->mutex);
  state_->local_paths.push_back(path);
  return ok_status();
}

Result<int> Server::listen(const Listener& listener) {
  Poco::Net::IPAddress ip;
  if (!Poco::Net::IPAddress::tryParse(listener.address, ip)) {
    return invalid("http.address", "\"" + listener.address +
                                       "\" is not an IP address; write 127.0.0.1, 0.0.0.0 or ::1");
  }
  if (listener.port < 0 || listener.port > 65535)
    return invalid("http.options",
                   "port " + std::to_string(listener.port) + " is not from 0 to 65535");
  try {
    Poco::Net::ServerSocket socket;
    // Without reusePort: two hubs on one port would share its callers silently.
    socket.bind(Poco::Net::SocketAddress(ip, static_cast<Poco::UInt16>(listener.port)), true,
                false);
    socket.listen(kBacklog);
    const int port = socket.address().port();
    state_->accept(socket, listener);
    return port;
  } catch (const Poco::Exception& error) {
    return cannot_listen(listener, error);
  }
}

int Server::port() const {
  return state_->port;
}

void Server::stop() {
  std::call_once(state_->stopped, [this] {
    Shared& shared = state_->shared;
    shared.stopping = true;
    {
      const Lock lock(state_->mutex);
      for (const auto& one : state_->accepting) one->end();
      for (const std::string& path : state_->local_paths) (void)::unlink(path.c_str());
    }
    shared.sockets.stop();
    // A connection that was about to wait when the first call came is met by the next.
    do {
      shared.loop.expire_all();
    } while (!shared.seats.wait_until_free(kStopStepMs));
    shared.loop.stop();
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
          .answers = shared.answers,
          .connections = static_cast<std::uint64_t>(shared.seats.taken()),
          .handshakes_failed = shared.handshakes_failed,
          .sockets = shared.sockets.stats().open,
          .slow_sockets = shared.sockets.stats().slow};
}

}  // namespace rabt::http
