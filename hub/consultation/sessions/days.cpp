#include "hub/consultation/sessions/days.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "hub/access/reading.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/workflow/cron.hpp"

namespace rabt::consultation {

namespace {

// States of visits that may still be held.
constexpr std::string_view kOpen = ",requested,scheduled,waiting,active,";

// The midnight that a day begins with.
std::optional<std::int64_t> begin_of(const std::string& date, const std::string& zone) {
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
  return has_known_appointment(is) && !is.ties.consultation.empty();
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

Result<SessionDays::Plan> SessionDays::plan_of(const ChangeDay& request) const {
  const SessionParts& parts = acts_.parts();
  Plan plan{.date = request.date, .act = request.act, .reason = request.reason};
  RABT_TRY(provider, acts_.persons().of_filter(request.provider));
  const auto known = parts.directory.find(parts.tenant, provider);
  if (!known.ok() || !known->roles.has_any(identity::kTreats))
    return not_found("provider.unknown", "there is no such provider");
  plan.provider = std::move(provider);

  Mistakes mistakes = request.mistakes;
  if (!request.to.is_null()) {
    RABT_TRY(id, acts_.persons().named(request.to, "provider", mistakes));
    if (id == plan.provider) mistakes.add("provider", "it is the one who is away");
    plan.person = std::move(id);
  }
  const auto begin = [&](std::string_view name, const std::string& date) -> std::int64_t {
    if (date.empty()) return 0;
    const auto at = begin_of(date, parts.house.time_zone);
    if (!at) mistakes.add(name, kNoDay);
    return at.value_or(0);
  };
  plan.from_ms = begin("date", request.date);
  plan.to_ms = plan.from_ms + kDayMs;
  if (request.minutes) plan.shift_ms = *request.minutes * kMinuteMs;
  if (!request.to_date.empty()) plan.shift_ms = begin("toDate", request.to_date) - plan.from_ms;
  mistakes.add(request.later);
  RABT_TRY_STATUS(mistakes.status());
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

ConsideredVisit SessionDays::considered(const Caller& caller, const Plan& plan, const Session& is,
                                        std::vector<PlannedTime>& planned) const {
  const Actor who = Acts::actor_of(caller);
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const Participant* const patient = patient_of(is);
  ConsideredVisit out{.session = is.id,
                      .number = is.number,
                      .version = is.version,
                      .status = is.status,
                      .start_ms = is.schedule.at_ms,
                      .planned_minutes = is.schedule.minutes,
                      .linked = is_linked(is)};
  if (patient != nullptr)
    out.patient =
        participant_view(is, *patient, sight_of(is, who, false), names, acts_.parts().clock.now());
  const Result<Command> command = [&]() -> Result<Command> {
    if (plan.act == DayAct::give) return *plan.give;
    if (plan.act == DayAct::cancel) return Command(Cancel{plan.reason});
    const Status may = plan.may_move(is, acts_.parts().clock.now());
    const bool timed = may.ok() || may.error().code == "day.past";
    const std::int64_t to_ms = is.schedule.at_ms.value_or(0) + plan.shift_ms;
    if (timed) out.new_start_ms = to_ms;
    if (!may.ok()) return may.error();
    return life_.amending(is, {.start_ms = to_ms});
  }();
  if (!command.ok()) {
    out.left = command.error().code;
    return out;
  }
  const auto met = acts_.consider(caller, is, *command, planned);
  if (!met.ok()) {
    out.left = met.error().code;
    return out;
  }
  if (met->time.taken)
    out.taken = {.from_ms = met->time.taken->first, .to_ms = met->time.taken->second};
  if (met->busy) out.left = "provider.busy";
  return out;
}

Result<DayPreviewView> SessionDays::preview(const Caller& caller, const ChangeDay& request) {
  RABT_TRY(plan, plan_of(request));
  RABT_TRY(visits, visits_of(plan.provider, plan.from_ms, plan.to_ms, kMostOfADay));
  RABT_TRY_STATUS(acts_.audit_reading(
      caller, "sessions", nullptr,
      Json::object({{"of", "day"}, {"found", static_cast<std::int64_t>(visits.size())}})));
  DayPreviewView view{.provider = plan.provider,
                      .date = plan.date,
                      .act = plan.act,
                      .more = visits.size() > kMostOfADay};
  plan.sort(visits);
  if (view.more) visits.resize(kMostOfADay);
  std::vector<PlannedTime> planned;
  for (const Session& one : visits) view.visits.push_back(considered(caller, plan, one, planned));
  return view;
}

Status SessionDays::note(const Caller& caller, const Plan& plan, std::size_t visits) const {
  const SessionParts& parts = acts_.parts();
  Session none;
  none.tenant = parts.tenant;
  audit::Entry entry = Acts::entry_of(caller, none);
  entry.act = "provider.absence";
  entry.object = "person:" + plan.provider;
  entry.detail = Json::object({{"act", to_string(plan.act)},
                               {"date", plan.date},
                               {"visits", static_cast<std::int64_t>(visits)}});
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

Result<SessionView> SessionDays::act(const Caller& caller, const Plan& plan, const Session& is) {
  if (plan.act == DayAct::give)
    return life_.assign(
        caller, AssignSession{.session = is.id, .version = is.version, .provider = plan.person});
  if (plan.act == DayAct::cancel)
    return life_.cancel(
        caller, CancelSession{.session = is.id, .version = is.version, .reason = plan.reason});
  RABT_TRY_STATUS(plan.may_move(is, acts_.parts().clock.now()));
  return life_.change(caller,
                      ChangeSession{.session = is.id,
                                    .version = is.version,
                                    .members = {.start_ms = *is.schedule.at_ms + plan.shift_ms}});
}

Result<DayChangedView> SessionDays::apply(const Caller& caller, const ChangeDay& request) {
  RABT_TRY(plan, plan_of(request));
  RABT_TRY_STATUS(note(caller, plan, request.visits.size()));
  DayChangedView view{.provider = plan.provider, .date = plan.date, .act = plan.act};
  const auto leave = [&](const std::string& session, std::string_view code) {
    view.visits.push_back({.session = session, .left = std::string(code)});
  };
  std::vector<Session> visits;
  for (const auto& [id, version] : request.visits) {
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
  // Each visit is an act of its own, and none is the answer to a repeat of the request.
  Caller of = caller;
  of.once = {};
  of.repeat.clear();
  for (const Session& one : visits) {
    const auto acted = act(of, plan, one);
    if (!acted.ok()) {
      leave(one.id, acted.error().code);
      continue;
    }
    const auto& warnings = acted->warnings;
    view.visits.push_back({.session = one.id,
                           .number = one.number,
                           .version = acted->version,
                           .start = acted->plan.start,
                           .overlap = std::find(warnings.begin(), warnings.end(),
                                                "provider.overlap") != warnings.end()});
  }
  return view;
}

ListedVisit SessionDays::listed(const Session& is, Names& names) const {
  const SessionParts& parts = acts_.parts();
  ListedVisit out{.session = is.id,
                  .number = is.number,
                  .status = is.status,
                  .type = is.type,
                  .provider = is.provider,
                  .start_ms = is.schedule.at_ms,
                  .planned_minutes = is.schedule.minutes};
  if (!is.provider.empty()) {
    const Json& record = names.of(is.provider);
    out.doctor = {.name = record["name"], .name_ar = record["nameAr"]};
  }
  const Participant* const patient = patient_of(is);
  if (patient == nullptr) return out;
  ListedVisit::Patient shown{.name = patient->guest["name"], .name_ar = patient->guest["nameAr"]};
  // A telephone that a booking brought is nobody's whom the hospital knows.
  const auto person = patient->person.empty()
                          ? Result<identity::Person>(not_found("person.unknown", ""))
                          : parts.directory.find(parts.tenant, patient->person);
  if (person.ok()) {
    shown.name = person->profile["name"];
    shown.name_ar = person->profile["nameAr"];
    shown.phone = person->profile["phone"];
    const Guarded of = guarded_by(person->profile, Timestamp{start_of(is)}, parts.links.adult_age);
    if (of.guardian) {
      shown.guardian = guardian_json(*of.guardian);
      shown.guardian.set("phone", of.guardian->phone);
    }
  }
  out.patient = std::move(shown);
  return out;
}

Result<DayListView> SessionDays::list(const Caller& caller, const Asked<ListDay>& asked) {
  RABT_TRY_STATUS(access::check_reason(caller.reason));
  RABT_TRY(request, asked);
  const auto from_ms = begin_of(request.date, acts_.parts().house.time_zone);
  if (!from_ms) return invalid("api.invalid", "date: " + std::string(kNoDay));
  RABT_TRY(provider, acts_.persons().of_filter(request.provider));
  RABT_TRY(visits, visits_of(provider, *from_ms, *from_ms + kDayMs, kMostOnPaper));
  DayListView view{.date = request.date, .more = visits.size() > kMostOnPaper};
  std::sort(visits.begin(), visits.end(),
            [](const Session& a, const Session& b) { return start_of(a) < start_of(b); });
  if (view.more) visits.resize(kMostOnPaper);
  Names names(acts_.parts().directory, acts_.parts().tenant);
  for (const Session& one : visits) {
    RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + one.id, &one,
                                        Json::object({{"what", "day_list"}})));
    view.visits.push_back(listed(one, names));
  }
  return view;
}

}  // namespace rabt::consultation
