#include "hub/consultation/sessions/second_proof.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "tests/consultation/link_house.hpp"

// A link that is opened on a second device.
namespace rabt::consultation::second_proof_test {
namespace {

class SecondProofs : public LinkHouse {
 protected:
  void SetUp() override {
    LinkHouse::SetUp();
    can_prove(patient_);
    session_ = booked();
    part_ = part_of(session_, patient_);
    link_ = sent(false);
    first_ = must(enter()).proof;
  }
  std::string sent(bool renew) { return invited(renew).string_or("code", ""); }
  Result<AskedGuests::Entered> enter(const Json& more = Json::object(), std::string tap = {},
                                     identity::GuestProof held = {}) {
    return entered(more, std::move(tap), std::move(held));
  }
  // Six digits that are not these.
  static std::string other_than(const std::string& digits) {
    return (digits.front() == '9' ? "0" : "9") + digits.substr(1);
  }
  bool opens(const identity::GuestProof& proof) {
    return must(sessions_->guests.part_of(proof)).has_value();
  }
  void reopen() {
    close();
    open();
  }

  identity::GuestProof first_;
};

TEST_F(SecondProofs, ACodeToTheTelephoneOfTheRecordMovesTheVisitToTheSecondDevice) {
  EXPECT_EQ(code(enter()), "invitation.second_proof");
  const Json item = must(asked());
  EXPECT_EQ(item.string_or("expiresAt", ""), to_iso8601({clock_.now().ms + 10 * kMinuteMs}));
  const auto calls = provider_.calls("our-send-sms");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].arguments.string_or("to", ""), "+966551234567");
  ASSERT_EQ(digits().size(), 6U);
  const auto second = must(enter(with_code(digits()), "tap-of-the-second"));
  EXPECT_NE(second.proof.secret, first_.secret);
  EXPECT_TRUE(opens(second.proof));
  EXPECT_FALSE(opens(first_)) << "one device holds the visit";
  EXPECT_EQ(second.answer["participant"].string_or("id", ""), part_);
  // The answer was lost on the way: the same page asks again.
  EXPECT_TRUE(opens(must(enter(with_code(digits()), "tap-of-the-second")).proof));
  EXPECT_EQ(code(enter(with_code(digits()))), "invitation.no_code") << "a code holds once";
}

TEST_F(SecondProofs, WhoHasTheCookieNeedsNoProof) {
  EXPECT_EQ(must(enter(Json::object(), {}, first_)).proof.secret, first_.secret);
}

TEST_F(SecondProofs, TheFormerDeviceLeavesTheRoomAndThePlaceStaysAdmitted) {
  Ask guest = by_link(session_, part_);
  must(sessions_->entry.join(guest));
  Ask admit = as(doctor_, session_);
  admit.record = part_;
  must(sessions_->people.admit(admit));
  must(sessions_->entry.join(as(doctor_, session_)));
  must(sessions_->entry.join(guest));
  must(asked());
  const auto second = must(enter(with_code(digits())));
  EXPECT_EQ(second.answer.string_or("admission", ""), "admitted");
  sessions_->catch_up();
  EXPECT_EQ(provider_.calls("remove-participant").size(), 1U);
  EXPECT_EQ(must(sessions_->entry.join(guest)).string_or("tokenUse", ""), "media");
}

TEST_F(SecondProofs, ACodeIsGoodForTenMinutesAndANewOneTakesItsPlace) {
  must(asked());
  const std::string former = digits();
  must(asked());
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 1U) << "not twice within a minute";
  clock_.advance_ms(kMinuteMs);
  must(asked());
  ASSERT_EQ(provider_.calls("our-send-sms").size(), 2U);
  ASSERT_NE(digits(), former);
  EXPECT_EQ(code(enter(with_code(former))), "invitation.wrong_proof");
  clock_.advance_ms(10 * kMinuteMs + 1);
  EXPECT_EQ(code(enter(with_code(digits()))), "invitation.no_code");
}

TEST_F(SecondProofs, FiveWrongTriesLockTheLinkUntilTheDeskSendsItAgain) {
  must(asked());
  const std::string right = digits();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(code(enter(with_code(other_than(right)))), "invitation.wrong_proof");
    if (i == 1) reopen();
  }
  EXPECT_TRUE(desk_.empty());
  EXPECT_EQ(code(enter(with_code(other_than(right)))), "invitation.wrong_proof");
  EXPECT_EQ(code(enter(with_code(right))), "invitation.locked");
  EXPECT_EQ(code(enter()), "invitation.locked");
  EXPECT_EQ(code(asked()), "invitation.locked");
  ASSERT_FALSE(desk_.empty());
  EXPECT_EQ(desk_[0].task.title, "invitation.locked");
  EXPECT_EQ(desk_[0].task.role, "desk");
  EXPECT_EQ(desk_[0].task.object, session_);
  EXPECT_TRUE(opens(first_)) << "the device that has the visit keeps it";
  link_ = sent(true);
  EXPECT_TRUE(opens(must(enter()).proof));
  must(asked());
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof)) << "tries begin anew";
}

TEST_F(SecondProofs, NobodyGetsMoreThanFiveCodesOfALink) {
  for (int i = 0; i < 5; ++i) {
    must(asked());
    clock_.advance_ms(kMinuteMs);
  }
  EXPECT_EQ(code(asked()), "invitation.locked");
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 5U);
}

TEST_F(SecondProofs, CodesOfAllLinksToOneTelephoneAreCounted) {
  for (std::int64_t i = 0; i < limits::kMaxAskedInHour; ++i) {
    if (i % 5 == 4) {
      link_ = sent(true);
      must(enter());
    }
    clock_.advance_ms(kMinuteMs);
    must(asked());
  }
  link_ = sent(true);
  must(enter());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(code(asked()), "rate.messages") << "and locks no link";
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 10U);
  clock_.advance_ms(60 * kMinuteMs);
  EXPECT_EQ(code(asked()), "ok");
}

// Symptom: a telephone got nine codes of one link, several of them within a minute.
// Cause: a right birth date removed the row of the link with its counts.
// Tests of codes and of birth dates each had a link of their own.
TEST_F(SecondProofs, ARightBirthDateKeepsTheCountOfCodes) {
  links_ = {.by_code = true, .by_birth_date = true};
  reopen();
  const Json date = Json::object({{"birthDate", "1990-05-17"}});
  must(asked());
  must(enter(date));
  must(asked());
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 1U) << "not twice within a minute";
  EXPECT_EQ(code(enter(with_code(digits()))), "invitation.no_code");
  for (int i = 0; i < 4; ++i) {
    clock_.advance_ms(kMinuteMs);
    must(asked());
    must(enter(date));
  }
  clock_.advance_ms(kMinuteMs);
  EXPECT_EQ(code(asked()), "invitation.locked");
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 5U);
}

// Symptom: a host sent the link anew, opened it himself and took back the patient's refusal.
// Cause: a refusal by a link counted as that of whoever holds any link of the patient.
// Tests took a refusal back by the link that it was said by.
TEST_F(SecondProofs, ARefusalByALinkIsTakenBackByThatLinkOrAfterASecondProof) {
  const auto says = [&](const identity::GuestProof& proof, bool given) {
    const auto part = must(sessions_->guests.part_of(proof));
    Ask guest;
    guest.caller.who = {.kind = identity::Kind::guest,
                        .tenant = "t1",
                        .id = part ? part->participant : "",
                        .part = part.value_or(identity::Part{})};
    guest.session = session_;
    guest.body = Json::object({{"kind", "recording"}, {"given", given}});
    return code(sessions_->people.record_consent(guest));
  };
  EXPECT_EQ(says(first_, false), "ok");
  EXPECT_EQ(says(first_, true), "ok") << "the same browser";
  EXPECT_EQ(says(first_, false), "ok");
  link_ = sent(true);
  const auto renewed = must(enter()).proof;
  EXPECT_EQ(says(renewed, true), "consent.own_word");
  EXPECT_EQ(says(renewed, false), "ok") << "whoever holds the link may refuse";
  EXPECT_EQ(says(renewed, true), "consent.own_word");
  must(asked());
  EXPECT_EQ(code(enter(with_code(other_than(digits())), {}, renewed)), "invitation.wrong_proof");
  const auto proven = must(enter(with_code(digits()), {}, renewed));
  EXPECT_EQ(proven.proof.secret, renewed.secret) << "the browser keeps the visit";
  EXPECT_EQ(must(enter(with_code(digits()), {}, renewed)).proof.secret, renewed.secret)
      << "the answer was lost";
  EXPECT_EQ(says(renewed, true), "ok");
  // A second device that showed a proof, too.
  EXPECT_EQ(says(renewed, false), "ok");
  clock_.advance_ms(kMinuteMs);
  must(asked());
  const auto second = must(enter(with_code(digits()))).proof;
  EXPECT_EQ(says(second, true), "ok");
  // The proof is that of one link: a newer one needs its own.
  EXPECT_EQ(says(second, false), "ok");
  link_ = sent(true);
  EXPECT_EQ(says(must(enter()).proof, true), "consent.own_word");
}

TEST_F(SecondProofs, ARefusalOfAnEarlierVisitNeedsASecondProofToo) {
  Ask guest = by_link(session_, part_);
  guest.body = Json::object({{"kind", "recording"}, {"given", false}});
  must(sessions_->people.record_consent(guest));
  const Json next = made(with(with(plain(), "followUpOf", session_), "scheduledStart",
                              to_iso8601({clock_.now().ms + 90'000'000})));
  EXPECT_EQ(next["consents"].size(), 1U);
  session_ = id_of(next);
  part_ = part_of(session_, patient_);
  link_ = sent(false);
  const auto held = must(enter()).proof;
  guest = by_link(session_, part_, Json::object({{"kind", "recording"}, {"given", true}}));
  EXPECT_EQ(code(sessions_->people.record_consent(guest)), "consent.own_word");
  must(asked());
  must(enter(with_code(digits()), {}, held));
  EXPECT_EQ(code(sessions_->people.record_consent(guest)), "ok");
}

// Symptom: a doctor entered his own telephone into the patient's record, had the code sent to it,
// and took back the patient's refusal.
// Cause: a proof counted whatever had become of the record since the patient came.
// Tests sent the code to the telephone that the record always had.
TEST_F(SecondProofs, AProofOverAChangedRecordTakesNoRefusalBack) {
  links_ = {.by_code = true, .by_birth_date = true};
  reopen();
  Ask guest = by_link(session_, part_);
  const auto says = [&](bool given) {
    guest.body = Json::object({{"kind", "recording"}, {"given", given}});
    return code(sessions_->people.record_consent(guest));
  };
  EXPECT_EQ(says(false), "ok");
  people_.set(patient_, "phone", "0559999999");
  people_.change(patient_, [](identity::Person& person) { ++person.version; });
  must(asked());
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof)) << "the visit itself opens";
  EXPECT_EQ(says(true), "consent.own_word") << "the same link, in another browser";
  link_ = sent(true);
  const auto held = must(enter()).proof;
  must(asked());
  must(enter(with_code(digits()), {}, held));
  EXPECT_EQ(says(true), "consent.own_word");
  // A birth date, which many know, proves nothing.
  link_ = sent(true);
  must(enter());
  must(enter(Json::object({{"birthDate", "1990-05-17"}})));
  EXPECT_EQ(says(true), "consent.own_word");
}

TEST_F(SecondProofs, WithoutATelephoneInTheRecordTheDeskIsAsked) {
  people_.set(patient_, "phone", "");
  EXPECT_EQ(code(asked()), "invitation.no_phone");
  EXPECT_TRUE(provider_.calls("our-send-sms").empty());
  ASSERT_EQ(desk_.size(), 1U);
  EXPECT_EQ(desk_[0].task.title, "invitation.no-phone");
}

TEST_F(SecondProofs, ACodeThatTheGatewayDoesNotTakeIsAskedForAgainAtOnce) {
  provider_.answer = [](const plugin::CallRequest&) {
    return plugin::failed(workflow::OutcomeKind::transient, "gateway.busy", "busy");
  };
  EXPECT_EQ(code(asked()), "message.not_sent");
  provider_.answer = [this](const plugin::CallRequest& call) { return provider_.usual(call); };
  must(asked());
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof));
}

TEST_F(SecondProofs, ABirthDateOpensALinkOnlyWhereTheClinicSaysSo) {
  const Json date = Json::object({{"birthDate", "1990-05-17"}});
  EXPECT_EQ(code(enter(date)), "api.invalid");
  links_ = {.by_code = false, .by_birth_date = true};
  reopen();
  EXPECT_EQ(must(sessions_->guests.preview(nobody()))["secondProof"], Json::array({"birth_date"}));
  EXPECT_EQ(code(asked()), "invitation.used");
  EXPECT_EQ(code(enter(Json::object({{"birthDate", "1991-05-17"}}))), "invitation.wrong_proof");
  EXPECT_TRUE(opens(must(enter(date)).proof));
  EXPECT_FALSE(opens(first_));
}

TEST_F(SecondProofs, WithoutAnyProofTheLinkIsUsed) {
  provider_.notifies = false;
  EXPECT_EQ(code(enter()), "invitation.used");
  EXPECT_EQ(code(asked()), "invitation.used");
  EXPECT_EQ(must(sessions_->guests.preview(nobody()))["secondProof"], Json::array());
}

// Symptom: who had an old link put the patient, who was signed in, out of the running call.
// Cause: a proof was asked for only where the hospital sends codes.
// Tests of accounts had codes.
TEST_F(SecondProofs, WithoutAnyProofALinkPutsNoAccountOut) {
  provider_.notifies = false;
  link_ = sent(true);
  clock_.advance_ms(1000);
  must(sessions_->entry.join(as(patient_, session_)));
  Ask admit = as(doctor_, session_);
  admit.record = part_;
  must(sessions_->people.admit(admit));
  EXPECT_EQ(must(sessions_->entry.join(as(patient_, session_))).string_or("tokenUse", ""), "media");
  EXPECT_EQ(code(enter()), "invitation.used");
  EXPECT_EQ(must(sessions_->entry.join(as(patient_, session_))).string_or("tokenUse", ""), "media");
  clock_.advance_ms(1000);
  link_ = sent(true);
  EXPECT_EQ(code(enter()), "ok") << "the desk, which was called, has sent it again";
}

// Symptom: a patient left for a moment, an older link was opened, and she waited to be let in
// again. Cause: a link was older than her coming only while she was there. Tests opened links while
// she was there.
TEST_F(SecondProofs, AnOlderLinkTakesNoAccountsPlaceWhileItIsAway) {
  const auto came_and_went = [&] {
    must(sessions_->entry.join(as(patient_, session_)));
    must(sessions_->entry.leave(as(patient_, session_)));
    clock_.advance_ms(1000);
  };
  link_ = sent(true);
  clock_.advance_ms(1000);
  must(sessions_->entry.join(as(patient_, session_)));
  Ask admit = as(doctor_, session_);
  admit.record = part_;
  must(sessions_->people.admit(admit));
  came_and_went();
  EXPECT_EQ(code(enter()), "invitation.second_proof");
  must(asked());
  EXPECT_EQ(code(enter(with_code(digits()))), "ok") << "the code shows that it is the patient";

  provider_.notifies = false;
  link_ = sent(true);
  clock_.advance_ms(1000);
  came_and_went();
  EXPECT_EQ(code(enter()), "invitation.used");
  EXPECT_EQ(code(asked()), "invitation.used");
  link_ = sent(true);
  clock_.advance_ms(1000);
  EXPECT_EQ(code(enter()), "ok") << "sent since she came";
}

TEST_F(SecondProofs, ALinkThatWasSentSinceTheAccountCameStaysOpenWhenItsPageAsksAgain) {
  provider_.notifies = false;
  must(sessions_->entry.join(as(patient_, session_)));
  clock_.advance_ms(1000);
  link_ = sent(true);
  clock_.advance_ms(1000);
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_EQ(code(enter()), "ok");
}

TEST_F(SecondProofs, ALinkThatWasTakenBackOrIsOverAsksForNoProof) {
  const std::string former = link_;
  const std::string newest = sent(true);
  EXPECT_EQ(code(asked()), "invitation.revoked");
  link_ = newest;
  EXPECT_EQ(code(asked()), "invitation.used") << "nobody has opened it";
  must(enter());
  must(sessions_->life.cancel(as(doctor_, session_, Json::object({{"reason", "ill"}}))));
  EXPECT_EQ(code(enter()), "invitation.expired");
  EXPECT_EQ(code(asked()), "invitation.expired");
}

TEST_F(SecondProofs, TheCodeIsInNoEntryOfTheLog) {
  must(asked());
  const std::string right = digits();
  (void)enter(with_code(other_than(right)));
  must(enter(with_code(right)));
  store_->flush();
  std::map<std::string, Json> last;
  std::set<std::string> refused;
  for (const auto& one : must(audit::read_page(*audit_, {}, 500)).entries) {
    const audit::Entry& entry = one.entry;
    last[entry.act] = entry.detail;
    if (entry.act == "invitation.refused") refused.insert(entry.result);
    for (const std::string& kept : {entry.object, entry.result, entry.detail.dump()}) {
      EXPECT_EQ(kept.find("\"" + right + "\""), std::string::npos) << entry.act;
      EXPECT_NE(kept, right) << entry.act;
    }
  }
  EXPECT_EQ(last["participant.told"].string_or("kind", ""), "second_proof");
  EXPECT_EQ(last["participant.told"].string_or("outcome", ""), "sent");
  EXPECT_EQ(refused, std::set<std::string>{"invitation.wrong_proof"});
}

TEST_F(SecondProofs, TheActorOfAnAcceptanceNamesTheProof) {
  must(asked());
  must(enter(with_code(digits())));
  store_->flush();
  std::set<std::string> proofs;
  for (const auto& entry : must(audit::read_page(*audit_, {}, 500)).entries) {
    if (entry.entry.act == "invitation.accepted")
      proofs.insert(entry.entry.detail.string_or("secondProof", "-"));
  }
  EXPECT_EQ(proofs, (std::set<std::string>{"-", "code"}));
}

}  // namespace
}  // namespace rabt::consultation::second_proof_test
