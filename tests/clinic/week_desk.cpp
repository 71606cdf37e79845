#include <set>
#include <utility>

#include "tests/clinic/week.hpp"

// The hospital's systems and its front desk in a week.
namespace rabt::clinic {

void PlayedWeek::wrong(const Live& live, const std::string& what) {
  unexplained_.push_back("seed " + std::to_string(plan_.seed) + " visit " +
                         std::to_string(live.script->number) + ": " + what);
}

void PlayedWeek::tell(Live& live, const week::Slot& slot, const char* status) {
  sandbox::Json bundle = live.bundle;
  sandbox::Json& appointment = part(bundle, "Appointment");
  appointment["status"] = status;
  // A cancellation that overtakes its booking is the newer word all the same.
  const bool late = live.script->overtaken() && std::string_view(status) == "booked";
  ++live.version;
  const int version = live.script->overtaken() ? (late ? 1 : 2) : live.version;
  const std::int64_t said_ms =
      late ? week::unix_ms(*live.script->cancelled_at - 30) : clock_.now().ms;
  appointment["meta"] = {{"versionId", std::to_string(version)},
                         {"lastUpdated", to_iso8601({said_ms})}};
  appointment["start"] = to_iso8601({week::unix_ms(slot.minute)});
  appointment["end"] = to_iso8601({week::unix_ms(slot.minute + week::kVisitMinutes)});
  part(bundle, "Practitioner")["identifier"][0]["value"] =
      "N-P-" + std::to_string(10'000 + slot.doctor);
  const demo::Booking booking{.id = "msg_" + ids_.next().text(), .body = bundle.dump()};
  const auto accepted = deliver(desks_[0], booking);
  if (!accepted.ok()) return wrong(live, "not accepted: " + accepted.error().code);
  if (!live.instance.empty() || (*accepted)["instances"].size() == 0) return;
  live.instance = (*accepted)["instances"][0].as_string();
  live.accepted_at = static_cast<int>((clock_.now().ms - week::unix_ms(0)) / 60'000);
  of_instance_[live.instance] = live.script->number;
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

void PlayedWeek::decide(Live& live, const std::string& kind, const char* answer) {
  const auto list = as(desk_, "desk", "GET", "/tasks?state=open&kind=" + kind + "&limit=100");
  if (!list.ok()) return wrong(live, "tasks: " + list.error().message);
  if (!decide_in((*list)["items"], live, answer))
    wrong(live, "the desk has no task of the kind " + kind);
}

bool PlayedWeek::decide_in(const Json& tasks, Live& live, const char* answer) {
  if (live.session.empty()) (void)find_session(live);
  for (const Json& task : tasks.as_array()) {
    if (task["object"].string_or("id", "") != live.session) continue;
    const auto did =
        as(desk_, "desk", "POST", "/tasks/" + task.string_or("id", "") + "/decide",
           Json::object({{"answer", Json::object({{"outcome", answer}})}, {"reason", "test"}}));
    if (!did.ok()) wrong(live, "the desk's answer: " + did.error().message);
    return true;
  }
  return false;
}

// A payer that was away before a visit says only after it that it does not cover it.
void PlayedWeek::decide_late() {
  const auto list = as(desk_, "desk", "GET", "/tasks?state=open&kind=coverage&limit=100");
  ASSERT_TRUE(list.ok()) << list.error().code << " " << list.error().message;
  for (Live& visit : visits_) {
    if (visit.script->payer == week::Payer::not_eligible && visit.step == Step::done)
      (void)decide_in((*list)["items"], visit, "self-pay");
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
  for (const Json& node : (*shown)["visits"].as_array())
    visits.push_back(
        Json::object({{"session", node.string_or("session", "")}, {"version", node["version"]}}));
  std::set<std::string> given;
  if (visits.size() > 0) {
    body.set("visits", std::move(visits));
    body.set("reason", "ill");
    const auto done = as(desk_, "desk", "POST", path, body);
    ASSERT_TRUE(done.ok()) << done.error().code << " " << done.error().message;
    for (const Json& item : (*done)["visits"].as_array()) {
      if (item.string_or("outcome", "") == "given") given.insert(item.string_or("session", ""));
    }
  }
  for (Live& visit : visits_) {
    if (!visit.script->given) continue;
    if (visit.session.empty()) (void)find_session(visit);
    if (!given.contains(visit.session)) wrong(visit, "it is left behind with the ill doctor");
    visit.doctor = to;
  }
}

// A patient who has no booking.
void PlayedWeek::take_in(Live& live) {
  const auto made = as(
      desk_, "desk", "POST", "/sessions",
      Json::object({{"type", "doctor_patient"},
                    {"bookingType", "direct"},
                    {"provider", live.doctor},
                    {"patient", live.patient},
                    {"scheduledStart", to_iso8601({week::unix_ms(live.script->booked_at)})},
                    {"plannedMinutes", week::kVisitMinutes},
                    {"organizer", Json::object({{"person", live.doctor}, {"role", "doctor"}})}}));
  if (!made.ok()) return wrong(live, "the desk: " + made.error().message);
  live.session = made->string_or("id", "");
  moving_.push_back(&live);
}

// Whoever is right signs in with the survivor from then on.
void PlayedWeek::merge(Live& live) {
  const auto made = ask("POST", "/patients/" + live.patient + "/merge",
                        Json::object({{"into", live.other}, {"reason", "test"}}));
  if (!made.ok()) return wrong(live, "the merge: " + made.error().message);
  if (made->string_or("state", "") != "in_force") wrong(live, "the merge waits");
  if (live.session.empty()) (void)find_session(live);
  if (!lists(live.other, live.session)) wrong(live, "the survivor's record lists no visit");
  if (live.script->merge == week::Merge::right) std::swap(live.patient, live.other);
}

void PlayedWeek::separate(Live& live) {
  const auto undone = desks_[0].http.send(
      "POST", hub_->url() + "/api/v1/patients/" + live.patient + "/unmerge",
      {{"Authorization", "Bearer " + token_}, {"Content-Type", "application/json"}},
      Json::object({{"reason", "test"}}).dump());
  if (!undone.ok() || undone->status != 204) wrong(live, "the records are not separated");
}

// --- emergencies

void PlayedWeek::set_presence(Live& live, const char* status) {
  for (const int n : {live.script->first.doctor, live.script->first.doctor + 1}) {
    const auto set = as(doctors_[static_cast<std::size_t>(n)], "doctor", "PUT", "/me/presence",
                        Json::object({{"status", status}}));
    if (!set.ok()) wrong(live, "the presence: " + set.error().message);
  }
}

// The two doctors of the emergency alone are online, or no doctor is.
void PlayedWeek::call_for_help(Live& live) {
  set_presence(live, live.script->answered ? "online" : "offline");
  const auto made = as(live.patient, "patient", "POST", "/sessions",
                       Json::object({{"type", "emergency_consultation"},
                                     {"request", true},
                                     {"chiefComplaint", "Chest pain"}}));
  if (!made.ok()) return wrong(live, "the call for help: " + made.error().message);
  live.session = made->string_or("id", "");
}

// The first doctor has not answered.
void PlayedWeek::answer_call(Live& live) {
  live.doctor = doctors_[static_cast<std::size_t>(live.script->doctor)];
  const auto rings = as(live.doctor, "doctor", "GET", "/me/rings");
  if (!rings.ok()) return wrong(live, "the rings: " + rings.error().message);
  bool rung = false;
  for (const Json& ring : (*rings)["items"].as_array())
    rung = rung || ring.string_or("session", "") == live.session;
  if (!rung) wrong(live, "the second doctor is not rung");
  const auto taken = as(live.doctor, "doctor", "POST", "/sessions/" + live.session + "/accept");
  if (!taken.ok()) return wrong(live, "the answer: " + taken.error().message);
  set_presence(live, "offline");
  moving_.push_back(&live);
}

void PlayedWeek::give_up(Live& live) {
  const auto off = as(live.patient, "patient", "POST", "/sessions/" + live.session + "/cancel",
                      Json::object({{"reason", "test"}}));
  if (!off.ok()) wrong(live, "the patient calls it off: " + off.error().message);
}

}  // namespace rabt::clinic
