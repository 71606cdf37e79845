#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::consultation {

// Words of one participant that the video provider heard. Times in milliseconds since 1970.
struct Said {
  // Tells it from all else that was said in the recording.
  std::string key;
  // ULIDs. The person may be empty.
  std::string participant;
  std::string person{};
  // Role in the session.
  std::string role;
  std::int64_t at_ms = 0;
  std::int64_t end_ms = 0;
  std::string text;
  // 0 to 1, with the digits it came with. May be null.
  Json confidence{};
};

// Words that the provider wrote down while it recorded, for the transcript.
struct AddSaid {
  // ULIDs
  std::string session;
  std::string recording;
  std::vector<Said> said;
};

}  // namespace rabt::consultation
