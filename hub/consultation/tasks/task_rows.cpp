#include "hub/consultation/tasks/task_rows.hpp"

#include "hub/base/bytes.hpp"
#include "hub/consultation/tasks/statements.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;
using store::Value;

constexpr int kColumns = 19;

Error unknown() {
  return not_found("task.unknown", "there is no task with this id");
}

Value optional(const std::optional<std::int64_t>& number) {
  return number ? Value(*number) : Value(store::Null{});
}
std::optional<std::int64_t> number_at(const Row& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.integer(column));
}

Task read_task(const Row& row) {
  const auto text = [&row](int column) { return std::string(row.text(column)); };
  return {.id = text(0),
          .kind = text(1),
          .title = text(2),
          .role = text(3),
          .assignee = text(4),
          .escalation = text(5),
          .object_type = text(6),
          .object = text(7),
          .instance = text(8),
          .patient = text(9),
          .state = text(10),
          .opened_ms = row.integer(sql::tasks::kOverdue["opened_ms"]),
          .due_ms = number_at(row, sql::tasks::kOverdue["due_ms"]),
          .overdue = row.integer(sql::tasks::kOverdue["overdue"]) != 0,
          .claimed_by = text(14),
          .claimed_ms = number_at(row, sql::tasks::kOverdue["claimed_ms"]),
          .decided_by = text(16),
          .decided_ms = number_at(row, sql::tasks::kOverdue["decided_ms"]),
          .version = row.integer(sql::tasks::kOverdue["version"])};
}

TaskRow read_row(const Row& row) {
  return {
      .task = read_task(row),
      .data_key = std::string(row.blob(kColumns)),
      .sealed = std::string(row.blob(kColumns + 1)),
      .answer = row.is_null(kColumns + 2) ? std::string() : std::string(row.blob(kColumns + 2))};
}

crypto::SealContext content_of(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "task", .row = id, .field = "sealed"};
}
crypto::SealContext answer_of(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "task", .row = id, .field = "answer"};
}

std::string listed_roles(identity::Roles roles) {
  std::string out = ",";
  for (const std::string& name : roles.names()) out += name + ",";
  return out;
}

}  // namespace

Result<std::vector<Task>> TaskRows::list(std::string_view tenant, const TaskFilter& filter,
                                         const identity::Principal& who, const std::string& before,
                                         std::size_t limit) const {
  std::vector<Task> out;
  const std::string start = before.empty() ? "~" : before;
  const std::string roles = listed_roles(who.roles);
  const std::int64_t all = who.roles.has_any(kTaskOverseers) ? 1 : 0;
  const auto most = static_cast<std::int64_t>(limit);
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    const auto add = [&out](const Row& row) {
      out.push_back(read_task(row));
      return true;
    };
    if (filter.state.empty()) {
      return connection.query(sql::tasks::kWaiting,
                              {tenant, start, all, roles, who.person, filter.role, filter.kind,
                               filter.object, filter.claimed_by, filter.assignee, most},
                              add);
    }
    return connection.query(sql::tasks::kInState,
                            {tenant, start, all, roles, who.person, filter.role, filter.kind,
                             filter.object, filter.claimed_by, filter.assignee, most, filter.state},
                            add);
  }));
  return out;
}

Result<std::vector<TaskRow>> TaskRows::about(std::string_view tenant, std::string_view kind,
                                             std::string_view person, const std::string& before,
                                             std::size_t limit) const {
  std::vector<TaskRow> out;
  const std::string start = before.empty() ? "~" : before;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) -> Status {
    out.clear();
    RABT_TRY(others, identity::others_of(connection, tenant, person));
    return connection.query(
        sql::tasks::kAbout,
        {tenant, kind, person, others[0], others[1], others[2], others[3], others[4], others[5],
         others[6], others[7], start, static_cast<std::int64_t>(limit)},
        [&out](const Row& row) {
          out.push_back(read_row(row));
          return true;
        });
  }));
  return out;
}

Result<std::int64_t> TaskRows::count_about(store::Connection& connection, std::string_view tenant,
                                           std::string_view kind, std::string_view person) {
  std::int64_t out = 0;
  RABT_TRY(others, identity::others_of(connection, tenant, person));
  RABT_TRY_STATUS(connection.query(sql::tasks::kCountAbout,
                                   {tenant, kind, person, others[0], others[1], others[2],
                                    others[3], others[4], others[5], others[6], others[7]},
                                   [&out](const Row& row) {
                                     out = row.integer(sql::tasks::kCountAbout["count"]);
                                     return false;
                                   }));
  return out;
}

Result<OpenTasks> TaskRows::open_for(std::string_view tenant, std::string_view person,
                                     identity::Roles roles) const {
  OpenTasks out;
  const std::string listed = listed_roles(roles);
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::tasks::kOpenFor, {tenant, person, listed}, [&](const Row& row) {
      out = {.count = row.integer(sql::tasks::kOpenFor["count"]),
             .due_ms = number_at(row, sql::tasks::kOpenFor["next_due_ms"])};
      return false;
    });
  }));
  return out;
}

Result<std::map<std::string, std::string>> TaskRows::open_of(std::string_view tenant,
                                                             std::string_view kind) const {
  std::map<std::string, std::string> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::tasks::kOpenOf, {tenant, kind}, [&out](const Row& row) {
      out.emplace(row.text(sql::tasks::kOpenOf["call"]), row.text(sql::tasks::kOpenOf["id"]));
      return true;
    });
  }));
  return out;
}

Result<TaskRow> TaskRows::find(store::Connection& connection, std::string_view tenant,
                               std::string_view id) {
  std::optional<TaskRow> found;
  RABT_TRY_STATUS(connection.query(sql::tasks::kFind, {tenant, id}, [&](const Row& row) {
    found = read_row(row);
    return false;
  }));
  if (!found) return unknown();
  return *std::move(found);
}

Result<TaskRow> TaskRows::find(std::string_view tenant, std::string_view id) const {
  Result<TaskRow> found = unknown();
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) -> Status {
    found = find(connection, tenant, id);
    return found.ok() || found.error().kind == ErrorKind::not_found ? ok_status()
                                                                    : Status(found.error());
  }));
  return found;
}

Result<std::optional<TaskRow>> TaskRows::of_call(store::Connection& connection,
                                                 std::string_view tenant, std::string_view call) {
  std::optional<TaskRow> found;
  RABT_TRY_STATUS(connection.query(sql::tasks::kOfCall, {tenant, call}, [&](const Row& row) {
    found = read_row(row);
    return false;
  }));
  return found;
}

Result<std::vector<Tally>> TaskRows::waiting(std::string_view tenant) const {
  std::vector<Tally> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::tasks::kWaitingByKind, {tenant}, [&](const Row& row) {
      out.push_back({std::string(row.text(sql::tasks::kWaitingByKind["kind"])),
                     row.integer(sql::tasks::kWaitingByKind["count"]),
                     Timestamp{row.integer(sql::tasks::kWaitingByKind["first_opened_ms"])}});
      return true;
    });
  }));
  return out;
}

Result<std::vector<Task>> TaskRows::overdue(std::string_view tenant, Timestamp now) const {
  std::vector<Task> out;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::tasks::kOverdue, {tenant, now.ms}, [&](const Row& row) {
      out.push_back(read_task(row));
      return true;
    });
  }));
  return out;
}

Result<std::string> TaskRows::call_index(std::string_view tenant, std::string_view call) const {
  RABT_TRY(lease, keys_.lease(tenant));
  return to_hex(as_bytes(lease.blind_index("task_call", call)));
}

Result<TaskRows::Sealed> TaskRows::seal(std::string_view tenant, Task task,
                                        const TaskContent& content, std::string call) const {
  RABT_TRY(key, keys_.make(tenant, keys::kConsultation));
  Json plain = Json::object({{"schema", content.schema}});
  if (!content.question.empty()) plain.set("question", content.question);
  if (!content.data.is_null()) plain.set("data", content.data);
  Sealed out{.row = {.task = std::move(task)}, .call = std::move(call), .key = std::move(key)};
  out.row.data_key = out.key.id;
  out.row.sealed = out.key.key->seal(content_of(tenant, out.row.task.id), plain.dump(), random_);
  return out;
}

Result<bool> TaskRows::insert(store::Transaction& transaction, std::string_view tenant,
                              const Sealed& sealed) {
  const Task& task = sealed.row.task;
  RABT_TRY(rows,
           transaction.execute(sql::tasks::kInsert,
                               {tenant, task.id, task.kind, task.title, task.role, task.assignee,
                                task.escalation, task.object_type, task.object, task.instance,
                                task.patient, task.state, task.opened_ms, optional(task.due_ms),
                                sealed.call, Blob{sealed.row.data_key}, Blob{sealed.row.sealed}}));
  if (rows == 0) return false;
  RABT_TRY_STATUS(keys::insert(transaction, sealed.key));
  return true;
}

Result<TaskContent> TaskRows::open(std::string_view tenant, const TaskRow& row) const {
  RABT_TRY(key, keys_.open(tenant, row.data_key));
  RABT_TRY(plain, key->open(content_of(tenant, row.task.id), row.sealed));
  RABT_TRY(json, Json::parse(plain));
  TaskContent out{
      .question = json.string_or("question", ""), .data = json["data"], .schema = json["schema"]};
  if (row.answer.empty()) return out;
  RABT_TRY(text, key->open(answer_of(tenant, row.task.id), row.answer));
  RABT_TRY(answer, Json::parse(text));
  out.answer = std::move(answer);
  return out;
}

Result<std::string> TaskRows::seal_answer(std::string_view tenant, const TaskRow& row,
                                          const Json& answer) const {
  RABT_TRY(key, keys_.open(tenant, row.data_key));
  return key->seal(answer_of(tenant, row.task.id), answer.dump(), random_);
}

Status TaskRows::update(store::Transaction& transaction, std::string_view tenant, const Task& task,
                        std::string_view answer) {
  RABT_TRY_STATUS(store::compare_and_set(
      transaction, sql::tasks::kUpdate,
      {tenant, task.id, task.version, task.state, task.overdue ? 1 : 0, task.claimed_by,
       optional(task.claimed_ms), task.decided_by, optional(task.decided_ms)}));
  if (!answer.empty()) transaction.put(sql::tasks::kAnswer, {tenant, task.id, Blob{answer}});
  return ok_status();
}

}  // namespace rabt::consultation
