#include <gtest/gtest.h>

#include "tests/api/rig.hpp"

// Pages of other origins: who may call /api/v1, and what browsers are told.
namespace rabt::api::cors_test {
namespace {

using http::Request;
using http::Response;

constexpr const char* kPortal = "https://portal.example.sa";
constexpr const char* kAllow = "Access-Control-Allow-Origin";

class CorsApi : public testing::Test {
 protected:
  void allow(std::vector<std::string> origins) {
    ApiRig::Options options;
    options.cors = Cors(std::move(origins));
    api_.open(std::move(options));
  }
  Response ask(std::string method, const std::string& path, const std::string& origin,
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    Request made = request(std::move(method), path);
    made.headers = std::move(headers);
    if (!origin.empty()) made.headers.emplace_back("origin", origin);
    return api_.handle(made);
  }
  Response with_token(const std::string& path, const std::string& origin) {
    return ask("GET", path, origin, {{"authorization", "Bearer " + std::string(kToken)}});
  }
  Response preflight(const std::string& path, const std::string& origin) {
    return ask("OPTIONS", path, origin, {{"access-control-request-method", "POST"}});
  }

  ApiRig api_;
};

TEST_F(CorsApi, WithoutAListNobodyMayCall) {
  EXPECT_EQ(header(with_token("/api/v1/me", kPortal), kAllow), "");
  EXPECT_EQ(header(with_token("/api/v1/me", kPortal), "Vary"), "");
  EXPECT_EQ(preflight("/api/v1/me", kPortal).status, 401);
}

TEST_F(CorsApi, AnOriginOfTheListCallsAndReadsAnswersAndRefusals) {
  allow({"https://other.example.sa", kPortal});
  const Response good = with_token("/api/v1/users", kPortal);
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(header(good, kAllow), kPortal);
  EXPECT_EQ(header(good, "Vary"), "Origin");
  EXPECT_NE(header(good, "Access-Control-Expose-Headers").find("ETag"), std::string::npos);
  const Response refused = ask("GET", "/api/v1/users", kPortal);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(header(refused, kAllow), kPortal);
  for (const Response& response : {good, refused})
    EXPECT_EQ(header(response, "Access-Control-Allow-Credentials"), "");
}

TEST_F(CorsApi, EveryOtherOriginReadsNothing) {
  allow({kPortal});
  for (const std::string& origin :
       {std::string("https://evil.example"), std::string(kPortal) + ".evil.example",
        std::string("http://portal.example.sa"), std::string(kPortal) + ":8443",
        std::string("https://PORTAL.example.sa"), std::string("null"), std::string("*"),
        std::string()}) {
    const Response answer = with_token("/api/v1/users", origin);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(header(answer, kAllow), "") << origin;
    EXPECT_EQ(header(answer, "Vary"), "Origin") << "caches keep answers apart";
    const Response asked = preflight("/api/v1/users", origin);
    EXPECT_EQ(asked.status, 204);
    EXPECT_EQ(asked.headers, (decltype(asked.headers){{"Vary", "Origin"}})) << origin;
  }
  Request two = request("GET", "/api/v1/users");
  two.headers = {{"authorization", "Bearer " + std::string(kToken)},
                 {"origin", kPortal},
                 {"origin", "https://evil.example"}};
  EXPECT_EQ(header(api_.handle(two), kAllow), "");
}

TEST_F(CorsApi, ABrowserThatAsksBeforeItCallsIsToldWhatItMaySend) {
  allow({kPortal});
  for (const char* path : {"/api/v1/users", "/api/v1/there-is-no-such-path"}) {
    const Response asked = preflight(path, kPortal);
    EXPECT_EQ(asked.status, 204) << path;
    EXPECT_EQ(header(asked, kAllow), kPortal);
    EXPECT_EQ(header(asked, "Access-Control-Allow-Methods"), "GET, POST, PUT, PATCH, DELETE");
    for (const char* name : {"Authorization", "Idempotency-Key", "If-Match", "X-Rabt-Reason"})
      EXPECT_NE(header(asked, "Access-Control-Allow-Headers").find(name), std::string::npos);
    EXPECT_EQ(header(asked, "Access-Control-Allow-Credentials"), "");
    EXPECT_EQ(header(asked, "Access-Control-Max-Age"), "600");
  }
  EXPECT_EQ(ask("OPTIONS", "/api/v1/users", kPortal).status, 401) << "no browser asks so";
}

TEST_F(CorsApi, OnlyTheApiIsShared) {
  allow({kPortal});
  for (const char* path : {"/health", "/metrics", "/auth/token"})
    EXPECT_EQ(header(with_token(path, kPortal), "Vary"), "") << path;
}

TEST_F(CorsApi, APageOfAnotherOriginDoesNothingWithTheCookie) {
  allow({kPortal});
  const Response refused =
      ask("POST", "/api/v1/auth/logout", kPortal,
          {{"cookie", "__Host-rabt=rs_0123456789abcdef0123456789abcdef0123456789a"},
           {"sec-fetch-site", "cross-site"}});
  EXPECT_NE(refused.status / 100, 2) << refused.body;
}

}  // namespace
}  // namespace rabt::api::cors_test
