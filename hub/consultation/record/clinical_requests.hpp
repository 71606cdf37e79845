#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/record/vital_signs.hpp"
#include "hub/consultation/request/fields.hpp"

// Requests about what clinicians write: vital signs, prescriptions; and about what pharmacies
// dispense.
namespace rabt::consultation {

// The device that measured. One text at least; the others are empty.
struct Device {
  std::string id{};
  std::string kind{};
  std::string serial{};
};
// Its texts, under their names in bodies, in the order of an answer.
struct DeviceText {
  std::string_view name;
  std::string Device::*text;
};
inline constexpr std::array<DeviceText, 3> kDeviceTexts{
    {{"id", &Device::id}, {"kind", &Device::kind}, {"serial", &Device::serial}}};
[[nodiscard]] Json to_json(const Device& device);

struct RecordVitals {
  // ULID, UUID or number.
  std::string session;
  // The time at which the request comes, if unset.
  std::optional<Timestamp> taken{};
  // manual, device, patient. May be empty.
  std::string source{};
  std::optional<Device> device{};
  MeasuredSigns signs{};
  // Mistakes of the body, but for a time in the future, of which the service knows: its place is
  // behind the first `before_time` ones.
  Mistakes mistakes{};
  std::size_t before_time = 0;
};

// Texts that are not given are empty.
struct Medication {
  std::string name;
  std::string dosage;
  std::string code{};
  std::string frequency{};
  std::string duration{};
  std::string instructions{};
};
// Those that need not be given, under their names in bodies, in the order of an answer.
struct MedicationText {
  std::string_view name;
  std::string Medication::*text;
};
inline constexpr std::array<MedicationText, 4> kMedicationTexts{
    {{"code", &Medication::code},
     {"frequency", &Medication::frequency},
     {"duration", &Medication::duration},
     {"instructions", &Medication::instructions}}};
[[nodiscard]] Json to_json(const Medication& medication);
// 1 to 50.
using Medications = std::vector<Medication>;
[[nodiscard]] Json to_json(const Medications& medications);

struct Prescribe {
  // ULID, UUID or number.
  std::string session;
  Medications items;
  std::string notes{};
};

struct CancelPrescription {
  // ULID, UUID or number.
  std::string prescription;
  std::string reason{};
};

// One medication that was handed over.
struct DispensedItem {
  // Its place in the prescription, from 1.
  std::int64_t item = 0;
  // A number with the digits it came with; null if none was given.
  Json quantity{};
  // Unit of the quantity: "tablet". May be empty.
  std::string unit{};
};
// {item, quantity?, unit?}
[[nodiscard]] Json to_json(const DispensedItem& item);
using DispensedItems = std::vector<DispensedItem>;

struct RecordDispensing {
  // ULID, UUID or number.
  std::string prescription;
  // Number of the dispensing in the pharmacy's system. The same by the same client is a repeat.
  std::string reference;
  // Name or licence number of the pharmacist.
  std::string pharmacist;
  // Name of the pharmacy.
  std::string pharmacy;
  // The time at which the request comes, if unset.
  std::optional<Timestamp> handed_over{};
  // Medications, each of them once. If empty, all that were not dispensed before.
  DispensedItems items{};
  std::string notes{};
};

struct MarkDispensingInError {
  // ULID, UUID or number.
  std::string prescription;
  // ULID
  std::string dispensing;
  std::string reason;
};

}  // namespace rabt::consultation
