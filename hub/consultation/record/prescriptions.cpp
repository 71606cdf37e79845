#include "hub/consultation/record/prescriptions.hpp"

#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

namespace {

// Time after the end in which the doctor may still prescribe.
constexpr std::int64_t kPrescribeAfterEndMs = 24LL * 3'600'000;

// Clocks differ, and systems of pharmacies write whole minutes.
constexpr std::int64_t kSkewMs = 5LL * 60 * 1000;

bool is_known(identity::Licence licence, VideoSettings::Licence wanted) {
  if (wanted == VideoSettings::Licence::off) return true;
  if (licence == identity::Licence::verified) return true;
  return wanted == VideoSettings::Licence::known &&
         (licence == identity::Licence::vouched || licence == identity::Licence::format_ok);
}

DispensingView shown(const PrescriptionView& of, std::size_t place) {
  return {.dispensing = of.dispensings.at(place),
          .prescription = of.head.id,
          .prescription_number = of.prescription_number(),
          .prescription_status = of.status};
}

std::string status_of(const PrescriptionView& of) {
  if (of.status == "cancelled") return of.status;
  for (std::size_t item = 1; item <= of.items.size(); ++item) {
    if (!of.is_dispensed(static_cast<std::int64_t>(item))) return "issued";
  }
  return "dispensed";
}

// True if the request says of a dispensing what was kept of it. Members that are left out say
// nothing else.
bool is_repeat(const RecordDispensing& request, const Dispensing& kept) {
  const auto same = [](const DispensedItem& dispensed_item, const DispensedItem& other) {
    return to_json(dispensed_item) == to_json(other);
  };
  return request.pharmacist == kept.pharmacist && request.pharmacy == kept.pharmacy &&
         (request.notes.empty() || request.notes == kept.notes) &&
         (!request.handed_over || to_iso8601(*request.handed_over) == kept.handed_over_at) &&
         (request.items.empty() || std::equal(request.items.begin(), request.items.end(),
                                              kept.items.begin(), kept.items.end(), same));
}

// The medications of a request, if they are of the prescription and nobody has dispensed them.
Result<DispensedItems> items_to_dispense(const RecordDispensing& request,
                                         const PrescriptionView& of) {
  DispensedItems items = request.items;
  if (items.empty()) {
    for (std::size_t item = 1; item <= of.items.size(); ++item) {
      if (!of.is_dispensed(static_cast<std::int64_t>(item)))
        items.push_back({.item = static_cast<std::int64_t>(item)});
    }
    return items;
  }
  Mistakes mistakes;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].item > static_cast<std::int64_t>(of.items.size()))
      mistakes.add("items[" + std::to_string(i) + "].item",
                   "the prescription has " + std::to_string(of.items.size()) + " medications");
  }
  RABT_TRY_STATUS(mistakes.status());
  for (const DispensedItem& dispensed_item : items) {
    if (of.is_dispensed(dispensed_item.item))
      return conflict("prescription.item_dispensed",
                      "medication " + std::to_string(dispensed_item.item) +
                          " was dispensed; leave it out, or mark its dispensing as entered in "
                          "error");
  }
  return items;
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
  const Json data =
      Json::object({{"prescription", act.record.id}, {"items", request.items.size()}});
  act.acts.emplace_back("prescription.issued", data);
  act.events.emplace_back("prescription-issued", data);
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
  if (record.state == "dispensed") {
    return conflict("prescription.dispensed",
                    "each medication was dispensed; only what was not handed over is cancelled");
  }
  const Timestamp now = office_.parts().clock.now();
  const Cancellation cancelled{
      .by = author_of(caller, of), .at = to_iso8601(now), .reason = request.reason};
  record.document.set("cancelled", to_json(cancelled));
  record.state = "cancelled";
  record.updated_ms = now.ms;
  ++record.version;
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json data = Json::object({{"prescription", act.record.id}});
  act.acts.emplace_back("prescription.cancelled", data);
  act.events.emplace_back("prescription-cancelled", data);
  act.shape = &shown_as<&prescription_view>;
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, of, act));
  return prescription_view(act.record);
}

// Keeps the prescription with the dispensing at this place, which was added or has changed.
Result<DispensingView> Prescriptions::commit_dispensings(const access::Allowed& allowed,
                                                         const Caller& caller,
                                                         RecordOffice::Found found,
                                                         const PrescriptionView& changed,
                                                         std::size_t place) {
  PrescriptionView after = changed;
  after.status = status_of(after);
  const DispensingView view = shown(after, place);
  Record record = std::move(found.record);
  record.document.set("dispensings", to_json(after.dispensings));
  record.state = after.status;
  record.updated_ms = office_.parts().clock.now().ms;
  ++record.version;
  // Medications are handed over after the visit. The client is shown its own dispensing, and not
  // the record.
  RecordAct act{.record = std::move(record),
                .replaces = true,
                .while_open = false,
                .also = [&](store::Transaction& transaction) -> Status {
                  return caller.once ? caller.once(transaction, to_json(view)) : ok_status();
                }};
  const Json data = Json::object({{"prescription", act.record.id},
                                  {"dispensing", view.dispensing.id},
                                  {"items", view.dispensing.items.size()},
                                  {"prescriptionStatus", after.status}});
  const bool wrong = view.dispensing.entered_in_error.has_value();
  act.acts.emplace_back(wrong ? "prescription.dispensing_in_error" : "prescription.dispensed",
                        data);
  act.events.emplace_back(wrong ? "prescription-dispensing-in-error" : "prescription-dispensed",
                          data);
  RABT_TRY_STATUS(office_.book().commit(allowed, caller, found.of, act));
  return view;
}

Result<DispensingView> Prescriptions::dispense(const Caller& caller,
                                               const Asked<RecordDispensing>& asked) {
  RABT_TRY(request, asked);
  constexpr access::Right kRight = access::Right::prescription_dispense;
  RABT_TRY(found, office_.find(caller, RecordKind::prescription, request.prescription, kRight));
  RABT_TRY(allowed, may(kRight, caller, found.of));
  PrescriptionView view = prescription_view(found.record);
  for (std::size_t i = 0; i < view.dispensings.size(); ++i) {
    const Dispensing& kept = view.dispensings[i];
    if (kept.reference != request.reference || kept.recorded_by != caller.who.id) continue;
    if (is_repeat(request, kept) && !kept.entered_in_error) return shown(view, i);
    return conflict("dispensing.other",
                    "the reference stands for another dispensing of this prescription; each "
                    "dispensing has a reference of its own");
  }
  if (view.status == "cancelled")
    return conflict("prescription.cancelled", "the prescription was cancelled; dispense nothing");
  if (view.status == "dispensed")
    return conflict("prescription.dispensed", "each medication was dispensed before");
  if (view.dispensings.size() >= limits::kMaxDispensings)
    return conflict("record.limit", "a prescription has at most 100 dispensings");
  RABT_TRY(items, items_to_dispense(request, view));
  const Timestamp now = office_.parts().clock.now();
  const Timestamp at = request.handed_over.value_or(now);
  Mistakes mistakes;
  if (at.ms > now.ms + kSkewMs) mistakes.add("handedOverAt", "it lies in the future");
  if (at.ms < found.record.at_ms - kSkewMs)
    mistakes.add("handedOverAt", "it lies before the time at which the prescription was issued");
  RABT_TRY_STATUS(mistakes.status());
  view.dispensings.push_back({.id = office_.parts().ids.next().text(),
                              .reference = request.reference,
                              .pharmacist = request.pharmacist,
                              .pharmacy = request.pharmacy,
                              .handed_over_at = to_iso8601(at),
                              .items = std::move(items),
                              .notes = request.notes,
                              .recorded_by = caller.who.id,
                              .recorded_at = to_iso8601(now)});
  return commit_dispensings(allowed, caller, std::move(found), view, view.dispensings.size() - 1);
}

Result<DispensingView> Prescriptions::mark_dispensing_in_error(
    const Caller& caller, const Asked<MarkDispensingInError>& asked) {
  RABT_TRY(request, asked);
  constexpr access::Right kRight = access::Right::prescription_dispense;
  RABT_TRY(found, office_.find(caller, RecordKind::prescription, request.prescription, kRight));
  RABT_TRY(allowed, may(kRight, caller, found.of));
  PrescriptionView view = prescription_view(found.record);
  const auto wrong = std::find_if(
      view.dispensings.begin(), view.dispensings.end(),
      [&](const Dispensing& dispensing) { return dispensing.id == request.dispensing; });
  if (wrong == view.dispensings.end())
    return not_found("record.unknown", "the prescription has no such dispensing");
  const auto place = static_cast<std::size_t>(wrong - view.dispensings.begin());
  if (wrong->entered_in_error) return shown(view, place);
  wrong->entered_in_error = {
      .by = caller.who.id, .at = to_iso8601(office_.parts().clock.now()), .reason = request.reason};
  return commit_dispensings(allowed, caller, std::move(found), view, place);
}

}  // namespace rabt::consultation
