#pragma once

#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/consultation/workflow/map_actions.hpp"

namespace rabt::assembly {

// Code maps of the folder `maps`, each by the name of its file NAME.csv. Errors: mapping.io (the
// folder or a file of it cannot be read), mapping.map; config.maps (a role is hub://map and there
// are none, or a name is none).
[[nodiscard]] Result<consultation::ServedMaps> read_code_maps(const config::Config& config);

}  // namespace rabt::assembly
