#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

// Metrics of a module, in Prometheus text format. A module has one function
//   void write_metrics(const Module& module, MetricsWriter& out);
// which hub/api/metrics.hpp collects. docs/operations.md lists the metrics; tests/lint/documents.sh
// compares.
namespace rabt {

struct MetricsLabel {
  std::string_view name;
  std::string_view value;
};

// Caller synchronises.
class MetricsWriter {
 public:
  // A metric of one sample.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);
  // A metric of any number of samples, which follow.
  void counters(std::string_view name, std::string_view help);
  void gauges(std::string_view name, std::string_view help);
  void sample(std::string_view name, std::initializer_list<MetricsLabel> labels,
              std::uint64_t value);
  // Text that is in the format already.
  void text(std::string_view lines) { out_.append(lines); }

  [[nodiscard]] const std::string& str() const { return out_; }

 private:
  void family(std::string_view name, std::string_view type, std::string_view help);

  std::string out_;
};

}  // namespace rabt
