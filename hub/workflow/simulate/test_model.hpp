#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/workflow/execution.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/simulate/test_file.hpp"

// Internal to the language: the typed form of a test file.
namespace rabt::workflow {

// Variables in the expressions of a test file, by VariableSlot::local.
enum class TestVariable : std::uint32_t { instance, call };

// Name of the action of `call: http` and `call: openapi` in test files, and an answer to it.
inline constexpr std::string_view kHttpCallName = "http/request";
inline constexpr std::string_view kHttpAnswerExample = "{status: 200, body: {id: 7}}";

// One entry in the list of replies of an action or a child workflow, or of a person's decisions.
struct ScriptedReply {
  enum class Kind : std::uint8_t { answer, fault, never, again };
  int line = 0;
  Kind kind = Kind::answer;
  OutcomeKind outcome = OutcomeKind::done;
  Template output;  // for done; `.` are the arguments
  std::string code;
  std::string message;
  Json detail;
  std::int64_t retry_after_ms = 0;
  std::int64_t delay_ms = 0;
  std::int64_t from = 1;  // the number of the first call it may answer
  std::optional<std::int64_t> times;
  std::optional<Template> when;  // pattern of the arguments
  std::string task;              // the calling task's name; empty for any
};
using Script = std::vector<ScriptedReply>;

// When something happens: at a time after the start, or after the Nth time that a call was answered
// or a task reached a state.
struct Moment {
  std::optional<std::int64_t> after_start_ms;
  std::optional<std::int64_t> at_ms;  // absolute
  std::string task;                   // or
  std::string call;                   // role/action
  std::string state = "completed";
  std::int64_t number = 1;
  std::int64_t delay_ms = 0;
};
struct ScriptedEvent {
  int line = 0;
  Moment moment;
  Template event;
};

struct StartSpec {
  std::optional<std::int64_t> at_ms;
  std::optional<Json> event;
  std::optional<Json> input;
  std::optional<Json> change;  // merge patch on the defaults' event or input
};

struct GivenSpec {
  std::map<std::string, Script> replies;    // by role/action
  std::map<std::string, Script> workflows;  // by namespace/name
  std::map<std::string, Script> decisions;  // about parked calls, by role/action
  std::map<std::string, std::string> idempotency;
  std::set<std::string> reads;  // actions that change nothing, by role/action
  std::optional<std::vector<ScriptedEvent>> events;
  std::optional<Moment> cancel;
  std::map<std::string, Json> secrets;
};

struct ExpectedCall {
  int line = 0;
  std::string action;  // role/action
  std::optional<Template> with;
  bool exactly = false;
};
struct ExpectedDuration {
  std::optional<std::int64_t> min_ms;
  std::optional<std::int64_t> max_ms;
};
struct ExpectSpec {
  std::optional<std::string> status;
  std::optional<std::vector<ExpectedCall>> calls;
  bool calls_exactly = false;
  std::optional<std::vector<std::string>> not_called;
  std::map<std::string, std::int64_t> call_count;
  std::optional<std::vector<std::string>> path;
  bool path_exactly = false;
  std::optional<std::vector<Template>> emitted;
  bool emitted_exactly = false;
  struct Value {
    Template pattern;
    bool exactly = false;
  };
  std::optional<Value> output;
  std::optional<Value> error;
  std::optional<Value> context;
  std::optional<ExpectedDuration> duration;
};

struct TestCase {
  std::string name;
  int line = 0;
  StartSpec start;
  GivenSpec given;
  ExpectSpec expect;
};

struct TestFile::Model {
  std::string workflow;
  std::vector<std::string> definitions;
  std::vector<TestCase> cases;  // with the defaults filled in
};

// Adds the differences between a value and a pattern, as lines "path: expected ..., got ...".
// Members that the pattern does not name are allowed unless `exactly`. An expression in the pattern
// must hold for the value in its place (`.`).
void compare(const Template& pattern, const Json& actual, bool exactly, const std::string& path,
             const std::string& instance, std::vector<std::string>& differences);

}  // namespace rabt::workflow
