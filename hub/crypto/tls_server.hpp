#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/peer_certificate.hpp"

// TLS 1.2 and 1.3 for those who call the hub: Mozilla's intermediate configuration, without
// renegotiation, compression and early data. ALPN answers http/1.1 only.
namespace rabt::crypto {

// A certificate for callers who name one of these hosts, which are in lower case.
struct TlsNamed {
  std::vector<std::string> hosts;
  // PEM, as in TlsFiles.
  std::string certificates;
  std::string key;
};

struct TlsFiles {
  // PEM: the certificate, followed by those that lead to its authority.
  std::string certificates;
  // PEM, not encrypted.
  std::string key;
  bool only_1_3 = false;
  // PEM: the authorities of callers' certificates. A caller must show one then, and prove to hold
  // its key. If it is empty, nobody is asked for a certificate.
  std::string client_authorities{};
  // PEM: the authorities' lists of revoked certificates. There must be one of each authority in a
  // chain, and one that is out of date refuses everybody. If it is empty, nothing is looked up.
  std::string client_revoked{};
  // Certificates of hosts that have one of their own.
  std::vector<TlsNamed> named{};
};

// Result of one step of a session.
struct TlsStep {
  enum class State : std::uint8_t {
    done,
    // The step goes on when the socket can be read, or written.
    read,
    write,
    // The other end has closed the session, or broke it. Nothing more can be done.
    closed
  } state = State::done;
  std::size_t bytes = 0;
};

// One connection, over a socket that does not block. The socket stays the caller's. Writing to one
// whose other end is gone raises SIGPIPE, which the process ignores. Not thread-safe.
class TlsSession {
 public:
  ~TlsSession();
  TlsSession(TlsSession&&) noexcept;
  TlsStep handshake();
  TlsStep read(std::span<char> into);
  TlsStep write(std::string_view from);
  // Tells the other end that nothing follows; does not wait for its answer.
  void close();
  // After the handshake. Null when the caller was not asked for a certificate.
  [[nodiscard]] std::shared_ptr<const PeerCertificate> peer_certificate() const;
  // After the handshake: the host that the caller named, in lower case. Empty when he named none.
  [[nodiscard]] std::string server_name() const;

 private:
  friend class TlsServer;
  struct State;
  explicit TlsSession(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Certificate and key of a listener, and whom it believes. Internally synchronised.
class TlsServer {
 public:
  // Errors invalid tls.certificate, tls.key, tls.client_authorities, tls.client_revoked: which file
  // is wrong, and why; a certificate that has expired; a key that is not the certificate's.
  [[nodiscard]] static Result<std::unique_ptr<TlsServer>> open(TlsFiles files, const Clock& clock);
  ~TlsServer();
  // Reads the files again when one of them has changed. What was read is judged first: if it is
  // wrong, the old certificate stays, and the error says why. Connections keep what they began
  // with. True when there is a new certificate.
  [[nodiscard]] Result<bool> reload();
  // A session over this socket.
  [[nodiscard]] Result<TlsSession> accept(int fd) const;
  // When the first of the certificates expires.
  [[nodiscard]] Timestamp expires() const;

 private:
  struct State;
  explicit TlsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::crypto
