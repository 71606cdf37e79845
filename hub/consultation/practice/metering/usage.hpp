#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/practice/metering/metering_settings.hpp"
#include "hub/consultation/practice/metering/usage_request.hpp"
#include "hub/consultation/practice/metering/usage_views.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/session/time.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Parts that the metering uses. Objects that are referred to outlive it.
struct MeteringParts {
  store::Store& store;
  audit::AuditLog& audit;
  const Clock& clock;
  UlidSource& ids;
  const std::string& tenant;
  const MeteringSettings& settings;
};

// Attendee-minutes of months, their metering, and the thresholds that they reach. Internally
// synchronised; every act blocks for one commit.
class Usage {
 public:
  explicit Usage(const MeteringParts& parts) : parts_(parts) {}

  // Figures of all sessions for managers of the tenant; a provider gets those of his own sessions.
  Result<UsageView> read(const Caller& caller, const Asked<GetUsage>& asked);
  Result<UsageBySessionView> by_session(const Caller& caller, const Asked<GetUsage>& asked);

  // The functions of Surroundings with these names.
  Status meter(store::Transaction& transaction, std::string_view tenant, std::string_view session,
               bool ends) const;
  Status may_create(std::string_view tenant);

  // Counts the month of `now` for the metrics, and tells thresholds that it has reached.
  Status count_month(Timestamp now);
  void write_metrics(MetricsWriter& out) const;

 private:
  struct MonthUsage {
    Month month;
    std::int64_t seconds = 0;
    // Part of the seconds that adjustments have added or taken.
    std::int64_t adjusted = 0;
    struct OfSession {
      std::int64_t seconds = 0;
      std::int64_t participants = 0;
    };
    std::map<std::string, OfSession> sessions;
  };

  // Seconds by month and participant.
  using Metered = std::map<std::pair<std::string, std::string>, std::int64_t>;
  [[nodiscard]] Result<Metered> metered(const std::map<std::string, std::vector<Attended>>& stays,
                                        Timestamp now) const;
  [[nodiscard]] Result<Month> month_of_stay(Timestamp at) const;
  // provider: counts the sessions of this provider; all sessions if it is empty.
  [[nodiscard]] Result<MonthUsage> usage_of(std::string_view tenant, const Month& month,
                                            std::string_view provider = {}) const;
  [[nodiscard]] Result<Month> month_asked(const Asked<GetUsage>& asked) const;
  [[nodiscard]] Status note_thresholds(std::string_view tenant, const MonthUsage& usage) const;

  const MeteringParts parts_;

  mutable Mutex mutex_;
  // The month's minutes as they were counted last, for may_create.
  std::int64_t counted_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t counted_minutes_ RABT_GUARDED_BY(mutex_) = 0;
  // Result of the last count_month. Empty before the first.
  std::string noted_month_ RABT_GUARDED_BY(mutex_);
  std::int64_t noted_minutes_ RABT_GUARDED_BY(mutex_) = 0;
  // The month of the last stay that was metered.
  mutable Month month_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::consultation
