#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

// Every instance lies in a partition, which one engine owns at a time. The partition is the upper
// part of the instance's number, so that the rows of a partition are a range in every table.
namespace rabt::engine {

inline constexpr int kPartitions = 64;
inline constexpr int kPartitionShift = 53;
// The only partition of an embedded database. Its owner runs the schedules too.
inline constexpr int kFirstPartition = 0;

[[nodiscard]] constexpr int partition_of(std::int64_t instance) {
  return static_cast<int>(instance >> kPartitionShift);
}
// The instances of a partition: begin <= number < end.
struct PartitionRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};
[[nodiscard]] constexpr PartitionRange range_of(int partition) {
  const std::int64_t begin = static_cast<std::int64_t>(partition) << kPartitionShift;
  return {begin, begin + (std::int64_t{1} << kPartitionShift)};
}

// The partitions that this engine owns. Internally synchronised.
class OwnedPartitions {
 public:
  void add(int partition) { mask_ |= std::uint64_t{1} << partition; }
  void remove(int partition) { mask_ &= ~(std::uint64_t{1} << partition); }
  [[nodiscard]] bool has(int partition) const {
    return (mask_.load(std::memory_order_relaxed) >> partition & 1U) != 0;
  }
  [[nodiscard]] bool has_instance(std::int64_t instance) const {
    return has(partition_of(instance));
  }
  // One of them, where new instances go; -1 when there is none.
  [[nodiscard]] int any() const {
    const std::uint64_t mask = mask_.load();
    return mask == 0 ? -1 : std::countr_zero(mask);
  }

 private:
  std::atomic<std::uint64_t> mask_{0};
};
static_assert(kPartitions <= 64);

}  // namespace rabt::engine
