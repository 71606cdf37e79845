#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>

#include "tests/acceptance/hospital.hpp"
#include "tests/web_socket_client.hpp"

// A guest's cookie under attack, at a running hub: what the link of an invitation must not open.
namespace rabt::acceptance::guests_test {
namespace {

class Links : public testing::Test {
 protected:
  // A session of D that the front desk planned, with a patient whom nobody entered.
  void SetUp() override {
    const Answer answer = h_.post(
        "AD", "/api/v1/sessions",
        Json::object({{"type", "doctor_patient"},
                      {"provider", h_.person("D").id},
                      {"participants",
                       Json::array({Json::object({{"role", "patient"}, {"name", "Layla"}})})}}));
    RABT_EXPECT_STATUS(answer, 201);
    at_ = "/api/v1/sessions/" + answer.text("id");
    id_ = answer.text("id");
    for (const Json& item : answer["participants"].as_array()) {
      if (item.string_or("role", "") == "patient") patient_ = item.string_or("id", "");
    }
    const Answer link =
        h_.post("AD", at_ + "/invitations", Json::object({{"participant", patient_}}));
    RABT_EXPECT_STATUS(link, 201);
    code_ = link.text("code");
    EXPECT_TRUE(link.text("link").ends_with("/i#" + code_)) << link.body;
    RABT_EXPECT_STATUS(h_.come_by_link(kGuest, code_), 200);
  }
  // The guest's request as another site, or a program, would send it.
  int raw(const std::string& method, const std::string& path, const std::string& body,
          std::vector<std::pair<std::string, std::string>> headers) {
    headers.emplace_back("Cookie", h_.person(kGuest).cookie);
    return h_.site.send(method, path, std::move(headers), body).status;
  }

  static constexpr const char* kGuest = "guest of a link";
  Hospital& h_ = Hospital::get();
  std::string id_;
  std::string at_;
  std::string patient_;
  std::string code_;
};

TEST_F(Links, APatientWhomNobodyEnteredIsInTheCall) {
  RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/join"), 200);
  EXPECT_EQ(h_.post(kGuest, at_ + "/token").text("code"), "participant.waiting");
  RABT_EXPECT_STATUS(h_.post("D", at_ + "/participants/" + patient_ + "/admit"), 200);
  RABT_EXPECT_STATUS(h_.post("D", at_ + "/join"), 200);
  const Answer joined = h_.post(kGuest, at_ + "/join");
  RABT_EXPECT_STATUS(joined, 200);
  EXPECT_EQ(joined.text("tokenUse"), "media");
  RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/messages", Json::object({{"text", "hello"}})), 201);
  const Answer shared = h_.post(
      kGuest, at_ + "/documents",
      Json::object(
          {{"documentType", "PDF"}, {"contentType", "application/pdf"}, {"data", "JVBERi0xLjQ="}}));
  RABT_EXPECT_STATUS(shared, 201);
  EXPECT_EQ(h_.get(kGuest, "/api/v1/documents/" + shared.text("id") + "/content").status, 200);
  RABT_EXPECT_STATUS(h_.get(kGuest, at_ + "/events"), 200);
  RABT_EXPECT_STATUS(h_.post(kGuest, "/api/v1/tickets"), 201);
  RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/leave"), 200);
}

TEST_F(Links, AUsedCodeIsRefused) {
  const Answer again =
      h_.call("-", "POST", "/api/v1/invitations/accept", Json::object({{"code", code_}}),
              {{"Sec-Fetch-Site", "same-origin"}});
  RABT_EXPECT_STATUS(again, 409);
  EXPECT_EQ(again.text("code"), "invitation.used");
  EXPECT_EQ(again.header("set-cookie"), "");
  EXPECT_EQ(again.body.find(code_), std::string::npos);
  EXPECT_EQ(again.body.find(id_), std::string::npos) << "a refusal names no session";
}

TEST_F(Links, ThePageMayLookAndMayNotBeAnotherSite) {
  const Json body = Json::object({{"code", code_}});
  const Answer shown = h_.call("-", "POST", "/api/v1/invitations/preview", body);
  RABT_EXPECT_STATUS(shown, 200);
  EXPECT_EQ(shown.body.find("Layla"), std::string::npos);
  EXPECT_EQ(shown.header("cache-control"), "no-store");
  for (const char* site : {"cross-site", "same-site", "none"}) {
    const Answer refused =
        h_.call("-", "POST", "/api/v1/invitations/accept", body, {{"Sec-Fetch-Site", site}});
    RABT_EXPECT_STATUS(refused, 403);
    EXPECT_EQ(refused.text("code"), "csrf.refused") << site;
  }
  EXPECT_EQ(h_.call("-", "POST", "/api/v1/invitations/accept", body).text("code"), "csrf.refused");
}

TEST_F(Links, ACookieWithoutAPageOfTheHubActsNowhere) {
  const std::string json = "application/json";
  EXPECT_EQ(raw("POST", at_ + "/join", "{}", {{"Content-Type", json}}), 403);
  EXPECT_EQ(
      raw("POST", at_ + "/join", "{}", {{"Content-Type", json}, {"Sec-Fetch-Site", "cross-site"}}),
      403);
  EXPECT_EQ(raw("POST", at_ + "/join", "{}",
                {{"Content-Type", json}, {"Origin", "https://evil.example"}}),
            403);
  EXPECT_EQ(raw("POST", at_ + "/messages", "text=hello",
                {{"Content-Type", "application/x-www-form-urlencoded"},
                 {"Sec-Fetch-Site", "same-origin"}}),
            403);
  EXPECT_EQ(raw("GET", at_, "", {}), 200) << "reading changes nothing";
}

TEST_F(Links, ACookieOpensNoOtherSession) {
  const Answer other = h_.post("AD", "/api/v1/sessions",
                               Json::object({{"type", "doctor_patient"},
                                             {"provider", h_.person("D").id},
                                             {"patient", h_.person("P").id}}));
  RABT_EXPECT_STATUS(other, 201);
  const std::string there = "/api/v1/sessions/" + other.text("id");
  // The browser shows nothing for that session; a forger writes the other name to the cookie.
  EXPECT_EQ(h_.get(kGuest, there).status, 401);
  std::string forged = h_.person(kGuest).cookie;
  forged.replace(forged.find(id_), id_.size(), other.text("id"));
  for (const auto& [method, path] :
       {std::pair{"GET", there}, {"POST", there + "/join"}, {"GET", there + "/messages"}}) {
    const auto answer = h_.site.send(method, path,
                                     {{"Cookie", forged},
                                      {"Sec-Fetch-Site", "same-origin"},
                                      {"Content-Type", "application/json"}},
                                     std::string(method) == "GET" ? "" : "{}");
    EXPECT_EQ(answer.status, 401) << method << " " << path;
  }
  // By its number, or from a path that names no session.
  EXPECT_NE(h_.get(kGuest, "/api/v1/sessions/" + other["number"].number_text()).status, 200);
  EXPECT_EQ(h_.get(kGuest, "/api/v1/sessions").status, 403);
}

TEST_F(Links, AGuestIsNobodyInTheRestOfTheHub) {
  for (const char* path : {"/api/v1/patients", "/api/v1/providers", "/api/v1/users", "/api/v1/me",
                           "/api/v1/recordings", "/api/v1/audit/entries", "/api/v1/instances",
                           "/api/v1/clinics", "/api/v1/visits"})
    EXPECT_EQ(h_.get(kGuest, path).status, 403) << path;
  for (const char* path : {"/api/v1/patients", "/api/v1/sessions", "/api/v1/break-glass"})
    EXPECT_EQ(h_.post(kGuest, path, Json::object()).status, 403) << path;
  EXPECT_EQ(h_.get(kGuest, "/video/sessions/" + id_).status, 401);
  EXPECT_EQ(h_.get(kGuest, "/api/v1/telemedicine").status, 401);
  EXPECT_EQ(h_.call(kGuest, "GET", at_, {}, {{"X-Rabt-Actor", h_.person("D").id}}).status, 401);
}

TEST_F(Links, AGuestIsNotHostAndDoesNotAdmitHimself) {
  RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/join"), 200);
  for (const std::string& act :
       {std::string("/start"), std::string("/end"), std::string("/cancel"),
        std::string("/participants"), std::string("/invitations"), std::string("/notes"),
        std::string("/vitals"), std::string("/prescriptions"), std::string("/recording/start"),
        "/participants/" + patient_ + "/admit"})
    EXPECT_EQ(h_.post(kGuest, at_ + act, Json::object()).status, 403) << act;
  for (const char* what : {"/notes", "/vitals", "/prescriptions", "/waiting-room", "/invitations"})
    EXPECT_EQ(h_.get(kGuest, at_ + what).status, 403) << what;
}

TEST_F(Links, ACancelledVisitIsClosedAtOnce) {
  RABT_EXPECT_STATUS(h_.get(kGuest, at_), 200);
  RABT_EXPECT_STATUS(h_.post("D", at_ + "/cancel", Json::object({{"reason", "ill"}})), 200);
  EXPECT_EQ(h_.get(kGuest, at_).status, 401);
  EXPECT_EQ(h_.post(kGuest, at_ + "/join").status, 401);
}

TEST_F(Links, ALinkThatIsSentAgainPutsTheFormerBrowserOut) {
  const Answer renewed = h_.post("AD", at_ + "/invitations",
                                 Json::object({{"participant", patient_}, {"renew", true}}));
  RABT_EXPECT_STATUS(renewed, 201);
  EXPECT_EQ(h_.get(kGuest, at_).status, 401);
  const Answer former =
      h_.call("-", "POST", "/api/v1/invitations/accept", Json::object({{"code", code_}}),
              {{"Sec-Fetch-Site", "same-origin"}});
  RABT_EXPECT_STATUS(former, 410);
  EXPECT_EQ(former.text("code"), "invitation.revoked");
  RABT_EXPECT_STATUS(h_.come_by_link(kGuest, renewed.text("code")), 200);
  RABT_EXPECT_STATUS(h_.get(kGuest, at_), 200);
}

// The commit that takes a link back, or sends another, ends what the former browser has open.
TEST_F(Links, TheLiveChannelOfAFormerBrowserEndsWithItsLink) {
  const std::pair<std::string, std::string> page{"Origin", "https://a.example"};
  for (const bool renews : {true, false}) {
    const Answer ticket = h_.call(kGuest, "POST", "/api/v1/tickets", Json::object(), {page});
    RABT_EXPECT_STATUS(ticket, 201);
    test::WebSocketClient client(h_.site.config.port);
    client.send(
        "GET /api/v1/stream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://a.example\r\n"
        "Sec-WebSocket-Protocol: rabt.v1, " +
        ticket.text("ticket") + "\r\n\r\n");
    ASSERT_NE(client.head().find(" 101 "), std::string::npos);
    // The hub looks once when the channel is opened: this is about what comes later.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const auto since = std::chrono::steady_clock::now();
    if (renews) {
      const Answer renewed = h_.post("AD", at_ + "/invitations",
                                     Json::object({{"participant", patient_}, {"renew", true}}));
      RABT_EXPECT_STATUS(renewed, 201);
      code_ = renewed.text("code");
    } else {
      const Answer all = h_.get("AD", at_ + "/invitations");
      RABT_EXPECT_STATUS(
          h_.call("D", "DELETE", at_ + "/invitations/" + all["items"].item(0).string_or("id", "")),
          204);
    }
    std::optional<int> closed;
    while (const auto frame = client.next()) {
      if (frame->opcode != 8) continue;
      closed = frame->close_code();
      break;
    }
    EXPECT_EQ(closed, 4401) << renews;
    EXPECT_LT(std::chrono::steady_clock::now() - since, std::chrono::seconds(10)) << renews;
    if (renews) RABT_EXPECT_STATUS(h_.come_by_link(kGuest, code_), 200);
  }
}

// Symptom: the host admitted the patient, and the socket of the link that had just ended got the
// media token before it was closed.
// Cause: the token of the event was given to the participant, whoever held his link.
// Tests waited until the socket was closed.
TEST_F(Links, TheLiveChannelOfAFormerBrowserGetsNoTokenAndSaysNothing) {
  const std::pair<std::string, std::string> page{"Origin", "https://a.example"};
  for (int round = 0; round < 4; ++round) {
    if (round > 0) SetUp();
    RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/join"), 200);
    const Answer ticket = h_.call(kGuest, "POST", "/api/v1/tickets", Json::object(), {page});
    RABT_EXPECT_STATUS(ticket, 201);
    test::WebSocketClient client(h_.site.config.port);
    client.send(
        "GET /api/v1/stream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://a.example\r\n"
        "Sec-WebSocket-Protocol: rabt.v1, " +
        ticket.text("ticket") + "\r\n\r\n");
    ASSERT_NE(client.head().find(" 101 "), std::string::npos);
    client.send(test::text_frame(R"({"type":"sub","id":1,"topic":"session:)" + id_ + R"("})"));
    std::this_thread::sleep_for(std::chrono::seconds(1));
    RABT_EXPECT_STATUS(h_.post("AD", at_ + "/invitations",
                               Json::object({{"participant", patient_}, {"renew", true}})),
                       201);
    client.send(test::text_frame(R"({"type":"say","id":2,"topic":"session:)" + id_ +
                                 R"(","kind":"chat","text":"as the patient"})"));
    RABT_EXPECT_STATUS(h_.post("D", at_ + "/participants/" + patient_ + "/admit"), 200);
    std::string all;
    while (const auto frame = client.next()) {
      if (frame->opcode == 8) break;
      all += frame->payload;
    }
    EXPECT_EQ(all.find("accessToken"), std::string::npos) << all;
    EXPECT_EQ(all.find("\"said\""), std::string::npos) << all;
  }
}

TEST_F(Links, WhatTheVisitIsAboutIsShownAfterAHostHasLetTheGuestIn) {
  const Answer now = h_.get("D", at_);
  RABT_EXPECT_STATUS(h_.call("D", "PATCH", at_, Json::object({{"chiefComplaint", "chest pain"}}),
                             {{"If-Match", now.header("ETag")}}),
                     200);
  RABT_EXPECT_STATUS(h_.post(kGuest, at_ + "/join"), 200);
  EXPECT_EQ(h_.get(kGuest, at_).body.find("chest pain"), std::string::npos);
  RABT_EXPECT_STATUS(h_.post("D", at_ + "/participants/" + patient_ + "/admit"), 200);
  EXPECT_NE(h_.get(kGuest, at_).body.find("chest pain"), std::string::npos);
}

TEST_F(Links, AnApplicationTakesNobodysPartByALink) {
  const Answer renewed = h_.post("AD", at_ + "/invitations",
                                 Json::object({{"participant", patient_}, {"renew", true}}));
  const net::Response taken = h_.site.send(
      "POST", "/api/v1/invitations/accept",
      {{"Authorization", "Bearer " + h_.site.token()}, {"Content-Type", "application/json"}},
      Json::object({{"code", renewed.text("code")}}).dump());
  EXPECT_EQ(taken.status, 403) << taken.body;
  RABT_EXPECT_STATUS(h_.come_by_link(kGuest, renewed.text("code")), 200);
}

TEST_F(Links, ARefusalSaysWhatIsSo) {
  const Json body = Json::object({{"code", code_}});
  RABT_EXPECT_STATUS(h_.post("D", at_ + "/cancel", Json::object({{"reason", "ill"}})), 200);
  const Answer used =
      h_.call("-", "POST", "/api/v1/invitations/accept", body, {{"Sec-Fetch-Site", "same-origin"}});
  EXPECT_EQ(used.text("code"), "invitation.expired") << used.body;
}

TEST_F(Links, NeitherCodeNorCookieIsInTheLogsOfTheHub) {
  const std::string cookie = h_.person(kGuest).cookie;
  const std::string secret = cookie.substr(cookie.find('=') + 1);
  // In an address it would be in logs of proxies; the hub takes it in a body alone.
  EXPECT_NE(h_.get("-", "/api/v1/invitations/accept?code=" + code_).status, 200);
  const std::string log = e2e::read_file(h_.site.folder() / "hub.log");
  EXPECT_EQ(log.find(secret), std::string::npos);
  const Answer entries = h_.get("AD", "/api/v1/audit/entries?limit=200");
  RABT_EXPECT_STATUS(entries, 200);
  EXPECT_EQ(entries.body.find(code_), std::string::npos);
  EXPECT_EQ(entries.body.find(secret), std::string::npos);
  EXPECT_NE(entries.body.find("guest:" + patient_), std::string::npos);
}

TEST_F(Links, TooManyTriesWithOneCodeAreStopped) {
  int limited = 0;
  for (int i = 0; i < 30; ++i) {
    const Answer answer =
        h_.call("-", "POST", "/api/v1/invitations/preview", Json::object({{"code", code_}}));
    if (answer.status == 429) ++limited;
  }
  EXPECT_GT(limited, 5);
}

// Row d of an ordinary week: entered after the booking, under the number that the booking named.
TEST_F(Links, APatientWhoIsEnteredLaterIsFoundByHisNumberHoweverHeIsWritten) {
  const Json number =
      Json::object({{"system", "http://nphies.sa/identifier/nationalid"}, {"value", "1087654321"}});
  const Answer before = h_.post(
      "AD", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"provider", h_.person("D").id}, {"patient", number}}));
  RABT_EXPECT_STATUS(before, 422);
  const Answer entered = h_.post(
      "AD", "/api/v1/patients",
      Json::object({{"name", "Layla"},
                    {"identifiers", Json::array({Json::object(
                                        {{"kind", "national_id"}, {"value", "1087654321"}})})}}));
  RABT_EXPECT_STATUS(entered, 201);
  const Answer after = h_.post(
      "AD", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"provider", h_.person("D").id}, {"patient", number}}));
  RABT_EXPECT_STATUS(after, 201);
  EXPECT_EQ(after.text("patient"), entered.text("id"));
  // The same number among the outside ids is the same person.
  const Answer twice =
      h_.post("AD", "/api/v1/patients",
              Json::object({{"name", "Layla"}, {"externalIds", Json::array({number})}}));
  RABT_EXPECT_STATUS(twice, 409);
  EXPECT_EQ(twice.text("code"), "person.taken");
}

}  // namespace
}  // namespace rabt::acceptance::guests_test
