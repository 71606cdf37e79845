#include "tests/assembly/whole_hub.hpp"

// A hub with the limits that it has when its configuration names none.
namespace rabt::assembly::limits_test {
namespace {

class DefaultLimits : public WholeHub {
 protected:
  DefaultLimits() { tokens_["-"] = "nobody"; }
};

// 60 an hour: a third of them at once, then one a minute.
TEST_F(DefaultLimits, AnAddressMakesSoManyAccountsAndPeopleStillSignIn) {
  start();
  const Json nothing = Json::object();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(call("-", "POST", "/auth/register", nothing).status, 422) << i;
  EXPECT_EQ(call("-", "POST", "/auth/register", nothing).status, 429);
  EXPECT_EQ(call("-", "POST", "/auth/login", nothing).status, 422);
}

// The same by the paths of other systems, whose /health is the hub's in their words.
TEST_F(DefaultLimits, HealthIsToldToAnAddressThatAskedTooMuch) {
  // So few that a slow machine uses them up.
  config_.rates.anonymous = api::per_minute("anonymous", 10);
  config_.doors["pulseone"].rate = 1;
  start();
  int status = 0;
  for (int i = 0; i < 10 && status != 429; ++i)
    status = call("-", "GET", "/api/v1/workflows").status;
  EXPECT_EQ(status, 429);
  status = 0;
  EXPECT_EQ(call("-", "GET", "/health").json, Json::object({{"status", "pass"}}));
  EXPECT_EQ(call("-", "GET", "/video/health").json.string_or("status", ""), "ok");
  more_ = {{"Accept", "application/json"}};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(call("-", "GET", "/health").json.string_or("status", ""), "healthy");
  for (int i = 0; i < 10 && status != 429; ++i) status = call("-", "GET", "/health").status;
  EXPECT_EQ(status, 429) << "it is counted all the same";
}

TEST_F(DefaultLimits, ABodyOfADoorHasSoManyValuesAndNoMore) {
  start();
  enter("doctor", "doctor");
  const auto said = [&](const std::string& path, std::size_t values) {
    Json many = Json::array();
    for (std::size_t i = 0; i < values; ++i) many.push_back(0);
    // The object and the list are values, too.
    const Answer answer = call("doctor", "POST", path, Json::object({{"reason", many}}));
    EXPECT_TRUE(answer.status == 400 || answer.status == 422) << path << answer.status;
    return answer.json.dump();
  };
  constexpr std::string_view kTooMany = "more than 20000";
  for (const char* path :
       {"/video/sessions", "/api/v1/telemedicine/", "/api/video/sessions", "/consultation/notes"}) {
    EXPECT_EQ(said(path, 19'998).find(kTooMany), std::string::npos) << path;
    EXPECT_NE(said(path, 20'001).find(kTooMany), std::string::npos) << path;
  }
}

// Every WebSocket has the limit, that of a door as well: 40 messages at once, then 20 a second.
TEST_F(DefaultLimits, ASocketOfADoorThatSendsTooMuchIsClosed) {
  start();
  enter("doctor", "doctor");
  const std::string patient = enter("patient", "patient");
  const Answer answer = call("doctor", "POST", "/api/v1/sessions",
                             Json::object({{"type", "doctor_patient"}, {"patient", patient}}));
  ASSERT_EQ(answer.status, 201) << answer.json.dump();
  const std::string session = answer.json.string_or("id", "");
  EXPECT_EQ(call("doctor", "POST", "/api/v1/sessions/" + session + "/start", Json::object()).status,
            200);
  const std::string number = call("doctor", "GET", "/api/v1/me").json["number"].number_text();
  test::WebSocketClient client(hub_->port());
  client.send("GET /ws/" + answer.json["number"].number_text() + "/" + number +
              " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
              "Authorization: Bearer " +
              tokens_["doctor"] + "\r\n\r\n");
  ASSERT_EQ(client.head().substr(9, 3), "101");
  // Messages that cost nothing, so that time refills nothing while they are answered.
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += test::text_frame("{}");
  client.send(frames);
  int answered = 0;
  int closed = 0;
  while (const auto frame = client.next()) {
    if (frame->opcode == 1 && frame->payload.find("\"error\"") != std::string::npos) ++answered;
    if (frame->opcode == 8) closed = frame->close_code();
    if (closed != 0) break;
  }
  EXPECT_EQ(closed, 4429);
  EXPECT_GE(answered, 40);
  EXPECT_LT(answered, 100);
}

}  // namespace
}  // namespace rabt::assembly::limits_test
