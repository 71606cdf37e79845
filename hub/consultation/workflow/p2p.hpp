#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/plugin/call.hpp"

// hub://p2p: the role `video` without a provider. Browsers send each other sound and picture; the
// hub only hands their offers, answers and candidates on, over the live channel.
namespace rabt::consultation {

// Servers by which browsers reach each other.
struct IceServers {
  std::vector<std::string> stun;
  std::vector<std::string> turn;
  // Shared with the TURN servers. Null when there is none.
  std::shared_ptr<const SecretBytes> turn_secret;
};

// RTCConfiguration.iceServers for one participant. The credential of the TURN servers is that of
// coturn's REST API: the user name is "<Unix seconds until which it holds>:<identity>", the
// password base64 of HMAC-SHA-1 over it.
[[nodiscard]] Json ice_servers(const IceServers& servers, std::string_view identity,
                               std::int64_t until_seconds);

// It keeps nothing: a room is the name of its session.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_p2p_video(IceServers servers,
                                                                 const Clock& clock,
                                                                 Random& random);

}  // namespace rabt::consultation
