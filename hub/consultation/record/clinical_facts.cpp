#include "hub/consultation/record/clinical_facts.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "hub/base/ascii.hpp"
#include "hub/consultation/record/clinical_views.hpp"
#include "hub/consultation/record/record_service.hpp"
#include "hub/consultation/session/time.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::consultation {

namespace {

bool is_clinician(const Json& who) {
  const std::string role = who.string_or("role", "");
  return role == "doctor" || role == "specialist" || role == "nurse";
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

Json source_of(const Record& record, const Json& who, const Json& at) {
  const Json& person = who["person"];
  return Json::object({{"record", record.id},
                       {"by", person.is_null() ? who["participant"] : person},
                       {"role", who["role"]},
                       {"at", at}});
}

// The text of a note, or of its one field when it has no sections.
std::string text_in(const Record& note, const Text& text) {
  const Json& sections = note.document["sections"];
  for (const std::string_view name : text.sections) {
    if (name.empty()) continue;
    std::string found(trim(sections.string_or(name, "")));
    if (!found.empty()) return found;
  }
  const bool bare = !sections.is_object() || sections.size() == 0;
  if (bare && text.name == "chiefComplaint")
    return std::string(trim(note.document.string_or("content", "")));
  return {};
}

// Texts of a note by their names, with every section that the note has: one that is the first of no
// text stands behind the first text that lists it, and one that none lists behind the assessment.
std::map<std::string_view, std::string> whole_texts_in(const Record& note) {
  const Json& sections = note.document["sections"];
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
  if (sections.is_object()) {
    for (const auto& [name, value] : sections.as_object()) {
      if (value.is_string()) add(name, trim(value.as_string()));
    }
  }
  add("content", trim(note.document.string_or("content", "")));
  return out;
}

// A claim says what the newest note says; a chart says what each of them says, the newest last.
void take_texts(const Record& note, Extent extent, Json& texts, Json& sources) {
  const Json& by = note.document["finalBy"];
  std::map<std::string_view, std::string> whole;
  if (extent == Extent::chart) whole = whole_texts_in(note);
  for (const Text& text : kTexts) {
    std::string found = extent == Extent::chart ? whole[text.name] : text_in(note, text);
    if (found.empty()) continue;
    std::string before = texts.string_or(text.name, "");
    if (extent == Extent::chart && !before.empty()) {
      // Whose words they are: those before are of another note.
      const std::string head =
          "[" + by.string_or("role", "") + ", " + by.string_or("at", "") + "] ";
      if (before.find(found) == std::string::npos) before.append("\n\n" + head + found);
      found = std::move(before);
    }
    texts.set(text.name, found);
    sources.set("notes/" + std::string(text.name), source_of(note, by, by["at"]));
  }
}

// Those of the newest entry that has any, an addendum or the note itself.
const Json& diagnoses_in(const Record& note) {
  const Json& addenda = note.document["addenda"];
  if (addenda.is_array()) {
    for (std::size_t i = addenda.size(); i > 0; --i) {
      const Json& late = addenda.item(i - 1)["diagnoses"];
      if (late.is_array() && late.size() > 0) return late;
    }
  }
  return note.document["diagnoses"];
}

// What clinicians added to a note after it was signed.
void take_addenda(const Record& note, Json& addenda) {
  const Json& late = note.document["addenda"];
  if (!late.is_array()) return;
  for (const Json& one : late.as_array()) {
    if (is_clinician(one["author"]))
      addenda.push_back(Json::object({{"at", one["at"]}, {"text", one["text"]}}));
  }
}

void take_diagnoses(const Record& note, Json& out, Json& sources) {
  for (const Json& one : diagnoses_in(note).as_array()) {
    const auto& taken = out.as_array();
    if (std::any_of(taken.begin(), taken.end(),
                    [&](const Json& each) { return each["code"] == one["code"]; }))
      continue;
    sources.set("diagnoses/" + std::to_string(out.size()),
                source_of(note, one["by"], one["by"]["at"]));
    Json diagnosis = Json::object({{"code", one["code"]}});
    if (one["display"].is_string()) diagnosis.set("display", one["display"]);
    diagnosis.set("type", out.size() == 0 ? "principal" : "secondary");
    out.push_back(std::move(diagnosis));
  }
}

}  // namespace

Json clinical_facts_of(const VisitRecords& records, Extent extent) {
  Json texts = Json::object();
  Json signs = Json::object();
  Json sources = Json::object();
  Json prescriptions = Json::array();
  Json diagnoses = Json::array();
  Json addenda = Json::array();
  std::int64_t notes = 0;
  std::int64_t vitals = 0;
  std::vector<const Record*> coded;
  for (const Record& note : records.notes) {
    if (note.state == "draft" || !is_clinician(note.document["finalBy"])) continue;
    ++notes;
    take_texts(note, extent, texts, sources);
    take_addenda(note, addenda);
    if (const Json& found = diagnoses_in(note); found.is_array() && found.size() > 0)
      coded.push_back(&note);
  }
  // The newest note's first one is the principal; a claim has those of no other note.
  if (extent == Extent::claim && !coded.empty()) coded.erase(coded.begin(), coded.end() - 1);
  std::for_each(coded.rbegin(), coded.rend(),
                [&](const Record* note) { take_diagnoses(*note, diagnoses, sources); });
  for (const Record& one : records.vitals) {
    const Json& author = one.document["author"];
    if (!is_clinician(author)) continue;
    ++vitals;
    for (const Sign& sign : kSigns) {
      if (sign.chart_alone && extent == Extent::claim) continue;
      const Json& value = one.document[sign.record];
      if (!value.is_number()) continue;
      signs.set(sign.claim, value);
      sources.set("vitals/" + std::string(sign.claim),
                  source_of(one, author, one.document["takenAt"]));
    }
  }
  for (const Record& one : records.prescriptions) {
    if (one.state == "cancelled" || !is_clinician(one.document["author"])) continue;
    const PrescriptionView whole = prescription_view(one);
    prescriptions.push_back(Json::object({{"number", whole.prescription_number()},
                                          {"issuedAt", to_iso8601(whole.head.created)},
                                          {"items", to_json(whole.items)}}));
  }
  return Json::object(
      {{"acts", Json::object({{"notes", notes},
                              {"diagnoses", static_cast<std::int64_t>(diagnoses.size())},
                              {"vitals", vitals},
                              {"prescriptions", static_cast<std::int64_t>(prescriptions.size())}})},
       {"diagnoses", std::move(diagnoses)},
       {"notes", std::move(texts)},
       {"addenda", std::move(addenda)},
       {"vitals", std::move(signs)},
       {"prescriptions", std::move(prescriptions)},
       {"sources", std::move(sources)}});
}

std::vector<std::string> missing_for_claim(const Json& facts,
                                           const std::optional<ClaimedVisit>& visit) {
  std::vector<std::string> out;
  if (visit && !visit->patient_came) out.emplace_back("visit.no_patient");
  if (visit && visit->seconds < visit->least_seconds) out.emplace_back("visit.too_short");
  const auto& acts = facts["acts"].as_object();
  if (std::none_of(acts.begin(), acts.end(),
                   [](const auto& one) { return one.second.as_int64().value_or(0) > 0; }))
    out.emplace_back("visit.no_act");
  if (facts["diagnoses"].size() == 0) out.emplace_back("visit.no_diagnosis");
  if (facts["notes"].string_or("chiefComplaint", "").empty())
    out.emplace_back("visit.no_complaint");
  return out;
}

Json identifiers_of_profile(const Json& profile) {
  struct Kind {
    std::string_view kind;
    std::string_view type;
    std::string_view system;
  };
  constexpr std::array<Kind, 4> kKinds{
      {{"national_id", "NI", "http://nphies.sa/identifier/nationalid"},
       {"iqama", "PRC", "http://nphies.sa/identifier/iqama"},
       {"passport", "PPN", "http://nphies.sa/identifier/passportnumber"},
       {"mrn", "MR", ""}}};
  Json out = Json::array();
  const auto take = [&](const Kind& kind, const Json& system, const Json& value) {
    if (!value.is_string()) return;
    Json identifier = Json::object({{"value", value}, {"type", kind.type}});
    if (system.is_string()) {
      identifier.set("system", system);
    } else if (!kind.system.empty()) {
      identifier.set("system", kind.system);
    }
    out.push_back(std::move(identifier));
  };
  for (const Kind& kind : kKinds) {
    if (const Json& list = profile["identifiers"]; list.is_array()) {
      for (const Json& one : list.as_array()) {
        if (one.string_or("kind", "") == kind.kind) take(kind, one["system"], one["value"]);
      }
    }
    if (kind.type == "MR") take(kind, Json(), profile["mrn"]);
  }
  return out;
}

Json patient_of_profile(const Json& profile) {
  Json out = Json::object();
  if (const Json known = identifiers_of_profile(profile); known.size() > 0)
    out.set("identifier", known.item(0));
  const Json& arabic = profile["nameAr"];
  out.set("name", arabic.is_string() ? arabic : profile["name"]);
  for (const std::string_view name : {"gender", "birthDate"}) {
    if (profile[name].is_string()) out.set(name, profile[name]);
  }
  return out;
}

Json contact_of_profile(const Json& profile) {
  Json out = Json::object({{"language", profile.string_or("language", "ar")}});
  const std::pair<const char*, phi::IndexKind> kinds[] = {{"phone", phi::IndexKind::phone},
                                                          {"email", phi::IndexKind::email}};
  for (const auto& [name, kind] : kinds) {
    if (const auto one = phi::normalise(kind, profile.string_or(name, "")); one.ok())
      out.set(name, *one);
  }
  return out;
}

Json practitioner_of_profile(const Json& profile) {
  Json out = Json::object();
  if (profile["licenceNumber"].is_string()) out.set("licence", profile["licenceNumber"]);
  const Json& arabic = profile["nameAr"];
  out.set("name", arabic.is_string() ? arabic : profile["name"]);
  return out;
}

Answer RecordService::clinical_facts(const Ask& ask) {
  if (!ask.caller.system) return denied("authorisation.denied", "only workflows read these facts");
  RABT_TRY(of, parts_.sessions.membership(ask));
  VisitRecords records;
  RABT_TRY_STATUS(book_.each(of, RecordKind::note,
                             [&](Record one) { records.notes.push_back(std::move(one)); }));
  // Readings of a patient's device may be many, and are no acts of a clinician.
  RABT_TRY_STATUS(book_.each(of, RecordKind::vitals, [&](Record one) {
    if (is_clinician(one.document["author"])) records.vitals.push_back(std::move(one));
  }));
  RABT_TRY_STATUS(book_.each(of, RecordKind::prescription,
                             [&](Record one) { records.prescriptions.push_back(std::move(one)); }));
  Json facts =
      clinical_facts_of(records, ask.body.bool_or("whole", false) ? Extent::chart : Extent::claim);
  const std::int64_t over = of.ended_ms.value_or(parts_.clock.now().ms);
  const std::int64_t ran_ms = of.started_ms ? over - *of.started_ms : 0;
  std::optional<ClaimedVisit> visit;
  if (!ask.body.bool_or("anyLength", false)) {
    visit = {.patient_came = of.patient_came,
             // A second that has only begun makes no visit long enough.
             .seconds = of.together_seconds,
             .least_seconds = parts_.video.claim_min_seconds};
  }
  Json missing = Json::array();
  for (const std::string& one : missing_for_claim(facts, visit)) missing.push_back(one);
  Json out =
      Json::object({{"session", of.session},
                    {"status", to_string(of.status)},
                    {"startedAt", of.started_ms ? Json(to_iso8601({*of.started_ms})) : Json()},
                    {"endedAt", of.ended_ms ? Json(to_iso8601({*of.ended_ms})) : Json()},
                    {"durationSeconds", whole_seconds(ran_ms)},
                    {"claimable", missing.size() == 0},
                    {"missing", std::move(missing)},
                    {"provider", of.provider.empty() ? Json() : Json(of.provider)}});
  for (const auto& [name, value] : facts.as_object()) out.set(name, value);
  const std::array<std::pair<std::string_view, const std::string*>, 2> people{
      {{"patient", &of.patient}, {"practitioner", &of.provider}}};
  for (const auto& [name, id] : people) {
    if (id->empty()) continue;
    RABT_TRY(person, parts_.people.find(of.tenant, *id));
    out.set(name, name == "patient" ? patient_of_profile(person.profile)
                                    : practitioner_of_profile(person.profile));
    if (name == "patient") {
      out.set("patientIdentifiers", identifiers_of_profile(person.profile));
      out.set("contact", contact_of_profile(person.profile));
    }
  }
  RABT_TRY_STATUS(audit_reading(ask, of, "session.read",
                                Json::object({{"of", "clinical"}, {"acts", facts["acts"]}})));
  return out;
}

}  // namespace rabt::consultation
