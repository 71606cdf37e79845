#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "hub/base/check.hpp"

namespace rabt::net {

// Listens on a free loopback port; serve has each connection on a thread of its own, and it is
// closed when serve returns. The destructor waits for all of them.
class Loopback {
 public:
  explicit Loopback(std::function<void(int fd)> serve)
      : serve_(std::move(serve)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    RABT_CHECK(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    RABT_CHECK(::listen(fd_, 1024) == 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    accepting_ = std::thread([this] {
      for (;;) {
        const int fd = ::accept(fd_, nullptr, nullptr);
        if (fd < 0) return;
        peers_.emplace_back([this, fd] {
          serve_(fd);
          ::close(fd);
        });
      }
    });
  }
  ~Loopback() {
    ::shutdown(fd_, SHUT_RDWR);
    accepting_.join();
    for (auto& peer : peers_) peer.join();
    ::close(fd_);
  }
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string origin() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Closing the connection resets it.
  static void reset_on_close(int fd) {
    const linger hard{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  std::function<void(int)> serve_;
  int fd_;
  int port_ = 0;
  std::thread accepting_;
  std::list<std::thread> peers_;
};

}  // namespace rabt::net
