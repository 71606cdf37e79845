#pragma once

#include "hub/base/metrics.hpp"
#include "hub/store/store.hpp"

namespace rabt::store {

void write_metrics(const Store& store, MetricsWriter& out);

}  // namespace rabt::store
