#include <set>
#include <utility>

#include "tests/clinic/week.hpp"

// The hospital's systems and its front desk in a week.
namespace rabt::clinic {

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

void PlayedWeek::reopen() {
  hub_.reset();
  start_hub(config_file_);
}

// --- the desk

void PlayedWeek::decide(Live& one, const std::string& kind, const char* answer) {
  const auto list = as(desk_, "desk", "GET", "/tasks?state=open&kind=" + kind + "&limit=100");
  if (!list.ok()) return wrong(one, "tasks: " + list.error().message);
  if (!decide_in((*list)["items"], one, answer))
    wrong(one, "the desk has no task of the kind " + kind);
}

bool PlayedWeek::decide_in(const Json& tasks, Live& one, const char* answer) {
  if (one.session.empty()) (void)find_session(one);
  for (const Json& task : tasks.as_array()) {
    if (task["object"].string_or("id", "") != one.session) continue;
    const auto did =
        as(desk_, "desk", "POST", "/tasks/" + task.string_or("id", "") + "/decide",
           Json::object({{"answer", Json::object({{"outcome", answer}})}, {"reason", "test"}}));
    if (!did.ok()) wrong(one, "the desk's answer: " + did.error().message);
    return true;
  }
  return false;
}

// A payer that was away before a visit says only after it that it does not cover it.
void PlayedWeek::decide_late() {
  const auto list = as(desk_, "desk", "GET", "/tasks?state=open&kind=coverage&limit=100");
  ASSERT_TRUE(list.ok()) << list.error().code << " " << list.error().message;
  for (Live& one : visits_) {
    if (one.script->payer == week::Payer::not_eligible && one.step == Step::done)
      (void)decide_in((*list)["items"], one, "self-pay");
  }
}

// A doctor is ill: all his visits of the day are another one's at once.
void PlayedWeek::give_away() {
  const std::string& to = doctors_[static_cast<std::size_t>(plan_.stand_in())];
  const std::string path = "/providers/" + doctors_[week::kIll] + "/day";
  Json body = Json::object({{"date", week::local_time(plan_.ill_at()).substr(0, 10)},
                            {"act", "give"},
                            {"provider", to}});
  const auto shown = as(desk_, "desk", "POST", path + "/preview", body);
  ASSERT_TRUE(shown.ok()) << shown.error().code << " " << shown.error().message;
  Json visits = Json::array();
  for (const Json& one : (*shown)["visits"].as_array())
    visits.push_back(
        Json::object({{"session", one.string_or("session", "")}, {"version", one["version"]}}));
  std::set<std::string> given;
  if (visits.size() > 0) {
    body.set("visits", std::move(visits));
    body.set("reason", "ill");
    const auto done = as(desk_, "desk", "POST", path, body);
    ASSERT_TRUE(done.ok()) << done.error().code << " " << done.error().message;
    for (const Json& one : (*done)["visits"].as_array()) {
      if (one.string_or("outcome", "") == "given") given.insert(one.string_or("session", ""));
    }
  }
  for (Live& one : visits_) {
    if (!one.script->given) continue;
    if (one.session.empty()) (void)find_session(one);
    if (!given.contains(one.session)) wrong(one, "it is left behind with the ill doctor");
    one.doctor = to;
  }
}

// A patient who has no booking.
void PlayedWeek::take_in(Live& one) {
  const auto made =
      as(desk_, "desk", "POST", "/sessions",
         Json::object({{"type", "doctor_patient"},
                       {"bookingType", "direct"},
                       {"provider", one.doctor},
                       {"patient", one.patient},
                       {"scheduledStart", to_iso8601({week::unix_ms(one.script->booked_at)})},
                       {"plannedMinutes", week::kVisitMinutes},
                       {"organizer", Json::object({{"person", one.doctor}, {"role", "doctor"}})}}));
  if (!made.ok()) return wrong(one, "the desk: " + made.error().message);
  one.session = made->string_or("id", "");
  moving_.push_back(&one);
}

// Whoever is right signs in with the survivor from then on.
void PlayedWeek::merge(Live& one) {
  const auto made = ask("POST", "/patients/" + one.patient + "/merge",
                        Json::object({{"into", one.other}, {"reason", "test"}}));
  if (!made.ok()) return wrong(one, "the merge: " + made.error().message);
  if (made->string_or("state", "") != "in_force") wrong(one, "the merge waits");
  if (one.session.empty()) (void)find_session(one);
  if (!lists(one.other, one.session)) wrong(one, "the survivor's record lists no visit");
  if (one.script->merge == week::Merge::right) std::swap(one.patient, one.other);
}

void PlayedWeek::separate(Live& one) {
  const auto undone = desks_[0].http.send(
      "POST", hub_->url() + "/api/v1/patients/" + one.patient + "/unmerge",
      {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}},
      Json::object({{"reason", "test"}}).dump());
  if (!undone.ok() || undone->status != 204) wrong(one, "the records are not separated");
}

// --- emergencies

void PlayedWeek::set_presence(Live& one, const char* status) {
  for (const int n : {one.script->first.doctor, one.script->first.doctor + 1}) {
    const auto set = as(doctors_[static_cast<std::size_t>(n)], "doctor", "PUT", "/me/presence",
                        Json::object({{"status", status}}));
    if (!set.ok()) wrong(one, "the presence: " + set.error().message);
  }
}

// The two doctors of the emergency alone are online, or no doctor is.
void PlayedWeek::call_for_help(Live& one) {
  set_presence(one, one.script->answered ? "online" : "offline");
  const auto made = as(one.patient, "patient", "POST", "/sessions",
                       Json::object({{"type", "emergency_consultation"},
                                     {"request", true},
                                     {"chiefComplaint", "Chest pain"}}));
  if (!made.ok()) return wrong(one, "the call for help: " + made.error().message);
  one.session = made->string_or("id", "");
}

// The first doctor has not answered.
void PlayedWeek::answer_call(Live& one) {
  one.doctor = doctors_[static_cast<std::size_t>(one.script->doctor)];
  const auto rings = as(one.doctor, "doctor", "GET", "/me/rings");
  if (!rings.ok()) return wrong(one, "the rings: " + rings.error().message);
  bool rung = false;
  for (const Json& ring : (*rings)["items"].as_array())
    rung = rung || ring.string_or("session", "") == one.session;
  if (!rung) wrong(one, "the second doctor is not rung");
  const auto taken = as(one.doctor, "doctor", "POST", "/sessions/" + one.session + "/accept");
  if (!taken.ok()) return wrong(one, "the answer: " + taken.error().message);
  set_presence(one, "offline");
  moving_.push_back(&one);
}

void PlayedWeek::give_up(Live& one) {
  const auto off = as(one.patient, "patient", "POST", "/sessions/" + one.session + "/cancel",
                      Json::object({{"reason", "test"}}));
  if (!off.ok()) wrong(one, "the patient calls it off: " + off.error().message);
}

}  // namespace rabt::clinic
