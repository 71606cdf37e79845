#include "hub/base/clock.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "tests/consultation/session_house.hpp"

// Bookings of a hospital for patients whom the hub does not know yet.
namespace rabt::consultation::booked_patients_test {
namespace {

using Booked = LinkSettings::Booked;

constexpr const char* kNational = "http://nphies.sa/identifier/nationalid";
constexpr const char* kInstance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

Json number(const char* system, const char* value) {
  return Json::object({{"system", system}, {"value", value}});
}

// Enters patients into the people of the house.
class Desk final : public identity::Newcomers {
 public:
  Desk(People& people, UlidSource& ids, const Clock& clock)
      : people_(people), ids_(ids), clock_(clock) {}
  Result<identity::PreparedPerson> prepare(const identity::Caller& caller,
                                           const identity::Newcomer& newcomer) override {
    RABT_TRY(profile, identity::profile_of(newcomer, clock_.now()));
    identity::Person person;
    person.id = ids_.next().text();
    person.number = 1'000 + static_cast<std::int64_t>(entered.size());
    person.roles = {identity::Role::patient};
    person.profile = std::move(profile);
    person.pseudonym = "00";
    const auto write = [this, person, numbers = newcomer.numbers, actor = caller.who.actor()](
                           store::Transaction&) -> Result<identity::Person> {
      if (busy) return unavailable("store.busy", "not now");
      if (taken) {
        taken();
        return conflict("person.taken", "another person has this identifier");
      }
      by = actor;
      people_.add(person);
      for (const Json& item : numbers.as_array())
        people_.numbers[item.string_or("value", "")] = person.id;
      entered.push_back(person.id);
      return person;
    };
    return identity::PreparedPerson{.person = person, .write = write};
  }
  Result<std::vector<identity::Person>> like(std::string_view /*tenant*/,
                                             const identity::Person& /*person*/) override {
    return alike;
  }

  std::vector<std::string> entered;
  std::vector<identity::Person> alike;
  std::string by;
  // The store takes nothing.
  bool busy = false;
  // Somebody else is quicker, and does this.
  std::function<void()> taken;

 private:
  People& people_;
  UlidSource& ids_;
  const Clock& clock_;
};

class BookedPatient : public SessionHouse {
 protected:
  explicit BookedPatient(Booked policy = Booked::enter) {
    links_.booked = policy;
    newcomers_ = &newcomers_desk_;
  }
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"}) {
      for (const MessageTemplate& message_template : message_templates())
        house_.texts[language][std::string(message_template.name)] =
            std::string(language) + " " + std::string(message_template.name) +
            " {hospital} {time} {link}";
    }
    provider_.notifies = true;
    clock_.set(must(parse_iso8601("2026-12-01T08:00:00Z")));
    SessionHouse::SetUp();
    provider_.answer = [this](const plugin::CallRequest& call) {
      if (call.action != "our-send-sms") return provider_.usual(call);
      return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "accepted"}}));
    };
    messenger_ = std::make_unique<Messenger>(sessions_->acts, sessions_->Sessions::invitations);
  }
  void TearDown() override {
    messenger_.reset();
    SessionHouse::TearDown();
  }
  static Json layla() {
    return Json::object({{"role", "patient"},
                         {"person", number(kNational, "1012345672")},
                         {"name", "Layla"},
                         {"gender", "female"},
                         {"birthDate", "1990-05-17"},
                         {"phone", "0551234567"},
                         {"preferredLanguage", "en"}});
  }
  // Each booking is an hour after the one before; one with the key of another repeats it.
  Result<Json> book(Json patient, std::string key = {}) {
    const std::int64_t start =
        clock_.now().ms + 9 * kDayMs + (key.empty() ? ++booked_ : 0) * kHourMs;
    Ask ask = ask_of_hub("t1", "workflow");
    ask.caller.request = kInstance;
    ask.caller.key = std::move(key);
    ask.body = Json::object({{"type", "doctor_patient"},
                             {"provider", doctor_},
                             {"scheduledStart", to_iso8601({start})},
                             {"participants", Json::array({std::move(patient)})}});
    auto made = sessions_->creation.create(ask);
    if (!made.ok()) return made.error();
    return Json(*made);
  }
  std::string booked(Json patient) { return id_of(must(book(std::move(patient)))); }
  // The participant who is the patient.
  Participant patient_in(const std::string& session) {
    for (const Participant& participant : must(sessions_->acts.load(session)).people.participants) {
      if (participant.role == PartRole::patient) return participant;
    }
    return {};
  }
  Json tell(const std::string& session) {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.session = session;
    ask.caller.key = "call";
    return must(messenger_->tell(ask.caller, {.session = ask.session}))["told"];
  }
  // Title of the one task of the desk.
  std::string asked() {
    EXPECT_LE(desk_.size(), 1U);
    return desk_.empty() ? "" : desk_[0].task.title;
  }

  Desk newcomers_desk_{people_, ids_, clock_};
  std::unique_ptr<Messenger> messenger_;
  std::int64_t booked_ = 0;
};

// Symptom: a first-time patient got no message and no link. Cause: nobody had entered him.
TEST_F(BookedPatient, WhoIsEnteredIsToldAtHisTelephoneWithHisLink) {
  const std::string id = booked(layla());
  ASSERT_EQ(newcomers_desk_.entered.size(), 1U);
  EXPECT_EQ(newcomers_desk_.by, "node:workflow");
  const std::string& person = newcomers_desk_.entered[0];
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, person);
  const identity::Person record = people_.of(person);
  EXPECT_EQ(record.profile["enteredBy"], Json::object({{"session", id}, {"instance", kInstance}}));
  const Participant participant = patient_in(id);
  EXPECT_EQ(participant.person, person);
  EXPECT_EQ(participant.record_of, person);
  EXPECT_TRUE(participant.reference.is_null());
  EXPECT_EQ(participant.guest.string_or("name", ""), "Layla") << "what was booked stays with him";
  EXPECT_EQ(tell(id).dump(), R"([{"kind":"booked","outcome":"sent"}])");
  const auto sent = provider_.calls("our-send-sms");
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].arguments.string_or("to", ""), "+966551234567");
  const std::string text = sent[0].arguments.string_or("text", "");
  EXPECT_TRUE(text.starts_with("en booked")) << text;
  EXPECT_NE(text.find("https://hub.example.sa/i#"), std::string::npos) << text;
  EXPECT_EQ(asked(), "");
}

TEST_F(BookedPatient, TheNextBookingIsLinkedAndChangesNothingOfTheRecord) {
  const std::string first = must(sessions_->acts.load(booked(layla()))).patient;
  const Json before = people_.of(first).profile;
  Json again = layla();
  again.set("name", "Leila");
  again.set("phone", "0559876543");
  const std::string id = booked(again);
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, first);
  EXPECT_EQ(newcomers_desk_.entered.size(), 1U);
  EXPECT_EQ(people_.of(first).profile, before);
  EXPECT_EQ(patient_in(id).guest.string_or("phone", ""), "0559876543");
  (void)tell(id);
  EXPECT_EQ(provider_.calls("our-send-sms").back().arguments.string_or("to", ""), "+966551234567")
      << "the telephone of the record, never that of a later booking";
}

TEST_F(BookedPatient, AnotherOfHisNumbersLeadsToHisRecord) {
  people_.numbers["MRN-7"] = patient_;
  Json item = layla();
  item.set("identifiers",
           Json::array({number(kNational, "1012345672"), number("urn:his", "MRN-7")}));
  const Json profile = people_.of(patient_).profile;
  EXPECT_EQ(must(sessions_->acts.load(booked(item))).patient, patient_);
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(people_.of(patient_).profile, profile);
}

// Symptom: a visit of one patient stood in the record of another. Cause: a record number that was
// mistyped, or is of a relative, led to it, and the national id of the booking was not compared.
// Caught by: a record with another national id, under each way of keeping it.
TEST_F(BookedPatient, ARecordWithAnotherNationalIdIsSomebodyElses) {
  people_.numbers["MRN-7"] = patient_;
  Json item = layla();
  item.set("identifiers",
           Json::array({number(kNational, "1012345672"), number("urn:his", "MRN-7")}));
  people_.set(patient_, "identifiers",
              Json::array({Json::object({{"kind", "national_id"}, {"value", "1000000008"}})}));
  const std::string id = booked(item);
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, "");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(asked(), "patient.contradicted");
  const Json& sides = desk_[0].content.data;
  EXPECT_EQ(sides["booking"]["identifiers"].item(0)["value"], Json("1012345672"));
  ASSERT_EQ(sides["records"].size(), 1U);
  EXPECT_EQ(sides["records"].item(0)["person"], Json(patient_));
  EXPECT_EQ(sides["records"].item(0)["identifiers"].dump(),
            R"([{"kind":"national_id","value":"1000000008"}])");
  EXPECT_EQ(code(sessions_->entry.join(as(patient_, id))), "participant.not_a_participant");
  // As an outside id, and with the record number as the reference.
  people_.forget(patient_, "identifiers");
  people_.set(patient_, "externalIds", Json::array({number(kNational, "1000000008")}));
  item.set("person", number("urn:his", "MRN-7"));
  EXPECT_EQ(must(sessions_->acts.load(booked(item))).patient, "");
  // A number of another kind is none of the same kind: a resident who has become a citizen.
  people_.set(patient_, "externalIds",
              Json::array({number("http://nphies.sa/identifier/iqama", "2000000006")}));
  EXPECT_EQ(must(sessions_->acts.load(booked(item))).patient, patient_);
  // The number leads to him: it is that of a record that was merged into his.
  people_.set(patient_, "externalIds", Json::array({number(kNational, "1000000008")}));
  people_.numbers["1012345672"] = patient_;
  EXPECT_EQ(must(sessions_->acts.load(booked(item))).patient, patient_);
}

// The reference of a number without a system has that of national ids, which is a guess.
TEST_F(BookedPatient, ANumberThatCannotBeANationalIdContradictsNothing) {
  people_.numbers["MRN-7"] = patient_;
  people_.set(patient_, "identifiers",
              Json::array({Json::object({{"kind", "national_id"}, {"value", "1000000008"}})}));
  Json item = layla();
  item.set("person", number(kNational, "77"));
  item.set("identifiers", Json::array({number("urn:his", "MRN-7")}));
  EXPECT_EQ(must(sessions_->acts.load(booked(item))).patient, patient_);
  EXPECT_EQ(asked(), "");
}

TEST_F(BookedPatient, ARepeatedBookingEntersNobodyTwice) {
  const std::string id = id_of(must(book(layla(), "k-1")));
  EXPECT_EQ(id_of(must(book(layla(), "k-1"))), id);
  EXPECT_EQ(newcomers_desk_.entered.size(), 1U);
}

TEST_F(BookedPatient, ARecordThatContradictsTheBookingIsTheDesksAndNobodyIsEntered) {
  people_.set(patient_, "birthDate", "1950-01-01");
  people_.numbers["1012345672"] = patient_;
  const std::string id = booked(layla());
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, "");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(asked(), "patient.contradicted");
}

TEST_F(BookedPatient, WhoIsLikeSomebodyElseIsEnteredAndTheDeskIsAsked) {
  newcomers_desk_.alike = {people_.of(patient2_)};
  const std::string id = booked(layla());
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, newcomers_desk_.entered.at(0));
  EXPECT_EQ(asked(), "patient.alike");
  const Json& sides = desk_[0].content.data;
  EXPECT_EQ(sides["booking"]["person"], Json(newcomers_desk_.entered[0]));
  ASSERT_EQ(sides["records"].size(), 1U);
  EXPECT_EQ(sides["records"].item(0)["person"], Json(patient2_));
  // Not with each visit.
  (void)booked(layla());
  EXPECT_EQ(asked(), "patient.alike");
}

TEST_F(BookedPatient, WhoCannotBeEnteredTakesPartAsBeforeAndTheDeskIsAsked) {
  Json item = layla();
  item.set("person", number(kNational, "1012345671"));
  const std::string id = booked(item);
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, "");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(asked(), "patient.not-entered");
  const Json& booking = desk_[0].content.data["booking"];
  EXPECT_EQ(booking["name"], Json("Layla"));
  EXPECT_EQ(booking["identifiers"].item(0)["value"], Json("1012345671"));
  EXPECT_EQ(desk_[0].task.object, id);
  EXPECT_EQ(tell(id).item(0).string_or("outcome", ""), "no_phone");
}

TEST_F(BookedPatient, WhomSomebodyElseEnteredMeanwhileIsLinked) {
  newcomers_desk_.taken = [this] { people_.numbers["1012345672"] = patient_; };
  EXPECT_EQ(must(sessions_->acts.load(booked(layla()))).patient, patient_);
  // Or the number leads to nobody all the same.
  people_.numbers.clear();
  newcomers_desk_.taken = [] {};
  EXPECT_EQ(must(sessions_->acts.load(booked(layla()))).patient, "");
  EXPECT_EQ(asked(), "patient.not-entered");
}

TEST_F(BookedPatient, ABookingIsTriedAgainWhileTheStoreIsBusy) {
  newcomers_desk_.busy = true;
  EXPECT_EQ(code(book(layla())), "store.busy");
  newcomers_desk_.busy = false;
  EXPECT_EQ(code(book(layla())), "ok");
}

// Symptom: a call that was refused, or failed, had entered the patient; its repeat found the
// record, and the desk never heard that another patient is like him. Cause: record and session were
// two commits. Caught by: a call that fails after the patient was looked for, and its repeat.
TEST_F(BookedPatient, ACallThatFailsEntersNobodyAndItsRepeatAsksTheDesk) {
  newcomers_desk_.alike = {people_.of(patient2_)};
  provider_.lacks.insert("video.token.issue");
  EXPECT_NE(code(book(layla(), "k-1")), "ok");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(asked(), "");
  provider_.lacks.clear();
  const std::string id = id_of(must(book(layla(), "k-1")));
  ASSERT_EQ(newcomers_desk_.entered.size(), 1U);
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, newcomers_desk_.entered[0]);
  EXPECT_EQ(asked(), "patient.alike");
  EXPECT_EQ(id_of(must(book(layla(), "k-1"))), id);
  EXPECT_EQ(newcomers_desk_.entered.size(), 1U);
}

TEST_F(BookedPatient, ABookingThatIsWrongEntersNobody) {
  Ask ask = ask_of_hub("t1", "workflow");
  ask.body = Json::object({{"type", "doctor_patient"},
                           {"provider", "999999"},
                           {"participants", Json::array({layla()})}});
  EXPECT_EQ(code(sessions_->creation.create(ask)), "api.invalid");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
}

// A child is told by a guardian of the record.
TEST_F(BookedPatient, AChildIsEnteredWithItsGuardian) {
  Json child = layla();
  child.set("birthDate", "2020-05-17");
  const Json first = tell(booked(child));
  EXPECT_EQ(first.item(0).string_or("outcome", ""), "no_guardian");
  EXPECT_TRUE(provider_.calls("our-send-sms").empty()) << "not the telephone of the booking";
  child.set("person", number(kNational, "1000000008"));
  child.set("guardians",
            Json::array({Json::object(
                {{"name", "Mona"}, {"phone", "0559876543"}, {"relation", "mother"}})}));
  EXPECT_EQ(tell(booked(child)).item(0).string_or("outcome", ""), "sent");
  EXPECT_EQ(provider_.calls("our-send-sms").at(0).arguments.string_or("to", ""), "+966559876543");
}

TEST_F(BookedPatient, APatientWhoIsAddedLaterIsEnteredToo) {
  const std::string id = id_of(must(
      sessions_->creation.create(as(doctor_, {}, Json::object({{"type", "doctor_patient"}})))));
  Ask add = ask_of_hub("t1", "workflow");
  add.session = id;
  add.body = layla();
  must(sessions_->people.add_participant(add));
  ASSERT_EQ(newcomers_desk_.entered.size(), 1U);
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, newcomers_desk_.entered[0]);
  // A second one is refused, and nobody is entered for it.
  add.body.set("person", number(kNational, "1000000008"));
  EXPECT_EQ(code(sessions_->people.add_participant(add)), "session.has_patient");
  EXPECT_EQ(newcomers_desk_.entered.size(), 1U);
}

// Whoever writes a booking over the API enters the patient by a call of its own.
TEST_F(BookedPatient, NobodyIsEnteredByWhomTheHospitalsSystemsAreNot) {
  const auto made = sessions_->creation.create(
      as(doctor_, {},
         Json::object({{"type", "doctor_patient"}, {"participants", Json::array({layla()})}})));
  EXPECT_EQ(code(made), "api.invalid");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
}

class LinkedPatient : public BookedPatient {
 protected:
  LinkedPatient() : BookedPatient(Booked::link) {}
};

TEST_F(LinkedPatient, WhoIsUnknownTakesPartWithoutARecord) {
  const std::string id = booked(layla());
  EXPECT_EQ(must(sessions_->acts.load(id)).patient, "");
  EXPECT_TRUE(newcomers_desk_.entered.empty());
  EXPECT_EQ(asked(), "");
  EXPECT_EQ(tell(id).item(0).string_or("outcome", ""), "no_phone");
}

class RefusedPatient : public BookedPatient {
 protected:
  RefusedPatient() : BookedPatient(Booked::refuse) {}
};

TEST_F(RefusedPatient, ABookingOfWhomTheHubDoesNotKnowMakesNoSessionAndTheDeskHears) {
  EXPECT_EQ(code(book(layla())), "patient.unknown");
  EXPECT_TRUE(must(sessions_->reading.list(as(doctor_), {})).items.empty());
  EXPECT_EQ(asked(), "patient.refused");
  EXPECT_EQ(desk_[0].task.object_type, "instance");
  EXPECT_EQ(desk_[0].task.object, kInstance);
  EXPECT_EQ(desk_[0].task.role, "desk");
  EXPECT_EQ(desk_[0].content.data["booking"]["name"], Json("Layla"));
  people_.numbers["1012345672"] = patient_;
  EXPECT_EQ(must(sessions_->acts.load(booked(layla()))).patient, patient_)
      << "once somebody has entered him";
}

TEST_F(RefusedPatient, AVisitInDoubtGoesOnWithoutARecord) {
  people_.set(patient_, "gender", "male");
  people_.numbers["1012345672"] = patient_;
  EXPECT_EQ(must(sessions_->acts.load(booked(layla()))).patient, "");
  EXPECT_EQ(asked(), "patient.contradicted");
}

}  // namespace
}  // namespace rabt::consultation::booked_patients_test
