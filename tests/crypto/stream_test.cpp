#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/seal.hpp"

namespace rabt::crypto::stream_test {
namespace {

constexpr std::size_t kHeader = 75;  // suite and FLOE header
constexpr std::size_t kSegment = kStreamSegment;
constexpr std::size_t kSealed = 1U << 20U;
const SealContext kContext{"acme", "blob", "01J", "content"};

DataKey key_of(char fill) {
  return DataKey("k1", SecretBytes(std::string(32, fill)));
}

std::string text_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 997);
  return text;
}

SealedSink into(std::string& out) {
  return [&out](ByteView sealed) {
    out.append(as_text(sealed));
    return ok_status();
  };
}

std::string seal(const std::string& plain, std::size_t piece, std::uint64_t seed = 1) {
  FakeRandom random(seed);
  const DataKey key = key_of('k');
  StreamSealer sealer(key, kContext, random);
  std::string out;
  for (std::size_t at = 0; at < plain.size(); at += piece)
    EXPECT_TRUE(sealer.write(std::string_view(plain).substr(at, piece), into(out)).ok());
  EXPECT_TRUE(sealer.finish(into(out)).ok());
  EXPECT_EQ(sealer.plain_bytes(), plain.size());
  EXPECT_EQ(sealer.sealed_bytes(), out.size());
  return out;
}

SealedSource source_of(const std::string& sealed) {
  return [&sealed](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
    if (offset > sealed.size() || out.size() > sealed.size() - offset)
      return corrupt("test.source", "read past the end");
    return as_bytes(sealed).subspan(static_cast<std::size_t>(offset), out.size());
  };
}

PlainSink into_text(std::string& out) {
  return [&out](std::string_view plain) {
    out.append(plain);
    return ok_status();
  };
}

// The plaintext, or nothing. released gets what came out before an error.
std::optional<std::string> open(const std::string& sealed, std::uint64_t plain_bytes,
                                std::string* released = nullptr) {
  const DataKey key = key_of('k');
  auto reader = StreamReader::open(key, kContext, sealed.size(), plain_bytes, source_of(sealed));
  if (!reader.ok()) return std::nullopt;
  std::string out;
  const bool ok = reader->read(0, plain_bytes, into_text(out)).ok();
  if (released != nullptr) *released = out;
  return ok ? std::optional(out) : std::nullopt;
}

TEST(Stream, OpensWhatItSealedAtEverySizeAroundASegment) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kSegment - 1, kSegment, kSegment + 1, 2 * kSegment - 1,
        2 * kSegment, 2 * kSegment + 1, 3 * kSegment + 12345}) {
    const std::string plain = text_of(size);
    const std::string sealed = seal(plain, 1 << 18);
    const std::size_t segments = size == 0 ? 1 : (size + kSegment - 1) / kSegment;
    EXPECT_EQ(sealed.size(), kHeader + size + segments * 32);
    EXPECT_EQ(sealed.size(), sealed_stream_size(size));
    EXPECT_TRUE(open(sealed, size) == plain) << size;
  }
}

TEST(Stream, SealsTheSameBytesWhateverThePieces) {
  const std::string plain = text_of(2 * kSegment + 777);
  const std::string whole = seal(plain, plain.size());
  for (const std::size_t piece : {std::size_t{1000}, kSegment - 1, kSegment, kSegment + 1})
    EXPECT_TRUE(seal(plain, piece) == whole);
}

TEST(Stream, GivesAnyRangeAndNothingBeyondTheEnd) {
  const std::string plain = text_of(2 * kSegment + 777);
  const std::string sealed = seal(plain, plain.size());
  const DataKey key = key_of('k');
  auto reader = StreamReader::open(key, kContext, sealed.size(), plain.size(), source_of(sealed));
  ASSERT_TRUE(reader.ok());
  const std::vector<std::size_t> edges = {
      0, 1, kSegment - 1, kSegment, kSegment + 1, 2 * kSegment, plain.size() - 1, plain.size()};
  for (const std::size_t from : edges) {
    for (const std::size_t to : edges) {
      if (to < from) continue;
      std::string got;
      ASSERT_TRUE(reader->read(from, to - from, into_text(got)).ok());
      EXPECT_TRUE(got == plain.substr(from, to - from)) << from << " to " << to;
    }
    std::string none;
    EXPECT_EQ(reader->read(from, plain.size() - from + 1, into_text(none)).error().code,
              "crypto.range");
    EXPECT_EQ(none, "");
  }
  std::string none;
  EXPECT_FALSE(reader->read(UINT64_MAX, 2, into_text(none)).ok());
}

TEST(Stream, IsRefusedAtOnceWhenItIsNotAsLongAsTheRowSays) {
  const std::string plain = text_of(2 * kSegment);
  const std::string sealed = seal(plain, plain.size());
  const DataKey key = key_of('k');
  for (const std::uint64_t bytes :
       {std::uint64_t{0}, std::uint64_t{plain.size() - 1}, std::uint64_t{plain.size() + 1},
        std::uint64_t{kSegment}, UINT64_MAX}) {
    EXPECT_FALSE(StreamReader::open(key, kContext, sealed.size(), bytes, source_of(sealed)).ok());
  }
  // Whole segments are missing at its end, and somebody changed the row as well.
  const std::string cut = sealed.substr(0, kHeader + kSealed);
  EXPECT_EQ(StreamReader::open(key, kContext, cut.size(), kSegment, source_of(cut)).error().code,
            "crypto.open");
}

TEST(Stream, NeverOpensWhenCutAnywhere) {
  const std::string small = seal(text_of(300), 300);
  for (std::size_t size = 0; size < small.size(); ++size) {
    ASSERT_FALSE(open(small.substr(0, size), 300).has_value()) << size;
    // Also when the row was changed to fit.
    if (size < kHeader + 32) continue;
    ASSERT_FALSE(open(small.substr(0, size), size - kHeader - 32).has_value()) << size;
  }
}

TEST(Stream, NeverOpensWhenSomethingIsAdded) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, kSegment}) {
    const std::string sealed = seal(text_of(size), kSegment);
    for (const std::string& more :
         {std::string(1, '\0'), std::string(32, '\0'), sealed.substr(kHeader), sealed}) {
      EXPECT_FALSE(open(sealed + more, size).has_value());
      EXPECT_FALSE(open(sealed + more, size + more.size()).has_value());
    }
  }
}

TEST(Stream, NeverOpensWithAFlippedBit) {
  const std::string small = seal(text_of(40), 40);
  for (std::size_t at = 0; at < small.size() * 8; ++at) {
    std::string changed = small;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << at % 8));
    ASSERT_FALSE(open(changed, 40).has_value()) << "bit " << at;
  }
}

TEST(Stream, ReleasesNothingOfASegmentThatDoesNotOpen) {
  const std::string plain = text_of(3 * kSegment);
  std::string sealed = seal(plain, plain.size());
  sealed[kHeader + kSealed + 500] ^= 1;
  std::string released;
  EXPECT_FALSE(open(sealed, plain.size(), &released).has_value());
  EXPECT_TRUE(released == plain.substr(0, kSegment));
  // The others can still be read.
  const DataKey key = key_of('k');
  auto reader = StreamReader::open(key, kContext, sealed.size(), plain.size(), source_of(sealed));
  ASSERT_TRUE(reader.ok());
  std::string got;
  EXPECT_TRUE(reader->read(2 * kSegment, kSegment, into_text(got)).ok());
  EXPECT_TRUE(got == plain.substr(2 * kSegment));
}

TEST(Stream, GoesOnAfterItBrokeOffAtAnyByte) {
  const std::string plain = text_of(3 * kSegment + 100);
  const std::string whole = seal(plain, 70'000);
  const DataKey key = key_of('k');
  FakeRandom random(2);
  for (const std::size_t kept :
       {kHeader, kHeader + 1, kHeader + kSealed - 1, kHeader + kSealed, kHeader + kSealed + 1,
        kHeader + 3 * kSealed, whole.size() - 1, whole.size()}) {
    std::string stored = whole.substr(0, kept);
    std::string seen;
    auto sealer = StreamSealer::resume(key, kContext, random, stored.size(), source_of(stored),
                                       into_text(seen));
    ASSERT_TRUE(sealer.ok());
    EXPECT_EQ(sealer->plain_bytes(), (kept - kHeader) / kSealed * kSegment);
    EXPECT_TRUE(seen == plain.substr(0, seen.size()));
    EXPECT_EQ(sealer->plain_bytes(), seen.size());
    ASSERT_LE(sealer->sealed_bytes(), stored.size());
    stored.resize(static_cast<std::size_t>(sealer->sealed_bytes()));
    ASSERT_TRUE(sealer->write(plain.substr(seen.size()), into(stored)).ok());
    ASSERT_TRUE(sealer->finish(into(stored)).ok());
    EXPECT_EQ(stored.size(), whole.size());
    EXPECT_TRUE(open(stored, plain.size()) == plain) << kept;
  }
}

TEST(Stream, ThatBrokeOffIsKeptUpToTheFirstSegmentThatDoesNotOpen) {
  const std::string plain = text_of(3 * kSegment + 100);
  std::string stored = seal(plain, plain.size()).substr(0, kHeader + 3 * kSealed);
  stored[kHeader + kSealed + 77] ^= 1;
  const DataKey key = key_of('k');
  FakeRandom random(2);
  std::string seen;
  auto sealer = StreamSealer::resume(key, kContext, random, stored.size(), source_of(stored),
                                     into_text(seen));
  ASSERT_TRUE(sealer.ok());
  EXPECT_TRUE(seen == plain.substr(0, kSegment));
  EXPECT_EQ(sealer->sealed_bytes(), kHeader + kSealed);
  // A header that does not hold is no stream of this key.
  stored[50] ^= 1;
  EXPECT_EQ(
      StreamSealer::resume(key, kContext, random, stored.size(), source_of(stored), into_text(seen))
          .error()
          .code,
      "crypto.open");
}

TEST(Stream, SealsNothingMoreAfterItsEnd) {
  FakeRandom random;
  const DataKey key = key_of('k');
  StreamSealer sealer(key, kContext, random);
  std::string out;
  ASSERT_TRUE(sealer.finish(into(out)).ok());
  EXPECT_EQ(sealer.write("x", into(out)).error().code, "crypto.sealer");
  EXPECT_EQ(sealer.finish(into(out)).error().code, "crypto.sealer");
  EXPECT_TRUE(open(out, 0) == "");
}

}  // namespace
}  // namespace rabt::crypto::stream_test
