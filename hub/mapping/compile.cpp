#include <algorithm>
#include <array>

#include "hub/base/suggest.hpp"
#include "hub/mapping/functions.hpp"
#include "hub/mapping/limits.hpp"
#include "hub/mapping/model.hpp"
#include "hub/workflow/cron.hpp"
#include "hub/workflow/parse/parser.hpp"
#include "hub/workflow/schema.hpp"
#include "hub/workflow/yaml/yaml.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"
#include "rabt/charset.hpp"

// From the text of a mapping file to its model, with every mistake at its place.
namespace rabt::mapping {

using workflow::Diagnostic;
using workflow::Severity;
using workflow::YamlEntry;
using workflow::YamlNode;
using Kind = YamlNode::Kind;

namespace {

constexpr std::string_view kHubEvents = "org.rabt.hub.";
constexpr std::array<std::pair<std::string_view, Format>, 6> kFormats{{{"json", Format::json},
                                                                       {"xml", Format::xml},
                                                                       {"csv", Format::csv},
                                                                       {"hl7v2", Format::hl7v2},
                                                                       {"form", Format::form},
                                                                       {"fhir", Format::fhir}}};

// Letters, digits, dots, hyphens and underscores, with a dot: org.example.result.v1.
bool is_type(std::string_view text) {
  const auto good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= 200 && text.find('.') != std::string_view::npos &&
         std::all_of(text.begin(), text.end(), good);
}

class Compiler {
 public:
  explicit Compiler(const SourceFiles& files) : files_(files) {}

  Mapping::Outcome run() {
    Mapping::Outcome out;
    const auto parsed = workflow::parse_yaml(files_.text);
    model_ = std::make_shared<Mapping::Model>();
    if (parsed.root == nullptr) {
      error(parsed.fault.line, parsed.fault.column, parsed.fault.message, parsed.fault.suggestion);
    } else if (parsed.root->kind != Kind::mapping) {
      error(1, 1, "a mapping file is a mapping of keys: mapping, format, rules, ...");
    } else {
      model_->name = files_.name;
      read(*parsed.root);
    }
    out.diagnostics = std::move(diagnostics_);
    if (!failed_) out.mapping = std::make_shared<const Mapping>(std::move(model_));
    return out;
  }

 private:
  void error(int line, int column, std::string message, std::string suggestion = {}) {
    failed_ = true;
    diagnostics_.push_back(
        {Severity::error, "mapping.file", std::move(message), std::move(suggestion), line, column});
  }
  void error(const YamlNode& at, std::string message, std::string suggestion = {}) {
    error(at.line, at.column, std::move(message), std::move(suggestion));
  }

  void only(const YamlNode& node, std::initializer_list<std::string_view> keys) {
    const std::vector<std::string> names(keys.begin(), keys.end());
    for (const YamlEntry& entry : node.entries) {
      if (std::find(names.begin(), names.end(), entry.key) != names.end()) continue;
      const std::string near = did_you_mean(entry.key, names);
      error(entry.line, entry.column, "unknown key `" + entry.key + "`",
            near.empty() ? "known are " + listed(names) : near);
    }
  }
  const YamlNode* at(const YamlNode& node, std::string_view key) {
    const YamlEntry* entry = node.find(key);
    return entry == nullptr ? nullptr : entry->value.get();
  }
  std::string text(const YamlNode& node, std::string_view key) {
    const YamlNode* value = at(node, key);
    if (value == nullptr) return {};
    if (value->is_text()) return value->text();
    error(*value, "`" + std::string(key) + "` must be a text");
    return {};
  }
  std::vector<std::string> texts(const YamlNode& node, std::string_view key) {
    std::vector<std::string> out;
    const YamlNode* value = at(node, key);
    if (value == nullptr) return out;
    if (value->kind != Kind::sequence) {
      error(*value, "`" + std::string(key) + "` must be a list of texts");
      return out;
    }
    for (const auto& item : value->items) {
      if (item->is_text()) {
        out.push_back(item->text());
      } else {
        error(*item, "this must be a text");
      }
    }
    return out;
  }
  const YamlNode* section(const YamlNode& node, std::string_view key) {
    const YamlNode* value = at(node, key);
    if (value == nullptr || value->kind == Kind::mapping) return value;
    error(*value, "`" + std::string(key) + "` must be a mapping");
    return nullptr;
  }

  void read(const YamlNode& root) {
    only(root, {"mapping",    "title", "format", "charset", "separator", "columns", "lists",
                "namespaces", "zone",  "schema", "maps",    "id",        "each",    "key",
                "version",    "rules", "answer", "events",  "samples",   "unread"});
    const YamlNode* version = at(root, "mapping");
    if (version == nullptr || version->scalar.as_int64() != 1)
      error(version == nullptr ? root : *version,
            "a mapping file begins with `mapping: 1`, the version of its form");
    (void)text(root, "title");
    read_format(root);
    read_zone(root);
    read_maps(root);
    functions_ = functions(std::make_shared<const CodeMaps>(std::move(maps_)), model_->zone);
    read_schema(root);
    model_->id = expression(root, "id", "id");
    model_->each = expression(root, "each", "each");
    model_->key = expression(root, "key", "key");
    model_->version = expression(root, "version", "version");
    read_events(root);
    read_rules(root);
    read_answer(root);
    read_samples(root);
    model_->unread = texts(root, "unread");
  }

  void read_format(const YamlNode& root) {
    Reading& reading = model_->reading;
    const std::string name = text(root, "format");
    const auto* found = std::find_if(kFormats.begin(), kFormats.end(),
                                     [&](const auto& one) { return one.first == name; });
    if (found == kFormats.end()) {
      const YamlNode* value = at(root, "format");
      error(value == nullptr ? root : *value,
            "`format` must be json, xml, csv, hl7v2, form or fhir");
      return;
    }
    reading.format = found->second;
    if (std::string charset = text(root, "charset"); !charset.empty()) {
      if (sdk::charset_of(charset).empty())
        error(*at(root, "charset"),
              "this character set is not known; use UTF-8, ASCII, ISO-8859-1, ISO-8859-6, "
              "windows-1256 or windows-1252");
      if (reading.format == Format::json || reading.format == Format::fhir)
        error(*at(root, "charset"), "JSON is always UTF-8; leave `charset` out");
      reading.charset = std::move(charset);
    }
    const auto belongs = [&](std::string_view key, Format format) {
      const YamlNode* value = at(root, key);
      if (value != nullptr && reading.format != format)
        error(*value, "`" + std::string(key) + "` does not belong to this format");
    };
    for (const char* key : {"separator", "columns"}) belongs(key, Format::csv);
    for (const char* key : {"lists", "namespaces"}) belongs(key, Format::xml);
    if (const std::string separator = text(root, "separator"); !separator.empty()) {
      if (separator.size() != 1 || separator == "\"" || separator == "\n" || separator == "\r")
        error(*at(root, "separator"), "a separator is one ASCII character, such as \";\"");
      reading.separator = separator.front();
    }
    reading.columns = texts(root, "columns");
    reading.lists = texts(root, "lists");
    if (const YamlNode* spaces = section(root, "namespaces")) {
      for (const YamlEntry& entry : spaces->entries) {
        if (entry.value->is_text()) {
          reading.namespaces.emplace(entry.value->text(), entry.key);
        } else {
          error(*entry.value, "a namespace is a URI");
        }
      }
    }
  }

  void read_zone(const YamlNode& root) {
    model_->zone = text(root, "zone");
    if (!model_->zone.empty() && !workflow::is_time_zone(model_->zone))
      error(*at(root, "zone"), "this zone is not known; name one as Asia/Riyadh");
  }

  void read_maps(const YamlNode& root) {
    const YamlNode* maps = section(root, "maps");
    if (maps == nullptr) return;
    for (const YamlEntry& entry : maps->entries) {
      if (!entry.value->is_text()) {
        error(*entry.value, "a code map is the path of a CSV file");
        continue;
      }
      const auto part = files_.parts.find(entry.value->text());
      if (part == files_.parts.end()) {
        error(*entry.value, "this file was not read");
        continue;
      }
      auto map = CodeMap::read(part->second);
      if (map.ok()) {
        maps_.emplace(entry.key, *std::move(map));
      } else {
        error(*entry.value, "code map `" + entry.key + "`: " + map.error().message);
      }
    }
  }

  std::optional<Schema> schema_of(const YamlNode& node) {
    return workflow::compile_schema(node, [this](int line, int column, const std::string&,
                                                 std::string message, std::string suggestion) {
      error(line, column, std::move(message), std::move(suggestion));
    });
  }

  void read_schema(const YamlNode& root) {
    const YamlNode* node = at(root, "schema");
    if (node == nullptr) return;
    model_->schema_line = node->line;
    if (!node->is_text()) {
      model_->schema = schema_of(*node);
      return;
    }
    const auto part = files_.parts.find(node->text());
    if (part == files_.parts.end()) return error(*node, "this file was not read");
    const auto parsed = workflow::parse_yaml(part->second);
    if (parsed.root == nullptr)
      return error(*node, "the schema cannot be read: " + parsed.fault.message);
    model_->schema = workflow::compile_schema(
        *parsed.root, [&](int line, int column, const std::string&, const std::string& message,
                          std::string suggestion) {
          error(*node,
                "line " + std::to_string(line) + ", column " + std::to_string(column) +
                    " of the schema: " + message,
                std::move(suggestion));
        });
  }

  std::optional<Expr> expression(const YamlNode& node, std::string_view key,
                                 const std::string& place) {
    const YamlNode* value = at(node, key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_text() ||
        workflow::enclosed(value->text()).kind != workflow::Enclosed::Kind::expression) {
      error(*value, "`" + std::string(key) + "` is an expression: write ${ ... }");
      return std::nullopt;
    }
    return compile(*value, place);
  }

  // node: a text that encloses an expression.
  std::optional<Expr> compile(const YamlNode& node, const std::string& place) {
    const workflow::Enclosed inside = workflow::enclosed(node.text());
    auto outcome = workflow::Expression::compile(inside.inside, kVariables, functions_);
    if (outcome.expression) return Expr{*std::move(outcome.expression), node.line, place};
    workflow::TextPlace where{node.line, node.column};
    if (const auto offsets = workflow::scalar_offsets(files_.text, node)) {
      const std::size_t offset =
          std::min(inside.offset + outcome.fault.offset, offsets->size() - 1);
      where = workflow::LineIndex(files_.text).at((*offsets)[offset]);
    }
    error(where.line, where.column, place + ": " + outcome.fault.message);
    return std::nullopt;
  }

  Shape shape(const YamlNode& node, const std::string& place) {
    Shape out;
    if (node.kind == Kind::mapping) {
      out.kind = Shape::Kind::object;
      for (const YamlEntry& entry : node.entries) {
        out.keys.push_back(entry.key);
        out.items.push_back(shape(*entry.value, place + "." + entry.key));
      }
      return out;
    }
    if (node.kind == Kind::sequence) {
      out.kind = Shape::Kind::array;
      for (const auto& item : node.items)
        out.items.push_back(shape(*item, place + "[" + std::to_string(out.items.size()) + "]"));
      return out;
    }
    if (node.is_text()) {
      const auto kind = workflow::enclosed(node.text()).kind;
      if (kind == workflow::Enclosed::Kind::expression) {
        out.kind = Shape::Kind::expression;
        out.expression = compile(node, place);
        return out;
      }
      if (kind != workflow::Enclosed::Kind::literal)
        error(node, "an expression is the whole value: write ${ ... } around all of it");
    }
    out.constant = workflow::to_json(node);
    return out;
  }

  void read_rules(const YamlNode& root) {
    const YamlNode* rules = at(root, "rules");
    if (rules == nullptr || rules->kind != Kind::sequence || rules->items.empty()) {
      error(rules == nullptr ? root : *rules, "`rules` must be a list with at least one rule");
      return;
    }
    if (rules->items.size() > limits::kMaxMappingRules)
      error(*rules, "more than " + std::to_string(limits::kMaxMappingRules) + " rules");
    for (const auto& item : rules->items) {
      if (item->kind != Kind::mapping) {
        error(*item, "a rule is a mapping: when, type, data");
        continue;
      }
      read_rule(*item);
    }
  }

  void read_rule(const YamlNode& node) {
    only(node, {"name", "when", "ignore", "each", "type", "subject", "data"});
    Rule& rule = model_->rules.emplace_back();
    rule.line = node.line;
    const std::string name = text(node, "name");
    const std::string place =
        name.empty() ? "rule " + std::to_string(model_->rules.size()) : "rule `" + name + "`";
    rule.when = expression(node, "when", place + ", when");
    if (const YamlNode* ignore = at(node, "ignore")) {
      rule.ignore = ignore->kind == Kind::boolean && ignore->scalar.as_bool();
      if (!rule.ignore) error(*ignore, "`ignore` is true, or left out");
      for (const char* key : {"each", "type", "subject", "data"}) {
        if (const YamlNode* more = at(node, key))
          error(*more, "a rule that ignores has no `" + std::string(key) + "`");
      }
      return;
    }
    rule.each = expression(node, "each", place + ", each");
    rule.subject = expression(node, "subject", place + ", subject");
    rule.type = text(node, "type");
    const YamlNode* type = at(node, "type");
    if (!is_type(rule.type)) {
      error(type == nullptr ? node : *type,
            "a rule needs the `type` of its event, such as org.rabt.appointment.booked.v1");
    } else if (rule.type.starts_with(kHubEvents)) {
      error(*type, "events of the type org.rabt.hub.* are the hub's own; no mapping gives them");
    } else if (!model_->events.contains(rule.type)) {
      std::vector<std::string> types;
      for (const auto& [name_of, schema] : model_->events) types.push_back(name_of);
      const std::string near = did_you_mean(rule.type, types);
      error(*type, "no event of this type is declared",
            near.empty() ? "declare it under `events`, or use " + listed(types) : near);
    }
    const YamlNode* data = at(node, "data");
    if (data == nullptr) {
      error(node, "a rule needs `data`, which the event carries");
      return;
    }
    rule.data = shape(*data, place + ", data");
  }

  void read_answer(const YamlNode& root) {
    const YamlNode* answer = section(root, "answer");
    if (answer == nullptr) return;
    if (model_->reading.format == Format::hl7v2)
      error(*answer,
            "messages of HL7 v2 are acknowledged as the standard says; leave `answer` out");
    only(*answer, {"content_type", "accepted", "refused", "conflict", "failed"});
    for (const YamlEntry& entry : answer->entries)
      model_->answer.insert_or_assign(entry.key, text(*answer, entry.key));
    if (model_->answer["content_type"].empty())
      error(*answer, "`answer` needs `content_type`, such as application/json");
  }

  void read_events(const YamlNode& root) {
    for (const auto& [type, shape] : shared_shapes()) {
      auto schema = Schema::compile(shape);
      RABT_CHECK(schema.ok());
      model_->events.emplace(type, *std::move(schema));
    }
    const YamlNode* events = at(root, "events");
    if (events == nullptr) return;
    if (events->kind != Kind::sequence) return error(*events, "`events` must be a list");
    for (const auto& item : events->items) {
      if (item->kind != Kind::mapping) {
        error(*item, "an event is a mapping: type, schema");
        continue;
      }
      only(*item, {"type", "schema"});
      const std::string type = text(*item, "type");
      if (!is_type(type) || type.starts_with("org.rabt.")) {
        error(*item, "an event of your own has a `type` of your own, such as sa.example.result.v1");
        continue;
      }
      workflow::EventInfo info{.type = type, .data_schema = {}};
      const YamlNode* schema = at(*item, "schema");
      if (schema == nullptr) {
        error(*item, "an event needs a `schema`, which marks patient data with x-phi");
      } else if (auto compiled = schema_of(*schema)) {
        info.data_schema = workflow::to_json(*schema);
        if (!model_->events.emplace(type, *std::move(compiled)).second)
          error(*item, "this type is declared already");
      }
      model_->declared.push_back(std::move(info));
    }
  }

  void read_samples(const YamlNode& root) {
    const YamlNode* samples = at(root, "samples");
    if (samples == nullptr) return;
    if (samples->kind != Kind::sequence) return error(*samples, "`samples` must be a list");
    for (const auto& item : samples->items) {
      if (item->kind != Kind::mapping || at(*item, "file") == nullptr) {
        error(*item, "a sample is a mapping: file, synthetic");
        continue;
      }
      only(*item, {"file", "synthetic"});
      const YamlNode* synthetic = at(*item, "synthetic");
      model_->samples.push_back({.file = text(*item, "file"),
                                 .synthetic = synthetic != nullptr &&
                                              synthetic->kind == Kind::boolean &&
                                              synthetic->scalar.as_bool()});
    }
  }

  const SourceFiles& files_;
  std::shared_ptr<Mapping::Model> model_;
  std::shared_ptr<const workflow::ExtraFunctions> functions_;
  CodeMaps maps_;
  std::vector<Diagnostic> diagnostics_;
  bool failed_ = false;
};

}  // namespace

Mapping::Outcome Mapping::compile(const SourceFiles& files) {
  return Compiler(files).run();
}

Result<std::shared_ptr<const Mapping>> load(const SourceFiles& files) {
  Mapping::Outcome outcome = Mapping::compile(files);
  if (outcome.mapping != nullptr) return std::move(outcome.mapping);
  std::string message;
  for (const Diagnostic& diagnostic : outcome.diagnostics)
    message += (message.empty() ? "" : "\n") + to_string(diagnostic, files.name);
  return invalid("mapping.file", message);
}

const Reading& Mapping::reading() const {
  return model_->reading;
}
const std::vector<Sample>& Mapping::samples() const {
  return model_->samples;
}
const std::vector<workflow::EventInfo>& Mapping::declared() const {
  return model_->declared;
}
const std::vector<std::string>& Mapping::unread() const {
  return model_->unread;
}
std::set<std::string> Mapping::phi_places() const {
  return model_->schema ? model_->schema->phi_places() : std::set<std::string>();
}
}  // namespace rabt::mapping
