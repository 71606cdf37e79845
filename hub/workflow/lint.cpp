#include <algorithm>
#include <cctype>

#include "hub/workflow/parser.hpp"
#include "hub/base/suggest.hpp"

// Checks that need more than one place of the file.
namespace rabt::workflow {

namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  return text;
}

// The keys of `$context + { a: ..., b }` or `{ a: ... }`. false: the text has another form, so
// nothing is known.
bool object_keys(std::string_view text, std::set<std::string>& keys) {
  text = trim(text);
  if (text.starts_with("$context")) {
    text = trim(text.substr(8));
    if (text.empty()) return true;
    if (text[0] != '+') return false;
    text = trim(text.substr(1));
  }
  if (!text.starts_with('{') || !text.ends_with('}')) return false;
  int depth = 0;
  bool in_text = false;
  bool expects_key = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
      continue;
    }
    if (expects_key && depth == 1 && is_word(c)) {
      std::size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      keys.insert(std::string(text.substr(i, end - i)));
      i = end - 1;
      expects_key = false;
    } else if (expects_key && depth == 1 && c == '"') {
      const std::size_t end = text.find('"', i + 1);
      if (end == std::string_view::npos) return false;
      keys.insert(std::string(text.substr(i + 1, end - i - 1)));
      i = end;
      expects_key = false;
    } else if (expects_key && depth == 1 && c == '(') {
      return false;  // a computed key
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{' || c == '[' || c == '(') {
      ++depth;
      if (depth == 1) expects_key = true;
    } else if (c == '}' || c == ']' || c == ')') {
      --depth;
      if (depth == 0 && i + 1 != text.size()) return false;  // `{...} | ...` and the like
    } else if (c == ',' && depth == 1) {
      expects_key = true;
    }
  }
  return true;
}

}  // namespace

void Parser::check_reachable(const TaskList& list, const YamlNode& node) {
  const std::size_t count = list.tasks.size();
  std::vector<bool> reached(count + 1, false);
  std::vector<std::size_t> open = {0};
  const auto visit = [&](std::size_t index) {
    if (index < count && !reached[index]) {
      reached[index] = true;
      open.push_back(index);
    }
  };
  reached[0] = true;
  while (!open.empty()) {
    const std::size_t index = open.back();
    open.pop_back();
    const Task& task = *list.tasks[index];
    const auto follow = [&](const Then& then) {
      if (then.kind == Then::Kind::next) visit(index + 1);
      if (then.kind == Then::Kind::jump) visit(then.target);
    };
    if (task.condition.has_value()) visit(index + 1);  // skipped: `then` is ignored
    if (task.kind() == TaskKind::raise) continue;
    bool falls_through = true;
    if (const auto* body = std::get_if<SwitchBody>(&task.body)) {
      for (const SwitchCase& one : body->cases) {
        follow(one.then);
        if (!one.when.has_value()) falls_through = false;
      }
    }
    if (const auto* body = std::get_if<TryBody>(&task.body); body != nullptr && body->then)
      follow(*body->then);
    if (falls_through) follow(task.then);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (reached[i] || i >= node.items.size()) continue;
    const YamlEntry& entry = node.items[i]->entries.front();
    warning(entry.line, entry.column, "workflow.unreachable_task",
            "task `" + entry.key + "` is never reached",
            "the task before it jumps or raises: let a `then` lead here, or remove it");
  }
}

void Parser::note_export(const YamlNode& as, const YamlNode& task_node) {
  if (as.kind == YamlNode::Kind::mapping) {
    for (const YamlEntry& entry : as.entries) written_.insert(entry.key);
    return;
  }
  if (!as.is_text()) {
    writes_unknown_ = true;
    return;
  }
  const auto inside = [](const std::string& text) {
    const Enclosed found = enclosed(text);
    return trim(found.kind == Enclosed::Kind::expression ? found.inside : std::string_view(text));
  };
  std::string_view text = inside(as.text());
  const YamlEntry* set = task_node.find("set");
  const bool whole_output = text == "$output" || text == ".";
  if (whole_output && set != nullptr && task_node.find("output") == nullptr) {
    if (set->value->kind == YamlNode::Kind::mapping) {
      for (const YamlEntry& entry : set->value->entries) written_.insert(entry.key);
      return;
    }
    if (set->value->is_text()) text = inside(set->value->text());
  }
  if (!object_keys(text, written_)) writes_unknown_ = true;
}

void Parser::check_context_keys() {
  if (writes_unknown_) return;
  const std::vector<std::string> known(written_.begin(), written_.end());
  for (const Read& read : reads_) {
    if (written_.contains(read.key)) continue;
    warning(read.line, read.column, "workflow.unwritten_context",
            "`$context." + read.key + "` is read, but no export writes it",
            did_you_mean(read.key, known));
  }
}

void Parser::check_recursion() {
  // Depth-first with colours; the depth is at most the number of functions, which the task limit
  // bounds.
  std::map<std::string, int> colour;
  for (const auto& [start, unused] : functions_) {
    std::vector<std::pair<std::string, bool>> open = {{start, false}};
    while (!open.empty()) {
      const auto [name, leaving] = open.back();
      open.pop_back();
      if (leaving) {
        colour[name] = 2;
        continue;
      }
      if (colour[name] != 0) continue;
      colour[name] = 1;
      open.emplace_back(name, true);
      for (const std::string& used : functions_[name].uses) {
        if (colour[used] == 1) {
          error(*functions_[name].entry, "workflow.recursive_function",
                "function `" + name + "` calls `" + used + "`, which leads back to itself");
        } else if (colour[used] == 0) {
          open.emplace_back(used, false);
        }
      }
    }
  }
}

void Parser::check_retried_functions() {
  std::vector<std::string> open;
  std::set<std::string> seen;
  for (const auto& [name, function] : functions_) {
    if (function.called_in_retry) open.push_back(name);
  }
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    if (!seen.insert(name).second) continue;
    for (const auto& [call, title] : functions_[name].unsafe_calls) {
      const bool known =
          std::any_of(diagnostics_.begin(), diagnostics_.end(),
                      [&, line = call->value->line](const Diagnostic& d) {
                        return d.code == "workflow.retry_not_idempotent" && d.line == line;
                      });
      if (known) continue;
      warning(call->value->line, call->value->column, "workflow.retry_not_idempotent",
              "`" + title +
                  "` is retried by a caller of this function, but the plugin cannot tell a "
                  "repeated call from a "
                  "new one",
              "let a person decide, or make the action idempotent");
    }
    for (const std::string& used : functions_[name].uses) open.push_back(used);
  }
}

}  // namespace rabt::workflow
