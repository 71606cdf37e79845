#include "tests/consultation/service_house.hpp"

// Media tokens: the answers that hold one, and the patient data in tokens and links.
namespace rabt::consultation::tokens_test {
namespace {

using identity::Role;

class Tokens : public ServiceHouse {
 protected:
  void SetUp() override {
    settings_.provider_events = true;
    ServiceHouse::SetUp();
  }
  Answer add(const std::string& session, Json whom) {
    return sessions_->people.add_participant(as(doctor_, session, std::move(whom)));
  }
  Answer admit(const std::string& session, const std::string& participant) {
    Ask ask = as(doctor_, session);
    ask.record = participant;
    return sessions_->people.admit(ask);
  }
  // True if the answer holds a token of the video provider.
  static bool opens_room(const Json& answer) {
    return answer.string_or("accessToken", "").starts_with("token-");
  }
  static Json guest(std::string_view role, std::string_view name) {
    return Json::object({{"role", role}, {"name", name}, {"bypassWaitingRoom", true}});
  }
  static Json consent(std::string_view kind, bool given) {
    return Json::object({{"kind", kind}, {"given", given}});
  }
  // The provider says that somebody with the participant's token is in the room.
  void is_in_the_room(const std::string& session, const Json& participant) {
    must(sessions_->provider_events.take(
        Json::object({{"type", "org.rabt.session.participant-joined.v1"},
                      {"data", Json::object({{"sessionId", seen(session)["roomSid"]},
                                             {"identity", participant["identity"]},
                                             {"participantId", "PA1"},
                                             {"at", to_iso8601(clock_.now())}})}})));
    EXPECT_TRUE(part(session, patient_).bool_or("here", false));
  }
  std::string patient_by(const std::string& session) {
    return must(sessions_->acts.load(session)).naming.by;
  }
  std::size_t tokens_of_patient() {
    std::size_t found = 0;
    for (const auto& call : provider_.calls("issue-token"))
      found += call.arguments.string_or("identity", "").starts_with("patient-") ? 1 : 0;
    return found;
  }
};

// Symptom: a doctor let the patient in whom he had named himself, and entered the room as the
// patient; the desk booked, and had the doctor's token.
// Cause: an answer held the token of whoever the act was about, and of the organizer.
// Tests read the token's use, and not whose it was.
TEST_F(Tokens, NoAnswerHoldsTheTokenOfSomebodyWithAnAccount) {
  const std::string id = id_of(made());
  const Json admitted = must(admit(id, part_of(id, patient_)));
  EXPECT_EQ(admitted.string_or("tokenUse", ""), "media") << "what the patient may ask for now";
  EXPECT_FALSE(admitted.string_or("accessToken", "").empty());
  EXPECT_FALSE(opens_room(admitted));
  const Json again = must(add(id, Json::object({{"role", "patient"}, {"person", patient_}})));
  EXPECT_FALSE(opens_room(again));
  EXPECT_FALSE(opens_room(must(add(
      id, Json::object({{"role", "nurse"}, {"person", nurse_}, {"bypassWaitingRoom", true}})))));
  EXPECT_EQ(tokens_of_patient(), 0U);
  EXPECT_TRUE(opens_room(must(sessions_->entry.join(as(patient_, id)))));

  const std::string desk = somebody({Role::desk}, {{"name", "Desk"}});
  const Json booking = with(plain(), "provider", doctor_);
  Json own = booking;
  own.mutable_object().erase("patient");
  Ask application = as_admin({}, booking);
  application.caller.who.roles = {Role::integration};
  int rooms = 0;
  for (const Ask& ask :
       {as(desk, {}, booking), as(patient_, {}, own), as_admin({}, booking), application}) {
    const Json item = must(sessions_->creation.create(ask));
    rooms += item["roomSid"].is_null() ? 0 : 1;
    EXPECT_EQ(item["tokens"].size(), 0U);
  }
  EXPECT_EQ(rooms, 3) << "of what a patient books there is no room yet";
}

TEST_F(Tokens, WhoHasNoAccountGetsHisTokenFromHisHostOrHisApplication) {
  const std::string id = id_of(made(Json::object({{"type", "doctor_patient"}})));
  EXPECT_TRUE(opens_room(must(add(id, guest("patient", "Layla")))));
  EXPECT_TRUE(opens_room(must(add(id, guest("observer", "Student")))));
  EXPECT_TRUE(opens_room(must(add(id, guest("nurse", "Nora")))));
  // Symptom: a host added a doctor without an account, who was admitted and could never come.
  for (const char* role : {"doctor", "specialist"})
    EXPECT_EQ(code(add(id, guest(role, "Dr. Guest"))), "invitation.needs_account") << role;
  const Json of_other = with(guest("doctor", "Dr. Guest"), "externalId", "DR-1");
  EXPECT_FALSE(opens_room(must(add(id, of_other)))) << "another system knows him";
  Ask application = as_admin(
      {}, Json::object({{"type", "doctor_patient"},
                        {"organizer", Json::object({{"role", "doctor"}, {"name", "Dr. Guest"}})},
                        {"participants", Json::array({guest("patient", "Layla")})}}));
  application.caller.who.roles = {Role::integration};
  const Json of_application = must(sessions_->creation.create(application));
  ASSERT_EQ(of_application["tokens"].size(), 1U);
  EXPECT_EQ(of_application["tokens"].item(0).string_or("role", ""), "doctor");
  application.session = id_of(of_application);
  application.body = guest("specialist", "Dr. Second");
  EXPECT_TRUE(opens_room(must(sessions_->people.add_participant(application))));
  // An office is no application.
  application.caller.who.roles = {Role::admin};
  application.session.clear();
  application.body =
      Json::object({{"type", "doctor_patient"},
                    {"organizer", Json::object({{"role", "doctor"}, {"name", "Dr. Guest"}})}});
  EXPECT_EQ(must(sessions_->creation.create(application))["tokens"].size(), 0U);
}

TEST_F(Tokens, AfterTheFamilysNoNobodyWithoutAnAccountIsStaff) {
  const std::string id = id_of(made());
  const std::string early =
      must(add(id, guest("nurse", "Aunt")))["participant"].string_or("id", "");
  must(sessions_->people.record_consent(as(patient_, id, consent("family", false))));
  const Json session = seen(id);
  for (const Json& node : session["participants"].as_array()) {
    if (node.string_or("id", "") == early) {
      EXPECT_EQ(node["admission"], Json("removed"));
    }
  }
  for (const char* role : {"nurse", "doctor", "specialist"})
    EXPECT_EQ(code(add(id, guest(role, "Aunt"))), "consent.own_word") << role;
  EXPECT_EQ(code(admit(id, early)), "consent.own_word");
  EXPECT_EQ(code(add(id, Json::object({{"role", "nurse"}, {"person", nurse_}}))), "ok");
  // A doctor whom the booking describes is the hospital's.
  Json body = plain();
  body.set("organizer", Json::object({{"role", "doctor"}, {"name", "Dr. Guest"}}));
  const std::string described = id_of(must(sessions_->creation.create(as_admin({}, body))));
  must(sessions_->people.record_consent(as(patient_, described, consent("family", false))));
  const Json all = must(sessions_->reading.get(as_admin(described)));
  for (const Json& item : all["participants"].as_array())
    EXPECT_NE(item["admission"], Json("removed")) << item.dump();
}

// Symptom: a patient without an account wanted none of the family there; the doctor removed the
// patient, and added a relative in the patient's place.
// Cause: a patient who was removed was no patient any more.
// Tests added relatives as relatives.
TEST_F(Tokens, NobodyTakesThePlaceOfAPatientWhoWantsNoneOfTheFamily) {
  const std::string id = id_of(made(Json::object({{"type", "doctor_patient"}})));
  const std::string own =
      must(add(id, guest("patient", "Layla")))["participant"].string_or("id", "");
  must(sessions_->people.record_consent(by_link(id, own, consent("family", false))));
  Ask remove = as(doctor_, id);
  remove.record = own;
  must(sessions_->people.remove_participant(remove));
  EXPECT_EQ(code(add(id, guest("patient", "Other"))), "session.has_patient");
  EXPECT_EQ(code(add(id, Json::object({{"role", "patient"}, {"person", patient2_}}))),
            "session.has_patient");
  EXPECT_EQ(code(admit(id, own)), "ok") << "the patient is let in again";
}

// Symptom: a doctor opened any record alone: he entered the room with the patient's token, or took
// one by the patient's link.
// Cause: whoever the provider saw under the patient's identity counted as the patient.
// Tests let the patient join before the provider told of him.
TEST_F(Tokens, ThePatientHasComeOnceHeJoinsUnderHisAccount) {
  const std::string id = id_of(made(with(plain(), "waitingRoom", false)));
  const std::string own = part_of(id, patient_);
  is_in_the_room(id, part(id, patient_));
  EXPECT_EQ(patient_by(id), doctor_);
  must(sessions_->entry.token(by_link(id, own)));
  must(sessions_->life.start(as(doctor_, id)));
  must(sessions_->life.change(as(doctor_, id, Json::object({{"notes", "seen"}}))));
  EXPECT_EQ(patient_by(id), doctor_);
  const std::string next = id_of(made(with(with(plain(), "followUpOf", id), "scheduledStart",
                                           to_iso8601({clock_.now().ms + 3'600'000}))));
  EXPECT_EQ(patient_by(next), doctor_) << "he has not met the patient";
  must(sessions_->entry.token(as(patient_, id)));
  EXPECT_EQ(patient_by(id), "") << "he comes himself, though somebody is there as him";
}

TEST_F(Tokens, WhoAsksForATokenJoins) {
  const std::string id = id_of(made(with(plain(), "waitingRoom", false)));
  must(sessions_->entry.token(by_link(id, part_of(id, patient_))));
  EXPECT_TRUE(part(id, patient_).bool_or("here", false));
  EXPECT_EQ(patient_by(id), doctor_);
  const std::string other = id_of(made(with(plain(), "waitingRoom", false)));
  must(sessions_->entry.told_token(as(patient_, other)));
  EXPECT_FALSE(part(other, patient_).bool_or("here", false)) << "news of an admission";
  must(sessions_->entry.token(as(patient_, other)));
  EXPECT_TRUE(part(other, patient_).bool_or("here", false));
  EXPECT_EQ(patient_by(other), "");
}

// Symptom: the holder of a link read the documents of the visit before a host had let him in.
// Cause: a link of the patient counted as the patient, who reads at once.
// Tests read documents by a link after the admission.
TEST_F(Tokens, ByALinkNothingOfTheVisitIsReadOrAgreedBeforeTheAdmission) {
  const std::string id = id_of(made());
  const std::string own = part_of(id, patient_);
  const Json shared =
      must(records_->share_document(as(doctor_, id,
                                       Json::object({{"documentType", "PDF"},
                                                     {"contentType", "application/pdf"},
                                                     {"data", "JVBERi0xLjQ="}}))));
  Ask read = by_link(id, own);
  read.record = id_of(shared);
  const auto says = [&](std::string_view kind, bool given) {
    return code(sessions_->people.record_consent(by_link(id, own, consent(kind, given))));
  };
  must(sessions_->entry.join(by_link(id, own)));
  EXPECT_EQ(code(records_->documents(by_link(id, own))), "participant.waiting");
  EXPECT_EQ(code(records_->document(read)), "participant.waiting");
  EXPECT_EQ(code(records_->document_content(read)), "participant.waiting");
  for (const char* kind : {"family", "training", "transcription"})
    EXPECT_EQ(says(kind, true), "participant.waiting") << kind;
  EXPECT_EQ(says("training", false), "ok") << "a no is always taken";
  EXPECT_EQ(says("recording", true), "ok") << "the page asks for it before it joins";
  EXPECT_EQ(must(records_->documents(as(patient_, id)))["items"].size(), 1U) << "by his account";
  must(admit(id, own));
  EXPECT_EQ(must(records_->documents(by_link(id, own)))["items"].size(), 1U);
  EXPECT_EQ(code(records_->document_content(read)), "ok");
  EXPECT_EQ(says("family", true), "ok");
}

}  // namespace
}  // namespace rabt::consultation::tokens_test
