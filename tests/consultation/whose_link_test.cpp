#include "hub/consultation/record/records.hpp"
#include "hub/consultation/session/standing_consents.hpp"
#include "hub/identity/epochs.hpp"
#include "tests/consultation/link_house.hpp"

// Staff sends links, writes records and books: nothing of that makes anybody the patient.
namespace rabt::consultation::whose_link_test {
namespace {

class WhoseLink : public LinkHouse {
 protected:
  void SetUp() override {
    links_ = {.by_code = true, .by_birth_date = true};
    LinkHouse::SetUp();
    for (const std::string& person : {patient_, patient2_}) can_prove(person);
  }
  // A visit of the patient whom the hub knows.
  void book() { is(booked()); }
  // The booking of a hospital with somebody whom the hub does not know.
  void book_unknown() {
    Ask ask = ask_of_hub("t1", "workflow");
    const Json patient =
        Json::object({{"role", "patient"},
                      {"person", Json::object({{"system", "nationalid"}, {"value", kNumber}})},
                      {"name", "Layla"}});
    ask.body = Json::object({{"type", "doctor_patient"},
                             {"provider", doctor_},
                             {"scheduledStart", to_iso8601({clock_.now().ms + 3'600'000})},
                             {"participants", Json::array({patient})}});
    is(id_of(must(sessions_->creation.create(ask))));
  }
  void is(const std::string& session) {
    session_ = session;
    const Json all = seen(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("role", "") == "patient") part_ = item.string_or("id", "");
    }
  }
  // Somebody of staff writes a telephone of his own.
  void change_telephone() {
    people_.set(patient_, "phone", "0559999999");
    people_.change(patient_, [](identity::Person& person) { ++person.version; });
  }
  void send(bool renew = false) {
    const Json sent = invited(renew);
    link_ = sent.string_or("code", "");
    invitation_ = sent.string_or("id", "");
  }
  identity::GuestProof enter(const Json& more = Json::object(), identity::GuestProof held = {}) {
    return must(entered(more, {}, std::move(held))).proof;
  }
  // The code that was sent last, asked for now.
  Json sent_code() {
    clock_.advance_ms(kMinuteMs);
    must(asked());
    return with_code(digits());
  }
  Ask guest(Json body = Json::object()) { return by_link(session_, part_, std::move(body)); }
  // True while the browser is in the visit.
  bool holds(const identity::GuestProof& proof) {
    return must(sessions_->guests.part_of(proof)).has_value();
  }
  std::string says(const Ask& who, bool given) {
    Ask ask = who;
    ask.body = Json::object({{"kind", "recording"}, {"given", given}});
    return code(sessions_->people.record_consent(ask));
  }
  std::string admission() {
    const Json all = seen(session_);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("id", "") == part_) return item.string_or("admission", "");
    }
    return {};
  }
  std::string admits() {
    Ask ask = as(doctor_, session_);
    ask.record = part_;
    return code(sessions_->people.admit(ask));
  }
  // The patient is in, by the link.
  void come() {
    send();
    enter();
    must(sessions_->entry.join(guest()));
    EXPECT_EQ(admits(), "ok");
    must(sessions_->entry.join(as(doctor_, session_)));
    EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "media");
  }

  static constexpr const char* kNumber = "1012345672";
  std::string invitation_;
};

// Symptom: a doctor wrote his telephone into the record before the patient had opened her link, got
// the code, and said yes for her.
// Cause: the record of a proof was compared with that of her first coming.
// Tests changed the record after it.
TEST_F(WhoseLink, ATelephoneThatWasWrittenBeforeTheFirstOpeningTakesNoRefusalBack) {
  book();
  change_telephone();
  send();
  const auto first = enter();
  EXPECT_EQ(says(guest(), false), "ok");
  enter(sent_code());
  EXPECT_FALSE(must(sessions_->guests.part_of(first)).has_value());
  EXPECT_EQ(says(guest(), true), "consent.own_word");
  EXPECT_EQ(says(as(doctor_, session_), true), "consent.own_word");
  EXPECT_EQ(says(as(patient_, session_), true), "ok") << "her account";
}

TEST_F(WhoseLink, AProofOfTheFormerBrowserCountsForNoOtherOne) {
  book();
  send();
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  enter(sent_code());
  enter(Json::object({{"birthDate", kBirthDate}}));
  EXPECT_EQ(says(guest(), true), "consent.own_word");
  enter(sent_code());
  EXPECT_EQ(says(guest(), true), "ok");
}

// Symptom: a patient whom nobody had entered refused; the doctor entered her with his telephone,
// named her, and said yes after the code.
// Cause: where no record was known before, any proof counted.
// Tests named a record when they booked.
TEST_F(WhoseLink, ARecordThatWasMadeAfterTheBookingTakesNoRefusalBack) {
  book_unknown();
  send();
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  people_.numbers[kNumber] = patient2_;
  const Json named = must(sessions_->people.add_participant(
      as(doctor_, session_, Json::object({{"person", patient2_}, {"role", "patient"}}))));
  ASSERT_EQ(named["participant"].string_or("id", ""), part_);
  EXPECT_EQ(says(guest(), true), "ok") << "her browser";
  EXPECT_EQ(says(guest(), false), "ok");
  enter(sent_code());
  EXPECT_EQ(says(guest(), true), "consent.own_word");
  EXPECT_EQ(says(as(patient2_, session_), true), "consent.own_word");
}

// Symptom: a doctor wrote the number of a patient who had refused into the record of a helper, who
// signed in, became the participant, and said yes.
// Cause: whichever account was the participant took back what a link had refused.
// Tests used the account that was booked.
TEST_F(WhoseLink, AnAccountThatBecameTheParticipantLaterTakesNoRefusalBack) {
  book_unknown();
  send();
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  people_.numbers[kNumber] = patient2_;
  must(sessions_->reading.get(as(patient2_, session_)));
  ASSERT_EQ(seen(session_).string_or("patient", ""), patient2_);
  EXPECT_EQ(says(as(patient2_, session_), true), "consent.own_word");
  EXPECT_EQ(says(guest(), false), "ok") << "it may be refused again";
  EXPECT_EQ(says(as(patient2_, session_), true), "consent.own_word");
  EXPECT_EQ(says(guest(), true), "ok") << "her browser";
}

// A link may say no after the account did: it lifts neither here nor in what follows.
TEST_F(WhoseLink, EveryNoOfThePatientHoldsForWhatFollows) {
  book();
  EXPECT_EQ(says(as(patient_, session_), false), "ok");
  send();
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  const Json next = made(with(with(plain(), "followUpOf", session_), "scheduledStart",
                              to_iso8601({clock_.now().ms + 90'000'000})));
  EXPECT_EQ(next["consents"].size(), 2U);
  for (const Json& no : next["consents"].as_array()) {
    for (const char* kept : {"link", "record", "patient"}) EXPECT_EQ(no.find(kept), nullptr);
  }
  is(id_of(next));
  send();
  const auto held = enter();
  enter(sent_code(), held);
  EXPECT_EQ(says(guest(), true), "consent.own_word") << "the account said no";
  EXPECT_EQ(says(as(patient_, session_), true), "ok");
}

// Symptom: the desk sent the link of a patient who was in again, opened it, and sat in the visit.
// Cause: whoever came by the new link had the place that the host had given.
// Tests opened the new link and asked no more.
TEST_F(WhoseLink, WhoOpensALinkThatWasSentAgainWaitsUntilAHostLetsHimIn) {
  book();
  come();
  send(true);
  EXPECT_EQ(admission(), "admitted") << "an account comes in as before";
  enter();
  EXPECT_EQ(admission(), "waiting");
  EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "waiting");
  EXPECT_EQ(code(sessions_->entry.token(guest())), "participant.waiting");
  EXPECT_EQ(says(guest(), true), "participant.waiting");
  EXPECT_EQ(says(guest(), false), "ok") << "a no is always taken";
  EXPECT_EQ(must(sessions_->people.consents(guest()))["items"].size(), 0U);
  EXPECT_GT(must(membership(sessions_->acts, guest())).reads_from_ms, 0);
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(must(membership(sessions_->acts, guest())).reads_from_ms, 0);
  EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "media");
}

TEST_F(WhoseLink, ACodeToTheTelephoneOfTheBookingGivesThePlaceBack) {
  book();
  come();
  send(true);
  auto held = enter();
  enter(Json::object({{"birthDate", kBirthDate}}), held);
  EXPECT_EQ(admission(), "waiting") << "many know a birth date";
  enter(sent_code(), held);
  EXPECT_EQ(admission(), "admitted");
  EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "media");
  // The desk writes another telephone, and has the code sent to it.
  change_telephone();
  send(true);
  held = enter();
  enter(sent_code(), held);
  EXPECT_EQ(admission(), "waiting");
  EXPECT_EQ(admits(), "ok");
  enter(sent_code());
  EXPECT_EQ(admission(), "waiting") << "a second device by the same telephone";
}

TEST_F(WhoseLink, NoOtherWayToALinkKeepsThePlace) {
  // A second device by the birth date.
  book();
  come();
  enter(Json::object({{"birthDate", kBirthDate}}));
  EXPECT_EQ(admission(), "waiting");
  // A new invitation after the former one was taken back.
  book();
  come();
  Ask revoke = as(doctor_, session_);
  revoke.record = invitation_;
  must(sessions_->invitations.revoke(revoke));
  send();
  enter();
  EXPECT_EQ(admission(), "waiting");
  // The first link of somebody who is in under an account.
  book();
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_EQ(admits(), "ok");
  must(sessions_->entry.join(as(patient_, session_)));
  send();
  enter(Json::object({{"birthDate", kBirthDate}}));
  EXPECT_EQ(admission(), "waiting");
  EXPECT_FALSE(part(session_, patient_).bool_or("here", true)) << "one place, one person";
}

TEST_F(WhoseLink, AParticipantWhoIsBroughtBackIsNotLetInByACode) {
  book();
  come();
  send(true);
  enter();
  Ask out = as(doctor_, session_);
  out.record = part_;
  must(sessions_->people.remove_participant(out));
  must(sessions_->people.add_participant(
      as(doctor_, session_, Json::object({{"person", patient_}, {"role", "patient"}}))));
  send(true);
  const auto held = enter();
  enter(sent_code(), held);
  EXPECT_EQ(admission(), "waiting");
}

// Symptom: the desk opened a patient's first link and waited; she came under her account, the host
// let her in, and the desk read the visit, wrote as her and had her media token.
// Cause: an admission was the participant's, whoever held it, and an account left the link alone.
// Tests let a link come after an account, and not before it.
TEST_F(WhoseLink, AnAccountThatComesEndsTheLink) {
  book();
  send();
  const auto desk = enter();
  must(sessions_->entry.join(guest()));
  const auto epoch = must(identity::newest_epoch(*store_));
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_FALSE(holds(desk));
  const auto changed = must(identity::changed_after(*store_, epoch));
  ASSERT_EQ(changed.size(), 1U) << "what the browser has open ends";
  EXPECT_EQ(changed[0].subject, identity::guest_subject(part_));
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(must(sessions_->entry.join(as(patient_, session_))).string_or("tokenUse", ""), "media");
  EXPECT_FALSE(holds(desk));
  // The link opens anew, for whom a host looks at; the former browser stays out.
  const auto later = enter(Json::object({{"birthDate", kBirthDate}}));
  EXPECT_EQ(admission(), "waiting");
  EXPECT_TRUE(holds(later));
  EXPECT_FALSE(holds(desk));
}

TEST_F(WhoseLink, ALinkThatIsOpenedPutsTheAccountOutUntilItComesAgain) {
  for (const bool admitted : {true, false}) {
    book();
    must(sessions_->entry.join(as(patient_, session_)));
    if (admitted) {
      EXPECT_EQ(admits(), "ok");
    }
    send();
    const auto desk = enter(Json::object({{"birthDate", kBirthDate}}));
    EXPECT_FALSE(part(session_, patient_).bool_or("here", true)) << "one place, one person";
    EXPECT_EQ(admission(), "waiting");
    must(sessions_->entry.join(as(patient_, session_)));
    EXPECT_FALSE(holds(desk));
    EXPECT_EQ(admits(), "ok");
    EXPECT_FALSE(holds(desk));
    EXPECT_EQ(code(sessions_->entry.token(as(patient_, session_))), "ok");
  }
}

TEST_F(WhoseLink, AHostIsToldThatALinkWasOpened) {
  book();
  send();
  const auto told = [&] {
    std::size_t found = 0;
    const Json all = must(sessions_->reading.events(as(doctor_, session_)));
    for (const Json& item : all["items"].as_array())
      found += item["data"]["members"] == Json::array({"invitations"}) ? 1 : 0;
    return found;
  };
  EXPECT_EQ(told(), 0U);
  enter();
  EXPECT_EQ(told(), 1U);
}

// Symptom: in a session without a waiting room the desk opened the first link, and had complaint,
// documents and messages at once.
// Cause: whom the booking had let in was let in by whichever link came first.
// Tests took that for the place that the booking gave.
TEST_F(WhoseLink, WithoutAWaitingRoomAHostLooksAtWhoComesByALink) {
  const Json guest_patient =
      Json::object({{"role", "patient"}, {"name", "Layla"}, {"bypassWaitingRoom", true}});
  const Json described =
      Json::object({{"type", "doctor_patient"},
                    {"scheduledStart", to_iso8601({clock_.now().ms + 3'600'000})},
                    {"participants", Json::array({guest_patient})}});
  for (const Json& body :
       {with(plain(), "waitingRoom", false), described, with(described, "waitingRoom", false)}) {
    is(id_of(made(body)));
    EXPECT_EQ(admission(), "admitted") << "who comes by no link";
    send();
    enter();
    EXPECT_EQ(admission(), "waiting");
    EXPECT_EQ(says(guest(), true), "ok") << "the page asks for it before it joins";
    EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "waiting");
    EXPECT_EQ(code(sessions_->entry.token(guest())), "participant.waiting");
    EXPECT_FALSE(must(membership(sessions_->acts, guest())).admitted);
    EXPECT_EQ(must(sessions_->reading.get(guest())).find("chiefComplaint"), nullptr);
    EXPECT_EQ(must(sessions_->people.waiting_room(as(doctor_, session_)))["items"].size(), 1U);
    EXPECT_EQ(admits(), "ok");
    EXPECT_EQ(must(sessions_->entry.join(guest())).string_or("tokenUse", ""), "media");
    EXPECT_NE(must(sessions_->reading.get(guest())).find("chiefComplaint"), nullptr);
  }
  is(id_of(made(with(plain(), "waitingRoom", false))));
  EXPECT_EQ(must(sessions_->entry.join(as(patient_, session_))).string_or("tokenUse", ""), "media")
      << "by the account as before";
}

TEST_F(WhoseLink, WithoutAWaitingRoomACodeToTheTelephoneOfTheBookingLetsIn) {
  is(id_of(made(with(plain(), "waitingRoom", false))));
  send();
  auto held = enter();
  enter(Json::object({{"birthDate", kBirthDate}}), held);
  EXPECT_EQ(admission(), "waiting") << "many know a birth date";
  enter(sent_code(), held);
  EXPECT_EQ(admission(), "admitted");
  // The desk had opened it first.
  is(id_of(made(with(plain(), "waitingRoom", false))));
  send();
  held = enter();
  enter(sent_code());
  EXPECT_EQ(admission(), "admitted");
  EXPECT_FALSE(holds(held));
  // The telephone is another one than at the booking.
  is(id_of(made(with(plain(), "waitingRoom", false))));
  change_telephone();
  send();
  held = enter();
  enter(sent_code(), held);
  EXPECT_EQ(admission(), "waiting");
}

// Symptom: the desk opened the first link and agreed to a recording; the patient came, said
// nothing, and was recorded.
// Cause: a consent by a link was the participant's, whoever held the link then.
// Tests let the same browser speak and stay.
TEST_F(WhoseLink, AYesByALinkCountsWhileItsHolderHasIt) {
  const auto stands = [&] {
    return consent_stands(must(sessions_->acts.load(session_)), "recording");
  };
  const auto agree = [&] {
    book();
    send();
    const auto desk = enter();
    EXPECT_EQ(says(guest(), true), "ok");
    EXPECT_TRUE(stands());
    return desk;
  };
  const auto ended = [&] {
    const Json all = must(sessions_->people.consents(as(doctor_, session_)));
    return all["items"].item(0).bool_or("ended", false);
  };
  (void)agree();
  EXPECT_FALSE(ended());
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_FALSE(stands()) << "an account came";
  EXPECT_TRUE(ended());
  enter(Json::object({{"birthDate", kBirthDate}}));
  EXPECT_FALSE(stands()) << "the same link, opened anew";
  (void)agree();
  enter(sent_code());
  EXPECT_FALSE(stands()) << "a second device";
  EXPECT_EQ(says(guest(), true), "ok");
  EXPECT_TRUE(stands()) << "its own word is no repetition";
  (void)agree();
  send(true);
  EXPECT_FALSE(stands()) << "sent again";
  enter();
  EXPECT_FALSE(stands());
  (void)agree();
  Ask revoke = as(doctor_, session_);
  revoke.record = invitation_;
  must(sessions_->invitations.revoke(revoke));
  EXPECT_FALSE(stands()) << "taken back";
  // The browser that gives the code in its own visit keeps its word.
  const auto own = agree();
  enter(sent_code(), own);
  EXPECT_TRUE(stands());
}

TEST_F(WhoseLink, ARecordingEndsWithTheConsentOfALinkThatEnds) {
  settings_.consent_required_to_record = true;
  close();
  open();
  book();
  come();
  EXPECT_EQ(says(guest(), true), "ok");
  must(sessions_->recordings.start(as(doctor_, session_)));
  EXPECT_TRUE(seen(session_).bool_or("recordingActive", false));
  enter(sent_code());
  EXPECT_FALSE(seen(session_).bool_or("recordingActive", true));
  EXPECT_EQ(code(sessions_->recordings.start(as(doctor_, session_))), "consent.recording_missing");
  EXPECT_EQ(says(guest(), true), "ok");
  EXPECT_EQ(code(sessions_->recordings.start(as(doctor_, session_))), "ok");
}

// Symptom: a doctor opened the link of a patient with an account, agreed to the transcription for
// her, and what she said was written down.
// Cause: a word by the link counted for whoever came as the participant.
// Tests let guests without an account agree.
TEST_F(WhoseLink, AYesByALinkTranscribesNobodyWhoComesUnderAnAccount) {
  book();
  come();
  const auto agrees = [&](const Ask& who) {
    Ask ask = who;
    ask.body = Json::object({{"kind", "transcription"}, {"given", true}});
    return code(sessions_->people.record_consent(ask));
  };
  const auto may = [&] { return may_be_transcribed(must(sessions_->acts.load(session_))).ok(); };
  EXPECT_EQ(agrees(guest()), "ok");
  EXPECT_EQ(agrees(as(doctor_, session_)), "ok");
  EXPECT_TRUE(may());
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_FALSE(may());
  EXPECT_EQ(agrees(as(patient_, session_)), "ok");
  EXPECT_TRUE(may());
}

// Symptom: the desk sent the link of a guest again, opened it and refused the recording; the guest
// could not agree in the whole visit.
// Cause: a no was his who said it, though nobody had let him in.
// Tests refused by somebody whom a host had seen.
TEST_F(WhoseLink, ANoOfWhoeverWaitsAgainIsLiftedByWhoIsLetIn) {
  book_unknown();
  come();
  EXPECT_EQ(says(guest(), true), "ok");
  must(sessions_->recordings.start(as(doctor_, session_)));
  send(true);
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  EXPECT_FALSE(seen(session_).bool_or("recordingActive", true)) << "what runs stops";
  send(true);
  enter();
  EXPECT_EQ(says(guest(), true), "participant.waiting");
  EXPECT_EQ(says(as(doctor_, session_), true), "consent.own_word");
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(says(as(doctor_, session_), true), "consent.own_word") << "it is the guest's to lift";
  EXPECT_EQ(says(guest(), true), "ok");
  // The same no is that of whoever is let in by the link that said it.
  send(true);
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  EXPECT_EQ(admits(), "ok");
  send(true);
  enter();
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(says(guest(), true), "consent.own_word");
}

// A no that is said again once a host has seen who says it holds.
TEST_F(WhoseLink, ANoThatIsSaidAgainAfterTheAdmissionHolds) {
  book_unknown();
  come();
  send(true);
  enter();
  EXPECT_EQ(says(guest(), false), "ok");
  send(true);
  enter();
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(says(guest(), false), "ok");
  send(true);
  enter();
  EXPECT_EQ(admits(), "ok");
  EXPECT_EQ(says(guest(), true), "consent.own_word");
}

// Symptom: a relative's link was sent anew, somebody accepted it under an account of his own, and
// was in at once, with the messages of before.
// Cause: only links that were opened without an account asked for a host again.
// Tests accepted under accounts that the booking named.
TEST_F(WhoseLink, AnAccountThatTakesAGuestsPlaceWaitsForAHost) {
  for (const bool revoked : {false, true}) {
    book();
    must(sessions_->people.record_consent(
        as(patient_, session_, Json::object({{"kind", "family"}, {"given", true}}))));
    const Json sister = Json::object({{"name", "Sister"}, {"role", "family_member"}});
    part_ = must(sessions_->people.add_participant(as(doctor_, session_, sister)))["participant"]
                .string_or("id", "");
    come();
    if (revoked) {
      Ask revoke = as(doctor_, session_);
      revoke.record = invitation_;
      must(sessions_->invitations.revoke(revoke));
    }
    send(!revoked);
    const Json accepted =
        must(sessions_->invitations.accept(as(patient2_, {}, Json::object({{"code", link_}}))));
    EXPECT_EQ(accepted.string_or("admission", ""), "waiting") << revoked;
    const Ask account = as(patient2_, session_);
    EXPECT_EQ(must(sessions_->entry.join(account)).string_or("tokenUse", ""), "waiting");
    EXPECT_GT(must(membership(sessions_->acts, account)).reads_from_ms, 0);
    EXPECT_EQ(admits(), "ok");
    EXPECT_EQ(must(sessions_->entry.join(account)).string_or("tokenUse", ""), "media");
  }
}

// Symptom: a host put a stranger with the patient's link out, or denied him, and added the patient
// again; the stranger was in by his cookie.
// Cause: the link stayed with the browser, and counted again with the participant.
// Tests renewed the link first.
TEST_F(WhoseLink, WhoWasPutOutOrDeniedHoldsNoLinkOfWhoIsBroughtBack) {
  for (const bool denied : {false, true}) {
    is(id_of(made(with(plain(), "waitingRoom", false))));
    send();
    const auto stranger = enter();
    must(sessions_->entry.join(guest()));
    Ask out = as(doctor_, session_);
    out.record = part_;
    must(denied ? sessions_->people.deny(out) : sessions_->people.remove_participant(out));
    EXPECT_FALSE(holds(stranger));
    must(sessions_->people.add_participant(
        as(doctor_, session_, Json::object({{"person", patient_}, {"role", "patient"}}))));
    EXPECT_EQ(admission(), "admitted");
    EXPECT_FALSE(holds(stranger)) << denied;
    enter();
    EXPECT_EQ(admission(), "waiting");
    EXPECT_FALSE(holds(stranger)) << denied;
  }
}

// Symptom: an old link put the patient out of the running visit as often as somebody opened it.
// Cause: a second proof was asked only where another browser held the link.
// Tests opened links after an account as part of the way.
TEST_F(WhoseLink, AnAccountThatIsThereIsNotPutOutWithoutASecondProof) {
  book();
  send();
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_EQ(admits(), "ok");
  must(sessions_->entry.join(as(patient_, session_)));
  EXPECT_EQ(code(entered(Json::object())), "invitation.second_proof");
  EXPECT_EQ(code(entered(Json::object({{"birthDate", "1991-01-01"}}))), "invitation.wrong_proof");
  EXPECT_EQ(admission(), "admitted");
  EXPECT_TRUE(part(session_, patient_).bool_or("here", false));
  enter(sent_code());
  EXPECT_FALSE(part(session_, patient_).bool_or("here", true)) << "one place, one person";
}

// Symptom: a guest refused the transcription; the doctor removed her, added her anew and agreed for
// her, or did so in the follow-up.
// Cause: a refusal of this kind was the participant's alone, and was not handed on.
// Tests refused recordings.
TEST_F(WhoseLink, ANoToTheTranscriptionHoldsForWhoIsAddedAnewAndForWhatFollows) {
  const Json layla = Json::object({{"role", "patient"}, {"name", "Layla"}});
  const auto in = [&](std::int64_t hours) {
    return Json::object({{"type", "doctor_patient"},
                         {"scheduledStart", to_iso8601({clock_.now().ms + hours * 3'600'000})},
                         {"participants", Json::array({layla})}});
  };
  const auto agrees = [&] {
    Json body = Json::object({{"kind", "transcription"}, {"given", true}, {"participant", part_}});
    return code(sessions_->people.record_consent(as(doctor_, session_, std::move(body))));
  };
  is(id_of(made(in(1))));
  send();
  enter();
  Ask no = guest(Json::object({{"kind", "transcription"}, {"given", false}}));
  EXPECT_EQ(code(sessions_->people.record_consent(no)), "ok");
  EXPECT_EQ(agrees(), "consent.own_word");
  const Json next = made(with(in(30), "followUpOf", session_));
  Ask out = as(doctor_, session_);
  out.record = part_;
  must(sessions_->people.remove_participant(out));
  part_ = must(sessions_->people.add_participant(as(doctor_, session_, layla)))["participant"]
              .string_or("id", "");
  EXPECT_NE(part_, out.record);
  EXPECT_EQ(agrees(), "consent.own_word");
  EXPECT_FALSE(may_be_transcribed(must(sessions_->acts.load(session_))).ok());
  is(id_of(next));
  EXPECT_EQ(next["consents"].size(), 1U);
  EXPECT_EQ(agrees(), "consent.own_word");
}

// Symptom: a follow-up took staff without an account, whom nobody may add to it later.
// Cause: who brought somebody in was written down after the rules had asked for it.
// Tests added such staff to a session that was there.
TEST_F(WhoseLink, AFollowUpTakesNoUnknownStaffAfterANoToTheFamily) {
  book();
  must(sessions_->people.record_consent(
      as(patient_, session_, Json::object({{"kind", "family"}, {"given", false}}))));
  const Json people = Json::array({Json::object({{"role", "patient"}, {"person", patient_}}),
                                   Json::object({{"role", "nurse"}, {"name", "Ali"}})});
  const Json body = with(with(with(plain(), "followUpOf", session_), "participants", people),
                         "scheduledStart", to_iso8601({clock_.now().ms + 90'000'000}));
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, body))), "consent.own_word");
}

}  // namespace
}  // namespace rabt::consultation::whose_link_test
