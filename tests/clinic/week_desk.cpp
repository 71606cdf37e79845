#include <array>

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

}  // namespace rabt::clinic
