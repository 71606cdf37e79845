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

// Bytes that one read of a socket takes at most.
inline constexpr std::size_t kReadChunk = 16U << 10U;

// Other end of a connection.
struct Peer {
  // No port; "local" for a Unix socket.
  std::string address;
  // User id at the other end of a Unix socket.
  std::optional<std::uint32_t> uid{};
  // Key by which connections are counted for one caller. Empty for this machine and for proxies.
  std::string seat{};
};

// Counts open connections, in all and of each address. Internally synchronised.
class Seats {
 public:
  Seats(int max, int per_address) : max_(max), per_address_(per_address) {}
  // Takes a seat until the last copy of the result is gone. Null when all seats are taken.
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

// State that all connections of a server share.
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
  // Last member: its threads end before the objects that they use are destroyed.
  Loop loop{{.handlers = options.threads,
             .streams = options.streams,
             .max_wait_ms = options.handler_wait_ms},
            clock};
  Sockets sockets{{.max = options.max_sockets}, loop, clock, log};
};

// Bytes that one body or answer takes of the limit of all. Confined to its connection.
class Room {
 public:
  Room(std::atomic<std::uint64_t>& of_all, std::uint64_t most) : of_all_(of_all), most_(most) {}
  ~Room() { of_all_ -= taken_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  // Takes so many bytes. Returns false, and takes none, if they would pass the limit.
  [[nodiscard]] bool take(std::uint64_t size);
  // Takes so many bytes, also past the limit.
  void add(std::uint64_t size);
  [[nodiscard]] std::uint64_t size() const { return taken_; }

 private:
  std::atomic<std::uint64_t>& of_all_;
  const std::uint64_t most_;
  std::uint64_t taken_ = 0;
};

// State machine of one connection. Between two events no thread uses it. An event, its deadline or
// a lane gives it to one thread, which has it alone until it arms the loop again.
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
  // Thing that the connection needs next.
  enum class Need : std::uint8_t { read, write, handshake, work, stream, end };
  // Step that follows when the answer has gone out.
  enum class Then : std::uint8_t { head, body, linger, end, stream, socket, events };

  // Works without blocking, and returns what is needed next.
  [[nodiscard]] Need step();
  // Unset if the state has changed, and the next step may follow at once.
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

  // Work in the lanes: TLS handshake, request, stream.
  void shake();
  // in: lane of the thread.
  void work(Loop::Turn turn, Lane in);
  void write_stream();
  // Lane for the work of this state, and the caller's share of that lane.
  [[nodiscard]] Lane lane() const;
  [[nodiscard]] Share share() const;

  // Takes the request from a head that is complete and valid.
  void take_request(RequestHead head);
  void judge(Loop::Turn turn);
  void admit();
  void turn_away(Response& response);
  // Makes room for the body, and tells the caller to send it.
  void expect_body();
  // Time limit of the whole body.
  [[nodiscard]] std::int64_t body_time() const;
  [[nodiscard]] bool take_body(std::string_view bytes);
  // Takes the bytes of the body from the buffer; bytes behind the body stay there. Returns false if
  // the request is refused.
  [[nodiscard]] bool take_arrived();
  [[nodiscard]] bool whole() const { return chunks_ ? chunks_->whole() : received_ == length_; }
  void log_truncated();
  // Sets the state after bytes of the body: feeds the sink, calls the handler, or reads on.
  void body_state();
  // Gives the sink the bytes that have arrived.
  void feed();
  // Destroys the sink in a lane: it may have much to undo.
  void drop_sink();
  void call();
  void upgrade(Response& response);
  void hand_over(bool events);
  [[nodiscard]] Response threw();

  // Makes room for the answer's body, or puts a 503 in its place.
  void make_room(Response& response);
  // Queues the answer's head and body as the next bytes out.
  void answer(Response& response);
  void answer_events(const Response& response);
  // Answers with a refusal and ends the connection: the start of the next request is not known.
  // target: target of the request, as far as it has arrived.
  void refuse(const Refusal& refusal, std::string target);
  void start_head();
  void write_next(std::string text, Then then);
  // Reads into buffer_.
  [[nodiscard]] Transport::Step::State read_some();
  // For streams: blocks until all is sent. Returns false if the caller takes no more in time.
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
  // Deadline of the current state.
  std::int64_t deadline_ = 0;
  int served_ = 0;
  // Unconsumed input, and the number of its bytes that scan_head has seen.
  std::string buffer_;
  std::size_t scanned_ = 0;

  // The request that is served.
  Request request_;
  // Length of the body; its limit while it comes in chunks.
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
  // Lane and shares of the request, from its admission.
  Lane lane_ = Lane::handler;
  Share share_;
  Share streams_;
  std::function<Response()> crowded_;
  std::uint64_t made_of_body_ = 0;
  // Sink of the body, which gets each piece in request_.body. Null if the handler gets the body
  // whole.
  std::shared_ptr<BodySink> sink_;

  // Bytes that go out now, and the time since which they do.
  std::string out_;
  std::int64_t answered_ms_ = 0;
  std::optional<Room> answer_room_;
  std::shared_ptr<void> held_;
  std::size_t gone_ = 0;
  Then then_ = Then::head;
  // Answer whose stream follows.
  Response streamed_;
  // Handler that takes the connection over.
  std::shared_ptr<SocketHandler> next_;
};

}  // namespace rabt::http
