#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "hub/api/resources.hpp"
#include "hub/base/metrics.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/server.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::api {

// What the hub answers: finds the route of a request, asks for the token, calls the handler.
// Internally synchronised.
class Api {
 public:
  // Collects the metrics of its own and of `resources`, too.
  Api(std::unique_ptr<Resources> resources, crypto::Digest token_sha256,
      const phi::Policy& privacy);
  // Problem documents have passed the privacy policy.
  [[nodiscard]] http::Response handle(const http::Request& request);

  // Requests below /api/v1/ without the token.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  [[nodiscard]] http::Response answer(const http::Request& request);
  [[nodiscard]] bool has_token(const http::Request& request) const;

  // Constant after construction.
  const std::unique_ptr<Resources> resources_;
  const crypto::Digest token_sha256_;
  const phi::Policy& privacy_;

  std::atomic<std::uint64_t> refused_{0};
};

void write_metrics(const Api& api, MetricsWriter& out);

}  // namespace rabt::api
