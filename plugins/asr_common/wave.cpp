#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "sound.hpp"

namespace rabt::asr {

namespace {

[[noreturn]] void refuse_wave(const char* why) {
  throw sdk::Refusal("asr.format", why);
}

std::uint32_t little(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Chunks, one after the other: an id of four letters, a size, and as many bytes.
class Wave final : public SoundReader {
 public:
  explicit Wave(Sink sink) : sink_(std::move(sink)) {}

  void take(std::string_view piece) override {
    while (!piece.empty()) {
      if (in_data_) {
        const std::size_t size = std::min<std::size_t>(piece.size(), left_);
        left_ -= size;
        sound(piece.substr(0, size));
        piece.remove_prefix(size);
        if (left_ == 0) in_data_ = false;
      } else if (skip_ > 0) {
        const std::size_t size = std::min<std::size_t>(piece.size(), skip_);
        skip_ -= size;
        piece.remove_prefix(size);
      } else {
        head_.push_back(piece.front());
        piece.remove_prefix(1);
        if (head_.size() == wanted_) header();
      }
    }
  }

 private:
  static constexpr std::size_t kRiff = 12;
  static constexpr std::size_t kChunk = 8;
  static constexpr std::size_t kFormat = 16;

  void header() {
    const std::string head = std::exchange(head_, {});
    if (wanted_ == kRiff) {
      if (!head.starts_with("RIFF") || head.substr(8) != "WAVE")
        refuse_wave("this is no WAVE file");
      wanted_ = kChunk;
      return;
    }
    if (wanted_ == kFormat) {
      format(head);
      wanted_ = kChunk;
      return;
    }
    const std::string_view name = std::string_view(head).substr(0, 4);
    const std::uint32_t size = little(head, 4, 4);
    if (name == "fmt ") {
      if (size < kFormat) refuse_wave("the WAVE file says nothing about its sound");
      wanted_ = kFormat;
      // A chunk of odd size has one more byte.
      skip_after_ = size - kFormat + size % 2;
    } else if (name == "data") {
      if (channels_ == 0) refuse_wave("the WAVE file says nothing about its sound");
      in_data_ = size > 0;
      left_ = size;
      skip_ = size % 2;
    } else {
      skip_ = std::size_t{size} + size % 2;
    }
  }

  void format(std::string_view head) {
    channels_ = little(head, 2, 2);
    const std::uint32_t rate = little(head, 4, 4);
    if (little(head, 0, 2) != 1 || little(head, 14, 2) != 16 || channels_ < 1 || channels_ > 2 ||
        rate % kSamplesPerSecond != 0 || rate == 0 || rate > 48'000)
      refuse_wave("a WAVE file must be of 16 bit, one or two channels, and 16, 32 or 48 kHz");
    per_sample_ = channels_ * (rate / static_cast<std::uint32_t>(kSamplesPerSecond));
    skip_ = std::exchange(skip_after_, 0);
  }

  // As many values as stand for one sample of the engine become their mean.
  void sound(std::string_view bytes) {
    std::vector<std::int16_t> samples;
    samples.reserve(bytes.size() / 2 / per_sample_ + 1);
    for (const char byte : bytes) {
      if (!low_) {
        low_ = static_cast<unsigned char>(byte);
        continue;
      }
      const auto value = static_cast<std::int16_t>(
          static_cast<unsigned>(static_cast<unsigned char>(byte)) << 8U | *low_);
      low_.reset();
      sum_ += value;
      if (++summed_ < per_sample_) continue;
      samples.push_back(static_cast<std::int16_t>(sum_ / static_cast<std::int32_t>(per_sample_)));
      sum_ = 0;
      summed_ = 0;
    }
    if (samples.empty()) return;
    sink_(given_ * 1000 / kSamplesPerSecond, samples);
    given_ += static_cast<std::int64_t>(samples.size());
  }

  Sink sink_;
  std::string head_;
  std::size_t wanted_ = kRiff;
  std::size_t skip_ = 0;
  std::size_t skip_after_ = 0;
  std::size_t left_ = 0;
  bool in_data_ = false;
  std::uint32_t channels_ = 0;
  std::uint32_t per_sample_ = 1;
  std::optional<unsigned char> low_;
  std::int32_t sum_ = 0;
  std::uint32_t summed_ = 0;
  std::int64_t given_ = 0;
};

}  // namespace

std::unique_ptr<SoundReader> read_wave(Sink sink) {
  return std::make_unique<Wave>(std::move(sink));
}

std::unique_ptr<SoundReader> reader_for(std::string_view begin, Sink sink) {
  constexpr std::string_view kEbml = "\x1a\x45\xdf\xa3";
  if (begin.starts_with("RIFF")) return read_wave(std::move(sink));
  if (begin.starts_with(kEbml)) return read_matroska(std::move(sink));
  refuse_wave("the recording is neither Matroska, WebM nor WAVE");
}

}  // namespace rabt::asr
