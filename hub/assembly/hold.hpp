#pragma once

#include <memory>

#include "hub/http/server.hpp"
#include "hub/net/http_client.hpp"

// Parts of a hub that is held (rabt serve --hold), such as one that was just restored: it answers
// who looks, and neither takes nor sends anything.
namespace rabt::assembly {

// Sends nothing: each request ends at once with the error `held`, before a byte has left.
// Internally synchronised.
[[nodiscard]] std::unique_ptr<net::HttpClient> make_held_client();

// True if a held hub answers the request: GET and HEAD, and no WebSocket.
[[nodiscard]] bool only_looks(const http::Request& head);
// Answer to any other request: 503, code hub.held.
[[nodiscard]] http::Response held_answer();

}  // namespace rabt::assembly
