#pragma once

#include <string>
#include <utility>

#include "tests/consultation/session_house.hpp"

namespace rabt::consultation {

// A visit whose patient comes by a link, from one device or another.
class LinkHouse : public SessionHouse {
 protected:
  static constexpr const char* kPhone = "0551234567";
  static constexpr const char* kBirthDate = "1990-05-17";

  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"})
      house_.texts[language]["second_proof"] = "{hospital} {code}";
    provider_.notifies = true;
    SessionHouse::SetUp();
  }
  // Makes the record of a person one to which a second proof can be sent.
  void can_prove(const std::string& person) {
    people_.set(person, "phone", kPhone);
    people_.set(person, "birthDate", kBirthDate);
  }
  // A visit in an hour of the patient whom the hub knows.
  std::string booked() {
    return id_of(made(with(plain(), "scheduledStart", to_iso8601({clock_.now().ms + 3'600'000}))));
  }
  // The doctor sends the link of the participant, once more with `renew`: the answer.
  Json invited(bool renew) {
    Json body = Json::object({{"participant", part_}});
    if (renew) body.set("renew", true);
    return must(sessions_->invitations.invite(as(doctor_, session_, std::move(body))));
  }
  // A request of nobody who has the link. more: members of the body.
  [[nodiscard]] Ask nobody(const Json& more = Json::object()) const {
    Ask ask;
    ask.caller.who.tenant = "t1";
    ask.caller.client = "203.0.113.7";
    ask.body = Json::object({{"code", link_}});
    for (const auto& [name, value] : more.as_object()) ask.body.set(name, value);
    return ask;
  }
  Result<AskedGuests::Entered> entered(const Json& more, std::string tap = {},
                                       identity::GuestProof held = {}) {
    return sessions_->guests.enter(
        nobody(more), {.held = [held](std::string_view) { return held; }, .tap = std::move(tap)});
  }
  // Asks for the code of a second proof.
  Answer asked() { return sessions_->guests.send_code(nobody()); }
  // Digits of the newest message.
  std::string digits() {
    const auto calls = provider_.calls("our-send-sms");
    if (calls.empty()) return {};
    const std::string text = calls.back().arguments.string_or("text", "");
    return text.substr(text.rfind(' ') + 1);
  }
  static Json with_code(const std::string& digits) {
    return Json::object({{"oneTimeCode", digits}});
  }

  std::string session_;
  std::string part_;
  std::string link_;
};

}  // namespace rabt::consultation
