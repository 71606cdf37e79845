// The fakes that vendors test with, and the C++ wrapper over them. A plugin in this file keeps and
// breaks the contract as it is told.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <optional>
#include <thread>

#include "rabt/http_result.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "rabt/testing/fake_host.hpp"

namespace rabt::fakes_test {

namespace {

using namespace rabt::sdk;           // NOLINT: the names of a plugin
using namespace rabt::sdk::testing;  // NOLINT

int guards_alive = 0;
struct Guard {
  Guard() { ++guards_alive; }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { --guards_alive; }
};

// Promises with which a thread of the plugin says that it waits, and is released.
struct Held {
  std::promise<void> waits;
  std::promise<void> goes_on;
};
std::optional<Held> held_by_the_test;

// JSON that a host reads for many milliseconds.
std::string large_output() {
  std::string out = "[0";
  for (int i = 0; i < 200'000; ++i) out += ",0";
  return out + "]";
}

class Sample final : public TaskPlugin {
 public:
  Sample(rabt::sdk::Host host, std::string_view config) : TaskPlugin(host), raw_(config) {
    if (config == "\"refuse\"") throw std::runtime_error("not this one");
  }
  Sample(const Sample&) = delete;
  Sample& operator=(const Sample&) = delete;
  // A7: no thread of the plugin calls the host after destroy.
  ~Sample() override {
    for (std::thread& thread : threads_) thread.join();
  }

  void invoke(Call call, Reply reply) {
    if (call.action == "drop") return;
    if (call.action == "throw") throw std::runtime_error("no");
    if (call.action == "never") {
      kept_.emplace(std::move(reply));
      return;
    }
    if (call.action == "elsewhere") {
      std::thread([input = call.input, held = std::move(reply)]() mutable {
        std::move(held).done(input);
      }).join();
      return;
    }
    if (call.action == "later" || call.action == "in_time") {
      const bool watched = call.action == "in_time";
      if (watched) {
        const rabt_clock* clock = host().clock();
        clock->wake_after(clock->self, 5000, &late_,
                          [](void* late) { *static_cast<std::atomic<bool>*>(late) = true; });
      }
      threads_.emplace_back([this, watched, held = std::move(reply)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        std::move(held).done(watched && late_ ? "\"late\"" : "\"done\"");
      });
      return;
    }
    if (call.action == "large") {
      threads_.emplace_back(
          [held = std::move(reply)]() mutable { std::move(held).done(large_output()); });
      return;
    }
    if (call.action == "held") {
      threads_.emplace_back([held = std::move(reply)]() mutable {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        held_by_the_test->waits.set_value();
        held_by_the_test->goes_on.get_future().wait();
        std::move(held).done("\"done\"");
      });
      return;
    }
    TaskPlugin::invoke(std::move(call), std::move(reply));
  }
  void cancel(rabt_call_id /*call*/) {
    if (kept_) {
      std::move(*kept_).send(Outcome::fail(Kind::cancelled, "sample.cancelled", "asked to"));
      kept_.reset();
    }
  }
  void health(const Call& /*call*/, Reply reply) { std::move(reply).done(R"({"status":"ok"})"); }
  void probe(Call call, Reply reply) { start(ask(std::move(call)), std::move(reply)); }
  static Migrated migrate(std::string_view from, std::string_view config) {
    if (from == "0") throw std::runtime_error("too old");
    return {"[" + std::string(config) + "]", ""};
  }

 protected:
  Task<Outcome> ask(Call call) {
    const HttpResult answer = co_await http(call, get("https://x.example/" + call.idempotency_key));
    co_return Outcome::done(answer.status == 200 ? R"({"effect":"yes"})" : R"({"effect":"no"})");
  }
  static HttpRequest get(std::string url) {
    HttpRequest request;
    request.url = std::move(url);
    return request;
  }
  Task<std::string> fetch(const Call& call, int number) {
    const HttpResult answer =
        co_await http(call, get("https://x.example/" + std::to_string(number)));
    if (answer.status == 500) throw std::runtime_error("five hundred");
    co_return answer.body;
  }
  Task<Outcome> run(Call call) override {
    const Guard guard;
    if (call.action == "get") {
      HttpRequest request = get("https://x.example/a");
      Header header;
      header.name = "Authorization";
      header.secret = "token";
      header.prefix = "Bearer ";
      request.headers.push_back(header);
      const HttpResult answer = co_await http(call, std::move(request));
      if (!answer.answered()) co_return no_answer(answer, "sample", Repeat::safe);
      co_return Outcome::done(answer.body);
    }
    if (call.action == "all") {
      std::vector<Task<std::string>> tasks;
      for (int i = 0; i < 3; ++i) tasks.push_back(fetch(call, i));
      const std::vector<std::string> bodies = co_await when_all(std::move(tasks));
      co_return Outcome::done("[" + bodies[0] + "," + bodies[1] + "," + bodies[2] + "]");
    }
    if (call.action == "sleep") {
      const std::int64_t begun = host().now_unix_ms();
      co_await sleep_ms(3'600'000);
      co_return Outcome::done(std::to_string(host().now_unix_ms() - begun));
    }
    if (call.action == "everything") {
      host().record("rooms", 2, R"({"region":"ksa"})");
      (void)Span(host(), call.id, "dropped").id();
      Span span(host(), call.id, "kept");
      span.end(R"({"n":1})");
      host().log(RABT_LOG_WARN, "hello", R"({"n":1})");
      (void)co_await kv_put("k", "v", 1000);
      const KvValue now = co_await kv_get("k");
      co_await sleep_ms(1000);
      const KvValue then = co_await kv_get("k");
      const BlobResult result = co_await blob_create("text/plain");
      (void)co_await blob_append(result.handle, "abc");
      const BlobResult done = co_await blob_finish(result.handle);
      const BlobResult piece = co_await blob_read(call, result.handle, 1, 100);
      co_return Outcome::done("[\"" + now.value + "\"," + std::to_string(then.status) + ",\"" +
                              done.sha256 + "\",\"" + piece.piece + "\",\"" +
                              hex(host().hmac("token", "sha256", "data")) + "\",\"" +
                              host().secret("token") + "\"," + std::to_string(host().lane()) + "]");
    }
    co_return Outcome::fail(Kind::permanent, "sample.unknown", "no such action");
  }

 private:
  std::string raw_;
  std::optional<Reply> kept_;
  std::atomic<bool> late_{false};
  std::vector<std::thread> threads_;
};

// Parts of a plugin that breaks the contract, without the wrapper.
const rabt_host* bare_host = nullptr;
rabt_bytes kept_bytes{};
// An effect outside, recognisable or not when it is done again.
void send_effect(std::string_view action, const rabt_call& call) {
  static int number = 0;
  const auto* http =
      static_cast<const rabt_http*>(bare_host->get_service(bare_host->self, RABT_HTTP));
  const std::string chance = std::to_string(++number);
  const std::string key(view(call.idempotency_key));
  std::string method = "POST";
  std::string header = R"("Content-Type","application/json; charset=utf-8")";
  std::string body = "{\"at\":\"" + chance + "\"}";
  if (action == "send-with-key") header = "\"Idempotency-Key\",\"" + key + "\"";
  if (action == "send-derived")
    body = "{\"at\":\"" + chance + R"(","id":"5f1d7a84-9b0e-4c6f-8a55-0123456789ab"})";
  if (action == "send-put") method = "PUT";
  if (action == "send-conditional") header = R"("If-None-Exist","identifier=1")";
  if (action == "send-same") body = "{}";
  if (action == "send-chance-key") header = "\"Idempotency-Key\",\"key-" + chance + "\"";
  const std::string head = "{\"method\":\"" + method +
                           "\",\"url\":\"https://x.example/\",\"headers\":[[" + header + "]]}";
  http->start(http->self, call.id, bytes(head), bytes(body), nullptr,
              [](void*, const rabt_http_result*) {});
}
const rabt_plugin* make_bare(const rabt_host* host, rabt_bytes /*config*/, void* /*context*/,
                             rabt_sink /*error*/) {
  static const rabt_plugin kPlugin{sizeof(rabt_plugin),
                                   0,
                                   nullptr,
                                   [](void*, const rabt_call* call) -> std::int32_t {
                                     const std::string_view action = view(call->action);
                                     rabt_outcome outcome{};
                                     outcome.size = sizeof outcome;
                                     outcome.output = bytes("1");
                                     const auto complete = [&] {
                                       bare_host->complete(bare_host->self, call->id, &outcome);
                                     };
                                     if (action == "twice") {
                                       complete();
                                       complete();
                                     } else if (action == "refuse-and-complete") {
                                       complete();
                                       return 1;
                                     } else if (action == "bad-kind") {
                                       outcome.kind = 77;
                                       complete();
                                     } else if (action == "no-json") {
                                       outcome.output = bytes("{oops");
                                       complete();
                                     } else if (action == "keep") {
                                       kept_bytes = call->input;
                                       complete();
                                     } else if (action.substr(0, 5) == "send-") {
                                       send_effect(action, *call);
                                       complete();
                                     } else if (action == "use-kept") {
                                       outcome.output = kept_bytes;
                                       complete();
                                     }
                                     return 0;
                                   },
                                   [](void*, rabt_call_id) {},
                                   [](void*, const char*) -> const void* { return nullptr; },
                                   [](void*) {}};
  bare_host = host;
  return &kPlugin;
}
const rabt_entry kBare{
    RABT_ABI_MAGIC, RABT_ABI_MAJOR, RABT_ABI_MINOR, sizeof(rabt_entry), 0, "bare", "1.0.0", "",
    &make_bare,     nullptr};

TEST(FakeHost, RunsCallsWhoseCallbacksComeInOrder) {
  FakeHost host;
  host.outside = [](const Request& request) {
    return Answer{.body = "\"" + request.header("Authorization") + "\""};
  };
  const Outcome outcome = host.call("get", "{}");
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(outcome.output, "\"Bearer {token}\"");
  ASSERT_EQ(host.requests.size(), 1U);
  EXPECT_EQ(host.requests[0].url(), "https://x.example/a");
  EXPECT_EQ(host.violations(), "");
  EXPECT_EQ(host.call("elsewhere", "[1]").output, "[1]") << "completed by a thread of the plugin";
}

TEST(FakeHost, WaitsForAThreadOfThePlugin) {
  FakeHost host;
  EXPECT_EQ(host.call("later", "{}").output, "\"done\"");
  EXPECT_EQ(host.violations(), "");
}

// Symptom: under load a call that a thread of the plugin completed had not been completed (A1).
// Cause: the call was closed before the host had read its outcome and kept it.
// Other outcomes are read faster than the test's thread looks for them.
TEST(FakeHost, ACallIsOpenUntilItsOutcomeIsThere) {
  FakeHost host;
  const Outcome outcome = host.call("large", "{}");
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(outcome.output.size(), large_output().size());
  EXPECT_EQ(host.violations(), "");
}

TEST(FakeHost, WaitsForAThreadThatTakesALockAfterLongWork) {
  held_by_the_test.emplace();
  // This thread is there before the host: it is not the plugin's.
  std::thread other([] {
    held_by_the_test->waits.get_future().wait();
    // It has work for longer than a thread is idle before nobody is expected to wake it up.
    const auto end = std::chrono::steady_clock::now() + 3 * PluginThreads::kIdlePatience;
    while (std::chrono::steady_clock::now() < end) continue;
    held_by_the_test->goes_on.set_value();
  });
  FakeHost host;
  EXPECT_EQ(host.call("held", "{}").output, "\"done\"");
  EXPECT_EQ(host.violations(), "");
  other.join();
}

TEST(FakeHost, TimeStandsStillWhileAThreadOfThePluginWorks) {
  FakeHost host;
  EXPECT_EQ(host.call("in_time", "{}").output, "\"done\"");
  EXPECT_EQ(host.violations(), "");
}

TEST(FakeHost, TimePassesOnlyWhileThePluginWaits) {
  FakeHost host;
  EXPECT_EQ(host.call("sleep", "{}").output, "3600000");
}

TEST(FakeHost, HasEveryService) {
  FakeHost host;
  host.secrets["token"] = "key";
  const Outcome outcome = host.call("everything", "{}");
  EXPECT_EQ(outcome.output,
            R"(["v",1,"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","bc",)"
            R"("5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0","key",2])");
  ASSERT_EQ(host.recorded.size(), 1U);
  EXPECT_EQ(host.recorded[0].metric, "rooms");
  ASSERT_EQ(host.spans.size(), 2U);
  EXPECT_EQ(host.spans[0].status, RABT_SPAN_FAILED);
  EXPECT_EQ(host.spans[1].status, RABT_SPAN_OK);
  EXPECT_EQ(host.logged.at(0).event, "hello");
  EXPECT_EQ(host.violations(), "");
}

TEST(FakeHost, DigestsAreThoseOfTheStandards) {
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1(std::string(1'000'000, 'a'))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256(std::string(1'000'000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // RFC 4231 test cases 2 and 6, RFC 2202 test case 2.
  EXPECT_EQ(hex(hmac("sha256", "Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac("sha256", std::string(131, '\xaa'),
                     "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(hmac("sha1", "Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
}

TEST(FakeHost, AServiceCanBeMissing) {
  FakeHost host;
  host.missing.insert(RABT_HTTP);
  EXPECT_EQ(host.call("get", "{}").code, "sample.no_answer.not_allowed");
}

TEST(FakeHost, AnswersOverALimitAsTheHubDoes) {
  FakeHost host("{}", kBare);
  std::map<std::string, int> came;
  const auto service = [](const char* id) { return bare_host->get_service(bare_host->self, id); };
  const auto* const http = static_cast<const rabt_http*>(service(RABT_HTTP));
  const auto* const blob = static_cast<const rabt_blob*>(service(RABT_BLOB));
  const auto* const kv = static_cast<const rabt_kv*>(service(RABT_KV));
  for (int i = 0; i < 300; ++i) {
    http->start(
        http->self, 0, bytes(R"({"url":"https://x.example/"})"), {}, &came,
        [](void* at, const rabt_http_result* result) {
          ++(*static_cast<std::map<std::string, int>*>(at))[std::string(view(result->error_code))];
        });
    blob->create(blob->self, {}, &came, [](void* at, std::int32_t status, const rabt_blob_info*) {
      ++(*static_cast<std::map<std::string, int>*>(at))["blob " + std::to_string(status)];
    });
  }
  kv->remove(kv->self, bytes(std::string(257, 'k')), &came, [](void* at, std::int32_t status) {
    ++(*static_cast<std::map<std::string, int>*>(at))["kv " + std::to_string(status)];
  });
  EXPECT_EQ(host.call("keep", "{}").kind, Kind::done);
  EXPECT_EQ(came,
            (std::map<std::string, int>{
                {"connect", 256}, {"overload", 44}, {"blob 0", 64}, {"blob 3", 236}, {"kv 3", 1}}));
}

TEST(FakeHost, AsksTheExtensions) {
  FakeHost host;
  host.outside = [](const Request& request) {
    return Answer{.status = request.url().ends_with("/known") ? 200 : 404};
  };
  EXPECT_EQ(host.probe("get", "{}", "known").output, R"({"effect":"yes"})");
  EXPECT_EQ(host.probe("get", "{}", "new").output, R"({"effect":"no"})");
  EXPECT_EQ(host.health().output, R"({"status":"ok"})");
  EXPECT_EQ(host.migrate("1.0.0", "{}").first, "[{}]");
  EXPECT_EQ(host.migrate("0", "{}").second, "too old");
  EXPECT_EQ(host.deliver("{}").second, "the plugin offers no rabt.webhook/1");
  FakeHost refused("\"refuse\"");
  EXPECT_FALSE(refused.started());
  EXPECT_EQ(refused.problem, "not this one");
}

TEST(FakeHost, CountsEachBrokenClause) {
  const auto broken = [](const std::vector<std::string>& actions) {
    FakeHost host("{}", kBare);
    for (const std::string& action : actions) (void)host.call(action, "\"canary\"");
    std::string out;
    for (const auto& [clause, count] : host.violated) out += clause + " ";
    return out;
  };
  EXPECT_EQ(broken({"forgotten"}), "A1 ");
  EXPECT_EQ(broken({"refuse-and-complete"}), "A2 ");
#ifndef RABT_TESTING_ASAN  // there the late read itself is caught
  EXPECT_EQ(broken({"keep", "use-kept"}), "A3 A8 ");
#endif
  EXPECT_EQ(broken({"twice"}), "A4 ");
  EXPECT_EQ(broken({"bad-kind"}), "A8 ");
  EXPECT_EQ(broken({"no-json"}), "A8 ");
  FakeHost host("{}", kBare);
  host.cancel(host.begin("forgotten", "{}"));
  EXPECT_EQ(host.violated["A5"], 1);
  host.stop();
  bare_host->complete(bare_host->self, 1, nullptr);
  EXPECT_EQ(host.violated["A4"], 1) << "after destroy";
}

TEST(FakeHost, SeesASecondAttemptThatNobodyCanRecognise) {
  const auto broken = [](const std::string& action, const Answer& answer,
                         const std::string& second_key = "key-1") {
    FakeHost host("{}", kBare);
    host.outside = [&answer](const Request&) { return answer; };
    (void)host.call(action, R"({"n":1})");
    host.pump();
    (void)host.call(action, R"({"n":1})", second_key);
    host.pump();
    EXPECT_EQ(host.requests.size(), 2U) << action;
    return host.violated["A6"];
  };
  const Answer done{.body = "{}"};
  for (const char* const wrong : {"send-chance", "send-chance-key"}) {
    EXPECT_EQ(broken(wrong, lost()), 1) << wrong;
    EXPECT_EQ(broken(wrong, done), 1) << wrong;
    EXPECT_EQ(broken(wrong, Answer{.status = 503}), 1) << wrong;
    EXPECT_EQ(broken(wrong, unreachable()), 0) << "nothing happened the first time";
    EXPECT_EQ(broken(wrong, Answer{.status = 422}), 0) << "nothing happened the first time";
    EXPECT_EQ(broken(wrong, lost(), "key-2"), 0) << "another step";
  }
  for (const char* const right :
       {"send-with-key", "send-derived", "send-put", "send-conditional", "send-same"})
    EXPECT_EQ(broken(right, lost()), 0) << right;
}

TEST(FakeHost, KnowsARepeatOfHl7ByWhatItSays) {
  const auto message = [](const std::string& id, const std::string& text) {
    Request out;
    out.head = *Json::parse(R"({"method": "POST", "url": "mllps://his.example.sa:2575"})");
    out.body = "MSH|^~\\&|RABT||||" + id + "0||MDM^T06|" + id + "\rTXA|1|" + id + "\rOBX|1|TX|||" +
               text + "\r";
    return out;
  };
  const Request first = message("1", "Rest");
  EXPECT_TRUE(is_recognisable(first, message("1", "Rest"), "key-1", ""));
  EXPECT_TRUE(is_recognisable(first, message("2", "Water"), "key-1", "")) << "another message";
  EXPECT_FALSE(is_recognisable(first, message("2", "Rest"), "key-1", ""));
}

TEST(Wrapper, ADroppedOrThrowingCallIsAmbiguousAndEndsOnce) {
  FakeHost host;
  for (const char* action : {"drop", "throw"}) {
    const Outcome outcome = host.call(action, "{}");
    EXPECT_EQ(outcome.kind, Kind::ambiguous) << action;
    EXPECT_EQ(outcome.code, "plugin.no_answer");
  }
  EXPECT_EQ(host.violations(), "");
}

TEST(Wrapper, CancelReachesThePlugin) {
  FakeHost host;
  const rabt_call_id id = host.begin("never", "{}");
  host.cancel(id);
  EXPECT_EQ(host.outcomes.at(id).kind, Kind::cancelled);
  EXPECT_EQ(host.violations(), "");
}

TEST(Wrapper, RequestsOfACancelledCallEndAndTheCoroutineGoesOn) {
  FakeHost host;
  const rabt_call_id id = host.begin("get", "{}");
  host.cancel(id);
  EXPECT_EQ(host.outcomes.at(id).code, "sample.no_answer.cancelled");
  EXPECT_EQ(guards_alive, 0);
}

TEST(Wrapper, CoroutinesThatWaitAreDestroyedWithThePlugin) {
  FakeHost host;
  (void)host.begin("get", "{}");
  (void)host.begin("sleep", "{}");
  (void)host.begin("all", "{}");
  EXPECT_EQ(guards_alive, 3);
  host.stop();
  EXPECT_EQ(guards_alive, 0);
  EXPECT_EQ(host.violated["A1"], 3) << "a host that keeps A7 would not have destroyed it";
}

TEST(Wrapper, TasksRunTogetherAndGiveTheirResultsInOrder) {
  FakeHost host;
  host.outside = [](const Request& request) { return Answer{.body = request.url().substr(18)}; };
  EXPECT_EQ(host.call("all", "{}").output, "[0,1,2]");
  EXPECT_EQ(host.trace, (std::vector<std::string>{"send", "send", "send"}));
  host.outside = [](const Request& request) {
    return Answer{.status = request.url().ends_with("1") ? 500 : 200, .body = "1"};
  };
  EXPECT_EQ(host.call("all", "{}").code, "plugin.no_answer")
      << "the exception of one task is the caller's";
  EXPECT_EQ(guards_alive, 0);
}

TEST(Cassette, ReplaysWhatItRecordedAndHoldsNoSecret) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("rabt-cassette-" + std::to_string(::getpid())))
          .string();
  {
    Cassette cassette;
    FakeHost host;
    host.outside = cassette.recorder([](const Request&) {
      return Answer{.body = "\"s3cret\\u0000 \\\"x\\\"\"",
                    .headers = R"([["content-type","text/plain"],["set-cookie","session=abc"]])"};
    });
    EXPECT_EQ(host.call("get", "{}").kind, Kind::done);
    Request request = host.requests[0];
    cassette.add(request, Answer{.body = "token is s3cret"}, {"s3cret"});
    ASSERT_TRUE(cassette.save(path));
    EXPECT_EQ(cassette.text().find("session=abc"), std::string::npos);
    EXPECT_NE(cassette.text().find("token is [secret]"), std::string::npos);
    EXPECT_NE(cassette.text().find(R"({"secret":"token","prefix":"Bearer "})"), std::string::npos);
  }
  const Cassette cassette = Cassette::load(path);
  EXPECT_EQ(cassette.problem(), "");
  ASSERT_EQ(cassette.exchanges().size(), 2U);
  FakeHost host;
  std::vector<std::string> wrong;
  host.outside = cassette.player([&wrong](const std::string& what) { wrong.push_back(what); });
  EXPECT_EQ(host.call("get", "{}").output, "\"s3cret\\u0000 \\\"x\\\"\"");
  EXPECT_TRUE(wrong.empty());
  EXPECT_EQ(host.call("probe-nothing", "{}").code, "sample.unknown");
  (void)host.probe("get", "{}", "other");
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_NE(wrong[0].find("exchange 2 of the cassette is GET https://x.example/a"),
            std::string::npos)
      << wrong[0];
  std::ofstream(path) << "{}";
  EXPECT_NE(Cassette::load(path).problem(), "");
  std::filesystem::remove(path);
}

TEST(TestJson, TakesExactlyWhatTheStandardTakes) {
  using rabt::sdk::testing::Json;
  for (const char* good :
       {"null", " [1, -0.5e+3, {\"a\": \"\\u00e9\\ud83d\\ude00\"}] ", "\"\"", "0", "{}"})
    EXPECT_TRUE(Json::parse(good)) << good;
  for (const char* bad : {"", "nul", "01", "1.", "[1,]", "{\"a\"}", "\"\\x\"", "\"\n\"",
                          "\"\\ud83d\"", "1 2", "{\"a\":1", "-"})
    EXPECT_FALSE(Json::parse(bad)) << bad;
  EXPECT_EQ(Json::parse(R"("\u00e9\ud83d\ude00")")->text(), "\u00e9\U0001F600");
  EXPECT_FALSE(Json::parse(std::string(1000, '[') + std::string(1000, ']')));
}

}  // namespace

}  // namespace rabt::fakes_test

RABT_PLUGIN(rabt::fakes_test::Sample, "sample", "1.0.0");
