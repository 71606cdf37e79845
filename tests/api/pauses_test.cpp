#include <gtest/gtest.h>

#include "tests/api/rig.hpp"

// Pausing a role over the API: what is refused, and where it shows.
namespace rabt::api::pauses_test {
namespace {

class PausesTest : public testing::Test {
 protected:
  http::Response post(const std::string& path, const std::string& body) {
    return api_.api("POST", path, body);
  }
  Json get(const std::string& path) {
    const http::Response answer = api_.api("GET", path);
    EXPECT_EQ(answer.status, 200) << path << ": " << answer.body;
    return json(answer);
  }
  // Items of the list of what needs a person, of this kind.
  Json paused_items() {
    Json out = Json::array();
    const Json todo = get("todo");
    for (const Json& item : todo["items"].as_array()) {
      if (item.string_or("kind", "") == "paused") out.push_back(item);
    }
    return out;
  }

  ApiRig api_;
};

TEST_F(PausesTest, APauseShowsWhileItLasts) {
  api_.hub.deploy(
      "document: {dsl: '1.0.3', namespace: test, name: claim, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: test.claim.v1}}}}\ninput: {from: '${ .[0].data }'}\n"
      "do:\n  - send: {call: 'do-key:1.0.0@script', with: {n: 1}}\n");
  const auto paused = post("roles/script/pause", R"({"reason":"it is down","for":"2h"})");
  ASSERT_EQ(paused.status, 200) << paused.body;
  EXPECT_FALSE(json(paused).string_or("until", "").empty());
  const std::string id = api_.hub.send("test.claim.v1", Json::object()).at(0);
  api_.hub.settle();
  EXPECT_EQ(get("instances/" + id).string_or("paused", ""), "script/do-key");
  EXPECT_EQ(get("instances/" + id)["timeline"][0].string_or("state", ""), "paused");
  const Json items = paused_items();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].string_or("role", ""), "script");
  EXPECT_EQ(items[0].int_or("count", 0), 1);
  EXPECT_EQ(items[0].string_or("command", ""), "rabt roles resume script --reason TEXT");
  const Json health = json(api_.handle([] {
    http::Request asked = request("GET", "/health");
    asked.headers.emplace_back("authorization", "Bearer " + std::string(kToken));
    return asked;
  }()));
  ASSERT_EQ(health["rolesPaused"].size(), 1U) << health.dump_pretty();
  EXPECT_EQ(health["rolesPaused"][0].int_or("held", 0), 1);
  EXPECT_EQ(get("roles/script/pause")["paused"].string_or("role", ""), "script");
  const auto resumed = post("roles/script/resume", R"({"reason":"it is back"})");
  ASSERT_EQ(resumed.status, 200) << resumed.body;
  EXPECT_EQ(json(resumed).int_or("calls", 0), 1);
  api_.hub.settle();
  EXPECT_EQ(api_.hub.wait_status(id, "completed"), "completed");
  EXPECT_EQ(paused_items().size(), 0U);
}

TEST_F(PausesTest, RefusesWhatIsWrong) {
  EXPECT_EQ(wrong_member(post("roles/script/pause", R"({})")), "reason");
  EXPECT_EQ(wrong_member(post("roles/script/pause", R"({"reason":"r","for":"soon"})")), "for");
  EXPECT_EQ(wrong_member(post("roles/script/pause", R"({"reason":"r","for":"8d"})")), "for");
  EXPECT_EQ(wrong_member(post("roles/script/pause", R"({"reason":"r","for":""})")), "for");
  EXPECT_EQ(wrong_member(api_.api("GET", "roles/script/pause?for=1s")), "for");
  EXPECT_EQ(code(post("roles/video/pause", R"({"reason":"r"})")), "role.not_pausable");
  EXPECT_EQ(code(post("roles/nobody/pause", R"({"reason":"r"})")), "role.unknown");
  EXPECT_EQ(code(post("roles/script/resume", R"({"reason":"r"})")), "role.not_paused");
  EXPECT_EQ(post("roles/script/pause", R"({"reason":"r"})").status, 200);
  EXPECT_EQ(code(post("roles/script/pause", R"({"reason":"r"})")), "role.paused");
}

}  // namespace
}  // namespace rabt::api::pauses_test
