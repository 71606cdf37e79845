#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/http/request_head.hpp"
#include "hub/http/server.hpp"

namespace rabt::http {

// What all connections of a server share.
struct Shared {
  Shared(ServerOptions chosen, Handler serve, Logger& logger)
      : options(std::move(chosen)), handler(std::move(serve)), log(logger) {}

  // Constant once the server listens.
  ServerOptions options;
  Handler handler;
  Logger& log;
  // How many connections are served or wait for a thread.
  std::function<int()> connections;

  SystemClock clock;
  SystemRandom random;
  UlidSource ids{clock, random};

  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> truncated{0};
  std::atomic<std::uint64_t> overloaded{0};
  std::atomic<std::uint64_t> failed{0};

  Mutex mutex;
  // Sockets of connections that are served, so that stop() can end their reads.
  std::set<int> open RABT_GUARDED_BY(mutex);
};

// One connection, confined to its thread. The socket stays the caller's.
class Connection {
 public:
  Connection(Shared& shared, int fd) : shared_(shared), fd_(fd) {}
  // Serves requests until the connection ends. remote: address of the other end, no port.
  void serve(std::string remote);

 private:
  // Whether another request may follow.
  [[nodiscard]] bool serve_one(bool last);
  // Reads until the head is complete or refused. False when the connection ended before.
  [[nodiscard]] bool read_head(HeadScan& scan);
  [[nodiscard]] bool read_body(const RequestHead& head, std::string& body);
  [[nodiscard]] Response call_handler(const Request& request);
  [[nodiscard]] bool write_response(Response& response, std::string_view method,
                                    std::string_view request_id, bool keep_alive);
  [[nodiscard]] bool write_stream(const Response& response, std::string_view request_id);
  // Returns false always: after a refusal nobody knows where the next request would start.
  bool refuse(const Refusal& refusal);

  // Appends to buffer_. False at the deadline, at the end of the stream (ended_) and on errors
  // (ended_).
  [[nodiscard]] bool read_some(std::int64_t deadline);
  [[nodiscard]] bool send_all(std::string_view text);
  [[nodiscard]] std::int64_t now() const { return shared_.clock.monotonic_ms(); }

  Shared& shared_;
  const int fd_;
  std::string remote_;
  // Arrived, and not yet used.
  std::string buffer_;
  bool ended_ = false;
};

}  // namespace rabt::http
