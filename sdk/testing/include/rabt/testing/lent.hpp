#pragma once

// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cstddef>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/mutex.hpp"
#include "rabt/plugin.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define RABT_TESTING_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RABT_TESTING_ASAN 1
#endif
#endif
#ifdef RABT_TESTING_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace rabt::sdk::testing {

// Bytes that the plugin may read for a while. Afterwards they are poison, and stay allocated for
// some time, so that a late reader sees poison and nothing worse.
class Lent {
 public:
  static constexpr char kPoison = static_cast<char>(0xDD);

  Lent() = default;
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  ~Lent() {
    take_back();
    Graveyard& past = graveyard();
    const Lock lock(past.mutex);
    for (Block& block : blocks_) past.blocks.push_back(std::move(block));
    while (past.blocks.size() > kKept) {
#ifdef RABT_TESTING_ASAN
      __asan_unpoison_memory_region(past.blocks.front()->data(), past.blocks.front()->size());
#endif
      past.blocks.pop_front();
    }
  }
  rabt_bytes operator()(std::string_view text) {
    blocks_.push_back(std::make_unique<std::vector<char>>(text.begin(), text.end()));
    return bytes({blocks_.back()->data(), text.size()});
  }
  // The time is over.
  void take_back() {
    if (std::exchange(over_, true)) return;
    for (const Block& block : blocks_) {
      std::fill(block->begin(), block->end(), kPoison);
#ifdef RABT_TESTING_ASAN
      __asan_poison_memory_region(block->data(), block->size());
#endif
    }
  }

 private:
  using Block = std::unique_ptr<std::vector<char>>;
  static constexpr std::size_t kKept = 4096;  // blocks of the past
  struct Graveyard {
    Mutex mutex;
    std::deque<Block> blocks RABT_GUARDED_BY(mutex);
  };
  static Graveyard& graveyard() {
    static auto* const kPast = new Graveyard();  // no destructor at exit
    return *kPast;
  }
  std::vector<Block> blocks_;
  bool over_ = false;
};

}  // namespace rabt::sdk::testing
