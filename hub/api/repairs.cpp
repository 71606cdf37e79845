#include "hub/api/repairs.hpp"

#include <algorithm>

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"
#include "hub/api/instances.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"

namespace rabt::api {

using http::Response;
using repair::ItemState;

namespace {

constexpr std::int64_t kPerMinute = 60;
constexpr std::int64_t kFirst = 3;
constexpr std::array kItemStates{ItemState::open,   ItemState::acted,   ItemState::well,
                                 ItemState::failed, ItemState::goes_on, ItemState::moved,
                                 ItemState::refused};

Error wrong(std::string_view name, std::string_view must) {
  return invalid("api.invalid", std::string(name) + ": must be " + std::string(must));
}

// Calls that a restart makes anew, the effects of which stand.
std::int64_t standing(const repair::Job& job) {
  std::int64_t out = 0;
  for (const Json& item : job.effects["sent"].as_array()) out += item.int_or("count", 0);
  return out;
}

Json job_json(const repair::Job& job) {
  Json out = Json::object({{"id", job.id},
                           {"verb", job.verb},
                           {"state", repair::to_string(job.state)},
                           {"digest", job.digest},
                           {"count", job.total},
                           {"more", job.more},
                           {"oldest", to_iso8601(job.oldest)},
                           {"filter", job.filter},
                           {"sent", job.effects["sent"]},
                           {"leftOut", job.effects["leftOut"]},
                           {"created", to_iso8601(job.created)},
                           {"createdBy", job.created_by}});
  if (job.verb == "restart") out.set("effects", standing(job));
  if (const std::string version = job.version(); !version.empty()) out.set("version", version);
  if (const Json* was = job.effects.find("deliveries"); was != nullptr) out.set("deliveries", *was);
  if (!job.started) return out;
  out.set("started", to_iso8601(*job.started));
  out.set("startedBy", job.started_by);
  out.set("perMinute", kMinuteMs / job.every_ms);
  out.set("first", job.first);
  out.set("goOn", job.goes_on);
  if (job.ended) out.set("ended", to_iso8601(*job.ended));
  if (!job.why.empty()) out.set("why", job.why);
  return out;
}

Json item_json(const repair::Job& job, const repair::Item& item) {
  const char* const what = job.verb == repair::kDeliver ? "delivery" : "instance";
  Json out =
      Json::object({{"n", item.n}, {what, item.object}, {"state", repair::to_string(item.state)}});
  if (!item.code.empty()) out.set("code", item.code);
  if (!item.became.empty()) out.set("restartedAs", item.became);
  if (item.at) out.set("at", to_iso8601(*item.at));
  return out;
}

Result<std::vector<std::string>> ids_in(const Json& body) {
  std::vector<std::string> out;
  const Json& given = body["ids"];
  if (given.is_null()) return out;
  const auto bad = [] {
    return wrong("ids",
                 "a list of 1 to " + std::to_string(repair::kMaxItems) + " ids of instances");
  };
  if (!given.is_array() || given.size() == 0 || given.size() > repair::kMaxItems) return bad();
  for (const Json& item : given.as_array()) {
    const auto id = item.is_string() ? Ulid::parse(item.as_string()) : std::nullopt;
    if (!id) return bad();
    out.push_back(id->text());
  }
  return out;
}

Result<repair::Wanted> wanted_of(const Json& body) {
  repair::Wanted wanted{.verb = body.string_or("verb", "")};
  if (std::find(repair::kVerbs.begin(), repair::kVerbs.end(), wanted.verb) == repair::kVerbs.end())
    return wrong("verb", "retry, restart, cancel, answer or deliver");
  if (wanted.verb == "answer") {
    if (!body["answer"].is_object()) return wrong("answer", "an object with an outcome");
    wanted.answer = body["answer"];
  } else if (body.find("answer") != nullptr) {
    return wrong("answer", "left out unless the verb is answer");
  }
  if (const Json* version = body.find("version"); version != nullptr) {
    if (wanted.verb != "retry")
      return wrong("version", "left out unless the verb is retry; filter.version is a condition");
    RABT_TRY(name, retry_version(body));
    wanted.version = std::move(name);
  }
  if (wanted.verb == repair::kDeliver && body.find("ids") != nullptr)
    return wrong("ids", "left out where the verb is deliver");
  RABT_TRY(ids, ids_in(body));
  wanted.ids = std::move(ids);
  const Json& filter = body["filter"];
  if (!wanted.ids.empty()) {
    if (!filter.is_null()) return wrong("filter", "left out where `ids` are given");
    return wanted;
  }
  // A filter that takes everything has to say so.
  if (!filter.is_object() || filter.size() == 0)
    return wrong("filter", "an object with at least one condition, such as a status");
  for (const auto& [name, value] : filter.as_object()) {
    if (!value.is_string()) return wrong("filter." + std::string(name), "a text");
  }
  if (wanted.verb == repair::kDeliver) {
    for (const char* name : {"status", "workflow", "version"}) {
      if (filter.find(name) != nullptr)
        return wrong("filter." + std::string(name), "left out where the verb is deliver");
    }
  } else if (filter.find("source") != nullptr) {
    return wrong("filter.source", "left out unless the verb is deliver");
  }
  RABT_TRY(taken, instance_filter([&](std::string_view name) -> std::optional<std::string> {
             if (filter.find(name) == nullptr) return std::nullopt;
             return filter.string_or(name, "");
           }));
  wanted.deliveries = {.source = filter.string_or("source", ""),
                       .code = taken.code,
                       .since = taken.since,
                       .until = taken.until};
  wanted.filter = std::move(taken);
  wanted.failure = filter.string_or("failure", "");
  if (!wanted.failure.empty() && wanted.verb != "answer")
    return wrong("filter.failure", "left out unless the verb is answer");
  wanted.shown = filter;
  return wanted;
}

Result<std::int64_t> number_in(const Json& body, std::string_view name, std::int64_t usual,
                               std::int64_t least, std::int64_t most) {
  const Json* const given = body.find(name);
  if (given == nullptr) return usual;
  const auto number = given->as_int64();
  if (!number || *number < least || *number > most)
    return wrong(name,
                 "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return *number;
}

Result<repair::Pace> pace_of(const Json& body) {
  repair::Pace pace{.digest = body.string_or("digest", ""), .goes_on = body.bool_or("goOn", false)};
  if (pace.digest.empty()) return wrong("digest", "the one of the preview");
  RABT_TRY(reason, needed_reason(body));
  pace.reason = std::move(reason);
  RABT_TRY(per_minute, number_in(body, "perMinute", kPerMinute, 1, repair::kMaxPerMinute));
  pace.every_ms = kMinuteMs / per_minute;
  RABT_TRY(first, number_in(body, "first", kFirst, 0, repair::kMaxFirst));
  pace.first = first;
  return pace;
}

}  // namespace

Result<Response> Repairs::answer(int status, const repair::Job& job) const {
  RABT_TRY(counts, repairs.rows().counts(job.id));
  Json out = job_json(job);
  Json by_state = Json::object();
  for (const ItemState state : kItemStates) by_state.set(repair::to_string(state), counts[state]);
  out.set("counts", std::move(by_state));
  return json_response(status, out);
}

Result<Response> Repairs::preview(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(wanted, wanted_of(body));
  RABT_TRY(job, repairs.preview(call.caller, wanted));
  return answer(201, job);
}

Result<Response> Repairs::run(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(pace, pace_of(body));
  // A job that is not ready is refused before a second person is asked.
  RABT_TRY(job, repairs.ready(call.path[0], pace.digest));
  if (job.verb == "restart" && body.int_or("effects", -1) != standing(job)) {
    return conflict("engine.restart_effects",
                    "calls of the old instances whose effects stand, and which the new ones make "
                    "once more under new keys: " +
                        std::to_string(standing(job)) +
                        "; say this number as `effects` (--effects) if that is meant");
  }
  Json wish = Json::object({{"job", job.id},
                            {"verb", job.verb},
                            {"count", job.total},
                            {"sent", job.effects["sent"]},
                            {"reason", pace.reason}});
  if (const std::string version = job.version(); !version.empty()) wish.set("version", version);
  RABT_TRY_STATUS(approvals.pass(
      call.caller, {identity::kRepairRun, "", std::move(wish), job.id + " " + call.request.body}));
  RABT_TRY(running, repairs.run(call.caller, call.path[0], pace));
  return answer(202, running);
}

Result<Response> Repairs::go(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, reason_in(body));
  RABT_TRY(job, repairs.go(call.caller, call.path[0], reason));
  return answer(202, job);
}

Result<Response> Repairs::stop(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(reason, reason_in(body));
  RABT_TRY(job, repairs.stop(call.caller, call.path[0], reason));
  return answer(200, job);
}

Result<Response> Repairs::list(const Call& call) const {
  RABT_TRY(window, window_of(call));
  RABT_TRY(jobs, repairs.rows().jobs(window.limit, window.cursor));
  Json items = Json::array();
  for (const repair::Job& job : jobs) items.push_back(job_json(job));
  Json body = Json::object({{"items", std::move(items)}});
  if (jobs.size() == window.limit) {
    RABT_TRY(next, path_behind(call, jobs.back().id));
    body.set("next", next);
  }
  return json_response(200, body);
}

Result<Response> Repairs::get(const Call& call) const {
  RABT_TRY(job, repairs.rows().job(call.path[0]));
  return answer(200, job);
}

Result<Response> Repairs::items(const Call& call) const {
  std::optional<ItemState> state;
  if (const auto given = call.request.parameter("state")) {
    state = repair::item_state(*given);
    if (!state) return wrong("state", "open, acted, well, failed, goes_on, moved or refused");
  }
  RABT_TRY(window, window_of(call));
  RABT_TRY(job, repairs.rows().job(call.path[0]));
  const std::int64_t behind = window.cursor.empty() ? -1 : number_behind(window);
  RABT_TRY(list, repairs.rows().items(job.id, behind, window.limit, state));
  Json items = Json::array();
  for (const repair::Item& item : list) items.push_back(item_json(job, item));
  Json body = Json::object({{"items", std::move(items)}});
  if (list.size() == window.limit) {
    RABT_TRY(next, path_behind(call, std::to_string(list.back().n)));
    body.set("next", next);
  }
  return json_response(200, body);
}

}  // namespace rabt::api
