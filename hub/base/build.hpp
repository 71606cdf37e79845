#pragma once

#include <string>

namespace rabt {

// Which build a program is, for who runs it.
struct Build {
  std::string version{};
  // Of its sources, with +changes when they had others. Empty: unknown.
  std::string commit{};
};

}  // namespace rabt
