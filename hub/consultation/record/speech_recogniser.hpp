#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/record/record_office.hpp"

namespace rabt::consultation {

// Asks whoever is bound to the role `asr` for the words of a short piece of sound. Internally
// synchronised.
class SpeechRecogniser {
 public:
  explicit SpeechRecogniser(RecordOffice& office) : office_(office) {}

  // Error unavailable asr.not_configured: no plugin of the role serves asr.transcribe.
  [[nodiscard]] Status is_bound() const;

  struct Heard {
    // At most kMostWords bytes; not empty.
    std::string text;
    // Language that the engine listened for.
    std::string language;
    // 0 to 1: that of the least certain part. Null where the engine gives none.
    Json confidence{};
  };
  // sound: a whole file (WAVE, WebM or Matroska with Opus). language: en, ar-SA. Blocks for
  // kPatienceMs at most. The sound is kept sealed while the plugin reads it, and no longer; the
  // audit log has the disclosure before the first byte goes. Errors: those of is_bound; unavailable
  // asr.busy (kMostAtOnce pieces are being heard), asr.unavailable, blob.*; invalid asr.format,
  // asr.language, asr.silent (no words), asr.too_long.
  [[nodiscard]] Result<Heard> hear(const Caller& caller, const Membership& of,
                                   std::string_view sound, const std::string& language);

  static constexpr std::int64_t kPatienceMs = 60'000;
  // Each holds the thread of its request.
  static constexpr int kMostAtOnce = 2;
  static constexpr std::size_t kMostWords = 16'000;

 private:
  [[nodiscard]] Status note_disclosure(const Caller& caller, const Membership& of) const;
  [[nodiscard]] Result<Json> ask(const Membership& of, const std::string& blob,
                                 const std::string& language);

  RecordOffice& office_;
  std::atomic<int> under_way_{0};
};

}  // namespace rabt::consultation
