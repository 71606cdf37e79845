#include <gtest/gtest.h>

#include "hub/crypto/signature.hpp"
#include "hub/webhooks/retry.hpp"
#include "hub/webhooks/signing.hpp"
#include "hub/webhooks/wants.hpp"

// Rules that need no store: signatures, patterns, pauses.
namespace rabt::webhooks::rules_test {
namespace {

std::vector<SigningSecret> parsed(std::initializer_list<std::string_view> texts) {
  std::vector<SigningSecret> out;
  for (const std::string_view text : texts) out.push_back(SigningSecret::parse(text).value());
  return out;
}

// Computed with Python's hmac: base64(HMAC-SHA256(secret, id + "." + timestamp + "." + body)).
TEST(WebhookSignature, IsTheOneThatAnotherProgramComputes) {
  EXPECT_EQ(sign(parsed({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}), "msg_p5jXN8AQM9LWM0D4loKWxJek",
                 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(WebhookSignature, OfAPairHoldsUnderItsPublicKey) {
  SystemRandom random;
  const std::string text = SigningSecret::make_key_text(random);
  const SigningSecret secret = SigningSecret::parse(text).value();
  ASSERT_TRUE(secret.public_key().starts_with("whpk_"));
  const Bytes key = from_base64(secret.public_key().substr(5)).value();
  const std::string header = sign(parsed({text}), "e1", 7, "{}");
  ASSERT_TRUE(header.starts_with("v1a,"));
  const Bytes signature = from_base64(header.substr(4)).value();
  EXPECT_TRUE(crypto::verify_ed25519(key, "e1.7.{}", signature));
  EXPECT_FALSE(crypto::verify_ed25519(key, "e1.8.{}", signature));
}

TEST(WebhookSignature, SecretsInAnyOtherFormAreRefusedWithoutBeingShown) {
  for (const std::string_view text :
       {"", "secret", "whsec_", "whsec_c2hvcnQ=", "whsk_c2hvcnQ=", "whsec_%%%"}) {
    const auto secret = SigningSecret::parse(text);
    ASSERT_FALSE(secret.ok()) << text;
    EXPECT_EQ(secret.error().code, "http.webhook_secret");
    EXPECT_EQ(secret.error().message.find("c2hvcnQ"), std::string::npos);
  }
}

Json event(std::string_view name, Json data = Json::object()) {
  return Json::object(
      {{"type", "org.rabt.hub." + std::string(name) + ".v1"}, {"data", std::move(data)}});
}

TEST(WebhookWants, PatternsNameEventsWithAStarForAnything) {
  const auto one = [](std::string_view pattern, std::string_view name) {
    return wanted({.events = {std::string(pattern)}}, event(name));
  };
  EXPECT_TRUE(one("*", "session.created"));
  EXPECT_TRUE(one("session.*", "session.participant-joined"));
  EXPECT_TRUE(one("session.recording-*", "session.recording-ready"));
  EXPECT_TRUE(one("*.presence-*d", "provider.presence-changed"));
  EXPECT_FALSE(one("session.*", "provider.presence-changed"));
  EXPECT_FALSE(one("session.created", "session.created2"));
  EXPECT_FALSE(wanted({}, Json::object({{"type", "org.example.other.v1"}})))
      << "only the hub's own events leave";
}

TEST(WebhookWants, TypesAndClinicsNarrowThem) {
  const Wants wants{.types = {"family"}, .clinics = {"C1"}};
  EXPECT_TRUE(wanted(
      wants, event("session.created", Json::object({{"type", "family"}, {"clinic", "C1"}}))));
  EXPECT_FALSE(wanted(
      wants, event("session.created", Json::object({{"type", "family"}, {"clinic", Json()}}))));
  EXPECT_FALSE(wanted(
      wants, event("session.created", Json::object({{"type", "emergency"}, {"clinic", "C1"}}))));
  EXPECT_FALSE(wanted(wants, event("metering.threshold")));
}

TEST(BrokerRoutes, TheFirstThatFitsNamesTheKey) {
  const auto key = [](const std::vector<Route>& routes, const Json& of) {
    const Route* const route = route_of(routes, of);
    return route == nullptr ? std::string() : route->key;
  };
  const std::vector<Route> usual = default_routes();
  EXPECT_TRUE(check_routes(usual).ok());
  EXPECT_EQ(key(usual, event("session.created")), "video.session.created");
  EXPECT_EQ(key(usual, event("session.participant-left")), "video.session.user_left");
  EXPECT_EQ(key(usual, event("session.note-written")), "");
  EXPECT_EQ(key(usual, Json::object({{"type", "org.example.other.v1"}})), "");
  const Json linked = event("session.completed", Json::object({{"namesAppointment", true}}));
  const Json alone = event("session.completed", Json::object({{"namesAppointment", false}}));
  EXPECT_EQ(key(usual, linked), "appointment.consultation.completed");
  EXPECT_EQ(key(usual, alone), "");
  const std::vector<Route> own{{"session.completed", "booked", true}, {"session.*", "any"}};
  EXPECT_EQ(key(own, linked), "booked");
  EXPECT_EQ(key(own, alone), "any");
}

TEST(BrokerRoutes, KeysAndEventsThatCannotBeAreRefused) {
  for (const std::string_view key : {"", ".", "a.", ".a", "a..b", "a.*", "a.#", "a b", "أ"})
    EXPECT_EQ(check_routes({{"session.*", std::string(key)}}).error().code, "bus.keys") << key;
  EXPECT_EQ(check_routes({{"Session", "a"}}).error().code, "bus.keys");
  EXPECT_EQ(check_routes({}).error().code, "bus.keys");
  EXPECT_TRUE(check_routes({{"*", "a_1-b.C"}}).ok());
}

TEST(WebhookWants, APatternThatNoNameCanFitIsRefused) {
  EXPECT_EQ(check({.events = {}}).error().code, "webhook.events");
  EXPECT_EQ(check({.events = {"Session Created"}}).error().code, "webhook.events");
  EXPECT_EQ(check({.events = std::vector<std::string>(65, "*")}).error().code, "webhook.events");
  EXPECT_TRUE(check({.events = std::vector<std::string>(64, "*")}).ok());
}

TEST(WebhookWants, ANameOfNoEventIsRefusedWithTheNearest) {
  const auto told = [](std::string_view pattern) {
    const Status status = check({.events = {"session.*", std::string(pattern)}});
    return status.ok() ? std::string("ok") : status.error().code + ": " + status.error().message;
  };
  EXPECT_EQ(told("session.complete"),
            "webhook.events: the hub tells no event `session.complete`; did you mean "
            "`session.completed`?");
  EXPECT_EQ(told("visit.booked"),
            "webhook.events: the hub tells no event `visit.booked`; docs/consultation.md lists "
            "them");
  EXPECT_EQ(told("sessions.*").substr(0, 14), "webhook.events");
  EXPECT_EQ(told("session.recording-*"), "ok");
  EXPECT_EQ(told("*-created"), "ok");
  EXPECT_EQ(check({.types = {"family"}}).error().code, "webhook.events");
  EXPECT_TRUE(check({.types = {"family_consultation"}}).ok());
  EXPECT_EQ(check_routes({{"session.complete", "a"}}).error().code, "bus.keys");
}

TEST(WebhookRetry, PausesGrowAndEndAfterTenAttempts) {
  SystemRandom random;
  std::int64_t before = 0;
  std::int64_t all = 0;
  for (std::int64_t made = 1; made < kMaxAttempts; ++made) {
    const auto pause = pause_after(made, random);
    ASSERT_TRUE(pause.has_value()) << made;
    EXPECT_GT(*pause, before);
    before = *pause;
    all += *pause;
  }
  EXPECT_GE(*pause_after(1, random), 5'000);
  EXPECT_LE(*pause_after(1, random), 6'000);
  EXPECT_FALSE(pause_after(kMaxAttempts, random).has_value());
  EXPECT_GT(all, 3LL * 86'400'000) << "a receiver may be down over a weekend";
}

TEST(WebhookRetry, RetryAfterIsSecondsOrADate) {
  const Timestamp now = parse_iso8601("1994-11-06T08:49:30Z").value();
  EXPECT_EQ(retry_after("120", now), 120'000);
  EXPECT_EQ(retry_after("999999999", now), 86'400'000) << "no receiver asks for more than a day";
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), 7'000);
  EXPECT_EQ(retry_after("Sunday, 06-Nov-94 08:49:37 GMT", now), 7'000);
  EXPECT_EQ(retry_after("Sun Nov  6 08:49:37 1994", now), 7'000);
  EXPECT_EQ(retry_after("99999999999999999999", now), 86'400'000);
  EXPECT_EQ(retry_after("Sun, 06 Nov 1994 08:49:20 GMT", now), 0);
  for (const std::string_view wrong : {"", "-1", "soon", "1.5", "Sun, 06 Nov 1994 08:49:37 CET"})
    EXPECT_FALSE(retry_after(wrong, now).has_value()) << wrong;
}

}  // namespace
}  // namespace rabt::webhooks::rules_test
