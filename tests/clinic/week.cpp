#include "tests/clinic/week.hpp"

#include <algorithm>
#include <filesystem>

#include "hub/crypto/crypto.hpp"
#include "tests/eventually.hpp"

namespace rabt::clinic {

using week::Books;
using week::DeskSays;
using week::Record;
using week::Seen;

namespace {

constexpr const char* kLicence = "http://nphies.sa/license/practitioner-license";
constexpr const char* kNationalId = "http://nphies.sa/identifier/nationalid";
constexpr int kTick = 15;
constexpr int kNightTick = 30;
// A booking that nothing has moved for so long stands still.
constexpr int kGrace = week::kHour;
constexpr const char* kGone = R"([{"fault": "status", "status": 503}])";
constexpr const char* kGoneFor = R"([{"fault": "status", "status": 503, "retry_after": 600}])";

// The cashier's system hears of visits that the patient pays.
constexpr const char* kCashier =
    R"(document: {dsl: '1.0.3', namespace: clinic, name: cashier, version: '1.0.0'}
schedule: {on: {one: {with: {type: org.rabt.consultation.self-pay.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - bill: {set: {consultation: '${ .consultation }', minutes: '${ .minutes }'}}
)";

// Kinds stand first in every text, so that the telephone knows them.
constexpr const char* kTexts = R"(booked: 'booked {time} {link}'
moved: 'moved {time} {link}'
cancelled: 'cancelled {time}'
reminder: 'reminder {time} {link}'
doctor_waits: 'doctor_waits {link}'
missed: 'missed {time}'
not_held: 'not_held {time}'
call_us: 'call_us'
other_doctor: 'other_doctor {time}'
)";

// The resource of this type in a bundle.
sandbox::Json& part(sandbox::Json& bundle, const std::string& type) {
  for (sandbox::Json& entry : bundle["entry"]) {
    if (entry["resource"]["resourceType"] == type) return entry["resource"];
  }
  return bundle;
}

// "booked 2026-03-08 10:00" of a text.
std::string heading(const std::string& text) {
  const auto space = text.find(' ');
  const std::string kind = text.substr(0, space);
  const auto colon = text.find(':');
  const bool timed = kind != "doctor_waits" && kind != "call_us" && space != std::string::npos &&
                     colon != std::string::npos && colon >= 2;
  if (!timed) return kind;
  return kind + " " + text.substr(space + 1, 10) + " " + text.substr(colon - 2, 5);
}

std::string local_minute(const std::string& iso) {
  const auto at = parse_iso8601(iso);
  if (!at.ok()) return "none";
  return week::local_time(static_cast<int>((at->ms - week::unix_ms(0)) / 60'000));
}

}  // namespace

PlayedWeek::PlayedWeek() : Clinic(week::unix_ms(week::kFirstMinute)) {
  site_.config.sends_messages = true;
  site_.config.messages = site_.folder() / "messages";
}

void PlayedWeek::change_workflow(const std::string& name, const std::string& from,
                                 const std::string& to) {
  changes_[name].emplace_back(from, to);
}

void PlayedWeek::write_texts() {
  std::filesystem::create_directories(site_.folder() / "messages");
  e2e::write_file(site_.folder() / "messages/ar.yaml", kTexts);
  e2e::write_file(site_.folder() / "messages/en.yaml", kTexts);
}

void PlayedWeek::write_workflows() {
  const std::string folder = site_.folder() / "workflows";
  std::filesystem::create_directories(folder);
  site_.config.workflows.clear();
  for (const std::string name : {"consultation", "messages", "appointment", "chart"}) {
    std::string text = e2e::read_file(e2e::source_dir() + "/workflows/" + name + ".yaml");
    for (const auto& [from, to] : changes_[name]) {
      const auto found = text.find(from);
      ASSERT_NE(found, std::string::npos) << name << ": " << from;
      text.replace(found, from.size(), to);
    }
    site_.config.workflows.push_back(folder + "/" + name + ".yaml");
    e2e::write_file(site_.config.workflows.back(), text);
  }
  site_.config.workflows.push_back(folder + "/cashier.yaml");
  e2e::write_file(site_.config.workflows.back(), kCashier);
}

void PlayedWeek::configure(std::string& yaml) {
  const std::string roles = "may_grant: [doctor, specialist, nurse, patient";
  const auto found = yaml.find(roles);
  ASSERT_NE(found, std::string::npos);
  yaml.insert(found + roles.size(), ", desk");
}

void PlayedWeek::furnish(sandbox::Json& options) {
  options["seed"] = plan_.seed;
  options["nphies"]["not_active"] = not_active_;
  options["faults"]["sms"] =
      sandbox::Json::array({{{"fault", "drop-reply"}, {"probability", lost_answers_}}});
  sandbox::Json& appointments = options["fhir"]["preload"] = sandbox::Json::array();
  for (Live& one : visits_) {
    sandbox::Json booked = part(one.bundle, "Appointment");
    const sandbox::Json& patient = part(one.bundle, "Patient");
    booked["start"] = booked["end"] = to_iso8601({week::unix_ms(one.script->first.minute)});
    booked["participant"] = sandbox::Json::array(
        {{{"actor", {{"type", "Patient"}, {"identifier", patient["identifier"][0]}}},
          {"status", "accepted"}}});
    booked.erase("id");
    appointments.push_back(booked);
  }
}

void PlayedWeek::prepare(const week::Plan& plan) {
  plan_ = plan;
  messages_.resize(plan_.visits.size());
  strays_.resize(plan_.visits.size());
  for (const week::Visit& script : plan_.visits) {
    Live& one = visits_.emplace_back();
    one.script = &script;
    one.bundle = sandbox::Json::parse(demo::make_booking(clock_, ids_, script.number).body);
    sandbox::Json& patient = part(one.bundle, "Patient");
    if (script.record == Record::child || script.record == Record::child_alone)
      patient["birthDate"] = "2015-04-12";
    one.key = part(one.bundle, "Appointment")["identifier"][0]["value"].get<std::string>();
    of_key_[one.key] = script.number;
    if (script.payer == week::Payer::not_eligible)
      not_active_.insert(patient["identifier"][0]["value"].get<std::string>());
    if (script.payer != week::Payer::himself) continue;
    sandbox::Json& entries = one.bundle["entry"];
    entries.erase(std::find_if(entries.begin(), entries.end(), [](const sandbox::Json& entry) {
      return entry["resource"]["resourceType"] == "Coverage";
    }));
  }
}

Result<std::string> PlayedWeek::enter(const std::string& role, Json profile) {
  profile.set("roles", Json::array({role}));
  RABT_TRY(made, ask("POST", "/users", profile));
  return made.string_or("uuid", "");
}

void PlayedWeek::enter_people() {
  const auto must = [](const Result<std::string>& made) {
    EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().code + ": " + made.error().message);
    return made.ok() ? *made : std::string();
  };
  for (int n = 0; n < plan_.doctors; ++n) {
    const std::string number = "N-P-" + std::to_string(10'000 + n);
    doctors_.push_back(must(enter(
        "doctor",
        Json::object({{"name", "Doctor " + std::to_string(n)},
                      {"username", "doctor-" + std::to_string(n)},
                      {"licenceNumber", number},
                      {"externalIds",
                       Json::array({Json::object({{"system", kLicence}, {"value", number}})})}}))));
  }
  desk_ = must(enter("desk", Json::object({{"name", "Desk"}, {"username", "desk"}})));
  for (Live& one : visits_) {
    const int number = one.script->number;
    one.doctor = doctors_[static_cast<std::size_t>(one.script->last().doctor)];
    if (one.script->record == Record::none) continue;
    const std::string id = part(one.bundle, "Patient")["identifier"][0]["value"].get<std::string>();
    const std::string own = "+9665" + std::to_string(10'000'000 + number);
    const bool child = one.script->record != Record::adult;
    Json profile = Json::object({{"name", "Patient " + std::to_string(number)},
                                 {"username", "patient-" + std::to_string(number)},
                                 {"phone", own},
                                 {"language", number % 3 == 0 ? "en" : "ar"},
                                 {"birthDate", child ? "2015-04-12" : "1985-04-12"}});
    // Both ways in which hospitals register.
    if (number % 2 == 0) {
      profile.set("externalIds",
                  Json::array({Json::object({{"system", kNationalId}, {"value", id}})}));
    } else {
      profile.set("identifiers",
                  Json::array({Json::object({{"kind", "national_id"}, {"value", id}})}));
    }
    one.phone = own;
    if (one.script->record == Record::child) {
      one.phone = "+9665" + std::to_string(50'000'000 + number);
      profile.set("guardians",
                  Json::array({Json::object(
                      {{"name", "Guardian"}, {"phone", one.phone}, {"relation", "mother"}})}));
    }
    of_phone_[one.phone] = number;
    if (own != one.phone) of_phone_[own] = number;
    one.patient = must(enter("patient", std::move(profile)));
  }
}

// --- the hospital's systems

void PlayedWeek::wrong(const Live& one, const std::string& what) {
  unexplained_.push_back("seed " + std::to_string(plan_.seed) + " visit " +
                         std::to_string(one.script->number) + ": " + what);
}

void PlayedWeek::tell(Live& one, const week::Slot& slot, const char* status) {
  sandbox::Json bundle = one.bundle;
  sandbox::Json& appointment = part(bundle, "Appointment");
  appointment["status"] = status;
  // A cancellation that overtakes its booking is the newer word all the same.
  const bool late = one.script->overtaken() && std::string_view(status) == "booked";
  ++one.version;
  const int version = one.script->overtaken() ? (late ? 1 : 2) : one.version;
  const std::int64_t said_ms =
      late ? week::unix_ms(*one.script->cancelled_at - 30) : clock_.now().ms;
  appointment["meta"] = {{"versionId", std::to_string(version)},
                         {"lastUpdated", to_iso8601({said_ms})}};
  appointment["start"] = to_iso8601({week::unix_ms(slot.minute)});
  appointment["end"] = to_iso8601({week::unix_ms(slot.minute + week::kVisitMinutes)});
  part(bundle, "Practitioner")["identifier"][0]["value"] =
      "N-P-" + std::to_string(10'000 + slot.doctor);
  const demo::Booking booking{.id = "msg_" + ids_.next().text(), .body = bundle.dump()};
  const auto accepted = deliver(desks_[0], booking);
  if (!accepted.ok()) return wrong(one, "not accepted: " + accepted.error().code);
  if (!one.instance.empty() || (*accepted)["instances"].size() == 0) return;
  one.instance = (*accepted)["instances"][0].as_string();
  one.accepted_at = static_cast<int>((clock_.now().ms - week::unix_ms(0)) / 60'000);
  of_instance_[one.instance] = one.script->number;
}

Result<Json> PlayedWeek::control(const std::string& path, const std::string& method,
                                 const Json& body) {
  return desks_[0].http.json(method, outside_->url("control") + path,
                             {{"Content-Type", "application/json"}}, body.dump());
}

void PlayedWeek::fail_all(const char* stand_in, const char* rules) {
  const auto set = control("/faults/" + std::string(stand_in), "PUT", Json::parse(rules).value());
  EXPECT_TRUE(set.ok()) << (set.ok() ? "" : set.error().message);
}

void PlayedWeek::decide_coverage(Live& one) {
  constexpr std::array<const char*, 4> kAnswers{"", "self-pay", "go-on", "refuse"};
  const char* const answer = kAnswers[static_cast<std::size_t>(one.script->desk)];
  const auto list = as(desk_, "desk", "GET", "/tasks?state=open&kind=coverage&limit=100");
  if (!list.ok()) return wrong(one, "tasks: " + list.error().message);
  if (one.session.empty()) (void)find_session(one);
  for (const Json& task : (*list)["items"].as_array()) {
    if (task["object"].string_or("id", "") != one.session) continue;
    const auto did =
        as(desk_, "desk", "POST", "/tasks/" + task.string_or("id", "") + "/decide",
           Json::object({{"answer", Json::object({{"outcome", answer}})}, {"reason", "test"}}));
    if (!did.ok()) wrong(one, "the desk's answer: " + did.error().message);
    return;
  }
  wrong(one, "the desk has no task about the coverage");
}

void PlayedWeek::reopen() {
  hub_.reset();
  start_hub(config_file_);
}

// --- the people

Result<Json> PlayedWeek::as(const std::string& who, const char* role, const std::string& method,
                            const std::string& path, const Json& body, const std::string& key) {
  const std::int64_t now = clock_.now().ms / 1000;
  const Json claims = Json::object({{"iss", demo::kDemoIssuer},
                                    {"sub", who},
                                    {"role", role},
                                    {"iat", now},
                                    {"exp", now + 3600}});
  static const std::string kHead = R"({"typ":"JWT"})";
  RABT_TRY(token, crypto::sign_jwt(as_bytes(e2e::read_file(site_.config.issuer_secret)), "HS256",
                                   kHead, claims.dump()));
  std::vector<std::pair<std::string, std::string>> headers{{"Authorization", "Bearer " + token},
                                                           {"Content-Type", "application/json"}};
  if (!key.empty()) headers.emplace_back("Idempotency-Key", key);
  std::string text;
  if (method != "GET") text = body.is_null() ? "{}" : body.dump();
  return desks_[0].http.json(method, hub_->url() + "/api/v1" + path, std::move(headers), text);
}

Result<Json> PlayedWeek::ask(const std::string& method, const std::string& path, const Json& body) {
  return desks_[0].http.json(method, hub_->url() + "/api/v1" + path,
                             {{"Authorization", "Bearer " + token_},
                              {"Content-Type", "application/json"},
                              {"X-Rabt-Reason", "test"}},
                             method == "GET" ? std::string() : body.dump());
}

Result<Json> PlayedWeek::as_patient(Live& one, const std::string& method, const std::string& path,
                                    const Json& body) {
  const std::string at = "/sessions/" + one.session + path;
  if (!one.cookie.empty()) return desks_[0].people->as_guest(one.cookie, method, at, body);
  return as(one.patient, "patient", method, at, body);
}

Status PlayedWeek::find_session(Live& one) {
  RABT_TRY(instance, get(desks_[0], "/instances/" + one.instance + "?data=true"));
  one.session = instance["context"].string_or("session", "");
  return one.session.empty() ? unavailable("test.session", "no session yet") : ok_status();
}

Status PlayedWeek::open_link(Live& one) {
  if (one.script->record != Record::none || !one.cookie.empty()) return ok_status();
  const std::string at = "/sessions/" + one.session;
  RABT_TRY(session, ask("GET", at));
  std::string patient;
  for (const Json& person : session["participants"].as_array()) {
    if (person.string_or("role", "") == "patient") patient = person.string_or("id", "");
  }
  RABT_TRY(invitation, ask("POST", at + "/invitations", Json::object({{"participant", patient}})));
  RABT_TRY(cookie, desks_[0].people->open_link(invitation.string_or("link", "")));
  one.cookie = std::move(cookie);
  return ok_status();
}

Status PlayedWeek::admit(Live& one) {
  const std::string at = "/sessions/" + one.session;
  RABT_TRY(room, as(one.doctor, "doctor", "GET", at + "/waiting-room"));
  for (const Json& person : room["items"].as_array()) {
    const std::string id =
        person["participant"].string_or("id", person.string_or("participant", ""));
    RABT_TRY_STATUS(as(one.doctor, "doctor", "POST", at + "/participants/" + id + "/admit"));
  }
  return ok_status();
}

Status PlayedWeek::enter_room(Live& one, bool doctor) {
  const std::string at = "/sessions/" + one.session;
  const Json web = Json::object({{"deviceType", "web"}});
  Json token;
  if (doctor) {
    RABT_TRY_STATUS(as(one.doctor, "doctor", "POST", at + "/join", web));
    RABT_TRY(given, as(one.doctor, "doctor", "POST", at + "/token"));
    token = std::move(given);
  } else {
    RABT_TRY_STATUS(as_patient(one, "POST", "/join", web));
    RABT_TRY(given, as_patient(one, "POST", "/token", Json::object()));
    token = std::move(given);
  }
  RABT_TRY(session, as(one.doctor, "doctor", "GET", at));
  RABT_TRY_STATUS(control(
      "/control/twilio/join", "POST",
      Json::object({{"room", session.string_or("roomSid", "")}, {"token", token["token"]}})));
  return ok_status();
}

// The hub knows that both are in the room: some news of the provider are lost, so it has to look.
Status PlayedWeek::see_both(Live& one) {
  RABT_TRY(session, ask("GET", "/sessions/" + one.session));
  for (const Json& person : session["participants"].as_array()) {
    if (person.string_or("admission", "") == "admitted" && !person["joinedAt"].is_string())
      return unavailable("test.join", "the hub knows nothing of somebody in the room");
  }
  return ok_status();
}

Status PlayedWeek::treat(Live& one) {
  const std::string at = "/sessions/" + one.session;
  const auto writes = [&](const char* path, const char* body) -> Status {
    RABT_TRY_STATUS(
        as(one.doctor, "doctor", "POST", at + path, Json::parse(body).value(), at + path));
    return ok_status();
  };
  RABT_TRY_STATUS(writes("/vitals", R"({"heartRate": 92, "systolic": 124, "diastolic": 79,
                                        "oxygenSaturation": 98, "temperatureC": 38.4})"));
  RABT_TRY_STATUS(writes("/notes", R"({"template": "soap", "status": "final",
      "sections": {"subjective": "Headache", "objective": "Fever", "assessment": "Influenza",
                   "plan": "Fluids"},
      "diagnoses": [{"code": "J11.1", "display": "Influenza", "rank": 1},
                    {"code": "R50.9", "display": "Fever, unspecified", "rank": 2}]})"));
  return writes("/prescriptions", R"({"items": [{"name": "Paracetamol 500 mg",
      "dosage": "1 tablet", "frequency": "every 6 hours", "duration": "3 days"}]})");
}

Result<bool> PlayedWeek::go_on(Live& one) {
  if (one.session.empty()) RABT_TRY_STATUS(find_session(one));
  switch (one.step) {
    case Step::wait:
      RABT_TRY_STATUS(open_link(one));
      RABT_TRY_STATUS(as_patient(one, "POST", "/join", Json::object({{"deviceType", "ios"}})));
      break;
    case Step::admit:
      RABT_TRY_STATUS(admit(one));
      break;
    case Step::meet:
      RABT_TRY_STATUS(enter_room(one, false));
      break;
    case Step::doctor:
      if (!one.doctor_came) RABT_TRY_STATUS(enter_room(one, true));
      one.doctor_came = true;
      break;
    case Step::start:
      RABT_TRY_STATUS(as(one.doctor, "doctor", "POST", "/sessions/" + one.session + "/start"));
      break;
    case Step::treat:
      RABT_TRY_STATUS(see_both(one));
      RABT_TRY_STATUS(treat(one));
      break;
    case Step::talk:
      break;
    case Step::end:
      RABT_TRY_STATUS(as(one.doctor, "doctor", "POST", "/sessions/" + one.session + "/end",
                         Json::object({{"reason", "consultation_completed"}})));
      break;
    case Step::done:
      return true;
  }
  one.step = static_cast<Step>(static_cast<int>(one.step) + 1);
  return one.step == Step::done;
}

// Those who are on their way get so far, one step each in turn.
void PlayedWeek::go_on_all(Step until) {
  auto moved = steady_clock::now();
  std::string last;
  while (!moving_.empty()) {
    for (Live* const one : moving_) {
      const Step before = one->step;
      const auto went = go_on(*one);
      if (!went.ok()) last = went.error().code + " " + went.error().message;
      if (one->step != before) moved = steady_clock::now();
    }
    std::erase_if(moving_, [&](const Live* one) { return one->step >= until; });
    // Time goes on for those who look from time to time.
    if (steady_clock::now() - moved > std::chrono::milliseconds(500)) {
      // A slow machine is no reason that it gets later.
      settle();
      clock_.go_to({clock_.now().ms + 5'000});
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    if (steady_clock::now() - moved > std::chrono::seconds(20)) {
      for (const Live* one : moving_) {
        wrong(*one, "nobody gets on at step " + std::to_string(static_cast<int>(one->step)) + ": " +
                        last);
      }
      moving_.clear();
    }
  }
}

// --- the week

void PlayedWeek::schedule() {
  for (Live& one : visits_) {
    const week::Visit& script = *one.script;
    at(script.booked_at, [&] { tell(one, one.script->first, "booked"); });
    for (const auto& move : script.moves) at(move.first, [&] { tell(one, move.second, "booked"); });
    if (script.cancelled_at)
      at(*script.cancelled_at, [&] { tell(one, one.script->last(), "cancelled"); });
    if (script.desk != DeskSays::nothing) at(script.desk_at, [&] { decide_coverage(one); });
    if (script.cancelled_at || script.desk == DeskSays::refuse) continue;
    const int start = script.last().minute;
    if (script.comes == week::Comes::in_time) {
      at(start, [&] { moving_.push_back(&one); });
    } else {
      at(start, [&] {
        Status came = find_session(one);
        if (came.ok()) came = enter_room(one, true);
        one.doctor_came = came.ok();
        if (!came.ok()) wrong(one, "the doctor: " + came.error().message);
      });
    }
    if (script.comes == week::Comes::never) continue;
    const int late = script.comes == week::Comes::late ? week::kLate : 0;
    if (late > 0) at(start + late, [&] { moving_.push_back(&one); });
    at(start + late + week::kTalk, [&] {
      one.step = Step::end;
      moving_.push_back(&one);
    });
  }
  if (payer_goes_away_) {
    at(week::kPayerAway.from, [this] { fail_all("nphies", kGone); });
    at(week::kPayerAway.to, [this] { fail_all("nphies", "[]"); });
    at(week::kPayerAway.from + 2 * week::kHour, [this] { reopen(); });
  }
  if (ehr_goes_away_) {
    at(week::kEhrAway.from, [this] { fail_all("fhir", kGoneFor); });
    at(week::kEhrAway.to, [this] { fail_all("fhir", "[]"); });
  }
  for (int day = 0; day <= plan_.days; ++day)
    at(day * week::kDay + 21 * week::kHour, [this] { reopen(); });
  std::stable_sort(acts_.begin(), acts_.end(),
                   [](const Act& a, const Act& b) { return a.minute < b.minute; });
}

// Work that is due now and lies outside the engine: calls of the video provider, and events.
std::int64_t PlayedWeek::due_outside() {
  std::int64_t due = 0;
  const Status read = hub_->store().read([&](store::Connection& connection) {
    return connection.query(
        {"SELECT count(*) FROM outbox o WHERE o.kind IN ('video', 'hub-event') AND o.due_ms <= $1 "
         "AND (o.subject = '' OR NOT EXISTS (SELECT 1 FROM outbox e WHERE e.kind = o.kind AND "
         "e.subject = o.subject AND e.n < o.n))"},
        {clock_.now().ms}, [&](const store::Row& row) {
          due = row.integer(0);
          return true;
        });
  });
  EXPECT_TRUE(read.ok()) << read.error().message;
  return due;
}

// However slow the machine is, no virtual time goes by while work is under way.
void PlayedWeek::settle() {
  constexpr int kRounds = 3;
  const auto until = steady_clock::now() + std::chrono::minutes(3);
  for (int quiet = 0; quiet < kRounds;) {
    hub_->engine().catch_up();
    const bool idle = hub_->engine().drain(10'000);
    const std::int64_t due = due_outside();
    quiet = idle && due == 0 ? quiet + 1 : 0;
    // Outside it takes a moment, and then the engine may have new work.
    if (due > 0)
      (void)test::eventually([this] { return due_outside() == 0; }, std::chrono::milliseconds(5));
    if (steady_clock::now() < until) continue;
    unexplained_.push_back("seed " + std::to_string(plan_.seed) +
                           ": the hub does not come to rest, " + std::to_string(due) + " due");
    return;
  }
}

void PlayedWeek::play(const week::Plan& plan) {
  prepare(plan);
  write_texts();
  ASSERT_NO_FATAL_FAILURE(write_workflows());
  ASSERT_NO_FATAL_FAILURE(Clinic::SetUp());
  enter_people();
  ASSERT_FALSE(HasFailure());
  schedule();
  auto next = acts_.begin();
  for (int minute = week::kFirstMinute; minute <= plan_.last_minute();) {
    clock_.go_to({week::unix_ms(minute)});
    settle();
    for (; next != acts_.end() && next->minute <= minute; ++next) {
      next->run();
      ASSERT_NE(hub_, nullptr);
    }
    std::vector<Live*> ending;
    for (Live* one : moving_) {
      if (one->step == Step::end) ending.push_back(one);
    }
    std::erase_if(moving_, [](const Live* one) { return one->step == Step::end; });
    go_on_all(Step::talk);
    moving_ = std::move(ending);
    go_on_all(Step::done);
    settle();
    if (minute % week::kHour == 0) {
      collect_messages();
      check_hour(minute);
    }
    const int of_day = minute % week::kDay;
    const bool by_day = of_day >= 7 * week::kHour && of_day < 17 * week::kHour;
    const int tick = by_day ? kTick : kNightTick;
    minute = minute / tick * tick + tick;
    if (next != acts_.end()) minute = std::min(minute, next->minute);
  }
}

// Every booking that was accepted has moved within the hour, or stands in a list with a reason.
void PlayedWeek::check_hour(int minute) {
  std::optional<std::string> before;
  int listed = 0;
  for (;;) {
    const auto page = hub_->engine().instances(
        {.states = {"running", "waiting", "parked", "faulted"}, .workflow = "consultation"}, 100,
        before);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const auto& one : *page) {
      before = one.id;
      const auto found = of_instance_.find(one.id);
      if (found == of_instance_.end()) continue;
      const Live& live = visits_[static_cast<std::size_t>(found->second)];
      const auto say = [&](const std::string& what) {
        unexplained_.push_back("seed " + std::to_string(plan_.seed) + " visit " +
                               std::to_string(found->second) + " at " + week::local_time(minute) +
                               ": " + what);
      };
      if (one.status == "parked" || one.status == "faulted") {
        ++listed;
        continue;
      }
      const bool over = minute > live.script->last().minute + 2 * week::kHour;
      const bool has_timer = !one.waits["timer"].is_null() || !one.waits["until"].is_null();
      if (one.status == "running" && !has_timer && minute - live.accepted_at > kGrace &&
          clock_.now().ms - one.updated.ms > kGrace * 60'000LL)
        say("it runs, and nothing moves it: " + one.waits.dump());
      if (one.status == "waiting" && over && !has_timer)
        say("its time is over, and it waits for " + one.waits.dump());
    }
    if (page->size() < 100) break;
  }
  if (listed == 0) return;
  const auto todo = ask("GET", "/todo");
  ASSERT_TRUE(todo.ok()) << todo.error().message;
  std::int64_t shown = 0;
  for (const Json& item : (*todo)["items"].as_array()) {
    const std::string kind = item.string_or("kind", "");
    if (kind == "decision" || kind == "faulted") shown += item.int_or("count", 0);
  }
  if (shown < listed)
    unexplained_.push_back("seed " + std::to_string(plan_.seed) + " at " +
                           week::local_time(minute) + ": " + std::to_string(listed) +
                           " visits stand still, and the list shows " + std::to_string(shown));
}

std::vector<std::string> PlayedWeek::logged() {
  std::vector<std::string> out;
  for (std::string& line : log_.lines()) out.push_back("log " + std::move(line));
  return out;
}

std::vector<std::string> PlayedWeek::unfinished() {
  std::vector<std::string> out;
  std::optional<std::string> before;
  for (;;) {
    const auto page = hub_->engine().instances(
        {.states = {"running", "waiting", "parked", "faulted"}}, 100, before);
    if (!page.ok()) return out;
    for (const auto& one : *page) {
      before = one.id;
      const auto found = of_instance_.find(one.id);
      out.push_back((found == of_instance_.end() ? std::string("some visit")
                                                 : "visit " + std::to_string(found->second)) +
                    ": " + one.workflow + " is " + one.status + " " + one.error.dump() + " " +
                    one.waits.dump());
    }
    if (page->size() < 100) break;
  }
  return out;
}

// --- the books

void PlayedWeek::collect_messages() {
  const auto sent = control("/control/sms/messages", "POST", Json::object());
  ASSERT_TRUE(sent.ok()) << sent.error().message;
  for (const Json& one : (*sent)["messages"].as_array()) {
    const std::string phone = "+" + one.string_or("recipient", "");
    const auto found = of_phone_.find(phone);
    if (found == of_phone_.end()) {
      ADD_FAILURE() << "seed " << plan_.seed << ": a message to a telephone of nobody";
      continue;
    }
    const auto number = static_cast<std::size_t>(found->second);
    if (visits_[number].phone != phone) {
      ++strays_[number];
    } else {
      ++messages_[number][heading(one.string_or("text", ""))];
    }
  }
  (void)desks_[0].http.send("POST", outside_->url("control") + "/control/sms/reset",
                            {{"Content-Type", "application/json"}}, "{}");
}

std::set<int> PlayedWeek::named_in(const std::string& text) const {
  std::set<int> out;
  std::size_t run = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool in = i < text.size() &&
                    ((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'A' && text[i] <= 'Z') ||
                     (text[i] >= 'a' && text[i] <= 'z'));
    if (in) {
      ++run;
      continue;
    }
    if (run == 26) {
      const auto found = of_instance_.find(text.substr(i - run, run));
      if (found != of_instance_.end()) out.insert(found->second);
    }
    run = 0;
  }
  return out;
}

void PlayedWeek::read_sessions(Seen& seen) {
  std::string next = "/sessions?limit=100";
  while (!next.empty()) {
    const auto page = ask("GET", next);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const Json& row : (*page)["items"].as_array()) {
      const auto whole = ask("GET", "/sessions/" + row.string_or("id", ""));
      ASSERT_TRUE(whole.ok()) << whole.error().message;
      const Json& appointment = (*whole)["appointment"];
      const auto found = of_key_.find(appointment.is_string() ? appointment.as_string()
                                                              : appointment.string_or("value", ""));
      if (found == of_key_.end()) {
        ADD_FAILURE() << "seed " << plan_.seed << ": a session of no visit " << appointment.dump();
        continue;
      }
      Books& books = seen.visits[static_cast<std::size_t>(found->second)];
      ++books.sessions;
      const std::string status = whole->string_or("status", "");
      books.outcome = status == "completed" ? "held" : status;
      books.start = local_minute(whole->string_or("scheduledStart", ""));
      visits_[static_cast<std::size_t>(found->second)].session = row.string_or("id", "");
    }
    next = page->string_or("next", "");
    if (next.starts_with("/api/v1")) next.erase(0, 7);
  }
}

void PlayedWeek::read_tasks(Seen& seen) {
  std::map<std::string, int> of_session;
  for (const Live& one : visits_) of_session[one.session] = one.script->number;
  for (const char* state : {"open", "claimed", "done", "cancelled"}) {
    std::string next = "/tasks?limit=100&state=" + std::string(state);
    while (!next.empty()) {
      const auto page = as(desk_, "desk", "GET", next);
      ASSERT_TRUE(page.ok()) << page.error().message;
      for (const Json& task : (*page)["items"].as_array()) {
        const auto found = of_session.find(task["object"].string_or("id", ""));
        if (found == of_session.end()) {
          ADD_FAILURE() << "seed " << plan_.seed << ": a task of no visit "
                        << task.string_or("title", "") << " " << task["object"].dump();
          continue;
        }
        seen.visits[static_cast<std::size_t>(found->second)].tasks.insert(
            task.string_or("title", ""));
      }
      next = page->string_or("next", "");
      if (next.starts_with("/api/v1")) next.erase(0, 7);
    }
  }
}

void PlayedWeek::read_bills(Seen& seen) {
  std::optional<std::string> before;
  for (;;) {
    const auto page = hub_->engine().instances({.workflow = "cashier"}, 100, before);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const auto& one : *page) {
      before = one.id;
      const auto bill = ask("GET", "/instances/" + one.id + "?data=true");
      ASSERT_TRUE(bill.ok()) << bill.error().message;
      const Json& output = (*bill)["output"];
      const auto found = of_instance_.find(output.string_or("consultation", ""));
      if (found == of_instance_.end()) {
        ADD_FAILURE() << "seed " << plan_.seed << ": a bill of no visit";
        continue;
      }
      EXPECT_GE(output.int_or("minutes", 0), week::kTalk)
          << "seed " << plan_.seed << " visit " << found->second;
      ++seen.visits[static_cast<std::size_t>(found->second)].bills;
    }
    if (page->size() < 100) return;
  }
}

void PlayedWeek::read_claims(Seen& seen) {
  const auto answer =
      desks_[0].http.send("POST", outside_->url("control") + "/control/nphies/claims",
                          {{"Content-Type", "application/json"}}, "{}");
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  const sandbox::Json body = sandbox::Json::parse(answer->body);
  for (const sandbox::Json& claim : body["claims"]) {
    const auto named = named_in(claim.dump());
    if (named.size() != 1)
      ADD_FAILURE() << "seed " << plan_.seed << ": a claim of " << named.size() << " visits";
    for (const int number : named) ++seen.visits[static_cast<std::size_t>(number)].claims;
  }
}

void PlayedWeek::read_chart(Seen& seen) {
  std::map<std::string, int> of_encounter;
  for (const std::string type : {"Encounter", "Condition", "Observation", "MedicationRequest",
                                 "Composition", "DocumentReference", "Appointment"}) {
    for (int from = 0;; from += 100) {
      const auto answer = desks_[0].http.send(
          "GET",
          outside_->url("fhir") + "/fhir/" + type + "?_count=100&_offset=" + std::to_string(from),
          {{"Authorization", "Bearer sandbox-fhir-token"}});
      ASSERT_TRUE(answer.ok()) << answer.error().message;
      ASSERT_EQ(answer->status, 200) << type;
      const sandbox::Json body = sandbox::Json::parse(answer->body);
      const std::size_t count = body.contains("entry") ? body["entry"].size() : 0;
      for (std::size_t i = 0; i < count; ++i) {
        const sandbox::Json& one = body["entry"][i]["resource"];
        if (type == "Appointment") {
          const auto found = of_key_.find(one["identifier"][0]["value"].get<std::string>());
          if (found != of_key_.end())
            seen.visits[static_cast<std::size_t>(found->second)].appointment = one["status"];
          continue;
        }
        std::set<int> named = named_in(one.dump());
        const sandbox::Json encounter = one.contains("encounter") ? one["encounter"]
                                        : one.contains("context") ? one["context"]["encounter"][0]
                                                                  : sandbox::Json::object();
        if (named.empty() && encounter.contains("reference")) {
          const auto found = of_encounter.find(encounter["reference"].get<std::string>());
          if (found != of_encounter.end()) named.insert(found->second);
        }
        if (named.size() != 1) {
          ADD_FAILURE() << "seed " << plan_.seed << ": a " << type << " of " << named.size()
                        << " visits";
          continue;
        }
        if (type == "Encounter")
          of_encounter["Encounter/" + one["id"].get<std::string>()] = *named.begin();
        ++seen.visits[static_cast<std::size_t>(*named.begin())].chart[type];
      }
      if (count < 100) break;
    }
  }
}

void PlayedWeek::read_figures(Seen& seen) {
  const auto reported =
      desks_[0].http.json("GET",
                          outside_->url("dhis2") +
                              "/api/dataValueSets?dataSet=TH_MONTHLY&period=202603&orgUnit=PR-FHIR",
                          {{"Authorization", "ApiToken " + std::string(demo::kDemoMohToken)}});
  ASSERT_TRUE(reported.ok()) << reported.error().message;
  for (const Json& one : (*reported)["dataValues"].as_array()) {
    const std::string name = one.string_or("dataElement", "");
    const int value = std::atoi(one.string_or("value", "0").c_str());
    if (name == "TH_VISITS") seen.figures.visits = value;
    if (name == "TH_NO_SHOWS") seen.figures.no_shows = value;
    if (name == "TH_CANCELLED") seen.figures.cancelled = value;
  }
}

Seen PlayedWeek::look() {
  Seen seen;
  seen.visits.resize(plan_.visits.size());
  collect_messages();
  read_sessions(seen);
  read_tasks(seen);
  read_bills(seen);
  read_claims(seen);
  read_chart(seen);
  read_figures(seen);
  for (std::size_t i = 0; i < seen.visits.size(); ++i) {
    seen.visits[i].messages = messages_[i];
    seen.visits[i].strays = strays_[i];
  }
  return seen;
}

}  // namespace rabt::clinic
