#include <algorithm>
#include <chrono>
#include <thread>

#include "hub/crypto/crypto.hpp"
#include "tests/clinic/week.hpp"

// The people of a week: who is entered, and what doctors and patients do.
namespace rabt::clinic {

using week::Record;

namespace {

constexpr const char* kLicence = "http://nphies.sa/license/practitioner-license";
constexpr const char* kNationalId = "http://nphies.sa/identifier/nationalid";

}  // namespace

Json PlayedWeek::enter(const std::string& role, Json profile) {
  profile.set("roles", Json::array({role}));
  const auto made = ask("POST", "/users", profile);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().code + ": " + made.error().message);
  return made.ok() ? *made : Json::object();
}

void PlayedWeek::enter_staff() {
  // Of the two who are rung for an emergency, the one who speaks Arabic is rung first.
  std::map<int, const week::Visit*> emergencies;
  for (const week::Visit& visit : plan_.visits) {
    if (visit.kind != week::Kind::emergency) continue;
    emergencies[visit.first.doctor] = emergencies[visit.first.doctor + 1] = &visit;
  }
  for (int n = 0; n < plan_.staff; ++n) {
    const std::string number = "N-P-" + std::to_string(10'000 + n);
    Json profile = Json::object(
        {{"name", "Doctor " + std::to_string(n)},
         {"username", "doctor-" + std::to_string(n)},
         {"licenceNumber", number},
         {"externalIds", Json::array({Json::object({{"system", kLicence}, {"value", number}})})}});
    if (const auto found = emergencies.find(n); found != emergencies.end()) {
      const bool first = found->second->first.doctor == n;
      const std::string phone = "+9665" + std::to_string(80'000'000 + n);
      profile.set("phone", phone);
      profile.set("languages", Json::array({Json(first ? "ar" : "en")}));
      of_rung_[phone] = {found->second->number, n};
    }
    const Json item = enter("doctor", std::move(profile));
    doctors_.push_back(item.string_or("uuid", ""));
    number_of_doctor_[item.string_or("id", "")] = n;
  }
  const Json desk = Json::object({{"name", "Desk"}, {"username", "desk"}});
  desk_ = enter("desk", desk).string_or("uuid", "");
}

void PlayedWeek::enter_patient(Live& live) {
  const week::Visit& script = *live.script;
  const int number = script.number;
  const std::string id = part(live.bundle, "Patient")["identifier"][0]["value"].get<std::string>();
  const std::string own = "+9665" + std::to_string(10'000'000 + number);
  const bool child = script.record != Record::adult;
  const bool english = number % 3 == 0 && script.kind != week::Kind::emergency;
  Json profile = Json::object({{"name", "Patient " + std::to_string(number)},
                               {"username", "patient-" + std::to_string(number)},
                               {"phone", own},
                               {"language", english ? "en" : "ar"},
                               {"birthDate", child ? "2015-04-12" : "1985-04-12"}});
  live.phone = own;
  if (script.record == Record::child) {
    live.phone = "+9665" + std::to_string(50'000'000 + number);
    profile.set("guardians",
                Json::array({Json::object(
                    {{"name", "Guardian"}, {"phone", live.phone}, {"relation", "mother"}})}));
  }
  of_phone_[live.phone] = number;
  if (own != live.phone) of_phone_[own] = number;
  if (script.merge != week::Merge::none) {
    Json other = profile;
    other.set("username", "other-" + std::to_string(number));
    if (script.merge == week::Merge::wrong) {
      const std::string phone = "+9665" + std::to_string(60'000'000 + number);
      other.set("name", "Somebody else " + std::to_string(number));
      other.set("phone", phone);
      of_phone_[phone] = number;
    }
    live.other = enter("patient", std::move(other)).string_or("uuid", "");
  }
  // Both ways in which hospitals register. Who comes without a booking is found by his number.
  if (number % 2 == 0 && script.kind == week::Kind::booked) {
    profile.set("externalIds",
                Json::array({Json::object({{"system", kNationalId}, {"value", id}})}));
  } else {
    profile.set("identifiers",
                Json::array({Json::object({{"kind", "national_id"}, {"value", id}})}));
  }
  live.patient = enter("patient", std::move(profile)).string_or("uuid", "");
}

void PlayedWeek::enter_people() {
  enter_staff();
  for (Live& visit : visits_) {
    visit.doctor = doctors_[static_cast<std::size_t>(visit.script->last().doctor)];
    if (visit.script->record != Record::none) enter_patient(visit);
  }
}

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

Result<Json> PlayedWeek::as_patient(Live& live, const std::string& method, const std::string& path,
                                    const Json& body) {
  const std::string at = "/sessions/" + live.session + path;
  if (!live.cookie.empty()) return desks_[0].people->as_guest(live.cookie, method, at, body);
  return as(live.patient, "patient", method, at, body);
}

Status PlayedWeek::find_session(Live& live) {
  RABT_TRY(instance, get(desks_[0], "/instances/" + live.instance + "?data=true"));
  live.session = instance["context"].string_or("session", "");
  return live.session.empty() ? unavailable("test.session", "no session yet") : ok_status();
}

Status PlayedWeek::open_link(Live& live) {
  if (live.script->record != Record::none || !live.cookie.empty()) return ok_status();
  const std::string at = "/sessions/" + live.session;
  RABT_TRY(session, ask("GET", at));
  std::string patient;
  for (const Json& person : session["participants"].as_array()) {
    if (person.string_or("role", "") == "patient") patient = person.string_or("id", "");
  }
  RABT_TRY(invitation, ask("POST", at + "/invitations", Json::object({{"participant", patient}})));
  RABT_TRY(cookie, desks_[0].people->open_link(invitation.string_or("link", "")));
  live.cookie = std::move(cookie);
  return ok_status();
}

Status PlayedWeek::admit(Live& live) {
  const std::string at = "/sessions/" + live.session;
  RABT_TRY(room, as(live.doctor, "doctor", "GET", at + "/waiting-room"));
  for (const Json& person : room["items"].as_array()) {
    const std::string id =
        person["participant"].string_or("id", person.string_or("participant", ""));
    RABT_TRY_STATUS(as(live.doctor, "doctor", "POST", at + "/participants/" + id + "/admit"));
  }
  return ok_status();
}

Status PlayedWeek::enter_room(Live& live, bool doctor) {
  const std::string at = "/sessions/" + live.session;
  const Json web = Json::object({{"deviceType", "web"}});
  Json token;
  if (doctor) {
    RABT_TRY_STATUS(as(live.doctor, "doctor", "POST", at + "/join", web));
    RABT_TRY(given, as(live.doctor, "doctor", "POST", at + "/token"));
    token = std::move(given);
  } else {
    RABT_TRY_STATUS(as_patient(live, "POST", "/join", web));
    RABT_TRY(given, as_patient(live, "POST", "/token", Json::object()));
    token = std::move(given);
  }
  RABT_TRY(session, as(live.doctor, "doctor", "GET", at));
  RABT_TRY_STATUS(control(
      "/control/twilio/join", "POST",
      Json::object({{"room", session.string_or("roomSid", "")}, {"token", token["token"]}})));
  return ok_status();
}

// The hub knows that both are in the room: some news of the provider are lost, so it has to look.
Status PlayedWeek::see_both(Live& live) {
  RABT_TRY(session, ask("GET", "/sessions/" + live.session));
  for (const Json& person : session["participants"].as_array()) {
    if (person.string_or("admission", "") == "admitted" && !person["joinedAt"].is_string())
      return unavailable("test.join", "the hub knows nothing of somebody in the room");
  }
  return ok_status();
}

Status PlayedWeek::treat(Live& live) {
  const std::string at = "/sessions/" + live.session;
  const auto writes = [&](const char* path, const char* body) -> Status {
    RABT_TRY_STATUS(
        as(live.doctor, "doctor", "POST", at + path, Json::parse(body).value(), at + path));
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

Result<bool> PlayedWeek::go_on(Live& live) {
  if (live.session.empty()) RABT_TRY_STATUS(find_session(live));
  switch (live.step) {
    case Step::wait:
      RABT_TRY_STATUS(open_link(live));
      RABT_TRY_STATUS(as_patient(live, "POST", "/join", Json::object({{"deviceType", "ios"}})));
      break;
    case Step::admit:
      RABT_TRY_STATUS(admit(live));
      break;
    case Step::meet:
      RABT_TRY_STATUS(enter_room(live, false));
      break;
    case Step::doctor:
      if (!live.doctor_came) RABT_TRY_STATUS(enter_room(live, true));
      live.doctor_came = true;
      break;
    case Step::start:
      RABT_TRY_STATUS(as(live.doctor, "doctor", "POST", "/sessions/" + live.session + "/start"));
      break;
    case Step::treat:
      RABT_TRY_STATUS(see_both(live));
      RABT_TRY_STATUS(treat(live));
      break;
    case Step::talk:
      break;
    case Step::end:
      RABT_TRY_STATUS(as(live.doctor, "doctor", "POST", "/sessions/" + live.session + "/end",
                         Json::object({{"reason", "consultation_completed"}})));
      break;
    case Step::done:
      return true;
  }
  live.step = static_cast<Step>(static_cast<int>(live.step) + 1);
  return live.step == Step::done;
}

// Those who are on their way get so far, one step each in turn.
void PlayedWeek::go_on_all(Step until) {
  // A room of which the hub hears nothing is looked at each three minutes of virtual time, by a
  // thread that needs a moment of real time for it.
  constexpr auto kJump = std::chrono::milliseconds(50);
  constexpr int kMostJumps = 60;
  std::string last;
  int jumps = 0;
  auto moved_at = steady_clock::now();
  while (!moving_.empty()) {
    bool moved = false;
    for (Live* const one : moving_) {
      const Step before = one->step;
      const auto went = go_on(*one);
      if (!went.ok()) last = went.error().code + " " + went.error().message;
      moved = moved || one->step != before;
    }
    std::erase_if(moving_, [&](const Live* one) { return one->step >= until; });
    if (moved) {
      jumps = 0;
      moved_at = steady_clock::now();
      continue;
    }
    // Time goes on only when all that is due has happened.
    settle();
    if (jumps < kMostJumps) {
      ++jumps;
      clock_.go_to({clock_.now().ms + 5'000});
    }
    std::this_thread::sleep_for(kJump);
    if (jumps < kMostJumps || steady_clock::now() - moved_at < kPatience) continue;
    for (const Live* live : moving_) {
      wrong(*live,
            "nobody gets on at step " + std::to_string(static_cast<int>(live->step)) + ": " + last);
    }
    moving_.clear();
  }
}

}  // namespace rabt::clinic
