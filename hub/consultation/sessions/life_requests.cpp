#include "hub/consultation/sessions/life_requests.hpp"

#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMaxReason = 500;

}  // namespace

std::string short_reason_in(Fields& members, std::string_view name) {
  return members.text(name, kMaxReason);
}

}  // namespace rabt::consultation
