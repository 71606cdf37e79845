#include "hub/http/transport.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace rabt::http {

namespace {

Transport::Step step_of(ssize_t result, Transport::Step::State later) {
  if (result > 0) return {.bytes = static_cast<std::size_t>(result)};
  const bool waits = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  return {.state = waits ? later : Transport::Step::State::closed};
}

class Plain final : public Transport {
 public:
  explicit Plain(int fd) : fd_(fd) {}
  Step begin() override { return {}; }
  Step read(std::span<char> into) override {
    return step_of(::recv(fd_, into.data(), into.size(), MSG_DONTWAIT), Step::State::read);
  }
  Step write(std::string_view from) override {
    return step_of(::send(fd_, from.data(), from.size(), MSG_NOSIGNAL | MSG_DONTWAIT),
                   Step::State::write);
  }
  void end_sending() override { ::shutdown(fd_, SHUT_WR); }

 private:
  int fd_;
};

class Tls final : public Transport {
 public:
  Tls(int fd, crypto::TlsSession session) : fd_(fd), session_(std::move(session)) {}
  Step begin() override { return session_.handshake(); }
  Step read(std::span<char> into) override { return session_.read(into); }
  Step write(std::string_view from) override { return session_.write(from); }
  void end_sending() override {
    session_.close();
    ::shutdown(fd_, SHUT_WR);
  }
  [[nodiscard]] std::shared_ptr<const crypto::PeerCertificate> peer_certificate() const override {
    return session_.peer_certificate();
  }
  [[nodiscard]] std::string server_name() const override { return session_.server_name(); }

 private:
  int fd_;
  crypto::TlsSession session_;
};

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) {
  return std::make_unique<Plain>(fd);
}

std::unique_ptr<Transport> tls_transport(int fd, crypto::TlsSession session) {
  return std::make_unique<Tls>(fd, std::move(session));
}

}  // namespace rabt::http
