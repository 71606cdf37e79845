#include <algorithm>
#include <array>
#include <charconv>
#include <functional>

#include "hub/api/answers.hpp"
#include "hub/api/browser.hpp"
#include "hub/api/compat/clinicvault_socket.hpp"
#include "hub/api/compat/door.hpp"
#include "hub/api/person_json.hpp"
#include "hub/api/requests/clinical_requests.hpp"
#include "hub/api/requests/reading_requests.hpp"
#include "hub/api/requests/session_requests.hpp"
#include "hub/api/requests/transcript_requests.hpp"
#include "hub/api/stream.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/ids.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/identity/profile.hpp"

// ClinicVault Enterprise: docs/compat/clinicvault.md. Ids are numbers, names snake_case.
namespace rabt::api::compat {

using consultation::AddSegment;
using consultation::Asked;
using consultation::AssignSession;
using consultation::Caller;
using consultation::Fields;
using consultation::OfSession;
using consultation::Prescribe;
using consultation::Records;
using consultation::RecordVitals;
using consultation::SessionInput;
using consultation::SessionType;
using consultation::SessionView;
using consultation::Sign;
using consultation::SignName;
using consultation::WriteNote;
using http::Response;
using identity::Person;
using identity::Role;

namespace {

constexpr SignName kVitalSigns[] = {
    {"heartRate", Sign::heart_rate},
    {"bloodPressureSystolic", Sign::systolic},
    {"bloodPressureDiastolic", Sign::diastolic},
    {"temperature", Sign::temperature_c},
    {"respiratoryRate", Sign::respiratory_rate},
    {"oxygenSaturation", Sign::oxygen_saturation},
    {"weight", Sign::weight_kg},
    {"height", Sign::height_cm},
};

std::string their_name(std::string_view ours) {
  if (ours == "name") return "full_name";
  return ours == "provider" ? "doctor_id" : snake_case(ours);
}

Json error(Refusal& refusal) {
  if (refusal.code == "auth.failed")
    return Json::object({{"detail", "Incorrect username or password"}});
  if (refusal.code == "auth.mfa_required") return Json::object({{"detail", "mfa_required"}});
  if (refusal.status == 401) return Json::object({{"detail", "Not authenticated"}});
  return fastapi_error(refusal, their_name);
}

// ---- people

std::string_view role_word(identity::Roles roles) {
  for (const auto& [role, word] :
       std::array<std::pair<Role, std::string_view>, 4>{{{Role::admin, "admin"},
                                                         {Role::doctor, "doctor"},
                                                         {Role::specialist, "doctor"},
                                                         {Role::nurse, "nurse"}}}) {
    if (roles.has(role)) return word;
  }
  return "patient";
}

// A ULID begins with the time at which it was made.
std::string created_of(const Person& person) {
  const auto id = Ulid::parse(person.id);
  if (!id) return {};
  std::int64_t ms = 0;
  for (int i = 0; i < 6; ++i) ms = ms * 256 + id->bytes[static_cast<std::size_t>(i)];
  return to_iso8601(Timestamp{ms});
}

Json username_of(const Person& person) {
  return person.profile["username"].is_null() ? Json()
                                              : Json(identity::shown_username(person.profile));
}

Json user_shape(const Person& person, const Json& status) {
  return Json::object({{"id", person.number},
                       {"username", username_of(person)},
                       {"email", person.profile["email"]},
                       {"full_name", person.profile["name"]},
                       {"role", role_word(person.roles)},
                       {"status", status.is_null() ? Json("offline") : status},
                       {"is_active", person.active},
                       {"created_at", created_of(person)}});
}

// Presence of a doctor or specialist.
Json presence_of(const DoorCall& call, const Person& person) {
  if (!person.roles.has_any({Role::doctor, Role::specialist})) return {};
  const auto found =
      call.house.practice.providers.availability(call.caller, {.provider = {.id = person.id}});
  return found.ok() ? Json(found->status) : Json();
}

Result<Person> caller_person(const DoorCall& call) {
  if (call.caller.who.person.empty())
    return denied("authorisation.denied", "this path is for people; the token is a program's");
  return call.house.people.find(call.caller.who.tenant, call.caller.who.person);
}

// True if a page of the hub itself sends the request.
bool is_own_page(const DoorCall& call) {
  const std::string own = origin_of(call.house.public_url);
  return !own.empty() && call.request.header("origin") == own;
}

// The form of a page signs its browser in: with a cookie, and on to the dashboard. Another site's
// page signs nobody in. Browsers always say from where they post.
Result<Response> login(DoorCall& call) {
  const http::Request& request = call.request;
  const bool form = !request.header("content-type").starts_with("application/json");
  const bool own = is_own_page(call);
  if (form && !own && !request.header("origin").empty())
    return denied("csrf.denied", "the form of another site signs nobody in");
  std::string missing;
  for (const char* name : {"username", "password"}) {
    if (call.body[name].is_string()) continue;
    missing.append(missing.empty() ? "" : "\n").append(name).append(": field required");
  }
  if (!missing.empty()) return invalid("api.invalid", missing);
  const bool page = form && request.header("accept").find("text/html") != std::string_view::npos;
  // A page can ask for the code; a program that was written for the old system cannot.
  const bool exempt = call.second_factor_exempt && !own && !page;
  RABT_TRY(in,
           call.house.accounts.login({.username = call.body.string_or("username", ""),
                                      .password = call.body.string_or("password", ""),
                                      .otp = call.body.string_or("otp", ""),
                                      .new_password = call.body.string_or("newPassword", ""),
                                      .client = call.caller.client,
                                      .request = call.caller.request,
                                      .device = call.caller.device,
                                      .exempt_at = std::string(exempt ? call.caller.door : "")}));
  // The session that the browser had before is over.
  if (page || own) RABT_TRY_STATUS(call.house.accounts.logout(call.caller, {}));
  Response response = page ? Response{.status = 303, .headers = {{"Location", "/dashboard"}}}
                           : call.reply(Json::object(
                                 {{"access_token", in.token},
                                  {"token_type", "bearer"},
                                  {"expires_in", in.expires_in},
                                  {"user", user_shape(in.person, presence_of(call, in.person))}}));
  if (page || own) {
    response.headers.emplace_back("Set-Cookie", set_cookie(kSessionCookie, in.token));
    response.headers.emplace_back("Set-Cookie", keep_cookie(kDeviceCookie, in.device));
  }
  return response;
}

Result<Response> register_user(DoorCall& call) {
  const std::string role = lower(call.body.string_or("role", "patient"));
  std::string missing;
  for (const auto& [theirs, ours] : {std::pair{"username", "username"},
                                     {"email", "email"},
                                     {"password", "password"},
                                     {"fullName", "name"}}) {
    if (!call.body[theirs].is_null()) continue;
    missing.append(missing.empty() ? "" : "\n").append(ours).append(": field required");
  }
  if (!missing.empty()) return invalid("api.invalid", missing);
  identity::Registration order{.username = call.body.string_or("username", ""),
                               .password = call.body.string_or("password", "")};
  if (role == "admin") {
    order.roles = {Role::admin};
  } else if (role == "doctor") {
    order.roles = {Role::doctor};
  } else if (role == "nurse") {
    order.roles = {Role::nurse};
  } else if (role != "patient") {
    return invalid("api.invalid", "role: must be patient, doctor, nurse or admin");
  }
  for (const auto& [theirs, ours] : {std::pair{"email", "email"}, {"fullName", "name"}}) {
    if (call.body[theirs].is_string()) order.profile.set(ours, call.body[theirs]);
  }
  // As createUser: another person confirms who becomes an administrator.
  const identity::Principal& who = call.caller.who;
  if (order.roles.has(Role::admin) && who.roles.has(Role::admin) && !who.must_enrol &&
      who.confined_to.empty()) {
    Json wish = Json::object({{"username", order.username}, {"roles", Json::array({"admin"})}});
    RABT_TRY_STATUS(call.house.approvals.pass(
        call.caller, {identity::kAssign, "", std::move(wish), call.request.body}));
  }
  RABT_TRY(account, call.house.accounts.add(call.caller, order));
  return call.reply(user_shape(account, {}));
}

Result<Response> logout(DoorCall& call) {
  RABT_TRY_STATUS(call.house.accounts.logout(call.caller, call.request.header("authorization")));
  Response response = call.reply(Json::object({{"message", "Successfully logged out"}}));
  RABT_TRY(held, cookie(call.request, kSessionCookie));
  if (held) response.headers.emplace_back("Set-Cookie", end_cookie(kSessionCookie));
  return response;
}

// ---- consultations

std::string_view status_word(std::string_view status) {
  if (status == "scheduled") return "assigned";
  if (status == "no_show" || status == "failed") return "cancelled";
  return status;
}

Json consultation_shape(const DoorCall& call, const SessionView& session) {
  const Json me = call.number_of(Json(call.caller.who.person));
  return Json::object({{"consultation_id", session.number},
                       {"patient_id", call.number_of(or_null(session.ties.patient))},
                       {"doctor_id", call.number_of(or_null(session.ties.provider))},
                       {"status", status_word(to_string(session.status))},
                       {"requested_at", to_iso8601(session.created)},
                       {"started_at", or_null(session.course.started)},
                       {"ended_at", or_null(session.course.ended)},
                       {"duration_minutes", or_null(session.course.minutes())},
                       {"room_name", session.room.name},
                       {"websocket_url", "/ws/" + std::to_string(session.number) + "/" +
                                             (me.is_number() ? me.number_text() : "")}});
}

// Sessions that the caller may see, of some states, newest first.
Result<std::vector<SessionView>> sessions_of(const DoorCall& call,
                                             std::initializer_list<std::string_view> states,
                                             std::string_view patient = {}) {
  Ask ask = call.ask();
  std::string wanted;
  for (const std::string_view state : states)
    wanted.append(wanted.empty() ? "" : ",").append(state);
  if (!wanted.empty()) ask.query.emplace_back("status", wanted);
  if (!patient.empty()) ask.query.emplace_back("patient", patient);
  RABT_TRY(page,
           call.house.sessions.reading.list(ask.caller, list_sessions_of(ask), {.limit = 200}));
  return std::move(page.items);
}

Json shapes(const DoorCall& call, const std::vector<SessionView>& sessions) {
  Json out = Json::array();
  for (const SessionView& session : sessions) out.push_back(consultation_shape(call, session));
  return out;
}

// A GET that changes something serves nobody who came here by a link of another site, or by a
// browser that looks ahead.
Status meant(const DoorCall& call) {
  const http::Request& request = call.request;
  const auto site = request.header("sec-fetch-site");
  const bool ahead = request.header("sec-purpose").find("prefetch") != std::string_view::npos ||
                     request.header("purpose").find("prefetch") != std::string_view::npos;
  if (site == "cross-site" || site == "same-site" || ahead)
    return denied("csrf.denied", "this address acts only when its own site asks for it");
  if (request.header("cookie").empty() || !request.header("authorization").empty() || !site.empty())
    return ok_status();
  const std::string& own = call.house.public_url;
  const bool same = !own.empty() && (request.header("origin") == own ||
                                     request.header("referer").starts_with(own + "/"));
  return same ? ok_status()
              : denied("csrf.denied", "this address acts only when its own site asks for it");
}

bool is_his(const DoorCall& call, const SessionView& session) {
  return session.ties.provider == call.caller.who.person;
}

// This API has no waiting room and no call that admits. Sessions that were made elsewhere may have
// a waiting room, so the doctor who starts a consultation admits its patient. Everybody else goes
// on waiting, and a person whom a host has denied stays out. The holder of the patient's
// link may be anybody, and the doctor does not see him here.
Status admit_patient(const DoorCall& call, const std::string& id, const std::string& patient) {
  RABT_TRY(session, call.house.sessions.acts.load(id));
  for (const consultation::Participant& participant : session.people.participants) {
    const bool waits = participant.admission == consultation::Admission::waiting;
    if (participant.person != patient || !waits || !link_word(session, participant).empty())
      continue;
    const auto admitted = call.house.sessions.people.admit(
        call.caller, consultation::OfParticipant{.session = id, .participant = participant.id});
    // Another host was quicker.
    if (!admitted.ok() && admitted.error().code != "participant.not_waiting")
      return admitted.error();
  }
  return ok_status();
}

// His open consultation with the patient, a request of the patient that is nobody's or his, or a
// new one.
Result<SessionView> doctor_starts(DoorCall& call, const std::string& patient) {
  RABT_TRY(open, sessions_of(call, {"scheduled", "waiting", "active"}, patient));
  std::string id;
  for (const SessionView& session_view : open) {
    if (!is_his(call, session_view)) continue;
    const bool active = session_view.status == consultation::SessionStatus::active;
    if (active || id.empty()) id = session_view.id;
    if (active) break;
  }
  if (id.empty()) {
    RABT_TRY(requests, sessions_of(call, {"requested"}, patient));
    for (const SessionView& request : requests) {
      if (!request.ties.provider.empty() && !is_his(call, request)) continue;
      const auto accepted =
          call.house.sessions.life.accept(call.caller, OfSession{.session = request.id});
      // Another doctor was quicker.
      if (!accepted.ok() && accepted.error().code == "session.already_accepted") continue;
      RABT_TRY_STATUS(accepted);
      id = request.id;
      break;
    }
  }
  if (id.empty()) {
    RABT_TRY(creation, call.house.sessions.creation.create(
                           call.caller, SessionInput{.type = SessionType::doctor_patient,
                                                     .provider = call.caller.who.person,
                                                     .patient = patient,
                                                     .waiting_room = false}));
    id = creation.session.id;
  }
  RABT_TRY(started, call.house.sessions.life.start(call.caller, OfSession{.session = id}));
  RABT_TRY_STATUS(admit_patient(call, started.id, patient));
  return started;
}

// Open request that the patient made here before, or a new one. Sessions that others planned for
// the patient do not count.
Result<SessionView> patient_requests(DoorCall& call, const std::string& patient) {
  RABT_TRY(open, sessions_of(call, {"requested", "scheduled", "waiting", "active"}, patient));
  std::string doctor;
  if (const auto named = call.request.parameter("doctor_id")) {
    RABT_TRY(found, call.person(Json(*named)));
    doctor = std::move(found);
  }
  for (const SessionView& session_view : open) {
    const bool own =
        session_view.created_by.ends_with(patient) && session_view.door == call.caller.door;
    if (own && (doctor.empty() || session_view.ties.provider == doctor)) return session_view;
  }
  SessionInput ours{.type = SessionType::doctor_patient,
                    .patient = patient,
                    .waiting_room = false,
                    .request = true};
  if (!doctor.empty()) ours.provider = doctor;
  RABT_TRY(creation, call.house.sessions.creation.create(call.caller, ours));
  return std::move(creation.session);
}

Result<Response> start_consultation(DoorCall& call) {
  RABT_TRY_STATUS(meant(call));
  if (!call.caller.who.roles.has_any({Role::doctor, Role::specialist})) {
    RABT_TRY_STATUS(call.is_self(call.path[0]));
    RABT_TRY(asked, patient_requests(call, call.caller.who.person));
    return call.reply(consultation_shape(call, asked));
  }
  RABT_TRY(patient, call.person(Json(call.path[0])));
  RABT_TRY(person, call.house.people.find(call.caller.who.tenant, patient));
  if (!person.roles.has(Role::patient))
    return not_found("person.unknown", "there is no such patient");
  RABT_TRY(started, doctor_starts(call, patient));
  return call.reply(consultation_shape(call, started));
}

Result<Response> end_consultation(DoorCall& call) {
  RABT_TRY_STATUS(meant(call));
  RABT_TRY_STATUS(call.house.sessions.life.end(
      call.caller, consultation::EndSession{.session = std::string(call.path[0])}));
  RABT_TRY(ended, call.house.sessions.reading.get(call.caller, of_session(call.ask(call.path[0]))));
  return call.reply(consultation_shape(call, ended));
}

Result<std::string> consultation_named(const DoorCall& call) {
  const Json& id = call.body["consultationId"];
  if (id.is_number()) return id.number_text();
  if (id.is_string() && !id.as_string().empty()) return id.as_string();
  return invalid("api.invalid", "consultationId: field required");
}

Asked<Prescribe> prescription_of(const Json& body, const std::string& session) {
  Fields theirs(body);
  Prescribe ours{.session = session,
                 .items = medications_in(theirs, "prescriptions",
                                         {.name = "medication", .code = {}, .closed = false})};
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

// vitals: an object, whose mistakes the answer has besides what the service finds.
RecordVitals vitals_of(const Json& vitals, const std::string& session) {
  RecordVitals ours{.session = session};
  Fields theirs(vitals, ours.mistakes, "vitalSigns.");
  ours.signs = read_vital_signs(theirs, kVitalSigns);
  return ours;
}

// Notes are one text, or the sections of a template.
Asked<WriteNote> note_of(const Json& body, const std::string& session) {
  Fields theirs(body);
  WriteNote ours{.session = session, .kind = {}};
  const Json& of_template = template_in(theirs, "template", ours);
  ours.kind = of_template.string_or("kind", "free");
  if (theirs.raw("notes").is_object()) {
    ours.sections = sections_in(theirs, "notes", of_template);
  } else {
    ours.content = theirs.text("notes");
  }
  check_has_text(theirs, "notes", ours);
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

Asked<AddSegment> segment_of(const Json& body, const std::string& session) {
  Fields theirs(body);
  AddSegment ours{.session = session};
  read_said(theirs, ours);
  RABT_TRY_STATUS(theirs.done());
  return ours;
}

// A record of those that one call writes.
struct Part {
  // Gives the record's number.
  std::function<Result<std::int64_t>(const Caller& caller)> write;
  // Receives the number of the record once the record is written.
  Json& number;
};

// Each is a commit of its own. All are tried before the first is kept, so that a refusal of one
// leaves nothing of the others behind.
Status write_all(const DoorCall& call, const std::vector<Part>& parts) {
  for (const Part& one : parts) {
    if (parts.size() == 1) break;
    bool would = false;
    Caller caller = call.caller;
    caller.once = [&would](store::Transaction& /*transaction*/, const Json& /*answer*/) -> Status {
      would = true;
      return unavailable("store.busy", "the record is not kept yet");
    };
    const auto tried = one.write(caller);
    if (!tried.ok() && !would) return tried.error();
  }
  for (const Part& part : parts) {
    RABT_TRY(number, part.write(call.caller));
    part.number = number;
  }
  return ok_status();
}

Result<Response> write_notes(DoorCall& call) {
  if (!call.caller.who.roles.has_any(identity::kTreats))
    return denied("authorisation.denied", "notes are written by the staff");
  RABT_TRY(id, consultation_named(call));
  const Json& notes = call.body["notes"];
  const Json& vitals = call.body["vitalSigns"];
  const Json& prescriptions = call.body["prescriptions"];
  const bool prescribes = prescriptions.is_array() && prescriptions.size() > 0;
  if (notes.is_null() && !vitals.is_object() && !prescribes) {
    return invalid("api.invalid",
                   "notes: one of notes, vital_signs and prescriptions must be given");
  }
  Json vitals_id;
  Json prescription_id;
  Json note_id;
  Records& records = call.house.records;
  std::vector<Part> parts;
  if (vitals.is_object()) {
    const auto measured = [&vitals](const SignName& name) {
      return !vitals[name.member].is_null();
    };
    if (std::none_of(std::begin(kVitalSigns), std::end(kVitalSigns), measured)) {
      std::string names;
      for (const SignName& sign : kVitalSigns)
        names += (names.empty() ? "" : ", ") + snake_case(sign.member);
      return invalid("api.invalid", "vital_signs: needs at least one of " + names);
    }
    const Asked<RecordVitals> asked = vitals_of(vitals, id);
    const auto write = [&records, asked](const Caller& caller) -> Result<std::int64_t> {
      RABT_TRY(record, records.vitals.record(caller, asked));
      return record.head.number;
    };
    parts.push_back({write, vitals_id});
  }
  if (prescribes) {
    const auto asked = prescription_of(call.body, id);
    const auto write = [&records, asked](const Caller& caller) -> Result<std::int64_t> {
      RABT_TRY(record, records.prescriptions.prescribe(caller, asked));
      return record.head.number;
    };
    parts.push_back({write, prescription_id});
  }
  if (!notes.is_null()) {
    const auto asked = note_of(call.body, id);
    const auto write = [&records, asked](const Caller& caller) -> Result<std::int64_t> {
      RABT_TRY(record, records.notes.write(caller, asked));
      return record.head.number;
    };
    parts.push_back({write, note_id});
  }
  // Before anything is written: a repeat of a call that failed behind it would write twice.
  RABT_TRY(session, call.house.sessions.reading.get(call.caller, of_session(call.ask(id))));
  RABT_TRY_STATUS(write_all(call, parts));
  Json prescription_ids = Json::array();
  if (!prescription_id.is_null()) prescription_ids.push_back(std::move(prescription_id));
  return call.reply(Json::object({{"consultation_id", session.number},
                                  {"note_id", std::move(note_id)},
                                  {"vital_signs_id", std::move(vitals_id)},
                                  {"prescription_ids", std::move(prescription_ids)},
                                  {"saved_at", to_iso8601(call.house.clock.now())}}));
}

Result<Response> transcribe(DoorCall& call) {
  RABT_TRY(id, consultation_named(call));
  RABT_TRY(session, call.house.sessions.reading.get(call.caller, of_session(call.ask(id))));
  RABT_TRY(said,
           call.house.records.transcripts.add_segment(call.caller, segment_of(call.body, id)));
  return call.reply(Json::object({{"consultation_id", session.number},
                                  {"segment_id", said.head.number},
                                  {"text", said.segment.text},
                                  {"language", consultation::text_or_null(said.segment.language)},
                                  {"speaker", call.number_of(Json(call.caller.who.person))},
                                  {"timestamp", to_iso8601(said.head.created)}}));
}

// ---- administration

Status is_admin(const DoorCall& call) {
  return call.caller.who.roles.has_any({Role::admin, Role::operator_})
             ? ok_status()
             : denied("authorisation.denied", "this path is for administrators");
}

// As the hub's own API shows accounts to those who manage them: without what patients are called.
Result<Json> users(const DoorCall& call, std::string_view role) {
  RABT_TRY(everybody, call.house.people.all(call.caller.who.tenant));
  Json out = Json::array();
  for (const Person& person : everybody) {
    if (!role.empty() && role_word(person.roles) != role) continue;
    Json shown = user_shape(person, presence_of(call, person));
    const Json managed = managed_json(person);
    for (const auto& [theirs, ours] : {std::pair{"email", "email"}, {"full_name", "name"}})
      shown.set(theirs, managed[ours]);
    out.push_back(std::move(shown));
  }
  return out;
}

Json part(const Json& all, const NumberedPage& page) {
  Json out = Json::array();
  const auto size = static_cast<std::size_t>(page.size);
  const std::size_t first = static_cast<std::size_t>(page.page - 1) * size;
  for (std::size_t i = first; i < std::min(all.size(), first + size); ++i) out.push_back(all[i]);
  return out;
}

Json numbered(std::string_view name, const Json& all, const NumberedPage& page) {
  return Json::object({{name, part(all, page)},
                       {"total", all.size()},
                       {"page", page.page},
                       {"page_size", page.size}});
}

// Names of people are for who keeps the accounts, as in the hub's own API.
Result<Response> list_users(DoorCall& call) {
  if (!call.caller.who.is(Role::admin))
    return denied("authorisation.denied", "this path is for administrators");
  RABT_TRY(page, page_of(call.request, "page_size", 20, 100));
  RABT_TRY(found, users(call, call.request.parameter("role").value_or("")));
  return call.reply(numbered("users", found, page));
}

struct LogFilter {
  std::string_view action;
  std::string actor;
  audit::Query query;
  // So many of the newest entries are looked at.
  std::int64_t newest = 5'000;
};

// Entries of this tenant, newest first, without what is sealed and without patients.
Result<Json> logs(const DoorCall& call, LogFilter filter) {
  filter.query.tenant = call.caller.who.tenant;
  filter.query.act = filter.action;
  filter.query.first =
      std::max<std::int64_t>(1, call.house.audit.state().entries + 1 - filter.newest);
  std::vector<Json> found;
  RABT_TRY_STATUS(
      audit::read_each(call.house.audit, filter.query, [&](const audit::Logged& logged) {
        if (!filter.actor.empty() && logged.entry.actor != filter.actor) return true;
        const bool of_patient = logged.entry.object.starts_with("patient:");
        constexpr std::string_view kPerson = "person:";
        const std::string& actor = logged.entry.actor;
        found.push_back(
            Json::object({{"id", logged.seq},
                          {"timestamp", to_iso8601(Timestamp{logged.at_ms})},
                          {"user_id", actor.starts_with(kPerson)
                                          ? call.number_of(Json(actor.substr(kPerson.size())))
                                          : Json()},
                          {"action", logged.entry.act},
                          {"resource", of_patient ? Json("patient") : Json(logged.entry.object)},
                          {"result", logged.entry.result},
                          {"ip_address", logged.entry.client}}));
        return true;
      }));
  std::reverse(found.begin(), found.end());
  return Json(std::move(found));
}

Result<Response> list_logs(DoorCall& call) {
  RABT_TRY_STATUS(is_admin(call));
  RABT_TRY(page, page_of(call.request, "page_size", 20, 100));
  LogFilter filter{.action = call.request.parameter("action").value_or("")};
  if (const auto user = call.request.parameter("user_id")) {
    RABT_TRY(id, call.person(Json(*user)));
    filter.actor = "person:" + id;
  }
  for (const auto& [name, bound] :
       {std::pair{"from", &filter.query.from_ms}, std::pair{"to", &filter.query.to_ms}}) {
    const auto text = call.request.parameter(name);
    if (!text) continue;
    const bool day = text->size() == std::string_view("2026-12-01").size();
    const std::string_view of_day = name == std::string_view("from") ? "T00:00:00Z" : "T23:59:59Z";
    const auto at = parse_iso8601(day ? std::string(*text).append(of_day) : std::string(*text));
    if (!at.ok()) return invalid("api.invalid", std::string(name) + ": must be a time");
    *bound = at->ms;
  }
  RABT_TRY(found, logs(call, std::move(filter)));
  return call.reply(numbered("logs", found, page));
}

Result<Response> assign_doctor(DoorCall& call) {
  RABT_TRY_STATUS(is_admin(call));
  RABT_TRY(id, consultation_named(call));
  RABT_TRY(doctor, call.person(call.body["doctorId"]));
  RABT_TRY(person, call.house.people.find(call.caller.who.tenant, doctor));
  if (!person.roles.has_any({Role::doctor, Role::specialist}))
    return invalid("api.invalid", "provider: is no doctor");
  RABT_TRY(session, call.house.sessions.life.assign(
                        call.caller, AssignSession{.session = id, .provider = doctor}));
  return call.reply(consultation_shape(call, session));
}

// ---- dashboards

Json doctors(const DoorCall& call) {
  const auto found = call.house.practice.providers.list(call.caller, consultation::ListProviders{});
  Json out = Json::array();
  if (!found.ok()) return out;
  for (const consultation::ProviderView& item : found->items) {
    out.push_back(Json::object({{"id", item.number},
                                {"full_name", consultation::text_or_null(item.name)},
                                {"specialty", consultation::text_or_null(item.specialty)},
                                {"status", item.status}}));
  }
  return out;
}

Result<Json> dashboard_of(DoorCall& call, const Person& me) {
  const Json status = presence_of(call, me);
  const std::string_view role = role_word(me.roles);
  Json out = Json::object({{"user", user_shape(me, status)}, {"role", role}});
  RABT_TRY(all, sessions_of(call, {}));
  if (role == "patient") {
    out.set("doctors", doctors(call));
  } else if (role == "admin") {
    RABT_TRY(everybody, users(call, ""));
    constexpr std::int64_t kShown = 20;
    RABT_TRY(entries, logs(call, {.newest = kShown}));
    out.set("users", everybody);
    out.set("logs", part(entries, {.page = 1, .size = kShown}));
  } else {
    using consultation::SessionStatus;
    std::vector<SessionView> waiting;
    for (const SessionView& session_view : all) {
      if (session_view.status == SessionStatus::requested ||
          session_view.status == SessionStatus::scheduled ||
          session_view.status == SessionStatus::waiting)
        waiting.push_back(session_view);
    }
    out.set("status", status.is_null() ? Json("offline") : status);
    out.set("waiting", shapes(call, waiting));
  }
  out.set("consultations", shapes(call, all));
  return out;
}

Result<Response> dashboard(DoorCall& call) {
  if (call.caller.who.kind == identity::Kind::anonymous) {
    if (call.request.header("accept").find("text/html") != std::string_view::npos)
      return Response{.status = 303, .headers = {{"Location", "/login"}}};
    return denied("http.unauthenticated", "sign in");
  }
  if (call.caller.who.must_enrol) return identity::enrolment_needed();
  RABT_TRY(me, caller_person(call));
  RABT_TRY(shown, dashboard_of(call, me));
  return call.reply(shown);
}

Result<Response> open_socket(DoorCall& call) {
  return open_clinicvault_socket(call.house.stream->parts(), call.house.people, call.request,
                                 call.ask(call.path[0]), call.path[1]);
}

// clang-format off
constexpr DoorRoute kRoutes[] = {
    {"POST", "/auth/login", "login", "login", login, 200, true, "Sign in", "username password otp? new_password?"},
    {"POST", "/auth/register", "register", "", register_user, 201, true, "Make an account", "username password email full_name role?", {}, {}, nullptr, kRegister},
    {"POST", "/auth/logout", "logout", "logout", logout, 200, false, "Sign out", ""},
    {"GET", "/dashboard", "getDashboard", "", dashboard, 200, true, "What concerns the caller, by role", ""},
    {"GET", "/consultation/start/{patient_id}", "startConsultation", "createSession", start_consultation, 200, false, "Start a consultation, or ask for one", "?doctor_id"},
    {"POST", "/consultation/notes", "writeNotes", "writeNote", write_notes, 200, false, "Write notes, vital signs, prescriptions", "consultation_id notes? template? vital_signs? prescriptions?", access::Right::note_write, "consultationId"},
    {"POST", "/consultation/transcribe", "transcribe", "addSegment", transcribe, 200, false, "Add to the transcript", "consultation_id text? audio? format? language?", access::Right::segment_write, "consultationId"},
    {"GET", "/consultation/end/{consultation_id}", "endConsultation", "endSession", end_consultation, 200, false, "End a consultation", ""},
    {"GET", "/ws/{consultation_id}/{user_id}", "openSocket", "openStream", open_socket, 200, false, "Chat, signalling and status, as a WebSocket", ""},
    {"GET", "/admin/users", "listUsers", "listUsers", list_users, 200, false, "Accounts", "?role ?page ?page_size"},
    {"GET", "/admin/logs", "listLogs", "", list_logs, 200, false, "The audit log, newest first", "?from ?to ?user_id ?action ?page ?page_size", {}, {}, nullptr, {.lane = http::Lane::heavy}},
    {"POST", "/admin/assign-doctor", "assignDoctor", "assignSession", assign_doctor, 200, false, "Give a consultation to a doctor", "consultation_id doctor_id", access::Right::session_assign, "consultationId"},
};
// clang-format on

}  // namespace

const Door& clinicvault() {
  static constexpr std::array<std::string_view, 5> kPrefixes{"/admin", "/auth", "/consultation",
                                                             "/dashboard", "/ws"};
  static constexpr Door kDoor{"clinicvault",
                              "ClinicVault",
                              kRoutes,
                              error,
                              kPrefixes,
                              "/openapi.json",
                              "/docs",
                              nullptr,
                              {.begins_by_call = true,
                               .waiting_room = false,
                               .auto_record = false,
                               .waits_for_room = false,
                               .naive_times = true,
                               .own_words = true,
                               .names_version = false}};
  return kDoor;
}

}  // namespace rabt::api::compat
