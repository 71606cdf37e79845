#include "hub/consultation/messages/role.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "hub/consultation/messages/gateway.hpp"

namespace rabt::consultation {

Status sends_messages(const workflow::ActionCatalog& catalog, std::string_view target,
                      std::string_view asking) {
  constexpr std::array<std::string_view, 3> kSend{"notify.sms.send", "notify.email.send",
                                                  "notify.push.send"};
  const auto* const end = asking.empty() ? kSend.end() : kSend.begin() + 1;
  const bool sends = std::any_of(kSend.begin(), end, [&](std::string_view text) {
    return catalog.find(target, text, kNotifyVersion).has_value();
  });
  if (sends) return ok_status();
  const std::string needed = asking.empty()
                                 ? "notify.sms.send/1, notify.email.send/1 or notify.push.send/1"
                                 : "notify.sms.send/1, which " + std::string(asking) + " needs";
  return unavailable("notify.not_served",
                     "role " + std::string(kNotifyRole) + ": " + std::string(target) +
                         " sends no message: no action of it declares the capability " + needed +
                         "; bind the role to a plugin whose manifest does");
}

}  // namespace rabt::consultation
