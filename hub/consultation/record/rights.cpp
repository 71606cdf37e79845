#include "hub/consultation/record/rights.hpp"

#include <algorithm>

namespace rabt::consultation {

namespace {

Error no_right(std::string_view what) {
  return denied("authorisation.denied", "your role in this session may not " + std::string(what));
}

bool is_specialist(const Membership& of) {
  return of.role == "specialist";
}

// Whoever was denied or removed is a participant no more.
Status takes_part(const Membership& of) {
  if (of.participant.empty() || (!of.admitted && !of.waiting))
    return denied("participant.not_a_participant", "only participants of the session may do this");
  return ok_status();
}

Status admitted(const Membership& of) {
  if (of.waiting) {
    return conflict("participant.waiting",
                    "the participant is waiting; a host has to admit him first");
  }
  return ok_status();
}

// Whether a document is for the role. Without roles it is for everybody.
bool is_for(const Record& record, std::string_view role) {
  const Json& roles = record.document["shownTo"];
  if (roles.size() == 0) return true;
  const Json::Array& all = roles.as_array();
  return std::any_of(all.begin(), all.end(), [&](const Json& one) { return one == Json(role); });
}

bool writes(const Membership& of, RecordKind kind) {
  const bool leads = is_doctor(of) || is_specialist(of);
  switch (kind) {
    case RecordKind::message:
    case RecordKind::feedback:
    case RecordKind::segment:
      return true;
    case RecordKind::document:
      return of.role != "observer";
    case RecordKind::note:
      return leads || of.role == "nurse";
    case RecordKind::vitals:
      return leads || of.role == "nurse" || of.role == "patient";
    case RecordKind::prescription:
    case RecordKind::follow_up:
      return leads;
  }
  return false;
}

bool reads(const Membership& of, RecordKind kind) {
  const bool leads = is_doctor(of) || is_specialist(of);
  switch (kind) {
    case RecordKind::message:
    case RecordKind::feedback:
      return true;
    case RecordKind::document:
      return of.role != "observer";
    case RecordKind::note:
    case RecordKind::vitals:
    case RecordKind::follow_up:
      return leads || of.role == "nurse" || of.role == "patient";
    case RecordKind::prescription:
      return leads || of.role == "patient";
    case RecordKind::segment:
      return of.host || leads || of.role == "nurse" || of.role == "patient";
  }
  return false;
}

}  // namespace

bool is_doctor(const Membership& of) {
  return of.role == "doctor";
}

bool is_clinical(const Membership& of) {
  return is_doctor(of) || is_specialist(of) || of.role == "nurse";
}

bool is_workflow(const Ask& ask) {
  return ask.door == "workflow";
}

Status may_write(const Ask& ask, const Membership& of, RecordKind kind) {
  if (is_workflow(ask)) {
    // What a workflow does between people is theirs to do.
    if (kind == RecordKind::note || kind == RecordKind::document || kind == RecordKind::follow_up)
      return ok_status();
    return no_right("write this");
  }
  // Somebody who waits may say something to those who will admit him.
  RABT_TRY_STATUS(takes_part(of));
  // What a role may never write, it may not write after its admission either.
  if (!writes(of, kind)) return no_right("write this");
  return kind == RecordKind::message ? ok_status() : admitted(of);
}

Status may_read(const Ask& ask, const Membership& of, RecordKind kind) {
  if (is_workflow(ask)) return ok_status();
  if (of.administrator && of.participant.empty()) {
    if (kind == RecordKind::feedback || !ask.caller.reason.empty()) return ok_status();
    return denied("authorisation.denied",
                  "an administrator reads patient data only with a reason, in X-Rabt-Reason");
  }
  RABT_TRY_STATUS(takes_part(of));
  if (!reads(of, kind)) return no_right("read this");
  // The patient reads what is about him, and after the end nobody waits any more.
  const bool at_once = kind == RecordKind::message || of.role == "patient" || is_end(of.status);
  return at_once ? ok_status() : admitted(of);
}

bool is_shown(const Ask& ask, const Membership& of, const Record& record) {
  const bool outside = is_workflow(ask) || (of.administrator && of.participant.empty());
  if (outside) return record.kind != RecordKind::note || record.state != "draft";
  const bool own = record.author == of.participant;
  if (record.kind == RecordKind::note) return record.state != "draft" || is_clinical(of);
  if (record.kind == RecordKind::feedback) return own || of.host;
  if (record.kind == RecordKind::document) return own || is_for(record, of.role);
  if (record.kind != RecordKind::message || own) return true;
  const std::string to = record.document.string_or("to", "");
  // Somebody who waits reads what is addressed to him; hosts read all.
  if (of.waiting) return to == of.participant;
  return to.empty() || to == of.participant || of.host;
}

bool may_read_comments(const Ask& ask, const Membership& of) {
  return !of.administrator || !of.participant.empty() || !ask.caller.reason.empty();
}

Status not_over(const Membership& of) {
  if (!is_end(of.status)) return ok_status();
  const std::string status(to_string(of.status));
  return conflict("session." + status,
                  "the session is " + status + "; nothing is added after its end");
}

Status about_a_patient(const Membership& of) {
  if (of.type != "training_session") return ok_status();
  return conflict("training.no_patient_data", "a training session holds no patient data");
}

}  // namespace rabt::consultation
