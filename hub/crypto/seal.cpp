#include "hub/crypto/seal.hpp"

#include <utility>

#include "hub/base/check.hpp"
#include "hub/crypto/floe.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto {

namespace {

// The first byte of everything that is sealed.
constexpr char kValueSuite = 0x01;
constexpr char kStreamSuite = 0x02;
constexpr std::size_t kSuiteBytes = 1;

constexpr std::string_view kLabel = "rabt/v1";

std::string aad_of(const SealContext& context, std::string_view key_id) {
  return primitives::tuple({kLabel, context.tenant, context.table, context.row, context.field,
                            std::to_string(context.version), key_id});
}

Error refused(std::string_view what) {
  // One message for every cause: which check failed is of use only to somebody who tries.
  return corrupt("crypto.open", "a sealed " + std::string(what) +
                                    " does not open: wrong key, wrong place or changed bytes");
}

// The suite byte stands before what FLOE sees.
SealedSource behind_suite(SealedSource source) {
  return [source = std::move(source)](std::uint64_t offset,
                                      std::span<std::uint8_t> scratch) -> Result<ByteView> {
    return source(offset + kSuiteBytes, scratch);
  };
}

Status check_suite(std::uint64_t sealed_bytes, const SealedSource& source) {
  if (sealed_bytes < kSuiteBytes) return refused("stream");
  std::uint8_t scratch[kSuiteBytes];
  RABT_TRY(suite, source(0, scratch));
  if (suite[0] != kStreamSuite) return refused("stream");
  return ok_status();
}

}  // namespace

std::string primitives::tuple(std::initializer_list<std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += 4 + part.size();
  std::string out;
  out.reserve(size);
  for (const std::string_view part : parts) {
    RABT_CHECK(part.size() <= kMaxMessageBytes);
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(part.size() >> shift & 0xffU));
    out.append(part);
  }
  return out;
}

// ---- values

DataKey::DataKey(std::string id, SecretBytes key) : id_(std::move(id)), key_(std::move(key)) {
  RABT_CHECK(!id_.empty());
  RABT_CHECK(key_.size() == primitives::kKeyBytes);
}
DataKey::~DataKey() = default;
DataKey::DataKey(DataKey&&) noexcept = default;
DataKey& DataKey::operator=(DataKey&&) noexcept = default;

std::string DataKey::seal(const SealContext& context, std::string_view plain,
                          Random& random) const {
  std::string out;
  out.reserve(kSuiteBytes + static_cast<std::size_t>(floe::sealed_size(floe::k4K, plain.size())));
  out.push_back(kValueSuite);
  floe::seal(floe::k4K, key_.expose(), aad_of(context, id_), plain, random, out);
  return out;
}

Result<std::string> DataKey::open(const SealContext& context, std::string_view sealed) const {
  if (sealed.empty() || sealed[0] != kValueSuite) return refused("value");
  auto out = floe::open(floe::k4K, key_.expose(), aad_of(context, id_), sealed.substr(kSuiteBytes));
  if (!out) return refused("value");
  return *std::move(out);
}

// ---- streams

static_assert(kStreamSegment == floe::k1M.plain_segment());

std::uint64_t sealed_stream_size(std::uint64_t plain_bytes) {
  return kSuiteBytes + floe::sealed_size(floe::k1M, plain_bytes);
}

struct StreamSealer::State {
  floe::Writer writer;
  std::uint64_t sealed_bytes = 0;

  // Counts, and puts the suite before the first byte.
  SealedSink counting(const SealedSink& sink) {
    return [this, &sink](ByteView sealed) -> Status {
      if (sealed_bytes == 0) {
        const std::uint8_t suite[kSuiteBytes] = {static_cast<std::uint8_t>(kStreamSuite)};
        RABT_TRY_STATUS(sink(suite));
        sealed_bytes = kSuiteBytes;
      }
      RABT_TRY_STATUS(sink(sealed));
      sealed_bytes += sealed.size();
      return ok_status();
    };
  }
};

StreamSealer::StreamSealer(const DataKey& key, const SealContext& context, Random& random)
    : state_(new State{
          floe::Writer(floe::k1M, key.material().expose(), aad_of(context, key.id()), random)}) {}
StreamSealer::StreamSealer(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;

Result<StreamSealer> StreamSealer::resume(const DataKey& key, const SealContext& context,
                                          Random& random, std::uint64_t sealed_bytes,
                                          const SealedSource& source, const PlainSink& sink) {
  RABT_TRY_STATUS(check_suite(sealed_bytes, source));
  RABT_TRY(kept, floe::keep(floe::k1M, key.material().expose(), aad_of(context, key.id()),
                            sealed_bytes - kSuiteBytes, behind_suite(source), sink));
  const std::uint64_t segments = kept.segments;
  return StreamSealer(std::unique_ptr<State>(
      new State{floe::Writer(floe::k1M, std::move(kept.message), segments, random),
                kSuiteBytes + floe::kHeaderBytes + segments * floe::k1M.segment_bytes}));
}

Status StreamSealer::write(std::string_view plain, const SealedSink& sink) {
  return state_->writer.write(as_bytes(plain), state_->counting(sink));
}
Status StreamSealer::finish(const SealedSink& sink) {
  return state_->writer.finish(state_->counting(sink));
}
std::uint64_t StreamSealer::plain_bytes() const {
  return state_->writer.plain_bytes();
}
std::uint64_t StreamSealer::sealed_bytes() const {
  return state_->sealed_bytes;
}

struct StreamReader::State {
  floe::Reader reader;
};

StreamReader::StreamReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamReader::~StreamReader() = default;
StreamReader::StreamReader(StreamReader&&) noexcept = default;

Result<StreamReader> StreamReader::open(const DataKey& key, const SealContext& context,
                                        std::uint64_t sealed_bytes, std::uint64_t plain_bytes,
                                        SealedSource source) {
  if (sealed_bytes != sealed_stream_size(plain_bytes)) return refused("stream");
  RABT_TRY_STATUS(check_suite(sealed_bytes, source));
  RABT_TRY(reader, floe::Reader::open(floe::k1M, key.material().expose(), aad_of(context, key.id()),
                                      sealed_bytes - kSuiteBytes, behind_suite(std::move(source))));
  if (reader.plain_bytes() != plain_bytes) return refused("stream");
  return StreamReader(std::unique_ptr<State>(new State{std::move(reader)}));
}

Status StreamReader::read(std::uint64_t from, std::uint64_t length, const PlainSink& sink) {
  return state_->reader.read(from, length, sink);
}

}  // namespace rabt::crypto
