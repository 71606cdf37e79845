#include "hub/consultation/record/note_document.hpp"

#include <gtest/gtest.h>

// A note on paper, before it is a PDF.
namespace rabt::consultation::note_document_test {
namespace {

NotePaper paper(std::string status) {
  const RecordAuthor doctor{.participant = "P1", .person = "D1", .role = "doctor"};
  NotePaper out{.note = {.head = {.id = "N1",
                                  .number = 17,
                                  .session = "S1",
                                  .created = {1'773'122'400'000},
                                  .updated = {1'773'126'000'000}},
                         .kind = "soap",
                         .template_id = "soap",
                         .content = "",
                         .sections = {{.name = "plan", .text = "Rest"}},
                         .diagnoses = {{.diagnosis = {.code = "J06.9"}, .by = {}}},
                         .addenda = {},
                         .final_by = {},
                         .author = doctor,
                         .status = std::move(status)},
                .house = {{"ar", "مستشفى"}, {"en", "Hospital"}},
                .session_number = 5};
  if (out.note.status != "draft")
    out.note.final_by = Signature{.author = doctor, .at = "2026-03-10T06:10:00.000Z"};
  return out;
}
std::string field(const print::Document& document, std::string_view label) {
  for (const print::Section& section : document.sections) {
    for (const print::Field& one : section.fields) {
      if (one.label.starts_with(label)) return one.value;
    }
  }
  return "none";
}

TEST(NoteDocument, NamesWhoSignedWhenInBothCalendars) {
  NotePaper note_paper = paper("final");
  note_paper.authors["D1"] = {.name = "Sara", .licence = "L-1"};
  const print::Document document = note_document(note_paper);
  EXPECT_EQ(document.house, "Hospital · مستشفى");
  EXPECT_EQ(document.title, "SOAP note · ملاحظة سريرية (SOAP)");
  EXPECT_EQ(document.at, note_paper.note.head.updated);
  EXPECT_EQ(document.mark, "");
  EXPECT_EQ(field(document, "Author"), "Sara, doctor · طبيب");
  EXPECT_EQ(field(document, "Licence"), "L-1");
  EXPECT_EQ(field(document, "Signed"), "2026-03-10 09:10 KSA time (1447-09-21 AH)");
  EXPECT_EQ(field(document, "J06.9 · principal"), "–");
  EXPECT_EQ(document.sections.back().heading, "Plan · الخطة العلاجية");
  EXPECT_EQ(document.sections.back().texts, std::vector<std::string>{"Rest"});
}

TEST(NoteDocument, SaysOnEachPageWhatIsNotToBeActedOn) {
  EXPECT_TRUE(note_document(paper("draft")).mark.starts_with("DRAFT"));
  EXPECT_EQ(field(note_document(paper("draft")), "Signed"), "none");
  EXPECT_TRUE(note_document(paper("entered_in_error")).mark.starts_with("ENTERED IN ERROR"));
  EXPECT_EQ(note_document(paper("amended")).mark, "");
}

TEST(NoteDocument, OfANoteInErrorSaysByWhomWhenAndWhyOnEachPage) {
  NotePaper note_paper = paper("entered_in_error");
  note_paper.authors["D1"] = {.name = "Sara", .licence = "L-1"};
  note_paper.authors["D2"] = {.name = "Ali · علي"};
  note_paper.note.entered_in_error =
      Cancellation{.by = {.participant = "P2", .person = "D2", .role = "specialist"},
                   .at = "2026-03-10T09:00:00.000Z",
                   .reason = "كُتبت لمريض آخر"};
  const print::Document document = note_document(note_paper);
  EXPECT_EQ(document.mark, "ENTERED IN ERROR · أُدخلت بالخطأ");
  EXPECT_EQ(document.mark_detail,
            "2026-03-10 12:00 KSA time (1447-09-21 AH) · Ali · علي, specialist · أخصائي · "
            "كُتبت لمريض آخر");
  EXPECT_EQ(document.sections.front().heading, "Entered in error · أُدخلت بالخطأ");
  EXPECT_EQ(field(document, "Marked by"), "Ali · علي, specialist · أخصائي");
  EXPECT_EQ(field(document, "Marked · "), "2026-03-10 12:00 KSA time (1447-09-21 AH)");
  EXPECT_EQ(field(document, "Reason"), "كُتبت لمريض آخر");
  EXPECT_EQ(field(document, "Author"), "Sara, doctor · طبيب");
  EXPECT_EQ(note_document(paper("final")).mark_detail, "");
}

TEST(NoteDocument, TellsThePatientOnEachPage) {
  NotePaper note_paper = paper("final");
  EXPECT_EQ(note_document(note_paper).foot, "");
  note_paper.patient = note_person_of(Json::object(
      {{"name", "Mohammed"}, {"nameAr", "محمد"}, {"mrn", "7"}, {"birthDate", "1990-01-01"}}));
  const print::Document document = note_document(note_paper);
  EXPECT_EQ(document.foot, "Mohammed · محمد · 7");
  EXPECT_EQ(field(document, "Record number"), "7");
  EXPECT_EQ(field(document, "Born"), "1990-01-01 (1410-06-03 AH)");
  note_paper.patient = note_person_of(Json::object({{"name", "Mohammed"}}));
  EXPECT_EQ(field(note_document(note_paper), "Record number"), "–");
}

TEST(NoteDocument, AddendaFollowInTheirOrder) {
  NotePaper note_paper = paper("amended");
  note_paper.note.addenda = {
      {.author = note_paper.note.author, .at = "2026-03-10T07:00:00.000Z", .text = "a"},
      {.author = note_paper.note.author, .at = "2026-03-10T08:00:00.000Z", .text = "b"}};
  const print::Document document = note_document(note_paper);
  const auto& sections = document.sections;
  ASSERT_GE(sections.size(), 2U);
  EXPECT_EQ(sections[sections.size() - 2].heading, "Addendum 1 · إضافة 1");
  EXPECT_EQ(sections.back().texts, std::vector<std::string>{"b"});
}

TEST(NoteDocument, ASectionOfNoTemplateIsNamedByItsId) {
  NotePaper note_paper = paper("final");
  note_paper.note.template_id.clear();
  note_paper.note.sections = {{.name = "past_history", .text = "none"}};
  const print::Document document = note_document(note_paper);
  EXPECT_EQ(document.title, "Clinical note · ملاحظة سريرية");
  EXPECT_EQ(document.sections.back().heading, "past history");
}

}  // namespace
}  // namespace rabt::consultation::note_document_test
