#include "hub/workflow/action_catalog.hpp"

#include <algorithm>
#include <vector>

#include "hub/base/suggest.hpp"

namespace rabt::workflow {

Json asked_of(const Json& output_schema, const Json& arguments) {
  if (output_schema.is_array()) {
    Json out = Json::array();
    for (const Json& item : output_schema.as_array()) out.push_back(asked_of(item, arguments));
    return out;
  }
  if (!output_schema.is_object()) return output_schema;
  Json out = Json::object();
  for (const auto& [name, value] : output_schema.as_object())
    out.set(name, asked_of(value, arguments));
  const Json& words = arguments[output_schema.string_or("x-among", "")];
  if (words.is_array() && words.size() != 0) out.set("enum", words);
  return out;
}

NotOffered not_offered(const ActionCatalog& catalog, std::string_view role, std::string_view action,
                       std::string_view version) {
  NotOffered out;
  const std::string who =
      (role.find("://") == std::string_view::npos ? "role `" : "`") + std::string(role) + "`";
  const std::vector<std::string> actions = catalog.actions(role);
  if (std::find(actions.begin(), actions.end(), action) != actions.end()) {
    out.what = who + " does not offer `" + std::string(action) + "` in version " +
               std::string(version) + " or newer";
    const std::vector<std::string> offered = catalog.versions(role, action);
    if (!offered.empty()) out.advice = "it offers " + listed(offered);
  } else {
    out.what = who + " has no action `" + std::string(action) + "`";
    out.advice = did_you_mean(action, actions);
  }
  const std::vector<std::string> others = catalog.providers(action, version);
  if (!others.empty())
    out.advice += (out.advice.empty() ? "" : "; ") + std::string("served by ") + listed(others) +
                  ": bind the role to it";
  return out;
}

}  // namespace rabt::workflow
