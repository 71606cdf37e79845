#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

// Usage of a month, as answers show it.
namespace rabt::consultation {

struct UsageView {
  // A threshold, in percent of the limit, that the month has reached.
  struct Alert {
    std::int64_t threshold = 0;
    std::int64_t attendee_minutes = 0;
    Timestamp at;
  };
  int year = 0;
  // 1 to 12
  int month = 0;
  // IANA name
  std::string time_zone;
  std::int64_t attendee_minutes = 0;
  std::int64_t attendee_seconds = 0;
  // Seconds among them that were learnt after the end of their session.
  std::int64_t adjustment_seconds = 0;
  // Minutes that cost nothing. No limit when it is 0.
  std::int64_t limit = 0;
  std::int64_t remaining = 0;
  // Share of the limit in tenths of a percent.
  std::int64_t per_mille = 0;
  std::int64_t sessions = 0;
  std::int64_t active_sessions = 0;
  std::vector<Alert> alerts{};
};
[[nodiscard]] Json to_json(const UsageView& usage);

struct UsageBySessionView {
  struct Session {
    // ULID
    std::string session;
    std::int64_t number = 0;
    std::int64_t participants = 0;
    std::int64_t attendee_seconds = 0;
    std::int64_t attendee_minutes = 0;
  };
  int year = 0;
  // 1 to 12
  int month = 0;
  // IANA name
  std::string time_zone;
  // Newest first.
  std::vector<Session> items{};
};
[[nodiscard]] Json to_json(const UsageBySessionView& usage);

}  // namespace rabt::consultation
