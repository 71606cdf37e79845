#include "hub/api/requests/ask.hpp"

namespace rabt::api {

std::string_view Ask::parameter(std::string_view name) const {
  for (const auto& [given, value] : query) {
    if (given == name) return value;
  }
  return {};
}

}  // namespace rabt::api
