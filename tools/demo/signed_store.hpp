#pragma once

#include <string>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt::demo {

// A store in which nothing is special but the key: made here, and forgotten with this call. Copies
// each built folder below `work`, signs it as a vendor does, trusts the key for these ids alone and
// adds the packages as an operator does. For the demonstration and for tests of the whole hub.
Status make_signed_store(const std::vector<std::string>& built, const std::string& work,
                         const std::string& store);

}  // namespace rabt::demo
