#include "chart.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "message.hpp"
#include "rabt/chart.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/text.hpp"

namespace rabt::hl7v2 {

namespace {

using sdk::list_of;
using sdk::member_of;
using sdk::text_of;
using sdk::chart::kAddenda;
using sdk::chart::kDiastolic;
using sdk::chart::kSections;
using sdk::chart::kSigns;
using sdk::chart::kSystolic;
using sdk::chart::kVitals;
using sdk::chart::Section;
using sdk::chart::Sign;
using sdk::chart::Words;

// Names of tables 0396 and 0052.
constexpr const char* kIcd10Am = "ICD10AM";
constexpr const char* kLoinc = "LN";
constexpr const char* kUcum = "UCUM";
constexpr const char* kFinal = "F";

// Bytes of a text in one OBX. Five times as many, where each is a line end, fit the 65,536 of FT.
constexpr std::size_t kMaxText = 12'000;

constexpr std::string_view kAddendum = "addenda/";

// Returns the kinds of the hub's own words that the character set holds.
Words words_for(const Settings& settings) {
  return {.arabic = holds(settings.charset, "ش"), .signs = holds(settings.charset, "·°–")};
}

std::string end_of(const Json& visit) {
  const std::string end = text_of(visit, "end");
  return end.empty() ? text_of(visit, "start") : end;
}
// When something was written down: sources["vitals/pulse"].at, else the visit's end.
std::string moment_of(const Json& input, const Json& visit, const std::string& of) {
  const std::string at = text_of(member_of(member_of(input, "sources"), of.c_str()), "at");
  return at.empty() ? end_of(visit) : at;
}

// A number as NM has it: no exponent.
std::string decimal(const Json& value) {
  const std::string text = sdk::chart::number_text(value);
  return text.find_first_of("eE") == std::string::npos ? text : std::string();
}

const Sign* sign_of(std::string_view name) {
  for (const Sign* sign : {&kSystolic, &kDiastolic}) {
    if (sign->name == name) return sign;
  }
  const auto* const found = std::find_if(kSigns.begin(), kSigns.end(),
                                         [&](const Sign& sign) { return sign.name == name; });
  return found == kSigns.end() ? nullptr : found;
}

const Json* entry_of(const Json& list, const std::string& key) {
  for (const Json& item : list) {
    if (text_of(item, "key") == key) return &item;
  }
  return nullptr;
}

// ---- The parts ----

Part diagnoses(const Json& input, const Json& visit, const Settings& settings,
               std::vector<LeftOut>& left_out) {
  Part out{.name = "diagnoses", .entries = {}, .text = {}};
  std::set<std::string> seen;
  std::size_t at = 0;
  for (const Json& item : list_of(input, "diagnoses")) {
    const std::string of = "diagnoses/" + std::to_string(at++);
    const std::string code = text_of(item, "code");
    if (!seen.insert(code).second) continue;
    if (!holds(settings.charset, code)) {
      left_out.push_back({of, "hl7v2.charset"});
      continue;
    }
    // The code says it all.
    std::string display = text_of(item, "display");
    if (!holds(settings.charset, display)) display.clear();
    Json says = Json::object();
    says["key"] = code;
    says["display"] = std::move(display);
    says["rank"] = at;
    says["at"] = moment_of(input, visit, of);
    out.entries.push_back({of, std::move(says)});
  }
  return out;
}

Part vitals(const Json& input, const Json& visit) {
  Part out{.name = "vitals", .entries = {}, .text = {}};
  const Json& measured = member_of(input, "vitals");
  const auto add = [&](const Sign& sign) {
    const std::string value = decimal(member_of(measured, sign.name.data()));
    if (value.empty()) return;
    const std::string of = "vitals/" + std::string(sign.name);
    Json says = Json::object();
    says["key"] = sign.name;
    says["value"] = value;
    says["at"] = moment_of(input, visit, of);
    out.entries.push_back({of, std::move(says)});
  };
  add(kSystolic);
  add(kDiastolic);
  for (const Sign& sign : kSigns) add(sign);
  return out;
}

// Adds a document, with an entry that tells its text from another one; without text it says
// nothing. What the character set does not hold is no part: what the record system has stays.
void add_document(Chart& chart, const std::string& name, const std::string& of,
                  std::vector<Paragraph> text, const Settings& settings) {
  Part part{.name = name, .entries = {}, .text = std::move(text)};
  std::string whole;
  for (const Paragraph& paragraph : part.text)
    whole += std::string(paragraph.loinc) + '\n' + paragraph.text + '\n';
  if (!holds(settings.charset, whole)) {
    chart.left_out.push_back({of, "hl7v2.charset"});
    return;
  }
  if (!whole.empty()) {
    Json says = Json::object();
    says["key"] = name;
    says["print"] = sdk::fingerprint(whole);
    part.entries.push_back({of, std::move(says)});
  }
  chart.parts.push_back(std::move(part));
}

Paragraph paragraph(const Section& section, const std::vector<std::string>& lines,
                    const Words& words) {
  Paragraph out{section.loinc, section.english, sdk::chart::heading(section, words)};
  for (const std::string& line : lines) out.text += '\n' + line;
  return out;
}

std::vector<Paragraph> note(const Json& input, const Words& words) {
  std::vector<Paragraph> out;
  for (const Section& section : kSections) {
    const std::vector<std::string> lines = sdk::chart::lines_of(input, section, words);
    if (!lines.empty()) out.push_back(paragraph(section, lines, words));
  }
  return out;
}

// ---- The messages ----

struct Draft {
  Writer out;
  std::string doctor;
};

Draft begin(std::string_view type, std::string_view trigger, std::string_view structure,
            const Json& visit, const Following& following, const Settings& settings) {
  Draft draft;
  add_head(draft.out, {type, trigger, structure, following.control_id, following.now}, settings);
  draft.doctor = add_filed_visit(draft.out, visit, visit, settings);
  return draft;
}

Composed compose_diagnoses(const Part& part, const Json& visit, const Following& following,
                           const Settings& settings) {
  Draft draft = begin("ADT", "A08", "ADT_A01", visit, following, settings);
  Composed composed{.text = {}, .segment = "DG1", .entries = {}};
  const auto add = [&](const Json& says, const char* action, std::size_t entry) {
    composed.entries.push_back(entry);
    const std::string code = text_of(says, "key");
    draft.out.segment("DG1")
        .text(1, std::to_string(composed.entries.size()))
        .parts(3, {code, text_of(says, "display"), kIcd10Am})
        .text(5, hl7_time(text_of(says, "at")))
        .text(6, kFinal)
        .text(15, sdk::chart::number_text(member_of(says, "rank")))
        .encoded(16, draft.doctor)
        .parts(20, {text_of(visit, "consultation") + "/diagnosis/" + code, kAuthority})
        .text(21, action);
  };
  // All that hold: a receiver may take the DG1 of a message for the whole list.
  const Json wanted = says_of(part.entries);
  for (std::size_t i = 0; i < part.entries.size(); ++i) {
    const bool present = entry_of(following.has, text_of(wanted[i], "key")) != nullptr;
    add(wanted[i], present ? "U" : "A", i);
  }
  for (const Json& item : following.has) {
    if (entry_of(wanted, text_of(item, "key")) == nullptr) add(item, "D", kGone);
  }
  composed.text = draft.out.str();
  return composed;
}

Composed compose_vitals(const Part& part, const Json& visit, const Following& following,
                        const Settings& settings) {
  Draft draft = begin("ORU", "R01", "ORU_R01", visit, following, settings);
  const bool first = following.has.empty();
  draft.out.segment("OBR")
      .text(1, "1")
      .parts(3, {text_of(visit, "consultation") + "/vitals", kAuthority})
      .parts(4, {std::string(kVitals.loinc), std::string(kVitals.english), kLoinc})
      .text(7, hl7_time(text_of(visit, "start")))
      .text(22, hl7_time(following.now))
      .text(25, first ? kFinal : "C");
  Composed composed{.text = {}, .segment = "OBX", .entries = {}};
  const auto add = [&](const Json& says, const char* status, std::size_t entry) {
    const Sign* sign = sign_of(text_of(says, "key"));
    if (sign == nullptr) return;
    composed.entries.push_back(entry);
    draft.out.segment("OBX")
        .text(1, std::to_string(composed.entries.size()))
        .text(2, "NM")
        .parts(3, {std::string(sign->loinc), std::string(sign->english), kLoinc})
        .text(5, text_of(says, "value"))
        .parts(6, {std::string(sign->ucum), "", kUcum})
        .text(11, status)
        .text(14, hl7_time(text_of(says, "at")))
        .encoded(16, draft.doctor);
  };
  // Those alone that are new, are corrected, or do not hold any more.
  const Json wanted = says_of(part.entries);
  for (std::size_t i = 0; i < part.entries.size(); ++i) {
    const Json* entry_before = entry_of(following.has, text_of(wanted[i], "key"));
    if (entry_before == nullptr || *entry_before != wanted[i])
      add(wanted[i], entry_before == nullptr ? kFinal : "C", i);
  }
  for (const Json& item : following.has) {
    if (entry_of(wanted, text_of(item, "key")) == nullptr) add(item, "D", kGone);
  }
  composed.text = draft.out.str();
  return composed;
}

// The text in pieces that fit an OBX, each cut behind a line or a word where there is one.
std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> out;
  while (text.size() > kMaxText) {
    std::size_t end = kMaxText;
    while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    const auto blank = text.substr(0, end).find_last_of(" \n");
    if (blank != std::string_view::npos && blank > kMaxText / 2) end = blank + 1;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  out.emplace_back(text);
  return out;
}

Composed compose_document(const Part& part, const Json& visit, const Following& following,
                          const Settings& settings) {
  const bool replaces = !following.replaced.empty();
  const std::string parent = replaces ? following.replaced : following.parent;
  const bool original = parent.empty() || following.plain;
  const std::string trigger = original ? "T02" : replaces ? "T10" : "T06";
  Draft draft = begin("MDM", trigger, "MDM_T02", visit, following, settings);
  draft.out.segment("TXA")
      .text(1, "1")
      .text(2, settings.document_type)
      .text(3, "FT")
      .text(4, hl7_time(text_of(visit, "start")))
      .encoded(5, draft.doctor)
      .text(6, hl7_time(following.now))
      .encoded(9, draft.doctor)
      .parts(12, {following.document, kAuthority})
      .text(17, "DO")
      .text(18, "R")
      .text(19, "AV");
  if (!parent.empty()) draft.out.parts(13, {parent, kAuthority});
  std::vector<Paragraph> text = part.text;
  // A document that was there for the care of the patient is replaced, not cancelled.
  if (part.entries.empty())
    text = {{"11488-4", "Consult note",
             sdk::chart::heading("Entered in error", "أُدخل بالخطأ", words_for(settings))}};
  std::size_t number = 0;
  for (const Paragraph& paragraph : text) {
    const std::vector<std::string> split = pieces(paragraph.text);
    for (std::size_t i = 0; i < split.size(); ++i)
      draft.out.segment("OBX")
          .text(1, std::to_string(++number))
          .text(2, "FT")
          .parts(3, {std::string(paragraph.loinc), std::string(paragraph.name), kLoinc})
          .text(4, split.size() > 1 ? std::to_string(i + 1) : "")
          .text(5, split[i])
          .text(11, kFinal)
          .text(14, hl7_time(end_of(visit)))
          .encoded(16, draft.doctor);
  }
  return {.text = draft.out.str(), .segment = {}, .entries = {}};
}

}  // namespace

Json says_of(const std::vector<Entry>& entries) {
  Json out = Json::array();
  for (const Entry& entry : entries) out.push_back(entry.says);
  return out;
}

bool is_addendum(const Part& part) {
  return part.name.starts_with(kAddendum);
}

Chart chart(const Json& input, const Json& visit, const std::vector<std::string>& names,
            const Settings& settings) {
  Chart out;
  const Words words = words_for(settings);
  out.parts.push_back(diagnoses(input, visit, settings, out.left_out));
  out.parts.push_back(vitals(input, visit));
  add_document(out, "note", "note", note(input, words), settings);
  std::set<std::string> seen;
  std::size_t at = 0;
  for (const Json& item : list_of(input, "addenda")) {
    const std::string of = std::string(kAddendum) + std::to_string(at++);
    // The time knows an addendum again: one may be added or taken back before it.
    std::string name = std::string(kAddendum) + text_of(item, "at");
    while (!seen.insert(name).second) name += "+";
    Json alone = Json::object();
    alone["addenda"] = Json::array({item});
    add_document(out, name, of, {paragraph(kAddenda, sdk::chart::lines_of(alone, kAddenda), words)},
                 settings);
  }
  for (const std::string& name : names) {
    if (name.starts_with(kAddendum) && !seen.contains(name))
      out.parts.push_back({.name = name, .entries = {}, .text = {}});
  }
  return out;
}

Composed compose(const Part& part, const Json& visit, const Following& following,
                 const Settings& settings) {
  if (part.name == "diagnoses") return compose_diagnoses(part, visit, following, settings);
  if (part.name == "vitals") return compose_vitals(part, visit, following, settings);
  return compose_document(part, visit, following, settings);
}

}  // namespace rabt::hl7v2
