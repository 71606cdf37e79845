#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/acts/memberships.hpp"

namespace rabt::consultation {

struct Change;
struct Session;

// Numbers of values at or below each bound, as Prometheus reads a histogram. Caller synchronises.
class Histogram {
 public:
  explicit Histogram(std::initializer_list<double> bounds)
      : bounds_(bounds), counts_(bounds.size()) {}
  void add(double value);
  void write(MetricsWriter& out, std::string_view name, std::string_view help) const;

 private:
  const std::vector<double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t all_ = 0;
  double sum_ = 0;
};

// Figures of sessions since the hub started, without patient data. Internally
// synchronised.
class SessionFigures {
 public:
  // A change of a session is durable.
  void changed(const Session& before, const Change& change, std::int64_t now_ms);
  // An event of a session is durable. type: without prefix and version.
  void happened(std::string_view type, const Json& data);
  void count(Counted what, std::uint64_t by);
  // A recording came from the provider and was sealed.
  void sealed(double seconds);
  // Answer of a provider that was asked to delete its copy of a recording: deleted, refused,
  // or left when it is not asked again.
  void copy(std::string_view status);
  void write(MetricsWriter& out) const;

 private:
  using Counts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

  mutable Mutex mutex_;
  Histogram duration_ RABT_GUARDED_BY(mutex_){60, 300, 600, 900, 1'800, 3'600, 7'200};
  Histogram quality_ RABT_GUARDED_BY(mutex_){2.6, 3.1, 3.6, 4.0, 4.3};
  Histogram join_ RABT_GUARDED_BY(mutex_){1, 5, 15, 60, 300, 900};
  Histogram waiting_ RABT_GUARDED_BY(mutex_){10, 60, 300, 900, 1'800, 3'600};
  Histogram seal_ RABT_GUARDED_BY(mutex_){1, 5, 15, 60, 300, 900, 3'600};
  std::map<Counted, std::uint64_t> counted_ RABT_GUARDED_BY(mutex_);
  Counts levels_ RABT_GUARDED_BY(mutex_);
  Counts phi_ RABT_GUARDED_BY(mutex_);
  Counts reviewed_ RABT_GUARDED_BY(mutex_);
  Counts recordings_ RABT_GUARDED_BY(mutex_);
  Counts copies_ RABT_GUARDED_BY(mutex_);
  Counts segments_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::consultation
