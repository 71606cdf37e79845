#pragma once

#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/consultation/practice/period.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/reference.hpp"

// Requests about clinics and the hours that providers give there.
namespace rabt::consultation {

// Longest clinic session.
inline constexpr std::int64_t kMaxHoursMs = 24LL * 3'600'000;

struct AddClinic {
  std::string name;
  // May be empty.
  std::string name_ar{};
  // IANA name
  std::string time_zone = "Asia/Riyadh";
  bool active = true;
};

struct ListClinicSessions {
  Reference clinic;
  Period period{};
};

struct AddClinicSession {
  struct Hours {
    Reference provider;
    Timestamp starts;
    // At most kMaxHoursMs after the start.
    Timestamp ends;
    // Patients who have a place: 1 to 1000.
    std::int64_t capacity = 1;
  };
  Reference clinic;
  // The clinic is looked up before mistakes in them count.
  Asked<Hours> hours;
};

}  // namespace rabt::consultation
