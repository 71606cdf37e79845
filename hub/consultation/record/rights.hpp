#pragma once

#include "hub/access/decide.hpp"
#include "hub/consultation/record/record_book.hpp"
#include "hub/consultation/session/membership.hpp"

// Rights to write and read the records of a session. Pure.
namespace rabt::consultation {

// Relations of the caller to the session, for access::decide().
[[nodiscard]] access::Facts facts_of(const Caller& caller, const Membership& of);
// Errors: denied participant.not_a_participant (also who was denied or removed),
// authorisation.denied; conflict participant.waiting.
[[nodiscard]] Result<access::Allowed> may(access::Right right, const Caller& caller,
                                          const Membership& of);
[[nodiscard]] Result<access::Allowed> may_write(const Caller& caller, const Membership& of,
                                                RecordKind kind);
// The same for lists of the kind. An administrator reads with a reason only.
[[nodiscard]] Result<access::Allowed> may_read(const Caller& caller, const Membership& of,
                                               RecordKind kind);
// True if a list that the caller may read shows him this record.
[[nodiscard]] bool is_shown(const Caller& caller, const Membership& of, const Record& record);

// The comments of a feedback are patient data; its figures are not.
[[nodiscard]] bool may_read_comments(const Caller& caller, const Membership& of);

// Error conflict session.<status>.
[[nodiscard]] Status not_over(const Membership& of);
// The same, except where a workflow may repeat what it wrote before the end: the commit knows.
[[nodiscard]] Status open_or_again(const Caller& caller, const Membership& of);
// Error conflict training.no_patient_data.
[[nodiscard]] Status about_a_patient(const Membership& of);

[[nodiscard]] bool is_doctor(const Membership& of);
// A doctor, specialist or nurse.
[[nodiscard]] bool is_clinical(const Membership& of);

}  // namespace rabt::consultation
