#include "hub/api/replays.hpp"

#include <gtest/gtest.h>

#include "tests/api/rig.hpp"

namespace rabt::api::replays_test {
namespace {

class ReplaysTest : public ::testing::Test {
 protected:
  std::unique_ptr<Replays> make() {
    return std::make_unique<Replays>(
        Replays::Parts{rig_.hub.store(), rig_.hub.keys(), rig_.hub.clock(), rig_.random});
  }
  static http::Request call(const std::string& key, const std::string& body) {
    http::Request made = request("POST", "/api/v1/sessions", body);
    made.headers = {{"idempotency-key", key}};
    return made;
  }
  Result<Replays::Beginning> begin(Replays& replays, const http::Request& request,
                                   const std::string& person = "01P") {
    return replays.begin({.kind = identity::Kind::person, .tenant = "t1", .id = person},
                         "createSession", request);
  }
  static http::Response answered(int status) {
    return {.status = status, .headers = {{"ETag", "\"1\""}}, .body = "{\"name\":\"Noura\"}"};
  }
  ApiRig rig_;
};

TEST_F(ReplaysTest, TheSameCallGetsTheAnswerOfTheFirstAlsoAfterARestart) {
  auto replays = make();
  const auto first = must(begin(*replays, call("\"k1\"", "{}")));
  EXPECT_FALSE(first.answer);
  replays->finish(first.ticket, answered(201));
  replays = make();
  const auto second = must(begin(*replays, call("k1", "{}")));
  ASSERT_TRUE(second.answer);
  EXPECT_EQ(second.answer->status, 201);
  EXPECT_EQ(second.answer->body, "{\"name\":\"Noura\"}");
  EXPECT_EQ(header(*second.answer, "ETag"), "\"1\"");
  EXPECT_EQ(header(*second.answer, "Idempotency-Replayed"), "true");
}

TEST_F(ReplaysTest, AnotherCallWithTheKeyIsRefused) {
  const auto replays = make();
  replays->finish(must(begin(*replays, call("k1", "{}"))).ticket, answered(201));
  const auto other = begin(*replays, call("k1", "{\"a\":1}"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, "idempotency.reused");
  EXPECT_FALSE(must(begin(*replays, call("k1", "{}"), "01Q")).answer) << "of another person";
}

// Symptom: who held a renewed link and knew the key of the former browser got its answer, with its
// token.
// Cause: keys of guests were those of the participant.
// Tests had one browser.
TEST_F(ReplaysTest, AnAnswerToOneBrowserOfALinkIsNoAnswerToAnother) {
  const auto replays = make();
  const auto by = [&](const std::string& credential) {
    return must(replays->begin({.kind = identity::Kind::guest,
                                .tenant = "t1",
                                .id = "01G",
                                .credential = credential,
                                .part = {.session = "01S", .participant = "01G"}},
                               "joinSession", call("k1", "{}")));
  };
  replays->finish(by("aa").ticket, answered(200));
  EXPECT_TRUE(by("aa").answer);
  EXPECT_FALSE(by("bb").answer);
}

TEST_F(ReplaysTest, ACallThatRunsOrWasCutOffIsNotDoneTwice) {
  auto replays = make();
  (void)must(begin(*replays, call("k1", "{}")));
  EXPECT_EQ(begin(*replays, call("k1", "{}")).error().code, "idempotency.running");
  replays = make();
  EXPECT_EQ(begin(*replays, call("k1", "{}")).error().code, "idempotency.outcome_unknown");
}

TEST_F(ReplaysTest, Trap60ActAndAnswerAreOneCommitOrNeither) {
  const auto within = [&](Replays& replays) {
    return must(replays.begin({.kind = identity::Kind::person, .tenant = "t1", .id = "01P"},
                              "changeSession", call("k1", "{}"), Replays::When::within));
  };
  // The hub ends after the call began: nothing happened, and the call may come again.
  auto replays = make();
  (void)within(*replays);
  replays = make();
  auto second = within(*replays);
  EXPECT_FALSE(second.answer);
  // An act that fails takes its answer with it.
  EXPECT_FALSE(rig_.hub.store()
                   .write([&](store::Transaction& transaction) -> Status {
                     RABT_TRY_STATUS(replays->keep(transaction, second.ticket, answered(200)));
                     return conflict("test.failed", "the act failed after its answer");
                   })
                   .ok());
  replays = make();
  auto third = within(*replays);
  EXPECT_FALSE(third.answer);
  // The hub ends after the commit and before the answer.
  EXPECT_TRUE(rig_.hub.store()
                  .write([&](store::Transaction& transaction) {
                    return replays->keep(transaction, third.ticket, answered(200));
                  })
                  .ok());
  replays = make();
  const auto fourth = within(*replays);
  ASSERT_TRUE(fourth.answer);
  EXPECT_EQ(fourth.answer->body, "{\"name\":\"Noura\"}");
  // The slower of two hubs with the same ticket stores nothing.
  const Status beaten = rig_.hub.store().write([&](store::Transaction& transaction) {
    return replays->keep(transaction, third.ticket, answered(200));
  });
  EXPECT_EQ(beaten.error().code, "idempotency.running");
}

TEST_F(ReplaysTest, WhatACallSaysInTheEndIsKeptInPlaceOfWhatItsCommitHeld) {
  auto replays = make();
  const auto within = [&] {
    return must(replays->begin({.kind = identity::Kind::person, .tenant = "t1", .id = "01P"},
                               "createSession", call("k1", "{}"), Replays::When::within));
  };
  auto first = within();
  EXPECT_TRUE(rig_.hub.store()
                  .write([&](store::Transaction& transaction) {
                    return replays->keep(transaction, first.ticket, answered(201));
                  })
                  .ok());
  http::Response more = answered(201);
  more.body = "{\"tokens\":[1]}";
  replays->finish(first.ticket, more);
  replays = make();
  const auto second = within();
  ASSERT_TRUE(second.answer);
  EXPECT_EQ(second.answer->body, more.body);
}

TEST_F(ReplaysTest, WhatMaySucceedLaterIsNotKept) {
  const auto replays = make();
  for (const int status : {400, 401, 403, 422, 429, 503}) {
    const auto begun = must(begin(*replays, call("k1", "{}")));
    EXPECT_FALSE(begun.answer) << status;
    replays->finish(begun.ticket, answered(status));
  }
  replays->finish(must(begin(*replays, call("k1", "{}"))).ticket, answered(500));
  EXPECT_EQ(begin(*replays, call("k1", "{}")).error().code, "idempotency.outcome_unknown");
}

TEST_F(ReplaysTest, KeysAreShortPrintableTexts) {
  const auto replays = make();
  for (const std::string& key : {std::string(129, 'a'), std::string("a b"), std::string("\"\"")})
    EXPECT_EQ(begin(*replays, call(key, "{}")).error().code, "idempotency.key") << key;
  EXPECT_TRUE(must(begin(*replays, request("POST", "/x"))).ticket.key.empty());
}

TEST_F(ReplaysTest, NothingOfAnAnswerIsReadableInTheDatabase) {
  const auto replays = make();
  replays->finish(must(begin(*replays, call("k1", "{}"))).ticket, answered(201));
  bool readable = false;
  (void)rig_.hub.store().read([&](store::Connection& connection) {
    return connection.query({"SELECT sealed FROM replay"}, {}, [&](const store::Row& row) {
      readable = row.blob(0).find("Noura") != std::string_view::npos;
      return true;
    });
  });
  EXPECT_FALSE(readable);
}

}  // namespace
}  // namespace rabt::api::replays_test
