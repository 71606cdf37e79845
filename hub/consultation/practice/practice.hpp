#pragma once

#include <cstdint>

#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/practice/clinics.hpp"
#include "hub/consultation/practice/compliance.hpp"
#include "hub/consultation/practice/figures.hpp"
#include "hub/consultation/practice/metering/usage.hpp"
#include "hub/consultation/practice/onboarding.hpp"
#include "hub/consultation/practice/page_content.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/practice/practice_surroundings.hpp"
#include "hub/consultation/practice/providers.hpp"
#include "hub/consultation/practice/visits.hpp"

namespace rabt::consultation {

// Surroundings of a tenant's sessions, one class a duty: clinics, visits, when providers can be
// had, figures, and what the pages show. Internally synchronised; every act blocks for one commit.
class Practice {
  // Constant after construction.
  const PracticeParts parts_;

 public:
  explicit Practice(PracticeParts parts);
  Practice(const Practice&) = delete;
  Practice& operator=(const Practice&) = delete;

  Clinics clinics;
  Visits visits;
  Providers providers;
  Onboarding onboarding;
  Usage usage;
  PracticeFigures figures;
  Compliance compliance;
  PageContent pages;

  // Questions of sessions to the practice.
  [[nodiscard]] Surroundings& surroundings() { return surroundings_; }
  // Tells thresholds that the month has reached, and drops old samples of quality. Once a minute,
  // however often it is called.
  Status catch_up();
  void write_metrics(MetricsWriter& out) const { usage.write_metrics(out); }

 private:
  PracticeSurroundings surroundings_;

  Mutex mutex_;
  // When catch_up looked last.
  std::int64_t caught_up_ms_ RABT_GUARDED_BY(mutex_) = 0;
};

inline void write_metrics(const Practice& practice, MetricsWriter& out) {
  practice.write_metrics(out);
}

}  // namespace rabt::consultation
