#include <algorithm>

#include "hub/base/event_names.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/parse/parser.hpp"

// Checks that need more than one place of the file.
namespace rabt::workflow {

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
      for (const SwitchCase& switch_case : body->cases) {
        follow(switch_case.then);
        if (!switch_case.when.has_value()) falls_through = false;
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
  ObjectShape shape;
  if (as.kind == YamlNode::Kind::mapping) {
    for (const YamlEntry& entry : as.entries) shape.keys.insert(entry.key);
  } else if (as.is_text()) {
    shape = facts_.shape;
    const YamlEntry* set = task_node.find("set");
    if (shape.is_output) {
      shape.known = set != nullptr && task_node.find("output") == nullptr &&
                    set->value->kind == YamlNode::Kind::mapping;
      if (shape.known) {
        for (const YamlEntry& entry : set->value->entries) shape.keys.insert(entry.key);
      } else if (set != nullptr && task_node.find("output") == nullptr) {
        shape = set_shape_;
        shape.known = shape.known && !shape.is_output;
      }
    }
  } else {
    shape.known = false;
  }
  written_.insert(shape.keys.begin(), shape.keys.end());
  if (!shape.known) writes_unknown_ = true;
  exports_.push_back({&as, &task_node, std::move(shape)});
}

// The hub's own events are all known. Any other one may come from a source or another workflow: it
// is looked at only where it is nearly one that the hub or a plugin declares.
void Parser::check_event_types() {
  std::vector<std::string> own;
  for (const std::string& name : event_names()) own.push_back(event_type(name));
  std::vector<std::string> declared = own;
  if (catalog_ != nullptr) {
    for (const EventInfo& event : catalog_->events()) declared.push_back(event.type);
  }
  const auto among = [](const std::vector<std::string>& list, const std::string& type) {
    return std::find(list.begin(), list.end(), type) != list.end();
  };
  for (const auto& [node, type] : heard_) {
    if (among(declared, type) || among(emitted_, type)) continue;
    if (is_hub_type(type)) {
      error(*node, "workflow.event_unknown", "the hub tells no event `" + type + "`",
            did_you_mean(type, own));
      continue;
    }
    const std::string near = nearest(type, declared);
    // Types of one family have the most part of their letters in common.
    if (near.empty() || edit_distance(type, near) > 2) continue;
    warning(node->line, node->column, "workflow.event_unknown",
            "neither the hub nor a plugin declares an event `" + type + "`",
            "did you mean `" + near + "`?");
  }
}

void Parser::check_context_keys() {
  if (writes_unknown_) return;
  const std::vector<std::string> keys(written_.begin(), written_.end());
  for (const Read& read : reads_) {
    if (written_.contains(read.key)) continue;
    warning(read.line, read.column, "workflow.unwritten_context",
            "`$context." + read.key + "` is read, but no export writes it",
            did_you_mean(read.key, keys));
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
      const bool reported =
          std::any_of(diagnostics_.begin(), diagnostics_.end(),
                      [&, line = call->value->line](const Diagnostic& d) {
                        return d.code == "workflow.retry_not_idempotent" && d.line == line;
                      });
      if (reported) continue;
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

// ---- URIs of error types that are nearly standard ones ----

namespace {

constexpr std::size_t kMaxHost = 128;  // longer names are not compared: the distance is quadratic

bool near_standard_host(std::string_view host) {
  if (host.starts_with("www.")) host.remove_prefix(4);
  if (host.size() > kMaxHost) return false;
  if (host.find("serverlessworkflow") != std::string_view::npos ||
      host.find("serverless-workflow") != std::string_view::npos ||
      host.find("workflow-specification") != std::string_view::npos)
    return true;
  constexpr std::size_t kTypos = 3;
  return edit_distance(host, "open-workflow-specification.org") <= kTypos ||
         edit_distance(host, "serverlessworkflow.io") <= kTypos;
}

}  // namespace

void Parser::check_error_type(const YamlNode& node) {
  if (!node.is_text() || enclosed(node.text()).kind != Enclosed::Kind::literal) return;
  model_->error_types.insert(node.text());
  const std::vector<std::string>& names = standard_error_names();
  const auto refuse = [&](std::string message, const std::string& near) {
    error(node, "workflow.unknown_error_type", std::move(message),
          near.empty() ? std::string() : "did you mean `" + error_type(near) + "`?");
  };
  const std::string& text = node.text();
  if (const std::string_view name = standard_error_name(text); !name.empty()) {
    if (std::find(names.begin(), names.end(), name) == names.end())
      refuse("the specification has no error type `" + std::string(name) + "`",
             nearest(name, names));
    return;
  }
  const std::size_t scheme = text.find("://");
  if (scheme == std::string::npos) {
    if (text.find_first_of(":/") != std::string::npos) return;  // another URI, or a relative one
    refuse("`" + text + "` is not a URI, but an error's type must be one", nearest(text, names));
    return;
  }
  const std::string_view host =
      std::string_view(text).substr(scheme + 3).substr(0, text.find('/', scheme + 3) - scheme - 3);
  if (!near_standard_host(host)) return;
  const std::string_view last = std::string_view(text).substr(text.rfind('/') + 1);
  const std::string near = nearest(last, names);
  if (near.empty()) return;  // an error of the author's own under that host, as in the kit
  refuse("this looks like the URI of a standard error, but is not one", near);
}

}  // namespace rabt::workflow
