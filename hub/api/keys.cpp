#include "hub/api/keys.hpp"

#include "hub/api/answers.hpp"
#include "hub/consultation/data_keys.hpp"
#include "hub/keys/requests.hpp"

namespace rabt::api {

using http::Response;

Result<Response> Keys::status(const Call& /*call*/) const {
  RABT_TRY(status, admin.status());
  return json_response(200, keys::to_json(status));
}

// What cannot be undone, and what lets go of what a court may want, needs a second person.
Status Keys::confirmed(const Call& call, const Json& body) const {
  const std::string_view verb = call.path[0];
  const bool shreds = verb == "shred";
  if (!shreds && verb != "release") return ok_status();
  // Whatever lacks one of them is refused by its form.
  const std::string of = body.string_or(shreds ? "bucket" : "case", "");
  if (of.empty() || body.string_or("reason", "").empty()) return ok_status();
  return approvals.pass(
      call.caller, {shreds ? identity::kShred : identity::kRelease, "", body, call.request.body});
}

Result<Response> Keys::act(const Call& call) const {
  const std::string_view verb = call.path[0];
  RABT_TRY(body, body_object(call.request));
  const keys::Order order{.actor = call.caller.who.actor(),
                          .reason = {},
                          .client = call.caller.client,
                          .request = call.caller.request};
  const auto keys_of = [this](std::string_view object) {
    return consultation::data_keys_of(store, tenant, object);
  };
  RABT_TRY_STATUS(confirmed(call, body));
  RABT_TRY(done, keys::perform(admin, verb, body, order, keys_of, false));
  // Rewrapping has only begun.
  return json_response(verb == "rewrap" ? 202 : 200, done);
}

}  // namespace rabt::api
