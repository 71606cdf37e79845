#pragma once

#include "hub/base/metrics.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::engine {

void write_metrics(const Engine& engine, MetricsWriter& out);

}  // namespace rabt::engine
