#include "hub/engine/waiters.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "hub/engine/partition.hpp"
#include "hub/engine/pauses.hpp"

namespace rabt::engine {

Waiters::Outage Waiters::away(Side side, std::string role, std::string reference, Timestamp now) {
  const Lock lock(mutex_);
  any_ = true;
  forget_idle(now);
  State& state = sides_[side];
  state.there = false;
  state.heard = now;
  for (auto& [key, waiter] : state.waiting) waiter.alarm.reset();
  // Alarms of other actions of the role keep their places; those that were called off take none.
  std::int64_t last = now.ms;
  for (const auto& [other, one] : sides_) {
    if (other.role != side.role) continue;
    for (const auto& [key, waiter] : one.waiting) {
      if (waiter.alarm) last = std::max(last, waiter.alarm->ms);
    }
  }
  Timestamp& next = next_[side.role];
  next.ms = std::min(next.ms, last + kGoOnMs);
  return {.side = std::move(side),
          .role = std::move(role),
          .reference = std::move(reference),
          .returns = state.returns};
}

std::vector<Timers::Entry> Waiters::add(const Outage& outage, Waiter waiter, Timestamp now) {
  const Lock lock(mutex_);
  State& state = sides_[outage.side];
  waiter.reference = outage.reference;
  if (state.woken.contains({waiter.num, waiter.reference})) return {};
  const auto key = std::pair(waiter.num, waiter.timer);
  state.waiting.insert_or_assign(key, std::move(waiter));
  if (state.returns == outage.returns || !state.there) return {};
  return wake(outage.side, state, now);
}

std::vector<Timers::Entry> Waiters::back(const Side& side, std::int64_t num,
                                         const std::string& reference, Timestamp now) {
  const Lock lock(mutex_);
  const auto found = sides_.find(side);
  if (found == sides_.end()) return {};
  State& state = found->second;
  ++state.returns;
  state.there = true;
  state.heard = now;
  state.woken.erase({num, reference});
  return wake(side, state, now);
}

std::vector<Timers::Entry> Waiters::wake(const Side& side, State& state, Timestamp now) {
  std::vector<Waiter*> in_order;
  for (auto& [key, waiter] : state.waiting) {
    if (!waiter.alarm) in_order.push_back(&waiter);
  }
  if (in_order.empty()) return {};
  const auto rank = [](const Waiter& one) {
    return std::tuple(one.deadline ? one.deadline->ms : std::numeric_limits<std::int64_t>::max(),
                      one.due.ms, one.num, one.timer);
  };
  std::sort(in_order.begin(), in_order.end(),
            [&](const Waiter* one, const Waiter* other) { return rank(*one) < rank(*other); });
  std::vector<Timers::Entry> out;
  Timestamp& next = next_[side.role];
  for (Waiter* const waiter : in_order) {
    const std::int64_t slot = std::max(now.ms, next.ms);
    const Timestamp at{slot == now.ms ? slot : slot + go_on_jitter_ms(waiter->num, waiter->timer)};
    // Its own timer comes first.
    if (at >= waiter->due) continue;
    waiter->alarm = at;
    next.ms = slot + kGoOnMs;
    out.push_back({at, waiter->num, waiter->timer, Timers::Kind::woken});
  }
  return out;
}

bool Waiters::rang(const Timers::Entry& alarm) {
  const Lock lock(mutex_);
  for (auto& [side, state] : sides_) {
    const auto found = state.waiting.find({alarm.instance, alarm.id});
    if (found == state.waiting.end()) continue;
    if (found->second.alarm != alarm.due) return false;
    state.woken.emplace(alarm.instance, std::move(found->second.reference));
    state.waiting.erase(found);
    return true;
  }
  return false;
}

void Waiters::over(std::int64_t num, std::uint64_t timer) {
  if (!any_) return;
  const Lock lock(mutex_);
  for (auto& [side, state] : sides_) state.waiting.erase({num, timer});
}

void Waiters::forget(std::int64_t num) {
  if (!any_) return;
  const Lock lock(mutex_);
  forget_between(num, num + 1);
}

void Waiters::give(int partition) {
  const Lock lock(mutex_);
  const PartitionRange range = range_of(partition);
  forget_between(range.begin, range.end);
}

void Waiters::forget_idle(Timestamp now) {
  std::erase_if(sides_, [&](const auto& entry) {
    const State& state = entry.second;
    return state.waiting.empty() && state.woken.empty() && now.ms - state.heard.ms > kKeptMs;
  });
  // A place that has passed holds no alarm back.
  std::erase_if(next_, [&](const auto& entry) { return entry.second <= now; });
}

std::size_t Waiters::sides() const {
  const Lock lock(mutex_);
  return sides_.size();
}

void Waiters::forget_between(std::int64_t begin, std::int64_t end) {
  for (auto& [side, state] : sides_) {
    state.waiting.erase(state.waiting.lower_bound({begin, 0}), state.waiting.lower_bound({end, 0}));
    state.woken.erase(state.woken.lower_bound({begin, std::string()}),
                      state.woken.lower_bound({end, std::string()}));
  }
}

}  // namespace rabt::engine
