#pragma once

#include <memory>

#include "hub/http/web_socket.hpp"
#include "hub/identity/watch.hpp"

namespace rabt::api {

// The same connection, which ends with close code 4401 when the credential that opened it holds no
// more. Every WebSocket of the hub passes here (Api).
[[nodiscard]] std::shared_ptr<http::SocketHandler> guarded(
    std::shared_ptr<http::SocketHandler> handler, identity::Watch& watch, identity::Principal who,
    identity::Credential shown);

}  // namespace rabt::api
