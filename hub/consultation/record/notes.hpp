#pragma once

#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/note_requests.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/record_office.hpp"

namespace rabt::consultation {

// Clinical notes: draft -> final -> amended; a note that was signed may become entered_in_error.
// Internally synchronised.
class Notes {
 public:
  explicit Notes(RecordOffice& office) : office_(office) {}

  Result<RecordList<NoteView>> list(const Caller& caller, const Asked<ListRecords>& asked);
  Result<NoteView> write(const Caller& caller, const Asked<WriteNote>& asked);
  Result<NoteView> change(const Caller& caller, const Asked<ChangeNote>& asked);
  Result<NoteView> add_addendum(const Caller& caller, const Asked<AddAddendum>& asked);
  // The note stays readable. It has no part in facts, charts and claims of the visit any more. A
  // repeat gives the note as it was marked first.
  Result<NoteView> mark_in_error(const Caller& caller, const Asked<MarkNoteInError>& asked);

 private:
  RecordOffice& office_;
};

}  // namespace rabt::consultation
