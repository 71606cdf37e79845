#include "hub/consultation/record/note_requests.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "hub/base/ascii.hpp"
#include "hub/base/suggest.hpp"
#include "hub/consultation/record/languages.hpp"
#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxSections = 20;
constexpr std::size_t kMaxSectionName = 64;
// As many as a claim takes.
constexpr std::size_t kMaxDiagnoses = 50;

bool is_section_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxSectionName &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_'; });
}

// ICD-10: a letter, a digit, a letter or digit, and where it is divided a full stop and 1 to 4
// more.
bool is_icd10(std::string_view code) {
  const auto alnum = [](char c) { return (c >= 'A' && c <= 'Z') || is_digit(c); };
  if (code.size() < 3 || code[0] < 'A' || code[0] > 'Z' || !is_digit(code[1]) || !alnum(code[2]))
    return false;
  if (code.size() == 3) return true;
  const std::string_view rest = code.substr(4);
  return code[3] == '.' && !rest.empty() && rest.size() <= 4 &&
         std::all_of(rest.begin(), rest.end(), alnum);
}

}  // namespace

Json to_json(const NoteSections& sections) {
  Json out = Json::object();
  for (const NoteSection& section : sections) out.set(section.name, section.text);
  return out;
}

bool has_text(const std::string& content, const NoteSections& sections) {
  return !trim(content).empty() ||
         std::any_of(sections.begin(), sections.end(),
                     [](const NoteSection& section) { return !trim(section.text).empty(); });
}

std::string note_kind_in(Fields& fields, std::string_view name, std::string_view fallback) {
  return fields.word(name, {"soap", "progress", "follow_up", "free"}, fallback);
}

const Json& template_in(Fields& fields, std::string_view name, WriteNote& out) {
  out.template_id = fields.text(name, kMaxSectionName);
  const Json& found = languages().note_template(out.template_id);
  if (!out.template_id.empty() && found.is_null())
    fields.wrong(name, "it must be one of soap, follow_up, emergency, mental_health, free");
  return found;
}

NoteSections sections_in(Fields& fields, std::string_view name, const Json& of_template) {
  const Json& given = fields.raw(name);
  if (given.is_null()) return {};
  if (!given.is_object() || given.size() > kMaxSections) {
    fields.wrong(name, "it must be an object of at most 20 texts");
    return {};
  }
  Fields texts(given, fields.mistakes(), std::string(name) + ".");
  NoteSections sections;
  for (const auto& [section, value] : given.as_object()) {
    const auto named = [&wanted = section](const Json& item) {
      return item["id"].as_string() == wanted;
    };
    const Json::Array template_sections =
        of_template.is_null() ? Json::Array{} : of_template["sections"].as_array();
    const bool good = is_section_name(section) &&
                      (template_sections.empty() ||
                       std::any_of(template_sections.begin(), template_sections.end(), named));
    if (!good) {
      // The name may be anything that a caller typed: its place says which.
      std::vector<std::string> names;
      for (const Json& template_section : template_sections)
        names.push_back(template_section["id"].as_string());
      fields.wrong(name, "section number " + std::to_string(sections.size() + 1) +
                             (names.empty() ? " must be named in a-z, 0-9 and _"
                                            : " is none of the template; its sections are: " +
                                                  listed(names)));
      return {};
    }
    sections.push_back({.name = section, .text = texts.text(section)});
  }
  return sections;
}

Diagnoses read_diagnoses(Fields& fields) {
  const Json& given = fields.raw("diagnoses");
  if (given.is_null()) return {};
  if (!given.is_array() || given.size() > kMaxDiagnoses) {
    fields.wrong("diagnoses", "it must list at most 50 diagnoses");
    return {};
  }
  std::map<std::int64_t, Diagnosis> by_rank;
  std::set<std::string> codes;
  for (std::size_t i = 0; i < given.size(); ++i) {
    Fields one(given.item(i), fields.mistakes(), "diagnoses[" + std::to_string(i) + "].");
    one.only({"code", "display", "rank"});
    const std::string code = upper(one.needed_text("code", 8));
    const std::string display = one.text("display", 200);
    const std::int64_t rank = one.integer("rank", 1, static_cast<std::int64_t>(kMaxDiagnoses))
                                  .value_or(static_cast<std::int64_t>(i) + 1);
    if (one.good() && !is_icd10(code)) one.wrong("code", "it must be a code of ICD-10, as J06.9");
    if (one.good() && !codes.insert(code).second) one.wrong("code", "it stands twice");
    Diagnosis diagnosis{.code = code, .display = display, .rank = rank};
    if (one.good() && !by_rank.emplace(rank, std::move(diagnosis)).second)
      one.wrong("rank", "it stands twice");
  }
  if (fields.good() && !by_rank.empty() && !by_rank.contains(1))
    fields.wrong("diagnoses", "one must have the rank 1: the principal diagnosis");
  Diagnoses out;
  for (auto& [rank, diagnosis] : by_rank) out.push_back(std::move(diagnosis));
  return out;
}

void check_has_text(Fields& fields, std::string_view name, const WriteNote& note) {
  if (fields.good() && !has_text(note.content, note.sections))
    fields.wrong(name, "a note needs content or sections");
}

Asked<WriteNote> written_note_in(Fields& fields, std::string session) {
  WriteNote out{.session = std::move(session), .kind = {}};
  const Json& of_template = template_in(fields, "template", out);
  out.kind = note_kind_in(fields, "kind", of_template.string_or("kind", "free"));
  out.content = fields.text("content");
  out.sections = sections_in(fields, "sections", of_template);
  out.status = fields.word("status", {"draft", "final"});
  check_has_text(fields, "content", out);
  out.diagnoses = read_diagnoses(fields);
  RABT_TRY_STATUS(fields.done());
  return out;
}

Asked<NoteChange> note_change_of(const Json& given, const Json& of_template) {
  Fields fields(given);
  fields.only({"content", "sections", "diagnoses", "status"});
  NoteChange out;
  std::string content = fields.text("content");
  NoteSections sections = sections_in(fields, "sections", of_template);
  out.status = fields.word("status", {"draft", "final"}, "draft");
  Diagnoses diagnoses = read_diagnoses(fields);
  RABT_TRY_STATUS(fields.done());
  if (fields.has("content")) out.content = std::move(content);
  if (fields.has("sections")) out.sections = std::move(sections);
  if (fields.has("diagnoses")) out.diagnoses = std::move(diagnoses);
  return out;
}

}  // namespace rabt::consultation
