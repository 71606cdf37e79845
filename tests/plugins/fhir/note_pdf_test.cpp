#include <gtest/gtest.h>

#include <string>

#include "rabt/text.hpp"
#include "tests/plugins/fhir/record_system_fake.hpp"

// Signed notes as PDF in the record system.
namespace rabt::fhir::note_pdf_test {
namespace {

using sdk::Kind;
using test::RecordSystem;
using test::visit;

// The visit with a note as PDF, whose bytes are in a blob of the hub.
Json with_pdf(RecordSystem& ehr, const std::string& pdf, const std::string& hash,
              const std::string& status = "final") {
  ehr.host.blobs["b-" + hash] = {.content_type = "application/pdf", .content = pdf};
  Json input = visit();
  input["documents"] = Json::array({{{"id", "N1"},
                                     {"blob", "b-" + hash},
                                     {"contentType", "application/pdf"},
                                     {"bytes", pdf.size()},
                                     {"sha1", hash},
                                     {"title", "SOAP note"},
                                     {"at", "2026-03-10T06:18:00Z"},
                                     {"status", status}}});
  return input;
}

TEST(NotePdf, IsFiledBesideTheNote) {
  RecordSystem ehr;
  const Json output = ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  EXPECT_EQ(output["written"], 8);
  EXPECT_EQ(output["refused"], Json::array());
  ASSERT_EQ(ehr.resources["DocumentReference"].size(), 1U);
  const Json& document = ehr.resources["DocumentReference"][0];
  EXPECT_EQ(document["identifier"][0]["value"], "01ABC/note-pdf/N1");
  EXPECT_EQ(document["status"], "current");
  EXPECT_EQ(document["docStatus"], "final");
  EXPECT_EQ(document["type"]["coding"][0]["code"], "11488-4");
  EXPECT_EQ(document["subject"]["reference"], "Patient/p1");
  EXPECT_EQ(document["author"][0]["reference"], "Practitioner/d1");
  EXPECT_EQ(document["context"]["encounter"][0]["reference"], "Encounter/e1");
  EXPECT_FALSE(document.contains("encounter"));
  EXPECT_EQ(document["securityLabel"][0]["coding"][0]["code"], "R");
  const Json& attachment = document["content"][0]["attachment"];
  EXPECT_EQ(attachment["contentType"], "application/pdf");
  EXPECT_EQ(attachment["data"], sdk::to_base64("%PDF-1.5 one"));
  EXPECT_EQ(attachment["size"], 12);
  EXPECT_EQ(attachment["hash"], "aGFzaA==");
  EXPECT_EQ(attachment["title"], "SOAP note");
}

TEST(NotePdf, ThatIsThereIsNotSentAgain) {
  RecordSystem ehr;
  const Json input = with_pdf(ehr, "%PDF-1.5 one", "aGFzaA==");
  ehr.write(input);
  const int writes = ehr.writes;
  EXPECT_EQ(ehr.write(input)["written"], 8);
  EXPECT_EQ(ehr.writes, writes);
}

TEST(NotePdf, IsReplacedWhenAnAddendumIsAdded) {
  RecordSystem ehr;
  ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  ehr.resources["DocumentReference"][0]["description"] = "of others";
  ehr.write(with_pdf(ehr, "%PDF-1.5 two", "b3RoZXI=", "amended"));
  ASSERT_EQ(ehr.resources["DocumentReference"].size(), 1U);
  const Json& document = ehr.resources["DocumentReference"][0];
  EXPECT_EQ(document["docStatus"], "amended");
  EXPECT_EQ(document["content"][0]["attachment"]["data"], sdk::to_base64("%PDF-1.5 two"));
  EXPECT_EQ(document["description"], "of others");
}

Json in_error(const std::string& note) {
  Json input = visit();
  input["documents"] = Json::array({{{"id", note}, {"status", "entered_in_error"}}});
  return input;
}

TEST(NotePdf, OfANoteInErrorIsInError) {
  RecordSystem ehr;
  ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  const Json& document = ehr.resources["DocumentReference"][0];
  // Others moved it to another encounter.
  ehr.resources["DocumentReference"][0]["context"]["encounter"][0]["reference"] = "Encounter/e9";
  EXPECT_EQ(ehr.write(in_error("N1"))["refused"], Json::array());
  EXPECT_EQ(document["status"], "entered-in-error");
  EXPECT_EQ(document["docStatus"], "entered-in-error");
  EXPECT_EQ(document["identifier"][0]["use"], "old");
  const int writes = ehr.writes;
  ehr.write(in_error("N1"));
  EXPECT_EQ(ehr.writes, writes);
  // Two writes may cross.
  ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  EXPECT_EQ(document["status"], "current");
  EXPECT_EQ(document["docStatus"], "final");
  EXPECT_FALSE(document["identifier"][0].contains("use"));
}

TEST(NotePdf, OfANoteThatIsNotListedStays) {
  RecordSystem ehr;
  ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  Json input = visit();
  for (const Json& documents : {Json(), Json::array(), in_error("N2")["documents"]}) {
    input["documents"] = documents;
    EXPECT_EQ(ehr.write(input)["refused"], Json::array());
    EXPECT_EQ(ehr.resources["DocumentReference"][0]["status"], "current") << documents;
  }
  EXPECT_EQ(ehr.resources["DocumentReference"].size(), 1U);
}

TEST(NotePdf, ThatCannotBeTakenBackIsNamed) {
  RecordSystem ehr;
  ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  ehr.refused["DocumentReference"] = 403;
  EXPECT_EQ(ehr.write(in_error("N1"))["refused"],
            Json::parse(R"([{"of": "documents/0", "code": "fhir.403"}])"));
  ehr.refused.clear();
  ehr.resources["DocumentReference"][0]["subject"]["reference"] = "Patient/other";
  EXPECT_EQ(ehr.write(in_error("N1"))["refused"],
            Json::parse(R"([{"of": "documents/0", "code": "fhir.other_subject"}])"));
  EXPECT_EQ(ehr.resources["DocumentReference"][0]["status"], "current");
}

TEST(NotePdf, ThatCannotBeReadIsNamedAndTheNoteGoesAlone) {
  RecordSystem ehr;
  Json input = with_pdf(ehr, "%PDF-1.5 one", "aGFzaA==");
  ehr.write(input);
  const int writes = ehr.writes;
  ehr.host.blobs.clear();
  input["documents"][0]["sha1"] = "b3RoZXI=";
  const Json output = ehr.write(input);
  EXPECT_EQ(output["written"], 7);
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "documents/0", "code": "fhir.no_blob"}])"));
  EXPECT_EQ(ehr.writes, writes) << "what the record system has of it stays";
  EXPECT_EQ(ehr.resources["DocumentReference"][0]["status"], "current");
  input["documents"] = Json::parse(R"([{"id": "N1", "code": "print.font"}])");
  EXPECT_EQ(ehr.write(input)["refused"],
            Json::parse(R"([{"of": "documents/0", "code": "print.font"}])"));
  EXPECT_EQ(ehr.resources["DocumentReference"][0]["status"], "current");
  RecordSystem other;
  const Json large = with_pdf(other, std::string(kMaxPdf + 1, 'x'), "aGFzaA==");
  EXPECT_EQ(other.write(large)["refused"],
            Json::parse(R"([{"of": "documents/0", "code": "fhir.too_large"}])"));
  EXPECT_EQ(other.resources["Composition"].size(), 1U);
  EXPECT_TRUE(other.resources["DocumentReference"].empty());
  RecordSystem whole;
  EXPECT_EQ(whole.write(with_pdf(whole, std::string(kMaxPdf, 'x'), "aGFzaA=="))["written"], 8);
}

TEST(NotePdf, ThatIsRefusedStopsNothingElse) {
  RecordSystem ehr;
  ehr.refused["DocumentReference"] = 413;
  const Json output = ehr.write(with_pdf(ehr, "%PDF-1.5 one", "aGFzaA=="));
  EXPECT_EQ(output["written"], 7);
  EXPECT_EQ(output["refused"], Json::parse(R"([{"of": "documents/0", "code": "fhir.413"}])"));
}

}  // namespace
}  // namespace rabt::fhir::note_pdf_test
