#include "hub/api/answers.hpp"
#include "hub/api/compat/door.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/base/ascii.hpp"

// Telemedicine of an EMR: docs/compat/emr.md. Ids are numbers, names snake_case, lists
// {count, next, previous, results}.
namespace rabt::api::compat {

using consultation::Asked;
using consultation::ChangeSession;
using consultation::Fields;
using consultation::JoinCall;
using consultation::OfSession;
using consultation::SessionInput;
using consultation::SessionView;
using http::Response;

namespace {

// An appointment that came as a number goes back as one: it is kept under this system.
constexpr std::string_view kNumberSystem = "emr";

Json error(Refusal& refusal) {
  if (refusal.code == "session.create_denied")
    return Json::object({{"detail", "Only doctors can create telemedicine sessions."}});
  if (refusal.status == 401)
    return Json::object({{"detail", "Authentication credentials were not provided."}});
  // Here a visit that is closed or unknown is a mistake of the form.
  if (refusal.code == "visit.closed" || refusal.code == "visit.reference") {
    refusal.status = 400;
    return Json::object({{"visit", Json::array({Json(refusal.detail)})}});
  }
  if (refusal.status == 422) refusal.status = 400;
  const bool fields = refusal.code == "api.invalid";
  Json body = Json::object();
  for (const FieldError& field_error : field_errors(refusal.detail)) {
    if (!fields || field_error.field.empty()) continue;
    const std::string name =
        field_error.field == "recording" ? "recording_enabled" : snake_case(field_error.field);
    Json texts = body[name];
    texts.push_back(field_error.text);
    body.set(name, std::move(texts));
  }
  if (body.size() == 0) body.set("detail", refusal.detail);
  return body;
}

std::string_view status_word(std::string_view status) {
  if (status == "active") return "IN_PROGRESS";
  if (status == "completed") return "COMPLETED";
  if (status == "cancelled" || status == "no_show" || status == "failed") return "CANCELLED";
  return "SCHEDULED";
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Json appointment_shape(const SessionView& session) {
  const Json value = appointment_of(session);
  const bool number = session.ties.appointment.string_or("system", "") == kNumberSystem;
  return number && value.is_string() && is_digits(value.as_string())
             ? Json::number(value.as_string())
             : value;
}

// Rank of a kind of file as the recording of the whole session: 0 is best.
int rank(std::string_view kind) {
  if (kind == "composition" || kind == "combined") return 0;
  return kind == "video" ? 1 : 2;
}

// Address of the recording, once it is ready. This API has room for one address: of several files
// the combined one, else the oldest with a picture, once no other is to come.
Json recording_url(const DoorCall& call, const SessionView& session) {
  if (!session.course.ended || session.recording == "off") return {};
  const auto found = call.house.sessions.recordings.list(
      call.caller, consultation::ListRecordings{.session = session.id}, {});
  if (!found.ok()) return {};
  const consultation::RecordingView* best = nullptr;
  int best_rank = 0;
  bool more = false;
  // The newest comes first.
  for (const consultation::RecordingView& item : found->items) {
    more = more || item.status == "recording" || item.status == "processing";
    if (item.status != "ready") continue;
    const int its_rank = rank(item.kind);
    if (best != nullptr && its_rank > best_rank) continue;
    best = &item;
    best_rank = its_rank;
  }
  if (best == nullptr || (more && best_rank > 0)) return {};
  return "/api/v1/recordings/" + best->id + "/content";
}

Json end_reason(const SessionView& session) {
  using consultation::SessionStatus;
  if (session.status == SessionStatus::no_show || session.status == SessionStatus::failed)
    return to_string(session.status);
  return session.status == SessionStatus::cancelled ? session.cancellation["reason"]
                                                    : or_null(session.end.reason);
}

Json participants_shape(const DoorCall& call, const SessionView& session) {
  Json out = Json::array();
  for (const consultation::ParticipantView& participant : session.participants)
    out.push_back(Json::object({{"id", participant.number},
                                {"user", call.number_of(or_null(participant.person))},
                                {"role", to_string(participant.role)},
                                {"joined_at", or_null(participant.joined)},
                                {"left_at", or_null(participant.left)}}));
  return out;
}

Json session_shape(const DoorCall& call, const SessionView& session) {
  Json warnings = Json::array();
  for (const std::string& warning : session.warnings) warnings.push_back(warning);
  return Json::object({{"id", session.number},
                       {"visit", or_null(session.ties.visit_number)},
                       {"appointment", appointment_shape(session)},
                       {"doctor", call.number_of(or_null(session.ties.provider))},
                       {"patient", call.number_of(or_null(session.ties.patient))},
                       {"room_name", session.room.name},
                       {"room_sid", or_null(session.room.sid)},
                       {"status", status_word(to_string(session.status))},
                       {"scheduled_start", planned_start_of(session)},
                       {"started_at", or_null(session.course.started)},
                       {"ended_at", or_null(session.course.ended)},
                       {"duration_minutes", or_null(session.course.minutes())},
                       {"recording_enabled", session.recording == "auto"},
                       {"recording_url", recording_url(call, session)},
                       {"notes", session.clinical ? or_null(session.clinical->notes) : Json()},
                       {"participants", participants_shape(call, session)},
                       {"created_by", call.number_of(session.created_by)},
                       {"created_at", to_iso8601(session.created)},
                       {"updated_at", to_iso8601(session.updated)},
                       {"end_reason", end_reason(session)},
                       {"warnings", std::move(warnings)}});
}

// The recording that a client wants: auto, off, or empty where it says nothing.
Result<std::string> recording_in(const Json& body) {
  const Json& wanted = body["recordingEnabled"];
  if (wanted.is_null()) return std::string();
  if (wanted.is_bool()) return std::string(wanted.as_bool() ? "auto" : "off");
  // A form writes it as text.
  const std::string word = wanted.is_string() ? lower(wanted.as_string()) : "";
  if (word == "true" || word == "1") return std::string("auto");
  if (word == "false" || word == "0") return std::string("off");
  return invalid("api.invalid", "recording: Must be a valid boolean.");
}

Json appointment_in(Fields& theirs) {
  const Json& given = theirs.raw("appointment");
  return appointment_in(
      theirs, "appointment",
      given.is_number() ? Json::object({{"system", kNumberSystem}, {"value", given.number_text()}})
                        : given);
}

// Reads a new session. patient: of the visit; empty where the caller may not read the visit, and
// the session then tells him so.
Asked<SessionInput> session_of(const DoorCall& call, std::string recording,
                               const std::string& patient) {
  Fields theirs(call.body);
  SessionInput ours{.type = consultation::SessionType::doctor_patient,
                    .waiting_room = false,
                    .recording = std::move(recording)};
  ours.provider = named_in(theirs, "provider", call.caller.who.person);
  ours.visit = named_in(theirs, "visit", theirs.raw("visit"));
  if (const auto at = theirs.time("scheduledStart", call.caller.naive_offset_minutes))
    ours.scheduled_ms = at->ms;
  ours.notes = theirs.text("notes");
  if (!patient.empty()) ours.patient = patient;
  ours.appointment = appointment_in(theirs);
  ours.own_words = own_words_of({}, {}, theirs.raw("scheduledStart"));
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

// Reads the change of a session.
Asked<ChangeSession> change_of(const DoorCall& call, std::string recording) {
  Fields theirs(call.body);
  ChangeSession ours{.session = std::string(call.path[0]), .members = {}};
  if (const auto at = theirs.time("scheduledStart", call.caller.naive_offset_minutes))
    ours.members.start_ms.emplace(at->ms);
  ours.members.recording = std::move(recording);
  if (theirs.has("notes")) ours.members.notes = theirs.text("notes");
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Result<Response> get_session(DoorCall& call) {
  RABT_TRY(found, call.house.sessions.reading.get(call.caller, of_session(call.ask(call.path[0]))));
  return call.reply(session_shape(call, found));
}

// Django REST framework's word for a page that is none: its clients go on until it comes.
Error no_page() {
  return not_found("api.page", "Invalid page.");
}

Result<NumberedPage> page_in(const DoorCall& call) {
  auto page = page_of(call.request, "page_size", 50, 200);
  if (!page.ok() && page.error().message.starts_with("page:")) return no_page();
  return page;
}

Result<Response> list_sessions(DoorCall& call) {
  RABT_TRY(page, page_in(call));
  Ask ask = call.ask();
  std::string filters;
  if (const auto size = call.request.parameter("page_size"))
    filters = "&page_size=" + std::string(*size);
  for (const auto& [theirs, ours] :
       {std::pair{"visit_id", "visit"}, {"visit", "visit"}, {"status", "status"}}) {
    const auto value = call.request.parameter(theirs);
    if (!value || value->empty()) continue;
    filters += std::string("&") + theirs + "=" + std::string(*value);
    if (std::string_view(ours) != "status") {
      ask.query.emplace_back(ours, *value);
      continue;
    }
    const std::string states = states_of(*value, status_word);
    if (states.empty()) {
      return invalid(
          "api.invalid",
          "status: Select a valid choice. That choice is not one of the available choices.");
    }
    ask.query.emplace_back("status", states);
  }
  RABT_TRY(found,
           call.house.sessions.reading.list(ask.caller, list_sessions_of(ask), page.window()));
  // The first page may be empty.
  if (page.page > 1 && found.items.empty()) return no_page();
  Json results = Json::array();
  for (const SessionView& item : found.items) results.push_back(session_shape(call, item));
  const auto link = [&](std::int64_t number) {
    return Json(call.house.public_url + call.request.path + "?page=" + std::to_string(number) +
                filters);
  };
  const bool more = page.page * page.size < found.total;
  return call.reply(Json::object({{"count", found.total},
                                  {"next", more ? link(page.page + 1) : Json()},
                                  {"previous", page.page > 1 ? link(page.page - 1) : Json()},
                                  {"results", std::move(results)}}));
}

Result<Response> create_session(DoorCall& call) {
  if (!call.caller.who.roles.has_any({identity::Role::doctor, identity::Role::specialist}))
    return denied("session.create_denied", "only doctors make sessions here");
  const Json& visit = call.body["visit"];
  if (visit.is_null()) return invalid("api.invalid", "visit: This field is required.");
  if (!visit.is_number() && !visit.is_string())
    return invalid("api.invalid", "visit: Incorrect type. Expected pk value.");
  const std::string reference = visit.is_number() ? visit.number_text() : visit.as_string();
  const auto found = call.house.practice.visits.read(
      call.caller, {.visit = consultation::read_reference(reference)});
  if (!found.ok() && found.error().kind == ErrorKind::not_found)
    return invalid("visit.reference", "Invalid pk \"" + reference + "\" - object does not exist.");

  RABT_TRY(recording, recording_in(call.body));
  const std::string patient = found.ok() ? found->patient : std::string();
  RABT_TRY(creation, call.house.sessions.creation.create(
                         call.caller, session_of(call, std::move(recording), patient)));
  return call.reply(session_shape(call, creation.session));
}

Result<Response> change_session(DoorCall& call) {
  RABT_TRY(recording, recording_in(call.body));
  RABT_TRY(changed,
           call.house.sessions.life.change(call.caller, change_of(call, std::move(recording))));
  return call.reply(session_shape(call, changed));
}

Result<Response> start_session(DoorCall& call) {
  RABT_TRY(started,
           call.house.sessions.life.start(call.caller, of_session(call.ask(call.path[0]))));
  return call.reply(session_shape(call, started));
}

Result<Response> end_session(DoorCall& call) {
  RABT_TRY_STATUS(call.house.sessions.life.end(
      call.caller, consultation::EndSession{.session = std::string(call.path[0])}));
  return get_session(call);
}

// A token is for those who are in the call: taking one is joining it.
Result<Response> token(DoorCall& call) {
  const Json& id = call.body["sessionId"];
  if (!id.is_number() && !id.is_string())
    return invalid("api.invalid", "sessionId: This field is required.");
  const std::string reference = id.is_number() ? id.number_text() : id.as_string();
  RABT_TRY(session, call.house.sessions.reading.get(call.caller, OfSession{.session = reference}));
  const std::string status(to_string(session.status));
  if (status_word(status) == "SCHEDULED") {
    return conflict("session.not_started",
                    "the session is " + status + "; a token is given while it is IN_PROGRESS");
  }
  RABT_TRY(joined, call.house.sessions.entry.join(call.caller, JoinCall{.session = reference}));
  return call.reply(Json::object({{"token", joined.own.access_token},
                                  {"room_name", session.room.name},
                                  {"session_id", session.number}}));
}

Result<Response> leave(DoorCall& call) {
  RABT_TRY(left,
           call.house.sessions.entry.leave(call.caller, of_participant(call.ask(call.path[0]))));
  RABT_TRY(session,
           call.house.sessions.reading.get(call.caller, of_session(call.ask(call.path[0]))));
  const Timestamp at = left.left.value_or(call.house.clock.now());
  return call.reply(Json::object({{"detail", "Left the session."},
                                  {"session_id", session.number},
                                  {"left_at", to_iso8601(at)}}));
}

// clang-format off
constexpr DoorRoute kRoutes[] = {
    {"GET", "/api/v1/telemedicine", "listTelemedicine", "listSessions", list_sessions, 200, false, "Sessions that the caller may see", "?visit_id ?status ?page"},
    {"POST", "/api/v1/telemedicine", "createTelemedicine", "createSession", create_session, 201, false, "Plan a session of a visit", "visit appointment? scheduled_start? recording_enabled? notes?", access::Right::session_create},
    {"POST", "/api/v1/telemedicine/token", "telemedicineToken", "sessionToken", token, 200, false, "A token for a session that is in progress", "session_id", access::Right::session_take_part, "sessionId"},
    {"GET", "/api/v1/telemedicine/{id}", "getTelemedicine", "getSession", get_session, 200, false, "One session", ""},
    {"PUT", "/api/v1/telemedicine/{id}", "replaceTelemedicine", "changeSession", change_session, 200, false, "Change a session before its end", "scheduled_start? notes? recording_enabled?", access::Right::session_change},
    {"PATCH", "/api/v1/telemedicine/{id}", "updateTelemedicine", "changeSession", change_session, 200, false, "Change a session before its end", "scheduled_start? notes? recording_enabled?", access::Right::session_change},
    {"POST", "/api/v1/telemedicine/{id}/start", "startTelemedicine", "startSession", start_session, 200, false, "Start a session", "", access::Right::session_run},
    {"POST", "/api/v1/telemedicine/{id}/end", "endTelemedicine", "endSession", end_session, 200, false, "End a session", "", access::Right::session_end},
    {"POST", "/api/v1/telemedicine/{id}/leave", "leaveTelemedicine", "leaveSession", leave, 200, false, "Leave a session", "", access::Right::session_leave},
};
// clang-format on

}  // namespace

const Door& emr() {
  static constexpr std::array<std::string_view, 1> kPrefixes{"/api/v1/telemedicine"};
  static constexpr Door kDoor{"emr",
                              "Telemedicine",
                              kRoutes,
                              error,
                              kPrefixes,
                              "/api/v1/telemedicine/schema",
                              "/api/v1/telemedicine/docs",
                              nullptr,
                              {.begins_by_call = true,
                               .waiting_room = false,
                               .waits_for_room = false,
                               .naive_times = true,
                               .own_words = true,
                               .names_version = false}};
  return kDoor;
}

}  // namespace rabt::api::compat
