#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/http/server.hpp"

namespace rabt::http {

// Parts that the connection adds to an answer.
struct AnswerFrame {
  std::string_view request_id;
  bool keep_alive = false;
  // The answer goes through TLS.
  bool secure = false;
  Timestamp now;
};

// The head of an answer, with its empty line. Fields that belong to the connection are the
// server's alone: a handler's are left out. What keeps browsers from harm (ASVS 5.0 V3.4) is added
// here, so that no handler forgets it; a handler that answers with a page sets its own
// Content-Security-Policy.
// Without a length the body ends with the connection.
[[nodiscard]] std::string write_head(const Response& response, std::optional<std::uint64_t> length,
                                     const AnswerFrame& frame);

}  // namespace rabt::http
