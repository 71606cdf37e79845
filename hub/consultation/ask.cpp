#include "hub/consultation/ask.hpp"

namespace rabt::consultation {

std::string_view Ask::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

}  // namespace rabt::consultation
