#pragma once

#include "hub/api/requests/ask.hpp"
#include "hub/consultation/record/note_requests.hpp"

// Readers of requests about clinical notes. Each names every mistake of the body.
namespace rabt::api {

[[nodiscard]] consultation::Asked<consultation::WriteNote> write_note_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::ChangeNote> change_note_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::AddAddendum> add_addendum_of(const Ask& ask);
[[nodiscard]] consultation::Asked<consultation::MarkNoteInError> mark_note_in_error_of(
    const Ask& ask);

}  // namespace rabt::api
