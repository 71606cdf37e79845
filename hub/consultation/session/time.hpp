#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"

// Months, stays and lengths. Pure.
namespace rabt::consultation {

// A calendar month in a time zone.
struct Month {
  int year = 0;
  // 1 to 12
  int month = 0;
  Timestamp begins;
  // The first moment after it.
  Timestamp ends;
  // 2026-11
  [[nodiscard]] std::string name() const;
};
// zone: an IANA name. Error invalid api.invalid: there is no such month or zone.
[[nodiscard]] Result<Month> month_of(int year, int month, const std::string& zone);
// The month in which a moment lies.
[[nodiscard]] Result<Month> month_at(Timestamp at, const std::string& zone);

// A stay counts in whole seconds from joining to leaving; stays of one participant that overlap are
// united, those of different participants add up.
struct Attended {
  std::int64_t joined_ms = 0;
  // Unset while the participant is there.
  std::optional<std::int64_t> left_ms{};
};
// Seconds of one participant between two moments; an open stay counts up to now.
[[nodiscard]] std::int64_t united_seconds(std::vector<Attended> stays, Timestamp from, Timestamp to,
                                          Timestamp now);

// Length in seconds and in minutes: one that has begun counts whole.
[[nodiscard]] constexpr std::int64_t whole_seconds(std::int64_t ms) {
  return ms > 0 ? (ms + 999) / 1000 : 0;
}
[[nodiscard]] constexpr std::int64_t whole_minutes(std::int64_t seconds) {
  return (seconds + 59) / 60;
}

}  // namespace rabt::consultation
