#pragma once

#include <string>
#include <string_view>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {

struct AwsKeys {
  std::string access_key_id;
  std::string secret;
  std::string region;
};

// Why AWS would refuse the signature of the request (SigV4, Authorization header), or "". target is
// as in the request line.
[[nodiscard]] std::string check_sigv4(const Request& request, const AwsKeys& keys,
                                      std::int64_t now_ms);

}  // namespace rabt::sandbox
