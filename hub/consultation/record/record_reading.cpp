#include "hub/consultation/record/record_reading.hpp"

#include "hub/consultation/record/rights.hpp"
#include "hub/consultation/record/transcript_views.hpp"
#include "hub/consultation/session/time.hpp"

namespace rabt::consultation {

Result<ClinicalFactsView> RecordReading::clinical_facts(const Caller& caller,
                                                        const Asked<ReadClinicalFacts>& asked) {
  if (!caller.system) return denied("authorisation.denied", "only workflows read these facts");
  RABT_TRY(request, asked);
  RABT_TRY(of, office_.member(caller, request.session));
  VisitRecords records;
  RABT_TRY_STATUS(office_.book().each(
      of, RecordKind::note, [&](const Record& one) { records.notes.push_back(note_view(one)); }));
  // Readings of a patient's device may be many, and are no acts of a clinician.
  RABT_TRY_STATUS(office_.book().each(of, RecordKind::vitals, [&](const Record& one) {
    if (is_clinician(author_in(one.document["author"]))) records.vitals.push_back(vitals_view(one));
  }));
  RABT_TRY_STATUS(office_.book().each(of, RecordKind::prescription, [&](const Record& record) {
    records.prescriptions.push_back(prescription_view(record));
  }));
  const std::int64_t over = of.ended_ms.value_or(office_.parts().clock.now().ms);
  const std::int64_t ran_ms = of.started_ms ? over - *of.started_ms : 0;
  ClinicalFactsView view{
      .session = of.session,
      .status = of.status,
      .duration_seconds = whole_seconds(ran_ms),
      .provider = of.provider,
      .facts = clinical_facts_of(records, request.whole ? Extent::chart : Extent::claim)};
  if (of.started_ms) view.started = Timestamp{*of.started_ms};
  if (of.ended_ms) view.ended = Timestamp{*of.ended_ms};
  std::optional<ClaimedVisit> visit;
  if (!request.any_length) {
    visit = {.patient_came = of.patient_came,
             // A second that has only begun makes no visit long enough.
             .seconds = of.together_seconds,
             .least_seconds = office_.parts().video.claim_min_seconds};
  }
  view.missing = missing_for_claim(view.facts, visit);
  if (!of.patient.empty()) {
    RABT_TRY(person, office_.parts().people.find(of.tenant, of.patient));
    view.patient = {.patient = patient_of_profile(person.profile),
                    .identifiers = identifiers_of_profile(person.profile),
                    .contact = contact_of_profile(person.profile)};
  }
  if (!of.provider.empty()) {
    RABT_TRY(person, office_.parts().people.find(of.tenant, of.provider));
    view.practitioner = practitioner_of_profile(person.profile);
  }
  RABT_TRY_STATUS(office_.audit_reading(
      caller, of, "session.read",
      Json::object({{"of", "clinical"}, {"acts", to_json(view.facts.acts)}})));
  return view;
}

Result<RecordSummary> RecordReading::summary_of(const Caller& caller, const Membership& of) {
  RecordSummary out;
  const auto take = [&](const char* name, RecordKind kind, auto&& show) -> Status {
    if (!may_read(caller, of, kind).ok()) return ok_status();
    RABT_TRY(page, office_.book().newest(of, kind));
    if (!page.cut.empty()) out.cut.emplace_back(name);
    for (const Record& record : page.records) {
      if (is_shown(caller, of, record)) show(record);
    }
    return ok_status();
  };
  RABT_TRY_STATUS(take("notes", RecordKind::note,
                       [&](const Record& record) { out.notes.push_back(note_view(record)); }));
  RABT_TRY_STATUS(take("prescriptions", RecordKind::prescription, [&](const Record& record) {
    out.prescriptions.push_back(prescription_view(record));
  }));
  RABT_TRY_STATUS(take("vitals", RecordKind::vitals,
                       [&](const Record& record) { out.vitals.push_back(vitals_view(record)); }));
  RABT_TRY_STATUS(take("followUps", RecordKind::follow_up, [&](const Record& record) {
    out.follow_ups.push_back(follow_up_view(record));
  }));
  const bool comments = may_read_comments(caller, of);
  RABT_TRY_STATUS(take("feedback", RecordKind::feedback, [&](const Record& record) {
    out.feedback.push_back(feedback_view(record));
    if (!comments) out.feedback.back().comments.reset();
  }));
  return out;
}

Json RecordReading::live_content(const Membership& of, std::string_view type, const Json& data) {
  const bool message = type == "message-sent";
  if (!message && type != "transcript-added") return {};
  const RecordKind kind = message ? RecordKind::message : RecordKind::segment;
  const auto record =
      office_.book().find(of, kind, data.string_or(message ? "message" : "segment", ""));
  if (!record.ok()) return {};
  return message ? to_json(message_view(*record)) : to_json(segment_view(*record));
}

}  // namespace rabt::consultation
