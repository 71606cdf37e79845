#include "hub/consultation/sessions/days.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "hub/access/reading.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kDayMs = 24LL * 3'600'000;
constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kMostMinutes = 1'440;
constexpr std::size_t kMostReason = 500;
constexpr std::size_t kDate = std::string_view("2026-12-01").size();
// States of visits that may still be held.
constexpr std::string_view kOpen = ",requested,scheduled,waiting,active,";

enum class DayAct : std::uint8_t { give, move, cancel };

// The midnight that a day begins with.
std::optional<std::int64_t> begin_of(const std::string& date, const std::string& zone) {
  if (date.size() != kDate) return std::nullopt;
  const auto local = parse_iso8601(date + "T00:00:00Z");
  if (!local.ok()) return std::nullopt;
  const auto begin = workflow::moment_of(zone, *local);
  return begin ? std::optional(begin->ms) : std::nullopt;
}

std::int64_t start_of(const Session& is) {
  return is.schedule.at_ms.value_or(is.created_ms);
}

const Participant* patient_of(const Session& is) {
  for (const Participant& one : is.people.participants) {
    if (one.role == PartRole::patient && one.takes_part()) return &one;
  }
  return nullptr;
}

// A workflow keeps the visit at the time of the hospital's appointment.
bool is_linked(const Session& is) {
  return has_known_appointment(is) && !is.consultation.empty();
}

}  // namespace

struct SessionDays::Plan {
  // ULID
  std::string provider;
  std::string date;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  DayAct act = DayAct::cancel;
  // ULID of the person who gets the visits, and the command that gives one.
  std::string person{};
  std::optional<Command> give{};
  std::int64_t shift_ms = 0;
  std::string reason{};
  // Session and version.
  std::vector<std::pair<std::string, std::int64_t>> visits{};

  [[nodiscard]] std::string_view verb() const {
    return act == DayAct::give ? "give" : act == DayAct::move ? "move" : "cancel";
  }
  [[nodiscard]] std::string_view done() const {
    return act == DayAct::give ? "given" : act == DayAct::move ? "moved" : "cancelled";
  }
  [[nodiscard]] bool covers(const Session& is) const {
    return is.provider == provider && start_of(is) >= from_ms && start_of(is) < to_ms;
  }
  // Ok if the visit may get another time that way. Errors: conflict session.already_started,
  // day.no_time, day.linked, day.past.
  [[nodiscard]] Status may_move(const Session& is, Timestamp now) const {
    if (is.status == SessionStatus::active)
      return conflict("session.already_started", "the session is active");
    if (!is.schedule.at_ms) return conflict("day.no_time", "the visit has no planned start");
    // The workflow would put it back, or tell the hospital nothing.
    if (is_linked(is)) return conflict("day.linked", "the hospital's own system moves the visit");
    if (*is.schedule.at_ms + shift_ms <= now.ms)
      return conflict("day.past", "the new time of the visit is past");
    return ok_status();
  }
  // Puts the visits into an order in which one that moves finds its time left by the next.
  void sort(std::vector<Session>& all) const {
    std::sort(all.begin(), all.end(), [&](const Session& a, const Session& b) {
      return shift_ms > 0 ? start_of(a) > start_of(b) : start_of(a) < start_of(b);
    });
  }
};

Result<SessionDays::Plan> SessionDays::read(const Ask& ask, bool acts) const {
  const SessionParts& parts = acts_.parts();
  Plan plan;
  RABT_TRY(provider, acts_.persons().of_filter(ask.record));
  const auto known = parts.directory.find(parts.tenant, provider);
  if (!known.ok() || !known->roles.has_any({identity::Role::doctor, identity::Role::specialist,
                                            identity::Role::nurse}))
    return not_found("provider.unknown", "there is no such provider");
  plan.provider = std::move(provider);

  Fields members(ask.body);
  const std::string& zone = parts.house.time_zone;
  const auto day = [&](std::string_view name, std::string& text) {
    text = members.needed_text(name, kDate);
    const auto begin = begin_of(text, zone);
    if (!begin && !text.empty()) members.wrong(name, "it must be a day, such as 2026-12-01");
    return begin.value_or(0);
  };
  plan.from_ms = day("date", plan.date);
  plan.to_ms = plan.from_ms + kDayMs;
  const std::string act = members.word("act", {"give", "move", "cancel"});
  if (act.empty() && members.good()) members.wrong("act", "it must be give, move or cancel");
  plan.act = act == "give" ? DayAct::give : act == "move" ? DayAct::move : DayAct::cancel;
  if (plan.act == DayAct::give && !members.has("provider")) {
    members.wrong("provider", "it is needed");
  } else if (plan.act == DayAct::give) {
    RABT_TRY(id, acts_.persons().named(members.raw("provider"), "provider", members.mistakes()));
    if (id == plan.provider) members.wrong("provider", "it is the one who is away");
    plan.person = std::move(id);
  }
  if (plan.act == DayAct::move) {
    const auto minutes = members.integer("minutes", -kMostMinutes, kMostMinutes);
    std::string to;
    if (members.has("toDate") == minutes.has_value()) {
      members.wrong("toDate", "either it or `minutes` is needed");
    } else {
      plan.shift_ms = minutes ? *minutes * kMinuteMs : day("toDate", to) - plan.from_ms;
      if (plan.shift_ms == 0) members.wrong(minutes ? "minutes" : "toDate", "it moves nothing");
    }
  }
  if (acts) {
    plan.reason = members.needed_text("reason", kMostReason);
    const Json& visits = members.raw("visits");
    if (!visits.is_array() || visits.as_array().empty() || visits.as_array().size() > kMostOfADay) {
      members.wrong("visits", "it must have 1 to " + std::to_string(kMostOfADay) + " visits");
    } else {
      for (const Json& one : visits.as_array()) {
        Fields visit(one, members.mistakes(), "visits.");
        const std::string id = visit.needed_text("session", kMaxLine);
        const auto version = visit.integer("version", 1, INT64_MAX);
        if (!version) visit.wrong("version", "it is needed");
        plan.visits.emplace_back(id, version.value_or(0));
      }
    }
  }
  RABT_TRY_STATUS(members.done());
  if (plan.act == DayAct::give) {
    RABT_TRY(give, life_.assigning(plan.person));
    plan.give = std::move(give);
  }
  return plan;
}

Result<std::vector<Session>> SessionDays::visits_of(const std::string& provider,
                                                    std::int64_t from_ms, std::int64_t to_ms,
                                                    std::size_t most) const {
  SessionFilter filter;
  filter.statuses = kOpen;
  filter.provider = provider;
  filter.from_ms = from_ms;
  filter.to_ms = to_ms;
  RABT_TRY(found, acts_.rows().list(acts_.parts().tenant, filter, {.limit = most + 1}));
  return std::move(found.sessions);
}

Json SessionDays::considered(const Ask& ask, const Plan& plan, const Session& is,
                             std::vector<PlannedTime>& planned) const {
  const Actor who = Acts::actor_of(ask);
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const Participant* const patient = patient_of(is);
  Json out = Json::object(
      {{"session", is.id},
       {"number", is.number},
       {"version", is.version},
       {"status", to_string(is.status)},
       {"scheduledStart", time_or_null(is.schedule.at_ms)},
       {"plannedMinutes", is.schedule.minutes},
       {"linked", is_linked(is)},
       {"patient", patient == nullptr ? Json()
                                      : participant_json(is, *patient, sight_of(is, who, false),
                                                         names, acts_.parts().clock.now())}});
  const auto left = [&](std::string_view code) {
    out.set("outcome", "left");
    out.set("code", code);
    return out;
  };
  const Result<Command> command = [&]() -> Result<Command> {
    if (plan.act == DayAct::give) return *plan.give;
    if (plan.act == DayAct::cancel) return Command(Cancel{plan.reason});
    const Status may = plan.may_move(is, acts_.parts().clock.now());
    const bool timed = may.ok() || may.error().code == "day.past";
    const std::int64_t to_ms = is.schedule.at_ms.value_or(0) + plan.shift_ms;
    if (timed) out.set("newStart", to_iso8601({to_ms}));
    if (!may.ok()) return may.error();
    return life_.amending(is, Json::object({{"scheduledStart", to_ms}}));
  }();
  if (!command.ok()) return left(command.error().code);
  const auto met = acts_.consider(ask.caller, is, *command, planned);
  if (!met.ok()) return left(met.error().code);
  if (met->time.taken) {
    out.set("taken", Json::object({{"from", to_iso8601({met->time.taken->first})},
                                   {"to", to_iso8601({met->time.taken->second})}}));
  }
  if (met->busy) return left("provider.busy");
  out.set("outcome", plan.done());
  return out;
}

Answer SessionDays::preview(const Ask& ask) {
  RABT_TRY(plan, read(ask, false));
  RABT_TRY(visits, visits_of(plan.provider, plan.from_ms, plan.to_ms, kMostOfADay));
  RABT_TRY_STATUS(acts_.audit_reading(
      ask, "sessions", nullptr,
      Json::object({{"of", "day"}, {"found", static_cast<std::int64_t>(visits.size())}})));
  const bool more = visits.size() > kMostOfADay;
  plan.sort(visits);
  if (more) visits.resize(kMostOfADay);
  Json items = Json::array();
  std::vector<PlannedTime> planned;
  for (const Session& one : visits) items.push_back(considered(ask, plan, one, planned));
  return Json::object({{"provider", plan.provider},
                       {"date", plan.date},
                       {"act", plan.verb()},
                       {"more", more},
                       {"visits", std::move(items)}});
}

Status SessionDays::note(const Ask& ask, const Plan& plan, std::size_t visits) const {
  const SessionParts& parts = acts_.parts();
  Session none;
  none.tenant = parts.tenant;
  audit::Entry entry = Acts::entry_of(ask, none);
  entry.act = "provider.absence";
  entry.object = "person:" + plan.provider;
  entry.detail = Json::object(
      {{"act", plan.verb()}, {"date", plan.date}, {"visits", static_cast<std::int64_t>(visits)}});
  if (!plan.person.empty()) entry.detail.set("to", plan.person);
  access::PatientDetail::Sealed sealed;
  if (parts.details != nullptr) {
    RABT_TRY(reason,
             parts.details->seal(parts.tenant, "", Json::object({{"reason", plan.reason}})));
    sealed = std::move(reason);
    entry.sealed = sealed.text;
  }
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    if (!sealed.text.empty()) RABT_TRY_STATUS(access::PatientDetail::store(transaction, sealed));
    return parts.audit.append(transaction, prepared);
  });
}

Answer SessionDays::act(const Ask& ask, const Plan& plan, const Session& is) {
  if (plan.act == DayAct::give) return life_.assign(ask);
  if (plan.act == DayAct::cancel) return life_.cancel(ask);
  RABT_TRY_STATUS(plan.may_move(is, acts_.parts().clock.now()));
  return life_.change(ask);
}

Answer SessionDays::apply(const Ask& ask) {
  RABT_TRY(plan, read(ask, true));
  RABT_TRY_STATUS(note(ask, plan, plan.visits.size()));
  Json items = Json::array();
  std::int64_t done = 0;
  std::int64_t left = 0;
  const auto leave = [&](const std::string& session, std::string_view code) {
    ++left;
    items.push_back(Json::object({{"session", session}, {"outcome", "left"}, {"code", code}}));
  };
  std::vector<Session> visits;
  for (const auto& [id, version] : plan.visits) {
    auto is = acts_.load(id);
    if (!is.ok()) {
      leave(id, is.error().code);
    } else if (is->version != version) {
      leave(is->id, "precondition.failed");
    } else if (!plan.covers(*is)) {
      leave(is->id, "session.unknown");
    } else {
      visits.push_back(*std::move(is));
    }
  }
  plan.sort(visits);
  for (const Session& one : visits) {
    Ask of = ask;
    of.session = one.id;
    of.record.clear();
    of.version = one.version;
    of.caller.once = {};
    of.caller.repeat.clear();
    of.body = Json::object();
    if (plan.act == DayAct::give) of.body.set("provider", plan.person);
    if (plan.act == DayAct::cancel) of.body.set("reason", plan.reason);
    if (plan.act == DayAct::move && one.schedule.at_ms)
      of.body.set("scheduledStart", to_iso8601({*one.schedule.at_ms + plan.shift_ms}));
    const auto acted = act(of, plan, one);
    if (!acted.ok()) {
      leave(one.id, acted.error().code);
      continue;
    }
    ++done;
    Json item = Json::object({{"session", one.id},
                              {"number", one.number},
                              {"outcome", plan.done()},
                              {"version", (*acted)["version"]},
                              {"scheduledStart", (*acted)["scheduledStart"]}});
    bool overlaps = false;
    const Json& warnings = (*acted)["warnings"];
    if (warnings.is_array()) {
      for (const Json& warning : warnings.as_array())
        overlaps = overlaps || warning == Json("provider.overlap");
    }
    item.set("overlap", overlaps);
    items.push_back(std::move(item));
  }
  return Json::object({{"provider", plan.provider},
                       {"date", plan.date},
                       {"act", plan.verb()},
                       {"done", done},
                       {"left", left},
                       {"visits", std::move(items)}});
}

Answer SessionDays::list(const Ask& ask) {
  const SessionParts& parts = acts_.parts();
  RABT_TRY_STATUS(access::check_reason(ask.caller.reason));
  const std::string date(ask.parameter("date"));
  const auto from_ms = begin_of(date, parts.house.time_zone);
  if (!from_ms) return invalid("api.invalid", "date: it must be a day, such as 2026-12-01");
  RABT_TRY(provider, acts_.persons().of_filter(ask.parameter("provider")));
  RABT_TRY(visits, visits_of(provider, *from_ms, *from_ms + kDayMs, kMostOnPaper));
  const bool more = visits.size() > kMostOnPaper;
  std::sort(visits.begin(), visits.end(),
            [](const Session& a, const Session& b) { return start_of(a) < start_of(b); });
  if (more) visits.resize(kMostOnPaper);
  Json items = Json::array();
  Names names(parts.directory, parts.tenant);
  for (const Session& one : visits) {
    RABT_TRY_STATUS(
        acts_.audit_reading(ask, "session:" + one.id, &one, Json::object({{"what", "day_list"}})));
    const Participant* const patient = patient_of(one);
    Json shown;
    if (patient != nullptr) {
      shown = Json::object({{"name", patient->guest["name"]},
                            {"nameAr", patient->guest["nameAr"]},
                            {"phone", Json()},
                            {"guardian", Json()}});
      // A telephone that a booking brought is nobody's whom the hospital knows.
      const auto person = patient->person.empty()
                              ? Result<identity::Person>(not_found("person.unknown", ""))
                              : parts.directory.find(parts.tenant, patient->person);
      if (person.ok()) {
        for (const char* name : {"name", "nameAr", "phone"}) shown.set(name, person->profile[name]);
        const Guarded of =
            guarded_by(person->profile, Timestamp{start_of(one)}, parts.links.adult_age);
        if (of.guardian) {
          Json guardian = guardian_json(*of.guardian);
          guardian.set("phone", of.guardian->phone);
          shown.set("guardian", std::move(guardian));
        }
      }
    }
    Json doctor;
    if (!one.provider.empty()) {
      const Json& record = names.of(one.provider);
      doctor = Json::object({{"name", record["name"]}, {"nameAr", record["nameAr"]}});
    }
    items.push_back(Json::object({{"session", one.id},
                                  {"number", one.number},
                                  {"status", to_string(one.status)},
                                  {"type", to_string(one.type)},
                                  {"provider", text_or_null(one.provider)},
                                  {"doctor", std::move(doctor)},
                                  {"scheduledStart", time_or_null(one.schedule.at_ms)},
                                  {"plannedMinutes", one.schedule.minutes},
                                  {"patient", std::move(shown)}}));
  }
  return Json::object({{"date", date}, {"more", more}, {"visits", std::move(items)}});
}

}  // namespace rabt::consultation
