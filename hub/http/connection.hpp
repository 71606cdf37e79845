#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/http/chunks.hpp"
#include "hub/http/loop.hpp"
#include "hub/http/refusals.hpp"
#include "hub/http/request_head.hpp"
#include "hub/http/server.hpp"
#include "hub/http/sockets.hpp"
#include "hub/http/transport.hpp"

namespace rabt::http {

// Who is at the other end.
struct Peer {
  // No port; "local" for a Unix socket.
  std::string address;
  // The user, when the connection came over a Unix socket.
  std::optional<std::uint32_t> uid{};
  // What counts as one caller for the number of connections. Empty for this machine and proxies.
  std::string seat{};
};

// How many connections are open, in all and from each address. Internally synchronised.
class Seats {
 public:
  Seats(int max, int per_address) : max_(max), per_address_(per_address) {}
  // One more connection, until the last copy is gone. Null when there is no room.
  [[nodiscard]] std::shared_ptr<void> take(const std::string& address);
  [[nodiscard]] int taken() const { return taken_; }
  [[nodiscard]] int max() const { return max_; }
  // True if all seats are free within this time.
  [[nodiscard]] bool wait_until_free(std::int64_t ms);

 private:
  void give_back(const std::string& address);

  const int max_;
  const int per_address_;
  std::atomic<int> taken_{0};
  Mutex mutex_;
  std::map<std::string, int> of_ RABT_GUARDED_BY(mutex_);
  Condition freed_;
};

// What all connections of a server share.
struct Shared {
  Shared(ServerOptions chosen, Logger& logger)
      : options(std::move(chosen)),
        log(logger),
        seats(options.max_connections, options.max_connections_per_address) {}

  // Constant once the server listens.
  const ServerOptions options;
  Logger& log;

  SystemClock clock;
  SystemRandom random;
  UlidSource ids{clock, random};

  Refusals refusals{log, clock};

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> overloaded{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> handshakes_failed{0};

  // Bytes of bodies and of answers that connections hold.
  std::atomic<std::uint64_t> bodies{0};
  std::atomic<std::uint64_t> answers{0};

  Seats seats;
  // Last, so that its threads have ended when what they use is destroyed.
  Loop loop{{.handlers = options.threads,
             .streams = options.streams,
             .max_wait_ms = options.handler_wait_ms},
            clock};
  Sockets sockets{{.max = options.max_sockets}, loop, clock, log};
};

// Part of one body or answer in the room that all of them share. Confined to its connection.
class Room {
 public:
  Room(std::atomic<std::uint64_t>& of_all, std::uint64_t most) : of_all_(of_all), most_(most) {}
  ~Room() { of_all_ -= taken_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  // False, and nothing is taken, when so much is not left.
  [[nodiscard]] bool take(std::uint64_t size);
  // Takes it in any case.
  void add(std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const { return taken_; }

 private:
  std::atomic<std::uint64_t>& of_all_;
  const std::uint64_t most_;
  std::uint64_t taken_ = 0;
};

// One connection: what it has come to, and what it waits for. Between two events no thread knows
// it; an event, its deadline or a lane gives it to one thread, which has it alone until it arms the
// loop again.
class Connection final : public Loop::Watched, public std::enable_shared_from_this<Connection> {
 public:
  // listener outlives it.
  Connection(Shared& shared, const Listener& listener, Descriptor socket, Peer peer,
             std::shared_ptr<void> seat);
  // Once.
  void begin();
  void on_ready(std::uint32_t events) override;

 private:
  enum class State : std::uint8_t {
    handshake,
    head,
    admit,
    body,
    feed,
    call,
    writing,
    lingering,
    over
  };
  // What the connection needs to go on.
  enum class Need : std::uint8_t { read, write, handshake, work, stream, end };
  // What follows when the answer has gone out.
  enum class Then : std::uint8_t { head, body, linger, end, stream, socket, events };

  // Goes on without blocking until something is needed.
  [[nodiscard]] Need step();
  // Nothing when the state has changed.
  [[nodiscard]] std::optional<Need> read_head();
  [[nodiscard]] std::optional<Need> read_body();
  [[nodiscard]] std::optional<Need> write_out();
  [[nodiscard]] Need linger();
  [[nodiscard]] Need on_deadline();
  // Waits for what is needed. in_lane: the thread runs work already. The caller does nothing more
  // with the connection.
  void wait_for(Need need, bool in_lane);
  void arm(std::uint32_t events);
  void end();

  // In the lanes.
  void shake();
  // in: the lane that it runs in.
  void work(Loop::Turn turn, Lane in);
  void write_stream();
  // Where the work of this state is done, and whose part of that lane it takes.
  [[nodiscard]] Lane lane() const;
  [[nodiscard]] Share share() const;

  // The head is complete and right: takes the request from it.
  void take_request(RequestHead head);
  void judge(Loop::Turn turn);
  void admit();
  void turn_away(Response& response);
  // Room is made for the body, and the caller is told to send it.
  void expect_body();
  // How long the whole body may take.
  [[nodiscard]] std::int64_t body_time() const;
  [[nodiscard]] bool take_body(std::string_view bytes);
  // Takes what has arrived of the body from the buffer; what follows the body stays there. False
  // when the request is refused.
  [[nodiscard]] bool take_arrived();
  [[nodiscard]] bool whole() const { return chunks_ ? chunks_->whole() : received_ == length_; }
  void log_truncated();
  // Where the bytes that have arrived go next.
  void body_state();
  // Gives the sink what has arrived.
  void feed();
  // The sink ends in a lane: it may have much to undo.
  void drop_sink();
  void call();
  void upgrade(Response& response);
  void hand_over(bool events);
  [[nodiscard]] Response threw();

  // Room for the answer's body, or a 503 in its place.
  void make_room(Response& response);
  // The answer's head and body go out next.
  void answer(Response& response);
  void answer_events(const Response& response);
  // After a refusal nobody knows where the next request would start.
  // target: of the request, as far as it came.
  void refuse(const Refusal& refusal, std::string target);
  void start_head();
  void write_next(std::string text, Then then);
  // How reading into buffer_ went.
  [[nodiscard]] Transport::Step::State read_some();
  // For streams: blocks, until the caller takes no more in time.
  [[nodiscard]] bool send_all(std::string_view text);
  [[nodiscard]] std::int64_t now() const { return shared_.clock.monotonic_ms(); }

  Shared& shared_;
  const Listener& listener_;
  Descriptor socket_;
  Peer peer_;
  std::shared_ptr<void> seat_;
  Loop::Id id_ = 0;
  std::unique_ptr<Transport> io_;
  std::shared_ptr<const crypto::PeerCertificate> certificate_;
  const std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
  std::string server_name_;

  State state_ = State::head;
  // When what is waited for must have happened.
  std::int64_t deadline_ = 0;
  int served_ = 0;
  // Arrived, and not yet used; how much of it scan_head has seen.
  std::string buffer_;
  std::size_t scanned_ = 0;

  // The request that is served.
  Request request_;
  // Length of the body; while chunks come, the most that they may hold.
  std::uint64_t length_ = 0;
  // Bytes of the body that have arrived.
  std::uint64_t received_ = 0;
  std::optional<Chunks> chunks_;
  // A byte of the body has arrived.
  bool begun_ = false;
  bool expects_continue_ = false;
  bool keep_alive_ = false;
  std::optional<Room> room_;
  Handler handler_;
  // Rest of its admission.
  Lane lane_ = Lane::handler;
  Share share_;
  std::function<Response()> crowded_;
  std::uint64_t made_of_body_ = 0;
  // Null when the handler gets the body whole; else request_.body is its next piece.
  std::shared_ptr<BodySink> sink_;

  // Goes out now, since then; an answer with what it holds.
  std::string out_;
  std::int64_t answered_ms_ = 0;
  std::optional<Room> answer_room_;
  std::shared_ptr<void> held_;
  std::size_t gone_ = 0;
  Then then_ = Then::head;
  // Whose stream follows.
  Response streamed_;
  // Who takes the connection over.
  std::shared_ptr<SocketHandler> next_;
};

}  // namespace rabt::http
