#pragma once

#include <string_view>

#include "hub/api/routes.hpp"
#include "hub/consultation/ask.hpp"

// Between HTTP and the domain: a call becomes an ask, an answer a response.
namespace rabt::api {

// The {session} of the path becomes the session, every other parameter the record; the body, which
// must be an object or absent, the query and If-Match follow. Errors: json.*, api.body,
// precondition.failed (If-Match is not the tag of one version), precondition.required (a PATCH
// without it).
[[nodiscard]] Result<consultation::Ask> ask_of(const Call& call);

// limit (1 to 200, else 50) and cursor of the query. Error api.limit.
[[nodiscard]] Result<consultation::Window> window_of(const Call& call);

// A record with its version as ETag. A status of 204 leaves the body out.
[[nodiscard]] http::Response answer(int status, const Json& body);
// {items, next}: next is the path of the next page, absent on the last one.
[[nodiscard]] http::Response answer(const Call& call, const consultation::Page& page);

// Handlers, as a table of routes names them: `service` is the member of Resources that points to
// the service, the other argument its function.
template <auto service, auto does, int status = 200>
Result<http::Response> act(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(body, ((*(resources.*service)).*does)(ask));
  return answer(status, body);
}

template <auto service, auto lists>
Result<http::Response> list(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(window, window_of(call));
  RABT_TRY(page, ((*(resources.*service)).*lists)(ask, window));
  return answer(call, page);
}

}  // namespace rabt::api
