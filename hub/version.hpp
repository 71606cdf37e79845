#pragma once

#include "hub/base/build.hpp"

namespace rabt {

// Build of the program `rabt` alone, so that a commit links no other program anew.
extern const Build kBuild;

}  // namespace rabt
