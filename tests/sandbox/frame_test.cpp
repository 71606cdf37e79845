#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <latch>
#include <thread>

#include "tests/eventually.hpp"
#include "tests/sandbox/client.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/server.hpp"

namespace rabt::sandbox::frame_test {
namespace {

using testing::call;
using testing::call_json;
using testing::Receiver;
using testing::Reply;

// Performs an effect for every POST and answers with what it got.
class Echo final : public Service {
 public:
  explicit Echo(Context context) : context_(std::move(context)) {}
  [[nodiscard]] std::string name() const override { return "echo"; }
  Response handle(const Request& request) override {
    if (request.method == "POST") context_.ledger.record("echo", "thing.made", request.path);
    if (request.path == "/throw") throw std::runtime_error("broken");
    if (request.path == "/none") return Response::empty(204);
    Json query = Json::array();
    for (const auto& [key, value] : request.query) query.push_back({key, value});
    return Response::json(200, {{"method", request.method},
                                {"path", request.path},
                                {"query", query},
                                {"header", request.header("X-Test")},
                                {"size", request.body.size()}});
  }
  Response control(std::string_view what, const Json& body) override {
    if (what == "call") {
      context_.callbacks.post(body.at("url"), {{"X-Test", "1"}}, body.at("body"), 0);
      return Response::empty(204);
    }
    return Service::control(what, body);
  }
  Response error_body(int status) override { return Response::json(status, {{"own", status}}); }

 private:
  Context context_;
};

class Frame : public ::testing::Test {
 protected:
  explicit Frame(Settings settings = {}) { start(std::move(settings)); }
  void start(Settings settings) {
    sandbox_.reset();
    sandbox_ = std::make_unique<Sandbox>(
        std::move(settings), std::vector<StandIn>{{"echo", [](Context context, const Json&) {
                                                     return std::make_unique<Echo>(context);
                                                   }}});
  }
  [[nodiscard]] std::string echo(const std::string& path) const {
    return sandbox_->url("echo") + path;
  }
  [[nodiscard]] std::string control(const std::string& path) const {
    return sandbox_->url("control") + path;
  }
  void faults(const Json& rules) {
    const Reply reply = call_json("PUT", control("/faults/echo"), rules);
    ASSERT_EQ(reply.status, 200) << reply.body;
  }
  [[nodiscard]] std::size_t made() const { return sandbox_->ledger().count("thing.made"); }

  std::unique_ptr<Sandbox> sandbox_;
};

TEST_F(Frame, DecodesPathQueryAndHeaders) {
  const Reply reply = call("GET", echo("/a%20b%2B+c?x=1+2&x=%7Cv&empty"), {{"x-TEST", "yes"}});
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json()["path"], "/a b++c");
  EXPECT_EQ(reply.json()["query"], Json::parse(R"([["x","1 2"],["x","|v"],["empty",""]])"));
  EXPECT_EQ(reply.json()["header"], "yes");
}

TEST_F(Frame, TakesBodiesUpToTheLimitAndRefusesLonger) {
  const std::string largest(Sandbox::kMaxBody, 'x');
  const Reply taken = call("POST", echo("/big"), {}, largest);
  ASSERT_EQ(taken.status, 200);
  EXPECT_EQ(taken.json()["size"], largest.size());
  const std::size_t before = made();
  EXPECT_NE(call("POST", echo("/big"), {}, largest + 'x').status, 200);
  EXPECT_EQ(made(), before);
}

TEST_F(Frame, AnswersWithoutBodyAndHeadKeepTheConnectionUsable) {
  Poco::Net::HTTPClientSession session("127.0.0.1", Poco::URI(sandbox_->url("echo")).getPort());
  session.setKeepAlive(true);
  EXPECT_EQ(testing::exchange(session, "GET", "/none", {}, {}).status, 204);
  EXPECT_EQ(testing::exchange(session, "HEAD", "/x", {}, {}).status, 200);
  EXPECT_EQ(testing::exchange(session, "GET", "/x", {}, {}).json()["path"], "/x");
}

TEST_F(Frame, AServiceThatThrowsAnswersInItsOwnErrorBody) {
  const Reply reply = call("GET", echo("/throw"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.json()["own"], 500);
}

TEST_F(Frame, LedgerDoorFiltersCountsAndClears) {
  call("POST", echo("/one"));
  call("POST", echo("/two"));
  call("POST", echo("/two"));
  call("GET", echo("/three"));
  const Json all = call("GET", control("/ledger")).json();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0]["seq"], 1);
  EXPECT_EQ(all[2]["key"], "/two");
  EXPECT_EQ(call("GET", control("/ledger?key=/two")).json().size(), 2U);
  EXPECT_EQ(call("GET", control("/ledger/count?kind=thing.made&key=/two")).json()["count"], 2);
  EXPECT_EQ(call("GET", control("/ledger/count?service=other")).json()["count"], 0);
  EXPECT_EQ(call("DELETE", control("/ledger")).status, 204);
  EXPECT_EQ(call("GET", control("/ledger/count")).json()["count"], 0);
}

TEST_F(Frame, DropReplyPerformsTheRequestAndLeavesItUnanswered) {
  faults(Json::parse(
      R"([{"fault":"drop-reply","times":1,"match":{"method":"POST","path":"^/pay$"}}])"));
  EXPECT_EQ(call("POST", echo("/pay")).status, 0);
  EXPECT_EQ(made(), 1U);
  EXPECT_EQ(call("POST", echo("/pay")).status, 200);
  EXPECT_EQ(made(), 2U);
}

TEST_F(Frame, ResetPerformsNothing) {
  faults(Json::parse(R"([{"fault":"reset","times":1}])"));
  EXPECT_EQ(call("POST", echo("/pay")).status, 0);
  EXPECT_EQ(made(), 0U);
  EXPECT_EQ(call("POST", echo("/pay")).status, 200);
}

TEST_F(Frame, StatusFaultAnswersInTheProvidersWordsWithoutPerforming) {
  faults(Json::parse(R"([{"fault":"status","status":429,"retry_after":7,"skip":1,"times":2}])"));
  EXPECT_EQ(call("POST", echo("/a")).status, 200);
  const Reply refused = call("POST", echo("/a"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.json()["own"], 429);
  EXPECT_EQ(refused.header("retry-after"), "7");
  EXPECT_EQ(call("POST", echo("/a")).status, 429);
  EXPECT_EQ(call("POST", echo("/a")).status, 200);
  EXPECT_EQ(made(), 2U);
  const Json rules = call("GET", control("/faults")).json();
  EXPECT_EQ(rules["echo"][0]["fired"], 2);
  EXPECT_EQ(rules["echo"][0]["matched"], 4);
}

TEST_F(Frame, TruncateSendsHalfAnAnswer) {
  faults(Json::parse(R"([{"fault":"truncate","times":1}])"));
  const Reply reply = call("GET", echo("/x"));
  EXPECT_EQ(reply.status, 0);
  EXPECT_FALSE(reply.body.empty());
  EXPECT_EQ(call("GET", echo("/x")).status, 200);
}

TEST_F(Frame, LatencyAddsToAnotherFault) {
  faults(
      Json::parse(R"([{"fault":"latency","ms":120},{"fault":"status","status":503,"times":1}])"));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(call("GET", echo("/x")).status, 503);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(115));
}

TEST_F(Frame, ProbabilityIsReproducible) {
  const auto run = [this] {
    start({});
    faults(Json::parse(R"([{"fault":"status","probability":0.5}])"));
    std::string pattern;
    for (int i = 0; i < 24; ++i) pattern += call("GET", echo("/x")).status == 200 ? '.' : 'x';
    return pattern;
  };
  const std::string first = run();
  EXPECT_EQ(first, run());
  EXPECT_NE(first.find('.'), std::string::npos);
  EXPECT_NE(first.find('x'), std::string::npos);
}

TEST_F(Frame, WrongRulesAreRefusedAndTheOldOnesStay) {
  faults(Json::parse(R"([{"fault":"status","status":500}])"));
  for (const char* wrong :
       {R"({})", R"([1])", R"([{"fault":"explode"}])", R"([{"fault":"status","status":200}])",
        R"([{"fault":"reset","match":{"path":"("}}])", R"([{"fault":"reset","often":1}])",
        R"([{"fault":"reset","probability":2}])", R"([{"fault":"latency","ms":-1}])", "nonsense"}) {
    const Reply reply = call("PUT", control("/faults/echo"), {}, wrong);
    EXPECT_EQ(reply.status, 400) << wrong;
    EXPECT_FALSE(reply.json().value("error", "").empty());
  }
  EXPECT_EQ(call("GET", echo("/x")).status, 500);
  EXPECT_EQ(call("PUT", control("/faults/nobody"), {}, "[]").status, 404);
}

TEST_F(Frame, CallbackFaultsDuplicateAndDrop) {
  Receiver receiver;
  const auto post = [&](const std::string& body) {
    ASSERT_EQ(call_json("POST", control("/control/echo/call"),
                        {{"url", receiver.url() + "/in"}, {"body", body}})
                  .status,
              204);
  };
  faults(Json::parse(R"([{"fault":"drop-callback","match":{"body":"lost"}},
                         {"fault":"duplicate-callback","times":1,"match":{"path":"/in$"}}])"));
  post("lost");
  post("twice");
  post("once");
  ASSERT_TRUE(receiver.wait_for(3));
  std::map<std::string, int> bodies;
  for (const auto& each : receiver.all()) ++bodies[each.body];
  EXPECT_EQ(bodies, (std::map<std::string, int>{{"once", 1}, {"twice", 2}}));
  // The receiver counts before the sender does.
  EXPECT_TRUE(
      test::eventually([&] { return call("GET", control("/callbacks")).json()["sent"] == 3; }));
}

TEST_F(Frame, CallbackToAPathGoesToTheHub) {
  Receiver hub;
  start({.port_base = 0, .hub = hub.url() + "/", .ledger_file = {}, .options = Json::object()});
  call_json("POST", control("/control/echo/call"), {{"url", "/hooks/x"}, {"body", "b"}});
  ASSERT_TRUE(hub.wait_for(1));
  EXPECT_EQ(hub.all()[0].path, "/hooks/x");
  EXPECT_EQ(hub.all()[0].headers["x-test"], "1");
}

TEST_F(Frame, ControlDoorExplainsWhatItDoesNotKnow) {
  EXPECT_EQ(call("GET", control("/")).json()["stand_ins"]["echo"], sandbox_->url("echo"));
  EXPECT_EQ(call("POST", control("/control/echo/dance")).status, 404);
  EXPECT_EQ(call("POST", control("/control/nobody/x")).status, 404);
  EXPECT_EQ(call("POST", control("/control/echo/call"), {}, "[1]").status, 400);
  EXPECT_EQ(call("POST", control("/control/echo/call"), {}, R"({"url":1,"body":2})").status, 400);
  EXPECT_EQ(call("GET", control("/elsewhere")).status, 404);
}

TEST_F(Frame, TwoHundredClientsKeepTheirConnections) {
  constexpr int kClients = 220;
  std::atomic<int> answered{0};
  std::latch ready(kClients);
  std::vector<std::thread> clients;
  const Poco::UInt16 port = Poco::URI(sandbox_->url("echo")).getPort();
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&] {
      Poco::Net::HTTPClientSession session("127.0.0.1", port);
      session.setKeepAlive(true);
      session.setTimeout(Poco::Timespan(20, 0));
      for (int round = 0; round < 3; ++round) {
        if (testing::exchange(session, "POST", "/load", {}, "x").status == 200) ++answered;
        // Every client waits until all hold an answered connection.
        if (round == 0) ready.arrive_and_wait();
      }
    });
  }
  for (std::thread& each : clients) each.join();
  EXPECT_EQ(answered, kClients * 3);
  EXPECT_EQ(made(), static_cast<std::size_t>(kClients * 3));
}

TEST(LedgerFile, SurvivesARestartAndATornLine) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("rabt-ledger-" + random_hex(8))).string();
  {
    Ledger ledger;
    ledger.open(path);
    ledger.record("s", "k", "one");
    ledger.record("s", "k", "two");
  }
  std::ofstream(path, std::ios::app) << R"({"seq":3,"at")";
  {
    Ledger ledger;
    ledger.open(path);
    EXPECT_EQ(ledger.count("k"), 2U);
    ledger.record("s", "k", "three");
    EXPECT_EQ(ledger.entries()[2]["seq"], 3);
  }
  Ledger ledger;
  ledger.open(path);
  EXPECT_EQ(ledger.count("k"), 3U);
  ledger.clear();
  EXPECT_EQ(std::filesystem::file_size(path), 0U);
  std::filesystem::remove(path);
}

TEST(LedgerFile, RefusesAFileThatIsNotALedger) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("rabt-ledger-" + random_hex(8))).string();
  std::ofstream(path) << "important notes\n";
  Ledger ledger;
  EXPECT_THROW(ledger.open(path), std::runtime_error);
  EXPECT_EQ(std::filesystem::file_size(path), 16U);
  std::filesystem::remove(path);
}

TEST(Start, UnknownOptionsAndTakenPortsAreErrors) {
  EXPECT_THROW(
      Sandbox({.port_base = 0, .hub = {}, .ledger_file = {}, .options = {{"twillio", 1}}}, {}),
      std::runtime_error);
  Poco::Net::ServerSocket taken(Poco::Net::SocketAddress("127.0.0.1", 0));
  EXPECT_THROW(Sandbox({.port_base = taken.address().port(),
                        .hub = {},
                        .ledger_file = {},
                        .options = Json::object()},
                       {}),
               std::runtime_error);
}

TEST(Encoding, Base64AndPercentRoundTrip) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  for (std::size_t size = 0; size < all.size(); ++size) {
    const std::string part = all.substr(0, size);
    EXPECT_EQ(base64_decode(base64(part)), part);
    EXPECT_EQ(percent_decode(percent_encode(part), false), part);
  }
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(percent_decode("%zz%4", false), "%zz%4");
  EXPECT_FALSE(base64_decode("a").has_value());
}

TEST(Encoding, DatesAreUtc) {
  EXPECT_EQ(iso_millis(1761588961876), "2025-10-27T18:16:01.876Z");
  EXPECT_EQ(http_date(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110, 5.6.7
  EXPECT_EQ(days_from_civil(1970, 1, 1), 0);
  EXPECT_EQ(days_from_civil(2000, 3, 1), 11017);
}

TEST(Encoding, JsonDeeperThanTheLimitIsRefused) {
  EXPECT_TRUE(parse_json(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')));
  EXPECT_FALSE(
      parse_json(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')));
  EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\""));
}

}  // namespace
}  // namespace rabt::sandbox::frame_test
