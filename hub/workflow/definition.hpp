#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/workflow/action_catalog.hpp"

// A workflow file: the Rabt profile of the Open Workflow DSL 1.0.3, parsed and checked.
namespace rabt::workflow {

enum class Severity : std::uint8_t { error, warning, note };
[[nodiscard]] std::string_view to_string(Severity severity);

// line and column count from 1; columns count characters.
struct Diagnostic {
  Severity severity = Severity::error;
  std::string code;        // workflow.unknown_key, workflow.unknown_task, expression.syntax, ...
  std::string message;     // what is wrong, and why it matters
  std::string suggestion;  // what to do: "did you mean `start-recording`?"; may be empty
  int line = 0;
  int column = 0;
};
// file:line:column: error: message (suggestion) [code]
[[nodiscard]] std::string to_string(const Diagnostic& diagnostic, std::string_view file);

// The identifiers of a person that metadata.rabt.patient may name: each tells one person from
// another, which a name does not.
[[nodiscard]] const std::vector<std::string>& patient_kinds();

// Immutable; safe from any thread.
class Definition {
 public:
  struct Model;  // hub/workflow/model.hpp
  explicit Definition(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

  [[nodiscard]] const std::string& name_space() const;
  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] const std::string& version() const;
  [[nodiscard]] std::string title() const;

  // Event types that start an instance (schedule.on). Empty if no event starts one.
  [[nodiscard]] std::vector<std::string> start_types() const;
  // True if this event alone starts an instance: type and filter match. Errors in the filter count
  // as no match. Never for schedule.on.all.
  [[nodiscard]] bool starts_on(const Json& event) const;
  // schedule.on.all: a set of events, one for each filter, starts an instance.
  [[nodiscard]] bool starts_on_all() const;
  // State of schedule.on.all, as one value that the caller keeps: null at first, an array of sets
  // then, oldest first. It holds events, so it is patient data.
  struct StartStep {
    Json pending;
    // The events of a complete set in the order of the filters: the input of a new instance.
    std::optional<Json> start;
  };
  // The event joins the oldest set in which a filter that it matches is still open and whose
  // correlated values are the same; else it opens a set. A set older than the retention of events
  // is dropped, and so is the oldest when there are more than kMaxPendingStarts. A pure function:
  // an event must be offered once only.
  [[nodiscard]] StartStep collect_start(const Json& pending, const Json& event, Timestamp at) const;
  // metadata.rabt.businessKey on the document: at most one live instance for each value. Evaluated
  // on the workflow's transformed input. nullopt if the definition has none.
  [[nodiscard]] Result<std::optional<std::string>> business_key(const Json& start_events) const;
  // metadata.rabt.unheard: an event that found the business key taken starts the next instance when
  // the living one ends without having heard it.
  [[nodiscard]] bool unheard_starts() const;

  // metadata.rabt.patient on the document: whose data an instance works on, by identifiers of the
  // person. Evaluated as business_key is. An expression that gives null or an empty text leaves its
  // identifier out; one that fails, or gives neither text nor number, is counted in `unread`.
  struct PatientReference {
    struct Identifier {
      std::string kind;   // one of patient_kinds()
      std::string value;  // patient data
    };
    bool declared = false;                // the definition says how to find the patient
    std::vector<Identifier> identifiers;  // in the order of the file: the first names the patient
    int unread = 0;
  };
  [[nodiscard]] PatientReference patient(const Json& start_events) const;

  // True if a listen of the file names this event type. Another one may have been made of data.
  [[nodiscard]] bool names_event(std::string_view type) const;
  // The event types that listens of the file name, by their names. nullopt if a listen may take
  // events of every type.
  [[nodiscard]] std::optional<std::vector<std::string>> heard_types() const;
  // The correlation keys of an event for every listen of this definition that could take it. A key
  // is one text made of type, correlation names, `from` expressions and extracted values; a
  // subscription carries the same text.
  [[nodiscard]] std::vector<std::string> correlation_keys(const Json& event) const;

  // Roles and actions the workflow calls: {role, action, version}.
  struct Call {
    std::string role;
    std::string action;
    std::string version;
    int line = 0;
  };
  [[nodiscard]] const std::vector<Call>& calls() const;

  // The target that use.catalogs gives a name of the file. Empty if the name is a role.
  [[nodiscard]] std::string catalog(std::string_view name) const;

  // A definition that run.workflow starts. version may be "latest".
  struct Child {
    std::string name_space;
    std::string name;
    std::string version;
    int line = 0;
  };
  [[nodiscard]] const std::vector<Child>& children() const;
  // use.secrets: the names whose values an execution is given.
  [[nodiscard]] const std::vector<std::string>& secrets() const;
  // schedule.every, cron, after: instances that the clock starts, with input null.
  struct Schedule {
    // 0 without `every`.
    std::int64_t every_ms = 0;
    // Five fields. Empty without `cron`.
    std::string cron;
    // Counted from the end of the instance before. -1 without `after`.
    std::int64_t after_ms = -1;
    // IANA name, for `cron`.
    std::string time_zone;
  };
  [[nodiscard]] const std::optional<Schedule>& schedule() const;

  [[nodiscard]] const Model& model() const { return *model_; }

 private:
  std::shared_ptr<const Model> model_;
};

struct ParsedDefinition {
  std::shared_ptr<const Definition> definition;  // null when there is an error
  std::vector<Diagnostic> diagnostics;           // in order of line
};

// Parses and lints. Roles and actions are not checked if `catalog` is null. Never throws.
[[nodiscard]] ParsedDefinition parse_definition(std::string_view yaml,
                                                const ActionCatalog* catalog);

}  // namespace rabt::workflow
