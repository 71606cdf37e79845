#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "hub/http/server.hpp"

namespace rabt::assembly {

// Limits of one tenant on what the tenants of one process have in common, so that the others
// always find some left. A request that would take more gets 503. Internally synchronised.
class Share {
 public:
  struct Most {
    // Requests that are answered at once, and answers that are written piece by piece.
    std::uint64_t handlers = 0;
    std::uint64_t streams = 0;
    // Bytes of bodies; of one that is taken piece by piece, what it holds at once.
    std::uint64_t bodies = 0;
    // Bytes of large answers that are not read yet.
    std::uint64_t answers = 0;
    // WebSockets and streams of events.
    std::uint64_t sockets = 0;
  };
  explicit Share(Most most)
      : handlers_(most.handlers),
        streams_(most.streams),
        bodies_(most.bodies),
        answers_(most.answers),
        sockets_(most.sockets) {}

  // Decision of `judge` about a request, within this share. `judge` is called at once.
  [[nodiscard]] http::Admission admit(
      const http::Request& head,
      const std::function<http::Admission(const http::Request& head)>& judge);
  // Requests that found the share used up.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  // A stock that can be counted and used up. Each part comes back when its last holder is gone.
  class Stock {
   public:
    explicit Stock(std::uint64_t most) : most_(most) {}
    // Null when so much is not left.
    [[nodiscard]] std::shared_ptr<void> take(std::uint64_t some);

   private:
    const std::uint64_t most_;
    std::atomic<std::uint64_t> taken_{0};
  };

  class Counted;

  [[nodiscard]] http::Response busy();
  [[nodiscard]] http::Response answer(const http::Handler& handler, const http::Request& request);

  Stock handlers_;
  Stock streams_;
  Stock bodies_;
  Stock answers_;
  Stock sockets_;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace rabt::assembly
