#include "hub/workflow/lint/lint_rules.hpp"

#include <algorithm>
#include <iterator>

namespace rabt::workflow {

namespace {

constexpr LintRule kRules[] = {
    {"expression.forbidden", Severity::error, "A function that expressions may not use",
     "Use what the workflow is given: $workflow.startedAt, $task.startedAt, its input."},
    {"expression.syntax", Severity::error, "An expression does not parse",
     "Correct it at the marked character; quote the YAML text when it holds `: ` or ` #`."},
    {"expression.unknown_function", Severity::error, "A function that the language does not have",
     "Correct its name; docs/expressions.md lists the functions."},
    {"expression.unknown_variable", Severity::error, "A variable that has no value in this place",
     "Use one of the variables that are known there."},
    {"workflow.argument_missing", Severity::error,
     "An action is called without an argument it needs", "Add the argument under `with`."},
    {"workflow.argument_type", Severity::error,
     "An argument has another type than the action wants", "Write a value of that type."},
    {"workflow.argument_unknown", Severity::error, "The action has no such argument",
     "Correct the name, or remove it."},
    {"workflow.argument_value", Severity::error, "The action does not take this value",
     "Write a value that the action's schema allows."},
    {"workflow.catch_all", Severity::note, "A catch takes every error and goes on",
     "Filter with `errors`, or raise again at the end of `do`."},
    {"workflow.correlation_without_expect", Severity::warning,
     "A correlation compares events with each other, not with the instance",
     "Write expect: ${ $context.<the value> }."},
    {"workflow.credential_stored", Severity::warning,
     "The credential of a request is kept with the instance",
     "Leave $authorization out of output and export."},
    {"workflow.credentials_in_clear", Severity::warning, "Credentials travel without encryption",
     "Write https://."},
    {"workflow.cron", Severity::error, "schedule.cron is no cron expression",
     "Write five fields: minute hour day-of-month month day-of-week."},
    {"workflow.duplicate_task", Severity::error,
     "Two tasks of a list, or two cases of a switch, have one name", "Give each its own name."},
    {"workflow.empty", Severity::error, "A list that needs an entry is empty",
     "Add one, or remove the list."},
    {"workflow.error_type_alias", Severity::warning,
     "An expression compares an error's type with an alias that the hub never writes",
     "Compare with the type the hub writes, or use `errors.with`."},
    {"workflow.event_type", Severity::error, "An event without a type that is written out",
     "Write the type."},
    {"workflow.interpolation", Severity::error, "`${ }` does not enclose the whole value",
     "Write ${ \"text \\(.value) text\" }."},
    {"workflow.limit", Severity::error, "The workflow is larger than the hub runs", "Split it."},
    {"workflow.listen_without_timeout", Severity::warning,
     "A listen waits for ever when its event never comes",
     "Give it a `timeout`, and catch the timeout error."},
    {"workflow.long_time", Severity::warning, "A time longer than 400 days", "Check the unit."},
    {"workflow.missing_expression", Severity::warning,
     "A text that was surely meant as an expression", "Write ${ ... }, or quote the text."},
    {"workflow.missing_key", Severity::error, "A key that must be there is not", "Add it."},
    {"workflow.not_supported", Severity::error,
     "Part of the specification, and not of this profile", "Use what the message names."},
    {"workflow.patient_data_leaves", Severity::warning,
     "Marked patient data go into an event, an error or an HTTP call",
     "Send less, or declare that it is meant."},
    {"workflow.recursive_function", Severity::error, "A function leads back to itself",
     "Use a loop."},
    {"workflow.replaced_context", Severity::warning,
     "`export.as` drops keys of the context that are read later", "Write ${ $context + {...} }."},
    {"workflow.reserved_name", Severity::error, "A variable is named like one of the language",
     "Take another name."},
    {"workflow.retry_and_do", Severity::warning, "One catch retries and handles",
     "Nest two try tasks: the inner retries, the outer handles."},
    {"workflow.retry_not_idempotent", Severity::warning,
     "An action that is not safe to repeat is retried",
     "Do not retry it, or make the action idempotent."},
    {"workflow.retry_without_limit", Severity::warning, "A retry policy that never gives up",
     "Add `limit`."},
    {"workflow.schema", Severity::error, "A JSON Schema in the file is wrong", "Correct it."},
    {"workflow.secret_in_file", Severity::error, "A credential stands in the file",
     "Keep it in the hub, and write ${ $secrets.<name> }."},
    {"workflow.shared_context_key", Severity::warning,
     "Two branches of a fork write one key of the context", "Give each branch its own key."},
    {"workflow.type", Severity::error, "A value of another kind is needed here",
     "Write what the message names."},
    {"workflow.unknown_action", Severity::error, "The role offers no such action",
     "Correct its name or version."},
    {"workflow.unknown_authentication", Severity::error,
     "No authentication of this name in use.authentications", "Correct the name, or define it."},
    {"workflow.unknown_error", Severity::error, "No error of this name in use.errors",
     "Correct the name, or define it."},
    {"workflow.unknown_error_type", Severity::error,
     "Not a type of the specification, though it looks like one", "Write the standard type's URI."},
    {"workflow.unknown_function", Severity::error, "No function of this name in use.functions",
     "Correct the name; an action is called <action>:<version>@<role>."},
    {"workflow.unknown_key", Severity::error, "A key that is not known in this place",
     "Correct its name."},
    {"workflow.unknown_retry", Severity::error, "No retry policy of this name in use.retries",
     "Correct the name, or define it."},
    {"workflow.unknown_role", Severity::error, "No plugin is bound to this role",
     "Correct the role, or bind it in the configuration."},
    {"workflow.unknown_secret", Severity::error, "No secret of this name in use.secrets",
     "Correct the name, or add it."},
    {"workflow.unknown_task", Severity::error, "`then` names no task of its list",
     "Name a task of the same list, or continue, exit, end."},
    {"workflow.unknown_timeout", Severity::error, "No timeout of this name in use.timeouts",
     "Correct the name, or define it."},
    {"workflow.unmatched_error", Severity::warning, "A catch is for an error that nothing raises",
     "Correct the type."},
    {"workflow.unreachable_task", Severity::warning, "No path leads to this task",
     "Lead a `then` here, or remove it."},
    {"workflow.unused", Severity::warning, "Something in `use` that nothing uses",
     "Remove it, or use it."},
    {"workflow.unwritten_context", Severity::warning,
     "A key of the context is read that no export writes", "Correct the key, or export it."},
    {"workflow.uri_template", Severity::error, "A URI template beyond {name}",
     "Write ${ ... } for anything else."},
    {"workflow.value", Severity::error, "The value is not one that may stand here",
     "Write what the message names."},
    {"workflow.version", Severity::error,
     "Newer than the document's dsl version, or no version at all", "Raise document.dsl."},
    {"workflow.zero_timeout", Severity::warning, "A timeout of zero", "Give it a length."},
    {"yaml.depth", Severity::error, "Nested too deeply", "Flatten the file."},
    {"yaml.documents", Severity::error, "Several documents in one file",
     "One file for each workflow."},
    {"yaml.duplicate_key", Severity::error, "A key stands twice in one mapping", "Keep one."},
    {"yaml.encoding", Severity::error, "Not UTF-8 text", "Save the file as UTF-8."},
    {"yaml.key", Severity::error, "A key that is no text",
     "Quote it, or write the mapping in another way."},
    {"yaml.leading_zero", Severity::warning, "A number with a leading zero",
     "Quote it if it is a code."},
    {"yaml.merge_key", Severity::error, "A merge key `<<`", "Write the keys out."},
    {"yaml.number", Severity::error, "A number without a JSON form", "Quote it if it is a text."},
    {"yaml.size", Severity::error, "The file is too large", "Split it."},
    {"yaml.syntax", Severity::error, "Not readable as YAML",
     "Correct the line; most often a text must be quoted."},
    {"yaml.tag", Severity::error, "A YAML tag", "Leave the tag out."},
    {"yaml.unknown_anchor", Severity::error, "An alias without its anchor",
     "Define the anchor above it, or quote the text."},
};

}  // namespace

std::span<const LintRule> lint_rules() {
  return kRules;
}

const LintRule* find_lint_rule(std::string_view code) {
  const auto* found =
      std::lower_bound(std::begin(kRules), std::end(kRules), code,
                       [](const LintRule& rule, std::string_view key) { return rule.code < key; });
  return found != std::end(kRules) && found->code == code ? found : nullptr;
}

std::string lint_rule_page(std::string_view code) {
  std::string anchor(code);
  std::erase(anchor, '.');
  return "docs/lint.md#" + anchor;
}

}  // namespace rabt::workflow
