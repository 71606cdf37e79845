#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/plugins/test_host.hpp"

namespace rabt::twilio::room_test {
namespace {

using Json = nlohmann::json;
using sdk::Kind;
using testing::Answer;
using testing::lost;
using testing::Request;
using testing::TestHost;

constexpr const char* kConfig =
    R"({"account_sid": "AC00000000000000000000000000000001",
        "api_key_sid": "SK00000000000000000000000000000001",
        "callback_url": "https://hub.example.sa/hooks/twilio"})";
constexpr const char* kRoom = "RM00000000000000000000000000000001";

// Rooms that can be made. The status callback is ours.
class Twilio {
 public:
  Answer operator()(const Request& request) {
    asked.push_back(request.method() + ' ' + request.url() + ' ' + request.body);
    const bool ends = request.url().ends_with(kRoom);
    if (ends && !can_end) return lost();
    return {.status = ends ? 200 : 201,
            .body = Json{
                {"sid", kRoom},
                {"unique_name", "key-1"},
                {"status", ends ? "completed" : "in-progress"},
                {"media_region",
                 "de1"}}.dump()};
  }

  bool can_end = true;
  std::vector<std::string> asked;
};

Json session() {
  return Json::parse(
      R"({"reference": "C-1", "participants": [{"role": "patient", "identity": "patient"}]})");
}

TEST(TwilioRoom, IsEndedWhenNoTokenCanBeSigned) {
  Twilio twilio;
  TestHost host(kConfig);
  host.outside = [&](const Request& request) { return twilio(request); };
  const sdk::Outcome outcome = host.call("create-session", session());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "twilio.no_secret");
  ASSERT_EQ(twilio.asked.size(), 2U);
  EXPECT_EQ(twilio.asked[1],
            std::string("POST https://video.twilio.com/v1/Rooms/") + kRoom + " Status=completed");
}

TEST(TwilioRoom, ThatCouldNotBeEndedIsAnEffectThatMayExist) {
  Twilio twilio;
  twilio.can_end = false;
  TestHost host(kConfig);
  host.outside = [&](const Request& request) { return twilio(request); };
  const sdk::Outcome outcome = host.call("create-session", session());
  EXPECT_EQ(outcome.kind, Kind::ambiguous);
  EXPECT_EQ(outcome.code, "twilio.no_secret");
}

TEST(TwilioRoom, WithTokensStaysOpen) {
  Twilio twilio;
  TestHost host(kConfig);
  host.secrets["api_key_secret"] = "0123456789abcdef0123456789abcdef";
  host.outside = [&](const Request& request) { return twilio(request); };
  const sdk::Outcome outcome = host.call("create-session", session());
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(twilio.asked.size(), 1U);
  EXPECT_EQ(Json::parse(outcome.output)["region"], "de1") << "as Twilio says, not as was asked";
}

// A repeat finds the room of the first attempt, unless another application made one of that name.
TEST(TwilioRoom, OfTheSameNameThatIsNotOursIsLeftAlone) {
  std::vector<std::string> asked;
  TestHost host(kConfig);
  host.secrets["api_key_secret"] = "0123456789abcdef0123456789abcdef";
  host.outside = [&](const Request& request) -> Answer {
    asked.push_back(request.method() + ' ' + request.url());
    if (request.method() == "POST")
      return {.status = 400, .body = R"({"code": 53113, "message": "Room exists"})"};
    return {.status = 200,
            .body = Json{{"sid", kRoom},
                         {"unique_name", "key-1"},
                         {"status", "in-progress"},
                         {"status_callback", "https://other.example.sa/hooks"}}
                        .dump()};
  };
  const sdk::Outcome outcome = host.call("create-session", session());
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "twilio.foreign_room");
  EXPECT_EQ(outcome.message, "a room of this name exists with another callback; it is not ours");
  EXPECT_EQ(asked.size(), 2U);
}

TEST(TwilioRoom, IsNotTranscribedFromTheFirstMomentWhateverTheAccountSays) {
  Twilio twilio;
  TestHost host(kConfig);
  host.secrets["api_key_secret"] = "0123456789abcdef0123456789abcdef";
  host.outside = [&](const Request& request) { return twilio(request); };
  EXPECT_EQ(host.call("create-session", session()).kind, Kind::done);
  EXPECT_NE(twilio.asked[0].find("TranscribeParticipantsOnConnect=false"), std::string::npos);
}

// The forms are those of Twilio's REST API: code, message, more_info, status.
TEST(TwilioRefusal, IsNamedByItsNumberAndNotByItsStatus) {
  struct Expected {
    int status;
    int code;
    const char* message;
    const char* reason;
    const char* advice;
  };
  const std::vector<Expected> all{
      {401, 20003, "Authenticate", "credentials", "api_key_secret"},
      {403, 20003, "Permission Denied", "credentials", "api_key_secret"},
      {403, 20005, "Account is not active", "account", "funds"},
      {403, 20008, "Resource not accessible with Test Account Credentials", "credentials",
       "test credentials"},
      {403, 20403, "Forbidden", "account", "suspended"},
      {403, 70051, "Authorization Failed", "permission", "Restricted key"},
      {403, 53119, "Room creation failed because the account has too many", "quota",
       "as many rooms"},
      {403, 99999, "Something new", "", "error 99999"}};
  for (const Expected& expected : all) {
    TestHost host(kConfig);
    host.secrets["api_key_secret"] = "0123456789abcdef0123456789abcdef";
    host.outside = [&](const Request&) -> Answer {
      return {.status = expected.status,
              .body = Json{{"code", expected.code},
                           {"message", expected.message},
                           {"more_info",
                            "https://www.twilio.com/docs/errors/" + std::to_string(expected.code)},
                           {"status", expected.status}}
                          .dump()};
    };
    const sdk::Outcome outcome = host.call("create-session", session());
    EXPECT_EQ(outcome.kind, Kind::permanent) << expected.code;
    EXPECT_EQ(outcome.code, "twilio." + std::to_string(expected.code));
    EXPECT_EQ(Json::parse(outcome.detail).value("reason", ""), expected.reason) << expected.code;
    EXPECT_NE(outcome.message.find(expected.advice), std::string::npos) << outcome.message;
  }
}

}  // namespace
}  // namespace rabt::twilio::room_test
