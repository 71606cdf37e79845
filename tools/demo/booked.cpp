#include "tools/demo/booked.hpp"

namespace rabt::demo {

BookedVisit::BookedVisit(Setting setting, std::string session, std::string doctor,
                         std::string patient)
    : setting_(std::move(setting)),
      session_(std::move(session)),
      doctor_(std::move(doctor)),
      patient_(std::move(patient)) {
  if (!patient_.empty()) {
    steps_.push_back(
        {"wait", [this]() -> Status {
           RABT_TRY_STATUS(as(patient_, "POST", "/join", Json::object({{"deviceType", "ios"}})));
           say("the patient waits");
           return ok_status();
         }});
    steps_.push_back({"admit", [this] { return admit(); }});
  }
  if (!patient_.empty()) steps_.push_back({"meet", [this] { return enter(patient_); }});
  steps_.push_back({"meet", [this] { return enter(doctor_); }});
  steps_.push_back({"meet", [this] { return setting_.video.together(); }});
  steps_.push_back({"start", [this]() -> Status {
                      RABT_TRY_STATUS(as(doctor_, "POST", "/start"));
                      say("both are in the room; the session has begun");
                      return ok_status();
                    }});
  steps_.push_back({"record", [this]() -> Status {
                      RABT_TRY_STATUS(setting_.video.recording(room_));
                      recorded_since_ = std::chrono::steady_clock::now();
                      return ok_status();
                    }});
  if (!setting_.silent) steps_.push_back({"treat", [this] { return treat(); }});
  steps_.push_back({"end", [this]() -> Status {
                      // A visit that is claimed has some length.
                      const auto over =
                          recorded_since_ + std::chrono::milliseconds(setting_.video.talk_ms());
                      if (std::chrono::steady_clock::now() < over)
                        return unavailable("demo.talk", "they still talk");
                      RABT_TRY_STATUS(as(doctor_, "POST", "/end",
                                         Json::object({{"reason", "consultation_completed"}})));
                      setting_.video.leave();
                      say("they hang up");
                      return ok_status();
                    }});
}

std::string BookedVisit::next() const {
  return done_ < steps_.size() ? steps_[done_].name : std::string();
}

Status BookedVisit::go_on() {
  if (done_ == steps_.size()) return ok_status();
  RABT_TRY_STATUS(steps_[done_].act());
  ++done_;
  return ok_status();
}

Result<Json> BookedVisit::as(const std::string& who, const std::string& method,
                             const std::string& path, const Json& body) {
  // Each text is written once, however often the step is tried.
  const bool writes =
      path == "/messages" || path == "/vitals" || path == "/notes" || path == "/prescriptions";
  return setting_.people.as(who, method, "/sessions/" + session_ + path, body,
                            writes ? session_ + path : std::string());
}

Status BookedVisit::enter(const std::string& who) {
  RABT_TRY_STATUS(as(who, "POST", "/join", Json::object({{"deviceType", "web"}})));
  RABT_TRY(token, as(who, "POST", "/token"));
  RABT_TRY(seen, as(doctor_, "GET", ""));
  room_ = seen.string_or("roomSid", "");
  return setting_.video.enter(who, room_, token);
}

Status BookedVisit::admit() {
  RABT_TRY(room, as(doctor_, "GET", "/waiting-room"));
  // No participant waits any more when the answer to an earlier attempt was lost.
  for (const Json& item : room["items"].as_array()) {
    const std::string id = item["participant"].string_or("id", item.string_or("participant", ""));
    RABT_TRY_STATUS(as(doctor_, "POST", "/participants/" + id + "/admit"));
  }
  say("the doctor admits");
  return ok_status();
}

Status BookedVisit::treat() {
  if (!patient_.empty())
    RABT_TRY_STATUS(as(patient_, "POST", "/messages", Json::object({{"text", "السلام عليكم 👋"}})));
  RABT_TRY_STATUS(as(doctor_, "POST", "/vitals",
                     Json::object({{"heartRate", 92},
                                   {"systolic", 124},
                                   {"diastolic", 79},
                                   {"oxygenSaturation", 98},
                                   {"temperatureC", 38.4}})));
  RABT_TRY_STATUS(as(
      doctor_, "POST", "/notes",
      Json::object(
          {{"template", "soap"},
           {"status", "final"},
           {"sections", Json::object({{"subjective", "صداع نابض وارتفاع في الحرارة، دون تقيؤ"},
                                      {"objective", "الحلق محتقن، الرئتان صافيتان بالسماع الذاتي"},
                                      {"assessment", "إنفلونزا مع أعراض تنفسية"},
                                      {"plan", "سوائل وباراسيتامول، مراجعة بعد ثلاثة أيام"}})},
           {"diagnoses",
            Json::array(
                {Json::object({{"code", "J11.1"},
                               {"display", "Influenza with other respiratory manifestations"},
                               {"rank", 1}}),
                 Json::object(
                     {{"code", "R50.9"}, {"display", "Fever, unspecified"}, {"rank", 2}})})}})));
  RABT_TRY_STATUS(
      as(doctor_, "POST", "/prescriptions",
         Json::object({{"items", Json::array({Json::object({{"name", "Paracetamol 500 mg"},
                                                            {"dosage", "1 tablet"},
                                                            {"frequency", "every 6 hours"},
                                                            {"duration", "3 days"}})})}})));
  say("chat, vital signs, a note with its diagnosis and a prescription are written");
  return ok_status();
}

}  // namespace rabt::demo
