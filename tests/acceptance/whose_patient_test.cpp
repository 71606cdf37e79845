#include <chrono>
#include <set>

#include "hub/base/clock.hpp"
#include "tests/acceptance/hospital.hpp"

// Access to a patient's record without a reason: treating clinicians alone, by every path.
namespace rabt::acceptance::whose_patient_test {
namespace {

Hospital& h() {
  return Hospital::get();
}

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Patient {
  std::string id;
  std::string mrn;
};

Patient registered() {
  static int count = 1000;
  const std::string mrn = "WHOSE-" + std::to_string(++count);
  const Answer answer = h().post(
      "AD", "/api/v1/patients",
      Json::object({{"name", "Sara Alotaibi"}, {"mrn", mrn}, {"birthDate", "1980-02-03"}}));
  RABT_EXPECT_STATUS(answer, 201);
  return {.id = answer.text("id"), .mrn = mrn};
}

std::string in_hours(int hours) {
  const auto at = std::chrono::system_clock::now() + std::chrono::hours(hours);
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch());
  return to_iso8601({since.count()});
}

// A session of D2 with the patient, as the front desk books it, or D2 himself.
std::string planned(const Patient& patient, int hours, std::string_view by = "AD") {
  const Answer answer = h().post(by, "/api/v1/sessions",
                                 Json::object({{"type", "doctor_patient"},
                                               {"provider", h().person("D2").id},
                                               {"patient", patient.id},
                                               {"waitingRoom", false},
                                               {"scheduledStart", in_hours(hours)}}));
  RABT_EXPECT_STATUS(answer, 201);
  return "/api/v1/sessions/" + answer.text("id");
}

Json found(std::string_view who, const Patient& patient, const Headers& headers = {}) {
  const Answer answer = h().call(who, "POST", "/api/v1/patients/search",
                                 Json::object({{"identifier", "mrn:" + patient.mrn}}), headers);
  RABT_EXPECT_STATUS(answer, 200);
  EXPECT_EQ(answer["items"].size(), 1U) << answer.body;
  return answer["items"].size() == 1 ? answer["items"][0] : Json::object();
}

int reads(std::string_view who, const Patient& patient) {
  return h().get(who, "/api/v1/patients/" + patient.id).status;
}

TEST(WhosePatient, ASearchShowsNoMoreThanTheRecordItself) {
  const Patient patient = registered();
  const Json listed = found("D2", patient, {{"X-Rabt-Reason", "curious"}});
  EXPECT_EQ(listed["id"], Json(patient.id));
  EXPECT_EQ(listed["name"], Json("Sara Alotaibi"));
  EXPECT_TRUE(listed["mrn"].is_null()) << "a doctor who does not treat sees the record";
  EXPECT_TRUE(listed["birthDate"].is_null());
  EXPECT_EQ(reads("D2", patient), 403);

  EXPECT_EQ(found("AD", patient, {{"X-Rabt-Reason", "a call"}})["mrn"], Json(patient.mrn));

  (void)planned(patient, 1);
  EXPECT_EQ(found("D2", patient)["mrn"], Json(patient.mrn));
  EXPECT_EQ(reads("D2", patient), 200);
}

TEST(WhosePatient, ASessionFarAheadMakesNobodyTreat) {
  const Patient patient = registered();
  (void)planned(patient, 24 * 30);
  EXPECT_EQ(reads("D2", patient), 403);
  EXPECT_TRUE(found("D2", patient)["mrn"].is_null());
  RABT_EXPECT_STATUS(h().call("D2", "PATCH", "/api/v1/patients/" + patient.id,
                              Json::object({{"mrn", "OTHER"}}), {{"If-Match", "\"1\""}}),
                     403);
  const Answer early = h().get("D2", "/api/v1/patients/" + patient.id);
  RABT_EXPECT_STATUS(early, 403);
  EXPECT_NE(early.text("detail").find("privacy.treats_before_hours"), std::string::npos)
      << early.body;
  (void)planned(patient, 12);
  EXPECT_EQ(reads("D2", patient), 200);
}

// A curious doctor opens a session with anybody.
TEST(WhosePatient, ASessionThatADoctorOpensHimselfOpensNoRecordUntilThePatientComes) {
  h().enter("PW", "patient");
  const Patient patient{.id = h().person("PW").id, .mrn = {}};
  const std::string at = "/api/v1/patients/" + patient.id;
  const std::string session = planned(patient, 1, "D2");
  const Answer refused = h().get("D2", at);
  RABT_EXPECT_STATUS(refused, 403);
  EXPECT_EQ(refused["code"], Json("phi.break_glass"));
  EXPECT_NE(refused.text("detail").find("nobody else stands behind it"), std::string::npos)
      << refused.body;
  RABT_EXPECT_STATUS(h().call("D2", "GET", at, {}, {{"X-Rabt-Reason", "curious"}}), 403);
  const Answer changed =
      h().call("D2", "PATCH", at, Json::object({{"mrn", "HIS-OWN"}}), {{"If-Match", "\"1\""}});
  RABT_EXPECT_STATUS(changed, 403);
  EXPECT_NE(changed.text("detail").find("nobody else stands behind it"), std::string::npos);

  // The new doctor runs the session and reads its entries, but not the patient's record.
  RABT_EXPECT_STATUS(h().post("D2", session + "/start"), 200);
  const Json note = Json::object({{"kind", "free"}, {"content", "well"}});
  RABT_EXPECT_STATUS(h().post("D2", session + "/notes", note), 201);
  RABT_EXPECT_STATUS(h().get("D2", session + "/summary"), 200);
  EXPECT_EQ(reads("D2", patient), 403);

  h().enter("AUW", "auditor");
  const Json asked = Json::object({{"person", h().person("D2").id},
                                   {"session", session.substr(session.rfind('/') + 1)},
                                   {"right", "patient_see_at_once"}});
  const auto explained = [&] {
    const Answer answer = h().post("AUW", "/api/v1/access/explain", asked);
    RABT_EXPECT_STATUS(answer, 200);
    return answer["rights"][0];
  };
  const Json why = explained();
  EXPECT_EQ(why["allowed"], Json(false)) << why.dump();
  EXPECT_EQ(why["code"], Json("phi.break_glass"));
  EXPECT_EQ(why["why"], refused["detail"]);
  EXPECT_EQ(why["rules"][1]["outcome"], Json("opened alone")) << why.dump();

  RABT_EXPECT_STATUS(h().post("PW", session + "/join", Json::object({{"deviceType", "web"}})), 200);
  EXPECT_EQ(reads("D2", patient), 200);
  EXPECT_EQ(explained()["rule"], Json("patient.see-at-once/treats"));
}

TEST(WhosePatient, ASessionThatWasCancelledMakesNobodyTreat) {
  const Patient patient = registered();
  const std::string session = planned(patient, 2);
  EXPECT_EQ(reads("D2", patient), 200);
  RABT_EXPECT_STATUS(h().post("D2", session + "/cancel", Json::object({{"reason", "oops"}})), 200);
  EXPECT_EQ(reads("D2", patient), 403);
  EXPECT_TRUE(found("D2", patient)["mrn"].is_null());
}

// The code of an invitation of D2 to a session, and what an account makes of it.
std::string invited(const std::string& session, std::string_view role) {
  const Answer answer = h().post("D2", session + "/invitations",
                                 Json::object({{"email", "x@example.sa"}, {"role", role}}));
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("code");
}

TEST(WhosePatient, AHelperOpensNoRecord) {
  const Patient patient = registered();
  const std::string at = "/api/v1/patients/" + patient.id;
  h().enter("HW", "patient");
  h().enter("NW", "nurse");
  const Answer answer =
      h().post("D2", "/api/v1/sessions", Json::object({{"type", "remote_monitoring"}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string session = "/api/v1/sessions/" + answer.text("id");
  // An account that anybody makes is no nurse.
  const Json as_nurse = Json::object({{"code", invited(session, "nurse")}});
  const Answer refused = h().post("HW", "/api/v1/invitations/accept", as_nurse);
  RABT_EXPECT_STATUS(refused, 409);
  EXPECT_EQ(refused.text("code"), "participant.role_not_held");
  // A nurse whom he brought in says nothing for him, and nothing for herself.
  RABT_EXPECT_STATUS(h().post("NW", "/api/v1/invitations/accept", as_nurse), 200);
  RABT_EXPECT_STATUS(h().post("NW", session + "/participants",
                              Json::object({{"person", patient.id}, {"role", "patient"}})),
                     201);
  for (const char* who : {"D2", "NW"}) {
    EXPECT_EQ(reads(who, patient), 403) << who;
    EXPECT_EQ(
        h().call(who, "PATCH", at, Json::object({{"mrn", "MINE"}}), {{"If-Match", "\"1\""}}).status,
        403)
        << who;
  }
}

TEST(WhosePatient, ARefusalOfThePatientOpensNoRecord) {
  h().enter("PR", "patient");
  const Patient patient{.id = h().person("PR").id, .mrn = {}};
  const std::string session = planned(patient, 1, "D2");
  RABT_EXPECT_STATUS(h().post("PR", session + "/consents",
                              Json::object({{"kind", "recording"}, {"given", false}})),
                     201);
  EXPECT_EQ(reads("D2", patient), 403);
  const Answer lifted =
      h().post("D2", session + "/consents", Json::object({{"kind", "recording"}, {"given", true}}));
  RABT_EXPECT_STATUS(lifted, 409);
  EXPECT_EQ(lifted.text("code"), "consent.own_word");
  RABT_EXPECT_STATUS(h().post("PR", session + "/join"), 200);
  EXPECT_EQ(reads("D2", patient), 200);
}

TEST(WhosePatient, AVisitThatWasClosedByMistakeGoesOnByItsDoctor) {
  const Patient patient = registered();
  const Answer answer =
      h().post("AD", "/api/v1/visits",
               Json::object({{"patient", patient.id}, {"provider", h().person("D2").id}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string at = "/api/v1/visits/" + answer.text("id");
  for (const char* who : {"N", "D"}) {
    RABT_EXPECT_STATUS(h().get(who, at), 403);
    RABT_EXPECT_STATUS(h().post(who, at + "/close"), 403);
    RABT_EXPECT_STATUS(h().post(who, at + "/reopen"), 403);
    EXPECT_EQ(h().get(who, "/api/v1/visits?limit=200").body.find(answer.text("id")),
              std::string::npos);
  }
  EXPECT_NE(h().get("D2", "/api/v1/visits").body.find(answer.text("id")), std::string::npos);
  const Json visit = Json::object({{"type", "doctor_patient"},
                                   {"patient", patient.id},
                                   {"visit", answer.text("id")},
                                   {"waitingRoom", false}});
  EXPECT_EQ(h().post("AD", at + "/close").text("status"), "CLOSED");
  RABT_EXPECT_STATUS(h().post("D2", "/api/v1/sessions", visit), 409);
  const Answer again = h().post("D2", at + "/reopen");
  RABT_EXPECT_STATUS(again, 200);
  EXPECT_EQ(again.text("status"), "OPEN");
  EXPECT_TRUE(again["closedAt"].is_null());
  RABT_EXPECT_STATUS(h().post("D2", at + "/reopen"), 200);
  RABT_EXPECT_STATUS(h().post("D2", "/api/v1/sessions", visit), 201);
}

// A nurse opens a visit at the desk: it is hers, too.
TEST(WhosePatient, WhoOpenedAVisitClosesIt) {
  const Patient patient = registered();
  const Answer answer = h().post("N", "/api/v1/visits", Json::object({{"patient", patient.id}}));
  RABT_EXPECT_STATUS(answer, 201);
  RABT_EXPECT_STATUS(h().post("N", "/api/v1/visits/" + answer.text("id") + "/close"), 200);
}

// The nine digits of a national id with its check digit (Luhn) behind them.
std::string with_check_digit(std::string digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = (digits[i] - '0') * (i % 2 == 0 ? 2 : 1);
    sum += digit / 10 + digit % 10;
  }
  digits.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
  return digits;
}

// Report of one patient, as an auditor reads it.
Json report_of(const std::string& named) {
  h().enter("AUW", "auditor");
  const Answer report =
      h().call("AUW", "POST", "/api/v1/audit/report", Json::object({{"patient", named}}),
               {{"X-Rabt-Reason", "she asks"}});
  RABT_EXPECT_STATUS(report, 200);
  return report.json;
}

// Reasons and parts of the readings of AD.
std::multiset<std::string> readings_of(const Json& report) {
  std::multiset<std::string> out;
  for (const Json& row : report["accesses"].as_array()) {
    if (row["actor"] != Json("person:" + h().person("AD").id)) continue;
    out.insert(row.string_or("act", "") + " " + row.string_or("of", "") + " " +
               row.string_or("reason", ""));
  }
  return out;
}

TEST(WhosePatient, TheReportHasEveryReadingWhicheverIdentifierItIsAskedBy) {
  const Patient patient = registered();
  const std::string at = "/api/v1/patients/" + patient.id;
  const Headers snoops{{"X-Rabt-Reason", "snooping"}};
  const auto change = [&](const Json& body) {
    const Answer now = h().call("AD", "GET", at, {}, {{"X-Rabt-Reason", "to change it"}});
    const Answer done = h().call("AD", "PATCH", at, body, {{"If-Match", now.header("ETag")}});
    RABT_EXPECT_STATUS(done, 200);
  };
  const std::string national = with_check_digit("10" + patient.mrn.substr(6) + "776");
  const Json identifiers =
      Json::array({Json::object({{"kind", "national_id"}, {"value", national}})});
  change(Json::object({{"identifiers", identifiers}}));

  const std::string session = planned(patient, 0);
  RABT_EXPECT_STATUS(h().post("D2", session + "/start"), 200);
  RABT_EXPECT_STATUS(
      h().post("D2", session + "/notes", Json::object({{"kind", "free"}, {"content", "well"}})),
      201);
  for (const char* part : {"", "/notes", "/vitals", "/prescriptions", "/summary", "/messages"})
    RABT_EXPECT_STATUS(h().call("AD", "GET", session + part, {}, snoops), 200);
  RABT_EXPECT_STATUS(h().call("AD", "GET", at, {}, snoops), 200);
  const std::multiset<std::string> expected{
      "session.read  snooping",        "session.read note snooping",
      "session.read vitals snooping",  "session.read prescription snooping",
      "session.read summary snooping", "session.read message snooping",
      "patient.read  snooping"};
  const auto has_all = [&](const std::string& named) {
    const std::multiset<std::string> found = readings_of(report_of(named));
    std::string all;
    for (const std::string& word : found) all += word + "\n";
    for (const std::string& text : expected)
      EXPECT_TRUE(found.contains(text)) << text << "\n" << all;
    return found;
  };
  const auto has_hidden = [&](const std::string& named) {
    EXPECT_TRUE(has_all(named).contains("patient.read  hidden")) << named;
    EXPECT_EQ(report_of(named)["leftOut"], Json(0)) << named;
  };
  (void)has_all("mrn:" + patient.mrn);
  (void)has_all("identifier:" + national);

  // Accesses while the record has no identifier are found as well.
  change(Json::object({{"mrn", Json()}, {"identifiers", Json()}}));
  RABT_EXPECT_STATUS(h().call("AD", "GET", at, {}, {{"X-Rabt-Reason", "hidden"}}), 200);
  has_hidden("mrn:" + patient.mrn);
  change(Json::object({{"mrn", patient.mrn}, {"identifiers", identifiers}}));
  has_hidden("mrn:" + patient.mrn);
  has_hidden("identifier:" + national);
  has_hidden("person:" + patient.id);
}

TEST(WhosePatient, TheReportMixesNobodysReadingsWithThoseOfWhoHasTheIdentifierNow) {
  const Patient before = registered();
  const Patient after = registered();
  const auto change = [&](const Patient& patient, const Json& body) {
    const std::string at = "/api/v1/patients/" + patient.id;
    const Answer now = h().call("AD", "GET", at, {}, {{"X-Rabt-Reason", "of " + patient.mrn}});
    RABT_EXPECT_STATUS(h().call("AD", "PATCH", at, body, {{"If-Match", now.header("ETag")}}), 200);
  };
  const std::string national = "10" + before.mrn.substr(6) + "7755";
  const Json identifiers =
      Json::array({Json::object({{"kind", "national_id"}, {"value", national}})});
  change(before, Json::object({{"identifiers", identifiers}}));
  change(before, Json::object({{"identifiers", Json()}}));
  change(after, Json::object({{"identifiers", identifiers}}));
  change(after, Json::object({{"language", "en"}}));

  h().enter("AUW", "auditor");
  const Answer mixed = h().call("AUW", "POST", "/api/v1/audit/report",
                                Json::object({{"patient", "identifier:" + national}}),
                                {{"X-Rabt-Reason", "she asks"}});
  RABT_EXPECT_STATUS(mixed, 409);
  EXPECT_EQ(mixed.json["code"], Json("phi.patient_ambiguous"));
  for (const auto& [one, other] : {std::pair{before, after}, std::pair{after, before}}) {
    const Json report = report_of("person:" + one.id);
    EXPECT_EQ(report["leftOut"], Json(1));
    const std::multiset<std::string> readings = readings_of(report);
    EXPECT_TRUE(readings.contains("patient.read  of " + one.mrn));
    EXPECT_FALSE(readings.contains("patient.read  of " + other.mrn));
  }
}

}  // namespace
}  // namespace rabt::acceptance::whose_patient_test
