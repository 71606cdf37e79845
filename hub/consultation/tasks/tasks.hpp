#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/consultation/tasks/task_rows.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

// A task to open: for the call of a workflow, for a person, or for the hub itself.
struct NewTask {
  Task task;
  TaskContent content;
  // The person who asks, and his act in the audit log. Null for workflows and the hub.
  const identity::Caller* by = nullptr;
  std::string_view act = "task.opened";
  // More to write in the commit that opens the task. May be empty.
  std::function<Status(store::Transaction&, const Task&)> also{};
  // Name of the call. The same call with the same content opens nothing twice.
  std::string call;
  // The trace that the call belongs to. May be empty.
  std::string trace;
};

// Open tasks about one object whose question has passed.
struct PassedTasks {
  std::string_view kind;
  std::string_view title;
  // ULID
  std::string_view object;
  // Code that the task and the audit log keep: "message.delivered".
  std::string_view why;
  // True for a task whose question has passed.
  std::function<bool(const TaskContent&)> passed;
};

// Tasks of people, with audit entries and events. Internally synchronised; every act blocks for one
// commit, and is durable when ok.
class Tasks {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    keys::DataKeys& keys;
    identity::Directory& people;
    const access::PatientDetail& details;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    std::string tenant;
    // Staff is told of new tasks: each puts its news into the outbox (TaskNews).
    bool tells_staff = false;
  };
  explicit Tasks(Parts parts)
      : parts_(std::move(parts)), rows_(parts_.store, parts_.keys, parts_.random) {}

  // The task of the call, and its answer if it was opened before and is done. Errors: task.invalid.
  struct Opened {
    Task task;
    Json answer;
  };
  [[nodiscard]] Result<Opened> open(const NewTask& wanted) const;
  // Name of the call that opens a task, as the store knows it.
  [[nodiscard]] Result<std::string> call_of(const NewTask& wanted) const;
  // True if the call has opened a task, whatever the state of that task.
  [[nodiscard]] Result<bool> knows(const std::string& call) const;
  // Tasks of a kind that wait: call to id.
  [[nodiscard]] Result<std::map<std::string, std::string>> open_of(std::string_view kind) const {
    return rows_.open_of(parts_.tenant, kind);
  }
  // Closes a task of the hub whose question has passed. A task that is done stays done. Error
  // not_found task.unknown.
  [[nodiscard]] Status close(std::string_view id) const;
  // Closes those of the newest hundred that nobody has claimed.
  [[nodiscard]] Status close_passed(const PassedTasks& which) const;
  // Closes a task whose question has passed. A task that is done stays done. Error not_found
  // task.unknown, also for a task of another instance, unless it is about `session`.
  [[nodiscard]] Result<Opened> cancel(std::string_view id, const std::string& instance,
                                      std::string_view session = {}) const;
  // State and answer of a task for the instance that opened it. Errors as cancel.
  [[nodiscard]] Result<Opened> look(std::string_view id, const std::string& instance,
                                    std::string_view session = {}) const;

  // Tasks that the caller may see, newest first.
  [[nodiscard]] Result<std::vector<Task>> list(const identity::Principal& who,
                                               const TaskFilter& filter, const std::string& before,
                                               std::size_t limit) const {
    return rows_.list(parts_.tenant, filter, who, before, limit);
  }
  // Tasks of the kind about a record, or about those that are read as one with it; newest first.
  [[nodiscard]] Result<std::vector<TaskRow>> about(std::string_view kind, std::string_view person,
                                                   const std::string& before,
                                                   std::size_t limit) const {
    return rows_.about(parts_.tenant, kind, person, before, limit);
  }
  // Number of such tasks that wait.
  [[nodiscard]] Result<std::int64_t> count_about(store::Connection& connection,
                                                 std::string_view kind,
                                                 std::string_view person) const {
    return TaskRows::count_about(connection, parts_.tenant, kind, person);
  }
  // Tasks that a person of staff is told of.
  [[nodiscard]] Result<OpenTasks> open_for(std::string_view person, identity::Roles roles) const {
    return rows_.open_for(parts_.tenant, person, roles);
  }
  // Number of tasks that wait for somebody, by kind.
  [[nodiscard]] Result<std::vector<Tally>> waiting() const { return rows_.waiting(parts_.tenant); }
  // Errors: not_found task.unknown; denied when the caller may not see it.
  [[nodiscard]] Result<TaskRow> find(const identity::Principal& who, std::string_view id) const;
  // Opens the sealed part of a task. The caller notes the reading.
  [[nodiscard]] Result<TaskContent> content(const TaskRow& row) const {
    return rows_.open(parts_.tenant, row);
  }

  // The caller takes the task; claimed by himself already it stays so. Errors: those of find;
  // denied; conflict task.claimed, task.decided and task.cancelled say by whom.
  [[nodiscard]] Result<Task> claim(const identity::Caller& caller, std::string_view id) const;
  // The caller, or an administrator or operator, gives the task back. Errors as claim.
  [[nodiscard]] Result<Task> release(const identity::Caller& caller, std::string_view id) const;
  // The answer of the caller; the audit log keeps the reason, sealed. Tells task.decided.
  // The same answer of the same person again changes nothing. Errors as claim, and invalid
  // task.answer: the answer does not fit the task's form.
  [[nodiscard]] Result<Task> decide(const identity::Caller& caller, std::string_view id,
                                    const Json& answer, const std::string& reason) const;

  // Tells task.overdue of each task whose time is over, once. For maintenance.
  Status catch_up() const;

 private:
  using Change = std::function<Status(store::Transaction&, Task&)>;
  struct Act {
    std::string name;
    Json detail = Json::object();
    // Sealed in the entry. May be empty.
    std::string reason;
  };
  [[nodiscard]] Result<Task> change(const identity::Caller& caller, std::string_view id,
                                    const Act& act, const Change& change) const;
  [[nodiscard]] audit::Entry entry_of(const Task& task, std::string act) const;
  [[nodiscard]] Status tell(store::Transaction& transaction, const Task& task,
                            std::string_view what, const Json& more,
                            const std::string& trace) const;
  // Inside a job: whoever has the role, or the person, is to be told that a task waits.
  [[nodiscard]] Status put_news(store::Transaction& transaction, std::string_view whom) const;
  // why: kept as the answer and in the audit log; a task that somebody has claimed stays his then.
  // If why is empty, a claimed task is closed, too.
  [[nodiscard]] Result<Task> closed(std::string_view id, const std::string& by,
                                    std::string_view why = {}) const;
  [[nodiscard]] Result<Task> checked(const NewTask& wanted) const;

  const Parts parts_;
  const TaskRows rows_;
};

}  // namespace rabt::consultation
