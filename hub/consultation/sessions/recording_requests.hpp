#pragma once

#include <string>
#include <string_view>

// Requests about the recordings of sessions.
namespace rabt::consultation {

class Fields;

struct BeginRecording {
  // ULID, UUID or number, here and below.
  std::string session;
  // care, training
  std::string purpose = "care";
};
// The purpose, under the name that the body has for it.
[[nodiscard]] std::string purpose_in(Fields& members, std::string_view name);

struct ListRecordings {
  // Empty for all that the caller may see.
  std::string session;
  // A status of KeptRecording. Empty for every one.
  std::string status{};
};

struct ReadRecording {
  // As that of a session, here and below.
  std::string recording;
};

struct WithdrawRecording {
  std::string recording;
  // Never empty.
  std::string reason;
};

struct TranscribeRecording {
  std::string session;
  std::string recording;
};

}  // namespace rabt::consultation
