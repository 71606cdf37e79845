#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/events/telling.hpp"
#include "hub/store/store.hpp"

// Events of the hub outside of sessions. The transaction of an act writes them; the thread that
// tells the events of sessions tells them, too.
namespace rabt::consultation {

struct HubEvent {
  // ULID
  std::string id;
  // Without the prefix: "provider.presence-changed".
  std::string type;
  Timestamp at;
  // No patient data.
  Json data;
  // The trace of the request that caused it. May be empty.
  std::string trace{};
};

[[nodiscard]] Status put_event(store::Transaction& transaction, std::string_view tenant,
                               const HubEvent& event);
// Stores an event for a later comparison, and tells nobody.
[[nodiscard]] Status put_silent_event(store::Transaction& transaction, std::string_view tenant,
                                      const HubEvent& event);
// The data of the newest event of a type. Unset when there is none.
[[nodiscard]] Result<std::optional<Json>> newest_event(store::Store& store, std::string_view tenant,
                                                       std::string_view type);
// The event of work of the kind outbox::kHubEvent, as FindEvent.
[[nodiscard]] Result<std::optional<Happened>> find_hub_event(store::Connection& connection,
                                                             std::string_view tenant,
                                                             const outbox::Work& work);
// Events that were told after the event with this id, in the form in which they were told. Events
// of nearly the same time are among them, as ids do not order those. At most 1,000. Error not_found
// stream.after.
[[nodiscard]] Result<std::vector<Json>> told_after(store::Store& store, std::string_view tenant,
                                                   std::string_view id);
// Removes events that are older than `before`. Events after the oldest that waits to be told stay,
// and the newest event of each type.
[[nodiscard]] Status sweep_hub_events(store::Store& store, std::string_view tenant,
                                      Timestamp before);

}  // namespace rabt::consultation
