#include "tests/acceptance/hospital.hpp"

// Calls of PulseOne.
namespace rabt::acceptance::pulseone_test {
namespace {

constexpr const char* kSessions = "/api/video/sessions";

Hospital& h() {
  return Hospital::get();
}

Json sample() {
  return Json::object({{"booking_type", "DIRECT_DOCTOR"},
                       {"doctor_id", h().uuid("D")},
                       {"patient_id", h().uuid("P")},
                       {"scheduled_start_time", "2026-12-25T10:00:00"},
                       {"consultation_duration_minutes", 30},
                       {"chief_complaint", "Regular checkup"}});
}
std::string made() {
  const Answer answer = h().post("P", kSessions, sample());
  RABT_EXPECT_STATUS(answer, 201);
  return answer.text("session_id");
}
std::string path(const std::string& id, const std::string& act = "") {
  return std::string(kSessions) + "/" + id + (act.empty() ? "" : "/" + act);
}
std::string status(const std::string& id) {
  return h().get("D", path(id)).text("status");
}
std::string active() {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("D", path(id, "join")), 200);
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 200);
  return id;
}
bool holds(const Json& list, const std::string& id) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i]["session_id"] == Json(id)) return true;
  }
  return false;
}

TEST(Pulseone, P01P12BooksASession) {
  const Answer answer = h().post("P", kSessions, sample());
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["status"], Json("SCHEDULED"));
  EXPECT_EQ(answer["booking_type"], Json("DIRECT_DOCTOR"));
  EXPECT_EQ(answer["scheduled_start_time"], Json("2026-12-25T10:00:00"));
  Json other = sample();
  other.set("patient_id", h().uuid("P2"));
  RABT_EXPECT_STATUS(h().post("P", kSessions, other), 403);
  Json another = sample();
  another.set("doctor_id", h().uuid("D2"));
  RABT_EXPECT_STATUS(h().post("D", kSessions, another), 403);
}

// A provider with slots on the day has one visit at a time, whichever API books it.
TEST(Pulseone, P01P12ATimeThatIsTakenIsAConflictInTheFormOfTheApi) {
  h().enter("DT", "doctor");
  const Json hours = *Json::parse(
      R"({"slots": [{"startTime": "2027-03-16T08:00:00Z", "endTime": "2027-03-16T10:00:00Z"}]})");
  RABT_EXPECT_STATUS(h().post("DT", "/video/providers/" + h().uuid("DT") + "/availability", hours),
                     201);
  // In Riyadh, as this API takes times without a zone.
  const auto book = [](const char* patient, const char* start) {
    Json body = sample();
    body.set("doctor_id", h().uuid("DT"));
    body.set("patient_id", h().uuid(patient));
    body.set("scheduled_start_time", start);
    return h().post(patient, kSessions, body);
  };
  RABT_EXPECT_STATUS(book("P", "2027-03-16T11:00:00"), 201);
  const Answer taken = book("P2", "2027-03-16T11:15:00");
  RABT_EXPECT_STATUS(taken, 409);
  EXPECT_EQ(taken.header("X-Rabt-Code"), "provider.busy");
  EXPECT_TRUE(taken["detail"].is_string()) << taken.body;
  EXPECT_EQ(taken.json.find("code"), nullptr) << taken.body;
  RABT_EXPECT_STATUS(book("P2", "2027-03-16T11:30:00"), 201);
}

// A doctor books for a patient whom no token has shown; a patient enters nobody.
TEST(Pulseone, P01APatientWhoNeverSignedInCanBeNamed) {
  const std::string patient = "3d5e8f70-1a2b-4c3d-9e4f-5a6b7c8d9e0f";
  Json body = sample();
  body.set("patient_id", patient);
  RABT_EXPECT_STATUS(h().post("P", kSessions, body), 422);
  const Answer answer = h().post("D", kSessions, body);
  RABT_EXPECT_STATUS(answer, 201);
  EXPECT_EQ(answer["patient_id"], Json(patient));
  const Answer in = h().call("-", "POST", path(answer.text("session_id"), "join"), Json::object(),
                             {{"Authorization", "Bearer " + h().mint(patient, "PATIENT")}});
  RABT_EXPECT_STATUS(in, 200);

  Json unknown = sample();
  unknown.set("doctor_id", "4e6f9081-2b3c-4d4e-8f50-6b7c8d9e0f1a");
  const Answer refused = h().post("P", kSessions, unknown);
  RABT_EXPECT_STATUS(refused, 422);
  EXPECT_EQ(refused["detail"][0]["loc"], Json::array({"body", "doctor_id"})) << refused.body;
  EXPECT_NE(refused.body.find("no token of this person"), std::string::npos) << refused.body;
}

TEST(Pulseone, P02JoinsWithMeetingAndAttendee) {
  const std::string id = made();
  const Answer in = h().post("P", path(id, "join"),
                             Json::object({{"device_type", "web"}, {"browser_info", "Firefox"}}));
  RABT_EXPECT_STATUS(in, 200);
  EXPECT_FALSE(in["attendee"].string_or("JoinToken", "").empty()) << in.body;
  EXPECT_TRUE(in["meeting"]["MediaPlacement"].is_object());
  EXPECT_EQ(in["session"]["session_id"], Json(id));
  RABT_EXPECT_STATUS(h().post("P2", path(id, "join")), 403);
}

TEST(Pulseone, P03P32EndsASessionWithARating) {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("P", path(id, "end")), 403);
  RABT_EXPECT_STATUS(
      h().post("D", path(id, "end"), Json::object({{"connection_quality_rating", 6}})), 422);
  const Answer over =
      h().post("D", path(id, "end"),
               Json::object({{"session_notes", "well"}, {"connection_quality_rating", 4}}));
  RABT_EXPECT_STATUS(over, 200);
  EXPECT_EQ(over["status"], Json("COMPLETED"));
  EXPECT_EQ(over["connection_quality_rating"], Json(4)) << over.body;
  EXPECT_EQ(over["session_notes"], Json("well"));
}

TEST(Pulseone, P04P29CancelsBeforeTheStart) {
  const Json why = Json::object({{"cancellation_reason", "Patient is well again"}});
  for (const char* who : {"P", "D"}) {
    const Answer gone = h().post(who, path(made(), "cancel"), why);
    RABT_EXPECT_STATUS(gone, 200);
    EXPECT_EQ(gone["status"], Json("CANCELLED"));
    EXPECT_EQ(gone["cancelled_by"], Json(h().uuid(who))) << gone.body;
  }
  RABT_EXPECT_STATUS(h().post("D", path(active(), "cancel"), why), 409);
  RABT_EXPECT_STATUS(h().post("D", path(made(), "cancel")), 422);
}

TEST(Pulseone, P05FiltersByStatus) {
  const std::string id = active();
  const Answer some = h().get("D", std::string(kSessions) + "?status=ACTIVE&page=1&page_size=20");
  RABT_EXPECT_STATUS(some, 200);
  EXPECT_TRUE(holds(some["sessions"], id)) << some.body;
  for (std::size_t i = 0; i < some["sessions"].size(); ++i)
    EXPECT_EQ(some["sessions"][i]["status"], Json("ACTIVE"));
  EXPECT_EQ(some["page_size"], Json(20));
  RABT_EXPECT_STATUS(h().get("D", std::string(kSessions) + "?page_size=101"), 422);
  RABT_EXPECT_STATUS(h().get("D", std::string(kSessions) + "?status=ASLEEP"), 422);
}

TEST(Pulseone, P06P07ListsByDoctorAndPatient) {
  const std::string id = made();
  const Answer own = h().get("D", path("doctor/" + h().uuid("D")));
  RABT_EXPECT_STATUS(own, 200);
  EXPECT_TRUE(holds(own["sessions"], id));
  RABT_EXPECT_STATUS(h().get("P", path("doctor/" + h().uuid("D"))), 403);
  RABT_EXPECT_STATUS(h().get("P", path("patient/" + h().uuid("P"))), 200);
  RABT_EXPECT_STATUS(h().get("P2", path("patient/" + h().uuid("P"))), 403);
}

TEST(Pulseone, P08ShowsTheUsage) {
  const Answer used = h().get("AD", "/api/video/metrics/usage");
  RABT_EXPECT_STATUS(used, 200);
  const std::int64_t total = used.json.int_or("total_attendee_minutes_current_month", -1);
  const std::int64_t limit = used.json.int_or("free_tier_limit", -1);
  EXPECT_EQ(used.json.int_or("remaining_minutes", -1), std::max<std::int64_t>(0, limit - total));
  EXPECT_TRUE(used["percentage_used"].is_number()) << used.body;
  RABT_EXPECT_STATUS(h().get("AD", "/api/video/metrics/usage?year=2026&month=13"), 422);
}

TEST(Pulseone, P09TellsItsHealth) {
  const Answer well = h().call("-", "GET", "/health", {}, {{"Accept", "application/json"}});
  RABT_EXPECT_STATUS(well, 200);
  EXPECT_EQ(well["service"], Json("Video Consultation Service"));
  for (const char* key : {"status", "version", "database", "rabbitmq", "aws_chime"})
    EXPECT_TRUE(well[key].is_string()) << key;
  EXPECT_EQ(well["rabbitmq"], Json("not_configured"));
  EXPECT_EQ(well["aws_chime"], Json("not_configured")) << "Twilio serves here";
  EXPECT_EQ(h().get("-", "/health").json.find("service"), nullptr) << "the hub's own";
  // Operators are told more, in both forms.
  EXPECT_TRUE(h().get("AD", "/health")["plugins"].is_array());
  RABT_EXPECT_STATUS(h().call("AD", "GET", "/health", {}, {{"Accept", "application/json"}}), 200);
}

TEST(Pulseone, P10P28TheDoctorChangesTheNotes) {
  const std::string id = active();
  const Json notes = Json::object({{"session_notes", "Blood pressure is fine."}});
  EXPECT_EQ(h().call("D", "PATCH", path(id), notes)["session_notes"], notes["session_notes"]);
  RABT_EXPECT_STATUS(h().call("P", "PATCH", path(id), notes), 403);
  RABT_EXPECT_STATUS(h().post("D", path(id, "end")), 200);
  RABT_EXPECT_STATUS(h().call("D", "PATCH", path(id), notes), 409);
}

TEST(Pulseone, P11IsDescribed) {
  for (const char* page : {"/docs", "/redoc", "/api/docs/pulseone", "/api/docs/pulseone.json"})
    RABT_EXPECT_STATUS(h().get("-", page), 200);
}

TEST(Pulseone, P13ABookingOfAClinicNamesTheClinic) {
  Json body = sample();
  body.set("booking_type", "CLINIC_BASED");
  RABT_EXPECT_STATUS(h().post("D", kSessions, body), 422);
}

TEST(Pulseone, P13AClinicsSessionNamesItsDoctor) {
  const Answer clinic = h().post("AD", "/api/v1/clinics", Json::object({{"name", "Heart"}}));
  RABT_EXPECT_STATUS(clinic, 201);
  const Answer hours = h().post("AD", "/api/v1/clinics/" + clinic.text("id") + "/sessions",
                                Json::object({{"provider", h().person("D2").id},
                                              {"startsAt", "2027-03-01T06:00:00Z"},
                                              {"endsAt", "2027-03-01T09:00:00Z"},
                                              {"capacity", 1}}));
  RABT_EXPECT_STATUS(hours, 201);
  const Json body = Json::object({{"booking_type", "CLINIC_BASED"},
                                  {"patient_id", h().uuid("P")},
                                  {"clinic_id", clinic["uuid"]},
                                  {"clinic_session_id", hours["uuid"]},
                                  {"scheduled_start_time", "2027-03-01T09:30:00"}});
  RABT_EXPECT_STATUS(h().post("P", kSessions, body), 403);
  const Answer booked = h().post("N", kSessions, body);
  RABT_EXPECT_STATUS(booked, 201);
  EXPECT_EQ(booked["booking_type"], Json("CLINIC_BASED"));
  EXPECT_EQ(booked["doctor_id"], Json(h().uuid("D2")));
  EXPECT_EQ(booked["clinic_id"], clinic["uuid"]);
  EXPECT_EQ(booked["clinic_session_id"], hours["uuid"]);
  const Answer full = h().post("N", kSessions, body);
  RABT_EXPECT_STATUS(full, 409);
  EXPECT_EQ(full.header("X-Rabt-Code"), "clinic.full");
}

TEST(Pulseone, P14BeginsWhenBothAreThere) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("P", path(id, "join")), 200);
  EXPECT_EQ(status(id), "WAITING");
  RABT_EXPECT_STATUS(h().post("D", path(id, "join")), 200);
  EXPECT_EQ(status(id), "ACTIVE");
}

TEST(Pulseone, P15P16ShowsSessionAndAttendees) {
  const std::string id = made();
  RABT_EXPECT_STATUS(h().post("P", path(id, "join"), Json::object({{"device_type", "ios"}})), 200);
  const Answer answer = h().get("D", path(id));
  for (const char* key : {"session_id",
                          "booking_type",
                          "status",
                          "doctor_id",
                          "patient_id",
                          "clinic_id",
                          "clinic_session_id",
                          "appointment_id",
                          "chief_complaint",
                          "scheduled_start_time",
                          "consultation_duration_minutes",
                          "actual_start_time",
                          "actual_end_time",
                          "actual_duration_minutes",
                          "meeting_id",
                          "session_notes",
                          "connection_quality_rating",
                          "cancellation_reason",
                          "cancelled_by",
                          "created_at",
                          "updated_at",
                          "attendees"})
    EXPECT_NE(answer.json.find(key), nullptr) << key;
  ASSERT_GE(answer["attendees"].size(), 1U) << answer.body;
  EXPECT_EQ(answer["attendees"][0]["device_type"], Json("ios"));
}

TEST(Pulseone, P23ATokenThatDoesNotHoldIsRefused) {
  const net::Response answer = h().site.send(
      "GET", kSessions,
      {{"Authorization", "Bearer " + h().mint("x", "doctor", "Zt6Qe1Wn8Vb3Ru5Yk9Pm2Ls7Hd4Gf0Xc")}});
  EXPECT_EQ(answer.status, 401);
  EXPECT_NE(answer.body.find("Invalid authentication credentials"), std::string::npos);
}

TEST(Pulseone, P37ATokenThatIsRefusedIsNamedToWhoRunsTheHub) {
  const auto detail = [](const std::string& who) {
    return h().call(who, "GET", "/health", {}, {{"Accept", "application/json"}})["detail"];
  };
  const std::string wrong = h().mint("x", "doctor", "Zt6Qe1Wn8Vb3Ru5Yk9Pm2Ls7Hd4Gf0Xc");
  EXPECT_EQ(h().site.send("GET", kSessions, {{"Authorization", "Bearer " + wrong}}).status, 401);
  const std::string said = detail("AD").string_or("jwt", "");
  EXPECT_NE(said.find("kiorex: no key of the issuer made the signature"), std::string::npos)
      << said;
  EXPECT_TRUE(detail("P").is_null());
  EXPECT_TRUE(detail("-").is_null());
}

TEST(Pulseone, P25P27OnlyTheirOwn) {
  const std::string id = active();
  RABT_EXPECT_STATUS(h().post("D2", path(id, "end")), 403);
  for (const char* who : {"D2", "P2", "AD"})
    RABT_EXPECT_STATUS(h().post(who, path(id, "join")), 403);
}

TEST(Pulseone, P22ProvidersAreKnownToTheHubItself) {
  for (const std::string& name : {h().uuid("D"), h().person("D").id}) {
    const Answer shown = h().get("P", "/api/v1/providers/" + name);
    RABT_EXPECT_STATUS(shown, 200);
    EXPECT_EQ(shown["uuid"], Json(h().uuid("D"))) << shown.body;
    EXPECT_NE(shown.text("name"), "");
    EXPECT_EQ(shown["licenceState"], Json("vouched")) << shown.body;
  }
  RABT_EXPECT_STATUS(h().get("P", "/api/v1/providers/" + h().uuid("P2")), 404);
}

TEST(Pulseone, P17P18P30P40TellsEventsAndMinutes) {
  const Answer answer = h().post(
      "D", "/api/v1/sessions",
      Json::object(
          {{"type", "doctor_patient"}, {"patient", h().person("P").id}, {"waitingRoom", false}}));
  RABT_EXPECT_STATUS(answer, 201);
  const std::string at = "/api/v1/sessions/" + answer.text("id");
  RABT_EXPECT_STATUS(h().post("D", at + "/start"), 200);
  RABT_EXPECT_STATUS(h().post("P", at + "/join"), 200);
  RABT_EXPECT_STATUS(h().post("P", at + "/quality",
                              *Json::parse(R"({"samples": [{"direction": "down", "lossPercent": 3,
                                  "jitterMs": 30, "rttMs": 200, "kbps": 900}]})")),
                     202);
  RABT_EXPECT_STATUS(
      h().post("D", at + "/end", Json::object({{"reason", "consultation_completed"}})), 200);
  const Answer over = h().get("D", at);
  EXPECT_NEAR(over["qualityScore"].as_double(), 3.96, 0.005) << over.body;
  EXPECT_EQ(over["endReason"], Json("consultation_completed"));
  const Answer events = h().get("D", at + "/events");
  RABT_EXPECT_STATUS(events, 200);
  std::int64_t last = 0;
  for (const Json& item : events["items"].as_array()) {
    EXPECT_GT(item.int_or("seq", 0), last);
    last = item.int_or("seq", 0);
    EXPECT_NE(item.string_or("actor", ""), "");
  }
  const Answer usage = h().get("AD", "/api/v1/usage");
  RABT_EXPECT_STATUS(usage, 200);
  EXPECT_NE(usage.json.find("adjustmentSeconds"), nullptr) << usage.body;
}

}  // namespace
}  // namespace rabt::acceptance::pulseone_test
