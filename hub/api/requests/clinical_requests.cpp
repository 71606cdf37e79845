#include "hub/api/requests/clinical_requests.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace rabt::api {

using consultation::Asked;
using consultation::CancelPrescription;
using consultation::Device;
using consultation::DeviceText;
using consultation::DispensedItem;
using consultation::DispensedItems;
using consultation::Fields;
using consultation::kDeviceTexts;
using consultation::kMaxLine;
using consultation::kMedicationTexts;
using consultation::MarkDispensingInError;
using consultation::Medication;
using consultation::Medications;
using consultation::MedicationText;
using consultation::Prescribe;
using consultation::RecordDispensing;
using consultation::RecordVitals;

namespace {

constexpr std::size_t kMaxItems = 50;
// A million tablets or millilitres.
constexpr double kMaxQuantity = 1'000'000;

DispensedItems read_dispensed(Fields& fields) {
  const Json& given = fields.raw("items");
  DispensedItems items;
  if (given.is_null()) return items;
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxItems) {
    fields.wrong("items", "it must list 1 to 50 medications; leave it out for all of them");
    return items;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    Fields item(given.item(i), fields.mistakes(), "items[" + std::to_string(i) + "].");
    item.only({"item", "quantity", "unit"});
    const auto place = item.integer("item", 1, kMaxItems);
    if (!place && !item.has("item")) item.wrong("item", "it is needed");
    const auto same = [&](const DispensedItem& dispensed_item) {
      return dispensed_item.item == place;
    };
    if (place && std::any_of(items.begin(), items.end(), same))
      item.wrong("item", "each medication stands here once");
    const auto quantity = item.number("quantity", 0, kMaxQuantity);
    if (quantity && *quantity == 0) item.wrong("quantity", "it must be above 0");
    const std::string unit = item.text("unit", 100);
    if (!unit.empty() && !item.has("quantity")) item.wrong("unit", "it belongs to a quantity");
    items.push_back({.item = place.value_or(0), .quantity = item.raw("quantity"), .unit = unit});
  }
  return items;
}

std::optional<Device> read_device(Fields& fields) {
  const Json& given = fields.raw("device");
  if (given.is_null()) return std::nullopt;
  Fields of(given, fields.mistakes(), "device.");
  of.only({"id", "kind", "serial"});
  Device out;
  bool any = false;
  for (const DeviceText& text : kDeviceTexts) {
    out.*text.text = of.text(text.name, 100);
    any = any || !(out.*text.text).empty();
  }
  if (of.good() && !any) of.wrong("id", "a device has an id, a kind or a serial");
  return out;
}

}  // namespace

Medications medications_in(Fields& fields, std::string_view list, const MedicationNames& names) {
  const Json& given = fields.raw(list);
  Medications items;
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxItems) {
    fields.wrong(list, "it must list 1 to 50 medications");
    return items;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    Fields item(given.item(i), fields.mistakes(),
                std::string(list) + "[" + std::to_string(i) + "].");
    if (names.closed)
      item.only({names.name, names.code, names.dosage, "frequency", "duration", "instructions"});
    Medication medication;
    medication.name = item.needed_text(names.name, 500);
    medication.dosage = item.needed_text(names.dosage, 500);
    for (const MedicationText& more : kMedicationTexts) {
      const std::string_view name = more.name == "code" ? names.code : more.name;
      if (!name.empty()) medication.*more.text = item.text(name, 1'000);
    }
    items.push_back(std::move(medication));
  }
  return items;
}

Asked<RecordVitals> record_vitals_of(const Ask& ask) {
  RecordVitals out{.session = ask.session};
  Fields fields(ask.body, out.mistakes);
  fields.only({"takenAt", "source", "device", "heartRate", "systolic", "diastolic", "temperatureC",
               "respiratoryRate", "oxygenSaturation", "weightKg", "heightCm", "glucoseMmol",
               "painScale"});
  out.taken = fields.time("takenAt", ask.caller.naive_offset_minutes);
  out.before_time = out.mistakes.count();
  out.source = fields.word("source", {"manual", "device", "patient"});
  out.device = read_device(fields);
  if (out.source == "device" && !out.device)
    fields.wrong("device", "it is needed when the source is device");
  out.signs = read_vital_signs(fields);
  return out;
}

Asked<Prescribe> prescribe_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"items", "notes"});
  Prescribe out{.session = ask.session, .items = medications_in(fields, "items")};
  out.notes = fields.text("notes");
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<CancelPrescription> cancel_prescription_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"reason"});
  CancelPrescription out{.prescription = ask.record, .reason = fields.text("reason", 500)};
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<RecordDispensing> record_dispensing_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"reference", "pharmacist", "pharmacy", "handedOverAt", "items", "notes"});
  RecordDispensing out{.prescription = ask.record,
                       .reference = fields.needed_text("reference", kMaxLine),
                       .pharmacist = fields.needed_text("pharmacist", kMaxLine),
                       .pharmacy = fields.needed_text("pharmacy", kMaxLine),
                       .handed_over = fields.time("handedOverAt", ask.caller.naive_offset_minutes),
                       .items = read_dispensed(fields)};
  out.notes = fields.text("notes", 500);
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<MarkDispensingInError> mark_dispensing_in_error_of(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"reason"});
  MarkDispensingInError out{.prescription = ask.record,
                            .dispensing = ask.part,
                            .reason = fields.needed_text("reason", 500)};
  RABT_TRY_STATUS(fields.done());
  return out;
}

}  // namespace rabt::api
