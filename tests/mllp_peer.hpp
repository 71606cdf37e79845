#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>

// The other end of a connection of MLLP, by hand.
namespace rabt::test {

inline std::string mllp_frame(const std::string& message) {
  return "\x0b" + message + "\x1c\r";
}

// A socket of this machine; closed in the end.
class MllpPeer {
 public:
  explicit MllpPeer(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    open_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  // Of a connection that was accepted; not closed.
  MllpPeer(int fd, std::nullptr_t /*accepted*/) : fd_(fd), open_(true), owned_(false) {}
  ~MllpPeer() {
    if (owned_) ::close(fd_);
  }
  MllpPeer(const MllpPeer&) = delete;
  MllpPeer& operator=(const MllpPeer&) = delete;

  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] int fd() const { return fd_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t did = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (did <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(did));
    }
    return true;
  }
  // The next message; "closed" at the end of the connection, "silent" after 30 seconds.
  std::string receive() {
    for (;;) {
      const auto end = seen_.find("\x1c\r");
      if (end != std::string::npos) {
        std::string message = seen_.substr(1, end - 1);
        seen_.erase(0, end + 2);
        return message;
      }
      pollfd one{fd_, POLLIN, 0};
      if (::poll(&one, 1, 30'000) <= 0) return "silent";
      char piece[4096];
      const ssize_t did = ::recv(fd_, piece, sizeof piece, 0);
      if (did <= 0) return "closed";
      seen_.append(piece, static_cast<std::size_t>(did));
    }
  }
  std::string ask(const std::string& message) {
    return send(mllp_frame(message)) ? receive() : "closed";
  }

 private:
  int fd_;
  bool open_ = false;
  bool owned_ = true;
  std::string seen_;
};

}  // namespace rabt::test
