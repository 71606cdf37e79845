#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"
#include "hub/crypto/seal.hpp"

namespace rabt::crypto::seal_test {
namespace {

const SealContext kContext{"acme", "journal", "42", "sealed"};

DataKey key_of(char fill) {
  return DataKey("k1", SecretBytes(std::string(32, fill)));
}

TEST(Seal, OpensWhatItSealedWhateverTheSize) {
  FakeRandom random;
  const DataKey key = key_of('k');
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{17},
        std::size_t{300}, std::size_t{4063}, std::size_t{4064}, std::size_t{4065},
        std::size_t{8128}, std::size_t{100'000}}) {
    const std::string plain(size, 'p');
    const std::string sealed = key.seal(kContext, plain, random);
    const std::size_t segments = size == 0 ? 1 : (size - 1) / 4064 + 1;
    EXPECT_EQ(sealed.size(), 75 + size + 32 * segments);
    const auto opened = key.open(kContext, sealed);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, plain);
  }
}

// The lines of a fence ```worked <what> of docs/formats/sealed.md: hex by name, lines of one name
// joined.
std::map<std::string, std::string> worked(const std::string& what) {
  const char* root = std::getenv("RABT_SOURCE_DIR");
  std::ifstream page(std::string(root == nullptr ? "." : root) + "/docs/formats/sealed.md");
  std::map<std::string, std::string> out;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```worked " + what;
      continue;
    }
    if (!inside) continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    for (std::string hex; words >> hex;) out[name] += hex;
  }
  return out;
}

// 00 01 02 ...
struct Counting final : Random {
  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
  }
};

// Checks the statements of the page about the keys, with the page's own values.
void check_keys(std::map<std::string, std::string>& page, const SealContext& place) {
  const std::string aad =
      primitives::tuple({"rabt/v1", place.tenant, place.table, place.row, place.field, "1", "k1"});
  EXPECT_EQ(page["aad"], to_hex(as_bytes(aad)));
  const auto sealed = from_hex(page["sealed"]);
  ASSERT_TRUE(sealed.has_value());
  ASSERT_EQ(sealed->size(), 75U + 5 + 32);
  const std::string bound(as_text(ByteView(*sealed).subspan(1, 42)));
  const Bytes key(32, 0);
  const auto tag = primitives::hkdf_expand_sha384(key, as_bytes(bound + "HEADER_TAG:" + aad), 32);
  EXPECT_TRUE(tag->equals(ByteView(*sealed).subspan(43, 32)));
  const auto message =
      primitives::hkdf_expand_sha384(key, as_bytes(bound + "MESSAGE_KEY:" + aad), 48);
  EXPECT_EQ(page["message-key"], to_hex(message->expose()));
  const auto segment = primitives::hkdf_expand_sha384(
      message->expose(), as_bytes(bound + "DEK:" + std::string(8, '\0') + aad), 32);
  EXPECT_EQ(page["segment-key"], to_hex(segment->expose()));
}

TEST(Seal, MatchesTheWorkedBytesOfTheFormatDocument) {
  Counting random;
  const DataKey key("k1", SecretBytes(std::string(32, '\0')));
  const SealContext place{"acme", "event", "1", "body"};
  auto page = worked("value");
  EXPECT_EQ(page["sealed"], to_hex(as_bytes(key.seal(place, "hello", random))));
  check_keys(page, place);
}

TEST(Seal, AStreamMatchesTheWorkedBytesOfTheFormatDocument) {
  Counting random;
  const DataKey key("k1", SecretBytes(std::string(32, '\0')));
  const SealContext place{"acme", "blob", "1", "content"};
  StreamSealer sealer(key, place, random);
  std::string out;
  const auto sink = [&out](ByteView sealed) {
    out.append(as_text(sealed));
    return ok_status();
  };
  ASSERT_TRUE(sealer.write("hello", sink).ok());
  ASSERT_TRUE(sealer.finish(sink).ok());
  auto page = worked("stream");
  EXPECT_EQ(page["sealed"], to_hex(as_bytes(out)));
  check_keys(page, place);
}

// One place to be sealed at, and under which key.
struct Place {
  std::string tenant, table, row, field;
  std::uint32_t version = 1;
  std::size_t key = 0;
  [[nodiscard]] SealContext context() const { return {tenant, table, row, field, version}; }
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Many places out of few parts, so that most differ in one of them only; neighbouring parts that
// would run together without length prefixes are among them.
std::vector<Place> places(std::size_t count) {
  const std::vector<std::string> parts = {"acme",
                                          "acm",
                                          "e",
                                          "",
                                          "1",
                                          "11",
                                          "body",
                                          "bod",
                                          "y",
                                          "blob",
                                          "event",
                                          "k1",
                                          std::string("a\0b", 3),
                                          "\xd8\xb1\xd8\xa8\xd8\xb7"};
  FakeRandom random(7);
  const auto pick = [&random](std::size_t below) {
    std::uint8_t byte[1];
    random.fill(byte);
    return byte[0] % below;
  };
  std::set<Place> out;
  out.insert({"acme", "event", "1", "body", 1, 0});
  while (out.size() < count) {
    Place place = *std::next(out.begin(), static_cast<std::ptrdiff_t>(pick(out.size())));
    switch (pick(6)) {
      case 0:
        place.tenant = parts[pick(parts.size())];
        break;
      case 1:
        place.table = parts[pick(parts.size())];
        break;
      case 2:
        place.row = parts[pick(parts.size())];
        break;
      case 3:
        place.field = parts[pick(parts.size())];
        break;
      case 4:
        place.version = static_cast<std::uint32_t>(pick(12));
        break;
      default:
        place.key = pick(4);
    }
    out.insert(place);
  }
  return {out.begin(), out.end()};
}

// Two keys of two ids each: the same bytes under another id are another key.
std::vector<DataKey> keys() {
  std::vector<DataKey> out;
  out.emplace_back("k1", SecretBytes(std::string(32, 'k')));
  out.emplace_back("k2", SecretBytes(std::string(32, 'k')));
  out.emplace_back("k1", SecretBytes(std::string(32, 'l')));
  out.emplace_back("k2", SecretBytes(std::string(32, 'l')));
  return out;
}

TEST(Seal, OpensInNoPlaceButItsOwnAndUnderNoKeyButItsOwn) {
  FakeRandom random;
  const auto all = places(120);
  const auto under = keys();
  std::vector<std::string> sealed;
  for (const Place& place : all)
    sealed.push_back(under[place.key].seal(place.context(), "same text", random));
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      EXPECT_EQ(under[all[k].key].open(all[k].context(), sealed[i]).ok(), i == k) << i << " " << k;
    }
  }
  std::printf("%zu pairs of places swapped, all refused\n", all.size() * (all.size() - 1) / 2);
}

TEST(Seal, AStreamOpensInNoPlaceButItsOwnAndUnderNoKeyButItsOwn) {
  FakeRandom random;
  const auto all = places(60);
  const auto under = keys();
  std::vector<std::string> sealed;
  for (const Place& place : all) {
    StreamSealer sealer(under[place.key], place.context(), random);
    std::string out;
    const auto sink = [&out](ByteView bytes) {
      out.append(as_text(bytes));
      return ok_status();
    };
    ASSERT_TRUE(sealer.write("same text", sink).ok());
    ASSERT_TRUE(sealer.finish(sink).ok());
    sealed.push_back(std::move(out));
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t k = 0; k < all.size(); ++k) {
      const auto source = [&](std::uint64_t offset,
                              std::span<std::uint8_t> out) -> Result<ByteView> {
        return as_bytes(sealed[i]).subspan(static_cast<std::size_t>(offset), out.size());
      };
      const auto reader =
          StreamReader::open(under[all[k].key], all[k].context(), sealed[i].size(), 9, source);
      EXPECT_EQ(reader.ok(), i == k) << i << " " << k;
    }
  }
}

TEST(Seal, AValueIsNoStreamAndAStreamIsNoValue) {
  FakeRandom random;
  const DataKey key = key_of('k');
  std::string value = key.seal(kContext, "x", random);
  ASSERT_EQ(value[0], 1);
  value[0] = 2;
  EXPECT_FALSE(key.open(kContext, value).ok());
  EXPECT_FALSE(StreamReader::open(
                   key, kContext, value.size(), 1,
                   [&value](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
                     return as_bytes(value).subspan(static_cast<std::size_t>(offset), out.size());
                   })
                   .ok());
}

TEST(Seal, NeverOpensWithAChangedBitACutOrAnAddition) {
  FakeRandom random;
  const DataKey key = key_of('k');
  const std::string sealed = key.seal(kContext, "a diagnosis", random);
  for (std::size_t at = 0; at < sealed.size() * 8; ++at) {
    std::string changed = sealed;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << at % 8));
    const auto opened = key.open(kContext, changed);
    ASSERT_FALSE(opened.ok()) << "bit " << at;
    EXPECT_EQ(opened.error().code, "crypto.open");
    EXPECT_EQ(opened.error().kind, ErrorKind::corrupt);
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_FALSE(key.open(kContext, sealed.substr(0, size)).ok());
  EXPECT_FALSE(key.open(kContext, sealed + '\0').ok());
  EXPECT_FALSE(key_of('l').open(kContext, sealed).ok());
  EXPECT_TRUE(
      key.open(kContext, sealed).ok());  // a failure leaves nothing behind in the thread's context
}

TEST(Seal, SealsTheSameTextDifferentlyEachTime) {
  SystemRandom random;
  const DataKey key = key_of('k');
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(key.seal(kContext, "same", random));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Seal, WorksFromManyThreadsOnOneKey) {
  const DataKey key = key_of('k');
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&key, &good, t] {
      SystemRandom random;
      for (int i = 0; i < 500; ++i) {
        const std::string plain = std::to_string(t * 1000 + i);
        const auto opened = key.open(kContext, key.seal(kContext, plain, random));
        if (opened.ok() && *opened == plain) ++good;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good.load(), 2000);
}

TEST(SealDeath, NeedsAKeyOf32Bytes) {
  EXPECT_DEATH(DataKey("k1", SecretBytes(std::string(31, 'k'))), "RABT_CHECK");
}

TEST(Seal, PrintsWhatSealingCosts) {
  SystemRandom random;
  const DataKey key = key_of('k');
  const std::string plain(300, 'p');
  const std::string sealed = key.seal(kContext, plain, random);
  constexpr int kRuns = 20'000;
  const auto time = [](const char* what, const auto& run) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRuns; ++i) run();
    const auto spent =
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    std::printf("%s: %.2f us\n", what, spent / kRuns);
  };
  FakeRandom fake;
  time("seal 300 bytes", [&] { (void)key.seal(kContext, plain, random); });
  time("seal 300 bytes without getrandom", [&] { (void)key.seal(kContext, plain, fake); });
  time("open 300 bytes", [&] { EXPECT_TRUE(key.open(kContext, sealed).ok()); });
  time("sha256 of 300 bytes", [&] { (void)sha256(plain); });
  time("hmac-sha256 of 300 bytes", [&] { (void)hmac_sha256(as_bytes("key"), plain); });
}

}  // namespace
}  // namespace rabt::crypto::seal_test
