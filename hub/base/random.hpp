#pragma once

#include <cstdint>
#include <span>

namespace rabt {

// Bytes that nobody can predict. Internally synchronised. fill() never fails: without entropy the
// process stops.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
};

// getrandom(2).
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// A fixed sequence for tests. Not for keys.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::uint64_t state_;
};

}  // namespace rabt
