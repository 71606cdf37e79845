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
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <limits>
#include <mutex>
#include <set>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/request_head.hpp"

namespace rabt::http {

namespace {

constexpr int kMaxRequestsPerConnection =
    10'000;  // then the caller connects again; spreads callers over restarts
constexpr std::size_t kReadChunk = 16U << 10U;
constexpr std::size_t kMaxLinger =
    1U << 20U;  // bytes of a refused request read away so that the answer arrives
constexpr std::int64_t kLingerMs = 2'000;
constexpr int kBacklog = 512;
// A thread that has left Poco's dispatcher counts in the pool for a moment more; without spares a
// connection would wait for it.
constexpr int kSpareThreads = 16;
// Poco's dispatcher loses the stop signal of a thread that is about to wait; this bounds how long
// stop() waits for it.
constexpr Poco::Timespan::TimeDiff kIdleThreadUs = 250'000;

std::string http_date(Timestamp at) {
  const auto seconds = static_cast<std::time_t>(at.ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char out[64];
  std::snprintf(out, sizeof out, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// A caller's id goes into the log and into answers: only what looks as if a machine had drawn it, a
// UUID, a ULID or a trace id. A telephone number or a name is none of these.
bool is_request_id(std::string_view text) {
  const auto is_hex = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  };
  constexpr std::size_t kUuid = 36;
  constexpr std::size_t kTrace = 32;
  if (text.size() == kUuid) {
    for (std::size_t i = 0; i < kUuid; ++i) {
      const bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
      if (hyphen ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return true;
  }
  if (text.size() == kTrace) return std::all_of(text.begin(), text.end(), is_hex);
  return Ulid::parse(text).has_value();
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

// The head of an answer. Names that belong to the connection are ours alone.
std::string write_head(const Response& response, std::uint64_t length, std::string_view request_id,
                       bool keep_alive, Timestamp now) {
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " " +
                    std::string(reason_phrase(response.status)) + "\r\n";
  bool has_cache = false;
  for (const auto& [name, value] : response.headers) {
    const auto key = lower(name);
    if (key == "content-length" || key == "connection" || key == "transfer-encoding" ||
        key == "date" || key == "x-request-id" || key == "x-content-type-options" ||
        key == "server") {
      continue;
    }
    if (!is_token(name) || !is_field_value(value)) {
      RABT_BUG("a handler set a response header with invalid characters");
      continue;
    }
    has_cache = has_cache || key == "cache-control";
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (!has_cache) out += "Cache-Control: no-store\r\n";
  out += "X-Content-Type-Options: nosniff\r\nX-Request-Id: ";
  out.append(request_id).append("\r\nDate: ").append(http_date(now)).append("\r\n");
  if (response.status != 204 && response.status != 304)
    out += "Content-Length: " + std::to_string(length) + "\r\n";
  out += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
  return out;
}

bool wait_for(int fd, short events, std::int64_t ms) {
  pollfd entry{fd, events, 0};
  const auto limit = std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max());
  int ready = 0;
  do {
    ready = ::poll(&entry, 1, static_cast<int>(limit));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
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
  State(ServerOptions chosen, Handler serve, Logger& logger)
      : options(std::move(chosen)),
        handler(std::move(serve)),
        log(logger),
        pool(2, options.threads + kSpareThreads, 60) {}

  ServerOptions options;
  Handler handler;
  Logger& log;
  SystemClock clock;
  SystemRandom random;
  UlidSource ids{clock, random};

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> overloaded{0};
  std::atomic<std::uint64_t> failed{0};

  std::mutex mutex;    // guards open
  std::set<int> open;  // sockets of connections being served, so that stop() can end their reads

  Poco::ThreadPool pool;
  std::unique_ptr<Poco::Net::TCPServer> server;
  int port = 0;
  std::once_flag stopped;
};

namespace {

// One connection, confined to its thread.
class Connection final : public Poco::Net::TCPServerConnection {
 public:
  Connection(const Poco::Net::StreamSocket& socket, Server::State& state)
      : TCPServerConnection(socket), state_(state), fd_(socket.impl()->sockfd()) {}

  void run() override {
    {
      const std::scoped_lock lock(state_.mutex);
      state_.open.insert(fd_);
    }
    // stop() sets the flag before it looks at the set: either it finds this socket or we see the
    // flag.
    try {
      remote_ = socket().peerAddress().host().toString();
      for (int i = 0; i < kMaxRequestsPerConnection && !state_.stopping; ++i) {
        if (!serve_one(i + 1 == kMaxRequestsPerConnection)) break;
      }
    } catch (const std::exception&) {  // what() may hold request data
      state_.log.debug("http.connection", {{"remote", remote_}});
    }
    const std::scoped_lock lock(state_.mutex);
    state_.open.erase(fd_);
  }

 private:
  // Whether another request may follow.
  bool serve_one(bool last) {
    std::size_t scanned = 0;
    std::int64_t deadline = now() + state_.options.idle_timeout_ms;
    bool started = !buffer_.empty();
    if (started) deadline = now() + state_.options.head_timeout_ms;
    HeadScan scan;
    for (;;) {
      scan = scan_head(buffer_, scanned);
      if (scan.state != HeadScan::State::more) break;
      if (!read_some(deadline)) {
        if (!buffer_.empty()) {
          ++state_.truncated;
          if (!ended_)
            refuse({408, "http.head_timeout", "the request head did not arrive in time"});
        }
        return false;
      }
      if (!started) {
        started = true;
        deadline = now() + state_.options.head_timeout_ms;
      }
    }
    if (scan.state == HeadScan::State::refused) return refuse(scan.refusal);
    auto judged =
        parse_head(std::string_view(buffer_).substr(0, scan.size), state_.options.max_body);
    if (const auto* refusal = std::get_if<Refusal>(&judged)) return refuse(*refusal);
    auto& head = std::get<Head>(judged);
    buffer_.erase(0, scan.size);

    Request request{.method = std::move(head.method),
                    .target = std::move(head.target),
                    .path = std::move(head.path)};
    request.query = std::move(head.query);
    request.headers = std::move(head.headers);
    request.remote = remote_;
    const auto id = request.header("x-request-id");
    request.request_id = is_request_id(id) ? std::string(id) : state_.ids.next().text();
    if (!read_body(head, request.body)) return false;

    // Idle connections hold threads: when they run short, each caller may have one answer and
    // connects again.
    const int busy = state_.server->currentConnections() + state_.server->queuedConnections();
    bool keep_alive =
        head.keep_alive && !last && !state_.stopping && busy * 4 <= state_.options.threads * 3;
    ++state_.requests;
    Response response = call_handler(request);
    if (response.close) keep_alive = false;
    return write_response(response, request.method, request.request_id, keep_alive) && keep_alive;
  }

  Response call_handler(const Request& request) {
    try {
      return state_.handler(request);
    } catch (const std::exception&) {
      // what() may hold request data; the request id finds the place.
    } catch (...) {
    }
    ++state_.failed;
    state_.log.error("http.handler_threw",
                     {{"request_id", request.request_id}, {"method", request.method}});
    return problem(internal("http.internal", ""));
  }

  bool read_body(const Head& head, std::string& body) {
    const auto deadline = now() + state_.options.body_timeout_ms;
    if (head.expect_continue && buffer_.size() < head.content_length &&
        !send_all("HTTP/1.1 100 Continue\r\n\r\n"))
      return false;
    // Bytes past the body stay for the next request. Memory grows with what arrived, not with what
    // was announced.
    const auto first =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), head.content_length));
    body = buffer_.substr(0, first);
    buffer_.erase(0, first);
    while (body.size() < head.content_length) {
      const auto before = buffer_.size();
      if (!read_some(deadline)) {
        ++state_.truncated;
        state_.log.warn("http.body_truncated",
                        {{"remote", remote_},
                         {"expected", static_cast<std::int64_t>(head.content_length)},
                         {"received", static_cast<std::int64_t>(body.size())}});
        if (!ended_) refuse({408, "http.body_timeout", "the body did not arrive in time"});
        return false;
      }
      const auto take = static_cast<std::size_t>(
          std::min<std::uint64_t>(buffer_.size() - before, head.content_length - body.size()));
      body.append(buffer_, before, take);
      buffer_.erase(before, take);
    }
    return true;
  }

  // Appends to buffer_. False at the deadline, at the end of the stream (ended_) and on errors
  // (ended_).
  bool read_some(std::int64_t deadline) {
    const auto left = deadline - now();
    if (left <= 0 || !wait_for(fd_, POLLIN, left)) return false;
    char chunk[kReadChunk];
    const auto got = ::recv(fd_, chunk, sizeof chunk, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(chunk, static_cast<std::size_t>(got));
    return true;
  }

  bool send_all(std::string_view text) {
    while (!text.empty()) {
      if (!wait_for(fd_, POLLOUT, state_.options.write_timeout_ms)) return false;
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool write_response(Response& response, std::string_view method, std::string_view request_id,
                      bool keep_alive) {
    if (response.status < 200 || response.status > 599) {
      RABT_BUG("a handler returned a status outside 200 to 599");
      response = problem(internal("http.internal", ""));
    }
    set_instance(response, request_id);
    const std::uint64_t length = response.stream ? response.stream_length : response.body.size();
    std::string out = write_head(response, length, request_id, keep_alive, state_.clock.now());
    if (method == "HEAD" || response.status == 204 || response.status == 304) return send_all(out);
    if (!response.stream) {
      out += response.body;
      return send_all(out);
    }
    if (!send_all(out)) return false;
    std::uint64_t written = 0;
    bool whole = false;
    try {
      const auto status = response.stream([&](std::string_view piece) -> Status {
        if (piece.size() > length - written)
          return internal("http.stream", "more bytes than announced");
        if (!send_all(piece))
          return unavailable("http.caller_gone",
                             "the caller closed the connection or does not read");
        written += piece.size();
        return ok_status();
      });
      whole = status.ok() && written == length;
    } catch (...) {
      whole = false;
    }
    if (!whole) {
      ++state_.failed;
      state_.log.warn("http.stream_broken", {{"request_id", request_id}});
    }
    return whole;
  }

  // Always false: after a refusal nobody knows where the next request would start.
  bool refuse(const Refusal& refusal) {
    ++state_.refused;
    state_.log.debug("http.refused", {{"code", refusal.code}, {"remote", remote_}});
    Response response =
        problem(refusal.status, refusal.code, reason_phrase(refusal.status), refusal.detail);
    if (!write_response(response, "", state_.ids.next().text(), false)) return false;
    // Closing with unread bytes would send a reset, which can overtake the answer.
    ::shutdown(fd_, SHUT_WR);
    const auto deadline = now() + kLingerMs;
    for (std::size_t read = 0; read < kMaxLinger && !state_.stopping;) {
      buffer_.clear();
      if (!read_some(deadline)) break;
      read += buffer_.size();
    }
    return false;
  }

  [[nodiscard]] std::int64_t now() const { return state_.clock.monotonic_ms(); }

  Server::State& state_;
  int fd_;
  std::string remote_;
  std::string buffer_;  // arrived, not yet used
  bool ended_ = false;
};

class Factory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit Factory(Server::State& state) : state_(state) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new Connection(socket, state_);
  }

 private:
  Server::State& state_;
};

// Runs on the accepting thread: one connection too many is told so at once and costs no thread.
class Overload final : public Poco::Net::TCPServerConnectionFilter {
 public:
  explicit Overload(Server::State& state) : state_(state) {}
  bool accept(const Poco::Net::StreamSocket& socket) override {
    if (state_.server->currentConnections() + state_.server->queuedConnections() <
        state_.options.threads)
      return true;
    ++state_.overloaded;
    const auto id = state_.ids.next().text();
    auto response =
        problem(unavailable("http.overloaded", "all connections are in use; try again later"));
    set_instance(response, id);
    const auto text =
        write_head(response, response.body.size(), id, false, state_.clock.now()) + response.body;
    const int fd = socket.impl()->sockfd();
    char unread[kReadChunk];
    while (::recv(fd, unread, sizeof unread, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof unread)) {
    }
    (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(fd, SHUT_WR);
    return false;
  }

 private:
  Server::State& state_;
};

}  // namespace

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  stop();
}

Result<std::unique_ptr<Server>> Server::start(const ServerOptions& options, Handler handler,
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
  auto state = std::make_unique<State>(options, std::move(handler), log);
  const std::string where = options.address + " port " + std::to_string(options.port);
  try {
    Poco::Net::ServerSocket socket;
    // Without reusePort: two hubs on one port would share its callers silently.
    socket.bind(Poco::Net::SocketAddress(ip, static_cast<Poco::UInt16>(options.port)), true, false);
    socket.listen(kBacklog);
    state->port = socket.address().port();
    Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
    params->setMaxThreads(options.threads);
    params->setMaxQueued(options.threads);
    params->setThreadIdleTime(Poco::Timespan(kIdleThreadUs));
    state->server =
        std::make_unique<Poco::Net::TCPServer>(new Factory(*state), state->pool, socket, params);
    state->server->setConnectionFilter(new Overload(*state));
    state->server->start();
  } catch (const Poco::Exception& error) {
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
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

int Server::port() const {
  return state_->port;
}

void Server::stop() {
  std::call_once(state_->stopped, [this] {
    state_->stopping = true;
    state_->server->stop();
    {
      const std::scoped_lock lock(state_->mutex);
      for (const int fd : state_->open) ::shutdown(fd, SHUT_RD);
    }
    state_->pool.joinAll();
  });
}

Server::Stats Server::stats() const {
  return {state_->requests, state_->refused, state_->truncated, state_->overloaded, state_->failed};
}

}  // namespace rabt::http
