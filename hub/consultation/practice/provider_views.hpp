#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/identity/people.hpp"

// Providers, their hours and their presence, as answers show them.
namespace rabt::consultation {

// A member that the profile does not have is empty.
struct ProviderView {
  // ULID
  std::string id;
  std::int64_t number = 0;
  std::string name{};
  std::string name_ar{};
  std::string gender{};
  std::string specialty{};
  std::string department{};
  std::string organization{};
  std::string licence_number{};
  std::vector<std::string> languages{};
  identity::Licence licence = identity::Licence::missing;
  bool video_enabled = true;
  // online, offline, busy
  std::string status{};
  // Unset while nothing is known of the provider.
  std::optional<Timestamp> status_since{};
};
[[nodiscard]] Json to_json(const ProviderView& provider);

struct ProviderList {
  std::vector<ProviderView> items;
};
[[nodiscard]] Json to_json(const ProviderList& list);

// A part of a slot that has one state.
struct SlotView {
  // ULID: the same whenever the list is read.
  std::string id;
  Timestamp starts_at;
  Timestamp ends_at;
  // May be empty.
  std::string clinic{};
  // free, blocked, booked
  std::string status;
};
[[nodiscard]] Json to_json(const SlotView& slot);

struct AvailabilityView {
  // ULID
  std::string provider;
  // online, offline, busy
  std::string status;
  // IANA name
  std::string time_zone = "Asia/Riyadh";
  std::vector<SlotView> slots{};
};
[[nodiscard]] Json to_json(const AvailabilityView& availability);

struct PresenceView {
  // ULID
  std::string provider;
  // online, offline, busy
  std::string status;
  // manual, session, connection
  std::string source;
  Timestamp since;
  Timestamp updated_at;
};
[[nodiscard]] Json to_json(const PresenceView& presence);

}  // namespace rabt::consultation
