#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/seal.hpp"

// Internal to hub/crypto and its tests: FLOE (c2sp.org/FLOE), a random-access authenticated
// encryption of large messages, over AES-256-GCM and HKDF-Expand-SHA-384. What the hub seals with
// it stands in seal.hpp.
namespace rabt::crypto::floe {

inline constexpr std::size_t kHeaderBytes = 74;      // parameters 10, IV 32, header tag 32
inline constexpr std::size_t kSegmentOverhead = 32;  // length 4, IV 12, tag 16
inline constexpr std::uint64_t kMaxSegments = 1ULL << 40U;
inline constexpr std::size_t kMaxAad = 4096;  // a tuple of names; a larger one is a mistake

struct Parameters {
  std::uint32_t segment_bytes;  // ENC_SEG_LEN: of a whole sealed segment
  // AEAD_ROTATION_MASK: 2^bits segments share one key. Other than 20 only in test vectors.
  std::uint32_t rotation_bits = 20;

  [[nodiscard]] constexpr std::size_t plain_segment() const {
    return segment_bytes - kSegmentOverhead;
  }
};
inline constexpr Parameters k4K{4096};      // GCM256_IV256_4K
inline constexpr Parameters k1M{1U << 20};  // GCM256_IV256_1M

using Header = std::array<std::uint8_t, kHeaderBytes>;

// Size of the sealed message, header included. The last segment is empty only if the whole message
// is empty.
[[nodiscard]] std::uint64_t sealed_size(Parameters parameters, std::uint64_t plain);

// The random-access functions of the specification ("semi-public": Writer, Reader, seal and open
// below keep the rules that these do not). Not thread-safe.
class Message {
 public:
  // startEncryption. key: 32 bytes; aad: at most kMaxAad.
  [[nodiscard]] static Message begin(Parameters parameters, ByteView key, std::string_view aad,
                                     Random& random);
  // startDecryption. nullopt if the parameters differ or the header's tag does not hold.
  [[nodiscard]] static std::optional<Message> open(Parameters parameters, ByteView key,
                                                   std::string_view aad, ByteView header);

  [[nodiscard]] const Header& header() const { return header_; }
  // encryptSegment. out has kSegmentOverhead more bytes than plain; plain may lie in it at offset
  // 16. Returns false, with zeros in out, if sizes or position are not those of the specification.
  [[nodiscard]] bool seal_segment(std::uint64_t position, bool last, ByteView plain, Random& random,
                                  std::span<std::uint8_t> out);
  // decryptSegment. out has kSegmentOverhead fewer bytes than sealed and may lie in it at offset
  // 16. Returns false, with zeros in out, if `sealed` is not this segment.
  [[nodiscard]] bool open_segment(std::uint64_t position, bool last, ByteView sealed,
                                  std::span<std::uint8_t> out);

 private:
  Message(Parameters parameters, std::string_view aad) : parameters_(parameters), aad_(aad) {}
  [[nodiscard]] SecretBytes derive(ByteView key, std::string_view purpose, std::size_t size) const;
  [[nodiscard]] ByteView segment_key(std::uint64_t position);

  Parameters parameters_;
  std::string aad_;
  Header header_{};
  SecretBytes message_key_;
  std::uint64_t epoch_ = UINT64_MAX;  // of segment_key_
  SecretBytes segment_key_;
};

// A buffer for one segment that is overwritten when it dies: it holds plaintext.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : bytes_(size) {}
  Buffer(Buffer&&) noexcept = default;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer() { wipe(); }
  [[nodiscard]] std::span<std::uint8_t> all() { return bytes_; }
  void wipe();

 private:
  Bytes bytes_;
};

// Seals one message in order; a sink gets the header, then whole segments. Each number is sealed
// once: after an error of the sink the writer refuses every further call (kind internal, code
// crypto.sealer). Not thread-safe; random outlives it.
class Writer {
 public:
  Writer(Parameters parameters, ByteView key, std::string_view aad, Random& random);
  // Goes on with a message whose first `segments` whole segments are kept, each opened and found
  // good, and whose later ones, if any were made, are thrown away.
  Writer(Parameters parameters, Message message, std::uint64_t segments, Random& random);

  // The header leaves before the first segment. A piece that is larger than a segment is sealed
  // from where it lies.
  [[nodiscard]] Status write(ByteView plain, const SealedSink& sink);
  [[nodiscard]] Status finish(const SealedSink& sink);
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }

 private:
  [[nodiscard]] Status emit(bool last, ByteView plain, const SealedSink& sink);

  Parameters parameters_;
  Message message_;
  Random& random_;
  // Plaintext from offset 16.
  Buffer buffer_;
  // Bytes in buffer_. Kept back because only finish() knows whether this segment is the last.
  std::size_t held_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t plain_bytes_ = 0;
  bool header_written_ = false;
  bool closed_ = false;
};

// Opens a message in any order. A source's offset 0 is the header. Not thread-safe.
class Reader {
 public:
  // Proves key, aad and end: the header holds, the size is possible, the last segment opens as the
  // last. Error crypto.open, or the source's.
  [[nodiscard]] static Result<Reader> open(Parameters parameters, ByteView key,
                                           std::string_view aad, std::uint64_t sealed_bytes,
                                           SealedSource source);
  [[nodiscard]] std::uint64_t plain_bytes() const { return plain_bytes_; }
  // Gives length bytes from `from`, at most a segment at a time, each after its tag held. Error
  // crypto.range: outside of the message; crypto.open; or the sink's or source's. What the sink got
  // before an error was sealed at that place.
  [[nodiscard]] Status read(std::uint64_t from, std::uint64_t length, const PlainSink& sink);

 private:
  Reader(Parameters parameters, Message message, SealedSource source)
      : parameters_(parameters),
        message_(std::move(message)),
        source_(std::move(source)),
        buffer_(parameters.segment_bytes) {}
  // Opens the segment into buffer_ and returns its plaintext.
  [[nodiscard]] Result<ByteView> segment(std::uint64_t position);

  Parameters parameters_;
  Message message_;
  SealedSource source_;
  Buffer buffer_;
  std::uint64_t held_ = UINT64_MAX;  // number of the segment in buffer_
  std::uint64_t segments_ = 0;
  std::uint64_t sealed_bytes_ = 0;
  std::uint64_t plain_bytes_ = 0;
};

// Good part of a stream that broke off.
struct Kept {
  Message message;
  std::uint64_t segments = 0;
};
// Opens the whole segments of a stream that broke off, from the first, gives each to sink, and
// stops before the first that does not open. Error crypto.open: the header does not hold.
[[nodiscard]] Result<Kept> keep(Parameters parameters, ByteView key, std::string_view aad,
                                std::uint64_t sealed_bytes, const SealedSource& source,
                                const PlainSink& sink);

// A message in memory. Appends header and segments to out.
void seal(Parameters parameters, ByteView key, std::string_view aad, std::string_view plain,
          Random& random, std::string& out);
// Nothing when it does not open: then no part of the plaintext is returned.
[[nodiscard]] std::optional<std::string> open(Parameters parameters, ByteView key,
                                              std::string_view aad, std::string_view sealed);

}  // namespace rabt::crypto::floe
