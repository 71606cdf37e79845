#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/log.hpp"
#include "hub/http/loop.hpp"
#include "hub/http/transport.hpp"
#include "hub/http/web_socket.hpp"

namespace rabt::http {

struct SocketOptions {
  // Open at once.
  int max = 10'000;
  // Bytes that may wait for one reader.
  std::size_t queue = 256U << 10U;
  // Bytes of one message, and frames that it may come in.
  std::size_t max_message = 64U << 10U;
  int max_fragments = 16;
  // Messages of one connection that may wait for its handler; then nothing more is read from it.
  std::size_t inbox = 64;
  // Silence of a WebSocket before a ping, and the time limits of its pong and its close frame.
  std::int64_t ping_ms = 25'000;
  std::int64_t pong_ms = 10'000;
  std::int64_t close_ms = 5'000;
  // A stream of events that has nothing to say sends a comment this often.
  std::int64_t comment_ms = 15'000;
  // Longest time in which a reader of events takes none of the events that wait.
  std::int64_t stall_ms = 10'000;
};

// Connection that is handed over, with its state.
struct Upgraded {
  Descriptor connection;
  // Its bytes, over `connection`.
  std::unique_ptr<Transport> transport;
  // Bytes that arrived behind the head.
  std::string early{};
  std::shared_ptr<SocketHandler> handler;
  // Kept as long as the connection is open.
  std::shared_ptr<void> seat{};
};

// The connections that have become WebSockets or streams of events. Internally synchronised.
class Sockets {
 public:
  Sockets(SocketOptions options, Loop& loop, const Clock& clock, Logger& log);
  // Stops.
  ~Sockets();
  // Takes a connection over, after its handshake was answered. False when there is no room; the
  // connection is closed then, and the handler hears nothing.
  [[nodiscard]] bool adopt(Upgraded upgraded);
  // Takes over a connection whose answer's head was sent: what its handler sends goes out as it is.
  [[nodiscard]] bool adopt_events(Upgraded upgraded);
  // True if one more fits now.
  [[nodiscard]] bool has_room() const;
  // Tells every connection that the hub restarts, and lets handlers finish. Twice is allowed.
  void stop();

  struct Stats {
    std::uint64_t open = 0;
    std::uint64_t opened = 0;
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    // Closed because they read too slowly, or broke the protocol.
    std::uint64_t slow = 0;
    std::uint64_t broken = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::http
