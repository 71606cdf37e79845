#include "hub/api/approvals.hpp"

#include "hub/api/answers.hpp"
#include "hub/api/asks.hpp"

namespace rabt::api {

using http::Response;

Result<Response> Approvals::list(const Call& /*call*/) const {
  RABT_TRY(open, approvals.open());
  Json items = Json::array();
  for (identity::Approval& approval : open) {
    items.push_back(Json::object(
        {{"id", approval.id},
         {"act", approval.act},
         {"askedBy", approval.asker},
         {"confirmedBy", approval.confirmer.empty() ? Json() : Json(approval.confirmer)},
         {"wish", std::move(approval.wish)},
         {"asked", to_iso8601({approval.asked_ms})},
         {"until", to_iso8601({approval.ends_ms})}}));
  }
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Result<Response> Approvals::confirm(const Call& call) const {
  RABT_TRY_STATUS(approvals.answer(call.caller, call.path[0], true));
  return answer(204, Json());
}

Result<Response> Approvals::refuse(const Call& call) const {
  RABT_TRY_STATUS(approvals.answer(call.caller, call.path[0], false));
  return answer(204, Json());
}

bool gains_guarded(identity::Roles before, identity::Roles after) {
  for (const identity::Role role :
       {identity::Role::admin, identity::Role::security_officer, identity::Role::auditor}) {
    if (after.has(role) && !before.has(role)) return true;
  }
  return false;
}

}  // namespace rabt::api
