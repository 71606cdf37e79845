#include "hub/consultation/record/clinical_facts.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "hub/base/ascii.hpp"

namespace rabt::consultation {

bool is_clinician(const RecordAuthor& who) {
  return who.role == "doctor" || who.role == "specialist" || who.role == "nurse";
}

bool is_of_clinician(const NoteView& note) {
  return note.final_by && is_clinician(note.final_by->author);
}

namespace {

// The value of the member, which is added where there is none.
template <typename Value>
Value& member_of(Members<Value>& members, std::string_view name) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& one) { return one.first == name; });
  if (found != members.end()) return found->second;
  return members.emplace_back(std::string(name), Value{}).second;
}

std::string_view section_of(const NoteView& note, std::string_view name) {
  const auto found = std::find_if(note.sections.begin(), note.sections.end(),
                                  [&](const NoteSection& section) { return section.name == name; });
  return found == note.sections.end() ? std::string_view() : trim(found->text);
}

// Place of a text of the facts in a note: sections of the templates, the first that is there.
struct Text {
  std::string_view name;
  std::array<std::string_view, 4> sections;
};
constexpr std::array<Text, 6> kTexts{{
    {"chiefComplaint", {"complaint", "presentation", "subjective", "since_last"}},
    {"historyOfPresentIllness", {"history", "subjective", "since_last", "presentation"}},
    {"physicalExamination",
     {"objective", "findings", "mental_status", "airway_breathing_circulation"}},
    {"patientHistory", {"past_history", "medication", "", ""}},
    {"assessment", {"assessment", "risk", "", ""}},
    {"treatmentPlan", {"plan", "disposition", "actions", ""}},
}};

struct Sign {
  std::string_view record;
  std::string_view claim;
  // A claim has no place for it.
  bool chart_alone = false;
};
constexpr std::array<Sign, 10> kSigns{{{"systolic", "systolic"},
                                       {"diastolic", "diastolic"},
                                       {"heightCm", "heightCm"},
                                       {"weightKg", "weightKg"},
                                       {"heartRate", "pulse"},
                                       {"temperatureC", "temperatureCel"},
                                       {"oxygenSaturation", "oxygenSaturation"},
                                       {"respiratoryRate", "respiratoryRate"},
                                       {"glucoseMmol", "glucoseMmol", true},
                                       {"painScale", "painScale", true}}};

// The text of a note, or of its one field when it has no sections.
std::string text_in(const NoteView& note, const Text& text) {
  for (const std::string_view name : text.sections) {
    if (const std::string_view found = section_of(note, name); !found.empty())
      return std::string(found);
  }
  if (note.sections.empty() && text.name == "chiefComplaint")
    return std::string(trim(note.content));
  return {};
}

// Texts of a note by their names, with every section that the note has: one that is the first of no
// text stands behind the first text that lists it, and one that none lists behind the assessment.
std::map<std::string_view, std::string> whole_texts_in(const NoteView& note) {
  std::map<std::string_view, std::string> out;
  for (const Text& text : kTexts) out[text.name] = text_in(note, text);
  const auto shown = [&](std::string_view text) {
    return std::any_of(out.begin(), out.end(),
                       [&](const auto& one) { return one.second.find(text) != std::string::npos; });
  };
  const auto add = [&](std::string_view name, std::string_view written) {
    if (written.empty() || shown(written)) return;
    const auto* const lists = std::find_if(kTexts.begin(), kTexts.end(), [&](const Text& text) {
      return std::find(text.sections.begin(), text.sections.end(), name) != text.sections.end();
    });
    std::string& text = out[lists == kTexts.end() ? "assessment" : lists->name];
    if (!text.empty()) text += '\n';
    text += written;
  };
  for (const NoteSection& section : note.sections) add(section.name, trim(section.text));
  add("content", trim(note.content));
  return out;
}

// A claim says what the newest note says; a chart says what each of them says, the newest last.
void take_texts(const NoteView& note, Extent extent, ClinicalFacts& out) {
  const Signature& by = *note.final_by;
  std::map<std::string_view, std::string> whole;
  if (extent == Extent::chart) whole = whole_texts_in(note);
  for (const Text& text : kTexts) {
    const std::string found = extent == Extent::chart ? whole[text.name] : text_in(note, text);
    if (found.empty()) continue;
    std::string& kept = member_of(out.notes, text.name);
    if (extent == Extent::claim || kept.empty()) {
      kept = found;
    } else if (kept.find(found) == std::string::npos) {
      // Name the author and the time: the text before belongs to another note.
      kept.append("\n\n[" + by.author.role + ", " + by.at + "] " + found);
    }
    member_of(out.sources, "notes/" + std::string(text.name)) = {
        .record = note.head.id, .by = by.author, .at = by.at};
  }
}

// Those of the newest entry that has any, an addendum or the note itself.
const SignedDiagnoses& diagnoses_in(const NoteView& note) {
  const auto late =
      std::find_if(note.addenda.rbegin(), note.addenda.rend(),
                   [](const Addendum& addendum) { return !addendum.diagnoses.empty(); });
  return late == note.addenda.rend() ? note.diagnoses : late->diagnoses;
}

// Takes the addenda that clinicians wrote to a note after it was signed.
void take_addenda(const NoteView& note, ClinicalFacts& out) {
  for (const Addendum& addendum : note.addenda) {
    if (is_clinician(addendum.author))
      out.addenda.push_back({.at = addendum.at, .text = addendum.text});
  }
}

void take_diagnoses(const NoteView& note, ClinicalFacts& out) {
  for (const auto& [diagnosis, by] : diagnoses_in(note)) {
    if (std::any_of(out.diagnoses.begin(), out.diagnoses.end(),
                    [&code = diagnosis.code](const auto& each) { return each.code == code; }))
      continue;
    member_of(out.sources, "diagnoses/" + std::to_string(out.diagnoses.size())) = {
        .record = note.head.id, .by = by.author, .at = by.at};
    out.diagnoses.push_back({.code = diagnosis.code,
                             .display = diagnosis.display,
                             .type = out.diagnoses.empty() ? "principal" : "secondary"});
  }
}

void take_signs(const VitalsView& vitals, Extent extent, ClinicalFacts& out) {
  for (const Sign& sign : kSigns) {
    if (sign.chart_alone && extent == Extent::claim) continue;
    const auto measured = std::find_if(
        vitals.signs.begin(), vitals.signs.end(),
        [&](const MeasuredSign& measured_sign) { return measured_sign.name == sign.record; });
    if (measured == vitals.signs.end() || !measured->value.is_number()) continue;
    member_of(out.vitals, sign.claim) = measured->value;
    member_of(out.sources, "vitals/" + std::string(sign.claim)) = {
        .record = vitals.head.id, .by = vitals.recorded_by, .at = vitals.taken_at};
  }
}

Json time_or_null(const std::optional<Timestamp>& time) {
  return time ? Json(to_iso8601(*time)) : Json();
}

Json fact_of(const PrescriptionView& prescription) {
  Json out = Json::object({{"number", prescription.prescription_number()},
                           {"issuedAt", to_iso8601(prescription.head.created)},
                           {"items", to_json(prescription.items)}});
  if (prescription.status == "cancelled") out.set("status", prescription.status);
  Json dispensings = Json::array();
  for (const Dispensing& dispensing : prescription.dispensings) {
    Json items = Json::array();
    for (const DispensedItem& item : dispensing.items) items.push_back(to_json(item));
    Json fact = Json::object({{"id", dispensing.id}, {"items", std::move(items)}});
    if (dispensing.entered_in_error) {
      fact.set("status", kEnteredInError);
    } else {
      fact.set("pharmacist", dispensing.pharmacist);
      fact.set("pharmacy", dispensing.pharmacy);
      fact.set("handedOverAt", dispensing.handed_over_at);
      if (!dispensing.notes.empty()) fact.set("notes", dispensing.notes);
    }
    dispensings.push_back(std::move(fact));
  }
  if (dispensings.size() > 0) out.set("dispensings", std::move(dispensings));
  return out;
}

}  // namespace

ClinicalFacts clinical_facts_of(const VisitRecords& records, Extent extent) {
  ClinicalFacts out;
  std::vector<const NoteView*> coded;
  for (const NoteView& note : records.notes) {
    if (!note.counts() || !is_of_clinician(note)) continue;
    ++out.acts.notes;
    take_texts(note, extent, out);
    take_addenda(note, out);
    if (!diagnoses_in(note).empty()) coded.push_back(&note);
  }
  // The newest note's first one is the principal; a claim has those of no other note.
  if (extent == Extent::claim && !coded.empty()) coded.erase(coded.begin(), coded.end() - 1);
  std::for_each(coded.rbegin(), coded.rend(),
                [&](const NoteView* note) { take_diagnoses(*note, out); });
  for (const VitalsView& vital : records.vitals) {
    if (!is_clinician(vital.recorded_by)) continue;
    ++out.acts.vitals;
    take_signs(vital, extent, out);
  }
  for (const PrescriptionView& prescription : records.prescriptions) {
    if (!is_clinician(prescription.prescriber)) continue;
    const bool holds = prescription.status != "cancelled";
    if (holds) ++out.acts.prescriptions;
    // A chart says what was handed over before the rest was cancelled.
    if (holds || (extent == Extent::chart && !prescription.dispensings.empty()))
      out.prescriptions.push_back(prescription);
  }
  out.acts.diagnoses = static_cast<std::int64_t>(out.diagnoses.size());
  return out;
}

Json to_json(const ClinicalFacts::Acts& acts) {
  return Json::object({{"notes", acts.notes},
                       {"diagnoses", acts.diagnoses},
                       {"vitals", acts.vitals},
                       {"prescriptions", acts.prescriptions}});
}

Json to_json(const ClinicalFacts& facts) {
  Json diagnoses = Json::array();
  for (const FactDiagnosis& diagnose : facts.diagnoses) {
    Json diagnosis = Json::object({{"code", diagnose.code}});
    if (!diagnose.display.empty()) diagnosis.set("display", diagnose.display);
    diagnosis.set("type", diagnose.type);
    diagnoses.push_back(std::move(diagnosis));
  }
  Json notes = Json::object();
  for (const auto& [name, text] : facts.notes) notes.set(name, text);
  Json addenda = Json::array();
  for (const FactAddendum& addendum : facts.addenda)
    addenda.push_back(Json::object({{"at", addendum.at}, {"text", addendum.text}}));
  Json vitals = Json::object();
  for (const auto& [name, value] : facts.vitals) vitals.set(name, value);
  Json prescriptions = Json::array();
  for (const PrescriptionView& prescription : facts.prescriptions)
    prescriptions.push_back(fact_of(prescription));
  Json sources = Json::object();
  for (const auto& [name, source] : facts.sources)
    sources.set(name, Json::object({{"record", source.record},
                                    {"by", id_or_null(source.by)},
                                    {"role", source.by.role},
                                    {"at", source.at}}));
  return Json::object({{"acts", to_json(facts.acts)},
                       {"diagnoses", std::move(diagnoses)},
                       {"notes", std::move(notes)},
                       {"addenda", std::move(addenda)},
                       {"vitals", std::move(vitals)},
                       {"prescriptions", std::move(prescriptions)},
                       {"sources", std::move(sources)}});
}

std::vector<std::string> missing_for_claim(const ClinicalFacts& facts,
                                           const std::optional<ClaimedVisit>& visit) {
  std::vector<std::string> out;
  if (visit && !visit->patient_came) out.emplace_back("visit.no_patient");
  if (visit && visit->seconds < visit->least_seconds) out.emplace_back("visit.too_short");
  const ClinicalFacts::Acts& acts = facts.acts;
  if (acts.notes + acts.diagnoses + acts.vitals + acts.prescriptions == 0)
    out.emplace_back("visit.no_act");
  if (facts.diagnoses.empty()) out.emplace_back("visit.no_diagnosis");
  if (std::none_of(facts.notes.begin(), facts.notes.end(),
                   [](const auto& one) { return one.first == "chiefComplaint"; }))
    out.emplace_back("visit.no_complaint");
  return out;
}

Json to_json(const ClinicalFactsView& view) {
  Json missing = Json::array();
  for (const std::string& text : view.missing) missing.push_back(text);
  Json out = Json::object({{"session", view.session},
                           {"status", to_string(view.status)},
                           {"startedAt", time_or_null(view.started)},
                           {"endedAt", time_or_null(view.ended)},
                           {"durationSeconds", view.duration_seconds},
                           {"claimable", view.missing.empty()},
                           {"missing", std::move(missing)},
                           {"provider", view.provider.empty() ? Json() : Json(view.provider)}});
  const Json facts = to_json(view.facts);
  for (const auto& [name, value] : facts.as_object()) out.set(name, value);
  if (view.patient) {
    out.set("patient", to_json(view.patient->patient));
    out.set("patientIdentifiers", to_json(view.patient->identifiers));
    out.set("contact", to_json(view.patient->contact));
  }
  if (view.practitioner) out.set("practitioner", to_json(*view.practitioner));
  return out;
}

}  // namespace rabt::consultation
