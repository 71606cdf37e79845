#include "hub/api/answers.hpp"
#include "hub/api/routes.hpp"
#include "hub/consultation/data_keys.hpp"
#include "hub/http/problem.hpp"
#include "hub/keys/requests.hpp"

// Keys, over the API.
namespace rabt::api {

Response Routes::keys(const Request& request, std::string_view verb) {
  if (verb.empty()) {
    if (request.method != "GET") return wrong_method("GET");
    const auto status = parts_.key_admin.status();
    return status.ok() ? json_response(200, keys::to_json(*status)) : http::problem(status.error());
  }
  if (request.method != "POST") return wrong_method("POST");
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  const auto done = keys::perform(
      parts_.key_admin, verb, *body,
      {.actor = "api", .reason = {}, .client = request.remote, .request = request.request_id},
      [this](std::string_view object) {
        return consultation::data_keys_of(parts_.store, tenant_, object);
      },
      false);
  if (!done.ok()) return http::problem(done.error());
  return json_response(verb == "rewrap" ? 202 : 200, *done);
}

}  // namespace rabt::api
