#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

// The sound of a recording that comes piece by piece: nothing of it is kept but what is needed
// until the next piece.
namespace rabt::asr {

// Rate of the engine's input, which has one channel.
inline constexpr std::int64_t kSamplesPerSecond = 16'000;

// A stretch of sound. at_ms: from the beginning of the recording.
using Sink = std::function<void(std::int64_t at_ms, std::span<const std::int16_t> samples)>;

// Throws sdk::Refusal asr.format when the content cannot be read.
class SoundReader {
 public:
  virtual ~SoundReader() = default;
  // The next bytes, cut anywhere.
  virtual void take(std::string_view piece) = 0;
};

// RIFF WAVE of 16 bit, 16, 32 or 48 kHz.
[[nodiscard]] std::unique_ptr<SoundReader> read_wave(Sink sink);
// Matroska and WebM with Opus: the first sound track; pictures are passed over.
[[nodiscard]] std::unique_ptr<SoundReader> read_matroska(Sink sink);
// By the first bytes of the content, at least four unless there are no more.
[[nodiscard]] std::unique_ptr<SoundReader> reader_for(std::string_view begin, Sink sink);

}  // namespace rabt::asr
