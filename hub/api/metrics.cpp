#include "hub/api/metrics.hpp"

#include "hub/base/check.hpp"

namespace rabt::api {

http::Response Metrics::get(const Call& /*call*/) const {
  MetricsWriter out;
  for (const auto& write : collectors_) write(out);
  out.counter("rabt_bugs_total", "Defects found at run time.", bug_count());
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = out.str()};
}

}  // namespace rabt::api
