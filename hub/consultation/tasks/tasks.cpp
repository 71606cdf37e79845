#include "hub/consultation/tasks/tasks.hpp"

#include "hub/base/bytes.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/outbox/outbox.hpp"
#include "hub/schema/schema.hpp"

namespace rabt::consultation {

namespace {

using identity::Role;

// Actor of what nobody did.
constexpr std::string_view kHubItself = "node:tasks";
constexpr identity::Roles kGiveBack{Role::admin, Role::operator_};

Error unknown_task() {
  return not_found("task.unknown", "there is no task with this id");
}

// Error unless the task waits, and nobody else has claimed it. The API adds when that was.
Status may_take(const Task& task, const std::string& name) {
  if (task.state == kTaskDone) return conflict("task.decided", "decided by " + task.decided_by);
  if (task.state == kTaskCancelled)
    return conflict("task.cancelled", "its question has passed: cancelled by " + task.decided_by);
  if (task.state == kTaskClaimed && task.claimed_by != name)
    return conflict("task.claimed",
                    "claimed by " + task.claimed_by +
                        "; who claimed it, an administrator or an operator releases it");
  return ok_status();
}

Error not_his() {
  return denied("authorisation.denied", "the task is for another role or person");
}

void made_by(const identity::Caller& caller, audit::Entry& entry) {
  entry.actor = caller.who.actor();
  entry.client = caller.client;
  entry.request = caller.request;
  entry.detail.set("token", caller.who.credential);
}

Status check_role(std::string_view member, const std::string& name) {
  if (name.empty()) return ok_status();
  const auto role = identity::parse_role(name);
  if (role && kTaskRoles.has(*role)) return ok_status();
  return invalid("task.invalid", std::string(member) + ": must be a role of staff");
}

}  // namespace

// A table: one check a member.
Result<Task> Tasks::checked(const NewTask& wanted) const {
  Task task = wanted.task;
  const auto wrong = [](const char* what) { return invalid("task.invalid", what); };
  if (!is_task_code(task.kind) || !is_task_code(task.title))
    return wrong("kind, title: must be codes of a-z, 0-9, dots and hyphens, at most 64 characters");
  if (task.object_type != "session" && task.object_type != "instance" &&
      task.object_type != "person")
    return wrong("object: its type must be session, instance or person");
  const auto object = Ulid::parse(task.object);
  if (!object) return wrong("object: its id must be a ULID");
  task.object = object->text();
  if (task.role.empty() && task.assignee.empty())
    return wrong("role, assignee: one of them must be given");
  RABT_TRY_STATUS(check_role("role", task.role));
  RABT_TRY_STATUS(check_role("escalation", task.escalation));
  if (!task.assignee.empty()) {
    RABT_TRY(person, parts_.people.resolve(parts_.tenant, Json(task.assignee)));
    task.assignee = std::move(person);
  }
  const TaskContent& content = wanted.content;
  const auto form = Schema::compile(content.schema);
  if (!form.ok()) return invalid("task.invalid", "schema: " + form.error().message);
  const std::size_t bytes =
      content.question.size() + content.data.dump().size() + content.schema.dump().size();
  if (bytes > kMaxTaskBytes)
    return wrong("question, data, schema: must have at most 64 KiB together");
  return task;
}

audit::Entry Tasks::entry_of(const Task& task, std::string act) const {
  return {.tenant = parts_.tenant,
          .actor = std::string(kHubItself),
          .act = std::move(act),
          .object = "task:" + task.id,
          .result = "ok",
          .detail = Json::object({{"kind", task.kind},
                                  {"object", task.object_type + ":" + task.object},
                                  {"instance", task.instance}}),
          .patient = task.patient};
}

Status Tasks::tell(store::Transaction& transaction, const Task& task, std::string_view what,
                   const Json& more, const std::string& trace) const {
  Json data =
      Json::object({{"task", task.id},
                    {"kind", task.kind},
                    {"object", Json::object({{"type", task.object_type}, {"id", task.object}})},
                    {"role", task.role}});
  for (const auto& [name, value] : more.as_object()) data.set(name, value);
  return put_event(transaction, parts_.tenant,
                   {.id = parts_.ids.next().text(),
                    .type = "task." + std::string(what),
                    .at = parts_.clock.now(),
                    .data = std::move(data),
                    .trace = trace});
}

Status Tasks::put_news(store::Transaction& transaction, std::string_view whom) const {
  if (!parts_.tells_staff || whom.empty()) return ok_status();
  const std::int64_t now = parts_.clock.now().ms;
  return outbox::put(transaction, parts_.tenant,
                     {.kind = outbox::kTaskNews, .ref = whom, .put_ms = now, .due_ms = now});
}

// The same step of a workflow may come again with another question.
Result<std::string> Tasks::call_of(const NewTask& wanted) const {
  const TaskContent& content = wanted.content;
  return rows_.call_index(parts_.tenant, wanted.call + "\n" + wanted.task.title + "\n" +
                                             std::to_string(wanted.task.due_ms.value_or(0)) + "\n" +
                                             content.question + content.data.dump() +
                                             content.schema.dump());
}

Result<bool> Tasks::knows(const std::string& call) const {
  bool out = false;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(row, TaskRows::of_call(connection, parts_.tenant, call));
    out = row.has_value();
    return ok_status();
  }));
  return out;
}

Result<Tasks::Opened> Tasks::open(const NewTask& wanted) const {
  RABT_TRY(task, checked(wanted));
  RABT_TRY(call, call_of(wanted));
  task.id = parts_.ids.next().text();
  task.opened_ms = parts_.clock.now().ms;
  RABT_TRY(sealed, rows_.seal(parts_.tenant, std::move(task), wanted.content, std::move(call)));
  audit::Entry opened = entry_of(sealed.row.task, std::string(wanted.act));
  if (wanted.by != nullptr) made_by(*wanted.by, opened);
  const auto entry = parts_.audit.prepare(opened);
  std::optional<TaskRow> before;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(row, TaskRows::of_call(transaction, parts_.tenant, sealed.call));
    before = std::move(row);
    if (before) return ok_status();
    RABT_TRY(inserted, TaskRows::insert(transaction, parts_.tenant, sealed));
    if (!inserted) return conflict(std::string(store::kRaced), "the call has just come again");
    RABT_TRY_STATUS(tell(transaction, sealed.row.task, "opened", Json::object(), wanted.trace));
    const Task& made = sealed.row.task;
    RABT_TRY_STATUS(put_news(transaction, made.assignee.empty() ? made.role : made.assignee));
    if (wanted.also) RABT_TRY_STATUS(wanted.also(transaction, sealed.row.task));
    return parts_.audit.append(transaction, entry);
  }));
  if (!before) return Opened{.task = sealed.row.task, .answer = {}};
  RABT_TRY(content, rows_.open(parts_.tenant, *before));
  return Opened{.task = before->task, .answer = std::move(content.answer)};
}

Result<Tasks::Opened> Tasks::look(std::string_view id, const std::string& instance,
                                  std::string_view session) const {
  RABT_TRY(row, rows_.find(parts_.tenant, id));
  const bool about =
      !session.empty() && row.task.object_type == "session" && row.task.object == session;
  if (row.task.instance != instance && !about) return unknown_task();
  RABT_TRY(content, rows_.open(parts_.tenant, row));
  return Opened{.task = row.task, .answer = std::move(content.answer)};
}

Result<Task> Tasks::closed(std::string_view id, const std::string& by, std::string_view why) const {
  RABT_TRY(found, rows_.find(parts_.tenant, id));
  const Timestamp now = parts_.clock.now();
  audit::Entry cancelled = entry_of(found.task, "task.cancelled");
  std::string answer;
  if (!why.empty()) {
    cancelled.detail.set("why", why);
    RABT_TRY(sealed, rows_.seal_answer(parts_.tenant, found, Json::object({{"why", why}})));
    answer = std::move(sealed);
  }
  const auto entry = parts_.audit.prepare(cancelled);
  Task task;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(row, TaskRows::find(transaction, parts_.tenant, id));
    task = row.task;
    if (why.empty() ? !task.waits() : task.state != kTaskOpen) return ok_status();
    task.state = std::string(kTaskCancelled);
    task.decided_by = by;
    task.decided_ms = now.ms;
    RABT_TRY_STATUS(TaskRows::update(transaction, parts_.tenant, task, answer));
    return parts_.audit.append(transaction, entry);
  }));
  return task;
}

Result<Tasks::Opened> Tasks::cancel(std::string_view id, const std::string& instance,
                                    std::string_view session) const {
  RABT_TRY_STATUS(look(id, instance, session));
  RABT_TRY_STATUS(closed(id, "instance:" + instance));
  return look(id, instance, session);
}

Status Tasks::close(std::string_view id) const {
  RABT_TRY_STATUS(closed(id, std::string(kHubItself)));
  return ok_status();
}

Status Tasks::close_passed(const PassedTasks& which) const {
  constexpr std::size_t kMost = 100;
  RABT_TRY(rows, rows_.about(parts_.tenant, which.kind, which.object, "", kMost));
  for (const TaskRow& row : rows) {
    if (row.task.state != kTaskOpen || row.task.title != which.title) continue;
    RABT_TRY(content, rows_.open(parts_.tenant, row));
    if (!which.passed(content)) continue;
    RABT_TRY_STATUS(closed(row.task.id, std::string(kHubItself), which.why));
  }
  return ok_status();
}

Result<TaskRow> Tasks::find(const identity::Principal& who, std::string_view id) const {
  RABT_TRY(row, rows_.find(parts_.tenant, id));
  if (!may_see(row.task, who)) return not_his();
  return row;
}

Result<Task> Tasks::change(const identity::Caller& caller, std::string_view id, const Act& act,
                           const Change& change) const {
  RABT_TRY(seen, find(caller.who, id));
  std::optional<access::PatientDetail::Sealed> reason;
  if (!act.reason.empty()) {
    const auto patient = from_hex(seen.task.patient);
    RABT_TRY(sealed,
             parts_.details.seal(parts_.tenant, patient ? as_text(*patient) : std::string_view(),
                                 Json::object({{"reason", act.reason}})));
    reason = std::move(sealed);
  }
  audit::Entry entry = entry_of(seen.task, "task." + act.name);
  made_by(caller, entry);
  for (const auto& [name, value] : act.detail.as_object()) entry.detail.set(name, value);
  if (reason) entry.sealed = reason->text;
  const auto prepared = parts_.audit.prepare(entry);
  std::optional<Error> refusal;
  Task task;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    refusal.reset();
    RABT_TRY(row, TaskRows::find(transaction, parts_.tenant, id));
    task = row.task;
    const Status taken = may_take(task, task_name_of(caller.who));
    const bool gives_back =
        act.name == "released" && task.state == kTaskClaimed && caller.who.roles.has_any(kGiveBack);
    if (!taken.ok() && !gives_back) {
      refusal = taken.error();
      return ok_status();
    }
    if (!gives_back && !may_answer(task, caller.who)) {
      refusal = not_his();
      return ok_status();
    }
    RABT_TRY_STATUS(change(transaction, task));
    // Nothing has changed: claimed again, or released and not claimed.
    if (task.version == row.task.version && task.state == row.task.state &&
        task.claimed_by == row.task.claimed_by)
      return ok_status();
    if (reason) RABT_TRY_STATUS(access::PatientDetail::store(transaction, *reason));
    return parts_.audit.append(transaction, prepared);
  }));
  if (refusal) return *refusal;
  return task;
}

Result<Task> Tasks::claim(const identity::Caller& caller, std::string_view id) const {
  const std::int64_t now = parts_.clock.now().ms;
  return change(caller, id, {.name = "claimed"},
                [&](store::Transaction& transaction, Task& task) -> Status {
                  if (task.state == kTaskClaimed) return ok_status();
                  task.state = std::string(kTaskClaimed);
                  task.claimed_by = task_name_of(caller.who);
                  task.claimed_ms = now;
                  return TaskRows::update(transaction, parts_.tenant, task);
                });
}

Result<Task> Tasks::release(const identity::Caller& caller, std::string_view id) const {
  return change(caller, id, {.name = "released"},
                [&](store::Transaction& transaction, Task& task) -> Status {
                  if (task.state == kTaskOpen) return ok_status();
                  task.state = std::string(kTaskOpen);
                  task.claimed_by.clear();
                  task.claimed_ms.reset();
                  return TaskRows::update(transaction, parts_.tenant, task);
                });
}

Result<Task> Tasks::decide(const identity::Caller& caller, std::string_view id, const Json& answer,
                           const std::string& reason) const {
  RABT_TRY(row, find(caller.who, id));
  // The same answer of the same person again, after an answer of the hub that was lost.
  if (row.task.state == kTaskDone && row.task.decided_by == task_name_of(caller.who)) {
    RABT_TRY(before, rows_.open(parts_.tenant, row));
    if (before.answer == answer) return row.task;
  }
  // A caller who comes second, or may not answer, is refused before his answer is checked.
  RABT_TRY_STATUS(may_take(row.task, task_name_of(caller.who)));
  if (!may_answer(row.task, caller.who)) return not_his();
  RABT_TRY(content, rows_.open(parts_.tenant, row));
  RABT_TRY_STATUS(check_answer(content.schema, answer));
  RABT_TRY(sealed, rows_.seal_answer(parts_.tenant, row, answer));
  const std::int64_t now = parts_.clock.now().ms;
  const Json plain = plain_answer(content.schema, answer);
  return change(
      caller, id,
      {.name = "decided", .detail = Json::object({{"answer", plain}}), .reason = reason},
      [&](store::Transaction& transaction, Task& task) -> Status {
        task.state = std::string(kTaskDone);
        task.decided_by = task_name_of(caller.who);
        task.decided_ms = now;
        RABT_TRY_STATUS(TaskRows::update(transaction, parts_.tenant, task, sealed));
        return tell(transaction, task, "decided", Json::object({{"answer", plain}}), caller.trace);
      });
}

Status Tasks::catch_up() const {
  RABT_TRY(late, rows_.overdue(parts_.tenant, parts_.clock.now()));
  for (const Task& task : late) {
    const auto entry = parts_.audit.prepare(entry_of(task, "task.overdue"));
    RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY(row, TaskRows::find(transaction, parts_.tenant, task.id));
      if (row.task.overdue || !row.task.waits()) return ok_status();
      row.task.overdue = true;
      RABT_TRY_STATUS(TaskRows::update(transaction, parts_.tenant, row.task));
      RABT_TRY_STATUS(tell(transaction, row.task, "overdue",
                           Json::object({{"due", to_iso8601({row.task.due_ms.value_or(0)})},
                                         {"escalation", row.task.escalation}}),
                           ""));
      if (row.task.state == kTaskOpen) RABT_TRY_STATUS(put_news(transaction, row.task.escalation));
      return parts_.audit.append(transaction, entry);
    }));
  }
  return ok_status();
}

}  // namespace rabt::consultation
