#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/request/answer.hpp"

// Requests about clinical notes. Each reader names every mistake of the body.
namespace rabt::consultation {

class Fields;

struct NoteSection {
  // Id in the template; a-z, 0-9 and _.
  std::string name;
  std::string text;
};
using NoteSections = std::vector<NoteSection>;
// {id: text}
[[nodiscard]] Json to_json(const NoteSections& sections);
// True if a note of these is more than blanks.
[[nodiscard]] bool has_text(const std::string& content, const NoteSections& sections);

struct Diagnosis {
  // ICD-10
  std::string code;
  std::string display{};
  // 1 is the principal diagnosis.
  std::int64_t rank = 1;
};
// In the order of their ranks, which differ.
using Diagnoses = std::vector<Diagnosis>;

struct WriteNote {
  // ULID, UUID or number.
  std::string session;
  // soap, progress, follow_up, free
  std::string kind;
  // One of Languages::note_templates. May be empty.
  std::string template_id{};
  std::string content{};
  NoteSections sections{};
  Diagnoses diagnoses{};
  // draft or final. Where it is empty, a note is final if its author may finish one.
  std::string status{};
};
// The members of a body, whatever others it has.
[[nodiscard]] Asked<WriteNote> written_note_in(Fields& fields, std::string session);
// Members of a note, under the names that the body has for them. A kind that is not there is
// `fallback`. template_in gives what Languages::note_template gives; a template that there is not
// is a mistake.
[[nodiscard]] std::string note_kind_in(Fields& fields, std::string_view name,
                                       std::string_view fallback);
[[nodiscard]] const Json& template_in(Fields& fields, std::string_view name, WriteNote& out);
// of_template: the sections that there may be; null for any.
[[nodiscard]] NoteSections sections_in(Fields& fields, std::string_view name,
                                       const Json& of_template);
// Blanks alone are a mistake of this member, if there is no other.
void check_has_text(Fields& fields, std::string_view name, const WriteNote& note);
// The member `diagnoses`. A rank that is left out is the place in the list.
[[nodiscard]] Diagnoses read_diagnoses(Fields& fields);

// Change of a note. Members that are unset stay as they are.
struct NoteChange {
  std::optional<std::string> content{};
  std::optional<NoteSections> sections{};
  std::optional<Diagnoses> diagnoses{};
  // draft, final
  std::string status;
};
struct ChangeNote {
  // ULID, UUID or number.
  std::string note;
  // Version that the caller has seen.
  std::optional<std::int64_t> version{};
  // A NoteChange as it came: the template of the note says which sections it may have.
  Json given = Json::object();
};
// of_template: the template of the note, or null.
[[nodiscard]] Asked<NoteChange> note_change_of(const Json& given, const Json& of_template);

struct AddAddendum {
  // ULID, UUID or number.
  std::string note;
  std::string text;
  Diagnoses diagnoses{};
};

struct MarkNoteInError {
  // ULID, UUID or number.
  std::string note;
  std::string reason;
};

}  // namespace rabt::consultation
