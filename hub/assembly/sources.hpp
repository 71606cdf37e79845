#pragma once

#include <vector>

#include "hub/api/hooks.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"

namespace rabt::assembly {

// Who may post to /hooks/, with the secrets that their signatures need. Errors: those of
// read_secret and http::check; the message names the source.
[[nodiscard]] Result<std::vector<api::Source>> read_sources(const config::Config& config);

}  // namespace rabt::assembly
