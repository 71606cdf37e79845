#include <filesystem>
#include <sstream>

#include "hub/base/bytes.hpp"
#include "hub/net/local_http.hpp"
#include "tests/acceptance/hospital.hpp"

// Rows of the catalogue that ask for a hub of their own: one without a video provider, whose doors
// have listeners and rates, and which is stopped and started again.
namespace rabt::acceptance {
namespace {

constexpr const char* kTelemedicine = "/api/v1/telemedicine/";
constexpr const char* kOrigin = "https://portal.example.sa";

Hospital& h() {
  static Hospital one(
      HospitalOptions{.pulseone = "listen: 0, rate: 1, cors: ['https://portal.example.sa']",
                      .clinicvault = "listen: 0, rate: 0",
                      .kind = e2e::Kind::edge});
  return one;
}

std::int64_t visit() {
  const Answer answer =
      h().post("D", "/api/v1/visits", Json::object({{"patient", h().person("P").id}}));
  RABT_EXPECT_STATUS(answer, 201);
  return answer.json.int_or("number", 0);
}

// The port that the operating system chose for the listener of a door; the log names it.
std::string url_of(std::string_view door) {
  std::istringstream log(e2e::read_file(h().site.config.log));
  std::int64_t port = 0;
  for (std::string line; std::getline(log, line);) {
    const auto entry = Json::parse(line);
    if (entry.ok() && entry->string_or("event", "") == "hub.door" &&
        entry->string_or("door", "") == door)
      port = entry->int_or("port", 0);
  }
  EXPECT_GT(port, 0) << door;
  return "http://127.0.0.1:" + std::to_string(port);
}
Answer ask(const std::string& url, std::string_view who) {
  net::LocalHttp http;
  std::vector<std::pair<std::string, std::string>> headers;
  if (who != "-") headers.emplace_back("Authorization", "Bearer " + h().person(who).token);
  const auto response = http.send("GET", url, std::move(headers), {});
  EXPECT_TRUE(response.ok()) << url;
  if (!response.ok()) return {};
  const auto parsed = Json::parse(response->body);
  return {.status = response->status,
          .body = response->body,
          .json = parsed.ok() ? *parsed : Json(),
          .headers = response->headers};
}

TEST(OwnHub, E17WithoutAProviderSessionsAreHeldAndNobodyGetsAToken) {
  const Answer one = h().post(
      "D", kTelemedicine, Json::object({{"visit", visit()}, {"notes", "Follow-up consultation"}}));
  RABT_EXPECT_STATUS(one, 201);
  EXPECT_EQ(one["warnings"], Json::array({Json("video.not_configured")}));
  const std::string at = kTelemedicine + one["id"].number_text() + "/";
  RABT_EXPECT_STATUS(h().post("D", at + "start/"), 200);
  for (const char* who : {"D", "P"}) {
    const Answer token = h().post(who, std::string(kTelemedicine) + "token/",
                                  Json::object({{"session_id", one["id"]}}));
    RABT_EXPECT_STATUS(token, 503);
    EXPECT_EQ(token["detail"], Json("no video provider is bound to the role video"));
    EXPECT_EQ(token.header("X-Rabt-Code"), "video.not_configured");
  }
  const Answer over = h().post("D", at + "end/");
  RABT_EXPECT_STATUS(over, 200);
  EXPECT_EQ(over["status"], Json("COMPLETED"));
}

TEST(OwnHub, P35P36C34ADoorHasItsOwnListenerOverADatabaseThatWasNotThere) {
  EXPECT_TRUE(std::filesystem::exists(h().site.config.data + "/rabt.db"));
  const std::string pulseone = url_of("pulseone");
  // What PulseOne answers on its port, whatever the client accepts.
  const Answer well = ask(pulseone + "/health", "-");
  RABT_EXPECT_STATUS(well, 200);
  EXPECT_EQ(well["service"], Json("Video Consultation Service"));
  EXPECT_EQ(well["aws_chime"], Json("not_configured"));
  RABT_EXPECT_STATUS(ask(pulseone + "/api/video/sessions", "D2"), 200);
  EXPECT_EQ(ask(pulseone + "/openapi.json", "-")["info"]["title"],
            Json("Video Consultation Service"));
  EXPECT_EQ(ask(url_of("clinicvault") + "/openapi.json", "-")["info"]["title"],
            Json("ClinicVault"));
  RABT_EXPECT_STATUS(ask(url_of("clinicvault") + "/dashboard", "P"), 200);
}

TEST(OwnHub, P38TheDoorHasItsRateAndItsOrigins) {
  const auto preflight = [](const char* origin) {
    return h().call("-", "OPTIONS", "/api/video/sessions", {},
                    {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
  };
  const Answer good = preflight(kOrigin);
  RABT_EXPECT_STATUS(good, 204);
  EXPECT_EQ(good.header("Access-Control-Allow-Origin"), kOrigin);
  EXPECT_EQ(preflight("https://evil.example").header("Access-Control-Allow-Origin"), "");
  // One a second, so that a hundred at once are too many however slow the machine is.
  Answer last;
  for (int i = 0; i < 100 && last.status != 429; ++i) last = h().get("P2", "/api/video/sessions");
  RABT_EXPECT_STATUS(last, 429);
  EXPECT_NE(last.header("Retry-After"), "");
  EXPECT_NE(last.header("RateLimit"), "");
  EXPECT_TRUE(last["detail"].is_string()) << last.body;
  RABT_EXPECT_STATUS(h().get("P2", kTelemedicine), 200);
}

TEST(OwnHub, C13NothingOfAPatientIsReadableOnDisk) {
  const std::string name = "Zubaydah Al-Qalqashandi";
  const std::string diary = "Migraine with aura since Michaelmas";
  const std::string advice = "Sumatriptan before the third cup of coffee";
  const Answer registered = h().post("-", "/auth/register",
                                     Json::object({{"username", "c13"},
                                                   {"email", "zubaydah.c13@example.sa"},
                                                   {"password", "a long password of a patient"},
                                                   {"full_name", name}}));
  RABT_EXPECT_STATUS(registered, 201);
  const Answer on = h().get("D", "/consultation/start/" + registered["id"].number_text());
  RABT_EXPECT_STATUS(on, 200);
  const std::string session = on["consultation_id"].number_text();
  RABT_EXPECT_STATUS(
      h().post("D", "/consultation/notes",
               Json::object({{"consultation_id", on["consultation_id"]}, {"notes", advice}})),
      200);
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + session + "/documents",
                              Json::object({{"documentType", "TEXT"},
                                            {"title", "diary of c13"},
                                            {"contentType", "text/plain"},
                                            {"data", to_base64(as_bytes(diary))}})),
                     201);
  RABT_EXPECT_STATUS(h().get("D", "/consultation/end/" + session), 200);
  const auto found = e2e::search({h().site.config.data, h().site.config.log},
                                 {name, diary, advice, "zubaydah.c13@example.sa"});
  EXPECT_TRUE(found.empty()) << found.front();
}

TEST(OwnHub, C35C36TokensAndRecordsOutliveARestart) {
  const std::string password = "a long password of a patient";
  RABT_EXPECT_STATUS(h().post("-", "/auth/register",
                              Json::object({{"username", "c35"},
                                            {"email", "c35@example.sa"},
                                            {"password", password},
                                            {"full_name", "Patient of C35"}})),
                     201);
  const Answer in =
      h().post("-", "/auth/login", Json::object({{"username", "c35"}, {"password", password}}));
  RABT_EXPECT_STATUS(in, 200);
  EXPECT_TRUE(std::filesystem::exists(h().site.config.data + "/keyring"));
  h().site.stop_hub();
  h().site.start_hub();
  const Answer board = h().call("-", "GET", "/dashboard", {},
                                {{"Authorization", "Bearer " + in.text("access_token")}});
  RABT_EXPECT_STATUS(board, 200);
  EXPECT_EQ(board["user"]["full_name"], Json("Patient of C35")) << board.body;
}

}  // namespace
}  // namespace rabt::acceptance
