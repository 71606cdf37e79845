#include <algorithm>
#include <optional>
#include <ostream>

#include "tests/clinic/week.hpp"

// Mistakes that are planted in shipped workflows: the hub runs with
// each of them through some visits, and the model must find it at a visit that it spoils, and name
// what it spoils. Books that are wrong without a hub: week_test.cpp.
namespace rabt::clinic::week_mistakes_test {
namespace {

using week::Plan;
using Planned = week::Visit;

struct Line {
  const char* from;
  const char* to;
};
struct Mistake {
  const char* name;
  // Name of a file of workflows/, and its lines.
  const char* workflow;
  std::vector<Line> lines;
  // Visits that the mistake spoils.
  std::function<bool(const Planned&)> spoils;
  // Begin of the difference at such a visit, or of one that begins with "figures".
  std::function<std::string(const Planned&)> found;
  // Begins of the differences that come of it.
  std::vector<const char*> only;
};
// Mistakes of one play, which spoil different things: so each difference comes of one of them.
struct Play {
  // Of the test.
  const char* name;
  std::vector<Mistake> mistakes;
  int visits = 3;
  int days = 1;

  friend std::ostream& operator<<(std::ostream& out, const Play& play) { return out << play.name; }
};

bool is_booked(const Planned& visit) {
  return visit.kind == week::Kind::booked;
}
bool is_told(const Planned& visit) {
  return is_booked(visit) && visit.record == week::Record::adult && !visit.overtaken();
}
bool comes(const Planned& visit) {
  return visit.is_held() && visit.comes == week::Comes::in_time;
}
bool is_emergency(const Planned& visit) {
  return visit.kind == week::Kind::emergency;
}
std::function<std::string(const Planned&)> always(const char* found) {
  return [found](const Planned&) { return std::string(found); };
}
std::function<std::string(const Planned&)> none_of(const char* kind) {
  return [kind](const Planned& visit) {
    return "messages `" + std::string(kind) + " " + week::local_time(visit.last().minute) + "` 0,";
  };
}
bool is_called_off_early(const Planned& visit) {
  return is_booked(visit) && visit.cancelled_at && !visit.overtaken() &&
         *visit.cancelled_at < week::kDay;
}
bool is_insured(const Planned& visit) {
  return is_booked(visit) && visit.is_held() && visit.payer == week::Payer::insured;
}
bool is_held(const Planned& visit) {
  return visit.is_held();
}

Play of_calls() {
  return {
      .name = "WhatIsSaidToOthers",
      .mistakes =
          {{.name = "AClaimThatIsSentTwice",
            .workflow = "consultation",
            .lines = {{"- submit:\n", "- submit: &submit\n"},
                      {"- claimError: {if:", "- submitAgain: *submit\n        - claimError: {if:"}},
            .spoils = is_insured,
            .found = always("claims 2, not 1"),
            .only = {"claims "}},
           {.name = "AChartWithoutADiagnosis",
            .workflow = "chart",
            .lines = {{"diagnoses: ${ $context.visit.diagnoses }", "diagnoses: []"}},
            .spoils = is_held,
            .found = always("chart `Condition` 0, not 2"),
            .only = {"chart `Condition` ", "chart `Encounter.diagnosis` "}},
           {.name = "AFirstTimePatientWhomNobodyCalls",
            .workflow = "messages",
            .lines = {{R"((.kind == "booked" or .kind == "moved")", R"((.kind == "moved")"}},
            .spoils =
                [](const Planned& visit) {
                  return visit.record == week::Record::none && visit.moves.empty() && comes(visit);
                },
            .found = always("task `patient.not-told` missing"),
            .only = {"task `patient.not-told` "}},
           {.name = "AWalkInWithoutABill",
            .workflow = "after_session",
            .lines = {{"type: org.rabt.consultation.self-pay.v1", "type: org.rabt.self-pay.v1"}},
            .spoils =
                [](const Planned& visit) {
                  return visit.kind == week::Kind::walk_in && visit.payer == week::Payer::himself;
                },
            .found = always("bills 0, not 1"),
            .only = {"bills "}},
           {.name = "AnEmergencyWhoseFirstDoctorIsToldOfTheSecond",
            .workflow = "emergency",
            .lines = {{"person: '${ $context.provider }'",
                       "person: '${ $context.told // $context.provider }'"}},
            .spoils = [](const Planned& visit) { return is_emergency(visit) && visit.answered; },
            .found =
                [](const Planned& visit) {
                  return "messages to ring `" + week::doctor(visit.doctor) + "` 0, not 1";
                },
            .only = {"messages to ring "}},
           {.name = "ANoShowThatWasCalledOff",
            .workflow = "consultation",
            .lines = {{R"(if $why == "no-show" or $why == "cancelled" then $why)",
                       R"(if $why == "no-show" or $why == "cancelled" then "no-show")"}},
            .spoils = is_called_off_early,
            .found = always("figures: no-shows "),
            .only = {"figures: "}}},
      .visits = 12};
}

Play of_no_claims() {
  return {.name = "NoClaim",
          .mistakes = {{.name = "AClaimThatIsNeverSent",
                        .workflow = "consultation",
                        .lines = {{"- yes: {when: '${ $context.visit.claimable }', then: payer}",
                                   "- yes: {when: '${ $context.visit.claimable }', then: close}"}},
                        .spoils = is_insured,
                        .found = always("claims 0, not 1"),
                        .only = {"claims "}}},
          .visits = 6,
          .days = 2};
}
Play of_cancelling() {
  return {.name = "ACancellation",
          .mistakes = {
              {.name = "ACancellationOfWhichThePatientHearsNothing",
               .workflow = "messages",
               .lines = {{R"(wait: ${ "PT\($context.seconds)S" }
      then: tell)",
                          R"(wait: ${ "PT\($context.seconds)S" }
  - whatHappened:
      switch:
        - calledOff: {when: '${ type == "array" and .[0].status == "cancelled" }', then: end}
        - other: {then: tell})"}},
               .spoils = [](const Planned& visit) { return is_told(visit) && visit.cancelled_at; },
               .found = none_of("cancelled"),
               .only = {"messages `"}}}};
}

class PlantedMistakes : public PlayedWeek, public ::testing::WithParamInterface<Play> {
 protected:
  void plant(const Mistake& mistake) {
    for (const auto& [from, to] : mistake.lines) change_workflow(mistake.workflow, from, to);
  }
};

// The first script that has a visit for each mistake.
std::optional<Plan> script_for(const Play& play) {
  constexpr std::uint64_t kSeeds = 20'000;
  for (std::uint64_t seed = 1; seed < kSeeds; ++seed) {
    Plan plan = week::make_plan(seed, play.visits, play.days);
    if (std::all_of(play.mistakes.begin(), play.mistakes.end(), [&](const Mistake& mistake) {
          return std::any_of(plan.visits.begin(), plan.visits.end(), mistake.spoils);
        }))
      return plan;
  }
  return std::nullopt;
}

bool is_of_figures(const std::string& difference) {
  return difference.find(" figures: ") != std::string::npos;
}
bool is_of(const std::string& difference, const Planned& visit) {
  return difference.find(" visit " + std::to_string(visit.number) + " (") != std::string::npos;
}
bool says(const std::string& difference, const std::string& begin) {
  return difference.find((begin.starts_with("figures") ? " " : "): ") + begin) != std::string::npos;
}

// True if a difference is of a visit that the mistake spoils, and of the thing itself.
bool names(const std::string& difference, const Mistake& mistake, const Plan& plan) {
  return std::any_of(plan.visits.begin(), plan.visits.end(), [&](const Planned& visit) {
    return mistake.spoils(visit) && says(difference, mistake.found(visit)) &&
           (is_of_figures(difference) || is_of(difference, visit));
  });
}
bool comes_of(const std::string& difference, const Mistake& mistake, const Plan& plan) {
  if (!mistake.only.empty())
    return std::any_of(mistake.only.begin(), mistake.only.end(),
                       [&](const char* begin) { return says(difference, begin); });
  return is_of_figures(difference) ||
         std::any_of(plan.visits.begin(), plan.visits.end(), [&](const Planned& visit) {
           return mistake.spoils(visit) && is_of(difference, visit);
         });
}

TEST_P(PlantedMistakes, AreFoundAndNamed) {
  const Play& planted = GetParam();
  for (const Mistake& one : planted.mistakes) plant(one);
  payer_goes_away_ = ehr_goes_away_ = false;
  lost_answers_ = 0;
  const auto plan = script_for(planted);
  ASSERT_TRUE(plan) << "no script has such visits";
  play(*plan);
  ASSERT_FALSE(HasFailure());
  const std::vector<std::string> found = week::differences(*plan, look());
  ASSERT_FALSE(HasFailure());
  for (const Mistake& mistake : planted.mistakes) {
    EXPECT_TRUE(std::any_of(found.begin(), found.end(), [&](const std::string& word) {
      return names(word, mistake, *plan);
    })) << mistake.name;
  }
  for (const std::string& text : found) {
    EXPECT_TRUE(std::any_of(planted.mistakes.begin(), planted.mistakes.end(),
                            [&](const Mistake& mistake) { return comes_of(text, mistake, *plan); }))
        << text;
  }
}

std::string name_of(const ::testing::TestParamInfo<Play>& info) {
  return info.param.name;
}
// A minute each.
INSTANTIATE_TEST_SUITE_P(Slow, PlantedMistakes,
                         ::testing::Values(of_calls(), of_no_claims(), of_cancelling()), name_of);

}  // namespace
}  // namespace rabt::clinic::week_mistakes_test
