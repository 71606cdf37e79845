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
// Minutes from an emergency until its second doctor answers, until the desk has done what it can
// where nobody does, and until the patient then calls it off.
inline constexpr int kAnswered = 2;
inline constexpr int kHandedOver = 5;
inline constexpr int kGivenUp = 6;
// A merge that was wrong is undone after so long.
inline constexpr int kUndone = 30;

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

// A hospital's booking; a patient who comes to the desk; an emergency that the patient opens.
enum class Kind : std::uint8_t { booked, walk_in, emergency };
// Another record that the desk joins with the patient's: one of the same patient, which stays the
// only one; or one of somebody else, by mistake, which is separated again.
enum class Merge : std::uint8_t { none, right, wrong };

struct Visit {
  int number = 0;
  Kind kind = Kind::booked;
  // Of the hospital, at the desk, or by the patient.
  int booked_at = 0;
  // Of an emergency: the doctor who is rung first; the next one is rung second, and answers.
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
  // An emergency that a doctor answers.
  bool answered = true;
  Merge merge = Merge::none;
  int merged_at = 0;
  // Its doctor is ill, and the desk has given it to another one.
  bool given = false;
  // Number of the doctor who holds the visit in the end; -1 for nobody.
  int doctor = 0;

  [[nodiscard]] const Slot& last() const { return moves.empty() ? first : moves.back().second; }
  [[nodiscard]] bool overtaken() const { return cancelled_at && *cancelled_at < booked_at; }
  [[nodiscard]] bool is_held() const {
    return !cancelled_at && desk != DeskSays::refuse && comes != Comes::never && answered;
  }
  // When hospital, desk or patient call it off. Unset if nobody does.
  [[nodiscard]] std::optional<int> off_at() const {
    if (!answered) return booked_at + kGivenUp;
    return desk == DeskSays::refuse ? desk_at : cancelled_at;
  }
};

inline constexpr int kIll = 0;

struct Plan {
  std::uint64_t seed = 0;
  // Days of visits, from Sunday on.
  int days = 5;
  // Doctors with visits of the hospital. Behind them come the one who takes the place of the ill
  // doctor, the one of the walk-ins, and two for each emergency.
  int doctors = 1;
  int staff = 1;
  // Doctor kIll is ill on this day, and the desk hears of it in the morning.
  int ill_day = 4;
  std::vector<Visit> visits;
  [[nodiscard]] int ill_at() const { return ill_day * kDay + 7 * kHour + 5; }
  [[nodiscard]] int stand_in() const { return doctors; }
  // Everything has come to its end.
  [[nodiscard]] int last_minute() const { return (days + 1) * kDay + 12 * kHour; }
};

[[nodiscard]] Plan make_plan(std::uint64_t seed, int visits, int days);

// "2026-03-08 10:00", local time.
[[nodiscard]] std::string local_time(int minute);
// Milliseconds since 1970.
[[nodiscard]] std::int64_t unix_ms(int minute);

}  // namespace rabt::clinic::week
