#pragma once

#include "hub/base/metrics.hpp"
#include "hub/plugin/plugin_host.hpp"

namespace rabt::plugin {

// Includes what plugins measure themselves (rabt.metrics/1).
void write_metrics(const PluginHost& host, MetricsWriter& out);

}  // namespace rabt::plugin
