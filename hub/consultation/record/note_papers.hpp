#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/record/note_document.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"

// Clinical notes as PDF.
namespace rabt::consultation {

// Largest PDF of a note that a record system is sent, in bytes: in base64 it fits a request of a
// plugin beside the resource around it.
inline constexpr std::size_t kMaxChartPdf = 512U << 10U;
// Most notes of a visit that a record system is sent as PDF.
inline constexpr std::size_t kMaxChartPdfs = 50;

// Notes of a visit as PDF, for its chart.
struct ChartPdfs {
  // A PDF in a blob that is removed a day later (limits::kOrphanBlobAge).
  struct Pdf {
    // ULID of the note.
    std::string note;
    std::string blob{};
    std::uint64_t bytes = 0;
    // Hex.
    std::string sha256{};
    // Base64, as FHIR R4 has it.
    std::string sha1{};
    std::string title{};
    // RFC 3339. Last change of the note.
    std::string at{};
    bool amended = false;
    // Why there is no PDF, and no member but the note: print.too_large, print.font, ... Else empty.
    std::string code{};
  };
  // Oldest first.
  std::vector<Pdf> pdfs{};
  // ULIDs of the notes that were entered in error, of which the record system may have a PDF.
  std::vector<std::string> in_error{};
  // Unset where the hospital sends none (`hospital.chart_pdf`).
  bool wanted = true;
};
// {documents: [{id, blob, contentType, bytes, sha256, sha1, title, at, status}, {id, code}, or
//  {id, status: entered_in_error}]}, or null where none are wanted and none is in error.
[[nodiscard]] Json to_json(const ChartPdfs& pdfs);

struct ReadChartPdfs {
  // ULID, UUID or number.
  std::string session;
};

// Internally synchronised.
class NotePapers {
 public:
  explicit NotePapers(RecordOffice& office) : office_(office) {}

  // The note as a PDF, for whoever may read it; a draft, and a note in error, says on each page
  // that it is one. The reading is in the audit log. Errors: those of RecordOffice::find and
  // print::pdf_of.
  Result<std::string> pdf(const Caller& caller, const Asked<NamedRecord>& asked);
  // For workflows alone: the notes that count for the chart, each in a blob, and those that were
  // entered in error. A note that cannot be printed or kept has the code of the error.
  Result<ChartPdfs> for_chart(const Caller& caller, const Asked<ReadChartPdfs>& asked);

 private:
  Result<NotePaper> paper(const Membership& of, const Record& record);
  Result<ChartPdfs::Pdf> keep(const Membership& of, const Record& record);

  RecordOffice& office_;
};

}  // namespace rabt::consultation
