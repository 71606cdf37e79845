#include "hub/consultation/sessions/days.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "hub/access/reading.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/number.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/sessions/day_paper.hpp"
#include "hub/consultation/sessions/statements.hpp"
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

std::int64_t start_of(const Session& session) {
  return session.schedule.at_ms.value_or(session.created_ms);
}

const Participant* patient_of(const Session& session) {
  for (const Participant& participant : session.people.participants) {
    if (participant.role == PartRole::patient && participant.takes_part()) return &participant;
  }
  return nullptr;
}

// Status of the patient's newest link. Empty without one.
std::string link_of(const Session& session, const Participant& patient, Timestamp now) {
  const Invitation* newest = nullptr;
  for (const Invitation& invitation : session.people.invitations) {
    if (invitation.participant == patient.id &&
        (newest == nullptr || invitation.created_ms > newest->created_ms))
      newest = &invitation;
  }
  if (newest == nullptr) return {};
  const bool open = newest->status == "pending" || newest->status == "accepted";
  const bool over = std::max(newest->expires_ms, expiry_of(session, *newest)) < now.ms;
  return open && over ? "expired" : newest->status;
}

// Earliest first; at one time by the doctor's name.
void sort_for_paper(std::vector<Session>& all, Names& names) {
  const auto doctor = [&names](const Session& session) {
    return session.provider.empty() ? std::string()
                                    : names.of(session.provider).string_or("name", "");
  };
  std::sort(all.begin(), all.end(), [&](const Session& a, const Session& b) {
    if (start_of(a) != start_of(b)) return start_of(a) < start_of(b);
    return std::tuple(doctor(a), a.number) < std::tuple(doctor(b), b.number);
  });
}

// Leaves the page, and returns the place of the next one: id and start of the page's last visit.
// A visit that moved since the page before may come twice; the others of its time stay.
std::string cut_to_page(std::vector<Session>& all, const Window& page) {
  if (const auto dot = page.cursor.find('.'); dot != std::string::npos) {
    const std::string_view id = std::string_view(page.cursor).substr(0, dot);
    const auto at = read_number<std::int64_t>(std::string_view(page.cursor).substr(dot + 1));
    auto from = std::find_if(all.begin(), all.end(), [&](const Session& one) {
      return one.id == id && start_of(one) == at.value_or(0);
    });
    if (from != all.end()) {
      ++from;
    } else {
      from = std::find_if(all.begin(), all.end(), [&](const Session& session) {
        return start_of(session) >= at.value_or(0);
      });
    }
    all.erase(all.begin(), from);
  }
  if (all.size() <= page.limit) return {};
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(page.limit), all.end());
  return all.back().id + "." + std::to_string(start_of(all.back()));
}

// A workflow keeps the visit at the time of the hospital's appointment.
bool is_linked(const Session& session) {
  return has_known_appointment(session) && !session.ties.consultation.empty();
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

  [[nodiscard]] bool covers(const Session& session) const {
    return session.provider == provider && start_of(session) >= from_ms &&
           start_of(session) < to_ms;
  }
  // Ok if the visit may get another time that way. Errors: conflict session.already_started,
  // day.no_time, day.linked, day.past.
  [[nodiscard]] Status may_move(const Session& session, Timestamp now) const {
    if (session.status == SessionStatus::active)
      return conflict("session.already_started", "the session is active");
    if (!session.schedule.at_ms) return conflict("day.no_time", "the visit has no planned start");
    // The workflow would put it back, or tell the hospital nothing.
    if (is_linked(session))
      return conflict("day.linked", "the hospital's own system moves the visit");
    if (*session.schedule.at_ms + shift_ms <= now.ms)
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
  const auto record = parts.directory.find(parts.tenant, provider);
  if (!record.ok() || !record->roles.has_any(identity::kTreats))
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

ConsideredVisit SessionDays::considered(const Caller& caller, const Plan& plan,
                                        const Session& session,
                                        std::vector<PlannedTime>& planned) const {
  const Actor who = Acts::actor_of(caller);
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const Participant* const patient = patient_of(session);
  ConsideredVisit out{.session = session.id,
                      .number = session.number,
                      .version = session.version,
                      .status = session.status,
                      .start_ms = session.schedule.at_ms,
                      .planned_minutes = session.schedule.minutes,
                      .linked = is_linked(session)};
  if (patient != nullptr)
    out.patient = participant_view(session, *patient, sight_of(session, who, false), names,
                                   acts_.parts().clock.now());
  const Result<Command> command = [&]() -> Result<Command> {
    if (plan.act == DayAct::give) return *plan.give;
    if (plan.act == DayAct::cancel) return Command(Cancel{plan.reason});
    const Status may = plan.may_move(session, acts_.parts().clock.now());
    const bool timed = may.ok() || may.error().code == "day.past";
    const std::int64_t to_ms = session.schedule.at_ms.value_or(0) + plan.shift_ms;
    if (timed) out.new_start_ms = to_ms;
    if (!may.ok()) return may.error();
    return life_.amending(session, {.start_ms = to_ms});
  }();
  if (!command.ok()) {
    out.left = command.error().code;
    return out;
  }
  const auto met = acts_.consider(caller, session, *command, planned);
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
  for (const Session& visit : visits)
    view.visits.push_back(considered(caller, plan, visit, planned));
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

Result<SessionView> SessionDays::act(const Caller& caller, const Plan& plan,
                                     const Session& session) {
  if (plan.act == DayAct::give)
    return life_.assign(
        caller,
        AssignSession{.session = session.id, .version = session.version, .provider = plan.person});
  if (plan.act == DayAct::cancel)
    return life_.cancel(
        caller,
        CancelSession{.session = session.id, .version = session.version, .reason = plan.reason});
  RABT_TRY_STATUS(plan.may_move(session, acts_.parts().clock.now()));
  return life_.change(
      caller, ChangeSession{.session = session.id,
                            .version = session.version,
                            .members = {.start_ms = *session.schedule.at_ms + plan.shift_ms}});
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
    auto visit = acts_.load(id);
    if (!visit.ok()) {
      leave(id, visit.error().code);
    } else if (visit->version != version) {
      leave(visit->id, "precondition.failed");
    } else if (!plan.covers(*visit)) {
      leave(visit->id, "session.unknown");
    } else {
      visits.push_back(*std::move(visit));
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

struct SessionDays::Known {
  Names names;
  // By the ULID of the clinic.
  std::map<std::string, ListedVisit::Named> clinics{};
};

Result<std::vector<Session>> SessionDays::all_of_day(const std::string& provider,
                                                     std::int64_t from_ms) const {
  SessionFilter filter;
  filter.provider = provider;
  filter.from_ms = from_ms;
  filter.to_ms = from_ms + kDayMs;
  std::vector<Session> all;
  Window window{.limit = kMostOnPaper};
  do {
    RABT_TRY(page, acts_.rows().list(acts_.parts().tenant, filter, window));
    std::move(page.sessions.begin(), page.sessions.end(), std::back_inserter(all));
    window.cursor = std::move(page.next);
  } while (!window.cursor.empty());
  return all;
}

Result<std::optional<ListedVisit::Told>> SessionDays::told(const Session& session,
                                                           const Participant& patient) const {
  const SessionParts& parts = acts_.parts();
  std::optional<ListedVisit::Told> newest;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::sessions::kToldOfVisit, {parts.tenant, session.id, patient.id},
        [&](const store::Row& row) {
          newest = ListedVisit::Told{
              .kind = std::string(row.text(sql::sessions::kToldOfVisit["message_kind"])),
              .outcome = std::string(row.text(sql::sessions::kToldOfVisit["outcome"])),
              .at_ms = row.integer(sql::sessions::kToldOfVisit["at_ms"]),
              .channel = std::string(row.text(sql::sessions::kToldOfVisit["channel"]))};
          return true;
        });
  }));
  return newest;
}

Result<ListedVisit> SessionDays::listed(const Session& session, Known& day) const {
  const SessionParts& parts = acts_.parts();
  ListedVisit out{.session = session.id,
                  .number = session.number,
                  .status = session.status,
                  .type = session.type,
                  .provider = session.provider,
                  .start_ms = session.schedule.at_ms,
                  .moved = session.schedule.version > 1,
                  .planned_minutes = session.schedule.minutes,
                  .language = session.options.language};
  if (!session.provider.empty()) {
    const Json& record = day.names.of(session.provider);
    out.doctor = {.name = record["name"], .name_ar = record["nameAr"]};
  }
  if (!session.ties.clinic.empty()) {
    auto clinic = day.clinics.find(session.ties.clinic);
    if (clinic == day.clinics.end()) {
      RABT_TRY(names, acts_.around().clinic_names(parts.tenant, session.ties.clinic));
      clinic = day.clinics
                   .emplace(session.ties.clinic,
                            ListedVisit::Named{.name = text_or_null(names.name),
                                               .name_ar = text_or_null(names.name_ar)})
                   .first;
    }
    out.clinic = clinic->second;
  }
  const Participant* const patient = patient_of(session);
  if (patient == nullptr) return out;
  RABT_TRY(newest, told(session, *patient));
  out.told = std::move(newest);
  out.link = link_of(session, *patient, parts.clock.now());
  ListedVisit::Patient shown{.name = patient->guest["name"], .name_ar = patient->guest["nameAr"]};
  // A telephone that a booking brought is nobody's whom the hospital knows.
  const auto person = patient->person.empty()
                          ? Result<identity::Person>(not_found("person.unknown", ""))
                          : parts.directory.find(parts.tenant, patient->person);
  if (person.ok()) {
    shown.name = person->profile["name"];
    shown.name_ar = person->profile["nameAr"];
    shown.mrn = person->profile["mrn"];
    shown.phone = person->profile["phone"];
    out.language = person->profile.string_or("language", session.options.language);
    RABT_TRY(of, guarded(parts, *person, Timestamp{start_of(session)}));
    if (of.guardian) {
      shown.guardian = guardian_json(*of.guardian);
      shown.guardian.set("phone", of.guardian->phone);
    }
  }
  out.patient = std::move(shown);
  return out;
}

Result<DayListView> SessionDays::list(const Caller& caller, const Asked<ListDay>& asked,
                                      const std::optional<Window>& page) {
  RABT_TRY_STATUS(access::check_reason(caller.reason));
  RABT_TRY(request, asked);
  const auto from_ms = begin_of(request.date, acts_.parts().house.time_zone);
  if (!from_ms) return invalid("api.invalid", "date: " + std::string(kNoDay));
  RABT_TRY(provider, acts_.persons().of_filter(request.provider));
  RABT_TRY(visits, all_of_day(provider, *from_ms));
  Known day{.names = Names(acts_.parts().directory, acts_.parts().tenant)};
  sort_for_paper(visits, day.names);
  DayListView view{.date = request.date, .begins = {*from_ms}};
  if (page) view.next = cut_to_page(visits, *page);
  Json detail = Json::object({{"what", "day_list"}});
  if (!request.as.empty()) detail.set("as", request.as);
  for (const Session& visit : visits) {
    RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + visit.id, &visit, detail));
    RABT_TRY(shown, listed(visit, day));
    view.visits.push_back(std::move(shown));
  }
  return view;
}

std::string SessionDays::page_of(const DayListView& list, std::string_view language) const {
  return day_page(list, acts_.parts().house, language, acts_.parts().clock.now());
}

std::string SessionDays::table_of(const DayListView& list, std::string_view language) const {
  return day_table(list, language);
}

}  // namespace rabt::consultation
