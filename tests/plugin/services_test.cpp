#include <algorithm>

#include "hub/base/bytes.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/trace_context.hpp"
#include "tests/net/mail_relay.hpp"
#include "tests/number_of.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::services_test {
namespace {

using workflow::OutcomeKind;

class Channels : public BothWays {};
class ClockService : public BothWays {};
class Example : public BothWays {};
class HttpService : public BothWays {};
class KvService : public BothWays {};
class LogService : public BothWays {};
class Services : public BothWays {};
class SignService : public BothWays {};
class Words : public BothWays {};
RABT_BOTH_WAYS(Channels);
RABT_BOTH_WAYS(ClockService);
RABT_BOTH_WAYS(Example);
RABT_BOTH_WAYS(HttpService);
RABT_BOTH_WAYS(KvService);
RABT_BOTH_WAYS(LogService);
RABT_BOTH_WAYS(Services);
RABT_BOTH_WAYS(SignService);
RABT_BOTH_WAYS(Words);

Json output_of(Hub& hub, const char* action, Json arguments, std::int64_t deadline_in_ms = 0) {
  const auto outcome = hub.call("echo", action, std::move(arguments), deadline_in_ms);
  EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.code << ": " << outcome.message;
  return outcome.output;
}

TEST_P(HttpService, GivesTheWholeAnswer) {
  const TinyServer server(TinyServer::Mode::answer, "hello");
  Hub hub;
  hub.load_echo(server.url());
  const Json out = output_of(hub, "http", Json::object({{"url", server.url() + "/a"}}));
  EXPECT_EQ(out["sent"].as_int64(), 2);
  EXPECT_EQ(out["status"].as_int64(), 200);
  EXPECT_EQ(out["body"].as_string(), "hello");
  EXPECT_EQ(out["code"].as_string(), "");
  EXPECT_EQ(out["headers"][std::size_t{0}].dump(), R"(["content-type","text/plain"])");
}

TEST_P(HttpService, ARequestOfACallNamesTheTraceOfItsRun) {
  const TinyServer server(TinyServer::Mode::answer);
  Hub hub;
  hub.load_echo(server.url());
  CallRequest call = request("echo", "http", Json::object({{"url", server.url()}}));
  call.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  Waiter waiter;
  hub.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  const std::string seen = server.last_request();
  const auto at = seen.find("traceparent: ");
  ASSERT_NE(at, std::string::npos) << seen;
  const auto parent = parse_traceparent(seen.substr(at + 13, 55));
  ASSERT_TRUE(parent.has_value()) << seen;
  EXPECT_EQ(parent->trace, to_hex(Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV")->bytes));
  EXPECT_EQ(seen.find("tracestate"), std::string::npos);
}

TEST_P(HttpService, AnErrorStatusIsAnAnswer) {
  const TinyServer server(TinyServer::Mode::answer, "busy", 503);
  Hub hub;
  hub.load_echo(server.url());
  EXPECT_EQ(output_of(hub, "http", Json::object({{"url", server.url()}}))["status"].as_int64(),
            503);
}

TEST_P(HttpService, AnOutcomeSaysThatTheOutsideSystemIsAway) {
  const auto unavailable = [](const std::string& url) {
    Hub hub;
    hub.load_echo(url);
    const auto outcome = hub.call("echo", "http", Json::object({{"url", url}, {"fail", true}}));
    EXPECT_EQ(outcome.kind, OutcomeKind::transient) << outcome.code;
    return outcome.unavailable;
  };
  std::string nobody;
  for (const int status : {200, 409, 429, 500, 502, 503, 504}) {
    const TinyServer server(TinyServer::Mode::answer, "text", status);
    EXPECT_EQ(unavailable(server.url()), status > 500) << status;
    nobody = server.url();
  }
  EXPECT_TRUE(unavailable(nobody)) << "nothing listens";
  const TinyServer dropping(TinyServer::Mode::drop);
  EXPECT_TRUE(unavailable(dropping.url())) << "no answer";
}

TEST_P(HttpService, PutsSecretsInWithoutShowingThem) {
  const TinyServer server(TinyServer::Mode::answer);
  Hub hub;
  hub.load_echo(server.url());
  output_of(hub, "http", Json::object({{"url", server.url()}, {"bearer", "token"}}));
  EXPECT_NE(
      server.last_request().find("Authorization: Bearer s3cret-of-thirty-two-bytes-or-more\r\n"),
      std::string::npos);
  output_of(hub, "http", Json::object({{"url", server.url()}, {"basic", "AC1"}}));
  EXPECT_NE(server.last_request().find(
                "Authorization: Basic QUMxOnMzY3JldC1vZi10aGlydHktdHdvLWJ5dGVzLW9yLW1vcmU=\r\n"),
            std::string::npos);
  // Declared but not configured, and not declared at all.
  EXPECT_EQ(
      output_of(hub, "http", Json::object({{"url", server.url()}, {"bearer", "other"}}))["code"]
          .as_string(),
      "no_secret");
  const Json refused =
      output_of(hub, "http", Json::object({{"url", server.url()}, {"bearer", "nobody"}}));
  EXPECT_EQ(refused["code"].as_string(), "no_secret");
  EXPECT_EQ(refused["sent"].as_int64(), 0);
}

TEST_P(HttpService, AMailGoesThroughTheRelayWithASecret) {
  if (!net::Relay::can_run()) GTEST_SKIP() << "install python3-aiosmtpd to run this";
  net::Relay relay("--user clinic s3cret-of-thirty-two-bytes-or-more");
  const std::string url = "smtp://127.0.0.1:" + std::to_string(relay.port());
  Hub hub;
  hub.load_echo(url);
  const auto send = [&](const char* secret, const std::string& to) {
    return output_of(hub, "http",
                     Json::object({{"url", url},
                                   {"body", "Subject: hello\r\n\r\nYour visit\r\n"},
                                   {"mail", Json::object({{"from", "clinic@example.sa"},
                                                          {"to", to},
                                                          {"user", "clinic"},
                                                          {"secret", secret}})}}));
  };
  const Json taken = send("token", "someone@example.org");
  EXPECT_EQ(taken["sent"].as_int64(), 2);
  EXPECT_EQ(taken["status"].as_int64(), 250);
  const Json mail = relay.mail();
  EXPECT_EQ(mail["to"].dump(), R"(["someone@example.org"])");
  EXPECT_TRUE(mail["authenticated"].as_bool());
  EXPECT_EQ(send("nobody", "someone@example.org")["code"].as_string(), "no_secret");
  EXPECT_EQ(send("token", "a@b\r\nRCPT TO:<c@d>")["code"].as_string(), "not_allowed");
}

TEST_P(HttpService, ADroppedAnswerMayHaveHadAnEffect) {
  const TinyServer server(TinyServer::Mode::drop);
  Hub hub;
  hub.load_echo(server.url());
  const Json out = output_of(
      hub, "http", Json::object({{"url", server.url()}, {"method", "POST"}, {"body", "x"}}));
  EXPECT_EQ(out["sent"].as_int64(), 1);
  EXPECT_EQ(out["status"].as_int64(), 0);
  EXPECT_NE(out["code"].as_string(), "");
}

TEST_P(HttpService, NothingListensMeansNothingWasSent) {
  std::string url;
  {
    const TinyServer server(TinyServer::Mode::answer);
    url = server.url();
  }
  Hub hub;
  hub.load_echo(url);
  const Json out = output_of(hub, "http", Json::object({{"url", url}}));
  EXPECT_EQ(out["sent"].as_int64(), 0);
  EXPECT_EQ(out["code"].as_string(), "connect");
}

TEST_P(HttpService, OnlyAllowedHostsAreReached) {
  const TinyServer allowed(TinyServer::Mode::answer);
  const TinyServer other(TinyServer::Mode::answer);
  Hub hub;
  hub.load_echo(allowed.url());
  for (const std::string& url :
       {other.url(), std::string("https://example.test/"), std::string("file:///etc/passwd")}) {
    const Json out = output_of(hub, "http", Json::object({{"url", url}}));
    EXPECT_EQ(out["code"].as_string(), "not_allowed") << url;
    EXPECT_EQ(out["sent"].as_int64(), 0);
  }
  EXPECT_EQ(other.last_request(), "");
}

TEST_P(HttpService, TheCallsDeadlineBoundsTheExchange) {
  const TinyServer server(TinyServer::Mode::hang);
  Hub hub;
  hub.load_echo(server.url());
  const Json out =
      output_of(hub, "http", Json::object({{"url", server.url()}, {"timeout_ms", 60000}}), 150);
  EXPECT_EQ(out["code"].as_string(), "timeout");
  EXPECT_EQ(out["sent"].as_int64(), 1);
}

TEST_P(HttpService, CancellingACallCancelsItsRequests) {
  const TinyServer server(TinyServer::Mode::hang);
  Hub hub;
  hub.load_echo(server.url());
  Waiter waiter;
  const std::uint64_t token = hub.host->invoke(
      request("echo", "http", Json::object({{"url", server.url()}})), waiter.sink());
  ASSERT_TRUE(eventually([&] { return !server.last_request().empty(); }));
  hub.host->cancel(token);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().output["code"].as_string(), "cancelled");
}

TEST_P(HttpService, ABodyBecomesASealedBlob) {
  const std::string recording(3'000'000, 'r');
  const TinyServer server(TinyServer::Mode::answer, recording);
  Hub hub;
  hub.load_echo(server.url());
  const Json out = output_of(hub, "fetch-blob", Json::object({{"url", server.url()}}));
  EXPECT_EQ(out["code"].as_string(), "");
  EXPECT_EQ(out["body"].as_string(), "") << "it never reaches the plugin";
  EXPECT_EQ(out["blob_bytes"].as_int64(), 3'000'000);
  EXPECT_EQ(out["blob_sha256"].as_string(), to_hex(crypto::sha256(recording)));
  std::string opened;
  auto reader = hub.blobs->open("t1", out["blob"].as_string());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const Status read = (*reader)->read(0, 3'000'000, [&opened](std::string_view piece) {
    opened += piece;
    return ok_status();
  });
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(opened, recording);
  EXPECT_EQ(hub.blobs->find("t1", out["blob"].as_string())->content_type, "video/webm");
  EXPECT_FALSE(hub.blobs->find("t2", out["blob"].as_string()).ok()) << "another tenant's";
}

TEST_P(HttpService, AnErrorStatusMakesNoBlob) {
  const TinyServer server(TinyServer::Mode::answer, "gone", 404);
  Hub hub;
  hub.load_echo(server.url());
  const Json out = output_of(hub, "fetch-blob", Json::object({{"url", server.url()}}));
  EXPECT_EQ(out["status"].as_int64(), 404);
  EXPECT_EQ(out["body"].as_string(), "gone");
  EXPECT_EQ(out["blob"].as_string(), "");
}

TEST_P(Example, HelloGreets) {
  const TinyServer server(TinyServer::Mode::answer, "marhaba");
  Hub hub;
  PluginConfig hello = hub.config("hello");
  hello.config = Json::object({{"base_url", server.url()}});
  hello.secrets["api_token"] = std::make_shared<SecretBytes>(std::string_view("t0ken"));
  const Status loaded = hub.host->load(std::move(hello));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(hub.host->bind_role("greeter", "plugin://hello").ok());
  EXPECT_EQ(hub.call("greeter", "greet", Json::object({{"language", "ar"}})).output.dump(),
            R"({"greeting":"marhaba"})");
  EXPECT_NE(server.last_request().find("GET /greeting/ar "), std::string::npos);
  EXPECT_NE(server.last_request().find("Authorization: Bearer t0ken"), std::string::npos);
}

TEST_P(KvService, ComparesVersionsAndRemoves) {
  Hub hub;
  hub.load_echo();
  // absent; put; conflict; put over 1; read; removed; absent; absent
  EXPECT_EQ(output_of(hub, "kv", Json::object({{"key", "cursor"}})).dump(),
            R"([1,0,2,0,"three@2",0,1,1])");
}

TEST_P(KvService, ValuesSurviveARestartAndAreSealed) {
  Hub hub;
  hub.load_echo();
  output_of(hub, "kv", Json::object({{"key", "patient-77"}, {"keep", true}}));
  const store::Statement all{"SELECT key, value FROM plugin_kv"};
  int rows = 0;
  ASSERT_TRUE(hub.store
                  ->read([&](store::Connection& connection) {
                    return connection.query(all, {}, [&rows](const store::Row& row) {
                      ++rows;
                      EXPECT_EQ(row.blob(0).find("patient"), std::string_view::npos);
                      EXPECT_EQ(row.blob(1).find("three"), std::string_view::npos);
                      return true;
                    });
                  })
                  .ok());
  EXPECT_EQ(rows, 1);
  hub.restart_host();
  hub.load_echo();
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "patient-77"}}))["value"].as_string(),
            "three");
}

TEST_P(KvService, ValuesExpire) {
  Hub hub(true);
  hub.load_echo();
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "k"}, {"value", "v"}, {"ttl", 1000}}))
                .as_int64(),
            0);
  hub.fake.advance_ms(999);
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "k"}}))["status"].as_int64(), 0);
  hub.fake.advance_ms(1);
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "k"}}))["status"].as_int64(), 1);
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "k"}, {"value", "w"}, {"expected", 0}}))
                .as_int64(),
            0)
      << "absent";
}

Json kept_for_a_second(const std::string& key, std::size_t bytes) {
  return Json::object({{"key", key}, {"value", std::string(bytes, 'v')}, {"ttl", 1000}});
}
std::int64_t rows_of_kv(Hub& hub) {
  static constexpr store::Statement kCount{"SELECT COUNT(*) FROM plugin_kv"};
  return rabt::test::number_of(*hub.store, kCount);
}

// Symptom: after some thousand consultations nothing passed eligibility, for good. Cause: nothing
// removed expired values, and the quota counted them. The second value fits here only when the
// first one counts no more.
TEST_P(KvService, ExpiredValuesMakeRoomForNewOnes) {
  Hub hub(true);
  hub.load_echo();
  for (int round = 0; round < 3; ++round) {
    for (const char* key : {"a", "b", "c"}) {
      EXPECT_EQ(output_of(hub, "kv-raw", kept_for_a_second(key + std::to_string(round), 30'000))
                    .as_int64(),
                0)
          << key << round;
    }
    EXPECT_EQ(output_of(hub, "kv-raw", kept_for_a_second("d", 30'000)).as_int64(), 3)
        << "what has not expired stays";
    hub.fake.advance_ms(1000);
  }
}

TEST_P(KvService, ExpiredValuesAreRemovedAndNotCounted) {
  Hub hub(true);
  hub.load_echo();
  output_of(hub, "kv-raw", Json::object({{"key", "kept"}, {"value", "v"}}));
  hub.host->look_after_storage();
  const std::int64_t before = hub.host->plugins().front().storage_bytes;
  EXPECT_GT(before, 0);
  for (int i = 0; i < 250; ++i)
    output_of(hub, "kv-raw", kept_for_a_second("k" + std::to_string(i), 10));
  EXPECT_FALSE(hub.host->remove_expired_values()) << "nothing has expired";
  EXPECT_EQ(rows_of_kv(hub), 251);
  hub.fake.advance_ms(1000);
  hub.host->look_after_storage();
  EXPECT_EQ(hub.host->plugins().front().storage_bytes, before) << "expired ones are not counted";
  EXPECT_TRUE(hub.host->remove_expired_values()) << "a chunk at a time";
  EXPECT_FALSE(hub.host->remove_expired_values());
  EXPECT_EQ(rows_of_kv(hub), 1);
  hub.host->look_after_storage();
  EXPECT_EQ(hub.host->plugins().front().storage_bytes, before);
}

TEST_P(KvService, ACallThatFailsForWantOfStorageSaysWhatWasLacking) {
  Hub hub;
  hub.load_echo();
  const auto keep = [&](const char* key, std::size_t bytes) {
    return hub.call("echo", "kv-must",
                    Json::object({{"key", key}, {"value", std::string(bytes, 'v')}}));
  };
  EXPECT_EQ(keep("a", 80'000).kind, OutcomeKind::done);
  const auto full = keep("b", 30'000);
  EXPECT_EQ(full.kind, OutcomeKind::transient);
  EXPECT_EQ(full.code, "plugin.storage_full");
  EXPECT_EQ(keep("a", 10).kind, OutcomeKind::done);
  EXPECT_EQ(keep("b", 30'000).kind, OutcomeKind::done);
}

TEST_P(KvService, TheLogTellsOnceOfEachThresholdOfTheQuota) {
  Hub hub;
  hub.load_echo();
  const auto told = [&] {
    std::size_t count = 0;
    for (const std::string& line : hub.log.lines()) count += line.starts_with("plugin.storage ");
    return count;
  };
  const auto told_at = [&](std::size_t bytes) {
    output_of(hub, "kv-raw", Json::object({{"key", "a"}, {"value", std::string(bytes, 'v')}}));
    const std::size_t before = told();
    hub.host->look_after_storage();
    hub.host->look_after_storage();
    return told() - before;
  };
  EXPECT_EQ(told_at(60'000), 0U);
  EXPECT_FALSE(hub.host->plugins().front().storage_scarce());
  EXPECT_EQ(told_at(72'000), 1U);
  EXPECT_TRUE(hub.host->plugins().front().storage_scarce());
  EXPECT_EQ(told_at(68'000), 0U);
  EXPECT_EQ(told_at(72'000), 0U) << "it went up and down around the threshold";
  EXPECT_EQ(told_at(92'000), 1U);
  EXPECT_EQ(told_at(10'000), 0U);
  EXPECT_EQ(told_at(92'000), 1U);
}

TEST_P(KvService, LimitsHoldAndChangeNothing) {
  Hub hub;
  hub.load_echo();
  const std::string limit(limits::kMaxKvKey, 'k');
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", limit}, {"value", "v"}})).as_int64(), 0);
  EXPECT_EQ(
      output_of(hub, "kv-raw", Json::object({{"key", limit + "k"}, {"value", "v"}})).as_int64(), 3);
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", ""}, {"value", "v"}})).as_int64(), 3);
  // kv_bytes: 100000 in the manifest.
  EXPECT_EQ(
      output_of(hub, "kv-raw", Json::object({{"key", "a"}, {"value", std::string(90'000, 'v')}}))
          .as_int64(),
      0);
  EXPECT_EQ(
      output_of(hub, "kv-raw", Json::object({{"key", "b"}, {"value", std::string(20'000, 'v')}}))
          .as_int64(),
      3);
  EXPECT_EQ(output_of(hub, "kv-raw", Json::object({{"key", "a"}, {"value", "small"}})).as_int64(),
            0);
  EXPECT_EQ(
      output_of(hub, "kv-raw", Json::object({{"key", "b"}, {"value", std::string(20'000, 'v')}}))
          .as_int64(),
      0);
}

TEST_P(SignService, SignsWithASecretThePluginNeverSees) {
  Hub hub;
  hub.load_echo();
  const Json out = output_of(hub, "sign", Json::object());
  const SecretBytes key(std::string_view("s3cret-of-thirty-two-bytes-or-more"));
  EXPECT_EQ(out["sha1"].as_string(), to_hex(crypto::hmac_sha1(key.expose(), "data")));
  EXPECT_EQ(out["sha256"].as_string(), to_hex(crypto::hmac_sha256(key.expose(), "data")));
  EXPECT_EQ(out["md5"].as_string(), "");
  EXPECT_EQ(out["undeclared"].as_string(), "");
  const std::string& jwt = out["jwt"].as_string();
  EXPECT_EQ(std::count(jwt.begin(), jwt.end(), '.'), 2);
}

TEST_P(SignService, TakesAndGivesWhatIsLargerThanAPacket) {
  Hub hub;
  hub.load_echo();
  const SecretBytes key(std::string_view("s3cret-of-thirty-two-bytes-or-more"));
  for (const std::int64_t size : {70'000, 3'000'000}) {
    const Json out = output_of(hub, "sign-large", Json::object({{"bytes", size}}));
    EXPECT_EQ(out["sha256"].as_string(),
              to_hex(crypto::hmac_sha256(key.expose(),
                                         std::string(static_cast<std::size_t>(size), 'x'))));
    EXPECT_GT(out["jwt_bytes"].as_int64().value_or(0), size * 4 / 3);
    EXPECT_EQ(out["after"].as_string(), to_hex(crypto::hmac_sha256(key.expose(), "data")));
  }
}

TEST_P(ClockService, SleepsInVirtualTime) {
  Hub hub(true);
  hub.load_echo();
  const std::int64_t begin = hub.clock.now().ms;
  Waiter waiter;
  hub.host->invoke(request("echo", "sleep", Json::object({{"ms", 3'600'000}})), waiter.sink());
  EXPECT_EQ(output_of(hub, "echo", Json::object()).dump(), "{}");
  hub.fake.advance_ms(3'599'999);
  EXPECT_FALSE(waiter.wait(60));
  hub.fake.advance_ms(1);
  ASSERT_TRUE(waiter.wait());
  EXPECT_EQ(waiter.outcome().output.as_int64(), begin + 3'600'000);
}

TEST_P(LogService, DropsPatientDataAndDocuments) {
  Hub hub;
  hub.load_echo();
  output_of(hub, "log", Json::object());
  EXPECT_TRUE(hub.log.has("plugin.hello plugin=echo code=x1 count=3 ok=true"))
      << "and no other field";
  EXPECT_FALSE(hub.log.has("Jane"));
}

// Symptom: a plugin wrote 40,000 lines in half a minute into the hub's log. Cause: nothing counted
// them. What is beyond the budget of a minute is dropped, and the log says how much.
TEST_P(LogService, AFloodOfLinesIsDroppedWithACount) {
  Hub hub(true);
  hub.load_echo();
  const auto lines = [&] {
    const auto all = hub.log.lines();
    return std::count_if(all.begin(), all.end(),
                         [](const std::string& text) { return text.starts_with("plugin.hello"); });
  };
  for (int i = 0; i < 3'100; ++i) output_of(hub, "log", Json::object());
  EXPECT_TRUE(eventually([&] { return hub.violations("echo", "log") == 1; }));
  EXPECT_EQ(lines(), 3000);
  hub.fake.advance_ms(60'000);
  output_of(hub, "log", Json::object());
  EXPECT_TRUE(hub.log.comes("plugin.log_dropped plugin=echo lines=100"));
  EXPECT_EQ(lines(), 3'001);
  EXPECT_EQ(hub.violations("echo", "log"), 1U) << "one in a minute";
}

TEST_P(LogService, ShowsOnlyThePluginsOwnWords) {
  Hub hub;
  hub.load_echo();
  const Json fields = Json::object({{"code", "Noor Qahtan 1089341267"},
                                    {"nested", "no value"},
                                    {"count", 123456},
                                    {"url", 422},
                                    {"n", 1089341267},
                                    {"noor", "x"},
                                    {"greeting", "https://ehr.example.sa/Patient/noor"}});
  hub.call("echo", "leak", Json::object({{"event", "noor"}, {"log", fields}, {"code", "c"}}), 0);
  EXPECT_TRUE(hub.log.comes("plugin.unnamed plugin=echo"));
  EXPECT_TRUE(hub.log.has("code=[withheld]"));
  EXPECT_TRUE(hub.log.has("nested=no value"));
  EXPECT_TRUE(hub.log.has("url=422"));
  EXPECT_TRUE(hub.log.has("n=[withheld]"));
  for (const char* secret : {"Jane", "noor", "1089341267", "Qahtan"})
    EXPECT_FALSE(hub.log.has(secret)) << secret;
}

TEST_P(Words, OfAnErrorAreThePluginsOwnOrSealed) {
  Hub hub;
  hub.load_echo();
  const auto failed = [&](const char* code, const char* message) {
    return hub.call("echo", "leak", Json::object({{"code", code}, {"message", message}}), 0);
  };
  const auto own = failed("echo.unknown", "no such action");
  EXPECT_EQ(own.code, "echo.unknown");
  EXPECT_EQ(own.message, "no such action");
  EXPECT_EQ(own.said.unseal("a test"), "");
  const auto outside = failed("echo.unknown", "no such action for Noor Qahtan, 0501234567");
  EXPECT_EQ(outside.message, "no such action for [withheld]");
  EXPECT_EQ(outside.said.unseal("a test"), "no such action for Noor Qahtan, 0501234567")
      << "nothing is lost: it is sealed with the instance";
  for (const char* code :
       {"noor.qahtan", "1089341267", "echo.Noor", "no such", "echo/unknown", "\xd9\x85",
        "echo.unknown.echo.unknown.echo.unknown.echo.unknown.echo.unknown."
        "unknown"})
    EXPECT_EQ(failed(code, "").code, "plugin.code_withheld") << code;
  EXPECT_EQ(failed("", "").code, "plugin.no_code");
}

TEST_P(Words, OfARefusedDeliveryAreThePluginsOwn) {
  Hub hub;
  hub.load_echo();
  const auto refused = hub.host->normalise("echo", Json::object({{"source", "x"}}),
                                           R"({"refuse":"no such action for Noor Qahtan"})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "echo: no such action for [withheld]");
}

// Finds one word.
class FindsJane final : public phi::Detector {
 public:
  [[nodiscard]] std::vector<phi::Finding> find(std::string_view text) const override {
    const auto at = text.find("Jane");
    if (at == std::string_view::npos) return {};
    return {{phi::Class::name, at, at + 4, 1}};
  }
};

TEST_P(Channels, OfActionsAndOfTheRoleNotifyRefuseWhatIsNotAllowed) {
  Hub hub;
  const phi::Policy policy(phi::default_rules(), std::make_shared<FindsJane>());
  hub.host = PluginHost::make({*hub.store, *hub.keys, *hub.audit, *hub.http, *hub.blobs, hub.clock,
                               hub.random, hub.log, policy});
  hub.load_echo();
  const auto outcome = [&](const char* role, const char* action, Json arguments) {
    return hub.call(role, action, std::move(arguments), 0);
  };
  const Json good = Json::object({{"to", "0501234567"}, {"text", "Your visit is tomorrow"}});
  const Json named = Json::object({{"to", "0501234567"}, {"text", "Jane"}});
  const Json marked = Json::object({{"to", "0501234567"}, {"name", "x"}});
  // An action of the plugin says where it sends to.
  EXPECT_EQ(outcome("echo", "send", good).code, "echo.unknown") << "the plugin was called";
  EXPECT_EQ(outcome("echo", "send", named).code, "phi.blocked");
  EXPECT_EQ(outcome("echo", "send", marked).code, "phi.blocked");
  EXPECT_EQ(outcome("echo", "publish", good).code, "phi.blocked") << "no field is allowed";
  // Every action of whoever has the role notify.
  EXPECT_EQ(outcome("echo", "echo", named).kind, workflow::OutcomeKind::done);
  ASSERT_TRUE(hub.host->bind_role("notify", "plugin://echo").ok());
  EXPECT_EQ(outcome("notify", "echo", good).kind, workflow::OutcomeKind::done);
  for (const char* name : {"notify", "echo", "plugin://echo"}) {
    const auto refused = outcome(name, "echo", named);
    EXPECT_EQ(refused.code, "phi.blocked") << name;
    EXPECT_EQ(refused.kind, workflow::OutcomeKind::permanent);
    EXPECT_EQ(refused.message.find("Jane"), std::string::npos);
  }
  // A question about a message goes to nobody.
  EXPECT_EQ(outcome("notify", "ask-message", Json::object({{"messageId", "Jane"}})).code,
            "echo.unknown")
      << "the plugin was called";
  EXPECT_FALSE(hub.log.has("Jane"));
}

TEST_P(Services, AreOnlyThoseThatThePluginMayUse) {
  Hub hub;
  hub.load_echo();
  const Json out = output_of(hub, "services", Json::object());
  EXPECT_FALSE(out["secrets"].as_bool()) << "needs permissions.secrets_raw";
  EXPECT_FALSE(out["unknown"].as_bool());
  EXPECT_EQ(out["uuid"].as_string().size(), 36U);
  EXPECT_EQ(out["uuid"].as_string()[14], '4');
}

}  // namespace
}  // namespace rabt::plugin::test::services_test
