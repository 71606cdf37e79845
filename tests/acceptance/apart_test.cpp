#include <sstream>

#include "hub/net/local_http.hpp"
#include "tests/acceptance/hospital.hpp"

// Rows of the catalogue of calls that need a hub of their own: its workflows run, and Kiorex' API
// has a port and a rate.
namespace rabt::acceptance::apart_test {
namespace {

Hospital& h() {
  static Hospital hospital(
      HospitalOptions{.workflows = {"before_session", "after_session", "appointment", "chart"},
                      .kiorex = "listen: 0, rate: 1"});
  return hospital;
}

// ---- Workflows

// The record system's answer; null, and a failed expectation, when it refuses.
Json fhir(const std::string& method, const std::string& path, const Json& body = {}) {
  net::LocalHttp http;
  const auto answer = http.json(
      method, h().site.config.stand_in("fhir") + "/fhir/" + path,
      {{"Authorization", "Bearer sandbox-fhir-token"}, {"Content-Type", "application/fhir+json"}},
      body.is_null() ? "" : body.dump());
  if (answer.ok()) return *answer;
  ADD_FAILURE() << method << " " << path << ": " << answer.error().message;
  return {};
}

// A patient whom record system, payer and hub know, with an appointment.
struct Booked {
  // number: another patient.
  explicit Booked(int number = 0) {
    const auto bundle = Json::parse(h().site.booking(number).body);
    if (!bundle.ok()) return;
    const auto resource = [&](std::string_view type) {
      for (const Json& entry : (*bundle)["entry"].as_array()) {
        Json found = entry["resource"];
        if (found.string_or("resourceType", "") != type) continue;
        found.mutable_object().erase("id");
        return found;
      }
      return Json();
    };
    const Json person = resource("Patient");
    const Json reference = Json::object(
        {{"reference", "Patient/" + fhir("POST", "Patient", person).string_or("id", "")}});
    Json coverage = resource("Coverage");
    coverage.set("beneficiary", reference);
    (void)fhir("POST", "Coverage", coverage);
    Json visit = resource("Appointment");
    visit.set("participant",
              Json::array({Json::object({{"actor", reference}, {"status", "accepted"}})}));
    appointment = fhir("POST", "Appointment", visit).string_or("id", "");
    const Answer entered = h().post(
        "AD", "/api/v1/patients",
        Json::object({{"name", person["name"][0]["text"]},
                      {"gender", person["gender"]},
                      {"birthDate", person["birthDate"]},
                      {"identifiers", Json::array({Json::object(
                                          {{"kind", "national_id"},
                                           {"value", person["identifier"][0]["value"]}})})}}));
    RABT_EXPECT_STATUS(entered, 201);
    patient = entered.text("uuid");
    national_id = person["identifier"][0].string_or("value", "");
  }
  std::string national_id;
  std::string patient;
  std::string appointment;
};

// The identifier of the appointment that has this system.
std::string identifier(const Json& appointment, const std::string& system) {
  if (!appointment["identifier"].is_array()) return {};
  for (const Json& item : appointment["identifier"].as_array()) {
    if (item.string_or("system", "") == system) return item.string_or("value", "");
  }
  return {};
}

// The instance of a workflow; null before it is there.
Json instance(const std::string& workflow) {
  const Json list = h().site.api("instances?limit=50")["items"];
  if (!list.is_array()) return {};
  for (const Json& item : list.as_array()) {
    if (item.string_or("workflow", "") == workflow) return item;
  }
  return {};
}

TEST(Apart, B35B36K46K56K59K78P21ASessionIsCoveredThenWrittenDownAndClaimedOnce) {
  const Booked booked;
  const std::string doctor = "/api/v1/providers/" + h().person("D").id;
  RABT_EXPECT_STATUS(h().call("AD", "PATCH", doctor, Json::object({{"licenceNumber", "N-P-00001"}}),
                              {{"If-Match", h().get("AD", doctor).header("etag")}}),
                     200);

  // Before: whether the payer covers it.
  const Answer planned = h().post("D", "/video/telehealth/consultation",
                                  Json::object({{"patientId", booked.patient},
                                                {"providerId", h().uuid("D")},
                                                {"appointmentId", booked.appointment},
                                                {"reason", "Chest pain"}}));
  RABT_EXPECT_STATUS(planned, 201);
  const std::string at = "/api/v1/sessions/" + planned.text("sessionId");
  const std::string session = h().get("D", at).text("id");
  EXPECT_TRUE(eventually([&] {
    return h().get("D", at)["insurance"]["status"] == Json("eligible");
  })) << h().get("D", at)["insurance"].dump()
      << instance("before-session").dump();
  const Answer listed = h().get("D", "/video/telehealth/consultations");
  RABT_EXPECT_STATUS(listed, 200);
  EXPECT_EQ(listed["data"][0]["insurance"]["status"], Json("eligible"));
  EXPECT_EQ(listed["data"][0]["session"]["appointmentId"], Json(booked.appointment));
  const std::string kSession = "https://rabt.health/session";
  EXPECT_TRUE(eventually([&] {
    return identifier(fhir("GET", "Appointment/" + booked.appointment), kSession) == session;
  }));

  // The visit.
  const Answer begun = h().post("D", at + "/start");
  RABT_EXPECT_STATUS(begun, 200);
  RABT_EXPECT_STATUS(
      h().post("D", at + "/notes", *Json::parse(R"({"kind": "soap", "template": "soap",
          "status": "final", "sections": {"subjective": "Chest pain on exertion",
          "objective": "BP 138/88", "assessment": "Stable angina", "plan": "ECG"},
          "diagnoses": [{"code": "I20.9", "display": "Angina pectoris, unspecified", "rank": 1}]})")),
      201);
  // A visit that is claimed has lasted for a second here.
  const auto started = parse_iso8601(begun.text("startedAt"));
  ASSERT_TRUE(started.ok()) << begun.body;
  ASSERT_TRUE(eventually([&] { return SystemClock().now().ms - started->ms > 1'000; }));
  RABT_EXPECT_STATUS(h().post("D", at + "/end"), 200);

  // After: encounter, claim, and the appointment.
  std::string status;
  (void)eventually([&] {
    status = instance("after-session").string_or("status", "");
    return status == "completed" || status == "faulted" || status == "parked";
  });
  // The patient has no account here, and came by telephone: somebody decides on the claim.
  EXPECT_EQ(status, "parked") << instance("after-session").dump_pretty();
  const auto decided = h().site.rabt({"instances", instance("after-session").string_or("id", ""),
                                      "--resolve", "done", "--output", R"({"decision": "claim"})",
                                      "--reason", "seen by telephone"});
  EXPECT_EQ(decided.code, 0) << decided.said;
  (void)eventually([&] {
    status = instance("after-session").string_or("status", "");
    return status == "completed" || status == "faulted";
  });
  EXPECT_EQ(status, "completed") << instance("after-session").dump_pretty();
  const Json claims = h().site.control("POST", "/control/nphies/claims", "{}")["claims"];
  EXPECT_EQ(claims.size(), 1U);
  EXPECT_EQ(h().site.effects("claim.accepted"), 1);
  EXPECT_EQ(
      claims[0]["diagnosis"][0]["diagnosisCodeableConcept"]["coding"][0].string_or("code", ""),
      "I20.9");
  const std::string created =
      h().site.control("GET", "/ledger?service=fhir&kind=resource.created").dump();
  EXPECT_NE(created.find("Encounter/"), std::string::npos) << created;
  // The chart: what the doctor wrote is found where the hospital looks for it.
  EXPECT_TRUE(eventually([&] { return instance("chart").string_or("status", "") == "completed"; }))
      << instance("chart").dump_pretty();
  const Json conditions = fhir("GET", "Condition?code=I20.9");
  EXPECT_EQ(conditions.int_or("total", 0), 1) << conditions.dump();
  const Json condition = conditions["entry"][0]["resource"];
  EXPECT_TRUE(condition["encounter"].string_or("reference", "").starts_with("Encounter/"));
  EXPECT_TRUE(condition["subject"].is_object()) << condition.dump();
  const Json seen = fhir("GET", condition["encounter"].string_or("reference", ""));
  EXPECT_EQ(seen["diagnosis"][0]["condition"].string_or("reference", ""),
            "Condition/" + condition.string_or("id", ""))
      << seen.dump();
  const Json notes = fhir("GET", "Composition?status=final");
  EXPECT_NE(notes.dump().find("Stable angina"), std::string::npos) << notes.dump();
  const Json visit = fhir("GET", "Appointment/" + booked.appointment);
  EXPECT_EQ(visit.string_or("status", ""), "fulfilled");
  EXPECT_EQ(identifier(visit, kSession), session);
  EXPECT_EQ(identifier(visit, "https://rabt.health/session-room"),
            h().get("D", at).text("roomSid"));

  // Data of the event that ended the session.
  Json node;
  const Answer events = h().get("D", at + "/events");
  for (const Json& item : events["items"].as_array()) {
    if (item.string_or("type", "") == "completed") node = item["data"];
  }
  EXPECT_EQ(node["session"], Json(session)) << node.dump();
  EXPECT_EQ(node["provider"], Json(h().person("D").id));
  EXPECT_EQ(node["consultationType"], Json("doctor_patient"));
  EXPECT_GE(node.int_or("durationMinutes", 0), 1);
  EXPECT_TRUE(node["patient"].is_string());
  EXPECT_EQ(node.dump().find(booked.patient), std::string::npos) << "by a pseudonym";

  // Report of the patient's data that left the hub.
  const auto asked =
      h().site.rabt({"audit", "report", "--patient", "identifier:" + booked.national_id, "--reason",
                     "she asks", "--json"});
  ASSERT_EQ(asked.code, 0) << asked.said;
  const auto report = Json::parse(asked.said);
  ASSERT_TRUE(report.ok()) << asked.said;
  EXPECT_EQ((*report)["instances"].size(), 4U)
      << "before and after the session, its appointment, its chart";
  std::string sent;
  for (const Json& row : (*report)["disclosures"].as_array())
    sent += row.string_or("capability", "") + " ";
  for (const char* capability :
       {"patient.read", "eligibility.check", "appointment.update", "encounter.write",
        "document.write", "record.write", "claim.submit"})
    EXPECT_NE(sent.find(capability), std::string::npos) << capability << " of " << sent;

  // A drug that is taken back, and a record system that refuses the first word of it.
  const Answer prescribed =
      h().post("D", at + "/prescriptions",
               *Json::parse(R"({"items": [{"name": "Nitroglycerin", "dosage": "0.4 mg"}]})"));
  RABT_EXPECT_STATUS(prescribed, 201);
  const auto drug = [] {
    return fhir("GET", "MedicationRequest")["entry"][0]["resource"].string_or("status", "");
  };
  EXPECT_TRUE(eventually([&] {
    return drug() == "active" && instance("chart").string_or("status", "") == "completed";
  }));
  (void)h().site.control("PUT", "/faults/fhir", R"([{"fault": "status", "status": 422, "times": 1,
      "match": {"method": "POST", "path": "^/fhir$", "body": "\"cancelled\""}},
      {"fault": "status", "status": 422, "times": 1,
      "match": {"method": "PUT", "path": "/fhir/MedicationRequest/.*"}}])");
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/prescriptions/" + prescribed.text("id") + "/cancel",
                              *Json::parse(R"({"reason": "allergy"})")),
                     200);
  EXPECT_TRUE(eventually([&] { return instance("chart").string_or("status", "") == "parked"; }))
      << instance("chart").dump_pretty();
  EXPECT_EQ(drug(), "active");
  const auto mended =
      h().site.rabt({"instances", instance("chart").string_or("id", ""), "--resolve", "done",
                     "--output", R"({"decision": "again"})", "--reason", "the rule is corrected"});
  EXPECT_EQ(mended.code, 0) << mended.said;
  EXPECT_TRUE(eventually([&] { return instance("chart").string_or("status", "") == "completed"; }))
      << instance("chart").dump_pretty();
  EXPECT_EQ(drug(), "cancelled");
}

TEST(Apart, P21TheAppointmentOfACancelledSessionIsCancelledAndMayBePlannedAgain) {
  constexpr const char* kSessions = "/api/video/sessions";
  const Booked booked(1);
  const auto cancelled = [&](const Json& appointment) {
    const Answer answer = h().post("D", kSessions,
                                   Json::object({{"booking_type", "DIRECT_DOCTOR"},
                                                 {"doctor_id", h().uuid("D")},
                                                 {"patient_id", booked.patient},
                                                 {"appointment_id", appointment}}));
    RABT_EXPECT_STATUS(answer, 201);
    const std::string session = answer.text("session_id");
    RABT_EXPECT_STATUS(h().post("D", std::string(kSessions) + "/" + session + "/cancel",
                                Json::object({{"cancellation_reason", "The doctor is ill"}})),
                       200);
    return session;
  };
  const auto told = [&](const std::string& session) -> Json {
    const Answer events = h().get("D", "/api/v1/sessions/" + session + "/events");
    for (const Json& item : events["items"].as_array()) {
      if (item.string_or("type", "") == "cancelled") return item["data"];
    }
    return {};
  };
  EXPECT_EQ(fhir("GET", "Appointment/" + booked.appointment)["status"], Json("booked"));
  EXPECT_EQ(told(cancelled(Json()))["reschedulable"], Json(false));
  const std::string session = cancelled(booked.appointment);
  EXPECT_EQ(told(session)["reschedulable"], Json(true));
  EXPECT_TRUE(eventually([&] {
    return fhir("GET", "Appointment/" + booked.appointment)["status"] == Json("cancelled");
  })) << instance("appointment").dump();
  std::string status;
  EXPECT_TRUE(eventually([&] {
    status = instance("appointment").string_or("status", "");
    return status == "completed";
  })) << status;
}

// ---- Kiorex' API by itself

// The port that the hub took for it.
std::string own_port() {
  std::istringstream log(e2e::read_file(h().site.config.log));
  for (std::string line; std::getline(log, line);) {
    const auto entry = Json::parse(line);
    if (entry.ok() && entry->string_or("event", "") == "hub.door")
      return std::to_string(entry->int_or("port", 0));
  }
  return "0";
}

TEST(Apart, K60AnswersOnAPortOfItsOwn) {
  net::LocalHttp http;
  const std::string base = "http://127.0.0.1:" + own_port();
  const auto asked = [&](const std::string& path) {
    return http.json("GET", base + path, {{"Authorization", "Bearer " + h().person("N").token}});
  };
  const auto health = asked("/video/health");
  ASSERT_TRUE(health.ok()) << base << ": " << health.error().message;
  EXPECT_EQ(health->string_or("status", ""), "ok");
  const auto description = asked("/api/docs-json");
  ASSERT_TRUE(description.ok()) << description.error().message;
  EXPECT_NE((*description)["paths"].find("/video/sessions"), nullptr);
  const auto list = asked("/video/sessions");
  ASSERT_TRUE(list.ok()) << list.error().message;
  EXPECT_EQ((*list)["page"], Json(1));
  // The main listener has it, too.
  RABT_EXPECT_STATUS(h().get("-", "/video/health"), 200);
}

TEST(Apart, K70WhoAsksTooOftenIsToldHowLongToWait) {
  Answer answer;
  for (int i = 0; i < 100 && answer.status != 429; ++i) answer = h().get("P2", "/video/sessions");
  RABT_EXPECT_STATUS(answer, 429);
  EXPECT_EQ(answer["statusCode"], Json(429));
  EXPECT_EQ(answer["message"], Json("too many requests; wait as long as Retry-After says"));
  EXPECT_EQ(answer.header("Retry-After"), "1");
  EXPECT_EQ(answer.header("RateLimit-Policy"), "\"kiorex\";q=1;w=1");
  EXPECT_EQ(answer.header("RateLimit"), "\"kiorex\";r=0;t=1");
  // Others are served.
  RABT_EXPECT_STATUS(h().get("P", "/video/sessions"), 200);
}

}  // namespace
}  // namespace rabt::acceptance::apart_test
