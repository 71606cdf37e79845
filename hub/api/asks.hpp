#pragma once

#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "hub/api/cursors.hpp"
#include "hub/api/requests/ask.hpp"
#include "hub/api/routes.hpp"
#include "hub/consultation/request/answer.hpp"

namespace rabt::consultation {
class Practice;
class Records;
class Sessions;
}  // namespace rabt::consultation

// Between HTTP and the domain: a call becomes an ask, an answer a response.
namespace rabt::api {

// The {session} of the path becomes the session, every other parameter the record; the body, which
// must be an object or absent, the query and If-Match follow. Errors: json.*, api.body,
// precondition.failed (If-Match is not the tag of one version), precondition.required (a PATCH
// without it).
[[nodiscard]] Result<Ask> ask_of(const Call& call);

// ask_of; what the act gives to `once` is kept as an answer of this status. The call outlives the
// ask.
[[nodiscard]] Result<Ask> keeping(const Call& call, int status);

// limit (1 to 200, else 50) and cursor of the query. Errors: api.invalid, cursor.invalid.
[[nodiscard]] Result<consultation::Window> window_of(const Call& call);

// ask_of for a list of a session, whose pages begin behind an item that its readers know: `cursor`
// is the id of the item, the seq of an event. Its older name `after` takes a whole `next`, too.
[[nodiscard]] Result<Ask> ask_behind(const Call& call);

// A record with its version as ETag. A status of 204 leaves the body out.
[[nodiscard]] http::Response answer(int status, const Json& body);
// {items, next}: next is the path of the next page, absent on the last one.
[[nodiscard]] Result<http::Response> answer(const Call& call, const consultation::Page& page);
template <typename View>
[[nodiscard]] Result<http::Response> answer(const Call& call, consultation::PageOf<View> page) {
  consultation::Page shown{.items = {}, .next = std::move(page.next), .total = page.total};
  shown.items.reserve(page.items.size());
  for (const View& item : page.items) shown.items.push_back(to_json(item));
  return answer(call, shown);
}
// A list of a session, {items, next?}: its next, which is the place of the next page, becomes the
// path of that page.
[[nodiscard]] http::Response answer_behind(const Call& call, Json body);
// The path of the page of this list that begins behind `place`.
[[nodiscard]] Result<std::string> path_behind(const Call& call, std::string_view place);
// The number behind which the page of a list by number begins.
[[nodiscard]] inline std::int64_t number_behind(const consultation::Window& window) {
  return std::atoll(window.cursor.c_str());
}
// Takes what does not belong to the page from a list by number, of which one more was read than the
// page has. Where the next page begins; empty on the last.
template <typename Numbered>
std::string cut_to_page(std::vector<Numbered>& all, const consultation::Window& window) {
  if (all.size() <= window.limit) return {};
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(window.limit), all.end());
  return std::to_string(all.back().number);
}

// The service that a table of routes names: a member of Resources that points to it, or a member of
// the practice, of the sessions or of the records.
template <typename All, typename Owner, typename Service>
auto& service_of(All& resources, Service Owner::*service) {
  if constexpr (std::is_same_v<Owner, consultation::Practice>) {
    return resources.practice->*service;
  } else if constexpr (std::is_same_v<Owner, consultation::Sessions>) {
    return resources.sessions->*service;
  } else if constexpr (std::is_same_v<Owner, consultation::Records>) {
    return resources.records->*service;
  } else {
    return *(resources.*service);
  }
}

// A view that is JSON already, as webhooks give it.
inline const Json& to_json(const Json& view) {
  return view;
}

// Handlers, as a table of routes names them: a service, its function, and the reader that makes the
// request, which is a struct, of the ask. to_json shows the view.
template <auto service, auto does, auto reads, int status = 200>
Result<http::Response> act(Resources& resources, const Call& call) {
  RABT_TRY(ask, keeping(call, status));
  RABT_TRY(view, (service_of(resources, service).*does)(ask.caller, reads(ask)));
  return answer(status, to_json(view));
}

template <auto service, auto lists, auto reads>
Result<http::Response> list(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(window, window_of(call));
  RABT_TRY(page, (service_of(resources, service).*lists)(ask.caller, reads(ask), window));
  return answer(call, std::move(page));
}

// A list of a session.
template <auto service, auto lists, auto reads>
Result<http::Response> list_behind(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_behind(call));
  RABT_TRY(page, (service_of(resources, service).*lists)(ask.caller, reads(ask)));
  return answer_behind(call, to_json(page));
}

}  // namespace rabt::api
