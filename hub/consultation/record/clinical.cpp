#include "hub/consultation/record/record_service.hpp"
#include "hub/consultation/record/vital_signs.hpp"

// Vital signs and prescriptions.
namespace rabt::consultation {

namespace {

// Clocks of devices run a little ahead.
constexpr std::int64_t kAheadMs = 5LL * 60 * 1000;
// Time after the end in which the doctor may still prescribe.
constexpr std::int64_t kPrescribeAfterEndMs = 24LL * 3'600'000;
constexpr std::size_t kMaxItems = 50;

Json read_device(Fields& fields, const Json& body) {
  const Json& device = body["device"];
  if (device.is_null()) return {};
  Fields of(device, fields.mistakes(), "device.");
  of.only({"id", "kind", "serial"});
  Json out = Json::object();
  for (const char* name : {"id", "kind", "serial"}) {
    const std::string text = of.text(name, 100);
    if (!text.empty()) out.set(name, text);
  }
  if (of.good() && out.size() == 0) of.wrong("id", "a device has an id, a kind or a serial");
  return out;
}

Json read_items(Fields& fields, const Json& body) {
  const Json& given = body["items"];
  Json items = Json::array();
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxItems) {
    fields.wrong("items", "it must list 1 to 50 medications");
    return items;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Json& one = given.item(i);
    Fields item(one, fields.mistakes(), "items[" + std::to_string(i) + "].");
    item.only({"name", "code", "dosage", "frequency", "duration", "instructions"});
    Json out = Json::object(
        {{"name", item.needed_text("name", 500)}, {"dosage", item.needed_text("dosage", 500)}});
    for (const char* name : {"code", "frequency", "duration", "instructions"}) {
      const std::string text = item.text(name, 1'000);
      if (!text.empty()) out.set(name, text);
    }
    items.push_back(std::move(out));
  }
  return items;
}

bool is_known(identity::Licence licence, VideoSettings::Licence wanted) {
  if (wanted == VideoSettings::Licence::off) return true;
  if (licence == identity::Licence::verified) return true;
  return wanted == VideoSettings::Licence::known &&
         (licence == identity::Licence::vouched || licence == identity::Licence::format_ok);
}

}  // namespace

Answer RecordService::vitals(const Ask& ask) {
  return list(ask, RecordKind::vitals, "session.read", &vitals_json);
}

Answer RecordService::record_vitals(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"takenAt", "source", "device", "heartRate", "systolic", "diastolic", "temperatureC",
               "respiratoryRate", "oxygenSaturation", "weightKg", "heightCm", "glucoseMmol",
               "painScale"});
  const Timestamp now = parts_.clock.now();
  const Timestamp taken = fields.time("takenAt", ask.caller.naive_offset_minutes).value_or(now);
  if (taken.ms > now.ms + kAheadMs) fields.wrong("takenAt", "it lies in the future");
  const std::string source = fields.word("source", {"manual", "device", "patient"});
  const Json device = read_device(fields, ask.body);
  if (source == "device" && device.is_null())
    fields.wrong("device", "it is needed when the source is device");
  const Json values = read_vital_signs(fields, ask.body);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY(allowed, may_write(ask, of, RecordKind::vitals));
  RABT_TRY_STATUS(about_a_patient(of));
  RABT_TRY_STATUS(not_over(of));

  RecordAct act{.record = fresh(ask, of, RecordKind::vitals), .also = {}};
  Json& document = act.record.document;
  document.set("takenAt", to_iso8601(taken));
  // Values that a patient enters are told apart from those that staff measured.
  const std::string kept = of.role == "patient" ? "patient"
                           : source.empty()     ? (device.is_null() ? "manual" : "device")
                                                : source;
  document.set("source", kept);
  if (!device.is_null()) document.set("device", device);
  for (const auto& [name, value] : values.as_object()) document.set(name, value);
  const Json told =
      Json::object({{"vitals", act.record.id}, {"source", kept}, {"values", values.size()}});
  act.acts.emplace_back("vitals.recorded", told);
  act.events.emplace_back("vitals-recorded", told);
  act.shape = &vitals_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return vitals_json(act.record);
}

Answer RecordService::prescriptions(const Ask& ask) {
  return list(ask, RecordKind::prescription, "session.read", &prescription_json);
}

// During the session, or within a day after it has been completed by its doctor.
Result<access::Allowed> RecordService::may_prescribe(const Ask& ask, const Membership& of) {
  RABT_TRY(allowed, may_write(ask, of, RecordKind::prescription));
  RABT_TRY_STATUS(about_a_patient(of));
  identity::Licence licence = of.licence;
  if (!ask.caller.who.person.empty()) {
    RABT_TRY(person, parts_.people.find(of.tenant, ask.caller.who.person));
    licence = person.licence;
  }
  if (!is_known(licence, parts_.video.licence))
    return conflict("licence.missing", "prescribing needs a licence that is known to the hub");
  if (of.status == SessionStatus::active) return allowed;
  if (!is_end(of.status)) {
    return conflict("session.not_started", "the session is " + std::string(to_string(of.status)) +
                                               "; prescribing needs active");
  }
  const std::int64_t ended = of.ended_ms.value_or(0);
  const bool lately = of.status == SessionStatus::completed && is_doctor(of) &&
                      parts_.clock.now().ms - ended <= kPrescribeAfterEndMs;
  if (!lately) RABT_TRY_STATUS(not_over(of));
  return allowed;
}

Answer RecordService::write_prescription(const Ask& ask, const Json& items,
                                         const std::string& notes) {
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY(allowed, may_prescribe(ask, of));
  RecordAct act{.record = fresh(ask, of, RecordKind::prescription),
                .while_open = of.status == SessionStatus::active,
                .also = {}};
  act.record.state = "issued";
  Json& document = act.record.document;
  document.set("items", items);
  if (!notes.empty()) document.set("notes", notes);
  const Json told = Json::object({{"prescription", act.record.id}, {"items", items.size()}});
  act.acts.emplace_back("prescription.issued", told);
  act.events.emplace_back("prescription-issued", told);
  act.shape = &prescription_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return prescription_json(act.record);
}

Answer RecordService::prescribe(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"items", "notes"});
  const Json items = read_items(fields, ask.body);
  const std::string notes = fields.text("notes");
  RABT_TRY_STATUS(fields.done());
  Answer answer = write_prescription(ask, items, notes);
  // The session was completed between the look and the commit: what the doctor may do then, he may
  // do now.
  if (!answer.ok() && answer.error().code == "session.completed")
    return write_prescription(ask, items, notes);
  return answer;
}

Answer RecordService::prescription(const Ask& ask) {
  RABT_TRY(found, find(ask, RecordKind::prescription));
  RABT_TRY_STATUS(audit_reading(ask, found.of, "session.read",
                                Json::object({{"prescription", found.record.id}})));
  return prescription_json(found.record);
}

Answer RecordService::cancel_prescription(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"reason"});
  const std::string reason = fields.text("reason", 500);
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(found, find(ask, RecordKind::prescription));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(ask, of, RecordKind::prescription));
  Record record = std::move(found.record);
  if (record.author != of.participant && !is_doctor(of))
    return denied("authorisation.denied", "only the prescriber or the doctor cancels it");
  if (record.state == "cancelled") return prescription_json(record);
  const Timestamp now = parts_.clock.now();
  Json cancelled = Json::object({{"by", author_of(ask, of)}, {"at", to_iso8601(now)}});
  if (!reason.empty()) cancelled.set("reason", reason);
  record.document.set("cancelled", cancelled);
  record.state = "cancelled";
  record.updated_ms = now.ms;
  ++record.version;
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json told = Json::object({{"prescription", act.record.id}});
  act.acts.emplace_back("prescription.cancelled", told);
  act.events.emplace_back("prescription-cancelled", told);
  act.shape = &prescription_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return prescription_json(act.record);
}

}  // namespace rabt::consultation
