#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/alerts/channels.hpp"
#include "hub/alerts/course.hpp"
#include "hub/alerts/rows.hpp"
#include "hub/alerts/telling.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/identity/principal.hpp"
#include "hub/keys/data_keys.hpp"

// Faults of the hub and its surroundings, told to people: docs/alerts.md.
namespace rabt::alerts {

// Values that were measured at one time.
struct Readings {
  struct One {
    std::string_view rule;
    std::string object{};
    std::int64_t value = 0;
  };
  std::vector<One> values;
  // Rules, and causes, that could not be measured: their alerts stay as they are.
  std::set<std::string, std::less<>> unread;
  std::set<Cause> unknown{};
};

struct Settings {
  // Numbers in the place of a rule's own, by its name.
  std::map<std::string, Numbers, std::less<>> rules{};
  std::vector<Way> warn{Way::webhook};
  std::vector<Way> page{Way::webhook};
  Quiet quiet{};
  // The plugin that serves the role `notify`. May be empty.
  std::string notify{};
};

// The channels of the configuration; null where there is none.
using Channels = std::array<std::unique_ptr<Channel>, kWays>;

// Nothing opens for so long after a start.
inline constexpr std::int64_t kStartMs = 2LL * 60 * 1000;
inline constexpr std::int64_t kClosedKeptMs = 90LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kLongestSnoozeMs = 30LL * 24 * 3600 * 1000;
// A telling is tried for so long.
inline constexpr std::int64_t kTriedMs = 24LL * 3600 * 1000;

// Internally synchronised. Memory is what counts, and rows follow it: while nothing can be written,
// people are told all the same.
class Alerts {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    keys::DataKeys& keys;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    Logger& log;
    std::string tenant;
  };
  [[nodiscard]] static Result<std::unique_ptr<Alerts>> open(Parts parts, Settings settings,
                                                            Channels channels);

  // Judges the readings, tells what is due and writes what has changed. For maintenance, every 15
  // seconds. When it returns, channels may still be at work.
  void sweep(const Readings& readings);
  // Removes some of what is old. True when there may be more.
  [[nodiscard]] bool remove_old();

  // The newest first, as they are now.
  [[nodiscard]] Result<std::vector<Alert>> list(const AlertFilter& filter, std::string_view before,
                                                std::size_t limit) const;
  // Open alerts, the urgent ones first.
  [[nodiscard]] std::vector<Alert> open_alerts() const;
  // Those of them whose value was bad at the last reading: the others close soon by themselves.
  [[nodiscard]] std::vector<Alert> bad_alerts() const;
  // Rules and objects that are held back, and until when.
  [[nodiscard]] Snoozes snoozes() const;
  // The note of whoever acknowledged it.
  [[nodiscard]] Result<std::string> note(const Alert& alert) const;

  // Ends the daily reminder. Durable when ok. Errors: not_found alert.unknown, conflict
  // alert.closed.
  [[nodiscard]] Result<Alert> ack(const identity::Caller& caller, std::string_view id,
                                  const std::string& note);
  // Nothing is told of the cause until then; 0 ends it. Durable when ok. Errors: invalid alert.rule
  // and alert.snooze. Gives the time.
  [[nodiscard]] Result<std::int64_t> snooze(const identity::Caller& caller, const Cause& cause,
                                            std::int64_t for_ms);
  // The same for the cause of an alert. Error not_found alert.unknown.
  [[nodiscard]] Result<std::int64_t> snooze_alert(const identity::Caller& caller,
                                                  std::string_view id, std::int64_t for_ms);
  // Tells every address of a channel that it works, and waits for the answers. Errors: not_found
  // alert.channel; unavailable alert.not_told with the code.
  [[nodiscard]] Status test(const identity::Caller& caller, Way way);

  void write_metrics(MetricsWriter& out) const;

 private:
  [[nodiscard]] std::vector<Alert> open_alerts(bool bad_only) const;
  // Answers of channels. Outlives the alerts, because a channel may answer later.
  struct Inbox;
  // An alert that lives, with its course.
  struct Living {
    Alert alert;
    Course course;
    bool dirty = false;
  };
  struct Sent {
    Telling telling;
    bool in_flight = false;
    bool dirty = true;
  };

  Alerts(Parts parts, Settings settings, Channels channels);
  [[nodiscard]] Status load();
  [[nodiscard]] Numbers numbers_of(const Rule& rule) const;
  [[nodiscard]] const std::vector<Way>& ways_of(Severity severity) const;
  void judge(const Readings& readings) RABT_REQUIRES(mutex_);
  void judge_one(const Cause& cause, std::optional<std::int64_t> value, bool may_open)
      RABT_REQUIRES(mutex_);
  // One reading of each channel: how long its oldest telling has failed.
  [[nodiscard]] std::optional<std::int64_t> stuck_seconds(Way way) const RABT_REQUIRES(mutex_);
  void tell() RABT_REQUIRES(mutex_);
  void tell_one(const Facts& facts, const std::vector<Way>& ways) RABT_REQUIRES(mutex_);
  void settle() RABT_REQUIRES(mutex_);
  void send() RABT_REQUIRES(mutex_);
  void write() RABT_REQUIRES(mutex_);
  [[nodiscard]] audit::Prepared entry(const identity::Caller& caller, std::string_view act,
                                      std::string object, Json detail) const;

  const Parts parts_;
  const Settings settings_;
  const Channels channels_;
  const std::shared_ptr<Inbox> inbox_;
  const std::int64_t started_ms_;

  mutable Mutex mutex_;
  // Open alerts, and courses that are about to open one.
  std::map<Cause, Living> living_ RABT_GUARDED_BY(mutex_);
  // Alerts that closed, until that is told.
  std::vector<Living> closing_ RABT_GUARDED_BY(mutex_);
  std::vector<Sent> tellings_ RABT_GUARDED_BY(mutex_);
  Snoozes snoozes_ RABT_GUARDED_BY(mutex_);
  bool unwritten_ RABT_GUARDED_BY(mutex_) = false;
  std::array<std::uint64_t, kWays> told_ RABT_GUARDED_BY(mutex_){};
  std::array<std::uint64_t, kWays> failed_ RABT_GUARDED_BY(mutex_){};
};

inline void write_metrics(const Alerts& alerts, MetricsWriter& out) {
  alerts.write_metrics(out);
}

}  // namespace rabt::alerts
