#include "hub/alerts/texts.hpp"

#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"

namespace rabt::alerts {

namespace {

// Places of the sentences: {object}, {value}. A command has {object}.
struct Words {
  std::string_view rule;
  std::string_view en;
  std::string_view ar;
  std::string_view command;
};

// A table: one line a rule.
// clang-format off
constexpr std::array kWords{
    Words{"dead_letters", "Events could not be delivered to the webhook {object}: {value}", "تعذر تسليم أحداث إلى الوجهة {object}، العدد: {value}", "rabt webhooks replay {object} --dead"},
    Words{"webhook_backlog", "The oldest event for the webhook {object} waits since {value}", "أقدم حدث للوجهة {object} ينتظر منذ {value}", "rabt webhooks deliveries {object} --state open"},
    Words{"bus_away", "The message broker {object} cannot be reached", "تعذر الوصول إلى وسيط الرسائل {object}", "rabt webhooks list"},
    Words{"deliveries_lost", "Deliveries of {object} came to nothing within an hour: {value}", "رسائل من المصدر {object} لم تقبل خلال ساعة، العدد: {value}", "rabt deliveries list --source {object}"},
    Words{"silent_source", "The source {object} is silent; usual deliveries that are missing: {value}", "المصدر {object} صامت، عدد الرسائل المعتادة الناقصة: {value}", "rabt deliveries list --source {object}"},
    Words{"parked", "A call of {object} waits for a decision since {value}", "استدعاء للدور {object} ينتظر قرارا منذ {value}", "rabt tasks"},
    Words{"faulted", "Runs failed within an hour, more than a tenth of all: {value}", "مسارات فشلت خلال ساعة وهي أكثر من العشر، العدد: {value}", "rabt instances --status faulted"},
    Words{"late_timers", "Timers are late by {value}", "المؤقتات متأخرة بمقدار {value}", "rabt instances --counts"},
    Words{"work_waiting", "Accepted work stands still, waiting for {object}; the oldest since {value}", "عمل مقبول متوقف بانتظار {object}، أقدمه منذ {value}", "rabt instances --status running"},
    Words{"patients_waiting", "A patient of {object} is in the waiting room since {value}", "مريض ينتظر الدخول لدى {object} منذ {value}", "rabt visits --reason TEXT"},
    Words{"emergency_unanswered", "Emergencies that no doctor has answered: {value}; the desk is asked", "حالات طارئة لم يستجب لها أي طبيب، العدد: {value}، والمطلوب من الاستقبال التصرف", "rabt tasks --kind emergency"},
    Words{"role_unserved", "No plugin serves the role {object}", "لا توجد إضافة تخدم الدور {object}", "rabt plugin list"},
    Words{"role_away", "The side of the role {object} answers no call; failed calls within 10 minutes: {value}", "الطرف الذي يخدم الدور {object} لا يجيب، النداءات الفاشلة خلال 10 دقائق: {value}", "rabt plugin list"},
    Words{"plugin_quarantined", "The plugin {object} crashed too often and is stopped", "الإضافة {object} تعطلت مرارا وأوقفت", "rabt plugin release {object}"},
    Words{"plugin_storage", "The plugin {object} has used {value} of its storage", "الإضافة {object} استهلكت {value} من مساحتها", "rabt plugin list"},
    Words{"certificate", "The certificate {object} expires in {value}", "شهادة {object} تنتهي خلال {value}", "rabt config check"},
    Words{"agreement", "The agreement with {object} ends in {value}", "الاتفاقية مع {object} تنتهي خلال {value}", "rabt config check"},
    Words{"disk_free", "The disk of the folder {object} has {value} free", "المساحة الحرة في قرص المجلد {object} هي {value}", "df -h {object}"},
    Words{"audit_refused", "The audit log takes no entries, so every act is refused", "سجل التدقيق لا يقبل القيود، ولذلك يرفض كل إجراء", "rabt audit verify"},
    Words{"audit_unsigned", "The audit log is not signed", "سجل التدقيق غير موقع", "rabt audit verify"},
    Words{"audit_anchor", "The audit anchor {object} does not keep checkpoints", "مرساة التدقيق {object} لا تحفظ نقاط التحقق", "rabt audit verify"},
    Words{"backup_old", "The last backup that the hub knows of was made {value} ago", "آخر نسخة احتياطية يعلم بها المحور مضى عليها {value}", "rabt backup create --to FOLDER"},
    Words{"alert_channel", "The channel {object} has not told alerts since {value}", "قناة التنبيه {object} لم توصل التنبيهات منذ {value}", "rabt alerts test {object}"},
};
// clang-format on

constexpr std::size_t kMinutes = std::string_view("2026-11-26T16:10").size();

const Words* words_of(std::string_view rule) {
  const auto found = std::find_if(kWords.begin(), kWords.end(),
                                  [&](const Words& words) { return words.rule == rule; });
  return found == kWords.end() ? nullptr : &*found;
}

void fill(std::string& text, std::string_view place, std::string_view by) {
  for (auto at = text.find(place); at != std::string::npos; at = text.find(place, at + by.size()))
    text.replace(at, place.size(), by);
}

std::string time_text(std::int64_t ms) {
  std::string out = to_iso8601({ms}).substr(0, kMinutes);
  out[out.find('T')] = ' ';
  return out + " UTC";
}

// Units are abbreviated in Arabic, too: their words have six forms.
std::string value_in(Unit unit, std::int64_t value, Language language) {
  std::string out = value_text(unit, value);
  if (language == Language::en || unit != Unit::seconds) return out;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kUnits{
      {{" min", " د"}, {" s", " ث"}, {" h", " س"}, {" d", " ي"}}};
  for (const auto& [en, ar] : kUnits) {
    if (out.ends_with(en)) return out.substr(0, out.size() - en.size()) + std::string(ar);
  }
  return out;
}

std::string_view severity_word(Severity severity, Language language) {
  if (language == Language::en) return to_string(severity);
  return severity == Severity::page ? "عاجل" : "تحذير";
}

// The word in front of the cause.
std::string head(const Facts& facts, Language language) {
  const bool en = language == Language::en;
  switch (facts.kind) {
    case Kind::closed:
      return en ? "closed" : "انتهى";
    case Kind::test:
      return en ? "test" : "تجربة";
    case Kind::reminder:
      return std::string(severity_word(facts.severity, language)) +
             (en ? ", still open" : "، ما زال قائما");
    default:
      return std::string(severity_word(facts.severity, language));
  }
}

std::string cause(const Facts& facts, Language language) {
  const bool en = language == Language::en;
  if (facts.kind == Kind::test) return en ? "this channel works" : "هذه القناة تعمل";
  if (facts.kind == Kind::more) {
    const std::string count = std::to_string(facts.more);
    return en ? "and " + count + " more alerts" : "وتنبيهات أخرى، العدد: " + count;
  }
  return what(facts.rule, facts.object, facts.value, language);
}

std::string span_text(std::int64_t ms, Language language) {
  return value_in(Unit::seconds, ms / kSecondMs, language);
}

}  // namespace

Json to_json(const Facts& facts) {
  Json out = Json::object({{"kind", to_string(facts.kind)}});
  if (facts.kind == Kind::test) return out;
  out.set("severity", to_string(facts.severity));
  if (facts.kind == Kind::more) {
    out.set("more", facts.more);
    return out;
  }
  out.set("alert", facts.alert);
  out.set("rule", facts.rule);
  out.set("object", facts.object);
  out.set("value", facts.value);
  out.set("opened", to_iso8601({facts.opened_ms}));
  if (facts.closed_ms != 0) out.set("closed", to_iso8601({facts.closed_ms}));
  out.set("count", facts.count);
  return out;
}

Facts read_facts(const Json& json) {
  const auto time = [&](std::string_view name) {
    const auto at = parse_iso8601(json.string_or(name, ""));
    return at.ok() ? at->ms : 0;
  };
  return {.kind = parse_kind(json.string_or("kind", "")).value_or(Kind::opened),
          .alert = json.string_or("alert", ""),
          .rule = json.string_or("rule", ""),
          .object = json.string_or("object", ""),
          .severity = parse_severity(json.string_or("severity", "")).value_or(Severity::warn),
          .value = json.int_or("value", 0),
          .opened_ms = time("opened"),
          .closed_ms = time("closed"),
          .count = json.int_or("count", 1),
          .more = json.int_or("more", 0)};
}

std::string what(std::string_view rule, std::string_view object, std::int64_t value,
                 Language language) {
  const Words* const words = words_of(rule);
  const Rule* const row = find_rule(rule);
  if (words == nullptr || row == nullptr) return std::string(rule);
  std::string out(language == Language::en ? words->en : words->ar);
  // The value first: an object may be called "{value}".
  fill(out, "{value}", value_in(row->unit, value, language));
  fill(out, "{object}", object);
  return out;
}

std::string command_of(std::string_view rule, std::string_view object) {
  const Words* const words = words_of(rule);
  if (words == nullptr) return {};
  std::string out(words->command);
  fill(out, "{object}", object);
  return out;
}

std::string title(const Facts& facts, std::string_view tenant, Language language) {
  return "Rabt " + std::string(tenant) + ": " + head(facts, language) + ": " +
         cause(facts, language);
}

std::string text(const Facts& facts, std::string_view tenant, Language language) {
  const bool en = language == Language::en;
  std::string out = title(facts, tenant, language) + "\n";
  const auto line = [&](std::string_view in_english, std::string_view in_arabic,
                        const std::string& value) {
    out.append(en ? in_english : in_arabic).append(": ").append(value).append("\n");
  };
  if (facts.kind == Kind::test) return out;
  if (facts.kind == Kind::more) {
    line("All open alerts", "كل التنبيهات القائمة", "rabt alerts");
    return out;
  }
  line("Since", "منذ", time_text(facts.opened_ms));
  if (facts.kind == Kind::closed) {
    line("Lasted", "المدة", span_text(facts.closed_ms - facts.opened_ms, language));
    line("Times", "عدد المرات", std::to_string(facts.count));
    return out;
  }
  line("What helps", "ما يفيد", command_of(facts.rule, facts.object));
  line("To acknowledge it", "للإقرار به", "rabt alerts ack " + facts.alert + " --note TEXT");
  return out;
}

}  // namespace rabt::alerts
