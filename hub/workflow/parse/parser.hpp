#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/workflow/expression/expression_facts.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/yaml/yaml.hpp"
#include "hub/workflow/yaml/yaml_position.hpp"

// Internal to the language: builds the model from the YAML tree and collects diagnostics on the
// way.
namespace rabt::workflow {

// Which variables an expression may use, by the place where it stands (docs/expressions.md).
enum class Place : std::uint8_t {
  workflow_input,   // $workflow $runtime
  workflow_from,    // + $secrets
  workflow_output,  // + $context
  task_before,      // if, input.from: $context $task $workflow $runtime and names in scope
  task_from,        // task_before + $secrets
  task,             // task_before + $input $authorization
  call_with,        // task + $secrets
  task_export,      // task + $output
  caught,           // task + the error
  event,            // no variables: evaluated on an event alone
};

// Surroundings of a task.
struct Scope {
  std::vector<std::string> locals;
  std::string caught;     // catch.as while the clauses of a catch are read
  bool in_retry = false;  // a try with a retry policy is around
  bool bounded = false;   // a timeout or a competing fork is around
  // A call may be let go here: a task with a timeout or a fork is around, and nothing undoes it.
  bool let_go = false;
  std::string function;  // the function whose body is read
};

class Parser final {
 public:
  // deployed: the file was linted before.
  Parser(std::string_view text, const ActionCatalog* catalog, bool deployed)
      : catalog_(catalog), deployed_(deployed), source_(text), index_(text) {}

  [[nodiscard]] ParsedDefinition run(const YamlNode& root);

 private:
  using Names = std::vector<std::string>;
  struct ListNames {
    Names names;  // empty in a fork, whose branches are no sequence
    bool sequence = true;
    bool jumps_back = false;
    std::size_t position = 0;
  };
  struct FunctionEntry {
    const YamlEntry* entry = nullptr;
    std::size_t index = 0;
    std::set<std::string> uses;
    // Calls of actions whose idempotency is none.
    std::vector<std::pair<const YamlEntry*, std::string>> unsafe_calls;
    bool called_in_retry = false;
  };

  // parse_values.cpp
  void error(int line, int column, std::string code, std::string message,
             std::string suggestion = {});
  void warning(int line, int column, std::string code, std::string message,
               std::string suggestion = {});
  void note(int line, int column, std::string code, std::string message,
            std::string suggestion = {});
  void error(const YamlNode& at, std::string code, std::string message,
             std::string suggestion = {});
  void error(const YamlEntry& at, std::string code, std::string message,
             std::string suggestion = {});
  bool check_mapping(const YamlNode& node, std::string_view where);
  bool check_keys(const YamlNode& node, std::string_view where, const Names& allowed,
                  const Names& required, int line, int column);
  // Text of an entry, or an error and an empty text.
  std::string text_of(const YamlEntry& entry, std::string_view what);
  std::optional<Expr> compile(const YamlNode& at, std::string_view text, std::size_t offset,
                              Place place, const Scope& scope);
  // A condition or path, where `${ }` may be left out.
  std::optional<Expr> expression(const YamlNode& node, std::string_view what, Place place,
                                 const Scope& scope);
  // Returns the text to write for `{ $context.x }`; empty if the node is something else.
  static std::string forgotten_expression(const YamlNode& node);
  Template value(const YamlNode& node, Place place, const Scope& scope, bool bare);
  // Place of a byte of a text in the file.
  [[nodiscard]] TextPlace place_in(const YamlNode& node, std::size_t byte) const;
  void unclosed(const YamlNode& node);
  DurationSpec duration(const YamlNode& node, Place place, const Scope& scope);
  std::shared_ptr<const DurationSpec> timeout(const YamlEntry& entry, Place place,
                                              const Scope& scope);
  std::optional<Schema> schema(const YamlNode& node);
  std::uint32_t local_number(const std::string& name);
  bool check_local_name(const YamlNode& node, const std::string& name);
  void newer(const YamlNode& at, int patch, std::string_view what);

  // parse.cpp
  void read_document(const YamlNode& root);
  void read_use(const YamlNode& use);
  void read_functions();
  void read_body(const YamlNode& root);
  void read_common(const YamlNode& node, Task& task, const Scope& scope);
  TaskList list(const YamlNode& node, std::string_view key, const Scope& scope,
                bool sequence = true, bool shared_keys = true);
  std::unique_ptr<Task> task(const YamlEntry& entry, std::string segment, ListNames& list,
                             const Scope& scope);
  // The key that says what the task does. Null after an error.
  const YamlEntry* kind_of(const YamlEntry& entry);
  void check_task_keys(const YamlEntry& entry, const std::string& kind);
  void read_task_body(const YamlEntry& kind, const YamlNode& node, Task& task, ListNames& list,
                      const Scope& scope);
  void body_set(const YamlNode& value, Task& task, const Scope& scope);
  Then then(const YamlEntry& entry, ListNames& list);
  void body_call(const YamlNode& node, Task& task, const Scope& scope);
  // <action>:<version>@<role>, or an error.
  std::optional<CallBody> action_name(const YamlEntry& call, const std::string& name);
  void check_action(const YamlEntry& call, const YamlEntry* with, CallBody& body,
                    const Scope& scope);
  void body_for(const YamlNode& node, Task& task, const Scope& scope);
  void body_fork(const YamlNode& node, Task& task, const Scope& scope);
  void body_emit(const YamlNode& node, Task& task, const Scope& scope);
  void body_raise(const YamlNode& node, Task& task, const Scope& scope);
  void body_switch(const YamlNode& node, Task& task, ListNames& list, const Scope& scope);
  void body_try(const YamlNode& node, Task& task, ListNames& list, const Scope& scope);
  Template error_value(const YamlNode& node, const Scope& scope, bool& fixed_title);
  void check_error_type(const YamlNode& node);
  std::shared_ptr<const RetryPolicy> retry(const YamlEntry& entry, const Scope& scope);
  std::shared_ptr<const RetryPolicy> retry_policy(const YamlNode& node, const Scope& scope);

  // parse_listen.cpp
  void read_schedule(const YamlEntry& schedule);
  std::optional<ReadAs> read_as(const YamlEntry& entry, std::string_view what);
  std::optional<EventFilter> filter(const YamlNode& node, Place place, const Scope& scope);
  std::vector<EventFilter> filters(const YamlEntry& how, std::string_view where, Place place,
                                   const Scope& scope);
  const YamlEntry* strategy(const YamlEntry& entry, std::string_view where, Strategy& out);
  void add_key_plan(const EventFilter& filter);
  void body_listen(const YamlNode& node, Task& task, const Scope& scope);
  void foreach (const YamlEntry& entry, ListenBody & body, const Scope& scope);

  // parse_extension.cpp
  void read_extensions(const YamlNode& root);
  void body_run(const YamlNode& node, Task& task, const Scope& scope);
  void read_metadata(const YamlNode& node, Task& task, const Scope& scope);
  void read_patient(const YamlEntry& patient);
  void read_document_metadata(const YamlNode& document);
  std::optional<InstantSpec> instant(const YamlEntry& entry, const Scope& scope);
  std::string data_class(const YamlEntry& entry);
  OnFailure on_failure(const YamlEntry& entry);
  void compensation(const YamlEntry& entry, Task& task, const Scope& scope);

  // parse_http.cpp
  void read_secrets(const YamlEntry& entry);
  void read_authentications(const YamlEntry& entry);
  void body_http(const YamlNode& node, Task& task, const Scope& scope);
  // Reads `with` of an HTTP request or an OpenAPI operation. Return false after an error that
  // leaves no request. title: gets the known parts of the request.
  bool http_request(const YamlNode& with, HttpBody& body, std::string& title, const Scope& scope);
  bool openapi_operation(const YamlNode& with, HttpBody& body, std::string& title,
                         const Scope& scope);
  void http_method(const YamlNode& with, HttpBody& body, std::string& title, const Scope& scope);
  void http_output(const YamlNode& with, HttpBody& body);
  void http_idempotency(const YamlNode& node, HttpBody& body);
  // A mapping, or one expression that gives a mapping.
  void http_mapping(const YamlNode& with, const char* key, std::optional<Template>& out,
                    const Scope& scope);
  void warn_unsafe_request(const YamlEntry& call, const HttpBody& body, const std::string& title,
                           const Scope& scope);
  bool endpoint(const YamlEntry& entry, Endpoint& out, const Scope& scope);
  // top: a definition of use.authentications, which may not refer to another.
  std::shared_ptr<const Authentication> authentication(const YamlEntry& entry, const Scope& scope,
                                                       bool top);
  bool check_authentication(const YamlEntry& scheme);
  void check_headers(const YamlNode& node);
  void warn_in_clear(const YamlEntry& endpoint, const Endpoint& parsed, const YamlNode& with);
  void check_secret(int line, int column, const std::string& name);
  void warn_stored_credentials(const YamlNode& node);

  // lint.cpp
  void check_reachable(const TaskList& list, const YamlNode& node);
  void note_export(const YamlNode& as, const YamlNode& task_node);
  void check_context_keys();
  void check_event_types();
  void check_recursion();
  void check_retried_functions();

  // lint_arguments.cpp
  class Arguments;
  void check_arguments(const std::string& subject, const Json& schema, const YamlEntry& call,
                       const YamlEntry* with);

  // lint_file.cpp
  void check_file(const YamlNode& root);
  void check_times(const YamlNode& root, const class TaskTree& tree);
  void check_loops(const TaskTree& tree);
  void check_unused(const YamlNode& root, const TaskTree& tree);
  void check_catches(const TaskTree& tree);
  void check_values(const YamlNode& root);
  void check_attributes(const TaskTree& tree);
  void check_emitted(const YamlNode* attributes);
  void check_error_text(const ExpressionFacts& facts,
                        const std::function<TextPlace(std::size_t)>& place_of);

  // lint_context.cpp
  void check_replaced_context(const TaskTree& tree);

  // lint_patient_data.cpp
  void check_patient_data(const TaskTree& tree);

  // lint_secrets.cpp
  void check_secrets(const YamlNode& root);

  const ActionCatalog* catalog_;
  const bool deployed_;
  std::string_view source_;
  LineIndex index_;
  std::vector<Diagnostic> diagnostics_;
  bool failed_ = false;
  std::shared_ptr<Definition::Model> model_ = std::make_shared<Definition::Model>();
  int dsl_patch_ = 3;
  std::size_t task_count_ = 0;
  bool too_many_ = false;
  bool workflow_timeout_ = false;
  std::unordered_map<std::string, std::uint32_t> local_numbers_;

  // Types that event filters name, where they are written, and those that the file itself emits.
  std::vector<std::pair<const YamlNode*, std::string>> heard_;
  std::vector<std::string> emitted_;

  // use
  std::map<std::string, const YamlEntry*> errors_;
  std::map<std::string, const YamlEntry*> retries_;
  std::map<std::string, std::shared_ptr<const RetryPolicy>> built_retries_;
  std::map<std::string, const YamlEntry*> timeouts_;
  std::map<std::string, FunctionEntry> functions_;
  std::map<std::string, std::shared_ptr<const Authentication>> authentications_;

  // $context.key reads with their places and tasks, and what exports write
  struct Read {
    std::string key;
    int line = 0;
    int column = 0;
    const YamlNode* task = nullptr;  // null outside of every task
    bool late = false;               // read after the task's own tasks have run
  };
  struct Export {
    const YamlNode* as = nullptr;
    const YamlNode* task = nullptr;
    ObjectShape shape;
  };
  const YamlNode* current_task_ = nullptr;
  ExpressionFacts facts_;  // about the expression compiled last
  ObjectShape set_shape_;  // what the last `set` that is one expression gives
  std::vector<Read> reads_;
  std::vector<Export> exports_;
  std::set<std::string> read_secrets_;
  bool whole_secrets_ = false;
  std::set<std::string> written_;
  bool writes_unknown_ = false;
};

// `${ ... }` around an expression. offset: where the inside starts in the text.
struct Enclosed {
  enum class Kind : std::uint8_t { literal, expression, unclosed, partial };
  Kind kind = Kind::literal;
  std::string_view inside;
  std::size_t offset = 0;
};
[[nodiscard]] Enclosed enclosed(std::string_view text);

// "write true" for `yes` and the like, which are texts in YAML 1.2.
[[nodiscard]] std::string boolean_hint(const YamlNode& node);

[[nodiscard]] bool is_label(std::string_view text);
[[nodiscard]] bool is_task_name(std::string_view text);

}  // namespace rabt::workflow
