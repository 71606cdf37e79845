#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// The data keys (16 bytes each) of what "instance:<id>" or "recording:<id>" names: of an instance
// also those of the instances it has started, and of its recordings. Errors: invalid api.object,
// not_found engine.instance, not_found recording.unknown.
[[nodiscard]] Result<std::vector<std::string>> data_keys_of(store::Store& store,
                                                            std::string_view tenant,
                                                            std::string_view object);

}  // namespace rabt::consultation
