#include "tests/acceptance/hospital.hpp"

// Rows B-01 to B-51 of the catalogue of calls, by /api/v1.
namespace rabt::acceptance {
namespace {

constexpr const char* kSessions = "/api/v1/sessions";

Hospital& h() {
  return Hospital::get();
}

Json doctor_patient(Json more = Json::object()) {
  Json body = Json::object({{"type", "doctor_patient"}, {"patient", h().person("P").id}});
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  return body;
}
std::string made(const Json& body) {
  const Answer answer = h().post("D", kSessions, body);
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("id");
}
std::string path(const std::string& id, const std::string& act = "") {
  return std::string(kSessions) + "/" + id + (act.empty() ? "" : "/" + act);
}
Json participant(std::string_view who, std::string_view role) {
  return Json::object({{"person", h().person(who).id}, {"role", role}});
}
std::string active(const Json& body) {
  const std::string id = made(body);
  RABT_EXPECT_STATUS(h().post("D", path(id, "start")), 200);
  return id;
}

TEST(Brainsait, B01B10CreatesASession) {
  const Answer one = h().post("D", kSessions, doctor_patient());
  RABT_EXPECT_STATUS(one, 201);
  EXPECT_EQ(one["maxParticipants"], Json(10));
  EXPECT_EQ(one["encryption"]["recording"], Json("AES-256-GCM"));
  EXPECT_GE(one["tokens"].size(), 1U) << one.body;
  EXPECT_EQ(one.text("id").size(), 26U);
  EXPECT_NE(one.json.find("roomSid"), nullptr);
  EXPECT_EQ(one.header("Location"), path(one.text("id")));
  EXPECT_FALSE(one.header("ETag").empty());
}

TEST(Brainsait, B02B03B26TheWaitingRoom) {
  const std::string id = made(Json::object({{"type", "doctor_patient"}}));
  const Answer added = h().post("D", path(id, "participants"), participant("P", "patient"));
  RABT_EXPECT_STATUS(added, 201);
  EXPECT_EQ(added["admission"], Json("waiting")) << added.body;
  EXPECT_EQ(added["tokenUse"], Json("waiting"));
  EXPECT_FALSE(added.text("accessToken").empty());
  const Answer early = h().post("P", path(id, "token"));
  RABT_EXPECT_STATUS(early, 409);
  EXPECT_EQ(early["code"], Json("participant.waiting"));
  const std::string admit =
      path(id, "participants/" + added["participant"].string_or("id", "") + "/admit");
  RABT_EXPECT_STATUS(h().post("P", admit), 403);
  const Answer in = h().post("D", admit);
  RABT_EXPECT_STATUS(in, 200);
  EXPECT_EQ(in["admission"], Json("admitted"));
  EXPECT_EQ(in["tokenUse"], Json("media"));
}

TEST(Brainsait, B04RecordsSealed) {
  const Answer begun = h().post("D", path(active(doctor_patient()), "recording/start"),
                                Json::object({{"encryptionRequired", false}}));
  EXPECT_TRUE(begun.status == 200 || begun.status == 201) << begun.body;
  EXPECT_FALSE(begun.text("recordingSid").empty()) << begun.body;
  EXPECT_EQ(begun["encrypted"], Json(true));
}

TEST(Brainsait, B06B51EndsWithASummary) {
  const Answer over = h().post("D", path(active(doctor_patient()), "end"),
                               Json::object({{"reason", "consultation_completed"}}));
  RABT_EXPECT_STATUS(over, 200);
  EXPECT_TRUE(over["durationMinutes"].as_int64().has_value()) << over.body;
  EXPECT_EQ(over["type"], Json("doctor_patient"));
  EXPECT_EQ(over["context"]["patient"], Json(h().person("P").id));
  const std::string other = active(doctor_patient());
  RABT_EXPECT_STATUS(h().post("D", path(other, "end"), Json::object({{"reason", "other_words"}})),
                     200);
  EXPECT_EQ(h().get("D", path(other))["endReason"], Json("other_words"));
}

TEST(Brainsait, B08B09B47B48B49KeepsWhatWasSent) {
  const Json context = Json::parse(R"({"patient_id": null, "medical_record_number": "MRN-2024-001",
      "appointment_id": "APT-1", "diagnosis_codes": ["I10"], "specialty": "cardiology",
      "urgency_level": "routine", "consultation_type": "follow_up",
      "saudi_health_id": "SH-1", "family_consent": true,
      "cultural_considerations": ["arabic_language_primary"]})")
                           .value();
  const Json organizer = Json::object({{"name", "د. أحمد حسن"},
                                       {"role", "DOCTOR"},
                                       {"preferred_language", "ar"},
                                       {"license_number", "DOC-2024-001"}});
  const Answer one = h().post("D", kSessions,
                              Json::object({{"session_type", "DOCTOR_PATIENT"},
                                            {"organizer", organizer},
                                            {"healthcare_context", context}}));
  RABT_EXPECT_STATUS(one, 201);
  const Answer read = h().get("D", path(one.text("id")));
  EXPECT_EQ(read["context"]["medicalRecordNumber"], Json("MRN-2024-001")) << read.body;
  EXPECT_EQ(read["context"]["urgency"], Json("routine"));
  EXPECT_EQ(read["context"]["familyConsent"], Json(true));
  EXPECT_NE(read.body.find("د. أحمد حسن"), std::string::npos);
  RABT_EXPECT_STATUS(h().post("D", kSessions, Json::object({{"type", "doctor_patient"}})), 201);
}

TEST(Brainsait, B11B12B19TypesRolesAndSizes) {
  for (const char* type :
       {"doctor_patient", "medical_team", "family_consultation", "second_opinion",
        "emergency_consultation", "remote_monitoring", "training_session"})
    RABT_EXPECT_STATUS(h().post("D", kSessions, Json::object({{"type", type}})), 201);
  const Answer eighth = h().post("D", kSessions, Json::object({{"type", "party"}}));
  RABT_EXPECT_STATUS(eighth, 422);
  EXPECT_EQ(eighth["code"], Json("api.invalid"));
  const std::string team = made(Json::object({{"type", "medical_team"}}));
  RABT_EXPECT_STATUS(h().post("D", path(team, "participants"), participant("P", "guest")), 422);
  const Answer patient = h().post("D", path(team, "participants"), participant("P", "patient"));
  RABT_EXPECT_STATUS(patient, 409);
  EXPECT_EQ(patient["code"], Json("participant.role_not_allowed"));
  RABT_EXPECT_STATUS(
      h().post("D", kSessions, doctor_patient(Json::object({{"maxParticipants", 16}}))), 422);
}

TEST(Brainsait, B13QualityHasASize) {
  const Answer one = h().post("D", kSessions, doctor_patient(Json::object({{"quality", "hd"}})));
  EXPECT_EQ(one["qualityWidth"], Json(1920)) << one.body;
  EXPECT_EQ(one["qualityHeight"], Json(1080));
}

TEST(Brainsait, B24StrangersAreRefused) {
  const std::string id = made(doctor_patient());
  RABT_EXPECT_STATUS(h().get("P2", path(id)), 403);
  RABT_EXPECT_STATUS(h().get("-", path(id)), 401);
}

TEST(Brainsait, B38HasTheHijriDate) {
  const Answer one = h().post(
      "D", kSessions, doctor_patient(Json::object({{"scheduledStart", "2026-02-18T09:00:00Z"}})));
  RABT_EXPECT_STATUS(one, 201);
  EXPECT_EQ(one["scheduledStartHijri"], Json("1447-09-01"));
}

TEST(Brainsait, B39FamilyNeedsConsent) {
  const std::string id = made(doctor_patient());
  const Json family = Json::object({{"name", "Sara"}, {"role", "family_member"}});
  const Answer refused = h().post("D", path(id, "participants"), family);
  RABT_EXPECT_STATUS(refused, 409);
  EXPECT_EQ(refused["code"], Json("consent.family_missing"));
  RABT_EXPECT_STATUS(
      h().post("P", path(id, "consents"),
               Json::object({{"kind", "family"}, {"given", true}, {"method", "app"}})),
      201);
  RABT_EXPECT_STATUS(h().post("D", path(id, "participants"), family), 201);
}

TEST(Brainsait, B40B41StartsWithoutAPatient) {
  const std::string urgent = made(Json::object({{"type", "emergency_consultation"}}));
  RABT_EXPECT_STATUS(h().post("D", path(urgent, "start")), 200);
  const std::string opinion = made(Json::object({{"type", "second_opinion"}}));
  RABT_EXPECT_STATUS(h().post("D", path(opinion, "participants"), participant("D2", "specialist")),
                     201);
  RABT_EXPECT_STATUS(h().post("D", path(opinion, "start")), 200);
}

TEST(Brainsait, B46ATokenStaysTheSameForAWhile) {
  const std::string id = active(doctor_patient());
  const Answer first = h().post("D", path(id, "token"));
  RABT_EXPECT_STATUS(first, 200);
  EXPECT_EQ(h().post("D", path(id, "token"))["token"], first["token"]);
}

TEST(Brainsait, B27NoTokenAfterTheEnd) {
  const std::string id = active(doctor_patient());
  RABT_EXPECT_STATUS(h().post("D", path(id, "token")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "token")), 409);
}

TEST(Brainsait, ChangesNeedTheVersionThatWasSeen) {
  const Answer one = h().post("D", kSessions, doctor_patient());
  const std::string at = path(one.text("id"));
  const Json longer = Json::object({{"plannedMinutes", 60}});
  RABT_EXPECT_STATUS(h().call("D", "PATCH", at, longer), 428);
  RABT_EXPECT_STATUS(h().call("D", "PATCH", at, longer, {{"If-Match", "\"99\""}}), 412);
  const std::string tag = h().get("D", at).header("ETag");
  const Answer changed = h().call("D", "PATCH", at, longer, {{"If-Match", tag}});
  RABT_EXPECT_STATUS(changed, 200);
  EXPECT_EQ(changed["plannedMinutes"], Json(60));
}

TEST(Brainsait, B50TheApiIsDescribed) {
  const Answer document = h().get("-", "/api/v1/openapi.yaml");
  RABT_EXPECT_STATUS(document, 200);
  EXPECT_EQ(document.body, e2e::read_file(e2e::source_dir() + "/docs/openapi.yaml"));
}

TEST(Brainsait, ListsPageByCursor) {
  for (int i = 0; i < 3; ++i) (void)made(doctor_patient());
  const Answer first = h().get("P", std::string(kSessions) + "?limit=2");
  RABT_EXPECT_STATUS(first, 200);
  EXPECT_EQ(first["items"].size(), 2U);
  const Answer second = h().get("P", first.text("next"));
  RABT_EXPECT_STATUS(second, 200);
  ASSERT_GE(second["items"].size(), 1U);
  EXPECT_NE(second["items"][0]["id"], first["items"][1]["id"]);
}

}  // namespace
}  // namespace rabt::acceptance
