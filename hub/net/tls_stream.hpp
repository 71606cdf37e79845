#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"

// A TLS connection that carries bytes of another protocol than HTTP. Not thread-safe. The process
// ignores SIGPIPE.
namespace rabt::net {

class TlsStream {
 public:
  // TLS 1.2 or later; the certificate must be good for `host`. Blocks. Errors: unavailable
  // net.connect, net.tls; the message has host, port and cause.
  [[nodiscard]] static Result<std::unique_ptr<TlsStream>> connect(const std::string& host, int port,
                                                                  const TlsOptions& tls,
                                                                  std::int64_t timeout_ms);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // ok: the kernel has all of the bytes. After an error nobody knows how much arrived, and the
  // stream is of no use any more. Errors: unavailable net.closed, net.timeout (no progress).
  [[nodiscard]] Status send(std::string_view bytes, std::int64_t timeout_ms);
  // Ok if the other end still holds the connection, as far as is known here. What it sends is
  // read and dropped. Error unavailable net.closed.
  [[nodiscard]] Status alive();
  // Bytes (of TLS records) that the other machine has not acknowledged. 0 says that its kernel has
  // them, not that its program has read them.
  [[nodiscard]] std::int64_t unacknowledged() const;

 private:
  struct State;
  explicit TlsStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::net
