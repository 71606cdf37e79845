#include "hub/consultation/sessions/reading.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/base/number.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/events/hearing.hpp"
#include "hub/consultation/recording/rows.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/rings.hpp"

namespace rabt::consultation {

namespace {

using identity::Role;

// Sessions of one appointment that a workflow reads.
constexpr std::size_t kMostOfAppointment = 20;

// ",scheduled,waiting,": the states that a filter names, each in any case of letters. Error invalid
// api.invalid.
Result<std::string> statuses_of(std::string_view text) {
  if (text.empty()) return std::string();
  std::string out = ",";
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto status = parse_session_status(text.substr(0, comma));
    if (!status) return invalid("api.invalid", "status: names no state of a session");
    out.append(to_string(*status)).append(",");
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return out;
}

// A day alone begins or ends at that time of day.
Json time_of_day(std::string_view text, std::string_view of_day) {
  constexpr std::size_t kDay = std::string_view("2026-12-01").size();
  std::string out(text);
  if (text.size() == kDay) out += of_day;
  return out;
}

// The patient's numbers in a body, as references to a person: `patient`, then `identifiers`, each
// once.
std::vector<Json> numbers_in(const Json& body) {
  std::vector<Json> out;
  const auto add = [&out](const Json& one) {
    if (!one["value"].is_string()) return;
    Json number = Json::object({{"system", one["system"]}, {"value", one["value"]}});
    if (std::find(out.begin(), out.end(), number) == out.end()) out.push_back(std::move(number));
  };
  add(body["patient"]);
  if (const Json& others = body["identifiers"]; others.is_array()) {
    for (const Json& one : others.as_array()) add(one);
  }
  return out;
}

// A number of another assigning authority is another number; one that names none is compared by
// itself.
bool is_same_number(const Json& one, const Json& other) {
  return one["value"] == other["value"] &&
         (!one["system"].is_string() || !other["system"].is_string() ||
          one["system"] == other["system"]);
}

}  // namespace

Answer SessionReading::get(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session, Json::object()));
  RABT_TRY(shown, acts_.show(ask, session));
  const Participant* const own = own_of(session, who);
  if (own != nullptr && own->here && own->admission == Admission::waiting) {
    RABT_TRY(ahead, acts_.rows().ahead_of(session));
    shown.set("ahead", ahead);
  }
  return shown;
}

Result<Page> SessionReading::list(const Ask& ask, const Window& window) {
  const Actor who = Acts::actor_of(ask);
  SessionFilter filter;
  RABT_TRY(statuses, statuses_of(ask.parameter("status")));
  filter.statuses = std::move(statuses);
  if (const auto type = ask.parameter("type"); !type.empty()) {
    const auto known = parse_session_type(type);
    if (!known) return invalid("api.invalid", "type: names no type of a session");
    filter.type = std::string(to_string(*known));
  }
  if (const auto role = ask.parameter("role"); !role.empty()) {
    const auto known = parse_part_role(role);
    if (!known) return invalid("api.invalid", "role: names no role in a session");
    filter.role = std::string(to_string(*known));
  }
  RABT_TRY(provider, acts_.persons().of_filter(ask.parameter("provider")));
  filter.provider = std::move(provider);
  RABT_TRY(patient, acts_.persons().of_filter(ask.parameter("patient")));
  filter.patient = std::move(patient);
  filter.with_patient = ask.caller.manner.with_patient;
  if (const auto visit = ask.parameter("visit"); !visit.empty()) {
    const auto known = acts_.around().visit(acts_.parts().tenant, std::string(visit));
    filter.visit = known.ok() ? known->id : "-";
  }
  if (const auto clinic = ask.parameter("clinic"); !clinic.empty())
    filter.clinic = identity::ulid_of(clinic).value_or("-");
  if (const auto link = ask.parameter("appointment"); !link.empty()) {
    RABT_TRY(index, acts_.rows().appointment_index(acts_.parts().tenant, std::string(link)));
    filter.appointment = std::move(index);
  }
  const Json times = Json::object({{"from", time_of_day(ask.parameter("from"), "T00:00:00")},
                                   {"to", time_of_day(ask.parameter("to"), "T23:59:59.999")}});
  Fields bounds(times);
  const auto bound = [&](std::string_view name, std::optional<std::int64_t>& at) {
    const std::string_view given = ask.parameter(name);
    if (given.empty()) return;
    // A clinic's clients of other systems have a zone of their own (`naive_time_zone`).
    const std::size_t of_day = given.find_first_of("Tt");
    if (!ask.caller.manner.naive_times && of_day != std::string_view::npos &&
        given.find_first_of("Zz+-", of_day) == std::string_view::npos) {
      bounds.wrong(name,
                   "it needs a time zone: Z, or an offset such as +03:00, whose + is written as "
                   "%2B in an address");
      return;
    }
    if (const auto time = bounds.time(name, ask.caller.naive_offset_minutes)) at = time->ms;
  };
  bound("from", filter.from_ms);
  bound("to", filter.to_ms);
  if (filter.from_ms && filter.to_ms && *filter.to_ms < *filter.from_ms)
    bounds.wrong("to", "it is before `from`");
  RABT_TRY_STATUS(bounds.done());
  // everybody else sees the sessions that he takes part in.
  const auto all =
      access::admit(access::Right::session_list_all, {.roles = who.roles, .system = who.system});
  if (!all.ok()) {
    if (who.person.empty()) return all.error();
    filter.person = who.person;
    filter.open_requests =
        filter.statuses == ",requested," && who.roles.has_any({Role::doctor, Role::specialist});
  }
  RABT_TRY(found, acts_.rows().list(acts_.parts().tenant, filter, window));
  RABT_TRY_STATUS(acts_.audit_reading(
      ask, "sessions", nullptr,
      Json::object(
          {{"search", true}, {"found", static_cast<std::int64_t>(found.sessions.size())}})));
  Page page{.items = {}, .next = std::move(found.next), .total = found.total};
  Names names(acts_.parts().directory, acts_.parts().tenant);
  for (const Session& session : found.sessions) {
    page.items.push_back(
        session_json(session, sight_of(session, who, false), names, acts_.parts().clock.now()));
    if (ask.caller.manner.own_words) page.items.back().set("asGiven", session.as_given);
  }
  return page;
}

Result<bool> SessionReading::is_of_another(const Session& session,
                                           const std::vector<Json>& numbers) const {
  std::string patient = session.patient;
  if (!patient.empty()) {
    const auto survivor = acts_.parts().directory.resolve(acts_.parts().tenant, Json(patient));
    if (survivor.ok()) patient = *survivor;
  }
  bool own = numbers.empty();
  for (const Json& number : numbers) {
    const bool booked = std::any_of(
        session.people.participants.begin(), session.people.participants.end(),
        [&](const Participant& one) {
          const auto same = [&](const Json& known) { return is_same_number(known, number); };
          const auto& numbers_of_booking = one.numbers.as_array();
          return one.role == PartRole::patient &&
                 (same(one.reference) ||
                  std::any_of(numbers_of_booking.begin(), numbers_of_booking.end(), same));
        });
    own = own || booked;
    if (booked || patient.empty() || !number["system"].is_string()) continue;
    const auto found = acts_.parts().directory.resolve(acts_.parts().tenant, number);
    if (found.ok()) {
      // Numbers of two persons lead to an own visit, too: it is not held a second time.
      own = own || *found == patient;
    } else if (found.error().kind != ErrorKind::not_found &&
               found.error().kind != ErrorKind::invalid &&
               found.error().kind != ErrorKind::conflict) {
      return found.error();
    }
  }
  return !own;
}

Answer SessionReading::of_appointment(const Ask& ask) {
  if (!ask.caller.system)
    return denied("authorisation.denied", "only workflows read the sessions of an appointment");
  const std::string& tenant = acts_.parts().tenant;
  SessionFilter filter;
  RABT_TRY(index, acts_.rows().appointment_index(tenant, ask.body["appointment"]));
  filter.appointment = std::move(index);
  RABT_TRY(found, acts_.rows().list(tenant, filter, {.limit = kMostOfAppointment}));
  RABT_TRY_STATUS(acts_.audit_reading(
      ask, "sessions", nullptr,
      Json::object(
          {{"of", "appointment"}, {"found", static_cast<std::int64_t>(found.sessions.size())}})));
  const std::vector<Json> numbers = numbers_in(ask.body);
  Json items = Json::array();
  for (const Session& session : found.sessions) {
    if (session.appointment_of_patient) continue;
    RABT_TRY(another, is_of_another(session, numbers));
    items.push_back(Json::object(
        {{"session", session.id},
         {"consultation", session.consultation.empty() ? Json() : Json(session.consultation)},
         {"status", to_string(session.status)},
         {"startEpoch", session.schedule.at_ms ? Json(*session.schedule.at_ms / 1000) : Json()},
         {"otherPatient", another},
         {"billing", another ? Json() : session.billing}}));
  }
  return Json::object({{"sessions", std::move(items)}});
}

Answer SessionReading::rings(const Ask& ask) {
  const SessionParts& parts = acts_.parts();
  Json items = Json::array();
  const std::string& person = ask.caller.who.person;
  if (person.empty()) return Json::object({{"items", std::move(items)}});
  RABT_TRY(found, rings_now(parts.store, parts.tenant, person, parts.clock.now().ms));
  for (const RingNow& one : found) {
    RABT_TRY(session, acts_.load(one.session));
    if (!calls_doctors(session)) continue;
    items.push_back(Json::object({{"session", session.id},
                                  {"number", session.number},
                                  {"specialty", session.context["specialty"]},
                                  {"language", session.language},
                                  {"since", to_iso8601({one.at_ms})},
                                  {"until", to_iso8601({one.at_ms + kRingMs})}}));
  }
  return Json::object({{"items", std::move(items)}});
}

Answer SessionReading::summarise(const Ask& ask, Reads reads) {
  const Actor who = Acts::actor_of(ask);
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
                                      Json::object({{"what", "summary"}}), reads));
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const bool reason = !ask.caller.reason.empty();
  Json out =
      summary_json(session, sight_of(session, who, reason), names, acts_.parts().clock.now());
  Ask of = ask;
  of.session = session.id;
  RABT_TRY(records,
           acts_.around().records_of(of, membership_of(session, who, acts_.parts().clock.now())));
  for (const auto& [key, value] : records.as_object()) out.set(key, value);
  RABT_TRY(kept, recordings_of(acts_.parts(), session));
  Json items = Json::array();
  if (recordings_.sees(session, ask.caller)) {
    for (const KeptRecording& one : kept)
      items.push_back(to_json(recording_view(one, SessionRecordings::withdraws(who))));
  }
  out.set("recordings", std::move(items));
  return out;
}

Answer SessionReading::events(const Ask& ask) {
  const Actor who = Acts::actor_of(ask);
  std::int64_t after = 0;
  if (const std::string_view given = ask.parameter("after"); !given.empty()) {
    const auto seq = read_number<std::int64_t>(given);
    if (!seq || *seq < 0)
      return invalid("api.invalid", "after: it must be the `next` of a page of this list");
    after = *seq;
  }
  RABT_TRY(session, acts_.visible(ask));
  RABT_TRY_STATUS(acts_.audit_reading(ask, "session:" + session.id, &session,
                                      Json::object({{"what", "events"}})));
  RABT_TRY(found, acts_.rows().events(session.tenant, session.id, after));
  // Offices watch the whole of it; everybody else sees what the live channel tells him.
  const bool office =
      access::decide(access::Right::session_list_all, {.roles = who.roles, .system = who.system})
          .allowed;
  const Membership of = membership_of(session, who, acts_.parts().clock.now());
  Json items = Json::array();
  for (const StoredSessionEvent& one : found.events) {
    if (!office && !may_hear(of, one.type, one.at_ms, one.data)) continue;
    items.push_back(Json::object({{"seq", one.seq},
                                  {"type", one.type},
                                  {"at", to_iso8601({one.at_ms})},
                                  {"actor", one.actor},
                                  {"data", one.data}}));
  }
  Json out = Json::object({{"items", std::move(items)}});
  if (found.more) out.set("next", std::to_string(found.events.back().seq));
  return out;
}

}  // namespace rabt::consultation
