#include "hub/consultation/record/note_papers.hpp"

#include <utility>

#include "hub/base/bytes.hpp"
#include "hub/consultation/record/clinical_facts.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kPdfType = "application/pdf";

}  // namespace

Json to_json(const ChartPdfs& pdfs) {
  Json documents = Json::array();
  for (const std::string& text : pdfs.in_error)
    documents.push_back(Json::object({{"id", text}, {"status", kEnteredInError}}));
  for (const ChartPdfs::Pdf& pdf : pdfs.pdfs) {
    if (!pdf.code.empty()) {
      documents.push_back(Json::object({{"id", pdf.note}, {"code", pdf.code}}));
      continue;
    }
    documents.push_back(Json::object({{"id", pdf.note},
                                      {"blob", pdf.blob},
                                      {"contentType", kPdfType},
                                      {"bytes", pdf.bytes},
                                      {"sha256", pdf.sha256},
                                      {"sha1", pdf.sha1},
                                      {"title", pdf.title},
                                      {"at", pdf.at},
                                      {"status", pdf.amended ? "amended" : "final"}}));
  }
  const bool any = pdfs.wanted || !pdfs.in_error.empty();
  return Json::object({{"documents", any ? std::move(documents) : Json()}});
}

Result<NotePaper> NotePapers::paper(const Membership& of, const Record& record) {
  const RecordParts& parts = office_.parts();
  NotePaper out{.note = note_view(record), .house = parts.house.name, .session_number = of.number};
  if (of.started_ms) out.started = Timestamp{*of.started_ms};
  const auto person_of = [&](const std::string& id) -> Result<std::optional<NotePerson>> {
    const auto person = parts.people.find(of.tenant, id);
    if (person.ok()) return std::optional(note_person_of(person->profile));
    if (person.error().kind == ErrorKind::not_found) return std::optional<NotePerson>();
    return person.error();
  };
  if (!of.patient.empty()) {
    RABT_TRY(patient, person_of(of.patient));
    out.patient = patient.value_or(NotePerson{});
  }
  std::vector<RecordAuthor> authors{out.note.author};
  if (out.note.final_by) authors.push_back(out.note.final_by->author);
  if (out.note.entered_in_error) authors.push_back(out.note.entered_in_error->by);
  for (const Addendum& addendum : out.note.addenda) authors.push_back(addendum.author);
  for (const RecordAuthor& record_author : authors) {
    if (record_author.person.empty() || out.authors.contains(record_author.id())) continue;
    RABT_TRY(author, person_of(record_author.person));
    if (author) out.authors.emplace(record_author.id(), *std::move(author));
  }
  return out;
}

Result<std::string> NotePapers::pdf(const Caller& caller, const Asked<NamedRecord>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::note, request.record));
  RABT_TRY(of_note, paper(found.of, found.record));
  RABT_TRY(pdf, print::pdf_of(note_document(of_note)));
  RABT_TRY_STATUS(office_.audit_reading(caller, found.of, "session.read",
                                        Json::object({{"note", found.record.id}, {"as", "pdf"}})));
  return pdf;
}

Result<ChartPdfs::Pdf> NotePapers::keep(const Membership& of, const Record& record) {
  RABT_TRY(of_note, paper(of, record));
  const print::Document document = note_document(of_note);
  RABT_TRY(pdf, print::pdf_of(document));
  if (pdf.size() > kMaxChartPdf)
    return invalid("print.too_large", "the PDF of the note has more than 512 KiB");
  RABT_TRY(writer, office_.parts().blobs.create(of.tenant, kPdfType));
  RABT_TRY_STATUS(writer->write(pdf));
  RABT_TRY(blob, writer->finish());
  return ChartPdfs::Pdf{.note = record.id,
                        .blob = blob.id,
                        .bytes = blob.bytes,
                        .sha256 = blob.sha256,
                        .sha1 = to_base64(crypto::sha1(pdf)),
                        .title = document.title,
                        .at = to_iso8601(document.at),
                        .amended = of_note.note.status == "amended"};
}

Result<ChartPdfs> NotePapers::for_chart(const Caller& caller, const Asked<ReadChartPdfs>& asked) {
  if (!caller.system) return denied("authorisation.denied", "only workflows read these notes");
  RABT_TRY(request, asked);
  ChartPdfs out{.wanted = office_.parts().house.chart_pdf};
  RABT_TRY(of, office_.member(caller, request.session));
  std::vector<Record> notes;
  RABT_TRY_STATUS(office_.book().each(of, RecordKind::note, [&](const Record& one) {
    const NoteView note = note_view(one);
    if (!is_of_clinician(note)) return;
    if (note.status == kEnteredInError) out.in_error.push_back(one.id);
    if (out.wanted && note.counts()) notes.push_back(one);
  }));
  RABT_TRY_STATUS(office_.audit_reading(
      caller, of, "session.read",
      Json::object({{"of", "note"}, {"count", notes.size()}, {"as", "pdf"}})));
  // The newest of too many.
  if (notes.size() > kMaxChartPdfs)
    notes.erase(notes.begin(), notes.end() - static_cast<std::ptrdiff_t>(kMaxChartPdfs));
  for (const Record& record : notes) {
    auto kept = keep(of, record);
    out.pdfs.push_back(kept.ok() ? *std::move(kept)
                                 : ChartPdfs::Pdf{.note = record.id, .code = kept.error().code});
  }
  return out;
}

}  // namespace rabt::consultation
