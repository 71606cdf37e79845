#include <algorithm>
#include <map>
#include <set>

#include "hub/base/ascii.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/suggest.hpp"
#include "hub/consultation/record/record_service.hpp"

// Clinical notes: draft -> final -> amended.
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

// {id: text}; with a template only its sections.
Json read_sections(Fields& fields, const Json& body, const Json& of_template) {
  const Json& given = body["sections"];
  if (given.is_null()) return Json::object();
  if (!given.is_object() || given.size() > kMaxSections) {
    fields.wrong("sections", "it must be an object of at most 20 texts");
    return Json::object();
  }
  Fields texts(given, fields.mistakes(), "sections.");
  Json sections = Json::object();
  for (const auto& [name, value] : given.as_object()) {
    const auto named = [&wanted = name](const Json& section) {
      return section["id"].as_string() == wanted;
    };
    const Json::Array known =
        of_template.is_null() ? Json::Array{} : of_template["sections"].as_array();
    const bool good =
        is_section_name(name) && (known.empty() || std::any_of(known.begin(), known.end(), named));
    if (!good) {
      // The name may be anything that a caller typed: its place says which.
      std::vector<std::string> names;
      for (const Json& section : known) names.push_back(section["id"].as_string());
      fields.wrong("sections", "section number " + std::to_string(sections.size() + 1) +
                                   (names.empty() ? " must be named in a-z, 0-9 and _"
                                                  : " is none of the template; its sections are: " +
                                                        listed(names)));
      return Json::object();
    }
    sections.set(name, texts.text(name));
  }
  return sections;
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

// [{code, display?, rank}] in the order of their ranks; rank 1 is the principal diagnosis. A rank
// that is left out is the place in the list. by: who codes them.
Json read_diagnoses(Fields& fields, const Json& body, const Json& by) {
  const Json& given = body["diagnoses"];
  if (given.is_null()) return Json::array();
  if (!given.is_array() || given.size() > kMaxDiagnoses) {
    fields.wrong("diagnoses", "it must list at most 50 diagnoses");
    return Json::array();
  }
  std::map<std::int64_t, Json> by_rank;
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
    Json diagnosis = Json::object({{"code", code}});
    if (!display.empty()) diagnosis.set("display", display);
    diagnosis.set("rank", rank);
    diagnosis.set("by", by);
    if (one.good() && !by_rank.emplace(rank, std::move(diagnosis)).second)
      one.wrong("rank", "it stands twice");
  }
  if (fields.good() && !by_rank.empty() && !by_rank.contains(1))
    fields.wrong("diagnoses", "one must have the rank 1: the principal diagnosis");
  Json out = Json::array();
  for (auto& [rank, diagnosis] : by_rank) out.push_back(std::move(diagnosis));
  return out;
}

Status may_diagnose(const Ask& ask, const Membership& of, const Json& diagnoses) {
  if (diagnoses.size() > 0) RABT_TRY_STATUS(may(access::Right::diagnose, ask, of));
  return ok_status();
}

bool has_text(const Json& content, const Json& sections) {
  if (content.is_string() && !trim(content.as_string()).empty()) return true;
  return sections.is_object() &&
         std::any_of(sections.as_object().begin(), sections.as_object().end(),
                     [](const auto& one) { return !trim(one.second.as_string()).empty(); });
}

}  // namespace

Json RecordService::signed_by(const Ask& ask, const Membership& of) const {
  Json by = author_of(ask, of);
  by.set("at", to_iso8601(parts_.clock.now()));
  return by;
}

Answer RecordService::notes(const Ask& ask) {
  return list(ask, RecordKind::note, "session.read", &note_json);
}

Answer RecordService::write_note(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"kind", "template", "content", "sections", "diagnoses", "status"});
  const std::string template_id = fields.text("template", kMaxSectionName);
  const Json& of_template = languages_.note_template(template_id);
  if (!template_id.empty() && of_template.is_null())
    fields.wrong("template", "it must be one of soap, follow_up, emergency, mental_health, free");
  const std::string kind = fields.word("kind", {"soap", "progress", "follow_up", "free"},
                                       of_template.string_or("kind", "free"));
  const std::string content = fields.text("content");
  const Json sections = read_sections(fields, ask.body, of_template);
  const std::string status = fields.word("status", {"draft", "final"});
  if (fields.good() && !has_text(content, sections))
    fields.wrong("content", "a note needs content or sections");
  if (const Json unsigned_diagnoses = read_diagnoses(fields, ask.body, Json()); !fields.good())
    return fields.done().error();
  RABT_TRY(of, parts_.sessions.membership(ask));
  RABT_TRY(allowed, may_write(ask, of, RecordKind::note));
  const Json diagnoses = read_diagnoses(fields, ask.body, signed_by(ask, of));
  RABT_TRY_STATUS(may_diagnose(ask, of, diagnoses));
  const Result<access::Allowed> finishes = may(access::Right::note_finish, ask, of);
  const bool drafts_only = !finishes.ok();
  if (drafts_only && status == "final") return finishes.error();
  RABT_TRY_STATUS(open_or_again(ask, of));

  RecordAct act{.record = fresh(ask, of, RecordKind::note), .also = {}};
  act.record.state = status.empty() ? (drafts_only ? "draft" : "final") : status;
  Json& document = act.record.document;
  document.set("kind", kind);
  if (!template_id.empty()) document.set("template", template_id);
  document.set("content", content);
  document.set("sections", sections);
  document.set("diagnoses", diagnoses);
  document.set("addenda", Json::array());
  if (act.record.state == "final") document.set("finalBy", signed_by(ask, of));
  const Json told =
      Json::object({{"note", act.record.id}, {"kind", kind}, {"status", act.record.state}});
  act.acts.emplace_back("note.written", told);
  act.events.emplace_back("note-written", told);
  act.shape = &note_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return note_json(act.record);
}

Answer RecordService::change_note(const Ask& ask) {
  if (!ask.version && ask.caller.manner.names_version) {
    return conflict("precondition.required",
                    "send If-Match with the ETag of the note as you read it");
  }
  RABT_TRY(found, find(ask, RecordKind::note));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(ask, of, RecordKind::note));
  Record record = std::move(found.record);
  Fields fields(ask.body);
  fields.only({"content", "sections", "diagnoses", "status"});
  const Json& of_template = languages_.note_template(record.document.string_or("template", ""));
  const std::string content = fields.text("content");
  const Json sections = read_sections(fields, ask.body, of_template);
  const std::string status = fields.word("status", {"draft", "final"}, "draft");
  const Json diagnoses = read_diagnoses(fields, ask.body, signed_by(ask, of));
  RABT_TRY_STATUS(fields.done());
  RABT_TRY_STATUS(may_diagnose(ask, of, diagnoses));
  const bool own = record.author == of.participant;
  if (!own && !is_doctor(of))
    return denied("authorisation.denied", "only its author or the doctor changes a draft");
  if (status == "final") RABT_TRY_STATUS(may(access::Right::note_finish, ask, of));
  RABT_TRY_STATUS(not_over(of));
  if (record.state != "draft") {
    return conflict("note.final",
                    "the note is " + record.state + "; only a draft is changed, add an addendum");
  }
  if (ask.version && *ask.version != record.version)
    return conflict("precondition.failed", "the note has changed since you read it");

  if (fields.has("content")) record.document.set("content", content);
  if (fields.has("sections")) record.document.set("sections", sections);
  if (fields.has("diagnoses")) record.document.set("diagnoses", diagnoses);
  if (!has_text(record.document["content"], record.document["sections"]))
    return invalid("api.invalid", "content: a note needs content or sections");
  record.state = status;
  if (status == "final") record.document.set("finalBy", signed_by(ask, of));
  record.updated_ms = parts_.clock.now().ms;
  ++record.version;
  RecordAct act{.record = std::move(record), .replaces = true, .also = {}};
  const Json told = Json::object(
      {{"note", act.record.id}, {"version", act.record.version}, {"status", act.record.state}});
  act.acts.emplace_back("note.written", told);
  act.events.emplace_back("note-written", told);
  act.shape = &note_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return note_json(act.record);
}

Answer RecordService::add_addendum(const Ask& ask) {
  Fields fields(ask.body);
  fields.only({"text", "diagnoses"});
  const std::string text = fields.needed_text("text");
  if (const Json unsigned_diagnoses = read_diagnoses(fields, ask.body, Json()); !fields.good())
    return fields.done().error();
  RABT_TRY(found, find(ask, RecordKind::note));
  const Membership& of = found.of;
  RABT_TRY(allowed, may_write(ask, of, RecordKind::note));
  const Json diagnoses = read_diagnoses(fields, ask.body, signed_by(ask, of));
  RABT_TRY_STATUS(may_diagnose(ask, of, diagnoses));
  Record record = std::move(found.record);
  if (record.author != of.participant && !is_doctor(of))
    return denied("authorisation.denied", "only its author or the doctor adds to a note");
  if (record.state == "draft")
    return conflict("note.draft", "the note is draft; an addendum needs final or amended");
  const Timestamp now = parts_.clock.now();
  Json addenda = record.document["addenda"];
  if (addenda.size() >= limits::kMaxNoteAddenda)
    return conflict("record.limit", "a note has at most 100 addenda");
  Json addendum =
      Json::object({{"author", author_of(ask, of)}, {"at", to_iso8601(now)}, {"text", text}});
  // Diagnoses in an addendum replace those of the note.
  if (diagnoses.size() > 0) addendum.set("diagnoses", diagnoses);
  addenda.push_back(std::move(addendum));
  record.document.set("addenda", addenda);
  record.state = "amended";
  record.updated_ms = now.ms;
  ++record.version;
  // Allowed after the end, too.
  RecordAct act{.record = std::move(record), .replaces = true, .while_open = false, .also = {}};
  const Json told = Json::object({{"note", act.record.id}, {"addendum", addenda.size()}});
  act.acts.emplace_back("note.written", told);
  act.events.emplace_back("note-written", told);
  act.shape = &note_json;
  RABT_TRY_STATUS(book_.commit(allowed, ask, of, parts_.sessions, act));
  return note_json(act.record);
}

}  // namespace rabt::consultation
