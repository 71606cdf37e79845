#include "hub/consultation/sessions/reading.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/events/hearing.hpp"
#include "hub/consultation/recording/rows.hpp"
#include "hub/consultation/rows/rings.hpp"

namespace rabt::consultation {

namespace {

using identity::Role;

// Sessions of one appointment that a workflow reads.
constexpr std::size_t kMostOfAppointment = 20;

// A number of another assigning authority is another number; one that names none is compared by
// itself.
bool is_same_number(const Json& item, const Json& other) {
  return item["value"] == other["value"] &&
         (!item["system"].is_string() || !other["system"].is_string() ||
          item["system"] == other["system"]);
}

}  // namespace

Result<SessionView> SessionReading::get(const Caller& caller, const Asked<OfSession>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session, Json::object()));
  SessionView view = acts_.view(caller, session);
  const Participant* const own = own_of(session, who);
  if (own != nullptr && own->here && own->admission == Admission::waiting) {
    RABT_TRY(ahead, acts_.rows().ahead_of(session));
    view.ahead = ahead;
  }
  return view;
}

Result<SessionFilter> SessionReading::filter_of(const Caller& caller,
                                                const ListSessions& request) const {
  const Actor who = Acts::actor_of(caller);
  SessionFilter filter;
  filter.statuses = request.statuses;
  if (request.type) filter.type = std::string(to_string(*request.type));
  if (request.role) filter.role = std::string(to_string(*request.role));
  RABT_TRY(provider, acts_.persons().of_filter(request.provider));
  filter.provider = std::move(provider);
  RABT_TRY(patient, acts_.persons().of_filter(request.patient));
  filter.patient = std::move(patient);
  filter.with_patient = caller.manner.with_patient;
  if (!request.visit.empty()) {
    const auto visit = acts_.around().visit(acts_.parts().tenant, request.visit);
    filter.visit = visit.ok() ? visit->id : "-";
  }
  if (!request.clinic.empty()) filter.clinic = identity::ulid_of(request.clinic).value_or("-");
  if (!request.appointment.empty()) {
    RABT_TRY(index, acts_.rows().appointment_index(acts_.parts().tenant, request.appointment));
    filter.appointment = std::move(index);
  }
  if (request.from) filter.from_ms = request.from->ms;
  if (request.to) filter.to_ms = request.to->ms;
  // everybody else sees the sessions that he takes part in.
  const auto all =
      access::admit(access::Right::session_list_all, {.roles = who.roles, .system = who.system});
  if (!all.ok()) {
    if (who.person.empty()) return all.error();
    filter.person = who.person;
    filter.open_requests =
        filter.statuses == ",requested," && who.roles.has_any({Role::doctor, Role::specialist});
  }
  return filter;
}

Result<PageOf<SessionView>> SessionReading::list(const Caller& caller,
                                                 const Asked<ListSessions>& asked,
                                                 const Window& window) {
  RABT_TRY(request, asked);
  RABT_TRY(filter, filter_of(caller, request));
  RABT_TRY(found, acts_.rows().list(acts_.parts().tenant, filter, window));
  RABT_TRY_STATUS(acts_.audit_reading(
      caller, "sessions", nullptr,
      Json::object(
          {{"search", true}, {"found", static_cast<std::int64_t>(found.sessions.size())}})));
  const Actor who = Acts::actor_of(caller);
  PageOf<SessionView> page{.items = {}, .next = std::move(found.next), .total = found.total};
  Names names(acts_.parts().directory, acts_.parts().tenant);
  for (const Session& session : found.sessions) {
    page.items.push_back(
        session_view(session, sight_of(session, who, false), names, acts_.parts().clock.now()));
    if (caller.manner.own_words) page.items.back().as_given = session.origin.as_given;
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
        [&](const Participant& participant) {
          const auto same = [&](const Json& reference) {
            return is_same_number(reference, number);
          };
          const auto& numbers_of_booking = participant.numbers.as_array();
          return participant.role == PartRole::patient &&
                 (same(participant.reference) ||
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

Result<AppointmentSessions> SessionReading::of_appointment(const Caller& caller,
                                                           const Asked<FindByAppointment>& asked) {
  if (!caller.system)
    return denied("authorisation.denied", "only workflows read the sessions of an appointment");
  RABT_TRY(request, asked);
  const std::string& tenant = acts_.parts().tenant;
  SessionFilter filter;
  RABT_TRY(index, acts_.rows().appointment_index(tenant, request.appointment));
  filter.appointment = std::move(index);
  RABT_TRY(found, acts_.rows().list(tenant, filter, {.limit = kMostOfAppointment}));
  RABT_TRY_STATUS(acts_.audit_reading(
      caller, "sessions", nullptr,
      Json::object(
          {{"of", "appointment"}, {"found", static_cast<std::int64_t>(found.sessions.size())}})));
  Json numbers = Json::array();
  for (const Json& number : request.numbers) numbers.push_back(number);
  AppointmentSessions out;
  for (const Session& session : found.sessions) {
    if (session.ties.appointment_of_patient) continue;
    RABT_TRY(another, is_of_another(session, request.numbers));
    AppointmentSession appointment_session{
        .session = session.id,
        .consultation = session.ties.consultation,
        .status = session.status,
        .other_patient = another,
        .cause = session.end.cancellation.string_or("cause", "")};
    if (session.schedule.at_ms) appointment_session.start = Timestamp{*session.schedule.at_ms};
    if (another) {
      RABT_TRY(sure, acts_.persons().is_somebody_else(session, request.said, numbers));
      appointment_session.another_person = sure;
    } else {
      appointment_session.billing = session.payers.billing;
    }
    out.sessions.push_back(std::move(appointment_session));
  }
  return out;
}

Result<ItemsOf<RingView>> SessionReading::rings(const Caller& caller) {
  const SessionParts& parts = acts_.parts();
  ItemsOf<RingView> out;
  const std::string& person = caller.who.person;
  if (person.empty()) return out;
  RABT_TRY(found, rings_now(parts.store, parts.tenant, person, parts.clock.now().ms));
  for (const RingNow& now : found) {
    RABT_TRY(session, acts_.load(now.session));
    if (!calls_doctors(session)) continue;
    out.items.push_back({.session = session.id,
                         .number = session.number,
                         .specialty = session.topic.context["specialty"],
                         .language = session.options.language,
                         .since = {now.at_ms},
                         .until = {now.at_ms + kRingMs}});
  }
  return out;
}

Result<SummaryView> SessionReading::summarise(const Caller& caller, const Asked<OfSession>& asked,
                                              Reads reads) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session,
                                      Json::object({{"what", "summary"}}), reads));
  Names names(acts_.parts().directory, acts_.parts().tenant);
  const bool reason = !caller.reason.empty();
  SummaryView view =
      summary_view(session, sight_of(session, who, reason), names, acts_.parts().clock.now());
  RABT_TRY(records, acts_.around().records_of(
                        caller, membership_of(session, who, acts_.parts().clock.now())));
  view.records = std::move(records);
  RABT_TRY(kept, recordings_of(acts_.parts(), session));
  if (recordings_.sees(session, caller)) {
    for (const KeptRecording& recording : kept)
      view.recordings.push_back(recording_view(recording, SessionRecordings::withdraws(who)));
  }
  return view;
}

Result<SessionEventsView> SessionReading::events(const Caller& caller,
                                                 const Asked<ReadEvents>& asked) {
  RABT_TRY(request, asked);
  const Actor who = Acts::actor_of(caller);
  RABT_TRY(session, acts_.visible(caller, request.session));
  RABT_TRY_STATUS(acts_.audit_reading(caller, "session:" + session.id, &session,
                                      Json::object({{"what", "events"}})));
  RABT_TRY(found, acts_.rows().events(session.tenant, session.id, request.after));
  // Offices watch the whole of it; everybody else sees what the live channel tells him.
  const bool office =
      access::decide(access::Right::session_list_all, {.roles = who.roles, .system = who.system})
          .allowed;
  const Membership of = membership_of(session, who, acts_.parts().clock.now());
  SessionEventsView out;
  for (StoredSessionEvent& event : found.events) {
    if (!office && !may_hear(of, event.type, event.at_ms, event.data)) continue;
    out.items.push_back({.seq = event.seq,
                         .type = event.type,
                         .at = {event.at_ms},
                         .actor = std::move(event.actor),
                         .data = std::move(event.data)});
  }
  if (found.more) out.next = found.events.back().seq;
  return out;
}

}  // namespace rabt::consultation
