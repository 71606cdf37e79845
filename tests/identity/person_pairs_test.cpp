#include "hub/identity/person_pairs.hpp"

#include "hub/identity/merges.hpp"
#include "tests/identity/house.hpp"
#include "tests/recording_logger.hpp"

namespace rabt::identity::person_pairs_test {
namespace {

using rabt::test::must;
using test::House;

constexpr const char* kNumber = "1089341267";
constexpr const char* kPhone = "0551112233";

Json numbered(const char* kind) {
  return Json::object(
      {{"name", "Layla Canary"},
       {"identifiers", Json::array({Json::object({{"kind", kind}, {"value", kNumber}})})}});
}

Json born(const char* name, const char* date, const char* phone = nullptr) {
  Json out = Json::object({{"name", name}, {"birthDate", date}});
  if (phone != nullptr) out.set("phone", phone);
  return out;
}

class Pairs : public testing::Test {
 protected:
  Person patient(const Json& profile) { return house_.person({Role::patient}, profile); }
  // "newer older: reasons" of each pair, the newest first; records by number.
  std::vector<std::string> open() {
    std::vector<std::string> out;
    for (const PersonPair& pair : must(pairs_.open("", 100))) {
      std::string& line = out.emplace_back(number(pair.newer) + " " + number(pair.older) + ":");
      for (const std::string& reason : pair.reasons) line += " " + reason;
    }
    return out;
  }
  std::string number(const std::string& id) {
    return std::to_string(must(house_.people.find("t1", id)).number);
  }
  std::string apart(const Person& person, const Person& other) {
    const Status said = pairs_.keep_apart(house_.administrator(), person.id, other.id);
    return said.ok() ? std::string("ok") : said.error().code;
  }
  void change(const Person& person, const Json& profile) {
    PersonChange wanted;
    wanted.profile = profile;
    must(house_.people.change(house_.administrator(), person.id, wanted));
  }
  void run(const char* sql) {
    const store::Statement statement{sql};
    must(house_.base.store->write(
        [&](store::Transaction& transaction) { return store::run(transaction, statement, {}); }));
  }

  House house_;
  rabt::test::RecordingLogger log_;
  PersonPairs pairs_{{house_.people, *house_.base.store, *house_.base.keys, *house_.base.audit,
                      house_.base.clock, log_},
                     "t1"};
  Merges merges_{{house_.people, *house_.base.store, *house_.base.keys, *house_.base.audit,
                  house_.base.clock, house_.base.random, house_.base.ids},
                 "t1"};
  using Lines = std::vector<std::string>;
};

TEST_F(Pairs, AreFoundByWhatTwoRecordsShare) {
  patient(numbered("national_id"));
  EXPECT_EQ(open(), Lines{});
  patient(numbered("other"));
  EXPECT_EQ(open(), Lines{"2 1: identifier"}) << "one number under two kinds";
  patient(born("Sara bint Omar", "1990-03-02"));
  patient(born("SARA OMAR", "1990-03-02"));
  patient(born("Sara Omar", "1990-02-03"));
  EXPECT_EQ(open(), (Lines{"2 1: identifier", "4 3: name_birth"}));
  patient(born("Huda", "2001-05-05", kPhone));
  patient(born("Nada", "2001-05-05", "+966551112233"));
  patient(Json::object({{"name", "Nada"}, {"phone", kPhone}}));
  EXPECT_EQ(open(),
            (Lines{"2 1: identifier", "8 7: name_phone", "7 6: phone_birth", "4 3: name_birth"}));
}

TEST_F(Pairs, HaveEachReasonOnce) {
  const auto both = [](const char* name) {
    return Json::object({{"name", name},
                         {"nameAr", "نورة القحطاني"},
                         {"birthDate", "1990-03-02"},
                         {"phone", kPhone}});
  };
  patient(both("Noura Alqahtani"));
  patient(both("Noura Alqahtani"));
  EXPECT_EQ(open(), Lines{"2 1: name_birth phone_birth name_phone"});
  patient(both("Nora Qahtani"));
  EXPECT_EQ(open().front(), "3 2: name_birth phone_birth name_phone") << "by the Arabic name";
}

TEST_F(Pairs, AreOfPatientsWhoAreNothingElse) {
  patient(born("Layla", "1985-04-12"));
  house_.person({Role::nurse}, born("Layla", "1985-04-12"));
  const Person nurse = house_.person({Role::patient, Role::nurse}, born("Layla", "1985-04-12"));
  EXPECT_EQ(open(), Lines{});
  const Person last = patient(born("Layla", "1985-04-12"));
  EXPECT_EQ(open(), Lines{"4 1: name_birth"});
  EXPECT_EQ(apart(last, nurse), "merge.not_patient");
  EXPECT_EQ(apart(last, last), "merge.same_person");
}

TEST_F(Pairs, FollowTheRecords) {
  const Person person = patient(born("Layla", "1985-04-12"));
  const Person two = patient(born("Layla", "1985-12-04"));
  EXPECT_EQ(open(), Lines{});
  change(person, Json::object({{"birthDate", "1985-12-04"}}));
  EXPECT_EQ(open(), Lines{"2 1: name_birth"});
  change(two, Json::object({{"email", "layla@example.sa"}}));
  EXPECT_EQ(open(), Lines{"2 1: name_birth"}) << "something else was changed";
  change(two, Json::object({{"name", "Laila"}}));
  EXPECT_EQ(open(), Lines{});
}

TEST_F(Pairs, OfTwoPeopleAreNotShownAgain) {
  const Person person = patient(born("Huda", "2001-05-05", kPhone));
  const Person two = patient(born("Nada", "2001-05-05", kPhone));
  ASSERT_EQ(open(), Lines{"2 1: phone_birth"});
  EXPECT_EQ(apart(person, two), "ok");
  EXPECT_EQ(apart(two, person), "ok") << "the same pair";
  EXPECT_EQ(open(), Lines{});
  change(two, Json::object({{"name", "Huda"}}));
  EXPECT_EQ(open(), Lines{}) << "nor with another reason";
  const Person three = patient(born("Mona", "2001-05-05", kPhone));
  EXPECT_EQ(open(), (Lines{"3 2: phone_birth", "3 1: phone_birth"}));
  EXPECT_EQ(apart(three, {.id = "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), "person.unknown");
}

TEST_F(Pairs, OfAMergedRecordComeBackWhenItIsUndone) {
  const Person person = patient(born("Layla", "1985-04-12"));
  const Person two = patient(born("Layla", "1985-04-12"));
  must(merges_.merge(house_.administrator(),
                     {.merged = two.id, .survivor = person.id, .reason = "one person"}, true));
  EXPECT_EQ(open(), Lines{}) << "also while the merge waits";
  EXPECT_EQ(apart(person, two), "merge.taken");
  must(merges_.undo(house_.administrator(), two.id, "they are twins"));
  EXPECT_EQ(open(), Lines{"2 1: name_birth"});
}

TEST_F(Pairs, ArePagedAndBounded) {
  for (std::size_t i = 0; i < kMostPaired + 2; ++i)
    patient(Json::object({{"birthDate", "1985-04-12"}, {"phone", kPhone}}));
  std::size_t of_the_last = 0;
  std::size_t all = 0;
  std::string place;
  for (;;) {
    const auto page = must(pairs_.open(place, 50));
    if (page.empty()) break;
    for (const PersonPair& pair : page) {
      ++all;
      if (number(pair.newer) == std::to_string(kMostPaired + 2)) ++of_the_last;
      EXPECT_TRUE(place.empty() || PersonPairs::place_of(pair) < place) << "the newest first";
      place = PersonPairs::place_of(pair);
    }
  }
  EXPECT_EQ(of_the_last, kMostPaired) << "the newest of the others";
  EXPECT_EQ(all, kMostPaired * (kMostPaired + 1) / 2 + kMostPaired);
  EXPECT_EQ(pairs_.open("elsewhere", 5).error().code, "cursor.invalid");
}

TEST_F(Pairs, OfARecordThatCannotBeReadAreWarnedOfOnce) {
  pairs_.closed("01A", not_found("crypto.destroyed", "gone"));
  EXPECT_EQ(log_.lines(), Lines{});
  for (const char* id : {"01A", "01A", "01B"}) pairs_.closed(id, corrupt("crypto.open", "damaged"));
  EXPECT_EQ(log_.lines(), (Lines{"pairs.closed record=01A code=crypto.open",
                                 "pairs.closed record=01B code=crypto.open"}));
}

TEST_F(Pairs, OfRecordsFromBeforeAreFoundBehindADamagedOne) {
  const Person damaged = patient(born("Layla", "1985-04-12"));
  // More than one commit has.
  for (int i = 0; i < 12; ++i) patient(born("Layla", "1985-04-12"));
  run("DELETE FROM person_pair");
  run("UPDATE person SET compared = 0");
  constexpr store::Statement kDamage{"UPDATE person SET sealed = $1 WHERE id = $2"};
  must(house_.base.store->write([&](store::Transaction& transaction) {
    return store::run(transaction, kDamage, {store::Blob{"damaged"}, damaged.id});
  }));
  must(pairs_.compare_old());
  EXPECT_EQ(must(pairs_.open("", 500)).size(), 13U * 12 / 2);
  must(pairs_.compare_old());
  EXPECT_EQ(log_.lines().size(), 1U);
  EXPECT_TRUE(log_.has("pairs.closed record=" + damaged.id));
}

TEST_F(Pairs, OfNamesakesAreNoneWhenThereAreMany) {
  for (std::size_t i = 0; i < kMostPaired; ++i) patient(born("Layla", "1985-04-12"));
  EXPECT_EQ(must(pairs_.open("", 500)).size(), kMostPaired * (kMostPaired - 1) / 2);
  patient(born("Layla", "1985-04-12", kPhone));
  EXPECT_EQ(must(pairs_.open("", 500)).size(), kMostPaired * (kMostPaired + 1) / 2);
  patient(born("Layla", "1985-04-12"));
  EXPECT_EQ(open(), Lines{}) << "nor those from before";
  patient(born("Layla", "1985-04-12", kPhone));
  EXPECT_EQ(open(), Lines{"23 21: name_birth phone_birth name_phone"});
}

// As an earlier version left them: without indexes of two members, and not compared.
TEST_F(Pairs, OfRecordsFromBeforeAreFoundLater) {
  const Person person = patient(born("Layla", "1985-04-12"));
  patient(born("Layla", "1985-04-12"));
  run("DELETE FROM person_pair");
  run("DELETE FROM person_alias WHERE kind IN ('name_birth', 'name_phone', 'phone_birth')");
  run("UPDATE person SET compared = 0");
  patient(born("Layla", "1985-04-12"));
  ASSERT_EQ(open(), Lines{});
  must(pairs_.compare_old());
  EXPECT_EQ(open(), (Lines{"3 2: name_birth", "3 1: name_birth", "2 1: name_birth"}));
  EXPECT_EQ(must(house_.people.find("t1", person.id)).version, person.version);
  run("DELETE FROM person_pair");
  must(pairs_.compare_old());
  EXPECT_EQ(open(), Lines{}) << "each record once";
}

}  // namespace
}  // namespace rabt::identity::person_pairs_test
