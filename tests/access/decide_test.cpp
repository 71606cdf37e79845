#include "hub/access/decide.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

// The rules alone: no store, no session.
namespace rabt::access::decide_test {
namespace {

using identity::Role;
using identity::Roles;

// An act that asks for `Allowed` cannot be written without a decision.
static_assert(!std::is_default_constructible_v<Allowed>);
static_assert(!std::is_constructible_v<Allowed, Right, std::string_view>);
static_assert(!std::is_convertible_v<Right, Allowed>);
static_assert(!std::is_convertible_v<Decision, Allowed>);

constexpr int kRoleCount = static_cast<int>(Role::guest) + 1;
constexpr int kRelationCount = static_cast<int>(Is::bookable) + 1;

std::vector<Right> rights() {
  std::vector<Right> out;
  for (std::size_t i = 0; i < kRights; ++i) out.push_back(static_cast<Right>(i));
  return out;
}

Roles roles_of(int bits) {
  Roles out;
  for (int i = 0; i < kRoleCount; ++i) {
    if ((bits >> i & 1) != 0) out.add(static_cast<Role>(i));
  }
  return out;
}

// People as sessions know them, and every one of them with one relation more.
std::vector<Facts> everybody() {
  const std::vector<Relations> near{{},
                                    {Is::member},
                                    {Is::member, Is::takes_part},
                                    {Is::member, Is::takes_part, Is::admitted},
                                    {Is::member, Is::takes_part, Is::admitted, Is::host},
                                    {Is::patient, Is::bookable},
                                    {Is::patient, Is::bookable, Is::request}};
  std::vector<Facts> out;
  for (const Relations& base : near) {
    for (int relation = -1; relation < kRelationCount; ++relation) {
      for (int role = -1; role < kRoleCount; ++role) {
        for (const bool reason : {false, true}) {
          Facts facts{.is = base, .reason = reason, .patients_read_recordings = reason};
          if (relation >= 0) facts.is.add(static_cast<Is>(relation));
          if (role >= 0) facts.roles.add(static_cast<Role>(role));
          out.push_back(facts);
        }
      }
    }
  }
  out.push_back({.system = true});
  return out;
}

TEST(Decide, NobodyMayAnythingButUseTheCodeOfAnInvitation) {
  for (const Right right : rights())
    EXPECT_EQ(decide(right, {}).allowed, right == Right::invitation_accept) << to_string(right);
}

TEST(Decide, AnotherRoleNeverTakesARightAway) {
  for (const Facts& facts : everybody()) {
    for (const Right right : rights()) {
      if (!decide(right, facts).allowed) continue;
      for (int role = 0; role < kRoleCount; ++role) {
        Facts more = facts;
        more.roles.add(static_cast<Role>(role));
        EXPECT_TRUE(decide(right, more).allowed) << to_string(right) << " with role " << role;
      }
    }
  }
}

TEST(Decide, AReasonNeverTakesARightAwayAndOpensOnlyWhatAsksForOne) {
  for (const Facts& facts : everybody()) {
    if (facts.reason) continue;
    Facts with = facts;
    with.reason = true;
    for (const Right right : rights()) {
      const bool before = decide(right, facts).allowed;
      const Decision after = decide(right, with);
      EXPECT_TRUE(after.allowed || !before) << to_string(right);
      EXPECT_TRUE(before || !after.allowed || after.rule.ends_with("/reason")) << after.rule;
    }
  }
}

TEST(Decide, EveryRuleIsTheOneThatAllowsSomebody) {
  std::set<std::string_view> needed;
  std::set<std::string_view> all;
  for (const Facts& facts : everybody()) {
    for (const Right right : rights()) {
      if (const Decision decision = decide(right, facts); decision.allowed)
        needed.insert(decision.rule);
      for (const Trial& trial : explain(right, facts)) all.insert(trial.rule);
    }
  }
  EXPECT_GT(all.size(), 80U);
  for (const std::string_view rule : all)
    EXPECT_TRUE(needed.contains(rule)) << rule << " allows nobody: it could be deleted";
}

TEST(Decide, ExplainAndTheAnswerAgree) {
  for (const Facts& facts : everybody()) {
    for (const Right right : rights()) {
      const Decision decision = decide(right, facts);
      const auto trail = explain(right, facts);
      ASSERT_FALSE(trail.empty()) << to_string(right) << " has no rule";
      const bool allows = trail.back().outcome == "allows";
      EXPECT_EQ(allows, decision.allowed) << to_string(right);
      EXPECT_EQ(allows ? trail.back().rule : "", decision.rule);
      EXPECT_EQ(allows, decision.code.empty()) << to_string(right);
      EXPECT_EQ(allows, decision.why.empty()) << to_string(right);
      const auto admitted = admit(right, facts);
      EXPECT_EQ(admitted.ok(), decision.allowed);
    }
  }
}

// Starred fields are for treating clinicians, for the patient, and for callers with a reason.
TEST(Decide, WhoOnlyRunsTheHubSeesASessionAndNotWhatIsStarredInIt) {
  for (const Role role : {Role::admin, Role::operator_, Role::auditor, Role::integration}) {
    const Facts facts{.roles = {role}};
    EXPECT_TRUE(decide(Right::session_see, facts).allowed);
    EXPECT_FALSE(decide(Right::session_clinical, facts).allowed);
    EXPECT_FALSE(decide(Right::note_read, facts).allowed);
  }
  EXPECT_TRUE(decide(Right::session_clinical, {.roles = {Role::admin}, .reason = true}).allowed);
  for (int bits = 0; bits < 1 << kRoleCount; ++bits) {
    const Facts facts{.roles = roles_of(bits)};
    EXPECT_FALSE(decide(Right::session_clinical, facts).allowed) << bits;
    EXPECT_FALSE(decide(Right::vitals_read, facts).allowed) << bits;
    EXPECT_FALSE(decide(Right::segment_read, facts).allowed) << bits;
  }
}

// An auditor reads what was done, without patient data: his reason opened all of a visit.
TEST(Decide, AReasonOpensWhatIsClinicalToThoseWhoRunTheHubAndNotToAnAuditor) {
  std::vector<Right> clinical{Right::session_clinical, Right::comments_read};
  for (int right = static_cast<int>(Right::message_read);
       right <= static_cast<int>(Right::follow_up_read); ++right)
    clinical.push_back(static_cast<Right>(right));
  for (const Right right : clinical) {
    // The figures of a feedback are no patient data.
    const bool figures = right == Right::feedback_read;
    EXPECT_EQ(decide(right, {.roles = {Role::auditor}, .reason = true}).allowed, figures)
        << to_string(right);
    for (const Role role : {Role::admin, Role::operator_})
      EXPECT_TRUE(decide(right, {.roles = {role}, .reason = true}).allowed) << to_string(right);
  }
}

// A clinical role gives rights only in sessions to which the person has a relation.
TEST(Decide, Trap51ARoleWithoutTheRelationOpensNoSession) {
  for (const Role role : {Role::doctor, Role::specialist, Role::nurse, Role::patient, Role::guest,
                          Role::engineer, Role::security_officer}) {
    const Facts facts{.roles = {role}, .reason = true};
    for (const Right right : {Right::session_see, Right::session_clinical, Right::session_run,
                              Right::note_read, Right::message_read, Right::recordings_see})
      EXPECT_FALSE(decide(right, facts).allowed) << to_string(right);
  }
}

// A removed participant stays a member, but may only leave.
TEST(Decide, WhoWasRemovedMayOnlyLeave) {
  const Facts removed{.roles = {Role::doctor}, .is = {Is::member, Is::doctor, Is::staff}};
  for (const Right right : rights()) {
    const bool role_alone = decide(right, {.roles = {Role::doctor}}).allowed;
    const bool may = right == Right::session_leave || right == Right::comments_read || role_alone;
    EXPECT_EQ(decide(right, removed).allowed, may) << to_string(right);
  }
}

// A doctor is told what is missing until he treats, and what he can do.
TEST(Decide, ARecordOpensToWhoTreatsAndTellsOthersWhatIsMissing) {
  const auto see = [](Relations relations, Role role = Role::doctor) {
    return decide(Right::patient_see_at_once, {.roles = {role}, .is = relations});
  };
  EXPECT_TRUE(see({Is::treats}).allowed);
  EXPECT_TRUE(see({Is::treats, Is::opened_alone}).allowed);
  EXPECT_FALSE(see({Is::treats}, Role::admin).allowed);
  EXPECT_FALSE(see({Is::takes_part, Is::staff, Is::treating}).allowed);
  for (const auto& [is, outcome, word] :
       {std::tuple{Relations{Is::opened_alone}, "opened alone", "nobody else"},
        std::tuple{Relations{Is::planned_later}, "planned later", "privacy.treats_before_hours"},
        std::tuple{Relations{Is::opened_alone, Is::planned_later}, "opened alone", "nobody"}}) {
    const Decision refused = see(is);
    EXPECT_EQ(refused.code, "phi.break_glass");
    EXPECT_NE(refused.why.find(word), std::string_view::npos) << refused.why;
    EXPECT_NE(refused.why.find("/api/v1/break-glass"), std::string_view::npos) << refused.why;
    const Facts facts{.roles = {Role::doctor}, .is = is};
    EXPECT_EQ(explain(Right::patient_see_at_once, facts).back().outcome, outcome);
    EXPECT_EQ(decide(Right::patient_change, facts).code, "authorisation.denied");
    EXPECT_EQ(decide(Right::patient_change, facts).why, refused.why);
  }
}

TEST(Decide, ARecordingIsReadByARightOfItsOwn) {
  const auto reads = [](const Facts& facts) { return decide(Right::recording_read, facts).rule; };
  const Relations specialist{Is::member, Is::takes_part, Is::admitted, Is::specialist};
  EXPECT_EQ(reads({.is = {Is::treating}}), "recording.read/doctor");
  EXPECT_EQ(reads({.is = specialist}), "recording.read/part");
  EXPECT_EQ(reads({.is = {Is::member, Is::takes_part, Is::specialist}}), "") << "waits";
  EXPECT_EQ(reads({.is = {Is::member, Is::specialist, Is::licensed}}), "") << "was removed";
  EXPECT_EQ(reads({.is = {Is::member, Is::takes_part, Is::admitted, Is::nurse}}), "");
  const Relations patient{Is::patient, Is::patient_role};
  EXPECT_EQ(reads({.is = patient}), "");
  EXPECT_EQ(reads({.is = patient, .patients_read_recordings = true}), "recording.read/patient");
  EXPECT_EQ(reads({.roles = {Role::admin}}), "");
  EXPECT_EQ(reads({.roles = {Role::admin}, .reason = true}), "recording.read/reason");
  for (const Role role : {Role::operator_, Role::auditor, Role::security_officer, Role::doctor})
    EXPECT_EQ(reads({.roles = {role}, .reason = true}), "") << "sees them at most";
}

TEST(Decide, TheHubMayWhatAWorkflowDoesAndNothingThatNeedsAPerson) {
  const Facts hub{.system = true};
  EXPECT_TRUE(decide(Right::session_run, hub).allowed);
  EXPECT_TRUE(decide(Right::note_write, hub).allowed);
  EXPECT_FALSE(decide(Right::prescription_write, hub).allowed);
  EXPECT_FALSE(decide(Right::diagnose, hub).allowed);
  EXPECT_FALSE(decide(Right::session_accept, hub).allowed);
  EXPECT_FALSE(decide(Right::session_by_the_hub, {.roles = roles_of(~0)}).allowed);
}

// Whoever prescribes, and whoever greets patients, does not dispense; the hub itself does not.
TEST(Decide, ThePharmacysSystemAloneDispenses) {
  for (const Facts& facts : everybody()) {
    const bool pharmacy = facts.roles.has(Role::integration);
    EXPECT_EQ(decide(Right::prescription_dispense, facts).allowed, pharmacy);
  }
}

}  // namespace
}  // namespace rabt::access::decide_test
