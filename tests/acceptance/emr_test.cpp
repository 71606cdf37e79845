#include <algorithm>
#include <regex>

#include "tests/acceptance/hospital.hpp"

// Calls of the EMR's API.
namespace rabt::acceptance::emr_test {
namespace {

constexpr const char* kRoot = "/api/v1/telemedicine/";

Hospital& h() {
  return Hospital::get();
}

// An open visit of P: its number.
std::int64_t visit() {
  const Answer answer =
      h().post("D", "/api/v1/visits", Json::object({{"patient", h().person("P").id}}));
  RABT_EXPECT_STATUS(answer, 201);
  return answer.json.int_or("number", 0);
}

Json sample(std::int64_t visit_number) {
  return Json::object({{"visit", visit_number},
                       {"appointment", Json()},
                       {"scheduled_start", "2026-12-25T10:00:00Z"},
                       {"recording_enabled", false},
                       {"notes", "Follow-up consultation"}});
}

std::string made() {
  const Answer answer = h().post("D", kRoot, sample(visit()));
  RABT_EXPECT_STATUS(answer, 201);
  return answer["id"].is_number() ? answer["id"].number_text() : "0";
}
std::string path(const std::string& id, const std::string& act = "") {
  return kRoot + id + "/" + (act.empty() ? "" : act + "/");
}
std::string started() {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 200);
  return id;
}
Json session_id(const std::string& id) {
  return Json::object({{"session_id", Json::number(id)}});
}

TEST(Emr, E01ListsTheSessionsOfAVisit) {
  const std::int64_t number = visit();
  RABT_EXPECT_STATUS(h().post("D", kRoot, sample(number)), 201);
  (void)made();
  const std::string filtered = std::string(kRoot) + "?visit_id=" + std::to_string(number);
  const Answer own = h().get("D", filtered);
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_EQ(own["count"], Json(1)) << own.body;
  EXPECT_EQ(own["results"][0]["visit"], Json(number));
  EXPECT_TRUE(own["next"].is_null());
  EXPECT_EQ(h().get("P2", filtered)["count"], Json(0));
  RABT_EXPECT_STATUS(h().get("D", kRoot), 200);
}

// A client that asks for page after page until there is none would never end.
TEST(Emr, E01APageBehindTheLastIsNone) {
  const std::string root(kRoot);
  (void)made();
  for (const char* page : {"99", "0", "-1", "last-but-one", "1.5"}) {
    const Answer none = h().get("D", root + "?page=" + page);
    RABT_EXPECT_STATUS(none, 404);
    EXPECT_EQ(none.json, Json::object({{"detail", "Invalid page."}})) << page;
    EXPECT_EQ(none.header("X-Rabt-Code"), "api.page");
  }
  const std::int64_t count =
      h().get("D", root + "?page=1&page_size=1")["count"].as_int64().value_or(0);
  RABT_EXPECT_STATUS(h().get("D", root + "?page_size=1&page=" + std::to_string(count)), 200);
  RABT_EXPECT_STATUS(h().get("D", root + "?page_size=1&page=" + std::to_string(count + 1)), 404);
  // The list of a user without data is empty, not missing.
  h().enter("E01alone", "doctor");
  const Answer empty = h().get("E01alone", root + "?page=1");
  RABT_EXPECT_STATUS(empty, 200);
  EXPECT_EQ(empty["count"], Json(0));
}

TEST(Emr, E23PagesOfOtherOriginsAskBefore) {
  for (const std::string& at : {std::string(kRoot), std::string(kRoot) + "token/"}) {
    const auto preflight = [&at](const char* origin) {
      return h().call("-", "OPTIONS", at, {},
                      {{"Origin", origin}, {"Access-Control-Request-Method", "POST"}});
    };
    const Answer good = preflight("https://app.example.sa");
    RABT_EXPECT_STATUS(good, 204);
    EXPECT_EQ(good.header("Access-Control-Allow-Origin"), "https://app.example.sa") << at;
    EXPECT_NE(good.header("Access-Control-Allow-Methods").find("POST"), std::string::npos) << at;
    EXPECT_EQ(preflight("https://evil.example").header("Access-Control-Allow-Origin"), "") << at;
  }
}

TEST(Emr, E02CreatesASession) {
  const Answer answer = h().post("D", kRoot, sample(visit()));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["status"], Json("SCHEDULED"));
  EXPECT_EQ(answer.text("scheduled_start").substr(0, 19), "2026-12-25T10:00:00");
  EXPECT_EQ(answer["doctor"], Json(h().number("D")));
  EXPECT_EQ(answer["patient"], Json(h().number("P")));
  for (const char* who : {"P", "N"}) {
    const Answer refused = h().post(who, kRoot, sample(visit()));
    RABT_EXPECT_STATUS(refused, 403);
    EXPECT_EQ(refused["detail"], Json("Only doctors can create telemedicine sessions."));
  }
}

TEST(Emr, E03GetsASession) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().get("P", path(id)), 200);
  const int stranger = h().get("P2", path(id)).status;
  EXPECT_TRUE(stranger == 403 || stranger == 404) << stranger;
}

TEST(Emr, E04StartsASession) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("P", path(id, "start")), 403);
  RABT_EXPECT_STATUS(h().post("D2", path(id, "start")), 403);
  const Answer answer = h().post("D", path(id, "start"));
  RABT_EXPECT_STATUS(answer, 200);
  EXPECT_EQ(answer["status"], Json("IN_PROGRESS"));
  EXPECT_TRUE(answer["started_at"].is_string());
}

TEST(Emr, E05E14EndsASession) {
  const std::string id = started();
  RABT_EXPECT_STATUS(h().post("P", path(id, "end")), 403);
  const Answer over = h().post("D", path(id, "end"));
  RABT_EXPECT_STATUS(over, 200);
  EXPECT_EQ(over["status"], Json("COMPLETED"));
  EXPECT_TRUE(over["ended_at"].is_string());
  EXPECT_TRUE(over["duration_minutes"].as_int64().has_value()) << over.body;
}

TEST(Emr, E06E09GivesTokensWhileItRuns) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("D", std::string(kRoot) + "token/", session_id(id)), 409);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 200);
  for (const char* who : {"D", "P"}) {
    const Answer token = h().post(who, std::string(kRoot) + "token/", session_id(id));
    RABT_EXPECT_STATUS(token, 200);
    EXPECT_FALSE(token.text("token").empty()) << token.body;
    EXPECT_EQ(token["session_id"], Json::number(id));
    EXPECT_EQ(token["room_name"], h().get("D", path(id))["room_name"]);
  }
  RABT_EXPECT_STATUS(h().post("P2", std::string(kRoot) + "token/", session_id(id)), 403);
  EXPECT_EQ(h().get("D", path(id))["participants"].size(), 2U);
}

TEST(Emr, E07LeavesASession) {
  const std::string id = started();
  RABT_EXPECT_STATUS(h().post("P", std::string(kRoot) + "token/", session_id(id)), 200);
  const Answer left = h().post("P", path(id, "leave"));
  RABT_EXPECT_STATUS(left, 200);
  EXPECT_TRUE(left["left_at"].is_string());
  EXPECT_EQ(left["session_id"], Json::number(id));
}

TEST(Emr, E08E12ASessionHasAllItsMembers) {
  const Answer answer = h().get("D", path(made()));
  for (const char* key : {"id",
                          "visit",
                          "appointment",
                          "doctor",
                          "patient",
                          "room_name",
                          "room_sid",
                          "status",
                          "scheduled_start",
                          "started_at",
                          "ended_at",
                          "duration_minutes",
                          "recording_enabled",
                          "recording_url",
                          "notes",
                          "participants",
                          "created_by",
                          "created_at",
                          "updated_at",
                          "end_reason",
                          "warnings"})
    EXPECT_NE(answer.json.find(key), nullptr) << key;
  EXPECT_TRUE(std::regex_match(answer.text("room_name"), std::regex("^visit-\\d+-[0-9a-z]+$")))
      << answer.body;
  EXPECT_EQ(answer["recording_enabled"], Json(false));
  EXPECT_TRUE(answer["recording_url"].is_null());
  EXPECT_EQ(answer["created_by"], Json(h().number("D")));
}

TEST(Emr, E10E11TheVisitMustBeThereAndOpen) {
  const Answer none = h().post("D", kRoot, Json::object({{"notes", "x"}}));
  RABT_EXPECT_STATUS(none, 400);
  EXPECT_TRUE(none["visit"].is_array()) << none.body;
  const Answer unknown = h().post("D", kRoot, sample(99'999));
  RABT_EXPECT_STATUS(unknown, 400);
  EXPECT_TRUE(unknown["visit"].is_array()) << unknown.body;
  const std::int64_t number = visit();
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/visits/" + std::to_string(number) + "/close"), 200);
  const Answer closed = h().post("D", kRoot, sample(number));
  RABT_EXPECT_STATUS(closed, 400);
  EXPECT_TRUE(closed["visit"].is_array()) << closed.body;
}

TEST(Emr, E13RecordingIsAWish) {
  Json body = sample(visit());
  body.set("recording_enabled", true);
  EXPECT_EQ(h().post("D", kRoot, body)["recording_enabled"], Json(true));
}

TEST(Emr, E13OfSeveralFilesTheAddressIsThatOfOneAndDoesNotChange) {
  Json body = sample(visit());
  body.set("recording_enabled", true);
  const Answer answer = h().post("D", kRoot, body);
  RABT_EXPECT_STATUS(answer, 201);
  const std::string id = answer["id"].number_text();
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 200);
  for (const char* who : {"D", "P"}) {
    const Answer token = h().post(who, std::string(kRoot) + "token/", session_id(id));
    RABT_EXPECT_STATUS(token, 200);
    const std::string room = h().get("D", path(id)).text("room_sid");
    (void)h().site.control("POST", "/control/twilio/join",
                           Json::object({{"room", room}, {"token", token["token"]}}).dump());
  }
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  std::string url;
  ASSERT_TRUE(eventually([&] {
    url = h().get("D", path(id)).text("recording_url");
    return !url.empty();
  }));
  const auto files = [&] {
    return h().get("D", "/api/v1/sessions/" + id + "/recordings")["items"];
  };
  ASSERT_TRUE(eventually([&] {
    const Json all = files();
    return std::all_of(all.as_array().begin(), all.as_array().end(),
                       [](const Json& item) { return item["status"] == Json("ready"); });
  }));
  ASSERT_GT(files().size(), 1U) << "the provider has a file for each track";
  EXPECT_EQ(h().get("P", path(id)).text("recording_url"), url);
  const Answer shown = h().get("D", url.substr(0, url.rfind('/')));
  EXPECT_EQ(shown.text("kind"), "video") << shown.body;
}

TEST(Emr, E29WhoSaysNothingOfRecordingsGetsWhatIsConfigured) {
  Json body = sample(visit());
  body.mutable_object().erase("recording_enabled");
  const Answer answer = h().post("D", kRoot, body);
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["recording_enabled"], Json(false));
  const std::string id = answer["id"].number_text();
  const Answer wished =
      h().call("D", "PATCH", path(id), Json::object({{"recording_enabled", true}}));
  EXPECT_EQ(wished["recording_enabled"], Json(true)) << wished.body;
}

TEST(Emr, E16ASessionHasOneRoomAtTheProvider) {
  const std::string id = started();
  for (const char* who : {"D", "P", "D"}) {
    RABT_EXPECT_STATUS(h().post(who, std::string(kRoot) + "token/", session_id(id)), 200);
  }
  const Answer answer = h().get("D", path(id));
  const auto rooms = [&](const char* kind) {
    return h().site.control("GET", std::string("/ledger?service=twilio&kind=") + kind +
                                       "&key=" + answer.text("room_name"));
  };
  const Json item = rooms("room.created");
  ASSERT_EQ(item.size(), 1U) << item.dump();
  EXPECT_EQ(item[0]["detail"]["sid"], answer["room_sid"]);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  EXPECT_TRUE(eventually([&] { return rooms("room.completed").size() > 0; }));
  EXPECT_EQ(rooms("room.completed").size(), 1U);
}

TEST(Emr, E32P37AWrongApiSecretIsNamedByTheTokenAndByTheHealth) {
  h().site.faults("twilio", R"([{"match": {"method": "POST", "path": "^/v1/Rooms$"},
                                 "fault": "status", "status": 401}])");
  const std::string id = started();
  const auto health = [] {
    return h().get("AD", "/health")["detail"].string_or("credentials", "");
  };
  // A call for a session of another test that the provider answers well clears what /health says.
  std::string said;
  for (int i = 0; i < 100 && said.empty(); ++i) {
    const Answer refused = h().post("P", std::string(kRoot) + "token/", session_id(id));
    RABT_EXPECT_STATUS(refused, 503);
    EXPECT_NE(refused.text("detail").find("credentials of plugin://twilio"), std::string::npos)
        << refused.body;
    said = health();
  }
  h().site.faults("twilio", "[]");
  EXPECT_NE(said.find("does not accept the credentials of plugin://twilio"), std::string::npos)
      << said;
  EXPECT_NE(h().get("D", path(id))["warnings"].dump().find("video.credentials"), std::string::npos);
  // Once it is mended, the next one who comes gets in.
  RABT_EXPECT_STATUS(h().post("P", std::string(kRoot) + "token/", session_id(id)), 200);
  EXPECT_EQ(health(), "");
  EXPECT_EQ(h().get("D", path(id))["warnings"].dump().find("video.credentials"), std::string::npos);
}

TEST(Emr, E21NothingChangesAfterTheEnd) {
  const std::string id = started();
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  const Answer before = h().get("D", path(id));
  RABT_EXPECT_STATUS(h().call("D", "PATCH", path(id), Json::object({{"notes", "late"}})), 409);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 409);
  RABT_EXPECT_STATUS(h().post("D", std::string(kRoot) + "token/", session_id(id)), 409);
  EXPECT_EQ(h().get("D", path(id)).body, before.body);
}

TEST(Emr, E22ChangesBeforeTheEndAndDeletesNothing) {
  const std::string id = made();
  for (const char* method : {"PATCH", "PUT"}) {
    const Answer changed = h().call("D", method, path(id), Json::object({{"notes", method}}));
    RABT_EXPECT_STATUS(changed, 200);
    EXPECT_EQ(changed["notes"], Json(method));
  }
  const Answer refused = h().call("D", "DELETE", path(id));
  RABT_EXPECT_STATUS(refused, 405);
  EXPECT_TRUE(refused["detail"].is_string()) << refused.body;
}

TEST(Emr, PathsAnswerWithAndWithoutASlash) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().get("D", std::string(kRoot) + id), 200);
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/telemedicine"), 200);
  RABT_EXPECT_STATUS(h().post("D", std::string(kRoot) + id + "/start"), 200);
  const Answer stranger = h().get("-", kRoot);
  RABT_EXPECT_STATUS(stranger, 401);
  EXPECT_TRUE(stranger["detail"].is_string());
}

}  // namespace
}  // namespace rabt::acceptance::emr_test
