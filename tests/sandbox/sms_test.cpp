#include <gtest/gtest.h>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox::sms_test {
namespace {

struct Silent final : Callbacks {
  void post(std::string, std::vector<std::pair<std::string, std::string>>, std::string,
            std::uint32_t) override {}
};

TEST(Sms, TakesAMessageAndTellsWhatItLacks) {
  Ledger ledger;
  Silent callbacks;
  const auto gateway = make_sms(
      {ledger, callbacks, "http://127.0.0.1:1", [] { return std::int64_t{1'773'000'000'000}; }},
      Json{{"token", "t"}});
  const auto post = [&](const Json& body, const std::string& token = "t") {
    Request request;
    request.method = "POST";
    request.path = "/rest/SMS/messages";
    request.headers.emplace("authorization", "Bearer " + token);
    request.body = body.dump();
    return gateway->handle(request);
  };
  const Json good{{"SenderID", "Demo"},
                  {"Recipient", "966500000001"},
                  {"Body", "موعدك غداً"},
                  {"CorrelationID", "c-1"}};
  const Response sent = post(good);
  EXPECT_EQ(sent.status, 200);
  const Json answer = Json::parse(sent.body);
  EXPECT_TRUE(answer["success"].get<bool>());
  EXPECT_GT(answer["data"]["MessageID"].get<std::uint64_t>(), 0U);
  EXPECT_EQ(ledger.count("sms.sent", "c-1"), 1U);
  EXPECT_EQ(ledger.entries().dump().find("966500000001"), std::string::npos);
  const Json kept = Json::parse(gateway->control("messages", Json::object()).body);
  ASSERT_EQ(kept["messages"].size(), 1U);
  EXPECT_EQ(kept["messages"][0]["text"], "موعدك غداً");
  EXPECT_EQ(kept["messages"][0]["at_ms"], 1'773'000'000'000);

  EXPECT_EQ(post(good, "other").status, 401);
  Json bad = good;
  bad["Recipient"] = "+966500000001";
  EXPECT_EQ(Json::parse(post(bad).body)["errorCode"], "ER-06");
  bad = good;
  bad.erase("Body");
  EXPECT_EQ(Json::parse(post(bad).body)["errorCode"], "ER-05");
  EXPECT_EQ(post(Json("text")).status, 400);
  EXPECT_EQ(ledger.count("sms.sent"), 1U);
}

struct Heard final : Callbacks {
  std::vector<std::string> bodies;
  void post(std::string url, std::vector<std::pair<std::string, std::string>> headers,
            std::string body, std::uint32_t /*delay_ms*/) override {
    EXPECT_EQ(url, "/hooks/sms");
    EXPECT_EQ(headers.at(1).second, "Basic c21zOnI=");
    bodies.push_back(std::move(body));
  }
};

TEST(Sms, ReportsWhatItDeliversAndAnswersWhoAsks) {
  Ledger ledger;
  Heard callbacks;
  const auto gateway =
      make_sms({ledger, callbacks, "http://127.0.0.1:1", [] { return std::int64_t{0}; }},
               Json{{"token", "t"},
                    {"undeliverable", {"966500000002"}},
                    {"reports", {{"url", "/hooks/sms"}, {"token", "r"}}}});
  const auto post = [&](const std::string& path, const std::string& body,
                        std::vector<std::pair<std::string, std::string>> query = {}) {
    Request request;
    request.method = "POST";
    request.path = path;
    request.query = std::move(query);
    request.headers.emplace("authorization", "Bearer t");
    request.body = body;
    const Response answer = gateway->handle(request);
    return answer.status == 200 ? Json::parse(answer.body) : Json(answer.status);
  };
  for (const char* number : {"966500000001", "966500000002"})
    (void)post("/rest/SMS/messages", Json{{"SenderID", "Demo"},
                                          {"Recipient", number},
                                          {"Body", "hello"},
                                          {"CorrelationID", std::string("c-") + number}}
                                         .dump());
  ASSERT_EQ(callbacks.bodies.size(), 2U);
  EXPECT_EQ(Json::parse(callbacks.bodies[0])["DLR"], "Delivered");
  const Json lost = Json::parse(callbacks.bodies[1]);
  EXPECT_EQ(lost["DLR"], "Undeliverable");
  const std::string details = "/rest/SMS/Messages/GetMessagesDetails";
  const Json by_key = post(details, "", {{"CorrelationID", "c-966500000002"}});
  ASSERT_EQ(by_key["data"]["messages"].size(), 1U);
  EXPECT_EQ(by_key["data"]["messages"][0]["MessageID"], lost["MessageID"]);
  EXPECT_EQ(by_key["data"]["messages"][0]["DLR"], "Undeliverable");
  EXPECT_EQ(post(details, "", {{"MessageID", "1"}})["data"]["messages"].size(), 0U);
  EXPECT_EQ(post(details, "", {{"MessageID", "x"}}), Json(432));
}

}  // namespace
}  // namespace rabt::sandbox::sms_test
