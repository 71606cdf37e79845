#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/semver.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/parse/parser.hpp"

namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

const Names& kind_keys() {
  static const Names keys = {"call",   "do",   "set",   "switch", "for", "fork",
                             "listen", "emit", "raise", "run",    "try", "wait"};
  return keys;
}
// What a task of any kind may have.
const Names& common_keys() {
  static const Names keys = {"if", "input", "output", "export", "timeout", "then", "metadata"};
  return keys;
}

Names with(Names list, const Names& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

template <typename Map>
Names keys_of(const Map& map) {
  Names out;
  for (const auto& [key, value] : map) out.push_back(key);
  return out;
}

// Gives a variable another value for as long as it lives.
class Restored {
 public:
  Restored(const YamlNode*& variable, const YamlNode* value)
      : variable_(variable), before_(std::exchange(variable, value)) {}
  ~Restored() { variable_ = before_; }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  const YamlNode*& variable_;
  const YamlNode* before_;
};

std::string unsupported_call(std::string_view name) {
  if (name == "grpc" || name == "asyncapi" || name == "a2a" || name == "mcp")
    return "this profile calls plugins, HTTP and OpenAPI only";
  return {};
}

}  // namespace

// RFC 1123 label: lower-case letters, digits and `-`, at most 63.
bool is_label(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

// Labels with dots between: an action, or a capability such as video.session.create.
bool is_action(std::string_view text) {
  constexpr std::size_t kMaxName = 127;
  if (text.size() > kMaxName) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Names become parts of references such as /do/3/claim, so they may not hold what separates them.
bool is_task_name(std::string_view text) {
  constexpr std::size_t kMaxName = 100;
  return !text.empty() && text.size() <= kMaxName &&
         std::none_of(text.begin(), text.end(), [](char c) {
           return c == '/' || c == '~' || static_cast<unsigned char>(c) < 0x20;
         });
}

std::string_view to_string(TaskKind kind) {
  switch (kind) {
    case TaskKind::call:
    case TaskKind::function:
    case TaskKind::http:
      return "call";
    case TaskKind::do_:
      return "do";
    case TaskKind::set:
      return "set";
    case TaskKind::switch_:
      return "switch";
    case TaskKind::for_:
      return "for";
    case TaskKind::fork:
      return "fork";
    case TaskKind::listen:
      return "listen";
    case TaskKind::emit:
      return "emit";
    case TaskKind::raise:
      return "raise";
    case TaskKind::try_:
      return "try";
    case TaskKind::wait:
      return "wait";
    case TaskKind::run:
      return "run";
  }
  return "";
}

ParsedDefinition Parser::run(const YamlNode& root) {
  const Names known = {"document", "input",   "use",    "schedule",
                       "evaluate", "timeout", "output", "do"};
  if (check_mapping(root, "a workflow")) {
    check_keys(root, "the workflow", known, {"document", "do"}, root.line, root.column);
    model_->document = to_json(root);
    if (root.find("document") != nullptr) read_document(root);
    if (const YamlEntry* use = root.find("use")) read_use(*use->value);
    if (const YamlEntry* evaluate = root.find("evaluate")) {
      check_keys(*evaluate->value, "evaluate", {"language", "mode"}, {}, evaluate->line,
                 evaluate->column);
      if (const YamlEntry* language = evaluate->value->find("language");
          language != nullptr && to_json(*language->value) != Json("jq")) {
        error(*language->value, "workflow.not_supported", "the only expression language is jq");
      }
      if (const YamlEntry* mode = evaluate->value->find("mode");
          mode != nullptr && to_json(*mode->value) != Json("strict")) {
        error(*mode->value, "workflow.not_supported",
              "the only mode is strict: expressions are written ${ ... }");
      }
    }
    if (const YamlEntry* schedule = root.find("schedule")) read_schedule(*schedule);
    read_functions();
    read_extensions(root);
    read_body(root);
    check_recursion();
    check_retried_functions();
    check_file(root);
  }
  ParsedDefinition out;
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return a.line != b.line ? a.line < b.line : a.column < b.column;
                   });
  out.diagnostics = std::move(diagnostics_);
  if (!failed_) out.definition = std::make_shared<const Definition>(std::move(model_));
  return out;
}

void Parser::read_document(const YamlNode& root) {
  const YamlEntry& entry = *root.find("document");
  const YamlNode& node = *entry.value;
  check_keys(node, "document",
             {"dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"},
             {"dsl", "namespace", "name", "version"}, entry.line, entry.column);
  if (const YamlEntry* dsl = node.find("dsl")) {
    model_->dsl = text_of(*dsl, "document.dsl");
    if (!model_->dsl.empty()) {
      const std::string_view text = model_->dsl;
      if (!is_semver(text) || !text.starts_with("1.0.") ||
          text.find_first_not_of("0123456789", 4) != std::string_view::npos) {
        error(*dsl->value, "workflow.version",
              "dsl version `" + model_->dsl + "` is not supported: this hub reads 1.0.0 to 1.0.x",
              "write dsl: '1.0.3'");
      } else {
        dsl_patch_ = std::stoi(model_->dsl.substr(4));
      }
    }
  }
  const auto label = [&](const char* key, std::string& out) {
    const YamlEntry* found = node.find(key);
    if (found == nullptr) return;
    out = text_of(*found, std::string("document.") + key);
    if (!out.empty() && !is_label(out)) {
      error(*found->value, "workflow.value",
            std::string("document.") + key +
                " must be at most 63 lower-case letters, digits and `-`");
    }
  };
  label("namespace", model_->name_space);
  label("name", model_->name);
  if (const YamlEntry* version = node.find("version")) {
    model_->version = text_of(*version, "document.version");
    if (!model_->version.empty() && !is_semver(model_->version)) {
      error(*version->value, "workflow.value",
            "document.version must be a semantic version such as '1.0.0'");
    }
  }
  if (const YamlEntry* title = node.find("title"))
    model_->title = text_of(*title, "document.title");
  read_document_metadata(node);
}

void Parser::read_use(const YamlNode& use) {
  if (!check_keys(use, "use",
                  {"authentications", "catalogs", "errors", "extensions", "functions", "retries",
                   "secrets", "timeouts"},
                  {}, use.line, use.column)) {
    if (use.kind != YamlNode::Kind::mapping) return;
  }
  if (const YamlEntry* found = use.find("secrets")) read_secrets(*found);
  if (const YamlEntry* found = use.find("authentications")) read_authentications(*found);
  const auto collect = [&](const char* key, auto&& take) {
    const YamlEntry* found = use.find(key);
    if (found == nullptr || !check_mapping(*found->value, std::string("use.") + key)) return;
    for (const YamlEntry& entry : found->value->entries) take(entry);
  };
  collect("errors", [&](const YamlEntry& entry) { errors_[entry.key] = &entry; });
  collect("retries", [&](const YamlEntry& entry) { retries_[entry.key] = &entry; });
  collect("timeouts", [&](const YamlEntry& entry) { timeouts_[entry.key] = &entry; });
  collect("functions", [&](const YamlEntry& entry) {
    if (!is_task_name(entry.key) || entry.key.find('@') != std::string::npos ||
        entry.key.find(':') != std::string::npos) {
      error(entry, "workflow.value", "a function's name may not hold `/`, `~`, `:` or `@`");
    }
    FunctionEntry function;
    function.entry = &entry;
    function.index = functions_.size();
    functions_.emplace(entry.key, std::move(function));
  });
  collect("catalogs", [&](const YamlEntry& entry) {
    if (!check_keys(*entry.value, "a catalog", {"endpoint"}, {"endpoint"}, entry.line,
                    entry.column))
      return;
    const YamlEntry& endpoint = *entry.value->find("endpoint");
    const YamlEntry* uri = &endpoint;
    if (!endpoint.value->is_text()) {
      if (!check_keys(*endpoint.value, "an endpoint", {"uri"}, {"uri"}, endpoint.line,
                      endpoint.column))
        return;
      uri = endpoint.value->find("uri");
    }
    const std::string text = text_of(*uri, "a catalog's endpoint");
    if (!text.empty() && !text.starts_with("plugin://") && !text.starts_with("hub://")) {
      error(*uri->value, "workflow.value",
            "a catalog's endpoint is plugin://<plugin> or hub://<service>");
    }
    model_->catalogs.emplace_back(entry.key, text);
  });
  // Names that nothing uses are checked too: a mistake in them is still a mistake.
  for (const auto& [name, entry] : retries_) {
    Scope scope;
    scope.caught = "error";
    built_retries_[name] = retry_policy(*entry->value, scope);
  }
  for (const auto& [name, entry] : timeouts_) {
    check_keys(*entry->value, "a timeout", {"after"}, {"after"}, entry->line, entry->column);
  }
  for (const auto& [name, entry] : errors_) {
    bool fixed = true;
    (void)error_value(*entry->value, Scope{}, fixed);
  }
}

void Parser::read_functions() {
  model_->functions.resize(functions_.size());
  for (auto& [name, function] : functions_) {
    Scope scope;
    scope.function = name;
    ListNames alone;
    alone.sequence = false;
    model_->functions[function.index] = task(*function.entry, "/call/" + name, alone, scope);
  }
}

void Parser::read_body(const YamlNode& root) {
  auto task = std::make_unique<Task>();
  task->index = static_cast<std::uint32_t>(task_count_++);
  task->name = model_->name;
  if (const YamlEntry* input = root.find("input")) {
    check_keys(*input->value, "input", {"from", "schema"}, {}, input->line, input->column);
    if (const YamlEntry* from = input->value->find("from")) {
      task->input_from = value(*from->value, Place::workflow_from, Scope{}, true);
    }
    if (const YamlEntry* found = input->value->find("schema"))
      task->input_schema = schema(*found->value);
  }
  if (const YamlEntry* output = root.find("output")) {
    check_keys(*output->value, "output", {"as", "schema"}, {}, output->line, output->column);
    if (const YamlEntry* as = output->value->find("as")) {
      task->output_as = value(*as->value, Place::workflow_output, Scope{}, true);
    }
    if (const YamlEntry* found = output->value->find("schema"))
      task->output_schema = schema(*found->value);
  }
  if (const YamlEntry* found = root.find("timeout")) {
    task->timeout = timeout(*found, Place::workflow_input, Scope{});
    workflow_timeout_ = true;
  }
  DoBody body;
  Scope scope;
  scope.bounded = workflow_timeout_;
  if (const YamlEntry* found = root.find("do")) body.list = list(*found->value, "do", scope);
  task->body = std::move(body);
  model_->root = std::move(task);
}

// shared_keys: whether it is fine that two tasks of the list export the same context key.
TaskList Parser::list(const YamlNode& node, std::string_view key, const Scope& scope, bool sequence,
                      bool shared_keys) {
  TaskList out;
  if (node.kind != YamlNode::Kind::sequence) {
    error(node, "workflow.type",
          "`" + std::string(key) + "` must be a list of tasks: `- name: {...}`");
    return out;
  }
  if (node.items.empty()) {
    error(node, "workflow.empty", "`" + std::string(key) + "` needs at least one task");
    return out;
  }
  ListNames names;
  names.sequence = sequence;
  std::set<std::string> in_branches;
  std::map<std::string, int> seen;
  for (const YamlPtr& item : node.items) {
    if (item->kind != YamlNode::Kind::mapping || item->entries.size() != 1) {
      error(*item, "workflow.type",
            item->entries.size() > 1 ? "a list entry holds exactly one task"
                                     : "a task is written `- name: {...}`",
            item->entries.size() > 1 ? "indent what belongs to the task one level deeper" : "");
      return out;
    }
    const YamlEntry& entry = item->entries.front();
    const auto [at, fresh] = seen.emplace(entry.key, entry.line);
    if (!fresh) {
      error(entry, "workflow.duplicate_task",
            "task `" + entry.key + "` stands twice in this list (also on line " +
                std::to_string(at->second) + ")",
            "give each task of a list its own name");
    }
    names.names.push_back(entry.key);
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const YamlEntry& entry = node.items[i]->entries.front();
    names.position = i;
    std::set<std::string> before;
    if (!shared_keys) before.swap(written_);
    out.tasks.push_back(task(
        entry, "/" + std::string(key) + "/" + std::to_string(i) + "/" + entry.key, names, scope));
    if (too_many_) return out;
    if (shared_keys) continue;
    for (const std::string& one : written_) {
      if (!in_branches.insert(one).second) {
        warning(entry.line, entry.column, "workflow.shared_context_key",
                "an earlier branch exports `$context." + one +
                    "` too; the later branch of the list wins",
                "give each branch its own key");
      }
    }
    written_.merge(before);
  }
  out.jumps_back = names.jumps_back;
  if (sequence) check_reachable(out, node);
  return out;
}

Then Parser::then(const YamlEntry& entry, ListNames& list) {
  const std::string name = text_of(entry, "then");
  if (name.empty() || name == "continue") return {};
  if (name == "exit") return {Then::Kind::exit, 0};
  if (name == "end") return {Then::Kind::end, 0};
  const auto found = std::find(list.names.begin(), list.names.end(), name);
  if (!list.sequence || found == list.names.end()) {
    Names candidates = list.sequence ? list.names : Names{};
    const std::string reason =
        list.sequence
            ? "no task `" + name + "` in this list: `then` cannot leave its list"
            : "`then` can only be continue, exit or end here: this task stands in no sequence";
    error(*entry.value, "workflow.unknown_task", reason,
          did_you_mean(name, with(candidates, {"continue", "exit", "end"})));
    return {};
  }
  const auto target = static_cast<std::size_t>(found - list.names.begin());
  if (target <= list.position) list.jumps_back = true;
  return {Then::Kind::jump, target};
}

void Parser::read_common(const YamlNode& node, Task& task, const Scope& scope) {
  if (const YamlEntry* found = node.find("if")) {
    task.condition = expression(*found->value, "if", Place::task_before, scope);
  }
  if (const YamlEntry* input = node.find("input")) {
    check_keys(*input->value, "input", {"from", "schema"}, {}, input->line, input->column);
    if (const YamlEntry* from = input->value->find("from")) {
      task.input_from = value(*from->value, Place::task_from, scope, true);
    }
    if (const YamlEntry* found = input->value->find("schema"))
      task.input_schema = schema(*found->value);
  }
  if (const YamlEntry* output = node.find("output")) {
    check_keys(*output->value, "output", {"as", "schema"}, {}, output->line, output->column);
    if (const YamlEntry* as = output->value->find("as"))
      task.output_as = value(*as->value, Place::task, scope, true);
    if (const YamlEntry* found = output->value->find("schema"))
      task.output_schema = schema(*found->value);
  }
  if (const YamlEntry* exported = node.find("export")) {
    check_keys(*exported->value, "export", {"as", "schema"}, {}, exported->line, exported->column);
    if (const YamlEntry* as = exported->value->find("as")) {
      task.export_as = value(*as->value, Place::task_export, scope, true);
      note_export(*as->value, node);
    }
    if (const YamlEntry* found = exported->value->find("schema"))
      task.export_schema = schema(*found->value);
  }
  if (const YamlEntry* found = node.find("timeout"))
    task.timeout = timeout(*found, Place::task, scope);
  read_metadata(node, task, scope);
}

const YamlEntry* Parser::kind_of(const YamlEntry& entry) {
  const YamlNode& node = *entry.value;
  // A loop and a try also hold `do`, so they are looked for first.
  const YamlEntry* kind = nullptr;
  std::size_t kinds = 0;
  for (const std::string& key : with({"for", "try"}, kind_keys())) {
    const YamlEntry* found = node.find(key);
    if (found == nullptr || found == kind) continue;
    if (kind == nullptr) kind = found;
    if (!(found->key == "do" && kind->key == "for")) ++kinds;
    if (kinds > 1 && found != kind) {
      error(*found, "workflow.value",
            "task `" + entry.key + "` is both `" + kind->key + "` and `" + found->key +
                "`: a task does one thing");
      return nullptr;
    }
  }
  if (kind == nullptr) {
    bool reported = false;
    const Names all = with(kind_keys(), with(common_keys(), {"with", "catch", "while", "foreach"}));
    for (const YamlEntry& member : node.entries) {
      if (std::find(all.begin(), all.end(), member.key) != all.end()) continue;
      reported = true;
      error(member, "workflow.unknown_key",
            "unknown key `" + member.key + "` in task `" + entry.key + "`",
            did_you_mean(member.key, all));
    }
    if (!reported) {
      error(entry, "workflow.missing_key",
            "task `" + entry.key +
                "` does nothing: it needs one of call, do, set, switch, for, fork, listen, emit, "
                "raise, run, try, wait");
    }
    return nullptr;
  }
  return kind;
}

void Parser::check_task_keys(const YamlEntry& entry, const std::string& kind) {
  Names required;
  Names allowed = common_keys();
  allowed.push_back(kind);
  if (kind == "call") allowed.push_back("with");
  if (kind == "for") {
    allowed = with(std::move(allowed), {"while", "do"});
    required = {"do"};
  }
  if (kind == "try") {
    allowed.push_back("catch");
    required = {"catch"};
  }
  if (kind == "listen") allowed.push_back("foreach");
  check_keys(*entry.value, "task `" + entry.key + "` (" + kind + ")", allowed, required, entry.line,
             entry.column);
}

void Parser::body_set(const YamlNode& written, Task& task, const Scope& scope) {
  if (written.is_text()) newer(written, 1, "an expression as the whole of `set`");
  if (written.kind != YamlNode::Kind::mapping &&
      !(written.is_text() && enclosed(written.text()).kind != Enclosed::Kind::literal)) {
    error(written, "workflow.type", "`set` is a mapping or one expression", "write ${ ... }");
  }
  task.body = SetBody{value(written, Place::task, scope, false)};
  set_shape_ = written.is_text() ? facts_.shape : ObjectShape{};
}

void Parser::read_task_body(const YamlEntry& kind, const YamlNode& node, Task& task,
                            ListNames& list, const Scope& scope) {
  if (kind.key == "call") {
    body_call(node, task, scope);
  } else if (kind.key == "do") {
    task.body = DoBody{this->list(*kind.value, "do", scope)};
  } else if (kind.key == "set") {
    body_set(*kind.value, task, scope);
  } else if (kind.key == "switch") {
    body_switch(node, task, list, scope);
  } else if (kind.key == "for") {
    body_for(node, task, scope);
  } else if (kind.key == "fork") {
    body_fork(node, task, scope);
  } else if (kind.key == "listen") {
    body_listen(node, task, scope);
  } else if (kind.key == "emit") {
    body_emit(node, task, scope);
  } else if (kind.key == "raise") {
    body_raise(node, task, scope);
  } else if (kind.key == "try") {
    body_try(node, task, list, scope);
  } else if (kind.key == "run") {
    body_run(node, task, scope);
  } else {
    task.body = WaitBody{duration(*kind.value, Place::task, scope)};
  }
}

std::unique_ptr<Task> Parser::task(const YamlEntry& entry, std::string segment, ListNames& list,
                                   const Scope& outer) {
  auto out = std::make_unique<Task>();
  out->index = static_cast<std::uint32_t>(task_count_++);
  out->name = entry.key;
  out->segment = std::move(segment);
  out->line = entry.line;
  out->column = entry.column;
  if (task_count_ > limits::kMaxWorkflowTasks + 1) {  // the root counts for one
    if (!too_many_) {
      error(entry, "workflow.limit",
            "more than " + std::to_string(limits::kMaxWorkflowTasks) + " tasks in one workflow");
    }
    too_many_ = true;
    return out;
  }
  const YamlNode& node = *entry.value;
  const Restored in_task(current_task_, &node);
  if (!is_task_name(entry.key)) {
    error(entry, "workflow.value", "a task's name must have 1 to 100 bytes and no `/` or `~`");
  }
  if (!check_mapping(node, "task `" + entry.key + "`")) return out;
  out->definition = to_json(node);

  const YamlEntry* kind = kind_of(entry);
  if (kind == nullptr) return out;
  check_task_keys(entry, kind->key);
  Scope scope = outer;
  if (node.find("timeout") != nullptr) scope.bounded = true;
  if (const YamlEntry* found = node.find("then")) out->then = then(*found, list);
  read_task_body(*kind, node, *out, list, scope);
  read_common(node, *out, outer);
  return out;
}

void Parser::body_call(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& call = *node.find("call");
  const YamlEntry* arguments = node.find("with");
  const std::string name = text_of(call, "call");
  if (name.empty()) return;
  if (name == "http" || name == "openapi") return body_http(node, task, scope);
  if (const std::string reason = unsupported_call(name);
      !reason.empty() && !functions_.contains(name)) {
    error(*call.value, "workflow.not_supported", "call: " + name + " is not supported: " + reason,
          "call a plugin's action, such as create-session:1.0.0@video");
    return;
  }
  std::optional<Template> passed;
  if (arguments != nullptr) {
    const YamlNode& given = *arguments->value;
    if (given.kind != YamlNode::Kind::mapping &&
        !(given.is_text() && enclosed(given.text()).kind == Enclosed::Kind::expression)) {
      error(given, "workflow.type", "`with` is a mapping or one expression ${ ... }");
    }
    passed = value(given, Place::call_with, scope, false);
  }
  if (const auto function = functions_.find(name); function != functions_.end()) {
    if (!scope.function.empty()) functions_[scope.function].uses.insert(name);
    if (scope.in_retry) function->second.called_in_retry = true;
    task.body = FunctionBody{name, function->second.index, std::move(passed)};
    return;
  }
  if (name.find("://") != std::string::npos) {
    error(*call.value, "workflow.not_supported",
          "functions from outside the file are not supported");
    return;
  }
  if (name.find_first_of(":@") == std::string::npos) {
    const std::string near =
        did_you_mean(name, with(keys_of(functions_), {"http", "openapi", "grpc"}));
    error(*call.value, "workflow.unknown_function",
          "no function `" + name +
              "` in use.functions; an action is called <action>:<version>@<role>",
          near);
    return;
  }
  std::optional<CallBody> action = action_name(call, name);
  if (!action.has_value()) return;
  CallBody body = std::move(*action);
  body.arguments = std::move(passed);
  check_action(call, arguments, body, scope);
  model_->calls.push_back({body.role, body.action, body.version, call.value->line});
  task.body = std::move(body);
}

std::optional<CallBody> Parser::action_name(const YamlEntry& call, const std::string& name) {
  CallBody body;
  const std::size_t colon = name.find(':');
  const std::size_t at = name.rfind('@');
  if (colon != std::string::npos && at != std::string::npos && colon < at) {
    body.action = name.substr(0, colon);
    body.version = name.substr(colon + 1, at - colon - 1);
    body.role = name.substr(at + 1);
  }
  if (!is_action(body.action) || !is_semver(body.version) || !is_label(body.role)) {
    error(*call.value, "workflow.value",
          "`" + name + "` is not an action: write <action>:<version>@<role>",
          "such as create-session:1.0.0@video");
    return std::nullopt;
  }
  if (body.role == kHttpRole) {
    error(*call.value, "workflow.value", "the role `http` belongs to the hub",
          "write call: http with method and endpoint");
    return std::nullopt;
  }
  body.title = name;
  return body;
}

void Parser::check_action(const YamlEntry& call, const YamlEntry* arguments, CallBody& body,
                          const Scope& scope) {
  if (catalog_ == nullptr) return;
  const Names roles = catalog_->roles();
  // use.catalogs goes before the role of the same name.
  std::string target = body.role;
  for (const auto& [name, uri] : model_->catalogs) {
    if (name == body.role) target = uri;
  }
  if (target == body.role && std::find(roles.begin(), roles.end(), body.role) == roles.end()) {
    Names known = roles;
    for (const auto& [name, uri] : model_->catalogs) known.push_back(name);
    error(*call.value, "workflow.unknown_role",
          "no plugin is bound to the role `" + body.role + "`" +
              (known.empty() ? std::string() : "; the known roles are " + listed(known)),
          did_you_mean(body.role, known));
    return;
  }
  if (target != body.role && catalog_->actions(target).empty()) {
    error(*call.value, "workflow.unknown_role",
          "the catalog `" + body.role + "` is " + target + ", which is not there",
          "load it in the configuration, or name another endpoint");
    return;
  }
  const std::optional<ActionInfo> info = catalog_->find(target, body.action, body.version);
  if (!info.has_value()) {
    const NotOffered why = not_offered(*catalog_, target, body.action, body.version);
    error(*call.value, "workflow.unknown_action", why.what, why.advice);
    return;
  }
  if (info->idempotency == "none") {
    if (!scope.function.empty())
      functions_[scope.function].unsafe_calls.emplace_back(&call, body.title);
    if (scope.in_retry) {
      warning(call.value->line, call.value->column, "workflow.retry_not_idempotent",
              "`" + body.action +
                  "` is retried here, but the plugin cannot tell a repeated call from a new one",
              "let a person decide, or make the action idempotent");
    }
  }
  check_arguments(body.action, info->input_schema, call, arguments);
}

void Parser::body_switch(const YamlNode& node, Task& task, ListNames& list, const Scope& scope) {
  const YamlNode& cases = *node.find("switch")->value;
  SwitchBody body;
  if (cases.kind != YamlNode::Kind::sequence || cases.items.empty()) {
    error(cases, cases.kind == YamlNode::Kind::sequence ? "workflow.empty" : "workflow.type",
          "`switch` needs a list of at least one case: `- name: {when: ..., then: ...}`");
    return;
  }
  std::set<std::string> seen;
  std::string standard;  // the case without `when`
  for (const YamlPtr& item : cases.items) {
    if (item->kind != YamlNode::Kind::mapping || item->entries.size() != 1) {
      error(*item, "workflow.type", "a case is written `- name: {when: ..., then: ...}`");
      continue;
    }
    const YamlEntry& entry = item->entries.front();
    if (!seen.insert(entry.key).second) {
      error(entry, "workflow.duplicate_task",
            "case `" + entry.key + "` stands twice in this switch");
    }
    if (!check_keys(*entry.value, "case `" + entry.key + "`", {"when", "then"}, {"then"},
                    entry.line, entry.column)) {
      continue;
    }
    SwitchCase one;
    one.name = entry.key;
    if (const YamlEntry* when = entry.value->find("when")) {
      one.when = expression(*when->value, "when", Place::task, scope);
    } else if (!standard.empty()) {
      error(entry, "workflow.value",
            "case `" + entry.key + "` has no `when`, and `" + standard +
                "` has none either: only one case can be taken when no other holds");
    } else {
      standard = entry.key;
    }
    one.then = then(*entry.value->find("then"), list);
    body.cases.push_back(std::move(one));
  }
  task.body = std::move(body);
}

void Parser::body_for(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("for");
  ForBody body;
  if (!check_keys(*entry.value, "for", {"each", "in", "at"}, {"in"}, entry.line, entry.column))
    return;
  Scope inner = scope;
  const auto name_of = [&](const char* key, std::string fallback) {
    const YamlEntry* found = entry.value->find(key);
    if (found != nullptr) {
      fallback = text_of(*found, std::string("for.") + key);
      if (!check_local_name(*found->value, fallback)) return std::uint32_t{0};
    }
    inner.locals.push_back(fallback);
    return local_number(fallback);
  };
  body.each = name_of("each", "item");
  body.at = name_of("at", "index");
  body.in = value(*entry.value->find("in")->value, Place::task, scope, true);
  if (const YamlEntry* found = node.find("while"))
    body.while_ = expression(*found->value, "while", Place::task, inner);
  if (const YamlEntry* found = node.find("do")) body.list = list(*found->value, "do", inner);
  task.body = std::move(body);
}

void Parser::body_fork(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("fork");
  ForkBody body;
  if (!check_keys(*entry.value, "fork", {"compete", "branches"}, {"branches"}, entry.line,
                  entry.column))
    return;
  if (const YamlEntry* compete = entry.value->find("compete")) {
    if (compete->value->kind != YamlNode::Kind::boolean) {
      error(*compete->value, "workflow.type", "fork.compete is true or false",
            boolean_hint(*compete->value));
    } else {
      body.compete = compete->value->scalar.as_bool();
    }
  }
  const YamlNode& branches = *entry.value->find("branches")->value;
  if (branches.items.size() > limits::kMaxForkBranches) {
    error(branches, "workflow.limit",
          "a fork has at most " + std::to_string(limits::kMaxForkBranches) + " branches");
    return;
  }
  Scope inner = scope;
  if (body.compete && branches.items.size() > 1) inner.bounded = true;
  body.branches = list(branches, "fork/branches", inner, false, body.compete);
  task.body = std::move(body);
}

void Parser::body_emit(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("emit");
  if (!check_keys(*entry.value, "emit", {"event"}, {"event"}, entry.line, entry.column)) return;
  const YamlEntry& event = *entry.value->find("event");
  if (!check_keys(*event.value, "emit.event", {"with"}, {"with"}, event.line, event.column)) return;
  const YamlEntry& attributes = *event.value->find("with");
  if (!check_mapping(*attributes.value, "with")) return;
  if (attributes.value->find("type") == nullptr) {
    error(attributes, "workflow.event_type", "an emitted event needs `type`");
    return;
  }
  static const Names known = {"id",         "source",      "type",
                              "subject",    "time",        "datacontenttype",
                              "dataschema", "specversion", "data"};
  for (const YamlEntry& member : attributes.value->entries) {
    if (std::find(known.begin(), known.end(), member.key) != known.end()) continue;
    const std::string near = nearest(member.key, known);
    if (!near.empty()) {
      error(member, "workflow.unknown_key", "`" + member.key + "` is not an attribute of an event",
            "did you mean `" + near + "`?");
    }
  }
  task.body = EmitBody{value(*attributes.value, Place::task, scope, false)};
}

Template Parser::error_value(const YamlNode& node, const Scope& scope, bool& fixed_title) {
  if (!check_keys(node, "an error", {"type", "status", "title", "detail", "instance"},
                  {"type", "status"}, node.line, node.column)) {
    return {};
  }
  check_error_type(*node.find("type")->value);
  const YamlNode& status = *node.find("status")->value;
  if (!status.is_text() || enclosed(status.text()).kind != Enclosed::Kind::expression) {
    const std::optional<std::int64_t> code = status.scalar.as_int64();
    if (!code.has_value() || *code < 100 || *code > 599) {
      error(status, "workflow.value", "an error's status is an HTTP status code: 400 to 599");
    }
  }
  const YamlEntry* title = node.find("title");
  fixed_title = title == nullptr || !title->value->is_text() ||
                enclosed(title->value->text()).kind == Enclosed::Kind::literal;
  return value(node, Place::task, scope, false);
}

void Parser::body_raise(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("raise");
  if (!check_keys(*entry.value, "raise", {"error"}, {"error"}, entry.line, entry.column)) return;
  const YamlNode* raised = entry.value->find("error")->value.get();
  RaiseBody body;
  if (raised->is_text()) {
    if (enclosed(raised->text()).kind ==
        Enclosed::Kind::expression) {  // raise a caught error again
      body.fixed_title = false;
      body.error = value(*raised, Place::task, scope, false);
      task.body = std::move(body);
      return;
    }
    const auto found = errors_.find(raised->text());
    if (found == errors_.end()) {
      error(*raised, "workflow.unknown_error", "no error `" + raised->text() + "` in use.errors",
            did_you_mean(raised->text(), keys_of(errors_)));
      return;
    }
    const YamlNode& named = *found->second->value;
    const std::size_t known = diagnostics_.size();
    body.error = error_value(named, Scope{}, body.fixed_title);
    diagnostics_.resize(known);  // reported once, where the error is defined
  } else {
    body.error = error_value(*raised, scope, body.fixed_title);
  }
  task.body = std::move(body);
}

std::shared_ptr<const RetryPolicy> Parser::retry(const YamlEntry& entry, const Scope& scope) {
  if (!entry.value->is_text()) return retry_policy(*entry.value, scope);
  const auto found = built_retries_.find(entry.value->text());
  if (found == built_retries_.end()) {
    error(*entry.value, "workflow.unknown_retry",
          "no retry policy `" + entry.value->text() + "` in use.retries",
          did_you_mean(entry.value->text(), keys_of(retries_)));
    return nullptr;
  }
  return found->second;
}

std::shared_ptr<const RetryPolicy> Parser::retry_policy(const YamlNode& node, const Scope& scope) {
  auto out = std::make_shared<RetryPolicy>();
  check_keys(node, "a retry policy", {"when", "exceptWhen", "delay", "backoff", "jitter", "limit"},
             {}, node.line, node.column);
  if (node.kind != YamlNode::Kind::mapping) return out;
  if (const YamlEntry* when = node.find("when"))
    out->when = expression(*when->value, "when", Place::caught, scope);
  if (const YamlEntry* when = node.find("exceptWhen")) {
    out->except_when = expression(*when->value, "exceptWhen", Place::caught, scope);
  }
  if (const YamlEntry* delay = node.find("delay"))
    out->delay = duration(*delay->value, Place::caught, scope);
  if (const YamlEntry* backoff = node.find("backoff")) {
    check_keys(*backoff->value, "backoff", {"constant", "linear", "exponential"}, {}, backoff->line,
               backoff->column);
    if (backoff->value->entries.size() != 1) {
      error(*backoff, "workflow.value",
            "backoff takes one of `constant: {}`, `linear: {}`, `exponential: {}`");
    } else {
      const YamlEntry& kind = backoff->value->entries.front();
      if (kind.value->kind != YamlNode::Kind::null && kind.value->kind != YamlNode::Kind::mapping) {
        error(*kind.value, "workflow.type",
              "write `" + kind.key + ": {}`: the specification gives it no settings");
      }
      for (const YamlEntry& extra : kind.value->entries) {
        error(extra, "workflow.unknown_key",
              "the specification gives `" + kind.key + "` no settings");
      }
      out->backoff = kind.key == "linear"        ? RetryPolicy::Backoff::linear
                     : kind.key == "exponential" ? RetryPolicy::Backoff::exponential
                                                 : RetryPolicy::Backoff::constant;
    }
  }
  if (const YamlEntry* jitter = node.find("jitter")) {
    if (check_keys(*jitter->value, "jitter", {"from", "to"}, {"from", "to"}, jitter->line,
                   jitter->column)) {
      out->has_jitter = true;
      out->jitter_from = duration(*jitter->value->find("from")->value, Place::caught, scope);
      out->jitter_to = duration(*jitter->value->find("to")->value, Place::caught, scope);
      if (!out->jitter_from.expression && !out->jitter_to.expression &&
          out->jitter_from.ms > out->jitter_to.ms) {
        error(*jitter, "workflow.value", "jitter.from is longer than jitter.to");
      }
    }
  }
  bool limited = false;
  if (const YamlEntry* limit = node.find("limit")) {
    // A misspelt limit was meant as one.
    limited = !check_keys(*limit->value, "limit", {"attempt", "duration"}, {}, limit->line,
                          limit->column);
    if (const YamlEntry* attempt = limit->value->find("attempt")) {
      check_keys(*attempt->value, "limit.attempt", {"count", "duration"}, {}, attempt->line,
                 attempt->column);
      if (const YamlEntry* count = attempt->value->find("count")) {
        out->attempt_count = count->value->scalar.as_int64();
        limited = true;
        if (!out->attempt_count.has_value() || *out->attempt_count < 0 ||
            *out->attempt_count > 10'000) {
          error(*count->value, "workflow.value",
                "limit.attempt.count is a whole number from 0 to 10000");
        }
      }
      if (const YamlEntry* most = attempt->value->find("duration")) {
        out->attempt_duration = duration(*most->value, Place::caught, scope);
      }
    }
    if (const YamlEntry* most = limit->value->find("duration")) {
      out->total_duration = duration(*most->value, Place::caught, scope);
      limited = true;
    }
  }
  if (!limited) {
    warning(node.line, node.column, "workflow.retry_without_limit",
            "this retry policy never gives up", "add limit: {attempt: {count: 5}}");
  }
  return out;
}

void Parser::body_try(const YamlNode& node, Task& task, ListNames& list, const Scope& scope) {
  TryBody body;
  Scope inner = scope;
  const YamlEntry* handler = node.find("catch");
  if (handler != nullptr &&
      check_keys(*handler->value, "catch",
                 {"errors", "as", "when", "exceptWhen", "retry", "do", "then"}, {}, handler->line,
                 handler->column)) {
    const YamlNode& clause = *handler->value;
    std::string name = "error";
    if (const YamlEntry* as = clause.find("as")) {
      const std::string given = text_of(*as, "catch.as");
      if (check_local_name(*as->value, given)) name = given;
    }
    body.as = local_number(name);
    Scope caught = scope;
    caught.caught = name;
    if (const YamlEntry* errors = clause.find("errors")) {
      if (check_keys(*errors->value, "catch.errors", {"with"}, {"with"}, errors->line,
                     errors->column)) {
        const YamlEntry& match = *errors->value->find("with");
        check_keys(*match.value, "catch.errors.with",
                   {"type", "status", "title", "detail", "details", "instance"}, {}, match.line,
                   match.column);
        for (const YamlEntry& entry : match.value->entries) {
          if (entry.value->is_text() &&
              enclosed(entry.value->text()).kind != Enclosed::Kind::literal) {
            error(*entry.value, "workflow.value",
                  "errors.with compares with fixed values; use `when` for expressions");
          }
          if (entry.key == "type") check_error_type(*entry.value);
          // The schema of DSL 1.0.3 (errorFilter) calls `detail` so.
          body.match.emplace_back(entry.key == "details" ? "detail" : entry.key,
                                  to_json(*entry.value));
        }
      }
    }
    if (const YamlEntry* when = clause.find("when"))
      body.when = expression(*when->value, "when", Place::caught, caught);
    if (const YamlEntry* when = clause.find("exceptWhen")) {
      body.except_when = expression(*when->value, "exceptWhen", Place::caught, caught);
    }
    if (const YamlEntry* found = clause.find("retry")) {
      body.retry = retry(*found, caught);
      inner.in_retry = true;
      if (const YamlEntry* both = clause.find("do")) {
        warning(both->line, both->column, "workflow.retry_and_do",
                "`do` runs only after the last retry failed; runtimes differ here",
                "nest two try tasks");
      }
    }
    if (const YamlEntry* found = clause.find("then")) body.then = then(*found, list);
    if (const YamlEntry* found = clause.find("do")) {
      Scope handled = scope;
      handled.locals.push_back(name);
      body.has_handler = true;
      body.handler = this->list(*found->value, "catch/do", handled);
    }
  }
  body.list = this->list(*node.find("try")->value, "try", inner);
  task.body = std::move(body);
}

ParsedDefinition parse_definition(std::string_view yaml, const ActionCatalog* catalog) {
  const YamlOutcome tree = parse_yaml(yaml);
  if (tree.root == nullptr) {
    ParsedDefinition out;
    out.diagnostics.push_back({Severity::error, tree.fault.code, tree.fault.message,
                               tree.fault.suggestion, tree.fault.line, tree.fault.column});
    return out;
  }
  if (yaml.starts_with("\xEF\xBB\xBF")) yaml.remove_prefix(3);
  return Parser(yaml, catalog).run(*tree.root);
}

}  // namespace rabt::workflow
