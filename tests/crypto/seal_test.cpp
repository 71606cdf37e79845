#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <set>
#include <thread>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"
#include "hub/crypto/seal.hpp"

namespace rabt::crypto {
namespace {

const SealContext kContext{"acme", "journal", "42", "sealed"};

DataKey key_of(char fill) {
  return DataKey("k1", SecretBytes(std::string(32, fill)));
}

TEST(Seal, opens_what_it_sealed_whatever_the_size) {
  FakeRandom random;
  const DataKey key = key_of('k');
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{15}, std::size_t{16},
                                 std::size_t{17}, std::size_t{300}, std::size_t{100'000}}) {
    const std::string plain(size, 'p');
    const std::string sealed = key.seal(kContext, plain, random);
    EXPECT_EQ(sealed.size(), size + 29);
    const auto opened = key.open(kContext, sealed);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(*opened, plain);
  }
}

TEST(Seal, matches_the_worked_bytes_of_the_format_document) {
  struct Fixed final : Random {
    void fill(std::span<std::uint8_t> out) override {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(i);
    }
  } random;
  const DataKey key("k1", SecretBytes(std::string(32, '\0')));
  const std::string sealed = key.seal({"acme", "event", "1", "body"}, "hello", random);
  EXPECT_EQ(to_hex(as_bytes(sealed)),
            "01000102030405060708090a0be0ae5f3e6ff6b307a769e765d2ec8e08fd19454602");
}

TEST(Seal, never_opens_in_another_place) {
  FakeRandom random;
  const DataKey key = key_of('k');
  // Neighbouring parts that would run together without length prefixes are among them.
  const std::vector<SealContext> places = {
      {"acme", "journal", "42", "sealed"}, {"acm", "ejournal", "42", "sealed"},
      {"beta", "journal", "42", "sealed"}, {"acme", "event", "42", "sealed"},
      {"acme", "journal", "43", "sealed"}, {"acme", "journal", "42", "answer"},
      {"acme", "journal", "4", "2sealed"}, {"acme", "journal42", "", "sealed"},
      {"", "acmejournal", "42", "sealed"}};
  std::vector<std::string> sealed;
  for (const auto& place : places) sealed.push_back(key.seal(place, "same text", random));
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (std::size_t k = 0; k < places.size(); ++k) {
      EXPECT_EQ(key.open(places[k], sealed[i]).ok(), i == k) << i << " " << k;
    }
  }
}

TEST(Seal, never_opens_with_a_changed_bit_a_cut_or_an_addition) {
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

TEST(Seal, seals_the_same_text_differently_each_time) {
  SystemRandom random;
  const DataKey key = key_of('k');
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(key.seal(kContext, "same", random));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Seal, works_from_many_threads_on_one_key) {
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

TEST(SealDeath, needs_a_key_of_32_bytes) {
  EXPECT_DEATH(DataKey("k1", SecretBytes(std::string(31, 'k'))), "RABT_CHECK");
}

TEST(Seal, prints_what_sealing_costs) {
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
}  // namespace rabt::crypto
