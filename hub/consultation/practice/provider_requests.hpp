#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/consultation/practice/period.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/reference.hpp"

// Requests about providers, their hours and their presence.
namespace rabt::consultation {

// Filters, whatever their case; empty for all.
struct ListProviders {
  // online, offline, busy
  std::string status{};
  std::string specialty{};
  std::string gender{};
  std::string language{};
  // Providers who have a free slot at this time.
  std::optional<Timestamp> at{};
};

struct OfProvider {
  Reference provider;
};

struct GetAvailability {
  Reference provider;
  // Begins now where it has no start. The provider is looked up before a mistake in it counts.
  Asked<Period> period = Period{};
};

struct SetAvailability {
  struct Slot {
    Timestamp starts;
    // At most a day after the start.
    Timestamp ends;
    // free, blocked
    std::string status = "free";
    // Text of at most 36 characters. May be empty.
    std::string clinic{};
  };
  // Hours of every week, for eight weeks from now.
  struct Weekly {
    // 0 is Sunday.
    std::int64_t day = 0;
    // Minutes of the day; 1440 is its end.
    int from = 0;
    int to = 0;
    // IANA name
    std::string time_zone = "Asia/Riyadh";
    std::string clinic{};
  };
  struct Hours {
    std::vector<Slot> slots{};
    std::vector<Weekly> weekly{};
    // Adds to what is there. Otherwise what is there is replaced, from now on.
    bool keep = false;
  };
  Reference provider;
  // The provider is looked up, and the right to change them decided, before a mistake in them
  // counts.
  Asked<Hours> hours;
  // The part that the answer shows. A mistake in it counts when the hours are set.
  Asked<Period> period = Period{};
};

struct SetPresence {
  // The caller himself when it is unset.
  std::optional<Reference> provider{};
  // online, offline, busy. The right to set it is decided before a mistake in it counts.
  Asked<std::string> status;
};

}  // namespace rabt::consultation
