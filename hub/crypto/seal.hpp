#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"

// Sealing of values and streams under a data key: one byte that names the suite, then FLOE
// (c2sp.org/FLOE). The format: docs/formats/sealed.md.
namespace rabt::crypto {

// The place of a sealed value. The value is bound to its place and to the id of its key: their
// canonical, length-prefixed tuple is the AAD. A value that was moved to another tenant, table,
// row, field, version or key does not open. The texts have at most 4 KiB in all: with longer ones
// sealing stops the process, and nothing opens.
struct SealContext {
  std::string_view tenant;
  std::string_view table;
  std::string_view row;
  std::string_view field;
  // The version of the record's schema.
  std::uint32_t version = 1;
};

// A data key: AES-256, opened from the keyring. Immutable, safe from any thread; wiped when it
// dies.
class DataKey {
 public:
  // id: what rows name the key by, not empty; key: 32 bytes.
  DataKey(std::string id, SecretBytes key);
  ~DataKey();
  DataKey(DataKey&&) noexcept;
  DataKey& operator=(DataKey&&) noexcept;
  // A value, whole in memory: suite 0x01, FLOE GCM256_IV256_4K. 107 bytes longer than the
  // plaintext, and 32 more for each further 4,064 bytes.
  [[nodiscard]] std::string seal(const SealContext& context, std::string_view plain,
                                 Random& random) const;
  // Error kind corrupt, code crypto.open: wrong key, wrong context or changed bytes; nothing of the
  // plaintext is returned.
  [[nodiscard]] Result<std::string> open(const SealContext& context, std::string_view sealed) const;
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const SecretBytes& material() const { return key_; }

 private:
  std::string id_;
  SecretBytes key_;
};

// Bytes of plaintext in one segment of a stream.
inline constexpr std::size_t kStreamSegment = (1U << 20U) - 32;
// The size that a stream of `plain_bytes` bytes has after sealing.
[[nodiscard]] std::uint64_t sealed_stream_size(std::uint64_t plain_bytes);

// Receiver of sealed bytes, in order; the view lives for the call.
using SealedSink = std::function<Status(ByteView sealed)>;
// Receiver of opened bytes, in order; the view lives for the call.
using PlainSink = std::function<Status(std::string_view plain)>;
// Gives the sealed bytes that begin at offset, exactly scratch.size() of them: either in scratch or
// in memory of its own that lives until the next call.
using SealedSource =
    std::function<Result<ByteView>(std::uint64_t offset, std::span<std::uint8_t> scratch)>;

// Seals a stream segment by segment while it arrives: suite 0x02, FLOE GCM256_IV256_1M. It holds
// one segment and keeps no digest of the plaintext: what the segments hold is proven by their tags.
// Not thread-safe; key and context are needed only by the constructor, random outlives the sealer.
class StreamSealer {
 public:
  StreamSealer(const DataKey& key, const SealContext& context, Random& random);
  ~StreamSealer();
  StreamSealer(StreamSealer&&) noexcept;

  // Goes on with a stream that broke off after `sealed_bytes` stored bytes. Opens the stored bytes
  // from the start and gives the plaintext to `sink`; whole segments are kept up to the first that
  // does not open. The caller cuts the stored bytes to sealed_bytes() before it writes what comes
  // next, so that each segment number is stored only once. Error crypto.open if not even the header
  // holds.
  [[nodiscard]] static Result<StreamSealer> resume(const DataKey& key, const SealContext& context,
                                                   Random& random, std::uint64_t sealed_bytes,
                                                   const SealedSource& source,
                                                   const PlainSink& sink);

  // Large pieces are sealed from where they lie. After an error of the sink every further call is
  // refused (crypto.sealer): a segment number is sealed once.
  [[nodiscard]] Status write(std::string_view plain, const SealedSink& sink);
  [[nodiscard]] Status finish(const SealedSink& sink);
  [[nodiscard]] std::uint64_t plain_bytes() const;   // taken so far
  [[nodiscard]] std::uint64_t sealed_bytes() const;  // given to sinks so far

 private:
  struct State;
  explicit StreamSealer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Opens a sealed stream anywhere. No plaintext of a segment is released before its tag holds. Not
// thread-safe.
class StreamReader {
 public:
  // Proves key, place and end before anything is served: the header's tag holds, there are exactly
  // as many sealed bytes as plain_bytes (which the caller knows from elsewhere) make, and the last
  // segment opens as the last. Error crypto.open, or the source's.
  [[nodiscard]] static Result<StreamReader> open(const DataKey& key, const SealContext& context,
                                                 std::uint64_t sealed_bytes,
                                                 std::uint64_t plain_bytes, SealedSource source);
  ~StreamReader();
  StreamReader(StreamReader&&) noexcept;

  // Gives length bytes from `from`, at most a segment at a time. Errors: crypto.range (beyond the
  // end), crypto.open, or the sink's or source's. What the sink got before an error stood at that
  // place in the stream.
  [[nodiscard]] Status read(std::uint64_t from, std::uint64_t length, const PlainSink& sink);

 private:
  struct State;
  explicit StreamReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rabt::crypto
