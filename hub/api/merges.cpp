#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/people.hpp"
#include "hub/api/person_json.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/relations.hpp"

// Two records that are one patient, over the API.
namespace rabt::api {

using http::Response;

namespace {

// A pointer as the record at `other`'s side shows it.
Json pointer_json(const identity::Merge& merge, const std::string& other) {
  return Json::object({{"patient", other},
                       {"state", merge.in_force ? "in_force" : "waiting"},
                       {"by", merge.by},
                       {"reason", merge.reason},
                       {"at", to_iso8601({merge.asked_ms})},
                       {"since", merge.since_ms ? Json(to_iso8601({*merge.since_ms})) : Json()}});
}

Result<std::string> reason_in(consultation::Fields& fields) {
  std::string reason = fields.needed_text("reason", access::kMaxReason);
  RABT_TRY_STATUS(fields.done());
  return reason;
}

}  // namespace

Result<Json> PersonRecords::patient_json(const identity::Person& person) const {
  Json out = person_json(person);
  RABT_TRY(pointer, merges.of(person.id));
  if (pointer) out.set("mergedInto", pointer_json(*pointer, pointer->survivor));
  RABT_TRY(others, merges.into(person.id));
  Json from = Json::array();
  for (const identity::Merge& other : others) from.push_back(pointer_json(other, other.merged));
  if (!others.empty()) out.set("mergedFrom", std::move(from));
  return out;
}

Result<Response> PersonRecords::merge_patient(const Call& call) const {
  RABT_TRY(ask, ask_of(call));
  consultation::Fields fields(ask.body);
  fields.only({"into", "reason", "version"});
  if (!fields.has("into")) fields.wrong("into", "it is needed");
  if (fields.has("version") && !ask.body["version"].as_int64())
    fields.wrong("version", "it must be a whole number");
  RABT_TRY(reason, reason_in(fields));
  RABT_TRY(merged, people.record(patients.tenant, Json(call.path[0])));
  RABT_TRY(survivor, people.record(patients.tenant, ask.body["into"]));
  const identity::MergeWish wish{.merged = merged,
                                 .survivor = survivor,
                                 .reason = reason,
                                 .version = ask.body["version"].as_int64()};
  RABT_TRY(differ, merges.check(wish));
  Json members = Json::array();
  for (const std::string& member : differ) members.push_back(member);
  // Whoever signs in with the survivor reads the merged record: nobody at the desk decides that
  // alone. The list of requests is open to people who see no patient data: ids alone.
  RABT_TRY_STATUS(approvals.pass(
      call.caller, {identity::kMergePatients, "",
                    Json::object({{"patient", merged}, {"into", survivor}, {"differ", members}}),
                    merged + survivor}));
  RABT_TRY(waits, consultation::has_session_under_way(store, patients.tenant, merged));
  const auto shown = [&](const identity::Merge& merge) {
    Json out = pointer_json(merge, merge.survivor);
    out.set("merged", merge.merged);
    return answer(200, out);
  };
  RABT_TRY(result, merges.merge(call.caller, wish, waits,
                                [&](store::Transaction& transaction, const identity::Merge& merge) {
                                  return call.once ? call.once(transaction, shown(merge))
                                                   : ok_status();
                                }));
  return shown(result);
}

Result<Response> PersonRecords::unmerge_patient(const Call& call) const {
  RABT_TRY(ask, ask_of(call));
  consultation::Fields fields(ask.body);
  fields.only({"reason"});
  RABT_TRY(reason, reason_in(fields));
  RABT_TRY(merged, people.record(patients.tenant, Json(call.path[0])));
  const Response done = answer(204, Json());
  RABT_TRY(pointer, merges.of(merged));
  if (pointer && pointer->in_force) RABT_TRY_STATUS(links.end_links_of_merged(merged));
  RABT_TRY_STATUS(merges.undo(call.caller, merged, reason, [&](store::Transaction& transaction) {
    return call.once ? call.once(transaction, done) : ok_status();
  }));
  return done;
}

}  // namespace rabt::api
