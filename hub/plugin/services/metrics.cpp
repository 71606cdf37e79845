#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

struct Services::Metrics {
  static void record(void* raw, const char* name, rabt_bytes labels_json, double value) noexcept
      try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    const std::string_view wrong =
        self.metric_table_.record(name == nullptr ? "" : name, view(labels_json), value);
    if (!wrong.empty()) self.violation("metrics", wrong);
  } catch (...) {  // a number that cannot be kept is lost
  }
};

void Services::fill_metrics(Instance& self) {
  self.offered_.metrics = {sizeof self.offered_.metrics, 0, &self, &Metrics::record};
}

}  // namespace rabt::plugin
