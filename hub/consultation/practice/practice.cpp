#include "hub/consultation/practice/practice.hpp"

#include <utility>

#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/line/samples.hpp"

namespace rabt::consultation {

namespace {

// Time between two looks at thresholds.
constexpr std::int64_t kLookMs = 60'000;
// Events that everybody was told of.
constexpr std::int64_t kEventsKeptMs = 30LL * 86'400'000;

}  // namespace

Practice::Practice(PracticeParts parts)
    : parts_(std::move(parts)),
      clinics(parts_),
      visits(parts_),
      providers(parts_),
      onboarding(parts_),
      usage({.store = parts_.store,
             .audit = parts_.audit,
             .clock = parts_.clock,
             .ids = parts_.ids,
             .tenant = parts_.tenant,
             .settings = parts_.settings.metering}),
      figures(parts_),
      compliance(parts_),
      pages(parts_),
      surroundings_(clinics, visits, usage, parts_.records) {}

Status Practice::catch_up() {
  const Timestamp now = parts_.clock.now();
  providers.forget_unseen();
  {
    const Lock lock(mutex_);
    if (caught_up_ms_ > 0 && now.ms - caught_up_ms_ < kLookMs) return ok_status();
    caught_up_ms_ = now.ms;
  }
  RABT_TRY_STATUS(usage.count_month(now));
  RABT_TRY_STATUS(compliance.note());
  RABT_TRY_STATUS(sweep_hub_events(parts_.store, parts_.tenant, {now.ms - kEventsKeptMs}));
  return sweep_quality_samples(parts_.store, now);
}

}  // namespace rabt::consultation
