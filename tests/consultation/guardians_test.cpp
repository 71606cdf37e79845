#include "hub/audit/reader.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/acts/guardian.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "tests/consultation/session_house.hpp"

// Children: links, messages and consents go to a guardian of the record.
namespace rabt::consultation::guardians_test {
namespace {

constexpr std::int64_t kAdult = 18;

Json mother() {
  return Json::object({{"name", "Mona"}, {"phone", "0559876543"}, {"relation", "mother"}});
}

TEST(GuardedBy, AChildIsOneUntilItsBirthdayInTheKingdom) {
  const Json child =
      Json::object({{"birthDate", "2010-06-15"}, {"guardians", Json::array({mother()})}});
  const auto at = [&](const char* time) {
    return guarded_by(child, test::must(parse_iso8601(time)), kAdult);
  };
  EXPECT_TRUE(at("2028-06-14T20:59:59Z").child);
  EXPECT_EQ(at("2028-06-14T20:59:59Z").guardian->name, "Mona");
  EXPECT_FALSE(at("2028-06-14T21:00:00Z").child) << "midnight in Riyadh";
  EXPECT_FALSE(at("2028-06-14T21:00:00Z").guardian) << "an adult needs none";
  EXPECT_FALSE(guarded_by(child, test::must(parse_iso8601("2026-01-01T00:00:00Z")), 15).child);
}

TEST(GuardedBy, WithoutABirthDateAPatientIsAnAdultAndATextNamesNoGuardian) {
  const Timestamp now = test::must(parse_iso8601("2026-01-01T00:00:00Z"));
  EXPECT_FALSE(
      guarded_by(Json::object({{"guardians", Json::array({mother()})}}), now, kAdult).child);
  const Guarded by =
      guarded_by(Json::object({{"birthDate", "2015-01-01"}, {"guardians", Json::array({"Mona"})}}),
                 now, kAdult);
  EXPECT_TRUE(by.child);
  EXPECT_FALSE(by.guardian);
}

class Guardians : public SessionHouse {
 protected:
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    for (const char* language : {"ar", "en"}) {
      for (const MessageTemplate& message_template : message_templates())
        house_.texts[language][std::string(message_template.name)] =
            std::string(message_template.name) + " {link}{code}";
    }
    provider_.notifies = true;
    clock_.set(test::must(parse_iso8601("2026-12-01T08:00:00Z")));
    SessionHouse::SetUp();
    people_.set(patient_, "phone", "0551234567");
    people_.set(patient_, "birthDate", "2015-05-17");
    people_.set(patient_, "guardians", Json::array({mother()}));
    session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-10T07:00:00Z")));
    part_ = part_of(session_, patient_);
  }
  Json tell() {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.session = session_;
    return must(codes_->tell(ask.caller, {.session = ask.session}));
  }
  std::string code_of_link() {
    return must(sessions_->invitations.invite(
                    as(doctor_, session_, Json::object({{"participant", part_}}))))
        .string_or("code", "");
  }
  Result<AskedGuests::Entered> enter() {
    Ask ask;
    ask.caller.who.tenant = "t1";
    ask.body = Json::object({{"code", code_of_link()}});
    return sessions_->guests.enter(ask, {});
  }
  Answer consents(bool given) {
    return sessions_->people.record_consent(
        by_link(session_, part_, Json::object({{"kind", "recording"}, {"given", given}})));
  }
  // Detail of the newest entry of an act.
  Json detail(std::string_view act) {
    store_->flush();
    Json found;
    for (const auto& entry : must(audit::read_page(*audit_, {}, 500)).entries) {
      if (entry.entry.act == act) found = entry.entry.detail;
    }
    return found;
  }

  std::string session_;
  std::string part_;
};

TEST_F(Guardians, MessagesOfAChildGoToTheGuardian) {
  EXPECT_EQ(tell()["told"].item(0).string_or("outcome", ""), "sent");
  const auto calls = provider_.calls("our-send-sms");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].arguments.string_or("to", ""), "+966559876543");
  EXPECT_EQ(detail("participant.told").string_or("guardian", ""), "mother");
}

TEST_F(Guardians, WithoutAGuardianNoMessageLeaves) {
  people_.forget(patient_, "guardians");
  EXPECT_EQ(tell()["told"].item(0).string_or("outcome", ""), "no_guardian");
  EXPECT_TRUE(provider_.calls("our-send-sms").empty());
}

TEST_F(Guardians, AnAdultIsToldHimself) {
  people_.forget(patient_, "birthDate");
  tell();
  ASSERT_EQ(provider_.calls("our-send-sms").size(), 1U);
  EXPECT_EQ(provider_.calls("our-send-sms")[0].arguments.string_or("to", ""), "+966551234567");
  EXPECT_EQ(detail("participant.told").find("guardian"), nullptr);
  EXPECT_EQ(must(enter()).answer.find("comesFor"), nullptr);
}

// Symptom: a child whose record was merged into one without a birth date was an adult: messages and
// links went to the telephone of that record. Cause: the survivor's profile alone was looked at.
TEST_F(Guardians, AChildIsOneByTheBirthDateOfEitherRecordAndHasItsOwnGuardian) {
  static constexpr store::Statement kMerge{
      "INSERT INTO person_merge (tenant, id, merged, survivor, state, by_actor, asked_ms, sealed) "
      "VALUES ('t1', 'm1', $1, $2, 'in_force', 'desk', 1, $3)"};
  static constexpr store::Statement kUndo{
      "UPDATE person_merge SET state = 'undone', sealed = $3 WHERE tenant = 't1' AND merged = $1 "
      "AND survivor = $2"};
  const auto run = [&](const store::Statement& statement) {
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, statement, {patient2_, patient_, store::Blob{"sealed"}});
    }));
  };
  const auto by = [&] {
    return must(guarded(sessions_->acts.parts(), people_.of(patient_), clock_.now()));
  };
  people_.forget(patient_, "birthDate");
  people_.set(patient2_, "birthDate", "2015-05-17");
  people_.set(patient2_, "guardians",
              Json::array({Json::object(
                  {{"name", "Huda"}, {"phone", "0551119999"}, {"relation", "mother"}})}));
  EXPECT_FALSE(by().child);
  run(kMerge);
  EXPECT_TRUE(by().child);
  EXPECT_EQ(tell()["told"].item(0).string_or("outcome", ""), "sent");
  EXPECT_EQ(provider_.calls("our-send-sms").at(0).arguments.string_or("to", ""), "+966559876543");
  people_.forget(patient_, "guardians");
  EXPECT_TRUE(by().child);
  EXPECT_FALSE(by().guardian) << "the other record's may be another child's";
  run(kUndo);
  EXPECT_FALSE(by().child);
}

TEST_F(Guardians, WhoeverComesByTheLinkConsentsAsTheGuardian) {
  EXPECT_EQ(must(enter()).answer.string_or("comesFor", ""), "Patient One");
  const Json consent = must(consents(true));
  EXPECT_EQ(consent["guardian"], Json::object({{"name", "Mona"}, {"relation", "mother"}}));
  EXPECT_EQ(consent.string_or("by", ""), "guest:" + part_);
  EXPECT_EQ(detail("consent.recorded").string_or("guardian", ""), "mother");
}

TEST_F(Guardians, WithoutAGuardianAChildConsentsToNothingAndTheDeskIsAsked) {
  people_.forget(patient_, "guardians");
  must(enter());
  EXPECT_EQ(code(consents(true)), "consent.guardian");
  ASSERT_EQ(desk_.size(), 1U);
  EXPECT_EQ(desk_[0].task.title, "patient.no-guardian");
  EXPECT_EQ(code(consents(false)), "ok") << "a refusal needs nobody";
}

TEST_F(Guardians, ASecondDeviceNeedsTheCodeThatTheGuardianGets) {
  must(enter());
  Ask ask;
  ask.caller.who.tenant = "t1";
  ask.body = Json::object({{"code", code_of_link()}});
  must(sessions_->guests.send_code(ask));
  const auto calls = provider_.calls("our-send-sms");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].arguments.string_or("to", ""), "+966559876543");
  people_.forget(patient_, "guardians");
  clock_.advance_ms(kHourMs);
  EXPECT_EQ(code(sessions_->guests.send_code(ask)), "invitation.no_phone");
  ASSERT_EQ(desk_.size(), 1U);
  EXPECT_EQ(desk_[0].task.title, "patient.no-guardian");
}

}  // namespace
}  // namespace rabt::consultation::guardians_test
