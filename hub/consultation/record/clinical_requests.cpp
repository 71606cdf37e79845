#include "hub/consultation/record/clinical_requests.hpp"

#include <string_view>
#include <utility>

namespace rabt::consultation {

Json to_json(const Device& device) {
  Json out = Json::object();
  for (const DeviceText& device_text : kDeviceTexts) {
    const std::string& text = device.*device_text.text;
    if (!text.empty()) out.set(device_text.name, text);
  }
  return out;
}

Json to_json(const Medication& medication) {
  Json out = Json::object({{"name", medication.name}, {"dosage", medication.dosage}});
  for (const MedicationText& more : kMedicationTexts) {
    const std::string& text = medication.*more.text;
    if (!text.empty()) out.set(more.name, text);
  }
  return out;
}

Json to_json(const Medications& medications) {
  Json out = Json::array();
  for (const Medication& medication : medications) out.push_back(to_json(medication));
  return out;
}

Json to_json(const DispensedItem& item) {
  Json out = Json::object({{"item", item.item}});
  if (!item.quantity.is_null()) out.set("quantity", item.quantity);
  if (!item.unit.empty()) out.set("unit", item.unit);
  return out;
}

}  // namespace rabt::consultation
