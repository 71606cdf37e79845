#include "hub/api/asks.hpp"

#include <gtest/gtest.h>

#include "hub/base/uri.hpp"
#include "hub/http/problem.hpp"
#include "tests/api/rig.hpp"

// Calls as the domain takes them, and its answers as they leave.
namespace rabt::api::asks_test {
namespace {

TEST(Asks, TakeSessionAndRecordFromThePath) {
  const http::Request made = request("POST", "/x?status=active", R"({"reason":"late"})");
  const auto ask = must(ask_of({.request = made,
                                .path = {"7", "01P"},
                                .pattern = "/sessions/{session}/participants/{participant}/deny"}));
  EXPECT_EQ(ask.session, "7");
  EXPECT_EQ(ask.record, "01P");
  EXPECT_EQ(ask.body["reason"], Json("late"));
  EXPECT_EQ(ask.parameter("status"), "active");
  EXPECT_EQ(ask.version, std::nullopt);
  const auto note =
      must(ask_of({.request = made, .path = {"01N"}, .pattern = "/notes/{note}/addenda"}));
  EXPECT_EQ(note.session, "");
  EXPECT_EQ(note.record, "01N");
}

TEST(Asks, ReadTheVersionThatTheCallerHasSeen) {
  http::Request made = request("PATCH", "/x");
  made.headers = {{"if-match", "\"12\""}};
  EXPECT_EQ(must(ask_of({.request = made})).version, 12);
  for (const char* tag : {"12", "\"\"", "\"a\"", "W/\"12\"", "\"1\", \"2\"", "\"12"}) {
    made.headers = {{"if-match", tag}};
    const auto refused = ask_of({.request = made});
    ASSERT_FALSE(refused.ok()) << tag;
    EXPECT_EQ(refused.error().code, "precondition.invalid") << tag;
    EXPECT_EQ(http::status_of(refused.error()), 400) << tag;
  }
  // A PATCH overwrites nothing unless its caller says that he has seen it, or wants it so.
  made.headers = {};
  EXPECT_EQ(http::status_of(ask_of({.request = made}).error()), 428);
  made.headers = {{"if-match", "*"}};
  EXPECT_EQ(must(ask_of({.request = made})).version, std::nullopt);
}

TEST(Asks, ABodyThatIsNoObjectIsRefused) {
  for (const char* body : {"[]", "1", "{", "\"x\""}) {
    const http::Request made = request("POST", "/x", body);
    const auto refused = ask_of({.request = made});
    ASSERT_FALSE(refused.ok()) << body;
    EXPECT_EQ(http::status_of(refused.error()), 400) << body;
  }
}

TEST(Asks, APageNamesThePathOfTheNext) {
  ApiRig rig;
  const Cursors cursors(rig.hub.keys(), rig.hub.clock());
  const identity::Caller caller{.who = {.kind = identity::Kind::person, .tenant = "t1", .id = "P"}};
  const http::Request made = request("GET", "/api/v1/sessions?status=active&limit=2");
  const Call call{.request = made, .caller = caller, .cursors = &cursors};
  EXPECT_EQ(must(window_of(call)).limit, 2U);
  EXPECT_EQ(must(window_of(call)).cursor, "");
  const Json first = json(must(answer(call, {.items = {Json(1), Json(2)}, .next = "b c"})));
  const http::Request then = request("GET", first.string_or("next", ""));
  EXPECT_TRUE(then.target.starts_with("/api/v1/sessions?status=active&limit=2&cursor="));
  EXPECT_EQ(then.target.find("b c"), std::string::npos);
  EXPECT_EQ(must(window_of({.request = then, .caller = caller, .cursors = &cursors})).cursor,
            "b c");
  EXPECT_EQ(json(must(answer(call, {.items = {}}))), Json::object({{"items", Json::array()}}));
  for (const char* limit : {"0", "201", "-1", "x", ""}) {
    const http::Request wrong = request("GET", "/x?limit=" + std::string(limit));
    EXPECT_FALSE(window_of({.request = wrong}).ok()) << limit;
  }
}

// Lists of a session gave an id as `next`, for the parameter `after`; all others gave a path.
TEST(Asks, AListOfASessionNamesThePathOfItsNextPage) {
  const http::Request made = request("GET", "/api/v1/sessions/7/notes?after=01A");
  const Call call{.request = made, .path = {"7"}, .pattern = "/api/v1/sessions/{session}/notes"};
  EXPECT_EQ(must(ask_behind(call)).parameter("cursor"), "01A") << "a client of 0.2.0";
  const Json body = Json::object({{"items", Json::array({Json(1)})}, {"next", "01B"}});
  const std::string next = json(answer_behind(call, body)).string_or("next", "");
  EXPECT_EQ(next, "/api/v1/sessions/7/notes?cursor=01B");
  // Requests that a client of 0.2.0 makes from `next`, with and without percent-encoding.
  const std::string list = "/api/v1/sessions/7/notes?after=";
  for (const std::string& target :
       {next, list + next, list + percent_encode(next), list + "01B", list + "01A&cursor=01B"}) {
    const http::Request then = request("GET", target);
    const auto ask = must(ask_behind({.request = then, .path = {"7"}, .pattern = call.pattern}));
    EXPECT_EQ(ask.parameter("cursor"), "01B") << target;
    EXPECT_EQ(ask.session, "7");
  }
  const Json last = Json::object({{"items", Json::array()}});
  EXPECT_EQ(json(answer_behind(call, last)), last);
  const http::Request first = request("GET", "/x");
  EXPECT_EQ(must(ask_behind({.request = first})).parameter("cursor"), "");
}

TEST(Asks, ARecordHasItsVersionAsItsTag) {
  EXPECT_EQ(header(answer(200, Json::object({{"version", 3}})), "ETag"), "\"3\"");
  EXPECT_EQ(header(answer(200, Json::object()), "ETag"), "");
  EXPECT_EQ(answer(204, Json::object({{"version", 3}})).body, "");
}

TEST(Asks, ErrorsHaveTheStatusOfTheirCode) {
  const auto status = [](const Error& error) { return http::problem(error).status; };
  EXPECT_EQ(status(invalid("api.invalid", "")), 422);
  EXPECT_EQ(status(invalid("api.body", "")), 400);
  EXPECT_EQ(status(invalid("phi.exposed", "")), 422);
  EXPECT_EQ(status(invalid("asr.format", "")), 422);
  EXPECT_EQ(status(invalid("document.too_large", "")), 413);
  EXPECT_EQ(status(denied("auth.token", "")), 401);
  EXPECT_EQ(status(denied("authorisation.denied", "")), 403);
  EXPECT_EQ(status(denied("session.not_host", "")), 403);
  EXPECT_EQ(status(conflict("session.completed", "")), 409);
  EXPECT_EQ(status(conflict("invitation.expired", "")), 410);
  EXPECT_EQ(status(conflict("recording.withdrawn", "")), 410);
  EXPECT_EQ(status(conflict("precondition.required", "")), 428);
  EXPECT_EQ(status(conflict("precondition.failed", "")), 412);
  EXPECT_EQ(status(unavailable("rate.exceeded", "")), 429);
  EXPECT_EQ(status(unavailable("video.not_configured", "")), 503);
  EXPECT_EQ(status(invalid("video.provider", "")), 502);
  EXPECT_EQ(status(internal("crypto.seal", "")), 500);
  EXPECT_EQ(header(http::problem(denied("auth.token", "")), "WWW-Authenticate"), "Bearer");
}

}  // namespace
}  // namespace rabt::api::asks_test
