#include "hub/workflow/simulate/test_file.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "hub/base/clock.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/parse/parser.hpp"
#include "hub/workflow/simulate/test_model.hpp"
#include "hub/workflow/yaml/yaml.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"

// Test files: from YAML to the typed form.
namespace rabt::workflow {

namespace {

using Names = std::vector<std::string>;

// A test file may be as large as a workflow, and a case holds whole events.
constexpr std::size_t kMaxCases = 1000;

// RFC 7396
Json merge_patch(const Json& target, const Json& patch) {
  if (!patch.is_object()) return patch;
  Json out = target.is_object() ? target : Json::object();
  for (const auto& [key, value] : patch.as_object()) {
    if (value.is_null()) {
      out.mutable_object().erase(key);
    } else {
      out.set(key, merge_patch(out[key], value));
    }
  }
  return out;
}

// Names under which the files of workflows that a workflow starts are looked for.
constexpr std::array<std::string_view, 7> kNamesOfDefinitions = {
    "child", "children", "files", "subflows", "sub_workflows", "workflow_files", "workflows"};

std::string meant_key(const std::string& key, const YamlNode& in, const Names& allowed) {
  const bool has_definitions =
      std::find(allowed.begin(), allowed.end(), "definitions") != allowed.end();
  const std::string place = has_definitions ? "" : " at the top of the file";
  if (key == "definitions" || (std::find(kNamesOfDefinitions.begin(), kNamesOfDefinitions.end(),
                                         key) != kNamesOfDefinitions.end() &&
                               in.find("workflow") != nullptr))
    return "`definitions: [PATH]`" + place + " gives the workflows that the tested one starts";
  return did_you_mean(key, allowed);
}

class Reader {
 public:
  explicit Reader(std::string_view text) : source_(text), index_(text) {}

  ParsedTestFile run();

 private:
  template <typename At>
  void error(const At& at, std::string code, std::string message, std::string suggestion = {});

  // Place of a byte of the node's text.
  [[nodiscard]] TextPlace place_in(const YamlNode& node, std::size_t byte) const;
  bool keys(const YamlNode& node, std::string_view where, const Names& allowed);
  bool is_list(const YamlNode& node, std::string_view what);
  std::string text(const YamlNode& node, std::string_view what);

  std::int64_t number(const YamlNode& node, std::string_view what, std::int64_t least,
                      std::int64_t most);

  std::int64_t duration(const YamlNode& node, std::string_view what);
  std::string one_of(const YamlNode& node, std::string_view what, const Names& values);

  // role/action, or role/action in a list
  std::string pair_name(const std::string& name, const YamlNode& at, std::string_view what,
                        std::string_view example);
  std::string action_name(const std::string& name, const YamlNode& at);

  // Texts that are `${ ... }` become expressions.
  Template value(const YamlNode& node);

  // ---- given

  // A reply that is `transient`, `permanent` or `ambiguous`.
  void failure(const std::string& kind, const YamlNode& given, ScriptedReply& out);
  // Kind of partner that answers.
  enum class By : std::uint8_t { action, child, person };
  ScriptedReply reply(const YamlNode& node, By by, bool http);
  // Checks the output of `http/request`, as far as the file alone determines it.
  void http_output(const YamlNode& node);
  std::map<std::string, Script> scripts(const YamlNode& node, By by);
  void after(const YamlNode& node, Moment& moment);
  Moment moment(const YamlNode& node, std::string_view what);
  StartSpec start(const YamlNode& node, bool defaults);
  GivenSpec given(const YamlNode& node);

  // ---- expect

  std::vector<std::string> names(const YamlNode& node, std::string_view what, bool actions);
  std::vector<ExpectedCall> expected_calls(const YamlNode& node);
  ExpectSpec expect(const YamlNode& node);

  // ---- the file

  static void fill(TestCase& test_case, const TestCase& defaults);
  void read(const YamlNode& root, TestFile::Model& model);
  void read_case(const YamlNode& node, TestCase& out, bool defaults);

  std::string_view source_;
  LineIndex index_;
  std::vector<Diagnostic> diagnostics_;
};

ParsedTestFile Reader::run() {
  ParsedTestFile out;
  const YamlOutcome parsed = parse_yaml(source_);
  if (parsed.root == nullptr) {
    out.diagnostics.push_back({Severity::error, parsed.fault.code, parsed.fault.message,
                               parsed.fault.suggestion, parsed.fault.line, parsed.fault.column});
    return out;
  }
  auto model = std::make_shared<TestFile::Model>();
  read(*parsed.root, *model);
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return a.line != b.line ? a.line < b.line : a.column < b.column;
                   });
  out.diagnostics = std::move(diagnostics_);
  if (out.diagnostics.empty()) out.file = std::make_shared<const TestFile>(std::move(model));
  return out;
}

template <typename At>
void Reader::error(const At& at, std::string code, std::string message, std::string suggestion) {
  diagnostics_.push_back({Severity::error, std::move(code), std::move(message),
                          std::move(suggestion), at.line, at.column});
}

TextPlace Reader::place_in(const YamlNode& node, std::size_t byte) const {
  const auto offsets = scalar_offsets(source_, node);
  if (!offsets || byte >= offsets->size()) return {node.line, node.column};
  return index_.at((*offsets)[byte]);
}

bool Reader::keys(const YamlNode& node, std::string_view where, const Names& allowed) {
  if (node.kind != YamlNode::Kind::mapping) {
    error(node, "test.type", std::string(where) + " must be a mapping (`key: value` lines)");
    return false;
  }
  for (const YamlEntry& entry : node.entries) {
    if (std::find(allowed.begin(), allowed.end(), entry.key) != allowed.end()) continue;
    const std::string near = meant_key(entry.key, node, allowed);
    error(entry, "test.unknown_key", "unknown key `" + entry.key + "` in " + std::string(where),
          near.empty() ? "known here: " + listed(allowed) : near);
  }
  return true;
}

bool Reader::is_list(const YamlNode& node, std::string_view what) {
  if (node.kind == YamlNode::Kind::sequence) return true;
  error(node, "test.type", std::string(what) + " must be a list");
  return false;
}

std::string Reader::text(const YamlNode& node, std::string_view what) {
  if (node.is_text() && !node.text().empty()) return node.text();
  error(node, "test.type", std::string(what) + " must be a text",
        node.kind == YamlNode::Kind::number ? "put it in quotes" : "");
  return {};
}

std::int64_t Reader::number(const YamlNode& node, std::string_view what, std::int64_t least,
                            std::int64_t most) {
  if (node.kind == YamlNode::Kind::number) {
    const std::optional<std::int64_t> value = node.scalar.as_int64();
    if (value.has_value() && *value >= least && *value <= most) return *value;
  }
  error(node, "test.value",
        std::string(what) + " must be a whole number from " + std::to_string(least) + " to " +
            std::to_string(most));
  return least;
}

std::int64_t Reader::duration(const YamlNode& node, std::string_view what) {
  if (node.is_text()) {
    std::string_view given = node.text();
    if (given.starts_with('+')) given.remove_prefix(1);
    if (const Result<std::int64_t> ms = parse_duration_ms(given); ms.ok() && *ms >= 0) return *ms;
  }
  error(node, "test.value", std::string(what) + " must be a duration", "such as PT5M");
  return 0;
}

std::string Reader::one_of(const YamlNode& node, std::string_view what, const Names& values) {
  std::string given = text(node, what);
  if (given.empty() || std::find(values.begin(), values.end(), given) != values.end()) return given;
  const std::string near = did_you_mean(given, values);
  error(node, "test.value", std::string(what) + " is one of " + listed(values), near);
  return {};
}

std::string Reader::action_name(const std::string& name, const YamlNode& at) {
  const std::string role = name.substr(0, name.find_first_of("/:"));
  if ((role == kHttpRole || role == "https" || role == "openapi") && name != kHttpCallName) {
    error(at, "test.value",
          '`' + name + "` is no action: every request of `call: http` and `call: openapi` is " +
              std::string(kHttpCallName),
          "did you mean `" + std::string(kHttpCallName) + "`?");
    return {};
  }
  return pair_name(name, at, "action", "<role>/<action>");
}

std::string Reader::pair_name(const std::string& name, const YamlNode& at, std::string_view what,
                              std::string_view example) {
  const std::size_t slash = name.find('/');
  if (slash != std::string::npos && slash > 0 && slash + 1 < name.size() &&
      name.find('/', slash + 1) == std::string::npos) {
    return name;
  }
  std::string meant;
  const std::size_t colon = name.find(':');
  const std::size_t role = name.find('@');
  if (colon != std::string::npos && role != std::string::npos && colon < role)
    meant = "write " + name.substr(role + 1) + '/' + name.substr(0, colon);
  error(at, "test.value", '`' + name + "` is no " + std::string(what),
        meant.empty() ? "write " + std::string(example) : meant);
  return {};
}

Template Reader::value(const YamlNode& node) {
  Template out;
  if (node.kind == YamlNode::Kind::string) {
    const Enclosed found = enclosed(node.text());
    if (found.kind == Enclosed::Kind::expression) {
      static constexpr std::array<std::string_view, 2> kNames = {"instance", "call"};
      Expression::Outcome outcome = Expression::compile(found.inside, kNames);
      if (!outcome.expression.has_value()) {
        std::string hint;
        if (outcome.fault.code == "expression.unknown_variable")
          hint = "known here: $instance $call";
        error(place_in(node, found.offset + outcome.fault.offset), outcome.fault.code,
              outcome.fault.message, hint);
        return out;
      }
      out.kind = Template::Kind::expression;
      Expr expr;
      expr.expression = std::move(*outcome.expression);
      for (std::uint32_t i = 0; i < kNames.size(); ++i)
        expr.variables.push_back({Variable::local, i});
      out.expression = std::move(expr);
      return out;
    }
    if (found.kind == Enclosed::Kind::unclosed) {
      error(node, "test.value", "this expression starts with `${` but does not end with `}`");
    }
    out.constant = node.scalar;
    return out;
  }
  if (node.kind != YamlNode::Kind::mapping && node.kind != YamlNode::Kind::sequence) {
    out.constant = node.scalar;
    return out;
  }
  bool constant = true;
  for (const YamlPtr& item : node.items) out.items.push_back(value(*item));
  for (const YamlEntry& entry : node.entries) {
    out.keys.push_back(entry.key);
    out.items.push_back(value(*entry.value));
  }
  for (const Template& item : out.items)
    constant = constant && item.kind == Template::Kind::constant;
  if (constant) {
    out.items.clear();
    out.keys.clear();
    out.constant = to_json(node);
  } else {
    out.kind =
        node.kind == YamlNode::Kind::mapping ? Template::Kind::object : Template::Kind::array;
  }
  return out;
}

// ---- given

void Reader::failure(const std::string& kind, const YamlNode& given, ScriptedReply& out) {
  out.outcome = kind == "transient"   ? OutcomeKind::transient
                : kind == "permanent" ? OutcomeKind::permanent
                                      : OutcomeKind::ambiguous;
  out.code = "test." + kind;
  out.message = "the test says " + kind;
  out.detail = Json::object();
  if (given.kind == YamlNode::Kind::boolean && given.scalar.as_bool()) {
    // `transient: true`: the code does not matter
  } else if (keys(given, kind, {"code", "status", "message", "detail", "retry_after"})) {
    if (const YamlEntry* found = given.find("code")) out.code = text(*found->value, "code");
    if (const YamlEntry* found = given.find("message"))
      out.message = text(*found->value, "message");
    if (const YamlEntry* found = given.find("detail")) out.detail = to_json(*found->value);
    if (const YamlEntry* found = given.find("status"))
      out.detail.set("status", number(*found->value, "status", 300, 599));
    if (const YamlEntry* found = given.find("retry_after"))
      out.retry_after_ms = duration(*found->value, "retry_after");
  }
}

void Reader::http_output(const YamlNode& node) {
  const std::string example = "write `output: " + std::string(kHttpAnswerExample) + '`';
  const auto is_expression = [](const YamlNode& yaml_node) {
    return yaml_node.is_text() && enclosed(yaml_node.text()).kind == Enclosed::Kind::expression;
  };
  if (is_expression(node)) return;  // the run looks at what it gives
  if (node.kind != YamlNode::Kind::mapping) {
    error(node, "test.value",
          "the answer of " + std::string(kHttpCallName) + " is a mapping with `status`", example);
    return;
  }
  for (const YamlEntry& entry : node.entries) {
    if (entry.key == "status" || entry.key == "headers" || entry.key == "body") continue;
    error(entry, "test.unknown_key",
          "unknown key `" + entry.key + "` in the answer of " + std::string(kHttpCallName),
          example);
  }
  const YamlEntry* status = node.find("status");
  if (status == nullptr) {
    error(node, "test.missing_key",
          "the answer of " + std::string(kHttpCallName) + " needs a `status`", example);
  } else if (!is_expression(*status->value)) {
    (void)number(*status->value, "status", 100, 599);
  }
  const YamlEntry* headers = node.find("headers");
  if (headers == nullptr || is_expression(*headers->value)) return;
  if (headers->value->kind != YamlNode::Kind::mapping) {
    error(*headers->value, "test.value", "`headers` is a mapping of texts",
          "write `headers: {content-type: application/json}`");
    return;
  }
  for (const YamlEntry& entry : headers->value->entries) {
    if (!is_expression(*entry.value)) (void)text(*entry.value, "the header `" + entry.key + '`');
  }
}

ScriptedReply Reader::reply(const YamlNode& node, By by, bool http) {
  ScriptedReply out;
  out.line = node.line;
  static const Names kinds = {"output",    "transient", "permanent", "ambiguous",
                              "cancelled", "fault",     "never"};
  static const Names more = {"delay", "from", "times", "when", "task"};
  Names allowed = by == By::child    ? Names{"output", "fault", "cancelled", "never"}
                  : by == By::person ? Names{"output", "again", "permanent"}
                                     : Names{"output",    "transient", "permanent",
                                             "ambiguous", "cancelled", "never"};
  const Names answers = allowed;
  const std::size_t before = diagnostics_.size();
  allowed.insert(allowed.end(), more.begin(), more.end());
  if (!keys(node, "a reply", allowed)) return out;
  const YamlEntry* kind = nullptr;
  for (const YamlEntry& entry : node.entries) {
    if (std::find(answers.begin(), answers.end(), entry.key) == answers.end()) continue;
    if (kind != nullptr) {
      error(entry, "test.value",
            "a reply is one thing: `" + kind->key + "` or `" + entry.key + '`');
    }
    kind = &entry;
  }
  if (kind == nullptr) {
    if (diagnostics_.size() > before) return out;  // it was misspelt
    error(node, "test.missing_key", "a reply needs one of " + listed(answers));
    return out;
  }
  const YamlNode& given = *kind->value;
  if (kind->key == "output") {
    out.output = value(given);
    if (http) http_output(given);
  } else if (kind->key == "never" || kind->key == "cancelled" || kind->key == "again") {
    if (given.kind != YamlNode::Kind::boolean || !given.scalar.as_bool())
      error(given, "test.value", "write `" + kind->key + ": true`");
    if (kind->key == "never") {
      out.kind = ScriptedReply::Kind::never;
    } else if (kind->key == "again") {
      out.kind = ScriptedReply::Kind::again;
    } else {
      out.outcome = OutcomeKind::cancelled;
      out.code = "test.cancelled";
    }
  } else if (kind->key == "fault") {
    out.kind = ScriptedReply::Kind::fault;
    out.outcome = OutcomeKind::permanent;
    out.code = "workflow.child_faulted";
    if (keys(given, "fault", {"type", "status", "title", "detail", "instance"})) {
      for (const char* key : {"type", "status"}) {
        if (given.find(key) == nullptr)
          error(given, "test.missing_key", std::string("a fault needs `") + key + '`');
      }
    }
    out.detail = Json::object({{"error", to_json(given)}});
  } else {
    failure(kind->key, given, out);
  }
  constexpr std::int64_t kMost = 1'000'000;
  if (const YamlEntry* found = node.find("delay")) out.delay_ms = duration(*found->value, "delay");
  if (const YamlEntry* found = node.find("from")) {
    out.from = number(*found->value, "from", 1, kMost);
    out.times = kMost;
  }
  if (const YamlEntry* found = node.find("times"))
    out.times = number(*found->value, "times", 1, kMost);
  if (const YamlEntry* found = node.find("when")) out.when = value(*found->value);
  if (const YamlEntry* found = node.find("task")) out.task = text(*found->value, "task");
  return out;
}

std::map<std::string, Script> Reader::scripts(const YamlNode& node, By by) {
  const bool child = by == By::child;
  std::map<std::string, Script> out;
  if (node.kind != YamlNode::Kind::mapping) {
    error(node, "test.type", "replies stand by name: `<role>/<action>: [...]`");
    return out;
  }
  for (const YamlEntry& entry : node.entries) {
    YamlNode at;
    at.line = entry.line;
    at.column = entry.column;
    const std::string name = child ? pair_name(entry.key, at, "workflow", "<namespace>/<name>")
                                   : action_name(entry.key, at);
    const bool http = by == By::action && name == kHttpCallName;
    Script script;
    if (entry.value->kind == YamlNode::Kind::mapping) {
      script.push_back(reply(*entry.value, by, http));  // one reply need not be a list
    } else if (is_list(*entry.value, "the replies of `" + entry.key + "`")) {
      if (entry.value->items.empty())
        error(*entry.value, "test.value", "at least one reply is needed");
      for (const YamlPtr& item : entry.value->items) script.push_back(reply(*item, by, http));
    }
    out[name] = std::move(script);
  }
  return out;
}

void Reader::after(const YamlNode& node, Moment& moment) {
  if (!keys(node, "after", {"task", "call", "state", "number"})) return;
  if (const YamlEntry* found = node.find("task")) moment.task = text(*found->value, "task");
  if (const YamlEntry* found = node.find("call"))
    moment.call = action_name(text(*found->value, "call"), *found->value);
  if (moment.task.empty() == moment.call.empty())
    error(node, "test.missing_key", "`after` needs one of `task`, `call`");
  if (const YamlEntry* found = node.find("state")) {
    moment.state = one_of(*found->value, "state",
                          {"started", "waiting", "parked", "completed", "faulted", "retried",
                           "skipped", "cancelled"});
    if (!moment.call.empty()) error(*found, "test.value", "`state` goes with `task` only");
  }
  if (const YamlEntry* found = node.find("number"))
    moment.number = number(*found->value, "number", 1, 1'000'000);
}

Moment Reader::moment(const YamlNode& node, std::string_view what) {
  Moment out;
  const YamlEntry* at = node.find("at");
  const YamlEntry* behind = node.find("after");
  if ((at == nullptr) == (behind == nullptr)) {
    error(node, "test.missing_key", std::string(what) + " needs one of `at`, `after`");
    return out;
  }
  if (at != nullptr) {
    if (at->value->is_text() && at->value->text().find('P') == std::string::npos) {
      const Result<Timestamp> parsed = parse_iso8601(at->value->text());
      if (parsed.ok()) {
        out.at_ms = parsed->ms;
      } else {
        error(*at->value, "test.value", "`at` is a time after the start or a point in time",
              "write +PT5M or 2026-03-10T09:00:00Z");
      }
    } else {
      out.after_start_ms = duration(*at->value, "at");
    }
  } else {
    after(*behind->value, out);
  }
  if (const YamlEntry* found = node.find("delay")) {
    if (at != nullptr) error(*found, "test.value", "`delay` goes with `after`");
    out.delay_ms = duration(*found->value, "delay");
  }
  return out;
}

StartSpec Reader::start(const YamlNode& node, bool defaults) {
  StartSpec out;
  if (!keys(node, "start", {"at", "event", "input", "change"})) return out;
  if (const YamlEntry* found = node.find("at")) {
    const Result<Timestamp> parsed = found->value->is_text() ? parse_iso8601(found->value->text())
                                                             : Result<Timestamp>(invalid("", ""));
    if (parsed.ok()) {
      out.at_ms = parsed->ms;
    } else {
      error(*found->value, "test.value", "`at` is a point in time", "write 2026-03-10T09:00:00Z");
    }
  }
  const YamlEntry* event = node.find("event");
  const YamlEntry* input = node.find("input");
  const YamlEntry* change = node.find("change");
  if (event != nullptr && input != nullptr)
    error(*input, "test.value", "a case starts with an `event` or with an `input`, not both");
  if (event != nullptr) {
    if (event->value->kind != YamlNode::Kind::mapping)
      error(*event->value, "test.type", "an event is a mapping with `type` and `data`");
    out.event = to_json(*event->value);
  }
  if (input != nullptr) out.input = to_json(*input->value);
  if (change != nullptr) {
    if (defaults || event != nullptr || input != nullptr)
      error(*change, "test.value", "`change` alters the defaults' event or input in one case");
    out.change = to_json(*change->value);
  }
  return out;
}

GivenSpec Reader::given(const YamlNode& node) {
  GivenSpec out;
  if (!keys(node, "given",
            {"replies", "workflows", "decisions", "idempotency", "reads", "events", "cancel",
             "secrets"})) {
    return out;
  }
  if (const YamlEntry* found = node.find("replies"))
    out.replies = scripts(*found->value, By::action);
  if (const YamlEntry* found = node.find("workflows"))
    out.workflows = scripts(*found->value, By::child);
  if (const YamlEntry* found = node.find("decisions"))
    out.decisions = scripts(*found->value, By::person);
  if (const YamlEntry* found = node.find("idempotency")) {
    for (const YamlEntry& entry : found->value->entries) {
      out.idempotency[action_name(entry.key, *entry.value)] =
          one_of(*entry.value, "idempotency", {"native", "key", "probe", "none"});
    }
  }
  if (const YamlEntry* found = node.find("reads")) {
    for (std::string& name : names(*found->value, "reads", true)) out.reads.insert(std::move(name));
  }
  if (const YamlEntry* found = node.find("events");
      found != nullptr && is_list(*found->value, "events")) {
    out.events.emplace();
    for (const YamlPtr& item : found->value->items) {
      ScriptedEvent event;
      event.line = item->line;
      if (!keys(*item, "an event", {"at", "after", "delay", "event"})) continue;
      event.moment = moment(*item, "an event");
      const YamlEntry* content = item->find("event");
      if (content == nullptr || content->value->kind != YamlNode::Kind::mapping) {
        error(*item, "test.missing_key", "an event needs `event: {type: ..., data: ...}`");
      } else {
        if (content->value->find("type") == nullptr)
          error(*content->value, "test.missing_key", "an event needs a `type`");
        event.event = value(*content->value);
      }
      out.events->push_back(std::move(event));
    }
  }
  if (const YamlEntry* found = node.find("cancel");
      found != nullptr && keys(*found->value, "cancel", {"at", "after", "delay"})) {
    out.cancel = moment(*found->value, "cancel");
  }
  if (const YamlEntry* found = node.find("secrets")) {
    for (const YamlEntry& entry : found->value->entries)
      out.secrets[entry.key] = to_json(*entry.value);
  }
  return out;
}

// ---- expect

std::vector<std::string> Reader::names(const YamlNode& node, std::string_view what, bool actions) {
  std::vector<std::string> out;
  if (!is_list(node, what)) return out;
  for (const YamlPtr& item : node.items) {
    std::string name = text(*item, what);
    out.push_back(actions ? action_name(name, *item) : std::move(name));
  }
  return out;
}

std::vector<ExpectedCall> Reader::expected_calls(const YamlNode& node) {
  std::vector<ExpectedCall> out;
  if (!is_list(node, "calls")) return out;
  for (const YamlPtr& item : node.items) {
    ExpectedCall call;
    call.line = item->line;
    if (item->is_text()) {
      call.action = action_name(item->text(), *item);
    } else if (keys(*item, "a call", {"call", "with", "with_exactly"})) {
      const YamlEntry* name = item->find("call");
      if (name == nullptr) {
        error(*item, "test.missing_key", "a call needs `call: <role>/<action>`");
      } else {
        call.action = action_name(text(*name->value, "call"), *name->value);
      }
      const YamlEntry* with = item->find("with");
      const YamlEntry* exact = item->find("with_exactly");
      if (with != nullptr && exact != nullptr)
        error(*exact, "test.value", "one of `with` and `with_exactly`, not both");
      if (with != nullptr) call.with = value(*with->value);
      if (exact != nullptr) call.with = value(*exact->value);
      call.exactly = exact != nullptr;
    }
    out.push_back(std::move(call));
  }
  return out;
}

ExpectSpec Reader::expect(const YamlNode& node) {
  ExpectSpec out;
  if (!keys(node, "expect",
            {"status", "calls", "calls_exactly", "not_called", "call_count", "path", "path_exactly",
             "emitted", "emitted_exactly", "output", "output_exactly", "error", "error_exactly",
             "context", "context_exactly", "duration"})) {
    return out;
  }
  const auto either = [&](const char* name, auto&& take) {
    const std::string exactly = std::string(name) + "_exactly";
    const YamlEntry* some = node.find(name);
    const YamlEntry* all = node.find(exactly);
    if (some != nullptr && all != nullptr)
      error(*all, "test.value", std::string("one of `") + name + "` and `" + exactly + "`");
    if (some != nullptr) take(*some->value, false);
    if (all != nullptr) take(*all->value, true);
  };
  if (const YamlEntry* found = node.find("status")) {
    out.status = one_of(*found->value, "status",
                        {"completed", "faulted", "cancelled", "waiting", "parked", "not_started"});
  }
  either("calls", [&](const YamlNode& at, bool exactly) {
    out.calls = expected_calls(at);
    out.calls_exactly = exactly;
  });
  if (const YamlEntry* found = node.find("not_called"))
    out.not_called = names(*found->value, "not_called", true);
  if (const YamlEntry* found = node.find("call_count")) {
    for (const YamlEntry& entry : found->value->entries) {
      out.call_count[action_name(entry.key, *entry.value)] =
          number(*entry.value, "a count", 0, 1'000'000);
    }
  }
  either("path", [&](const YamlNode& at, bool exactly) {
    out.path = names(at, "path", false);
    out.path_exactly = exactly;
  });
  either("emitted", [&](const YamlNode& at, bool exactly) {
    out.emitted.emplace();
    out.emitted_exactly = exactly;
    if (!is_list(at, "emitted")) return;
    for (const YamlPtr& item : at.items) out.emitted->push_back(value(*item));
  });
  either("output", [&](const YamlNode& at, bool exactly) {
    out.output = ExpectSpec::Value{value(at), exactly};
  });
  either("error", [&](const YamlNode& at, bool exactly) {
    out.error = ExpectSpec::Value{value(at), exactly};
  });
  either("context", [&](const YamlNode& at, bool exactly) {
    out.context = ExpectSpec::Value{value(at), exactly};
  });
  if (const YamlEntry* found = node.find("duration")) {
    ExpectedDuration length;
    if (found->value->is_text()) {
      length.min_ms = length.max_ms = duration(*found->value, "duration");
    } else if (keys(*found->value, "duration", {"min", "max"})) {
      if (const YamlEntry* min = found->value->find("min"))
        length.min_ms = duration(*min->value, "min");
      if (const YamlEntry* max = found->value->find("max"))
        length.max_ms = duration(*max->value, "max");
    }
    out.duration = length;
  }
  return out;
}

// ---- the file

void Reader::fill(TestCase& test_case, const TestCase& defaults) {
  StartSpec& start = test_case.start;
  if (!start.at_ms) start.at_ms = defaults.start.at_ms;
  if (!start.event && !start.input) {
    start.event = defaults.start.event;
    start.input = defaults.start.input;
    if (start.change) {
      if (start.event) start.event = merge_patch(*start.event, *start.change);
      if (start.input) start.input = merge_patch(*start.input, *start.change);
    }
  }
  GivenSpec& given = test_case.given;
  given.replies.insert(defaults.given.replies.begin(), defaults.given.replies.end());
  given.workflows.insert(defaults.given.workflows.begin(), defaults.given.workflows.end());
  given.decisions.insert(defaults.given.decisions.begin(), defaults.given.decisions.end());
  given.idempotency.insert(defaults.given.idempotency.begin(), defaults.given.idempotency.end());
  given.reads.insert(defaults.given.reads.begin(), defaults.given.reads.end());
  given.secrets.insert(defaults.given.secrets.begin(), defaults.given.secrets.end());
  if (!given.events) given.events = defaults.given.events;
  if (!given.cancel) given.cancel = defaults.given.cancel;
  ExpectSpec& expect = test_case.expect;
  const ExpectSpec& usual = defaults.expect;
  if (!expect.status) expect.status = usual.status;
  if (!expect.calls) {
    expect.calls = usual.calls;
    expect.calls_exactly = usual.calls_exactly;
  }
  if (!expect.not_called) expect.not_called = usual.not_called;
  expect.call_count.insert(usual.call_count.begin(), usual.call_count.end());
  if (!expect.path) {
    expect.path = usual.path;
    expect.path_exactly = usual.path_exactly;
  }
  if (!expect.emitted) {
    expect.emitted = usual.emitted;
    expect.emitted_exactly = usual.emitted_exactly;
  }
  if (!expect.output) expect.output = usual.output;
  if (!expect.error) expect.error = usual.error;
  if (!expect.context) expect.context = usual.context;
  if (!expect.duration) expect.duration = usual.duration;
}

void Reader::read(const YamlNode& root, TestFile::Model& model) {
  if (!keys(root, "a test file", {"workflow", "definitions", "defaults", "cases"})) return;
  if (const YamlEntry* found = root.find("workflow")) {
    model.workflow = text(*found->value, "workflow");
  } else {
    error(root, "test.missing_key", "a test file needs `workflow: <path>`");
  }
  if (const YamlEntry* found = root.find("definitions"))
    model.definitions = names(*found->value, "definitions", false);
  TestCase defaults;
  if (const YamlEntry* found = root.find("defaults");
      found != nullptr && keys(*found->value, "defaults", {"start", "given", "expect"})) {
    read_case(*found->value, defaults, true);
  }
  const YamlEntry* cases = root.find("cases");
  if (cases == nullptr || cases->value->kind != YamlNode::Kind::sequence ||
      cases->value->items.empty()) {
    error(root, "test.missing_key", "a test file needs `cases:` with at least one case");
    return;
  }
  if (cases->value->items.size() > kMaxCases) {
    error(*cases, "test.limit", "at most " + std::to_string(kMaxCases) + " cases in one file");
    return;
  }
  std::set<std::string> seen;
  for (const YamlPtr& item : cases->value->items) {
    TestCase test_case;
    test_case.line = item->line;
    if (!keys(*item, "a case", {"name", "start", "given", "expect"})) continue;
    if (const YamlEntry* name = item->find("name")) {
      test_case.name = text(*name->value, "name");
      if (!test_case.name.empty() && !seen.insert(test_case.name).second)
        error(*name, "test.value", "two cases have the name `" + test_case.name + "`");
    } else {
      error(*item, "test.missing_key", "a case needs a `name`");
    }
    if (item->find("expect") == nullptr && root.find("defaults") == nullptr)
      error(*item, "test.missing_key", "a case that expects nothing proves nothing",
            "write `expect:`");
    read_case(*item, test_case, false);
    fill(test_case, defaults);
    model.cases.push_back(std::move(test_case));
  }
}

void Reader::read_case(const YamlNode& node, TestCase& out, bool defaults) {
  if (const YamlEntry* found = node.find("start")) out.start = start(*found->value, defaults);
  if (const YamlEntry* found = node.find("given")) out.given = given(*found->value);
  if (const YamlEntry* found = node.find("expect")) out.expect = expect(*found->value);
}

}  // namespace

const std::string& TestFile::workflow() const {
  return model_->workflow;
}
const std::vector<std::string>& TestFile::definitions() const {
  return model_->definitions;
}
std::vector<std::string> TestFile::case_names() const {
  std::vector<std::string> out;
  for (const TestCase& test_case : model_->cases) out.push_back(test_case.name);
  return out;
}

ParsedTestFile parse_test_file(std::string_view yaml) {
  if (yaml.starts_with("\xEF\xBB\xBF")) yaml.remove_prefix(3);
  return Reader(yaml).run();
}

}  // namespace rabt::workflow
