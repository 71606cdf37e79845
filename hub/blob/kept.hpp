#pragma once

#include <functional>
#include <string>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

namespace rabt::blob {

// Names the blobs that a record of the hub owns: each has a file of its name in the blob folder.
Status each_kept(store::Connection& connection, const std::function<void(std::string id)>& each);

}  // namespace rabt::blob
