#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// Script of a clinic's week: who books, moves, calls off, comes and pays. Pure; one seed makes one
// script. Minutes count from Saturday 00:00 in Riyadh; visits are held from Sunday to Thursday.
namespace rabt::clinic::week {

inline constexpr int kHour = 60;
inline constexpr int kDay = 24 * kHour;
// Saturday noon: the first booking.
inline constexpr int kFirstMinute = 12 * kHour;
inline constexpr int kVisitMinutes = 20;
// Minutes of talk, and of a patient who is late.
inline constexpr int kTalk = 10;
inline constexpr int kLate = 10;

// Half-open span of minutes.
struct Span {
  int from = 0;
  int to = 0;
  [[nodiscard]] constexpr bool has(int minute) const { return from <= minute && minute < to; }
};
// Monday 09:00 to 13:00; Tuesday 10:00 to 12:00.
inline constexpr Span kPayerAway{2 * kDay + 9 * kHour, 2 * kDay + 13 * kHour};
inline constexpr Span kEhrAway{3 * kDay + 10 * kHour, 3 * kDay + 12 * kHour};

struct Slot {
  int minute = 0;
  int doctor = 0;
};
enum class Payer : std::uint8_t { insured, himself, not_eligible };
// Answer of the desk about a patient who is not covered.
enum class DeskSays : std::uint8_t { nothing, self_pay, go_on, refuse };
enum class Comes : std::uint8_t { in_time, late, never };
// Record of the patient before the booking. A child has a guardian in his record, or none.
enum class Record : std::uint8_t { adult, child, child_alone, none };

struct Visit {
  int number = 0;
  int booked_at = 0;
  Slot first;
  // When the hospital says it, and the new place.
  std::vector<std::pair<int, Slot>> moves;
  // Before booked_at: the cancellation overtakes its booking.
  std::optional<int> cancelled_at;
  Payer payer = Payer::insured;
  DeskSays desk = DeskSays::nothing;
  int desk_at = 0;
  Comes comes = Comes::in_time;
  Record record = Record::adult;

  [[nodiscard]] const Slot& last() const { return moves.empty() ? first : moves.back().second; }
  [[nodiscard]] bool overtaken() const { return cancelled_at && *cancelled_at < booked_at; }
  [[nodiscard]] bool is_held() const {
    return !cancelled_at && desk != DeskSays::refuse && comes != Comes::never;
  }
};

struct Plan {
  std::uint64_t seed = 0;
  // Days of visits, from Sunday on.
  int days = 5;
  int doctors = 1;
  std::vector<Visit> visits;
  // Everything has come to its end.
  [[nodiscard]] int last_minute() const { return (days + 1) * kDay + 12 * kHour; }
};

[[nodiscard]] Plan make_plan(std::uint64_t seed, int visits, int days);

// "2026-03-08 10:00", local time.
[[nodiscard]] std::string local_time(int minute);
// Milliseconds since 1970.
[[nodiscard]] std::int64_t unix_ms(int minute);

}  // namespace rabt::clinic::week
