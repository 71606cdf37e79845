#include "hub/consultation/record/rights.hpp"

#include <algorithm>

#include "hub/consultation/events/hearing.hpp"
#include "hub/consultation/record/shared_views.hpp"

namespace rabt::consultation {

using access::Allowed;
using access::Is;
using access::Right;

namespace {

Right write_of(RecordKind kind) {
  return static_cast<Right>(static_cast<int>(Right::message_write) + static_cast<int>(kind));
}
Right read_of(RecordKind kind) {
  return static_cast<Right>(static_cast<int>(Right::message_read) + static_cast<int>(kind));
}
static_assert(static_cast<int>(Right::follow_up_write) - static_cast<int>(Right::message_write) ==
              static_cast<int>(RecordKind::follow_up));
static_assert(static_cast<int>(Right::follow_up_read) - static_cast<int>(Right::message_read) ==
              static_cast<int>(RecordKind::follow_up));

// True if a document is for the role. Without roles it is for everybody.
bool is_for(const Record& record, std::string_view role) {
  const Json& roles = record.document["shownTo"];
  if (roles.size() == 0) return true;
  const Json::Array& all = roles.as_array();
  return std::any_of(all.begin(), all.end(), [&](const Json& item) { return item == Json(role); });
}

}  // namespace

access::Facts facts_of(const Caller& caller, const Membership& of) {
  access::Facts facts{
      .roles = caller.who.roles, .system = caller.system, .reason = !caller.reason.empty()};
  access::Relations& relations = facts.is;
  relations.add(Is::host, of.host);
  if (of.participant.empty()) return facts;
  relations.add(Is::member);
  // By his account: whoever holds a link may be anybody until a host has let him in.
  relations.add(Is::patient, !of.patient.empty() && of.patient == caller.who.person);
  // A person who was denied or removed is a participant no more.
  relations.add(Is::takes_part, of.admitted || of.waiting);
  relations.add(Is::admitted, of.admitted);
  relations.add(Is::doctor, of.role == "doctor");
  relations.add(Is::specialist, of.role == "specialist");
  relations.add(Is::nurse, of.role == "nurse");
  relations.add(Is::patient_role, of.role == "patient");
  relations.add(Is::observer, of.role == "observer");
  return facts;
}

bool is_doctor(const Membership& of) {
  return of.role == "doctor";
}

bool is_clinical(const Membership& of) {
  return is_doctor(of) || of.role == "specialist" || of.role == "nurse";
}

Result<Allowed> may(Right right, const Caller& caller, const Membership& of) {
  return access::admit(right, facts_of(caller, of));
}

Result<Allowed> may_write(const Caller& caller, const Membership& of, RecordKind kind) {
  return may(write_of(kind), caller, of);
}

Result<Allowed> may_read(const Caller& caller, const Membership& of, RecordKind kind) {
  return may(read_of(kind), caller, of);
}

bool is_shown(const Caller& caller, const Membership& of, const Record& record) {
  const bool outside = caller.system || (of.administrator && of.participant.empty());
  if (outside) return record.kind != RecordKind::note || record.state != "draft";
  if (record.at_ms < of.reads_from_ms) return false;
  const bool own = record.author == of.participant;
  if (record.kind == RecordKind::note) return record.state != "draft" || is_clinical(of);
  if (record.kind == RecordKind::feedback) return own || of.host;
  if (record.kind == RecordKind::document)
    return own || (is_for(record, of.role) && (of.role != "family_member" || !is_withheld(record)));
  if (record.kind != RecordKind::message || own) return true;
  if (record.document.string_or("audience", "") == kForHosts) return of.admits();
  const std::string to = record.document.string_or("to", "");
  // Somebody who waits reads what is addressed to him; hosts read all.
  if (of.waiting) return to == of.participant;
  return to.empty() || to == of.participant || of.host;
}

bool may_read_comments(const Caller& caller, const Membership& of) {
  return may(Right::comments_read, caller, of).ok();
}

Status not_over(const Membership& of) {
  if (!is_end(of.status)) return ok_status();
  const std::string status(to_string(of.status));
  return conflict("session." + status,
                  "the session is " + status + "; nothing is added after its end");
}

Status open_or_again(const Caller& caller, const Membership& of) {
  return caller.system && !caller.key.empty() ? ok_status() : not_over(of);
}

Status about_a_patient(const Membership& of) {
  if (of.type != "training_session") return ok_status();
  return conflict("training.no_patient_data", "a training session holds no patient data");
}

}  // namespace rabt::consultation
