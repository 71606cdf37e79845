#include <algorithm>
#include <array>

#include "hub/api/answers.hpp"
#include "hub/api/routes.hpp"
#include "hub/http/problem.hpp"

// Plugins, over the API.
namespace rabt::api {

namespace {

constexpr std::array<std::string_view, 4> kActs{"plugin.added", "plugin.removed",
                                                "plugin.key_added", "plugin.key_removed"};
constexpr std::size_t kMaxWord = 256;
constexpr std::size_t kMaxMembers = 16;

// Ids, versions, digests, patterns.
bool is_word(const Json& value) {
  return value.is_string() && value.as_string().size() <= kMaxWord &&
         std::all_of(value.as_string().begin(), value.as_string().end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("-_.:*+@, ").find(c) != std::string_view::npos;
         });
}

}  // namespace

// What `rabt plugin` did to the folder of plugins, for the audit log of the hub that runs.
Response Routes::plugin_acts(const Request& request) {
  if (request.method != "POST") return wrong_method("POST");
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  const std::string act = body->string_or("act", "");
  const Json& detail = (*body)["detail"];
  const bool known = std::find(kActs.begin(), kActs.end(), act) != kActs.end();
  const bool plain =
      is_word((*body)["object"]) && detail.is_object() && detail.size() <= kMaxMembers &&
      std::all_of(detail.as_object().begin(), detail.as_object().end(), [](const auto& member) {
        return is_word(Json(member.first)) && is_word(member.second);
      });
  if (!known || !plain)
    return http::problem(
        invalid("api.plugin_act",
                "act must be one of plugin.added, plugin.removed, plugin.key_added, "
                "plugin.key_removed; object and the members of detail plain words"));
  audit::Entry entry;
  entry.tenant = tenant_;
  entry.actor = "api";
  entry.act = act;
  entry.object = (*body)["object"].as_string();
  entry.result = "ok";
  entry.detail = detail;
  entry.client = request.remote;
  entry.request = request.request_id;
  const audit::Prepared prepared = parts_.audit.prepare(entry);
  const Status written = parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); },
      store::Store::Need::required);
  if (!written.ok()) return http::problem(written.error());
  return json_response(200, Json::object({{"recorded", act}}));
}

}  // namespace rabt::api
