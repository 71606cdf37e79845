#include <Poco/DeflatingStream.h>

#include <atomic>
#include <filesystem>
#include <sstream>
#include <thread>

#include "hub/base/bytes.hpp"
#include "hub/identity/totp.hpp"
#include "hub/net/local_http.hpp"
#include "tests/acceptance/hospital.hpp"

// Rows of the catalogue that ask for a hub of their own: one without a video provider, whose doors
// have listeners and rates, and which is stopped and started again.
namespace rabt::acceptance::own_hub_test {
namespace {

constexpr const char* kTelemedicine = "/api/v1/telemedicine/";
constexpr const char* kOrigin = "https://portal.example.sa";

Hospital& h() {
  static Hospital one(
      HospitalOptions{.pulseone = "listen: 0, rate: 1, cors: ['https://portal.example.sa']",
                      .clinicvault = "listen: 0, rate: 0, second_factor: exempt",
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
  const Answer answer = h().post(
      "D", kTelemedicine, Json::object({{"visit", visit()}, {"notes", "Follow-up consultation"}}));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["warnings"], Json::array({Json("video.not_configured")}));
  const std::string at = kTelemedicine + answer["id"].number_text() + "/";
  RABT_EXPECT_STATUS(h().post("D", at + "start/"), 200);
  for (const char* who : {"D", "P"}) {
    const Answer token = h().post(who, std::string(kTelemedicine) + "token/",
                                  Json::object({{"session_id", answer["id"]}}));
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
  // PulseOne's port answers with PulseOne's formats, for any Accept header.
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

// Symptom: ClinicVault's administrator was asked for a code for which old clients have no field.
// Cause: the second factor of a role had no exception. It is one of this API, and of nothing else.
TEST(OwnHub, C40AnOldClientsAdministratorSignsInWhereTheApiIsExempt) {
  const std::string password = "a long sentence for signing in";
  const auto account = [&](const char* name, const char* role) {
    return Json::object({{"username", name},
                         {"email", std::string(name) + "@example.sa"},
                         {"password", password},
                         {"full_name", "Somebody of the office"},
                         {"role", role}});
  };
  RABT_EXPECT_STATUS(h().post("AD", "/auth/register", account("office", "admin")), 403);
  h().confirm("role.assign");
  RABT_EXPECT_STATUS(h().post("AD", "/auth/register", account("office", "admin")), 201);
  const Json proof = Json::object({{"username", "office"}, {"password", password}});
  const auto shown = [](const Answer& in) {
    const std::string token =
        in.text(in["access_token"].is_string() ? "access_token" : "accessToken");
    return std::vector<std::pair<std::string, std::string>>{{"Authorization", "Bearer " + token}};
  };
  const auto serves = [&](const Answer& in) {
    RABT_EXPECT_STATUS(in, 200);
    for (const char* path : {"/dashboard", "/admin/users", "/admin/logs"})
      RABT_EXPECT_STATUS(h().call("-", "GET", path, {}, shown(in)), 200);
    for (const char* path : {"/api/v1/users", "/video/sessions"}) {
      const Answer elsewhere = h().call("-", "GET", path, {}, shown(in));
      RABT_EXPECT_STATUS(elsewhere, 401);
      const std::string code =
          elsewhere["code"].is_string() ? elsewhere.text("code") : elsewhere.header("X-Rabt-Code");
      EXPECT_EQ(code, "auth.enrolment_required") << path;
    }
    const Answer staff =
        h().call("-", "POST", "/auth/register", account("quack", "doctor"), shown(in));
    RABT_EXPECT_STATUS(staff, 401);
    EXPECT_EQ(staff.header("X-Rabt-Code"), "auth.enrolment_required");
  };
  const Answer in = h().post("-", "/auth/login", proof);
  serves(in);

  // With a second factor that an old client cannot show.
  const Answer enrolled = h().call("-", "POST", "/api/v1/me/mfa", Json::object(), shown(in));
  RABT_EXPECT_STATUS(enrolled, 201);
  const auto secret = identity::from_base32(enrolled.text("secret"));
  ASSERT_TRUE(secret) << enrolled.body;
  const std::int64_t step = identity::totp_step(SystemClock().now());
  RABT_EXPECT_STATUS(
      h().call("-", "POST", "/api/v1/me/mfa/confirm",
               Json::object({{"code", identity::totp_code(*secret, step - 1)}}), shown(in)),
      200);
  serves(h().post("-", "/auth/login", proof));
  RABT_EXPECT_STATUS(h().post("-", "/api/v1/auth/login", proof), 401);
  // A page can ask for the code.
  const net::Response form = h().site.send(
      "POST", "/auth/login",
      {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "text/html"}},
      "username=office&password=a+long+sentence+for+signing+in");
  EXPECT_EQ(form.status, 401) << form.body;
  EXPECT_NE(form.body.find("mfa_required"), std::string::npos) << form.body;
}

// A small PDF of streams which are as long as the hub unpacks.
std::string heavy_pdf() {
  constexpr std::size_t kStream = 8U << 20U;
  constexpr int kStreams = 8;
  std::ostringstream out;
  Poco::DeflatingOutputStream packing(out, Poco::DeflatingStreamBuf::STREAM_ZLIB);
  packing << std::string(kStream, ' ');
  packing.close();
  const std::string packed = out.str();
  std::string pdf = "%PDF-1.4\n";
  for (int i = 1; i <= kStreams; ++i) {
    pdf += std::to_string(i) + " 0 obj\n<< /Length " + std::to_string(packed.size()) +
           " /Filter /FlateDecode >>\nstream\n" + packed + "\nendstream\nendobj\n";
  }
  return pdf + "%%EOF";
}

Json document(const char* type, const char* content_type, std::string_view data) {
  return Json::object(
      {{"documentType", type}, {"contentType", content_type}, {"data", to_base64(as_bytes(data))}});
}

// Somebody who shares documents over many connections until stop().
class Crowd {
 public:
  static constexpr int kConnections = 16;

  Crowd(Hospital& h, const std::string& who, const std::string& session) {
    const std::string url = h.site.url() + "/api/v1/sessions/" + session + "/documents";
    const std::string body = document("PDF", "application/pdf", heavy_pdf()).dump();
    const std::string token = "Bearer " + h.person(who).token;
    for (int i = 0; i < kConnections; ++i)
      threads_.emplace_back([this, url, body, token] { send(url, body, token); });
  }
  ~Crowd() { stop(); }
  void stop() {
    stopping_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  // Documents that the hub has taken.
  [[nodiscard]] int taken() const { return taken_; }
  // Answers that are neither 201 nor say that too many of this caller run at once.
  [[nodiscard]] int odd() const { return odd_; }

 private:
  void send(const std::string& url, const std::string& body, const std::string& token) {
    net::LocalHttp http;
    while (!stopping_) {
      const auto answer =
          http.send("POST", url, {{"Authorization", token}, {"Content-Type", "application/json"}},
                    body, 120'000);
      const bool taken = answer.ok() && answer->status == 201;
      const bool later = answer.ok() && answer->status == 429 &&
                         answer->body.find("rate.concurrent") != std::string::npos;
      if (taken) ++taken_;
      if (!taken && !later) ++odd_;
    }
  }

  std::atomic<bool> stopping_{false};
  std::atomic<int> taken_{0};
  std::atomic<int> odd_{0};
  std::vector<std::thread> threads_;
};

// Of many heavy documents of one caller one runs at a time: others go past those that wait. Counted
// in documents, since the time of one depends on the machine.
TEST(OwnHub, ByDefaultWhoSharesHeavyDocumentsKeepsNobodyElseWaiting) {
  Hospital own(HospitalOptions{.kind = e2e::Kind::edge, .default_limits = true});
  const auto session_of = [&](const char* doctor, const char* patient) {
    const Answer made = own.post(doctor, "/api/v1/sessions",
                                 Json::object({{"type", "doctor_patient"},
                                               {"patient", own.person(patient).id},
                                               {"waitingRoom", false}}));
    RABT_EXPECT_STATUS(made, 201);
    return made.text("id");
  };
  const std::string his = session_of("D", "P");
  const std::string at = "/api/v1/sessions/" + session_of("D2", "P2");
  RABT_EXPECT_STATUS(own.post("D2", at + "/start"), 200);

  Crowd crowd(own, "D", his);
  ASSERT_TRUE(eventually([&] { return crowd.taken() > 0; }));
  const Json note = document("TEXT", "text/plain", "a short letter");
  const Json line = Json::object({{"text", "good morning"}});
  for (int round = 0; round < 3; ++round) {
    const auto goes_past = [&](int status, const std::string& who, const std::string& path,
                               const Json& body = {}) {
      const int before = crowd.taken();
      const Answer answer = own.call(who, body.is_null() ? "GET" : "POST", path, body);
      RABT_EXPECT_STATUS(answer, status);
      EXPECT_LT(crowd.taken() - before, Crowd::kConnections / 2) << who << " " << path;
    };
    goes_past(201, "D2", at + "/documents", note);
    goes_past(201, "P2", at + "/documents", note);
    goes_past(201, "P2", at + "/messages", line);
    goes_past(200, "P2", at);
    goes_past(200, "AD", "/api/v1/audit/entries?limit=10");
    goes_past(200, "-", "/health");
    goes_past(200, "-", "/video/health");
  }
  crowd.stop();
  EXPECT_EQ(crowd.odd(), 0);
}

}  // namespace
}  // namespace rabt::acceptance::own_hub_test
