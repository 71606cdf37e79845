#include "tests/clinic/week_plan.hpp"

#include <algorithm>
#include <random>

#include "hub/base/clock.hpp"

namespace rabt::clinic::week {

namespace {

// Saturday, 7 March 2026, 00:00 in Riyadh.
constexpr std::int64_t kWeekMs = 1'772'830'800'000;
constexpr std::int64_t kRiyadhMs = 3LL * 3'600'000;
// Visits begin from 08:00 to 15:30, each half hour.
constexpr int kFirstSlot = 8 * kHour;
constexpr int kSlots = 16;
constexpr int kSlotMinutes = 30;
// The hospital tells nothing so shortly before a visit.
constexpr int kAhead = 3 * kHour;

class Maker {
 public:
  Maker(std::uint64_t seed, int visits, int days) : random_(seed) {
    plan_.seed = seed;
    plan_.days = days;
    // A third of the places stays free for those who move.
    plan_.doctors = visits * 3 / (2 * days * kSlots) + 1;
    for (int day = 1; day <= days; ++day) {
      for (int slot = 0; slot < kSlots; ++slot) {
        for (int doctor = 0; doctor < plan_.doctors; ++doctor)
          free_.push_back({day * kDay + kFirstSlot + slot * kSlotMinutes, doctor});
      }
    }
    std::shuffle(free_.begin(), free_.end(), random_);
    for (int number = 0; number < visits; ++number) plan_.visits.push_back(visit(number));
  }
  [[nodiscard]] Plan made() && { return std::move(plan_); }

 private:
  bool one_in(int count) { return below(count) == 0; }
  int below(int count) {
    return static_cast<int>(random_() % static_cast<std::uint64_t>(std::max(count, 1)));
  }
  // A half hour by day, between both.
  int by_day(int from, int to) {
    for (int tries = 0; tries < 50; ++tries) {
      const int at = from + below((to - from) / 30 + 1) * 30;
      const int hour = at % kDay / kHour;
      if (at <= to && hour >= 8 && hour < 20) return at / 30 * 30;
    }
    return -1;
  }
  std::optional<Slot> take(int from) {
    const auto found = std::find_if(free_.begin(), free_.end(),
                                    [&](const Slot& one) { return one.minute >= from; });
    if (found == free_.end()) return std::nullopt;
    const Slot slot = *found;
    free_.erase(found);
    return slot;
  }

  void move(Visit& visit, int told_before) {
    const int at = by_day(told_before + kHour, visit.last().minute - kAhead);
    if (at < 0) return;
    if (const auto slot = take(at + kAhead)) visit.moves.emplace_back(at, *slot);
  }

  void pay(Visit& visit) {
    const int payer = below(20);
    if (payer < 4) visit.payer = Payer::himself;
    if (payer != 4) return;
    visit.payer = Payer::not_eligible;
    constexpr DeskSays kAnswers[] = {DeskSays::self_pay, DeskSays::go_on, DeskSays::refuse,
                                     DeskSays::nothing};
    visit.desk = kAnswers[below(4)];
    visit.desk_at = visit.booked_at + 2 * kHour;
    // The desk is asked nothing while nobody knows what the payer says.
    if (visit.desk_at >= visit.first.minute - kHour || kPayerAway.has(visit.booked_at))
      visit.desk = DeskSays::nothing;
  }

  Visit visit(int number) {
    Visit out;
    out.number = number;
    out.first = *take(0);
    const int earliest = std::max(kFirstMinute, out.first.minute - 3 * kDay);
    out.booked_at = std::max(by_day(earliest, out.first.minute - kAhead), kFirstMinute);
    pay(out);
    if (one_in(20)) {
      out.record = Record::none;
    } else if (one_in(12)) {
      out.record = one_in(4) ? Record::child_alone : Record::child;
    }
    const int fate = below(20);
    if (out.desk == DeskSays::refuse) return out;
    if (fate < 2) {
      move(out, out.booked_at);
      if (!out.moves.empty() && one_in(3)) move(out, out.moves.back().first);
    } else if (fate < 4 && out.payer != Payer::not_eligible) {
      out.cancelled_at =
          one_in(4) ? out.booked_at - 30 : by_day(out.booked_at + 30, out.first.minute - 2 * kHour);
      if (*out.cancelled_at < kFirstMinute) out.cancelled_at.reset();
    } else if (fate == 4) {
      out.comes = one_in(2) ? Comes::late : Comes::never;
    }
    return out;
  }

  std::mt19937_64 random_;
  Plan plan_;
  std::vector<Slot> free_;
};

}  // namespace

Plan make_plan(std::uint64_t seed, int visits, int days) {
  return Maker(seed, visits, days).made();
}

std::int64_t unix_ms(int minute) {
  return kWeekMs + minute * 60'000LL;
}

std::string local_time(int minute) {
  std::string text = to_iso8601({unix_ms(minute) + kRiyadhMs}).substr(0, 16);
  text[10] = ' ';
  return text;
}

}  // namespace rabt::clinic::week
