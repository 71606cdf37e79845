#include "tests/assembly/two_tenants.hpp"
#include "tests/operations.hpp"

// Rights in one tenant, over HTTP.
namespace rabt::assembly::access_test {
namespace {

class Access : public TwoTenants {
 protected:
  // Somebody more of a role, by a token of the issuer.
  std::string another(const std::string& name, const std::string& role) {
    const std::int64_t now = clock_.now().ms / 1000;
    const auto token = crypto::sign_jwt(
        as_bytes(text_of(folder_ / "north/issuer.secret")), "HS256", R"({"typ":"JWT"})",
        Json::object(
            {{"sub", name}, {"role", role}, {"name", name}, {"iat", now}, {"exp", now + 3000}})
            .dump());
    EXPECT_TRUE(token.ok());
    const std::string text = token.ok() ? *token : "";
    ids_[name] = call("north", text, "GET", "/api/v1/me").json.string_or("id", "");
    return text;
  }
  Answer north(const std::string& token, const std::string& method, const std::string& path,
               const Json& body = {},
               std::vector<std::pair<std::string, std::string>> headers = {}) {
    return call("north", token, method, path, body, std::move(headers));
  }
};

TEST_F(Access, ADoctorChangesTheRecordsOfThoseWhomHeTreatsAlone) {
  start();
  const std::string stranger = another("stranger", "doctor");
  const std::string at = "/api/v1/patients/" + id_of("north", "patient");
  const Json change = Json::object({{"name", "Another"}});
  const auto by = [&](const std::string& token, const char* version) {
    return north(token, "PATCH", at, change, {{"If-Match", version}}).status;
  };
  const std::string doctor = enter("north", "doctor");
  EXPECT_EQ(by(doctor, "\"1\""), 403) << "no session yet";
  const auto of = things("north");
  EXPECT_EQ(by(doctor, "\"1\""), 403) << "he opened the session himself";
  const std::string consents = "/api/v1/sessions/" + of.at("session") + "/consents";
  EXPECT_EQ(north(enter("north", "patient"), "POST", consents,
                  Json::object({{"kind", "recording"}, {"given", true}}))
                .status,
            201);
  EXPECT_EQ(by(stranger, "\"1\""), 403);
  EXPECT_EQ(by(enter("north", "nurse"), "\"1\""), 403);
  EXPECT_EQ(by(doctor, "\"1\""), 200);
  EXPECT_EQ(by(enter("north", "patient"), "\"2\""), 200);
  EXPECT_EQ(by(enter("north", "admin"), "\"3\""), 200);
}

TEST_F(Access, AStrangersBadBodyTellsHimNothing) {
  start();
  const auto of = things("north");
  const std::string stranger = another("stranger", "doctor");
  const std::string doctor = enter("north", "doctor");
  int judged = 0;
  for (const auto& [name, operation] : test::operations()) {
    if (!operation.pattern.starts_with("/api/v1/sessions/{session}")) continue;
    const std::string path = fill(operation.pattern, of).value_or("");
    for (const char* const body : {"{\"nonsense\": 1}", "[", ""}) {
      const auto ask = [&](const std::string& token) {
        return raw(host("north"), operation.method, path,
                   {{"Authorization", "Bearer " + token}, {"If-Match", "*"}}, body);
      };
      const Answer answer = ask(stranger);
      EXPECT_TRUE(answer.status == 403 || answer.status == 404) << name << ": " << answer.body;
      ++judged;
    }
  }
  EXPECT_GT(judged, 90);
  EXPECT_EQ(north(doctor, "POST", "/api/v1/sessions/" + of.at("session") + "/notes",
                  Json::object({{"nonsense", 1}}))
                .status,
            422);
}

TEST_F(Access, ExplainSaysWhatTheAnswersAreAndByWhichRule) {
  start();
  const auto of = things("north");
  const std::string stranger = another("stranger", "doctor");
  const std::string officer = enter("north", "security_officer");
  const auto explain = [&](const std::string& person, const char* right, const std::string& by,
                           bool reason = false) {
    return north(by, "POST", "/api/v1/access/explain",
                 Json::object({{"person", person},
                               {"session", of.at("session")},
                               {"right", right},
                               {"reason", reason}}));
  };
  const std::string at = "/api/v1/sessions/" + of.at("session");
  const auto agrees = [&](const std::string& person, const std::string& token, const char* right,
                          const std::string& path, bool reason = false) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (reason) headers.emplace_back("X-Rabt-Reason", "a complaint");
    const bool may = north(token, "GET", path, {}, headers).status == 200;
    const Answer answer = explain(person, right, officer, reason);
    ASSERT_EQ(answer.status, 200) << answer.body;
    const Json& item = answer.json["rights"].item(0);
    EXPECT_EQ(item.bool_or("allowed", !may), may) << right << ": " << answer.body;
    EXPECT_EQ(item.string_or("rule", "").empty(), !may);
    EXPECT_GT(item["rules"].size(), 0U);
    EXPECT_EQ(answer.body.find("a cough"), std::string::npos);
  };
  for (const std::string& role : kRoles) {
    const std::string id = id_of("north", role);
    for (const auto& [right, path] :
         {std::pair{"session_see", ""}, std::pair{"message_read", "/messages"},
          std::pair{"note_read", "/notes"}, std::pair{"prescription_read", "/prescriptions"},
          std::pair{"invitations_see", "/invitations"}}) {
      agrees(id, enter("north", role), right, at + path);
      agrees(id, enter("north", role), right, at + path, true);
    }
  }
  agrees(ids_["stranger"], stranger, "session_see", at);
  const Answer doctor = explain(id_of("north", "doctor"), "note_write", officer);
  EXPECT_EQ(doctor.json["rights"].item(0).string_or("rule", ""), "note.write/clinical");
  for (const std::string& role : kRoles) {
    const bool may = role == "security_officer" || role == "auditor";
    EXPECT_EQ(explain(ids_["stranger"], "note_read", enter("north", role)).status, may ? 200 : 403);
  }
  EXPECT_EQ(explain(ids_["stranger"], "nonsense", officer).status, 422);
  EXPECT_EQ(explain(std::string(kUnknown), "note_read", officer).status, 404);
  // In the tenant of the officer alone.
  EXPECT_EQ(explain(id_of("south", "doctor"), "note_read", officer).status, 404);
  int code = 0;
  const std::string said =
      rabt("access explain " + ids_["stranger"] + " --session " + of.at("session") +
               " --right note_read -c rabt.yaml --tenant north",
           &code);
  EXPECT_EQ(code, 0) << said;
  EXPECT_NE(said.find("note_read              not  participant.not_a_participant"),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("note.read/care"), std::string::npos) << said;
}

// Administrators cannot give roles to themselves.
TEST_F(Access, Trap45AnAdministratorGivesNoRoleToHimself) {
  start();
  (void)local("north", "POST", "/api/v1/users",
              Json::object({{"username", "other"}, {"roles", Json::array({"nurse"})}}));
  const std::string admin = enter("north", "admin");
  const std::string own = "/api/v1/users/" + id_of("north", "admin");
  for (const char* const role : {"doctor", "auditor", "security_officer"}) {
    const Json more = Json::object({{"roles", Json::array({"admin", role})}});
    EXPECT_EQ(north(admin, "PATCH", own, more, {{"If-Match", "\"1\""}}).status, 403) << role;
  }
  EXPECT_EQ(north(admin, "GET", "/api/v1/me").json["roles"], Json::array({"admin"}));
}

// A grant serves its opener alone, and another person reviews it.
TEST_F(Access, Trap46AGrantIsItsOpenersAloneAndReviewedByAnother) {
  write("north/rabt.yaml", configuration("north", "privacy: {patient_data: break_glass}\n"));
  start();
  const std::string opener = enter("north", "doctor");
  const std::string other = another("other", "doctor");
  const Answer opened = north(
      opener, "POST", "/api/v1/break-glass",
      Json::object({{"patient", "mrn:100045"}, {"reason", "he is unconscious"}, {"minutes", 5}}));
  ASSERT_EQ(opened.status, 201) << opened.body;
  const Json search = Json::object({{"patient", "mrn:100045"}});
  EXPECT_EQ(north(opener, "POST", "/api/v1/instances/search", search).status, 200);
  EXPECT_EQ(north(other, "POST", "/api/v1/instances/search", search,
                  {{"X-Rabt-Reason", "he is unconscious"}})
                .status,
            403);
  const std::string at = "/api/v1/break-glass/" + opened.json.string_or("id", "");
  EXPECT_EQ(north(other, "POST", at + "/close", Json::object({})).status, 404);
  for (const std::string& who : {opener, other})
    EXPECT_EQ(north(who, "POST", at + "/review", Json::object({{"by", "me"}})).status, 403);
  EXPECT_EQ(north(opener, "POST", at + "/close", Json::object({})).status, 200);
  EXPECT_EQ(north(enter("north", "auditor"), "POST", at + "/review", Json::object({})).status, 200);
}

// Rows whose relation ends between two pages are not on the second page.
TEST_F(Access, Trap48ARelationThatEndsBetweenTwoPagesIsNotOnTheSecond) {
  start();
  const std::string nurse = enter("north", "nurse");
  const std::string doctor = enter("north", "doctor");
  std::vector<std::string> sessions;
  std::vector<std::string> places;
  for (int i = 0; i < 3; ++i) {
    const Answer answer =
        north(doctor, "POST", "/api/v1/sessions",
              Json::object(
                  {{"type", "doctor_patient"},
                   {"waitingRoom", false},
                   {"patient", id_of("north", "patient")},
                   {"participants", Json::array({Json::object({{"person", id_of("north", "nurse")},
                                                               {"role", "nurse"}})})}}));
    ASSERT_EQ(answer.status, 201) << answer.body;
    sessions.push_back(answer.json.string_or("id", ""));
    for (const Json& item : answer.json["participants"].as_array()) {
      if (item.string_or("role", "") == "nurse") places.push_back(item.string_or("id", ""));
    }
  }
  ASSERT_EQ(places.size(), 3U);
  const Answer first = north(nurse, "GET", "/api/v1/sessions?limit=1");
  ASSERT_EQ(first.json["items"].size(), 1U) << first.body;
  const std::string seen = first.json["items"].item(0).string_or("id", "");
  const std::string next = first.json.string_or("next", "");
  for (int i = 0; i < 3; ++i) {
    if (sessions[static_cast<std::size_t>(i)] == seen) continue;
    const auto n = static_cast<std::size_t>(i);
    EXPECT_EQ(
        north(doctor, "DELETE", "/api/v1/sessions/" + sessions[n] + "/participants/" + places[n])
            .status,
        204);
  }
  const Answer second = north(nurse, "GET", next);
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(second.json["items"].size(), 0U) << second.body;
  EXPECT_EQ(second.json.string_or("next", ""), "");
}

}  // namespace
}  // namespace rabt::assembly::access_test
