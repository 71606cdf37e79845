#include "hub/api/asks.hpp"

#include "hub/api/answers.hpp"
#include "hub/base/number.hpp"
#include "hub/base/uri.hpp"

namespace rabt::api {

using consultation::Page;
using consultation::Window;
using http::Response;

namespace {

constexpr std::size_t kMostItems = 200;
constexpr std::string_view kCursor = "cursor";
// The older name of the cursor of a list of a session.
constexpr std::string_view kAfter = "after";

// "7" -> 7. A PATCH needs one; `*` is whatever version there is (RFC 9110 section 13.1.1).
Status read_if_match(const Call& call, Ask& ask) {
  const std::string_view tag = call.request.header("if-match");
  if (tag == "*") return ok_status();
  if (tag.empty()) {
    if (call.request.method != "PATCH") return ok_status();
    return conflict("precondition.required",
                    "send If-Match with the ETag of the record as you read it");
  }
  const bool quoted = tag.size() > 2 && tag.front() == '"' && tag.back() == '"';
  const auto version =
      quoted ? read_number<std::int64_t>(tag.substr(1, tag.size() - 2)) : std::nullopt;
  if (!version) {
    return invalid("precondition.invalid",
                   "If-Match must be one ETag of the record, in quotes, such as \"3\"; weak tags "
                   "and lists are not taken");
  }
  ask.version = *version;
  return ok_status();
}

void read_path(const Call& call, Ask& ask) {
  std::size_t count = 0;
  for (auto from = call.pattern.find('{'); from != std::string_view::npos;
       from = call.pattern.find('{', from + 1)) {
    const auto name = call.pattern.substr(from + 1, call.pattern.find('}', from) - from - 1);
    std::string& behind = ask.record.empty() ? ask.record : ask.part;
    (name == "session" ? ask.session : behind) = call.path[count++];
  }
}

// The path of this list with another cursor, which needs no percent-encoding.
std::string path_with(const Call& call, std::string_view cursor) {
  std::string path = call.request.path + "?";
  for (const auto& [name, value] : call.request.query) {
    if (name == kCursor || name == kAfter) continue;
    path += percent_encode(name) + "=" + percent_encode(value) + "&";
  }
  return path.append(kCursor).append("=").append(cursor);
}

// Clients of 0.2.0 give the `next` of a page as `after`; it was an id then.
std::string cursor_in(std::string_view after) {
  const std::string name = std::string(kCursor) + "=";
  const auto at = after.rfind(name);
  return std::string(at == std::string_view::npos ? after : after.substr(at + name.size()));
}

}  // namespace

Result<Ask> ask_of(const Call& call) {
  Ask ask{.caller = {call.caller}};
  read_path(call, ask);
  RABT_TRY(body, body_object(call));
  ask.body = std::move(body);
  ask.query = call.request.query;
  ask.caller.repeat = call.repeat;
  RABT_TRY_STATUS(read_if_match(call, ask));
  return ask;
}

Result<Ask> keeping(const Call& call, int status) {
  RABT_TRY(ask, ask_of(call));
  if (call.once) {
    ask.caller.once = [&call, status](store::Transaction& transaction, const Json& body) {
      return call.once(transaction, answer(status, body));
    };
  }
  return ask;
}

Result<Window> window_of(const Call& call) {
  Window window;
  if (const auto limit = call.request.parameter("limit")) {
    window.limit = read_number<std::size_t>(*limit).value_or(0);
    if (window.limit == 0 || window.limit > kMostItems)
      return invalid("api.invalid", "limit: must be a number from 1 to 200");
  }
  const auto cursor = call.request.parameter(kCursor);
  if (!cursor) return window;
  RABT_CHECK(call.cursors != nullptr);
  RABT_TRY(place,
           call.cursors->open(call.caller.who, list_of(call.pattern, call.request), *cursor));
  window.cursor = std::move(place);
  return window;
}

Result<Ask> ask_behind(const Call& call) {
  RABT_TRY(ask, ask_of(call));
  if (call.request.parameter(kCursor)) return ask;
  if (const auto after = call.request.parameter(kAfter))
    ask.query.emplace_back(kCursor, cursor_in(*after));
  return ask;
}

Response answer(int status, const Json& body) {
  if (status == 204) return {.status = status};
  Response response = json_response(status, body);
  if (const Json* version = body.find("version"); version != nullptr && version->as_int64())
    response.headers.emplace_back("ETag", "\"" + version->number_text() + "\"");
  return response;
}

Result<std::string> path_behind(const Call& call, std::string_view place) {
  RABT_CHECK(call.cursors != nullptr);
  RABT_TRY(cursor, call.cursors->seal(call.caller.who, list_of(call.pattern, call.request), place));
  return path_with(call, cursor);
}

Response answer_behind(const Call& call, Json body) {
  if (const std::string next = body.string_or("next", ""); !next.empty())
    body.set("next", path_with(call, next));
  return json_response(200, body);
}

Result<Response> answer(const Call& call, const Page& page) {
  Json body = Json::object({{"items", Json(page.items)}});
  if (!page.next.empty()) {
    RABT_TRY(next, path_behind(call, page.next));
    body.set("next", next);
  }
  return json_response(200, body);
}

}  // namespace rabt::api
