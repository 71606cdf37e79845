#include "hub/base/bytes.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/read_pdf.hpp"

// Entries of sessions and related records, over HTTP.
namespace rabt::acceptance::records_test {
namespace {

Hospital& h() {
  return Hospital::get();
}

// A running session of D and P without a waiting room.
std::string active(Json more = Json::object()) {
  Json body = Json::object(
      {{"type", "doctor_patient"}, {"patient", h().person("P").id}, {"waitingRoom", false}});
  for (const auto& [name, value] : more.as_object()) body.set(name, value);
  const Answer answer = h().post("D", "/api/v1/sessions", body);
  RABT_EXPECT_STATUS(answer, 201);
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions/" + answer.text("id") + "/start"), 200);
  return "/api/v1/sessions/" + answer.text("id");
}
Json text(std::string_view value) {
  return Json::object({{"text", value}});
}

TEST(RecordsApi, ChatComesBackTheSameAndStrangersSeeNothing) {
  const std::string session = active();
  const Answer sent = h().post("P", session + "/messages", text("السلام عليكم 👋 hello"));
  RABT_EXPECT_STATUS(sent, 201);
  EXPECT_EQ(sent.text("text"), "السلام عليكم 👋 hello");
  const Answer list = h().get("D", session + "/messages");
  RABT_EXPECT_STATUS(list, 200);
  ASSERT_EQ(list["items"].size(), 1U) << list.body;
  RABT_EXPECT_STATUS(h().get("P2", session + "/messages"), 403);
  RABT_EXPECT_STATUS(h().get("D2", session + "/messages"), 403);
  RABT_EXPECT_STATUS(h().get("-", session + "/messages"), 401);
  RABT_EXPECT_STATUS(h().get("AD", session + "/messages"), 403);
  RABT_EXPECT_STATUS(
      h().call("AD", "GET", session + "/messages", {}, {{"X-Rabt-Reason", "complaint 12"}}), 200);
}

TEST(RecordsApi, B29B30PatientDataBeforeAnObserverAreRefusedByKind) {
  const std::string session = active();
  RABT_EXPECT_STATUS(h().post("D", session + "/messages", text("id 1000000008")), 201);
  RABT_EXPECT_STATUS(h().post("D", session + "/participants",
                              Json::object({{"person", h().person("N").id}, {"role", "observer"}})),
                     201);
  const Answer refused = h().post("D", session + "/messages", text("id 1000000008"));
  RABT_EXPECT_STATUS(refused, 422);
  EXPECT_EQ(refused.text("code"), "phi.exposed");
  EXPECT_EQ(refused["phiTypes"].dump(), R"(["national-id"])") << refused.body;
  EXPECT_EQ(refused.body.find("1000000008"), std::string::npos);
}

TEST(RecordsApi, ANoteIsAPdfForWhoeverMayReadIt) {
  const std::string session = active();
  const Answer note = h().post(
      "D", session + "/notes",
      Json::object(
          {{"template", "soap"},
           {"sections", Json::object({{"plan", "راحة وسوائل"}, {"objective", "38.2 <b>C</b>"}})},
           {"diagnoses",
            Json::array({Json::object({{"code", "J06.9"}, {"display", "Common cold"}})})}}));
  RABT_EXPECT_STATUS(note, 201);
  const std::string at = "/api/v1/notes/" + note.text("id");
  RABT_EXPECT_STATUS(h().post("D", at + "/addenda", text("swab negative")), 201);
  const Answer pdf = h().get("D", at + "/pdf");
  RABT_EXPECT_STATUS(pdf, 200);
  EXPECT_EQ(pdf.header("Content-Type"), "application/pdf");
  EXPECT_EQ(pdf.header("Content-Disposition"), "inline; filename=\"note.pdf\"");
  EXPECT_EQ(pdf.header("Cache-Control"), "no-store");
  EXPECT_EQ(pdf.header("X-Content-Type-Options"), "nosniff");
  const std::string read = rabt::test::text_of_pdf(pdf.body);
  for (const char* expected :
       {"راحة وسوائل", "38.2 <b>C</b>", "J06.9", "Common cold", "swab negative", "Page 1 of 1"})
    EXPECT_TRUE(rabt::test::pdf_has(read, expected)) << expected << "\n" << read;
  EXPECT_EQ(h().get("P", at + "/pdf").body, pdf.body);
  RABT_EXPECT_STATUS(h().get("P2", at + "/pdf"), 403);
  RABT_EXPECT_STATUS(h().get("AD", at + "/pdf"), 403);
  RABT_EXPECT_STATUS(h().call("AD", "GET", at + "/pdf", {}, {{"X-Rabt-Reason", "complaint 12"}}),
                     200);
  RABT_EXPECT_STATUS(h().get("-", at + "/pdf"), 401);
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/notes/01ARZ3NDEKTSV4RRFFQ69G5FAV/pdf"), 404);
}

TEST(RecordsApi, ADocumentIsTheSameBytesAndNoPage) {
  const std::string session = active();
  const std::string pdf = "%PDF-1.4\nbytes \x01\x02\xff";
  const Answer shared = h().post("D", session + "/documents",
                                 Json::object({{"documentType", "PDF"},
                                               {"contentType", "application/pdf"},
                                               {"data", to_base64(as_bytes(pdf))}}));
  RABT_EXPECT_STATUS(shared, 201);
  const Answer content = h().get("P", "/api/v1/documents/" + shared.text("id") + "/content");
  RABT_EXPECT_STATUS(content, 200);
  EXPECT_EQ(content.body, pdf);
  EXPECT_EQ(content.header("Content-Disposition"), "attachment");
  RABT_EXPECT_STATUS(h().get("P2", "/api/v1/documents/" + shared.text("id") + "/content"), 403);
  const Answer wrong = h().post("D", session + "/documents",
                                Json::object({{"documentType", "DICOM"},
                                              {"contentType", "application/dicom"},
                                              {"data", to_base64(as_bytes(pdf))}}));
  RABT_EXPECT_STATUS(wrong, 422);
  EXPECT_EQ(wrong.text("code"), "document.type");
}

// A body that is no JSON.
Answer send(std::string_view who, const std::string& path, const std::string& type,
            const std::string& body,
            std::vector<std::pair<std::string, std::string>> headers = {}) {
  headers.emplace_back("Authorization", "Bearer " + h().person(who).token);
  headers.emplace_back("Content-Type", type);
  const net::Response response = h().site.send("POST", path, std::move(headers), body);
  const auto parsed = Json::parse(response.body);
  return {.status = response.status,
          .body = response.body,
          .json = parsed.ok() ? *parsed : Json(),
          .headers = response.headers};
}
std::string form(std::string_view file_type, const std::string& bytes, const std::string& fields) {
  return fields + "--line\r\nContent-Disposition: form-data; name=\"file\"; filename=\"scan.dcm\"" +
         "\r\nContent-Type: " + std::string(file_type) + "\r\n\r\n" + bytes + "\r\n--line--\r\n";
}
std::string field(const std::string& name, const std::string& value) {
  return "--line\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n";
}
constexpr const char* kForm = "multipart/form-data; boundary=line";

TEST(RecordsApi, ALargeDocumentIsSharedAsAFormOrAsItIs) {
  const std::string session = active();
  const std::string dicom = std::string(128, '\0') + "DICM" + std::string(49U << 20U, 'x');
  const Answer as_form = send("D", session + "/documents", kForm,
                              form("application/octet-stream", dicom,
                                   field("documentType", "DICOM") + field("title", "أشعة الصدر")));
  RABT_EXPECT_STATUS(as_form, 201);
  EXPECT_EQ(as_form.json.int_or("bytes", 0), static_cast<std::int64_t>(dicom.size()));
  EXPECT_EQ(as_form.text("title"), "أشعة الصدر");
  EXPECT_EQ(as_form.text("documentType"), "DICOM");
  const Answer content = h().get("P", "/api/v1/documents/" + as_form.text("id") + "/content");
  RABT_EXPECT_STATUS(content, 200);
  EXPECT_TRUE(content.body == dicom);

  const std::string pdf = "%PDF-1.4\nbytes \x01\x02\xff";
  const Answer bare = send("P", session + "/documents?shownTo=doctor", "application/pdf", pdf);
  RABT_EXPECT_STATUS(bare, 201);
  EXPECT_EQ(bare.text("documentType"), "PDF");
  EXPECT_EQ(bare["shownTo"].dump(), R"(["doctor"])");
  EXPECT_EQ(h().get("D", "/api/v1/documents/" + bare.text("id") + "/content").body, pdf);

  const std::string documents = session + "/documents";
  EXPECT_EQ(send("D", documents, "application/dicom", "no DICOM").text("code"), "document.type");
  EXPECT_EQ(send("D", documents, kForm, "--line--").text("code"), "api.invalid");
  EXPECT_EQ(send("D", documents, kForm, "--lines--").text("code"), "http.form");
  RABT_EXPECT_STATUS(send("P2", documents, "application/pdf", pdf), 403);
  const Answer huge = send("D", documents, "application/zip", std::string((50U << 20U) + 1, 'x'));
  RABT_EXPECT_STATUS(huge, 413);
  EXPECT_EQ(huge.text("code"), "document.too_large");
  const Answer json = send("D", documents, "application/json", std::string((10U << 20U) + 1, ' '));
  RABT_EXPECT_STATUS(json, 413);
  EXPECT_EQ(h().get("D", documents)["items"].size(), 2U);
}

TEST(RecordsApi, ASessionThatIsAskedForTwiceIsOne) {
  const auto make = [] {
    return h().call("D", "POST", "/api/v1/sessions",
                    Json::object({{"type", "doctor_patient"}, {"patient", h().person("P").id}}),
                    {{"Idempotency-Key", "one-session-please"}});
  };
  const Answer first = make();
  RABT_EXPECT_STATUS(first, 201);
  const Answer second = make();
  RABT_EXPECT_STATUS(second, 201);
  EXPECT_EQ(second.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(second.header("Location"), first.header("Location"));
}

TEST(RecordsApi, AnUploadThatCameTwiceIsOneDocument) {
  const std::string documents = active() + "/documents";
  const std::string body = form("application/pdf", "%PDF-1.4 one", "");
  const auto share = [&](const std::string& what) {
    return send("D", documents, kForm, what, {{"Idempotency-Key", "upload-" + documents}});
  };
  const Answer first = share(body);
  RABT_EXPECT_STATUS(first, 201);
  EXPECT_EQ(first.text("title"), "scan.dcm") << "the name of the file";
  const Answer second = share(body);
  RABT_EXPECT_STATUS(second, 201);
  EXPECT_EQ(second.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(second.text("id"), first.text("id"));
  EXPECT_EQ(share(form("application/pdf", "%PDF-1.4 two", "")).text("code"), "idempotency.reused");
  EXPECT_EQ(h().get("D", documents)["items"].size(), 1U);
}

TEST(RecordsApi, NotesVitalsAndPrescriptionsUntilTheEnd) {
  const std::string session = active();
  const Answer note =
      h().post("D", session + "/notes", Json::object({{"content", "stable"}, {"status", "draft"}}));
  RABT_EXPECT_STATUS(note, 201);
  EXPECT_EQ(note.header("ETag"), "\"1\"");
  EXPECT_EQ(h().get("P", session + "/notes")["items"].size(), 0U);
  const std::string path = "/api/v1/notes/" + note.text("id");
  const Json final = Json::object({{"status", "final"}});
  RABT_EXPECT_STATUS(h().call("D", "PATCH", path, final), 428);
  RABT_EXPECT_STATUS(h().call("D", "PATCH", path, final, {{"If-Match", "\"7\""}}), 412);
  RABT_EXPECT_STATUS(h().call("D", "PATCH", path, final, {{"If-Match", "\"1\""}}), 200);
  EXPECT_EQ(h().get("P", session + "/notes")["items"].size(), 1U);

  const Answer vitals = h().post("D", session + "/vitals", Json::object({{"heartRate", 900}}));
  RABT_EXPECT_STATUS(vitals, 422);
  EXPECT_NE(vitals.text("detail").find("heartRate"), std::string::npos) << vitals.body;
  RABT_EXPECT_STATUS(h().post("D", session + "/vitals", Json::object({{"heartRate", 72}})), 201);
  const Json items = Json::object(
      {{"items", Json::array({Json::object({{"name", "Amoxicillin"}, {"dosage", "500 mg"}})})}});
  const Answer prescription = h().post("D", session + "/prescriptions", items);
  RABT_EXPECT_STATUS(prescription, 201);
  RABT_EXPECT_STATUS(h().post("P", session + "/prescriptions", items), 403);

  RABT_EXPECT_STATUS(h().post("D", session + "/end"), 200);
  const Answer late = h().post("D", session + "/notes", Json::object({{"content", "late"}}));
  RABT_EXPECT_STATUS(late, 409);
  EXPECT_EQ(late.text("code"), "session.completed");
  RABT_EXPECT_STATUS(h().post("D", path + "/addenda", text("correction")), 201);
  const Json reason = Json::object({{"reason", "written for another patient"}});
  RABT_EXPECT_STATUS(h().post("N", path + "/entered-in-error", reason), 403);
  RABT_EXPECT_STATUS(h().post("D", path + "/entered-in-error", Json::object()), 422);
  const Answer marked = h().post("D", path + "/entered-in-error", reason);
  RABT_EXPECT_STATUS(marked, 200);
  EXPECT_EQ(marked.text("status"), "entered_in_error");
  EXPECT_EQ(h().post("D", path + "/entered-in-error", reason).body, marked.body);
  EXPECT_EQ(h().post("D", path + "/addenda", text("late")).text("code"), "note.entered_in_error");
  RABT_EXPECT_STATUS(h().post("P", session + "/feedback", Json::object({{"rating", 5}})), 201);
  RABT_EXPECT_STATUS(h().post("P", session + "/feedback", Json::object({{"rating", 6}})), 422);
  const Answer summary = h().get("P", session + "/summary");
  RABT_EXPECT_STATUS(summary, 200);
  ASSERT_EQ(summary["notes"].size(), 1U) << summary.body;
  EXPECT_EQ(summary["notes"][0].string_or("status", ""), "entered_in_error");
  EXPECT_EQ(summary["prescriptions"].size(), 1U);
  EXPECT_EQ(summary["vitals"].size(), 1U);
}

// Through the door: a pharmacy's system, its repeats, and the page of the doctor afterwards.
TEST(RecordsApi, APharmacyDispensesAPrescription) {
  h().enter("W", "integration");
  const std::string session = active();
  const Answer issued = h().post("D", session + "/prescriptions",
                                 *Json::parse(R"({"items":[{"name":"A","dosage":"1"},)"
                                              R"({"name":"B","dosage":"2"}]})"));
  RABT_EXPECT_STATUS(issued, 201);
  RABT_EXPECT_STATUS(h().post("D", session + "/end"), 200);
  const std::string path = "/api/v1/prescriptions/" + issued.text("id");
  const auto body = [](const char* reference, const char* items) {
    return *Json::parse(R"({"pharmacist":"Sara","pharmacy":"Outpatient","reference":")" +
                        std::string(reference) + R"(","items":)" + items + "}");
  };
  RABT_EXPECT_STATUS(h().post("D", path + "/dispensings", body("1", R"([{"item":1}])")), 403);
  const auto dispense = [&](const Json& asked, const char* key) {
    return h().call("W", "POST", path + "/dispensings", asked, {{"Idempotency-Key", key}});
  };
  const Answer first = dispense(body("1", R"([{"item":1}])"), "once");
  RABT_EXPECT_STATUS(first, 201);
  EXPECT_EQ(first.text("prescriptionStatus"), "issued");
  const Answer again = dispense(body("1", R"([{"item":1}])"), "once");
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.body, first.body);
  RABT_EXPECT_STATUS(dispense(body("2", R"([{"item":2}])"), "twice"), 201);
  const Answer shown = h().get("D", path);
  EXPECT_EQ(shown.text("status"), "dispensed") << shown.body;
  EXPECT_EQ(shown["dispensings"].size(), 2U);
  EXPECT_EQ(h().get("W", path).status, 403);
  EXPECT_EQ(h().post("D", path + "/cancel", Json::object()).text("code"), "prescription.dispensed");
  const std::string mark = path + "/dispensings/" + first.text("id") + "/entered-in-error";
  RABT_EXPECT_STATUS(h().post("D", mark, Json::object({{"reason", "x"}})), 403);
  RABT_EXPECT_STATUS(h().post("W", mark, Json::object({{"reason", "another patient"}})), 200);
  EXPECT_EQ(h().get("D", path).text("status"), "issued");
}

// The ids of all items of a list, by following `next`. Counts the pages.
std::vector<std::string> followed(std::string next, int& pages) {
  std::vector<std::string> ids;
  for (pages = 0; !next.empty() && pages < 9; ++pages) {
    const Answer page = h().get("D", next);
    RABT_EXPECT_STATUS(page, 200);
    for (const Json& item : page["items"].as_array()) ids.push_back(item.string_or("id", ""));
    next = page.text("next");
  }
  return ids;
}

// Their `next` was an id, for a parameter that no other list had.
TEST(RecordsApi, ListsOfASessionAreFollowedAsAllListsAre) {
  const std::string session = active();
  Json sections = Json::object();
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"})
    sections.set(name, std::string(4'000, 'x'));
  std::vector<std::string> written;
  for (int i = 0; i < 24; ++i) {
    const Answer note = h().post("D", session + "/notes", Json::object({{"sections", sections}}));
    RABT_EXPECT_STATUS(note, 201);
    written.push_back(note.text("id"));
  }
  const std::string list = session + "/notes";
  int pages = 0;
  EXPECT_EQ(followed(list, pages), written);
  EXPECT_GT(pages, 1);
  // A client of 0.2.0 gives `next` as `after`.
  const Answer first = h().get("D", list);
  const Answer second = h().get("D", list + "?after=" + first.text("next"));
  RABT_EXPECT_STATUS(second, 200);
  EXPECT_EQ(second["items"], h().get("D", first.text("next"))["items"]);
  EXPECT_EQ(second["items"][0]["id"], Json(written.at(first["items"].size())));
  // Both names take the id of an item, too.
  for (const char* name : {"cursor", "after"}) {
    const std::string behind = list + "?" + name + "=";
    EXPECT_EQ(followed(behind + written.at(22), pages), std::vector{written.back()}) << name;
    const Answer wrong = h().get("D", behind + "x");
    RABT_EXPECT_STATUS(wrong, 400);
    EXPECT_EQ(wrong.text("code"), "cursor.invalid");
    EXPECT_EQ(h().get("D", session + "/events?" + name + "=1")["items"][0]["seq"], Json(2));
  }
  for (const char* other :
       {"messages", "documents", "vitals", "prescriptions", "transcript", "follow-ups", "events"})
    RABT_EXPECT_STATUS(h().get("D", session + "/" + other + "?cursor=x"), 400);
}

// Each array had a name of its own.
TEST(RecordsApi, TheHistoryOfAPatientIsAListToo) {
  active();
  const Answer history = h().get("P", "/api/v1/patients/" + h().person("P").id + "/history");
  RABT_EXPECT_STATUS(history, 200);
  EXPECT_EQ(history["items"].size(),
            static_cast<std::size_t>(history.json.int_or("totalSessions", 0)));
  EXPECT_EQ(history["items"], history["sessions"]);
  EXPECT_GE(history["items"].size(), 1U);
}

TEST(RecordsApi, APoorLineLowersTheScoreOfTheSession) {
  const std::string session = active();
  Json samples = Json::array();
  for (const char* at : {"2026-11-22T10:00:00Z", "2026-11-22T10:00:10Z"})
    samples.push_back(
        Json::object({{"at", at}, {"lossPercent", 20}, {"jitterMs", 80}, {"rttMs", 600}}));
  const Answer answer = h().post("D", session + "/quality", Json::object({{"samples", samples}}));
  RABT_EXPECT_STATUS(answer, 202);
  EXPECT_EQ(answer.text("level"), "low") << answer.body;
  const Answer end = h().post("D", session + "/end");
  RABT_EXPECT_STATUS(end, 200);
  EXPECT_EQ(end["qualityScore"].number_text(), "1") << end.body;
  RABT_EXPECT_STATUS(h().get("P", "/api/v1/quality/metrics"), 403);
  EXPECT_GE(h().get("D", "/api/v1/quality/metrics")["sessionsMeasured"].as_int64().value_or(0), 1);
}

TEST(RecordsApi, TheSlotOfASessionIsTaken) {
  const std::string path = "/api/v1/providers/" + h().person("D").id + "/availability";
  const Json slots =
      Json::object({{"slots", Json::array({Json::object({{"startsAt", "2030-01-07T06:00:00Z"},
                                                         {"endsAt", "2030-01-07T07:00:00Z"}})})},
                    {"keep", true}});
  RABT_EXPECT_STATUS(h().call("P", "PUT", path, slots), 403);
  RABT_EXPECT_STATUS(h().call("D", "PUT", path, slots), 200);
  const Json body = Json::object({{"type", "doctor_patient"},
                                  {"bookingType", "direct"},
                                  {"patient", h().person("P").id},
                                  {"scheduledStart", "2030-01-07T06:00:00Z"},
                                  {"plannedMinutes", 30}});
  RABT_EXPECT_STATUS(h().post("D", "/api/v1/sessions", body), 201);
  const Answer busy = h().post("D", "/api/v1/sessions", body);
  RABT_EXPECT_STATUS(busy, 409);
  EXPECT_EQ(busy.text("code"), "provider.busy");
}

TEST(RecordsApi, PagesAreServedToEverybodyWhoSignedIn) {
  EXPECT_EQ(h().get("P", "/api/v1/ui/strings?lang=ar")["strings"].string_or("join_call", ""),
            "انضم إلى المكالمة");
  EXPECT_GE(h().get("P", "/api/v1/terms?q=hypertension")["items"].size(), 1U);
  EXPECT_EQ(h().get("D", "/api/v1/note-templates")["items"].size(), 5U);
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/settings/video"), 200);
  RABT_EXPECT_STATUS(h().get("D", "/api/v1/compliance"), 403);
  RABT_EXPECT_STATUS(h().get("AD", "/api/v1/compliance"), 200);
  RABT_EXPECT_STATUS(h().get("AD", "/api/v1/reports/scfhs?month=2026-11"), 200);
  RABT_EXPECT_STATUS(h().get("AD", "/api/v1/usage"), 200);
  RABT_EXPECT_STATUS(h().get("AD", "/api/v1/usage?month=13"), 422);
  RABT_EXPECT_STATUS(h().get("-", "/api/v1/terms"), 401);
}

}  // namespace
}  // namespace rabt::acceptance::records_test
