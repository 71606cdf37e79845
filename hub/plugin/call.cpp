#include "hub/plugin/call.hpp"

#include "hub/workflow/action_catalog.hpp"

// Whether what others rely on is served.
namespace rabt::plugin {

Status check_served(const std::vector<Need>& needs, const workflow::ActionCatalog& catalog) {
  constexpr std::size_t kMaxLines = 20;
  std::string message;
  std::size_t count = 0;
  for (const Need& need : needs) {
    if (catalog.find(need.target, need.action, need.version)) continue;
    if (++count > kMaxLines) continue;
    const workflow::NotOffered why =
        workflow::not_offered(catalog, need.target, need.action, need.version);
    message += (message.empty() ? "" : "\n") + need.by + " calls " + need.action + ":" +
               need.version + ": " + why.what;
    if (!why.advice.empty()) message += " (" + why.advice + ")";
  }
  if (count == 0) return ok_status();
  if (count > kMaxLines) message += "\nand " + std::to_string(count - kMaxLines) + " more";
  return conflict("engine.unserved", std::move(message));
}

}  // namespace rabt::plugin
