#include "hub/identity/merges.hpp"

#include <set>

#include "tests/identity/house.hpp"

namespace rabt::identity::merges_test {
namespace {

using rabt::test::must;
using test::House;

Json numbered(const char* kind, const char* value) {
  return Json::object(
      {{"name", "Layla Canary"},
       {"identifiers", Json::array({Json::object({{"kind", kind}, {"value", value}})})}});
}

Json named(const char* system, const char* value) {
  return Json::object({{"system", system}, {"value", value}});
}

constexpr const char* kNational = "http://nphies.sa/identifier/nationalid";
constexpr const char* kIqama = "http://nphies.sa/identifier/iqama";

class MergedRecords : public testing::Test {
 protected:
  MergeWish wish(const Person& merged, const Person& survivor) {
    return {.merged = merged.id, .survivor = survivor.id, .reason = "two cards, one person"};
  }
  Merge merge(const Person& merged, const Person& survivor, bool waits = false) {
    return must(merges_.merge(house_.administrator(), wish(merged, survivor), waits));
  }
  std::string refused(const MergeWish& asked) {
    const auto merge = merges_.merge(house_.administrator(), asked, false);
    return merge.ok() ? std::string("ok") : merge.error().code;
  }
  std::string found(const Json& reference) {
    const auto id = house_.people.resolve("t1", reference);
    return id.ok() ? *id : id.error().code;
  }

  // Keeps what others are told.
  Status hear(Merges::News news, std::string_view merged, std::string_view survivor) {
    if (deaf_) return unavailable("store.busy", "not now");
    told_.push_back((news == Merges::News::merged ? "merged " : "unmerged ") + std::string(merged) +
                    " " + std::string(survivor));
    return ok_status();
  }

  House house_;
  std::vector<std::string> told_;
  bool deaf_ = false;
  Merges merges_{{house_.people, *house_.base.store, *house_.base.keys, *house_.base.audit,
                  house_.base.clock, house_.base.random, house_.base.ids,
                  [this](store::Transaction&, Merges::News news, std::string_view merged,
                         std::string_view survivor) { return hear(news, merged, survivor); }},
                 "t1"};
  const Person old_ = house_.person({Role::patient}, numbered("iqama", "2012345678"));
  const Person kept_ = house_.person({Role::patient}, numbered("national_id", "1089341267"));
};

TEST_F(MergedRecords, AreFoundAsTheSurvivorByEveryNumberUntilItIsUndone) {
  ASSERT_EQ(found(named(kIqama, "2012345678")), old_.id);
  const Merge made = merge(old_, kept_);
  EXPECT_TRUE(made.in_force);
  for (const Json& reference :
       {Json(old_.id), Json(uuid_of(old_.id)), Json(old_.number), Json(kept_.id),
        named(kIqama, "2012345678"), named(kNational, "1089341267")})
    EXPECT_EQ(found(reference), kept_.id);
  EXPECT_EQ(must(house_.people.search("t1", "identifier", "2012345678")).at(0).id, kept_.id);
  EXPECT_EQ(must(house_.people.record("t1", Json(old_.id))), old_.id);
  EXPECT_EQ(must(house_.people.find("t1", old_.id)).version, old_.version) << "no row rewritten";
  EXPECT_EQ(must(merges_.of(old_.id))->reason, "two cards, one person");
  EXPECT_EQ(must(merges_.into(kept_.id)).at(0).merged, old_.id);

  must(merges_.undo(house_.administrator(), old_.id, "they are twins"));
  EXPECT_EQ(found(Json(old_.id)), old_.id);
  EXPECT_EQ(found(named(kIqama, "2012345678")), old_.id);
  EXPECT_FALSE(must(merges_.of(old_.id)).has_value());
  EXPECT_EQ(merges_.undo(house_.administrator(), old_.id, "again").error().code, "merge.none");
  EXPECT_EQ(refused(wish(old_, kept_)), "ok") << "and once more";
}

TEST_F(MergedRecords, ReachTheLastSurvivorThroughEachPointer) {
  const Person last = house_.person({Role::patient}, Json::object({{"name", "L"}}));
  merge(old_, kept_);
  merge(kept_, last);
  EXPECT_EQ(found(Json(old_.id)), last.id);
  EXPECT_EQ(refused(wish(last, old_)), "merge.circle");
  EXPECT_EQ(refused(wish(last, kept_)), "merge.circle");
  must(merges_.undo(house_.administrator(), kept_.id, "no"));
  EXPECT_EQ(found(Json(old_.id)), kept_.id);
  EXPECT_EQ(found(Json(kept_.id)), kept_.id);
}

TEST_F(MergedRecords, AreRefusedWithTheReason) {
  const Person nurse = house_.person({Role::nurse}, Json::object({{"name", "N"}}));
  const Person both = house_.person({Role::patient, Role::nurse}, Json::object({{"name", "B"}}));
  EXPECT_EQ(refused(wish(old_, old_)), "merge.same_person");
  EXPECT_EQ(refused(wish(nurse, kept_)), "merge.not_patient");
  EXPECT_EQ(refused(wish(old_, both)), "merge.not_patient");
  MergeWish unknown = wish(old_, kept_);
  unknown.survivor = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  EXPECT_EQ(refused(unknown), "person.unknown");
  MergeWish stale = wish(old_, kept_);
  stale.version = old_.version + 1;
  EXPECT_EQ(refused(stale), "precondition.failed");
  merge(old_, kept_);
  EXPECT_EQ(refused(wish(old_, kept_)), "merge.taken");
  EXPECT_EQ(refused(wish(old_, nurse)), "merge.not_patient");
}

TEST_F(MergedRecords, AreLimited) {
  for (std::size_t i = 0; i < kMostMerged; ++i)
    merge(house_.person({Role::patient}, Json::object({{"name", "P"}})), kept_);
  EXPECT_EQ(refused(wish(old_, kept_)), "merge.limit");
}

TEST_F(MergedRecords, SayWhichMembersNeedASecondPerson) {
  const auto born = [&](const char* date, const char* gender) {
    return house_.person({Role::patient}, Json::object({{"birthDate", date}, {"gender", gender}}));
  };
  const Person person = born("1985-04-12", "female");
  EXPECT_EQ(must(merges_.check(wish(person, born("1985-04-12", "female")))).size(), 0U);
  EXPECT_EQ(must(merges_.check(wish(person, old_))).size(), 0U) << "one says nothing";
  const std::vector<std::string> both{"birthDate", "gender"};
  EXPECT_EQ(must(merges_.check(wish(person, born("1985-12-04", "male")))), both);
}

TEST_F(MergedRecords, TakeEffectWhenTheyAreToldTo) {
  merge(old_, kept_, true);
  EXPECT_EQ(found(Json(old_.id)), old_.id);
  EXPECT_TRUE(must(house_.people.standing("t1", old_.id))->active);
  EXPECT_EQ(must(merges_.waiting()), std::vector<std::string>{old_.id});
  EXPECT_EQ(refused(wish(old_, kept_)), "merge.taken");
  EXPECT_EQ(refused(wish(kept_, old_)), "merge.circle") << "both wait";
  must(merges_.take_effect(house_.administrator(), old_.id));
  EXPECT_EQ(found(Json(old_.id)), kept_.id);
  EXPECT_EQ(must(merges_.waiting()).size(), 0U);
}

TEST_F(MergedRecords, AreToldInTheJobThatPutsThePointerIntoForceOrUndoesIt) {
  const std::string both = old_.id + " " + kept_.id;
  merge(old_, kept_);
  EXPECT_EQ(told_, std::vector{"merged " + both});
  must(merges_.undo(house_.administrator(), old_.id, "twins"));
  EXPECT_EQ(told_.back(), "unmerged " + both);
  // One that waits is in force for nobody yet.
  told_.clear();
  merge(old_, kept_, true);
  must(merges_.undo(house_.administrator(), old_.id, "twins"));
  EXPECT_EQ(told_, std::vector<std::string>{});
  merge(old_, kept_, true);
  must(merges_.take_effect(house_.administrator(), old_.id));
  must(merges_.take_effect(house_.administrator(), old_.id));
  EXPECT_EQ(told_, std::vector{"merged " + both});
  // Nothing is done where the event cannot be kept.
  deaf_ = true;
  EXPECT_EQ(merges_.undo(house_.administrator(), old_.id, "no").error().code, "store.busy");
  EXPECT_EQ(found(Json(old_.id)), kept_.id);
}

TEST_F(MergedRecords, HaveOneNameInTheLog) {
  const auto names = [&](const Person& of) {
    std::set<std::string> out;
    for (const People::Name& name : must(house_.people.names_of("t1", of.id)))
      out.insert(name.index);
    return out;
  };
  const auto before = names(kept_).size() + names(old_).size();
  merge(old_, kept_);
  EXPECT_EQ(names(kept_).size(), before);
  EXPECT_EQ(names(kept_), names(old_));
}

TEST_F(MergedRecords, EndTheAccountOfTheOneThatIsMerged) {
  merge(old_, kept_);
  EXPECT_FALSE(must(house_.people.standing("t1", old_.id))->active);
  EXPECT_TRUE(must(house_.people.standing("t1", kept_.id))->active);
  EXPECT_TRUE(must(house_.people.find("t1", old_.id)).active) << "the account stays as it is";
  EXPECT_EQ(house_.accounts.open(house_.administrator(), old_.id, "iss", "", false).error().code,
            "auth.merged");
  must(merges_.undo(house_.administrator(), old_.id, "no"));
  EXPECT_TRUE(must(house_.people.standing("t1", old_.id))->active);
}

}  // namespace
}  // namespace rabt::identity::merges_test
