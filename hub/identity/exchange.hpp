#pragma once

#include <functional>
#include <memory>

#include "hub/base/result.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::identity {

// One exchange with an issuer, which waits for the answer. Error unavailable
// auth.issuer_unreachable: no whole answer came.
using Exchange = std::function<Result<net::Response>(net::Request)>;

// Reaches what `allow` names. http outlives the exchange.
[[nodiscard]] Exchange make_exchange(net::HttpClient& http,
                                     std::shared_ptr<const net::AllowList> allow,
                                     std::shared_ptr<const net::TlsOptions> tls);

}  // namespace rabt::identity
