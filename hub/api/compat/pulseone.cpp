#include "hub/api/compat/pulseone.hpp"

#include <cmath>

#include "hub/api/answers.hpp"
#include "hub/api/compat/door.hpp"
#include "hub/api/health.hpp"
#include "hub/api/requests/figure_requests.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/practice/metering/metering.hpp"

// PulseOne Video Consultation: docs/compat/pulseone.md. Ids are UUIDs, names snake_case, status in
// capitals, lists {sessions, total, page, page_size, total_pages}.
namespace rabt::api::compat {

using consultation::Asked;
using consultation::CancelSession;
using consultation::ChangeSession;
using consultation::EndSession;
using consultation::Fields;
using consultation::SessionInput;
using consultation::SessionView;
using http::Response;
using identity::Role;

namespace {

// Members of bodies, and the names that mistakes of the domain have for them.
constexpr std::pair<std::string_view, std::string_view> kFields[] = {
    {"doctor_id", "provider"},
    {"patient_id", "patient"},
    {"clinic_id", "clinic"},
    {"clinic_session_id", "clinicSession"},
    {"appointment_id", "appointment"},
    {"booking_type", "bookingType"},
    {"chief_complaint", "chiefComplaint"},
    {"scheduled_start_time", "scheduledStart"},
    {"consultation_duration_minutes", "plannedMinutes"},
    {"session_notes", "notes"},
    {"connection_quality_rating", "connectionRating"},
    {"cancellation_reason", "reason"},
};

std::string their_name(std::string_view ours) {
  for (const auto& [theirs, our] : kFields) {
    if (our == ours) return std::string(theirs);
  }
  return snake_case(ours);
}

Json error(Refusal& refusal) {
  if (refusal.status == 401)
    return Json::object({{"detail", "Invalid authentication credentials"}});
  return fastapi_error(refusal, their_name);
}

std::string_view status_word(std::string_view status) {
  if (status == "waiting") return "WAITING";
  if (status == "active") return "ACTIVE";
  if (status == "completed") return "COMPLETED";
  if (status == "cancelled" || status == "no_show" || status == "failed") return "CANCELLED";
  return "SCHEDULED";
}

Json booking_word(const Json& booking) {
  if (booking == Json("direct")) return "DIRECT_DOCTOR";
  return booking == Json("clinic") ? Json("CLINIC_BASED") : Json();
}

// Latest rating of the line.
Json rating_of(const SessionView& session) {
  const Json& ratings = session.ratings;
  return ratings.size() == 0 ? Json() : ratings[ratings.size() - 1]["rating"];
}

Json cancellation_reason(const SessionView& session) {
  using consultation::SessionStatus;
  if (session.status == SessionStatus::no_show || session.status == SessionStatus::failed)
    return to_string(session.status);
  return session.cancellation["reason"];
}

Json attendees(const SessionView& session) {
  Json out = Json::array();
  for (const consultation::ParticipantView& participant : session.participants) {
    // Whoever was in the room, or called the address that leads there.
    const auto& joined = participant.joined ? participant.joined : participant.came;
    if (!joined) continue;
    out.push_back(Json::object({{"attendee_id", identity::uuid_of(participant.id)},
                                {"user_id", person_of(session, participant.person)},
                                {"role", to_string(participant.role)},
                                {"joined_at", or_null(joined)},
                                {"left_at", or_null(participant.left)},
                                {"device_type", or_null(participant.device_type)},
                                {"browser_info", or_null(participant.browser_info)},
                                {"connection_status", participant.connection}}));
  }
  return out;
}

Json session_shape(const SessionView& session) {
  const auto& clinical = session.clinical;
  const auto& course = session.course;
  return Json::object(
      {{"session_id", identity::uuid_of(session.id)},
       {"booking_type", booking_word(or_null(session.booking))},
       {"status", status_word(to_string(session.status))},
       {"doctor_id", person_of(session, session.ties.provider)},
       {"patient_id", person_of(session, session.ties.patient)},
       {"clinic_id", uuid_of(session.ties.clinic)},
       {"clinic_session_id", uuid_of(session.ties.clinic_session)},
       {"appointment_id", appointment_of(session)},
       {"chief_complaint", clinical ? or_null(clinical->chief_complaint) : Json()},
       {"scheduled_start_time", planned_start_of(session)},
       {"consultation_duration_minutes", session.plan.minutes},
       {"actual_start_time", or_null(course.started)},
       {"actual_end_time", course.started ? or_null(course.ended) : Json()},
       {"actual_duration_minutes", or_null(course.minutes())},
       {"meeting_id", or_null(session.room.sid)},
       {"session_notes", clinical ? or_null(clinical->notes) : Json()},
       {"connection_quality_rating", rating_of(session)},
       {"cancellation_reason", cancellation_reason(session)},
       {"cancelled_by", person_of(session, session.cancellation.string_or("by", ""))},
       {"created_at", to_iso8601(session.created)},
       {"updated_at", to_iso8601(session.updated)},
       {"attendees", attendees(session)}});
}

Result<Response> get_session(DoorCall& call) {
  RABT_TRY(found, call.house.sessions.reading.get(call.caller, of_session(call.ask(call.path[0]))));
  return call.reply(session_shape(found));
}

// Reads a new session.
Asked<SessionInput> session_of(const DoorCall& call, std::string_view booking) {
  const Json& body = call.body;
  Fields theirs(body);
  const auto person = [&](std::string_view name) {
    const Json& id = theirs.raw(name);
    return named_in(theirs, name, id.is_null() ? id : call.reference(id));
  };
  SessionInput ours{.type = consultation::SessionType::doctor_patient,
                    .booking = std::string(booking),
                    .waiting_room = false};
  ours.provider = person("doctorId");
  ours.clinic = named_in(theirs, "clinicId", theirs.raw("clinicId"));
  ours.clinic_session = named_in(theirs, "clinicSessionId", theirs.raw("clinicSessionId"));
  if (const auto at = theirs.time("scheduledStartTime", call.caller.naive_offset_minutes))
    ours.scheduled_ms = at->ms;
  ours.planned_minutes = planned_minutes_in(theirs, "consultationDurationMinutes");
  ours.chief_complaint = theirs.text("chiefComplaint");
  ours.notes = theirs.text("sessionNotes");
  ours.patient = person("patientId");
  ours.appointment =
      appointment_in(theirs, "appointmentId", text_of_number(theirs.raw("appointmentId")));
  ours.own_words = own_words_of(body["doctorId"], body["patientId"], body["scheduledStartTime"]);
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> create_session(DoorCall& call) {
  const Json& body = call.body;
  std::string wrong;
  const auto need = [&](std::string_view name) {
    if (body[name].is_null())
      wrong += (wrong.empty() ? "" : "\n") + std::string(name) + ": field required";
  };
  need("bookingType");
  const std::string booking = body.string_or("bookingType", "");
  const bool clinic = booking == "CLINIC_BASED";
  if (!body["bookingType"].is_null() && !clinic && booking != "DIRECT_DOCTOR")
    wrong = "bookingType: must be DIRECT_DOCTOR or CLINIC_BASED";
  need("patientId");
  for (const char* name : {"clinicId", "clinicSessionId"}) {
    if (clinic) need(name);
  }
  if (!clinic) need("doctorId");
  if (!wrong.empty()) return invalid("api.invalid", wrong);
  RABT_TRY(creation, call.create_session(session_of(call, clinic ? "clinic" : "direct")));
  return call.reply(session_shape(creation.session));
}

Result<Response> join_session(DoorCall& call) {
  RABT_TRY(joined, call.house.sessions.entry.join(call.caller, call.join_call(call.path[0])));
  const auto& media = joined.media;
  const SessionView& session = joined.session;
  const auto& me = joined.own.participant;
  // With Chime these are its own objects; with another provider they say the same of its room.
  const std::string& room = media ? media->room_name : session.room.name;
  Json meeting = media ? media->meeting : Json();
  if (meeting.is_null()) {
    meeting = Json::object({{"MeetingId", room},
                            {"ExternalMeetingId", identity::uuid_of(session.id)},
                            {"MediaRegion", or_null(session.room.region)},
                            {"MediaPlacement", Json::object()}});
  }
  Json attendee = media ? media->attendee : Json();
  if (attendee.is_null()) {
    attendee = Json::object({{"AttendeeId", identity::uuid_of(me.id)},
                             {"ExternalUserId", me.identity},
                             {"JoinToken", joined.own.access_token}});
  }
  return call.reply(Json::object({{"session", session_shape(session)},
                                  {"meeting", std::move(meeting)},
                                  {"attendee", std::move(attendee)},
                                  {"provider", media ? Json(media->provider) : Json()},
                                  {"room_name", room}}));
}

Asked<EndSession> end_of(const DoorCall& call) {
  Fields theirs(call.body);
  EndSession ours{.session = std::string(call.path[0])};
  ours.notes = theirs.text("sessionNotes");
  ours.rating = theirs.stars("connectionQualityRating");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> end_session(DoorCall& call) {
  RABT_TRY_STATUS(call.house.sessions.life.end(call.caller, end_of(call)));
  return get_session(call);
}

Asked<CancelSession> cancellation_of(const DoorCall& call) {
  Fields theirs(call.body);
  CancelSession ours{.session = std::string(call.path[0])};
  ours.reason = short_reason_in(theirs, "cancellationReason");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> cancel_session(DoorCall& call) {
  const Json& reason = call.body["cancellationReason"];
  if (!reason.is_string() || reason.as_string().empty())
    return invalid("api.invalid", "cancellationReason: field required");
  RABT_TRY(gone, call.house.sessions.life.cancel(call.caller, cancellation_of(call)));
  return call.reply(session_shape(gone));
}

// Reads the change of a session: its notes.
Asked<ChangeSession> change_of(const DoorCall& call) {
  Fields theirs(call.body);
  ChangeSession ours{.session = std::string(call.path[0]), .members = {}};
  ours.members.notes = theirs.text("sessionNotes");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> change_session(DoorCall& call) {
  if (!call.body["sessionNotes"].is_string())
    return invalid("api.invalid", "sessionNotes: field required");
  RABT_TRY(changed, call.house.sessions.life.change(call.caller, change_of(call)));
  return call.reply(session_shape(changed));
}

Result<Response> list_of(DoorCall& call, std::string_view filter, const std::string& person) {
  RABT_TRY(page, page_of(call.request, "page_size", 20, 100));
  Ask ask = call.ask();
  if (!filter.empty()) ask.query.emplace_back(filter, person);
  if (const auto wanted = call.request.parameter("status")) {
    const std::string states = states_of(*wanted, status_word);
    if (states.empty()) {
      return invalid("api.invalid",
                     "status: must be SCHEDULED, WAITING, ACTIVE, COMPLETED or CANCELLED");
    }
    ask.query.emplace_back("status", states);
  }
  RABT_TRY(found,
           call.house.sessions.reading.list(ask.caller, list_sessions_of(ask), page.window()));
  Json sessions = Json::array();
  for (const SessionView& item : found.items) sessions.push_back(session_shape(item));
  return call.reply(Json::object({{"sessions", std::move(sessions)},
                                  {"total", found.total},
                                  {"page", page.page},
                                  {"page_size", page.size},
                                  {"total_pages", (found.total + page.size - 1) / page.size}}));
}

Result<Response> list_sessions(DoorCall& call) {
  return list_of(call, "", "");
}

Result<Response> doctor_sessions(DoorCall& call) {
  if (!call.is(Role::admin)) RABT_TRY_STATUS(call.is_self(call.path[0]));
  RABT_TRY(doctor, call.person(Json(call.path[0])));
  return list_of(call, "provider", doctor);
}

Result<Response> patient_sessions(DoorCall& call) {
  if (!call.caller.who.roles.has_any({Role::admin, Role::doctor, Role::specialist}))
    RABT_TRY_STATUS(call.is_self(call.path[0]));
  RABT_TRY(patient, call.person(Json(call.path[0])));
  return list_of(call, "patient", patient);
}

Result<Response> usage(DoorCall& call) {
  Ask ask = call.ask();
  for (const char* name : {"year", "month"}) {
    if (const auto value = call.request.parameter(name)) ask.query.emplace_back(name, *value);
  }
  RABT_TRY(found, call.house.practice.usage.read(ask.caller, get_usage_of(ask)));
  return call.reply(
      Json::object({{"total_attendee_minutes_current_month", found.attendee_minutes},
                    {"free_tier_limit", found.limit},
                    {"remaining_minutes", found.remaining},
                    {"percentage_used", Json::number(consultation::percent_text(found.per_mille))},
                    {"total_sessions_current_month", found.sessions},
                    {"active_sessions", found.active_sessions}}));
}

Result<Response> health(DoorCall& call) {
  const Json troubles = call.house.troubles();
  const auto word = [&](std::string_view part) {
    return troubles.find(part) == nullptr ? "healthy" : "unhealthy";
  };
  const bool works = troubles.find("database") == nullptr;
  if (!works) call.status = 503;
  Json body = Json::object(
      {{"status", word("database")},
       {"service", "Video Consultation Service"},
       {"version", "1.0.0"},
       {"database", word("database")},
       {"rabbitmq", call.house.bus ? word("rabbitmq") : "not_configured"},
       {"aws_chime", plugin_at(call.house.video) == "chime" ? "configured" : "not_configured"}});
  if (troubles.size() > 0 && Health::may_see_detail(call.caller.who)) body.set("detail", troubles);
  return call.reply(body);
}

// clang-format off
constexpr DoorRoute kRoutes[] = {
    {"POST", "/api/video/sessions", "createSession", "createSession", create_session, 201, false, "Book a session", "booking_type doctor_id patient_id scheduled_start_time? consultation_duration_minutes? chief_complaint? clinic_id? clinic_session_id? appointment_id?", access::Right::session_create},
    {"GET", "/api/video/sessions", "listSessions", "listSessions", list_sessions, 200, false, "Sessions of the caller", "?status ?page ?page_size"},
    {"GET", "/api/video/sessions/{session_id}", "getSession", "getSession", get_session, 200, false, "One session", ""},
    {"PATCH", "/api/video/sessions/{session_id}", "updateSession", "changeSession", change_session, 200, false, "Change the notes", "session_notes", access::Right::session_change},
    {"POST", "/api/video/sessions/{session_id}/join", "joinSession", "joinSession", join_session, 200, false, "Join, and get meeting and attendee", "device_type? browser_info?", access::Right::session_take_part},
    {"POST", "/api/video/sessions/{session_id}/end", "endSession", "endSession", end_session, 200, false, "End a session", "session_notes? connection_quality_rating?", access::Right::session_end},
    {"POST", "/api/video/sessions/{session_id}/cancel", "cancelSession", "cancelSession", cancel_session, 200, false, "Cancel a session before it begins", "cancellation_reason", access::Right::session_cancel},
    {"GET", "/api/video/sessions/doctor/{doctor_id}", "listDoctorSessions", "listProviderSessions", doctor_sessions, 200, false, "A doctor's sessions", "?status ?page ?page_size"},
    {"GET", "/api/video/sessions/patient/{patient_id}", "listPatientSessions", "listPatientSessions", patient_sessions, 200, false, "A patient's sessions", "?status ?page ?page_size"},
    {"GET", "/api/video/metrics/usage", "getUsage", "getUsage", usage, 200, false, "Attendee-minutes of a month", "?year ?month"},
    {"GET", "/health", "getHealth", "health", health, 200, true, "Whether the service works", ""},
};
// clang-format on

}  // namespace

Json bus_message(std::string_view key, const Json& event, const consultation::Membership* session) {
  const Json& data = event["data"];
  const bool present = session != nullptr;
  const Json appointment = present ? session->appointment : Json();
  return Json::object(
      {{"event_type", key},
       {"session_id", uuid_of(data["session"])},
       {"doctor_id", present ? uuid_of(Json(session->provider)) : Json()},
       {"patient_id", present ? uuid_of(Json(session->patient)) : Json()},
       {"appointment_id", appointment.is_object() ? appointment["value"] : appointment},
       {"booking_type", booking_word(data["bookingType"])},
       {"status", present ? Json(status_word(data.string_or("status", ""))) : Json()},
       {"timestamp", event["timestamp"]},
       {"data", data}});
}

const Door& pulseone() {
  static constexpr std::array<std::string_view, 1> kPrefixes{"/api/video"};
  static constexpr Door kDoor{"pulseone",
                              "Video Consultation Service",
                              kRoutes,
                              error,
                              kPrefixes,
                              "/openapi.json",
                              "/docs",
                              nullptr,
                              {.joined_counts = true,
                               .waiting_room = false,
                               .auto_record = false,
                               .waits_for_room = false,
                               .naive_times = true,
                               .own_words = true,
                               .names_version = false}};
  return kDoor;
}

}  // namespace rabt::api::compat
