#pragma once

#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/request/ask.hpp"

// Requests about what clinicians write: prescriptions. Each reader names every mistake of the body.
namespace rabt::consultation {

// Texts that are not given are empty.
struct Medication {
  std::string name;
  std::string dosage;
  std::string code{};
  std::string frequency{};
  std::string duration{};
  std::string instructions{};
};
[[nodiscard]] Json to_json(const Medication& medication);
// 1 to 50.
using Medications = std::vector<Medication>;
[[nodiscard]] Json to_json(const Medications& medications);

struct Prescribe {
  // As Ask::session.
  std::string session;
  Medications items;
  std::string notes{};
};
[[nodiscard]] Asked<Prescribe> prescribe_of(const Ask& ask);

struct CancelPrescription {
  // As Ask::record.
  std::string prescription;
  std::string reason{};
};
[[nodiscard]] Asked<CancelPrescription> cancel_prescription_of(const Ask& ask);

}  // namespace rabt::consultation
