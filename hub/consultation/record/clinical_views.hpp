#pragma once

#include <optional>
#include <string>

#include "hub/base/json.hpp"
#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/record_list.hpp"

// Answers about what clinicians write; to_json gives the form of docs/openapi.yaml.
namespace rabt::consultation {

struct VitalsView {
  RecordHead head;
  // RFC 3339
  std::string taken_at;
  // manual, device, patient
  std::string source;
  std::optional<Device> device;
  MeasuredSigns signs;
  RecordAuthor recorded_by;
};
[[nodiscard]] VitalsView vitals_view(const Record& record);
[[nodiscard]] Json to_json(const VitalsView& view);

struct Cancellation {
  RecordAuthor by;
  // RFC 3339
  std::string at;
  std::string reason{};
};
[[nodiscard]] Json to_json(const Cancellation& cancellation);

struct PrescriptionView {
  RecordHead head;
  Medications items;
  std::string notes;
  // Unset as long as it is valid.
  std::optional<Cancellation> cancelled;
  RecordAuthor prescriber;
  // issued, cancelled
  std::string status;

  // "RX-2026-17"
  [[nodiscard]] std::string prescription_number() const;
};
[[nodiscard]] PrescriptionView prescription_view(const Record& record);
[[nodiscard]] Json to_json(const PrescriptionView& view);

}  // namespace rabt::consultation
