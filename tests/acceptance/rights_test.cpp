#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "tests/acceptance/hospital.hpp"
#include "tests/operations.hpp"

// Rights of callers: every operation of docs/openapi.yaml, asked by every caller of rights.csv. A
// column is a caller in relation to a session that has begun, and to its entries:
//   -    no credential              D    its doctor, its host
//   P2   another patient            D2   another doctor, who in some rows may accept to treat P
//   D3   a doctor who treats no patient of the session and takes part in no session
//   N    its nurse                  P    its patient
//   O    its observer, a nurse      AD   an administrator, AD! the same with a reason
//   SO   a security officer         IE   an engineer
//   OP   an operator                AU   an auditor
//   H    a helper: a nurse who is there by D's invitation
//   R    the patient of a similar session, removed by its doctor
//   X    the patient of a similar session, who has refused a consent and has not come
//   G    the patient of a similar session, who came by a link and has no account
//   F    a user of the front desk
// rights_reasons.csv: reading entries, by users who run the hub, each with a reason.
// A cell is the status of the answer. `acceptInvitation:nurse`: the operation with another body.
// `getPatient:refused`: the operation on X's record. D3 is not asked where the cell is `-`: the
// answer would make D3 a treating doctor or a participant. Each operation has its own session; its
// cells are asked from left to right, so that one act may change the data of the next one.
namespace rabt::acceptance::rights_test {
namespace {

std::string folder() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return root != nullptr ? root : ".";
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  std::stringstream text(line);
  for (std::string cell; std::getline(text, cell, ',');) out.push_back(cell);
  return out;
}

// Valid bodies of operations that refuse {} before they check the caller's rights.
Json body_of(const std::string& operation, const std::string& other) {
  static const std::map<std::string, std::string> bodies{
      {"sendMessage", R"({"text":"hello"})"},
      {"writeNote", R"({"kind":"free","content":"well","status":"draft"})"},
      {"changeNote", R"({"content":"better"})"},
      {"addAddendum", R"({"text":"later"})"},
      {"markNoteInError", R"({"reason":"another patient"})"},
      {"recordVitals", R"({"heartRate":70})"},
      {"prescribe", R"({"items":[{"name":"Paracetamol","dosage":"500 mg"}]})"},
      {"recordDispensing", R"({"reference":"1","pharmacist":"Sara","pharmacy":"Outpatient"})"},
      {"markDispensingInError", R"({"reason":"another patient"})"},
      {"addSegment", R"({"text":"hello"})"},
      {"giveFeedback", R"({"rating":5})"},
      {"planFollowUp", R"({"afterDays":7})"},
      {"recordConsent", R"({"kind":"recording","given":true})"},
      {"confirmIdentity", R"({"identifiers":["name","birth_date"]})"},
      {"changeSession", R"({"notes":"more"})"},
      {"endSession", R"({"reason":"over"})"},
      {"cancelSession", R"({"reason":"late"})"},
      {"declineSession", R"({"reason":"late"})"},
      {"withdrawRecording", R"({"reason":"asked"})"},
      {"createSession", R"({"type":"doctor_patient","waitingRoom":false})"},
      {"shareDocument",
       R"({"documentType":"PDF","contentType":"application/pdf","data":"JVBERi0xLjQ="})"},
      {"reportQuality", R"({"samples":[{"at":"2026-11-22T10:00:00Z","rttMs":60}]})"},
      {"setQualityLevel", R"({"level":"low"})"},
      {"invite", R"({"role":"observer","email":"a@example.sa"})"},
      {"addClinic", R"({"name":"Clinic"})"},
      {"setPresence", R"({"status":"available"})"},
      {"setMyPresence", R"({"status":"available"})"},
      {"noteOnboarding", R"({"deviceChecked":true})"},
      {"reviewDetection", R"({"event":1,"verdict":"correct"})"},
      {"openGrant", R"({"minutes":5,"patient":"mrn:1","reason":"emergency"})"},
      {"searchInstances", R"({"patient":"mrn:1"})"},
      {"decideTask", R"({"answer":{"outcome":"seen"}})"},
      {"createPatient", R"({"name":"Layla"})"},
      {"createProvider", R"({"name":"Dr. Layla"})"},
      {"searchPatients", R"({"identifier":"mrn:1"})"},
      {"recordConsent:no", R"({"kind":"recording","given":false})"},
      {"recordConsent:after-no", R"({"kind":"recording","given":true})"},
      {"recordConsent:family", R"({"kind":"family","given":true})"}};
  // A variant without a body of its own has that of its operation.
  const bool own = bodies.contains(operation);
  const std::string named = own ? operation : operation.substr(0, operation.find(':'));
  if (operation == "assignSession") return Json::object({{"provider", other}});
  if (operation == "addParticipant")
    return Json::object({{"person", other}, {"role", "specialist"}});
  const auto found = bodies.find(named);
  const auto parsed = Json::parse(found == bodies.end() ? "{}" : found->second);
  return parsed.ok() ? *parsed : Json::object();
}

// Rows of operations whose answer depends on what the body says.
const std::vector<std::string>& variants() {
  static const std::vector<std::string> all{
      "acceptInvitation:doctor",    "acceptInvitation:nurse", "acceptInvitation:observer",
      "recordConsent:no",           "recordConsent:after-no", "recordConsent:family",
      "createSession:team",         "createSession:opinion",  "openVisit:patient",
      "addParticipant:nurse",       "getPatient:refused",     "getPatientHistory:refused",
      "listPatientSessions:refused"};
  return all;
}

class Rights : public testing::Test {
 protected:
  Rights() {
    static const bool entered = [] {
      for (const auto& [who, role] : {std::pair{"D3", "doctor"},
                                      {"O", "nurse"},
                                      {"SO", "security_officer"},
                                      {"IE", "engineer"},
                                      {"OP", "operator"},
                                      {"AU", "auditor"},
                                      {"H", "nurse"},
                                      {"F", "desk"},
                                      {"R", "patient"},
                                      {"X", "patient"},
                                      {"booked", "patient"},
                                      {"away", "patient"}})
        Hospital::get().enter(who, role);
      return true;
    }();
    (void)entered;
  }

  // A session of D that the front desk booked and that has begun, with its names.
  std::map<std::string, std::string> begun(const std::string& patient) {
    std::map<std::string, std::string> names;
    Json people = Json::array();
    people.push_back(Json::object({{"person", h_.person("N").id}, {"role", "nurse"}}));
    people.push_back(Json::object({{"person", h_.person("O").id}, {"role", "observer"}}));
    const Answer answer = h_.post("AD", "/api/v1/sessions",
                                  Json::object({{"type", "doctor_patient"},
                                                {"provider", h_.person("D").id},
                                                {"patient", h_.person(patient).id},
                                                {"waitingRoom", false},
                                                {"participants", people}}));
    RABT_EXPECT_STATUS(answer, 201);
    names["session"] = answer.text("id");
    names["sessionUuid"] = answer.text("uuid");
    for (const Json& item : answer["participants"].as_array()) {
      if (item.string_or("role", "") == "observer") {
        names["participant"] = item.string_or("id", "");
        names["participantUuid"] = item.string_or("uuid", "");
      }
      if (item.string_or("role", "") == "patient") names["patient"] = item.string_or("id", "");
    }
    RABT_EXPECT_STATUS(h_.post("D", "/api/v1/sessions/" + answer.text("id") + "/start"), 200);
    return names;
  }
  // A session of D and P, with a nurse, an observer, a helper, and a note, a prescription and a
  // document of D; its visit; and three sessions like it, for R, X and G.
  void fresh() {
    names_ = begun("P");
    const std::string at = "/api/v1/sessions/" + names_.at("session");
    RABT_EXPECT_STATUS(h_.post("H", "/api/v1/invitations/accept", invitation("nurse")), 200);
    names_["note"] = written(at + "/notes", "writeNote");
    names_["prescription"] = written(at + "/prescriptions", "prescribe");
    names_["visit"] = visit_of("P");
    removed_ = begun("R");
    RABT_EXPECT_STATUS(h_.call("D", "DELETE",
                               "/api/v1/sessions/" + removed_.at("session") + "/participants/" +
                                   removed_.at("patient")),
                       204);
    refusing_ = begun("X");
    RABT_EXPECT_STATUS(h_.post("X", "/api/v1/sessions/" + refusing_.at("session") + "/consents",
                               body_of("recordConsent:no", "")),
                       201);
    guest_ = begun("booked");
    const Answer link = h_.post("D", "/api/v1/sessions/" + guest_.at("session") + "/invitations",
                                Json::object({{"participant", guest_.at("patient")}}));
    RABT_EXPECT_STATUS(link, 201);
    RABT_EXPECT_STATUS(h_.come_by_link("G", link.text("code")), 200);
    RABT_EXPECT_STATUS(h_.post("D", "/api/v1/sessions/" + guest_.at("session") + "/participants/" +
                                        guest_.at("patient") + "/admit"),
                       200);
    for (auto* other : {&removed_, &refusing_, &guest_}) {
      const std::string there = "/api/v1/sessions/" + other->at("session");
      (*other)["note"] = written(there + "/notes", "writeNote");
      (*other)["prescription"] = written(there + "/prescriptions", "prescribe");
      (*other)["visit"] = visit_of(other == &removed_ ? "R" : other == &refusing_ ? "X" : "booked");
    }
  }
  std::string visit_of(const std::string& patient) {
    const Answer answer = h_.post(
        "AD", "/api/v1/visits",
        Json::object({{"patient", h_.person(patient).id}, {"provider", h_.person("D").id}}));
    RABT_EXPECT_STATUS(answer, 201);
    return answer.text("id");
  }
  // The body that accepts an invitation of D.
  Json invitation(const std::string& role) {
    const Answer answer = h_.post("D", "/api/v1/sessions/" + names_.at("session") + "/invitations",
                                  Json::object({{"role", role}, {"email", "somebody@example.sa"}}));
    RABT_EXPECT_STATUS(answer, 201);
    return Json::object({{"code", answer["code"]}});
  }
  std::string written(const std::string& path, const std::string& operation) {
    const Answer answer = h_.post("D", path, body_of(operation, ""));
    return answer.status == 201 ? answer.text("id") : "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  }

  // The names that a caller meets.
  const std::map<std::string, std::string>& names_for(const std::string& who) const {
    if (who == "R") return removed_;
    if (who == "G") return guest_;
    return who == "X" ? refusing_ : names_;
  }
  // patient: the one whom paths of patients name.
  std::string fill(std::string pattern, const std::string& who = "P",
                   const std::string& patient = "P") {
    const auto& names = names_for(who);
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{')) {
      const auto close = pattern.find('}', open);
      const std::string name = pattern.substr(open + 1, close - open - 1);
      std::string value = names.contains(name) ? names.at(name) : "01ARZ3NDEKTSV4RRFFQ69G5FAV";
      if (pattern.starts_with("/api/v1/patients/") || pattern.starts_with("/api/v1/users/"))
        value = h_.person(patient).id;
      // Whoever is signed out everywhere asks nothing here.
      if (pattern.starts_with("/api/v1/users/") && pattern.ends_with("/sessions"))
        value = h_.person("away").id;
      if (pattern.starts_with("/api/v1/providers/")) value = h_.person("D").id;
      pattern.replace(open, close - open + 1, value);
    }
    return pattern;
  }
  Json body_for(const std::string& row, const std::string& who) {
    if (row.starts_with("acceptInvitation:")) return invitation(row.substr(row.find(':') + 1));
    if (row == "createSession:team")
      return Json::object({{"type", "medical_team"}, {"provider", h_.person("D").id}});
    if (row == "createSession:opinion")
      return Json::object({{"type", "second_opinion"}, {"provider", h_.person("D").id}});
    if (row == "openVisit:patient") return Json::object({{"patient", h_.person("P").id}});
    // A patient's account does not become a nurse.
    if (row == "addParticipant:nurse")
      return Json::object({{"person", h_.person("P2").id}, {"role", "nurse"}});
    if (row == "recordConsent:after-no") {
      const std::string patient = who == "R" || who == "X" ? who : "P";
      if (who == "G") return body_of(row, "");
      RABT_EXPECT_STATUS(
          h_.post(patient, "/api/v1/sessions/" + names_for(who).at("session") + "/consents",
                  body_of("recordConsent:no", "")),
          201);
    }
    return body_of(row, h_.person("D2").id);
  }

  int ask(const std::string& row, const test::Operation& as, std::string who) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (who.ends_with('!')) {
      who.pop_back();
      headers.emplace_back("X-Rabt-Reason", "review of quality");
    }
    if (as.method == "PATCH")
      headers.emplace_back("If-Match", row == "changeSession" ? "*" : "\"1\"");
    const Json body = as.method == "GET" ? Json() : body_for(row, who);
    const std::string patient = row.ends_with(":refused") ? "X" : "P";
    const int status =
        h_.call(who, as.method, fill(as.pattern, who, patient), body, headers).status;
    if (row == "logout" && who != "-" && who != "G") h_.renew(who);
    return status;
  }

  // A path of a door, whose parameters have other names in each.
  std::string door_path(std::string pattern, const std::string& who) {
    const std::string session = names_for(who).at("sessionUuid");
    for (auto open = pattern.find('{'); open != std::string::npos; open = pattern.find('{')) {
      const auto close = pattern.find('}', open);
      const std::string name = pattern.substr(open + 1, close - open - 1);
      const std::string before = pattern.substr(0, open);
      std::string value = session;
      if (name == "participantId") value = names_for(who).at("participantUuid");
      if (before.ends_with("/recordings/")) value = "01890a5d-ac96-774b-bcce-b302099a8057";
      if (before.ends_with("/providers/") || name == "doctor_id") value = h_.uuid("D");
      if (before.ends_with("/patients/") || name == "patient_id") value = h_.uuid("P");
      if (name == "user_id") value = std::to_string(who == "-" || who == "G" ? 1 : h_.number(who));
      pattern.replace(open, close - open + 1, value);
    }
    return pattern;
  }
  Json door_body(const std::string& row, const std::string& who) {
    const std::string session = names_for(who).at("sessionUuid");
    Json body = Json::object({{"sessionId", session},
                              {"session_id", session},
                              {"consultation_id", session},
                              {"patientId", h_.uuid("P")},
                              {"providerId", h_.uuid("D")},
                              {"patient_id", h_.uuid("P")},
                              {"doctor_id", h_.uuid("D")}});
    if (row.ends_with("/invite")) {
      // A patient's account does not become a nurse.
      body.set("participants",
               Json::array({Json::object({{"userId", h_.uuid("P2")}, {"role", "nurse"}})}));
    }
    if (row.ends_with("/auth/login") || row.ends_with("/auth/register")) return Json::object();
    return body;
  }

  Hospital& h_ = Hospital::get();
  std::map<std::string, std::string> names_;
  std::map<std::string, std::string> removed_;
  std::map<std::string, std::string> refusing_;
  std::map<std::string, std::string> guest_;
};

// rights.csv: the callers, and the row of each operation.
struct Matrix {
  explicit Matrix(const std::string& name = "rights.csv") {
    std::ifstream file(folder() + "/tests/acceptance/" + name);
    std::string line;
    std::getline(file, line);
    columns = cells_of(line);
    while (std::getline(file, line)) {
      if (!line.empty()) rows[line.substr(0, line.find(','))] = line;
    }
  }
  std::vector<std::string> columns;
  std::map<std::string, std::string> rows;
};

TEST_F(Rights, EveryOperationIsForWhomTheMatrixSays) {
  const Matrix matrix;
  const std::vector<std::string>& columns = matrix.columns;
  const std::map<std::string, std::string>& rows = matrix.rows;
  ASSERT_GT(columns.size(), 10U) << "rights.csv was not read";
  const auto all = test::operations();
  ASSERT_GT(all.size(), 100U) << "docs/openapi.yaml was not read";
  std::map<std::string, test::Operation> asked = all;
  for (const std::string& variant : variants())
    asked[variant] = all.at(variant.substr(0, variant.find(':')));
  for (const auto& [name, row] : rows)
    EXPECT_TRUE(asked.contains(name)) << name << " of rights.csv is no operation";
  for (const auto& [name, operation] : asked) {
    if (operation.pattern.find("/sessions") != std::string::npos ||
        operation.pattern.find("{note}") != std::string::npos ||
        operation.pattern.find("{visit}") != std::string::npos ||
        operation.pattern.find("{prescription}") != std::string::npos ||
        name.starts_with("acceptInvitation") || names_.empty())
      fresh();
    std::string text = name;
    const std::vector<std::string> cells =
        rows.contains(name) ? cells_of(rows.at(name)) : std::vector<std::string>();
    for (std::size_t i = 1; i < columns.size(); ++i) {
      const bool spared = columns[i] == "D3" && i < cells.size() && cells[i] == "-";
      text += "," + (spared ? "-" : std::to_string(ask(name, operation, columns[i])));
    }
    EXPECT_EQ(text, rows.contains(name) ? rows.at(name) : "no row in rights.csv");
  }
}

// A reason opens what was written in a visit to those who run the hub. An auditor read all of it.
TEST_F(Rights, AReasonIsForWhomTheMatrixOfReasonsSays) {
  const Matrix matrix("rights_reasons.csv");
  ASSERT_GT(matrix.rows.size(), 5U) << "rights_reasons.csv was not read";
  const auto all = test::operations();
  fresh();
  for (const auto& [name, row] : matrix.rows) {
    ASSERT_TRUE(all.contains(name)) << name;
    std::string text = name;
    for (std::size_t i = 1; i < matrix.columns.size(); ++i)
      text += "," + std::to_string(ask(name, all.at(name), matrix.columns[i]));
    EXPECT_EQ(text, row);
  }
}

// The same through the APIs of other systems: rights_doors.csv has every path of every door;
// tests/api compares it with their tables.
TEST_F(Rights, EveryPathOfADoorIsForWhomTheMatrixSays) {
  const Matrix matrix("rights_doors.csv");
  ASSERT_GT(matrix.rows.size(), 50U) << "rights_doors.csv was not read";
  for (const auto& [name, row] : matrix.rows) {
    fresh();
    std::string text = name;
    const std::string method = name.substr(0, name.find(' '));
    const std::vector<std::string> cells = cells_of(row);
    for (std::size_t i = 1; i < matrix.columns.size(); ++i) {
      const std::string& who = matrix.columns[i];
      if (who == "D3" && i < cells.size() && cells[i] == "-") {
        text += ",-";
        continue;
      }
      const std::string path = door_path(name.substr(name.find(' ') + 1), who);
      const Json body = method == "GET" ? Json() : door_body(name, who);
      const int status = h_.call(who, method, path, body).status;
      text += "," + std::to_string(status);
      if (name == "POST /auth/logout" && who != "-" && who != "G") h_.renew(who);
    }
    EXPECT_EQ(text, row);
  }
}

// Whoever may not act is told so, and nothing about what the act takes.
TEST_F(Rights, WhoMayNotActLearnsNothingOfTheForm) {
  const Matrix matrix;
  ASSERT_GT(matrix.columns.size(), 10U) << "rights.csv was not read";
  fresh();
  int asked = 0;
  for (const auto& [name, operation] : test::operations()) {
    // The body of createSession decides whether a nurse may create it.
    if (operation.method == "GET" || name == "createSession") continue;
    const std::vector<std::string> cells = cells_of(matrix.rows.at(name));
    for (std::size_t i = 1; i < matrix.columns.size(); ++i) {
      const std::string& who = matrix.columns[i];
      if (cells[i] != "403" || who == "-" || who.ends_with('!')) continue;
      // The members of the body say whether the desk and administrators may change them.
      if (name == "changeSession" && (who == "F" || who == "AD")) continue;
      for (const auto& [body, key] :
           {std::pair{R"({"nonsense": 1})", "one"}, {"[", "two"}, {"{}", "not a key"}}) {
        std::vector<std::pair<std::string, std::string>> headers{
            {"Content-Type", "application/json"}, {"If-Match", "*"}, {"Idempotency-Key", key}};
        if (who == "G") {
          headers.emplace_back("Cookie", h_.person(who).cookie);
          headers.emplace_back("Sec-Fetch-Site", "same-origin");
        } else {
          headers.emplace_back("Authorization", "Bearer " + h_.person(who).token);
        }
        const auto answer = h_.site.send(
            operation.method, fill(operation.pattern, who == "G" ? who : "P"), headers, body);
        EXPECT_EQ(answer.status, 403) << name << " by " << who << ": " << answer.body;
        ++asked;
      }
    }
  }
  EXPECT_GT(asked, 800);
}

TEST_F(Rights, Trap49ADoctorWhoseLicenceIsOverStartsNothing) {
  h_.enter("Late", "doctor");
  const std::string at = "/api/v1/providers/" + h_.person("Late").id;
  const auto until = [&](const char* by, const char* date) {
    return h_
        .call(by, "PATCH", at, Json::object({{"licenceUntil", date}}),
              {{"If-Match", h_.get("AD", at).header("etag")}})
        .status;
  };
  const Answer answer = h_.post(
      "Late", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"patient", h_.person("P").id}, {"waitingRoom", false}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string start = "/api/v1/sessions/" + answer.text("id") + "/start";
  EXPECT_EQ(until("AD", "2020-01-31"), 200);
  const Answer refused = h_.post("Late", start);
  RABT_EXPECT_STATUS(refused, 409);
  EXPECT_EQ(refused.text("code"), "licence.missing");
  EXPECT_EQ(until("Late", "2099-01-31"), 403) << "he does not prolong it himself";
  EXPECT_EQ(until("AD", "2099-01-31"), 200);
  RABT_EXPECT_STATUS(h_.post("Late", start), 200);
}

// Other ways to write the same request get the same decision.
TEST_F(Rights, Trap41NoOtherWayToWriteARequestChangesTheDecision) {
  fresh();
  const std::string at = "/api/v1/sessions/" + names_.at("session");
  const auto status = [&](const std::string& method, const std::string& path,
                          std::vector<std::pair<std::string, std::string>> headers = {}) {
    return h_.call("P2", method, path, {}, std::move(headers)).status;
  };
  EXPECT_EQ(status("GET", at), 403);
  EXPECT_EQ(status("GET", at + "/"), 403);
  EXPECT_EQ(status("GET", "/api/v1/%73essions/" + names_.at("session")), 403);
  EXPECT_EQ(status("POST", at + "/end", {{"X-HTTP-Method-Override", "GET"}}), 403);
  EXPECT_EQ(status("GET", "/api/v1/SESSIONS/" + names_.at("session")), 404);
  EXPECT_EQ(status("OPTIONS", at), 405);
}

// The same through the doors of other systems, in their words.
TEST_F(Rights, WhoMayNotActLearnsNothingOfTheFormThroughADoor) {
  fresh();
  const std::string id = names_.at("session");
  const auto with = [&](const char* member) { return Json::object({{member, id}}); };
  const Json none = Json::object();
  struct Wrong {
    const char* method;
    std::string path;
    Json body;
  };
  for (const Wrong& wrong : std::vector<Wrong>{
           {"PUT", "/video/sessions/" + id, Json::object({{"durationMinutes", "x"}})},
           {"POST", "/video/sessions/" + id + "/invite", none},
           {"POST", "/video/telehealth/consultations/" + id + "/notes", none},
           {"POST", "/video/telehealth/consultations/" + id + "/prescription", none},
           {"POST", "/video/quality/optimize", with("sessionId")},
           {"PATCH", "/api/v1/telemedicine/" + id + "/", Json::object({{"scheduled_start", "x"}})},
           {"PATCH", "/api/video/sessions/" + id, Json::object({{"session_notes", 7}})},
           {"POST", "/api/video/sessions/" + id + "/cancel", none},
           {"POST", "/consultation/notes", with("consultation_id")},
           {"POST", "/consultation/transcribe", with("consultation_id")},
           {"POST", "/admin/assign-doctor", with("consultation_id")}}) {
    for (const char* who : {"P2", "D2"}) {
      const int status = h_.call(who, wrong.method, wrong.path, wrong.body).status;
      EXPECT_TRUE(status == 403 || status == 404)
          << who << " " << wrong.method << " " << wrong.path << ": " << status;
    }
  }
}

// Paths that name a person, not a session.
TEST_F(Rights, WhoMayNotActForAPersonLearnsNothingOfTheFormThroughADoor) {
  const std::string doctor = "/video/providers/" + h_.uuid("D");
  const std::string patient = "/video/patients/" + h_.uuid("P");
  for (const auto& [path, who] : {std::pair{doctor + "/availability", "P2"},
                                  {doctor + "/availability", "D2"},
                                  {doctor + "/status", "P2"},
                                  {doctor + "/status", "D2"},
                                  {patient + "/join-session", "P2"},
                                  {patient + "/join-session", "D"},
                                  {patient + "/feedback", "P2"},
                                  {patient + "/feedback", "D"}}) {
    for (const char* body : {"{}", "[", R"({"slots": 7, "status": 7, "sessionId": 7})"}) {
      const auto answer = h_.site.send("POST", path,
                                       {{"Authorization", "Bearer " + h_.person(who).token},
                                        {"Content-Type", "application/json"}},
                                       body);
      EXPECT_EQ(answer.status, 403) << who << " " << path << " " << body << answer.body;
    }
  }
  // Callers with the right get the error of the body.
  EXPECT_EQ(h_.post("D", doctor + "/status").status, 400);
  EXPECT_EQ(h_.post("D", doctor + "/availability").status, 400);
  EXPECT_EQ(h_.post("P", patient + "/feedback").status, 400);
}

// A list reveals nothing of sessions that its reader may not see.
TEST_F(Rights, Trap42AListTellsNothingOfSessionsOfOthers) {
  fresh();
  h_.enter("P42", "patient");
  const Answer list = h_.get("P42", "/api/v1/sessions?limit=200");
  RABT_EXPECT_STATUS(list, 200);
  EXPECT_EQ(list.body.find(names_.at("session")), std::string::npos);
  const Answer filtered = h_.get("P42", "/api/v1/sessions?patient=" + h_.person("P").id);
  EXPECT_EQ(filtered["items"].size(), 0U);
  EXPECT_EQ(filtered.text("next"), "");
}

// R-19: an administrator sees the starred fields of a session only with a reason.
TEST_F(Rights, Trap43AnAdministratorSeesStarredFieldsForAReasonOnly) {
  fresh();
  const std::string at = "/api/v1/sessions/" + names_.at("session");
  RABT_EXPECT_STATUS(h_.call("D", "PATCH", at, Json::object({{"chiefComplaint", "headache"}}),
                             {{"If-Match", "*"}}),
                     200);
  const Answer without = h_.get("AD", at);
  RABT_EXPECT_STATUS(without, 200);
  EXPECT_EQ(without.body.find("headache"), std::string::npos);
  const Answer with = h_.call("AD", "GET", at, {}, {{"X-Rabt-Reason", "complaint of the patient"}});
  EXPECT_EQ(with.text("chiefComplaint"), "headache");
  for (const char* who : {"OP", "AU"})
    EXPECT_EQ(h_.get(who, at).body.find("headache"), std::string::npos) << who;
  EXPECT_EQ(h_.get("D", at).text("chiefComplaint"), "headache");
}

// The same by every other way to the session: lists, timelines, summaries, the doors of others.
TEST_F(Rights, Trap43WhatIsMaskedIsMaskedInEveryDoor) {
  fresh();
  const std::string id = names_.at("session");
  const std::string at = "/api/v1/sessions/" + id;
  const std::vector<std::string> canaries{"canary-complaint", "canary-notes", "canary-note",
                                          "canary-chat"};
  RABT_EXPECT_STATUS(
      h_.call("D", "PATCH", at,
              Json::object({{"chiefComplaint", canaries[0]}, {"notes", canaries[1]}}),
              {{"If-Match", "*"}}),
      200);
  RABT_EXPECT_STATUS(
      h_.post("D", at + "/notes",
              Json::object({{"kind", "free"}, {"content", canaries[2]}, {"status", "final"}})),
      201);
  RABT_EXPECT_STATUS(h_.post("D", at + "/messages", Json::object({{"text", canaries[3]}})), 201);
  const Json item = h_.get("D", at).json;
  const auto number = [&](const char* who) { return std::to_string(h_.number(who)); };
  const std::vector<std::string> people{
      "/video/patients/" + h_.uuid("P"), "/video/providers/" + h_.uuid("D"),
      "/api/v1/patients/" + h_.person("P").id, "/api/v1/providers/" + h_.person("D").id};
  std::vector<std::string> paths{"/api/v1/sessions?limit=200",
                                 at,
                                 at + "/events",
                                 at + "/summary",
                                 at + "/participants",
                                 at + "/invitations",
                                 at + "/notes",
                                 at + "/messages",
                                 at + "/transcript",
                                 at + "/consents",
                                 "/video/sessions?limit=100",
                                 "/video/telehealth/consultations?limit=100",
                                 "/api/v1/telemedicine",
                                 "/api/video/sessions?page_size=100",
                                 "/api/video/sessions/doctor/" + number("D"),
                                 "/api/video/sessions/patient/" + number("P"),
                                 "/dashboard",
                                 "/admin/users?page_size=100",
                                 "/admin/logs?page_size=100"};
  for (const std::string& person : people) {
    for (const char* what : {"", "/sessions?limit=100", "/history"}) paths.push_back(person + what);
  }
  for (const std::string& name : {id, item.string_or("uuid", ""), item["number"].number_text()}) {
    for (const char* door : {"/video/sessions/", "/api/v1/telemedicine/", "/api/video/sessions/",
                             "/video/telehealth/consultations/"}) {
      for (const char* what : {"", "/participants", "/summary"})
        paths.push_back(door + name + what);
    }
  }
  const auto shown = [&](const char* who, const std::string& path) {
    const std::string body = h_.get(who, path).body;
    std::string out;
    for (const std::string& canary : canaries) {
      if (body.find(canary) != std::string::npos) out += canary + " ";
    }
    return out;
  };
  int seen = 0;
  for (const std::string& path : paths) {
    for (const char* who : {"AD", "OP", "AU", "SO", "IE", "P2", "D2", "F"})
      EXPECT_EQ(shown(who, path), "") << who << " " << path;
    if (!shown("D", path).empty()) ++seen;
  }
  EXPECT_GT(seen, 8) << "who treats sees them";
}

// A patient cannot take a role by changing his own record.
TEST_F(Rights, Trap44ARoleInTheBodyOfAnOwnRecordIsNotTaken) {
  const std::string at = "/api/v1/patients/" + h_.person("P").id;
  const Answer own = h_.get("P", at);
  RABT_EXPECT_STATUS(own, 200);
  const Answer changed =
      h_.call("P", "PATCH", at, Json::object({{"roles", Json::array({"admin"})}}),
              {{"If-Match", own.header("etag")}});
  EXPECT_NE(changed.status, 200) << changed.body;
  EXPECT_EQ(h_.get("P", "/api/v1/users").status, 403);
}

// A stored answer is not repeated to a caller who may not see the session any more.
TEST_F(Rights, Trap50ARepeatedCallIsDecidedAnewWhenTheRoleWasTaken) {
  fresh();
  const std::string at = "/api/v1/sessions/" + names_.at("session");
  const Json note = Json::object({{"kind", "free"}, {"content", "seen"}, {"status", "draft"}});
  const std::vector<std::pair<std::string, std::string>> key{{"Idempotency-Key", "trap-50"}};
  const Answer first = h_.call("N", "POST", at + "/notes", note, key);
  RABT_EXPECT_STATUS(first, 201);
  const Answer again = h_.call("N", "POST", at + "/notes", note, key);
  RABT_EXPECT_STATUS(again, 201);
  EXPECT_EQ(again.header("idempotency-replayed"), "true");
  EXPECT_EQ(again.text("id"), first.text("id"));
  const Answer list = h_.get("D", at + "/participants");
  for (const Json& item : list["items"].as_array()) {
    if (item.string_or("role", "") == "nurse")
      RABT_EXPECT_STATUS(
          h_.call("D", "DELETE", at + "/participants/" + item.string_or("id", ""), Json()), 204);
  }
  EXPECT_EQ(h_.call("N", "POST", at + "/notes", note, key).status, 403);
}

}  // namespace
}  // namespace rabt::acceptance::rights_test
