#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/log.hpp"
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
  // Threads that run handlers.
  int threads = 8;
  // How long a connection may be silent before it is asked for a sign of life, how long it has for
  // that, and for its close frame.
  std::int64_t ping_ms = 25'000;
  std::int64_t pong_ms = 10'000;
  std::int64_t close_ms = 5'000;
};

// The connections that have become WebSockets: one thread waits for all of them, so that they hold
// memory and no threads. Internally synchronised.
class Sockets {
 public:
  Sockets(SocketOptions options, const Clock& clock, Logger& log);
  // Stops.
  ~Sockets();
  // Takes a connection over, after its handshake was answered. transport: its bytes, over
  // `connection`; early: what arrived behind the head.
  // False when there is no room; the connection is closed then, and the handler hears nothing.
  [[nodiscard]] bool adopt(Descriptor connection, std::unique_ptr<Transport> transport,
                           std::string early, std::shared_ptr<SocketHandler> handler);
  // Whether one more fits now.
  [[nodiscard]] bool has_room() const;
  // Tells every connection that the hub restarts, lets handlers finish, and ends. Twice is allowed.
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
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::http
