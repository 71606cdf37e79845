#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/engine/router.hpp"

// Takes up what the store knows and memory does not: all of a partition when it is taken, and every
// kSweepInterval what was lost on the way.
namespace rabt::engine {

inline constexpr std::int64_t kSweepMs = 30'000;
// Work that is due for less time than this is on its way, and is left alone.
inline constexpr std::int64_t kSweepGraceMs = 2'000;

// Internally synchronised.
class Recovery {
 public:
  Recovery(Context& context, OwnedPartitions& partitions, Router& router, Timers& timers)
      : context_(context), partitions_(partitions), router_(router), timers_(timers) {}

  // Removes one chunk of the events whose retention is over. True when there may be more.
  [[nodiscard]] Result<bool> expire_events();
  // Removes one chunk of the deliveries that are older than EngineOptions::delivery_period and than
  // every event that is kept. True when there may be more.
  [[nodiscard]] Result<bool> expire_deliveries();
  // Owns the partition from now on: arms its timers, settles the calls of its instances, and offers
  // them the events that they wait for. When this returns every accepted event is on its way.
  Status take(int partition);
  // Gives the partition away. When this returns nothing of it is written any more; its calls in
  // flight are settled by whoever takes it. Not on a worker.
  void give(int partition);
  // Compares the store with memory, for each partition.
  void sweep();

 private:
  // Content of the store for a partition.
  struct Found {
    std::vector<std::int64_t> busy;
    std::vector<Timers::Entry> timers;
    std::vector<EventMatch> matches;
    std::vector<std::int64_t> parents;
    std::vector<std::int64_t> unwanted_children;
    std::int64_t last_event = 0;
  };
  // Timers that are due by then, events after that one.
  [[nodiscard]] Result<Found> find(int partition, Timestamp due_by, std::int64_t after_event);
  Status sweep(int partition);
  void send(Found& found);

  Context& context_;
  OwnedPartitions& partitions_;
  Router& router_;
  Timers& timers_;

  Mutex mutex_;
  // Newest event that each of the last two sweeps of a partition saw. An event that was numbered
  // before a sweep may be committed after it.
  struct Seen {
    std::int64_t newest = 0;
    std::int64_t before = 0;
  };
  std::map<int, Seen> seen_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::engine
