#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/http/server.hpp"

namespace rabt::http {

// The head of an answer, with its empty line. Fields that belong to the connection are the
// server's alone: a handler's are left out.
[[nodiscard]] std::string write_head(const Response& response, std::uint64_t length,
                                     std::string_view request_id, bool keep_alive, Timestamp now);

}  // namespace rabt::http
