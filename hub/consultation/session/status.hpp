#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

// Status of a video session, from request to end. One state machine serves every API that a
// request comes through.
//
//   requested -> scheduled -> waiting -> active -> completed
//   requested, scheduled, waiting -> cancelled; scheduled, waiting -> no_show;
//   waiting, active -> failed
namespace rabt::consultation {

enum class SessionStatus : std::uint8_t {
  requested,
  scheduled,
  waiting,
  active,
  completed,
  cancelled,
  no_show,
  failed
};
[[nodiscard]] std::string_view to_string(SessionStatus status);
[[nodiscard]] std::optional<SessionStatus> parse_session_status(std::string_view text);
[[nodiscard]] bool is_end(SessionStatus status);

}  // namespace rabt::consultation
