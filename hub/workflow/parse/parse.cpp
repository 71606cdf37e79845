#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/base/semver.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/execution.hpp"
#include "hub/workflow/parse/deployed.hpp"
#include "hub/workflow/parse/parser.hpp"

namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

const Names& kind_keys() {
  static const Names keys = {"call",   "do",   "set",   "switch", "for", "fork",
                             "listen", "emit", "raise", "run",    "try", "wait"};
  return keys;
}
// Keys that a task of any kind may have.
const Names& common_keys() {
  static const Names keys = {"if", "input", "output", "export", "timeout", "then", "metadata"};
  return keys;
}

Names with(Names list, const Names& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
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

}  // namespace

// RFC 1123 label: lower-case letters, digits and `-`, at most 63.
bool is_label(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

// A task that says what undoes it: metadata.rabt.compensate.
bool is_undone(const YamlNode& node) {
  const YamlEntry* const metadata = node.find("metadata");
  const YamlEntry* const rabt = metadata == nullptr ? nullptr : metadata->value->find("rabt");
  return rabt != nullptr && rabt->value->find("compensate") != nullptr;
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
  const Names keys = {"document", "input",   "use",    "schedule",
                      "evaluate", "timeout", "output", "do"};
  if (check_mapping(root, "a workflow")) {
    check_keys(root, "the workflow", keys, {"document", "do"}, root.line, root.column);
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
    if (!deployed_) check_file(root);
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
    if (!text.empty() && plugin_at(text).empty() && !text.starts_with("hub://")) {
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
  task->on_failure = model_->on_failure;
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
    for (const std::string& text : written_) {
      if (!in_branches.insert(text).second) {
        warning(entry.line, entry.column, "workflow.shared_context_key",
                "an earlier branch exports `$context." + text +
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
  if (node.find("timeout") != nullptr) scope.bounded = scope.let_go = true;
  if (kind->key == "call" && is_undone(node)) scope.let_go = false;
  if (const YamlEntry* found = node.find("then")) out->then = then(*found, list);
  read_task_body(*kind, node, *out, list, scope);
  read_common(node, *out, outer);
  return out;
}

static ParsedDefinition parse(std::string_view yaml, const ActionCatalog* catalog, bool deployed) {
  const YamlOutcome tree = parse_yaml(yaml);
  if (tree.root == nullptr) {
    ParsedDefinition out;
    out.diagnostics.push_back({Severity::error, tree.fault.code, tree.fault.message,
                               tree.fault.suggestion, tree.fault.line, tree.fault.column});
    return out;
  }
  if (yaml.starts_with("\xEF\xBB\xBF")) yaml.remove_prefix(3);
  return Parser(yaml, catalog, deployed).run(*tree.root);
}

ParsedDefinition parse_definition(std::string_view yaml, const ActionCatalog* catalog) {
  return parse(yaml, catalog, false);
}

ParsedDefinition parse_deployed(std::string_view yaml) {
  return parse(yaml, nullptr, true);
}

}  // namespace rabt::workflow
