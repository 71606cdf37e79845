#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/http/request_head.hpp"
#include "hub/http/server.hpp"
#include "hub/http/sockets.hpp"
#include "hub/http/transport.hpp"

namespace rabt::http {

// What all connections of a server share.
struct Shared {
  Shared(ServerOptions chosen, Admit judge, Logger& logger)
      : options(std::move(chosen)), admit(std::move(judge)), log(logger) {}

  // Constant once the server listens.
  ServerOptions options;
  Admit admit;
  Logger& log;
  // How many connections are served or wait for a thread.
  std::function<int()> connections;

  SystemClock clock;
  SystemRandom random;
  UlidSource ids{clock, random};
  Sockets sockets{{.max = options.max_sockets}, clock, log};

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> overloaded{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> handshakes_failed{0};

  // Bytes of bodies that connections hold.
  std::atomic<std::uint64_t> bodies{0};

  Mutex mutex;
  // Sockets of connections that are served, so that stop() can end their reads.
  std::set<int> open RABT_GUARDED_BY(mutex);
};

// What one request's body takes of the room that all bodies share. Confined to one thread.
class BodyRoom {
 public:
  explicit BodyRoom(Shared& shared) : shared_(shared) {}
  ~BodyRoom() { shared_.bodies -= taken_; }
  BodyRoom(const BodyRoom&) = delete;
  BodyRoom& operator=(const BodyRoom&) = delete;
  // False, and nothing is taken, when so much is not left.
  [[nodiscard]] bool take(std::uint64_t size);

 private:
  Shared& shared_;
  std::uint64_t taken_ = 0;
};

// Who is at the other end.
struct Peer {
  // No port; "local" for a Unix socket.
  std::string address;
  // The user, when the connection came over a Unix socket.
  std::optional<std::uint32_t> uid;
};

// One connection, confined to its thread. The socket stays the caller's.
class Connection {
 public:
  Connection(Shared& shared, int fd, Peer peer)
      : shared_(shared), fd_(fd), peer_(std::move(peer)) {}
  // Serves requests until the connection ends.
  void serve();

 private:
  // Whether another request may follow.
  [[nodiscard]] bool serve_one(bool last);
  // Reads until the head is complete or refused. False when the connection ended before.
  [[nodiscard]] bool read_head(HeadScan& scan);
  [[nodiscard]] Admission admit(const Request& request);
  // Answers a request that is not admitted. Whether another request may follow.
  [[nodiscard]] bool turn_away(const RequestHead& head, const Request& request, Response& response,
                               bool keep_alive);
  // Gives the connection to the WebSockets, or refuses. Returns false always: it serves no more.
  [[nodiscard]] bool upgrade(const Request& request, Response& response);
  [[nodiscard]] bool read_body(const RequestHead& head, BodyRoom& room, std::string& body);
  [[nodiscard]] Response call(const Handler& handler, const Request& request);
  [[nodiscard]] Response threw(const Request& request);
  [[nodiscard]] bool write_response(Response& response, std::string_view method,
                                    std::string_view request_id, bool keep_alive);
  [[nodiscard]] bool write_stream(const Response& response, std::string_view request_id);
  // Returns false always: after a refusal nobody knows where the next request would start.
  bool refuse(const Refusal& refusal);
  // Ends the sending side, and reads what the caller still sends: closing with unread bytes would
  // send a reset, which can overtake the answer.
  void hang_up();

  // Makes the transport, and the handshake when there is one. False when the connection ended.
  [[nodiscard]] bool open();
  // Appends to buffer_. False at the deadline, at the end of the stream (ended_) and on errors
  // (ended_).
  [[nodiscard]] bool read_some(std::int64_t deadline);
  [[nodiscard]] bool send_all(std::string_view text);
  [[nodiscard]] std::int64_t now() const { return shared_.clock.monotonic_ms(); }

  Shared& shared_;
  const int fd_;
  const Peer peer_;
  std::unique_ptr<Transport> io_;
  // Arrived, and not yet used.
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace rabt::http
