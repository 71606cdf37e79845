#pragma once

#include <string>
#include <string_view>

#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {

// X-Twilio-Signature of a form-encoded callback: base64(HMAC-SHA1(auth token, URL followed by name
// and value of every parameter, sorted by name)).
[[nodiscard]] std::string twilio_signature(std::string_view auth_token, std::string_view url,
                                           Pairs parameters);

struct TwilioKeys {
  std::string account_sid;
  std::string api_key_sid;
  std::string api_key_secret;
};

// Checks a Video access token as the media servers do.
// {"valid","identity","room","code","message"}; code is 0 or 20101..20107, room is "" when the
// grant does not name one.
[[nodiscard]] Json check_access_token(std::string_view token, const TwilioKeys& keys,
                                      std::int64_t now_ms);

}  // namespace rabt::sandbox
