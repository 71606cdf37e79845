#include "hub/consultation/record/clinical_requests.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxItems = 50;

// Texts of a medication that need not be given, in the order of an answer.
struct MoreText {
  std::string_view name;
  std::string Medication::*text;
};
constexpr std::array<MoreText, 4> kMore{{{"code", &Medication::code},
                                         {"frequency", &Medication::frequency},
                                         {"duration", &Medication::duration},
                                         {"instructions", &Medication::instructions}}};

Medications read_items(Fields& fields) {
  const Json& given = fields.raw("items");
  Medications items;
  if (!given.is_array() || given.size() == 0 || given.size() > kMaxItems) {
    fields.wrong("items", "it must list 1 to 50 medications");
    return items;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    Fields item(given.item(i), fields.mistakes(), "items[" + std::to_string(i) + "].");
    item.only({"name", "code", "dosage", "frequency", "duration", "instructions"});
    Medication one;
    one.name = item.needed_text("name", 500);
    one.dosage = item.needed_text("dosage", 500);
    for (const MoreText& more : kMore) one.*more.text = item.text(more.name, 1'000);
    items.push_back(std::move(one));
  }
  return items;
}

// Texts of a device, in the order of an answer.
struct DeviceText {
  std::string_view name;
  std::string Device::*text;
};
constexpr std::array<DeviceText, 3> kDevice{
    {{"id", &Device::id}, {"kind", &Device::kind}, {"serial", &Device::serial}}};

std::optional<Device> read_device(Fields& fields) {
  const Json& given = fields.raw("device");
  if (given.is_null()) return std::nullopt;
  Fields of(given, fields.mistakes(), "device.");
  of.only({"id", "kind", "serial"});
  Device out;
  bool any = false;
  for (const DeviceText& one : kDevice) {
    out.*one.text = of.text(one.name, 100);
    any = any || !(out.*one.text).empty();
  }
  if (of.good() && !any) of.wrong("id", "a device has an id, a kind or a serial");
  return out;
}

}  // namespace

Json to_json(const Device& device) {
  Json out = Json::object();
  for (const DeviceText& one : kDevice) {
    const std::string& text = device.*one.text;
    if (!text.empty()) out.set(one.name, text);
  }
  return out;
}

Json to_json(const Medication& medication) {
  Json out = Json::object({{"name", medication.name}, {"dosage", medication.dosage}});
  for (const MoreText& more : kMore) {
    const std::string& text = medication.*more.text;
    if (!text.empty()) out.set(more.name, text);
  }
  return out;
}

Json to_json(const Medications& medications) {
  Json out = Json::array();
  for (const Medication& one : medications) out.push_back(to_json(one));
  return out;
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
  Prescribe out{.session = ask.session, .items = read_items(fields)};
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

}  // namespace rabt::consultation
