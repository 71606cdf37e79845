#include "hub/api/rates.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/api/rig.hpp"

// Rate limits: number of requests that a caller may send, and how callers are told apart.
namespace rabt::api::rates_test {
namespace {

TEST(Rates, ABurstPassesAndThenTheEvenRate) {
  Rates rates;
  const Limit ten = per_second("x", 10);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(rates.wait_ms("a", ten, 1'000), 0) << i;
  EXPECT_EQ(rates.wait_ms("a", ten, 1'000), 100);
  EXPECT_EQ(rates.wait_ms("a", ten, 1'050), 50);
  EXPECT_EQ(rates.wait_ms("a", ten, 1'100), 0);
  EXPECT_EQ(rates.wait_ms("a", ten, 1'100), 100) << "a refused request is not counted";
  EXPECT_EQ(rates.wait_ms("a", ten, 10'000), 0);
}

TEST(Rates, ARateInMinutesLetsHalfOfThemPassAtOnce) {
  Rates rates;
  const Limit ten = per_minute("x", 10);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(rates.wait_ms("a", ten, 0), 0) << i;
  EXPECT_EQ(rates.wait_ms("a", ten, 0), 6'000);
  EXPECT_EQ(rates.peek_ms("a", ten, 5'000), 1'000);
  EXPECT_EQ(rates.wait_ms("a", ten, 6'000), 0);
}

TEST(Rates, CallersAndLimitsAreCountedApart) {
  Rates rates;
  const Limit limit = per_second("x", 1);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(rates.wait_ms("a", limit, 0), 0);
  EXPECT_GT(rates.wait_ms("a", limit, 0), 0);
  EXPECT_EQ(rates.wait_ms("b", limit, 0), 0);
  EXPECT_EQ(rates.wait_ms("a", per_second("y", 1), 0), 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(rates.wait_ms("a", per_second("z", 0), 0), 0);
}

TEST(Rates, Trap59SoManyCallersThatTheyShareACountArePassedByNobody) {
  Rates rates;
  const Limit limit = per_second("x", 1);
  for (int i = 0; i < 65'536; ++i) EXPECT_EQ(rates.wait_ms(std::to_string(i), limit, 0), 0);
  EXPECT_EQ(rates.wait_ms("x", limit, 0), 0);
  EXPECT_EQ(rates.wait_ms("y", limit, 0), 0);
  EXPECT_GT(rates.wait_ms("z", limit, 0), 0) << "x, y and z are one";
  EXPECT_GT(rates.peek_ms("z", limit, 0), 0);
  EXPECT_EQ(rates.wait_ms("z", limit, 10'000), 0) << "those who were quiet are forgotten";
}

TEST(Rates, SoManyOfACallerRunAtOnce) {
  Rates rates;
  EXPECT_TRUE(rates.enter("a", 2));
  EXPECT_TRUE(rates.enter("a", 2));
  EXPECT_FALSE(rates.enter("a", 2));
  EXPECT_TRUE(rates.enter("b", 2));
  rates.leave("a");
  EXPECT_TRUE(rates.enter("a", 2));
}

TEST(Addresses, Trap59AForwardedAddressCountsFromTrustedProxiesOnly) {
  const Proxies proxies = must(Proxies::make({"10.0.0.0/8", "2001:db8::1"}));
  const auto client = [&](std::string remote, std::vector<std::string> words) {
    http::Request head;
    head.remote = std::move(remote);
    for (std::string& word : words) head.headers.emplace_back("x-forwarded-for", std::move(word));
    return proxies.client_of(head);
  };
  EXPECT_EQ(client("192.0.2.7", {"198.51.100.1"}), "192.0.2.7") << "a client's own word";
  EXPECT_EQ(client("10.1.2.3", {"198.51.100.1"}), "198.51.100.1");
  EXPECT_EQ(client("::ffff:10.1.2.3", {"198.51.100.1"}), "198.51.100.1");
  EXPECT_EQ(client("10.1.2.3", {"8.8.8.8, 198.51.100.1"}), "198.51.100.1")
      << "what stands before it was sent by the client";
  EXPECT_EQ(client("10.1.2.3", {"8.8.8.8", "198.51.100.1 , 10.9.9.9"}), "198.51.100.1");
  EXPECT_EQ(client("10.1.2.3", {"198.51.100.1, unknown"}), "10.1.2.3");
  EXPECT_EQ(client("10.1.2.3", {"198.51.100.1, 010.1.1.1"}), "10.1.2.3");
  EXPECT_EQ(client("10.1.2.3", {""}), "10.1.2.3");
  EXPECT_EQ(client("10.1.2.3", {}), "10.1.2.3");
  EXPECT_EQ(client("2001:db8::1", {"2001:db8:7::2"}), "2001:db8:7::2");
  EXPECT_EQ(client("11.1.2.3", {"198.51.100.1"}), "11.1.2.3");
  EXPECT_EQ(client("local", {"198.51.100.1"}), "local");
  for (const char* wrong : {"10.0.0.0/33", "10.0.0.0/", "proxy.example", "*", "::1/129", "1.2.3"})
    EXPECT_FALSE(Proxies::make({wrong}).ok()) << wrong;
}

TEST(Addresses, Trap59ASubscriberOfIpv6IsOneCaller) {
  EXPECT_EQ(household_of("2001:db8:1:2::3"), household_of("2001:db8:1:2:ffff::4"));
  EXPECT_NE(household_of("2001:db8:1:2::3"), household_of("2001:db8:1:3::3"));
  EXPECT_EQ(site_of("2001:db8:1:2::3"), site_of("2001:db8:1:3::3"));
  EXPECT_EQ(household_of("::ffff:192.0.2.1"), household_of("192.0.2.1"));
  EXPECT_EQ(site_of("192.0.2.1"), std::nullopt);
}

std::string text_of(const Limit& limit) {
  const char* const unit = limit.seconds == 1 ? "/s" : limit.seconds == 60 ? "/min" : "/h";
  return std::to_string(limit.count) + unit;
}

// The words in code of a cell of a table.
std::vector<std::string> words_in(const std::string& cell) {
  std::vector<std::string> out;
  std::istringstream text(cell);
  std::string part;
  for (bool word = false; std::getline(text, part, '`'); word = !word) {
    if (word) out.push_back(part);
  }
  return out;
}

TEST(RateDefaults, AreThoseOfTheDocument) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/docs/configuration.md");
  std::map<std::string, std::string> documented;
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) here = line == "## `server.rates`";
    if (!here || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::string names;
    std::string values;
    std::getline(cells, names, '|');
    std::getline(cells, values, '|');
    const auto keys = words_in(names);
    const auto limits = words_in(values);
    ASSERT_EQ(keys.size(), limits.size()) << line;
    for (std::size_t i = 0; i < keys.size(); ++i) documented[keys[i]] = limits[i];
  }
  const RateOptions defaults;
  std::map<std::string, std::string> held{{"bodies_mib", std::to_string(defaults.bodies >> 20U)},
                                          {"connections", std::to_string(defaults.connections)},
                                          {"concurrent", std::to_string(defaults.concurrent)}};
  for (const Limit& limit : {defaults.sign_in, defaults.invitation, defaults.registration,
                             defaults.anonymous, defaults.read, defaults.write, defaults.rare,
                             defaults.connect, defaults.enter, defaults.hook, defaults.refused})
    held[std::string(limit.name)] = text_of(limit);
  EXPECT_EQ(held, documented);
  // Documents may change with a default; this one keeps a hospital's programs from taking all.
  EXPECT_EQ(defaults.concurrent, 8);
}

class ApiRates : public testing::Test {
 protected:
  void limit(RateOptions rates) { rig_.open({.rates = rates}); }
  http::Response get(std::string path, std::string token, std::string remote = "192.0.2.1") {
    http::Request head = request("GET", std::move(path));
    head.remote = std::move(remote);
    if (!token.empty()) head.headers.emplace_back("authorization", "Bearer " + token);
    return rig_.handle(head);
  }
  static RateOptions two() {
    RateOptions rates = RateOptions::none();
    rates.anonymous = per_minute("anonymous", 3);
    rates.read = per_minute("read", 3);
    rates.write = per_minute("write", 3);
    rates.rare = per_minute("rare", 1);
    rates.refused = per_minute("refused", 3);
    return rates;
  }
  ApiRig rig_;
};

TEST_F(ApiRates, WhoReadsTooMuchIsToldHowLongToWait) {
  limit(two());
  const std::string token(kToken);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get("/api/v1/workflows", token).status, 200);
  const http::Response refused = get("/api/v1/workflows", token);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(code(refused), "rate.exceeded");
  EXPECT_EQ(header(refused, "Retry-After"), "20");
  EXPECT_EQ(header(refused, "RateLimit-Policy"), "\"read\";q=3;w=60");
  EXPECT_EQ(header(refused, "RateLimit"), "\"read\";r=0;t=20");
  EXPECT_EQ(get("/api/v1/workflows", token, "203.0.113.9").status, 429)
      << "a principal is one, from wherever he calls";
  EXPECT_EQ(get("/health", "", "192.0.2.1").status, 200) << "strangers of his address are others";
  EXPECT_NE(rig_.api("POST", "workflows/plan", R"({"files":[]})").status, 429)
      << "what is rare is counted apart";
  EXPECT_EQ(rig_.api("POST", "workflows/plan", R"({"files":[]})").status, 429);
}

TEST_F(ApiRates, ListsOfPairsAreCountedWithSearches) {
  limit(two());
  const auto pairs = [&] { return rig_.api("GET", "patient-pairs").status; };
  EXPECT_EQ(pairs(), 400) << "without a reason";
  EXPECT_EQ(pairs(), 429);
  EXPECT_EQ(get("/api/v1/workflows", std::string(kToken)).status, 200);
}

TEST_F(ApiRates, StrangersAreCountedByTheirAddress) {
  limit(two());
  EXPECT_EQ(get("/api/v1/workflows", "").status, 401);
  EXPECT_EQ(get("/api/v1/nowhere", "wrong").status, 401);
  EXPECT_EQ(get("/api/v1/workflows", "").status, 429);
  EXPECT_EQ(get("/nothing", "").status, 429);
  EXPECT_EQ(get("/nothing", "", "192.0.2.2").status, 404);
  EXPECT_EQ(get("/nothing", "", "local").status, 404);
  EXPECT_EQ(get("/api/v1/workflows", std::string(kToken)).status, 200)
      << "his credential is his own";
}

// Symptom: behind one address, a page that asked too often made the monitor beside it report that
// the hub was away. Cause: /health counted with everything else that strangers ask.
TEST_F(ApiRates, WhatWatchesTheHubIsCountedApartFromOthersOfItsAddress) {
  limit(two());
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get("/nothing", "").status, 404);
  EXPECT_EQ(get("/nothing", "").status, 429);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get("/health", "").status, 200);
  EXPECT_EQ(get("/health", "").status, 429) << "it is counted all the same";
  http::Request collector = request("GET", "/metrics");
  collector.remote = "192.0.2.1";
  const auto admitted = [&] {
    return std::holds_alternative<http::Intake>(rig_.admit(collector, "metrics"));
  };
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(admitted());
  EXPECT_FALSE(admitted());
}

// By the default limits nobody's requests, deliveries or sign-ins take all threads of a lane.
TEST_F(ApiRates, ByDefaultEachCallerHasAPartOfTheLane) {
  std::vector<Source> sources(2);
  sources[0].name = "his";
  sources[0].signature.scheme = http::SignatureScheme::static_token;
  sources[1].name = "cloud";
  sources[1].signature.scheme = http::SignatureScheme::sns;
  sources[1].signature.fetch = [](const std::string&) -> Result<std::string> {
    return unavailable("test.fetch", "nobody is asked here");
  };
  rig_.open({.sources = std::move(sources), .rates = {}});
  using http::Lane;
  struct Row {
    std::string method;
    std::string path;
    bool known;
    Lane lane;
    int most;
    std::string coding = {};
  };
  const std::string session = "/api/v1/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV";
  for (const Row& row :
       std::vector<Row>{{"GET", "/api/v1/workflows", true, Lane::handler, 8},
                        {"GET", "/api/v1/audit/entries", true, Lane::heavy, 1},
                        {"POST", "/api/v1/sessions", true, Lane::room, 8},
                        {"POST", session + "/join", true, Lane::room, 8},
                        {"POST", session + "/token", true, Lane::room, 8},
                        {"POST", session + "/documents", true, Lane::heavy, 1},
                        {"GET", "/health", false, Lane::head, 0},
                        {"POST", "/api/v1/auth/login", false, Lane::sign_in, 4},
                        {"POST", "/api/v1/invitations/preview", false, Lane::link, 2},
                        {"GET", "/auth/oidc/idp/login", false, Lane::outside, 4},
                        {"POST", "/hooks/his", false, Lane::handler, 32},
                        // A body is unpacked; a sender is asked for its certificate.
                        {"POST", "/hooks/his", false, Lane::heavy, 1, "gzip"},
                        {"POST", "/hooks/cloud", false, Lane::outside, 4}}) {
    SCOPED_TRACE(row.method + " " + row.path + " " + row.coding);
    http::Request head = request(row.method, row.path);
    head.remote = "192.0.2.1";
    head.length = 10;
    if (row.known) head.headers.emplace_back("authorization", "Bearer " + std::string(kToken));
    if (!row.coding.empty()) head.headers.emplace_back("content-encoding", row.coding);
    const http::Admission admission = rig_.admit(head);
    const auto* const intake = std::get_if<http::Intake>(&admission);
    ASSERT_NE(intake, nullptr) << std::get<http::Response>(admission).body;
    EXPECT_EQ(intake->lane, row.lane);
    EXPECT_EQ(intake->share.most, row.most);
    EXPECT_EQ(intake->share.whose.empty(), row.most == 0);
  }
}

TEST_F(ApiRates, BodiesOfACallerThatAreOnTheirWayAreBounded) {
  RateOptions rates = RateOptions::none();
  // A parsed body counts with four times its length more.
  rates.bodies = 500;
  ApiRig api({.rates = rates});
  http::Request head = request("POST", "/api/v1/sessions");
  head.headers = {{"authorization", "Bearer " + std::string(kToken)}};
  head.length = 60;
  head.remote = "192.0.2.1";
  const auto status = [](const http::Admission& admission) {
    const auto* refused = std::get_if<http::Response>(&admission);
    return refused == nullptr ? 0 : refused->status;
  };
  http::Admission first = api.admit(head);
  EXPECT_EQ(status(first), 0);
  head.remote = "192.0.2.2";
  const http::Admission second = api.admit(head);
  ASSERT_EQ(status(second), 429) << "from another address, by the same caller";
  EXPECT_EQ(code(std::get<http::Response>(second)), "rate.bodies");
  first = http::Response{};
  EXPECT_EQ(status(api.admit(head)), 0) << "it came back";
  for (const std::uint64_t length : {std::uint64_t{101}, http::kUnknownLength}) {
    head.length = length;
    EXPECT_EQ(status(api.admit(head)), 429) << length;
  }
  // A caller without a credential is counted by his address.
  http::Request open = request("POST", "/api/v1/auth/login");
  open.length = 60;
  open.remote = "192.0.2.1";
  const http::Admission stranger = api.admit(open);
  EXPECT_EQ(status(stranger), 0);
  EXPECT_EQ(status(api.admit(open)), 429);
  open.remote = "192.0.2.2";
  EXPECT_EQ(status(api.admit(open)), 0);
}

// Sixty answers that their caller did not read took gigabytes.
TEST_F(ApiRates, AnswersThatTheirCallerHasNotReadAreBounded) {
  RateOptions rates = RateOptions::none();
  rates.bodies = 100'000;
  ApiRig api({.rates = rates});
  const std::string long_name(60, 'n');
  api.hub.deploy("document: {dsl: '1.0.3', namespace: " + long_name + ", name: " + long_name +
                 ", version: '1.0.0-" + long_name +
                 "'}\n"
                 "schedule: {on: {one: {with: {type: test.start.v1}}}}\n"
                 "do: [{pause: {wait: {days: 1}}}]\n");
  for (int i = 0; i < 200; ++i) (void)api.hub.send("test.start.v1", Json::object({{"n", i}}));
  const auto list = [&](const std::string& limit) {
    http::Request asked = request("GET", "/api/v1/instances?limit=" + limit);
    asked.headers = {{"authorization", "Bearer " + std::string(kToken)}};
    return api.handle(asked);
  };
  std::optional<http::Response> first = list("200");
  ASSERT_EQ(first->status, 200);
  ASSERT_GT(first->body.size(), http::kSmallAnswer);
  const http::Response second = list("200");
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(code(second), "rate.bodies");
  EXPECT_EQ(list("1").status, 200);
  first.reset();
  EXPECT_EQ(list("200").status, 200) << "it was read";
}

// Symptom: one page asked for tokens in a loop, and the video provider refused everybody's. Cause:
// they counted with all else that one person writes, 100 a second.
TEST_F(ApiRates, WaysInThatOneAsksForAreCounted) {
  constexpr std::string_view kShared = "b8Zq-41Xw_0pLm7!tRk2vNs9cYd5uEa3";
  identity::IssuerOptions issuer;
  issuer.name = "idp";
  issuer.subject_system = "idp";
  issuer.secret = std::make_shared<const SecretBytes>(kShared);
  issuer.may_grant.add(identity::Role::patient);
  RateOptions rates = RateOptions::none();
  rates.enter = per_minute("enter", 5);
  rig_.open({.issuers = {issuer}, .rates = rates});
  const std::int64_t now = rig_.hub.clock().now().ms / 1000;
  const auto token = [&](const std::string& who) {
    return must(crypto::sign_jwt(
        as_bytes(kShared), "HS256", "{}",
        Json::object({{"sub", who}, {"role", "patient"}, {"iat", now}, {"exp", now + 60}}).dump()));
  };
  const auto ask = [&](const std::string& path, const std::string& bearer) {
    http::Request head = request("POST", "/api/v1/" + path, R"({"code": "x"})");
    head.headers = {{"authorization", "Bearer " + bearer}};
    return rig_.handle(head);
  };
  const std::string session = "sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV/";
  const std::string layla = token("layla");
  EXPECT_NE(ask(session + "join", layla).status, 429);
  EXPECT_NE(ask(session + "token", layla).status, 429);
  EXPECT_NE(ask("invitations/accept", layla).status, 429);
  const http::Response refused = ask("tickets", layla);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(header(refused, "RateLimit-Policy"), "\"enter\";q=5;w=60");
  EXPECT_NE(ask(session + "leave", layla).status, 429) << "is no way in";
  EXPECT_NE(ask(session + "join", token("omar")).status, 429) << "everybody has his own";
  for (int i = 0; i < 4; ++i)
    EXPECT_NE(ask(session + "join", std::string(kToken)).status, 429) << "of many people";
}

// Whatever waits for a room of the video provider gives a token, too.
TEST_F(ApiRates, EveryRouteThatLetsSomebodyInIsCountedSo) {
  for (const Route& route : routes()) {
    const bool gives = route.operation == "makeTicket" || route.operation == "viewRecording" ||
                       route.options.lane == http::Lane::room;
    // A booking opens one room.
    if (!gives || route.operation == "createSession") continue;
    EXPECT_EQ(route.options.rate, RateClass::enter) << route.operation;
  }
  for (const auto& [path, operation] :
       {std::pair{"/api/v1/sessions/1/participants", "addParticipant"},
        std::pair{"/api/v1/sessions/1/participants/2/admit", "admitParticipant"}}) {
    const Found found = find_route("POST", path);
    ASSERT_NE(found.route, nullptr);
    EXPECT_EQ(found.route->operation, operation);
    EXPECT_EQ(found.route->options.rate, RateClass::enter) << operation;
  }
}

TEST_F(ApiRates, WithoutALimitEverythingIsAnswered) {
  limit(RateOptions::none());
  for (int i = 0; i < 300; ++i)
    ASSERT_EQ(get("/api/v1/workflows", std::string(kToken)).status, 200);
}

TEST_F(ApiRates, AddressesOfAProxyAreThoseOfItsClients) {
  rig_.open({.rates = two(), .proxies = must(Proxies::make({"192.0.2.1"}))});
  const auto through = [&](const std::string& client) {
    http::Request head = request("GET", "/health");
    head.remote = "192.0.2.1";
    head.headers.emplace_back("x-forwarded-for", client);
    return rig_.handle(head).status;
  };
  for (int i = 0; i < 2; ++i) EXPECT_EQ(through("198.51.100.1"), 200);
  EXPECT_EQ(through("198.51.100.1"), 429);
  EXPECT_EQ(through("8.8.8.8, 198.51.100.1"), 429) << "a word in front changes nothing";
  EXPECT_EQ(through("198.51.100.2"), 200);
}

}  // namespace
}  // namespace rabt::api::rates_test
