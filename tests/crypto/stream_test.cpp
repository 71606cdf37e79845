#include <gtest/gtest.h>

#include <functional>

#include "hub/base/limits.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/seal.hpp"

namespace rabt::crypto {
namespace {

constexpr std::size_t kHeader = 72;
constexpr std::size_t kSegment = limits::kSealSegment;
constexpr std::size_t kSealed = kSegment + 16;
const SealContext kContext{"acme", "blob", "01J", "content"};

DataKey key_of(char fill) {
  return DataKey("k1", SecretBytes(std::string(32, fill)));
}

std::string text_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 997);
  return text;
}

std::string seal(const std::string& plain, std::size_t piece, const SealContext& context = kContext,
                 std::uint64_t seed = 1) {
  FakeRandom random(seed);
  const DataKey key = key_of('k');
  StreamSealer sealer(key, context, random);
  std::string out;
  for (std::size_t at = 0; at < plain.size(); at += piece)
    sealer.write(std::string_view(plain).substr(at, piece), out);
  sealer.finish(out);
  EXPECT_EQ(sealer.plain_bytes(), plain.size());
  EXPECT_EQ(sealer.plain_sha256(), sha256(plain));
  return out;
}

// The plaintext, or nothing when any call refused. released gets what came out before that.
std::optional<std::string> open(std::string_view sealed, std::size_t piece,
                                const SealContext& context = kContext, char key_fill = 'k',
                                std::string* released = nullptr) {
  const DataKey key = key_of(key_fill);
  StreamOpener opener(key, context);
  std::string out;
  bool ok = true;
  for (std::size_t at = 0; at < sealed.size() && ok; at += piece)
    ok = opener.write(sealed.substr(at, piece), out).ok();
  ok = ok && opener.finish(out).ok();
  if (released != nullptr) *released = out;
  return ok ? std::optional(out) : std::nullopt;
}

TEST(Stream, opens_what_it_sealed_at_every_size_around_a_segment) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kSegment - 1, kSegment, kSegment + 1, 2 * kSegment - 1,
        2 * kSegment, 2 * kSegment + 1, 3 * kSegment + 12345}) {
    const std::string plain = text_of(size);
    const std::string sealed = seal(plain, 1 << 18);
    const std::size_t segments = size == 0 ? 1 : (size + kSegment - 1) / kSegment;
    EXPECT_EQ(sealed.size(), kHeader + size + segments * 16);
    EXPECT_TRUE(open(sealed, sealed.size()) == plain) << size;
    EXPECT_TRUE(open(sealed, 99'991) == plain) << size;
  }
}

TEST(Stream, seals_the_same_bytes_whatever_the_pieces) {
  const std::string plain = text_of(2 * kSegment + 777);
  const std::string whole = seal(plain, plain.size());
  for (const std::size_t piece : {std::size_t{1000}, kSegment - 1, kSegment, kSegment + 1})
    EXPECT_TRUE(seal(plain, piece) == whole);
}

TEST(Stream, opens_byte_by_byte) {
  const std::string plain = text_of(500);
  EXPECT_TRUE(open(seal(plain, 7), 1) == plain);
}

TEST(Stream, matches_the_worked_bytes_of_the_format_document) {
  struct Fixed final : Random {
    void fill(std::span<std::uint8_t> out) override {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    }
  } random;
  const DataKey key("k1", SecretBytes(std::string(32, '\0')));
  StreamSealer sealer(key, {"acme", "blob", "1", "content"}, random);
  std::string out;
  sealer.write("hello", out);
  sealer.finish(out);
  EXPECT_EQ(to_hex(as_bytes(out)),
            "5241425453545201000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
            "17d93c5a74afdcdaf353b36367c3c833e837718f2870f9d323502e087399b5b5"
            "d13efea4318a152e6c33576297e5633d1374f2fa07");
}

TEST(Stream, never_opens_when_cut_anywhere) {
  const std::string small = seal(text_of(300), 300);
  for (std::size_t size = 0; size < small.size(); ++size)
    ASSERT_FALSE(open(small.substr(0, size), 64).has_value()) << size;
  const std::string large = seal(text_of(3 * kSegment), kSegment);
  for (const std::size_t edge : {kHeader, kHeader + kSealed, kHeader + 2 * kSealed, large.size()}) {
    for (const std::size_t size :
         {edge - 17, edge - 16, edge - 1, edge, edge + 1, edge + 15, edge + 16, edge + 17}) {
      if (size >= large.size()) continue;
      EXPECT_FALSE(open(large.substr(0, size), kSegment).has_value()) << size;
    }
  }
}

TEST(Stream, never_opens_when_something_is_added) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, kSegment}) {
    const std::string sealed = seal(text_of(size), kSegment);
    EXPECT_FALSE(open(sealed + '\0', kSegment).has_value());
    EXPECT_FALSE(open(sealed + std::string(16, '\0'), kSegment).has_value());
    EXPECT_FALSE(open(sealed + sealed.substr(kHeader), kSegment).has_value());
    EXPECT_FALSE(open(sealed + sealed, kSegment).has_value());
  }
}

TEST(Stream, never_opens_with_a_flipped_bit) {
  const std::string small = seal(text_of(40), 40);
  for (std::size_t at = 0; at < small.size() * 8; ++at) {
    std::string changed = small;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << at % 8));
    ASSERT_FALSE(open(changed, 1000).has_value()) << "bit " << at;
  }
  std::string large = seal(text_of(2 * kSegment + 5), kSegment);
  for (const std::size_t at : {kHeader, kHeader + kSealed - 1, kHeader + kSealed,
                               kHeader + 2 * kSealed - 1, large.size() - 1}) {
    large[at] = static_cast<char>(large[at] ^ 1);
    EXPECT_FALSE(open(large, kSegment).has_value()) << at;
    large[at] = static_cast<char>(large[at] ^ 1);
  }
  EXPECT_TRUE(open(large, kSegment).has_value());
}

TEST(Stream, never_opens_with_segments_swapped_doubled_or_missing) {
  const std::string sealed = seal(text_of(4 * kSegment), kSegment);
  const std::string header = sealed.substr(0, kHeader);
  const auto segment = [&sealed](std::size_t i) {
    return sealed.substr(kHeader + i * kSealed, kSealed);
  };
  const auto build = [&](std::initializer_list<std::size_t> order) {
    std::string out = header;
    for (const std::size_t i : order) out += segment(i);
    return out;
  };
  EXPECT_TRUE(open(build({0, 1, 2, 3}), kSegment).has_value());
  for (const auto& order :
       std::initializer_list<std::initializer_list<std::size_t>>{{1, 0, 2, 3},
                                                                 {0, 2, 1, 3},
                                                                 {0, 1, 3, 2},
                                                                 {3, 1, 2, 0},
                                                                 {0, 0, 1, 2, 3},
                                                                 {0, 1, 2, 3, 3},
                                                                 {0, 1, 2, 2, 3},
                                                                 {1, 2, 3},
                                                                 {0, 2, 3},
                                                                 {0, 1, 3},
                                                                 {0, 1, 2},
                                                                 {0, 1},
                                                                 {0},
                                                                 {3},
                                                                 {}}) {
    EXPECT_FALSE(open(build(order), kSegment).has_value());
  }
}

TEST(Stream, never_opens_with_parts_of_another_stream) {
  const std::string plain = text_of(2 * kSegment);
  const std::string one = seal(plain, kSegment, kContext, 1);
  const std::string other = seal(plain, kSegment, kContext, 2);
  EXPECT_FALSE(open(one.substr(0, kHeader + kSealed) + other.substr(kHeader + kSealed), kSegment)
                   .has_value());
  EXPECT_FALSE(open(one.substr(0, kHeader) + other.substr(kHeader), kSegment).has_value());
}

TEST(Stream, never_opens_in_another_place_or_with_another_key) {
  const std::string sealed = seal("a recording", 100);
  EXPECT_FALSE(open(sealed, 100, {"beta", "blob", "01J", "content"}).has_value());
  EXPECT_FALSE(open(sealed, 100, {"acme", "blob", "01K", "content"}).has_value());
  EXPECT_FALSE(open(sealed, 100, {"acme", "blob2", "01J", "content"}).has_value());
  EXPECT_FALSE(open(sealed, 100, {"acme", "blob", "01J", "conten"}).has_value());
  EXPECT_FALSE(open(sealed, 100, kContext, 'l').has_value());
  // A sealed value is no stream, nor the other way round.
  FakeRandom random;
  EXPECT_FALSE(open(key_of('k').seal(kContext, text_of(200), random), 100).has_value());
  EXPECT_FALSE(key_of('k').open(kContext, sealed).ok());
}

TEST(Stream, releases_nothing_of_a_segment_that_does_not_hold) {
  const std::string plain = text_of(2 * kSegment + 5);
  std::string sealed = seal(plain, kSegment);
  sealed[kHeader + kSealed + 1000] = static_cast<char>(sealed[kHeader + kSealed + 1000] ^ 1);
  std::string released;
  EXPECT_FALSE(open(sealed, 1 << 16, kContext, 'k', &released).has_value());
  EXPECT_TRUE(released == plain.substr(0, kSegment));
}

TEST(Stream, stays_refused_after_a_failure) {
  const std::string good = seal("text", 4);
  const DataKey key = key_of('k');
  StreamOpener opener(key, kContext);
  std::string out;
  EXPECT_FALSE(opener.write(std::string(kHeader, 'x'), out).ok());
  EXPECT_FALSE(opener.write(good, out).ok());
  const auto finished = opener.finish(out);
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code, "crypto.open");
  EXPECT_TRUE(out.empty());
}

TEST(StreamDeath, takes_nothing_after_finish) {
  FakeRandom random;
  const DataKey key = key_of('k');
  StreamSealer sealer(key, kContext, random);
  std::string out;
  sealer.finish(out);
  EXPECT_DEATH(sealer.write("late", out), "RABT_CHECK");
}

}  // namespace
}  // namespace rabt::crypto
