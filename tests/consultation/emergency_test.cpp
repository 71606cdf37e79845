#include <future>

#include "tests/consultation/service_house.hpp"

// Doctors are rung for an emergency, one after the other, until one answers.
namespace rabt::consultation::emergency_test {
namespace {

using identity::Role;
using workflow::ActionOutcome;

class Emergencies : public ServiceHouse {
 protected:
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"}) {
      house_.texts[language]["call_997"] = std::string(language) + " call_997 {hospital}";
      house_.texts[language]["staff_emergency"] =
          std::string(language) + " staff_emergency {hospital} {link}";
    }
    provider_.notifies = true;
    ServiceHouse::SetUp();
    arabic_ = doctor("Dr Arabic", "cardiology", {"ar"});
    english_ = doctor("Dr English", "cardiology", {"en"});
    general_ = doctor("Dr General", "general", {"ar"});
    away_ = doctor("Dr Away", "cardiology", {"ar"});
    for (const std::string& text : {arabic_, english_, general_}) online(text);
    people_.set(patient_, "language", "ar");
    clock_.advance_ms(30'000);
  }
  std::string doctor(const char* name, const char* specialty,
                     std::initializer_list<const char*> languages) {
    Json tongues = Json::array();
    for (const char* language : languages) tongues.push_back(language);
    return somebody({Role::doctor},
                    {{"name", name}, {"specialty", specialty}, {"languages", tongues}});
  }
  void online(const std::string& person) {
    must(practice_->set_presence(as(person, {}, Json::object({{"status", "online"}}))));
  }
  // An emergency that a system of the hospital opens for the patient, without a doctor.
  std::string called(const char* specialty = "cardiology") {
    Ask by_hub = ask_of_hub("t1", "workflow");
    by_hub.body =
        Json::object({{"type", "emergency_consultation"},
                      {"request", true},
                      {"patient", patient_},
                      {"chiefComplaint", "chest pain"},
                      {"context", Json::object({{"specialty", specialty}})},
                      {"participants",
                       Json::array({Json::object({{"role", "patient"}, {"person", patient_}})})}});
    return id_of(must(sessions_->creation.create(by_hub)));
  }
  Json call(const std::string& action, Json arguments) {
    plugin::CallRequest request;
    request.tenant = "t1";
    request.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    request.action = action;
    request.arguments = std::move(arguments);
    request.idempotency_key = "k";
    std::promise<ActionOutcome> ended;
    service_->invoke(request, [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    const ActionOutcome outcome = ended.get_future().get();
    EXPECT_EQ(outcome.kind, workflow::OutcomeKind::done) << outcome.code << outcome.message;
    return outcome.output;
  }
  // "ringing Dr", "unanswered": the state, and the doctor who is rung.
  std::string ring(const std::string& session) {
    const Json item = call("ring", Json::object({{"session", session}}));
    const std::string person = item.string_or("provider", "");
    return item.string_or("state", "") +
           (person.empty() ? "" : " " + people_.of(person).profile.string_or("name", ""));
  }
  Json rings(const std::string& person) {
    return must(sessions_->reading.rings(as(person)))["items"];
  }
  // Outcomes of the rings that ended, as the live channel is told.
  std::vector<std::string> endings() {
    std::vector<std::string> out;
    sessions_->catch_up();
    const Lock lock(told_mutex_);
    for (const Json& event : told_) {
      if (event.string_or("type", "") == "org.rabt.hub.provider.ring-ended.v1")
        out.push_back(event["data"].string_or("outcome", ""));
    }
    return out;
  }

  std::string arabic_;
  std::string english_;
  std::string general_;
  std::string away_;
};

TEST_F(Emergencies, DoctorsAreRungInTurnBySpecialtyAndLanguage) {
  const std::string id = called();
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  EXPECT_EQ(ring(id), "ringing Dr Arabic") << "the same call rings nobody twice";
  ASSERT_EQ(rings(arabic_).size(), 1U);
  EXPECT_EQ(rings(arabic_).item(0).string_or("session", ""), id);
  EXPECT_EQ(rings(english_).size(), 0U);
  clock_.advance_ms(59'000);
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  clock_.advance_ms(1'000);
  EXPECT_EQ(ring(id), "ringing Dr English");
  EXPECT_EQ(rings(arabic_).size(), 0U);
  clock_.advance_ms(60'000);
  EXPECT_EQ(ring(id), "ringing Dr General") << "to a patient alone any doctor is better than none";
  EXPECT_EQ(rings(away_).size(), 0U);
  clock_.advance_ms(60'000);
  EXPECT_EQ(ring(id), "unanswered");
  EXPECT_EQ(must(sessions_->reading.get(as_admin(id)))["warnings"].dump(),
            R"(["emergency.unanswered"])");
  EXPECT_TRUE(eventually([&] { return told("emergency-unanswered").size() == 1; }));
  EXPECT_TRUE(eventually([&] {
    return endings() == std::vector<std::string>{"unanswered", "unanswered", "unanswered"};
  }));
  online(away_);
  EXPECT_EQ(ring(id), "unanswered") << "the desk has it now";
}

TEST_F(Emergencies, AfterThreeMinutesNobodyIsRungAnyMore) {
  online(away_);
  const std::string id = called();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(ring(id).starts_with("ringing")) << i;
    clock_.advance_ms(60'000);
  }
  EXPECT_EQ(ring(id), "unanswered") << "a fourth doctor is online";
}

TEST_F(Emergencies, TheFirstWhoAcceptsHasItAndTheSecondHearsWho) {
  const std::string id = called();
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  EXPECT_EQ(code(sessions_->reading.get(as(general_, id))), "ok")
      << "any doctor may see an emergency that nobody has answered";
  const Json mine = must(sessions_->life.accept(as(arabic_, id)));
  EXPECT_EQ(mine.string_or("provider", ""), arabic_);
  const Answer late = sessions_->life.accept(as(english_, id));
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "session.already_accepted");
  EXPECT_NE(late.error().message.find(arabic_), std::string::npos) << late.error().message;
  EXPECT_EQ(code(sessions_->life.accept(as(arabic_, id))), "ok") << "the same doctor again";
  EXPECT_EQ(code(sessions_->reading.get(as(general_, id))), "authorisation.denied");
  EXPECT_EQ(code(sessions_->life.accept(as(nurse_, id))), "authorisation.denied");
  EXPECT_EQ(rings(arabic_).size(), 0U);
  EXPECT_EQ(ring(id), "answered");
  EXPECT_TRUE(eventually([&] { return endings() == std::vector<std::string>{"taken"}; }));
  EXPECT_EQ(must(sessions_->life.start(as(arabic_, id))).string_or("status", ""), "active");
}

TEST_F(Emergencies, RacingDoctorsAreOneYesAndOneNo) {
  const std::string id = called();
  (void)ring(id);
  std::atomic<int> taken = 0;
  std::atomic<int> late = 0;
  std::vector<std::thread> doctors;
  for (const std::string& text : {arabic_, english_, general_, away_}) {
    doctors.emplace_back([&, text] {
      const std::string said = code(sessions_->life.accept(as(text, id)));
      if (said == "ok") ++taken;
      if (said == "session.already_accepted") ++late;
    });
  }
  for (std::thread& doctor : doctors) doctor.join();
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(late, 3);
}

TEST_F(Emergencies, WhoeverEndsTheEmergencyStopsTheRinging) {
  const std::string id = called();
  (void)ring(id);
  ASSERT_EQ(rings(arabic_).size(), 1U);
  must(sessions_->life.cancel(as_admin(id, Json::object({{"reason", "false alarm"}}))));
  EXPECT_EQ(rings(arabic_).size(), 0U) << "before the workflow has heard of it";
  EXPECT_EQ(ring(id), "over");
  EXPECT_TRUE(eventually([&] { return endings() == std::vector<std::string>{"over"}; }));
}

TEST_F(Emergencies, NobodyIsRungForEverWhenTheWorkflowIsGone) {
  const std::string id = called();
  (void)ring(id);
  clock_.advance_ms(60'000);
  EXPECT_EQ(rings(arabic_).size(), 0U);
}

TEST_F(Emergencies, RingingGoesOnAfterTheHubBeganAgain) {
  const std::string id = called();
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  begin_again();
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  clock_.advance_ms(60'000);
  EXPECT_EQ(ring(id), "ringing Dr English");
}

TEST_F(Emergencies, RightAfterTheStartPagesAreGivenTimeToConnect) {
  for (const std::string& text : {arabic_, english_, general_})
    must(practice_->set_presence(as(text, {}, Json::object({{"status", "offline"}}))));
  const std::string id = called();
  EXPECT_EQ(ring(id), "unanswered");
  service_ = make_session_actions(*sessions_, *records_, practice_->itself());
  const std::string other = called();
  EXPECT_EQ(ring(other), "waiting");
  online(english_);
  EXPECT_EQ(ring(other), "ringing Dr English");
}

TEST_F(Emergencies, ADoctorWhoAsksForASpecialtyKeepsTheVisit) {
  const std::string id =
      id_of(made(Json::object({{"type", "emergency_consultation"},
                               {"context", Json::object({{"specialty", "cardiology"}})}})));
  EXPECT_EQ(ring(id), "ringing Dr Arabic");
  EXPECT_EQ(code(sessions_->life.accept(as(doctor_, id))), "ok");
  EXPECT_EQ(ring(id), "ringing Dr Arabic") << "whoever asks does not answer himself";
  const Json item = must(sessions_->life.accept(as(arabic_, id)));
  EXPECT_EQ(item.string_or("provider", ""), doctor_);
  EXPECT_EQ(part(id, arabic_).string_or("admission", ""), "admitted");
  EXPECT_EQ(ring(id), "answered");
}

TEST_F(Emergencies, AColleagueOfAnotherSpecialtyIsNotRungForADoctor) {
  must(practice_->set_presence(as(arabic_, {}, Json::object({{"status", "busy"}}))));
  must(practice_->set_presence(as(english_, {}, Json::object({{"status", "offline"}}))));
  const std::string id =
      id_of(made(Json::object({{"type", "emergency_consultation"},
                               {"context", Json::object({{"specialty", "cardiology"}})}})));
  EXPECT_EQ(ring(id), "unanswered");
}

TEST_F(Emergencies, ADoctorWhoOpensOneForHimselfCallsNobody) {
  const std::string id = id_of(made(Json::object({{"type", "emergency_consultation"}})));
  EXPECT_EQ(ring(id), "answered");
  EXPECT_EQ(code(sessions_->reading.get(as(general_, id))), "authorisation.denied");
}

TEST_F(Emergencies, TheDeskAssignsADoctorAndTheRingingStops) {
  const std::string id = called();
  (void)ring(id);
  must(sessions_->life.assign(as_admin(id, Json::object({{"provider", away_}}))));
  EXPECT_EQ(ring(id), "answered");
  EXPECT_EQ(code(sessions_->life.accept(as(arabic_, id))), "session.already_accepted");
}

TEST_F(Emergencies, ADoctorIsToldWithoutDataOfThePatient) {
  const std::string id = called();
  (void)ring(id);
  const Json arguments =
      Json::object({{"session", id}, {"person", arabic_}, {"message", "emergency"}});
  EXPECT_EQ(call("tell-staff", arguments).string_or("outcome", ""), "no_address");
  people_.set(english_, "phone", "0551234567");
  const Json to_english = with(arguments, "person", english_);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(call("tell-staff", to_english).string_or("outcome", ""), "sent");
  const auto sent = provider_.calls("our-send-sms");
  ASSERT_EQ(sent.size(), 1U) << "once";
  EXPECT_EQ(sent[0].arguments.string_or("to", ""), "+966551234567");
  EXPECT_EQ(sent[0].arguments.string_or("text", ""),
            "ar staff_emergency مستشفى الواحة https://hub.example.sa/clinic");
  provider_.names["notify.email.send"] = "our-send-email";
  provider_.served.insert("our-send-email");
  people_.set(general_, "email", "g@hospital.example");
  people_.set(general_, "language", "en");
  EXPECT_EQ(call("tell-staff", with(arguments, "person", general_)).string_or("outcome", ""),
            "sent");
  const auto mails = provider_.calls("our-send-email");
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(mails[0].arguments.string_or("subject", ""), "Oasis Hospital");
}

TEST_F(Emergencies, ThePatientIsToldToCallOnceAtAnyHour) {
  people_.set(patient_, "phone", "0557654321");
  clock_.set(test::must(parse_iso8601("2027-12-01T20:00:00Z")));  // 23:00 in Riyadh
  const std::string id = called();
  const Json arguments = Json::object({{"session", id}, {"message", "call_997"}});
  EXPECT_EQ(call("tell", arguments).dump(), R"({"told":[{"kind":"call_997","outcome":"sent"}]})");
  EXPECT_EQ(call("tell", arguments).dump(), R"({"told":[]})");
  ASSERT_EQ(provider_.calls("our-send-sms").size(), 1U);
  EXPECT_TRUE(provider_.calls("our-send-sms")[0]
                  .arguments.string_or("text", "")
                  .starts_with("ar call_997"));
}

}  // namespace
}  // namespace rabt::consultation::emergency_test
