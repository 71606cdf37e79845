#pragma once

#include <string>

namespace rabt {

// Build of a program, for who runs it.
struct Build {
  std::string version{};
  // Commit of its sources, with +changes when they had others. It is empty if nobody knew it.
  std::string commit{};
};

}  // namespace rabt
