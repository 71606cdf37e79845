#include "hub/consultation/record/clinical_views.hpp"

#include <algorithm>
#include <utility>

namespace rabt::consultation {

namespace {

Signature signature_in(const Json& json) {
  return {.author = author_in(json), .at = json.string_or("at", "")};
}

NoteSections sections_in(const Json& json) {
  NoteSections out;
  if (!json.is_object()) return out;
  for (const auto& [name, text] : json.as_object()) {
    if (text.is_string()) out.push_back({.name = name, .text = text.as_string()});
  }
  return out;
}

SignedDiagnoses diagnoses_in(const Json& json) {
  SignedDiagnoses out;
  if (!json.is_array()) return out;
  for (const Json& item : json.as_array())
    out.push_back({.diagnosis = {.code = item.string_or("code", ""),
                                 .display = item.string_or("display", ""),
                                 .rank = item.int_or("rank", 1)},
                   .by = signature_in(item["by"])});
  return out;
}

std::vector<Addendum> addenda_in(const Json& json) {
  std::vector<Addendum> out;
  if (!json.is_array()) return out;
  for (const Json& item : json.as_array())
    out.push_back({.author = author_in(item["author"]),
                   .at = item.string_or("at", ""),
                   .text = item.string_or("text", ""),
                   .diagnoses = diagnoses_in(item["diagnoses"])});
  return out;
}

std::optional<Device> device_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Device{.id = json.string_or("id", ""),
                .kind = json.string_or("kind", ""),
                .serial = json.string_or("serial", "")};
}

Medications medications_in(const Json& json) {
  Medications out;
  if (!json.is_array()) return out;
  for (const Json& item : json.as_array())
    out.push_back({.name = item.string_or("name", ""),
                   .dosage = item.string_or("dosage", ""),
                   .code = item.string_or("code", ""),
                   .frequency = item.string_or("frequency", ""),
                   .duration = item.string_or("duration", ""),
                   .instructions = item.string_or("instructions", "")});
  return out;
}

std::optional<Cancellation> cancellation_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Cancellation{.by = author_in(json["by"]),
                      .at = json.string_or("at", ""),
                      .reason = json.string_or("reason", "")};
}

Dispensings dispensings_in(const Json& json) {
  Dispensings out;
  if (!json.is_array()) return out;
  for (const Json& node : json.as_array()) {
    Dispensing dispensing{.id = node.string_or("id", ""),
                          .reference = node.string_or("reference", ""),
                          .pharmacist = node.string_or("pharmacist", ""),
                          .pharmacy = node.string_or("pharmacy", ""),
                          .handed_over_at = node.string_or("handedOverAt", ""),
                          .items = {},
                          .notes = node.string_or("notes", ""),
                          .recorded_by = node.string_or("recordedBy", ""),
                          .recorded_at = node.string_or("recordedAt", "")};
    const Json& items = node["items"];
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Json& item = items.item(i);
      dispensing.items.push_back({.item = item.int_or("item", 0),
                                  .quantity = item["quantity"],
                                  .unit = item.string_or("unit", "")});
    }
    if (const Json& wrong = node["enteredInError"]; !wrong.is_null())
      dispensing.entered_in_error = {.by = wrong.string_or("by", ""),
                                     .at = wrong.string_or("at", ""),
                                     .reason = wrong.string_or("reason", "")};
    out.push_back(std::move(dispensing));
  }
  return out;
}

}  // namespace

Json id_or_null(const RecordAuthor& author) {
  return author.id().empty() ? Json() : Json(author.id());
}

SignedDiagnoses signed_diagnoses(const Diagnoses& diagnoses, const Signature& by) {
  SignedDiagnoses out;
  out.reserve(diagnoses.size());
  for (const Diagnosis& diagnose : diagnoses) out.push_back({.diagnosis = diagnose, .by = by});
  return out;
}

NoteView note_view(const Record& record) {
  const Json& document = record.document;
  NoteView view{.head = head_view(record),
                .kind = document.string_or("kind", ""),
                .template_id = document.string_or("template", ""),
                .content = document.string_or("content", ""),
                .sections = sections_in(document["sections"]),
                .diagnoses = diagnoses_in(document["diagnoses"]),
                .addenda = addenda_in(document["addenda"]),
                .final_by = {},
                .entered_in_error = cancellation_in(document["enteredInError"]),
                .author = author_in(document["author"]),
                .status = record.state};
  if (const Json& by = document["finalBy"]; !by.is_null()) view.final_by = signature_in(by);
  return view;
}

Json to_json(const Signature& signature) {
  Json out = to_json(signature.author);
  out.set("at", signature.at);
  return out;
}

Json to_json(const SignedDiagnoses& diagnoses) {
  Json out = Json::array();
  for (const SignedDiagnosis& diagnose : diagnoses) {
    Json item = Json::object({{"code", diagnose.diagnosis.code}});
    if (!diagnose.diagnosis.display.empty()) item.set("display", diagnose.diagnosis.display);
    item.set("rank", diagnose.diagnosis.rank);
    item.set("by", to_json(diagnose.by));
    out.push_back(std::move(item));
  }
  return out;
}

Json to_json(const Addendum& addendum) {
  Json out = Json::object(
      {{"author", to_json(addendum.author)}, {"at", addendum.at}, {"text", addendum.text}});
  if (!addendum.diagnoses.empty()) out.set("diagnoses", to_json(addendum.diagnoses));
  return out;
}

Json to_json(const NoteView& view) {
  Json out = to_json(view.head);
  out.set("kind", view.kind);
  if (!view.template_id.empty()) out.set("template", view.template_id);
  out.set("content", view.content);
  out.set("sections", to_json(view.sections));
  out.set("diagnoses", to_json(view.diagnoses));
  Json addenda = Json::array();
  for (const Addendum& addendum : view.addenda) addenda.push_back(to_json(addendum));
  out.set("addenda", std::move(addenda));
  if (view.final_by) out.set("finalBy", to_json(*view.final_by));
  if (view.entered_in_error) out.set("enteredInError", to_json(*view.entered_in_error));
  out.set("author", id_or_null(view.author));
  out.set("authorRole", view.author.role);
  out.set("status", view.status);
  return out;
}

VitalsView vitals_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .taken_at = document.string_or("takenAt", ""),
          .source = document.string_or("source", ""),
          .device = device_in(document["device"]),
          .signs = signs_in(document),
          .recorded_by = author_in(document["author"])};
}

Json to_json(const VitalsView& view) {
  Json out = to_json(view.head);
  out.set("takenAt", view.taken_at);
  out.set("source", view.source);
  if (view.device) out.set("device", to_json(*view.device));
  for (const MeasuredSign& sign : view.signs) out.set(sign.name, sign.value);
  out.set("recordedBy", id_or_null(view.recorded_by));
  return out;
}

std::string PrescriptionView::prescription_number() const {
  return "RX-" + to_iso8601(head.created).substr(0, 4) + "-" + std::to_string(head.number);
}

bool PrescriptionView::is_dispensed(std::int64_t item) const {
  return std::any_of(dispensings.begin(), dispensings.end(), [&](const Dispensing& dispensing) {
    return !dispensing.entered_in_error &&
           std::any_of(dispensing.items.begin(), dispensing.items.end(),
                       [&](const DispensedItem& each) { return each.item == item; });
  });
}

PrescriptionView prescription_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .items = medications_in(document["items"]),
          .notes = document.string_or("notes", ""),
          .cancelled = cancellation_in(document["cancelled"]),
          .dispensings = dispensings_in(document["dispensings"]),
          .prescriber = author_in(document["author"]),
          .status = record.state};
}

Json to_json(const Cancellation& cancellation) {
  Json out = Json::object({{"by", to_json(cancellation.by)}, {"at", cancellation.at}});
  if (!cancellation.reason.empty()) out.set("reason", cancellation.reason);
  return out;
}

Json to_json(const Dispensing& dispensing) {
  Json items = Json::array();
  for (const DispensedItem& item : dispensing.items) items.push_back(to_json(item));
  Json out = Json::object({{"id", dispensing.id},
                           {"reference", dispensing.reference},
                           {"pharmacist", dispensing.pharmacist},
                           {"pharmacy", dispensing.pharmacy},
                           {"handedOverAt", dispensing.handed_over_at},
                           {"items", std::move(items)}});
  if (!dispensing.notes.empty()) out.set("notes", dispensing.notes);
  out.set("recordedBy", dispensing.recorded_by);
  out.set("recordedAt", dispensing.recorded_at);
  if (const auto& wrong = dispensing.entered_in_error)
    out.set("enteredInError",
            Json::object({{"by", wrong->by}, {"at", wrong->at}, {"reason", wrong->reason}}));
  return out;
}

Json to_json(const Dispensings& dispensings) {
  Json out = Json::array();
  for (const Dispensing& dispensing : dispensings) out.push_back(to_json(dispensing));
  return out;
}

Json to_json(const DispensingView& view) {
  Json out = to_json(view.dispensing);
  out.set("prescription", view.prescription);
  out.set("prescriptionNumber", view.prescription_number);
  out.set("prescriptionStatus", view.prescription_status);
  return out;
}

Json to_json(const PrescriptionView& view) {
  Json out = to_json(view.head);
  out.set("items", to_json(view.items));
  if (!view.notes.empty()) out.set("notes", view.notes);
  if (view.cancelled) out.set("cancelled", to_json(*view.cancelled));
  if (!view.dispensings.empty()) out.set("dispensings", to_json(view.dispensings));
  out.set("prescriber", id_or_null(view.prescriber));
  out.set("status", view.status);
  out.set("issuedAt", to_iso8601(view.head.created));
  out.set("prescriptionNumber", view.prescription_number());
  return out;
}

}  // namespace rabt::consultation
