#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "hub/api/resources.hpp"
#include "hub/base/metrics.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::api {

// What the hub answers: finds the route of a request, asks for the token, calls the handler.
// Internally synchronised.
class Api {
 public:
  // Collects the metrics of its own and of `resources`, too.
  Api(std::unique_ptr<Resources> resources, const identity::ApiToken& token,
      const phi::Policy& privacy);
  // Judges a request by its head: who calls without the token, or asks for what is not there, is
  // refused before the body is read. Problem documents have passed the privacy policy.
  [[nodiscard]] http::Admission admit(const http::Request& head);

  // Requests below /api/v1/ without the token.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }

 private:
  [[nodiscard]] http::Admission judge(const http::Request& head);
  [[nodiscard]] bool has_token(const http::Request& request) const;

  // Constant after construction.
  const std::unique_ptr<Resources> resources_;
  const identity::ApiToken token_;
  const phi::Policy& privacy_;

  std::atomic<std::uint64_t> refused_{0};
};

void write_metrics(const Api& api, MetricsWriter& out);

}  // namespace rabt::api
