#include "hub/alerts/alerts.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "hub/base/clock.hpp"
#include "hub/keys/retention.hpp"

namespace rabt::alerts {

namespace {

// Pauses between two attempts of a telling; the last one repeats.
constexpr std::array<std::int64_t, 4> kPausesMs{kMinuteMs, 2 * kMinuteMs, 5 * kMinuteMs,
                                                15 * kMinuteMs};
constexpr std::int64_t kTestPatienceMs = 30'000;

crypto::SealContext note_context(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "alert", .row = id, .field = "note"};
}

std::int64_t pause_after(std::int64_t attempts) {
  const auto index = static_cast<std::size_t>(std::max<std::int64_t>(0, attempts - 1));
  return kPausesMs.at(std::min(index, kPausesMs.size() - 1));
}

Error unknown() {
  return not_found("alert.unknown", "there is no alert with this id; `rabt alerts --all` has all");
}

}  // namespace

struct Alerts::Inbox {
  struct Answer {
    std::string id;
    Way way;
    std::int64_t target;
    Told told;
  };
  Mutex mutex;
  std::vector<Answer> answers RABT_GUARDED_BY(mutex);
};

Alerts::Alerts(Parts parts, Settings settings, Channels channels)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      channels_(std::move(channels)),
      inbox_(std::make_shared<Inbox>()),
      started_ms_(parts_.clock.monotonic_ms()) {}

Result<std::unique_ptr<Alerts>> Alerts::open(Parts parts, Settings settings, Channels channels) {
  std::unique_ptr<Alerts> alerts(
      new Alerts(std::move(parts), std::move(settings), std::move(channels)));
  RABT_TRY_STATUS(alerts->load());
  return alerts;
}

Status Alerts::load() {
  const std::int64_t now = parts_.clock.now().ms;
  RABT_TRY(alerts, read_living(parts_.store, parts_.tenant));
  RABT_TRY(tellings, read_tellings(parts_.store, parts_.tenant, now - kHourMs));
  RABT_TRY(snoozes, read_snoozes(parts_.store, parts_.tenant, now));
  const Lock lock(mutex_);
  for (Alert& alert : alerts) {
    Living living{.alert = alert, .course = Course(alert.severity, alert.count)};
    if (alert.is_open()) {
      living_.insert_or_assign({alert.rule, alert.object}, std::move(living));
    } else {
      closing_.push_back(std::move(living));
    }
  }
  for (Telling& telling : tellings)
    tellings_.push_back({.telling = std::move(telling), .dirty = false});
  snoozes_ = std::move(snoozes);
  return ok_status();
}

Numbers Alerts::numbers_of(const Rule& rule) const {
  const auto found = settings_.rules.find(rule.name);
  return found == settings_.rules.end() ? rule.numbers : found->second;
}

const std::vector<Way>& Alerts::ways_of(Severity severity) const {
  return severity == Severity::page ? settings_.page : settings_.warn;
}

// ---- Judging

void Alerts::sweep(const Readings& readings) {
  const Lock lock(mutex_);
  settle();
  judge(readings);
  tell();
  write();
  send();
}

void Alerts::judge(const Readings& readings) {
  const bool may_open = parts_.clock.monotonic_ms() - started_ms_ >= kStartMs;
  std::map<Cause, std::int64_t> values;
  for (const Readings::One& one : readings.values)
    values.insert_or_assign({std::string(one.rule), one.object}, one.value);
  for (std::size_t i = 0; i < kWays; ++i) {
    const Way way = static_cast<Way>(i);
    if (const auto seconds = stuck_seconds(way))
      values.insert_or_assign({"alert_channel", std::string(to_string(way))}, *seconds);
  }
  // Causes that are measured no more have come to their good side.
  std::vector<Cause> gone;
  for (const auto& [cause, living] : living_) {
    const bool unread = readings.unread.contains(cause.first) || readings.unknown.contains(cause);
    if (!values.contains(cause) && !unread) gone.push_back(cause);
  }
  for (const auto& [cause, value] : values) judge_one(cause, value, may_open);
  for (const Cause& cause : gone) judge_one(cause, std::nullopt, may_open);
}

void Alerts::judge_one(const Cause& cause, std::optional<std::int64_t> value, bool may_open) {
  const std::int64_t now = parts_.clock.now().ms;
  const Rule* const shipped_rule = find_rule(cause.first);
  // A rule of another version of the hub: its alert closes.
  const Rule rule =
      shipped_rule != nullptr ? *shipped_rule : Rule{"", Unit::count, false, {.on = false}};
  Living& living = living_[cause];
  Course& course = living.course;
  Alert& alert = living.alert;
  const Move move =
      course.step(rule, numbers_of(rule), value, parts_.clock.monotonic_ms(), may_open);
  if (move == Move::opened) {
    alert = {.id = parts_.ids.next().text(),
             .rule = cause.first,
             .object = cause.second,
             .worst = *value,
             .opened_ms = now};
    parts_.log.warn("alert.opened", {{"rule", cause.first}, {"object", cause.second}});
  }
  if (course.is_open() && course.is_bad()) {
    alert.value = *value;
    alert.last_ms = now;
    if (!rule.reaches(alert.worst, *value)) alert.worst = *value;
  }
  alert.severity = course.severity();
  alert.count = course.count();
  if (move != Move::none) living.dirty = true;
  if (move == Move::closed) {
    parts_.log.info("alert.closed", {{"rule", cause.first}, {"object", cause.second}});
    alert.closed_ms = now;
    alert.over = !alert.told_ms.has_value();
    closing_.push_back(living);
    living_.erase(cause);
  } else if (course.is_idle()) {
    living_.erase(cause);
  }
}

std::optional<std::int64_t> Alerts::stuck_seconds(Way way) const {
  std::optional<std::int64_t> oldest;
  for (const Sent& sent : tellings_) {
    const Telling& telling = sent.telling;
    if (telling.way != way || telling.state != "open" || telling.attempts == 0) continue;
    oldest = std::min(oldest.value_or(telling.at_ms), telling.at_ms);
  }
  if (!oldest) return std::nullopt;
  return (parts_.clock.now().ms - *oldest) / 1000;
}

// ---- Telling

void Alerts::tell() {
  const std::int64_t now = parts_.clock.now().ms;
  std::set<std::string_view> recent;
  for (const Sent& telling : tellings_) {
    if (telling.telling.at_ms > now - kHourMs) recent.insert(telling.telling.id);
  }
  std::vector<Want> wants;
  std::map<const Alert*, Living*> of;
  const auto look = [&](Living& living) RABT_REQUIRES(mutex_) {
    const auto kind = wanted(living.alert, snoozes_, settings_.quiet, now);
    if (!kind || living.alert.id.empty()) return;
    wants.push_back({.alert = &living.alert, .kind = *kind});
    of[&living.alert] = &living;
  };
  for (auto& [cause, living] : living_) {
    if (living.course.is_open()) look(living);
  }
  for (Living& living : closing_) look(living);
  if (wants.empty()) return;

  const Plan due = plan(std::move(wants), static_cast<int>(recent.size()));
  const auto note = [&](const Want& want) {
    Alert& alert = *want.alert;
    alert.told_ms = now;
    alert.told_severity = alert.severity;
    if (want.kind == Kind::closed) alert.over = true;
    of.at(&alert)->dirty = true;
  };
  for (const Want& want : due.single) {
    const Alert& alert = *want.alert;
    const Facts facts{.kind = want.kind,
                      .alert = alert.id,
                      .rule = alert.rule,
                      .object = alert.object,
                      .severity = alert.severity,
                      .value = want.kind == Kind::closed ? alert.worst : alert.value,
                      .opened_ms = alert.opened_ms,
                      .closed_ms = alert.closed_ms.value_or(0),
                      .count = alert.count};
    std::vector<Way> all;
    for (std::size_t i = 0; i < kWays; ++i) {
      if (channels_.at(i) != nullptr) all.push_back(static_cast<Way>(i));
    }
    tell_one(facts,
             ways_for(alert, alert.severity, ways_of(alert.severity), all, settings_.notify));
    note(want);
  }
  if (due.together.empty()) return;
  Facts more{.kind = Kind::more, .more = static_cast<std::int64_t>(due.together.size())};
  for (const Want& want : due.together) {
    more.severity = std::max(more.severity, want.alert->severity);
    note(want);
  }
  tell_one(more, ways_of(more.severity));
}

void Alerts::tell_one(const Facts& facts, const std::vector<Way>& ways) {
  const std::int64_t now = parts_.clock.now().ms;
  const std::string id = parts_.ids.next().text();
  for (const Way way : ways) {
    const auto& channel = channels_.at(static_cast<std::size_t>(way));
    if (channel == nullptr) continue;
    for (std::size_t target = 0; target < channel->targets(); ++target)
      tellings_.push_back({.telling = {.id = id,
                                       .way = way,
                                       .target = static_cast<std::int64_t>(target),
                                       .facts = facts,
                                       .at_ms = now,
                                       .due_ms = now}});
  }
}

// Takes what channels have answered.
void Alerts::settle() {
  std::vector<Inbox::Answer> answers;
  {
    const Lock lock(inbox_->mutex);
    answers.swap(inbox_->answers);
  }
  const std::int64_t now = parts_.clock.now().ms;
  for (const Inbox::Answer& answer : answers) {
    const auto found = std::find_if(tellings_.begin(), tellings_.end(), [&](const Sent& one) {
      return one.telling.id == answer.id && one.telling.way == answer.way &&
             one.telling.target == answer.target;
    });
    if (found == tellings_.end()) continue;
    Telling& telling = found->telling;
    found->in_flight = false;
    found->dirty = true;
    telling.code = answer.told.code;
    ++(answer.told.ok ? told_ : failed_).at(static_cast<std::size_t>(answer.way));
    if (answer.told.ok) {
      telling.state = "done";
      continue;
    }
    parts_.log.warn("alert.not_told", {{"channel", to_string(answer.way)},
                                       {"code", answer.told.code},
                                       {"status", static_cast<std::int64_t>(answer.told.status)}});
    telling.due_ms = now + pause_after(telling.attempts);
    if (now - telling.at_ms >= kTriedMs) telling.state = "dead";
  }
  std::erase_if(tellings_, [&](const Sent& sent) {
    return sent.telling.state != "open" && !sent.dirty && sent.telling.at_ms <= now - kHourMs;
  });
}

void Alerts::send() {
  const std::int64_t now = parts_.clock.now().ms;
  for (Sent& sent : tellings_) {
    Telling& telling = sent.telling;
    if (telling.state != "open" || sent.in_flight || telling.due_ms > now) continue;
    const auto& channel = channels_.at(static_cast<std::size_t>(telling.way));
    const auto target = static_cast<std::size_t>(telling.target);
    if (channel == nullptr || target >= channel->targets()) {
      // The configuration has changed since.
      telling.state = "dead";
      telling.code = "alert.channel";
      sent.dirty = true;
      continue;
    }
    sent.in_flight = true;
    ++telling.attempts;
    channel->send(
        {.id = telling.id, .facts = telling.facts, .at_ms = telling.at_ms}, target,
        [inbox = inbox_, id = telling.id, way = telling.way, place = telling.target](Told result) {
          const Lock lock(inbox->mutex);
          inbox->answers.push_back({id, way, place, std::move(result)});
        });
  }
}

void Alerts::write() {
  std::vector<Alert> alerts;
  for (const auto& [cause, living] : living_) {
    if (living.dirty) alerts.push_back(living.alert);
  }
  for (const Living& living : closing_) {
    if (living.dirty) alerts.push_back(living.alert);
  }
  std::vector<Telling> tellings;
  for (const Sent& sent : tellings_) {
    if (sent.dirty) tellings.push_back(sent.telling);
  }
  if (alerts.empty() && tellings.empty()) return;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    // Closed ones first: a cause has one open row.
    for (const bool open : {false, true}) {
      for (const Alert& alert : alerts) {
        if (alert.is_open() == open) RABT_TRY_STATUS(put(transaction, parts_.tenant, alert));
      }
    }
    for (const Telling& one : tellings) RABT_TRY_STATUS(put(transaction, parts_.tenant, one));
    return ok_status();
  });
  if (!written.ok()) {
    if (!unwritten_) parts_.log.warn("alert.not_written", {{"code", written.error().code}});
    unwritten_ = true;
    return;
  }
  unwritten_ = false;
  for (auto& [cause, living] : living_) living.dirty = false;
  for (Sent& telling : tellings_) telling.dirty = false;
  for (Living& living : closing_) living.dirty = false;
  std::erase_if(closing_, [](const Living& one) { return one.alert.over; });
}

bool Alerts::remove_old() {
  const std::int64_t now = parts_.clock.now().ms;
  const auto more = alerts::remove_old(parts_.store, now - kClosedKeptMs, now);
  return more.ok() && *more;
}

Result<std::vector<Alert>> Alerts::list(const AlertFilter& filter, std::string_view before,
                                        std::size_t limit) const {
  RABT_TRY(found, list_alerts(parts_.store, parts_.tenant, filter, before, limit));
  const Lock lock(mutex_);
  for (Alert& alert : found) {
    const auto living = living_.find({alert.rule, alert.object});
    if (living != living_.end() && living->second.alert.id == alert.id)
      alert = living->second.alert;
  }
  return found;
}

std::vector<Alert> Alerts::open_alerts() const {
  return open_alerts(false);
}

std::vector<Alert> Alerts::bad_alerts() const {
  return open_alerts(true);
}

std::vector<Alert> Alerts::open_alerts(bool bad_only) const {
  std::vector<Alert> out;
  {
    const Lock lock(mutex_);
    for (const auto& [cause, living] : living_) {
      if (living.course.is_open() && (!bad_only || living.course.is_bad()))
        out.push_back(living.alert);
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const Alert& alert, const Alert& other) {
    return alert.severity != other.severity ? alert.severity > other.severity
                                            : alert.opened_ms < other.opened_ms;
  });
  return out;
}

Snoozes Alerts::snoozes() const {
  const std::int64_t now = parts_.clock.now().ms;
  const Lock lock(mutex_);
  Snoozes out = snoozes_;
  std::erase_if(out, [now](const auto& one) { return one.second <= now; });
  return out;
}

Result<std::string> Alerts::note(const Alert& alert) const {
  if (alert.data_key.empty()) return std::string();
  RABT_TRY(key, parts_.keys.open(parts_.tenant, alert.data_key));
  return key->open(note_context(parts_.tenant, alert.id), alert.sealed);
}

audit::Prepared Alerts::entry(const identity::Caller& caller, std::string_view act,
                              std::string object, Json detail) const {
  return parts_.audit.prepare({.tenant = parts_.tenant,
                               .actor = caller.who.actor(),
                               .act = std::string(act),
                               .object = std::move(object),
                               .result = "ok",
                               .detail = std::move(detail),
                               .client = caller.client,
                               .request = caller.request});
}

Result<Alert> Alerts::ack(const identity::Caller& caller, std::string_view id,
                          const std::string& note) {
  const Lock lock(mutex_);
  const auto found = std::find_if(living_.begin(), living_.end(),
                                  [&](const auto& one) { return one.second.alert.id == id; });
  if (found == living_.end()) {
    RABT_TRY(closed, find_alert(parts_.store, parts_.tenant, id));
    if (!closed) return unknown();
    return conflict("alert.closed", "the alert has closed; there is nothing to acknowledge");
  }
  Alert changed = found->second.alert;
  changed.acked_by = caller.who.actor();
  changed.acked_ms = parts_.clock.now().ms;
  // Without a note the former one stays.
  if (!note.empty()) {
    RABT_TRY(key, parts_.keys.shared(parts_.tenant, keys::kEvent));
    changed.data_key = std::string(key->id());
    changed.sealed = key->seal(note_context(parts_.tenant, id), note, parts_.random);
  }
  const audit::Prepared acked =
      entry(caller, "alert.acked", "alert:" + changed.id,
            Json::object({{"rule", changed.rule}, {"object", changed.object}}));
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(put(transaction, parts_.tenant, changed));
    return parts_.audit.append(transaction, acked);
  }));
  found->second.alert = changed;
  return changed;
}

Result<std::int64_t> Alerts::snooze(const identity::Caller& caller, const Cause& cause,
                                    std::int64_t for_ms) {
  RABT_TRY_STATUS(check_rule(cause.first));
  if (for_ms < 0 || for_ms > kLongestSnoozeMs)
    return invalid("alert.snooze", "a snooze lasts at most 30 days; 0 ends it");
  const std::int64_t until = parts_.clock.now().ms + for_ms;
  const audit::Prepared snoozed =
      entry(caller, for_ms == 0 ? "alert.woken" : "alert.snoozed", "rule:" + cause.first,
            Json::object({{"object", cause.second}, {"seconds", for_ms / 1000}}));
  const Lock lock(mutex_);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(put_snooze(transaction, parts_.tenant, cause, until));
    return parts_.audit.append(transaction, snoozed);
  }));
  snoozes_.insert_or_assign(cause, until);
  return until;
}

Result<std::int64_t> Alerts::snooze_alert(const identity::Caller& caller, std::string_view id,
                                          std::int64_t for_ms) {
  RABT_TRY(found, find_alert(parts_.store, parts_.tenant, id));
  if (!found) return unknown();
  return snooze(caller, Cause{found->rule, found->object}, for_ms);
}

Status Alerts::test(const identity::Caller& caller, Way way) {
  const auto& channel = channels_.at(static_cast<std::size_t>(way));
  if (channel == nullptr || channel->targets() == 0)
    return not_found("alert.channel", "the configuration has no channel " +
                                          std::string(to_string(way)) +
                                          " in `alerts`; docs/alerts.md says how to add it");
  const audit::Prepared tested =
      entry(caller, "alert.tested", "channel:" + std::string(to_string(way)), Json::object({}));
  RABT_TRY_STATUS(parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, tested); }));
  const Message message{.id = parts_.ids.next().text(),
                        .facts = {.kind = Kind::test},
                        .at_ms = parts_.clock.now().ms};
  for (std::size_t target = 0; target < channel->targets(); ++target) {
    // The answer may come after the patience is over: it holds the promise.
    const auto answer = std::make_shared<std::promise<Told>>();
    auto waiting = answer->get_future();
    channel->send(message, target, [answer](Told result) { answer->set_value(std::move(result)); });
    Told result{.code = "http.timeout"};
    if (waiting.wait_for(std::chrono::milliseconds(kTestPatienceMs)) == std::future_status::ready)
      result = waiting.get();
    if (result.code == "alert.no_receiver")
      return conflict("alert.no_receiver",
                      "no webhook and no route of RabbitMQ wants org.rabt.hub.alert.opened.v1; "
                      "docs/webhooks.md says how to add one");
    if (!result.ok)
      return unavailable("alert.not_told",
                         "the address " + std::to_string(target + 1) + " of the channel " +
                             std::string(to_string(way)) + " was not reached: " + result.code +
                             (result.status == 0 ? "" : " " + std::to_string(result.status)));
  }
  return ok_status();
}

void Alerts::write_metrics(MetricsWriter& out) const {
  std::map<std::pair<std::string, Severity>, std::uint64_t> open;
  const Lock lock(mutex_);
  for (const auto& [cause, living] : living_) {
    if (living.course.is_open()) ++open[{cause.first, living.alert.severity}];
  }
  out.gauges("rabt_alerts_open", "Open alerts, by rule and severity.");
  for (const auto& [of, count] : open)
    out.sample("rabt_alerts_open", {{"rule", of.first}, {"severity", to_string(of.second)}}, count);
  out.counters("rabt_alert_tellings_total", "Attempts to tell people of alerts, by channel.");
  for (std::size_t i = 0; i < kWays; ++i) {
    const std::string_view way = to_string(static_cast<Way>(i));
    out.sample("rabt_alert_tellings_total", {{"channel", way}, {"result", "told"}}, told_.at(i));
    out.sample("rabt_alert_tellings_total", {{"channel", way}, {"result", "failed"}},
               failed_.at(i));
  }
}

}  // namespace rabt::alerts
