#include "hub/consultation/record/notes.hpp"

#include "hub/base/limits.hpp"
#include "hub/consultation/record/languages.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

Status may_diagnose(const Caller& caller, const Membership& of, const Diagnoses& diagnoses) {
  if (!diagnoses.empty()) RABT_TRY_STATUS(may(access::Right::diagnose, caller, of));
  return ok_status();
}

Signature signed_by(const Caller& caller, const Membership& of, const Clock& clock) {
  return {.author = author_of(caller, of), .at = to_iso8601(clock.now())};
}

// Nothing is added to what does not hold.
Status holds(const Record& note) {
  if (note.state != kEnteredInError) return ok_status();
  return conflict("note.entered_in_error",
                  "the note was entered in error and is not changed; add to another note of the "
                  "visit");
}

}  // namespace

Result<RecordList<NoteView>> Notes::list(const Caller& caller, const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::note));
  return list_of(std::move(found), &note_view);
}

Result<NoteView> Notes::write(const Caller& caller, const Asked<WriteNote>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_write(caller, of, RecordKind::note));
  const Json diagnoses =
      to_json(signed_diagnoses(request.diagnoses, signed_by(caller, of, office_.parts().clock)));
  RABT_TRY_STATUS(may_diagnose(caller, of, request.diagnoses));
  const Result<access::Allowed> finishes = may(access::Right::note_finish, caller, of);
  const bool drafts_only = !finishes.ok();
  if (drafts_only && request.status == "final") return finishes.error();
  RABT_TRY_STATUS(open_or_again(caller, of));

  RecordAct act{.record = office_.fresh(caller, of, RecordKind::note), .also = {}};
  act.record.state = request.status.empty() ? (drafts_only ? "draft" : "final") : request.status;
  Json& document = act.record.document;
  document.set("kind", request.kind);
  if (!request.template_id.empty()) document.set("template", request.template_id);
  document.set("content", request.content);
  document.set("sections", to_json(request.sections));
  document.set("diagnoses", diagnoses);
  document.set("addenda", Json::array());
  if (act.record.state == "final")
    document.set("finalBy", to_json(signed_by(caller, of, office_.parts().clock)));
  const Json data =
      Json::object({{"note", act.record.id}, {"kind", request.kind}, {"status", act.record.state}});
  act.acts.emplace_back("note.written", data);
  act.events.emplace_back("note-written", data);
  act.shape = &shown_as<&note_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return note_view(act.record);
}

Result<NoteView> Notes::change(const Caller& caller, const Asked<ChangeNote>& asked) {
  RABT_TRY(request, asked);
  if (!request.version && caller.manner.names_version) {
    return conflict("precondition.required",
                    "send If-Match with the ETag of the note as you read it");
  }
  RABT_TRY(found, office_.find(caller, RecordKind::note, request.note));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(caller, of, RecordKind::note));
  Record record = std::move(found.record);
  const Json& of_template = languages().note_template(record.document.string_or("template", ""));
  RABT_TRY(change, note_change_of(request.given, of_template));
  if (change.diagnoses) RABT_TRY_STATUS(may_diagnose(caller, of, *change.diagnoses));
  const bool own = record.author == of.participant;
  if (!own && !is_doctor(of))
    return denied("authorisation.denied", "only its author or the doctor changes a draft");
  if (change.status == "final") RABT_TRY_STATUS(may(access::Right::note_finish, caller, of));
  RABT_TRY_STATUS(not_over(of));
  RABT_TRY_STATUS(holds(record));
  if (record.state != "draft") {
    return conflict("note.final",
                    "the note is " + record.state + "; only a draft is changed, add an addendum");
  }
  if (request.version && *request.version != record.version)
    return conflict("precondition.failed", "the note has changed since you read it");

  if (change.content) record.document.set("content", *change.content);
  if (change.sections) record.document.set("sections", to_json(*change.sections));
  if (change.diagnoses) {
    record.document.set(
        "diagnoses",
        to_json(signed_diagnoses(*change.diagnoses, signed_by(caller, of, office_.parts().clock))));
  }
  if (const NoteView changed = note_view(record); !has_text(changed.content, changed.sections))
    return invalid("api.invalid", "content: a note needs content or sections");
  record.state = change.status;
  if (change.status == "final")
    record.document.set("finalBy", to_json(signed_by(caller, of, office_.parts().clock)));
  record.updated_ms = office_.parts().clock.now().ms;
  ++record.version;
  RecordAct act{.record = std::move(record), .replaces = true, .also = {}};
  const Json data = Json::object(
      {{"note", act.record.id}, {"version", act.record.version}, {"status", act.record.state}});
  act.acts.emplace_back("note.written", data);
  act.events.emplace_back("note-written", data);
  act.shape = &shown_as<&note_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return note_view(act.record);
}

Result<NoteView> Notes::add_addendum(const Caller& caller, const Asked<AddAddendum>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::note, request.note));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(caller, of, RecordKind::note));
  const SignedDiagnoses diagnoses =
      signed_diagnoses(request.diagnoses, signed_by(caller, of, office_.parts().clock));
  RABT_TRY_STATUS(may_diagnose(caller, of, request.diagnoses));
  Record record = std::move(found.record);
  if (record.author != of.participant && !is_doctor(of))
    return denied("authorisation.denied", "only its author or the doctor adds to a note");
  if (record.state == "draft")
    return conflict("note.draft", "the note is draft; an addendum needs final or amended");
  RABT_TRY_STATUS(holds(record));
  const Timestamp now = office_.parts().clock.now();
  Json addenda = record.document["addenda"];
  if (addenda.size() >= limits::kMaxNoteAddenda)
    return conflict("record.limit", "a note has at most 100 addenda");
  addenda.push_back(to_json(Addendum{.author = author_of(caller, of),
                                     .at = to_iso8601(now),
                                     .text = request.text,
                                     .diagnoses = diagnoses}));
  record.document.set("addenda", addenda);
  record.state = "amended";
  record.updated_ms = now.ms;
  ++record.version;
  // Allowed after the end, too.
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json data = Json::object({{"note", act.record.id}, {"addendum", addenda.size()}});
  act.acts.emplace_back("note.written", data);
  act.events.emplace_back("note-written", data);
  act.shape = &shown_as<&note_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return note_view(act.record);
}

Result<NoteView> Notes::mark_in_error(const Caller& caller, const Asked<MarkNoteInError>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::note, request.note));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(caller, of, RecordKind::note));
  Record record = std::move(found.record);
  const bool own = record.author == of.participant;
  if ((!own && !is_doctor(of)) || !may(access::Right::note_finish, caller, of).ok())
    return denied("authorisation.denied",
                  "only the doctor or specialist who wrote a note, or the doctor, marks it as "
                  "entered in error");
  if (record.state == kEnteredInError) return note_view(record);
  if (record.state == "draft") {
    return conflict("note.draft",
                    "the note is draft; only a final or amended one is marked as entered in error");
  }
  const Timestamp now = office_.parts().clock.now();
  record.document.set("enteredInError", to_json(Cancellation{.by = author_of(caller, of),
                                                             .at = to_iso8601(now),
                                                             .reason = request.reason}));
  record.state = kEnteredInError;
  record.updated_ms = now.ms;
  ++record.version;
  // Allowed after the end, too.
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json data = Json::object({{"note", act.record.id}});
  act.acts.emplace_back("note.entered_in_error", data);
  act.events.emplace_back("note-entered-in-error", data);
  act.shape = &shown_as<&note_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return note_view(act.record);
}

}  // namespace rabt::consultation
