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
// Emergencies of a day.
constexpr int kEmergencies = 6;
// A merge keeps away so far from all that is said of its visit.
constexpr int kApart = kHour;

class Maker {
 public:
  Maker(std::uint64_t seed, int visits, int days) : random_(seed) {
    plan_.seed = seed;
    plan_.days = days;
    // A third of the places stays free for those who move.
    plan_.doctors = visits * 3 / (2 * days * kSlots) + 1;
    plan_.ill_day = std::min(days, 4);
    for (int day = 1; day <= days; ++day) {
      for (int slot = 0; slot < kSlots; ++slot) {
        for (int doctor = 0; doctor < plan_.doctors; ++doctor)
          free_.push_back({day * kDay + kFirstSlot + slot * kSlotMinutes, doctor});
      }
    }
    std::shuffle(free_.begin(), free_.end(), random_);
    for (int number = 0; number < visits; ++number) plan_.visits.push_back(visit(number));
    plan_.staff = plan_.doctors + 2;
    for (int n = 0; n < std::min(1 + visits / 20, days * kSlots); ++n) walk_in();
    for (int n = 0; n < std::min(2 + visits / 100, days * kEmergencies); ++n) emergency(n);
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
  // A time of the ill doctor on the day on which he is ill.
  [[nodiscard]] bool is_void(const Slot& slot) const {
    return slot.doctor == kIll && slot.minute / kDay == plan_.ill_day;
  }
  // The hospital knows of the illness as the desk does, and says nothing of these times any more.
  [[nodiscard]] int latest_word(const Slot& slot) const {
    const int ahead = slot.minute - kAhead;
    return is_void(slot) ? std::min(ahead, plan_.ill_at() - kHour) : ahead;
  }
  // A time from then on, of which the hospital says it at `told_at`.
  std::optional<Slot> take(int from, int told_at) {
    const auto found = std::find_if(free_.begin(), free_.end(), [&](const Slot& one) {
      return one.minute >= from && (told_at < plan_.ill_at() || !is_void(one));
    });
    if (found == free_.end()) return std::nullopt;
    const Slot slot = *found;
    free_.erase(found);
    return slot;
  }

  void move(Visit& visit, int told_before) {
    const int at = by_day(told_before + kHour, latest_word(visit.last()));
    if (at < 0) return;
    if (const auto slot = take(at + kAhead, at)) visit.moves.emplace_back(at, *slot);
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
    out.first = *take(0, 0);
    const int earliest = std::max(kFirstMinute, out.first.minute - 3 * kDay);
    out.booked_at = std::max(by_day(earliest, latest_word(out.first)), kFirstMinute);
    pay(out);
    if (one_in(20)) {
      out.record = Record::none;
    } else if (one_in(12)) {
      out.record = one_in(4) ? Record::child_alone : Record::child;
    }
    meet_fate(out, below(20));
    if (number % 10 == 3) merge(out, number % 20 == 3 ? Merge::right : Merge::wrong);
    out.given = is_given(out);
    out.doctor = out.given ? plan_.stand_in() : out.last().doctor;
    return out;
  }

  void meet_fate(Visit& out, int fate) {
    if (out.desk == DeskSays::refuse) return;
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
  }

  // True if the visit is one of the ill doctor's when the desk hears of the illness.
  [[nodiscard]] bool is_given(const Visit& visit) const {
    const int at = plan_.ill_at();
    if (visit.booked_at > at || visit.overtaken() || visit.off_at().value_or(at + 1) < at)
      return false;
    const Slot* slot = &visit.first;
    for (const auto& [told_at, next] : visit.moves) {
      if (told_at < at) slot = &next;
    }
    return is_void(*slot);
  }

  // The desk joins two records while nothing is said of the visit.
  void merge(Visit& visit, Merge kind) {
    if (visit.record != Record::adult || visit.overtaken()) return;
    std::vector<int> said{visit.booked_at, plan_.ill_at(), visit.off_at().value_or(0)};
    if (visit.desk != DeskSays::nothing) said.push_back(visit.desk_at);
    const auto add = [&said](const Slot& slot) {
      for (const int before : {kDay, 15, 0}) said.push_back(slot.minute - before);
    };
    add(visit.first);
    for (const auto& [told_at, slot] : visit.moves) {
      said.push_back(told_at);
      add(slot);
    }
    const int to = visit.off_at().value_or(visit.last().minute) - 2 * kHour;
    for (int at = visit.booked_at + kHour + 10; at <= to; at += 30) {
      const bool apart = std::all_of(said.begin(), said.end(), [&](int one) {
        return one < at - kApart || one > at + kUndone + kApart;
      });
      const int hour = at % kDay / kHour;
      if (!apart || hour < 8 || hour >= 20) continue;
      visit.merge = kind;
      visit.merged_at = at;
      return;
    }
  }

  void walk_in() {
    Visit out;
    out.number = static_cast<int>(plan_.visits.size());
    out.kind = Kind::walk_in;
    // Each half hour at most one, and not beside the visits of the hospital.
    const int n = walk_ins_++;
    const int days = plan_.days;
    out.booked_at = (1 + n % days) * kDay + kFirstSlot + 7 + (n / days * 5 % kSlots) * kSlotMinutes;
    out.first = {out.booked_at, plan_.doctors + 1};
    out.doctor = out.first.doctor;
    out.payer = one_in(2) ? Payer::insured : Payer::himself;
    plan_.visits.push_back(out);
  }

  void emergency(int n) {
    Visit out;
    out.number = static_cast<int>(plan_.visits.size());
    out.kind = Kind::emergency;
    out.booked_at = (1 + n % plan_.days) * kDay + (9 + n / plan_.days % kEmergencies) * kHour + 37;
    out.first = {out.booked_at, plan_.staff};
    plan_.staff += 2;
    out.answered = n % 2 == 0;
    out.doctor = out.answered ? out.first.doctor + 1 : -1;
    out.payer = one_in(2) ? Payer::insured : Payer::himself;
    plan_.visits.push_back(out);
  }

  std::mt19937_64 random_;
  Plan plan_;
  std::vector<Slot> free_;
  int walk_ins_ = 0;
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
