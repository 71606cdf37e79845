#include "hub/consultation/video/role.hpp"

#include <array>
#include <string>

namespace rabt::consultation {

Status lets_people_in(const workflow::ActionCatalog& catalog, std::string_view target) {
  constexpr std::array<std::string_view, 3> kNeeded{"video.session.create", "video.token.issue",
                                                    "video.session.end"};
  std::string missing;
  for (const std::string_view text : kNeeded) {
    if (catalog.find(target, text, kVideoVersion)) continue;
    missing.append(missing.empty() ? "" : ", ").append(text).append("/1");
  }
  if (missing.empty()) return ok_status();
  return unavailable("video.not_served",
                     "role video: " + std::string(target) +
                         " cannot let anybody into a session: no action of it declares the "
                         "capability " +
                         missing + "; bind the role to a plugin whose manifest does");
}

}  // namespace rabt::consultation
