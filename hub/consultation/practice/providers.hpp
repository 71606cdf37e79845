#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/practice/provider_requests.hpp"
#include "hub/consultation/practice/provider_views.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/reference.hpp"

namespace rabt::consultation {

// Providers, the hours in which they can be had, and their presence. Internally synchronised; every
// act blocks for one commit.
class Providers {
 public:
  explicit Providers(const PracticeParts& parts) : parts_(parts) {}

  // Active ones, by number.
  Result<ProviderList> list(const Caller& caller, const Asked<ListProviders>& asked);
  // Error not_found provider.unknown, here and in the next ones.
  Result<ProviderView> read(const Caller& caller, const OfProvider& asked);
  Result<AvailabilityView> availability(const Caller& caller, const GetAvailability& asked);
  // Error conflict availability.overlap: with what is kept.
  Result<AvailabilityView> set_availability(const Caller& caller, const SetAvailability& asked);
  Result<PresenceView> set_presence(const Caller& caller, const SetPresence& asked);

  // A person has a live connection now. Kept in memory for a minute.
  void seen(std::string_view tenant, std::string_view person);
  // Those whose last connection has been gone for a minute are offline.
  void forget_unseen();

 private:
  struct PresenceNow {
    std::string status;
    std::int64_t since_ms = 0;
    std::string source;
  };

  // providers.cpp
  [[nodiscard]] Result<identity::Person> find_provider(std::string_view tenant,
                                                       const Reference& provider) const;
  [[nodiscard]] Result<std::map<std::string, PresenceNow>> presences(std::string_view tenant) const;
  [[nodiscard]] static ProviderView view_of(const identity::Person& person,
                                            const std::map<std::string, PresenceNow>& presences);
  [[nodiscard]] static PresenceNow status_in(const std::map<std::string, PresenceNow>& presences,
                                             std::string_view person);
  // The events about providers whose presence a live connection changed.
  void tell_presence(std::string_view tenant, std::string_view person, std::string_view status);
  // availability.cpp
  [[nodiscard]] Status put_slots(store::Transaction& transaction, std::string_view tenant,
                                 std::string_view provider, bool keep,
                                 const std::vector<SetAvailability::Slot>& slots) const;

  const PracticeParts& parts_;

  mutable Mutex mutex_;
  // By tenant and person: when a live connection was there last.
  std::map<std::pair<std::string, std::string>, std::int64_t> seen_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::consultation
