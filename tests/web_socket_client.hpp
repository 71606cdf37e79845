#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rabt::test {

inline constexpr std::string_view kHandshake =
    "GET /s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

// A frame as a client sends it, masked with zeros.
inline std::string frame(std::uint8_t first, std::string_view payload) {
  std::string out(1, static_cast<char>(first));
  if (payload.size() < 126) {
    out.push_back(static_cast<char>(0x80U | payload.size()));
  } else if (payload.size() < 65'536) {
    out.push_back(static_cast<char>(0x80U | 126U));
    out.push_back(static_cast<char>(payload.size() >> 8U));
    out.push_back(static_cast<char>(payload.size() & 255U));
  } else {
    out.push_back(static_cast<char>(0x80U | 127U));
    for (int shift = 56; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>((payload.size() >> static_cast<unsigned>(shift)) & 255U));
  }
  out.append(4, '\0');
  out.append(payload);
  return out;
}
inline std::string text_frame(std::string_view payload) {
  return frame(0x81, payload);
}

struct Frame {
  int opcode = -1;
  std::string payload;
  [[nodiscard]] int close_code() const {
    if (opcode != 8 || payload.size() < 2) return -1;
    return static_cast<unsigned char>(payload[0]) * 256 + static_cast<unsigned char>(payload[1]);
  }
};

// A raw client: sends frames that no library would send.
class WebSocketClient {
 public:
  explicit WebSocketClient(int port, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0)
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~WebSocketClient() { ::close(fd_); }
  void send(std::string_view bytes) {
    (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  // Says that nothing more comes.
  void finish() { ::shutdown(fd_, SHUT_WR); }
  std::string head() {
    std::string out;
    while (out.find("\r\n\r\n") == std::string::npos) {
      const auto got = take(1);
      if (!got) break;
      out += *got;
    }
    return out;
  }
  // All bytes up to these, or to the end of the connection.
  std::string until(std::string_view last) {
    std::string out;
    while (!out.ends_with(last)) {
      const auto got = take(1);
      if (!got) break;
      out += *got;
    }
    return out;
  }
  // The next frame. Nothing when the connection ended.
  std::optional<Frame> next() {
    const auto start = take(2);
    if (!start) return std::nullopt;
    Frame out{.opcode = (*start)[0] & 15, .payload = {}};
    std::size_t length = static_cast<unsigned char>((*start)[1]);
    const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (more > 0) {
      const auto bytes = take(more);
      if (!bytes) return std::nullopt;
      length = 0;
      for (const char c : *bytes) length = length * 256 + static_cast<unsigned char>(c);
    }
    const auto payload = take(length);
    if (!payload) return std::nullopt;
    out.payload = *payload;
    return out;
  }
  // So many bytes. Empty when the connection ended before.
  std::string bytes(std::size_t count) { return take(count).value_or(""); }
  bool ended() { return !take(1).has_value(); }

 private:
  std::optional<std::string> take(std::size_t count) {
    std::string out;
    while (out.size() < count) {
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, 30'000) <= 0) return std::nullopt;
      char buffer[4096];
      const auto got = ::recv(fd_, buffer, std::min(sizeof buffer, count - out.size()), 0);
      if (got <= 0) return std::nullopt;
      out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
  }
  int fd_;
};

}  // namespace rabt::test
