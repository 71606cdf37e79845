#include "hub/http/connection.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
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
// So long the rest of a refused request is thrown away so that the answer arrives.
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::size_t kLingerPiece = 64U << 10U;
// The time that a body has: a start, and one second for each piece.
constexpr std::int64_t kBodyStartMs = 10'000;
constexpr std::uint64_t kBodyPiece = 16U << 10U;
// The first room that a body takes, unless it is smaller.
constexpr std::uint64_t kBodyStep = 64U << 10U;
// Bytes given to a sink at once; one read of the socket more may be held.
constexpr std::uint64_t kSinkPiece = 128U << 10U;
// A caller takes an answer no slower than this, after the first half minute.
constexpr std::int64_t kSlowStreamMs = 30'000;
constexpr std::int64_t kStreamBytesPerMs = 8;
constexpr std::string_view kNoRoom = "the hub holds as many request bodies as it may; try again";

bool is_slow(std::uint64_t taken, std::int64_t ms) {
  const std::int64_t slow = ms - kSlowStreamMs;
  return slow > 0 && static_cast<std::int64_t>(taken) < slow * kStreamBytesPerMs;
}

// OPTIONS *: of the server as a whole (RFC 9110 section 9.3.7).
Response answer_of_server() {
  return {.status = 204, .headers = {{"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}}};
}

}  // namespace

std::shared_ptr<void> Seats::take(const std::string& address) {
  const Lock lock(mutex_);
  if (taken_ >= max_) return nullptr;
  if (!address.empty()) {
    int& of = of_[address];
    if (of >= per_address_) return nullptr;
    ++of;
  }
  ++taken_;
  return {this, [this, address](void*) { give_back(address); }};
}

void Seats::give_back(const std::string& address) {
  const Lock lock(mutex_);
  --taken_;
  if (!address.empty()) {
    const auto found = of_.find(address);
    if (--found->second == 0) of_.erase(found);
  }
  if (taken_ == 0) freed_.notify_all();
}

bool Seats::wait_until_free(std::int64_t ms) {
  Lock lock(mutex_);
  return freed_.wait_for(lock, std::chrono::milliseconds(ms), [&] { return taken_ == 0; });
}

bool Room::take(std::uint64_t size) {
  if (of_all_.fetch_add(size) + size <= most_) {
    taken_ += size;
    return true;
  }
  of_all_ -= size;
  return false;
}

void Room::add(std::uint64_t size) {
  of_all_ += size;
  taken_ += size;
}

Connection::Connection(Shared& shared, const Listener& listener, Descriptor socket, Peer peer,
                       std::shared_ptr<void> seat)
    : shared_(shared),
      listener_(listener),
      socket_(std::move(socket)),
      peer_(std::move(peer)),
      seat_(std::move(seat)) {}

void Connection::begin() {
  if (listener_.tls == nullptr) {
    io_ = plain_transport(socket_.get());
    start_head();
  } else {
    auto session = listener_.tls->accept(socket_.get());
    if (!session.ok()) return;
    io_ = tls_transport(socket_.get(), *std::move(session));
    state_ = State::handshake;
    deadline_ = now() + shared_.options.handshake_timeout_ms;
  }
  id_ = shared_.loop.add(socket_.get(), shared_from_this());
  arm(EPOLLIN);
}

void Connection::on_ready(std::uint32_t events) {
  try {
    wait_for(events == 0 ? on_deadline() : step(), false);
  } catch (const std::exception&) {  // what() may hold request data
    shared_.log.debug("http.connection", {{"remote", peer_.address}});
    end();
  }
}

void Connection::arm(std::uint32_t events) {
  shared_.loop.arm(id_, socket_.get(), events, deadline_);
}

void Connection::end() {
  state_ = State::over;
  drop_sink();
  out_ = {};
  answer_room_.reset();
  held_.reset();
  shared_.loop.remove(id_, socket_.get());
}

void Connection::wait_for(Need need, bool in_lane) {
  const auto self = shared_from_this();
  switch (need) {
    case Need::read:
      return arm(EPOLLIN);
    case Need::write:
      return arm(EPOLLOUT);
    case Need::handshake:
      return shared_.loop.run(Lane::handshake, [self](Loop::Turn /*now*/) { self->shake(); });
    case Need::work: {
      const Lane in = lane();
      auto work = [self, in](Loop::Turn turn) { self->work(turn, in); };
      return in_lane ? Loop::follow(in, std::move(work), share())
                     : shared_.loop.run(in, std::move(work), share());
    }
    case Need::stream:
      return shared_.loop.post(
          Lane::stream, [self](Loop::Turn /*now*/) { self->write_stream(); }, streams_);
    case Need::end:
      return end();
  }
}

Connection::Need Connection::step() {
  for (;;) {
    std::optional<Need> need;
    switch (state_) {
      case State::handshake:
        return Need::handshake;
      case State::head:
        need = read_head();
        break;
      case State::body:
        need = read_body();
        break;
      case State::admit:
      case State::feed:
      case State::call:
        return Need::work;
      case State::writing:
        need = write_out();
        break;
      case State::lingering:
        return linger();
      case State::over:
        return Need::end;
    }
    if (need) return *need;
  }
}

void Connection::shake() {
  Need need = Need::end;
  try {
    const auto step = io_->begin();
    switch (step.state) {
      case Transport::Step::State::done:
        certificate_ = io_->peer_certificate();
        server_name_ = io_->server_name();
        start_head();
        need = Need::read;
        break;
      case Transport::Step::State::read:
        need = Need::read;
        break;
      case Transport::Step::State::write:
        need = Need::write;
        break;
      case Transport::Step::State::closed:
        ++shared_.handshakes_failed;
        shared_.log.debug("http.handshake", {{"remote", peer_.address}});
        break;
    }
  } catch (const std::exception&) {
    need = Need::end;
  }
  wait_for(need, true);
}

Lane Connection::lane() const {
  if (state_ != State::admit) return lane_;
  return request_.may_wait ? Lane::outside : Lane::head;
}

Share Connection::share() const {
  return state_ == State::admit && !request_.may_wait ? Share{} : share_;
}

void Connection::work(Loop::Turn turn, Lane in) {
  const bool late = turn != Loop::Turn::now;
  try {
    Need need = Need::work;
    // The pieces of a body are one piece of work.
    while (need == Need::work && (lane() == in || late)) {
      judge(turn);
      need = step();
    }
    wait_for(need, !late);
  } catch (const std::exception&) {  // what() may hold request data
    shared_.log.debug("http.connection", {{"remote", peer_.address}});
    end();
  }
}

void Connection::start_head() {
  state_ = State::head;
  scanned_ = 0;
  // A connection that waits for its next request holds little memory.
  request_ = {};
  if (buffer_.empty()) buffer_ = {};
  const auto& options = shared_.options;
  const bool few = shared_.seats.taken() * 4 < shared_.seats.max();
  deadline_ =
      now() + (buffer_.empty() ? options.idle_timeout_ms * (few ? 4 : 1) : options.head_timeout_ms);
}

std::optional<Connection::Need> Connection::read_head() {
  for (;;) {
    HeadScan scan = scan_head(buffer_, scanned_);
    if (scan.state == HeadScan::State::refused) {
      refuse(scan.refusal, std::string(target_in(buffer_)));
      return std::nullopt;
    }
    if (scan.state == HeadScan::State::complete) {
      const auto& options = shared_.options;
      auto judged = parse_head(std::string_view(buffer_).substr(0, scan.size),
                               std::max(options.max_body, options.max_streamed_body));
      if (const auto* refusal = std::get_if<Refusal>(&judged)) {
        std::string target(target_in(std::string_view(buffer_).substr(0, scan.size)));
        buffer_.erase(0, scan.size);
        refuse(*refusal, std::move(target));
      } else {
        buffer_.erase(0, scan.size);
        take_request(std::move(std::get<RequestHead>(judged)));
      }
      return std::nullopt;
    }
    const bool started = !buffer_.empty();
    if (!started && shared_.stopping) return Need::end;
    switch (read_some()) {
      case Transport::Step::State::done:
        if (!started) deadline_ = now() + shared_.options.head_timeout_ms;
        break;
      case Transport::Step::State::read:
        return Need::read;
      case Transport::Step::State::write:
        return Need::write;
      case Transport::Step::State::closed:
        if (started) ++shared_.truncated;
        return Need::end;
    }
  }
}

void Connection::take_request(RequestHead head) {
  const bool only_head = head.method == "HEAD";
  request_ = {.method = only_head ? "GET" : std::move(head.method),
              .target = std::move(head.target),
              .path = std::move(head.path),
              .query = std::move(head.query),
              .headers = std::move(head.headers),
              .length = head.chunked ? kUnknownLength : head.content_length,
              .remote = peer_.address,
              .peer_uid = peer_.uid,
              .server_name = server_name_,
              .peer_certificate = certificate_,
              .kept = kept_,
              .http_1_1 = head.http_1_1,
              .only_head = only_head,
              .may_wait = false};
  // Any client can send a proxy's certificate headers, so they are removed.
  std::erase_if(request_.headers, [](const auto& header) {
    return header.first == "client-cert" || header.first == "client-cert-chain";
  });
  request_.request_id = shared_.ids.next().text();
  length_ = head.content_length;
  received_ = 0;
  chunks_.reset();
  if (head.chunked) chunks_.emplace();
  expects_continue_ = head.expect_continue;
  // When seats run short, each caller may have one answer and connects again.
  keep_alive_ = head.keep_alive && ++served_ < kMaxRequestsPerConnection && !shared_.stopping &&
                shared_.seats.taken() <= shared_.seats.max() - shared_.seats.max() / 64;
  state_ = State::admit;
}

void Connection::judge(Loop::Turn turn) {
  if (turn != Loop::Turn::now) {
    ++shared_.overloaded;
    keep_alive_ = false;
    const bool own = turn == Loop::Turn::late_in_share && crowded_ != nullptr;
    Response response = own ? crowded_()
                            : problem(unavailable("http.overloaded",
                                                  "the hub has too much to do; try again later"));
    return turn_away(response);
  }
  if (state_ == State::admit) {
    admit();
  } else if (state_ == State::feed) {
    feed();
  } else if (state_ == State::call) {
    call();
  }
}

void Connection::admit() {
  streams_ = {};
  Admission admission;
  try {
    admission = request_.path == "*" ? answer_of_server() : listener_.admit(request_);
  } catch (...) {
    admission = threw();
  }
  if (auto* elsewhere = std::get_if<Elsewhere>(&admission)) {
    request_.may_wait = true;
    share_ = std::move(elsewhere->share);
    return;
  }
  if (auto* refusal = std::get_if<Response>(&admission)) {
    ++shared_.requests;
    return turn_away(*refusal);
  }
  Intake intake{.max_body = shared_.options.max_body};
  if (auto* said = std::get_if<Intake>(&admission)) {
    intake = std::move(*said);
  } else {
    intake.handler = std::move(std::get<Handler>(admission));
  }
  const std::uint64_t most = intake.max_body;
  handler_ = std::move(intake.handler);
  sink_ = std::move(intake.sink);
  lane_ = intake.lane;
  share_ = std::move(intake.share);
  streams_ = std::move(intake.streams);
  crowded_ = std::move(intake.crowded);
  made_of_body_ = intake.made_of_body;
  if (chunks_) {
    chunks_->limit(most);
    length_ = most;
  }
  if (length_ <= most) return expect_body();
  ++shared_.refused;
  Response response = problem(413, "http.body_too_large", reason_phrase(413),
                              "the body is larger than " + std::to_string(most) + " bytes");
  turn_away(response);
}

void Connection::turn_away(Response& response) {
  // The end of chunks is not looked for: the connection ends instead.
  const std::uint64_t left = length_ - received_;
  const bool arrived = chunks_ ? chunks_->whole() : left <= buffer_.size();
  if (arrived && !chunks_) buffer_.erase(0, static_cast<std::size_t>(left));
  handler_ = nullptr;
  crowded_ = nullptr;
  drop_sink();
  room_.reset();
  keep_alive_ = keep_alive_ && arrived && !response.close;
  // A refusal has a body of its own.
  answer(response);
  if (!arrived) then_ = Then::linger;
}

void Connection::expect_body() {
  room_.emplace(shared_.bodies, shared_.options.max_bodies);
  state_ = State::body;
  begun_ = !buffer_.empty();
  const bool asks = expects_continue_ && (chunks_ ? !begun_ : buffer_.size() < length_);
  if (!take_arrived()) return;
  body_state();
  if (state_ != State::body && whole()) return;
  deadline_ =
      now() + std::min(body_time(), begun_ ? body_time() : shared_.options.first_byte_timeout_ms);
  if (asks && state_ == State::body) write_next("HTTP/1.1 100 Continue\r\n\r\n", Then::body);
}

std::int64_t Connection::body_time() const {
  return std::min(
      sink_ != nullptr ? shared_.options.streamed_body_timeout_ms : shared_.options.body_timeout_ms,
      kBodyStartMs + static_cast<std::int64_t>(length_ / kBodyPiece) * 1'000);
}

bool Connection::take_body(std::string_view bytes) {
  std::string& body = request_.body;
  const std::uint64_t needed = body.size() + bytes.size();
  // The reservation must equal the memory: a growing string holds up to twice its content.
  std::uint64_t more = 0;
  if (needed > room_->size()) {
    const std::uint64_t step =
        sink_ != nullptr ? kSinkPiece + kReadChunk : std::max(kBodyStep, 2 * room_->size());
    more = std::max(needed, std::min(length_, step)) - room_->size();
  }
  if (room_->take(more)) {
    body.reserve(static_cast<std::size_t>(room_->size()));
    body += bytes;
    received_ += bytes.size();
    return true;
  }
  ++shared_.overloaded;
  drop_sink();
  refuse({503, "http.no_room", std::string(kNoRoom)}, request_.target);
  return false;
}

// Memory grows with what arrived, not with what was announced.
bool Connection::take_arrived() {
  if (!chunks_) {
    const auto some =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), length_ - received_));
    if (!take_body(std::string_view(buffer_).substr(0, some))) return false;
    buffer_.erase(0, some);
    return true;
  }
  std::string content;
  const std::size_t used = chunks_->read(buffer_, content);
  if (chunks_->refusal()) {
    drop_sink();
    refuse(*chunks_->refusal(), request_.target);
    return false;
  }
  if (!take_body(content)) return false;
  buffer_.erase(0, used);
  if (chunks_->whole()) length_ = received_;
  return true;
}

void Connection::body_state() {
  const bool all = whole();
  const std::size_t held = request_.body.size();
  const bool feeds = sink_ != nullptr && (all ? held > 0 : held >= kSinkPiece);
  state_ = feeds ? State::feed : all ? State::call : State::body;
}

void Connection::log_truncated() {
  ++shared_.truncated;
  std::vector<LogField> fields{{"remote", peer_.address},
                               {"received", static_cast<std::int64_t>(received_)}};
  if (!chunks_) fields.emplace_back("expected", static_cast<std::int64_t>(length_));
  shared_.log.warn("http.body_truncated", fields);
}

void Connection::feed() {
  std::optional<Response> refusal;
  try {
    refusal = sink_->take(request_.body);
  } catch (...) {
    refusal = threw();
  }
  request_.body.clear();
  if (!refusal) return body_state();
  ++shared_.requests;
  turn_away(*refusal);
}

void Connection::drop_sink() {
  if (sink_ == nullptr) return;
  shared_.loop.post(Lane::handler, [held = std::exchange(sink_, nullptr)](
                                       Loop::Turn /*any*/) mutable { held.reset(); });
}

std::optional<Connection::Need> Connection::read_body() {
  while (state_ == State::body) {
    switch (read_some()) {
      case Transport::Step::State::done:
        break;
      case Transport::Step::State::read:
        return Need::read;
      case Transport::Step::State::write:
        return Need::write;
      case Transport::Step::State::closed:
        log_truncated();
        return Need::end;
    }
    // Frames of chunks are bytes, too: nobody gets more time by sending them slowly.
    if (!std::exchange(begun_, true)) deadline_ = now() + body_time();
    if (!take_arrived()) return std::nullopt;
    body_state();
  }
  return std::nullopt;
}

void Connection::call() {
  if (!room_->take(made_of_body_ * length_)) {
    ++shared_.overloaded;
    keep_alive_ = false;
    Response busy = problem(unavailable("http.no_room", std::string(kNoRoom)));
    return turn_away(busy);
  }
  ++shared_.requests;
  Response response;
  try {
    response = sink_ != nullptr ? sink_->finish(request_) : handler_(request_);
  } catch (...) {
    response = threw();
  }
  handler_ = nullptr;
  crowded_ = nullptr;
  sink_ = nullptr;
  if (response.close) keep_alive_ = false;
  if (response.socket != nullptr) {
    upgrade(response);
  } else if (response.events != nullptr) {
    answer_events(response);
  } else {
    answer(response);
  }
  // The answer is made: what the request holds is let go.
  request_.body = {};
  room_.reset();
}

// The text of an exception may hold request data; the request id finds the place.
Response Connection::threw() {
  ++shared_.failed;
  return problem(internal("http.internal", "the handler threw an exception"));
}

void Connection::upgrade(Response& response) {
  const auto refuse_with = [&](const Error& error) {
    Response refusal = problem(error);
    if (refusal.status == 426) {
      refusal.headers.emplace_back("Upgrade", "websocket");
      refusal.headers.emplace_back("Sec-WebSocket-Version", "13");
    }
    keep_alive_ = false;
    answer(refusal);
    then_ = Then::linger;
  };
  const Status judged = judge_handshake(request_);
  if (!judged.ok()) return refuse_with(judged.error());
  if (!shared_.sockets.has_room()) {
    ++shared_.overloaded;
    return refuse_with(
        unavailable("http.overloaded", "too many sockets are open; try again later"));
  }
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      accept_key(request_.header("sec-websocket-key")) + "\r\n";
  if (!response.subprotocol.empty())
    head += "Sec-WebSocket-Protocol: " + response.subprotocol + "\r\n";
  head += "X-Request-Id: " + request_.request_id + "\r\n\r\n";
  next_ = std::move(response.socket);
  write_next(std::move(head), Then::socket);
}

void Connection::answer_events(const Response& response) {
  if (!shared_.sockets.has_room()) {
    ++shared_.overloaded;
    keep_alive_ = false;
    Response refusal =
        problem(unavailable("http.overloaded", "too many streams are open; try again later"));
    return answer(refusal);
  }
  Response head{.status = 200, .headers = response.headers};
  head.headers.emplace_back("Content-Type", "text/event-stream");
  // Proxies that gather an answer before they pass it on would hold the events back.
  head.headers.emplace_back("X-Accel-Buffering", "no");
  const bool only_head = request_.only_head;
  if (!only_head) next_ = response.events;
  write_next(write_head(head, std::nullopt,
                        {.request_id = request_.request_id,
                         .keep_alive = false,
                         .secure = listener_.tls != nullptr,
                         .now = shared_.clock.now()}),
             only_head ? Then::end : Then::events);
}

void Connection::make_room(Response& response) {
  answer_room_.emplace(shared_.answers, shared_.options.max_answers);
  const std::size_t size = request_.only_head || response.stream ? 0 : response.body.size();
  if (size <= kSmallAnswer) return answer_room_->add(size);
  if (answer_room_->take(size)) return;
  ++shared_.overloaded;
  keep_alive_ = false;
  response = problem(unavailable(
      "http.no_room", "the hub holds as many answers as it may until they are read; try again"));
}

void Connection::answer(Response& response) {
  if (response.status < 200 || response.status > 599) {
    RABT_BUG("a handler returned a status outside 200 to 599");
    response =
        problem(internal("http.internal", "the handler answered with a status outside 200 to 599"));
  }
  make_room(response);
  held_ = std::move(response.held);
  shared_.refusals.note(response, request_.request_id, request_.method,
                        shared_.options.client && !request_.remote.empty()
                            ? shared_.options.client(request_)
                            : peer_.address);
  if (listener_.word && is_problem(response)) listener_.word(request_, response);
  set_instance(response, request_.request_id);
  std::string out =
      write_head(response, response.stream ? response.stream_length : response.body.size(),
                 {.request_id = request_.request_id,
                  .keep_alive = keep_alive_,
                  .secure = listener_.tls != nullptr,
                  .now = shared_.clock.now()});
  const bool only_head = request_.only_head || response.status == 204 || response.status == 304;
  const Then then = keep_alive_ ? Then::head : Then::end;
  if (only_head || !response.stream) {
    if (!only_head) out += response.body;
    return write_next(std::move(out), then);
  }
  streamed_ = std::move(response);
  write_next(std::move(out), Then::stream);
}

void Connection::refuse(const Refusal& refusal, std::string target) {
  ++shared_.refused;
  Response response =
      problem(refusal.status, refusal.code, reason_phrase(refusal.status), refusal.detail);
  room_.reset();
  std::string path = target.substr(0, target.find('?'));
  request_ = {.target = std::move(target),
              .path = std::move(path),
              .server_name = server_name_,
              .request_id = shared_.ids.next().text()};
  keep_alive_ = false;
  answer(response);
  then_ = Then::linger;
}

void Connection::write_next(std::string text, Then then) {
  out_ = std::move(text);
  gone_ = 0;
  answered_ms_ = now();
  then_ = then;
  state_ = State::writing;
}

std::optional<Connection::Need> Connection::write_out() {
  while (gone_ < out_.size()) {
    const auto step = io_->write(std::string_view(out_).substr(gone_));
    switch (step.state) {
      case Transport::Step::State::done:
        gone_ += step.bytes;
        break;
      case Transport::Step::State::closed:
        return Need::end;
      case Transport::Step::State::read:
      case Transport::Step::State::write:
        if (is_slow(gone_, now() - answered_ms_)) return Need::end;
        deadline_ = now() + shared_.options.write_timeout_ms;
        return step.state == Transport::Step::State::read ? Need::read : Need::write;
    }
  }
  out_ = {};
  answer_room_.reset();
  held_.reset();
  switch (then_) {
    case Then::head:
      start_head();
      if (!buffer_.empty()) break;
      // Nearly always there is nothing to read yet.
      return shared_.stopping ? Need::end : Need::read;
    case Then::body:
      state_ = State::body;
      break;
    case Then::linger:
      io_->end_sending();
      state_ = State::lingering;
      deadline_ = now() + kLingerMs;
      break;
    case Then::end:
      io_->end_sending();
      return Need::end;
    case Then::stream:
      return Need::stream;
    case Then::socket:
    case Then::events:
      hand_over(then_ == Then::events);
      return Need::end;
  }
  return std::nullopt;
}

void Connection::hand_over(bool events) {
  shared_.loop.remove(id_, socket_.get());
  Upgraded upgraded{.connection = std::move(socket_),
                    .transport = std::move(io_),
                    .early = std::move(buffer_),
                    .handler = std::move(next_),
                    .seat = std::make_shared<std::array<std::shared_ptr<void>, 2>>(
                        std::array<std::shared_ptr<void>, 2>{std::move(seat_), kept_})};
  // It is refused only when the hub stops in this moment: the caller connects again.
  (void)!(events ? shared_.sockets.adopt_events(std::move(upgraded))
                 : shared_.sockets.adopt(std::move(upgraded)));
}

// Closing with unread bytes would send a reset, which can overtake the answer. Nobody looks at
// these bytes: they are taken from below TLS, and of a TCP socket the kernel drops them uncopied
// (tcp(7), MSG_TRUNC). One piece at a turn, so that others have theirs.
Connection::Need Connection::linger() {
  char piece[kLingerPiece];
  const auto got = ::recv(socket_.get(), piece, sizeof piece, MSG_TRUNC | MSG_DONTWAIT);
  const bool open = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
  return open && now() < deadline_ && !shared_.stopping ? Need::read : Need::end;
}

Connection::Need Connection::on_deadline() {
  const bool late = deadline_ <= now();
  switch (state_) {
    case State::handshake:
      if (late) {
        ++shared_.handshakes_failed;
        shared_.log.debug("http.handshake", {{"remote", peer_.address}});
      }
      return Need::end;
    case State::head:
      if (buffer_.empty()) return Need::end;
      ++shared_.truncated;
      if (!late) return Need::end;
      refuse({408, "http.head_timeout", "the request head did not arrive in time"},
             std::string(target_in(buffer_)));
      return step();
    case State::body:
      log_truncated();
      drop_sink();
      if (!late) return Need::end;
      refuse({408, "http.body_timeout", "the body did not arrive in time"}, request_.target);
      return step();
    case State::writing:
      // The hub stops, and the answer is still on its way.
      if (!late) return Need::write;
      return Need::end;
    default:
      return Need::end;
  }
}

Transport::Step::State Connection::read_some() {
  char chunk[kReadChunk];
  const auto step = io_->read(chunk);
  if (step.state == Transport::Step::State::done) buffer_.append(chunk, step.bytes);
  return step.state;
}

bool Connection::send_all(std::string_view text) {
  while (!text.empty()) {
    const auto step = io_->write(text);
    if (step.state == Transport::Step::State::done) {
      text.remove_prefix(step.bytes);
      continue;
    }
    if (step.state == Transport::Step::State::closed) return false;
    const bool writes = step.state == Transport::Step::State::write;
    pollfd entry{socket_.get(), static_cast<short>(writes ? POLLOUT : POLLIN), 0};
    int ready = 0;
    do {
      ready = ::poll(&entry, 1, static_cast<int>(shared_.options.write_timeout_ms));
    } while (ready < 0 && errno == EINTR);
    if (ready <= 0) return false;
  }
  return true;
}

void Connection::write_stream() {
  const Response response = std::exchange(streamed_, {});
  const std::uint64_t length = response.stream_length;
  const std::int64_t began = now();
  std::uint64_t written = 0;
  bool whole = false;
  // A player that has enough for now takes nothing, and asks for the rest later.
  bool left = false;
  try {
    const auto status = response.stream([&](std::string_view piece) -> Status {
      if (piece.size() > length - written)
        return internal("http.stream", "more bytes than announced");
      left = !send_all(piece) || is_slow(written, now() - began);
      if (left)
        return unavailable("http.caller_gone", "the caller closed the connection or does not read");
      written += piece.size();
      return ok_status();
    });
    whole = status.ok() && written == length;
  } catch (...) {
    whole = false;
  }
  if (left) {
    shared_.log.debug("http.caller_gone", {{"request_id", request_.request_id}});
  } else if (!whole) {
    ++shared_.failed;
    shared_.log.warn("http.stream_broken", {{"request_id", request_.request_id}});
  }
  Need need = Need::end;
  try {
    if (whole && keep_alive_) {
      start_head();
      need = step();
    }
  } catch (const std::exception&) {
    need = Need::end;
  }
  wait_for(need, true);
}

}  // namespace rabt::http
