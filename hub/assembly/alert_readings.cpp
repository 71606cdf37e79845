#include "hub/assembly/alert_readings.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <limits>

#include "hub/api/health.hpp"
#include "hub/assembly/backup.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/practice/waiting.hpp"

namespace rabt::assembly {

namespace {

using alerts::Readings;

constexpr std::int64_t kSideMs = 600 * kSecondMs;
// Share of runs that failed, of those that ended within the hour: one in so many.
constexpr std::int64_t kFaultedOneIn = 10;

// Rise of one key's count within its window.
std::int64_t risen(std::map<std::string, alerts::Window>& windows, const std::string& key,
                   std::int64_t span_ms, std::int64_t uptime_ms, std::int64_t count) {
  return windows.try_emplace(key, span_ms).first->second.add(uptime_ms, count);
}

std::int64_t count_of(const std::map<std::string, std::uint64_t>& counts, const std::string& key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : static_cast<std::int64_t>(found->second);
}

}  // namespace

AlertReadings::AlertReadings(Parts parts, const config::Config& config)
    : parts_(std::move(parts)),
      tenant_(config.tenant),
      data_(config.data),
      sends_sms_(sends_sms(config)),
      agreements_(config.practice.agreements),
      rhythms_(parts_.store, config.tenant),
      ended_(kHourMs),
      faulted_(kHourMs) {}

Readings AlertReadings::take() {
  Readings out;
  add_events(out);
  add_runs(out);
  add_standstill(out);
  add_plugins(out);
  add_ends(out);
  add_house(out);
  return out;
}

void AlertReadings::add_events(Readings& out) {
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  if (const auto untold = parts_.webhooks.untold(); untold.ok()) {
    for (const webhooks::Untold& one : *untold) {
      if (one.dead > 0) out.values.push_back({"dead_letters", one.name, one.dead});
      if (one.oldest_ms)
        out.values.push_back({"webhook_backlog", one.name, (now - *one.oldest_ms) / kSecondMs});
    }
  } else {
    out.unread.insert({"dead_letters", "webhook_backlog"});
  }
  if (parts_.broker != nullptr && !parts_.broker->trouble().ok())
    out.values.push_back({"bus_away", "rabbitmq", 1});
  for (const auto& [source, lost] : parts_.outcomes.lost()) {
    const auto within = risen(lost_, source, kHourMs, uptime, static_cast<std::int64_t>(lost));
    out.values.push_back({"deliveries_lost", source, within});
  }
  if (parts_.heard == nullptr) return;
  if (const auto missed = rhythms_.look(parts_.heard(), now); missed.ok()) {
    for (const auto& [source, count] : *missed) {
      if (count) {
        out.values.push_back({"silent_source", source, *count});
      } else {
        out.unknown.insert({"silent_source", source});
      }
    }
  } else {
    out.unread.insert("silent_source");
  }
}

void AlertReadings::add_runs(Readings& out) {
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  if (const auto parked = parts_.engine.parked_first(); parked.ok()) {
    std::map<std::string, std::int64_t> oldest;
    for (const Tally& tally : *parked) {
      std::int64_t& age = oldest[tally.of.substr(0, tally.of.find('/'))];
      age = std::max(age, (now - tally.oldest.ms) / kSecondMs);
    }
    for (const auto& [role, age] : oldest) out.values.push_back({"parked", role, age});
  } else {
    out.unread.insert("parked");
  }
  const engine::EngineStats stats = parts_.engine.stats();
  const auto faulted = faulted_.add(uptime, static_cast<std::int64_t>(stats.faulted));
  const auto ended = ended_.add(
      uptime, static_cast<std::int64_t>(stats.completed + stats.faulted + stats.cancelled));
  out.values.push_back({"faulted", {}, faulted * kFaultedOneIn > ended ? faulted : 0});
  out.values.push_back({"late_timers", {}, stats.timer_late_ms / kSecondMs});
  if (const auto rooms = consultation::waiting_rooms(parts_.store, tenant_); rooms.ok()) {
    for (const Tally& room : *rooms)
      out.values.push_back({"patients_waiting", room.of.empty() ? "hospital" : room.of,
                            (now - room.oldest.ms) / kSecondMs});
  } else {
    out.unread.insert("patients_waiting");
  }
  if (const auto tasks = parts_.tasks.waiting(); tasks.ok()) {
    for (const Tally& task : *tasks) {
      if (task.of == "emergency") out.values.push_back({"emergency_unanswered", {}, task.count});
    }
  } else {
    out.unread.insert("emergency_unanswered");
  }
}

void AlertReadings::add_standstill(Readings& out) {
  constexpr std::int64_t kEveryMs = 60 * kSecondMs;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  out.unread.insert("work_waiting");
  if (uptime < next_standstill_ms_) return;
  const auto found = parts_.standstill.look();
  if (!found.ok()) return;
  out.unread.erase("work_waiting");
  next_standstill_ms_ = uptime + kEveryMs;
  for (const engine::Waiting& waiting : *found) {
    // Decisions are what the rule `parked` is about.
    if (waiting.count == 0 || waiting.for_what == "decision") continue;
    out.values.push_back(
        {"work_waiting", std::string(waiting.for_what), waiting.oldest_ms / kSecondMs});
  }
}

void AlertReadings::add_plugins(Readings& out) {
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  const auto states = parts_.plugins.plugins();
  const auto bindings = parts_.plugins.bindings();
  const Json unserved = api::roles_unserved(parts_.plugins, sends_sms_);
  for (const auto& [role, why] : unserved.as_object())
    out.values.push_back({"role_unserved", role, 1});
  struct Calls {
    std::int64_t failed = 0;
    std::int64_t answered = 0;
  };
  std::map<std::string, Calls> calls;
  for (const auto& state : states) {
    Calls& one = calls[state.id];
    one.failed += count_of(state.outcomes, "transient") + count_of(state.outcomes, "ambiguous");
    one.answered += count_of(state.outcomes, "done") + count_of(state.outcomes, "permanent");
    if (!state.newest || state.draining) continue;
    if (api::why_unable(state) == "quarantined")
      out.values.push_back({"plugin_quarantined", state.id, 1});
    constexpr std::int64_t kPercent = 100;
    if (state.storage_quota > 0)
      out.values.push_back(
          {"plugin_storage", state.id, state.storage_bytes * kPercent / state.storage_quota});
  }
  std::map<std::string, std::int64_t> away;
  for (const auto& [id, one] : calls) {
    const auto failed = risen(failed_, id, kSideMs, uptime, one.failed);
    const auto answered = risen(answered_, id, kSideMs, uptime, one.answered);
    away[id] = answered == 0 ? failed : 0;
  }
  for (const auto& [role, target] : bindings) {
    const auto found = away.find(std::string(plugin_at(target)));
    if (found != away.end()) out.values.push_back({"role_away", role, found->second});
  }
}

void AlertReadings::add_ends(Readings& out) const {
  const std::int64_t now = parts_.wall.now().ms;
  const auto certificates = parts_.certificates == nullptr
                                ? std::optional<std::map<std::string, Timestamp>>()
                                : parts_.certificates();
  if (certificates) {
    for (const auto& [name, end] : *certificates)
      out.values.push_back({"certificate", name, (end.ms - now) / kSecondMs});
  } else {
    out.unread.insert("certificate");
  }
  // One that was renewed has another entry. Without an end it stays.
  std::map<std::string, std::int64_t> ends;
  for (const consultation::Agreement& agreement : agreements_) {
    const auto end = parse_iso8601(agreement.valid_to + "T00:00:00Z");
    std::int64_t& last = ends[agreement.party];
    last = std::max(last, end.ok() ? end->ms : std::numeric_limits<std::int64_t>::max());
  }
  for (const auto& [party, end] : ends)
    out.values.push_back({"agreement", party, (end - now) / kSecondMs});
  if (const auto last = last_backup(data_))
    out.values.push_back({"backup_old", {}, (now - last->ms) / kSecondMs});
}

void AlertReadings::add_house(Readings& out) const {
  struct statvfs room {};
  constexpr std::uint64_t kPercent = 100;
  if (::statvfs(data_.c_str(), &room) == 0 && room.f_blocks > 0) {
    out.values.push_back(
        {"disk_free", data_, static_cast<std::int64_t>(room.f_bavail * kPercent / room.f_blocks)});
  } else {
    out.unread.insert("disk_free");
  }
  const audit::LogState state = parts_.audit.state();
  if (!state.appendable) out.values.push_back({"audit_refused", {}, 1});
  if (!state.signing) out.values.push_back({"audit_unsigned", {}, 1});
  for (const audit::AnchorState& anchor : state.anchors) {
    if (anchor.failing) out.values.push_back({"audit_anchor", anchor.name, 1});
  }
}

}  // namespace rabt::assembly
