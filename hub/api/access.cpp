#include "hub/api/access.hpp"

#include "hub/access/decide.hpp"
#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/consultation/rows/relations.hpp"

namespace rabt::api {

namespace {

Json explained(access::Right right, const access::Facts& facts) {
  const access::Decision decision = access::decide(right, facts);
  Json trail = Json::array();
  for (const access::Trial& trial : access::explain(right, facts)) {
    trail.push_back(Json::object({{"rule", trial.rule}, {"outcome", trial.outcome}}));
  }
  Json out = Json::object(
      {{"right", access::to_string(right)}, {"allowed", decision.allowed}, {"rules", trail}});
  if (decision.allowed) out.set("rule", decision.rule);
  if (!decision.allowed) out.set("code", decision.code);
  if (!decision.allowed) out.set("why", decision.why);
  return out;
}

}  // namespace

Result<http::Response> Access::explain(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const Json* of = body.find("person");
  if (of == nullptr) return invalid("api.invalid", "person: is missing");
  const std::string right = body.string_or("right", "");
  const std::string session = body.string_or("session", "");
  RABT_TRY(id, people.resolve(tenant, *of));
  RABT_TRY(person, people.find(tenant, id));
  access::Facts facts{.roles = person.roles};
  if (!session.empty()) {
    RABT_TRY(found, consultation::facts_about(store, keys, random, tenant, session, person,
                                              {clock.now(), treats_before_ms}));
    facts = found;
  }
  facts.reason = body.bool_or("reason", false);
  facts.patients_read_recordings = patients_read_recordings;
  Json rights = Json::array();
  for (std::size_t i = 0; i < access::kRights; ++i) {
    const auto one = static_cast<access::Right>(i);
    if (right.empty() || right == access::to_string(one)) rights.push_back(explained(one, facts));
  }
  if (rights.size() == 0) return invalid("api.invalid", "right: there is none of this name");
  const auto entry =
      audit.prepare({.tenant = tenant,
                     .actor = call.caller.who.actor(),
                     .act = "access.explained",
                     .object = session.empty() ? "person:" + id : "session:" + session,
                     .result = "ok",
                     .detail = Json::object({{"person", id}, {"right", right}}),
                     .client = call.caller.client,
                     .request = call.caller.request,
                     .sealed = {}});
  const Status written = store.write(
      [&](store::Transaction& transaction) { return audit.append(transaction, entry); });
  if (!written.ok()) return access::not_audited(written.error());
  return json_response(200, Json::object({{"person", id},
                                          {"roles", roles_json(person.roles)},
                                          {"active", person.active},
                                          {"rights", std::move(rights)}}));
}

}  // namespace rabt::api
