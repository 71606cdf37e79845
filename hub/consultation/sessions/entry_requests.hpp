#pragma once

#include <string>

#include "hub/base/json.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

// Where a participant stands, and the token that he connects with.
struct AdmissionView {
  // The participant, as answers have him.
  Json participant;
  Admission admission = Admission::waiting;
  std::string access_token;
  // "media", or "waiting" for the live channel alone.
  std::string token_use;
};
// {participant, admission, accessToken, tokenUse}
[[nodiscard]] Json to_json(const AdmissionView& view);

}  // namespace rabt::consultation
