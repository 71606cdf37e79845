#pragma once

#include <map>
#include <optional>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/print/document.hpp"

// A clinical note on paper. Headings are in English and Arabic, what clinicians wrote is as they
// wrote it. Pure.
namespace rabt::consultation {

// A person as his record names him.
struct NotePerson {
  // In both languages where the record has both. May be empty.
  std::string name{};
  std::string licence{};
  // Value of the record number, else of the first identifier. May be empty.
  std::string number{};
  // True if `number` is a record number of the hospital.
  bool is_record_number = true;
  // YYYY-MM-DD. May be empty.
  std::string birth_date{};
};
[[nodiscard]] NotePerson note_person_of(const Json& profile);

struct NotePaper {
  NoteView note;
  // Unset where the session has no patient.
  std::optional<NotePerson> patient{};
  // By RecordAuthor::id(): those who wrote, and who marked the note as entered in error, as far as
  // their records are known.
  std::map<std::string, NotePerson> authors{};
  // Name of the hospital by language: ar, en. May be empty.
  std::map<std::string, std::string> house{};
  // Number and start of the session.
  std::int64_t session_number = 0;
  std::optional<Timestamp> started{};
};

// Date of the document: the last change of the note, so that the same note is the same PDF. A
// draft, and a note in error with by whom, when and why, says so on each page.
[[nodiscard]] print::Document note_document(const NotePaper& paper);

}  // namespace rabt::consultation
