#include <cstdlib>
#include <regex>

#include "hub/base/bytes.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/arabic_strings.hpp"

// Calls of BrainSAIT, by /api/v1.
namespace rabt::acceptance::brainsait_test {
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
  const Answer answer = h().post("D", kSessions, doctor_patient());
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["maxParticipants"], Json(10));
  EXPECT_EQ(answer["encryption"]["recording"], Json("AES-256-GCM"));
  EXPECT_GE(answer["tokens"].size(), 1U) << answer.body;
  EXPECT_EQ(answer.text("id").size(), 26U);
  EXPECT_NE(answer.json.find("roomSid"), nullptr);
  EXPECT_EQ(answer.header("Location"), path(answer.text("id")));
  EXPECT_FALSE(answer.header("ETag").empty());
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
  const Answer answer = h().post("D", kSessions,
                                 Json::object({{"session_type", "DOCTOR_PATIENT"},
                                               {"organizer", organizer},
                                               {"healthcare_context", context}}));
  RABT_EXPECT_STATUS(answer, 201);
  const Answer read = h().get("D", path(answer.text("id")));
  EXPECT_EQ(read["context"]["medicalRecordNumber"], Json("MRN-2024-001")) << read.body;
  EXPECT_EQ(read["context"]["urgency"], Json("routine"));
  EXPECT_EQ(read["context"]["familyConsent"], Json(true));
  EXPECT_NE(read.body.find("د. أحمد حسن"), std::string::npos);
  RABT_EXPECT_STATUS(h().post("D", kSessions, Json::object({{"type", "doctor_patient"}})), 201);
}

TEST(Brainsait, B11B12TypesAndRoles) {
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
}

TEST(Brainsait, B19ASessionHasAsManyAsItSays) {
  RABT_EXPECT_STATUS(
      h().post("D", kSessions, doctor_patient(Json::object({{"maxParticipants", 16}}))), 422);
  const std::string id =
      active(doctor_patient(Json::object({{"maxParticipants", 2}, {"waitingRoom", false}})));
  for (const char* who : {"D", "P"}) RABT_EXPECT_STATUS(h().post(who, path(id, "join")), 200);
  const Answer added = h().post("D", path(id, "participants"), participant("N", "nurse"));
  const Answer third = added.status == 201 ? h().post("N", path(id, "join")) : added;
  RABT_EXPECT_STATUS(third, 409);
  EXPECT_EQ(third.text("code"), "session.full");
}

TEST(Brainsait, B22K55SaysHowItEncryptsAndPromisesNoMore) {
  const Answer answer = h().post("D", kSessions, doctor_patient());
  EXPECT_EQ(answer["encryption"], *Json::parse(R"({"media": "DTLS-SRTP", "recording": "AES-256-GCM",
                             "documents": "AES-256-GCM", "endToEnd": false})"));
  // Twilio's rooms are no tunnels from browser to browser.
  const Answer more = h().post("D", kSessions, doctor_patient(Json::object({{"e2ee", true}})));
  RABT_EXPECT_STATUS(more, 409);
  EXPECT_EQ(more.text("code"), "capability.e2ee");
}

TEST(Brainsait, B23K55NothingThatIsSharedStandsOnTheDiskInClear) {
  const std::vector<std::string> secrets{"Quixotical tibia of the left leg", "زرافة بنت القمر",
                                         "pomegranate allergy"};
  const std::string id = active(doctor_patient(Json::object({{"chiefComplaint", secrets[2]}})));
  RABT_EXPECT_STATUS(h().post("D", path(id, "documents"),
                              Json::object({{"documentType", "TEXT"},
                                            {"title", "x-ray"},
                                            {"contentType", "text/plain"},
                                            {"data", to_base64(as_bytes(secrets[0]))}})),
                     201);
  RABT_EXPECT_STATUS(h().post("D", path(id, "participants"),
                              Json::object({{"name", secrets[1]}, {"role", "nurse"}})),
                     201);
  EXPECT_EQ(e2e::search({h().site.config.data, h().site.config.log}, secrets),
            std::vector<std::string>{});
  // They are there.
  const Answer read = h().get("D", path(id));
  EXPECT_NE(read.body.find(secrets[1]), std::string::npos);
  EXPECT_EQ(read["chiefComplaint"], Json(secrets[2]));
}

TEST(Brainsait, B13QualityHasASize) {
  const Answer answer = h().post("D", kSessions, doctor_patient(Json::object({{"quality", "hd"}})));
  EXPECT_EQ(answer["qualityWidth"], Json(1920)) << answer.body;
  EXPECT_EQ(answer["qualityHeight"], Json(1080));
}

TEST(Brainsait, B24StrangersAreRefused) {
  const std::string id = made(doctor_patient());
  RABT_EXPECT_STATUS(h().get("P2", path(id)), 403);
  RABT_EXPECT_STATUS(h().get("-", path(id)), 401);
}

TEST(Brainsait, B38HasTheHijriDate) {
  const Answer answer = h().post(
      "D", kSessions, doctor_patient(Json::object({{"scheduledStart", "2026-02-18T09:00:00Z"}})));
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["scheduledStartHijri"], Json("1447-09-01"));
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

TEST(Brainsait, B40B41K50StartsWithoutAPatient) {
  const std::string urgent = made(Json::object(
      {{"type", "emergency_consultation"},
       {"participants", Json::array({participant("D2", "specialist"),
                                     Json::object({{"name", "د. منى الدوسري"},
                                                   {"role", "specialist"},
                                                   {"licenseNumber", "DOC-2024-002"}})})}}));
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
  const Answer given = h().post("D", path(id, "token"));
  RABT_EXPECT_STATUS(given, 200);
  const auto until = parse_iso8601(given.text("expiresAt"));
  ASSERT_TRUE(until.ok()) << given.body;
  EXPECT_LE(until->ms, SystemClock().now().ms + 3'600'000);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "token")), 409);
}

TEST(Brainsait, ChangesNeedTheVersionThatWasSeen) {
  const Answer answer = h().post("D", kSessions, doctor_patient());
  const std::string at = path(answer.text("id"));
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

TEST(Brainsait, B05SharesADocument) {
  const std::string id = active(doctor_patient());
  const Answer shared = h().post(
      "D", path(id, "documents"),
      Json::object(
          {{"documentType", "PDF"}, {"contentType", "application/pdf"}, {"data", "JVBERi0xLjQ="}}));
  RABT_EXPECT_STATUS(shared, 201);
  const std::string at = "/api/v1/documents/" + shared.text("id") + "/content";
  const Answer read = h().get("P", at);
  RABT_EXPECT_STATUS(read, 200);
  EXPECT_EQ(read.body, "%PDF-1.4");
  RABT_EXPECT_STATUS(h().get("P2", at), 403);
}

TEST(Brainsait, B07TheSettingsSayWhenAnEmptySessionEnds) {
  EXPECT_EQ(h().get("D", "/api/v1/settings/video")["emptyMinutes"], Json(5));
}

TEST(Brainsait, B14B16SpeaksArabic) {
  const Answer strings = h().get("P", "/api/v1/ui/strings?lang=ar");
  RABT_EXPECT_STATUS(strings, 200);
  for (const auto& [name, text] : test::kArabicStrings)
    EXPECT_EQ(strings["strings"].string_or(name, ""), text) << name;
  const Answer terms = h().get("P", "/api/v1/terms?q=hypertension&lang=ar");
  RABT_EXPECT_STATUS(terms, 200);
  ASSERT_GE(terms["items"].size(), 1U);
  EXPECT_NE(terms["items"][0].string_or("ar", ""), "");
}

TEST(Brainsait, B18B20B21TellsItsSettings) {
  const Answer settings = h().get("D", "/api/v1/settings/video");
  RABT_EXPECT_STATUS(settings, 200);
  for (const char* name : {"enabled", "recordingEnabled", "encryptionRequired",
                           "waitingRoomEnabled", "screenSharingEnabled", "chatEnabled"})
    EXPECT_EQ(settings[name], Json(true)) << name;
  EXPECT_EQ(settings["maxParticipants"], Json(10));
  EXPECT_EQ(settings["recordingRetentionDays"], Json(2555));
}

TEST(Brainsait, B28K55TheLogHasEachKindOfAct) {
  const std::string id = active(doctor_patient(Json::object({{"waitingRoom", false}})));
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "token")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "recording/start")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "recording/stop")), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "documents"),
                              Json::object({{"documentType", "PDF"},
                                            {"contentType", "application/pdf"},
                                            {"data", "JVBERi0xLjQ="}})),
                     201);
  RABT_EXPECT_STATUS(h().post("D", path(id, "messages"), Json::object({{"text", "id 1000000008"}})),
                     201);
  RABT_EXPECT_STATUS(
      h().call("D", "PUT", path(id, "quality/level"), Json::object({{"level", "low"}})), 200);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  const Answer entries = h().get("AD", "/api/v1/audit/entries?limit=200&object=session:" + id);
  RABT_EXPECT_STATUS(entries, 200);
  for (const char* act :
       {"session.created", "session.started", "session.ended", "token.issued", "recording.started",
        "recording.stopped", "document.shared", "phi.detected", "quality.adapted"})
    EXPECT_NE(entries.body.find("\"act\":\"" + std::string(act) + "\""), std::string::npos)
        << act << entries.body;
  EXPECT_EQ(entries.body.find("1000000008"), std::string::npos);
  // Newest first, without whom it is about.
  const auto& items = entries["items"].as_array();
  ASSERT_GE(items.size(), 9U);
  for (std::size_t i = 1; i < items.size(); ++i)
    EXPECT_GT(*items[i - 1]["seq"].as_int64(), *items[i]["seq"].as_int64());
  EXPECT_EQ(items[0].find("patient"), nullptr);
  EXPECT_EQ(items[0].find("sealed"), nullptr);

  // Pages follow each other without a gap, and filters narrow them.
  std::vector<std::int64_t> paged;
  std::string next = "/api/v1/audit/entries?limit=4&object=session:" + id;
  for (int i = 0; i < 50 && !next.empty(); ++i) {
    const Answer page = h().get("AD", next);
    RABT_EXPECT_STATUS(page, 200);
    EXPECT_LE(page["items"].size(), 4U);
    for (const Json& item : page["items"].as_array()) paged.push_back(*item["seq"].as_int64());
    next = page.text("next");
  }
  ASSERT_EQ(paged.size(), items.size());
  for (std::size_t i = 0; i < paged.size(); ++i) EXPECT_EQ(paged[i], *items[i]["seq"].as_int64());
  const Answer started =
      h().get("AD", "/api/v1/audit/entries?act=session.started&object=session:" + id +
                        "&actor=person:" + h().person("D").id);
  ASSERT_EQ(started["items"].size(), 1U) << started.body;
  EXPECT_EQ(started["items"][0]["result"], Json("ok"));
  EXPECT_EQ(h().get("AD", "/api/v1/audit/entries?to=2001-01-01&limit=1")["items"].size(), 0U);
  const Answer read = h().get("AD", "/api/v1/audit/entries?act=audit.read&limit=1");
  EXPECT_EQ(read["items"].size(), 1U) << "reading the log is in the log";
  for (const char* who : {"D", "P", "N"})
    RABT_EXPECT_STATUS(h().get(who, "/api/v1/audit/entries"), 403);
  RABT_EXPECT_STATUS(h().get("-", "/api/v1/audit/entries"), 401);
}

// ASVS 3.7.1: no plugins of browsers, no scripts; HTML and CSS.
TEST(Brainsait, PagesNeedNothingButABrowser) {
  const std::regex more("<(object|embed|applet|param|script|iframe|frame|bgsound|marquee)\\b",
                        std::regex::icase);
  for (const char* door : {"kiorex", "emr", "pulseone", "clinicvault"}) {
    const Answer page = h().get("-", std::string("/api/docs/") + door);
    RABT_EXPECT_STATUS(page, 200);
    EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
    EXPECT_NE(page.body.find("<style"), std::string::npos);
    EXPECT_FALSE(std::regex_search(page.body, more)) << door;
  }
}

// docs/formats/audit_log.md, `actor`. tests/lint/actors.sh reads the sources.
TEST(Brainsait, EveryActorOfTheAuditLogIsAPrincipal) {
  RABT_EXPECT_STATUS(h().post("D", path(active(doctor_patient()), "end")), 200);
  const std::regex principal(
      "person:[0-9A-Z]{26}|client:[^/]+(/person:[0-9A-Z]{26})?|source:.+|plugin:.+|node:[a-z]+|"
      "local:[0-9]+(/person:[0-9A-Z]{26})?|anonymous");
  std::string next = "/api/v1/audit/entries?limit=200";
  std::size_t read = 0;
  for (int i = 0; i < 100 && !next.empty(); ++i) {
    const Answer page = h().get("AD", next);
    RABT_EXPECT_STATUS(page, 200);
    for (const Json& item : page["items"].as_array()) {
      const std::string actor = item.string_or("actor", "");
      EXPECT_TRUE(std::regex_match(actor, principal)) << actor << " " << item.string_or("act", "");
      ++read;
    }
    next = page.text("next");
  }
  EXPECT_GT(read, 10U);
}

TEST(Brainsait, B29B45FindingsArePointedOutAndJudged) {
  const std::string id = active(doctor_patient());
  const Answer sent =
      h().post("D", path(id, "messages"), Json::object({{"text", "id 1000000008"}}));
  RABT_EXPECT_STATUS(sent, 201);
  EXPECT_EQ(sent["phi"].dump(), R"(["national-id"])");
  const Answer events = h().get("D", path(id, "events"));
  std::int64_t finding = 0;
  for (const Json& item : events["items"].as_array()) {
    if (item.string_or("type", "").find("phi-detected") != std::string::npos)
      finding = item.int_or("seq", 0);
  }
  ASSERT_GT(finding, 0) << events.body;
  const auto judge = [&](const char* who, std::int64_t event, const char* verdict) {
    return h().post(who, path(id, "phi-reviews"),
                    Json::object({{"event", event}, {"verdict", verdict}}));
  };
  RABT_EXPECT_STATUS(judge("P", finding, "false_positive"), 403);
  RABT_EXPECT_STATUS(judge("D", 1, "correct"), 404);
  RABT_EXPECT_STATUS(judge("D", finding, "perhaps"), 422);
  const Answer judged = judge("D", finding, "false_positive");
  RABT_EXPECT_STATUS(judged, 201);
  EXPECT_EQ(judged["kinds"].dump(), R"(["national-id"])");
  const Answer again = judge("D", finding, "correct");
  RABT_EXPECT_STATUS(again, 409);
  EXPECT_EQ(again.text("code"), "phi.reviewed");
}

TEST(Brainsait, B31B33K73K78TellsHowItComplies) {
  const Answer compliance = h().get("AD", "/api/v1/compliance");
  RABT_EXPECT_STATUS(compliance, 200);
  EXPECT_NE(compliance.body.find("\"twilio\""), std::string::npos) << compliance.body;
  EXPECT_NE(compliance.json.find("residency"), nullptr);
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/compliance"), 403);
  RABT_EXPECT_STATUS(h().get("AD", "/api/v1/reports/scfhs?month=2026-11"), 200);
}

TEST(Brainsait, B42B43K77TakesVitalsOfDevicesAndLooksAtDicom) {
  const std::string id =
      active(Json::object({{"type", "remote_monitoring"},
                           {"patient", h().person("P").id},
                           {"participants", Json::array({participant("N", "nurse")})},
                           {"waitingRoom", false}}));
  const Answer vitals = h().post(
      "N", path(id, "vitals"),
      Json::object(
          {{"heartRate", 71},
           {"device", Json::object({{"id", "d-1"}, {"kind", "oximeter"}, {"serial", "S-77"}})}}));
  RABT_EXPECT_STATUS(vitals, 201);
  EXPECT_EQ(vitals["source"], Json("device")) << vitals.body;
  const Answer dicom = h().post("D", path(id, "documents"),
                                Json::object({{"documentType", "DICOM"},
                                              {"contentType", "application/dicom"},
                                              {"data", "JVBERi0xLjQ="}}));
  RABT_EXPECT_STATUS(dicom, 422);
  EXPECT_EQ(dicom.text("code"), "document.type");
}

TEST(Brainsait, B43K44WhoRunsTheSessionMayShowHisScreen) {
  const std::string id = active(doctor_patient(
      Json::object({{"waitingRoom", false},
                    {"participants",
                     Json::array({participant("N", "nurse"), participant("D2", "observer")})}})));
  const auto grants = [&](const char* who) {
    const Answer joined = h().post(who, path(id, "join"));
    RABT_EXPECT_STATUS(joined, 200);
    return joined["media"]["grants"].dump();
  };
  EXPECT_EQ(grants("D"), R"(["camera","microphone","screen"])");
  EXPECT_EQ(grants("N"), R"(["camera","microphone","screen"])");
  EXPECT_EQ(grants("P"), R"(["camera","microphone"])");
  EXPECT_EQ(grants("D2"), "[]");
}

TEST(Brainsait, B45HasEveryMetric) {
  RABT_EXPECT_STATUS(h().post("D", path(active(doctor_patient()), "end")), 200);
  const std::string page = h().get("AD", "/metrics").body;
  for (const char* name : {"rabt_sessions_total",
                           "rabt_sessions_active",
                           "rabt_session_duration_seconds",
                           "rabt_session_success_ratio",
                           "rabt_session_join_seconds",
                           "rabt_session_quality_score",
                           "rabt_session_bandwidth_bytes_total",
                           "rabt_quality_changes_total",
                           "rabt_participants_joined_total",
                           "rabt_waiting_room_seconds",
                           "rabt_recordings_total",
                           "rabt_recording_bytes",
                           "rabt_recording_reads_total",
                           "rabt_recording_seal_seconds",
                           "rabt_attendee_minutes",
                           "rabt_phi_detected_total",
                           "rabt_phi_reviewed_total",
                           "rabt_tokens_issued_total",
                           "rabt_transcript_segments_total",
                           "rabt_door_requests_total"})
    EXPECT_NE(page.find("# TYPE " + std::string(name) + " "), std::string::npos) << name;
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
}  // namespace rabt::acceptance::brainsait_test
