#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "hub/workflow/definition.hpp"
#include "hub/workflow/expression.hpp"
#include "hub/workflow/schema.hpp"

// The typed form of a workflow file, as parse_definition builds it. Immutable afterwards.
namespace rabt::workflow {

// Variables that one expression may use: they are passed on the stack.
inline constexpr std::size_t kMaxVariables = 16;

// Meaning of a variable in an expression. local: a name bound by for.each, for.at or catch.as.
enum class Variable : std::uint8_t {
  context,
  input,
  output,
  task,
  workflow,
  runtime,
  secrets,
  authorization,
  error,
  local
};
struct VariableSlot {
  Variable variable = Variable::context;
  std::uint32_t local = 0;  // the name's number in the definition
};
struct Expr {
  Expression expression;
  std::vector<VariableSlot> variables;  // in the order of the expression's slots
  std::vector<std::string> secrets;     // the members of $secrets that the expression reads
};

// A value with expressions inside. Parts without any are one shared constant.
struct Template {
  enum class Kind : std::uint8_t { constant, expression, object, array };
  Kind kind = Kind::constant;
  Json constant;
  std::optional<Expr> expression;
  std::vector<std::string> keys;  // an object's, parallel to items
  std::vector<Template> items;
};

struct DurationSpec {
  std::int64_t ms = 0;
  std::optional<Expr> expression;  // gives the duration if it is set
};

struct Then {
  enum class Kind : std::uint8_t { next, exit, end, jump };
  Kind kind = Kind::next;
  std::size_t target = 0;  // where a jump leads: index in the list
};

struct Task;
struct TaskList {
  std::vector<std::unique_ptr<Task>> tasks;
  bool jumps_back = false;  // a `then` may start a task of this list again
};

struct RetryPolicy {
  enum class Backoff : std::uint8_t { constant, linear, exponential };
  std::optional<Expr> when;
  std::optional<Expr> except_when;
  DurationSpec delay;
  Backoff backoff = Backoff::constant;
  bool has_jitter = false;
  DurationSpec jitter_from;
  DurationSpec jitter_to;
  std::optional<std::int64_t> attempt_count;  // retries after the first try
  std::optional<DurationSpec> attempt_duration;
  std::optional<DurationSpec> total_duration;
};

struct Correlation {
  std::string name;
  std::string from_text;
  Expr from;  // evaluated on the event's envelope, without variables
  // If it is not set, the first extracted value of this name is expected from then on.
  std::optional<Template> expect;
};
struct EventFilter {
  bool every = false;  // `any: []` takes every event; type is empty then
  std::string type;
  std::vector<std::pair<std::string, Template>> attributes;  // other than type and data
  std::optional<Template> data;
  std::vector<Correlation> correlate;  // by name
};

struct CallBody {
  std::string role;
  std::string action;
  std::string version;
  std::string title;  // action:version@role
  std::optional<Template> arguments;
};
struct FunctionBody {
  std::string name;
  std::size_t function = 0;  // index in Model::functions
  std::optional<Template> arguments;
};
// Authentication of a request: one scheme of the specification's "Authentication".
struct Authentication {
  std::string scheme;  // basic, bearer, digest, oauth2, oidc
  // If this is not set, the secret named `secret` holds all settings.
  std::optional<Template> settings;
  std::string secret;
};
struct Endpoint {
  Template uri;  // a constant text is a URI template
  std::shared_ptr<const Authentication> authentication;
};
// call: http and call: openapi.
struct HttpBody {
  enum class Output : std::uint8_t { content, response, raw };
  bool openapi = false;
  std::string title;   // for traces; it holds no data
  Endpoint endpoint;   // with openapi the place of its document
  Template operation;  // the method; with openapi the operation's id
  std::optional<Template> headers;
  std::optional<Template> query;  // with openapi the parameters
  std::optional<Template> body;
  // The request's; the endpoint's own is for the OpenAPI document.
  std::shared_ptr<const Authentication> authentication;
  Output output = Output::content;
  bool redirect = false;
  bool repeatable = false;  // metadata.rabt.idempotency: key
};
struct DoBody {
  TaskList list;
};
struct SetBody {
  Template value;
};
struct SwitchCase {
  std::string name;
  std::optional<Expr> when;
  Then then;
};
struct SwitchBody {
  std::vector<SwitchCase> cases;
};
struct ForBody {
  std::uint32_t each = 0;
  std::uint32_t at = 0;
  Template in;
  std::optional<Expr> while_;
  TaskList list;
};
struct ForkBody {
  bool compete = false;
  TaskList branches;
};
// Form of a consumed event: the data alone, the whole event, or the data as one text.
enum class ReadAs : std::uint8_t { data, envelope, raw };
enum class Strategy : std::uint8_t { one, any, all };
struct ListenBody {
  Strategy strategy = Strategy::one;
  std::vector<EventFilter> filters;
  std::optional<Expr> until;
  Strategy until_strategy = Strategy::one;
  std::vector<EventFilter> until_filters;  // empty unless `until` is a strategy
  ReadAs read = ReadAs::data;
  struct Foreach {
    std::uint32_t item = 0;
    std::uint32_t at = 0;
    TaskList list;  // may be empty
    std::optional<Template> output_as;
    std::optional<Schema> output_schema;
    std::optional<Template> export_as;
    std::optional<Schema> export_schema;
  };
  std::optional<Foreach> foreach;
};
struct EmitBody {
  Template event;
};
struct RaiseBody {
  Template error;
  bool fixed_title = true;  // the title is written in the file, so it holds no patient data
};
struct TryBody {
  TaskList list;
  std::vector<std::pair<std::string, Json>> match;  // catch.errors.with
  std::uint32_t as = 0;
  std::optional<Expr> when;
  std::optional<Expr> except_when;
  std::shared_ptr<const RetryPolicy> retry;
  bool has_handler = false;
  TaskList handler;
  std::optional<Then> then;
};
// A point in time: fixed, or by an expression that gives ISO 8601 text or seconds since 1970.
struct InstantSpec {
  std::int64_t ms = 0;
  std::optional<Expr> expression;
};
struct WaitBody {
  DurationSpec duration;
  std::optional<InstantSpec> until;  // metadata.rabt.until, which replaces the duration
};
// run.workflow
struct RunBody {
  enum class Return : std::uint8_t { output, code, all, none };
  std::string name_space;
  std::string name;
  std::string version;
  std::optional<Template> input;
  bool await = true;
  Return returns = Return::output;
};

// metadata.rabt.compensate: what undoes a completed task.
struct Compensation {
  CallBody call;
};

// In the order of Task::body.
enum class TaskKind : std::uint8_t {
  call,
  function,
  http,
  do_,
  set,
  switch_,
  for_,
  fork,
  listen,
  emit,
  raise,
  try_,
  wait,
  run
};

// Sequel of a call that failed for good.
enum class OnFailure : std::uint8_t {
  inherited,  // as around the task; at the top: fail
  fail,       // its error goes to the catches
  ask         // a person is asked first
};

struct Task {
  std::uint32_t index = 0;  // unique in the definition
  std::string name;
  // Part that the task adds to its parent's reference: /do/3/claim; in a loop behind /for/<n>.
  std::string segment;
  int line = 1;
  int column = 1;
  Json definition;
  std::optional<Expr> condition;
  std::optional<Template> input_from;
  std::optional<Schema> input_schema;
  std::optional<Template> output_as;
  std::optional<Schema> output_schema;
  std::optional<Template> export_as;
  std::optional<Schema> export_schema;
  std::shared_ptr<const DurationSpec> timeout;
  Then then;
  std::optional<Compensation> compensate;  // metadata.rabt
  bool commit = false;                     // metadata.rabt: earlier tasks are not undone any more
  bool repeatable = false;                 // metadata.rabt, of calls
  OnFailure on_failure = OnFailure::inherited;  // metadata.rabt
  std::optional<InstantSpec> useful_until;      // metadata.rabt
  std::string data_class;  // metadata.rabt: public, internal, patient, or empty
  std::variant<CallBody, FunctionBody, HttpBody, DoBody, SetBody, SwitchBody, ForBody, ForkBody,
               ListenBody, EmitBody, RaiseBody, TryBody, WaitBody, RunBody>
      body;

  [[nodiscard]] TaskKind kind() const { return static_cast<TaskKind>(body.index()); }
};
// call, do, set, ... as a file writes it.
[[nodiscard]] std::string_view to_string(TaskKind kind);

// use.extensions
struct Extension {
  std::string name;
  std::uint32_t kinds = 0;   // bit 1 << TaskKind of each kind that is extended
  std::optional<Expr> when;  // evaluated on the extended task's definition
  TaskList before;
  TaskList after;
};

struct Definition::Model {
  std::string dsl;  // document.dsl
  std::string name_space;
  std::string name;
  std::string version;
  std::string title;
  Json document;  // the whole file: $workflow.definition
  std::vector<EventFilter> start;
  bool start_on_all = false;  // schedule.on.all
  ReadAs start_read = ReadAs::envelope;
  std::string time_zone;                        // metadata.rabt.timeZone
  std::string data_class;                       // metadata.rabt.dataClass
  OnFailure on_failure = OnFailure::inherited;  // metadata.rabt, of the document
  std::optional<Expr> business_key;
  bool unheard_starts = false;                        // metadata.rabt.unheard: start
  std::vector<std::pair<std::string, Expr>> patient;  // metadata.rabt.patient: kind, expression
  std::vector<std::pair<std::string, std::string>> catalogs;  // use.catalogs: role, endpoint
  std::vector<std::unique_ptr<Task>> functions;
  std::vector<Extension> extensions;
  std::unique_ptr<Task> root;  // a do task whose input, output and timeout are the workflow's
  std::vector<Definition::Call> calls;
  std::set<std::string, std::less<>> error_types;  // written in the file, so they hold no data
  std::vector<Definition::Child> children;
  std::vector<std::string> secrets;
  std::optional<Definition::Schedule> schedule;

  // For correlation_keys: the ways to a key, by event type. Two listens with the same way share
  // one. Correlations without `expect` do not count.
  struct KeyPlan {
    std::string text;  // type and names with from texts: what makes two plans the same
    std::vector<std::pair<std::string, std::string>> names;
    std::vector<Expr> from;
  };
  std::unordered_map<std::string, std::vector<KeyPlan>> key_plans;
  // A listen takes every event, so kEveryEventKey is among every event's keys.
  bool listens_to_every = false;
};

// The correlation key that every event has for a definition with `any: []`. Should an event's type
// be `*`, it is offered to more listens than need it, which does no harm.
inline constexpr std::string_view kEveryEventKey = "*";

// One canonical text; values are parallel to correlate.
[[nodiscard]] std::string correlation_key(
    std::string_view type, const std::vector<std::pair<std::string, std::string>>& names,
    const std::vector<Json>& values);

}  // namespace rabt::workflow
