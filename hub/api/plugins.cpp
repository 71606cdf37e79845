#include "hub/api/plugins.hpp"

#include <algorithm>
#include <array>

#include "hub/api/answers.hpp"
#include "hub/base/ascii.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::array<std::string_view, 4> kActs{"plugin.added", "plugin.removed",
                                                "plugin.key_added", "plugin.key_removed"};
constexpr std::size_t kMaxWord = 256;
constexpr std::size_t kMaxMembers = 16;

// Ids, versions, digests, patterns.
bool is_word(const Json& value) {
  return value.is_string() && value.as_string().size() <= kMaxWord &&
         std::all_of(value.as_string().begin(), value.as_string().end(), [](char c) {
           return is_alnum(c) || std::string_view("-_.:*+@, ").find(c) != std::string_view::npos;
         });
}

bool is_plain(const Json& detail) {
  if (!detail.is_object() || detail.size() > kMaxMembers) return false;
  return std::all_of(detail.as_object().begin(), detail.as_object().end(), [](const auto& member) {
    return is_word(Json(member.first)) && is_word(member.second);
  });
}

}  // namespace

Result<Response> Plugins::act(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string act = body.string_or("act", "");
  const bool listed = std::find(kActs.begin(), kActs.end(), act) != kActs.end();
  if (!listed) {
    return invalid("api.invalid",
                   "act: must be plugin.added, plugin.removed, plugin.key_added or "
                   "plugin.key_removed");
  }
  if (!is_word(body["object"]))
    return invalid("api.invalid", "object: must be one text of letters, digits and -_.:*+@");
  if (!is_plain(body["detail"])) {
    return invalid("api.invalid",
                   "detail: must be an object of at most 16 members, each a text of letters, "
                   "digits and -_.:*+@");
  }
  const audit::Prepared entry = audit.prepare({.tenant = tenant,
                                               .actor = call.caller.who.actor(),
                                               .act = act,
                                               .object = body["object"].as_string(),
                                               .result = "ok",
                                               .detail = body["detail"],
                                               .client = call.caller.client,
                                               .request = call.caller.request});
  RABT_TRY_STATUS(
      store.write([&](store::Transaction& transaction) { return audit.append(transaction, entry); },
                  store::Store::Need::required));
  return json_response(200, Json::object({{"recorded", act}}));
}

Result<Response> Plugins::release(const Call& call) const {
  RABT_TRY_STATUS(plugins.release(call.path[0], call.caller.who.actor()));
  return json_response(200, Json::object({{"released", std::string(call.path[0])}}));
}

Result<Response> Plugins::upgrade(const Call& call) const {
  if (!load_newer)
    return unavailable("plugin.upgrade", "this hub was started without a plugin folder");
  RABT_TRY(done, load_newer(std::string(call.path[0])));
  return json_response(200, done);
}

}  // namespace rabt::api
