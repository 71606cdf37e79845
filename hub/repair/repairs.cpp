#include "hub/repair/repairs.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "hub/engine/state_text.hpp"
#include "hub/keys/retention.hpp"
#include "hub/repair/answer.hpp"

namespace rabt::repair {

namespace {

// States in which the act can be done; the first group is taken where the filter names none.
struct VerbStates {
  std::string_view verb;
  std::vector<std::string> usual;
  std::vector<std::string> all;
};
const VerbStates& states_of(std::string_view verb) {
  static const std::vector<VerbStates> kStates{
      {"retry", {"faulted"}, {"faulted"}},
      {"restart", {"faulted"}, {"completed", "faulted", "cancelled"}},
      {"cancel", {"running", "waiting", "parked"}, {"running", "waiting", "parked"}},
      {"answer", {"parked"}, {"parked"}},
  };
  return *std::find_if(kStates.begin(), kStates.end(),
                       [&](const VerbStates& states) { return states.verb == verb; });
}

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& text : list) out += (out.empty() ? "" : ", ") + text;
  return out;
}

crypto::SealContext context_of(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "repair_job", .row = id, .field = "sealed"};
}

Error wrong_state(const Job& job, std::string_view needs) {
  return conflict("repair.state", "the job is " + std::string(to_string(job.state)) +
                                      "; this needs one that is " + std::string(needs));
}

}  // namespace

// A list on its way.
struct Repairs::List {
  std::vector<Item> items;
  Timestamp oldest;
  bool more = false;
  // By role and action: how often it is sent, and how often without a key.
  std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, std::int64_t>> sent;
  // By code.
  std::map<std::string, std::int64_t> left_out;
  // Why the first call cannot be answered so.
  std::optional<Error> unfit;
  // Deliveries: what each would be.
  std::map<std::string, std::int64_t> was;
  // Parked calls by role, action and code.
  std::map<std::tuple<std::string, std::string, std::string>, std::int64_t> groups;

  [[nodiscard]] Json effects() const {
    Json sends = Json::array();
    for (const auto& [name, count] : sent) {
      sends.push_back(Json::object({{"role", name.first},
                                    {"action", name.second},
                                    {"count", count.first},
                                    {"withoutKey", count.second}}));
    }
    Json out = Json::object({{"sent", std::move(sends)}, {"leftOut", left_out_json()}});
    if (was.empty()) return out;
    Json deliveries = Json::object();
    for (const auto& [what, count] : was) deliveries.set(what, count);
    out.set("deliveries", std::move(deliveries));
    return out;
  }
  [[nodiscard]] Json left_out_json() const {
    Json out = Json::array();
    for (const auto& [code, count] : left_out)
      out.push_back(Json::object({{"code", code}, {"count", count}}));
    return out;
  }
};

void Repairs::add(const Wanted& wanted, const engine::Repairable& repairable, List& list) const {
  if (!has(states_of(wanted.verb).all, repairable.status)) {
    ++list.left_out["repair.not_possible"];
    return;
  }
  if (!wanted.failure.empty() && repairable.failure != wanted.failure) return;
  if (wanted.verb == "restart" && repairable.restarted) {
    ++list.left_out["engine.restarted"];
    return;
  }
  Item item{.n = static_cast<std::int64_t>(list.items.size()),
            .object = repairable.id,
            .mark = repairable.mark,
            .subject = repairable.subject};
  std::vector<engine::SentAgain> sent;
  const bool again = wanted.verb == "answer" && asks_again(wanted.answer);
  if (wanted.verb == "retry" || wanted.verb == "restart" || again) {
    auto found = parts_.engine.sent_by(wanted.verb == "retry"     ? engine::SentBy::retry
                                       : wanted.verb == "restart" ? engine::SentBy::restart
                                                                  : engine::SentBy::again,
                                       repairable.id);
    if (!found.ok()) {
      ++list.left_out[found.error().code];
      return;
    }
    sent = std::move(*found);
  }
  if (wanted.verb == "restart") item.call = static_cast<std::int64_t>(sent.size());
  if (wanted.verb == "answer" && !again) {
    const Status fits = parts_.engine.may_answer(repairable.id, outcome_of(wanted.answer));
    if (!fits.ok()) {
      ++list.left_out[fits.error().code];
      if (!list.unfit) list.unfit = fits.error();
      return;
    }
  }
  if (wanted.verb == "answer") {
    item.call = static_cast<std::int64_t>(repairable.call);
    ++list.groups[{repairable.role, repairable.action, repairable.failure}];
  }
  for (const engine::SentAgain& call : sent) {
    auto& count = list.sent[{call.role, call.action}];
    ++count.first;
    if (call.without_key) ++count.second;
  }
  if (list.items.empty()) list.oldest = repairable.created;
  list.items.push_back(std::move(item));
}

Status Repairs::add_deliveries(const Wanted& wanted, List& list) const {
  if (deliveries_ == nullptr) return ok_status();
  RABT_TRY(found, deliveries_->kept(wanted.deliveries, kMaxItems + 1));
  list.more = found.size() > kMaxItems;
  if (list.more) found.resize(kMaxItems);
  for (const Deliveries::One& one : found) {
    const auto was = deliveries_->look(one.id);
    if (!was.ok()) {
      ++list.left_out[was.error().code];
      continue;
    }
    ++list.was[*was];
    if (list.items.empty()) list.oldest = one.at;
    // Those of one source keep their order.
    list.items.push_back({.n = static_cast<std::int64_t>(list.items.size()),
                          .object = std::to_string(one.id),
                          .mark = {.turns = 0, .updated = one.at},
                          .subject = "source:" + one.source});
  }
  return ok_status();
}

Result<Repairs::List> Repairs::list_of(const Wanted& wanted) const {
  List list;
  if (wanted.verb == kDeliver) {
    RABT_TRY_STATUS(add_deliveries(wanted, list));
    return list;
  }
  if (!wanted.ids.empty()) {
    const std::set<std::string> each(wanted.ids.begin(), wanted.ids.end());
    for (const std::string& id : each) {
      RABT_TRY(one, parts_.engine.repairable(id));
      add(wanted, one, list);
    }
    return list;
  }
  engine::InstanceFilter filter = wanted.filter;
  const VerbStates& states = states_of(wanted.verb);
  if (filter.states.empty()) filter.states = states.usual;
  for (const std::string& state : filter.states) {
    if (!has(states.all, state)) {
      return invalid("api.invalid",
                     "status: " + wanted.verb + " is for instances that are " + joined(states.all));
    }
  }
  RABT_TRY(found, parts_.engine.repairable(filter, kMaxItems + 1));
  list.more = found.size() > kMaxItems;
  if (list.more) found.resize(kMaxItems);
  for (const engine::Repairable& repairable : found) add(wanted, repairable, list);
  return list;
}

Result<Job> Repairs::preview(const identity::Caller& caller, const Wanted& wanted) {
  if (wanted.verb == "answer") RABT_TRY_STATUS(check_answer(wanted.answer));
  RABT_TRY(list, list_of(wanted));
  if (list.items.empty() && list.unfit) return *list.unfit;
  if (list.items.empty()) {
    std::string why;
    for (const auto& [code, count] : list.left_out)
      why += "; left out: " + std::to_string(count) + " for " + code;
    return conflict("repair.nothing",
                    "there is nothing that " + wanted.verb + " can be done to" + why);
  }
  if (list.groups.size() > 1) {
    std::string each;
    for (const auto& [name, count] : list.groups) {
      const auto& [role, action, code] = name;
      each += (each.empty() ? "" : ", ") + role + "/" + action +
              (code.empty() ? " with an unknown effect" : " that failed with " + code) + ": " +
              std::to_string(count);
    }
    return conflict("repair.mixed",
                    "one answer is for parked calls of one role, action and code; name `code` "
                    "(role/action) and `failure` (the code): " +
                        each);
  }
  Job job{.id = parts_.ids.next().text(),
          .verb = wanted.verb,
          .digest = digest_of(wanted.verb, wanted.answer, wanted.version, list.items),
          .total = static_cast<std::int64_t>(list.items.size()),
          .more = list.more,
          .oldest = list.oldest,
          .filter = wanted.shown,
          .effects = list.effects(),
          .created = parts_.clock.now(),
          .created_by = caller.who.actor(),
          .data_key = {},
          .sealed = {}};
  if (!wanted.version.empty()) job.effects.set("version", wanted.version);
  RABT_TRY_STATUS(seal(job, Json::object({{"answer", wanted.answer}})));
  RABT_TRY_STATUS(parts_.store.write(
      [&](store::Transaction& transaction) { return rows_.put(transaction, job, list.items); }));
  return job;
}

Status Repairs::seal(Job& job, const Json& content) const {
  RABT_TRY(key, parts_.keys.shared(parts_.tenant, keys::kEvent));
  job.data_key = std::string(key->id());
  job.sealed = key->seal(context_of(parts_.tenant, job.id), content.dump(), parts_.random);
  return ok_status();
}

Result<Json> opened(keys::DataKeys& keys, std::string_view tenant, const Job& job) {
  RABT_TRY(key, keys.open(tenant, job.data_key));
  RABT_TRY(plain, key->open(context_of(tenant, job.id), job.sealed));
  return Json::parse(plain);
}

Result<Job> Repairs::ready(std::string_view id, std::string_view digest) const {
  RABT_TRY(job, rows_.job(id));
  if (job.state != JobState::previewed) return wrong_state(job, "previewed");
  if (job.created.ms + kPreviewKeptMs < parts_.clock.now().ms)
    return conflict("repair.expired", "the preview is older than 24 hours; make another one");
  if (job.digest != digest) {
    return conflict("repair.digest",
                    "the digest is not the one of this list; look at the preview once more");
  }
  return job;
}

Result<Job> Repairs::run(const identity::Caller& caller, std::string_view id, const Pace& pace) {
  RABT_TRY(seen, ready(id, pace.digest));
  RABT_TRY(content, opened(parts_.keys, parts_.tenant, seen));
  content.set("reason", pace.reason);
  return turned(caller, id, "repair.run", pace.reason, {JobState::previewed}, [&](Job& job) {
    job.state = JobState::running;
    job.started = parts_.clock.now();
    job.started_by = caller.who.actor();
    job.every_ms = pace.every_ms;
    job.first = pace.first;
    job.goes_on = pace.goes_on;
    job.passed = pace.first == 0;
    return seal(job, content);
  });
}

Result<Job> Repairs::go(const identity::Caller& caller, std::string_view id,
                        const std::string& reason) {
  return turned(caller, id, "repair.go", reason, {JobState::waiting, JobState::stopped},
                [](Job& job) {
                  job.state = JobState::running;
                  job.passed = true;
                  job.failures = 0;
                  job.ended.reset();
                  job.why.clear();
                  return ok_status();
                });
}

Result<Job> Repairs::stop(const identity::Caller& caller, std::string_view id,
                          const std::string& reason) {
  return turned(caller, id, "repair.stop", reason, {JobState::running, JobState::waiting},
                [this](Job& job) {
                  job.state = JobState::stopped;
                  job.ended = parts_.clock.now();
                  job.why = "person";
                  return ok_status();
                });
}

Result<Job> Repairs::turned(const identity::Caller& caller, std::string_view id,
                            std::string_view act, const std::string& reason,
                            const std::vector<JobState>& from,
                            const std::function<Status(Job&)>& change) {
  RABT_TRY(job, rows_.job(id));
  const JobState was = job.state;
  if (std::find(from.begin(), from.end(), was) == from.end()) {
    std::vector<std::string> names;
    names.reserve(from.size());
    for (const JobState state : from) names.emplace_back(to_string(state));
    return wrong_state(job, joined(names));
  }
  RABT_TRY_STATUS(change(job));
  RABT_TRY(sealed, parts_.details.seal(parts_.tenant, "", Json::object({{"reason", reason}})));
  Json detail = Json::object({{"verb", job.verb},
                              {"digest", job.digest},
                              {"count", job.total},
                              {"first", job.first},
                              {"everyMs", job.every_ms}});
  if (const std::string version = job.version(); !version.empty()) detail.set("version", version);
  const auto entry = parts_.audit.prepare({.tenant = parts_.tenant,
                                           .actor = caller.who.actor(),
                                           .act = std::string(act),
                                           .object = "repair:" + job.id,
                                           .result = "ok",
                                           .detail = std::move(detail),
                                           .client = caller.client,
                                           .request = caller.request,
                                           .sealed = sealed.text});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(changed, rows_.change(transaction, job, was));
    if (!changed)
      return conflict("repair.state", "somebody was quicker; look at the job once more");
    RABT_TRY_STATUS(access::PatientDetail::store(transaction, sealed));
    return parts_.audit.append(transaction, entry);
  }));
  if (wake_) wake_();
  return job;
}

}  // namespace rabt::repair
