#include "hub/crypto/metrics.hpp"

namespace rabt::crypto {

void write_metrics(const Keyring& keyring, MetricsWriter& out) {
  out.gauge("rabt_keyring_not_written", "1 while the keyring cannot be written.",
            keyring.trouble().empty() ? 0 : 1);
}

}  // namespace rabt::crypto
