#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt::http {

// True if a body under this Content-Encoding is unpacked: gzip, x-gzip or deflate (RFC 9110
// section 8.4.1), in any case of letters. One coding alone.
[[nodiscard]] bool is_unpacked(std::string_view coding);

// The content of a body under such a coding. Errors invalid: http.coded_body (broken, cut off, or
// with bytes behind its end; deflate is zlib's format, as the section says),
// http.body_too_large (more than `most` bytes come out; no more are unpacked).
[[nodiscard]] Result<std::string> unpacked(std::string_view body, std::string_view coding,
                                           std::size_t most);

}  // namespace rabt::http
