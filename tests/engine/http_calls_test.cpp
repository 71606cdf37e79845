#include "hub/engine/http/http_calls.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <sstream>

#include "hub/base/bytes.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/crypto.hpp"
#include "loopback_http.hpp"
#include "tests/eventually.hpp"
#include "tests/workflow/feature_runner.hpp"
#include "tests/workflow/gherkin.hpp"
#include "tests/workflow/stand_in.hpp"

namespace rabt::engine::http_calls_test {
namespace {

using workflow::ActionOutcome;
using workflow::CallAction;
using workflow::OutcomeKind;

Json json(std::string_view text) {
  Result<Json> value = Json::parse(text);
  EXPECT_TRUE(value.ok()) << text;
  return value.ok() ? value.value() : Json();
}

CallAction call_of(Json arguments) {
  CallAction call;
  call.id = 1;
  call.reference = "/do/0/a";
  call.task = "a";
  call.role = std::string(workflow::kHttpRole);
  call.action = std::string(workflow::kHttpAction);
  call.arguments = std::move(arguments);
  return call;
}

Json request(std::string_view method, const std::string& uri) {
  return Json::object({{"method", method}, {"uri", uri}});
}

std::string sha256_hex(const std::string& text) {
  const crypto::Digest digest = crypto::sha256(text);
  return to_hex(ByteView(digest));
}

std::string md5_hex(const std::string& text) {
  std::array<std::uint8_t, 16> digest{};
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_md5(), nullptr), 1);
  return to_hex(ByteView(digest));
}

class HttpCallsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    calls_.reset();
    client_.reset();
  }
  HttpCalls& calls() {
    if (!calls_) {
      client_ = net::make_curl_client(clock, null_logger());
      calls_ = std::make_unique<HttpCalls>(*client_, clock, random, options);
    }
    return *calls_;
  }
  // With the options as they are now.
  void reopen() { calls_.reset(); }
  void allow(const std::vector<std::string>& entries) {
    options.allow = std::make_shared<net::AllowList>(net::AllowList::make(entries).value());
  }
  void allow(const LoopbackHttp& server) { allow({"127.0.0.1:" + std::to_string(server.port())}); }

  ActionOutcome run(const Json& arguments, std::string key = "key-1") {
    std::promise<ActionOutcome> done;
    auto outcome = done.get_future();
    calls().invoke(call_of(arguments), std::move(key), trace_,
                   [&](ActionOutcome given) { done.set_value(std::move(given)); });
    if (outcome.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      ADD_FAILURE() << "no outcome";
      std::abort();  // `done` dies while it may still be called
    }
    return outcome.get();
  }
  Json done(const Json& arguments) {
    const ActionOutcome outcome = run(arguments);
    EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.code << ' ' << outcome.message;
    return outcome.output;
  }
  static void expect(const ActionOutcome& outcome, OutcomeKind kind, std::string_view code) {
    EXPECT_EQ(workflow::to_string(outcome.kind), workflow::to_string(kind)) << outcome.message;
    EXPECT_EQ(outcome.code, code) << outcome.message;
    EXPECT_FALSE(outcome.message.empty());
    // Neither path nor credentials: every test that fails uses these words in them.
    for (const char* word : {"private", "hunter2", "s3cret"})
      EXPECT_EQ(outcome.message.find(word), std::string::npos) << outcome.message;
  }

  FakeClock clock;
  SystemRandom random;
  HttpCallOptions options;
  std::string trace_;

 private:
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<HttpCalls> calls_;
};

// ---- answers
// ----------------------------------------------------------------------------------------------------

TEST_F(HttpCallsTest, EveryAnswerIsDoneWhateverItsStatus) {
  LoopbackHttp server([](const LoopbackRequest& given) {
    return LoopbackResponse{std::stoi(given.target.substr(1)), {{"X-Note", "n"}}, "text"};
  });
  allow(server);
  for (const int status : {200, 204, 302, 404, 500, 503}) {
    const Json output = done(request("GET", server.origin() + "/" + std::to_string(status)));
    EXPECT_EQ(output["status"], Json(status));
    EXPECT_EQ(output["headers"]["x-note"], Json("n"));
  }
}

TEST_F(HttpCallsTest, BodiesAreJsonTextOrBase64) {
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    if (given.target == "/json")
      return {200, {{"Content-Type", "application/json"}}, R"({"n":10.10})"};
    if (given.target == "/problem")
      return {400, {{"Content-Type", "application/problem+json; charset=utf-8"}}, R"({"a":1})"};
    if (given.target == "/broken") return {200, {{"Content-Type", "application/json"}}, "{oops"};
    if (given.target == "/text") return {200, {{"Content-Type", "text/plain"}}, "\xd9\x85"};
    if (given.target == "/bytes") return {200, {{"Content-Type", "image/png"}}, "\xff\xfe\x01"};
    if (given.target == "/latin") return {200, {{"X-Name", "M\xfcller"}}, ""};
    return {200, {{"Set-Cookie", "a=1"}, {"Set-Cookie", "b=2"}}, ""};
  });
  allow(server);
  const auto body = [&](const char* path) {
    return done(request("GET", server.origin() + path))["body"];
  };
  EXPECT_EQ(body("/json").dump(), R"({"n":10.10})");
  EXPECT_EQ(body("/problem").dump(), R"({"a":1})");
  EXPECT_EQ(body("/broken"), Json("{oops"));
  EXPECT_EQ(body("/text"), Json("\xd9\x85"));
  EXPECT_EQ(body("/bytes").dump(), R"({"base64":"//4B"})");
  EXPECT_TRUE(body("/empty").is_null());
  Json raw = request("GET", server.origin() + "/json");
  raw.set("raw", true);
  EXPECT_EQ(done(raw)["body"]["base64"], Json(to_base64(as_bytes(R"({"n":10.10})"))));
  EXPECT_EQ(done(request("GET", server.origin() + "/latin"))["headers"]["x-name"],
            Json("M\u00fcller"));
  EXPECT_EQ(done(request("GET", server.origin() + "/two"))["headers"]["set-cookie"],
            Json("a=1, b=2"));
}

// Symptom: an answer that said JSON and was none, or was coded, became a text of the workflow.
// Cause: what could not be read was taken as bytes, without a word. The reason goes with the
// answer.
TEST_F(HttpCallsTest, AnAnswerThatIsNotWhatItsHeadersSayCarriesTheReason) {
  const std::string deep = std::string(70, '[') + std::string(70, ']');
  const std::string marked = "\xef\xbb\xbf{\"a\":1}";
  struct Case {
    std::string type;
    std::string coding;
    std::string body;
    const char* reason;  // null: it is read
  };
  const std::vector<Case> cases = {
      {"application/json", "", R"({"a":1E400})", "a number that is too large"},
      {"application/json", "", R"({"a":1,"a":2})", "names the same key twice"},
      {"application/json", "", R"({"a":"\ud800"})", "not valid JSON at byte"},
      {"application/json", "", R"({"a":NaN})", "not valid JSON at byte"},
      {"application/fhir+json; charset=utf-8", "", "<html>", "not valid JSON at byte"},
      {"application/json", "", deep, "nested deeper than 64"},
      {"application/json", "", marked, nullptr},
      {"application/json", "identity", R"({"a":1})", nullptr},
      {"application/json", " Identity ", R"({"a":1})", nullptr},
      {"application/json", "", "", nullptr},
      {"text/plain", "", "{oops", nullptr},
      {"application/json", "gzip", R"({"a":1})", "Content-Encoding is not identity"},
      {"text/plain", "br", "text", "Content-Encoding is not identity"},
      {"image/png", "deflate", "\xff\xfe", "Content-Encoding is not identity"},
  };
  LoopbackHttp server([&](const LoopbackRequest& given) -> LoopbackResponse {
    const Case& one = cases.at(std::stoul(given.target.substr(1)));
    LoopbackResponse out{200, {{"Content-Type", one.type}}, one.body};
    if (!one.coding.empty()) out.headers.emplace_back("Content-Encoding", one.coding);
    return out;
  });
  allow(server);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Case& one = cases[i];
    Json asked = request("GET", server.origin() + "/" + std::to_string(i));
    const Json answer = done(asked);
    const std::string why = answer.string_or("unread", "");
    EXPECT_EQ(why.empty(), one.reason == nullptr) << one.body << ": " << why;
    if (one.reason != nullptr) {
      EXPECT_NE(why.find(one.reason), std::string::npos) << why;
      EXPECT_EQ(why.find("html"), std::string::npos) << "no word of the answer";
    }
    asked.set("raw", true);
    const Json raw = done(asked);
    EXPECT_EQ(raw.find("unread"), nullptr) << "bytes are what they are";
    const Json bytes = one.body.empty() ? Json() : Json(to_base64(as_bytes(one.body)));
    EXPECT_EQ(raw["body"]["base64"], bytes);
  }
}

TEST_F(HttpCallsTest, NoCodingIsAskedForUnlessTheTaskNamesOne) {
  std::vector<std::string> asked;
  LoopbackHttp server([&](const LoopbackRequest& given) {
    asked.push_back(given.header("accept-encoding"));
    return LoopbackResponse{};
  });
  allow(server);
  Json call = request("GET", server.origin() + "/a");
  done(call);
  call.set("headers", Json::object({{"Accept-Encoding", "gzip"}}));
  done(call);
  EXPECT_EQ(asked, (std::vector<std::string>{"identity", "gzip"}));
}

TEST_F(HttpCallsTest, SendsMethodHeadersBodyAndAnIdempotencyKey) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{}; });
  allow(server);
  Json post = request("POST", server.origin() + "/a?b=c%20d");
  post.set("body", json(R"({"x":[1,2]})"));
  post.set("headers", json(R"({"X-One":"1"})"));
  (void)done(post);
  Json text = request("PATCH", server.origin() + "/t");
  text.set("body", "as is");
  text.set("headers", json(R"({"Content-Type":"text/csv","Idempotency-Key":"mine"})"));
  (void)done(text);
  (void)done(request("DELETE", server.origin() + "/d"));
  (void)done(request("GET", server.origin() + "/g"));
  (void)done(request("HEAD", server.origin() + "/h"));
  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_EQ(seen[0].method + " " + seen[0].target, "POST /a?b=c%20d");
  EXPECT_EQ(seen[0].body, R"({"x":[1,2]})");
  EXPECT_EQ(seen[0].header("content-type"), "application/json");
  EXPECT_EQ(seen[0].header("x-one"), "1");
  EXPECT_EQ(seen[0].header("idempotency-key"), "key-1");
  EXPECT_EQ(seen[1].body, "as is");
  EXPECT_EQ(seen[1].header("content-type"), "text/csv");
  EXPECT_EQ(seen[1].header("idempotency-key"), "mine");
  EXPECT_EQ(seen[2].method, "DELETE");
  EXPECT_EQ(seen[2].header("idempotency-key"), "key-1");
  EXPECT_EQ(seen[3].header("idempotency-key"), "");
  EXPECT_EQ(seen[4].method, "HEAD");
}

// The trace id goes only to hosts that may get patient data: two other systems could compare it and
// learn that they serve the same patient.
TEST_F(HttpCallsTest, TheTraceOfARunGoesToThoseWhoMayBeSentPatientData) {
  LoopbackHttp other([](const LoopbackRequest&) { return LoopbackResponse{}; });
  LoopbackHttp server([&](const LoopbackRequest& given) -> LoopbackResponse {
    if (given.target == "/away") return {307, {{"Location", other.origin() + "/x"}}, ""};
    return {};
  });
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  allow({host, "127.0.0.1:" + std::to_string(other.port())});
  trace_ = "4bf92f3577b34da6a3ce929d0e0e4736";
  (void)done(request("GET", server.origin() + "/nobody"));
  EXPECT_EQ(server.requests()[0].header("traceparent"), "");
  options.patient = std::make_shared<net::AllowList>(net::AllowList::make({host}).value());
  reopen();
  Json own = request("GET", server.origin() + "/first");
  own.set("headers", json(R"({"TraceParent":"of the workflow","tracestate":"a=b","X-One":"1"})"));
  (void)done(own);
  Json away = request("GET", server.origin() + "/away");
  away.set("redirect", true);
  (void)done(away);
  (void)done(request("GET", other.origin() + "/direct"));
  const auto seen = server.requests();
  ASSERT_EQ(seen.size(), 3U);
  const auto first = parse_traceparent(seen[1].header("traceparent"));
  const auto second = parse_traceparent(seen[2].header("traceparent"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->trace, trace_);
  EXPECT_EQ(second->trace, trace_);
  EXPECT_NE(first->parent, second->parent);
  EXPECT_EQ(seen[1].header("tracestate"), "");
  EXPECT_EQ(seen[1].header("x-one"), "1");
  ASSERT_EQ(other.requests().size(), 2U);
  for (const LoopbackRequest& loopback_request : other.requests())
    EXPECT_EQ(loopback_request.header("traceparent"), "");
}

TEST_F(HttpCallsTest, AnAnswerPastTheLimitIsNoAnswer) {
  options.max_response_bytes = 1000;
  LoopbackHttp server([](const LoopbackRequest& given) {
    return LoopbackResponse{200, {}, std::string(given.target == "/fits" ? 1000 : 1001, 'x')};
  });
  allow(server);
  EXPECT_EQ(done(request("GET", server.origin() + "/fits"))["body"].as_string().size(), 1000U);
  expect(run(request("GET", server.origin() + "/private")), OutcomeKind::permanent,
         "http.too_large");
  expect(run(request("POST", server.origin() + "/private")), OutcomeKind::ambiguous,
         "http.too_large");
}

// ---- no answer
// --------------------------------------------------------------------------------------------------

TEST_F(HttpCallsTest, ASystemThatIsAwayIsKnownUnlessItSaysWhenToAskAgain) {
  LoopbackHttp server([](const LoopbackRequest& given) {
    LoopbackResponse out;
    out.status = std::stoi(given.target.substr(1));
    if (given.method == "PUT") out.headers.emplace_back("Retry-After", "60");
    return out;
  });
  allow(server);
  for (const int status : {200, 409, 429, 500, 502, 503, 504}) {
    const std::string uri = server.origin() + "/" + std::to_string(status);
    EXPECT_EQ(run(request("POST", uri)).unavailable, status > 500) << status;
    EXPECT_FALSE(run(request("PUT", uri)).unavailable) << status;
  }
}

TEST_F(HttpCallsTest, WhatMayHaveHadAnEffectIsAmbiguous) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{200, {}, "", true}; });
  allow(server);
  expect(run(request("GET", server.origin() + "/private")), OutcomeKind::transient, "http.reset");
  for (const char* method : {"POST", "PATCH", "PUT", "DELETE"})
    expect(run(request(method, server.origin() + "/private")), OutcomeKind::ambiguous,
           "http.reset");
}

TEST_F(HttpCallsTest, WhereNothingListensNothingHappened) {
  int port = 0;
  {
    LoopbackHttp gone([](const LoopbackRequest&) { return LoopbackResponse{}; });
    port = gone.port();
  }
  allow({"127.0.0.1:" + std::to_string(port)});
  const ActionOutcome outcome =
      run(request("POST", "http://127.0.0.1:" + std::to_string(port) + "/private"));
  expect(outcome, OutcomeKind::transient, "http.connect");
  EXPECT_TRUE(outcome.unavailable);
}

TEST_F(HttpCallsTest, HostsThatAreNotListedAreRefused) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{}; });
  allow({"api.example.org"});
  expect(run(request("POST", server.origin() + "/private")), OutcomeKind::permanent,
         "http.not_allowed");
  expect(run(request("POST", "http://api.example.org/private")), OutcomeKind::permanent,
         "http.not_allowed");  // https only
  expect(run(request("GET", "https://u:hunter2@api.example.org/")), OutcomeKind::permanent,
         "http.not_allowed");
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(HttpCallsTest, TheTimeLimitCoversTheWholeCall) {
  options.timeout = std::chrono::milliseconds(200);
  std::promise<void> release;
  auto released = release.get_future().share();
  {
    LoopbackHttp server([released](const LoopbackRequest&) {
      released.wait();
      return LoopbackResponse{};
    });
    allow(server);
    const ActionOutcome outcome = run(request("GET", server.origin() + "/private"));
    expect(outcome, OutcomeKind::transient, "http.timeout");
    EXPECT_EQ(outcome.detail.dump(), R"({"status":504})");
    expect(run(request("POST", server.origin() + "/private")), OutcomeKind::ambiguous,
           "http.timeout");
    release.set_value();
  }
}

TEST_F(HttpCallsTest, ACancelledCallStillEnds) {
  std::promise<void> release;
  auto released = release.get_future().share();
  LoopbackHttp server([released](const LoopbackRequest&) {
    released.wait();
    return LoopbackResponse{};
  });
  allow(server);
  std::promise<ActionOutcome> ended;
  const std::uint64_t token =
      calls().invoke(call_of(request("POST", server.origin() + "/private")), "k", {},
                     [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
  EXPECT_NE(token, 0U);
  ASSERT_TRUE(test::eventually([&] { return !server.requests().empty(); }));
  calls().cancel(token);
  calls().cancel(token + 1000);  // of nobody
  expect(ended.get_future().get(), OutcomeKind::cancelled, "http.cancelled");
  release.set_value();
}

TEST_F(HttpCallsTest, ClosingDeliversWhatIsOpen) {
  std::promise<void> release;
  auto released = release.get_future().share();
  LoopbackHttp server([released](const LoopbackRequest&) {
    released.wait();
    return LoopbackResponse{};
  });
  allow(server);
  std::atomic<int> ended{0};
  for (int i = 0; i < 8; ++i) {
    calls().invoke(call_of(request("GET", server.origin() + "/")), "k", {},
                   [&](const ActionOutcome&) { ++ended; });
  }
  TearDown();
  EXPECT_EQ(ended.load(), 8);
  release.set_value();
}

// ---- redirects
// --------------------------------------------------------------------------------------------------

TEST_F(HttpCallsTest, FollowsRedirectsOnlyWhenAsked) {
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    if (given.target == "/a/start") return {302, {{"Location", "../b?x=1#part"}}, ""};
    if (given.target == "/b?x=1") return {200, {}, "there"};
    return {404, {}, ""};
  });
  allow(server);
  Json get = request("GET", server.origin() + "/a/start");
  EXPECT_EQ(done(get)["status"], Json(302));
  get.set("redirect", true);
  EXPECT_EQ(done(get)["body"], Json("there"));
}

TEST_F(HttpCallsTest, ARedirectKeepsOrChangesTheMethodAsItsStatusSays) {
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    if (given.target != "/end")
      return {std::stoi(given.target.substr(1)), {{"Location", "/end"}}, ""};
    return {200, {}, given.method + ":" + given.body + ":" + given.header("idempotency-key")};
  });
  allow(server);
  const auto end = [&](const char* method, const char* path) {
    Json call = request(method, server.origin() + path);
    call.set("redirect", true);
    call.set("body", "b");
    return done(call)["body"].as_string();
  };
  EXPECT_EQ(end("POST", "/301"), "GET::");
  EXPECT_EQ(end("POST", "/302"), "GET::");
  EXPECT_EQ(end("POST", "/303"), "GET::");
  EXPECT_EQ(end("PUT", "/303"), "GET::");
  EXPECT_EQ(end("PUT", "/302"), "PUT:b:key-1");
  EXPECT_EQ(end("POST", "/307"), "POST:b:key-1");
  EXPECT_EQ(end("POST", "/308"), "POST:b:key-1");
}

TEST_F(HttpCallsTest, RedirectsEndAfterFive) {
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    const int left = std::stoi(given.target.substr(1));
    if (left == 0) return {200, {}, "end"};
    return {307, {{"Location", "/" + std::to_string(left - 1)}}, ""};
  });
  allow(server);
  Json get = request("GET", server.origin() + "/5");
  get.set("redirect", true);
  EXPECT_EQ(done(get)["body"], Json("end"));
  get.set("uri", server.origin() + "/6");
  expect(run(get), OutcomeKind::permanent, "http.redirects");
  Json post = request("POST", server.origin() + "/9");
  post.set("redirect", true);
  expect(run(post), OutcomeKind::permanent, "http.redirects");  // 307 says: nothing was done
}

TEST_F(HttpCallsTest, AnotherOriginGetsNoCredentials) {
  LoopbackHttp other([](const LoopbackRequest&) { return LoopbackResponse{200, {}, "other"}; });
  LoopbackHttp server([&](const LoopbackRequest& given) -> LoopbackResponse {
    if (given.target == "/same") return {307, {{"Location", "/away"}}, ""};
    return {307, {{"Location", other.origin() + "/x"}}, ""};
  });
  allow(
      {"127.0.0.1:" + std::to_string(server.port()), "127.0.0.1:" + std::to_string(other.port())});
  Json get = request("GET", server.origin() + "/same");
  get.set("redirect", true);
  get.set("headers", json(R"({"Accept":"text/plain","X-Api-Key":"s3cret","Cookie":"s3cret"})"));
  get.set("authentication", json(R"({"bearer":{"token":"s3cret"}})"));
  EXPECT_EQ(done(get)["body"], Json("other"));
  ASSERT_EQ(server.requests().size(), 2U);
  EXPECT_EQ(server.requests()[1].header("authorization"), "Bearer s3cret");
  ASSERT_EQ(other.requests().size(), 1U);
  const LoopbackRequest seen = other.requests()[0];
  EXPECT_EQ(seen.header("accept"), "text/plain");
  for (const auto& [name, value] : seen.headers)
    EXPECT_EQ(value.find("s3cret"), std::string::npos) << name;
}

TEST_F(HttpCallsTest, ARedirectToAHostThatIsNotListedIsRefused) {
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    return {
        given.method == "GET" ? 302 : 303, {{"Location", "http://169.254.169.254/private"}}, ""};
  });
  allow(server);
  Json get = request("GET", server.origin() + "/");
  get.set("redirect", true);
  expect(run(get), OutcomeKind::permanent, "http.not_allowed");
  get.set("method", "POST");
  // 303 says that the POST was done; only its answer cannot be read.
  expect(run(get), OutcomeKind::ambiguous, "http.not_allowed");
}

// ---- authentication
// ---------------------------------------------------------------------------------------------

TEST_F(HttpCallsTest, BasicAndBearerAreSentAtOnce) {
  LoopbackHttp server([](const LoopbackRequest&) { return LoopbackResponse{}; });
  allow(server);
  Json get = request("GET", server.origin() + "/");
  get.set("authentication", json(R"({"basic":{"username":"Aladdin","password":"open sesame"}})"));
  get.set("headers", json(R"({"authorization":"mine"})"));
  (void)done(get);
  get.set("authentication", json(R"({"bearer":{"token":"tok"}})"));
  (void)done(get);
  ASSERT_EQ(server.requests().size(), 2U);
  // RFC 7617 section 2
  EXPECT_EQ(server.requests()[0].header("authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(server.requests()[1].header("authorization"), "Bearer tok");
}

// A server that checks every field of RFC 7616 and never takes a nonce twice. curl is the second
// opinion on the checker.
class DigestServer {
 public:
  DigestServer(std::string algorithm, bool stale_once)
      : algorithm_(std::move(algorithm)),
        stale_(stale_once),
        http([this](const LoopbackRequest& r) { return serve(r); }) {}

  std::string why;  // the last refusal

 private:
  [[nodiscard]] std::string hash(const std::string& text) const {
    return algorithm_ == "SHA-256" ? sha256_hex(text) : md5_hex(text);
  }
  LoopbackResponse challenge(const std::string& reason, bool stale = false) {
    why = reason;
    const std::string nonce = "nonce" + std::to_string(++count_);
    open_.insert(nonce);
    // The weaker challenge comes first, and one of another scheme in the same field.
    return {
        401,
        {{"WWW-Authenticate", "Basic realm=\"a, b\", Negotiate"},
         {"WWW-Authenticate",
          "Digest realm=\"pets \\\"here\\\"\", qop=\"auth-int, auth\", algorithm=" + algorithm_ +
              ", nonce=\"" + nonce + "\", opaque=\"op\"" + (stale ? ", stale=true" : "")}},
        ""};
  }
  LoopbackResponse serve(const LoopbackRequest& r) {
    const std::string given = r.header("authorization");
    if (given.empty()) return challenge("none");
    if (!given.starts_with("Digest ")) return challenge("scheme");
    std::map<std::string, std::string> fields;
    re2::StringPiece rest(given);
    rest.remove_prefix(7);
    std::string name;
    std::string quoted;
    std::string token;
    const re2::RE2 field(R"re(([a-z]+)=(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9-]+))(?:,\s*|$))re");
    while (re2::RE2::Consume(&rest, field, &name, &quoted, &token)) {
      if (!fields.emplace(name, quoted.empty() ? token : quoted).second)
        return challenge("twice " + name);
    }
    if (!rest.empty()) return challenge("syntax");
    for (const char* key : {"username", "realm", "uri", "nonce", "nc", "cnonce", "qop", "response",
                            "opaque", "algorithm"}) {
      if (!fields.contains(key)) return challenge(std::string("lacks ") + key);
    }
    if (fields["realm"] != "pets \\\"here\\\"" || fields["opaque"] != "op" ||
        fields["qop"] != "auth" || fields["nc"] != "00000001" ||
        fields["algorithm"] != algorithm_ || fields["uri"] != r.target) {
      return challenge("fields");
    }
    if (open_.erase(fields["nonce"]) != 1) return challenge("nonce");
    if (stale_) {
      stale_ = false;
      return challenge("stale", true);
    }
    const std::string a1 = hash("Mufasa:pets \"here\":Circle of Life");
    const std::string a2 = hash(r.method + ":" + r.target);
    const std::string expected =
        hash(a1 + ":" + fields["nonce"] + ":00000001:" + fields["cnonce"] + ":auth:" + a2);
    if (fields["response"] != expected) return challenge("response");
    return {200, {}, "welcome " + r.method + " " + r.body};
  }

  std::string algorithm_;
  bool stale_;
  int count_ = 0;
  std::set<std::string> open_;

 public:
  LoopbackHttp http;  // last: its threads use the rest
};

TEST_F(HttpCallsTest, DigestSatisfiesAStrictServer) {
  for (const char* algorithm : {"SHA-256", "MD5"}) {
    SCOPED_TRACE(algorithm);
    DigestServer server(algorithm, false);
    allow(server.http);
    TearDown();
    Json post = request("POST", server.http.origin() + "/dir/index.html?a=b%20c");
    post.set("authentication",
             json(R"({"digest":{"username":"Mufasa","password":"Circle of Life"}})"));
    post.set("body", "content");
    const Json output = done(post);
    EXPECT_EQ(output["body"], Json("welcome POST content")) << server.why;
    EXPECT_EQ(server.http.requests().size(), 2U);
    EXPECT_EQ(server.http.requests()[1].header("idempotency-key"), "key-1");
  }
}

TEST_F(HttpCallsTest, TheStrictDigestServerAgreesWithCurl) {
  if (std::system("command -v curl > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no curl";
  for (const char* algorithm : {"SHA-256", "MD5"}) {
    SCOPED_TRACE(algorithm);
    DigestServer server(algorithm, false);
    const std::string command = "curl -s --noproxy '*' --digest -u 'Mufasa:Circle of Life' '" +
                                server.http.origin() + "/dir/index.html?a=b'";
    FILE* pipe = ::popen(command.c_str(), "r");
    ASSERT_NE(pipe, nullptr);
    char buffer[256] = {};
    const std::size_t got = std::fread(buffer, 1, sizeof buffer - 1, pipe);
    ::pclose(pipe);
    EXPECT_EQ(std::string(buffer, got), "welcome GET ") << server.why;
  }
}

// A body that left once is not sent again where the connection ends after the challenge.
TEST_F(HttpCallsTest, AnAnswerToAChallengeIsSentOnce) {
  std::atomic<int> given = 0;
  LoopbackHttp server([&](const LoopbackRequest& r) -> LoopbackResponse {
    if (r.header("authorization").empty())
      return {401, {{"WWW-Authenticate", "Digest realm=\"r\", qop=\"auth\", nonce=\"n\""}}, ""};
    ++given;
    return {.hang_up = true};
  });
  allow(server);
  Json post = request("POST", server.origin() + "/");
  post.set("authentication", json(R"({"digest":{"username":"u","password":"p"}})"));
  post.set("body", "content");
  EXPECT_EQ(run(post).kind, OutcomeKind::ambiguous);
  EXPECT_EQ(given, 1);
}

TEST_F(HttpCallsTest, AStaleNonceIsAnsweredOnceMoreAndAWrongPasswordIsNot) {
  DigestServer server("SHA-256", true);
  allow(server.http);
  Json get = request("GET", server.http.origin() + "/");
  get.set("authentication",
          json(R"({"digest":{"username":"Mufasa","password":"Circle of Life"}})"));
  EXPECT_EQ(done(get)["status"], Json(200)) << server.why;
  EXPECT_EQ(server.http.requests().size(), 3U);
  get.set("authentication", json(R"({"digest":{"username":"Mufasa","password":"hunter2"}})"));
  EXPECT_EQ(done(get)["status"], Json(401));
  EXPECT_EQ(server.http.requests().size(), 5U);
}

// An authority with a discovery document; the tokens it gives count up.
class Authority {
 public:
  explicit Authority(int expires_in = 3600)
      : expires_in_(expires_in), http([this](const LoopbackRequest& r) { return serve(r); }) {}
  std::atomic<int> status{200};
  std::atomic<int> issued{0};
  std::atomic<int> valid_from{1};  // older tokens are refused by the service
  std::string issuer;
  std::string token_prefix = "t";

 private:
  LoopbackResponse serve(const LoopbackRequest& r) {
    if (r.target == "/realm/.well-known/openid-configuration") {
      const std::string own = "http://" + r.header("host") + "/realm";
      return {200,
              {{"Content-Type", "application/json"}},
              Json::object({{"issuer", issuer.empty() ? own : issuer},
                            {"token_endpoint", own + "/discovered/token"}})
                  .dump()};
    }
    if (r.target.find("/token") != std::string::npos) {
      if (status != 200)
        return {status,
                {{"Content-Type", "application/json"}},
                R"({"error":"invalid_client","error_description":"hunter2"})"};
      return {200,
              {{"Content-Type", "application/json"}},
              Json::object({{"access_token", token_prefix + std::to_string(++issued)},
                            {"token_type", "Bearer"},
                            {"expires_in", expires_in_}})
                  .dump()};
    }
    const std::string given = r.header("authorization");
    for (int i = valid_from; i <= issued; ++i) {
      if (given == "Bearer " + token_prefix + std::to_string(i)) return {200, {}, given};
    }
    return {401, {}, "no"};
  }
  int expires_in_;

 public:
  LoopbackHttp http;
};

Json oauth2(const Authority& authority, const char* more = "{}") {
  Json settings = json(more);
  settings.set("authority", authority.http.origin() + "/realm/");
  settings.set("grant", settings.string_or("grant", "client_credentials"));
  if (settings.find("client") == nullptr)
    settings.set("client", json(R"({"id":"me","secret":"hunter2"})"));
  return settings;
}

TEST_F(HttpCallsTest, OAuthTokensAreFetchedAndKeptUntilTheyExpire) {
  Authority authority(60);
  allow(authority.http);
  Json get = request("GET", authority.http.origin() + "/service");
  get.set(
      "authentication",
      Json::object({{"oauth2", oauth2(authority, R"({"scopes":["a","b c"],"audiences":["x"]})")}}));
  EXPECT_EQ(done(get)["body"], Json("Bearer t1"));
  EXPECT_EQ(done(get)["body"], Json("Bearer t1"));
  clock.advance_ms(29'000);
  EXPECT_EQ(done(get)["body"], Json("Bearer t1"));
  clock.advance_ms(2'000);  // 30 seconds before its end it counts as expired
  EXPECT_EQ(done(get)["body"], Json("Bearer t2"));
  const auto seen = authority.http.requests();
  EXPECT_EQ(seen[0].method + " " + seen[0].target, "POST /realm/oauth2/token");
  EXPECT_EQ(
      seen[0].body,
      "grant_type=client_credentials&scope=a+b+c&audience=x&client_id=me&client_secret=hunter2");
  EXPECT_EQ(seen[0].header("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(seen[0].header("idempotency-key"), "");
}

TEST_F(HttpCallsTest, OtherSettingsGetOtherTokens) {
  Authority authority;
  allow(authority.http);
  Json get = request("GET", authority.http.origin() + "/service");
  get.set("authentication", Json::object({{"oauth2", oauth2(authority)}}));
  EXPECT_EQ(done(get)["body"], Json("Bearer t1"));
  get.set("authentication", Json::object({{"oauth2", oauth2(authority, R"({"scopes":["a"]})")}}));
  EXPECT_EQ(done(get)["body"], Json("Bearer t2"));
}

TEST_F(HttpCallsTest, OAuthSpeaksEveryClientAuthenticationGrantAndEncodingItTakes) {
  Authority authority;
  allow(authority.http);
  const auto asked = [&](const char* settings) {
    Json get = request("GET", authority.http.origin() + "/service");
    get.set("authentication", Json::object({{"oauth2", oauth2(authority, settings)}}));
    EXPECT_EQ(done(get)["status"], Json(200));
    const auto seen = authority.http.requests();
    return seen[seen.size() - 2];
  };
  LoopbackRequest seen = asked(
      R"({"client":{"id":"a:b","secret":"c d","authentication":"client_secret_basic"},"endpoints":{"token":"other/token"}})");
  EXPECT_EQ(seen.target, "/realm/other/token");
  EXPECT_EQ(seen.header("authorization"), "Basic " + to_base64(as_bytes("a%3Ab:c%20d")));
  EXPECT_EQ(seen.body, "grant_type=client_credentials");
  seen = asked(
      R"({"grant":"password","username":"u","password":"p&q","client":{"id":"me","authentication":"none"},"request":{"encoding":"application/json"}})");
  EXPECT_EQ(seen.header("content-type"), "application/json");
  EXPECT_EQ(seen.body,
            R"({"grant_type":"password","username":"u","password":"p&q","client_id":"me"})");
}

TEST_F(HttpCallsTest, ARefusedTokenIsReplacedOnce) {
  Authority authority;
  allow(authority.http);
  Json get = request("GET", authority.http.origin() + "/service");
  get.set("authentication", Json::object({{"oauth2", oauth2(authority)}}));
  EXPECT_EQ(done(get)["body"], Json("Bearer t1"));
  authority.valid_from = 2;  // revoked
  EXPECT_EQ(done(get)["body"], Json("Bearer t2"));
  authority.valid_from = 100;
  EXPECT_EQ(done(get)["status"], Json(401));
  EXPECT_EQ(authority.issued.load(), 3);
}

TEST_F(HttpCallsTest, WithoutATokenNothingIsSentToTheService) {
  Authority authority;
  allow(authority.http);
  Json post = request("POST", authority.http.origin() + "/service");
  post.set("authentication", Json::object({{"oauth2", oauth2(authority)}}));
  authority.status = 400;
  ActionOutcome outcome = run(post);
  expect(outcome, OutcomeKind::permanent, "http.authentication");
  EXPECT_NE(outcome.message.find("invalid_client"), std::string::npos) << outcome.message;
  authority.status = 503;
  expect(run(post), OutcomeKind::transient, "http.token_unavailable");
  for (const LoopbackRequest& seen : authority.http.requests()) EXPECT_NE(seen.target, "/service");
}

TEST_F(HttpCallsTest, TokensMustComeFromAListedIssuer) {
  Authority authority;
  allow(authority.http);
  const auto token_of = [](const char* claims) {
    return "e30." + crypto::base64url(as_bytes(claims)) + ".sig";
  };
  Json get = request("GET", authority.http.origin() + "/service");
  get.set("authentication",
          Json::object({{"oauth2", oauth2(authority, R"({"issuers":["https://good.example"]})")}}));
  authority.token_prefix = token_of(R"({"iss":"https://good.example"})");
  EXPECT_EQ(done(get)["status"], Json(200));
  clock.advance_ms(3'600'000);
  authority.token_prefix = token_of(R"({"iss":"https://bad.example"})");
  expect(run(get), OutcomeKind::permanent, "http.authentication");
  authority.token_prefix = "opaque";
  expect(run(get), OutcomeKind::permanent, "http.authentication");
}

TEST_F(HttpCallsTest, OidcFindsTheTokenEndpointByDiscovery) {
  Authority authority;
  allow(authority.http);
  Json get = request("GET", authority.http.origin() + "/service");
  for (const char* path : {"/realm", "/realm/.well-known/openid-configuration"}) {
    Json settings = oauth2(authority);
    settings.set("authority", authority.http.origin() + path);
    get.set("authentication", Json::object({{"oidc", settings}}));
    EXPECT_EQ(done(get)["status"], Json(200));
  }
  const auto seen = authority.http.requests();
  ASSERT_EQ(seen.size(), 5U);  // discovery once: discovery, token, service; token, service
  EXPECT_EQ(seen[1].target, "/realm/discovered/token");
  EXPECT_EQ(seen[3].target, "/realm/discovered/token");
}

TEST_F(HttpCallsTest, OidcRefusesAnotherIssuersDocument) {
  Authority authority;
  authority.issuer = "https://evil.example";
  allow(authority.http);
  Json get = request("GET", authority.http.origin() + "/private");
  get.set("authentication", Json::object({{"oidc", oauth2(authority)}}));
  expect(run(get), OutcomeKind::permanent, "http.authentication");
  EXPECT_EQ(authority.issued.load(), 0);
}

// ---- stand-ins
// --------------------------------------------------------------------------------------------------

TEST_F(HttpCallsTest, AStandInPlaysAHostUnderItsName) {
  LoopbackHttp server([](const LoopbackRequest& given) {
    return LoopbackResponse{200, {}, given.header("host") + given.target};
  });
  options.hosts["api.example.org"] = server.origin() + "/";
  options.hosts["odd.example.org:8443"] = server.origin();
  EXPECT_EQ(done(request("GET", "https://api.example.org/a/b?c"))["body"],
            Json("api.example.org/a/b?c"));
  EXPECT_EQ(done(request("GET", "https://odd.example.org:8443"))["body"],
            Json("odd.example.org:8443/"));
  expect(run(request("GET", "https://odd.example.org/private")), OutcomeKind::permanent,
         "http.not_allowed");
}

TEST(HttpCalls, KnowsWhatMayBeRepeated) {
  const auto of = [](const char* method, bool key = false) {
    Json arguments = request(method, "https://example.org/");
    if (key) arguments.set("idempotency", "key");
    return HttpCalls::idempotency(call_of(arguments));
  };
  for (const char* method : {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
    EXPECT_EQ(of(method), "key");
  EXPECT_EQ(of("POST"), "none");
  EXPECT_EQ(of("PATCH"), "none");
  EXPECT_EQ(of("POST", true), "key");
}

// ---- the conformance kit over real HTTP
// ----------------------------------------------------------------------

TEST_F(HttpCallsTest, TheConformanceKitHoldsOverRealHttp) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  if (data == nullptr) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const std::filesystem::path folder = std::filesystem::path(data) / "ctk" / "features";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no ctk/features there";
  LoopbackHttp server([](const LoopbackRequest& given) -> LoopbackResponse {
    const workflow::StandInAnswer found = workflow::stand_in(
        given.method, given.header("host"), given.target, given.header("authorization"));
    return {found.status, {{"Content-Type", found.type}}, found.body};
  });
  options.hosts["petstore.swagger.io"] = server.origin();
  options.hosts["httpbin.org"] = server.origin();
  std::size_t scenarios = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".feature") continue;
    std::ifstream stream(file.path(), std::ios::binary);
    std::stringstream text;
    text << stream.rdbuf();
    const gherkin::Outcome outcome = gherkin::parse(text.str());
    ASSERT_TRUE(outcome.feature.has_value()) << file.path() << ": " << outcome.fault.message;
    for (const gherkin::Scenario& scenario : outcome.feature->scenarios) {
      ++scenarios;
      const auto failures = workflow::run_scenario(
          scenario, [this](const CallAction& call) { return run(call.arguments); });
      for (const std::string& failure : failures)
        ADD_FAILURE() << file.path().filename() << ": " << scenario.name << ": " << failure;
    }
  }
  EXPECT_GE(scenarios, 21U);
  EXPECT_GE(server.requests().size(), 11U);
  std::printf("conformance kit over real HTTP: %zu scenarios, %zu requests\n", scenarios,
              server.requests().size());
}

}  // namespace
}  // namespace rabt::engine::http_calls_test
