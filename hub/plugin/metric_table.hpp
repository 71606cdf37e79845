#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::plugin {

// One metric as a manifest declares it.
struct MetricSpec {
  enum class Kind : std::uint8_t { counter, gauge, histogram } kind = Kind::counter;
  std::string name;
  std::string help;
  std::vector<std::pair<std::string, std::vector<std::string>>> labels;  // each with all its values
  std::vector<double> buckets;               // histogram: upper bounds, rising, without +Inf
  [[nodiscard]] std::size_t series() const;  // how many combinations of label values there are
};

// Metrics of one plugin. All series exist from the start, so no message of a plugin can add a
// series. Internally synchronised.
class MetricTable {
 public:
  explicit MetricTable(std::vector<MetricSpec> specs);

  // labels_json: an object with exactly the declared labels, or empty. Returns the fault, in which
  // case nothing is recorded; empty if it was recorded.
  [[nodiscard]] std::string_view record(std::string_view name, std::string_view labels_json,
                                        double value);
  // Prometheus text exposition format 0.0.4; a family is called plugin_<id>__<name>, '-' of the id
  // becomes '_', a counter ends in _total.
  void render(std::string_view plugin, std::string& out) const;

 private:
  struct Series {
    double value = 0;                   // counter, gauge; histogram: sum
    std::vector<std::uint64_t> counts;  // histogram: by bucket, +Inf last; not cumulative
  };
  struct Family {
    MetricSpec spec;
    std::vector<Series> series;  // in the order of the values, the last label fastest
  };
  mutable Mutex mutex_;
  // Constant after construction but for the values and counts, which mutex_ guards.
  std::vector<Family> families_;
};

}  // namespace rabt::plugin
