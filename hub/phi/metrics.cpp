#include "hub/phi/metrics.hpp"

namespace rabt::phi {

void write_metrics(const Policy& policy, MetricsWriter& out) {
  out.counters("rabt_phi_withheld_total",
               "Texts that did not leave as they were, by channel and by what was found in them.");
  for (const PolicyCount& found : policy.counts()) {
    out.sample("rabt_phi_withheld_total",
               {{"channel", to_string(found.channel)}, {"class", found.what}}, found.count);
  }
}

}  // namespace rabt::phi
