#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"

// Requests about the transcript.
namespace rabt::consultation {

// Segments of a recording of a day.
inline constexpr std::size_t kMaxSegments = 10'000;
// No time in a session is later.
inline constexpr std::int64_t kMostInSessionMs = 7LL * 24 * 3'600'000;

struct AddSegment {
  // ULID, UUID or number.
  std::string session;
  // Sound in the place of a text: the bytes of a file. Empty if a text came.
  std::string audio{};
  std::string text{};
  // Place among the segments of its speaker, by the time if it is unset.
  std::optional<std::int64_t> seq{};
  // May be empty.
  std::string language{};
  // Since the session's start.
  std::optional<std::int64_t> start_ms{};
  std::optional<std::int64_t> end_ms{};
  // asr, provider, browser
  std::string source = "browser";
  // False for one that is said again.
  bool final = true;
  // 0 to 1, with the digits it came with. May be null.
  Json confidence{};
};

// Words of a recording, as speech recognition wrote them down.
struct AddTranscript {
  std::string session;
  // ULID
  std::string recording;
  // May be empty.
  std::string language{};
  // Time of the recording's start, in milliseconds since 1970, and since the session's start.
  std::int64_t started_ms = 0;
  std::int64_t offset_ms = 0;
  struct Segment {
    // Since the recording's start; at most kMostInSessionMs.
    std::int64_t start_ms = 0;
    std::int64_t end_ms = 0;
    std::string text;
    // Voice that the recognition told from others. May be empty.
    std::string speaker{};
    Json confidence{};
  };
  // At most kMaxSegments.
  std::vector<Segment> segments;
};

}  // namespace rabt::consultation
