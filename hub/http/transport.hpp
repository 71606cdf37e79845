#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hub/crypto/tls_server.hpp"

namespace rabt::http {

// The bytes of one connection, in clear or inside TLS, over a socket that stays the caller's.
// Nothing blocks. Not thread-safe.
class Transport {
 public:
  using Step = crypto::TlsStep;
  virtual ~Transport() = default;
  // done after the handshake, if there is one.
  virtual Step begin() = 0;
  virtual Step read(std::span<char> into) = 0;
  virtual Step write(std::string_view from) = 0;
  // Ends the sending side.
  virtual void end_sending() = 0;
  // The certificate that the other end proved to hold. Null when it showed none.
  [[nodiscard]] virtual std::shared_ptr<const crypto::PeerCertificate> peer_certificate() const {
    return nullptr;
  }
  // The host that the other end named in the handshake, in lower case. Empty when it named none.
  [[nodiscard]] virtual std::string server_name() const { return ""; }
};

[[nodiscard]] std::unique_ptr<Transport> plain_transport(int fd);
[[nodiscard]] std::unique_ptr<Transport> tls_transport(int fd, crypto::TlsSession session);

}  // namespace rabt::http
