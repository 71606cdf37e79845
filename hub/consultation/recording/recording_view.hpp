#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/recording/rows.hpp"

namespace rabt::consultation {

// A recording as callers get to see it. Texts may be empty where KeptRecording says so.
struct RecordingView {
  std::string id;
  std::int64_t number = 0;
  std::string session;
  // The provider's id, or `id` while it is not known.
  std::string sid;
  std::string status;
  std::string kind;
  std::string purpose;
  Timestamp started{};
  std::optional<Timestamp> stopped{};
  // Unset until it is stopped.
  std::optional<std::int64_t> seconds{};
  std::int64_t bytes = 0;
  std::string sha256;
  std::string content_type;
  std::optional<Timestamp> stored{};
  std::optional<Timestamp> retain_until{};
  // Unset while the provider's id is not known.
  std::optional<std::string> provider_copy{};
  std::string problem;
  // {code, message}, or null
  Json incomplete{};
  // {by, at, reason?}, or null
  Json withdrawn{};
  std::string merged_into;
};
// with_reason: the reason of a withdrawal, which may speak of the patient, is told to who
// withdraws.
[[nodiscard]] RecordingView recording_view(const KeptRecording& recording, bool with_reason);
[[nodiscard]] Json to_json(const RecordingView& view);

// A recording that is to be transcribed.
struct RecordedSpeech {
  std::string recording;
  std::string blob;
  std::string content_type;
  // Language of the session: ar, en
  std::string language;
  std::int64_t started_ms = 0;
  // Time from the start of the session to that of the recording.
  std::int64_t offset_ms = 0;
};

}  // namespace rabt::consultation
