#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/principal.hpp"

// A task: a question to a person, with the form of its answer. Rules and forms. Pure.
namespace rabt::consultation {

inline constexpr std::string_view kTaskOpen = "open";
inline constexpr std::string_view kTaskClaimed = "claimed";
inline constexpr std::string_view kTaskDone = "done";
inline constexpr std::string_view kTaskCancelled = "cancelled";

struct Task {
  // ULID
  std::string id;
  // Codes: "coverage", "coverage.not-eligible".
  std::string kind;
  std::string title;
  // May be empty if there is an assignee.
  std::string role;
  // ULID of a person, or empty.
  std::string assignee;
  // Role that may answer once the task is overdue, or empty.
  std::string escalation;
  // "session", "instance" or "person", and its ULID.
  std::string object_type;
  std::string object;
  std::string instance;
  // Pseudonym, or empty.
  std::string patient;
  std::string state{kTaskOpen};
  std::int64_t opened_ms = 0;
  std::optional<std::int64_t> due_ms;
  bool overdue = false;
  std::string claimed_by;
  std::optional<std::int64_t> claimed_ms;
  // Name of the person who answered or cancelled it, as task_name_of.
  std::string decided_by;
  std::optional<std::int64_t> decided_ms;
  std::int64_t version = 1;

  [[nodiscard]] bool waits() const { return state == kTaskOpen || state == kTaskClaimed; }
};

// Sealed part of a task. Patient data.
struct TaskContent {
  // Text of the question, or empty.
  std::string question;
  // More that the question needs: an object, or null.
  Json data;
  // JSON Schema of the answer.
  Json schema;
  // Null until the task is done.
  Json answer;
};

// Most bytes of question, data and form together: pages show them whole.
inline constexpr std::size_t kMaxTaskBytes = 64U << 10U;

// Roles that a task may be for.
inline constexpr identity::Roles kTaskRoles{
    identity::Role::admin,      identity::Role::security_officer,
    identity::Role::engineer,   identity::Role::operator_,
    identity::Role::auditor,    identity::Role::doctor,
    identity::Role::specialist, identity::Role::nurse,
    identity::Role::desk};
// Roles that see every task without its content.
inline constexpr identity::Roles kTaskOverseers{identity::Role::admin, identity::Role::operator_,
                                                identity::Role::auditor};

// Name under which tasks keep a caller: the person's, whichever device or client he uses.
[[nodiscard]] std::string task_name_of(const identity::Principal& who);
// True if the task is for the caller: by its role, as its assignee, or by its escalation when it is
// overdue.
[[nodiscard]] bool is_for(const Task& task, const identity::Principal& who);
// True if the caller sees the task without its content.
[[nodiscard]] bool may_see(const Task& task, const identity::Principal& who);
// True if the caller may claim and answer the task.
[[nodiscard]] bool may_answer(const Task& task, const identity::Principal& who);

// True for "coverage.not-eligible": lower-case letters, digits, dots and hyphens.
[[nodiscard]] bool is_task_code(std::string_view text);
// The form of a task with these answers to choose from.
[[nodiscard]] Json form_of(const std::vector<std::string>& answers);
// Ok if the answer fits the form. Error invalid task.answer: one line a mistake, which names the
// member and never its value.
[[nodiscard]] Status check_answer(const Json& schema, const Json& answer);
// Members of an answer that cannot hold patient data: choices, numbers and truths whose schema says
// so and does not mark them with x-phi.
[[nodiscard]] Json plain_answer(const Json& schema, const Json& answer);

// A task without its content, as the API gives it.
[[nodiscard]] Json task_json(const Task& task);

}  // namespace rabt::consultation
