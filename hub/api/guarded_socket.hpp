#pragma once

#include <functional>
#include <memory>

#include "hub/http/web_socket.hpp"
#include "hub/identity/watch.hpp"

namespace rabt::api {

// Messages a second that one connection may send, and how many of them at once.
inline constexpr double kMessageRate = 20;
inline constexpr double kMessageBurst = 40;

// The same connection, which ends with close code 4401 when the credential that opened it holds no
// more, and with http::kCloseRate when it sends too many messages. Every WebSocket of the hub
// passes here (Api). may_send: counts a message for its principal, and says whether it may be sent.
[[nodiscard]] std::shared_ptr<http::SocketHandler> guarded(
    std::shared_ptr<http::SocketHandler> handler, identity::Watch& watch, identity::Principal who,
    identity::Credential shown, std::function<bool()> may_send);

}  // namespace rabt::api
