#include "hub/consultation/sessions/recording_requests.hpp"

#include "hub/consultation/request/fields.hpp"

namespace rabt::consultation {

std::string purpose_in(Fields& members, std::string_view name) {
  return members.word(name, {"care", "training"}, "care");
}

}  // namespace rabt::consultation
