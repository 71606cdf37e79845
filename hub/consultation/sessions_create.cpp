#include <algorithm>

#include "hub/consultation/relations.hpp"
#include "hub/consultation/sessions_impl.hpp"
#include "hub/consultation/video_role.hpp"

// POST /sessions.
namespace rabt::consultation {

namespace {

using identity::Role;

std::optional<PartRole> staff_role(identity::Roles roles) {
  if (roles.has(Role::doctor)) return PartRole::doctor;
  if (roles.has(Role::specialist)) return PartRole::specialist;
  if (roles.has(Role::nurse)) return PartRole::nurse;
  return std::nullopt;
}

// Doors of systems that had no waiting room.
bool has_waiting_room(std::string_view door) {
  return door == "api" || door == "workflow";
}

// Doors of systems in which a setting says whether sessions are recorded.
bool follows_auto_record(std::string_view door) {
  return door == "api" || door == "emr";
}

// Who alone says that a follow-up is about the patient of the session before (Session::patient_by).
// Whoever met the patient there goes on with what stood behind it; so does the hub, which books
// what was planned there.
std::string follow_up_by(const Actor& who, const Session& before, const Session& is,
                         Timestamp now) {
  if (who.system && before.patient == is.patient) return before.patient_by;
  if (who.person.empty() || before.patient != is.patient) return who.person;
  const Participant* const own = before.of_person(who.person);
  const Participant* const patient = before.of_person(before.patient);
  const bool met = own != nullptr && own->takes_part() && is_staff(own->role) &&
                   patient != nullptr && patient->was_here &&
                   before.ended_ms.value_or(now.ms) > now.ms - kTreatsAfterwardsMs;
  return met ? std::string() : who.person;
}

}  // namespace

// A session on its way from the request to the rules.
struct SessionsImpl::Booking {
  Session draft;
  Open open;
  Surroundings::ClinicPlace place;
  std::optional<identity::Person> provider;
  std::optional<identity::Person> patient;
};

Result<Participant> SessionsImpl::resolve(const Actor& who, const ParticipantInput& input,
                                          Mistakes& mistakes, const std::string& field) const {
  // A hospital's booking may name people whom the hub does not know: they are guests, and for the
  // licence of a guest the hospital vouches, whose signature the workflow's event carried.
  // So are those whom a client names by an id of its own system.
  Mistakes unknown;
  const bool guest = who.system || input.foreign;
  RABT_TRY(id, person(input.person, field + "person", guest ? unknown : mistakes));
  const PartRole role = input.role.value_or(PartRole::observer);
  Participant one = new_participant(role, id, input.guest);
  if (!id.empty() && !may_act_as(one.account, role))
    mistakes.add(field + "person",
                 "it has no role in the tenant that fits " + std::string(to_string(role)));
  one.bypass = input.bypass;
  if (who.system && id.empty() && one.licence == identity::Licence::missing &&
      !one.guest.string_or("licenceNumber", "").empty())
    one.licence = identity::Licence::vouched;
  return one;
}

// Visit and clinic.
Status SessionsImpl::place(const SessionInput& input, Booking& booking, Mistakes& mistakes) const {
  Session& is = booking.draft;
  if (!input.visit.is_null()) {
    const auto visit = around_->visit(is.tenant, input.visit);
    if (!visit.ok()) {
      if (visit.error().kind != ErrorKind::not_found) return visit.error();
      mistakes.add("visit", "it names no visit");
    } else {
      is.visit = visit->id;
      is.visit_number = visit->number;
      booking.open.visit_open = visit->open;
      if (is.patient.empty()) is.patient = visit->patient;
      if (is.patient != visit->patient) mistakes.add("visit", "it is the visit of another patient");
    }
  }
  if (input.clinic.is_null() && input.clinic_session.is_null()) return ok_status();
  const auto place = around_->clinic_place(is.tenant, input.clinic, input.clinic_session);
  if (!place.ok()) {
    if (place.error().kind != ErrorKind::not_found) return place.error();
    mistakes.add("clinicSession", "it names no session of that clinic");
    return ok_status();
  }
  booking.place = *place;
  booking.open.place_free = place->free;
  is.clinic = place->clinic;
  is.clinic_session = place->clinic_session;
  if (is.booking.empty()) is.booking = "clinic";
  if (is.provider.empty()) is.provider = place->provider;
  return ok_status();
}

// Who takes part: organizer, provider, patient, and whom the request names besides.
Status SessionsImpl::seat(const Actor& who, const SessionInput& input, Booking& booking,
                          Mistakes& mistakes) const {
  Session& is = booking.draft;
  const auto own_role = staff_role(who.roles);
  if (input.organizer) {
    RABT_TRY(one, resolve(who, *input.organizer, mistakes, "organizer."));
    // An organizer who is described and not named is the caller, when he is staff (B-48).
    if (one.person.empty() && own_role && is_staff(one.role) && !who.person.empty()) {
      one = new_participant(one.role, who.person, one.guest);
    }
    is.organizer = one.id;
    is.participants.push_back(std::move(one));
  } else if (own_role && !who.person.empty() && !who.system) {
    Participant one = new_participant(*own_role, who.person, Json::object());
    is.organizer = one.id;
    is.participants.push_back(std::move(one));
  }
  if (is.provider.empty() && !is.participants.empty() &&
      needs_licence(is.participants.front().role))
    is.provider = is.participants.front().person;
  if (!is.provider.empty()) {
    auto known = parts_.directory.find(is.tenant, is.provider);
    if (!known.ok()) return known.error();
    const auto role = staff_role(known->roles);
    if (!role || (*role == PartRole::nurse && is.type != SessionType::remote_monitoring)) {
      mistakes.add("provider", "it is no doctor or specialist");
    } else if (is.of_person(is.provider) == nullptr) {
      Participant one = new_participant(*role, is.provider, Json::object());
      if (is.organizer.empty()) is.organizer = one.id;
      is.participants.push_back(std::move(one));
    }
    booking.provider = std::move(*known);
  }
  for (std::size_t i = 0; i < input.participants.size(); ++i) {
    RABT_TRY(one, resolve(who, input.participants[i], mistakes,
                          "participants." + std::to_string(i) + "."));
    if (Participant* const known = one.person.empty() ? nullptr : is.of_person(one.person);
        known != nullptr) {
      (void)keep_posted(*known, one.guest);
      continue;
    }
    if (one.role == PartRole::patient && is.patient.empty()) is.patient = one.person;
    if (is.provider.empty() && needs_licence(one.role)) is.provider = one.person;
    if (is.organizer.empty() && who.system && needs_licence(one.role)) is.organizer = one.id;
    is.participants.push_back(std::move(one));
  }
  if (!is.patient.empty()) {
    auto known = parts_.directory.find(is.tenant, is.patient);
    if (!known.ok()) return known.error();
    is.patient_pseudonym = known->pseudonym;
    if (is.of_person(is.patient) == nullptr && has_patient_in_it(is.type))
      is.participants.push_back(new_participant(PartRole::patient, is.patient, Json::object()));
    booking.patient = std::move(*known);
  }
  if (is.participants.size() > static_cast<std::size_t>(kMostParticipants))
    mistakes.add("participants", "it must be at most 15 with organizer, provider and patient");
  std::int64_t number = 0;
  for (Participant& one : is.participants) one.number = ++number;
  const bool host = std::any_of(is.participants.begin(), is.participants.end(),
                                [&](const Participant& one) { return leads(is, one); });
  if (!host && !booking.open.request)
    mistakes.add("organizer", "it is needed: a session of this type has a host");
  return ok_status();
}

// A table: one line a field.
Status SessionsImpl::fill(const Ask& ask, const Actor& who, const SessionInput& input,
                          Booking& booking) const {
  Session& is = booking.draft;
  Mistakes mistakes;
  is.tenant = parts_.tenant;
  is.id = parts_.ids.next().text();
  is.door = std::string(ask.door);
  is.type = input.type;
  is.booking = input.booking;
  RABT_TRY(provider, person(input.provider, "provider", mistakes));
  is.provider = std::move(provider);
  Mistakes unknown;
  RABT_TRY(patient, person(input.patient, "patient", input.patient_foreign ? unknown : mistakes));
  is.patient = std::move(patient);
  const bool by_patient =
      !staff_role(who.roles) && who.roles.has(Role::patient) && !who.admin() && !who.system;
  if (by_patient && is.patient.empty() && is.type != SessionType::training_session)
    is.patient = who.person;
  if (by_patient && is.booking.empty()) is.booking = "direct";
  booking.open.by_patient = by_patient;
  booking.open.request = input.request || (by_patient && is.provider.empty());
  booking.open.room_suffix = hex(12);
  RABT_TRY_STATUS(place(input, booking, mistakes));
  RABT_TRY_STATUS(seat(who, input, booking, mistakes));
  if (!is.patient.empty()) is.patient_by = who.person;
  if (!input.follow_up_of.empty()) {
    RABT_TRY(before, rows_.load(is.tenant, input.follow_up_of));
    is.follow_up_of = before.id;
    if (!is.patient.empty()) is.patient_by = follow_up_by(who, before, is, parts_.clock.now());
  }
  is.consultation = input.consultation;
  is.appointment = input.appointment;
  is.scheduled_ms = input.scheduled_ms;
  is.planned_minutes = input.planned_minutes.value_or(30);
  is.max_participants = input.max_participants.value_or(parts_.settings.max_participants);
  is.quality = input.quality.empty() ? "high" : input.quality;
  // A patient does not let himself in.
  const bool waits = parts_.settings.waiting_room && has_waiting_room(ask.door);
  is.waiting_room = by_patient ? waits : input.waiting_room.value_or(waits);
  if (by_patient) {
    for (Participant& one : is.participants) one.bypass = false;
  }
  is.e2ee = input.e2ee;
  is.recording = input.recording;
  if (is.recording.empty())
    is.recording = parts_.settings.auto_record && !is.e2ee && follows_auto_record(ask.door)
                       ? "auto"
                       : "manual";
  if (!parts_.settings.recording_enabled) is.recording = "off";
  is.language = input.language;
  if (is.language.empty())
    is.language = booking.patient ? booking.patient->profile.string_or("language", "ar") : "ar";
  is.chief_complaint = input.chief_complaint;
  is.notes = input.notes;
  is.context = input.context;
  if (is.patient.empty() && input.patient_foreign)
    is.context.set("patient", input.patient["value"]);
  if (is.context.bool_or("familyConsent", false))
    is.consents.push_back(Json::object({{"kind", "family"},
                                        {"given", true},
                                        {"method", "app"},
                                        {"by", who.person.empty() ? who.actor : who.person},
                                        {"at", to_iso8601(parts_.clock.now())}}));
  is.provider_plugin = video_.bound();
  if (!is.provider_plugin.empty()) is.region = parts_.settings.region;
  RABT_TRY_STATUS(mistakes.status());
  keep_words(ask, is);
  return ok_status();
}

// A door gives back the ids and the time that its client wrote.
void SessionsImpl::keep_words(const Ask& ask, Session& is) {
  if (ask.door == "api" || !ask.body["asGiven"].is_object()) return;
  const Json& given = ask.body["asGiven"];
  const auto keep = [&](std::string_view name, const std::string& ours) {
    if (given[name].is_string() && !ours.empty()) is.as_given.set(ours, given[name]);
  };
  keep("provider", is.provider);
  keep("patient", is.patient);
  if (is.scheduled_ms) keep("scheduledStart", to_iso8601({*is.scheduled_ms}));
}

// preferences never refuse.
void SessionsImpl::warn_preferences(Session& is) const {
  is.clear_warning("preference.gender");
  is.clear_warning("preference.language");
  std::vector<std::string> genders;
  std::vector<Json> tongues;
  std::string wish;
  for (const Participant& one : is.participants) {
    if (!one.takes_part()) continue;
    Json known = one.guest;
    if (!one.person.empty()) {
      if (const auto person = parts_.directory.find(is.tenant, one.person); person.ok()) {
        for (const auto& [key, value] : person->profile.as_object()) {
          if (known.find(key) == nullptr) known.set(key, value);
        }
      }
    }
    if (needs_licence(one.role)) {
      genders.push_back(known.string_or("gender", ""));
      if (known["languages"].is_array()) tongues.push_back(known["languages"]);
    } else if (one.role == PartRole::patient || one.role == PartRole::family_member) {
      if (wish.empty()) wish = known.string_or("genderPreference", "");
    }
  }
  if (!wish.empty() && std::any_of(genders.begin(), genders.end(), [&](const std::string& one) {
        return !one.empty() && one != wish;
      }))
    is.warn("preference.gender");
  for (const Json& spoken : tongues) {
    const bool speaks =
        std::any_of(spoken.as_array().begin(), spoken.as_array().end(), [&](const Json& language) {
          return language.is_string() && language.as_string() == is.language;
        });
    if (!speaks && spoken.size() > 0) is.warn("preference.language");
  }
}

Answer SessionsImpl::create(const Ask& ask) {
  const Actor who = actor_of(ask);
  // of whom, is decided when the body was read.
  if (who.person.empty())
    RABT_TRY_STATUS(
        access::admit(access::Right::session_create, {.roles = who.roles, .system = who.system}));
  RABT_TRY(input, read_session(ask.body, ask.naive_offset_minutes, parts_.settings));
  RABT_TRY_STATUS(around_->may_create(parts_.tenant));
  Booking booking;
  RABT_TRY_STATUS(fill(ask, who, input, booking));
  // A request that came before has made its session already.
  std::string request;
  if (!ask.key.empty()) {
    RABT_TRY(lease, parts_.keys.lease(parts_.tenant));
    request = lease.blind_index("session.request", ask.key);
    RABT_TRY(made, rows_.of_request(parts_.tenant, request));
    if (made) {
      RABT_TRY(session, rows_.load(parts_.tenant, *made));
      return show(ask, session);
    }
  }
  Session none;
  none.tenant = parts_.tenant;
  none.id = booking.draft.id;
  const Moment moment = moment_of(who, booking.draft);
  const auto taken = [&](store::Transaction& transaction, const Change& made) -> Status {
    const Session& is = made.after;
    if (!request.empty())
      RABT_TRY_STATUS(SessionRows::put_request(transaction, is.tenant, request, is.id));
    if (booking.open.by_patient)
      RABT_TRY_STATUS(SessionRows::count_booking(transaction, is.tenant, is.id, who.person,
                                                 parts_.settings.patient_bookings));
    if (is.provider.empty() || booking.open.request) return ok_status();
    return around_->take_place(transaction, is.tenant, booking.place, is.id);
  };
  Result<Acted> written = unavailable("store.busy", "the provider's time changes too quickly");
  for (int attempt = 0; attempt < store::kMaxRaces; ++attempt) {
    RABT_TRY(change, decide(booking.draft, moment, booking.open));
    if (!booking.draft.provider_plugin.empty())
      RABT_TRY_STATUS(lets_people_in(parts_.actions, booking.draft.provider_plugin));
    written = commit(ask, who, none, std::move(change), taken,
                     [&](const Session& session, const Change&) { return show(ask, session); });
    if (written.ok() || written.error().code != kSessionRaced) break;
    RABT_TRY(made, rows_.of_request(parts_.tenant, request));
    if (!made) continue;
    RABT_TRY(session, rows_.load(parts_.tenant, *made));
    return show(ask, session);
  }
  if (!written.ok() && written.error().code == kSessionRaced)
    return unavailable("store.busy", "others book at the same time; try again");
  RABT_TRY(acted, std::move(written));
  // Whoever plans a visit does not wait for a provider that is down: the room comes later.
  constexpr std::int64_t kRoomPatienceMs = 2'000;
  RABT_TRY(session, ask.door == "api" ? with_room(acted.session, kRoomPatienceMs)
                                      : Result<Session>(acted.session));
  RABT_TRY(answer, show(ask, session));
  Json tokens = Json::array();
  // Hosts that the caller is, or organises.
  for (const Participant& one : session.participants) {
    const bool own = !one.person.empty() && one.person == who.person;
    if (!leads(session, one) || !(own || (one.id == session.organizer && !who.system))) continue;
    if (session.room != "open" || ask.door != "api") continue;
    RABT_TRY(access, access_of(ask, session, one.id, false));
    if (access.use != "media") continue;
    Json token = access.media;
    token.set("participant", one.id);
    token.set("role", to_string(one.role));
    tokens.push_back(std::move(token));
  }
  answer.set("tokens", std::move(tokens));
  return answer;
}

}  // namespace rabt::consultation
