#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/log.hpp"
#include "hub/base/result.hpp"

// Messages in frames of MLLP (base/mllp.hpp), one answer for each, in order. Knows nothing of what
// a message says.
namespace rabt::crypto {
class TlsServer;
}  // namespace rabt::crypto

namespace rabt::http {

struct MllpOptions {
  // Literal IPv4 or IPv6.
  std::string address = "127.0.0.1";
  // 0 takes a free one.
  int port = 0;
  // Certificate, key and the authorities of callers. Null: plain TCP.
  std::shared_ptr<crypto::TlsServer> tls = nullptr;
  // DNS names, one of which the caller's certificate must have. Any certificate that the
  // authorities signed will do if this is empty.
  std::vector<std::string> names{};
  // True for addresses that may connect. While it is unset, every address may.
  std::function<bool(std::string_view address)> allowed{};
  // A longer message ends its connection.
  std::size_t max_message = 1U << 20U;
  // Connections that are open at once, each with a thread, three quarters of them of one address.
  // One more takes the place of that which is silent for the longest time, a second at least: of
  // its own address where that has its part.
  std::size_t max_connections = 32;
  // Between two messages.
  std::int64_t idle_ms = 30LL * 60 * 1000;
  // From the first byte of a message to its last, of a handshake, and until an answer is taken.
  std::int64_t slow_ms = 30'000;
};

// Takes a message: the answer, "" for none, or nothing, which ends the connection, so that the
// sender repeats what he has no answer to. Blocks. Called by the connection's own thread.
using TakeMessage = std::function<std::optional<std::string>(const std::string& message,
                                                             const std::string& address)>;

// A listener and its connections. Internally synchronised.
class MllpListener {
 public:
  // Listening when it returns. Errors: http.address, http.options; unavailable http.bind,
  // process.threads.
  [[nodiscard]] static Result<std::unique_ptr<MllpListener>> start(MllpOptions options,
                                                                   TakeMessage take, Logger& log);
  // Accepts nothing more, lets messages that are being taken be answered, ends the connections.
  ~MllpListener();
  MllpListener(const MllpListener&) = delete;
  MllpListener& operator=(const MllpListener&) = delete;

  [[nodiscard]] int port() const;

 private:
  struct State;
  explicit MllpListener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::http
