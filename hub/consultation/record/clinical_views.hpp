#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/record/clinical_requests.hpp"
#include "hub/consultation/record/note_requests.hpp"
#include "hub/consultation/record/record_list.hpp"

// Answers about what clinicians write; to_json gives the form of docs/openapi.yaml.
namespace rabt::consultation {

// The author's id, null when there is none.
[[nodiscard]] Json id_or_null(const RecordAuthor& author);

// The person who finished a note, or who coded a diagnosis.
struct Signature {
  RecordAuthor author;
  // RFC 3339
  std::string at;
};
// {participant?, person?, role, at}
[[nodiscard]] Json to_json(const Signature& signature);

struct SignedDiagnosis {
  Diagnosis diagnosis;
  Signature by;
};
using SignedDiagnoses = std::vector<SignedDiagnosis>;
[[nodiscard]] SignedDiagnoses signed_diagnoses(const Diagnoses& diagnoses, const Signature& by);
// [{code, display?, rank, by}]
[[nodiscard]] Json to_json(const SignedDiagnoses& diagnoses);

struct Addendum {
  RecordAuthor author;
  // RFC 3339
  std::string at;
  std::string text;
  // In the place of those of the note, if there are any.
  SignedDiagnoses diagnoses{};
};
[[nodiscard]] Json to_json(const Addendum& addendum);

// Withdrawal of a record: author, time and reason.
struct Cancellation {
  RecordAuthor by;
  // RFC 3339
  std::string at;
  std::string reason{};
};
[[nodiscard]] Json to_json(const Cancellation& cancellation);

// State of a note that does not hold.
inline constexpr std::string_view kEnteredInError = "entered_in_error";

struct NoteView {
  RecordHead head;
  // soap, progress, follow_up, free
  std::string kind;
  // May be empty.
  std::string template_id;
  std::string content;
  NoteSections sections;
  SignedDiagnoses diagnoses;
  // Oldest first.
  std::vector<Addendum> addenda;
  // Unset as long as it is a draft.
  std::optional<Signature> final_by;
  // Unset as long as it holds.
  std::optional<Cancellation> entered_in_error;
  RecordAuthor author;
  // draft, final, amended, entered_in_error
  std::string status;

  // True if it was signed and holds.
  [[nodiscard]] bool counts() const { return status == "final" || status == "amended"; }
};
[[nodiscard]] NoteView note_view(const Record& record);
[[nodiscard]] Json to_json(const NoteView& view);

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

// Medications of a prescription that a pharmacy handed over at one time, as its system told.
struct Dispensing {
  // ULID
  std::string id;
  // Number in the pharmacy's system.
  std::string reference;
  std::string pharmacist;
  std::string pharmacy;
  // RFC 3339
  std::string handed_over_at;
  DispensedItems items;
  // May be empty.
  std::string notes{};
  // Name of the client that told, and the time at which it did: RFC 3339.
  std::string recorded_by;
  std::string recorded_at;
  // Unset as long as it holds.
  struct Withdrawal {
    // Name of the client.
    std::string by;
    // RFC 3339
    std::string at;
    std::string reason;
  };
  std::optional<Withdrawal> entered_in_error{};
};
using Dispensings = std::vector<Dispensing>;
// {id, reference, pharmacist, pharmacy, handedOverAt, items, notes?, recordedBy, recordedAt,
//  enteredInError?: {by, at, reason}}
[[nodiscard]] Json to_json(const Dispensing& dispensing);
[[nodiscard]] Json to_json(const Dispensings& dispensings);

struct PrescriptionView {
  RecordHead head;
  Medications items;
  std::string notes;
  // Unset as long as it is valid.
  std::optional<Cancellation> cancelled;
  // Oldest first, with those in error.
  Dispensings dispensings;
  RecordAuthor prescriber;
  // issued; dispensed: each medication was; cancelled
  std::string status;

  // True of a medication that was handed over. item: its place, from 1.
  [[nodiscard]] bool is_dispensed(std::int64_t item) const;
  // "RX-2026-17"
  [[nodiscard]] std::string prescription_number() const;
};
[[nodiscard]] PrescriptionView prescription_view(const Record& record);
[[nodiscard]] Json to_json(const PrescriptionView& view);

// One dispensing, as the pharmacy's system is shown it: without what was prescribed.
struct DispensingView {
  Dispensing dispensing;
  // ULID of the prescription.
  std::string prescription;
  std::string prescription_number;
  // As PrescriptionView::status.
  std::string prescription_status;
};
// The dispensing with {prescription, prescriptionNumber, prescriptionStatus}.
[[nodiscard]] Json to_json(const DispensingView& view);

}  // namespace rabt::consultation
