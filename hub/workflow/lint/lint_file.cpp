#include <algorithm>
#include <array>
#include <unordered_set>

#include "hub/base/clock.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/cloud_event.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/lint/task_tree.hpp"
#include "hub/workflow/parse/parser.hpp"

// Checks of the whole file, after it was read.
namespace rabt::workflow {

namespace {

constexpr std::int64_t kLongMs = 400 * kDayMs;  // nobody waits longer than a year on purpose

const YamlNode* child(const YamlNode* node, std::string_view key) {
  if (node == nullptr) return nullptr;
  const YamlEntry* entry = node->find(key);
  return entry == nullptr ? nullptr : entry->value.get();
}

// The length of a duration that is written out; nullopt for an expression or a mistake.
std::optional<std::int64_t> literal_ms(const YamlNode& node) {
  if (node.is_text()) {
    if (enclosed(node.text()).kind != Enclosed::Kind::literal) return std::nullopt;
    const Result<std::int64_t> parsed = parse_duration_ms(node.text());
    return parsed.ok() ? std::optional<std::int64_t>(*parsed) : std::nullopt;
  }
  if (node.kind != YamlNode::Kind::mapping || node.entries.empty()) return std::nullopt;
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {{
      {"days", kDayMs},
      {"hours", 3'600'000},
      {"minutes", 60'000},
      {"seconds", 1'000},
      {"milliseconds", 1},
  }};
  std::int64_t sum = 0;
  for (const YamlEntry& entry : node.entries) {
    const auto* unit = std::find_if(kUnits.begin(), kUnits.end(),
                                    [&](const auto& one) { return one.first == entry.key; });
    const std::optional<std::int64_t> amount = entry.value->scalar.as_int64();
    if (unit == kUnits.end() || !amount || *amount < 0 ||
        *amount > 3'200'000'000'000 / unit->second)
      return std::nullopt;
    sum += *amount * unit->second;
  }
  return sum;
}

// Names that `use: <name>` refers to, anywhere below a node.
void collect_uses(const YamlNode& node, std::set<std::string>& out) {
  for (const YamlPtr& item : node.items) collect_uses(*item, out);
  for (const YamlEntry& entry : node.entries) {
    if (entry.key == "use" && entry.value->is_text()) out.insert(entry.value->text());
    collect_uses(*entry.value, out);
  }
}

bool ends_in_raise(const YamlNode& list) {
  return list.kind == YamlNode::Kind::sequence && !list.items.empty() &&
         list.items.back()->entries.size() == 1 &&
         list.items.back()->entries.front().value->find("raise") != nullptr;
}

}  // namespace

void Parser::check_file(const YamlNode& root) {
  const TaskTree tree(root);
  check_values(root);
  check_secrets(root);
  check_times(root, tree);
  check_loops(tree);
  check_attributes(tree);
  check_event_types();
  if (failed_) return;  // a misspelt name would show up again as an unused one
  check_context_keys();
  check_replaced_context(tree);
  check_unused(root, tree);
  check_catches(tree);
  check_patient_data(tree);
}

void Parser::check_times(const YamlNode& root, const TaskTree& tree) {
  const auto check = [&](const YamlNode* node, std::string_view what, bool is_timeout) {
    if (node == nullptr) return;
    const std::optional<std::int64_t> ms = literal_ms(*node);
    if (!ms) return;
    if (is_timeout && *ms == 0) {
      warning(node->line, node->column, "workflow.zero_timeout",
              std::string(what) + " of zero is over before anything has begun",
              "give it a length, or leave the timeout out");
    } else if (*ms > kLongMs) {
      warning(node->line, node->column, "workflow.long_time",
              std::string(what) + " is longer than 400 days",
              "check the unit: PT5M are minutes, P5M months");
    }
  };
  check(child(child(&root, "timeout"), "after"), "a timeout", true);
  if (const YamlNode* named = child(child(&root, "use"), "timeouts")) {
    for (const YamlEntry& entry : named->entries)
      check(child(entry.value.get(), "after"), "a timeout", true);
  }
  tree.each([&](const TaskPlace& task) {
    const YamlNode* body = task.entry->value.get();
    check(child(child(body, "timeout"), "after"), "a timeout", true);
    check(child(body, "wait"), "this wait", false);
  });
}

void Parser::check_loops(const TaskTree& tree) {
  tree.each([&](const TaskPlace& task) {
    const YamlNode* in = child(child(task.entry->value.get(), "for"), "in");
    if (in == nullptr || in->is_text() || in->kind == YamlNode::Kind::sequence) return;
    error(*in, "workflow.type", "`for.in` must be a list, or an expression that gives one",
          "write in: ${ .items }");
  });
}

// Members with a fixed type: of emitted events (CloudEvents 1.0.2 section 3), of errors (RFC 7807)
// and of error filters.
void Parser::check_attributes(const TaskTree& tree) {
  const auto check = [&](const YamlNode* members, std::string_view where) {
    if (members == nullptr || members->kind != YamlNode::Kind::mapping) return;
    for (const YamlEntry& entry : members->entries) {
      const YamlNode& value = *entry.value;
      const bool expression =
          value.is_text() && enclosed(value.text()).kind != Enclosed::Kind::literal;
      if (entry.key == "data" || expression) continue;
      if (entry.key == "status") {
        if (value.is_text()) {
          error(value, "workflow.type",
                std::string(where) + ".status is a number: a text never equals it",
                "leave the quotes out");
        }
        continue;
      }
      constexpr std::array<std::string_view, 11> kTexts = {
          "type",    "title", "detail",          "instance",   "id",         "source",
          "subject", "time",  "datacontenttype", "dataschema", "specversion"};
      if (std::find(kTexts.begin(), kTexts.end(), entry.key) == kTexts.end() || value.is_text())
        continue;
      error(value, "workflow.type", std::string(where) + "." + entry.key + " must be a text",
            value.kind == YamlNode::Kind::number ? "put it in quotes" : "");
    }
  };
  tree.each([&](const TaskPlace& task) {
    const YamlNode* body = task.entry->value.get();
    const YamlNode* const emitted = child(child(child(body, "emit"), "event"), "with");
    check(emitted, "event");
    check_emitted(emitted);
    check(child(child(child(body, "catch"), "errors"), "with"), "errors.with");
  });
}

// An event that another system refuses is told at the file, where its attributes are written out.
void Parser::check_emitted(const YamlNode* attributes) {
  if (attributes == nullptr || attributes->kind != YamlNode::Kind::mapping) return;
  for (const YamlEntry& entry : attributes->entries) {
    const YamlNode& value = *entry.value;
    const bool literal = !value.is_text() || enclosed(value.text()).kind == Enclosed::Kind::literal;
    // check_attributes tells of a standard attribute that is no text; of an expression only the
    // name is known.
    if (is_standard_attribute(entry.key) && (!literal || !value.is_text())) continue;
    const std::string wrong = attribute_fault(entry.key, literal ? to_json(value) : Json(true));
    if (wrong.empty()) continue;
    error(entry, "workflow.value", "the event's attribute `" + entry.key + "` " + wrong,
          "see CloudEvents 1.0.2, section 3");
  }
  // A misspelt source is told as an unknown key.
  if (!failed_ && attributes->find("source") == nullptr) {
    warning(attributes->line, attributes->column, "workflow.event_source",
            "an emitted event has no `source`, which the DSL requires; the hub writes "
            "/namespace/name/version",
            "write a source, such as /clinic/visits");
  }
}

void Parser::check_unused(const YamlNode& root, const TaskTree& tree) {
  const YamlNode* use = child(&root, "use");
  if (use == nullptr) return;
  std::set<std::string> calls;
  std::set<std::string> roles;
  std::set<std::string> retries;
  std::set<std::string> timeouts;
  std::set<std::string> errors;
  std::set<std::string> used;
  const auto take = [](const YamlNode* node, std::set<std::string>& into) {
    if (node != nullptr && node->is_text()) into.insert(node->text());
  };
  take(child(&root, "timeout"), timeouts);
  tree.each([&](const TaskPlace& task) {
    const YamlNode* body = task.entry->value.get();
    take(child(body, "call"), calls);
    take(child(body, "timeout"), timeouts);
    take(child(child(body, "raise"), "error"), errors);
    take(child(child(body, "catch"), "retry"), retries);
    const YamlNode* metadata = child(child(child(body, "metadata"), "rabt"), "compensate");
    take(child(metadata, "call"), calls);
  });
  for (const std::string& name : calls) {
    if (const std::size_t at = name.rfind('@'); at != std::string::npos)
      roles.insert(name.substr(at + 1));
  }
  for (const YamlEntry& entry : root.entries) {
    if (entry.key != "use") collect_uses(*entry.value, used);
  }
  for (const YamlEntry& entry : use->entries) collect_uses(*entry.value, used);
  const auto check = [&](const char* key, const char* what, const std::set<std::string>& names) {
    const YamlNode* section = child(use, key);
    if (section == nullptr) return;
    for (const YamlEntry& entry : section->entries) {
      if (names.contains(entry.key)) continue;
      warning(entry.line, entry.column, "workflow.unused",
              std::string(what) + " `" + entry.key + "` is never used", "remove it");
    }
  };
  check("functions", "the function", calls);
  check("retries", "the retry policy", retries);
  check("timeouts", "the timeout", timeouts);
  check("errors", "the error", errors);
  check("catalogs", "the catalog", roles);
  check("authentications", "the authentication", used);
  const YamlNode* secrets = child(use, "secrets");
  if (secrets == nullptr || whole_secrets_) return;
  for (const YamlPtr& item : secrets->items) {
    if (!item->is_text() || used.contains(item->text()) || read_secrets_.contains(item->text()))
      continue;
    warning(item->line, item->column, "workflow.unused",
            "the secret `" + item->text() + "` is never used",
            "remove it: an execution is given only the secrets it needs");
  }
}

void Parser::check_catches(const TaskTree& tree) {
  // Errors that this file raises by itself, to compare error filters with.
  std::vector<std::string> raised;
  bool unknown_raises = false;
  const auto note = [&](const YamlNode* type) {
    if (type == nullptr) return;
    if (type->is_text() && enclosed(type->text()).kind == Enclosed::Kind::literal) {
      raised.push_back(type->text());
    } else {
      unknown_raises = true;
    }
  };
  for (const auto& [name, entry] : errors_) note(child(entry->value.get(), "type"));
  tree.each([&](const TaskPlace& task) {
    const YamlNode* body = task.entry->value.get();
    const YamlNode* error = child(child(body, "raise"), "error");
    if (error != nullptr && error->kind == YamlNode::Kind::mapping) note(child(error, "type"));
    if (error != nullptr && error->is_text() &&
        enclosed(error->text()).kind != Enclosed::Kind::literal)
      unknown_raises = true;
    if (child(body, "run") != nullptr) unknown_raises = true;
  });
  tree.each([&](const TaskPlace& task) {
    const YamlEntry* clause = task.find("catch");
    if (clause == nullptr) return;
    const YamlNode* handler = clause->value.get();
    const YamlNode* type = child(child(child(handler, "errors"), "with"), "type");
    if (type != nullptr && type->is_text() && !unknown_raises &&
        standard_error_name(type->text()).empty() &&
        std::find(raised.begin(), raised.end(), type->text()) == raised.end()) {
      warning(type->line, type->column, "workflow.unmatched_error",
              "nothing in this workflow raises an error of this type, so this catch never holds",
              did_you_mean(type->text(), raised));
    }
    const bool filtered = child(handler, "errors") != nullptr ||
                          child(handler, "when") != nullptr ||
                          child(handler, "exceptWhen") != nullptr;
    const YamlNode* body = child(handler, "do");
    if (filtered || child(handler, "retry") != nullptr) return;
    if (body != nullptr && ends_in_raise(*body)) return;
    this->note(clause->line, clause->column, "workflow.catch_all",
               "this catch takes every error, even mistakes in expressions, and goes on",
               "name the errors it is for with errors: {with: {type: ...}}, or raise again");
  });
}

void Parser::check_error_text(const ExpressionFacts& facts,
                              const std::function<TextPlace(std::size_t)>& place_of) {
  const std::vector<std::string>& names = standard_error_names();
  for (const auto& [text, offset] : facts.texts) {
    const std::string_view name = standard_error_name(text);
    if (name.empty()) continue;
    const TextPlace where = place_of(offset);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const std::string near = nearest(name, names);
      error(where.line, where.column, "workflow.unknown_error_type",
            "the specification has no error type `" + std::string(name) + "`",
            near.empty() ? std::string() : "did you mean `" + error_type(near) + "`?");
    } else if (text != error_type(name)) {
      warning(where.line, where.column, "workflow.error_type_alias",
              "this expression compares an error's type with an alias that the hub never writes",
              "compare with `" + error_type(name) + "`, or use errors.with, which knows aliases");
    }
  }
}

void Parser::check_values(const YamlNode& root) {
  std::unordered_set<const YamlNode*> seen;  // an anchor's node is looked at once
  std::vector<const YamlNode*> open = {&root};
  while (!open.empty()) {
    const YamlNode& node = *open.back();
    open.pop_back();
    if (!seen.insert(&node).second) continue;
    for (const YamlPtr& item : node.items) open.push_back(item.get());
    for (const YamlEntry& entry : node.entries) open.push_back(entry.value.get());
    if (node.kind != YamlNode::Kind::number) continue;
    std::string_view text = source_.substr(std::min(node.offset, source_.size()));
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    const std::string_view digits =
        text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
    if (digits.size() < 2 || digits[0] != '0' || text.substr(digits.size()).starts_with('.'))
      continue;
    warning(node.line, node.column, "yaml.leading_zero",
            "this number has a leading zero: it is decimal here, but octal in YAML 1.1",
            "quote it if it is a code; else drop the zero");
  }
}

}  // namespace rabt::workflow
