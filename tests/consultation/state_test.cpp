#include "hub/consultation/workflow/state.hpp"

#include <gtest/gtest.h>

#include <set>

namespace rabt::consultation::state_test {
namespace {

constexpr std::array<State, 9> kAll{State::booked,     State::in_session, State::ended,
                                    State::documented, State::billed,     State::closed,
                                    State::no_show,    State::cancelled,  State::failed};
constexpr std::array<State, 6> kPath{State::booked,     State::in_session, State::ended,
                                     State::documented, State::billed,     State::closed};

TEST(ConsultationState, EveryStateHasANameOfItsOwnThatIsReadBack) {
  std::set<std::string_view> names;
  for (const State state : kAll) {
    EXPECT_TRUE(names.insert(to_string(state)).second) << to_string(state);
    EXPECT_EQ(parse_state(to_string(state)), state);
  }
  EXPECT_EQ(parse_state("Booked"), std::nullopt);
  EXPECT_EQ(parse_state(""), std::nullopt);
}

TEST(ConsultationState, TheRegularPathGoesStepByStep) {
  for (std::size_t i = 0; i + 1 < kPath.size(); ++i) {
    const auto step = decide(kPath[i], kPath[i + 1]);
    ASSERT_TRUE(step.ok()) << to_string(kPath[i]);
    EXPECT_EQ(*step, Step::change);
  }
  for (std::size_t i = 0; i < kPath.size(); ++i) {
    for (std::size_t k = i + 2; k < kPath.size(); ++k) {
      if (kPath[i] == State::documented && kPath[k] == State::closed) continue;
      const auto step = decide(kPath[i], kPath[k]);
      ASSERT_FALSE(step.ok()) << to_string(kPath[i]) << " to " << to_string(kPath[k]);
      EXPECT_EQ(step.error().code, "consultation.illegal_transition");
      EXPECT_NE(step.error().message.find(to_string(kPath[i])), std::string::npos)
          << step.error().message;
      EXPECT_NE(step.error().message.find(to_string(kPath[k])), std::string::npos)
          << step.error().message;
    }
  }
}

TEST(ConsultationState, AVisitThatIsNotClaimedIsClosedWithoutAClaim) {
  const auto step = decide(State::documented, State::closed);
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(*step, Step::change);
}

TEST(ConsultationState, ALateOrRepeatedMessageChangesNothing) {
  for (std::size_t i = 0; i < kPath.size(); ++i) {
    for (std::size_t k = 0; k <= i; ++k) {
      const auto step = decide(kPath[i], kPath[k]);
      ASSERT_TRUE(step.ok()) << to_string(kPath[i]) << " to " << to_string(kPath[k]);
      EXPECT_EQ(*step, Step::nothing);
    }
  }
  for (const State state : kAll) {
    const auto step = decide(state, state);
    ASSERT_TRUE(step.ok());
    EXPECT_EQ(*step, Step::nothing);
  }
}

TEST(ConsultationState, OnlyABookedConsultationBecomesANoShowOrCancelled) {
  for (const State to : {State::no_show, State::cancelled}) {
    for (const State from : kAll) {
      if (from == to) continue;
      EXPECT_EQ(decide(from, to).ok(), from == State::booked)
          << to_string(from) << " to " << to_string(to);
    }
  }
}

TEST(ConsultationState, EverythingMayFailButWhatHasEnded) {
  for (const State from : kAll) {
    if (from == State::failed) continue;
    EXPECT_EQ(decide(from, State::failed).ok(), !is_end(from)) << to_string(from);
  }
}

TEST(ConsultationState, NothingLeavesAnEnd) {
  for (const State from : {State::no_show, State::cancelled, State::failed}) {
    EXPECT_TRUE(is_end(from));
    for (const State to : kAll)
      EXPECT_EQ(decide(from, to).ok(), from == to) << to_string(from) << " to " << to_string(to);
  }
  EXPECT_TRUE(is_end(State::closed));
  EXPECT_FALSE(is_end(State::billed));
}

TEST(ConsultationState, AConsultationBeginsBookedOrEndsBeforeItBegan) {
  for (const State to : kAll) {
    const bool allowed = to == State::booked || to == State::failed || to == State::cancelled;
    EXPECT_EQ(decide(std::nullopt, to).ok(), allowed) << to_string(to);
  }
}

}  // namespace
}  // namespace rabt::consultation::state_test
