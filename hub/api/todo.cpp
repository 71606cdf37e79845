#include "hub/api/todo.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "hub/api/answers.hpp"
#include "hub/base/uri.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::string_view kPage = "page";
constexpr std::string_view kWarn = "warn";
// The page that shows the health of the hub.
constexpr std::string_view kHealthPage = "/console/plugins";

// "1 decision waits", "3 decisions wait"
std::string counted(std::int64_t count, std::string_view text, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? text : many);
}

// A word of a command line, as a shell takes it.
std::string word(std::string_view text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-' || c == '/' || c == ':';
  });
  if (plain) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string instances_link(std::string_view status, const std::string& code) {
  return "/console/instances?status=" + std::string(status) + "&code=" + percent_encode(code);
}

// "store.full: the disk is full" as code and text.
std::pair<std::string, std::string> cut_code(const std::string& text) {
  const auto end = text.find(": ");
  if (end == std::string::npos) return {text, text};
  return {text.substr(0, end), text.substr(end + 2)};
}

// The cause for which a plugin needs a person.
std::string_view plain(std::string_view why) {
  if (why == "quarantined") return "crashed too often and is stopped";
  if (why == "down") return "says that it cannot work";
  return "does not run";
}

}  // namespace

// The list on its way.
class Todo::Items {
 public:
  struct One {
    std::string_view kind;
    std::int64_t count = 1;
    // Zero if the time is not known.
    Timestamp oldest{};
    std::string_view severity = kWarn;
    std::string what;
    std::string command;
    std::string link;
    // Names by which a reader finds it: code, role, plugin, source, webhook.
    std::vector<std::pair<std::string_view, std::string>> names = {};
    // The sentence in both languages, if the pages have no words of their own for it.
    Json text = {};
  };
  void add(const One& one) {
    Json item = Json::object({{"kind", one.kind}, {"count", one.count}});
    if (one.oldest.ms != 0) item.set("oldest", to_iso8601(one.oldest));
    item.set("severity", one.severity);
    item.set("what", one.what);
    for (const auto& [name, value] : one.names) item.set(std::string(name), value);
    if (!one.text.is_null()) item.set("text", one.text);
    item.set("command", one.command);
    item.set("link", one.link);
    (one.severity == kPage ? first_ : then_).push_back(std::move(item));
  }
  // Adds the id of an alert to the item that is about the same. False if there is none.
  [[nodiscard]] bool mark(std::string_view kind, const std::string& object,
                          const std::string& alert) {
    for (std::vector<Json>* list : {&first_, &then_}) {
      for (Json& item : *list) {
        if (item.string_or("kind", "") != kind) continue;
        bool same = object.empty();
        for (const char* const name : {"webhook", "role", "plugin", "source"})
          same = same || item.string_or(name, "") == object;
        if (!same) continue;
        item.set("alert", alert);
        return true;
      }
    }
    return false;
  }
  // Urgent items stand first.
  [[nodiscard]] Json take() {
    Json out = Json::array();
    for (std::vector<Json>* list : {&first_, &then_}) {
      for (Json& item : *list) out.push_back(std::move(item));
    }
    return out;
  }

 private:
  std::vector<Json> first_;
  std::vector<Json> then_;
};

void Todo::add_health(Items& items) const {
  const auto add = [&](std::string_view severity, std::string code, const std::string& en,
                       const std::string& ar, std::string command) {
    items.add({.kind = "health",
               .severity = severity,
               .what = en,
               .command = std::move(command),
               .link = std::string(kHealthPage),
               .names = {{"code", std::move(code)}},
               .text = Json::object({{"ar", ar}, {"en", en}})});
  };
  const Json beside = health.troubles();
  for (const HealthFault& fault : health.faults()) {
    if (fault.part == kStorePart && fault.why != kWritesWait) {
      const auto [code, why] = cut_code(beside.string_or("database", "store.full"));
      const bool full = code == "store.full";
      add(kPage, code,
          full ? "The disk is full, so nothing is stored: make room; no restart is needed"
               : "The hub can store nothing: " + why,
          full ? "القرص ممتلئ ولذلك لا يحفظ شيء، ويكفي توفير مساحة دون إعادة تشغيل"
               : "لا يستطيع المحور حفظ أي شيء: " + code,
          full ? "df -h" : "rabt store check");
    } else if (fault.part == kStorePart) {
      add(kPage, "store.queue",
          "The database is too slow: " + std::to_string(health.store.stats().queued) +
              " writes wait",
          "قاعدة البيانات بطيئة جدا، وعمليات الحفظ متراكمة", "rabt instances --counts");
    } else if (fault.part == kKeysPart) {
      add(kPage, fault.why,
          "Keys cannot be used or kept: " + fault.why + "; docs/problems.md says what helps",
          "تعذر استخدام المفاتيح أو حفظها: " + fault.why, "rabt keys status");
    }
    // The others have items of their own.
  }
  if (health.held) {
    items.add({.kind = "held",
               .severity = kPage,
               .what = "The hub is held and takes and sends nothing: look at what it holds, then "
                       "start it without --hold",
               .command = "rabt instances --calls",
               .link = std::string(kHealthPage)});
  }
  // The broker and work that stands still have alerts, which wait a while.
  struct Beside {
    const char* name;
    std::string_view en;
    std::string_view ar;
    const char* command;
  };
  constexpr std::array<Beside, 4> kBeside{
      {{"keys", "What these keys sealed cannot be read: ",
        "بيانات لا يمكن قراءتها لفقدان مفاتيحها: ", "rabt keys status"},
       {"clock", "Timers do not follow the clock: ",
        "ضبطت ساعة الجهاز بفارق كبير، ويلزم فحص خدمة الوقت: ", "timedatectl"},
       {"credentials", "The video provider refuses the hub: ", "يرفض مزود الفيديو هذا المحور: ",
        "rabt plugin list"},
       {"jwt", "Tokens of an issuer cannot be checked: ", "تعذر التحقق من رموز جهة الدخول: ",
        "rabt config check"}}};
  for (const Beside& one : kBeside) {
    const std::string text = beside.string_or(one.name, "");
    if (text.empty()) continue;
    const auto [code, why] = cut_code(text);
    add(kWarn, code, std::string(one.en) + why, std::string(one.ar) + code, one.command);
  }
  for (const auto& state : health.plugins.plugins()) {
    if (!state.newest || !state.storage_scarce()) continue;
    const std::string used =
        std::to_string(state.storage_bytes * 100 / std::max<std::int64_t>(state.storage_quota, 1));
    const std::string en = "The plugin " + state.id + " has used " + used +
                           " % of its storage: raise limits.storage, and start the hub again";
    items.add(
        {.kind = "storage",
         .what = en,
         .command = "rabt plugin list",
         .link = "/console/plugins/" + percent_encode(state.id),
         .names = {{"plugin", state.id}},
         .text = Json::object(
             {{"ar", "الإضافة " + state.id + " استهلكت " + used + " % من مساحتها"}, {"en", en}})});
  }
}

Status Todo::add_instances(Items& items) const {
  RABT_TRY(codes, engine.open_codes({clock.now().ms - kShownMs}));
  for (const auto& code : codes) {
    const bool parked = code.status == "parked";
    Items::One item{
        .kind = parked ? "decision" : "faulted",
        .count = code.count,
        .oldest = code.oldest,
        .what = parked ? counted(code.count, "decision waits", "decisions wait") + ": " + code.code
                       : counted(code.count, "run", "runs") + " failed within 7 days: " + code.code,
        .command = "rabt instances --status " + code.status + " --code " + word(code.code),
        .link = parked ? "/console/tasks" : instances_link(code.status, code.code),
        .names = {{"code", code.code}}};
    if (parked) item.names.emplace_back("role", code.code.substr(0, code.code.find('/')));
    items.add(item);
  }
  return ok_status();
}

Status Todo::add_deliveries(Items& items) const {
  RABT_TRY(dead, webhooks.dead());
  for (const auto& [one, state] : dead) {
    // The hub sends nothing to others.
    const bool active = state == "active";
    items.add({.kind = "webhook",
               .count = one.count,
               .oldest = one.oldest,
               .what = counted(one.count, "event", "events") + " could not be delivered to " +
                       one.of + (active ? "" : ", which is " + state),
               .command = active
                              ? "rabt webhooks replay " + word(one.of) + " --dead"
                              : "rabt webhooks discard " + word(one.of) + " --dead --reason TEXT",
               .link = "/console/webhooks",
               .names = {{"webhook", one.of}}});
  }
  const std::int64_t now = clock.now().ms;
  RABT_TRY(lost, outcomes.lately({now - kShownMs}, {now - kRefusedShownMs}));
  for (const auto& [outcome, one] : lost) {
    const bool unused = outcome == "unused";
    std::string what;
    if (outcome == "unreadable") {
      what = counted(one.count, "delivery", "deliveries") + " of " + one.of +
             " could not be read within 7 days";
    } else if (unused) {
      what = counted(one.count, "delivery", "deliveries") + " of " + one.of +
             " started and woke nothing in the last 24 hours";
    } else {
      what = counted(one.count, "delivery", "deliveries") + " of " + one.of +
             (outcome == "signature" ? " had no valid signature in the last 24 hours"
                                     : " could not be taken in the last 24 hours");
    }
    items.add({.kind = unused ? "unused" : "delivery",
               .count = one.count,
               .oldest = one.oldest,
               .what = std::move(what),
               .command = "rabt deliveries list --source " + word(one.of),
               .link = "/console/deliveries?source=" + percent_encode(one.of),
               .names = {{"source", one.of}, {"code", outcome}}});
  }
  return ok_status();
}

void Todo::add_plugins(Items& items) const {
  const auto states = health.plugins.plugins();
  for (const auto& state : states) {
    const std::string why = why_unable(state);
    if (!state.newest || state.draining || why.empty()) continue;
    items.add({.kind = "plugin",
               .severity = kPage,
               .what = "The plugin " + state.id + " " + std::string(plain(why)),
               .command = why == "quarantined" ? "rabt plugin release " + word(state.id)
                                               : "rabt plugin list",
               .link = "/console/plugins/" + percent_encode(state.id),
               .names = {{"code", why}, {"plugin", state.id}}});
  }
  const Json unserved = roles_unserved(health.plugins, health.sends_sms);
  for (const auto& [role, why] : unserved.as_object()) {
    const std::string target = why.as_string();
    items.add({.kind = "role",
               .severity = kPage,
               .what = "No plugin serves the role " + role + ": " + target,
               .command = "rabt plugin list",
               .link = "/console/plugins",
               .names = {{"role", role}}});
  }
}

void Todo::add_paused(Items& items) const {
  for (const engine::RolePause& role : engine.paused_roles()) {
    const std::string until = role.until ? to_iso8601(*role.until) : std::string();
    const std::string en = "The role " + role.role + " is paused" +
                           (until.empty() ? "" : " until " + until) + ": " +
                           counted(role.held, "call is held", "calls are held");
    const std::string ar = "الدور " + role.role + " موقوف مؤقتا" +
                           (until.empty() ? "" : " حتى " + until) +
                           "، النداءات المعلقة: " + std::to_string(role.held);
    items.add({.kind = "paused",
               .count = role.held,
               .oldest = role.since,
               .what = en,
               .command = "rabt roles resume " + word(role.role) + " --reason TEXT",
               .link = "/console/plugins",
               .names = {{"role", role.role}},
               .text = Json::object({{"ar", ar}, {"en", en}})});
  }
}

void Todo::add_audit(Items& items) const {
  const audit::LogState state = health.audit.state();
  if (!state.appendable || !state.signing) {
    items.add({.kind = "audit",
               .severity = kPage,
               .what = state.appendable ? "The audit log is not signed: " + state.code
                                        : "The audit log takes no entries, so every act is "
                                          "refused: " +
                                              state.code,
               .command = "rabt audit verify",
               .link = "/console/audit",
               .names = {{"code", state.code}}});
  }
  for (const audit::AnchorState& anchor : state.anchors) {
    if (!anchor.failing) continue;
    items.add({.kind = "anchor",
               .severity = kPage,
               .what = "The audit anchor " + anchor.name + " does not keep checkpoints",
               .command = "rabt audit verify",
               .link = "/console/audit",
               .names = {{"code", anchor.code}, {"source", anchor.name}}});
  }
}

Status Todo::add_people(Items& items) const {
  RABT_TRY(waiting, tasks.waiting());
  for (const Tally& tally : waiting) {
    items.add({.kind = "task",
               .count = tally.count,
               .oldest = tally.oldest,
               .what = counted(tally.count, "task waits", "tasks wait") + ": " + tally.of,
               .command = "rabt tasks --kind " + word(tally.of),
               .link = "/console/tasks",
               .names = {{"code", tally.of}}});
  }
  RABT_TRY(unreviewed, grants.unreviewed());
  if (unreviewed.count > 0) {
    items.add({.kind = "grant",
               .count = unreviewed.count,
               .oldest = unreviewed.oldest,
               .what = counted(unreviewed.count, "emergency access waits for its review",
                               "emergency accesses wait for their review"),
               .command = "rabt audit report --help",
               .link = "/console/grants"});
  }
  RABT_TRY(asked, approvals.asked());
  if (asked.count > 0) {
    items.add({.kind = "approval",
               .count = asked.count,
               .oldest = asked.oldest,
               .what = counted(asked.count, "act waits", "acts wait") + " for a second person",
               .command = "rabt approvals",
               .link = "/console/approvals"});
  }
  return ok_status();
}

Status Todo::add_repairs(Items& items) const {
  constexpr std::size_t kNewest = 50;
  RABT_TRY(jobs, repairs.rows().jobs(kNewest, ""));
  for (const repair::Job& job : jobs) {
    const bool waits = job.state == repair::JobState::waiting;
    const bool failed = job.state == repair::JobState::stopped && job.why == "failures" &&
                        job.ended && clock.now().ms - job.ended->ms < kShownMs;
    if (!waits && !failed) continue;
    items.add({.kind = "repair",
               .oldest = waits ? job.started.value_or(job.created) : *job.ended,
               .what = "The repair " + job.id +
                       (waits ? " has done its first acts and waits for somebody to look"
                              : " stopped after failures"),
               .command = "rabt repair show " + word(job.id),
               .link = "/console/repairs/" + job.id,
               .names = {{"code", job.verb}},
               .text = Json::object(
                   {{"ar", waits ? "نفذت عملية إصلاح خطواتها الأولى وتنتظر من يراجعها"
                                 : "توقفت عملية إصلاح بعد خطوات فاشلة"},
                    {"en", waits ? "A repair has done its first acts and waits for somebody to look"
                                 : "A repair stopped after failures"}})});
  }
  return ok_status();
}

void Todo::add_alerts(Items& items) const {
  // Items of this list that are about the same as a rule.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kSame{
      {{"dead_letters", "webhook"},
       {"deliveries_lost", "delivery"},
       {"parked", "decision"},
       {"role_unserved", "role"},
       {"plugin_quarantined", "plugin"},
       {"plugin_storage", "storage"},
       {"audit_refused", "audit"},
       {"audit_unsigned", "audit"},
       {"audit_anchor", "anchor"}}};
  for (const alerts::Alert& alert : alerts.bad_alerts()) {
    const auto* const same = std::find_if(
        kSame.begin(), kSame.end(), [&](const auto& pair) { return pair.first == alert.rule; });
    if (same != kSame.end() && items.mark(same->second, alert.object, alert.id)) continue;
    Items::One item{
        .kind = "alert",
        .oldest = {alert.opened_ms},
        .severity = alert.severity == alerts::Severity::page ? kPage : kWarn,
        .what = alerts::what(alert.rule, alert.object, alert.value, alerts::Language::en),
        .command = alerts::command_of(alert.rule, alert.object),
        .link = "/console/alerts",
        .names = {{"code", alert.rule}, {"alert", alert.id}},
        .text = Json::object(
            {{"ar", alerts::what(alert.rule, alert.object, alert.value, alerts::Language::ar)},
             {"en", alerts::what(alert.rule, alert.object, alert.value, alerts::Language::en)}})};
    items.add(item);
  }
}

Result<Response> Todo::list(const Call& /*call*/) const {
  Items items;
  add_health(items);
  add_audit(items);
  add_plugins(items);
  add_paused(items);
  RABT_TRY_STATUS(add_instances(items));
  RABT_TRY_STATUS(add_deliveries(items));
  RABT_TRY_STATUS(add_people(items));
  RABT_TRY_STATUS(add_repairs(items));
  add_alerts(items);
  Json all = items.take();
  const bool ok = all.size() == 0;
  return json_response(200, Json::object({{"ok", ok}, {"items", std::move(all)}}));
}

}  // namespace rabt::api
