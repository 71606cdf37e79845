#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

// Clinics and their hours, as answers show them.
namespace rabt::consultation {

struct ClinicView {
  // ULID
  std::string id;
  std::int64_t number = 0;
  std::string name;
  // May be empty.
  std::string name_ar;
  // IANA name
  std::string time_zone;
  bool active = true;
  Timestamp created_at;
};
[[nodiscard]] Json to_json(const ClinicView& clinic);

struct ClinicList {
  std::vector<ClinicView> items;
};
[[nodiscard]] Json to_json(const ClinicList& list);

// A clinic that was made just now: its number comes last.
struct AddedClinic {
  ClinicView clinic;
};
[[nodiscard]] Json to_json(const AddedClinic& added);

struct ClinicSessionView {
  // ULIDs
  std::string id;
  std::int64_t number = 0;
  std::string clinic;
  std::string provider;
  Timestamp starts_at;
  Timestamp ends_at;
  std::int64_t capacity = 1;
  std::int64_t booked = 0;
};
[[nodiscard]] Json to_json(const ClinicSessionView& session);

struct ClinicSessionList {
  std::vector<ClinicSessionView> items;
};
[[nodiscard]] Json to_json(const ClinicSessionList& list);

}  // namespace rabt::consultation
