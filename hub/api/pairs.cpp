#include <algorithm>
#include <map>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/people.hpp"
#include "hub/api/person_json.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/rows/relations.hpp"

// Pairs of records that may be one patient, over the API.
namespace rabt::api {

using http::Response;

namespace {

// Pairs of a page: each side is in the audit log as a reading of its own.
constexpr std::size_t kMostPairs = 20;

}  // namespace

Result<std::optional<identity::Person>> PersonRecords::side(const std::string& id) const {
  using Side = std::optional<identity::Person>;
  auto person = people.find(patients.tenant, id);
  if (!person.ok() && person.error().kind == ErrorKind::unavailable) return person.error();
  // One record that is damaged, or whose key was destroyed, holds back no other pair.
  if (!person.ok()) {
    pairs.closed(id, person.error());
    return Side();
  }
  if (!identity::is_only_patient(person->roles)) return Side();
  return Side(*std::move(person));
}

Result<Json> PersonRecords::side_json(const Call& call, const identity::Person& person) const {
  RABT_TRY_STATUS(admit(call, false, "patient.read", "person:" + person.id, person.pseudonym));
  RABT_TRY(last, consultation::last_visit_of(store, patients.tenant, person.id));
  return Json::object(
      {{"patient", person_json(person)}, {"lastVisit", last ? Json(to_iso8601(*last)) : Json()}});
}

Result<Response> PersonRecords::list_pairs(const Call& call) const {
  RABT_TRY(window, window_of(call));
  window.limit = std::min(window.limit, kMostPairs);
  RABT_TRY_STATUS(admit(call, false, "patient.list", "search:pairs", ""));
  RABT_TRY(found, pairs.open(window.cursor, window.limit + 1));
  consultation::Page page;
  if (found.size() > window.limit) {
    found.resize(window.limit);
    page.next = identity::PersonPairs::place_of(found.back());
  }
  // A record that is in several pairs is read and audited once.
  std::map<std::string, Json> read;
  const auto read_once = [&](const identity::Person& person) -> Result<Json> {
    const auto entry = read.find(person.id);
    if (entry != read.end()) return entry->second;
    RABT_TRY(record, side_json(call, person));
    return read.emplace(person.id, std::move(record)).first->second;
  };
  for (const identity::PersonPair& pair : found) {
    RABT_TRY(later, side(pair.newer));
    RABT_TRY(earlier, side(pair.older));
    if (!later || !earlier) continue;
    RABT_TRY(newer, read_once(*later));
    RABT_TRY(older, read_once(*earlier));
    Json reasons = Json::array();
    for (const std::string& reason : pair.reasons) reasons.push_back(reason);
    page.items.push_back(Json::object({{"reasons", std::move(reasons)},
                                       {"newer", std::move(newer)},
                                       {"older", std::move(older)}}));
  }
  return answer(call, page);
}

Result<Response> PersonRecords::keep_apart(const Call& call) const {
  RABT_TRY(ask, ask_of(call));
  consultation::Fields fields(ask.body);
  fields.only({"from"});
  if (!fields.has("from")) fields.wrong("from", "it is needed");
  RABT_TRY_STATUS(fields.done());
  RABT_TRY(one, people.record(patients.tenant, Json(call.path[0])));
  RABT_TRY(other, people.record(patients.tenant, ask.body["from"]));
  const Response done = answer(204, Json());
  RABT_TRY_STATUS(pairs.keep_apart(call.caller, one, other, [&](store::Transaction& transaction) {
    return call.once ? call.once(transaction, done) : ok_status();
  }));
  return done;
}

}  // namespace rabt::api
