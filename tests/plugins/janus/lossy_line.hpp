#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace rabt::testing {

// A line between browsers and a TURN server on which packets of sound and pictures are lost. It
// passes datagrams both ways from its own port, and all but media whatever is lost. Internally
// synchronised.
class LossyLine {
 public:
  // address: one that the browsers and the TURN server share.
  LossyLine(const std::string& address, std::uint16_t turn_port)
      : socket_(opened(address, 0)), port_(port_of(socket_)) {
    turn_.sin_family = AF_INET;
    turn_.sin_port = htons(turn_port);
    ::inet_pton(AF_INET, address.c_str(), &turn_.sin_addr);
    thread_ = std::thread([this, address] { pass(address); });
  }
  ~LossyLine() {
    ends_ = true;
    thread_.join();
    ::close(socket_);
    for (const auto& [from, one] : people_) ::close(one);
  }
  LossyLine(const LossyLine&) = delete;
  LossyLine& operator=(const LossyLine&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // So many of a hundred packets that browsers send are lost.
  void lose(int percent) { percent_ = percent; }

 private:
  static int opened(const std::string& address, std::uint16_t port) {
    const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &own.sin_addr);
    if (made < 0 || ::bind(made, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
      throw std::runtime_error("no UDP socket on " + address);
    return made;
  }
  static std::uint16_t port_of(int socket) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
    return ntohs(own.sin_port);
  }
  // ChannelData (RFC 8656) that holds RTP or RTCP (RFC 7983).
  static bool is_media(const std::uint8_t* data, std::size_t size) {
    return size > 4 && data[0] >= 0x40 && data[0] <= 0x4f && data[4] >= 128 && data[4] <= 191;
  }

  void pass(const std::string& address) {
    std::array<std::uint8_t, 2048> data{};
    std::vector<pollfd> waited;
    while (!ends_) {
      waited.assign(1, {.fd = socket_, .events = POLLIN, .revents = 0});
      for (const auto& [from, one] : people_)
        waited.push_back({.fd = one, .events = POLLIN, .revents = 0});
      if (::poll(waited.data(), waited.size(), 50) <= 0) continue;
      if ((waited.front().revents & POLLIN) != 0) {
        sockaddr_in from{};
        socklen_t length = sizeof from;
        const auto size = ::recvfrom(socket_, data.data(), data.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
        if (size > 0) up(address, from, data.data(), static_cast<std::size_t>(size));
      }
      for (const auto& [from, one] : people_) {
        const auto size = ::recv(one, data.data(), data.size(), MSG_DONTWAIT);
        if (size > 0)
          ::sendto(socket_, data.data(), static_cast<std::size_t>(size), 0,
                   reinterpret_cast<const sockaddr*>(&from.address), sizeof from.address);
      }
    }
  }
  void up(const std::string& address, const sockaddr_in& from, const std::uint8_t* data,
          std::size_t size) {
    if (is_media(data, size) && static_cast<int>(dice_() % 100) < percent_) return;
    auto found = people_.find({from});
    if (found == people_.end()) found = people_.emplace(Person{from}, opened(address, 0)).first;
    ::sendto(found->second, data, size, 0, reinterpret_cast<const sockaddr*>(&turn_), sizeof turn_);
  }

  struct Person {
    sockaddr_in address;
    bool operator<(const Person& other) const {
      return std::pair(address.sin_addr.s_addr, address.sin_port) <
             std::pair(other.address.sin_addr.s_addr, other.address.sin_port);
    }
  };

  int socket_;
  std::uint16_t port_;
  sockaddr_in turn_{};
  std::atomic<int> percent_{0};
  std::atomic<bool> ends_{false};
  // For the thread alone: a socket to the TURN server for each browser's.
  std::map<Person, int> people_;
  std::minstd_rand dice_{7};
  std::thread thread_;
};

}  // namespace rabt::testing
