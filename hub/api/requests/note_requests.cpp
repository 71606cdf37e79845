#include "hub/api/requests/note_requests.hpp"

#include "hub/consultation/request/fields.hpp"

namespace rabt::api {

using consultation::AddAddendum;
using consultation::Asked;
using consultation::ChangeNote;
using consultation::Fields;
using consultation::MarkNoteInError;
using consultation::WriteNote;

Asked<WriteNote> write_note_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"kind", "template", "content", "sections", "diagnoses", "status"});
  return written_note_in(fields, ask.session);
}

Asked<ChangeNote> change_note_of(const Ask& ask) {
  return ChangeNote{.note = ask.record, .version = ask.version, .given = ask.body};
}

Asked<AddAddendum> add_addendum_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"text", "diagnoses"});
  AddAddendum out{.note = ask.record, .text = fields.needed_text("text")};
  out.diagnoses = read_diagnoses(fields);
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<MarkNoteInError> mark_note_in_error_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"reason"});
  MarkNoteInError out{.note = ask.record, .reason = fields.needed_text("reason", 500)};
  RABT_TRY_STATUS(fields.done());
  return out;
}

}  // namespace rabt::api
