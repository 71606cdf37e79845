#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

// Transcript of a meeting by Amazon Transcribe, as the capture pipeline writes it into the bucket:
// in files below transcription-messages/, each line a message as the attendees' clients get it,
// https://docs.aws.amazon.com/chime-sdk/latest/dg/process-msgs.html. Patient data.
namespace rabt::chime {

// Fed with one file after the other. Not thread-safe.
class Transcripts {
 public:
  // Skips lines that are no such message, and results that are not final.
  void take(std::string_view file);
  // [{key, identity, at, endAt, text, confidence?}], by time: what one person said without another
  // one in between, at most kMost of them. at, endAt: milliseconds since 1970.
  [[nodiscard]] nlohmann::json said() const;

  static constexpr std::size_t kMost = 10'000;
  // Bytes that a text may have.
  static constexpr std::size_t kLongest = 4'000;

 private:
  struct Said {
    std::string key;
    std::string identity;
    std::int64_t at = 0;
    std::int64_t end = 0;
    std::string text;
    double confidence = 0;
    int words = 0;
  };
  void take_result(const nlohmann::json& result);

  std::vector<Said> said_;
};

}  // namespace rabt::chime
