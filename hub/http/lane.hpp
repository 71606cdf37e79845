#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rabt::http {

// Work that is bounded in number, each kind by itself: no kind waits for another.
enum class Lane : std::uint8_t {
  handshake,
  // Requests that are judged by their heads, with the refusals that follow, and /health.
  head,
  // Callers who sign in.
  sign_in,
  // Strangers who come by the code of an invitation: whoever tries passwords keeps no patient out.
  link,
  handler,
  // Requests that wait for issuers, or for those who sign deliveries.
  outside,
  // Requests that wait for the video provider.
  room,
  // Requests that may use a processor for long, such as documents that are unpacked.
  heavy,
  stream,
  message
};
inline constexpr std::size_t kLanes = 10;

// Share of a lane that some work counts for. Work beyond the share waits for the caller's own work,
// and holds no thread.
struct Share {
  // Empty if the work counts for no caller.
  std::string whose{};
  // Most of it that runs at once; 0 sets no limit.
  int most = 0;
};

}  // namespace rabt::http
