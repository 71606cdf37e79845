#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/http/server.hpp"

// WebSocket (RFC 6455), the server's side. Frames are libwslay's, which reads and writes no socket;
// extensions are never agreed to.
namespace rabt::http {

// Close codes: those of RFC 6455 section 7.4.1 and of the hub.
inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseProtocol = 1002;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseRestart = 1012;
inline constexpr std::uint16_t kCloseSignIn = 4401;
inline constexpr std::uint16_t kCloseNotAllowed = 4403;
inline constexpr std::uint16_t kCloseSlow = 4408;
inline constexpr std::uint16_t kCloseRate = 4429;

// One open connection. Internally synchronised; nothing blocks.
class Socket {
 public:
  virtual ~Socket() = default;
  // Queues a text message. A reader who lets more than ServerOptions::socket_queue bytes wait is
  // closed with kCloseSlow. After the end it does nothing.
  virtual void send(std::string_view text) = 0;
  // Queues a close frame behind what waits. Nothing is received any more.
  virtual void close(std::uint16_t code, std::string_view reason) = 0;
};

// Handler of one WebSocket. Called on a thread that may block for a commit, one call at a time for
// each connection; calls of different connections overlap.
class SocketHandler {
 public:
  virtual ~SocketHandler() = default;
  // Comes first. The handler may keep the socket, and use it from any thread.
  virtual void opened(std::shared_ptr<Socket> socket) = 0;
  // One message of valid UTF-8, put together from its fragments.
  virtual void received(Socket& socket, std::string_view text) = 0;
  // Comes last, whoever ended the connection.
  virtual void closed() = 0;
};

// Ok if a request may become a WebSocket (RFC 6455 section 4.2.1), before anybody is asked
// whether the caller may. Errors: 426 (as code http.upgrade) when it asks for no WebSocket of
// version 13, 400 (http.websocket) when it asks wrongly.
[[nodiscard]] Status judge_handshake(const Request& request);
// Sec-WebSocket-Accept (section 4.2.2).
[[nodiscard]] std::string accept_key(std::string_view key);
// The subprotocols that the request offers, in order.
[[nodiscard]] std::vector<std::string> offered_protocols(const Request& request);

}  // namespace rabt::http
