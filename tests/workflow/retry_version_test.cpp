#include "hub/workflow/run/rewind.hpp"
#include "tests/workflow/harness.hpp"

// A faulted instance that goes on with another version of its workflow: which versions may do so.
namespace rabt::workflow::retry_version_test {
namespace {

constexpr const char* kFirst = "  - first: {call: book:1.0.0@register, with: {n: 1}}\n";
constexpr const char* kTell =
    "  - tell: {emit: {event: {with: {type: test.told.v1, source: /t, data: {n: 1}}}}}\n";
constexpr const char* kRest = "  - rest: {wait: PT1M}\n";
constexpr const char* kPay = "  - pay: {call: claim:1.0.0@payer, with: {n: 1}}\n";

std::string file(const std::string& first = kFirst, const std::string& tell = kTell,
                 const std::string& rest = kRest, const std::string& pay = kPay) {
  return "do:\n" + first + tell + rest + pay;
}

// The difference because of which an instance does not go on with the file; "" if it does.
std::string refusal_of(const Play& run, const std::string& before, const std::string& after) {
  const Version on{parsed(after), {}};
  const Result<Rewind> plan =
      plan_rewind({.first = {parsed(before), {}}}, run.inputs, run.now, &on);
  if (plan.ok()) return "";
  EXPECT_EQ(plan.error().code, "engine.retry_version");
  EXPECT_EQ(plan.error().kind, ErrorKind::conflict);
  const std::string& message = plan.error().message;
  const std::string mark = "the first difference: ";
  const auto from = message.find(mark);
  EXPECT_NE(from, std::string::npos) << message;
  if (from == std::string::npos) return message;
  const auto begin = from + mark.size();
  return message.substr(begin, message.find(';', begin) - begin);
}

// An instance whose payer refused the claim.
Play faulted() {
  Play run(file());
  run.done(run.only<CallAction>());
  run.fire(run.only<StartTimer>());
  run.failed(run.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(run.result().place, "/do/3/pay");
  return run;
}

TEST(RetryVersion, TakesAVersionThatDiffersFromTheFailedCallOn) {
  const Play run = faulted();
  EXPECT_EQ(refusal_of(run, file(), file()), "");
  EXPECT_EQ(refusal_of(run, file(),
                       file(kFirst, kTell, kRest,
                            "  - pay: {call: claim:1.0.0@payer, with: {n: 1, code: A}}\n")),
            "")
      << "the payer did nothing with its arguments";
  EXPECT_EQ(refusal_of(run, file(), file() + "  - more: {call: note:1.0.0@desk}\n"), "");
  EXPECT_EQ(refusal_of(run, file(), file(kFirst, kTell, "  - rest: {wait: PT2M}\n")), "")
      << "that wait is over";
}

TEST(RetryVersion, NamesTheFirstDifference) {
  const Play run = faulted();
  const auto refused = [&run](const std::string& after) { return refusal_of(run, file(), after); };
  const std::string extra = "  - extra: {call: look:1.0.0@register}\n";
  EXPECT_EQ(refused(file(kFirst, kTell, kRest, extra + kPay)),
            "it has task extra (register look) at /do/3/extra where the instance has task pay "
            "(payer claim) at /do/3/pay");
  EXPECT_EQ(refused(file(kFirst, kTell, kRest, std::string("  - note: {set: {x: 1}}\n") + kPay)),
            "it has task pay (payer claim) at /do/4/pay where the instance has task pay (payer "
            "claim) at /do/3/pay")
      << "the key of the call comes from its place";
  EXPECT_EQ(refused(file("  - first: {call: book:1.0.0@register, with: {n: 4711}}\n")),
            "task first (register book) at /do/0/first asks for something else");
  EXPECT_EQ(refused(file("  - first: {call: hold:1.0.0@register, with: {n: 1}}\n")),
            "it has task first (register hold) at /do/0/first where the instance has task first "
            "(register book) at /do/0/first");
  EXPECT_EQ(refused(file(kFirst,
                         "  - tell: {emit: {event: {with: {type: test.other.v1, source: /t}}}}\n")),
            "task tell (event) at /do/1/tell asks for something else");
  EXPECT_EQ(refused(file(kFirst,
                         "  - tell: {raise: {error: {type: 'https://x.example/no', "
                         "status: 418}}}\n")),
            "it does not come to task tell (event) at /do/1/tell");
  EXPECT_EQ(refused(file(kFirst, kTell, "  - rest: {set: {x: 1}}\n")),
            "it has task pay (payer claim) at /do/3/pay where the instance has task rest (timer "
            "wait) at /do/2/rest");
}

// The order of the calls is the same, but a branch would wait for good.
TEST(RetryVersion, RefusesAVersionInWhichAnotherBranchStillWaits) {
  const auto both = [](const std::string& filter) {
    return "do:\n  - both:\n      fork:\n        branches:\n"
           "          - hear: {listen: {to: {one: {with: {type: test.news.v1, data: '" +
           filter + "'}}}}}\n          - pay: {call: claim:1.0.0@payer}\n";
  };
  const std::string before = both("${ .n == 1 }");
  Play run(before);
  ASSERT_TRUE(run.offer(event("test.news.v1", json(R"({"n": 1})"))));
  run.failed(run.only<CallAction>(), OutcomeKind::permanent);
  EXPECT_EQ(refusal_of(run, before, before), "");
  const std::string said = refusal_of(run, before, both("${ .n == 2 }"));
  EXPECT_NE(said.find("(listen)"), std::string::npos) << said;
}

// Other arguments under the same key are for the side that refused the first ones.
TEST(RetryVersion, AnHttpCallMayChangeOnlyIfItsAnswerWasARefusal) {
  const auto ask = [](int n) {
    return "do:\n  - ask: {call: http, with: {method: post, endpoint: 'https://x.example/a', "
           "body: {n: " +
           std::to_string(n) + "}}}\n";
  };
  for (const int status : {422, 503}) {
    Play run(ask(1));
    run.done(run.only<CallAction>(),
             Json::object({{"status", status}, {"headers", Json::object()}, {"body", Json()}}));
    ASSERT_EQ(run.result().status, InstanceStatus::faulted);
    EXPECT_EQ(refusal_of(run, ask(1), ask(1)), "") << status;
    EXPECT_EQ(refusal_of(run, ask(1), ask(2)),
              status == 422 ? "" : "task ask (http request) at /do/0/ask asks for something else");
  }
}

}  // namespace
}  // namespace rabt::workflow::retry_version_test
