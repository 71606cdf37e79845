#include "hub/api/keys.hpp"

#include "hub/api/answers.hpp"
#include "hub/consultation/rows/data_keys.hpp"
#include "hub/keys/requests.hpp"

namespace rabt::api {

using http::Response;

Result<Response> Keys::status(const Call& /*call*/) const {
  RABT_TRY(status, admin.status());
  return json_response(200, keys::to_json(status));
}

Status confirmed_by_two(keys::KeyAdmin& admin, identity::Approvals& approvals,
                        const identity::Caller& caller, std::string_view verb, const Json& body,
                        std::string_view whole) {
  const bool shreds = verb == "shred";
  if (!shreds && verb != "release") return ok_status();
  // Whatever lacks one of them is refused by its form.
  const std::string of = body.string_or(shreds ? "bucket" : "case", "");
  if (of.empty() || body.string_or("reason", "").empty()) return ok_status();
  RABT_TRY_STATUS(keys::check_there_is(admin, verb, of));
  return approvals.pass(
      caller, {shreds ? identity::kShred : identity::kRelease, "", body, std::string(whole)});
}

Result<Response> Keys::act(const Call& call) const {
  const std::string_view verb = call.path[0];
  RABT_TRY(body, body_object(call));
  const keys::Order order{.actor = call.caller.who.actor(),
                          .reason = {},
                          .client = call.caller.client,
                          .request = call.caller.request};
  const auto keys_of = [this](std::string_view object) {
    return consultation::data_keys_of(store, tenant, object);
  };
  RABT_TRY_STATUS(confirmed_by_two(admin, approvals, call.caller, verb, body, call.request.body));
  RABT_TRY(done, keys::perform(admin, verb, body, order, keys_of, false));
  // Rewrapping has only begun.
  return json_response(verb == "rewrap" ? 202 : 200, done);
}

}  // namespace rabt::api
