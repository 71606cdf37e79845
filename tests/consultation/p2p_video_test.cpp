#include "hub/consultation/workflow/p2p.hpp"

#include <gtest/gtest.h>

#include "hub/base/bytes.hpp"

namespace rabt::consultation::p2p_video_test {
namespace {

// The credential was computed with Python: base64(HMAC-SHA1("north", "1700000000:patient-1")).
TEST(P2pVideo, TurnServersGetTheCredentialOfCoturnsRestApi) {
  const IceServers servers{
      .stun = {"stun:a"},
      .turn = {"turn:b", "turns:b"},
      .turn_secret = std::make_shared<const SecretBytes>(std::string_view("north"))};
  EXPECT_EQ(ice_servers(servers, "patient-1", 1'700'000'000).dump(),
            R"([{"urls":["stun:a"]},{"urls":["turn:b","turns:b"],)"
            R"("username":"1700000000:patient-1","credential":"vJ+POJFuLQ23YXijCeEfU1Iwsr4="}])");
  EXPECT_EQ(ice_servers({}, "x", 1).size(), 0U);
}

TEST(P2pVideo, ARoomIsTheNameOfItsSessionAndNobodyRecordsInIt) {
  FakeClock clock;
  SystemRandom random;
  const auto video = make_p2p_video({}, clock, random);
  const auto ask = [&](const std::string& action, Json arguments) {
    plugin::CallRequest call;
    call.action = action;
    call.arguments = std::move(arguments);
    workflow::ActionOutcome out;
    video->invoke(call, [&out](workflow::ActionOutcome ended) { out = std::move(ended); });
    return out;
  };
  const auto made =
      ask("create-session", Json::object({{"reference", "r1"}, {"participants", Json::array()}}));
  EXPECT_EQ(made.output.string_or("sessionId", ""), "r1");
  const auto token =
      ask("issue-token",
          Json::object({{"sessionId", "r1"}, {"identity", "patient-1"}, {"ttlSeconds", 60}}));
  EXPECT_EQ(token.output.int_or("expiresAt", 0), clock.now().ms / 1000 + 60);
  EXPECT_EQ(token.output.string_or("token", "").size(), 32U);
  for (const plugin::ActionSpec& spec : video->actions())
    EXPECT_EQ(spec.name.find("recording"), std::string::npos) << spec.name;
}

}  // namespace
}  // namespace rabt::consultation::p2p_video_test
