#include "hub/workflow/lint/lint_report.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/uri.hpp"
#include "hub/base/utf8.hpp"
#include "hub/workflow/lint/lint_rules.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"

namespace rabt::workflow {

namespace {

// Characters of a line that are shown, and how many of them stand before the mark in a longer line.
constexpr std::size_t kMaxShown = 160;
constexpr std::size_t kBefore = 60;

// Bytes from one character's start to the next.
std::size_t character_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && continues_utf8(text[size])) ++size;
  return size;
}

// Text of a file must not control a terminal: C0 and C1 controls and directional marks become `?`.
std::string harmless(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    const std::string_view word = text.substr(0, size);
    const auto first = static_cast<unsigned char>(word[0]);
    const bool c0 = size == 1 && (first < 0x20 || first == 0x7F) && first != '\t';
    const bool c1 = size == 2 && first == 0xC2 && static_cast<unsigned char>(word[1]) < 0xA0;
    const bool direction = word == "\u200E" || word == "\u200F" || word == "\u202A" ||
                           word == "\u202B" || word == "\u202C" || word == "\u202D" ||
                           word == "\u202E" || word == "\u2066" || word == "\u2067" ||
                           word == "\u2068" || word == "\u2069";
    const bool broken = size == 1 && first >= 0x80;
    if (c0 || c1 || direction || broken) {
      out += '?';
    } else {
      out += word;
    }
    text.remove_prefix(size);
  }
  return out;
}

bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || is_alnum(c) || c == '_' || c == '-' || c == '$' || c == '@';
}

// Returns the number of characters of the word at the mark; they get `^~~~` below.
std::size_t word_length(const std::vector<std::string_view>& characters, std::size_t from) {
  std::size_t length = 0;
  while (from + length < characters.size() && is_word(characters[from + length][0])) ++length;
  return std::max<std::size_t>(length, 1);
}

std::string excerpt(const Diagnostic& diagnostic, const LineIndex& lines) {
  const std::string_view line = lines.line(diagnostic.line);
  std::vector<std::string_view> characters;
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t size = character_size(rest);
    characters.push_back(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  const std::size_t mark = static_cast<std::size_t>(std::max(diagnostic.column, 1)) - 1;
  std::size_t from = 0;
  if (characters.size() > kMaxShown && mark > kBefore) from = mark - kBefore;
  from = std::min(from, characters.size());
  const std::size_t to = std::min(characters.size(), from + kMaxShown);
  std::string shown = from > 0 ? "..." : "";
  std::string below = from > 0 ? "   " : "";
  for (std::size_t i = from; i < to; ++i) shown += harmless(characters[i]);
  if (to < characters.size()) shown += "...";
  for (std::size_t i = from; i < mark; ++i)
    below += i < characters.size() && characters[i] == "\t" ? '\t' : ' ';
  below += '^';
  const std::size_t length = std::min(word_length(characters, mark), to > mark ? to - mark : 1);
  below.append(length - 1, '~');
  const std::string number = std::to_string(diagnostic.line);
  const std::string margin(number.size(), ' ');
  return "  " + number + " | " + shown + "\n  " + margin + " | " + below + '\n';
}

// A path as a relative URI reference, or a file: URI.
std::string uri_of(const std::string& path) {
  return (path.starts_with('/') ? "file://" : "") + percent_encode(path, "/");
}

std::string_view level_of(Severity severity) {
  return to_string(severity);  // SARIF has the same three words
}

std::string message_of(const Diagnostic& diagnostic) {
  std::string out = diagnostic.message;
  if (!diagnostic.suggestion.empty()) out += " (" + diagnostic.suggestion + ')';
  return out;
}

// ---- SARIF ----

Json sarif_rule(const LintRule& rule) {
  const std::string page = lint_rule_page(rule.code);
  const std::string see = std::string(rule.remedy) + " See ";
  const Json help =
      Json::object({{"text", see + page + "."},
                    {"markdown", see + "[" + std::string(rule.code) + "](" + page + ")."}});
  return Json::object({{"id", rule.code},
                       {"shortDescription", Json::object({{"text", rule.title}})},
                       {"help", help},
                       {"defaultConfiguration", Json::object({{"level", level_of(rule.severity)}})},
                       {"properties", Json::object({{"page", page}})}});
}

// file: the artifact's uri and index. region: null stands for the whole file.
Json sarif_locations(const Json& file, const Json& region) {
  Json place = Json::object({{"artifactLocation", file}});
  if (!region.is_null()) place.set("region", region);
  return Json::array({Json::object({{"physicalLocation", std::move(place)}})});
}

Json sarif_result(const Diagnostic& diagnostic, const Json& file) {
  const LintRule* rule = find_lint_rule(diagnostic.code);
  const std::int64_t index = rule == nullptr ? -1 : rule - lint_rules().data();
  const Json region =
      Json::object({{"startLine", diagnostic.line}, {"startColumn", diagnostic.column}});
  return Json::object({{"ruleId", diagnostic.code},
                       {"ruleIndex", index},
                       {"level", level_of(diagnostic.severity)},
                       {"message", Json::object({{"text", message_of(diagnostic)}})},
                       {"locations", sarif_locations(file, region)}});
}

}  // namespace

std::string lint_text(const LintedFile& file) {
  if (!file.unreadable.empty())
    return harmless(file.path) + ": error: cannot be read: " + file.unreadable + '\n';
  std::string_view text = file.text;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const LineIndex lines(text);
  std::string out;
  for (const Diagnostic& diagnostic : file.diagnostics) {
    out += harmless(file.path) + ':' + std::to_string(diagnostic.line) + ':' +
           std::to_string(diagnostic.column) + ": " + std::string(to_string(diagnostic.severity)) +
           ": " + harmless(diagnostic.message) + " [" + diagnostic.code + "]\n";
    if (diagnostic.code != "workflow.secret_in_file") out += excerpt(diagnostic, lines);
    if (!diagnostic.suggestion.empty()) out += "  help: " + harmless(diagnostic.suggestion) + '\n';
  }
  return out;
}

Json lint_json(const std::vector<LintedFile>& files) {
  Json::Array out;
  for (const LintedFile& file : files) {
    if (!file.unreadable.empty()) {
      out.push_back(Json::object({{"file", file.path},
                                  {"line", 0},
                                  {"column", 0},
                                  {"severity", "error"},
                                  {"code", "unreadable"},
                                  {"message", file.unreadable}}));
    }
    for (const Diagnostic& diagnostic : file.diagnostics) {
      Json entry = Json::object({{"file", file.path},
                                 {"line", diagnostic.line},
                                 {"column", diagnostic.column},
                                 {"severity", to_string(diagnostic.severity)},
                                 {"code", diagnostic.code},
                                 {"message", diagnostic.message}});
      if (!diagnostic.suggestion.empty()) entry.set("suggestion", diagnostic.suggestion);
      out.push_back(std::move(entry));
    }
  }
  return Json(std::move(out));
}

Json lint_sarif(const std::vector<LintedFile>& files) {
  Json::Array rules;
  for (const LintRule& rule : lint_rules()) rules.push_back(sarif_rule(rule));
  Json::Array artifacts;
  Json::Array results;
  Json::Array notifications;
  for (const LintedFile& file : files) {
    const Json place = Json::object({{"uri", uri_of(file.path)}, {"index", artifacts.size()}});
    artifacts.push_back(Json::object(
        {{"location", Json::object({{"uri", uri_of(file.path)}})}, {"sourceLanguage", "yaml"}}));
    if (!file.unreadable.empty()) {
      const std::string text = file.path + " cannot be read: " + file.unreadable;
      notifications.push_back(Json::object({{"level", "error"},
                                            {"message", Json::object({{"text", text}})},
                                            {"locations", sarif_locations(place, Json())}}));
    }
    for (const Diagnostic& diagnostic : file.diagnostics)
      results.push_back(sarif_result(diagnostic, place));
  }
  Json invocation = Json::object({{"executionSuccessful", notifications.empty()}});
  if (!notifications.empty())
    invocation.set("toolExecutionNotifications", Json(std::move(notifications)));
  const Json driver = Json::object(
      {{"name", "rabt"}, {"fullName", "rabt workflow lint"}, {"rules", Json(std::move(rules))}});
  const Json run = Json::object({{"tool", Json::object({{"driver", driver}})},
                                 {"columnKind", "unicodeCodePoints"},
                                 {"invocations", Json::array({std::move(invocation)})},
                                 {"artifacts", Json(std::move(artifacts))},
                                 {"results", Json(std::move(results))}});
  return Json::object({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                       {"version", "2.1.0"},
                       {"runs", Json::array({run})}});
}

}  // namespace rabt::workflow
