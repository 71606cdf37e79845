#include "hub/http/refusals.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/http/problem.hpp"

namespace rabt::http::refusals_test {
namespace {

struct Kept final : Logger {
  std::vector<std::string> lines;
  void log(LogLevel level, std::string_view event, LogFields fields) override {
    std::string line = std::string(level == LogLevel::error  ? "error"
                                   : level == LogLevel::warn ? "warn"
                                                             : "info") +
                       " " + std::string(event);
    for (const auto& [key, value] : fields) {
      line.append(" ").append(key).append("=");
      if (const auto* text = std::get_if<std::string_view>(&value)) line.append(*text);
      if (const auto* number = std::get_if<std::int64_t>(&value))
        line.append(std::to_string(*number));
    }
    lines.push_back(std::move(line));
  }
};

class RefusalsTest : public ::testing::Test {
 protected:
  void note(const Response& response) { refusals_.note(response, "01ID", "POST", "192.0.2.7"); }

  Kept log_;
  FakeClock clock_{Timestamp{1'000'000}};
  Refusals refusals_{log_, clock_};
};

TEST_F(RefusalsTest, HaveOneLineWithTheReasonThatTheCallerIsNotTold) {
  const Response refused = problem(denied("http.signature", "no v1 signature fits"));
  EXPECT_EQ(refused.body.find("no v1"), std::string::npos);
  note(refused);
  note(problem(internal("store.failed", "row 7 is missing")));
  note(problem(unavailable("rate.exceeded", "too many requests")));
  note({.status = 404});
  note({.status = 200});
  note({.status = 302});
  EXPECT_EQ(log_.lines,
            (std::vector<std::string>{
                "info http.refused status=401 code=http.signature reason=no v1 signature fits "
                "request_id=01ID method=POST remote=192.0.2.7",
                "error http.failed status=500 code=store.failed reason=row 7 is missing "
                "request_id=01ID method=POST remote=192.0.2.7",
                "info http.refused status=429 code=rate.exceeded reason=too many requests "
                "request_id=01ID method=POST remote=192.0.2.7",
                "info http.refused status=404 code=http.404 reason= request_id=01ID method=POST "
                "remote=192.0.2.7"}));
}

TEST_F(RefusalsTest, HaveNoSecondLineWhereOneStands) {
  Response refused = problem(denied("http.signature", "no v1 signature fits"));
  refused.cause->logged = true;
  note(refused);
  EXPECT_TRUE(log_.lines.empty());
}

// A kept answer that is given again has lost its cause; the document still says which.
TEST_F(RefusalsTest, ReadTheCodeOfAProblemThatWasKept) {
  Response again = problem(conflict("session.completed", "the session has ended"));
  again.cause.reset();
  note(again);
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_NE(log_.lines[0].find("code=session.completed reason=the session has ended"),
            std::string::npos);
}

TEST_F(RefusalsTest, ThatAreManyAreCountedAndA500IsAlwaysSaid) {
  for (std::uint64_t i = 0; i < kRefusalLinesOfAddress + 5; ++i) note({.status = 404});
  EXPECT_EQ(log_.lines.size(), kRefusalLinesOfAddress);
  note(problem(internal("store.failed", "row 7 is missing")));
  EXPECT_EQ(log_.lines.size(), kRefusalLinesOfAddress + 1);
  clock_.advance_ms(1'000);
  note({.status = 404});
  ASSERT_EQ(log_.lines.size(), kRefusalLinesOfAddress + 3);
  EXPECT_EQ(log_.lines[kRefusalLinesOfAddress + 1], "warn http.refusals_not_logged count=5");
}

// After the last refusal of a flood nobody learned how many there were.
TEST_F(RefusalsTest, ThatWereLeftOutAreToldWithoutAnother) {
  for (std::uint64_t i = 0; i < kRefusalLinesOfAddress + 5; ++i) note({.status = 404});
  refusals_.tell_left_out();
  EXPECT_EQ(log_.lines.size(), kRefusalLinesOfAddress) << "the second is not over";
  clock_.advance_ms(1'000);
  refusals_.tell_left_out();
  EXPECT_EQ(log_.lines.back(), "warn http.refusals_not_logged count=5");
  clock_.advance_ms(1'000);
  refusals_.tell_left_out();
  EXPECT_EQ(log_.lines.size(), kRefusalLinesOfAddress + 1);
}

TEST_F(RefusalsTest, HideNoFailureAndFailuresAreLimitedThemselves) {
  for (std::uint64_t i = 0; i < kRefusalLinesPerSecond * 2; ++i) note({.status = 404});
  log_.lines.clear();
  for (std::uint64_t i = 0; i < kRefusalLinesPerSecond * 2; ++i) note({.status = 503});
  EXPECT_EQ(log_.lines.size(), kRefusalLinesPerSecond);
}

TEST_F(RefusalsTest, OfOneAddressHideNoneOfOthers) {
  for (std::uint64_t i = 0; i < kRefusalLinesPerSecond * 2; ++i) note({.status = 404});
  log_.lines.clear();
  refusals_.note(problem(conflict("session.completed", "the session has ended")), "01ID", "POST",
                 "192.0.2.8");
  ASSERT_EQ(log_.lines.size(), 1U);
  EXPECT_NE(log_.lines[0].find("remote=192.0.2.8"), std::string::npos);
}

// Many addresses together have a limit, too.
TEST_F(RefusalsTest, OfAllAddressesAreLimited) {
  for (std::uint64_t i = 0; i < kRefusalLinesPerSecond * 2; ++i)
    refusals_.note({.status = 404}, "01ID", "POST", "192.0.2." + std::to_string(i % 200));
  EXPECT_LE(log_.lines.size(), kRefusalLinesPerSecond);
}

}  // namespace
}  // namespace rabt::http::refusals_test
