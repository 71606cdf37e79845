#include "hub/consultation/request/ask.hpp"

namespace rabt::consultation {

std::string_view Ask::parameter(std::string_view name) const {
  for (const auto& [given, value] : query) {
    if (given == name) return value;
  }
  return {};
}

}  // namespace rabt::consultation
