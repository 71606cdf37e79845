#include "hub/consultation/record/prescriptions.hpp"

#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// Time after the end in which the doctor may still prescribe.
constexpr std::int64_t kPrescribeAfterEndMs = 24LL * 3'600'000;

bool is_known(identity::Licence licence, VideoSettings::Licence wanted) {
  if (wanted == VideoSettings::Licence::off) return true;
  if (licence == identity::Licence::verified) return true;
  return wanted == VideoSettings::Licence::known &&
         (licence == identity::Licence::vouched || licence == identity::Licence::format_ok);
}

}  // namespace

Result<RecordList<PrescriptionView>> Prescriptions::list(const Caller& caller,
                                                         const Asked<ListRecords>& asked) {
  RABT_TRY(found, office_.page(caller, asked, RecordKind::prescription));
  return list_of(std::move(found), &prescription_view);
}

// During the session, or within a day after it has been completed by its doctor.
Result<access::Allowed> Prescriptions::may_prescribe(const Caller& caller, const Membership& of) {
  RABT_TRY(allowed, may_write(caller, of, RecordKind::prescription));
  RABT_TRY_STATUS(about_a_patient(of));
  identity::Licence licence = of.licence;
  if (!caller.who.person.empty()) {
    RABT_TRY(person, office_.parts().people.find(of.tenant, caller.who.person));
    licence = person.licence;
  }
  if (!is_known(licence, office_.parts().video.licence))
    return conflict("licence.missing", "prescribing needs a licence that is known to the hub");
  if (of.status == SessionStatus::active) return allowed;
  if (!is_end(of.status)) {
    return conflict("session.not_started", "the session is " + std::string(to_string(of.status)) +
                                               "; prescribing needs active");
  }
  const std::int64_t ended = of.ended_ms.value_or(0);
  const bool lately = of.status == SessionStatus::completed && is_doctor(of) &&
                      office_.parts().clock.now().ms - ended <= kPrescribeAfterEndMs;
  if (!lately) RABT_TRY_STATUS(not_over(of));
  return allowed;
}

Result<PrescriptionView> Prescriptions::write_prescription(const Caller& caller,
                                                           const Prescribe& request) {
  RABT_TRY(of, office_.member(caller, request.session));
  RABT_TRY(allowed, may_prescribe(caller, of));
  RecordAct act{.record = office_.fresh(caller, of, RecordKind::prescription),
                .while_open = of.status == SessionStatus::active,
                .also = {}};
  act.record.state = "issued";
  Json& document = act.record.document;
  document.set("items", to_json(request.items));
  if (!request.notes.empty()) document.set("notes", request.notes);
  const Json told =
      Json::object({{"prescription", act.record.id}, {"items", request.items.size()}});
  act.acts.emplace_back("prescription.issued", told);
  act.events.emplace_back("prescription-issued", told);
  act.shape = &shown_as<&prescription_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return prescription_view(act.record);
}

Result<PrescriptionView> Prescriptions::prescribe(const Caller& caller,
                                                  const Asked<Prescribe>& asked) {
  RABT_TRY(request, asked);
  auto written = write_prescription(caller, request);
  // The session was completed between the look and the commit: what the doctor may do then, he may
  // do now.
  if (!written.ok() && written.error().code == "session.completed")
    return write_prescription(caller, request);
  return written;
}

Result<PrescriptionView> Prescriptions::read(const Caller& caller,
                                             const Asked<NamedRecord>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::prescription, request.record));
  RABT_TRY_STATUS(office_.audit_reading(caller, found.of, "session.read",
                                        Json::object({{"prescription", found.record.id}})));
  return prescription_view(found.record);
}

Result<PrescriptionView> Prescriptions::cancel(const Caller& caller,
                                               const Asked<CancelPrescription>& asked) {
  RABT_TRY(request, asked);
  RABT_TRY(found, office_.find(caller, RecordKind::prescription, request.prescription));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(caller, of, RecordKind::prescription));
  Record record = std::move(found.record);
  if (record.author != of.participant && !is_doctor(of))
    return denied("authorisation.denied", "only the prescriber or the doctor cancels it");
  if (record.state == "cancelled") return prescription_view(record);
  const Timestamp now = office_.parts().clock.now();
  const Cancellation cancelled{
      .by = author_of(caller, of), .at = to_iso8601(now), .reason = request.reason};
  record.document.set("cancelled", to_json(cancelled));
  record.state = "cancelled";
  record.updated_ms = now.ms;
  ++record.version;
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json told = Json::object({{"prescription", act.record.id}});
  act.acts.emplace_back("prescription.cancelled", told);
  act.events.emplace_back("prescription-cancelled", told);
  act.shape = &shown_as<&prescription_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return prescription_view(act.record);
}

}  // namespace rabt::consultation
