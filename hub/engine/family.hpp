#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

namespace rabt::engine {

struct FamilyMember {
  // ULID
  std::string id;
  // 16 bytes
  std::string data_key;
};
// The instance with this id, those that it started, those that they started, and so on, in the
// order of their starts. An empty list when there is no such instance.
[[nodiscard]] Result<std::vector<FamilyMember>> family_of(store::Connection& connection,
                                                          std::string_view tenant,
                                                          std::string_view id);

}  // namespace rabt::engine
