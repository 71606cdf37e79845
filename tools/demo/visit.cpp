#include "tools/demo/visit.hpp"

#include <chrono>
#include <thread>

namespace rabt::demo {

namespace {

constexpr std::chrono::milliseconds kLookPause{100};

Error unexpected(const std::string& step, const Json& answer) {
  return internal("demo.visit", step + " did not come out as it must: " + answer.dump());
}

// One session and its people.
class Play {
 public:
  explicit Play(const Visit& visit) : visit_(visit) {}
  Status run();

 private:
  Result<Json> as(const std::string& who, const std::string& method, const std::string& path,
                  const Json& body = {}) {
    auto answer = visit_.people.as(who, method, "/sessions/" + session_ + path, body);
    if (answer.ok()) return answer;
    return internal("demo.visit", who + ", " + method + " " + path + ": " + answer.error().message);
  }
  [[nodiscard]] Status open();
  [[nodiscard]] Status meet();
  [[nodiscard]] Status treat();
  [[nodiscard]] Status close();
  // Asks until the answer is as it must be.
  template <typename Holds>
  [[nodiscard]] Status wait(const std::string& path, const std::string& step, Holds holds);
  // Tries until it is ok.
  template <typename Act>
  [[nodiscard]] Status wait_for(const std::string& step, Act act);

  const Visit& visit_;
  std::string session_;
  std::string room_;
};

template <typename Holds>
Status Play::wait(const std::string& path, const std::string& step, Holds holds) {
  return wait_for(step, [&]() -> Status {
    RABT_TRY(answer, as("doctor", "GET", path));
    if (holds(answer)) return ok_status();
    return unexpected(step, answer);
  });
}

template <typename Act>
Status Play::wait_for(const std::string& step, Act act) {
  Status last = ok_status();
  for (std::int64_t waited = 0; waited < visit_.video.patience_ms(); waited += kLookPause.count()) {
    last = act();
    if (last.ok()) return last;
    std::this_thread::sleep_for(kLookPause);
  }
  return internal("demo.visit",
                  "the visit waited too long for " + step + ": " + last.error().message);
}

Status Play::open() {
  RABT_TRY(made,
           visit_.people.as("doctor", "POST", "/sessions",
                            Json::object({{"type", "doctor_patient"},
                                          {"patient", visit_.people.of("patient")["id"]},
                                          {"waitingRoom", true},
                                          {"chiefComplaint", "ألم في الصدر عند صعود الدرج"},
                                          {"context", Json::object({{"specialty", "cardiology"},
                                                                    {"urgency", "routine"}})}})));
  session_ = made.string_or("id", "");
  if (visit_.session != nullptr) *visit_.session = session_;
  visit_.say("session " + session_ + " of " + made.string_or("scheduledStartHijri", "?") +
             " (Umm al-Qura)");
  RABT_TRY(waits, as("patient", "POST", "/join", Json::object({{"deviceType", "ios"}})));
  if (waits.string_or("admission", "") != "waiting") return unexpected("waiting", waits);
  visit_.say("the patient waits");
  RABT_TRY(room, as("doctor", "GET", "/waiting-room"));
  const Json& first = room["items"][0];
  RABT_TRY(in, as("doctor", "POST",
                  "/participants/" +
                      first["participant"].string_or("id", first.string_or("participant", "")) +
                      "/admit"));
  if (in.string_or("admission", "") != "admitted") return unexpected("admitting", in);
  visit_.say("the doctor admits");
  return ok_status();
}

Status Play::meet() {
  for (const char* who : {"doctor", "patient"}) {
    RABT_TRY(joined, as(who, "POST", "/join", Json::object({{"deviceType", "web"}})));
    RABT_TRY(token, as(who, "POST", "/token"));
    RABT_TRY(seen, as("doctor", "GET", ""));
    room_ = seen.string_or("roomSid", "");
    RABT_TRY_STATUS(visit_.video.enter(who, room_, token));
  }
  RABT_TRY_STATUS(
      wait_for("that they hear and see each other", [this] { return visit_.video.together(); }));
  RABT_TRY(started, as("doctor", "POST", "/start"));
  if (started.string_or("status", "") != "active") return unexpected("the start", started);
  visit_.say("both are in the room; the session has begun");
  RABT_TRY(recording, as("doctor", "POST", "/recording/start"));
  if (!recording.bool_or("encrypted", false)) return unexpected("the recording", recording);
  return wait_for("the recording", [this] { return visit_.video.recording(room_); });
}

Status Play::treat() {
  RABT_TRY(said, as("patient", "POST", "/messages", Json::object({{"text", "السلام عليكم 👋"}})));
  RABT_TRY(vitals, as("doctor", "POST", "/vitals",
                      Json::object({{"heartRate", 84},
                                    {"systolic", 138},
                                    {"diastolic", 88},
                                    {"oxygenSaturation", 97},
                                    {"temperatureC", 36.8}})));
  RABT_TRY(note,
           as("doctor", "POST", "/notes",
              Json::object({{"kind", "soap"},
                            {"template", "soap"},
                            {"status", "final"},
                            {"sections", Json::object({{"subjective", "Chest pain on exertion"},
                                                       {"objective", "BP 138/88, SpO2 97 %"},
                                                       {"assessment", "Stable angina"},
                                                       {"plan", "ECG, troponin, review"}})},
                            {"diagnoses",
                             Json::array({Json::object({{"code", "I20.9"},
                                                        {"display", "Angina pectoris, unspecified"},
                                                        {"rank", 1}})})}})));
  RABT_TRY(prescription,
           as("doctor", "POST", "/prescriptions",
              Json::object({{"items", Json::array({Json::object({{"name", "Bisoprolol 2.5 mg"},
                                                                 {"dosage", "1 tablet"},
                                                                 {"frequency", "once daily"},
                                                                 {"duration", "30 days"}})})}})));
  visit_.say("chat, vital signs, a note and prescription " +
             prescription.string_or("number", prescription["number"].dump()) + " are written");
  return ok_status();
}

Status Play::close() {
  // A visit that is claimed has some length.
  std::this_thread::sleep_for(std::chrono::milliseconds(visit_.video.talk_ms()));
  RABT_TRY_STATUS(as("doctor", "POST", "/recording/stop"));
  RABT_TRY(planned, as("doctor", "POST", "/follow-ups",
                       Json::object({{"afterDays", 1}, {"plannedMinutes", 15}})));
  visit_.say("a follow-up is planned for " + planned.string_or("dueAt", "?").substr(0, 10));
  RABT_TRY(summary,
           as("doctor", "POST", "/end", Json::object({{"reason", "consultation_completed"}})));
  if (summary.string_or("status", "") != "completed") return unexpected("the end", summary);
  visit_.video.leave();
  RABT_TRY_STATUS(wait("/recordings", "keeping the recording", [](const Json& list) {
    if (!list["items"].is_array() || list["items"].size() == 0) return false;
    for (const Json& item : list["items"].as_array()) {
      if (item.string_or("status", "") != "ready") return false;
    }
    return true;
  }));
  visit_.say("ended after " + std::to_string(summary.int_or("durationSeconds", 0)) +
             " s; the recording is sealed and kept");
  const auto late = as("patient", "POST", "/messages", Json::object({{"text", "too late"}}));
  if (late.ok()) return unexpected("a message after the end", *late);
  return ok_status();
}

Status Play::run() {
  RABT_TRY_STATUS(open());
  RABT_TRY_STATUS(meet());
  RABT_TRY_STATUS(treat());
  return close();
}

}  // namespace

Status play(const Visit& visit) {
  return Play(visit).run();
}

}  // namespace rabt::demo
