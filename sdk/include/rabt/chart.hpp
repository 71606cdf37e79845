#pragma once

// The chart of a visit in words, for plugins of the role `ehr`: codes of its vital signs, sections
// of its note with headings in English and Arabic, and their lines. Text of clinicians is not
// translated. SPDX-License-Identifier: Apache-2.0

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "rabt/json_nlohmann.hpp"

namespace rabt::sdk::chart {

// A vital sign: its name in the input of ehr.record.write, its code in LOINC, its unit as people
// and as UCUM write it.
struct Sign {
  std::string_view name;
  std::string_view loinc;
  std::string_view english;
  std::string_view arabic;
  std::string_view unit;
  std::string_view ucum;
};
inline constexpr std::array<Sign, 8> kSigns{{
    {"pulse", "8867-4", "Heart rate", "معدل النبض", "beats/min", "/min"},
    {"respiratoryRate", "9279-1", "Respiratory rate", "معدل التنفس", "breaths/min", "/min"},
    {"oxygenSaturation", "2708-6", "Oxygen saturation", "تشبّع الأكسجين", "%", "%"},
    {"temperatureCel", "8310-5", "Body temperature", "درجة الحرارة", "°C", "Cel"},
    {"heightCm", "8302-2", "Body height", "الطول", "cm", "cm"},
    {"weightKg", "29463-7", "Body weight", "الوزن", "kg", "kg"},
    {"glucoseMmol", "15074-8", "Blood glucose", "سكر الدم", "mmol/L", "mmol/L"},
    {"painScale", "72514-3", "Pain", "شدة الألم", "/10", "{score}"},
}};
inline constexpr Sign kSystolic{"systolic", "8480-6", "Systolic blood pressure",
                                "",         "mmHg",   "mm[Hg]"};
inline constexpr Sign kDiastolic{"diastolic", "8462-4", "Diastolic blood pressure",
                                 "",          "mmHg",   "mm[Hg]"};

// A section of the note: its name in the input, its code in LOINC, its heading.
struct Section {
  std::string_view name;
  std::string_view loinc;
  std::string_view english;
  std::string_view arabic;
};
inline constexpr Section kDiagnoses{"diagnoses", "29548-5", "Diagnoses", "التشخيص"};
inline constexpr Section kVitals{"vitals", "8716-3", "Vital signs", "العلامات الحيوية"};
inline constexpr Section kPrescriptions{"prescriptions", "57828-6", "Prescription",
                                        "الوصفة الطبية"};
// In the order of the note. The first six are texts of `notes`.
inline constexpr std::array<Section, 9> kSections{{
    {"chiefComplaint", "10154-3", "Chief complaint", "الشكوى الرئيسية"},
    {"historyOfPresentIllness", "10164-2", "History of present illness", "تاريخ المرض الحالي"},
    {"patientHistory", "11348-0", "Past history", "التاريخ المرضي السابق"},
    {"physicalExamination", "29545-1", "Examination", "الفحص السريري"},
    {"assessment", "51848-0", "Assessment", "التقييم"},
    {"treatmentPlan", "18776-5", "Plan", "الخطة العلاجية"},
    kDiagnoses,
    kVitals,
    kPrescriptions,
}};
inline constexpr Section kAddenda{"addenda", "55112-7", "Addenda", "إضافات"};

// The hub's own words, as far as the other side's character set holds them.
struct Words {
  bool arabic = true;
  // "·", "°" and "–"; without them "/", nothing and "-".
  bool signs = true;
};

// A heading in both languages.
inline std::string heading(std::string_view english, std::string_view arabic,
                           const Words& words = {}) {
  std::string out(english);
  if (words.arabic && !arabic.empty()) out.append(words.signs ? " · " : " / ").append(arabic);
  return out;
}
inline std::string heading(const Section& section, const Words& words = {}) {
  return heading(section.english, section.arabic, words);
}

// A number as JSON writes it; "" when it is none.
inline std::string number_text(const nlohmann::json& value) {
  return value.is_number() ? value.dump() : std::string();
}

// True if a medication of a prescription was handed over. place: in its items, from 0.
inline bool is_dispensed(const nlohmann::json& prescription, std::size_t place) {
  for (const nlohmann::json& one : list_of(prescription, "dispensings")) {
    if (text_of(one, "status") == "entered_in_error") continue;
    for (const nlohmann::json& item : list_of(one, "items")) {
      if (member_of(item, "item") == nlohmann::json(place + 1)) return true;
    }
  }
  return false;
}

// False for what a pharmacy had not handed over when the prescription was cancelled.
inline bool is_prescribed(const nlohmann::json& prescription, std::size_t place) {
  return text_of(prescription, "status") != "cancelled" || is_dispensed(prescription, place);
}

// "500 mg, twice a day, 5 days": as the prescriber wrote it. item: of a prescription.
inline std::string dosage_text(const nlohmann::json& item) {
  std::string out;
  for (const char* key : {"dosage", "frequency", "duration"}) {
    const std::string text = text_of(item, key);
    if (!text.empty()) out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

namespace detail {

inline std::vector<std::string> diagnosis_lines(const nlohmann::json& input) {
  std::vector<std::string> out;
  for (const nlohmann::json& one : list_of(input, "diagnoses")) {
    const std::string display = text_of(one, "display");
    out.push_back(text_of(one, "code") + (display.empty() ? "" : " " + display));
  }
  return out;
}

inline std::vector<std::string> vitals_lines(const nlohmann::json& input, const Words& words) {
  std::vector<std::string> out;
  const nlohmann::json& vitals = member_of(input, "vitals");
  const std::string systolic = number_text(member_of(vitals, "systolic"));
  const std::string diastolic = number_text(member_of(vitals, "diastolic"));
  const std::string none = words.signs ? "–" : "-";
  if (!systolic.empty() || !diastolic.empty())
    out.push_back(heading("Blood pressure", "ضغط الدم", words) + ": " +
                  (systolic.empty() ? none : systolic) + "/" +
                  (diastolic.empty() ? none : diastolic) + " mmHg");
  for (const Sign& sign : kSigns) {
    const std::string value = number_text(member_of(vitals, sign.name.data()));
    if (value.empty()) continue;
    const bool degrees = sign.unit == "°C" && !words.signs;
    out.push_back(heading(sign.english, sign.arabic, words) + ": " + value + " " +
                  std::string(degrees ? "C" : sign.unit));
  }
  return out;
}

inline std::vector<std::string> prescription_lines(const nlohmann::json& input) {
  std::vector<std::string> out;
  for (const nlohmann::json& one : list_of(input, "prescriptions")) {
    std::size_t place = 0;
    for (const nlohmann::json& item : list_of(one, "items")) {
      if (!is_prescribed(one, place++)) continue;
      std::string line = text_of(item, "name") + ": " + dosage_text(item);
      if (const std::string more = text_of(item, "instructions"); !more.empty())
        line += "; " + more;
      out.push_back(std::move(line));
    }
  }
  return out;
}

inline std::vector<std::string> addendum_lines(const nlohmann::json& input) {
  std::vector<std::string> out;
  for (const nlohmann::json& one : list_of(input, "addenda"))
    out.push_back(text_of(one, "at") + " " + text_of(one, "text"));
  return out;
}

}  // namespace detail

// The lines of a section; none when the input says nothing for it. A line of a clinician may hold
// line ends. input: of ehr.record.write.
inline std::vector<std::string> lines_of(const nlohmann::json& input, const Section& section,
                                         const Words& words = {}) {
  if (section.name == kDiagnoses.name) return detail::diagnosis_lines(input);
  if (section.name == kVitals.name) return detail::vitals_lines(input, words);
  if (section.name == kPrescriptions.name) return detail::prescription_lines(input);
  if (section.name == kAddenda.name) return detail::addendum_lines(input);
  std::string text = text_of(member_of(input, "notes"), section.name.data());
  return text.empty() ? std::vector<std::string>{} : std::vector<std::string>{std::move(text)};
}

}  // namespace rabt::sdk::chart
