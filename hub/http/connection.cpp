#include "hub/http/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/http/answer_head.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/web_socket.hpp"

namespace rabt::http {

namespace {

// After this many requests the caller connects again, which spreads callers over restarts.
constexpr int kMaxRequestsPerConnection = 10'000;
constexpr std::size_t kReadChunk = 16U << 10U;
// Bytes of a refused request that are read away so that the answer arrives.
constexpr std::size_t kMaxLinger = 1U << 20U;
constexpr std::int64_t kLingerMs = 2'000;

// A caller's id goes into the log and into answers: only what looks as if a machine had drawn it, a
// UUID, a ULID or a trace id. A telephone number or a name is none of these.
bool is_request_id(std::string_view text) {
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

// Waits until the step can go on.
bool wait_for(int fd, Transport::Step step, std::int64_t ms) {
  const bool writes = step.state == Transport::Step::State::write;
  pollfd entry{fd, static_cast<short>(writes ? POLLOUT : POLLIN), 0};
  const auto limit = std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max());
  int ready = 0;
  do {
    ready = ::poll(&entry, 1, static_cast<int>(limit));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

bool BodyRoom::take(std::uint64_t size) {
  if (shared_.bodies.fetch_add(size) + size <= shared_.options.max_bodies) {
    taken_ += size;
    return true;
  }
  shared_.bodies -= size;
  return false;
}

void Connection::serve() {
  {
    const Lock lock(shared_.mutex);
    shared_.open.insert(fd_);
  }
  // stop() sets the flag before it looks at the set: either it finds this socket or this loop sees
  // the flag.
  try {
    const bool opened = open();
    for (int i = 0; opened && i < kMaxRequestsPerConnection && !shared_.stopping; ++i) {
      if (!serve_one(i + 1 == kMaxRequestsPerConnection)) break;
    }
  } catch (const std::exception&) {  // what() may hold request data
    shared_.log.debug("http.connection", {{"remote", peer_.address}});
  }
  const Lock lock(shared_.mutex);
  shared_.open.erase(fd_);
}

bool Connection::serve_one(bool last) {
  HeadScan scan;
  if (!read_head(scan)) return false;
  if (scan.state == HeadScan::State::refused) return refuse(scan.refusal);
  auto judged =
      parse_head(std::string_view(buffer_).substr(0, scan.size), shared_.options.max_body);
  if (const auto* refusal = std::get_if<Refusal>(&judged)) return refuse(*refusal);
  auto& head = std::get<RequestHead>(judged);
  buffer_.erase(0, scan.size);

  Request request{.method = std::move(head.method),
                  .target = std::move(head.target),
                  .path = std::move(head.path),
                  .query = std::move(head.query),
                  .headers = std::move(head.headers),
                  .remote = peer_.address,
                  .peer_uid = peer_.uid,
                  .http_1_1 = head.http_1_1};
  const auto id = request.header("x-request-id");
  request.request_id = is_request_id(id) ? std::string(id) : shared_.ids.next().text();
  // Idle connections hold threads: when threads run short, each caller may have one answer and
  // connects again.
  bool keep_alive = head.keep_alive && !last && !shared_.stopping &&
                    shared_.connections() * 4 <= shared_.options.threads * 3;
  Admission admission = admit(request);
  if (auto* refusal = std::get_if<Response>(&admission))
    return turn_away(head, request, *refusal, keep_alive);

  BodyRoom room(shared_);
  if (!read_body(head, room, request.body)) return false;
  ++shared_.requests;
  Response response = call(std::get<Handler>(admission), request);
  if (response.close) keep_alive = false;
  if (response.socket != nullptr) return upgrade(request, response);
  return write_response(response, request.method, request.request_id, keep_alive) && keep_alive;
}

// The connection leaves this thread: the socket is doubled, and Poco closes its own.
bool Connection::upgrade(const Request& request, Response& response) {
  const auto refuse_with = [&](int status, const Error& error) {
    Response refusal = problem(status, error.code, reason_phrase(status), error.message);
    if (status == 426) {
      refusal.headers.emplace_back("Upgrade", "websocket");
      refusal.headers.emplace_back("Sec-WebSocket-Version", "13");
    }
    if (write_response(refusal, request.method, request.request_id, false)) hang_up();
    return false;
  };
  const Status judged = judge_handshake(request);
  if (!judged.ok())
    return refuse_with(judged.error().code == "http.upgrade" ? 426 : 400, judged.error());
  if (!shared_.sockets.has_room()) {
    ++shared_.overloaded;
    return refuse_with(
        503, unavailable("http.overloaded", "too many sockets are open; try again later"));
  }
  Descriptor copy(::fcntl(fd_, F_DUPFD_CLOEXEC, 0));
  if (!copy.open())
    return refuse_with(503, unavailable("http.overloaded", "no descriptor is left"));
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key(request.header("sec-websocket-key")) + "\r\n";
  if (!response.subprotocol.empty())
    answer += "Sec-WebSocket-Protocol: " + response.subprotocol + "\r\n";
  answer += "X-Request-Id: " + request.request_id + "\r\n\r\n";
  if (!send_all(answer)) return false;
  io_->move_to(copy.get());
  // It is refused only when the hub stops in this moment: the caller connects again.
  (void)shared_.sockets.adopt(std::move(copy), std::move(io_), std::move(buffer_),
                              std::move(response.socket));
  buffer_.clear();
  return false;
}

bool Connection::read_head(HeadScan& scan) {
  std::size_t scanned = 0;
  bool started = !buffer_.empty();
  std::int64_t deadline =
      now() + (started ? shared_.options.head_timeout_ms : shared_.options.idle_timeout_ms);
  for (;;) {
    scan = scan_head(buffer_, scanned);
    if (scan.state != HeadScan::State::more) return true;
    if (!read_some(deadline)) break;
    if (!started) {
      started = true;
      deadline = now() + shared_.options.head_timeout_ms;
    }
  }
  if (!buffer_.empty()) {
    ++shared_.truncated;
    if (!ended_) refuse({408, "http.head_timeout", "the request head did not arrive in time"});
  }
  return false;
}

Admission Connection::admit(const Request& request) {
  try {
    return shared_.admit(request);
  } catch (...) {
    return threw(request);
  }
}

bool Connection::turn_away(const RequestHead& head, const Request& request, Response& response,
                           bool keep_alive) {
  ++shared_.requests;
  const bool arrived = head.content_length <= buffer_.size();
  if (arrived) buffer_.erase(0, static_cast<std::size_t>(head.content_length));
  keep_alive = keep_alive && arrived && !response.close;
  if (!write_response(response, request.method, request.request_id, keep_alive)) return false;
  if (!arrived) hang_up();
  return keep_alive;
}

Response Connection::call(const Handler& handler, const Request& request) {
  try {
    return handler(request);
  } catch (...) {
    return threw(request);
  }
}

// What an exception says may hold request data; the request id finds the place.
Response Connection::threw(const Request& request) {
  ++shared_.failed;
  shared_.log.error("http.handler_threw",
                    {{"request_id", request.request_id}, {"method", request.method}});
  return problem(internal("http.internal", ""));
}

bool Connection::read_body(const RequestHead& head, BodyRoom& room, std::string& body) {
  const auto deadline = now() + shared_.options.body_timeout_ms;
  const auto no_room = [&] {
    ++shared_.overloaded;
    return refuse(
        {503, "http.no_room", "the hub holds as many request bodies as it may; try again"});
  };
  if (head.expect_continue && buffer_.size() < head.content_length &&
      !send_all("HTTP/1.1 100 Continue\r\n\r\n"))
    return false;
  // Bytes past the body stay for the next request. Memory grows with what arrived, not with what
  // was announced.
  const auto first =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), head.content_length));
  if (!room.take(first)) return no_room();
  body = buffer_.substr(0, first);
  buffer_.erase(0, first);
  while (body.size() < head.content_length) {
    const auto before = buffer_.size();
    if (!read_some(deadline)) {
      ++shared_.truncated;
      shared_.log.warn("http.body_truncated",
                       {{"remote", peer_.address},
                        {"expected", static_cast<std::int64_t>(head.content_length)},
                        {"received", static_cast<std::int64_t>(body.size())}});
      if (!ended_) refuse({408, "http.body_timeout", "the body did not arrive in time"});
      return false;
    }
    const auto take = static_cast<std::size_t>(
        std::min<std::uint64_t>(buffer_.size() - before, head.content_length - body.size()));
    if (!room.take(take)) return no_room();
    body.append(buffer_, before, take);
    buffer_.erase(before, take);
  }
  return true;
}

bool Connection::open() {
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK) != 0) return false;
  if (shared_.options.tls == nullptr || peer_.uid) {
    io_ = plain_transport(fd_);
    return true;
  }
  auto session = shared_.options.tls->accept(fd_);
  if (!session.ok()) return false;
  io_ = tls_transport(fd_, *std::move(session));
  const auto deadline = now() + shared_.options.handshake_timeout_ms;
  for (;;) {
    const auto step = io_->begin();
    if (step.state == Transport::Step::State::done) return true;
    if (step.state == Transport::Step::State::closed || !wait_for(fd_, step, deadline - now())) {
      ++shared_.handshakes_failed;
      shared_.log.debug("http.handshake", {{"remote", peer_.address}});
      return false;
    }
  }
}

bool Connection::read_some(std::int64_t deadline) {
  char chunk[kReadChunk];
  for (;;) {
    const auto left = deadline - now();
    if (left <= 0) return false;
    const auto step = io_->read(chunk);
    if (step.state == Transport::Step::State::done) {
      buffer_.append(chunk, step.bytes);
      return true;
    }
    if (step.state == Transport::Step::State::closed) {
      ended_ = true;
      return false;
    }
    if (!wait_for(fd_, step, left)) return false;
  }
}

bool Connection::send_all(std::string_view text) {
  while (!text.empty()) {
    const auto step = io_->write(text);
    if (step.state == Transport::Step::State::done) {
      text.remove_prefix(step.bytes);
    } else if (step.state == Transport::Step::State::closed ||
               !wait_for(fd_, step, shared_.options.write_timeout_ms)) {
      return false;
    }
  }
  return true;
}

bool Connection::write_response(Response& response, std::string_view method,
                                std::string_view request_id, bool keep_alive) {
  if (response.status < 200 || response.status > 599) {
    RABT_BUG("a handler returned a status outside 200 to 599");
    response = problem(internal("http.internal", ""));
  }
  set_instance(response, request_id);
  const std::uint64_t length = response.stream ? response.stream_length : response.body.size();
  std::string out = write_head(response, length,
                               {.request_id = request_id,
                                .keep_alive = keep_alive,
                                .secure = shared_.options.tls != nullptr && !peer_.uid,
                                .now = shared_.clock.now()});
  if (method == "HEAD" || response.status == 204 || response.status == 304) return send_all(out);
  if (!response.stream) {
    out += response.body;
    return send_all(out);
  }
  return send_all(out) && write_stream(response, request_id);
}

bool Connection::write_stream(const Response& response, std::string_view request_id) {
  const std::uint64_t length = response.stream_length;
  std::uint64_t written = 0;
  bool whole = false;
  try {
    const auto status = response.stream([&](std::string_view piece) -> Status {
      if (piece.size() > length - written)
        return internal("http.stream", "more bytes than announced");
      if (!send_all(piece))
        return unavailable("http.caller_gone", "the caller closed the connection or does not read");
      written += piece.size();
      return ok_status();
    });
    whole = status.ok() && written == length;
  } catch (...) {
    whole = false;
  }
  if (!whole) {
    ++shared_.failed;
    shared_.log.warn("http.stream_broken", {{"request_id", request_id}});
  }
  return whole;
}

bool Connection::refuse(const Refusal& refusal) {
  ++shared_.refused;
  shared_.log.debug("http.refused", {{"code", refusal.code}, {"remote", peer_.address}});
  Response response =
      problem(refusal.status, refusal.code, reason_phrase(refusal.status), refusal.detail);
  if (write_response(response, "", shared_.ids.next().text(), false)) hang_up();
  return false;
}

void Connection::hang_up() {
  io_->end_sending();
  const auto deadline = now() + kLingerMs;
  for (std::size_t read = 0; read < kMaxLinger && !shared_.stopping;) {
    buffer_.clear();
    if (!read_some(deadline)) break;
    read += buffer_.size();
  }
}

}  // namespace rabt::http
