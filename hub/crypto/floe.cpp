#include "hub/crypto/floe.hpp"

#include <string.h>

#include <algorithm>
#include <utility>

#include "hub/base/check.hpp"
#include "hub/crypto/primitives.hpp"

namespace rabt::crypto::floe {

namespace {

constexpr std::size_t kParameterBytes = 10;
constexpr std::size_t kIvBytes = 32;
constexpr std::size_t kHeaderTagBytes = 32;
constexpr std::size_t kMessageKeyBytes = 48;
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kSegmentPrefix = kLengthBytes + primitives::kIvBytes;
constexpr std::uint32_t kNotLast = 0xFFFFFFFF;

// I2BE: big-endian.
void put(std::span<std::uint8_t> out, std::uint64_t value) {
  for (std::size_t i = out.size(); i > 0; --i, value >>= 8U)
    out[i - 1] = static_cast<std::uint8_t>(value & 0xffU);
}

std::uint32_t length_of(ByteView segment) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : segment.first(kLengthBytes)) value = value << 8U | byte;
  return value;
}

std::array<std::uint8_t, kParameterBytes> encode(Parameters parameters) {
  std::array<std::uint8_t, kParameterBytes> out{};  // AEAD_ID 0, KDF_ID 0
  put(std::span(out).subspan(2, 4), parameters.segment_bytes);
  put(std::span(out).subspan(6, 4), kIvBytes);
  return out;
}

std::array<std::uint8_t, 9> segment_aad(std::uint64_t position, bool last) {
  std::array<std::uint8_t, 9> out{};
  put(std::span(out).first(8), position);
  out[8] = last ? 1 : 0;
  return out;
}

Error refused(std::string_view where) {
  return corrupt("crypto.open", "what is sealed does not open at " + std::string(where) +
                                    ": wrong key, wrong place, cut or changed bytes");
}
Error refused(std::uint64_t position) {
  return refused("segment " + std::to_string(position));
}

// Returns the number of segments in a body of this size; empty when no body has the size.
std::optional<std::uint64_t> segments_in(Parameters parameters, std::uint64_t body) {
  const std::uint64_t last = body % parameters.segment_bytes;
  if (body == 0 || (last != 0 && last < kSegmentOverhead)) return std::nullopt;
  return body / parameters.segment_bytes + (last == 0 ? 0 : 1);
}

}  // namespace

std::uint64_t sealed_size(Parameters parameters, std::uint64_t plain) {
  const std::uint64_t whole = parameters.plain_segment();
  const std::uint64_t segments = plain == 0 ? 1 : (plain - 1) / whole + 1;
  return kHeaderBytes + plain + segments * kSegmentOverhead;
}

// ---- Message

// FLOE_KDF(key, iv, aad, purpose, size) with the parameters and IV of the header.
SecretBytes Message::derive(ByteView key, std::string_view purpose, std::size_t size) const {
  std::string info(as_text(ByteView(header_).first(kParameterBytes + kIvBytes)));
  info.reserve(info.size() + purpose.size() + aad_.size());
  info.append(purpose).append(aad_);
  auto out = primitives::hkdf_expand_sha384(key, as_bytes(info), size);
  RABT_CHECK(out.has_value());
  return *std::move(out);
}

Message Message::begin(Parameters parameters, ByteView key, std::string_view aad, Random& random) {
  RABT_CHECK(key.size() == primitives::kKeyBytes && aad.size() <= kMaxAad);
  Message message(parameters, aad);
  const std::span<std::uint8_t> header(message.header_);
  const auto encoded = encode(parameters);
  std::copy(encoded.begin(), encoded.end(), header.begin());
  random.fill(header.subspan(kParameterBytes, kIvBytes));
  const SecretBytes tag = message.derive(key, "HEADER_TAG:", kHeaderTagBytes);
  std::copy(tag.expose().begin(), tag.expose().end(), header.end() - kHeaderTagBytes);
  message.message_key_ = message.derive(key, "MESSAGE_KEY:", kMessageKeyBytes);
  return message;
}

std::optional<Message> Message::open(Parameters parameters, ByteView key, std::string_view aad,
                                     ByteView header) {
  if (key.size() != primitives::kKeyBytes || aad.size() > kMaxAad || header.size() != kHeaderBytes)
    return std::nullopt;
  const auto encoded = encode(parameters);
  if (!std::equal(encoded.begin(), encoded.end(), header.begin())) return std::nullopt;
  Message message(parameters, aad);
  std::copy(header.begin(), header.end(), message.header_.begin());
  const SecretBytes tag = message.derive(key, "HEADER_TAG:", kHeaderTagBytes);
  if (!tag.equals(header.last(kHeaderTagBytes))) return std::nullopt;
  message.message_key_ = message.derive(key, "MESSAGE_KEY:", kMessageKeyBytes);
  return message;
}

// DERIVE_KEY; the last one is kept.
ByteView Message::segment_key(std::uint64_t position) {
  const std::uint64_t epoch = position >> parameters_.rotation_bits;
  if (epoch != epoch_) {
    std::array<std::uint8_t, 8> masked{};
    put(masked, epoch << parameters_.rotation_bits);
    segment_key_ =
        derive(message_key_.expose(), "DEK:" + std::string(as_text(masked)), primitives::kKeyBytes);
    epoch_ = epoch;
  }
  return segment_key_.expose();
}

bool Message::seal_segment(std::uint64_t position, bool last, ByteView plain, Random& random,
                           std::span<std::uint8_t> out) {
  const std::size_t whole = parameters_.plain_segment();
  if (out.size() != plain.size() + kSegmentOverhead || plain.size() > whole ||
      (!last && plain.size() != whole) || position >= kMaxSegments - (last ? 0 : 1)) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
  }
  put(out.first(kLengthBytes), last ? out.size() : kNotLast);
  const auto iv = out.subspan(kLengthBytes, primitives::kIvBytes);
  random.fill(iv);
  return primitives::aes256_gcm_seal(segment_key(position), iv, segment_aad(position, last), plain,
                                     out.subspan(kSegmentPrefix));
}

bool Message::open_segment(std::uint64_t position, bool last, ByteView sealed,
                           std::span<std::uint8_t> out) {
  const bool possible = sealed.size() >= kSegmentOverhead &&
                        sealed.size() <= parameters_.segment_bytes &&
                        out.size() == sealed.size() - kSegmentOverhead &&
                        length_of(sealed) == (last ? sealed.size() : kNotLast) &&
                        (last || sealed.size() == parameters_.segment_bytes) &&
                        position < kMaxSegments - (last ? 0 : 1);
  if (!possible) {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    return false;
  }
  return primitives::aes256_gcm_open(
      segment_key(position), sealed.subspan(kLengthBytes, primitives::kIvBytes),
      segment_aad(position, last), sealed.subspan(kSegmentPrefix), out);
}

void Buffer::wipe() {
  if (!bytes_.empty()) ::explicit_bzero(bytes_.data(), bytes_.size());
}

// ---- Writer

Writer::Writer(Parameters parameters, ByteView key, std::string_view aad, Random& random)
    : parameters_(parameters),
      message_(Message::begin(parameters, key, aad, random)),
      random_(random),
      buffer_(parameters.segment_bytes) {}

Writer::Writer(Parameters parameters, Message message, std::uint64_t segments, Random& random)
    : parameters_(parameters),
      message_(std::move(message)),
      random_(random),
      buffer_(parameters.segment_bytes),
      position_(segments),
      plain_bytes_(segments * parameters.plain_segment()),
      header_written_(true) {}

Status Writer::emit(bool last, ByteView plain, const SealedSink& sink) {
  closed_ = true;  // until the sink has it
  if (!header_written_) RABT_TRY_STATUS(sink(message_.header()));
  header_written_ = true;
  const auto sealed = buffer_.all().first(plain.size() + kSegmentOverhead);
  if (!message_.seal_segment(position_, last, plain, random_, sealed))
    return invalid("crypto.sealer", "a stream ends at 2^40 segments");
  ++position_;
  RABT_TRY_STATUS(sink(sealed));
  closed_ = last;
  return ok_status();
}

namespace {
Error sealer_closed() {
  return internal("crypto.sealer", "this stream has ended, or could not be written earlier");
}
}  // namespace

Status Writer::write(ByteView plain, const SealedSink& sink) {
  if (closed_) return sealer_closed();
  const std::size_t whole = parameters_.plain_segment();
  const auto held = buffer_.all().subspan(kSegmentPrefix, whole);
  // A whole segment leaves only when a byte after it is known: the last one is marked as such.
  while (!plain.empty()) {
    if (held_ == whole) {
      RABT_TRY_STATUS(emit(false, held, sink));
      held_ = 0;
    }
    if (held_ == 0 && plain.size() > whole) {
      RABT_TRY_STATUS(emit(false, plain.first(whole), sink));
      plain_bytes_ += whole;
      plain = plain.subspan(whole);
      continue;
    }
    const std::size_t take = std::min(plain.size(), whole - held_);
    std::copy_n(plain.begin(), take, held.subspan(held_).begin());
    held_ += take;
    plain_bytes_ += take;
    plain = plain.subspan(take);
  }
  return ok_status();
}

Status Writer::finish(const SealedSink& sink) {
  if (closed_) return sealer_closed();
  return emit(true, buffer_.all().subspan(kSegmentPrefix, held_), sink);
}

// ---- Reader

Result<Reader> Reader::open(Parameters parameters, ByteView key, std::string_view aad,
                            std::uint64_t sealed_bytes, SealedSource source) {
  if (sealed_bytes < kHeaderBytes + kSegmentOverhead) return refused("its end");
  Header scratch{};
  RABT_TRY(header, source(0, scratch));
  auto message = Message::open(parameters, key, aad, header);
  if (!message) return refused("its header");
  Reader reader(parameters, *std::move(message), std::move(source));
  const std::uint64_t body = sealed_bytes - kHeaderBytes;
  const auto segments = segments_in(parameters, body);
  if (!segments) return refused("its end");
  reader.segments_ = *segments;
  reader.sealed_bytes_ = sealed_bytes;
  reader.plain_bytes_ = body - reader.segments_ * kSegmentOverhead;
  // A message that was cut ends with a segment that was not sealed as the last.
  RABT_TRY(last, reader.segment(reader.segments_ - 1));
  static_cast<void>(last);
  return reader;
}

Result<ByteView> Reader::segment(std::uint64_t position) {
  const std::uint64_t offset = kHeaderBytes + position * parameters_.segment_bytes;
  const bool last = position + 1 == segments_;
  const std::size_t size =
      last ? static_cast<std::size_t>(sealed_bytes_ - offset) : parameters_.segment_bytes;
  const auto plain = buffer_.all().subspan(kSegmentPrefix, size - kSegmentOverhead);
  if (held_ == position) return ByteView(plain);
  held_ = UINT64_MAX;
  RABT_TRY(sealed, source_(offset, buffer_.all().first(size)));
  if (sealed.size() != size || !message_.open_segment(position, last, sealed, plain)) {
    buffer_.wipe();
    return refused(position);
  }
  held_ = position;
  return ByteView(plain);
}

Status Reader::read(std::uint64_t from, std::uint64_t length, const PlainSink& sink) {
  if (from > plain_bytes_ || length > plain_bytes_ - from)
    return invalid("crypto.range", "the range ends after the content");
  const std::uint64_t whole = parameters_.plain_segment();
  while (length > 0) {
    RABT_TRY(plain, segment(from / whole));
    const std::uint64_t skip = from % whole;
    const std::uint64_t take = std::min<std::uint64_t>(plain.size() - skip, length);
    RABT_TRY_STATUS(sink(
        as_text(plain.subspan(static_cast<std::size_t>(skip), static_cast<std::size_t>(take)))));
    from += take;
    length -= take;
  }
  return ok_status();
}

Result<Kept> keep(Parameters parameters, ByteView key, std::string_view aad,
                  std::uint64_t sealed_bytes, const SealedSource& source, const PlainSink& sink) {
  if (sealed_bytes < kHeaderBytes) return refused("its header");
  Header scratch{};
  RABT_TRY(header, source(0, scratch));
  auto message = Message::open(parameters, key, aad, header);
  if (!message) return refused("its header");
  Kept kept{*std::move(message)};
  Buffer buffer(parameters.segment_bytes);
  const auto plain = buffer.all().subspan(kSegmentPrefix, parameters.plain_segment());
  const std::uint64_t whole = (sealed_bytes - kHeaderBytes) / parameters.segment_bytes;
  for (; kept.segments < whole; ++kept.segments) {
    RABT_TRY(sealed, source(kHeaderBytes + kept.segments * parameters.segment_bytes, buffer.all()));
    if (!kept.message.open_segment(kept.segments, false, sealed, plain)) break;
    RABT_TRY_STATUS(sink(as_text(plain)));
  }
  return kept;
}

// ---- in memory

void seal(Parameters parameters, ByteView key, std::string_view aad, std::string_view plain,
          Random& random, std::string& out) {
  std::size_t at = out.size();
  out.resize(at + static_cast<std::size_t>(sealed_size(parameters, plain.size())));
  const std::span<std::uint8_t> bytes(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  Message message = Message::begin(parameters, key, aad, random);
  std::copy(message.header().begin(), message.header().end(), bytes.subspan(at).begin());
  at += kHeaderBytes;
  const std::size_t whole = parameters.plain_segment();
  std::uint64_t position = 0;
  bool last = false;
  while (!last) {
    last = plain.size() <= whole;
    const std::string_view piece = plain.substr(0, whole);
    const std::size_t size = piece.size() + kSegmentOverhead;
    RABT_CHECK(
        message.seal_segment(position, last, as_bytes(piece), random, bytes.subspan(at, size)));
    plain.remove_prefix(piece.size());
    at += size;
    ++position;
  }
}

std::optional<std::string> open(Parameters parameters, ByteView key, std::string_view aad,
                                std::string_view sealed) {
  if (sealed.size() < kHeaderBytes + kSegmentOverhead) return std::nullopt;
  ByteView rest = as_bytes(sealed);
  auto message = Message::open(parameters, key, aad, rest.first(kHeaderBytes));
  if (!message) return std::nullopt;
  rest = rest.subspan(kHeaderBytes);
  const auto segments = segments_in(parameters, rest.size());
  if (!segments) return std::nullopt;
  std::string out(rest.size() - static_cast<std::size_t>(*segments) * kSegmentOverhead, '\0');
  const std::span<std::uint8_t> plain(reinterpret_cast<std::uint8_t*>(out.data()), out.size());
  std::size_t done = 0;
  for (std::uint64_t position = 0; position < *segments; ++position) {
    const bool last = position + 1 == *segments;
    const ByteView segment = last ? rest : rest.first(parameters.segment_bytes);
    const std::size_t size = segment.size() - kSegmentOverhead;
    if (!message->open_segment(position, last, segment, plain.subspan(done, size))) {
      ::explicit_bzero(out.data(), out.size());
      return std::nullopt;
    }
    done += size;
    rest = rest.subspan(segment.size());
  }
  return out;
}

}  // namespace rabt::crypto::floe
