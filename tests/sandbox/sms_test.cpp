#include <gtest/gtest.h>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {
namespace {

struct Silent final : Callbacks {
  void post(std::string, std::vector<std::pair<std::string, std::string>>, std::string,
            std::uint32_t) override {}
};

TEST(Sms, TakesAMessageAndTellsWhatItLacks) {
  Ledger ledger;
  Silent callbacks;
  const auto gateway =
      make_sms({ledger, callbacks, "http://127.0.0.1:1", [] { return std::int64_t{0}; }},
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

}  // namespace
}  // namespace rabt::sandbox
