#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/compat/door.hpp"
#include "hub/api/health.hpp"
#include "hub/api/requests/clinical_requests.hpp"
#include "hub/api/requests/figure_requests.hpp"
#include "hub/api/requests/period.hpp"
#include "hub/api/requests/provider_requests.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/record_list.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/requests/shared_requests.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/session/time.hpp"
#include "hub/http/problem.hpp"
#include "hub/workflow/cron.hpp"

// Kiorex Video Service: docs/compat/kiorex.md. Ids are UUIDs, names camelCase, lists
// {data, total, page, limit}.
namespace rabt::api::compat {

using consultation::Amendment;
using consultation::Asked;
using consultation::AvailabilityView;
using consultation::BeginRecording;
using consultation::CancelSession;
using consultation::ChangeSession;
using consultation::EndSession;
using consultation::Fields;
using consultation::GiveFeedback;
using consultation::number_or_null;
using consultation::OfParticipant;
using consultation::ParticipantView;
using consultation::Prescribe;
using consultation::ProviderView;
using consultation::ReadRecording;
using consultation::RecordingView;
using consultation::SessionInput;
using consultation::SessionView;
using consultation::SetAvailability;
using consultation::SetQualityLevel;
using consultation::SlotView;
using consultation::text_or_null;
using consultation::WriteNote;
using http::Response;
using identity::Role;

namespace {

// Members of bodies, and the names that mistakes of the domain have for them.
constexpr std::pair<std::string_view, std::string_view> kSessionFields[] = {
    {"patientId", "patient"},
    {"providerId", "provider"},
    {"appointmentId", "appointment"},
    {"startTime", "scheduledStart"},
    {"durationMinutes", "plannedMinutes"},
    {"type", "type"},
    {"notes", "notes"},
    {"reason", "chiefComplaint"},
    {"sessionId", "session"},
    {"medications", "items"},
    {"comments", "comments"},
    {"rating", "rating"},
    {"slots", "slots"},
    {"status", "status"},
};

// "[0].startsAt" becomes "[0].startTime".
std::string part_name(std::string_view ours) {
  for (const auto& [our, theirs] : {std::pair{"startsAt", "startTime"}, {"endsAt", "endTime"}}) {
    if (ours.ends_with(our))
      return std::string(ours.substr(0, ours.size() - std::string_view(our).size())) + theirs;
  }
  return std::string(ours);
}

// The door's name of a field that an error names.
std::string their_name(std::string_view ours) {
  // "items[0].name": a part of a list.
  if (const auto more = ours.find_first_of(".["); more != std::string_view::npos)
    return their_name(ours.substr(0, more)) + part_name(ours.substr(more));
  if (ours == "kind") return "type";
  if (ours == "level") return "quality";
  for (const auto& [theirs, our] : kSessionFields) {
    if (our == ours) return std::string(theirs);
  }
  return std::string(ours);
}

Json error(Refusal& refusal) {
  if (refusal.status == 422) refusal.status = 400;
  Json message = std::string(refusal.detail);
  if (refusal.status == 401) message = "Unauthorized";
  if (refusal.status == 400) {
    message = Json::array();
    for (const FieldError& field_error : field_errors(refusal.detail))
      message.push_back(field_error.field.empty()
                            ? field_error.text
                            : their_name(field_error.field) + ": " + field_error.text);
  }
  return Json::object({{"statusCode", refusal.status},
                       {"message", std::move(message)},
                       {"error", http::reason_phrase(refusal.status)}});
}

// ---- shapes

Json session_shape(const SessionView& session) {
  return Json::object({{"id", identity::uuid_of(session.id)},
                       {"sessionSid", session.room.name},
                       {"patientId", person_of(session, session.ties.patient)},
                       {"providerId", person_of(session, session.ties.provider)},
                       {"appointmentId", appointment_of(session)},
                       {"status", to_string(session.status)},
                       {"startTime", session.course.started ? or_null(session.course.started)
                                                            : planned_start_of(session)},
                       {"endTime", or_null(session.course.ended)},
                       {"durationMinutes", or_null(session.course.minutes())},
                       {"qualityScore", or_null(session.quality_score)},
                       {"createdAt", to_iso8601(session.created)},
                       {"updatedAt", to_iso8601(session.updated)},
                       {"roomSid", or_null(session.room.sid)},
                       {"type", to_string(session.type)},
                       {"cancellationReason", session.cancellation["reason"]}});
}

Json recording_shape(const RecordingView& recording) {
  const std::string id = identity::uuid_of(recording.id);
  return Json::object({{"id", id},
                       {"sessionId", uuid_of(recording.session)},
                       {"recordingSid", recording.sid},
                       {"status", recording.status},
                       {"durationSeconds", or_null(recording.seconds)},
                       {"fileSizeBytes", recording.bytes},
                       {"downloadUrl", "/video/recordings/" + id + "/download"},
                       {"expiresAt", or_null(recording.retain_until)},
                       {"createdAt", to_iso8601(recording.started)}});
}

Json recording_shapes(const std::vector<RecordingView>& recordings) {
  Json out = Json::array();
  for (const RecordingView& recording : recordings) out.push_back(recording_shape(recording));
  return out;
}

Json participant_shape(const ParticipantView& participant_view, const SessionView& session) {
  const bool doctor = participant_view.role == consultation::PartRole::doctor;
  return Json::object(
      {{"id", identity::uuid_of(participant_view.id)},
       {"sessionId", identity::uuid_of(session.id)},
       {"userId", person_of(session, participant_view.person)},
       {"participantSid",
        participant_view.sid.empty() ? participant_view.identity : participant_view.sid},
       {"role", doctor ? std::string_view("provider") : to_string(participant_view.role)},
       {"joinedAt",
        or_null(participant_view.joined ? participant_view.joined : participant_view.came)},
       {"leftAt", or_null(participant_view.left)},
       {"durationMinutes", consultation::whole_minutes(participant_view.seconds)},
       {"createdAt", to_iso8601(participant_view.created)}});
}

Json participant_shapes(const std::vector<ParticipantView>& people, const SessionView& session) {
  Json out = Json::array();
  for (const ParticipantView& person : people) out.push_back(participant_shape(person, session));
  return out;
}

Json consultation_shape(const SessionView& session) {
  const auto& clinical = session.clinical;
  const std::string insured =
      clinical ? clinical->insurance.string_or("status", "unknown") : "unknown";
  return Json::object({{"id", identity::uuid_of(session.id)},
                       {"sessionId", identity::uuid_of(session.id)},
                       {"status", to_string(session.status)},
                       {"patientId", person_of(session, session.ties.patient)},
                       {"providerId", person_of(session, session.ties.provider)},
                       {"type", to_string(session.type)},
                       {"reason", clinical ? or_null(clinical->chief_complaint) : Json()},
                       {"insurance", Json::object({{"status", insured}})},
                       {"session", session_shape(session)},
                       {"createdAt", to_iso8601(session.created)}});
}

Json prescription_shape(const consultation::PrescriptionView& prescription) {
  return Json::object({{"id", identity::uuid_of(prescription.head.id)},
                       {"consultationId", identity::uuid_of(prescription.head.session)},
                       {"medications", to_json(prescription.items)},
                       {"notes", prescription.notes.empty() ? Json() : Json(prescription.notes)},
                       {"status", prescription.status},
                       {"createdAt", to_iso8601(prescription.head.created)}});
}

Json note_shape(const consultation::NoteView& note) {
  const std::string& author = note.author.id();
  return Json::object({{"id", identity::uuid_of(note.head.id)},
                       {"consultationId", identity::uuid_of(note.head.session)},
                       {"content", note.content},
                       {"type", note.kind},
                       {"authorId", author.empty() ? Json() : Json(identity::uuid_of(author))},
                       {"createdAt", to_iso8601(note.head.created)}});
}

template <typename Shape>
Json each(const Json& list, Shape shape_of) {
  const Json& items = list.is_array() ? list : list["items"];
  Json out = Json::array();
  if (!items.is_array()) return out;
  for (const Json& item : items.as_array()) out.push_back(shape_of(item));
  return out;
}

template <typename View, typename Shape>
Json each(const std::vector<View>& items, Shape shape_of) {
  Json out = Json::array();
  for (const View& item : items) out.push_back(shape_of(item));
  return out;
}

Json numbered(Json data, std::int64_t total, const NumberedPage& page) {
  return Json::object(
      {{"data", std::move(data)}, {"total", total}, {"page", page.page}, {"limit", page.size}});
}

// ---- sessions

// Session type of the hub for a type of Kiorex, which has three names of its own.
Json type_named(const Json& theirs) {
  if (!theirs.is_string()) return theirs;
  std::string word = lower(theirs.as_string());
  if (word == "emergency") return "emergency_consultation";
  return word == "standard" || word == "follow_up" ? Json("doctor_patient") : Json(std::move(word));
}

// The type of the session that a body asks for.
Json type_wanted(const Json& body) {
  const Json& theirs = body["type"];
  return theirs.is_null() ? Json("doctor_patient") : type_named(theirs);
}

// Here records have UUIDs; the hub's own form of the same id is taken, too. Errors invalid
// api.invalid.
Status check_id(std::string_view name, std::string_view id) {
  if (identity::ulid_of(id)) return ok_status();
  return invalid("api.invalid", std::string(name) + ": must be a UUID");
}

// The session that a body names.
Result<std::string> session_in(const Json& body) {
  const std::string id = body.string_or("sessionId", "");
  if (id.empty()) return invalid("api.invalid", "sessionId: must be given");
  RABT_TRY_STATUS(check_id("sessionId", id));
  return id;
}

// Reads a new session.
Asked<SessionInput> session_of(const DoorCall& call) {
  const Json& body = call.body;
  Fields theirs(body);
  const auto person = [&](std::string_view name) {
    const Json& id = theirs.raw(name);
    return named_in(theirs, name, id.is_null() ? id : call.reference(id));
  };
  SessionInput ours{.waiting_room = false};
  if (const auto type = type_in(theirs, "type", type_wanted(body))) ours.type = *type;
  ours.provider = person("providerId");
  if (const auto at = theirs.time("startTime", call.caller.naive_offset_minutes))
    ours.scheduled_ms = at->ms;
  ours.planned_minutes = planned_minutes_in(theirs, "durationMinutes");
  ours.chief_complaint = theirs.text("reason");
  ours.notes = theirs.text("notes");
  ours.patient = person("patientId");
  ours.appointment =
      appointment_in(theirs, "appointmentId", text_of_number(theirs.raw("appointmentId")));
  ours.own_words = own_words_of(body["providerId"], body["patientId"], body["startTime"]);
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

// Reads the change of a session.
Asked<ChangeSession> change_of(const DoorCall& call) {
  Fields theirs(call.body);
  ChangeSession ours{.session = std::string(call.path[0]), .members = {}};
  Amendment& members = ours.members;
  if (theirs.has("type")) members.type = type_in(theirs, "type", type_named(theirs.raw("type")));
  if (const auto at = theirs.time("startTime", call.caller.naive_offset_minutes))
    members.start_ms.emplace(at->ms);
  members.planned_minutes = planned_minutes_in(theirs, "durationMinutes");
  if (theirs.has("notes")) members.notes = theirs.text("notes");
  if (theirs.has("appointmentId")) {
    members.appointment =
        appointment_in(theirs, "appointmentId", text_of_number(theirs.raw("appointmentId")));
  }
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<SessionView> make_session(DoorCall& call) {
  // Here patients book nothing themselves.
  if (!call.caller.who.roles.has_any(
          {Role::doctor, Role::specialist, Role::admin, Role::operator_, Role::integration}))
    return denied("session.create_denied", "sessions are made by doctors and administrators");
  std::string missing;
  for (const std::string_view needed : {"patientId", "providerId"}) {
    if (!call.body[needed].is_null()) continue;
    missing += missing.empty() ? "" : "\n";
    missing += std::string(needed) + ": must be given";
  }
  const bool emergency = type_wanted(call.body) == Json("emergency_consultation");
  if (!missing.empty() && !emergency) return invalid("api.invalid", missing);
  RABT_TRY(creation, call.create_session(session_of(call)));
  return std::move(creation.session);
}

Result<SessionView> get_session(DoorCall& call, std::string_view id) {
  return call.house.sessions.reading.get(call.caller, of_session(call.ask(id)));
}

Result<Response> list_of_sessions(DoorCall& call, std::string_view filter, const Json& person,
                                  Json (*shape_of)(const SessionView&) = session_shape) {
  RABT_TRY(page, page_of(call.request, "limit", 20, 100));
  Ask ask = call.ask();
  for (const auto& [theirs, ours] : {std::pair{std::string_view("status"), "status"},
                                     {"patientId", "patient"},
                                     {"providerId", "provider"},
                                     {"from", "from"},
                                     {"to", "to"}}) {
    const auto given = call.request.parameter(theirs);
    if (!given || ours == filter) continue;
    std::string value(*given);
    if (theirs.ends_with("Id")) {
      auto found = call.person(Json(value));
      if (found.ok()) value = *std::move(found);
    }
    ask.query.emplace_back(ours, std::move(value));
  }
  if (!filter.empty()) ask.query.emplace_back(filter, person.as_string());
  RABT_TRY(found,
           call.house.sessions.reading.list(ask.caller, list_sessions_of(ask), page.window()));
  Json shapes = Json::array();
  for (const SessionView& item : found.items) shapes.push_back(shape_of(item));
  return call.reply(numbered(std::move(shapes), found.total, page));
}

Result<Response> list_sessions(DoorCall& call) {
  return list_of_sessions(call, "", {});
}

Result<Response> session(DoorCall& call) {
  RABT_TRY(found, get_session(call, call.path[0]));
  return call.reply(session_shape(found));
}

Result<Response> create_session(DoorCall& call) {
  RABT_TRY(session, make_session(call));
  return call.reply(session_shape(session));
}

Result<Response> change_session(DoorCall& call) {
  if (call.body.find("status") != nullptr)
    return invalid("api.invalid", "status: is changed by start, end and DELETE");
  RABT_TRY(changed, call.house.sessions.life.change(call.caller, change_of(call)));
  return call.reply(session_shape(changed));
}

// A reason that is no text is none.
Asked<EndSession> end_of(const DoorCall& call) {
  Fields theirs(call.body);
  EndSession ours{.session = std::string(call.path[0])};
  if (theirs.raw("reason").is_string()) ours.reason = short_reason_in(theirs, "reason");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> end_session(DoorCall& call) {
  RABT_TRY_STATUS(call.house.sessions.life.end(call.caller, end_of(call)));
  return session(call);
}

// DELETE: what has not begun is cancelled, what runs is ended, what is over stays.
Result<Response> delete_session(DoorCall& call) {
  RABT_TRY(session, get_session(call, call.path[0]));
  if (session.status == consultation::SessionStatus::active) return end_session(call);
  RABT_TRY(gone, call.house.sessions.life.cancel(
                     call.caller, CancelSession{.session = std::string(call.path[0])}));
  return call.reply(session_shape(gone));
}

Result<Response> join_session_named(DoorCall& call, std::string_view id) {
  RABT_TRY(joined, call.house.sessions.entry.join(call.caller, call.join_call(id)));
  const auto& media = joined.media;
  const SessionView& session = joined.session;
  const ParticipantView& me = joined.own.participant;
  return call.reply(Json::object({{"sessionId", identity::uuid_of(session.id)},
                                  {"token", joined.own.access_token},
                                  {"roomName", media ? media->room_name : session.room.name},
                                  {"identity", me.identity},
                                  {"expiresAt", expiry_of(media)},
                                  {"participant", participant_shape(me, session)},
                                  {"status", to_string(session.status)}}));
}

Result<Response> join_session(DoorCall& call) {
  return join_session_named(call, call.path[0]);
}

Result<Response> start_session(DoorCall& call) {
  RABT_TRY(started,
           call.house.sessions.life.start(call.caller, of_session(call.ask(call.path[0]))));
  return call.reply(session_shape(started));
}

// The role that an invited person has when the client names none: what he is in the tenant.
std::string role_of(const DoorCall& call, const Json& person) {
  const auto id = call.person(person);
  if (!id.ok()) return "observer";
  const auto found = call.house.people.find(call.caller.who.tenant, *id);
  if (!found.ok()) return "observer";
  for (const auto& [role, name] : {std::pair{Role::doctor, "doctor"},
                                   {Role::specialist, "specialist"},
                                   {Role::nurse, "nurse"},
                                   {Role::patient, "patient"}}) {
    if (found->roles.has(role)) return name;
  }
  return "observer";
}

// One line of a list of people who are to come.
consultation::Inviting inviting_of(const DoorCall& call, const Json& line, std::string_view role) {
  consultation::InviteNewcomer whom;
  Fields theirs(line, whom.mistakes);
  if (const Json& id = line["userId"]; !id.is_null())
    whom.input.person = named_in(theirs, "userId", call.reference(id));
  whom.input.role = role_in(theirs, "role", Json(role));
  // A telephone or an address that is no text is left out.
  if (line["phone"].is_string()) read_phone(theirs, whom.input);
  if (line["email"].is_string()) read_email(theirs, whom.input);
  return {.session = std::string(call.path[0]), .whom = std::move(whom)};
}

Result<Response> invite(DoorCall& call) {
  const Json& several = call.body["participants"];
  const Json wanted = several.is_array() ? several : Json::array({call.body});
  if (wanted.size() == 0) return invalid("api.invalid", "participants: must name somebody");
  RABT_TRY(session, get_session(call, call.path[0]));
  Json invitations = Json::array();
  for (const Json& item : wanted.as_array()) {
    const bool named = !item["userId"].is_null();
    if (!named && !item["email"].is_string() && !item["phone"].is_string())
      return invalid("api.invalid", "participants: each needs userId, email or phone");
    const std::string role = item.string_or("role", role_of(call, item["userId"]));
    const std::string_view ours = role == "provider" ? std::string_view("doctor") : role;
    RABT_TRY(invited,
             call.house.sessions.invitations.invite(call.caller, inviting_of(call, item, ours)));
    Json line = Json::object({{"id", identity::uuid_of(invited.id)},
                              {"userId", uuid_of(Json(invited.person))},
                              {"role", role},
                              {"status", invited.status},
                              {"expiresAt", to_iso8601(invited.expires)}});
    // A guest comes with the code alone.
    if (!named) line.set("code", *invited.code);
    invitations.push_back(std::move(line));
  }
  return call.reply(Json::object(
      {{"sessionId", identity::uuid_of(session.id)}, {"invitations", std::move(invitations)}}));
}

const ParticipantView* participant_named(const std::vector<ParticipantView>& all,
                                         std::string_view id) {
  const std::string wanted = identity::ulid_of(id).value_or(std::string(id));
  for (const ParticipantView& participant_view : all) {
    if (participant_view.id == wanted) return &participant_view;
  }
  return nullptr;
}

Result<Response> participants(DoorCall& call) {
  RABT_TRY(session, get_session(call, call.path[0]));
  RABT_TRY(all, call.house.sessions.people.participants(call.caller,
                                                        of_session(call.ask(call.path[0]))));
  return call.reply(participant_shapes(all.items, session));
}

Result<Response> remove_participant(DoorCall& call) {
  RABT_TRY(session, get_session(call, call.path[0]));
  RABT_TRY(before, call.house.sessions.people.participants(call.caller,
                                                           of_session(call.ask(call.path[0]))));
  RABT_TRY(removed, call.house.sessions.people.remove_participant(
                        call.caller, OfParticipant{.session = std::string(call.path[0]),
                                                   .participant = std::string(call.path[1])}));
  RABT_TRY(after, call.house.sessions.people.participants(call.caller,
                                                          of_session(call.ask(call.path[0]))));
  const ParticipantView* gone = participant_named(after.items, call.path[1]);
  if (gone == nullptr) gone = participant_named(before.items, call.path[1]);
  return call.reply(participant_shape(gone != nullptr ? *gone : removed, session));
}

// ---- recordings

Result<Response> list_recordings(DoorCall& call) {
  RABT_TRY(page, page_of(call.request, "limit", 20, 100));
  const consultation::ListRecordings asked{
      .session = std::string(call.request.parameter("sessionId").value_or("")),
      .status = std::string(call.request.parameter("status").value_or(""))};
  RABT_TRY(found, call.house.sessions.recordings.list(call.caller, asked, page.window()));
  return call.reply(numbered(recording_shapes(found.items), found.total, page));
}

Result<Response> recording(DoorCall& call) {
  RABT_TRY(found, call.house.sessions.recordings.get(
                      call.caller, ReadRecording{.recording = std::string(call.path[0])}));
  return call.reply(recording_shape(found));
}

// The recording that an act was about.
Result<Response> after_act(DoorCall& call, const RecordingView& done) {
  RABT_TRY(found,
           call.house.sessions.recordings.get(call.caller, ReadRecording{.recording = done.id}));
  return call.reply(recording_shape(found));
}

Asked<BeginRecording> recording_of(const DoorCall& call) {
  Fields theirs(call.body);
  BeginRecording ours{.session = std::string(call.path[0]),
                      .purpose = purpose_in(theirs, "purpose")};
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> start_recording(DoorCall& call) {
  RABT_TRY(done, call.house.sessions.recordings.start(call.caller, recording_of(call)));
  return after_act(call, done);
}

Result<Response> stop_recording(DoorCall& call) {
  RABT_TRY(done, call.house.sessions.recordings.stop(
                     call.caller, consultation::OfSession{.session = std::string(call.path[0])}));
  return after_act(call, done);
}

Result<Response> delete_recording(DoorCall& call) {
  // in the header or the body. Clients of Kiorex know of neither.
  constexpr std::string_view kNoReason = "withdrawn through the API of Kiorex, without a reason";
  RABT_TRY(given, reason_in(call.body));
  if (call.caller.reason.empty()) call.caller.reason = std::move(given);
  if (call.caller.reason.empty()) call.caller.reason = kNoReason;
  const std::string id(call.path[0]);
  RABT_TRY(before, call.house.sessions.recordings.get(call.caller, ReadRecording{.recording = id}));
  RABT_TRY_STATUS(call.house.sessions.recordings.withdraw(
      call.caller, consultation::WithdrawRecording{.recording = id, .reason = call.caller.reason}));
  before.status = "deleted";
  return call.reply(recording_shape(before));
}

Result<Response> download_recording(DoorCall& call) {
  return call.house.recording_content(call.caller, {.recording = std::string(call.path[0])},
                                      call.request);
}

// ---- providers

Json provider_shape(const ProviderView& provider) {
  const Json id = uuid_of(Json(provider.id));
  Json languages = Json::array();
  for (const std::string& language : provider.languages) languages.push_back(language);
  return Json::object({{"id", id},
                       {"userId", id},
                       {"name", text_or_null(provider.name)},
                       {"specialty", text_or_null(provider.specialty)},
                       {"licenseNumber", text_or_null(provider.licence_number)},
                       {"languages", std::move(languages)},
                       {"gender", text_or_null(provider.gender)},
                       {"videoEnabled", provider.video_enabled},
                       {"status", provider.status}});
}

Result<Response> list_providers(DoorCall& call) {
  RABT_TRY(page, page_of(call.request, "limit", 20, 100));
  Ask ask = call.ask();
  for (const char* name : {"status", "specialty", "gender", "language"}) {
    if (const auto value = call.request.parameter(name)) ask.query.emplace_back(name, *value);
  }
  RABT_TRY(found, call.house.practice.providers.list(ask.caller, list_providers_of(ask)));
  const std::vector<ProviderView>& all = found.items;
  Json data = Json::array();
  const auto first = static_cast<std::size_t>((page.page - 1) * page.size);
  for (std::size_t i = first; i < std::min(all.size(), first + static_cast<std::size_t>(page.size));
       ++i)
    data.push_back(provider_shape(all[i]));
  return call.reply(numbered(std::move(data), static_cast<std::int64_t>(all.size()), page));
}

Json availability_shape(const AvailabilityView& availability) {
  Json slots = Json::array();
  for (const SlotView& slot : availability.slots) {
    slots.push_back(Json::object({{"id", uuid_of(Json(slot.id))},
                                  {"startTime", to_iso8601(slot.starts_at)},
                                  {"endTime", to_iso8601(slot.ends_at)},
                                  {"available", slot.status == "free"}}));
  }
  return Json::object({{"providerId", uuid_of(Json(availability.provider))},
                       {"status", availability.status},
                       {"timeZone", availability.time_zone},
                       {"slots", std::move(slots)}});
}

Result<Ask> about_provider(const DoorCall& call) {
  RABT_TRY(provider, call.person(Json(call.path[0])));
  Ask ask = call.ask({}, provider);
  for (const char* name : {"from", "to"}) {
    if (const auto value = call.request.parameter(name)) ask.query.emplace_back(name, *value);
  }
  return ask;
}

Result<Response> availability(DoorCall& call) {
  RABT_TRY(ask, about_provider(call));
  RABT_TRY(found, call.house.practice.providers.availability(ask.caller, get_availability_of(ask)));
  return call.reply(availability_shape(found));
}

// A time that is written without a zone, as the moment that it is in `zone`.
Result<Json> in_zone(const Json& time, const std::string& zone) {
  if (zone.empty() || !time.is_string()) return time;
  if (!workflow::is_time_zone(zone))
    return invalid("api.invalid", "timeZone: must be an IANA time zone");
  const auto naive = parse_iso8601(time.as_string() + "Z");
  if (!naive.ok()) return time;
  const std::string text = to_iso8601(*naive);
  const auto number = [&text](std::size_t at) {
    return std::to_string(std::stoi(text.substr(at, 2)));
  };
  const auto minute = workflow::parse_cron(number(14) + " " + number(11) + " " + number(8) + " " +
                                           number(5) + " *");
  // No zone is further from UTC than that.
  constexpr std::int64_t kFurthestMs = 15LL * 3'600'000;
  const auto at = workflow::next_due(*minute.schedule, zone, Timestamp{naive->ms - kFurthestMs});
  if (!at) return invalid("api.invalid", "slots: there is no such time in that time zone");
  return Json(to_iso8601(Timestamp{at->ms + naive->ms % kMinuteMs}));
}

// The slots that are there stay; those of the body come to them. times: theirs, {startTime,
// endTime}.
Asked<SetAvailability::Hours> hours_of(const DoorCall& call, const Json& times) {
  SetAvailability::Hours ours{.keep = true};
  Fields theirs(call.body);
  const std::size_t count = may_be_slots(theirs, "slots") ? times.size() : 0;
  for (std::size_t i = 0; i < count; ++i) {
    Fields slot(times.item(i), theirs.mistakes(), "slots[" + std::to_string(i) + "].");
    ours.slots.push_back(slot_in(slot, "startTime", "endTime", call.caller.naive_offset_minutes));
  }
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> add_availability(DoorCall& call) {
  if (!call.body["slots"].is_array() || call.body["slots"].size() == 0)
    return invalid("api.invalid", "slots: must be a list of {startTime, endTime}");
  const std::string zone = call.body.string_or("timeZone", "");
  RABT_TRY(ask, about_provider(call));
  Json times = Json::array();
  for (const Json& slot : call.body["slots"].as_array()) {
    RABT_TRY(from, in_zone(slot["startTime"], zone));
    RABT_TRY(to, in_zone(slot["endTime"], zone));
    times.push_back(Json::object({{"startTime", std::move(from)}, {"endTime", std::move(to)}}));
  }
  RABT_TRY(set, call.house.practice.providers.set_availability(
                    ask.caller, SetAvailability{.provider = of_provider(ask).provider,
                                                .hours = hours_of(call, times),
                                                .period = period_of(ask)}));
  Json shown = availability_shape(set);
  if (!zone.empty()) shown.set("timeZone", zone);
  return call.reply(shown);
}

Result<Response> provider_sessions(DoorCall& call) {
  if (!call.is(Role::admin)) RABT_TRY_STATUS(call.is_self(call.path[0]));
  RABT_TRY(provider, call.person(Json(call.path[0])));
  return list_of_sessions(call, "provider", Json(provider));
}

Asked<std::string> presence_of(const Json& body) {
  Fields theirs(body);
  std::string status = presence_in(theirs, "status");
  RABT_TRY_STATUS(theirs.done());
  return status;
}

Result<Response> set_status(DoorCall& call) {
  RABT_TRY(ask, about_provider(call));
  RABT_TRY(set, call.house.practice.providers.set_presence(
                    ask.caller, consultation::SetPresence{.provider = of_provider(ask).provider,
                                                          .status = presence_of(call.body)}));
  RABT_TRY(provider, call.person(Json(call.path[0])));
  return call.reply(Json::object({{"providerId", uuid_of(Json(provider))},
                                  {"status", set.status},
                                  {"updatedAt", to_iso8601(set.since)}}));
}

// ---- patients

// The patient himself, or somebody of the staff, who sees what he may see.
Status may_ask_of_patient(const DoorCall& call) {
  const bool staff = call.caller.who.roles.has_any(
      {Role::admin, Role::operator_, Role::doctor, Role::specialist, Role::nurse});
  return staff ? ok_status() : call.is_self(call.path[0]);
}

Result<Response> patient_sessions(DoorCall& call) {
  RABT_TRY_STATUS(may_ask_of_patient(call));
  RABT_TRY(patient, call.person(Json(call.path[0])));
  return list_of_sessions(call, "patient", Json(patient));
}

Result<Response> patient_joins(DoorCall& call) {
  RABT_TRY_STATUS(call.is_self(call.path[0]));
  RABT_TRY(id, session_in(call.body));
  return join_session_named(call, id);
}

Result<Response> patient_history(DoorCall& call) {
  RABT_TRY_STATUS(may_ask_of_patient(call));
  RABT_TRY(patient, call.person(Json(call.path[0])));
  constexpr std::size_t kMost = 10'000;
  Json sessions = Json::array();
  std::int64_t completed = 0;
  std::int64_t minutes = 0;
  consultation::Window window{.limit = 200};
  do {
    RABT_TRY(page, call.house.sessions.reading.list(
                       call.caller, consultation::ListSessions{.patient = patient}, window));
    for (const SessionView& item : page.items) {
      completed += item.status == consultation::SessionStatus::completed ? 1 : 0;
      minutes += item.course.minutes().value_or(0);
      sessions.push_back(session_shape(item));
    }
    window.cursor = page.next;
  } while (!window.cursor.empty() && sessions.size() < kMost);
  return call.reply(Json::object({{"patientId", call.path[0]},
                                  {"totalSessions", sessions.size()},
                                  {"completedSessions", completed},
                                  {"totalMinutes", minutes},
                                  {"sessions", sessions}}));
}

Asked<GiveFeedback> feedback_of(const Json& body, std::string session) {
  Fields theirs(body);
  GiveFeedback ours{.session = std::move(session)};
  ours.rating = rating_in(theirs, "rating");
  ours.comments = theirs.text("comments");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> patient_feedback(DoorCall& call) {
  RABT_TRY_STATUS(call.is_self(call.path[0]));
  RABT_TRY(id, session_in(call.body));
  RABT_TRY(given,
           call.house.records.feedback.give(call.caller, feedback_of(call.body, std::move(id))));
  return call.reply(Json::object({{"id", uuid_of(given.head.id)},
                                  {"sessionId", uuid_of(given.head.session)},
                                  {"patientId", call.path[0]},
                                  {"rating", given.rating},
                                  {"comments", given.comments ? Json(*given.comments) : Json()},
                                  {"createdAt", to_iso8601(given.head.created)}}));
}

// ---- what routes ask about the person or recording of their path

Status is_the_patient(const DoorCall& call) {
  return call.is_self(call.path[0]);
}

Status manages_provider(const DoorCall& call) {
  access::Facts facts{.roles = call.caller.who.roles};
  facts.is.add(access::Is::self, call.is_self(call.path[0]).ok());
  RABT_TRY_STATUS(access::admit(access::Right::provider_manage, facts));
  return ok_status();
}

Status withdraws_recordings(const DoorCall& call) {
  RABT_TRY_STATUS(
      access::admit(access::Right::recording_withdraw, {.roles = call.caller.who.roles}));
  return ok_status();
}

// ---- telehealth

Result<Response> create_consultation(DoorCall& call) {
  RABT_TRY(session, make_session(call));
  return call.reply(consultation_shape(session));
}

Result<Response> list_consultations(DoorCall& call) {
  return list_of_sessions(call, "", {}, consultation_shape);
}

Asked<Prescribe> prescription_of(const DoorCall& call) {
  Fields theirs(call.body);
  Prescribe ours{.session = std::string(call.path[0]),
                 .items = medications_in(theirs, "medications", {.code = {}, .closed = false})};
  ours.notes = theirs.text("notes");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> prescribe(DoorCall& call) {
  RABT_TRY(record, call.house.records.prescriptions.prescribe(call.caller, prescription_of(call)));
  return call.reply(prescription_shape(record));
}

Asked<WriteNote> note_of(const DoorCall& call) {
  Fields theirs(call.body);
  WriteNote ours{.session = std::string(call.path[0]),
                 .kind = note_kind_in(theirs, "type", "free")};
  ours.content = theirs.text("content");
  check_has_text(theirs, "content", ours);
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> write_note(DoorCall& call) {
  RABT_TRY(record, call.house.records.notes.write(call.caller, note_of(call)));
  return call.reply(note_shape(record));
}

Result<Response> summary(DoorCall& call) {
  const std::string_view id = call.path[0];
  RABT_TRY(session, get_session(call, id));
  RABT_TRY(people, call.house.sessions.people.participants(call.caller, of_session(call.ask(id))));
  const consultation::ListRecords all{.session = std::string(id)};
  RABT_TRY(notes, call.house.records.notes.list(call.caller, all));
  // Kiorex has no state of a note that does not hold.
  std::erase_if(notes.items, [](const consultation::NoteView& note) {
    return note.entered_in_error.has_value();
  });
  RABT_TRY(prescriptions, call.house.records.prescriptions.list(call.caller, all));
  // Callers without the right to recordings or follow-ups get a summary without them.
  const auto recordings = call.house.sessions.recordings.list(
      call.caller, consultation::ListRecordings{.session = std::string(id)}, {});
  const auto follow_ups =
      call.house.records.follow_ups.list(call.caller, list_records_of(call.ask(id)));
  const Json shown = session_shape(session);
  return call.reply(Json::object(
      {{"consultation", consultation_shape(session)},
       {"session", shown},
       {"durationMinutes", shown["durationMinutes"]},
       {"participants", participant_shapes(people.items, session)},
       {"notes", each(notes.items, note_shape)},
       {"prescriptions", each(prescriptions.items, prescription_shape)},
       {"recordings", recordings.ok() ? recording_shapes(recordings->items) : Json::array()},
       {"qualityScore", or_null(session.quality_score)},
       {"followUps", follow_ups.ok() ? to_json(*follow_ups)["items"] : Json::array()}}));
}

// ---- figures

consultation::Asked<consultation::GetFigures> figures(const DoorCall& call) {
  Ask ask = call.ask();
  for (const auto& [theirs, ours] :
       {std::pair{"sessionId", "session"}, {"from", "from"}, {"to", "to"}}) {
    if (const auto value = call.request.parameter(theirs)) ask.query.emplace_back(ours, *value);
  }
  return get_figures_of(ask);
}

Result<Response> quality(DoorCall& call) {
  RABT_TRY(found, call.house.practice.figures.quality(call.caller, figures(call)));
  return call.reply(to_json(found));
}

Result<Response> performance(DoorCall& call) {
  RABT_TRY(found, call.house.practice.figures.performance(call.caller, figures(call)));
  return call.reply(to_json(found));
}

Result<Response> bandwidth(DoorCall& call) {
  RABT_TRY(found, call.house.practice.figures.bandwidth(call.caller, figures(call)));
  Json sessions = Json::array();
  for (const consultation::BandwidthView::Session& session : found.sessions) {
    sessions.push_back(Json::object(
        {{"sessionId", uuid_of(Json(session.session))}, {"totalBytes", session.total_bytes}}));
  }
  Json body = to_json(found);
  body.set("sessions", std::move(sessions));
  return call.reply(body);
}

Asked<SetQualityLevel> level_of(const Json& body, const std::string& session) {
  Fields theirs(body);
  const auto level = level_in(theirs, "quality", "standard");
  auto participant = participant_in(theirs, "participantId");
  RABT_TRY_STATUS(theirs.done());
  return SetQualityLevel{
      .session = session, .participant = std::move(participant), .level = *level};
}

Result<Response> optimize(DoorCall& call) {
  RABT_TRY(id, session_in(call.body));
  RABT_TRY(set, call.house.records.line.choose_level(call.caller, level_of(call.body, id)));
  RABT_TRY(session, get_session(call, id));
  return call.reply(Json::object({{"sessionId", identity::uuid_of(session.id)},
                                  {"quality", to_string(set.level)},
                                  {"width", set.frame.width},
                                  {"height", set.frame.height},
                                  {"maxBitrateKbps", set.frame.kbps},
                                  {"applied", set.applied}}));
}

Result<Response> health(DoorCall& call) {
  const Json troubles = call.house.troubles();
  const bool works = troubles.find("database") == nullptr;
  if (!works) call.status = 503;
  Json body = Json::object(
      {{"status", works ? "ok" : "error"},
       {"service", "video-service"},
       {"version", "1.0.0"},
       {"database", works ? "connected" : "disconnected"},
       {"redis", "not_used"},
       {"twilio", plugin_at(call.house.video) == "twilio" ? "configured" : "not_configured"},
       {"timestamp", to_iso8601(call.house.clock.now())}});
  if (troubles.size() > 0 && Health::may_see_detail(call.caller.who)) body.set("detail", troubles);
  return call.reply(body);
}

Result<Response> metrics(DoorCall& call) {
  if (call.request.header("accept").starts_with("text/plain")) {
    RABT_TRY_STATUS(call.may_call("metrics"));
    return Response{.status = 200,
                    .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                    .body = call.house.metrics()};
  }
  const consultation::GetFigures all;
  RABT_TRY(speed, call.house.practice.figures.performance(call.caller, all));
  RABT_TRY(lines, call.house.practice.figures.quality(call.caller, all));
  RABT_TRY(bytes, call.house.practice.figures.bandwidth(call.caller, all));
  RABT_TRY(recordings, call.house.sessions.recordings.totals(call.caller));
  return call.reply(Json::object(
      {{"sessionSuccessRate", number_or_null(speed.success_rate)},
       {"averageSessionDurationMinutes", number_or_null(speed.average_duration_minutes)},
       {"averageQualityScore", number_or_null(lines.average_quality_score)},
       {"totalBandwidthBytes", bytes.total_bytes},
       {"recordingCount", recordings.count},
       {"recordingBytes", recordings.bytes},
       {"activeSessions", speed.active_sessions}}));
}

// Sessions, recordings and participants are named by UUIDs; people by what their issuer calls them.
Status check_path(const DoorRoute& route, const PathParameters& path) {
  const bool of_people =
      route.pattern.starts_with("/video/providers") || route.pattern.starts_with("/video/patients");
  if (of_people) return ok_status();
  for (const std::string_view text : path) {
    if (!text.empty()) RABT_TRY_STATUS(check_id("id", text));
  }
  return ok_status();
}

// clang-format off
constexpr DoorRoute kRoutes[] = {
    {"GET", "/video/sessions", "listSessions", "listSessions", list_sessions, 200, false, "Sessions that the caller may see", "?page ?limit ?status ?patientId ?providerId ?from ?to"},
    {"POST", "/video/sessions", "createSession", "createSession", create_session, 201, false, "Plan a session", "patientId providerId appointmentId? startTime? durationMinutes? type? notes?", access::Right::session_create},
    {"GET", "/video/sessions/{id}", "getSession", "getSession", session, 200, false, "One session", ""},
    {"PUT", "/video/sessions/{id}", "updateSession", "changeSession", change_session, 200, false, "Change a session before its end", "startTime? durationMinutes? appointmentId? type? notes?", access::Right::session_change},
    {"DELETE", "/video/sessions/{id}", "endOrCancelSession", "endSession", delete_session, 200, false, "Cancel a session that has not begun, end one that runs", ""},
    {"POST", "/video/sessions/{id}/join", "joinSession", "joinSession", join_session, 201, false, "Join, and get a token of the room", "deviceType? browserInfo?", access::Right::session_take_part},
    {"POST", "/video/sessions/{id}/invite", "inviteToSession", "invite", invite, 201, false, "Invite people", "participants", access::Right::session_run},
    {"DELETE", "/video/sessions/{id}/participants/{participantId}", "removeParticipant", "removeParticipant", remove_participant, 200, false, "Remove a participant", "", access::Right::participant_remove},
    {"GET", "/video/sessions/{id}/participants", "listParticipants", "listParticipants", participants, 200, false, "Who takes part", ""},
    {"POST", "/video/sessions/{id}/start", "startSession", "startSession", start_session, 201, false, "Start a session", "", access::Right::session_run},
    {"POST", "/video/sessions/{id}/end", "endSession", "endSession", end_session, 201, false, "End a session", "reason?", access::Right::session_end},
    {"GET", "/video/recordings", "listRecordings", "listRecordings", list_recordings, 200, false, "Recordings that the caller may see", "?sessionId ?status ?page ?limit"},
    {"GET", "/video/recordings/{id}", "getRecording", "getRecording", recording, 200, false, "One recording", ""},
    {"POST", "/video/sessions/{id}/start-recording", "startRecording", "startRecording", start_recording, 201, false, "Start recording", "purpose?", access::Right::session_run},
    {"POST", "/video/sessions/{id}/stop-recording", "stopRecording", "stopRecording", stop_recording, 201, false, "Stop recording", "", access::Right::session_run},
    {"GET", "/video/recordings/{id}/download", "downloadRecording", "readRecording", download_recording, 200, false, "The content; Range is served", ""},
    {"DELETE", "/video/recordings/{id}", "deleteRecording", "withdrawRecording", delete_recording, 200, false, "Withdraw a recording", "reason?", {}, {}, withdraws_recordings},
    {"GET", "/video/providers", "listProviders", "listProviders", list_providers, 200, false, "Providers", "?status ?specialty ?gender ?language ?page ?limit"},
    {"GET", "/video/providers/{id}/availability", "getAvailability", "getAvailability", availability, 200, false, "When a provider can be had", "?from ?to"},
    {"POST", "/video/providers/{id}/availability", "addAvailability", "setAvailability", add_availability, 201, false, "Add slots", "slots timeZone?", {}, {}, manages_provider},
    {"GET", "/video/providers/{id}/sessions", "listProviderSessions", "listProviderSessions", provider_sessions, 200, false, "A provider's sessions", "?status ?page ?limit"},
    {"POST", "/video/providers/{id}/status", "setProviderStatus", "setPresence", set_status, 201, false, "online, offline or busy", "status", {}, {}, manages_provider},
    {"GET", "/video/patients/{id}/sessions", "listPatientSessions", "listPatientSessions", patient_sessions, 200, false, "A patient's sessions", "?status ?page ?limit"},
    {"POST", "/video/patients/{id}/join-session", "patientJoinsSession", "joinSession", patient_joins, 201, false, "Join as the patient", "sessionId deviceType? browserInfo?", access::Right::session_take_part, "sessionId", is_the_patient},
    {"GET", "/video/patients/{id}/history", "getPatientHistory", "getPatientHistory", patient_history, 200, false, "A patient's sessions and their sums", ""},
    {"POST", "/video/patients/{id}/feedback", "giveFeedback", "giveFeedback", patient_feedback, 201, false, "Rate a session", "sessionId rating comments?", access::Right::feedback_write, "sessionId", is_the_patient},
    {"POST", "/video/telehealth/consultation", "createConsultation", "createSession", create_consultation, 201, false, "Plan a consultation", "patientId providerId appointmentId? type? reason? startTime?", access::Right::session_create},
    {"GET", "/video/telehealth/consultations", "listConsultations", "listSessions", list_consultations, 200, false, "Consultations that the caller may see", "?status ?page ?limit"},
    {"POST", "/video/telehealth/consultations/{id}/prescription", "prescribe", "prescribe", prescribe, 201, false, "Prescribe", "medications notes?", access::Right::prescription_write},
    {"POST", "/video/telehealth/consultations/{id}/notes", "writeNote", "writeNote", write_note, 201, false, "Write a note", "content type?", access::Right::note_write},
    {"GET", "/video/telehealth/consultations/{id}/summary", "getSummary", "sessionSummary", summary, 200, false, "All of a consultation", ""},
    {"GET", "/video/quality/metrics", "getQualityMetrics", "getQualityMetrics", quality, 200, false, "Figures of the lines", "?sessionId"},
    {"GET", "/video/performance/stats", "getPerformance", "getPerformance", performance, 200, false, "Figures of the sessions", "?from ?to"},
    {"POST", "/video/quality/optimize", "optimizeQuality", "setQualityLevel", optimize, 201, false, "Set the ceiling of the video quality", "sessionId participantId? quality?", access::Right::session_run, "sessionId"},
    {"GET", "/video/bandwidth/usage", "getBandwidth", "getBandwidth", bandwidth, 200, false, "Bytes sent and received", "?sessionId ?from ?to"},
    {"GET", "/video/health", "getHealth", "health", health, 200, true, "Whether the service works", ""},
    {"GET", "/video/metrics", "getMetrics", "getPerformance", metrics, 200, false, "Figures as JSON, or as Prometheus text", ""},
};
// clang-format on

}  // namespace

const Door& kiorex() {
  static constexpr std::array<std::string_view, 1> kPrefixes{"/video"};
  static constexpr Door kDoor{"kiorex",
                              "Kiorex Video Service",
                              kRoutes,
                              error,
                              kPrefixes,
                              "/api/docs-json",
                              "/api/docs",
                              check_path,
                              {.begins_by_call = true,
                               .waiting_room = false,
                               .auto_record = false,
                               .waits_for_room = false,
                               .naive_times = true,
                               .own_words = true,
                               .with_patient = true,
                               .names_version = false}};
  return kDoor;
}

}  // namespace rabt::api::compat
