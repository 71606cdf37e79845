#include "hub/audit/reader.hpp"
#include "hub/consultation/sessions/second_proof.hpp"
#include "tests/consultation/link_house.hpp"
#include "tests/recording_logger.hpp"

// A link that is opened on a second device by an approval in the app of an identity provider.
namespace rabt::consultation::identity_proof_test {
namespace {

constexpr const char* kOwn = "1012345672";
constexpr const char* kOther = "1000000008";
constexpr std::int64_t kAppSeconds = 180;

// The provider of the house plays the plugin of the role `identity`, and the person with the app.
class IdentityProofs : public LinkHouse {
 protected:
  void SetUp() override {
    lines_ = &said_;
    provider_.served.insert({"ask-in-app", "approval"});
    provider_.answer = [this](const plugin::CallRequest& call) { return answered(call); };
    LinkHouse::SetUp();
    can_prove(patient_);
    has_number("national_id", kOwn);
    session_ = booked();
    part_ = part_of(session_, patient_);
    link_ = sent(false);
    first_ = must(enter()).proof;
  }
  std::string sent(bool renew) { return invited(renew).string_or("code", ""); }
  void has_number(const char* kind, const char* value) {
    people_.set(patient_, "identifiers",
                Json::array({Json::object({{"kind", kind}, {"value", value}})}));
  }
  Result<AskedGuests::Entered> enter(const Json& more = Json::object(),
                                     identity::GuestProof held = {}) {
    return entered(more, {}, std::move(held));
  }
  // The page asks the app: the name of the request.
  std::string ask_app() {
    return must(sessions_->guests.ask_app(nobody())).string_or("identityRequest", "");
  }
  std::string refused_app() { return code(sessions_->guests.ask_app(nobody())); }
  static Json by(const std::string& request) {
    return Json::object({{"identityRequest", request}});
  }
  Json offered() { return must(sessions_->guests.preview(nobody()))["secondProof"]; }
  bool opens(const identity::GuestProof& proof) {
    return must(sessions_->guests.part_of(proof)).has_value();
  }
  std::size_t asked_app() { return provider_.calls("ask-in-app").size(); }

  // End of the request that the person made in the app, and who he is.
  std::string status_ = "pending";
  Json approver_ = person(kOwn);
  // Of the plugin; done: it works.
  workflow::OutcomeKind works_ = workflow::OutcomeKind::done;
  rabt::test::RecordingLogger said_;
  identity::GuestProof first_;

  static Json person(const char* number) {
    return Json::object({{"identifier", Json::object({{"type", "NI"}, {"value", number}})}});
  }

 private:
  workflow::ActionOutcome answered(const plugin::CallRequest& call) {
    const bool starts = call.action == "ask-in-app";
    if (!starts && call.action != "approval") return provider_.usual(call);
    if (works_ != workflow::OutcomeKind::done) return plugin::failed(works_, "app.away", "away");
    if (starts)
      return Provider::done_with(
          Json::object({{"verificationId", "V-" + std::to_string(++requests_)},
                        {"status", "pending"},
                        {"challenge", "42"},
                        {"expiresAt", clock_.now().ms / 1'000 + kAppSeconds}}));
    Json output =
        Json::object({{"verificationId", call.arguments["verificationId"]}, {"status", status_}});
    if (status_ == "approved" && !approver_.is_null()) output.set("person", approver_);
    return Provider::done_with(std::move(output));
  }

  int requests_ = 0;
};

TEST_F(IdentityProofs, AnApprovalOfThePersonOfTheRecordMovesTheVisitToTheSecondDevice) {
  EXPECT_EQ(offered(), Json::array({Json("code"), Json("identity")}));
  EXPECT_EQ(code(enter()), "invitation.second_proof");
  const Json shown = must(sessions_->guests.ask_app(nobody()));
  EXPECT_EQ(shown["number"], Json("42"));
  EXPECT_EQ(shown.string_or("expiresAt", ""),
            to_iso8601({clock_.now().ms / 1'000 * 1'000 + kAppSeconds * 1'000}));
  const auto calls = provider_.calls("ask-in-app");
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].role, "identity");
  EXPECT_EQ(calls[0].arguments["identifier"], Json::object({{"type", "NI"}, {"value", kOwn}}));
  EXPECT_EQ(calls[0].arguments["purpose"], Json("login"));
  const Json request = by(shown.string_or("identityRequest", ""));
  EXPECT_EQ(code(enter(request)), "invitation.identity_pending");
  EXPECT_TRUE(opens(first_)) << "until the person has approved";
  status_ = "approved";
  EXPECT_TRUE(opens(must(enter(request)).proof));
  EXPECT_FALSE(opens(first_)) << "one device holds the visit";
  EXPECT_EQ(code(enter(request)), "invitation.no_code") << "an approval holds once";
}

TEST_F(IdentityProofs, AResidencePermitIsAskedAboutAsWell) {
  has_number("iqama", "2000000006");
  approver_ = person("2000000006");
  status_ = "approved";
  EXPECT_TRUE(opens(must(enter(by(ask_app()))).proof));
  EXPECT_EQ(provider_.calls("ask-in-app")[0].arguments["identifier"],
            Json::object({{"type", "PRC"}, {"value", "2000000006"}}));
}

TEST_F(IdentityProofs, AnApprovalShowsWhoRefusedAsACodeDoes) {
  const auto says = [&](bool given) {
    return code(sessions_->people.record_consent(
        by_link(session_, part_, Json::object({{"kind", "recording"}, {"given", given}}))));
  };
  EXPECT_EQ(says(false), "ok");
  link_ = sent(true);
  const auto held = must(enter()).proof;
  EXPECT_EQ(says(true), "consent.own_word");
  status_ = "approved";
  EXPECT_EQ(must(enter(by(ask_app()), held)).proof.secret, held.secret);
  EXPECT_EQ(says(true), "ok");
}

TEST_F(IdentityProofs, AnotherPersonOpensNothingAndFiveWrongProofsLockTheLink) {
  status_ = "approved";
  approver_ = person(kOther);
  for (int i = 0; i < 4; ++i) {
    const Json request = by(ask_app());
    EXPECT_EQ(code(enter(request)), "invitation.wrong_proof");
    EXPECT_EQ(code(enter(request)), "invitation.no_code") << "each request is one try";
    clock_.advance_ms(kMinuteMs);
  }
  EXPECT_TRUE(desk_.empty());
  const Json last = by(ask_app());
  EXPECT_EQ(code(enter(last)), "invitation.wrong_proof");
  ASSERT_EQ(desk_.size(), 1U);
  EXPECT_EQ(desk_[0].task.title, "invitation.locked");
  approver_ = person(kOwn);
  EXPECT_EQ(code(enter(last)), "invitation.locked");
  EXPECT_EQ(refused_app(), "invitation.locked");
  EXPECT_EQ(code(asked()), "invitation.locked") << "codes and requests count together";
  EXPECT_TRUE(opens(first_));
}

TEST_F(IdentityProofs, ANumberThatTheRecordGotMeanwhileIsNotTheOneThatApproved) {
  const Json request = by(ask_app());
  status_ = "approved";
  has_number("national_id", kOther);
  EXPECT_EQ(code(enter(request)), "invitation.wrong_proof");
}

TEST_F(IdentityProofs, ARefusalInTheAppIsAWrongProof) {
  const Json request = by(ask_app());
  status_ = "rejected";
  EXPECT_EQ(code(enter(request)), "invitation.wrong_proof");
  status_ = "approved";
  EXPECT_EQ(code(enter(request)), "invitation.no_code");
  EXPECT_TRUE(opens(first_));
}

TEST_F(IdentityProofs, ARequestThatIsOverIsNoTry) {
  for (int i = 0; i < 4; ++i) {
    status_ = i % 2 == 0 ? "expired" : "cancelled";
    EXPECT_EQ(code(enter(by(ask_app()))), "invitation.no_code");
    clock_.advance_ms(kMinuteMs);
  }
  status_ = "approved";
  const Json late = by(ask_app());
  clock_.advance_ms(kAppSeconds * 1'000 + 1'000);
  EXPECT_EQ(code(enter(late)), "invitation.no_code");
  EXPECT_EQ(provider_.calls("approval").size(), 4U) << "nobody is asked about an old request";
  EXPECT_EQ(code(enter()), "invitation.second_proof") << "the link is not locked by tries";
  EXPECT_EQ(refused_app(), "invitation.locked") << "and has had its five requests";
}

TEST_F(IdentityProofs, WhileThePluginIsAwayACodeOpensTheLink) {
  must(asked());
  works_ = workflow::OutcomeKind::transient;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(refused_app(), "identity.unavailable");
  EXPECT_TRUE(desk_.empty()) << "requests that were not made do not count";
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof)) << "and leave the code good";
}

TEST_F(IdentityProofs, ARequestThatMayHaveReachedTheAppCounts) {
  works_ = workflow::OutcomeKind::ambiguous;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(refused_app(), "identity.unavailable");
  EXPECT_EQ(refused_app(), "invitation.locked");
  EXPECT_EQ(asked_app(), 5U);
}

TEST_F(IdentityProofs, APersonWhomTheProviderDoesNotKnowGivesAnotherProof) {
  works_ = workflow::OutcomeKind::permanent;
  EXPECT_EQ(refused_app(), "invitation.no_identity");
  must(asked());
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof));
}

TEST_F(IdentityProofs, AnApprovalIsFetchedAgainWhenThePluginIsBack) {
  const Json request = by(ask_app());
  status_ = "approved";
  works_ = workflow::OutcomeKind::transient;
  for (int i = 0; i < 6; ++i) EXPECT_EQ(code(enter(request)), "identity.unavailable");
  works_ = workflow::OutcomeKind::done;
  EXPECT_TRUE(opens(must(enter(request)).proof));
}

TEST_F(IdentityProofs, AnApprovalOfNobodyKnowsOpensNothing) {
  const Json request = by(ask_app());
  status_ = "approved";
  approver_ = Json();
  EXPECT_EQ(code(enter(request)), "identity.unavailable");
  EXPECT_TRUE(opens(first_));
}

TEST_F(IdentityProofs, TheBrowserThatAskedAloneCanGiveTheApproval) {
  const std::string request = ask_app();
  status_ = "approved";
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(code(enter(by("V-of-another-browser"))), "invitation.no_code");
  EXPECT_TRUE(provider_.calls("approval").empty());
  EXPECT_TRUE(opens(must(enter(by(request))).proof)) << "and a guess does not count";
}

TEST_F(IdentityProofs, ACodeOrARequestTakesThePlaceOfTheOneBefore) {
  must(asked());
  const std::string former = digits();
  const Json request = by(ask_app());
  EXPECT_EQ(refused_app(), "rate.identity") << "not twice within a minute";
  EXPECT_EQ(code(enter(with_code(former))), "invitation.no_code");
  clock_.advance_ms(1'000);
  must(asked());
  EXPECT_EQ(provider_.calls("our-send-sms").size(), 2U) << "a request delays no code";
  status_ = "approved";
  EXPECT_EQ(code(enter(request)), "invitation.no_code");
  EXPECT_TRUE(opens(must(enter(with_code(digits()))).proof));
}

TEST_F(IdentityProofs, WithoutAPluginOfTheRoleNothingIsOffered) {
  provider_.served.erase("approval");
  EXPECT_EQ(offered(), Json::array({"code"}));
  EXPECT_EQ(refused_app(), "invitation.used");
  EXPECT_EQ(code(enter(by("V-1"))), "api.invalid");
  EXPECT_EQ(asked_app(), 0U);
}

TEST_F(IdentityProofs, TheClinicMayTakeCodesAlone) {
  links_.by_identity = false;
  close();
  open();
  EXPECT_EQ(offered(), Json::array({"code"}));
  EXPECT_EQ(refused_app(), "invitation.used");
}

TEST_F(IdentityProofs, ARecordWithoutANumberAndAChildAreNotAskedInTheApp) {
  has_number("passport", "A1234567");
  EXPECT_EQ(offered(), Json::array({"code"}));
  EXPECT_EQ(refused_app(), "invitation.used");
  has_number("national_id", kOwn);
  people_.set(patient_, "birthDate", to_iso8601(clock_.now()).substr(0, 10));
  EXPECT_EQ(offered(), Json::array({"code"})) << "a guardian comes for a child";
  EXPECT_EQ(asked_app(), 0U);
}

TEST_F(IdentityProofs, ALinkThatIsOpenNeedsNoApproval) {
  link_ = sent(true);
  EXPECT_EQ(refused_app(), "invitation.used");
  EXPECT_EQ(asked_app(), 0U);
}

TEST_F(IdentityProofs, TheNumberIsInNoEntryOfTheLogsAndInNoError) {
  std::vector<Error> errors;
  const auto gives = [&](const Json& request) {
    const auto entered = enter(request);
    if (!entered.ok()) errors.push_back(entered.error());
  };
  works_ = workflow::OutcomeKind::permanent;
  errors.push_back(sessions_->guests.ask_app(nobody()).error());
  works_ = workflow::OutcomeKind::done;
  Json request = by(ask_app());
  gives(request);
  status_ = "approved";
  approver_ = Json();
  gives(request);
  approver_ = person(kOther);
  gives(request);
  clock_.advance_ms(kMinuteMs);
  approver_ = person(kOwn);
  request = by(ask_app());
  gives(request);
  store_->flush();
  ASSERT_EQ(errors.size(), 4U);
  for (const Error& error : errors) {
    EXPECT_EQ(error.message.find(kOwn), std::string::npos) << error.code;
    EXPECT_EQ(error.message.find(kOther), std::string::npos) << error.code;
  }
  EXPECT_TRUE(said_.has("identity.failed"));
  EXPECT_FALSE(said_.has(kOwn));
  EXPECT_FALSE(said_.has(kOther));
  std::set<std::string> refused;
  std::set<std::string> proofs;
  std::string fields;
  for (const auto& one : must(audit::read_page(*audit_, {}, 500)).entries) {
    const audit::Entry& entry = one.entry;
    if (entry.act == "invitation.refused") refused.insert(entry.result);
    if (entry.act == "invitation.accepted")
      proofs.insert(entry.detail.string_or("secondProof", ""));
    if (entry.act == "action.sent" && entry.detail.string_or("role", "") == "identity")
      fields = entry.detail["fields"].dump();
    for (const std::string& kept : {entry.object, entry.result, entry.detail.dump()}) {
      EXPECT_EQ(kept.find(kOwn), std::string::npos) << entry.act;
      EXPECT_EQ(kept.find(kOther), std::string::npos) << entry.act;
    }
  }
  EXPECT_NE(fields.find("identifier"), std::string::npos) << "in the accounting of disclosures";
  EXPECT_EQ(refused, (std::set<std::string>{"invitation.no_identity", "invitation.wrong_proof"}))
      << "a page that asks again is no refusal";
  EXPECT_EQ(proofs, (std::set<std::string>{"", "identity"}));
}

}  // namespace
}  // namespace rabt::consultation::identity_proof_test
