#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/tally.hpp"
#include "hub/consultation/tasks/task.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Tasks in the store.
namespace rabt::consultation {

// Filters of a list. Texts that are empty filter nothing.
struct TaskFilter {
  // A state; empty for those that wait.
  std::string state;
  std::string role;
  std::string kind;
  // ULID of a session or an instance.
  std::string object;
  // task_name_of and ULID of a person: tasks that he claimed or that are his alone.
  std::string claimed_by;
  std::string assignee;
};

// A row, its content still sealed.
struct TaskRow {
  Task task;
  std::string data_key;
  std::string sealed;
  // Empty until the task is done.
  std::string answer;
};

// Tasks that a person may answer and that nobody has claimed.
struct OpenTasks {
  std::int64_t count = 0;
  // Time at which the first of them is due, of those whose time is not over.
  std::optional<std::int64_t> due_ms{};
};

// Immutable, any thread.
class TaskRows {
 public:
  TaskRows(store::Store& store, keys::DataKeys& keys, Random& random)
      : store_(store), keys_(keys), random_(random) {}

  // Those that the caller may see, newest first; `before`: the id of a task, or empty.
  [[nodiscard]] Result<std::vector<Task>> list(std::string_view tenant, const TaskFilter& filter,
                                               const identity::Principal& who,
                                               const std::string& before, std::size_t limit) const;
  // Those of a kind about a record, or about records that are read as one with it; newest first.
  [[nodiscard]] Result<std::vector<TaskRow>> about(std::string_view tenant, std::string_view kind,
                                                   std::string_view person,
                                                   const std::string& before,
                                                   std::size_t limit) const;
  // Number of those that wait.
  [[nodiscard]] static Result<std::int64_t> count_about(store::Connection& connection,
                                                        std::string_view tenant,
                                                        std::string_view kind,
                                                        std::string_view person);
  [[nodiscard]] Result<OpenTasks> open_for(std::string_view tenant, std::string_view person,
                                           identity::Roles roles) const;
  // Those of a kind that wait: call to id.
  [[nodiscard]] Result<std::map<std::string, std::string>> open_of(std::string_view tenant,
                                                                   std::string_view kind) const;
  // Error not_found task.unknown.
  [[nodiscard]] Result<TaskRow> find(std::string_view tenant, std::string_view id) const;
  [[nodiscard]] static Result<TaskRow> find(store::Connection& connection, std::string_view tenant,
                                            std::string_view id);
  // The task that a call has opened. Unset when it has opened none.
  [[nodiscard]] static Result<std::optional<TaskRow>> of_call(store::Connection& connection,
                                                              std::string_view tenant,
                                                              std::string_view call);
  // overdue(): tasks of the tenant whose time is over and of which nobody was told.
  // waiting(): number of tasks that wait, by kind.
  [[nodiscard]] Result<std::vector<Tally>> waiting(std::string_view tenant) const;
  [[nodiscard]] Result<std::vector<Task>> overdue(std::string_view tenant, Timestamp now) const;
  // Name of a call: hex of a blind index.
  [[nodiscard]] Result<std::string> call_index(std::string_view tenant,
                                               std::string_view call) const;

  // A new task on its way into the store, with its key.
  struct Sealed {
    TaskRow row;
    std::string call;
    keys::NewDataKey key;
  };
  [[nodiscard]] Result<Sealed> seal(std::string_view tenant, Task task, const TaskContent& content,
                                    std::string call) const;
  // Inside a job. False when the call has opened a task already.
  [[nodiscard]] static Result<bool> insert(store::Transaction& transaction, std::string_view tenant,
                                           const Sealed& sealed);
  [[nodiscard]] Result<TaskContent> open(std::string_view tenant, const TaskRow& row) const;
  [[nodiscard]] Result<std::string> seal_answer(std::string_view tenant, const TaskRow& row,
                                                const Json& answer) const;
  // Inside a job: writes the state of a task that was read at `version`, which is raised. An empty
  // answer leaves the answer as it is.
  [[nodiscard]] static Status update(store::Transaction& transaction, std::string_view tenant,
                                     const Task& task, std::string_view answer = {});

 private:
  store::Store& store_;
  keys::DataKeys& keys_;
  Random& random_;
};

}  // namespace rabt::consultation
