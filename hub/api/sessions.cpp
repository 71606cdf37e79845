#include "hub/api/sessions.hpp"

#include "hub/api/asks.hpp"
#include "hub/api/resources.hpp"

namespace rabt::api {

Result<http::Response> create_session(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(made, resources.sessions->create(ask));
  http::Response response = answer(201, made);
  response.headers.emplace_back("Location", "/api/v1/sessions/" + made.string_or("id", ""));
  return response;
}

}  // namespace rabt::api
