#include "hub/base/trace_context.hpp"

#include <gtest/gtest.h>

#include <vector>

// W3C Trace Context sections 3.2 and 4.2.
namespace rabt::trace_context_test {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kSpan = "00f067aa0ba902b7";

TEST(TraceContext, AnIdIsTakenWhateverTheFlags) {
  for (const std::string flags : {"00", "01", "02", "ff"}) {
    const auto read = parse_traceparent("00-" + kTrace + "-" + kSpan + "-" + flags);
    ASSERT_TRUE(read.has_value()) << flags;
    EXPECT_EQ(read->trace, kTrace);
    EXPECT_EQ(read->parent, kSpan);
  }
}

TEST(TraceContext, AnythingElseBeginsANewTrace) {
  const std::string zeros(32, '0');
  for (const std::string& bad : std::vector<std::string>{
           "", "00", "x", "ff-" + kTrace + "-" + kSpan + "-01",
           // Another version is not guessed at.
           "01-" + kTrace + "-" + kSpan + "-01", "cc-" + kTrace + "-" + kSpan + "-01-what",
           "00-" + kTrace + "-" + kSpan + "-01-", "00-" + kTrace + "-" + kSpan + "-01-more",
           "00-" + zeros + "-" + kSpan + "-01", "00-" + kTrace + "-" + zeros.substr(16) + "-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + kSpan + "-01",
           "00-" + kTrace + "-00F067AA0BA902B7-01", "00-" + kTrace + "-" + kSpan + "-0A",
           "0-" + kTrace + "-" + kSpan + "-01", "000-" + kTrace + "-" + kSpan + "-01",
           "00-" + kTrace.substr(1) + "-" + kSpan + "-01", "00-" + kTrace + "0-" + kSpan + "-01",
           "00-" + kTrace + "-" + kSpan.substr(1) + "-01", "00-" + kTrace + "-" + kSpan + "-1",
           "00-" + kTrace + "-" + kSpan + "-011", "00-" + kTrace + "_" + kSpan + "-01",
           "00-" + kTrace + "-" + kSpan, " 00-" + kTrace + "-" + kSpan + "-01",
           "00-" + kTrace + "-" + kSpan + "-01 ", "00-" + kTrace.substr(1) + "g-" + kSpan + "-01",
           "00-" + kTrace + "-" + kSpan + "-01,00-" + kTrace + "-" + kSpan + "-01"})
    EXPECT_FALSE(parse_traceparent(bad).has_value()) << bad;
}

TEST(TraceContext, WhatIsSentOnwardsIsReadBackWithASpanOfItsOwn) {
  SystemRandom random;
  const auto first = parse_traceparent(traceparent_of(kTrace, random));
  const auto second = parse_traceparent(traceparent_of(kTrace, random));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->trace, kTrace);
  EXPECT_NE(first->parent, second->parent);
  EXPECT_EQ(traceparent_of(kTrace, 0x00f067aa0ba902b7ULL), "00-" + kTrace + "-" + kSpan + "-01");
  const std::string own = trace_of_run("01ARZ3NDEKTSV4RRFFQ69G5FAV");
  EXPECT_TRUE(parse_traceparent(traceparent_of(own, 1)).has_value()) << own;
  EXPECT_EQ(trace_of_run("no run"), "");
  EXPECT_TRUE(is_of_a_trace("TraceParent") && is_of_a_trace("tracestate"));
  EXPECT_FALSE(is_of_a_trace("traceparents"));
}

TEST(TraceContext, OnlyWhatAMachineDrewIsAnId) {
  for (const char* id : {"0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5bd9cb469fa16570867728950e",
                         "01M7YJZDHKYXFKBBS9MA1HJMZC"})
    EXPECT_TRUE(is_machine_id(id)) << id;
  // A caller may take a name or a number of a patient for one: it would stand in the audit log.
  for (const char* id :
       {"", "a b<script>", "1089341267", "noor-qahtan", "0f8fad5b-d9cb-469f",
        "0f8fad5b0d9cb0469f0a165070867728950e", "0f8fad5b-d9cb-469f-a165-70867728950g"})
    EXPECT_FALSE(is_machine_id(id)) << id;
}

}  // namespace
}  // namespace rabt::trace_context_test
