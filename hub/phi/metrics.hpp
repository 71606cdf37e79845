#pragma once

#include "hub/base/metrics.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::phi {

void write_metrics(const Policy& policy, MetricsWriter& out);

}  // namespace rabt::phi
