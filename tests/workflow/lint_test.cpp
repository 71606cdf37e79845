#include <gtest/gtest.h>

#include "harness.hpp"
#include "hub/base/limits.hpp"

namespace rabt::workflow {
namespace {

class Catalog final : public ActionCatalog {
 public:
  [[nodiscard]] std::vector<std::string> roles() const override { return {"video", "payer"}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view role) const override {
    return role == "video" ? std::vector<std::string>{"create-session", "end-session"}
                           : std::vector<std::string>{"submit-claim"};
  }
  [[nodiscard]] std::optional<ActionInfo> find(std::string_view role, std::string_view action,
                                               std::string_view version) const override {
    if (!version.starts_with("1.")) return std::nullopt;
    if (role == "payer" && action == "submit-claim")
      return ActionInfo{"submit-claim", "1.2.0", "none", {}};
    if (role != "video" || (action != "create-session" && action != "end-session"))
      return std::nullopt;
    return ActionInfo{std::string(action), "1.0.0", "key",
                      json(R"({"type":"object","required":["reference"],
                               "properties":{"reference":{"type":"string"},"startsAt":{}},
                               "additionalProperties":false})")};
  }
};

// A mistake in a workflow: what is reported, where, and what is suggested.
struct Mistake {
  const char* name;
  const char* body;  // from line 2 on
  const char* expected;
};

const Mistake kMistakes[] = {
    {"misspelt root key", "outptu: {as: .x}\ndo: [{a: {set: {b: 1}}}]\n",
     "2:1: error: unknown key `outptu` in the workflow (did you mean `output`?) "
     "[workflow.unknown_key]"},
    {"misspelt task key", "do:\n  - a:\n      sett: {b: 1}\n",
     "4:7: error: unknown key `sett` in task `a` (did you mean `set`?) [workflow.unknown_key]"},
    {"misspelt common key", "do:\n  - a:\n      set: {b: 1}\n      exprot: {as: .}\n",
     "5:7: error: unknown key `exprot` in task `a` (set) (did you mean `export`?) "
     "[workflow.unknown_key]"},
    {"unknown then",
     "do:\n  - a:\n      set: {b: 1}\n      then: secnd\n  - second:\n      set: {b: 1}\n",
     "5:13: error: no task `secnd` in this list: `then` cannot leave its list (did you mean "
     "`second`?) "
     "[workflow.unknown_task]"},
    {"then out of the list",
     "do:\n  - a:\n      do:\n        - b:\n            set: {c: 1}\n            then: last\n  - "
     "last:\n      set: {}\n",
     "7:19: error: no task `last` in this list: `then` cannot leave its list "
     "[workflow.unknown_task]"},
    {"unknown retry",
     "use:\n  retries:\n    vendorApi: {delay: PT1S, limit: {attempt: {count: 1}}}\ndo:\n  - a:\n  "
     "    try:\n        - b: {set: {c: 1}}\n      catch:\n        retry: vendorAPi\n",
     "10:16: error: no retry policy `vendorAPi` in use.retries (did you mean `vendorApi`?) "
     "[workflow.unknown_retry]"},
    {"unknown timeout",
     "use:\n  timeouts:\n    noShow: {after: PT1M}\ndo:\n  - a:\n      set: {b: 1}\n      timeout: "
     "noshow\n",
     "8:16: error: no timeout `noshow` in use.timeouts (did you mean `noShow`?) "
     "[workflow.unknown_timeout]"},
    {"unknown error",
     "use:\n  errors:\n    late: {type: https://x/late, status: 410}\ndo:\n  - a:\n      raise: "
     "{error: latte}\n",
     "7:22: error: no error `latte` in use.errors (did you mean `late`?) [workflow.unknown_error]"},
    {"unknown role",
     "do:\n  - a:\n      call: create-session:1.0.0@vidoe\n      with: {reference: x}\n",
     "4:13: error: no plugin is bound to the role `vidoe` (did you mean `video`?) "
     "[workflow.unknown_role]"},
    {"unknown action", "do:\n  - a:\n      call: create-sesion:1.0.0@video\n",
     "4:13: error: role `video` has no action `create-sesion` (did you mean `create-session`?) "
     "[workflow.unknown_action]"},
    {"version nobody offers", "do:\n  - a:\n      call: create-session:2.0.0@video\n",
     "4:13: error: role `video` does not offer `create-session` in version 2.0.0 or newer "
     "[workflow.unknown_action]"},
    {"unknown function",
     "use:\n  functions:\n    submitClaim: {set: {a: 1}}\ndo:\n  - a:\n      call: submitClam\n",
     "7:13: error: no function `submitClam` in use.functions; an action is called "
     "<action>:<version>@<role> (did you "
     "mean `submitClaim`?) [workflow.unknown_function]"},
    {"call http without endpoint", "do:\n  - a:\n      call: http\n      with: {method: get}\n",
     "5:7: error: the `with` of call: http needs the key `endpoint` [workflow.missing_key]"},
    {"call grpc", "do:\n  - a:\n      call: grpc\n      with: {method: get}\n",
     "4:13: error: call: grpc is not supported: this profile calls plugins, HTTP and OpenAPI only "
     "(call a plugin's action, such as create-session:1.0.0@video) [workflow.not_supported]"},
    {"run", "do:\n  - a:\n      run: {shell: {command: ls}}\n",
     "4:13: error: run.shell is not supported: a hub with patient data starts no programs that a "
     "workflow file names (call a plugin's action) "
     "[workflow.not_supported]"},
    {"argument missing",
     "do:\n  - a:\n      call: create-session:1.0.0@video\n      with:\n        startsAt: 1\n",
     "5:7: error: `create-session` needs the argument `reference` [workflow.argument_missing]"},
    {"argument misspelt",
     "do:\n  - a:\n      call: create-session:1.0.0@video\n      with:\n        reference: r\n     "
     "   startAt: 1\n",
     "7:9: error: `create-session` has no argument `startAt` (did you mean `startsAt`?) "
     "[workflow.argument_unknown]"},
    {"duplicate task", "do:\n  - a: {set: {b: 1}}\n  - a: {set: {b: 2}}\n",
     "4:5: error: task `a` stands twice in this list (also on line 3) (give each task of a list "
     "its own name) "
     "[workflow.duplicate_task]"},
    {"misspelt key of an error filter",
     "do:\n  - a:\n      try: [{b: {set: {c: 1}}}]\n      catch:\n        errors: {with: {stauts: "
     "500}}\n",
     "6:25: error: unknown key `stauts` in catch.errors.with (did you mean `status`?) "
     "[workflow.unknown_key]"},
    {"wrong error type",
     "do:\n  - a:\n      try: [{b: {set: {c: 1}}}]\n      catch:\n        errors:\n          "
     "with:\n            type: https://serverlessworkflow.io/spec/1.0.0/errors/timeuot\n",
     "8:19: error: the specification has no error type `timeuot` (did you mean "
     "`https://open-workflow-specification.org/spec/1.0.0/errors/timeout`?) "
     "[workflow.unknown_error_type]"},
    {"misspelt unit of time", "do:\n  - a:\n      wait: {minute: 5}\n",
     "4:14: error: unknown key `minute` in a duration (did you mean `minutes`?) "
     "[workflow.unknown_key]"},
    {"no duration", "do:\n  - a:\n      wait: 5 minutes\n",
     "4:13: error: `5 minutes` is no duration (write PT15M, or a mapping such as {minutes: 15}) "
     "[workflow.value]"},
    {"partial interpolation", "do:\n  - a:\n      set:\n        b: Hi ${ .x }!\n",
     "5:12: error: text around `${ }` is not supported: the whole value is an expression or none "
     "of it is (write ${ "
     "\"... \\(.name) ...\" }) [workflow.interpolation]"},
    {"expression without its end", "do:\n  - a:\n      set:\n        b: ${ .x\n",
     "5:12: error: this expression starts with `${` but does not end with `}` "
     "[workflow.interpolation]"},
    {"filter without type",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen:\n        to:\n          one:\n      "
     "      with: {source: x}\n",
     "8:13: error: an event filter needs `type`: without it every event would match "
     "[workflow.event_type]"},
    {"correlation without expect",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen:\n        to:\n          one:\n      "
     "      with: {type: t}\n            correlate:\n              c: {from: .data.c}\n",
     "10:15: warning: correlation `c` has no `expect`: events are compared with each other, not "
     "with this "
     "instance (write expect: ${ $context.<the value> }) "
     "[workflow.correlation_without_expect]"},
    {"misspelt key of foreach",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen: {to: {one: {with: {type: t}}}}\n    "
     " "
     " foreach: {itme: x}\n",
     "6:17: error: unknown key `itme` in foreach (did you mean `item`?) [workflow.unknown_key]"},
    {"until within until",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen: {to: {any: [], until: {any: [], "
     "until: .x}}}\n",
     "5:47: error: an `until` has no `until` of its own [workflow.value]"},
    {"until without any",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen: {to: {one: {with: {type: t}}, "
     "until: "
     ".x}}\n",
     "5:45: error: `until` goes with `any` only [workflow.value]"},
    {"all of nothing", "do:\n  - a:\n      timeout: {after: PT1M}\n      listen: {to: {all: []}}\n",
     "5:26: error: listen.to.all needs at least one event filter [workflow.empty]"},
    {"read what",
     "do:\n  - a:\n      timeout: {after: PT1M}\n      listen: {to: {any: []}, read: envelop}\n",
     "5:37: error: listen.read is data, envelope or raw (did you mean `envelope`?) "
     "[workflow.value]"},
    {"run without a name", "do:\n  - a:\n      run: {workflow: {namespace: x}}\n",
     "4:13: error: run.workflow needs the key `name` [workflow.missing_key]"},
    {"run.return", "do:\n  - a:\n      run: {workflow: {namespace: x, name: y}, return: stdot}\n",
     "4:56: error: run.return is stdout, code, all or none (did you mean `stdout`?) "
     "[workflow.value]"},
    {"extension without a list",
     "use:\n  extensions: {a: {extend: all}}\ndo: [{a: {set: {b: 1}}}]\n",
     "3:15: error: use.extensions is a list, because their order counts: `- name: {extend: ...}` "
     "[workflow.type]"},
    {"extension of what",
     "use:\n  extensions:\n    - a: {extend: calls, before: [{x: {set: {b: 1}}}]}\ndo: [{a: {set: "
     "{b: 1}}}]\n",
     "4:19: error: `calls` is no kind of task that can be extended: all, call, composite (do and "
     "fork), emit, for, listen, raise, run, set, switch, try, wait (did you mean `call`?) "
     "[workflow.value]"},
    {"extension that does nothing",
     "use:\n  extensions:\n    - a: {extend: all}\ndo: [{a: {set: {b: 1}}}]\n",
     "4:7: error: extension `a` does nothing: it needs `before` or `after` "
     "[workflow.missing_key]"},
    {"misspelt key of metadata.rabt",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {compensat: {call: x:1.0.0@y}}}\n",
     "5:25: error: unknown key `compensat` in metadata.rabt of a task (did you mean `compensate`?) "
     "[workflow.unknown_key]"},
    {"until without a wait",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {until: '2026-03-10T06:00:00Z'}}\n",
     "5:25: error: metadata.rabt.until goes with a wait task [workflow.value]"},
    {"no point in time",
     "do:\n  - a:\n      wait: PT0S\n      metadata: {rabt: {until: tomorrow}}\n",
     "5:32: error: metadata.rabt.until is a point in time (write '2026-03-10T06:00:00Z', or an "
     "expression that gives such a text or seconds since 1970) [workflow.value]"},
    {"usefulUntil of a set",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {usefulUntil: "
     "'2026-03-10T06:00:00Z'}}\n",
     "5:25: error: metadata.rabt.usefulUntil goes with call, run or try [workflow.value]"},
    {"unknown class of data",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {dataClass: patients}}\n",
     "5:36: error: dataClass is public, internal or patient (did you mean `patient`?) "
     "[workflow.value]"},
    {"compensation that is no action",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {compensate: {call: end}}}\n",
     "5:44: error: `end` is no action: compensate.call is <action>:<version>@<role> (such as "
     "end-session:1.0.0@video) [workflow.value]"},
    {"compensation with a misspelt argument",
     "do:\n  - a:\n      set: {b: 1}\n      metadata: {rabt: {compensate: {call: "
     "end-session:1.0.0@video, with: {referense: x}}}}\n",
     "5:76: error: `end-session` has no argument `referense` (did you mean `reference`?) "
     "[workflow.argument_unknown]"},
    {"empty list", "do:\n  - a:\n      do: []\n",
     "4:11: error: `do` needs at least one task [workflow.empty]"},
    {"task that does nothing", "do:\n  - a:\n      then: end\n",
     "3:5: error: task `a` does nothing: it needs one of call, do, set, switch, for, fork, listen, "
     "emit, raise, run, "
     "try, wait [workflow.missing_key]"},
    {"task of two kinds", "do:\n  - a:\n      set: {b: 1}\n      wait: PT1S\n",
     "5:7: error: task `a` is both `set` and `wait`: a task does one thing [workflow.value]"},
    {"try without catch", "do:\n  - a:\n      try: [{b: {set: {c: 1}}}]\n",
     "3:5: error: task `a` (try) needs the key `catch` [workflow.missing_key]"},
    {"case without then", "do:\n  - a:\n      switch:\n        - b: {when: .x}\n",
     "5:11: error: case `b` needs the key `then` [workflow.missing_key]"},
    {"reserved name",
     "do:\n  - a:\n      for: {each: input, in: .xs}\n      do: [{b: {set: {c: 1}}}]\n",
     "4:19: error: `$input` has a meaning of its own; take another name [workflow.reserved_name]"},
    {"recursive function",
     "use:\n  functions:\n    f: {call: g}\n    g: {call: f}\ndo:\n  - a: {call: f}\n",
     "5:5: error: function `g` calls `f`, which leads back to itself "
     "[workflow.recursive_function]"},
    {"two tasks in one entry", "do:\n  - a: {set: {b: 1}}\n    c: {set: {b: 1}}\n",
     "3:5: error: a list entry holds exactly one task (indent what belongs to the task one level "
     "deeper) "
     "[workflow.type]"},
    {"schema keyword",
     "input:\n  schema:\n    document:\n      dependentRequird: {}\ndo: [{a: {set: {b: 1}}}]\n",
     "5:7: error: schema keyword `dependentRequird` is not supported (did you mean "
     "`dependentRequired`?) [workflow.not_supported]"},
    {"name that breaks references", "do:\n  - a/b: {set: {c: 1}}\n",
     "3:5: error: a task's name may not be empty, longer than 100 bytes, or hold `/` or `~` "
     "[workflow.value]"},
    {"schedule too often", "schedule: {every: PT0.5S}\ndo: [{a: {set: {b: 1}}}]\n",
     "2:19: error: schedule.every must be at least 1000 milliseconds: shorter is a mistake, not a "
     "schedule [workflow.value]"},
    {"schedule without anything", "schedule: {read: data}\ndo: [{a: {set: {b: 1}}}]\n",
     "2:1: error: schedule needs one of the keys `on`, `every`, `cron`, `after` "
     "[workflow.missing_key]\ntest.yaml:2:12: error: schedule.read goes with schedule.on only "
     "[workflow.value]"},
    {"cron with a wrong hour", "schedule: {cron: '0 25 * * *'}\ndo: [{a: {set: {b: 1}}}]\n",
     "2:21: error: in the hour field: 25 is not between 0 and 23 (minute hour day-of-month month "
     "day-of-week) [workflow.cron]"},
    {"duplicate key", "do:\n  - a:\n      set: {b: 1}\n      set: {b: 2}\n",
     "5:7: error: the key `set` stands here twice (keep one of them) [yaml.duplicate_key]"},
    {"unreachable task",
     "do:\n  - a:\n      set: {b: 1}\n      then: end\n  - c:\n      set: {b: 1}\n",
     "6:5: warning: task `c` is never reached (the task before it jumps or raises: let a `then` "
     "lead here, or remove "
     "it) [workflow.unreachable_task]"},
    {"context key never written",
     "do:\n  - a:\n      set: {claim: 1}\n      export: {as: '${ $output }'}\n  - b:\n      set:\n "
     "       c: ${ $context.cliam }\n",
     "8:15: warning: `$context.cliam` is read, but no export writes it (did you mean `claim`?) "
     "[workflow.unwritten_context]"},
    {"listen without timeout", "do:\n  - a:\n      listen: {to: {one: {with: {type: t}}}}\n",
     "4:7: warning: this listen waits for ever when the event does not come (give the task a "
     "`timeout` and catch the "
     "timeout error) [workflow.listen_without_timeout]"},
    {"retry of an unsafe action",
     "do:\n  - a:\n      try:\n        - b:\n            call: submit-claim:1.0.0@payer\n      "
     "catch:\n        retry: {limit: {attempt: {count: 2}}}\n",
     "6:19: warning: `submit-claim` is retried here, but the plugin cannot tell a repeated call "
     "from a new one (let a "
     "person decide, or make the action idempotent) [workflow.retry_not_idempotent]"},
    {"expression without braces", "do:\n  - a:\n      set:\n        b: .customer.name\n",
     "5:12: warning: `.customer.name` is passed on as this text, not evaluated (write ${ "
     ".customer.name }, or quote "
     "the text) [workflow.missing_expression]"},
    {"retry without limit",
     "do:\n  - a:\n      try: [{b: {set: {c: 1}}}]\n      catch:\n        retry: {delay: PT1S}\n",
     "6:16: warning: this retry policy never gives up (add limit: {attempt: {count: 5}}) "
     "[workflow.retry_without_limit]"},
    {"shared context key",
     "do:\n  - a:\n      fork:\n        branches:\n          - b: {set: {x: 1}, export: {as: '{x: "
     "1}'}}\n          - c: {set: {x: 1}, export: {as: '{x: 2}'}}\n",
     "7:13: warning: an earlier branch exports `$context.x` too; the later branch of the list wins "
     "(give each branch "
     "its own key) [workflow.shared_context_key]"},
};

TEST(Lint, ReportsEachSeededMistakeOnceWithPlaceAndSuggestion) {
  const Catalog catalog;
  for (const Mistake& mistake : kMistakes) {
    const ParsedDefinition result = parse_definition(document(mistake.body), &catalog);
    EXPECT_EQ(all_text(result.diagnostics), "test.yaml:" + std::string(mistake.expected) + '\n')
        << mistake.name;
    const bool error =
        std::string_view(mistake.expected).find(": error: ") != std::string_view::npos;
    EXPECT_EQ(result.definition == nullptr, error) << mistake.name;
  }
}

std::string first(std::string_view body) {
  const ParsedDefinition result = parse_definition(document(body), nullptr);
  return result.diagnostics.empty() ? "nothing" : to_string(result.diagnostics.front(), "f");
}

TEST(Lint, PlacesExpressionFaultsInsideTheScalar) {
  const std::string syntax = first("do:\n  - a:\n      set:\n        b: ${ .x | | }\n");
  EXPECT_NE(syntax.find("[expression.syntax]"), std::string::npos) << syntax;
  EXPECT_EQ(syntax.substr(0, 4), "f:5:") << syntax;
  const std::string variable =
      first("do:\n  - a:\n      if: ${ .x == $contxt.y }\n      set: {b: 1}\n");
  EXPECT_EQ(variable.substr(0, 7), "f:4:20:") << variable;
  EXPECT_NE(variable.find("[expression.unknown_variable]"), std::string::npos) << variable;
  const std::string quoted = first("do:\n  - a:\n      if: '$nope'\n      set: {b: 1}\n");
  EXPECT_EQ(quoted.substr(0, 7), "f:4:12:") << quoted;
}

TEST(Lint, VariablesAreKnownOnlyWhereTheyHaveAValue) {
  EXPECT_NE(first("do:\n  - a: {set: {b: 1}, output: {as: $output}}\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_NE(first("do:\n  - a: {set: {b: 1}, if: $input}\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_NE(first("input: {from: $context}\ndo: [{a: {set: {b: 1}}}]\n").find("unknown_variable"),
            std::string::npos);
  EXPECT_EQ(first("do:\n  - a: {set: {b: 1}, export: {as: '[$output, $input, $context, $task, "
                  "$workflow, $runtime]'}}\n"),
            "nothing");
  const std::string secret = first("do:\n  - a: {set: {b: '${ $secrets.key }'}}\n");
  EXPECT_NE(secret.find("what this expression gives is kept with the instance"), std::string::npos)
      << secret;
}

TEST(Lint, ChecksTheDocument) {
  const auto codes = [](std::string_view text) {
    std::string out;
    for (const Diagnostic& one : parse_definition(text, nullptr).diagnostics) {
      out += std::to_string(one.line) + ':' + std::to_string(one.column) + ' ' + one.code + '\n';
    }
    return out;
  };
  const std::string body = "do: [{a: {set: {b: 1}}}]\n";
  EXPECT_EQ(codes("document:\n  dsl: 9.9.9\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "2:8 workflow.version\n");
  EXPECT_EQ(codes("document:\n  dsl: 1.1.0\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "2:8 workflow.version\n");
  EXPECT_EQ(codes("document:\n  dsl: 1.0.9\n  namespace: x\n  name: y\n  version: 1.0.0\n" + body),
            "");
  EXPECT_EQ(codes("document:\n  dsl: 1.0.3\n  namespace: X_y\n  name: y\n  version: 1.0\n" + body),
            "3:14 workflow.value\n5:12 workflow.type\n");
  EXPECT_EQ(codes("document: {dsl: 1.0.3, namespace: x, name: y}\n" + body),
            "1:1 workflow.missing_key\n");
  EXPECT_EQ(codes(body), "1:1 workflow.missing_key\n");
  EXPECT_EQ(codes("document: {dsl: 1.0.1, namespace: x, name: y, version: 1.0.0}\ndo: [{a: {wait: "
                  "'${ .t }'}}]\n"),
            "2:17 workflow.version\n");
  EXPECT_EQ(codes(""), "1:1 workflow.type\n");
}

TEST(Lint, LimitsTheNumberOfTasks) {
  const auto with_tasks = [](std::size_t count) {
    std::string body = "do:\n";
    for (std::size_t i = 0; i < count; ++i)
      body += "  - t" + std::to_string(i) + ": {set: {a: 1}}\n";
    return parse_definition(document(body), nullptr);
  };
  EXPECT_NE(with_tasks(limits::kMaxWorkflowTasks).definition, nullptr);
  const ParsedDefinition refused = with_tasks(limits::kMaxWorkflowTasks + 1);
  ASSERT_EQ(refused.diagnostics.size(), 1U);
  EXPECT_EQ(refused.diagnostics.front().code, "workflow.limit");
}

TEST(Lint, KnowsItsCallsAndStarts) {
  const auto definition = parsed(
      "schedule: {on: {one: {with: {type: booked.v1, data: '${ .modality == \"video\" }'}}}}\n"
      "do:\n  - a: {call: create-session:1.0.0@video}\n");
  ASSERT_EQ(definition->calls().size(), 1U);
  EXPECT_EQ(definition->calls()[0].role, "video");
  EXPECT_EQ(definition->calls()[0].line, 4);
  EXPECT_EQ(definition->start_types(), std::vector<std::string>{"booked.v1"});
  EXPECT_TRUE(definition->starts_on(event("booked.v1", json(R"({"modality":"video"})"))));
  EXPECT_FALSE(definition->starts_on(event("booked.v1", json(R"({"modality":"clinic"})"))));
  EXPECT_FALSE(definition->starts_on(event("booked.v1", Json(5))));
  EXPECT_FALSE(definition->starts_on(event("booked.v10", json(R"({"modality":"video"})"))));
}

TEST(Lint, GivesTheBusinessKeyOfAnInput) {
  const ParsedDefinition result = parse_definition(
      "document:\n  {dsl: 1.0.3, namespace: t, name: n, version: 1.0.0, metadata: {rabt: "
      "{businessKey: '${ .appointment }'}}}\n"
      "input: {from: '.[0].data'}\n"
      "do: [{a: {set: {b: 1}}}]\n",
      nullptr);
  ASSERT_NE(result.definition, nullptr) << all_text(result.diagnostics);
  const auto key =
      result.definition->business_key(Json::array({event("t", json(R"({"appointment":"A1"})"))}));
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(key.value(), "A1");
  EXPECT_FALSE(result.definition->business_key(Json::array({event("t", json("{}"))})).ok());
}

}  // namespace
}  // namespace rabt::workflow
