#include "hub/identity/newcomers.hpp"

#include "hub/audit/reader.hpp"
#include "tests/identity/house.hpp"

// Patients whom a booking entered.
namespace rabt::identity::newcomers_test {
namespace {

using rabt::test::must;
using test::House;

constexpr const char* kNational = "http://nphies.sa/identifier/nationalid";
constexpr const char* kFile = "urn:oasis:mrn";
constexpr const char* kSession = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
constexpr const char* kInstance = "01ARZ3NDEKTSV4RRFFQ69G5FAW";

Json number(const char* system, const char* value) {
  return Json::object({{"system", system}, {"value", value}});
}

class EnteredByABooking : public testing::Test {
 protected:
  static Newcomer layla() {
    return {.said = Json::object({{"name", "Layla Canary"},
                                  {"gender", "female"},
                                  {"birthDate", "1990-05-17"},
                                  {"phone", "0551234567"},
                                  {"language", "en"}}),
            .numbers = Json::array({number(kNational, "1012345672"), number(kFile, "7")}),
            .session = kSession,
            .instance = kInstance};
  }
  std::string why(const Newcomer& newcomer) {
    const auto profile = profile_of(newcomer, house_.base.clock.now());
    return profile.ok() ? "good" : profile.error().code + ": " + profile.error().message;
  }
  Result<Person> enter(BookedPatients& booked, const Newcomer& newcomer) {
    RABT_TRY(record, booked.prepare(house_.administrator(), newcomer));
    std::optional<Person> made;
    RABT_TRY_STATUS(house_.base.store->write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(person, record.write(transaction));
      made = std::move(person);
      return ok_status();
    }));
    return *made;
  }
  std::string refused(const Newcomer& newcomer) {
    const auto made = enter(booked_, newcomer);
    return made.ok() ? std::string("ok") : made.error().code;
  }

  House house_;
  BookedPatients booked_{house_.people, house_.base.clock};
};

TEST_F(EnteredByABooking, IsAPatientWhomEachNumberOfTheBookingFinds) {
  const Person person = must(enter(booked_, layla()));
  EXPECT_EQ(person.roles, Roles{Role::patient});
  EXPECT_EQ(must(house_.people.resolve("t1", number(kNational, "1012345672"))), person.id);
  EXPECT_EQ(must(house_.people.resolve("t1", number("nationalid", "1012345672"))), person.id);
  EXPECT_EQ(must(house_.people.resolve("t1", number(kFile, "7"))), person.id);
  EXPECT_FALSE(house_.people.resolve("t1", number("urn:elsewhere", "7")).ok())
      << "the number of another authority";
  const Json& profile = must(house_.people.find("t1", person.id)).profile;
  EXPECT_EQ(profile.string_or("phone", ""), "0551234567");
  EXPECT_EQ(profile.string_or("language", ""), "en");
  EXPECT_EQ(profile["enteredBy"], Json::object({{"session", kSession}, {"instance", kInstance}}));
  // In the log, without patient data.
  house_.base.store->flush();
  const auto entries =
      must(audit::read_page(*house_.base.audit, {.object = "person:" + person.id}, 10)).entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].entry.act, "patient.created");
  EXPECT_EQ(entries[0].entry.detail["enteredBy"], profile["enteredBy"]);
  EXPECT_EQ(entries[0].entry.detail.dump().find("Canary"), std::string::npos);
}

// The job that writes the record writes the booking, too, and may be refused.
TEST_F(EnteredByABooking, NoRecordIsLeftOfAJobThatIsRefused) {
  const PreparedPerson record = must(booked_.prepare(house_.administrator(), layla()));
  const auto with = [&](const Status& booking) {
    return house_.base.store->write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(person, record.write(transaction));
      EXPECT_EQ(person.id, record.person.id);
      EXPECT_GT(person.number, 0);
      return booking;
    });
  };
  EXPECT_FALSE(with(conflict("booking.limit", "as many as there may be")).ok());
  EXPECT_TRUE(must(house_.people.all("t1")).empty());
  EXPECT_EQ(house_.people.resolve("t1", number(kFile, "7")).error().code, "person.unknown");
  EXPECT_TRUE(with(ok_status()).ok()) << "the same record, in another job";
  EXPECT_EQ(must(house_.people.resolve("t1", number(kFile, "7"))), record.person.id);
}

TEST_F(EnteredByABooking, NobodySaysOfARecordThatABookingEnteredIt) {
  const Person person = must(enter(booked_, layla()));
  PersonChange change;
  change.profile = Json::object({{"enteredBy", Json()}});
  EXPECT_EQ(house_.people.change(house_.administrator(), person.id, change).error().code,
            "api.invalid");
  change.profile = Json::object({{"phone", "0559876543"}});
  EXPECT_EQ(must(house_.people.change(house_.administrator(), person.id, change))
                .profile["enteredBy"]["session"],
            Json(kSession))
      << "it stays when the desk changes the record";
}

TEST_F(EnteredByABooking, WhatCannotStandInARecordIsLeftOut) {
  Newcomer newcomer = layla();
  newcomer.said.set("phone", "no telephone");
  newcomer.said.set("birthDate", "1447-05-17");
  newcomer.said.set("gender", "unknown");
  newcomer.said.set("language", "fr");
  newcomer.said.set("guardians", Json::array({"Mona"}));
  newcomer.numbers.push_back(number("passport", "12"));
  newcomer.numbers.push_back(number(" ", "13"));
  const Json profile = must(profile_of(newcomer, house_.base.clock.now()));
  for (const char* name : {"phone", "birthDate", "gender", "language", "guardians"})
    EXPECT_EQ(profile.find(name), nullptr) << name;
  EXPECT_EQ(profile["identifiers"].size(), 1U);
  EXPECT_EQ(profile["externalIds"].size(), 1U);
  newcomer.said.set("guardians",
                    Json::array({Json::object(
                        {{"name", "Mona"}, {"phone", "0559876543"}, {"relation", "mother"}})}));
  EXPECT_EQ(must(profile_of(newcomer, house_.base.clock.now()))["guardians"].size(), 1U);
}

TEST_F(EnteredByABooking, NobodyIsEnteredWithoutANameOrANumberThatIsOne) {
  Newcomer newcomer = layla();
  newcomer.said.mutable_object().erase("name");
  EXPECT_NE(why(newcomer).find("no name"), std::string::npos) << why(newcomer);
  newcomer = layla();
  newcomer.numbers = Json::array();
  EXPECT_NE(why(newcomer).find("no number"), std::string::npos) << why(newcomer);
  newcomer = layla();
  newcomer.numbers = Json::array({number(kFile, "7"), number(kNational, "1012345671")});
  EXPECT_NE(why(newcomer).find("check digit"), std::string::npos) << why(newcomer);
  EXPECT_EQ(why(newcomer).find("1012345671"), std::string::npos) << "no number in errors";
  EXPECT_EQ(refused(newcomer), "person.not_entered");
}

// Two people in one booking: the record would be found as either.
TEST_F(EnteredByABooking, NobodyHasTwoNumbersThatAreOneInTheKingdom) {
  Newcomer newcomer = layla();
  newcomer.numbers.push_back(number(kNational, "1000000008"));
  EXPECT_NE(why(newcomer).find("two national ids"), std::string::npos) << why(newcomer);
  EXPECT_EQ(refused(newcomer), "person.not_entered");
  newcomer = layla();
  newcomer.numbers.push_back(number(kNational, "1012345672"));
  EXPECT_EQ(why(newcomer), "good") << "the same number twice";
}

// Symptom: a booking with the number by which somebody signs in signed him in as its patient.
// Cause: every number of the booking became one of the record. Sign-in looks for that number.
TEST_F(EnteredByABooking, NoBookingSaysByWhichNumberSomebodySignsIn) {
  BookedPatients booked(house_.people, house_.base.clock, {"https://issuer.example.sa"});
  Newcomer newcomer = layla();
  newcomer.numbers.push_back(number("https://issuer.example.sa", "somebody"));
  const Person person = must(enter(booked, newcomer));
  EXPECT_FALSE(house_.people.resolve("t1", number("https://issuer.example.sa", "somebody")).ok());
  EXPECT_EQ(must(house_.people.resolve("t1", number(kFile, "7"))), person.id);
}

TEST_F(EnteredByABooking, ARecordThatExistsIsNotChanged) {
  const Person kept = house_.person(
      {Role::patient},
      Json::object({{"name", "Layla Canary"},
                    {"identifiers", Json::array({Json::object(
                                        {{"kind", "national_id"}, {"value", "1012345672"}})})}}));
  EXPECT_EQ(refused(layla()), "person.taken");
  const Person after = must(house_.people.find("t1", kept.id));
  EXPECT_EQ(after.version, kept.version);
  EXPECT_EQ(after.profile, kept.profile);
  EXPECT_EQ(must(house_.people.all("t1")).size(), 1U);
}

// The same telephone or the same number of somebody else, and the same day of birth.
TEST_F(EnteredByABooking, OthersWhoMayBeTheSameAreThoseOfTheSameDayOfBirth) {
  const auto other = [&](const char* born, const char* phone, const char* kind, const char* value) {
    return house_
        .person({Role::patient},
                Json::object({{"name", "L. Canary"},
                              {"birthDate", born},
                              {"phone", phone},
                              {"identifiers",
                               Json::array({Json::object({{"kind", kind}, {"value", value}})})}}))
        .id;
  };
  const std::string by_phone = other("1990-05-17", "+966551234567", "mrn", "5551");
  (void)other("2015-01-01", "0551234567", "mrn", "5552");  // a child of the family
  const std::string by_number = other("1990-05-17", "0559999999", "other", "1012345672");
  (void)other("1990-05-17", "0558888888", "mrn", "5553");
  const Person made = must(enter(booked_, layla()));
  std::vector<std::string> like;
  for (const Person& person : must(booked_.like("t1", made))) like.push_back(person.id);
  EXPECT_EQ(like, (std::vector{by_phone, by_number}));
}

}  // namespace
}  // namespace rabt::identity::newcomers_test
