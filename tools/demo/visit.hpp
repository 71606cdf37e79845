#pragma once

#include <functional>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "tools/demo/people.hpp"
#include "tools/demo/video.hpp"

namespace rabt::demo {

// A visit as people have it, over the API: the patient waits, the doctor admits, they talk, a
// nurse takes vital signs, a note and a prescription are written, a follow-up is planned, the
// recording is kept.
struct Visit {
  People& people;
  Video& video;
  // Tells the reader what happened.
  std::function<void(const std::string& what)> say;
  // Receives the id of the session. May be null.
  std::string* session = nullptr;
};

// Plays it. The error says which step did not come out as it must.
[[nodiscard]] Status play(const Visit& visit);

}  // namespace rabt::demo
