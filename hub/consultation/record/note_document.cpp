#include "hub/consultation/record/note_document.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "hub/consultation/messages/texts.hpp"
#include "hub/consultation/record/languages.hpp"
#include "hub/consultation/record/profile_facts.hpp"
#include "hub/consultation/session/hijri.hpp"

namespace rabt::consultation {

namespace {

using print::Field;
using print::Section;

constexpr std::string_view kNothing = "–";

// Both, where both are there and differ.
std::string both(std::string_view english, std::string_view arabic) {
  if (arabic.empty() || arabic == english) return std::string(english);
  if (english.empty()) return std::string(arabic);
  return std::string(english) + " · " + std::string(arabic);
}
std::string both(const Json& texts) {
  return both(texts.string_or("en", ""), texts.string_or("ar", ""));
}

std::string or_nothing(std::string text) {
  return text.empty() ? std::string(kNothing) : std::move(text);
}

// A moment by both calendars, in the time of the Kingdom.
std::string moment(const std::string& iso8601) {
  const auto at = parse_iso8601(iso8601);
  return at.ok() ? time_text(*at, "en") : iso8601;
}

// A day by both calendars.
std::string day(const std::string& date) {
  const auto noon = parse_iso8601(date + "T12:00:00Z");
  const std::string hijri = noon.ok() ? hijri_date(*noon) : std::string();
  return hijri.empty() ? date : date + " (" + hijri + " AH)";
}

std::string role_text(std::string_view role) {
  struct Name {
    std::string_view role;
    std::string_view english;
    std::string_view arabic;
  };
  constexpr std::array<Name, 4> kRoles{{{"doctor", "doctor", "طبيب"},
                                        {"specialist", "specialist", "أخصائي"},
                                        {"nurse", "nurse", "تمريض"},
                                        {"workflow", "written by the system", "كتبه النظام"}}};
  const auto* const found = std::find_if(kRoles.begin(), kRoles.end(),
                                         [&](const Name& name) { return name.role == role; });
  return found == kRoles.end() ? std::string(role) : both(found->english, found->arabic);
}

NotePerson known_of(const NotePaper& paper, const RecordAuthor& author) {
  const auto found = paper.authors.find(author.id());
  return found == paper.authors.end() ? NotePerson{} : found->second;
}

// Name and role.
std::string person_text(const NotePaper& paper, const RecordAuthor& author) {
  const std::string name = known_of(paper, author).name;
  return name.empty() ? role_text(author.role) : name + ", " + role_text(author.role);
}

// Author and licence of what somebody wrote.
void add_author(Section& section, const NotePaper& paper, const RecordAuthor& author) {
  section.fields.push_back({"Author · الكاتب", person_text(paper, author)});
  if (const std::string licence = known_of(paper, author).licence; !licence.empty())
    section.fields.push_back({"Licence number · رقم الترخيص", licence});
}

void add_diagnoses(Section& section, const SignedDiagnoses& diagnoses) {
  for (const auto& [diagnosis, by] : diagnoses)
    section.fields.push_back({diagnosis.code + (diagnosis.rank == 1 ? " · principal · رئيسي" : ""),
                              or_nothing(diagnosis.display)});
}

Section patient_section(const NotePaper& paper) {
  Section out{.heading = "Patient · المريض"};
  if (paper.patient) {
    const NotePerson& patient = *paper.patient;
    out.fields = {
        {"Name · الاسم", or_nothing(patient.name)},
        {patient.is_record_number ? "Record number · رقم الملف" : "Identity number · رقم الهوية",
         or_nothing(patient.number)},
        {"Born · تاريخ الميلاد",
         patient.birth_date.empty() ? std::string(kNothing) : day(patient.birth_date)}};
  } else {
    out.fields = {{"Name · الاسم", std::string(kNothing)}};
  }
  out.fields.push_back(
      {"Visit · الزيارة",
       std::to_string(paper.session_number) +
           (paper.started ? ", " + moment(to_iso8601(*paper.started)) : std::string())});
  return out;
}

std::string status_text(std::string_view status) {
  if (status == "final") return "final · نهائية";
  if (status == "amended") return "final, with addenda · نهائية مع إضافات";
  if (status == "draft") return "draft, not signed · مسودة غير موقّعة";
  if (status == kEnteredInError) return "entered in error · أُدخلت بالخطأ";
  return std::string(status);
}

// On each page of a note that is not to be acted on.
std::string mark_of(std::string_view status) {
  if (status == "draft") return "DRAFT, not signed · مسودة غير موقّعة";
  if (status == kEnteredInError) return "ENTERED IN ERROR · أُدخلت بالخطأ";
  return {};
}

// The author is who signed; of a draft, who wrote it.
Section note_section(const NotePaper& paper) {
  const NoteView& note = paper.note;
  Section out{.heading = "Note · الملاحظة"};
  out.fields = {{"Number · الرقم", std::to_string(note.head.number)},
                {"Status · الحالة", status_text(note.status)}};
  add_author(out, paper, note.final_by ? note.final_by->author : note.author);
  out.fields.push_back({"Written · كُتبت", moment(to_iso8601(note.head.created))});
  if (note.final_by) out.fields.push_back({"Signed · وُقّعت", moment(note.final_by->at)});
  return out;
}

// By whom, when and why the note was marked: on each page in one paragraph, and in full on the
// first.
void add_cancellation(print::Document& out, const NotePaper& paper) {
  if (!paper.note.entered_in_error) return;
  const Cancellation& of = *paper.note.entered_in_error;
  const std::string who = person_text(paper, of.by);
  out.mark_detail = moment(of.at) + " · " + who;
  if (!of.reason.empty()) out.mark_detail += " · " + of.reason;
  out.sections.push_back({.heading = "Entered in error · أُدخلت بالخطأ",
                          .fields = {{"Marked by · وسمها", who},
                                     {"Marked · وُسمت", moment(of.at)},
                                     {"Reason · السبب", or_nothing(of.reason)}}});
}

// Headings of the template; a section of none is named by its id.
void add_texts(print::Document& out, const NoteView& note) {
  const Json& of_template = languages().note_template(note.template_id);
  for (const NoteSection& section : note.sections) {
    std::string heading = section.name;
    std::replace(heading.begin(), heading.end(), '_', ' ');
    if (of_template.is_object()) {
      for (const Json& part : of_template["sections"].as_array()) {
        if (part.string_or("id", "") == section.name) heading = both(part["title"]);
      }
    }
    out.sections.push_back({.heading = std::move(heading), .texts = {section.text}});
  }
  if (!note.content.empty())
    out.sections.push_back({.heading = "Text · النص", .texts = {note.content}});
}

void add_addenda(print::Document& out, const NotePaper& paper) {
  std::size_t number = 0;
  for (const Addendum& addendum : paper.note.addenda) {
    const std::string count = std::to_string(++number);
    Section section{.heading = "Addendum " + count + " · إضافة " + count};
    add_author(section, paper, addendum.author);
    section.fields.push_back({"Written · كُتبت", moment(addendum.at)});
    add_diagnoses(section, addendum.diagnoses);
    section.texts = {addendum.text};
    out.sections.push_back(std::move(section));
  }
}

}  // namespace

NotePerson note_person_of(const Json& profile) {
  const ClaimPractitioner practitioner = practitioner_of_profile(profile);
  const ClaimPatient patient = patient_of_profile(profile);
  NotePerson out{.name = both(profile.string_or("name", ""), profile.string_or("nameAr", "")),
                 .licence = practitioner.licence.value_or(""),
                 .birth_date = patient.birth_date.value_or("")};
  const std::vector<ProfileIdentifier> numbers = identifiers_of_profile(profile);
  const auto record = std::find_if(numbers.begin(), numbers.end(),
                                   [](const auto& one) { return one.type == "MR"; });
  out.is_record_number = record != numbers.end() || numbers.empty();
  if (record != numbers.end()) {
    out.number = record->value;
  } else if (!numbers.empty()) {
    out.number = numbers.front().value;
  }
  return out;
}

print::Document note_document(const NotePaper& paper) {
  const NoteView& note = paper.note;
  const auto house = [&](const char* language) {
    const auto found = paper.house.find(language);
    return found == paper.house.end() ? std::string() : found->second;
  };
  const Json& of_template = languages().note_template(note.template_id);
  print::Document out{.house = both(house("en"), house("ar")),
                      .title = of_template.is_object() ? both(of_template["title"])
                                                       : "Clinical note · ملاحظة سريرية",
                      .mark = mark_of(note.status),
                      .at = note.head.updated};
  if (paper.patient && !(paper.patient->name + paper.patient->number).empty())
    out.foot = both(paper.patient->name, paper.patient->number);
  add_cancellation(out, paper);
  out.sections.push_back(patient_section(paper));
  out.sections.push_back(note_section(paper));
  if (!note.diagnoses.empty()) {
    Section diagnoses{.heading = "Diagnoses · التشخيص"};
    add_diagnoses(diagnoses, note.diagnoses);
    out.sections.push_back(std::move(diagnoses));
  }
  add_texts(out, note);
  add_addenda(out, paper);
  return out;
}

}  // namespace rabt::consultation
