#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace rabt::plugin {

// An amount with an upper bound: what one plugin may make the hub keep. Internally synchronised.
class Budget {
 public:
  explicit Budget(std::size_t most) : most_(most) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Part of a budget, given back when it dies. The budget outlives it. One thread at a time.
  class Share {
   public:
    explicit Share(Budget& budget) : budget_(budget) {}
    ~Share() { budget_.taken_.fetch_sub(amount_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // Returns false and takes nothing if `amount` exceeds what is left.
    [[nodiscard]] bool grow(std::size_t amount) {
      std::size_t taken = budget_.taken_.load();
      do {
        if (amount > budget_.most_ - taken) return false;
      } while (!budget_.taken_.compare_exchange_weak(taken, taken + amount));
      amount_ += amount;
      return true;
    }

   private:
    Budget& budget_;
    std::size_t amount_ = 0;
  };
  // Returns null if `amount` exceeds what is left.
  [[nodiscard]] std::shared_ptr<Share> take(std::size_t amount) {
    auto share = std::make_shared<Share>(*this);
    return share->grow(amount) ? share : nullptr;
  }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace rabt::plugin
