#include <algorithm>
#include <array>

#include "hub/base/semver.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/cron.hpp"
#include "hub/workflow/parse/parser.hpp"

// use.extensions, run.workflow, and metadata.rabt: what this hub adds to the language, in the one
// place that the specification leaves to runtimes.
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxExtensions = 16;  // each is looked at before every task

using Names = std::vector<std::string>;

constexpr std::uint32_t bit(TaskKind kind) {
  return 1U << static_cast<std::uint32_t>(kind);
}

std::optional<std::uint32_t> kinds_of(const std::string& extend) {
  static const std::vector<std::pair<std::string, std::uint32_t>> units = {
      {"all", ~0U},
      {"call", bit(TaskKind::call) | bit(TaskKind::function) | bit(TaskKind::http)},
      {"composite", bit(TaskKind::do_) | bit(TaskKind::fork)},
      {"do", bit(TaskKind::do_)},
      {"emit", bit(TaskKind::emit)},
      {"for", bit(TaskKind::for_)},
      {"fork", bit(TaskKind::fork)},
      {"listen", bit(TaskKind::listen)},
      {"raise", bit(TaskKind::raise)},
      {"run", bit(TaskKind::run)},
      {"set", bit(TaskKind::set)},
      {"switch", bit(TaskKind::switch_)},
      {"try", bit(TaskKind::try_)},
      {"wait", bit(TaskKind::wait)}};
  for (const auto& [name, kinds] : units) {
    if (name == extend) return kinds;
  }
  return std::nullopt;
}

}  // namespace

void Parser::read_extensions(const YamlNode& root) {
  const YamlEntry* use = root.find("use");
  const YamlEntry* entry = use == nullptr ? nullptr : use->value->find("extensions");
  if (entry == nullptr) return;
  const YamlNode& node = *entry->value;
  if (node.kind != YamlNode::Kind::sequence) {
    error(node, "workflow.type",
          "use.extensions is a list, because their order counts: `- name: {extend: ...}`");
    return;
  }
  if (node.items.size() > kMaxExtensions) {
    error(node, "workflow.limit",
          "a workflow has at most " + std::to_string(kMaxExtensions) + " extensions");
    return;
  }
  for (const YamlPtr& item : node.items) {
    if (item->kind != YamlNode::Kind::mapping || item->entries.size() != 1) {
      error(*item, "workflow.type", "an extension is written `- name: {extend: ..., before: ...}`");
      continue;
    }
    const YamlEntry& yaml_entry = item->entries.front();
    if (!is_task_name(yaml_entry.key)) {
      error(yaml_entry, "workflow.value",
            "an extension's name must have 1 to 100 bytes and no `/` or `~`");
      continue;
    }
    if (std::any_of(model_->extensions.begin(), model_->extensions.end(),
                    [&](const Extension& extension) { return extension.name == yaml_entry.key; })) {
      error(yaml_entry, "workflow.duplicate_task", "duplicate extension `" + yaml_entry.key + "`");
      continue;
    }
    const YamlNode& body = *yaml_entry.value;
    if (!check_keys(body, "extension `" + yaml_entry.key + "`",
                    {"extend", "when", "before", "after"}, {"extend"}, yaml_entry.line,
                    yaml_entry.column)) {
      continue;
    }
    Extension out;
    out.name = yaml_entry.key;
    const YamlEntry& extend = *body.find("extend");
    const std::string what = text_of(extend, "extend");
    const std::optional<std::uint32_t> kinds = kinds_of(what);
    if (!kinds.has_value() && !what.empty()) {
      const Names names = {"all",    "call",  "composite", "do",  "emit",   "for", "fork",
                           "listen", "raise", "run",       "set", "switch", "try", "wait"};
      error(*extend.value, "workflow.value",
            "`" + what +
                "` is not a kind of task that can be extended: all, call, composite (do and "
                "fork), emit, for, listen, raise, run, set, switch, try, wait",
            did_you_mean(what, names));
    }
    out.kinds = kinds.value_or(0);
    if (body.find("before") == nullptr && body.find("after") == nullptr) {
      error(yaml_entry, "workflow.missing_key",
            "extension `" + yaml_entry.key + "` does nothing: it needs `before` or `after`");
    }
    Scope scope;
    if (const YamlEntry* when = body.find("when"))
      out.when = expression(*when->value, "when", Place::task_before, scope);
    const std::string path = "extensions/" + yaml_entry.key + '/';
    if (const YamlEntry* before = body.find("before"))
      out.before = list(*before->value, path + "before", scope);
    if (const YamlEntry* after = body.find("after"))
      out.after = list(*after->value, path + "after", scope);
    model_->extensions.push_back(std::move(out));
  }
}

void Parser::body_run(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("run");
  for (const char* process : {"container", "script", "shell"}) {
    if (const YamlEntry* found = entry.value->find(process)) {
      error(
          *found, "workflow.not_supported",
          std::string("run.") + process +
              " is not supported: a hub with patient data starts no programs that a workflow file "
              "names",
          "call a plugin's action");
      return;
    }
  }
  if (!check_keys(*entry.value, "run", {"workflow", "await", "return"}, {"workflow"}, entry.line,
                  entry.column)) {
    return;
  }
  RunBody body;
  const YamlEntry& workflow = *entry.value->find("workflow");
  if (!check_keys(*workflow.value, "run.workflow", {"namespace", "name", "version", "input"},
                  {"namespace", "name"}, workflow.line, workflow.column)) {
    return;
  }
  const auto label = [&](const char* key, std::string& out) {
    const YamlEntry& found = *workflow.value->find(key);
    out = text_of(found, std::string("run.workflow.") + key);
    if (!out.empty() && !is_label(out)) {
      error(*found.value, "workflow.value",
            std::string("run.workflow.") + key +
                " must be at most 63 lower-case letters, digits and `-`");
    }
  };
  label("namespace", body.name_space);
  label("name", body.name);
  body.version = "latest";
  if (const YamlEntry* version = workflow.value->find("version")) {
    body.version = text_of(*version, "run.workflow.version");
    if (!body.version.empty() && body.version != "latest" && !is_semver(body.version)) {
      error(*version->value, "workflow.value",
            "run.workflow.version is `latest` or a semantic version such as '1.0.0'");
    }
  }
  if (const YamlEntry* input = workflow.value->find("input"))
    body.input = value(*input->value, Place::task, scope, false);
  if (const YamlEntry* await = entry.value->find("await")) {
    if (await->value->kind != YamlNode::Kind::boolean) {
      error(*await->value, "workflow.type", "run.await is true or false");
    } else {
      body.await = await->value->scalar.as_bool();
    }
  }
  if (const YamlEntry* returns = entry.value->find("return")) {
    const std::string how = text_of(*returns, "run.return");
    if (how == "stderr") {
      error(*returns->value, "workflow.value",
            "a workflow has no standard error: its error is raised in the parent", "stdout");
    } else if (how == "code" || how == "all" || how == "none") {
      body.returns = how == "code"  ? RunBody::Return::code
                     : how == "all" ? RunBody::Return::all
                                    : RunBody::Return::none;
    } else if (!how.empty() && how != "stdout") {
      error(*returns->value, "workflow.value", "run.return is stdout, code, all or none",
            did_you_mean(how, {"stdout", "code", "all", "none"}));
    }
    if (!body.await && failed_ == false && body.returns != RunBody::Return::output) {
      warning(returns->line, returns->column, "workflow.value",
              "`return` has no effect with await: false: the output is the task's input");
    }
  }
  model_->children.push_back({body.name_space, body.name, body.version, workflow.line});
  task.body = std::move(body);
}

std::optional<InstantSpec> Parser::instant(const YamlEntry& entry, const Scope& scope) {
  const std::string where = "metadata.rabt." + entry.key;
  const std::string text = text_of(entry, where);
  if (text.empty()) return std::nullopt;
  InstantSpec out;
  const Enclosed found = enclosed(text);
  if (found.kind == Enclosed::Kind::expression) {
    out.expression = compile(*entry.value, found.inside, found.offset, Place::task, scope);
    return out.expression.has_value() ? std::optional<InstantSpec>(std::move(out)) : std::nullopt;
  }
  const Result<Timestamp> at = parse_iso8601(text);
  if (!at) {
    error(*entry.value, "workflow.value", where + " is a point in time",
          "write '2026-03-10T06:00:00Z', or an expression that gives such a text or seconds since "
          "1970");
    return std::nullopt;
  }
  out.ms = at.value().ms;
  return out;
}

std::string Parser::data_class(const YamlEntry& entry) {
  static const Names classes = {"public", "internal", "patient"};
  std::string text = text_of(entry, "metadata.rabt.dataClass");
  if (text.empty() || std::find(classes.begin(), classes.end(), text) != classes.end()) return text;
  error(*entry.value, "workflow.value", "dataClass is public, internal or patient",
        did_you_mean(text, classes));
  return {};
}

void Parser::compensation(const YamlEntry& entry, Task& task, const Scope& scope) {
  const YamlNode& node = *entry.value;
  if (!check_keys(node, "compensate", {"call", "with"}, {"call"}, entry.line, entry.column)) return;
  const YamlEntry& call = *node.find("call");
  const YamlEntry* with = node.find("with");
  const std::string name = text_of(call, "compensate.call");
  if (name.empty()) return;
  std::optional<CallBody> action = action_name(call, name);
  if (!action.has_value()) return;
  CallBody body = std::move(*action);
  if (with != nullptr) {
    if (with->value->kind != YamlNode::Kind::mapping &&
        !(with->value->is_text() &&
          enclosed(with->value->text()).kind == Enclosed::Kind::expression)) {
      error(*with->value, "workflow.type", "`with` is a mapping or one expression ${ ... }");
      return;
    }
    body.arguments = value(*with->value, Place::task_export, scope, false);
  }
  // It is repeated when it fails for a while, so the rules of a retried call hold for it.
  Scope retried = scope;
  retried.in_retry = true;
  retried.let_go = false;  // undoing is waited for
  check_action(call, with, body, retried);
  model_->calls.push_back({body.role, body.action, body.version, call.value->line});
  task.compensate = Compensation{std::move(body)};
}

OnFailure Parser::on_failure(const YamlEntry& entry) {
  const std::string text = text_of(entry, "metadata.rabt.onFailure");
  if (text == "ask") return OnFailure::ask;
  if (text != "fail" && !text.empty())
    error(*entry.value, "workflow.value", "metadata.rabt.onFailure is ask or fail");
  return OnFailure::fail;
}

void Parser::read_metadata(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry* metadata = node.find("metadata");
  if (metadata == nullptr || !check_mapping(*metadata->value, "metadata")) return;
  const YamlEntry* ours = metadata->value->find("rabt");
  if (ours == nullptr) return;
  check_keys(*ours->value, "metadata.rabt of a task",
             {"compensate", "commit", "until", "usefulUntil", "dataClass", "idempotency",
              "repeatable", "onFailure"},
             {}, ours->line, ours->column);
  if (ours->value->kind != YamlNode::Kind::mapping) return;
  const YamlNode& rabt = *ours->value;
  const TaskKind kind = task.kind();
  if (const YamlEntry* found = rabt.find("compensate")) compensation(*found, task, scope);
  if (const YamlEntry* found = rabt.find("commit")) {
    if (found->value->kind != YamlNode::Kind::boolean) {
      error(*found->value, "workflow.type", "metadata.rabt.commit is true or false");
    } else {
      task.commit = found->value->scalar.as_bool();
    }
  }
  if (const YamlEntry* found = rabt.find("onFailure")) task.on_failure = on_failure(*found);
  if (const YamlEntry* found = rabt.find("repeatable")) {
    if (kind != TaskKind::call && kind != TaskKind::http) {
      error(*found, "workflow.value", "metadata.rabt.repeatable goes with a call");
    } else if (found->value->kind != YamlNode::Kind::boolean) {
      error(*found->value, "workflow.type", "metadata.rabt.repeatable is true or false");
    } else {
      task.repeatable = found->value->scalar.as_bool();
    }
  }
  if (const YamlEntry* found = rabt.find("until")) {
    if (auto* wait = std::get_if<WaitBody>(&task.body); wait == nullptr) {
      error(*found, "workflow.value", "metadata.rabt.until goes with a wait task");
    } else {
      wait->until = instant(*found, scope);
    }
  }
  if (const YamlEntry* found = rabt.find("usefulUntil")) {
    if (kind != TaskKind::call && kind != TaskKind::function && kind != TaskKind::http &&
        kind != TaskKind::try_ && kind != TaskKind::run) {
      error(*found, "workflow.value", "metadata.rabt.usefulUntil goes with call, run or try");
    } else {
      task.useful_until = instant(*found, scope);
    }
  }
  if (const YamlEntry* found = rabt.find("dataClass")) task.data_class = data_class(*found);
  // Read with the call itself; an unreadable call was reported and has no body.
  if (const YamlEntry* found = rabt.find("idempotency");
      found != nullptr && kind != TaskKind::http && !failed_) {
    error(*found, "workflow.value", "metadata.rabt.idempotency goes with call: http",
          "a plugin's manifest says it for its actions");
  }
}

void Parser::read_patient(const YamlEntry& patient) {
  if (!check_mapping(*patient.value, "metadata.rabt.patient")) return;
  if (patient.value->entries.empty()) {
    error(patient, "workflow.value", "metadata.rabt.patient names no identifier of the patient",
          "such as identifier: ${ .patient.identifier.value }");
    return;
  }
  for (const YamlEntry& entry : patient.value->entries) {
    const auto& kinds = patient_kinds();
    if (std::find(kinds.begin(), kinds.end(), entry.key) == kinds.end()) {
      const std::string near = nearest(entry.key, kinds);
      error(entry, "workflow.unknown_key",
            "`" + entry.key + "` is not a kind of identifier of a patient",
            near.empty() ? "identifier, mrn, phone, email or pseudonym"
                         : "did you mean `" + near + "`?");
      continue;
    }
    auto read = expression(*entry.value, "patient." + entry.key, Place::event, Scope{});
    if (read.has_value()) model_->patient.emplace_back(entry.key, std::move(*read));
  }
}

void Parser::read_document_metadata(const YamlNode& document) {
  const YamlEntry* metadata = document.find("metadata");
  if (metadata == nullptr || !check_mapping(*metadata->value, "document.metadata")) return;
  const YamlEntry* ours = metadata->value->find("rabt");
  if (ours == nullptr) return;
  check_keys(*ours->value, "metadata.rabt of the document",
             {"businessKey", "unheard", "patient", "timeZone", "dataClass", "onFailure"}, {},
             ours->line, ours->column);
  if (ours->value->kind != YamlNode::Kind::mapping) return;
  const YamlNode& rabt = *ours->value;
  if (const YamlEntry* found = rabt.find("businessKey"))
    model_->business_key = expression(*found->value, "businessKey", Place::event, Scope{});
  if (const YamlEntry* found = rabt.find("unheard")) {
    const std::string text = text_of(*found, "metadata.rabt.unheard");
    model_->unheard_starts = text == "start";
    if (!text.empty() && text != "start" && text != "drop")
      error(*found->value, "workflow.value", "metadata.rabt.unheard is start or drop");
    if (rabt.find("businessKey") == nullptr) {
      error(*found, "workflow.value", "metadata.rabt.unheard is of no use without businessKey",
            "every start event starts an instance: leave it out");
    }
  }
  if (const YamlEntry* found = rabt.find("patient")) read_patient(*found);
  if (const YamlEntry* found = rabt.find("onFailure")) {
    model_->on_failure = on_failure(*found);
    if (model_->root != nullptr) model_->root->on_failure = model_->on_failure;
  }
  if (const YamlEntry* found = rabt.find("dataClass")) model_->data_class = data_class(*found);
  if (const YamlEntry* found = rabt.find("timeZone")) {
    const std::string zone = text_of(*found, "metadata.rabt.timeZone");
    if (!zone.empty() && !is_time_zone(zone)) {
      error(*found->value, "workflow.value", "`" + zone + "` is not an IANA time zone",
            "such as Asia/Riyadh");
    }
    model_->time_zone = zone;
  }
}

}  // namespace rabt::workflow
