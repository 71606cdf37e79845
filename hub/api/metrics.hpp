#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hub/api/routes.hpp"
#include "hub/base/metrics.hpp"

namespace rabt::api {

// GET /metrics: what every module writes, one after the other.
class Metrics {
 public:
  // The module has `void write_metrics(const Module&, MetricsWriter&)`, which any thread may call,
  // and outlives this. Before the first request.
  template <class Module>
  void add(const Module& module) {
    collectors_.push_back([&module](MetricsWriter& out) { write_metrics(module, out); });
  }

  // Gives every sample this label from now on: one hub measures several tenants.
  void label(std::string tenant) { tenant_ = std::move(tenant); }

  [[nodiscard]] http::Response get(const Call& call) const;

 private:
  // Empty if the hub serves one tenant.
  std::string tenant_;
  std::vector<std::function<void(MetricsWriter&)>> collectors_;
};

}  // namespace rabt::api
