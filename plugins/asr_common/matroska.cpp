#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "sound.hpp"

namespace rabt::asr {

namespace {

[[noreturn]] void refuse(const char* why) {
  throw sdk::Refusal("asr.format", why);
}

// RFC 9559: ids of elements.
constexpr std::uint32_t kEbml = 0x1A45DFA3;
constexpr std::uint32_t kSegment = 0x18538067;
constexpr std::uint32_t kInfo = 0x1549A966;
constexpr std::uint32_t kTimestampScale = 0x2AD7B1;
constexpr std::uint32_t kTracks = 0x1654AE6B;
constexpr std::uint32_t kTrackEntry = 0xAE;
constexpr std::uint32_t kTrackNumber = 0xD7;
constexpr std::uint32_t kCodecId = 0x86;
constexpr std::uint32_t kCluster = 0x1F43B675;
constexpr std::uint32_t kTimestamp = 0xE7;
constexpr std::uint32_t kBlockGroup = 0xA0;
constexpr std::uint32_t kBlock = 0xA1;
constexpr std::uint32_t kSimpleBlock = 0xA3;

// Elements whose content is looked into. All that they hold follows one after the other, so where
// they end needs no watching: that some have no size does not matter.
bool is_entered(std::uint32_t id) {
  return id == kSegment || id == kInfo || id == kTracks || id == kTrackEntry || id == kCluster ||
         id == kBlockGroup;
}
bool is_read(std::uint32_t id) {
  return id == kTimestampScale || id == kTrackNumber || id == kCodecId || id == kTimestamp;
}

// Opus packets have up to 61 KiB with 48 frames; a short text or a number has less.
constexpr std::uint64_t kMostRead = 64ULL << 10U;
// Track of up to eight bytes, time, flags.
constexpr std::size_t kMostBlockHead = 11;
// RFC 6716: a packet holds at most 120 ms.
constexpr std::size_t kMostSamples = kSamplesPerSecond * 120 / 1000;
constexpr std::int64_t kLongestMs = 24LL * 3'600'000;

// Returns the number of bytes of a number that begins with this byte; 0 for a wrong byte.
std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  for (std::size_t length = 1; length <= 8; ++length) {
    if ((byte & 0x80U >> (length - 1)) != 0) return length;
  }
  return 0;
}
std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}
// Without the bit that tells the length.
std::uint64_t without_mark(std::string_view bytes) {
  return number(bytes) & ~(1ULL << (7 * bytes.size()));
}

struct Free {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

class Matroska final : public SoundReader {
 public:
  explicit Matroska(Sink sink) : sink_(std::move(sink)) {
    int error = OPUS_OK;
    decoder_.reset(opus_decoder_create(static_cast<opus_int32>(kSamplesPerSecond), 1, &error));
    if (error != OPUS_OK || decoder_ == nullptr) throw std::bad_alloc();
  }

  void take(std::string_view piece) override {
    while (!piece.empty()) {
      if (skip_ > 0) {
        const auto size = std::min<std::uint64_t>(piece.size(), skip_);
        skip_ -= size;
        piece.remove_prefix(static_cast<std::size_t>(size));
        continue;
      }
      const std::size_t size = std::min(piece.size(), wanted_ - held_.size());
      held_.append(piece.substr(0, size));
      piece.remove_prefix(size);
      if (held_.size() == wanted_) step();
    }
  }

 private:
  enum class Part : std::uint8_t { id, size, value, block_head, packet };

  void expect(Part part, std::size_t size) {
    part_ = part;
    wanted_ = size;
    held_.clear();
  }
  // Handles the element's bytes, which have all arrived.
  void step() {
    switch (part_) {
      case Part::id:
      case Part::size:
        return head();
      case Part::value: {
        const std::string value = held_;
        expect(Part::id, 1);
        return read(value);
      }
      case Part::block_head:
        return block_head();
      case Part::packet: {
        const std::string packet = held_;
        expect(Part::id, 1);
        return decode(packet);
      }
    }
  }

  void head() {
    const std::size_t length = length_of(held_.front());
    if (length == 0 || (part_ == Part::id && length > 4)) refuse("the recording is damaged");
    if (held_.size() < length) {
      wanted_ = length;
      return;
    }
    if (part_ == Part::id) {
      id_ = static_cast<std::uint32_t>(number(held_));
      return expect(Part::size, 1);
    }
    const std::uint64_t size = without_mark(held_);
    const bool unknown = size == (1ULL << (7 * length)) - 1;
    content(size, unknown);
  }

  void content(std::uint64_t size, bool unknown) {
    expect(Part::id, 1);
    if (is_entered(id_)) {
      if (id_ == kTrackEntry) {
        entry_ = 0;
        is_opus_ = false;
      }
      return;
    }
    if (unknown) refuse("the recording is damaged");
    if (id_ == kSimpleBlock || id_ == kBlock) {
      if (size < 4) refuse("the recording is damaged");
      left_ = size;
      return expect(Part::block_head, 1);
    }
    if (!is_read(id_) || size == 0) {
      skip_ = size;
      return;
    }
    if (size > kMostRead) refuse("the recording is damaged");
    expect(Part::value, static_cast<std::size_t>(size));
  }

  void read(std::string_view value) {
    if (id_ == kCodecId) {
      // RFC 9559 lets zeros stand at the end.
      while (value.ends_with('\0')) value.remove_suffix(1);
      is_opus_ = value == "A_OPUS";
      return pick();
    }
    if (value.size() > 8) refuse("the recording is damaged");
    if (id_ == kTrackNumber) {
      entry_ = number(value);
      pick();
    } else if (id_ == kTimestampScale) {
      scale_ns_ = std::clamp<std::uint64_t>(number(value), 1, 1'000'000'000);
    } else {
      cluster_ = std::min<std::uint64_t>(number(value), 1ULL << 52U);
    }
  }
  // The codec and the number of a track come in any order.
  void pick() {
    if (is_opus_ && entry_ != 0 && track_ == 0) track_ = entry_;
  }

  void block_head() {
    const std::size_t length = length_of(held_.front());
    if (length == 0 || length + 3 > left_) refuse("the recording is damaged");
    if (held_.size() < length + 3) {
      wanted_ = std::min(length + 3, kMostBlockHead);
      return;
    }
    const std::string_view head = held_;
    const std::uint64_t track = without_mark(head.substr(0, length));
    const auto offset = static_cast<std::int16_t>(number(head.substr(length, 2)));
    const bool laced = (static_cast<unsigned char>(head[length + 2]) & 0x06U) != 0;
    const std::uint64_t rest = left_ - head.size();
    at_ms_ = time_of(offset);
    expect(Part::id, 1);
    if (track != track_ || track_ == 0) {
      skip_ = rest;
      return;
    }
    if (laced || rest > kMostRead) refuse("packets of sound that are laced are not read");
    if (rest > 0) expect(Part::packet, static_cast<std::size_t>(rest));
  }
  [[nodiscard]] std::int64_t time_of(std::int16_t offset) const {
    const double ticks = static_cast<double>(cluster_) + offset;
    const double ms = ticks * static_cast<double>(scale_ns_) / 1e6;
    if (ms > static_cast<double>(kLongestMs)) refuse("the recording is longer than a day");
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(ms));
  }

  void decode(std::string_view packet) {
    std::array<opus_int16, kMostSamples> samples{};
    const int count = opus_decode(decoder_.get(),
                                  reinterpret_cast<const unsigned char*>(packet.data()),  // NOLINT
                                  static_cast<opus_int32>(packet.size()), samples.data(),
                                  static_cast<int>(samples.size()), 0);
    // A packet that is damaged is left out, as a player does.
    if (count > 0)
      sink_(at_ms_, std::span<const std::int16_t>(samples.data(), static_cast<std::size_t>(count)));
  }

  Sink sink_;
  std::unique_ptr<OpusDecoder, Free> decoder_;
  Part part_ = Part::id;
  std::string held_;
  std::size_t wanted_ = 1;
  std::uint64_t skip_ = 0;
  std::uint32_t id_ = kEbml;
  // Bytes of the block whose head is read.
  std::uint64_t left_ = 0;
  std::uint64_t scale_ns_ = 1'000'000;
  std::uint64_t cluster_ = 0;
  std::int64_t at_ms_ = 0;
  // The track that is described; 0 until its number has come.
  std::uint64_t entry_ = 0;
  bool is_opus_ = false;
  // The track that is read; 0 until there is one.
  std::uint64_t track_ = 0;
};

}  // namespace

std::unique_ptr<SoundReader> read_matroska(Sink sink) {
  return std::make_unique<Matroska>(std::move(sink));
}

}  // namespace rabt::asr
