#include <gtest/gtest.h>

#include <future>

#include "hub/audit/reader.hpp"
#include "hub/consultation/tasks/requests.hpp"
#include "tests/api/rig.hpp"

// Requests of patients about their own records: the task, the answer that the patient reads, and
// that no other person reads either.
namespace rabt::api::requests_test {
namespace {

using http::Request;
using http::Response;

constexpr const char* kPassword = "a password of some length 7";
constexpr const char* kCanary = "Canary: my allergy is penicillin, call 0501234567";
constexpr const char* kAnswer = "Canary: we have put penicillin right";

class RequestsApi : public testing::Test {
 protected:
  Response as(const std::string& token, std::string method, const std::string& path,
              const std::string& body = {},
              std::vector<std::pair<std::string, std::string>> headers = {}) {
    Request made = request(std::move(method), "/api/v1/" + path, body);
    made.headers = std::move(headers);
    made.request_id = "r" + std::to_string(++calls_);
    if (!token.empty()) made.headers.emplace_back("authorization", "Bearer " + token);
    return api_.handle(made);
  }
  // The token of a new account.
  std::string account(const std::string& username, const std::string& role, std::string& id) {
    const Response response = api_.api(
        "POST", "users",
        R"({"username": ")" + username + R"(", "roles": [")" + role + R"("], "name": "N"})");
    EXPECT_EQ(response.status, 201) << response.body;
    id = json(response).string_or("id", "");
    const Json code = json(response)["activation"];
    const auto proof = [&](Json body) {
      body.set("username", username);
      body.set("password", kPassword);
      return body.dump();
    };
    EXPECT_EQ(as("", "POST", "auth/activate", proof(Json::object({{"code", code}}))).status, 204);
    return json(as("", "POST", "auth/login", proof(Json::object()))).string_or("accessToken", "");
  }
  std::string account(const std::string& username, const std::string& role) {
    std::string id;
    return account(username, role, id);
  }
  static std::string wish(const std::string& kind, const std::string& text = kCanary) {
    return Json::object({{"kind", kind}, {"text", text}}).dump();
  }
  // The id of a new request.
  std::string made(const std::string& patient, const std::string& kind = "correction") {
    const Response answer = as(patient, "POST", "me/requests", wish(kind));
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json(answer).string_or("id", "");
  }
  static std::string decision(const std::string& outcome) {
    return Json::object({{"answer", Json::object({{"outcome", outcome}, {"text", kAnswer}})}})
        .dump();
  }
  Json own(const std::string& patient) {
    const Response list = as(patient, "GET", "me/requests");
    EXPECT_EQ(list.status, 200) << list.body;
    return json(list)["items"];
  }

  ApiRig api_;
  int calls_ = 0;
};

TEST_F(RequestsApi, APatientAsksTheDeskAnswersAndThePatientReadsTheAnswer) {
  std::string person;
  const std::string patient = account("layla", "patient", person);
  const std::string desk = account("sara", "desk");
  const Response answer = as(patient, "POST", "me/requests", wish("correction"));
  ASSERT_EQ(answer.status, 201) << answer.body;
  const Json first = json(answer);
  EXPECT_EQ(first.string_or("state", ""), "received");
  EXPECT_EQ(first.string_or("kind", ""), "correction");
  const std::int64_t now = api_.hub.clock().now().ms;
  EXPECT_EQ(first.string_or("due", ""), to_iso8601({now + 30LL * 24 * 3'600'000}));
  const std::string id = first.string_or("id", "");

  const Response tasks = as(desk, "GET", "tasks");
  const Json task = json(tasks)["items"].item(0);
  EXPECT_EQ(task.string_or("id", ""), id) << tasks.body;
  EXPECT_EQ(task.string_or("kind", ""), "request");
  EXPECT_EQ(task.string_or("title", ""), "request.correction");
  EXPECT_EQ(task.string_or("due", ""), first.string_or("due", "?"));
  EXPECT_EQ(task["object"].dump(), R"({"type":"person","id":")" + person + "\"}");
  EXPECT_EQ(tasks.body.find("Canary"), std::string::npos);
  EXPECT_EQ(json(as(desk, "GET", "tasks?object=person:" + person))["items"].size(), 1U);
  const Json detail = json(as(desk, "GET", "tasks/" + id));
  EXPECT_EQ(detail.string_or("question", ""), kCanary);
  EXPECT_EQ(detail.find("instance"), nullptr);

  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/claim", "{}").status, 200);
  EXPECT_EQ(own(patient).item(0).string_or("state", ""), "in_progress");
  EXPECT_EQ(code(as(desk, "POST", "tasks/" + id + "/decide",
                    R"({"answer": {"outcome": "corrected", "text": ""}})")),
            "task.answer");
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide", decision("corrected")).status, 200);
  const Json after = own(patient).item(0);
  EXPECT_EQ(after.string_or("state", ""), "answered");
  EXPECT_EQ(after.string_or("text", ""), kCanary);
  EXPECT_EQ(after["answer"].string_or("text", ""), kAnswer);
  EXPECT_EQ(after["answer"].string_or("outcome", ""), "corrected");
  EXPECT_EQ(after.string_or("answeredAt", ""), to_iso8601(api_.hub.clock().now()));
  EXPECT_EQ(after.dump().find("person:"), std::string::npos) << "not who worked on it";
}

TEST_F(RequestsApi, NobodyElseReadsARequest) {
  const std::string patient = account("layla", "patient");
  const std::string other = account("omar", "patient");
  const std::string id = made(patient);
  EXPECT_EQ(own(other).size(), 0U);
  for (const std::string& path : {"tasks/" + id, std::string("tasks")})
    EXPECT_EQ(as(other, "GET", path).status, 403);
  EXPECT_EQ(as(other, "POST", "tasks/" + id + "/decide", decision("corrected")).status, 403);
  for (const char* role : {"doctor", "nurse", "desk", "operator"}) {
    const std::string token = account(std::string("one-") + role, role);
    EXPECT_EQ(as(token, "GET", "me/requests").status, 403) << role;
    EXPECT_EQ(as(token, "POST", "me/requests", wish("copy")).status, 403) << role;
  }
  EXPECT_EQ(as("", "GET", "me/requests").status, 401);
  const std::string doctor = account("ahmad", "doctor");
  EXPECT_EQ(as(doctor, "GET", "tasks/" + id).status, 403);
}

TEST_F(RequestsApi, WhoseTwoRecordsWereMergedReadsTheRequestsOfBoth) {
  std::string old_id;
  std::string new_id;
  const std::string old = account("layla", "patient", old_id);
  const std::string patient = account("layla2", "patient", new_id);
  const std::string id = made(old, "copy");
  EXPECT_EQ(own(patient).size(), 0U);
  const Response merged =
      api_.api("POST", "patients/" + old_id + "/merge",
               Json::object({{"into", new_id}, {"reason", "one person with two accounts"}}).dump());
  ASSERT_EQ(merged.status, 200) << merged.body;
  ASSERT_EQ(own(patient).size(), 1U);
  EXPECT_EQ(own(patient).item(0).string_or("id", ""), id);
}

TEST_F(RequestsApi, TheDeskDoesNotAnswerAComplaint) {
  const std::string patient = account("layla", "patient");
  const std::string desk = account("sara", "desk");
  const std::string id = made(patient, "complaint");
  EXPECT_EQ(json(as(desk, "GET", "tasks"))["items"].size(), 0U);
  EXPECT_EQ(as(desk, "GET", "tasks/" + id).status, 403);
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide", decision("accepted")).status, 403);
  // The caller has the role admin.
  EXPECT_EQ(json(api_.api("GET", "tasks/" + id)).string_or("question", ""), kCanary);
  EXPECT_EQ(api_.api("POST", "tasks/" + id + "/decide", decision("accepted")).status, 200);
  EXPECT_EQ(own(patient).item(0)["answer"].string_or("outcome", ""), "accepted");
}

TEST_F(RequestsApi, ARequestThatIsLateGoesToTheNextRole) {
  const std::string patient = account("layla", "patient");
  const std::string id = made(patient, "copy");
  const std::int64_t day = 24LL * 3'600'000;
  api_.hub.clock().advance_ms(29 * day);
  must(api_.tasks->catch_up());
  identity::Principal admin;
  admin.kind = identity::Kind::person;
  admin.roles = {identity::Role::admin};
  const auto is_for_admin = [&] {
    return consultation::is_for(must(api_.tasks->find(admin, id)).task, admin);
  };
  EXPECT_FALSE(is_for_admin());
  api_.hub.clock().advance_ms(day + 1);
  must(api_.tasks->catch_up());
  EXPECT_TRUE(is_for_admin());
  EXPECT_TRUE(json(api_.api("GET", "tasks/" + id)).bool_or("overdue", false));
  EXPECT_EQ(api_.api("POST", "tasks/" + id + "/decide", decision("given")).status, 200);
}

TEST_F(RequestsApi, AMalformedRequestNamesItsMember) {
  const std::string patient = account("layla", "patient");
  const auto wrong = [&](const std::string& body) {
    return wrong_member(as(patient, "POST", "me/requests", body));
  };
  EXPECT_EQ(wrong(R"({"text": "x"})"), "kind");
  EXPECT_EQ(wrong(R"({"kind": "wish", "text": "x"})"), "kind");
  EXPECT_EQ(wrong(R"({"kind": "copy"})"), "text");
  EXPECT_EQ(wrong(R"({"kind": "copy", "text": "  "})"), "text");
  EXPECT_EQ(wrong(R"({"kind": "copy", "text": "x", "person": "y"})"), "body");
  EXPECT_EQ(as(patient, "POST", "me/requests", wish("copy", std::string(4000, 'x'))).status, 201);
  EXPECT_EQ(wrong(wish("copy", std::string(4001, 'x'))), "text");
  EXPECT_EQ(own(patient).size(), 1U);
}

TEST_F(RequestsApi, ARepeatMakesOneRequestAndTooManyOpenOnesAreRefused) {
  const std::string patient = account("layla", "patient");
  const std::string key = "0123456789abcdef0123";
  const Response response =
      as(patient, "POST", "me/requests", wish("copy"), {{"idempotency-key", key}});
  const Response two = as(patient, "POST", "me/requests", wish("copy"), {{"idempotency-key", key}});
  EXPECT_EQ(response.status, 201) << response.body;
  EXPECT_EQ(response.body, two.body);
  std::string id;
  for (std::int64_t i = 1; i + 1 < consultation::kMaxOpenRequests; ++i) {
    api_.hub.clock().advance_ms(1);
    id = made(patient, "copy");
  }
  // One place is left for four who come at once.
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 4; ++i)
    answers.push_back(std::async(std::launch::async, [&] {
      return as(patient, "POST", "me/requests", wish("copy")).status;
    }));
  int taken = 0;
  for (auto& status : answers) taken += status.get() == 201 ? 1 : 0;
  EXPECT_EQ(taken, 1);
  EXPECT_EQ(own(patient).size(), static_cast<std::size_t>(consultation::kMaxOpenRequests));
  EXPECT_EQ(code(as(patient, "POST", "me/requests", wish("copy"))), "request.limit");
  const std::string desk = account("sara", "desk");
  EXPECT_EQ(as(desk, "POST", "tasks/" + id + "/decide", decision("refused")).status, 200);
  EXPECT_EQ(as(patient, "POST", "me/requests", wish("copy")).status, 201);
  EXPECT_EQ(json(as(patient, "GET", "me/requests?limit=5"))["items"].size(), 5U);
}

TEST_F(RequestsApi, TheLogNamesThePatientAndHoldsNoWords) {
  std::string person;
  const std::string patient = account("layla", "patient", person);
  const std::string desk = account("sara", "desk");
  const std::string id = made(patient);
  (void)as(desk, "GET", "tasks/" + id);
  (void)as(desk, "POST", "tasks/" + id + "/decide", decision("corrected"));
  (void)own(patient);
  std::vector<std::string> acts;
  must(audit::read_each(api_.hub.audit(), {}, [&](const audit::Logged& logged) {
    EXPECT_EQ(logged.canonical.find("Canary"), std::string::npos);
    if (logged.entry.act.starts_with("task.") || logged.entry.act.starts_with("request.")) {
      EXPECT_FALSE(logged.entry.patient.empty()) << logged.entry.act;
      acts.push_back(logged.entry.act);
    }
    if (logged.entry.act == "request.made") {
      EXPECT_EQ(logged.entry.actor, "person:" + person);
    }
    return true;
  }));
  EXPECT_EQ(acts, (std::vector<std::string>{"request.made", "task.read", "task.decided",
                                            "request.read"}));
  // He finds the reading of the desk among those of his record, and what he wrote not as one.
  const Json readings = json(as(patient, "GET", "me/readings"))["accesses"];
  EXPECT_NE(readings.dump().find("task.read"), std::string::npos);
  EXPECT_EQ(readings.dump().find("request.made"), std::string::npos);
}

}  // namespace
}  // namespace rabt::api::requests_test
