#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/acts/figures.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/session/decide.hpp"

namespace rabt::consultation {

// Metrics of acts, without patient data. Internally synchronised.
class ActMetrics {
 public:
  explicit ActMetrics(const SessionParts& parts) : parts_(parts) {}

  // A change of a session is durable.
  void count(const Session& before, const Change& change, Timestamp now);
  // An event is durable. type: without prefix and version. Logs it, too.
  void happened(std::string_view session, std::string_view type, const Json& data);
  [[nodiscard]] SessionFigures& figures() { return figures_; }
  // Reads the store for what is active and kept now.
  void write(MetricsWriter& out) const;

 private:
  [[nodiscard]] std::uint64_t kept_bytes() const;

  const SessionParts& parts_;
  // By SessionStatus.
  std::array<std::atomic<std::uint64_t>, 8> entered_{};
  // By PartRole.
  std::array<std::atomic<std::uint64_t>, 7> joined_{};
  SessionFigures figures_;
  struct KeptBytes {
    Mutex mutex;
    std::uint64_t bytes RABT_GUARDED_BY(mutex) = 0;
    std::int64_t counted_ms RABT_GUARDED_BY(mutex) = 0;
  };
  mutable KeptBytes kept_;
};

}  // namespace rabt::consultation
