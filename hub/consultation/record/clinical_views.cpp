#include "hub/consultation/record/clinical_views.hpp"

namespace rabt::consultation {

namespace {

Json id_or_null(const RecordAuthor& author) {
  return author.id().empty() ? Json() : Json(author.id());
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
  for (const Json& one : json.as_array())
    out.push_back({.name = one.string_or("name", ""),
                   .dosage = one.string_or("dosage", ""),
                   .code = one.string_or("code", ""),
                   .frequency = one.string_or("frequency", ""),
                   .duration = one.string_or("duration", ""),
                   .instructions = one.string_or("instructions", "")});
  return out;
}

std::optional<Cancellation> cancellation_in(const Json& json) {
  if (json.is_null()) return std::nullopt;
  return Cancellation{.by = author_in(json["by"]),
                      .at = json.string_or("at", ""),
                      .reason = json.string_or("reason", "")};
}

}  // namespace

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

PrescriptionView prescription_view(const Record& record) {
  const Json& document = record.document;
  return {.head = head_view(record),
          .items = medications_in(document["items"]),
          .notes = document.string_or("notes", ""),
          .cancelled = cancellation_in(document["cancelled"]),
          .prescriber = author_in(document["author"]),
          .status = record.state};
}

Json to_json(const Cancellation& cancellation) {
  Json out = Json::object({{"by", to_json(cancellation.by)}, {"at", cancellation.at}});
  if (!cancellation.reason.empty()) out.set("reason", cancellation.reason);
  return out;
}

Json to_json(const PrescriptionView& view) {
  Json out = to_json(view.head);
  out.set("items", to_json(view.items));
  if (!view.notes.empty()) out.set("notes", view.notes);
  if (view.cancelled) out.set("cancelled", to_json(*view.cancelled));
  out.set("prescriber", id_or_null(view.prescriber));
  out.set("status", view.status);
  out.set("issuedAt", to_iso8601(view.head.created));
  out.set("prescriptionNumber", view.prescription_number());
  return out;
}

}  // namespace rabt::consultation
