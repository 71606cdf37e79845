#pragma once

#include <vector>

#include "hub/api/hooks.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::assembly {

// Who may post to /hooks/, with the secrets that their signatures need. The client fetches what
// messages of SNS point to, and outlives the sources. Errors: those of
// read_secret and http::check; the message names the source.
[[nodiscard]] Result<std::vector<api::Source>> read_sources(const config::Config& config,
                                                            net::HttpClient& http);

}  // namespace rabt::assembly
