#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "hub/engine/state_text.hpp"
#include "tests/clinic/week.hpp"

// An ordinary week of a clinic: some visits move, some are called off, some patients pay for
// themselves, come without a booking or call for help, a doctor is ill, records are merged, systems
// of others go away for hours, and the hub's memory is lost each day. At the end everybody's books
// must be what a simple model says. More mistakes are planted in week_mistakes_test.cpp.
//   RABT_WEEK_VISITS, RABT_WEEK_SEED  number of visits, and of the script
//   RABT_WEEK_LOG                     file that takes the hub's log and the instances that run
namespace rabt::clinic::week_test {
namespace {

using week::Books;
using week::Plan;
using week::Seen;
using Planned = week::Visit;

int from_environment(const char* name, int usual) {
  const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? usual : std::atoi(text);
}

// At most so many differences are told.
constexpr std::size_t kTold = 40;

void report(const std::vector<std::string>& found) {
  for (std::size_t i = 0; i < found.size() && i < kTold; ++i) ADD_FAILURE() << found[i];
  if (found.size() > kTold) ADD_FAILURE() << "and " << found.size() - kTold << " more";
}

// Books that are wrong in one place: the model must see each.
struct Fault {
  const char* name;
  std::function<bool(const Planned&)> fits;
  std::function<void(const Planned&, Books&)> spoil;
};

bool is_told(const Planned& visit) {
  return visit.kind == week::Kind::booked && visit.record == week::Record::adult &&
         !visit.overtaken();
}
bool is_insured(const Planned& visit) {
  return visit.is_held() && visit.payer == week::Payer::insured;
}
bool is_walk_in(const Planned& visit) {
  return visit.kind == week::Kind::walk_in;
}
bool is_emergency(const Planned& visit) {
  return visit.kind == week::Kind::emergency;
}
std::string at(const char* kind, const week::Slot& slot) {
  return std::string(kind) + " " + week::local_time(slot.minute);
}

const std::vector<Fault>& faults() {
  using week::Payer;
  static const std::vector<Fault> kFaults{
      {"a claim twice", is_insured, [](const Planned&, Books& is) { ++is.claims; }},
      {"a claim never sent", is_insured, [](const Planned&, Books& is) { --is.claims; }},
      {"a claim for a self-pay patient",
       [](const Planned& visit) { return visit.is_held() && visit.payer == Payer::himself; },
       [](const Planned&, Books& is) { ++is.claims; }},
      {"a self-pay visit without a bill",
       [](const Planned& visit) { return visit.is_held() && visit.payer == Payer::himself; },
       [](const Planned&, Books& is) { --is.bills; }},
      {"a bill for an insured patient", is_insured, [](const Planned&, Books& is) { ++is.bills; }},
      {"a second session", is_insured, [](const Planned&, Books& is) { ++is.sessions; }},
      {"a session that did not move", [](const Planned& visit) { return !visit.moves.empty(); },
       [](const Planned& visit, Books& is) { is.start = week::local_time(visit.first.minute); }},
      {"a reminder that did not move",
       [](const Planned& visit) { return !visit.moves.empty() && is_told(visit); },
       [](const Planned& visit, Books& is) {
         is.messages[at("reminder", visit.first)] += 5;
         is.messages.erase(at("reminder", visit.last()));
       }},
      {"a reminder that nobody sent",
       [](const Planned& visit) { return is_told(visit) && visit.is_held(); },
       [](const Planned& visit, Books& is) { is.messages.erase(at("reminder", visit.last())); }},
      {"a patient who hears nothing of a cancellation",
       [](const Planned& visit) { return is_told(visit) && visit.cancelled_at; },
       [](const Planned& visit, Books& is) { is.messages.erase(at("cancelled", visit.last())); }},
      {"a message to another telephone", is_told, [](const Planned&, Books& is) { ++is.strays; }},
      {"a visit that was called off and held",
       [](const Planned& visit) { return visit.cancelled_at && !visit.overtaken(); },
       [](const Planned&, Books& is) { is.outcome = "held"; }},
      {"an appointment that hears nothing", is_insured,
       [](const Planned&, Books& is) { is.appointment = "booked"; }},
      {"a chart without a diagnosis", is_insured,
       [](const Planned&, Books& is) { --is.chart["Condition"]; }},
      {"a prescription twice in the chart", is_insured,
       [](const Planned&, Books& is) { ++is.chart["MedicationRequest"]; }},
      {"a patient whom nobody calls",
       [](const Planned& visit) {
         return visit.record == week::Record::none && !visit.overtaken();
       },
       [](const Planned&, Books& is) { is.tasks.clear(); }},
      {"a task that nobody needs", is_insured,
       [](const Planned&, Books& is) { is.tasks.insert("coverage.not-eligible"); }},
      {"a visit of the ill doctor left behind", [](const Planned& visit) { return visit.given; },
       [](const Planned&, Books& is) { is.doctor = week::kIll; }},
      {"a patient of the ill doctor who hears nothing",
       [](const Planned& visit) { return visit.given && visit.moves.empty() && is_told(visit); },
       [](const Planned& visit, Books& is) {
         is.messages.erase(at("other_doctor", visit.last()));
       }},
      {"a patient who hears of another doctor when nobody is ill",
       [](const Planned& visit) { return !visit.given && visit.moves.empty() && is_told(visit); },
       [](const Planned& visit, Books& is) { ++is.messages[at("other_doctor", visit.last())]; }},
      {"a walk-in without a bill",
       [](const Planned& visit) { return is_walk_in(visit) && visit.payer == Payer::himself; },
       [](const Planned&, Books& is) { --is.bills; }},
      {"a walk-in without a chart", is_walk_in,
       [](const Planned&, Books& is) { is.chart.clear(); }},
      {"an emergency whose second doctor is not rung",
       [](const Planned& visit) { return is_emergency(visit) && visit.answered; },
       [](const Planned& visit, Books& is) { is.rung.erase(week::doctor(visit.doctor)); }},
      {"an emergency of which the desk hears nothing",
       [](const Planned& visit) { return !visit.answered; },
       [](const Planned&, Books& is) { is.tasks.clear(); }},
      {"a patient in need who is not told to call 997",
       [](const Planned& visit) { return !visit.answered; },
       [](const Planned&, Books& is) { is.messages.clear(); }},
      {"a merged patient's visit missing in the survivor's record",
       [](const Planned& visit) { return visit.merge == week::Merge::right; },
       [](const Planned&, Books& is) { is.record = "none"; }},
      {"a wrong merge that is not undone",
       [](const Planned& visit) { return visit.merge == week::Merge::wrong; },
       [](const Planned&, Books& books) { books.record = "wrong"; }},
  };
  return kFaults;
}

// Each fault is seen at the first visit that it fits.
void expect_faults_are_found(const Plan& plan, const Seen& good) {
  for (const Fault& fault : faults()) {
    const auto visit = std::find_if(plan.visits.begin(), plan.visits.end(), fault.fits);
    ASSERT_NE(visit, plan.visits.end()) << fault.name;
    Seen seen = good;
    fault.spoil(*visit, seen.visits[static_cast<std::size_t>(visit->number)]);
    EXPECT_FALSE(week::differences(plan, seen).empty()) << fault.name;
  }
  for (int week::Figures::*const figure :
       {&week::Figures::visits, &week::Figures::no_shows, &week::Figures::cancelled}) {
    Seen seen = good;
    seen.figures.*figure += 1000;
    EXPECT_FALSE(week::differences(plan, seen).empty()) << "a figure";
  }
}

class Week : public PlayedWeek {
 protected:
  void play_a_week(int visits) {
    const Plan plan =
        week::make_plan(static_cast<std::uint64_t>(from_environment("RABT_WEEK_SEED", 1)),
                        from_environment("RABT_WEEK_VISITS", visits), 5);
    ASSERT_NO_FATAL_FAILURE(play(plan));
    report(unexplained());
    const Seen seen = look();
    const auto found = week::differences(plan, seen);
    report(found);
    expect_same_on_replay(plan.visits.size());
    // The cause stands there most often.
    if (HasFailure()) report(unfinished());
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    if (const char* const file = std::getenv("RABT_WEEK_LOG"); file != nullptr) {
      std::ofstream out(file);
      for (const std::string& word : unfinished()) out << word << "\n";
      for (const std::string& text : logged()) out << text << "\n";
    }
  }
  // Every instance becomes what it was on the file that it ran on, over crashes and lost answers.
  void expect_same_on_replay(std::size_t visits) {
    // A replay has some seconds: so many visits are a second or two.
    constexpr std::size_t kAtOnce = 200;
    constexpr std::int64_t kSpanMs = 14LL * 24 * 3'600'000;
    const auto windows = static_cast<std::int64_t>(1 + visits / kAtOnce);
    const std::int64_t now = clock_.now().ms;
    std::int64_t same = 0;
    for (const std::string& path : site_.config.workflows) {
      const engine::WorkflowFile file{path, e2e::read_file(path)};
      for (std::int64_t window = 0; window < windows; ++window) {
        const std::int64_t until = now + 1 - window * (kSpanMs / windows);
        const engine::InstanceFilter changed{
            .states = {engine::kStates.begin(), engine::kStates.end()},
            .since = Timestamp{until - kSpanMs / windows},
            .until = Timestamp{until}};
        const auto made =
            hub_->engine().replay(file, {.instances = changed, .limit = 1000},
                                  [](const std::string&, const Json&) { return ok_status(); });
        ASSERT_TRUE(made.ok()) << made.error().message;
        EXPECT_FALSE(made->bool_or("more", true)) << path;
        EXPECT_EQ((*made)["differences"].dump(), "[]") << path;
        same += made->int_or("instances", 0);
      }
    }
    EXPECT_GE(same, static_cast<std::int64_t>(3 * visits));
    std::printf(
        "%lld instances are the same on a replay, at %lld a second\n", static_cast<long long>(same),
        static_cast<long long>(same * 1000 / std::max<std::int64_t>(1, clock_.now().ms - now)));
  }
  // Plays two days with a workflow that has a mistake, whose script has such a visit.
  std::vector<std::string> play_with_mistake(const std::function<bool(const Planned&)>& needs) {
    payer_goes_away_ = ehr_goes_away_ = false;
    lost_answers_ = 0;
    for (std::uint64_t seed = 1; seed < 200; ++seed) {
      Plan plan = week::make_plan(seed, 6, 2);
      if (std::none_of(plan.visits.begin(), plan.visits.end(), needs)) continue;
      play(plan);
      return HasFailure() ? std::vector<std::string>() : week::differences(plan, look());
    }
    ADD_FAILURE() << "no script has such a visit";
    return {};
  }
};

TEST(WeekModel, BooksThatAreWrongInOnePlaceAreFound) {
  const Plan plan = week::make_plan(1, 400, 5);
  const Seen good = week::perfect(plan);
  EXPECT_TRUE(week::differences(plan, good).empty());
  expect_faults_are_found(plan, good);
}

class SlowWeek : public Week {};

TEST_F(Week, EveryBookAgreesWithTheModel) {
  play_a_week(60);
}

TEST_F(SlowWeek, AWorkflowThatDoesNotMoveTheSessionIsFound) {
  change_workflow("consultation", "- moves: {then: move}", "- moves: {then: heard}");
  EXPECT_FALSE(play_with_mistake([](const Planned& visit) {
                 return !visit.moves.empty() && visit.is_held();
               }).empty());
}

TEST_F(Week, AWorkflowThatTellsTheAppointmentNothingOfTheEndIsFound) {
  change_workflow("appointment", R"(completed: "fulfilled",)", R"(completed: "arrived",)");
  EXPECT_FALSE(play_with_mistake([](const Planned& visit) {
                 return visit.kind == week::Kind::booked && visit.is_held();
               }).empty());
}

TEST_F(SlowWeek, AWorkflowThatClaimsWhatTheDeskCalledSelfPayIsFound) {
  change_workflow("consultation",
                  R"($context.coverage == null or $context.pays == "self-pay" }', then: selfPay})",
                  R"($context.coverage == null }', then: selfPay}
              - himself: {when: '${ $context.pays == "self-pay" }', then: claim})");
  EXPECT_FALSE(play_with_mistake([](const Planned& visit) {
                 return visit.is_held() && visit.desk == week::DeskSays::self_pay;
               }).empty());
}

TEST_F(SlowWeek, AnEmergencyWhoseSecondDoctorIsNotRungIsFound) {
  change_workflow("emergency", "$context.provider != $context.told", "$context.told == null");
  EXPECT_FALSE(play_with_mistake([](const Planned& visit) {
                 return is_emergency(visit) && visit.answered;
               }).empty());
}

TEST_F(SlowWeek, TwoThousandVisitsAgreeWithTheModel) {
  play_a_week(2000);
}

}  // namespace
}  // namespace rabt::clinic::week_test
