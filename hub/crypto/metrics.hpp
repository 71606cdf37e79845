#pragma once

#include "hub/base/metrics.hpp"
#include "hub/crypto/keyring.hpp"

namespace rabt::crypto {

void write_metrics(const Keyring& keyring, MetricsWriter& out);

}  // namespace rabt::crypto
