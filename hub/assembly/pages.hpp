#pragma once

#include "hub/config/config.hpp"
#include "hub/pages/pages.hpp"

namespace rabt::assembly {

// Servers that pages of calls may connect to besides the hub: those of the plugin that is bound to
// the role `video`.
[[nodiscard]] pages::Pages::Options page_options(const config::Config& config);

}  // namespace rabt::assembly
