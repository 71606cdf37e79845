#include <algorithm>
#include <sstream>

#include "tests/acceptance/hospital.hpp"
#include "tests/web_socket_client.hpp"

// Refusals that come before a compatibility API is reached, in its own form: clients of the old
// system read no problem documents.
namespace rabt::acceptance::door_refusals_test {
namespace {

// The answer to bytes that no client library would send.
Answer raw(const std::string& request, Hospital& hospital = Hospital::get()) {
  test::WebSocketClient client(hospital.site.config.port);
  client.send(request);
  const std::string whole = client.until("no answer ends so");
  Answer answer;
  const auto head = whole.find("\r\n\r\n");
  if (head == std::string::npos || whole.size() < 12) return answer;
  answer.status = std::stoi(whole.substr(9, 3));
  answer.body = whole.substr(head + 4);
  if (auto json = Json::parse(answer.body); json.ok()) answer.json = *std::move(json);
  for (std::size_t at = whole.find("\r\n") + 2; at < head;) {
    const std::size_t end = whole.find("\r\n", at);
    const std::size_t colon = whole.find(": ", at);
    answer.headers.emplace_back(whole.substr(at, colon - at),
                                whole.substr(colon + 2, end - colon - 2));
    at = end + 2;
  }
  return answer;
}
std::string head(const std::string& method, const std::string& target,
                 const std::string& more = {}) {
  return method + " " + target +
         " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: " + "Bearer " +
         Hospital::get().person("D").token + "\r\n" + more + "\r\n";
}

struct Api {
  std::string prefix;
  // The status that wrong input has there.
  int wrong_input;
  bool (*in_form)(const Answer& answer);
};
bool has_detail(const Answer& answer) {
  return answer["detail"].is_string() || answer["detail"].is_array();
}
const std::vector<Api>& apis() {
  static const std::vector<Api> all{
      {"/video/sessions", 400,
       [](const Answer& answer) {
         return answer["statusCode"] == Json(answer.status) && answer["error"].is_string() &&
                (answer["message"].is_string() || answer["message"].is_array());
       }},
      {"/api/v1/telemedicine", 400,
       [](const Answer& answer) {
         return answer.json.is_object() && answer.json.find("type") == nullptr &&
                has_detail(answer);
       }},
      {"/api/video/sessions", 422, has_detail},
      {"/consultation/notes", 422, has_detail},
      {"/admin/users", 422, has_detail}};
  return all;
}

void expect_in_form(const Api& api, const Answer& answer, int status, const std::string& code) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_EQ(answer.header("Content-Type"), "application/json") << answer.body;
  EXPECT_EQ(answer.header("X-Rabt-Code"), code) << answer.body;
  EXPECT_TRUE(api.in_form(answer)) << answer.body;
}

TEST(DoorRefusals, AddressesThatCannotBeReadAreRefusedInTheFormOfTheApi) {
  for (const Api& api : apis()) {
    SCOPED_TRACE(api.prefix);
    for (const char* rest : {"/%zz", "/%", "/a%2Fb", "//a", "/%00", "/%FF", "/a/../b", "?a=%zz"})
      expect_in_form(api, raw(head("GET", api.prefix + rest)), api.wrong_input, "http.target");
    expect_in_form(api, raw(head("GET", "http://h" + api.prefix + "/%zz")), api.wrong_input,
                   "http.target");
    expect_in_form(api, raw(head("GET", api.prefix + "/" + std::string(9000, 'a'))), 414,
                   "http.target_too_long");
  }
}

// Symptom: a failed sign-in at an issuer answered {"detail"} without a code.
// Cause: every path below ClinicVault's /auth was taken for ClinicVault's.
// Caught by: the hub's own paths below it.
TEST(DoorRefusals, OwnPathsBelowThoseOfAnApiKeepProblemDocuments) {
  for (const char* path :
       {"/auth/oidc/nobody/login", "/auth/oidc/nobody/callback?state=x&code=y"}) {
    const Answer answer = raw(head("GET", path));
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << answer.body;
    EXPECT_TRUE(answer["code"].is_string()) << path << answer.body;
  }
  const Answer method = raw(head("DELETE", "/auth/token"));
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method["code"], Json("http.method")) << method.body;
}

TEST(DoorRefusals, WhatTheEdgeRefusesIsRefusedInTheFormOfTheApi) {
  for (const Api& api : apis()) {
    SCOPED_TRACE(api.prefix);
    expect_in_form(api, raw(head("GET", api.prefix + "/none/of/these/paths")), 404,
                   "http.not_found");
    expect_in_form(api, raw(head("DELETE", api.prefix)), 405, "http.method");
    const Answer brew = raw(head("BREW", api.prefix));
    expect_in_form(api, brew, brew.status, brew.header("X-Rabt-Code"));
    EXPECT_GE(brew.status, 400);
    // Refused by the head, before anybody is asked, and by the limit of the path.
    for (const char* length : {"99999999999", "33554432"}) {
      const Answer large = raw(head(
          "POST", api.prefix,
          "Content-Type: application/json\r\nContent-Length: " + std::string(length) + "\r\n"));
      if (large.status == 405) continue;
      expect_in_form(api, large, 413, "http.body_too_large");
    }
    const Answer twice = raw(head("GET", api.prefix, "Host: other\r\n"));
    expect_in_form(api, twice, api.wrong_input, twice.header("X-Rabt-Code"));
  }
}

// Lines of the hub's log that name the request.
std::vector<Json> logged(Hospital& hospital, const std::string& request) {
  std::vector<Json> out;
  std::istringstream log(e2e::read_file(hospital.site.config.log));
  for (std::string line; std::getline(log, line);) {
    const auto json = Json::parse(line);
    if (json.ok() && line.find(request) != std::string::npos) out.push_back(*json);
  }
  return out;
}

// A hub of its own: an address has a limit of lines in a second, and other tests are refused, too.
TEST(DoorRefusals, EachHasOneLineInTheLogByWhichItsCauseIsFound) {
  Hospital hub(HospitalOptions{.kind = e2e::Kind::edge});
  constexpr std::string_view kNone = "7b0c9d4e-0000-4000-8000-000000000000";
  const std::string handshake =
      "GET /api/v1/stream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Authorization: Bearer " +
      hub.person("D").token + "\r\n\r\n";
  struct Refused {
    std::string what;
    Answer answer;
    int status;
    std::string code;
  };
  const Json nobody = Json::object({{"username", "nobody"}, {"password", "no password of his"}});
  const std::vector<Refused> all{
      {"kiorex", hub.get("D", "/video/sessions/" + std::string(kNone)), 404, "session.unknown"},
      {"emr", hub.get("D", "/api/v1/telemedicine/999999/"), 404, "session.unknown"},
      {"pulseone", hub.get("D", "/api/video/sessions/" + std::string(kNone)), 404,
       "session.unknown"},
      {"clinicvault", hub.post("-", "/auth/login", nobody), 401, "auth.failed"},
      {"a WebSocket", raw(handshake, hub), 426, "http.upgrade"}};
  for (const Refused& one : all) {
    SCOPED_TRACE(one.what);
    RABT_EXPECT_STATUS(one.answer, one.status);
    const std::string request = one.answer.header("X-Request-Id");
    ASSERT_EQ(request.size(), 26U) << one.answer.body;
    ASSERT_TRUE(eventually([&] { return !logged(hub, request).empty(); }));
  }
  // The line of the last one stands, and so do those of the ones before, however many they are.
  for (const Refused& refused : all) {
    SCOPED_TRACE(refused.what);
    const std::vector<Json> lines = logged(hub, refused.answer.header("X-Request-Id"));
    ASSERT_EQ(lines.size(), 1U) << lines.back().dump();
    EXPECT_EQ(lines[0].string_or("event", ""), "http.refused");
    EXPECT_EQ(lines[0].int_or("status", 0), refused.status);
    EXPECT_EQ(lines[0].string_or("code", ""), refused.code);
    EXPECT_NE(lines[0].string_or("reason", ""), "");
    EXPECT_EQ(lines[0].string_or("remote", ""), "127.0.0.1");
    EXPECT_EQ(lines[0].string_or("request_id", ""), refused.answer.header("X-Request-Id"));
  }
}

TEST(DoorRefusals, ElsewhereTheyAreProblemDocuments) {
  for (const char* target :
       {"/api/v1/sessions/%zz", "/%zz", "/videos/%zz", "/api/v1/none", "/none"}) {
    const Answer answer = raw(head("GET", target));
    EXPECT_EQ(answer.header("Content-Type"), "application/problem+json") << target << answer.body;
    EXPECT_TRUE(answer["instance"].is_string()) << answer.body;
  }
}

}  // namespace
}  // namespace rabt::acceptance::door_refusals_test
