#pragma once

#include <functional>
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

  [[nodiscard]] http::Response get(const Call& call) const;

 private:
  std::vector<std::function<void(MetricsWriter&)>> collectors_;
};

}  // namespace rabt::api
