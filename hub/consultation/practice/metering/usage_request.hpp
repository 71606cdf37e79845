#pragma once

#include <optional>

namespace rabt::consultation {

// A month in the time zone of the metering; the present year and month where they are unset.
struct GetUsage {
  // 2000 to 2999
  std::optional<int> year{};
  // 1 to 12
  std::optional<int> month{};
};

}  // namespace rabt::consultation
