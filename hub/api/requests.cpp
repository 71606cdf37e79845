#include "hub/api/requests.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/tasks/requests.hpp"

namespace rabt::api {

using consultation::TaskRow;
using http::Response;

Result<Response> Requests::list(const Call& call) const {
  const std::string& who = call.caller.who.person;
  if (who.empty()) return not_allowed();
  RABT_TRY(window, window_of(call));
  RABT_TRY(rows, tasks.about(consultation::kRequest, who, window.cursor, window.limit + 1));
  consultation::Page page;
  if (rows.size() > window.limit) {
    rows.resize(window.limit);
    page.next = rows.back().task.id;
  }
  RABT_TRY(person, people.find(patients.tenant, who));
  access::Reading reading{.act = "request.read", .object = "person:" + who};
  if (const auto index = from_hex(person.pseudonym); index && !index->empty())
    reading.patients.emplace_back(as_text(*index));
  access::Reader reader = reader_of(call);
  reader.purpose = "PATRQT";
  RABT_TRY_STATUS(note_reading(store, audit, patients, reader, reading));
  for (const TaskRow& row : rows) {
    RABT_TRY(content, tasks.content(row));
    page.items.push_back(consultation::request_json(row.task, content));
  }
  return answer(call, page);
}

Result<Response> Requests::make(const Call& call) const {
  const std::string& who = call.caller.who.person;
  if (who.empty()) return not_allowed();
  RABT_TRY(body, body_object(call));
  RABT_TRY(person, people.find(patients.tenant, who));
  RABT_TRY(wanted, consultation::request_task(body, person, clock.now()));
  const auto reply = [&](const consultation::Task& task) {
    return answer(201, consultation::request_json(task, wanted.content));
  };
  wanted.by = &call.caller;
  wanted.act = "request.made";
  wanted.trace = call.caller.trace;
  wanted.call = call.caller.request;
  // Counted behind the row of this one, so that many at once have the same limit.
  wanted.also = [&](store::Transaction& transaction, const consultation::Task& task) -> Status {
    RABT_TRY(waiting, tasks.count_about(transaction, consultation::kRequest, who));
    if (waiting > consultation::kMaxOpenRequests)
      return conflict("request.limit", "too many of your requests wait for an answer");
    return call.once ? call.once(transaction, reply(task)) : ok_status();
  };
  RABT_TRY(opened, tasks.open(wanted));
  return reply(opened.task);
}

}  // namespace rabt::api
