#include "chart.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "elements.hpp"
#include "rabt/chart.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"

namespace rabt::fhir {

namespace {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;
using sdk::chart::dosage_text;
using sdk::chart::kAddenda;
using sdk::chart::kDiastolic;
using sdk::chart::kSections;
using sdk::chart::kSigns;
using sdk::chart::kSystolic;
using sdk::chart::lines_of;
using sdk::chart::Section;
using sdk::chart::Sign;

constexpr const char* kLoinc = "http://loinc.org";
constexpr const char* kUcum = "http://unitsofmeasure.org";
constexpr const char* kConditionCategory =
    "http://terminology.hl7.org/CodeSystem/condition-category";
constexpr const char* kConditionClinical =
    "http://terminology.hl7.org/CodeSystem/condition-clinical";
constexpr const char* kConditionVerified =
    "http://terminology.hl7.org/CodeSystem/condition-ver-status";
constexpr const char* kObservationCategory =
    "http://terminology.hl7.org/CodeSystem/observation-category";
constexpr const char* kIcd10Am = "http://hl7.org/fhir/sid/icd-10-am";
constexpr const char* kDiagnosisRole = "http://terminology.hl7.org/CodeSystem/diagnosis-role";
constexpr const char* kConfidentialityCode = "R";  // restricted

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '\r':
        break;
      case '\n':
        out += "<br/>";
        break;
      // XML 1.0 has no place for other control characters.
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? ' ' : c;
    }
  }
  return out;
}

// A Narrative of paragraphs, each in the direction of its own script.
Json narrative(const std::vector<std::string>& lines) {
  std::string div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">";
  for (const std::string& line : lines) div += "<p dir=\"auto\">" + escaped(line) + "</p>";
  Json out = Json::object();
  out["status"] = "additional";
  out["div"] = div + "</div>";
  return out;
}

Json quantity(const Json& value, const Sign& sign) {
  return {{"value", value}, {"unit", sign.unit}, {"system", kUcum}, {"code", sign.ucum}};
}

// A resource of the chart, with what all have.
ChartEntry entry(const Json& input, const Json& encounter, const std::string& type, std::string of,
                 const std::string& key) {
  ChartEntry out{std::move(of), type, text_of(input, "consultation") + "/" + key, Json::object()};
  out.resource["resourceType"] = type;
  out.resource["identifier"] = just({{"system", kRecordSystem}, {"value", out.identifier}});
  put(out.resource, "subject", member_of(encounter, "subject"));
  out.resource["encounter"]["reference"] = "Encounter/" + text_of(encounter, "id");
  return out;
}

// Returns the clinician who treated, as the Encounter names them.
Json clinician_of(const Json& encounter) {
  for (const Json& item : list_of(encounter, "participant")) {
    if (const Json& individual = member_of(item, "individual"); !individual.empty())
      return individual;
  }
  return {};
}

std::string end_of(const Json& encounter) {
  const Json& period = member_of(encounter, "period");
  const std::string end = text_of(period, "end");
  return end.empty() ? text_of(period, "start") : end;
}

Json custodian_of(const Settings& settings) {
  Json out = Json::object();
  put(out, "reference", settings.organization_reference);
  put(out, "display", settings.organization_display);
  return out;
}

// When something was written down: sources["vitals/pulse"].at, else the visit's end.
std::string moment_of(const Json& input, const Json& encounter, const std::string& of) {
  const std::string at = text_of(member_of(member_of(input, "sources"), of.c_str()), "at");
  return at.empty() ? end_of(encounter) : at;
}

ChartEntry condition(const Json& input, const Json& encounter, const Json& diagnosis,
                     std::size_t at) {
  const std::string of = "diagnoses/" + std::to_string(at);
  ChartEntry out =
      entry(input, encounter, "Condition", of, "diagnosis/" + text_of(diagnosis, "code"));
  Json& condition = out.resource;
  condition["clinicalStatus"] = concept_of(coding(kConditionClinical, "active"));
  condition["verificationStatus"] = verification("confirmed");
  condition["category"] =
      just(concept_of(coding(kConditionCategory, "encounter-diagnosis", "Encounter Diagnosis")));
  condition["code"] =
      concept_of(coding(kIcd10Am, text_of(diagnosis, "code"), text_of(diagnosis, "display")));
  put(condition["code"], "text", text_of(diagnosis, "display"));
  put(condition, "recordedDate", moment_of(input, encounter, of));
  put(condition, "recorder", clinician_of(encounter));
  return out;
}

ChartEntry observation(const Json& input, const Json& encounter, const std::string& of,
                       std::string_view loinc, std::string_view display) {
  ChartEntry out = entry(input, encounter, "Observation", of, "vitals/" + std::string(loinc));
  Json& observation = out.resource;
  observation["status"] = "final";
  observation["category"] =
      just(concept_of(coding(kObservationCategory, "vital-signs", "Vital Signs")));
  observation["code"] = concept_of(coding(kLoinc, loinc, display));
  put(observation, "effectiveDateTime", moment_of(input, encounter, of));
  if (Json who = clinician_of(encounter); !who.empty())
    observation["performer"] = just(std::move(who));
  return out;
}

void add_vitals(std::vector<ChartEntry>& out, const Json& input, const Json& encounter) {
  const Json& vitals = member_of(input, "vitals");
  Json pressure = Json::array();
  for (const Sign& sign : {kSystolic, kDiastolic}) {
    const Json& value = member_of(vitals, sign.name.data());
    if (!value.is_number()) continue;
    pressure.push_back({{"code", concept_of(coding(kLoinc, sign.loinc, sign.english))},
                        {"valueQuantity", quantity(value, sign)}});
  }
  if (!pressure.empty()) {
    out.push_back(observation(input, encounter, "vitals/systolic", "85354-9",
                              "Blood pressure panel with all children optional"));
    out.back().resource["component"] = std::move(pressure);
  }
  for (const Sign& sign : kSigns) {
    const Json& value = member_of(vitals, sign.name.data());
    if (!value.is_number()) continue;
    out.push_back(observation(input, encounter, "vitals/" + std::string(sign.name), sign.loinc,
                              sign.english));
    out.back().resource["valueQuantity"] = quantity(value, sign);
  }
}

constexpr const char* kDispensed = "dispensed";

// The system of the hub's reasons of a status.
std::string reason_system() {
  return std::string(kRecordSystem) + "-status";
}

Json medication_of(const Json& item) {
  Json out = Json::object();
  out["text"] = text_of(item, "name");
  // The code list is the prescriber's: no system is made up for it.
  if (const std::string code = text_of(item, "code"); !code.empty())
    out["coding"] = just({{"code", code}, {"display", text_of(item, "name")}});
  return out;
}

std::string dispensing_key(const Json& dispensing, const Json& item) {
  return "dispensing/" + text_of(dispensing, "id") + "/" +
         sdk::chart::number_text(member_of(item, "item"));
}

// Drugs that a pharmacy handed over at one time. of: the place of the prescription.
void add_dispensing(std::vector<ChartEntry>& out, const Json& input, const Json& encounter,
                    const std::string& of, const Json& prescription, const Json& dispensing) {
  const Json& drugs = list_of(prescription, "items");
  for (const Json& item : list_of(dispensing, "items")) {
    const Json& number = member_of(item, "item");
    if (!number.is_number_integer() || number < 1 || number > drugs.size()) continue;
    const auto place = number.get<std::size_t>() - 1;
    const std::string key = dispensing_key(dispensing, item);
    ChartEntry handed = entry(input, encounter, "MedicationDispense", of + "/" + key, key);
    handed.authorised_by = of + "/items/" + std::to_string(place);
    Json& dispense = handed.resource;
    dispense["context"] = std::move(dispense["encounter"]);
    dispense.erase("encounter");
    dispense["status"] = "completed";
    dispense["medicationCodeableConcept"] = medication_of(drugs[place]);
    if (const std::string who = text_of(dispensing, "pharmacist"); !who.empty())
      dispense["performer"] = just({{"actor", {{"display", who}}}});
    if (const std::string where = text_of(dispensing, "pharmacy"); !where.empty())
      dispense["location"]["display"] = where;
    if (const Json& value = member_of(item, "quantity"); value.is_number()) {
      dispense["quantity"]["value"] = value;
      put(dispense["quantity"], "unit", text_of(item, "unit"));
    }
    put(dispense, "whenHandedOver", text_of(dispensing, "handedOverAt"));
    if (const std::string notes = text_of(dispensing, "notes"); !notes.empty())
      dispense["note"] = just({{"text", notes}});
    out.push_back(std::move(handed));
  }
}

void add_prescriptions(std::vector<ChartEntry>& out, const Json& input, const Json& encounter) {
  std::size_t at = 0;
  for (const Json& node : list_of(input, "prescriptions")) {
    const std::string of = "prescriptions/" + std::to_string(at++);
    const std::string number = text_of(node, "number");
    std::size_t place = 0;
    for (const Json& item : list_of(node, "items")) {
      const bool dispensed = sdk::chart::is_dispensed(node, place);
      const bool prescribed = sdk::chart::is_prescribed(node, place);
      const std::string each = std::to_string(place++);
      if (!prescribed) continue;
      ChartEntry drug = entry(input, encounter, "MedicationRequest", of + "/items/" + each,
                              "prescription/" + number + "/" + each);
      Json& request = drug.resource;
      request["status"] = dispensed ? "completed" : "active";
      if (dispensed) request["statusReason"] = concept_of(coding(reason_system(), kDispensed));
      request["intent"] = "order";
      request["groupIdentifier"] = {{"system", std::string(kRecordSystem).append("-prescription")},
                                    {"value", number}};
      request["medicationCodeableConcept"] = medication_of(item);
      const std::string issued = text_of(node, "issuedAt");
      put(request, "authoredOn", issued.empty() ? end_of(encounter) : issued);
      put(request, "requester", clinician_of(encounter));
      Json dosage = Json::object();
      put(dosage, "text", dosage_text(item));
      put(dosage, "patientInstruction", text_of(item, "instructions"));
      if (!dosage.empty()) request["dosageInstruction"] = just(std::move(dosage));
      out.push_back(std::move(drug));
    }
    for (const Json& each : list_of(node, "dispensings")) {
      if (text_of(each, "status") != "entered_in_error")
        add_dispensing(out, input, encounter, of, node, each);
    }
  }
}

// Sections of a Composition: those that hold something (cmp-1).
void add_section(Json& sections, const Section& section, const std::vector<std::string>& lines,
                 const Json& entries) {
  if (lines.empty()) return;
  Json out = Json::object();
  out["title"] = sdk::chart::heading(section);
  out["code"] = concept_of(coding(kLoinc, section.loinc));
  out["text"] = narrative(lines);
  const std::string below = std::string(section.name) + "/";
  for (const Json& entry : entries) {
    if (text_of(entry, "of").starts_with(below))
      out["entry"].push_back({{"reference", text_of(entry, "reference")}});
  }
  sections.push_back(std::move(out));
}

}  // namespace

std::vector<ChartEntry> chart(const Json& input, const Json& encounter) {
  std::vector<ChartEntry> out;
  std::size_t at = 0;
  for (const Json& item : list_of(input, "diagnoses"))
    out.push_back(condition(input, encounter, item, at++));
  add_vitals(out, input, encounter);
  add_prescriptions(out, input, encounter);
  return out;
}

void authorise(ChartEntry& entry, const Json& taken) {
  if (entry.authorised_by.empty()) return;
  for (const Json& item : taken) {
    if (text_of(item, "of") == entry.authorised_by)
      entry.resource["authorizingPrescription"] = just({{"reference", text_of(item, "reference")}});
  }
}

std::vector<InError> dispensings_in_error(const Json& input) {
  std::vector<InError> out;
  std::size_t at = 0;
  for (const Json& node : list_of(input, "prescriptions")) {
    const std::string of = "prescriptions/" + std::to_string(at++) + "/";
    for (const Json& dispensing : list_of(node, "dispensings")) {
      if (text_of(dispensing, "status") != "entered_in_error") continue;
      for (const Json& item : list_of(dispensing, "items")) {
        const std::string key = dispensing_key(dispensing, item);
        out.push_back({.of = of + key,
                       .type = "MedicationDispense",
                       .identifier = text_of(input, "consultation") + "/" + key});
      }
    }
  }
  return out;
}

bool has_hub_reason(const Json& request) {
  const Json& codings = list_of(member_of(request, "statusReason"), "coding");
  return std::any_of(codings.begin(), codings.end(), [](const Json& item) {
    return text_of(item, "system") == reason_system() && text_of(item, "code") == kDispensed;
  });
}

bool is_completed_by_hub(const Json& request) {
  return text_of(request, "status") == "completed" && has_hub_reason(request);
}

std::string pdf_identifier(const Json& input, const Json& document) {
  return text_of(input, "consultation") + "/note-pdf/" + text_of(document, "id");
}

ChartEntry note_pdf(const Json& input, const Json& encounter, std::string of, const Json& document,
                    std::string_view pdf, const Settings& settings) {
  ChartEntry out = entry(input, encounter, "DocumentReference", std::move(of),
                         "note-pdf/" + text_of(document, "id"));
  Json& document_reference = out.resource;
  Json of_visit = std::move(document_reference["encounter"]);
  document_reference.erase("encounter");
  document_reference["context"]["encounter"] = just(std::move(of_visit));
  put(document_reference["context"], "period", member_of(encounter, "period"));
  document_reference["status"] = "current";
  document_reference["docStatus"] = text_of(document, "status") == "amended" ? "amended" : "final";
  document_reference["type"] = concept_of(coding(kLoinc, "11488-4", "Consult note"));
  put(document_reference, "date", text_of(document, "at"));
  if (Json author = clinician_of(encounter); !author.empty())
    document_reference["author"] = just(std::move(author));
  put(document_reference, "custodian", custodian_of(settings));
  document_reference["securityLabel"] =
      just(concept_of(coding(kConfidentiality, kConfidentialityCode)));
  Json attachment = {
      {"contentType", "application/pdf"}, {"data", sdk::to_base64(pdf)}, {"size", pdf.size()}};
  put(attachment, "hash", text_of(document, "sha1"));
  put(attachment, "title", text_of(document, "title"));
  put(attachment, "creation", text_of(document, "at"));
  document_reference["content"] = just({{"attachment", std::move(attachment)}});
  return out;
}

ChartEntry note(const Json& input, const Json& encounter, const Json& entries,
                const Settings& settings) {
  ChartEntry out = entry(input, encounter, "Composition", "note", "note");
  Json& composition = out.resource;
  // FHIR gives a Composition one identifier, and no list.
  composition["identifier"] = composition["identifier"][0];
  composition["status"] = list_of(input, "addenda").empty() ? "final" : "amended";
  composition["type"] = concept_of(coding(kLoinc, "11488-4", "Consult note"));
  composition["title"] = "Telehealth consultation · استشارة عن بُعد";
  put(composition, "date", end_of(encounter));
  composition["confidentiality"] = kConfidentialityCode;
  Json author = clinician_of(encounter);
  if (author.empty()) author = member_of(encounter, "serviceProvider");
  if (author.empty()) author = {{"display", "Rabt"}};  // 1..*
  composition["author"] = just(std::move(author));
  put(composition, "custodian", custodian_of(settings));
  Json sections = Json::array();
  for (const Section& section : kSections)
    add_section(sections, section, lines_of(input, section), entries);
  add_section(sections, kAddenda, lines_of(input, kAddenda), {});
  put(composition, "section", std::move(sections));
  return out;
}

Json encounter_diagnoses(const Json& input, const Json& taken) {
  Json out = Json::array();
  for (std::size_t at = 0; at < list_of(input, "diagnoses").size(); ++at) {
    const std::string of = "diagnoses/" + std::to_string(at);
    for (const Json& item : taken) {
      if (text_of(item, "of") != of || member_of(item, "ended") == true) continue;
      Json diagnosis = Json::object();
      diagnosis["condition"]["reference"] = text_of(item, "reference");
      diagnosis["use"] = concept_of(coding(kDiagnosisRole, "DD", "Discharge diagnosis"));
      diagnosis["rank"] = at + 1;
      out.push_back(std::move(diagnosis));
    }
  }
  return out;
}

bool is_own_section(const Json& section) {
  const auto matches = [&](const Section& own) {
    const Json& codings = list_of(member_of(section, "code"), "coding");
    return text_of(section, "title") == sdk::chart::heading(own) &&
           std::any_of(codings.begin(), codings.end(), [&](const Json& item) {
             return text_of(item, "system") == kLoinc && text_of(item, "code") == own.loinc;
           });
  };
  return std::any_of(kSections.begin(), kSections.end(), matches) || matches(kAddenda);
}

bool is_own_component(const Json& code) {
  const Json& codings = list_of(code, "coding");
  return std::any_of(codings.begin(), codings.end(), [](const Json& item) {
    const std::string loinc = text_of(item, "code");
    return text_of(item, "system") == kLoinc &&
           (loinc == kSystolic.loinc || loinc == kDiastolic.loinc);
  });
}

Json verification(std::string_view code) {
  return concept_of(coding(kConditionVerified, code));
}

}  // namespace rabt::fhir
