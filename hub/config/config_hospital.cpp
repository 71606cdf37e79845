#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "hub/config/config_reader.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/messages/texts.hpp"

// The section `hospital`: how messages and the page of an invitation name it, and the texts of
// messages, a file for each language. The section `clinic`: who comes in, and who may open the link
// of a visit.
namespace rabt::config {

namespace {

constexpr std::array<std::string_view, 2> kLanguages{"ar", "en"};
// Bounds of `clinic.adult_age`.
constexpr int kYoungestAdult = 12;
constexpr int kOldestChild = 25;

// A place that stays empty would make a message that nobody understands.
void check_places(Reader& reader, const YamlEntry& entry, const std::string& language,
                  const consultation::House& house) {
  const std::string& text = entry.value->text();
  if (const Status text_check = consultation::check_template(text); !text_check.ok())
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key + "`: " + std::string(text_check.error().message));
  const bool has_code = text.find("{code}") != std::string::npos;
  const bool of_code = entry.key == to_string(consultation::MessageKind::second_proof);
  if (has_code != of_code)
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key +
                       (of_code ? "` has no {code}, which it brings"
                                : "` has {code}, which `second_proof` alone has"));
  if (of_code && text.find("{link}") != std::string::npos)
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key + "` has {link}: who finds both in one message needs no proof");
  const bool of_tasks = entry.key == consultation::kTaskText;
  if (text.find("{count}") != std::string::npos && !of_tasks)
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key + "` has {count}, which `staff_tasks` alone has");
  if (text.find("{time}") != std::string::npos && of_tasks)
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key +
                       "` has {time}, and is about no visit; {count} is the number of "
                       "tasks that wait");
  if (text.find("{hospital}") != std::string::npos && !house.name.contains(language))
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key + "` has {hospital}, and `hospital.name." + language +
                       "` of the configuration is not set");
  if (text.find("{phone}") != std::string::npos && house.phone.empty())
    reader.mistake(entry.line, entry.column,
                   "`" + entry.key +
                       "` has {phone}, and `hospital.phone` of the configuration is "
                       "not set");
}

// One language. Mistakes have the place in this file.
Status read_texts(const std::string& path, const std::string& language,
                  consultation::House& house) {
  RABT_TRY(root, read_yaml(path, "the texts of messages"));
  Reader reader(path);
  if (!reader.mapping(*root, "the texts of messages")) return reader.end();
  std::vector<std::string_view> names;
  for (const auto& one : consultation::message_templates()) names.push_back(one.name);
  reader.only(*root, names);
  const auto take = [&](std::string_view name, bool needed) {
    std::string text;
    reader.text(*root, name, text, needed);
    if (const YamlEntry* const entry = root->find(name); entry != nullptr && !text.empty())
      check_places(reader, *entry, language, house);
    if (needed || !text.empty()) house.texts[language][std::string(name)] = std::move(text);
  };
  for (const auto& message_template : consultation::message_templates())
    take(message_template.name, message_template.needed);
  return reader.end();
}

}  // namespace

void read_hospital(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* const hospital = reader.section(root, "hospital");
  if (hospital == nullptr) return;
  reader.only(*hospital, {"name", "phone", "messages", "chart_pdf"});
  reader.text(*hospital, "phone", config.house.phone);
  reader.flag(*hospital, "chart_pdf", config.house.chart_pdf);
  if (const YamlNode* const name = reader.section(*hospital, "name"); name != nullptr) {
    reader.only(*name, {"ar", "en"});
    for (const std::string_view language : kLanguages) {
      std::string text;
      reader.text(*name, language, text);
      if (!text.empty()) config.house.name[std::string(language)] = text;
    }
  }
  const std::string& folder = config.messages;
  reader.path(*hospital, "messages", config.messages);
  if (folder.empty()) return;
  const YamlEntry& entry = *hospital->find("messages");
  for (const std::string_view language : kLanguages) {
    const Status read = read_texts(folder + "/" + std::string(language) + ".yaml",
                                   std::string(language), config.house);
    if (!read.ok()) reader.mistake(entry.line, entry.column, read.error().message);
  }
  auto& texts = config.house.texts;
  for (const auto& message_template : consultation::message_templates()) {
    const std::string text(message_template.name);
    if (!message_template.needed && texts["ar"].contains(text) != texts["en"].contains(text))
      reader.mistake(entry.line, entry.column,
                     "the text `" + text + "` stands in one of " + folder +
                         "/ar.yaml and en.yaml alone; write it in both languages, or in none");
  }
}

namespace {

void read_coverage_rule(Reader& reader, const YamlNode& coverage, std::string_view answer,
                        consultation::CoveragePolicy::Rule& out) {
  using consultation::CoveragePolicy;
  std::string rule;
  reader.choice(coverage, answer, std::span<const std::string_view>(CoveragePolicy::kWords), rule);
  const auto* const word =
      std::find(CoveragePolicy::kWords.begin(), CoveragePolicy::kWords.end(), rule);
  if (word != CoveragePolicy::kWords.end())
    out = static_cast<CoveragePolicy::Rule>(word - CoveragePolicy::kWords.begin());
}

}  // namespace

void read_clinic(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* const clinic = reader.section(root, "clinic");
  if (clinic == nullptr) return;
  reader.only(*clinic,
              {"adult_age", "booked_patients", "coverage", "second_proof", "task_messages"});
  reader.flag(*clinic, "task_messages", config.task_messages);
  const YamlEntry* const tells = clinic->find("task_messages");
  if (config.task_messages && !has_text(config.house, consultation::kTaskText))
    reader.mistake(tells->line, tells->column,
                   "`task_messages` needs the text `" + std::string(consultation::kTaskText) +
                       "` in ar.yaml and en.yaml of the folder that `hospital.messages` names");
  int adult_age = static_cast<int>(config.links.adult_age);
  reader.integer(*clinic, "adult_age", kYoungestAdult, kOldestChild, adult_age);
  config.links.adult_age = adult_age;
  std::string booked;
  reader.choice(*clinic, "booked_patients", {"link", "enter", "refuse"}, booked);
  using Booked = consultation::LinkSettings::Booked;
  if (booked == "enter") config.links.booked = Booked::enter;
  if (booked == "refuse") config.links.booked = Booked::refuse;
  if (const YamlNode* const coverage = reader.section(*clinic, "coverage"); coverage != nullptr) {
    reader.only(*coverage, {"not_eligible", "not_in_force", "unanswered"});
    read_coverage_rule(reader, *coverage, "not_eligible", config.coverage.not_eligible);
    read_coverage_rule(reader, *coverage, "not_in_force", config.coverage.not_in_force);
    read_coverage_rule(reader, *coverage, "unanswered", config.coverage.unanswered);
  }
  const YamlEntry* const proofs = clinic->find("second_proof");
  if (proofs == nullptr) return;
  std::vector<std::string> names;
  reader.texts(*clinic, "second_proof", names);
  consultation::LinkSettings& links = config.links;
  links.by_code = false;
  links.by_identity = false;
  for (const std::string& name : names) {
    if (name == "code") {
      links.by_code = true;
    } else if (name == "identity") {
      links.by_identity = true;
    } else if (name == "birth_date") {
      links.by_birth_date = true;
    } else {
      reader.mistake(
          proofs->line, proofs->column,
          "`second_proof`: `" + name + "` is no proof; proofs are code, identity and birth_date");
    }
  }
}

}  // namespace rabt::config
