// The plugin on the SDK's fakes: the outside system is a recording or a function, time is virtual, and what breaks
// the contract is counted.
#include "rabt/testing/fake_host.hpp"

#include <gtest/gtest.h>

using rabt::sdk::Kind;
using rabt::sdk::Outcome;
using rabt::sdk::testing::Answer;
using rabt::sdk::testing::Cassette;
using rabt::sdk::testing::FakeHost;
using rabt::sdk::testing::Request;

namespace {

constexpr const char* kConfig = R"({"base_url":"https://api.example.org"})";
constexpr const char* kInput = R"({"reference":"visit-1"})";

class @CLASS@Test : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.started()) << host_.problem;
    host_.secrets["api_token"] = "token";
  }
  void TearDown() override {
    host_.stop();
    EXPECT_EQ(host_.violations(), "");
  }
  Outcome call_with(const Answer& answer) {
    host_.outside = [answer](const Request&) { return answer; };
    return host_.call(GetParam(), kInput);
  }
  FakeHost host_{kConfig};
};

TEST_P(@CLASS@Test, AnswersWithTheIdOfTheOutsideSystem) {
  const Cassette tape = Cassette::load(std::string(PROJECT "/tests/cassettes/") + GetParam() + ".json");
  ASSERT_EQ(tape.problem(), "");
  std::string wrong;
  host_.outside = tape.player([&wrong](const std::string& what) { wrong += what + "\n"; });
  const Outcome outcome = host_.call(GetParam(), kInput, "key-1");
  EXPECT_EQ(wrong, "");
  EXPECT_EQ(outcome.kind, Kind::done) << outcome.message;
  EXPECT_EQ(outcome.output, R"({"id":"X-1001"})");
}

TEST_P(@CLASS@Test, SaysWhatCanBeTriedAgain) {
  EXPECT_EQ(call_with(rabt::sdk::testing::unreachable()).kind, Kind::transient);
  EXPECT_EQ(call_with(rabt::sdk::testing::lost()).kind, Kind::transient);  // the key makes a repeat safe
  EXPECT_EQ(call_with({.status = 503}).kind, Kind::transient);
  EXPECT_EQ(call_with({.status = 400}).kind, Kind::permanent);
  EXPECT_EQ(call_with({.status = 200, .body = "<html>"}).kind, Kind::ambiguous);
}

TEST_P(@CLASS@Test, WaitsAsLongAsItIsAskedTo) {
  EXPECT_EQ(call_with({.status = 429, .headers = R"([["retry-after","7"]])"}).retry_after_ms, 7000);
}

INSTANTIATE_TEST_SUITE_P(Actions, @CLASS@Test,
                         testing::ValuesIn(std::vector<const char*>{
@BEGIN ACTIONS@
                             "@ACTION@",
@END ACTIONS@
                         }));

}  // namespace
