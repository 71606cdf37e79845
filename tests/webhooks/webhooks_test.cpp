#include "hub/webhooks/webhooks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "hub/api/requests/webhook_requests.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/webhooks/retry.hpp"
#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"
#include "tests/recording_logger.hpp"
#include "tests/store_under_test.hpp"

// Deliveries in virtual time, over a client that answers as a test says.
namespace rabt::webhooks::webhooks_test {
namespace {

using api::Ask;
using consultation::Answer;
using consultation::Page;
using consultation::Window;
using rabt::test::must;

// The webhooks, through the JSON calls of /api/v1.
class AskedWebhooks {
 public:
  explicit AskedWebhooks(const std::unique_ptr<Webhooks>& hooks) : hooks_(hooks) {}
  Answer list(const Ask& ask) { return hooks_->list(ask.caller); }
  Answer create(const Ask& ask) { return hooks_->create(ask.caller, api::create_webhook_of(ask)); }
  Answer get(const Ask& ask) { return hooks_->get(ask.caller, api::of_webhook(ask)); }
  Answer change(const Ask& ask) { return hooks_->change(ask.caller, api::change_webhook_of(ask)); }
  Answer remove(const Ask& ask) { return hooks_->remove(ask.caller, api::of_webhook(ask)); }
  Answer rotate(const Ask& ask) { return hooks_->rotate(ask.caller, api::rotate_secret_of(ask)); }
  Answer ping(const Ask& ask) { return hooks_->ping(ask.caller, api::of_webhook(ask)); }
  Answer replay(const Ask& ask) {
    return hooks_->replay(ask.caller, api::replay_deliveries_of(ask));
  }
  Answer discard(const Ask& ask) {
    return hooks_->discard(ask.caller, api::discard_deliveries_of(ask));
  }
  Result<Page> deliveries(const Ask& ask, const Window& window) {
    return hooks_->deliveries(ask.caller, api::list_deliveries_of(ask), window);
  }

 private:
  const std::unique_ptr<Webhooks>& hooks_;
};

// Answers at once what `answer` says; a request to a host of `silent` is never answered.
class Receivers final : public net::HttpClient {
 public:
  net::RequestId start(net::Request request, std::shared_ptr<const net::AllowList> allow,
                       std::function<void(net::Response)> done) override {
    EXPECT_TRUE(allow->check(request.url).ok());
    const std::string url = request.url;
    all.push_back(std::move(request));
    if (silent.contains(url)) {
      held.push_back(std::move(done));
    } else {
      done(answer(all.back()));
    }
    return all.size();
  }
  void cancel(net::RequestId /*id*/) override {}
  [[nodiscard]] Stats stats() const override { return {}; }

  [[nodiscard]] std::size_t count(std::string_view url) const {
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const net::Request& request) { return request.url == url; }));
  }
  static net::Response status(int code) {
    net::Response out;
    out.sent = net::Sent::yes;
    out.status = code;
    return out;
  }

  std::function<net::Response(const net::Request&)> answer = [](const net::Request&) {
    return status(204);
  };
  std::set<std::string> silent;
  std::vector<net::Request> all;
  std::vector<std::function<void(net::Response)>> held;
};

std::string header(const net::Request& request, std::string_view name) {
  for (const auto& [key, value] : request.headers) {
    if (key == name) return value;
  }
  return {};
}

class WebhookDeliveries : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "rabt-webhooks-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    keyring_ = test::open_keyring(folder_, clock_, random_, {"t1"});
    open();
  }
  void TearDown() override {
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void open() {
    store_ = database_.open(folder_);
    audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
    keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
    hooks_ = must(Webhooks::open({.store = *store_,
                                  .audit = *audit_,
                                  .keys = *keys_,
                                  .http = http_,
                                  .clock = clock_,
                                  .random = random_,
                                  .ids = ids_,
                                  .log = log_,
                                  .tenant = "t1",
                                  .allow = std::make_shared<const net::AllowList>(
                                      must(net::AllowList::make({"a.example.sa", "b.example.sa"}))),
                                  .broker = broker_,
                                  .patient = patient_,
                                  .clinic = [](std::string_view named) -> Result<std::string> {
                                    if (named == "7" || named == kClinic)
                                      return std::string(kClinic);
                                    return not_found("clinic.unknown", "there is no such clinic");
                                  }},
                                 configured_));
  }
  // As a kill between two commits leaves it: what was not written is lost.
  void close() {
    hooks_.reset();
    keys_.reset();
    audit_.reset();
    store_.reset();
  }

  static Ask ask(std::string record = {}, Json body = Json::object()) {
    Ask out;
    out.caller.who.kind = identity::Kind::client;
    out.caller.who.tenant = "t1";
    out.caller.who.id = "console";
    out.caller.who.roles = {identity::Role::admin};
    out.record = std::move(record);
    out.body = std::move(body);
    return out;
  }
  Json made(std::string_view name, std::string_view url, Json events = Json::array({"*"})) {
    return must(asked_.create(
        ask({}, Json::object({{"name", name}, {"url", url}, {"events", std::move(events)}}))));
  }
  static Json event(std::string_view id, std::string_view name = "session.created") {
    return Json::object({{"id", id},
                         {"type", "org.rabt.hub." + std::string(name) + ".v1"},
                         {"time", "2026-03-10T06:00:00.000Z"},
                         {"data", Json::object({{"session", "01J"}, {"type", "family"}})}});
  }
  void happened(std::string_view id, std::string_view name = "session.created") {
    ASSERT_TRUE(hooks_->accept(event(id, name)).ok());
  }
  Json deliveries(const Json& hook, std::string_view state) {
    Ask asked = ask(hook.string_or("id", ""));
    asked.query.emplace_back("state", state);
    return Json(must(asked_.deliveries(asked, {})).items);
  }
  Json seen(const Json& hook) { return must(asked_.get(ask(hook.string_or("id", "")))); }
  // As the receiver checks it.
  bool holds(const net::Request& request, const Json& hook) {
    http::SignatureConfig config;
    config.secrets.push_back(must(http::parse_whsec(hook.string_or("secret", ""))));
    http::Request received{.method = "POST", .target = "/", .path = "/", .body = request.body};
    for (const char* name : {"webhook-id", "webhook-timestamp", "webhook-signature"})
      received.headers.emplace_back(name, header(request, name));
    return http::verify(config, received, clock_.now()).ok();
  }
  void turn(std::int64_t later_ms = 0) {
    clock_.advance_ms(later_ms);
    hooks_->sender().turn();
  }

  static constexpr const char* kA = "https://a.example.sa/hook";
  static constexpr const char* kB = "https://b.example.sa/hook";
  static constexpr const char* kClinic = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  std::string folder_;
  const rabt::test::StoreUnderTest database_;
  FakeClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  test::RecordingLogger log_;
  Receivers http_;
  std::vector<Configured> configured_;
  Broker broker_;
  std::shared_ptr<const net::AllowList> patient_;
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  std::unique_ptr<keys::DataKeys> keys_;
  std::unique_ptr<Webhooks> hooks_;
  AskedWebhooks asked_{hooks_};
};

TEST_F(WebhookDeliveries, AnEventIsSentOnceSignedAndThin) {
  const Json hook = made("his", kA);
  EXPECT_TRUE(hook.string_or("secret", "").starts_with("whsec_"));
  happened("s/1");
  happened("s/1");
  turn();
  ASSERT_EQ(http_.all.size(), 1U) << "the same event again is known";
  const net::Request& sent = http_.all[0];
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(header(sent, "webhook-id"), "s/1");
  EXPECT_EQ(header(sent, "webhook-timestamp"), std::to_string(clock_.now().ms / 1000));
  EXPECT_TRUE(holds(sent, hook));
  EXPECT_NE(header(sent, "webhook-signature").find(" v1a,"), std::string::npos);
  const Json body = must(Json::parse(sent.body));
  EXPECT_EQ(body.string_or("type", ""), "org.rabt.hub.session.created.v1");
  EXPECT_EQ(body.string_or("timestamp", ""), "2026-03-10T06:00:00.000Z");
  EXPECT_EQ(body["data"].string_or("session", ""), "01J");
  EXPECT_EQ(deliveries(hook, "done").size(), 1U);
  turn(3'600'000);
  EXPECT_EQ(http_.all.size(), 1U);
}

// Deliveries join the commit of somebody else: what is undone there is not sent.
TEST_F(WebhookDeliveries, DeliveriesAreKeptWithTheActThatTheyTellOf) {
  const Json hook = made("his", kA, Json::array({"session.cr*"}));
  EXPECT_TRUE(hooks_->wants("org.rabt.hub.session.created.v1"));
  EXPECT_FALSE(hooks_->wants("org.rabt.hub.session.ended.v1"));
  const std::vector<Delivery> made = hooks_->deliveries_of(event("s/1"));
  ASSERT_EQ(made.size(), 1U);
  EXPECT_TRUE(hooks_->deliveries_of(event("s/2", "session.ended")).empty());
  const auto keep = [&](const Status& then) {
    return store_->write([&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(hooks_->put(transaction, made));
      return then;
    });
  };
  EXPECT_FALSE(keep(invalid("test.no", "no")).ok());
  turn();
  EXPECT_TRUE(http_.all.empty());
  must(keep(ok_status()));
  must(keep(ok_status()));
  turn();
  EXPECT_EQ(http_.all.size(), 1U) << "the same event again changes nothing";
  EXPECT_EQ(deliveries(hook, "done").size(), 1U);
}

// The trace of what caused an event goes to receivers that may be sent patient data, in each
// attempt with a span of its own.
TEST_F(WebhookDeliveries, ATraceGoesOnToWhoMayKnowIt) {
  patient_ = std::make_shared<const net::AllowList>(must(net::AllowList::make({"a.example.sa"})));
  close();
  open();
  (void)made("his", kA);
  (void)made("another's", kB);
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  Json caused = event("s/1");
  caused.set("traceparent", "00-" + trace + "-00f067aa0ba902b7-01");
  ASSERT_TRUE(hooks_->accept(caused).ok());
  http_.answer = [](const net::Request&) { return Receivers::status(503); };
  turn();
  turn(3'600'000);
  happened("s/2");
  turn();
  std::set<std::string> spans;
  std::size_t without = 0;
  for (const net::Request& request : http_.all) {
    const std::string sent = header(request, "traceparent");
    if (sent.empty()) {
      ++without;
      continue;
    }
    EXPECT_EQ(request.url, kA);
    EXPECT_EQ(header(request, "webhook-id"), "s/1");
    const auto parent = parse_traceparent(sent);
    ASSERT_TRUE(parent.has_value()) << sent;
    EXPECT_EQ(parent->trace, trace);
    EXPECT_NE(parent->parent, "00f067aa0ba902b7");
    EXPECT_TRUE(spans.insert(parent->parent).second) << "a span of its own";
    EXPECT_EQ(request.body.find(trace), std::string::npos);
  }
  EXPECT_EQ(spans.size(), 2U);
  EXPECT_GE(without, 3U);
}

TEST_F(WebhookDeliveries, TheDescriptionOfTheApiNamesEachHeader) {
  patient_ = std::make_shared<const net::AllowList>(must(net::AllowList::make({"a.example.sa"})));
  close();
  open();
  (void)made("his", kA);
  Json caused = event("s/1");
  caused.set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  ASSERT_TRUE(hooks_->accept(caused).ok());
  turn();
  ASSERT_EQ(http_.all.size(), 1U);
  std::set<std::string> sent;
  for (const auto& [name, value] : http_.all[0].headers) {
    if (name != "Content-Type") sent.insert(name);
  }

  const char* folder = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(folder != nullptr ? folder : ".") + "/docs/openapi.yaml");
  const std::string parameter = "        - {name: ";
  std::set<std::string> described;
  bool in_webhooks = false;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line[0] != ' ') in_webhooks = line == "webhooks:";
    if (in_webhooks && line.starts_with(parameter))
      described.insert(line.substr(parameter.size(), line.find(',') - parameter.size()));
  }
  EXPECT_EQ(sent, described);
}

TEST_F(WebhookDeliveries, OnlyWhatAWebhookWantsIsKeptForIt) {
  const Json notes = made("notes", kA, Json::array({"session.note-*"}));
  const Json all = made("all", kB);
  happened("s/1", "session.created");
  happened("s/2", "session.note-written");
  turn();
  EXPECT_EQ(http_.count(kA), 1U);
  EXPECT_EQ(http_.count(kB), 2U);
}

TEST_F(WebhookDeliveries, AFailedOneIsTriedTenTimesAndThenKeptForAReplay) {
  const Json hook = made("his", kA);
  http_.answer = [](const net::Request&) { return Receivers::status(500); };
  happened("s/1");
  for (int i = 0; i < 100; ++i) turn(3'600'000);
  EXPECT_EQ(http_.all.size(), static_cast<std::size_t>(kMaxAttempts));
  const Json dead = deliveries(hook, "dead");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].string_or("code", ""), "http.500");
  EXPECT_EQ(dead[0].int_or("status", 0), 500);
  EXPECT_EQ(seen(hook).int_or("dead", 0), 1);
  EXPECT_TRUE(log_.has("webhook.dead"));

  http_.answer = [](const net::Request&) { return Receivers::status(200); };
  const Json replayed =
      must(asked_.replay(ask(hook.string_or("id", ""), Json::object({{"dead", true}}))));
  EXPECT_EQ(replayed.int_or("replayed", 0), 1);
  turn(600'000);
  EXPECT_EQ(header(http_.all.back(), "webhook-id"), "s/1") << "under its old id";
  EXPECT_TRUE(holds(http_.all.back(), hook));
  EXPECT_EQ(seen(hook).int_or("dead", 0), 0);
}

TEST_F(WebhookDeliveries, WhatWasGivenUpIsDiscardedWithAReason) {
  const Json hook = made("his", kA);
  const std::string id = hook.string_or("id", "");
  http_.answer = [](const net::Request&) { return Receivers::status(500); };
  const std::string since = to_iso8601(clock_.now());
  for (const char* event : {"s/1", "s/2", "s/3"}) happened(event);
  const auto discard = [&](Json body) { return asked_.discard(ask(id, std::move(body))); };
  turn();
  const std::string open = deliveries(hook, "open")[0].string_or("id", "");
  EXPECT_EQ(discard(Json::object({{"delivery", open}, {"reason", "moved"}})).error().code,
            "webhook.not_dead");
  for (int i = 0; i < 100; ++i) turn(3'600'000);
  ASSERT_EQ(deliveries(hook, "dead").size(), 3U);
  const std::string text = deliveries(hook, "dead")[0].string_or("id", "");
  EXPECT_EQ(discard(Json::object({{"dead", true}})).error().code, "api.invalid");
  EXPECT_EQ(discard(Json::object({{"reason", "moved"}})).error().code, "api.invalid");
  EXPECT_EQ(discard(Json::object({{"delivery", "x"}, {"reason", "moved"}})).error().code,
            "webhook.delivery_unknown");
  EXPECT_EQ(
      must(discard(Json::object({{"delivery", text}, {"reason", "moved"}}))).int_or("discarded", 0),
      1);
  EXPECT_EQ(discard(Json::object({{"delivery", text}, {"reason", "moved"}})).error().code,
            "webhook.not_dead");
  EXPECT_EQ(
      must(discard(Json::object({{"dead", true}, {"reason", "moved"}}))).int_or("discarded", 0), 2);
  EXPECT_EQ(seen(hook).int_or("dead", -1), 0) << "nobody has to look at them";
  EXPECT_EQ(deliveries(hook, "discarded").size(), 3U);

  http_.answer = [](const net::Request&) { return Receivers::status(200); };
  EXPECT_EQ(must(asked_.replay(ask(id, Json::object({{"since", since}})))).int_or("replayed", -1),
            0);
  EXPECT_EQ(must(asked_.replay(ask(id, Json::object({{"delivery", text}})))).int_or("replayed", 0),
            1);
  turn(600'000);
  EXPECT_EQ(deliveries(hook, "done").size(), 1U) << "a person may still want one";
  for (int i = 0; i < 40; ++i) turn(24 * 3'600'000);
  EXPECT_EQ(deliveries(hook, "discarded").size(), 0U);
}

TEST_F(WebhookDeliveries, OneOrAllSinceATimeAreReplayed) {
  const Json hook = made("his", kA);
  happened("s/1");
  turn(60'000);
  happened("s/2");
  happened("s/3");
  const std::string since = to_iso8601(clock_.now());
  turn(1'000);
  ASSERT_EQ(http_.all.size(), 3U);
  const std::string id = hook.string_or("id", "");
  const std::string last = deliveries(hook, "done")[0].string_or("id", "");
  EXPECT_EQ(must(asked_.replay(ask(id, Json::object({{"delivery", last}})))).int_or("replayed", 0),
            1);
  turn();
  EXPECT_EQ(http_.all.size(), 4U);
  EXPECT_EQ(must(asked_.replay(ask(id, Json::object({{"since", since}})))).int_or("replayed", 0),
            2);
  turn();
  EXPECT_EQ(http_.all.size(), 6U);
  EXPECT_EQ(asked_.replay(ask(id)).error().code, "api.invalid");
  EXPECT_EQ(asked_.replay(ask(id, Json::object({{"delivery", "x"}}))).error().code,
            "webhook.delivery_unknown");
}

TEST_F(WebhookDeliveries, RetryAfterIsHonouredForAllOfTheReceiver) {
  made("his", kA);
  bool busy = true;
  http_.answer = [&busy](const net::Request&) {
    if (!busy) return Receivers::status(200);
    net::Response out = Receivers::status(429);
    out.headers.emplace_back("retry-after", "1800");
    return out;
  };
  happened("s/1");
  turn();
  EXPECT_EQ(http_.all.size(), 1U);
  happened("s/2");
  turn(1'700'000);
  EXPECT_EQ(http_.all.size(), 1U);
  busy = false;
  turn(200'000);
  EXPECT_EQ(http_.all.size(), 3U);
}

TEST_F(WebhookDeliveries, AReceiverThatIsGoneIsToldNothingMore) {
  const Json hook = made("his", kA);
  http_.answer = [](const net::Request&) { return Receivers::status(410); };
  happened("s/1");
  turn();
  happened("s/2");
  turn(86'400'000);
  EXPECT_EQ(http_.all.size(), 1U);
  const Json now = seen(hook);
  EXPECT_EQ(now.string_or("state", ""), "gone");
  EXPECT_EQ(now.int_or("dead", 0), 1);
  EXPECT_EQ(must(hooks_->dead()).at(0).state, "gone");
  EXPECT_EQ(asked_.ping(ask(hook.string_or("id", ""))).error().code, "webhook.not_active");

  http_.answer = [](const net::Request&) { return Receivers::status(200); };
  Ask back = ask(hook.string_or("id", ""), Json::object({{"active", true}}));
  back.version = now.int_or("version", 0);
  EXPECT_EQ(must(asked_.change(back)).string_or("state", ""), "active");
  happened("s/3");
  turn();
  EXPECT_EQ(http_.all.size(), 2U);
}

TEST_F(WebhookDeliveries, ASilentReceiverHoldsUpNobodyElse) {
  made("silent", kA);
  made("good", kB);
  http_.silent.insert(kA);
  for (int i = 0; i < 50; ++i) happened("s/" + std::to_string(i));
  turn();
  EXPECT_EQ(http_.count(kB), 50U);
  EXPECT_EQ(http_.count(kA), 4U) << "and has few exchanges under way";
}

TEST_F(WebhookDeliveries, ADeadReceiverIsTriedWithOneDeliveryAtATime) {
  const Json hook = made("dead", kA);
  bool dead = true;
  http_.answer = [&dead](const net::Request&) {
    if (!dead) return Receivers::status(204);
    net::Response out;
    out.error_code = "connect";
    return out;
  };
  for (int i = 0; i < 100; ++i) happened("s/" + std::to_string(i));
  turn();
  EXPECT_LE(http_.all.size(), 8U) << "five failures in a row, with four under way";
  const std::size_t before = http_.all.size();
  EXPECT_EQ(hooks_->sender().stats().failing, 1U);
  turn(circuit_pause(kCircuitFailures) - 1);
  EXPECT_EQ(http_.all.size(), before);
  turn(1);
  EXPECT_EQ(http_.all.size(), before + 1) << "what was under way makes the pause no longer";
  dead = false;
  turn(circuit_pause(kCircuitFailures + 1));
  turn(600'000);
  EXPECT_EQ(deliveries(hook, "open").size(), 0U) << "one success opens the way for all";
  EXPECT_EQ(hooks_->sender().stats().failing, 0U);
}

TEST_F(WebhookDeliveries, WhatAnOperatorDoesEndsThePause) {
  const Json hook = made("his", kA);
  const std::string id = hook.string_or("id", "");
  bool dead = true;
  http_.answer = [&dead](const net::Request&) { return Receivers::status(dead ? 502 : 204); };
  const auto fails = [&] {
    dead = true;
    for (int i = 0; i < 10; ++i) happened("s/" + std::to_string(http_.all.size() + 100U * i));
    turn();
    ASSERT_EQ(hooks_->sender().stats().failing, 1U);
    // Every one is due again, and would be sent but for the pause.
    const std::size_t before = http_.all.size();
    turn(circuit_pause(kCircuitFailures) - 1);
    ASSERT_EQ(http_.all.size(), before);
    const Json waits = deliveries(hook, "open");
    for (const Json& item : waits.as_array())
      EXPECT_GT(item.string_or("nextAt", ""), to_iso8601(clock_.now())) << item.dump();
    dead = false;
  };
  const auto goes_on = [&](std::string_view after) {
    turn();
    EXPECT_EQ(hooks_->sender().stats().failing, 0U) << after;
    EXPECT_EQ(deliveries(hook, "open").size(), 0U) << after;
  };
  fails();
  (void)must(asked_.ping(ask(id)));
  goes_on("a ping");
  fails();
  Ask change = ask(id, Json::object({{"url", kA}}));
  change.version = seen(hook).int_or("version", 0);
  (void)must(asked_.change(change));
  goes_on("a change");
  fails();
  (void)must(asked_.rotate(ask(id)));
  goes_on("a rotation");
  fails();
  (void)must(asked_.replay(ask(id, Json::object({{"dead", true}}))));
  goes_on("a replay");
}

TEST_F(WebhookDeliveries, WhatStillWaitsIsReplayedWithTheOthersOfItsTime) {
  const Json hook = made("his", kA);
  http_.answer = [](const net::Request&) { return Receivers::status(500); };
  const std::string since = to_iso8601(clock_.now());
  happened("s/1");
  for (int i = 0; i < 40; ++i) turn(600'000);
  const Json waits = deliveries(hook, "open");
  ASSERT_EQ(waits.size(), 1U);
  ASSERT_GT(waits[0].int_or("attempts", 0), 3) << "the next attempt is hours away";
  http_.answer = [](const net::Request&) { return Receivers::status(204); };
  const Json again = Json::object({{"since", since}});
  EXPECT_EQ(must(asked_.replay(ask(hook.string_or("id", ""), again))).int_or("replayed", 0), 1);
  turn();
  EXPECT_EQ(deliveries(hook, "done").size(), 1U);
}

TEST_F(WebhookDeliveries, AClinicMayBeNamedAsEverywhereAndMustBeThere) {
  const auto asked = [&](Json clinics) {
    return asked_.create(
        ask({}, Json::object({{"name", "his"}, {"url", kA}, {"clinics", std::move(clinics)}})));
  };
  const auto refused = asked(Json::array({kClinic, "8"}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message.rfind("clinics: ", 0), 0U) << refused.error().message;
  const Json hook = must(asked(Json::array({"7"})));
  EXPECT_EQ(hook["clinics"], Json::array({kClinic}));
  Json item = event("s/1");
  item.set("data", Json::object({{"type", "doctor_patient"}, {"clinic", kClinic}}));
  ASSERT_TRUE(hooks_->accept(item).ok());
  turn();
  EXPECT_EQ(http_.all.size(), 1U);
  Ask change = ask(hook.string_or("id", ""), Json::object({{"clinics", Json::array({"8"})}}));
  change.version = 1;
  EXPECT_EQ(asked_.change(change).error().code, "api.invalid");
}

TEST_F(WebhookDeliveries, ARefusalNamesTheMemberThatIsWrong) {
  const auto refused = [&](std::string_view member, Json value) {
    Json body = Json::object({{"name", "his"}, {"url", kA}});
    body.set(member, std::move(value));
    const auto made = asked_.create(ask({}, std::move(body)));
    return made.ok() ? std::string() : made.error().message.substr(0, member.size() + 1);
  };
  EXPECT_EQ(refused("events", Json::array({"session.creatd"})), "events:");
  EXPECT_EQ(refused("types", Json::array({"dance"})), "types:");
  EXPECT_EQ(refused("clinics", Json::array({"nowhere"})), "clinics:");
}

TEST_F(WebhookDeliveries, AKillAtAnyPointLosesNothing) {
  const Json hook = made("his", kA);
  happened("s/1");
  // Before it was sent.
  close();
  open();
  // After it was sent, before the answer.
  http_.silent.insert(kA);
  turn();
  ASSERT_EQ(http_.all.size(), 1U);
  close();
  open();
  // After the answer, before it was written down: the exchange ends when nobody listens any more.
  turn();
  ASSERT_EQ(http_.all.size(), 2U);
  for (const auto& done : http_.held) done(Receivers::status(204));
  close();
  open();
  http_.silent.clear();
  turn();
  ASSERT_EQ(http_.all.size(), 3U);
  for (const net::Request& request : http_.all) {
    EXPECT_EQ(header(request, "webhook-id"), "s/1") << "the receiver tells repeats by the id";
    EXPECT_TRUE(holds(request, hook));
    EXPECT_EQ(request.body, http_.all[0].body);
  }
  close();
  open();
  turn(86'400'000);
  EXPECT_EQ(http_.all.size(), 3U) << "what was written down stays so";
  // The event is told again after a kill between the two commits of whoever tells it.
  happened("s/1");
  turn();
  EXPECT_EQ(http_.all.size(), 3U);
}

TEST_F(WebhookDeliveries, AfterARotationBothSecretsHoldForAWhile) {
  const Json hook = made("his", kA);
  Json now =
      must(asked_.rotate(ask(hook.string_or("id", ""), Json::object({{"overlapHours", 1}}))));
  EXPECT_NE(now.string_or("secret", ""), hook.string_or("secret", ""));
  happened("s/1");
  turn();
  EXPECT_TRUE(holds(http_.all[0], hook));
  EXPECT_TRUE(holds(http_.all[0], now));
  clock_.advance_ms(3'600'001);
  happened("s/2");
  turn();
  EXPECT_FALSE(holds(http_.all[1], hook));
  EXPECT_TRUE(holds(http_.all[1], now));
}

TEST_F(WebhookDeliveries, ASecretIsShownOnceAndSealed) {
  const Json hook = made("his", kA);
  const std::string secret = hook.string_or("secret", "").substr(6);
  EXPECT_EQ(seen(hook).find("secret"), nullptr);
  EXPECT_EQ(must(asked_.list(ask())).dump().find(secret), std::string::npos);
  close();
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    if (!file.is_regular_file()) continue;
    std::ifstream in(file.path(), std::ios::binary);
    std::stringstream all;
    all << in.rdbuf();
    EXPECT_EQ(all.str().find(secret), std::string::npos) << file.path();
  }
}

TEST_F(WebhookDeliveries, HostsThatNobodyListedAreRefused) {
  const auto mistake = [&](std::string_view url) {
    const auto made = asked_.create(ask({}, Json::object({{"name", "x"}, {"url", url}})));
    if (made.ok()) return std::string("made");
    EXPECT_EQ(made.error().code, "api.invalid");
    return made.error().message;
  };
  for (const std::string_view url :
       {"https://c.example.sa/", "http://a.example.sa/", "https://127.0.0.1/",
        "https://169.254.169.254/latest", "https://[::1]/", "https://a.example.sa:8443/"})
    EXPECT_NE(mistake(url).find("may not reach this host"), std::string::npos) << url;
  for (const std::string_view url : {"ftp://a.example.sa/", "https://a.example.sa@evil.sa/", "a"})
    EXPECT_EQ(mistake(url).rfind("url: ", 0), 0U) << url;
  EXPECT_EQ(mistake("").rfind("url: ", 0), 0U);
}

TEST_F(WebhookDeliveries, TheConfigurationHasItsOwn) {
  SystemRandom random;
  auto secrets = std::make_shared<std::vector<SigningSecret>>();
  const std::string text = SigningSecret::make_shared_text(random);
  secrets->push_back(must(SigningSecret::parse(text)));
  configured_.push_back({.name = "bi", .url = kB, .wants = {}, .secrets = secrets});
  close();
  open();
  const Json listed = must(asked_.list(ask()))["items"];
  ASSERT_EQ(listed.size(), 1U);
  const Json hook = listed[0];
  EXPECT_EQ(hook.string_or("origin", ""), "configuration");
  happened("s/1");
  turn();
  ASSERT_EQ(http_.all.size(), 1U);
  EXPECT_TRUE(holds(http_.all[0], Json::object({{"secret", text}})));
  EXPECT_EQ(asked_.remove(ask(hook.string_or("id", ""))).error().code, "webhook.configured");
  EXPECT_EQ(asked_.rotate(ask(hook.string_or("id", ""))).error().code, "webhook.configured");
  EXPECT_EQ(asked_.create(ask({}, Json::object({{"name", "bi"}, {"url", kA}}))).error().code,
            "webhook.name_taken");
  configured_.clear();
  close();
  open();
  EXPECT_EQ(seen(hook).string_or("state", ""), "removed");
  EXPECT_TRUE(asked_.remove(ask(hook.string_or("id", ""))).ok());
  EXPECT_EQ(asked_.get(ask(hook.string_or("id", ""))).error().code, "webhook.unknown");
}

TEST_F(WebhookDeliveries, TheConfigurationNamesClinicsAsTheApiDoes) {
  auto secrets = std::make_shared<std::vector<SigningSecret>>();
  secrets->push_back(must(SigningSecret::parse(SigningSecret::make_shared_text(random_))));
  configured_.push_back(
      {.name = "bi", .url = kB, .wants = {.clinics = {"7", "8"}}, .secrets = secrets});
  close();
  open();
  EXPECT_TRUE(log_.has("webhook.clinic")) << "8 is not there";
  EXPECT_EQ(must(asked_.list(ask()))["items"][0]["clinics"], Json::array({kClinic, "8"}));
}

TEST_F(WebhookDeliveries, NobodyTriesWhatWaitsForAWebhookThatIsPaused) {
  const Json hook = made("his", kA);
  happened("s/1");
  Ask change = ask(hook.string_or("id", ""), Json::object({{"active", false}}));
  change.version = 1;
  (void)must(asked_.change(change));
  const Json waits = deliveries(hook, "open");
  ASSERT_EQ(waits.size(), 1U);
  EXPECT_TRUE(waits[0]["nextAt"].is_null());
}

TEST_F(WebhookDeliveries, ABrokerThatIsAwayIsWaitedForAndOneSessionKeepsItsOrder) {
  configured_.push_back({.name = "rabbitmq",
                         .url = "amqps://mq.example.sa/pulseone.events",
                         .wants = {},
                         .secrets = nullptr,
                         .routes = std::make_shared<const std::vector<Route>>(default_routes())});
  // It never starts, so it reaches nobody.
  broker_ = {.publisher = std::make_shared<bus::Publisher>(
                 bus::Publisher::Parts{clock_, random_, log_}, bus::Options{}),
             .body = [](const Delivery& one) { return Result<std::string>(one.body); }};
  close();
  open();
  const Json hook = must(asked_.list(ask()))["items"][0];
  EXPECT_EQ(hook.string_or("url", ""), "amqps://mq.example.sa/pulseone.events");
  for (const auto& [id, name, session] :
       {std::array{"a/1", "session.created", "a"}, std::array{"a/2", "session.note-written", "a"},
        std::array{"b/1", "session.created", "b"}, std::array{"a/3", "session.cancelled", "a"}}) {
    Json node = event(id, name);
    node.set("subject", session);
    ASSERT_TRUE(hooks_->accept(node).ok());
    clock_.advance_ms(10);
  }
  turn(3'600'000);
  const Json open = deliveries(hook, "open");
  ASSERT_EQ(open.size(), 3U) << "what has no routing key is not told";
  for (const Json& item : open.as_array()) EXPECT_EQ(item.int_or("attempts", -1), 0);
  EXPECT_TRUE(http_.all.empty());

  const auto due = [&] {
    std::string out;
    for (const Delivery& delivery :
         must(due_deliveries(*store_, "t1", hook.string_or("id", ""), clock_.now().ms, 10)))
      out += delivery.event + " " + delivery.topic + "\n";
    return out;
  };
  EXPECT_EQ(due(), "a/1 video.session.created\nb/1 video.session.created\n");
  const std::string first = open[2].string_or("id", "");
  const auto end = [&](const std::string& state, std::int64_t due_ms) {
    const Attempt attempt{.id = first, .state = state, .attempts = 1, .due_ms = due_ms};
    ASSERT_TRUE(store_
                    ->write([&](store::Transaction& transaction) {
                      return write_attempt(transaction, "t1", attempt);
                    })
                    .ok());
  };
  end("open", clock_.now().ms + 5'000);
  EXPECT_EQ(due(), "b/1 video.session.created\n") << "what is tried again later holds up the rest";
  end("done", clock_.now().ms);
  EXPECT_EQ(due(), "b/1 video.session.created\na/3 video.session.cancelled\n");

  // The answer to an attempt of which nobody waits any more keeps nothing waiting.
  end("open", clock_.now().ms);
  EXPECT_EQ(due(), "b/1 video.session.created\na/3 video.session.cancelled\n");
  must(store_->write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(opened, open_again(transaction, "t1", hook.string_or("id", ""), {.since_ms = 0},
                                clock_.now().ms));
    EXPECT_EQ(opened, 3);
    return ok_status();
  }));
  EXPECT_EQ(due(), "a/1 video.session.created\nb/1 video.session.created\n")
      << "what is sent again goes before what came later in its session";
}

TEST_F(WebhookDeliveries, APingIsSentAndItsDeliveryCanBeRead) {
  const Json hook = made("his", kA, Json::array({"session.created"}));
  const Json ping = must(asked_.ping(ask(hook.string_or("id", ""))));
  turn();
  ASSERT_EQ(http_.all.size(), 1U) << "whatever the webhook wants";
  EXPECT_EQ(must(Json::parse(http_.all[0].body)).string_or("type", ""), "org.rabt.hub.ping.v1");
  Ask asked = ask(hook.string_or("id", ""));
  asked.query.emplace_back("delivery", ping.string_or("delivery", ""));
  const auto page = must(asked_.deliveries(asked, {}));
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].string_or("state", ""), "done");
  EXPECT_EQ(page.items[0].int_or("status", 0), 204);
}

TEST_F(WebhookDeliveries, DeliveriesComeInPages) {
  const Json hook = made("his", kA);
  for (int i = 0; i < 5; ++i) happened("s/" + std::to_string(i));
  consultation::Window window{.limit = 2};
  std::vector<std::string> seen;
  do {
    const auto page = must(asked_.deliveries(ask(hook.string_or("id", "")), window));
    for (const Json& item : page.items) seen.push_back(item.string_or("event", ""));
    window.cursor = page.next;
  } while (!window.cursor.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"s/4", "s/3", "s/2", "s/1", "s/0"}));
}

}  // namespace
}  // namespace rabt::webhooks::webhooks_test
