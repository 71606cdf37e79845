// The claim of one video visit. Rule numbers are those of the gateway's validation table 2.8.
#include <array>
#include <set>
#include <vector>

#include "money.hpp"
#include "refusal.hpp"
#include "requests.hpp"
#include "times.hpp"

namespace rabt::nphies {
namespace {

// A claim has at most a handful of lines; the schema says the same.
constexpr std::size_t kMaxServices = 100;
constexpr std::size_t kMaxDiagnoses = 50;
constexpr std::size_t kMaxNote = 250;  // rule BV-00316

// A video visit has no devices: a sign that was not taken is sent as an absence reason, never left
// out (BV-00772..780).
struct VitalSign {
  std::string_view category;
  std::string_view input;
  std::string_view unit;  // UCUM
  std::string_view absence_system;
  std::string_view absence_code;  // "not obtained" or "unknown" of that code system
};
constexpr std::array<VitalSign, 8> kVitalSigns = {{
    {"vital-sign-systolic", "systolic", "mm[Hg]", "blood-pressure-absence-reason", "999"},
    {"vital-sign-diastolic", "diastolic", "mm[Hg]", "blood-pressure-absence-reason", "999"},
    {"vital-sign-height", "heightCm", "cm", "height-absence-reason", "999.9"},
    {"vital-sign-weight", "weightKg", "kg", "weight-absence-reason", "999.9"},
    {"pulse", "pulse", "/min", "pulse-absence-reason", "998"},
    {"temperature", "temperatureCel", "Cel", "temperature-absence-reason", "88"},
    {"oxygen-saturation", "oxygenSaturation", "%", "oxygen-saturation-absence-reason", "888"},
    {"respiratory-rate", "respiratoryRate", "/min", "respiratory-rate-absence-reason", "88"},
}};

struct Note {
  std::string_view category;
  std::string_view input;
};
constexpr std::array<Note, 4> kNotes = {{
    {"history-of-present-illness", "historyOfPresentIllness"},
    {"physical-examination", "physicalExamination"},
    {"patient-history", "patientHistory"},
    {"treatment-plan", "treatmentPlan"},
}};
constexpr std::string_view kNotRecorded = "Not recorded in this telemedicine encounter";

Json period_of(std::int64_t start, std::int64_t end) {
  Json out = Json::object();
  out["start"] = riyadh_time(start);
  out["end"] = riyadh_time(end);
  return out;
}

Json money(std::int64_t halalas) {
  Json out = Json::object();
  out["value"] = decimal(sar_text(halalas));
  out["currency"] = "SAR";  // BV-00092..96
  return out;
}

Json claim_extension(std::string_view name, std::string_view value_name, Json value) {
  Json out = Json::object();
  out["url"] = std::string(kProfile) + std::string(name);
  out[std::string(value_name)] = std::move(value);
  return out;
}

Json identifier_reference(const Identifier& identifier) {
  Json out = Json::object();
  out["identifier"] = to_json(identifier);
  return out;
}

std::int64_t required_instant(const Json& input, const std::string& path) {
  const Json* value = find(input, path);
  if (value == nullptr) throw Refusal(path, "missing");
  const auto instant = instant_of(*value);
  if (!instant) throw Refusal(path, "must be an RFC 3339 time with seconds, or Unix seconds");
  return *instant;
}

struct Visit {
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::string service_event;  // ICSE or SCSE
  std::string consultation;
};

Visit read_visit(const Json& input) {
  Visit out;
  out.consultation = required_id(input, "consultation");
  out.start = required_instant(input, "encounter/start");
  out.end = required_instant(input, "encounter/end");
  if (out.end < out.start) throw Refusal("encounter/end", "is before encounter/start");
  out.service_event = text_at(input, "encounter/serviceEventType");
  if (out.service_event.empty()) out.service_event = "ICSE";
  if (out.service_event != "ICSE" && out.service_event != "SCSE") {
    throw Refusal("encounter/serviceEventType", "must be ICSE or SCSE (BV-00736)");
  }
  return out;
}

Slot add_practitioner(MessageBuilder& builder, const Json& input, std::string& specialty,
                      std::string& role) {
  Doctor doctor{text_at(input, "practitioner/licence"), text_at(input, "practitioner/name"),
                text_at(input, "practitioner/specialty"), text_at(input, "practitioner/role")};
  const Doctor& fallback = builder.settings().practitioner;
  const bool from_settings = !names_practitioner(input);
  if (doctor.licence.empty() && !from_settings) {
    throw Refusal("practitioner/licence",
                  "missing; the call names a practitioner, for whom the configured one does not "
                  "stand in");
  }
  if (from_settings) doctor = fallback;
  if (doctor.specialty.empty()) doctor.specialty = fallback.specialty;
  if (doctor.role.empty()) doctor.role = fallback.role.empty() ? "primary" : fallback.role;
  if (doctor.licence.empty())
    throw Refusal("practitioner/licence", "missing, also in the configuration");
  if (doctor.name.empty()) throw Refusal("practitioner/name", "missing, also in the configuration");
  if (doctor.specialty.empty()) {
    throw Refusal("practitioner/specialty",
                  "missing; give a practice code here or in the configuration");
  }
  specialty = doctor.specialty;
  role = doctor.role;
  Slot slot = builder.slot("Practitioner");
  Json out = MessageBuilder::resource("Practitioner", slot, "practitioner");
  Json licence = hl7_code("v2-0203", "MD");
  Json identifier = Json::object();
  identifier["type"] = licence;
  const std::string system = text_at(input, "practitioner/licenceSystem");
  identifier["system"] =
      system.empty() || from_settings ? std::string(kLicence) + "practitioner-license" : system;
  identifier["value"] = doctor.licence;
  out["identifier"] = Json::array({identifier});
  out["active"] = true;
  Json name = Json::object();
  name["use"] = "official";
  name["text"] = fitted(doctor.name, 250);
  if (!from_settings) add_name_parts(input, "practitioner", name);
  out["name"] = Json::array({name});
  Json qualification = Json::object();
  qualification["code"] = nphies_code("practice-codes", doctor.specialty);
  out["qualification"] = Json::array({qualification});
  builder.add(slot, std::move(out));
  return slot;
}

// Why the visit was booked, with the codes of the booking.
Json reason_code(const Json& reason) {
  Json out = Json::object();
  const std::string code = text_at(reason, "code");
  if (!code.empty()) {
    const std::string system = text_at(reason, "system");
    out = code_in(system.empty() ? "http://hl7.org/fhir/sid/icd-10-am" : system, code);
    const std::string display = text_at(reason, "display");
    if (!display.empty()) out["coding"][0]["display"] = fitted(display, 100);
  }
  const std::string text = text_at(reason, "text");
  if (!text.empty()) out["text"] = fitted(text, kMaxNote);
  return out;
}

Slot add_encounter(MessageBuilder& builder, const Json& input, const Visit& visit,
                   const Slot& patient, const Slot& provider) {
  Slot slot = builder.slot("Encounter");
  Json out = MessageBuilder::resource("Encounter", slot, "encounter");
  out["extension"] =
      Json::array({claim_extension("extension-serviceEventType", "valueCodeableConcept",
                                   nphies_code("service-event-type", visit.service_event))});
  out["identifier"] = Json::array({to_json(
      {builder.settings().identifier_base + "/encounter", required_id(input, "encounter/id")})});
  out["status"] = "finished";
  out["class"]["system"] = std::string(kHl7Codes) + "v3-ActCode";
  out["class"]["code"] = "VR";
  out["class"]["display"] = "virtual";
  out["serviceType"] = nphies_code("service-type", "others");
  out["subject"] = reference(patient.url);
  out["period"] = period_of(visit.start, visit.end);
  for (const Json& reason : array_at(input, "encounter/reasons"))
    out["reasonCode"].push_back(reason_code(reason));
  out["serviceProvider"] = reference(provider.url);
  builder.add(slot, std::move(out));
  return slot;
}

// The supporting information that a professional claim must carry, numbered from 1.
class SupportingInfo final {
 public:
  SupportingInfo(const Settings& settings, Json& absent, Json& shortened)
      : settings_(settings), absent_(absent), shortened_(shortened) {}

  void add_vital(const VitalSign& sign, const Json& input, const Json& period) {
    Json& entry = next(sign.category);
    entry["timingPeriod"] = period;
    const std::string path = "vitals/" + std::string(sign.input);
    const Json* value = find(input, path);
    if (value != nullptr) {
      const std::string digits = number_text(*value);
      if (!scaled(digits, 3)) {
        throw Refusal(path,
                      "must be a number of " + std::string(sign.unit) + " with at most 3 decimals");
      }
      entry["valueQuantity"]["value"] = *value;
      entry["valueQuantity"]["system"] = "http://unitsofmeasure.org";
      entry["valueQuantity"]["code"] = sign.unit;
      return;
    }
    std::string_view system = sign.absence_system;
    // The web edition of the guide spells this one differently.
    if (settings_.ig_1_0_0_names && system == "temperature-absence-reason")
      system = "tempurature-absence-reason";
    entry["reason"] = nphies_code(system, sign.absence_code);
    report(sign.category, sign.absence_code);
  }

  void add_note(const Note& note, const Json& input) {
    const std::string text = text_at(input, "notes/" + std::string(note.input));
    Json& entry = next(note.category);
    if (text.empty()) {
      entry["valueString"] = kNotRecorded;
      report(note.category, "not-recorded");
    } else {
      entry["valueString"] = fit(note.category, text);
    }
  }

  void add_complaint(const Json& input) {
    const std::string text = text_at(input, "notes/chiefComplaint");
    if (text.empty()) throw Refusal("notes/chiefComplaint", "missing (BV-00779)");
    next("chief-complaint")["code"]["text"] = fit("chief-complaint", text);
  }

  void add_code(std::string_view category, std::string_view system, std::string_view code) {
    next(category)["code"] = nphies_code(system, code);
  }

  [[nodiscard]] const Json& entries() const { return entries_; }

 private:
  Json& next(std::string_view category) {
    Json entry = Json::object();
    entry["sequence"] = entries_.size() + 1;
    entry["category"] = nphies_code("claim-information-category", category);
    entries_.push_back(std::move(entry));
    return entries_.back();
  }
  std::string fit(std::string_view category, const std::string& text) {
    bool cut = false;
    std::string out = fitted(text, kMaxNote, &cut);
    if (cut) shortened_.push_back(std::string(category));
    return out;
  }
  void report(std::string_view category, std::string_view code) {
    Json note = Json::object();
    note["category"] = category;
    note["code"] = code;
    absent_.push_back(note);
  }

  const Settings& settings_;
  Json& absent_;
  Json& shortened_;
  Json entries_ = Json::array();
};

Json supporting_info(const Settings& settings, const Json& input, const Visit& visit, Json& absent,
                     Json& shortened) {
  SupportingInfo info(settings, absent, shortened);
  const Json period = period_of(visit.start, visit.end);
  for (const VitalSign& sign : kVitalSigns) info.add_vital(sign, input, period);
  info.add_complaint(input);
  for (const Note& note : kNotes) info.add_note(note, input);
  std::string investigation = text_at(input, "investigationResult");
  if (investigation.empty()) investigation = "INP";
  // IRA needs an attachment (BV-00846) and "other" a text (BV-00753); neither is offered.
  if (investigation != "INP" && investigation != "IRP" && investigation != "NA") {
    throw Refusal("investigationResult", "must be INP, IRP or NA");
  }
  info.add_code("investigation-result", "investigation-result", investigation);
  info.add_code("reason-for-visit", "visit-reason",
                visit.service_event == "ICSE" ? "new-visit" : "follow-up");
  return info.entries();
}

Json read_diagnoses(const Json& input) {
  const Json& given = array_at(input, "diagnoses");
  if (given.empty() || given.size() > kMaxDiagnoses) {
    throw Refusal("diagnoses", "must hold 1 to " + std::to_string(kMaxDiagnoses) + " entries");
  }
  std::size_t principal = 0;
  for (const Json& entry : given) principal += text_at(entry, "type") == "principal" ? 1U : 0U;
  if (principal > 1) throw Refusal("diagnoses", "exactly one may be of type principal (BV-00054)");
  std::set<std::string> codes;
  Json out = Json::array();
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string path = "diagnoses/" + std::to_string(i);
    const std::string code = required_id(input, path + "/code", 30);
    if (!codes.insert(code).second) throw Refusal(path + "/code", "occurs twice (BV-00057)");
    std::string type = text_at(input, path + "/type");
    // Without a principal one the first is it.
    if (type.empty() || (principal == 0 && i == 0))
      type = principal == 0 && i == 0 ? "principal" : "secondary";
    Json entry = Json::object();
    entry["sequence"] = i + 1;
    entry["diagnosisCodeableConcept"] = code_in("http://hl7.org/fhir/sid/icd-10-am", code);
    entry["diagnosisCodeableConcept"]["coding"][0]["display"] =
        fitted(text_at(input, path + "/display"), 100);
    entry["type"] = Json::array({nphies_code("diagnosis-type", type)});
    out.push_back(std::move(entry));
  }
  return out;
}

Json numbers_to(std::size_t count) {
  Json out = Json::array();
  for (std::size_t i = 1; i <= count; ++i) out.push_back(i);
  return out;
}

std::int64_t limited(const Json& root, const std::string& path, int places, std::int64_t fallback,
                     std::int64_t least, std::int64_t most) {
  const Json* value = find(root, path);
  if (value == nullptr) return fallback;
  const auto number = scaled(number_text(*value), places);
  if (!number || *number < least || *number > most)
    throw Refusal(path, "is not a number within its limits");
  return *number;
}

struct Priced {
  Json items = Json::array();
  std::int64_t total = 0;
  std::int64_t tax = 0;
  std::int64_t patient_share = 0;
};

Priced price_items(const Settings& settings, const Json& services, const Visit& visit,
                   std::size_t infos, std::size_t diagnoses) {
  Priced out;
  for (std::size_t i = 0; i < services.size(); ++i) {
    const std::string path = std::to_string(i);
    const std::string shown = "services/" + path;
    Line line;
    try {
      line.unit_halalas = limited(services, path + "/unitPriceHalalas", 0, -1, 0, kMaxUnitHalalas);
      line.quantity_hundredths =
          limited(services, path + "/quantity", 2, 100, 1, kMaxQuantityHundredths);
      line.factor_thousandths =
          limited(services, path + "/factor", 3, 1000, 0, kMaxFactorThousandths);
      line.tax_percent_hundredths =
          limited(services, path + "/taxPercent", 2, settings.tax_percent_hundredths, 0,
                  kMaxPercentHundredths);
      line.patient_percent_hundredths =
          limited(services, path + "/patientSharePercent", 2, settings.patient_percent_hundredths,
                  0, kMaxPercentHundredths);
    } catch (const Refusal& refusal) {
      throw Refusal("services/" + refusal.path(), "is not a number within its limits");
    }
    if (line.unit_halalas < 0) throw Refusal(shown + "/unitPriceHalalas", "missing");
    const LineAmounts sums = amounts(line);

    Json item = Json::object();
    item["extension"] = Json::array();
    item["extension"].push_back(
        claim_extension("extension-patient-share", "valueMoney", money(sums.patient_share)));
    item["extension"].push_back(claim_extension("extension-package", "valueBoolean", Json(false)));
    item["extension"].push_back(claim_extension("extension-tax", "valueMoney", money(sums.tax)));
    item["extension"].push_back(
        claim_extension("extension-maternity", "valueBoolean", Json(false)));
    item["extension"].push_back(claim_extension(
        "extension-patientInvoice", "valueIdentifier",
        to_json({settings.identifier_base + "/patientInvoice", visit.consultation})));
    item["sequence"] = i + 1;
    item["careTeamSequence"] = numbers_to(1);
    item["diagnosisSequence"] = numbers_to(diagnoses);
    item["informationSequence"] = numbers_to(infos);  // BV-00501
    Json coding = Json::object();
    const std::string system = text_at(services, path + "/system");
    coding["system"] = system.empty() ? std::string(kCodes) + "services" : system;
    coding["code"] = text_at(services, path + "/code");
    if (text_at(coding, "code").empty()) throw Refusal(shown + "/code", "missing");
    coding["display"] = fitted(text_at(services, path + "/display"), 100);
    item["productOrService"]["coding"] = Json::array({coding});
    const std::string own = text_at(services, path + "/ownCode");
    if (!own.empty()) {
      Json second = Json::object();
      second["system"] = settings.identifier_base + "/codes";
      second["code"] = own;
      item["productOrService"]["coding"].push_back(second);
    }
    item["servicedDate"] = riyadh_date(visit.start);
    const std::int64_t quantity = line.quantity_hundredths;
    item["quantity"]["value"] =
        quantity % 100 == 0 ? Json(quantity / 100) : decimal(sar_text(quantity));
    item["unitPrice"] = money(line.unit_halalas);
    const std::int64_t factor = line.factor_thousandths;
    std::string thousandths = std::to_string(factor % 1000);
    thousandths.insert(0, 3 - thousandths.size(), '0');
    item["factor"] = factor % 1000 == 0
                         ? Json(factor / 1000)
                         : decimal(std::to_string(factor / 1000) + "." + thousandths);
    item["net"] = money(sums.net);
    out.items.push_back(std::move(item));
    out.total += sums.net;
    out.tax += sums.tax;
    out.patient_share += sums.patient_share;
  }
  return out;
}

// Eligibility (BV-00379, BV-00349) and authorization (BV-00462, BV-00449, BV-00420).
void add_links(const Settings& settings, const Json& input, const Visit& visit, Json& extensions) {
  const Identifier eligibility = identifier_at(input, "eligibility");
  if (!eligibility.value.empty()) {
    extensions.push_back(claim_extension("extension-eligibility-response", "valueReference",
                                         identifier_reference(eligibility)));
  } else {
    const std::string offline = text_at(input, "eligibilityOffline/reference");
    const std::string date = text_at(input, "eligibilityOffline/date");
    if (offline.empty() || !is_date(date)) {
      throw Refusal(
          "eligibility",
          "missing; pass the eligibilityReference of check-eligibility, or eligibilityOffline with "
          "reference and date (BV-00379)");
    }
    extensions.push_back(
        claim_extension("extension-eligibility-offline-reference", "valueString", Json(offline)));
    extensions.push_back(
        claim_extension("extension-eligibility-offline-date", "valueDateTime", Json(date)));
  }
  extensions.push_back(claim_extension("extension-accountingPeriod", "valueDate",
                                       Json(riyadh_date(visit.start).substr(0, 8) + "01")));
  if (text_at(input, "preAuthRef").empty()) return;
  const Identifier response = identifier_at(input, "priorAuthResponse");
  if (!response.value.empty()) {
    extensions.push_back(claim_extension(
        settings.ig_1_0_0_names ? "extension-priorauthresponse" : "extension-priorauth-response",
        "valueReference", identifier_reference(response)));
  } else {
    extensions.push_back(claim_extension("extension-authorization-offline-date", "valueDateTime",
                                         Json(riyadh_date(visit.start))));
  }
}

}  // namespace

Draft build_claim(const Settings& settings, const Stamp& stamp, const Json& input) {
  MessageBuilder builder(settings, stamp);
  const Visit visit = read_visit(input);
  const Party payer = payer_of(settings, input);
  const Json& services =
      array_at(input, "services").empty() ? settings.services : array_at(input, "services");
  if (services.empty() || services.size() > kMaxServices) {
    throw Refusal("services", "must hold 1 to " + std::to_string(kMaxServices) +
                                  " entries, here or in the configuration");
  }

  Json absent = Json::array();
  Json shortened = Json::array();
  const Slot patient = add_patient(builder, input);
  const Slot provider = add_provider(builder, true);
  const Slot insurer = add_payer(builder, payer);
  const Slot coverage = add_coverage(builder, input, patient, insurer, absent);
  std::string specialty;
  std::string role;
  const Slot doctor = add_practitioner(builder, input, specialty, role);
  const Slot encounter = add_encounter(builder, input, visit, patient, provider);
  const Slot facility = add_facility(builder, provider);

  const Slot slot = builder.slot("Claim");
  const Identifier identifier{settings.identifier_base + "/claim",
                              stamp.uuid()};  // BV-00457: globally unique
  Json claim = MessageBuilder::resource("Claim", slot, "professional-claim");
  Json extensions = Json::array();
  extensions.push_back(
      claim_extension("extension-encounter", "valueReference", reference(encounter.url)));
  extensions.push_back(
      claim_extension("extension-episode", "valueIdentifier",
                      to_json({settings.identifier_base + "/episode", visit.consultation})));
  add_links(settings, input, visit, extensions);
  claim["extension"] = std::move(extensions);
  claim["identifier"] = Json::array({to_json(identifier)});
  claim["status"] = "active";
  claim["type"] = hl7_code("claim-type", "professional");
  claim["subType"] = nphies_code("claim-subtype", "op");  // P-Claim-1
  claim["use"] = "claim";
  claim["patient"] = reference(patient.url);
  claim["created"] = riyadh_time(stamp.now);
  claim["insurer"] = reference(insurer.url);
  claim["provider"] = reference(provider.url);
  const std::string priority = text_at(input, "priority");
  claim["priority"] = hl7_code("processpriority", priority.empty() ? "normal" : priority);
  claim["payee"]["type"] = hl7_code("payeetype", "provider");
  claim["facility"] = reference(facility.url);  // BV-00905
  Json member = Json::object();
  member["sequence"] = 1;
  member["provider"] = reference(doctor.url);
  member["role"] = hl7_code("claimcareteamrole", role);
  member["qualification"] = nphies_code("practice-codes", specialty);
  claim["careTeam"] = Json::array({member});
  claim["supportingInfo"] = supporting_info(settings, input, visit, absent, shortened);
  claim["diagnosis"] = read_diagnoses(input);
  Json insurance = Json::object();
  insurance["sequence"] = 1;
  insurance["focal"] = true;
  insurance["coverage"] = reference(coverage.url);
  if (!text_at(input, "preAuthRef").empty()) {
    insurance["preAuthRef"] = Json::array({required_id(input, "preAuthRef", 40)});
  }
  claim["insurance"] = Json::array({insurance});
  Priced priced = price_items(settings, services, visit, claim["supportingInfo"].size(),
                              claim["diagnosis"].size());
  claim["item"] = std::move(priced.items);
  claim["total"] = money(priced.total);  // BV-00059
  builder.add(slot, std::move(claim));

  Json facts = Json::object();
  facts["payer"]["licence"] = payer.licence;
  facts["payer"]["name"] = payer.name;
  facts["submittedHalalas"] = priced.total;
  facts["patientShareHalalas"] = priced.patient_share;
  facts["taxHalalas"] = priced.tax;
  facts["absenceReasons"] = std::move(absent);
  facts["shortened"] = std::move(shortened);
  return builder.finish("claim-request", payer, "payer-license", slot, identifier,
                        std::move(facts));
}

}  // namespace rabt::nphies
