#include "hub/alerts/channels.hpp"

#include <gtest/gtest.h>

#include <future>

#include "hub/plugin/package/capability.hpp"
#include "tests/must.hpp"
#include "tests/net/mail_relay.hpp"

namespace rabt::alerts::channels_test {
namespace {

using test::must;

constexpr std::int64_t kAt = 1'795'676'400'000;

Message message(Kind kind = Kind::opened) {
  return {.id = "01KTELLING",
          .facts = {.kind = kind,
                    .alert = "01KALERT",
                    .rule = "plugin_quarantined",
                    .object = "twilio",
                    .severity = Severity::page,
                    .value = 1,
                    .opened_ms = kAt,
                    .closed_ms = kind == Kind::closed ? kAt + 60'000 : 0},
          .at_ms = kAt};
}

Told send(Channel& channel, const Message& what, std::size_t target = 0) {
  std::promise<Told> answer;
  channel.send(what, target, [&](Told told) { answer.set_value(std::move(told)); });
  return answer.get_future().get();
}

// Relays of others read the mails of the hub.
class AlertMails : public testing::Test {
 protected:
  void SetUp() override {
    if (!net::Relay::can_run()) GTEST_SKIP() << "install python3-aiosmtpd to run this";
  }
  std::unique_ptr<Channel> mail_to(int port, std::vector<std::string> to = {"it@example.sa"}) {
    const std::string url = "smtp://127.0.0.1:" + std::to_string(port);
    return make_mail(
        *client_,
        {.url = url,
         .from = "rabt@example.sa",
         .to = std::move(to),
         .allow = std::make_shared<const net::AllowList>(must(net::AllowList::make({url}, true))),
         .tenant = "clinic"});
  }
  FakeClock clock_;
  std::unique_ptr<net::HttpClient> client_ = net::make_curl_client(clock_, null_logger());
};

TEST_F(AlertMails, EachAddressGetsBothLanguagesWithTheCommandThatHelps) {
  net::Relay relay("");
  const auto channel = mail_to(relay.port(), {"it@example.sa", "night@example.sa"});
  ASSERT_EQ(channel->targets(), 2U);
  EXPECT_TRUE(send(*channel, message()).ok);
  const Json mail = relay.mail();
  EXPECT_EQ(mail["to"].dump(), R"(["it@example.sa"])");
  EXPECT_EQ(mail["headers"].string_or("Subject", ""),
            "Rabt clinic: page: The plugin twilio crashed too often and is stopped");
  EXPECT_EQ(mail["headers"].string_or("Date", ""), "Thu, 26 Nov 2026 07:00:00 +0000");
  EXPECT_EQ(mail["headers"].string_or("Auto-Submitted", ""), "auto-generated");
  EXPECT_EQ(mail["defects"].size(), 0U) << mail.dump();
  EXPECT_LE(mail.int_or("longest", 0), 78);
  const std::string text = mail.string_or("text", "");
  for (const char* part :
       {"rabt plugin release twilio", "الإضافة twilio", "Since: 2026-11-26 07:00 UTC"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_TRUE(send(*channel, message(), 1).ok);
  EXPECT_EQ(relay.mail()["to"].dump(), R"(["night@example.sa"])");
}

TEST_F(AlertMails, ARefusalIsACodeAndNotTheTextOfTheRelay) {
  net::Relay relay("--refuse '550 5.1.1 no mailbox of Layla Almutairi'");
  const Told told = send(*mail_to(relay.port()), message());
  EXPECT_FALSE(told.ok);
  EXPECT_EQ(told.code, "alert.refused");
  EXPECT_EQ(told.status, 550);
  EXPECT_EQ(send(*mail_to(1), message()).code, "http.connect");
}

TEST(AlertWebhooks, OpeningsAndClosingsAreEvents) {
  std::vector<Json> events;
  Result<std::size_t> answer = std::size_t{1};
  const auto channel = make_webhook([&](const Json& event) {
    events.push_back(event);
    return answer;
  });
  for (const Kind kind : {Kind::opened, Kind::raised, Kind::reminder, Kind::closed, Kind::test})
    EXPECT_TRUE(send(*channel, message(kind)).ok);
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[0].string_or("type", ""), "org.rabt.hub.alert.opened.v1");
  EXPECT_EQ(events[0].string_or("id", ""), "01KTELLING") << "a repeat is the same event";
  const Json& data = events[0]["data"];
  EXPECT_EQ(data.string_or("kind", ""), "opened");
  EXPECT_EQ(data.string_or("rule", ""), "plugin_quarantined");
  EXPECT_EQ(data.string_or("command", ""), "rabt plugin release twilio");
  EXPECT_EQ(data["text"].string_or("en", ""), "The plugin twilio crashed too often and is stopped");
  EXPECT_EQ(events[3].string_or("type", ""), "org.rabt.hub.alert.closed.v1");
  answer = std::size_t{0};
  EXPECT_TRUE(send(*channel, message()).ok) << "nobody asked for webhooks";
  EXPECT_EQ(send(*channel, message(Kind::test)).code, "alert.no_receiver");
  answer = unavailable("store.full", "the disk of Layla is full");
  EXPECT_EQ(send(*channel, message()).code, "store.full");
}

// A gateway that answers as a test says.
class Gateway final : public plugin::ActionRunner {
 public:
  std::uint64_t invoke(plugin::CallRequest call, plugin::Ended done) override {
    calls.push_back(std::move(call));
    workflow::ActionOutcome out;
    out.kind = kind;
    out.code = "no account of Layla Almutairi";
    done(std::move(out));
    return 1;
  }
  void cancel(std::uint64_t /*token*/) override {}
  void probe(plugin::CallRequest /*call*/, std::function<void(plugin::ProbeAnswer)> done) override {
    done({});
  }
  [[nodiscard]] std::optional<plugin::Recipient> recipient(
      std::string_view /*role*/, std::string_view /*action*/,
      std::string_view /*version*/) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::map<std::string, std::string> bindings() const override { return {}; }
  [[nodiscard]] std::vector<std::string> roles() const override { return {}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view /*role*/) const override {
    return {};
  }
  [[nodiscard]] std::optional<workflow::ActionInfo> find(
      std::string_view /*role*/, std::string_view /*action*/,
      std::string_view /*version*/) const override {
    return std::nullopt;
  }
  workflow::OutcomeKind kind = workflow::OutcomeKind::done;
  std::vector<plugin::CallRequest> calls;
};

TEST(AlertSms, GoesThroughTheRoleNotify) {
  Gateway gateway;
  FakeClock clock;
  const auto channel = make_sms(gateway, clock, {.to = {"+966501234567"}, .tenant = "clinic"});
  EXPECT_TRUE(send(*channel, message()).ok);
  ASSERT_EQ(gateway.calls.size(), 1U);
  EXPECT_EQ(gateway.calls[0].role, "notify");
  const plugin::Capability* const called =
      plugin::capability_of_call(gateway.calls[0].action, gateway.calls[0].version);
  ASSERT_NE(called, nullptr) << gateway.calls[0].action;
  EXPECT_EQ(called->id, "notify.sms.send/1");
  EXPECT_EQ(gateway.calls[0].arguments.string_or("text", ""),
            "Rabt clinic: page: The plugin twilio crashed too often and is stopped");
  gateway.kind = workflow::OutcomeKind::permanent;
  const Told told = send(*channel, message());
  EXPECT_FALSE(told.ok);
  EXPECT_EQ(told.code, "alert.not_sent");
}

}  // namespace
}  // namespace rabt::alerts::channels_test
