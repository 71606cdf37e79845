#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/outbox/outbox.hpp"
#include "hub/store/store.hpp"

// Delivery of the hub's events to workflows and other systems.
namespace rabt::consultation {

// Tells events (CloudEvents 1.0) in one commit with `also`; an error means that none was told.
using Deliver =
    std::function<Status(const std::vector<Json>& events, const store::Store::Job& also)>;

// An event that waits to be told.
struct Untold {
  Json event;
  // Work of the event in the outbox, which leaves when the event is told.
  std::string_view kind;
  outbox::Work work;
};

// An event of the hub (CloudEvents 1.0). type: without prefix and version; data: JSON text.
struct Happened {
  std::string id;
  std::string_view source;
  std::string type;
  std::int64_t at_ms = 0;
  // Subject of the event. May be empty.
  std::string subject;
  std::string data;
  // The trace of the request that caused it. May be empty.
  std::string trace{};
};
// The event without its trace.
[[nodiscard]] Json envelope_of(const Happened& event);

// Tells events in their order, all in one commit; where that is refused, one by one until one is
// refused. Gives the number of those that were told: the first ones.
[[nodiscard]] std::size_t tell_in_order(std::string_view tenant, const std::vector<Untold>& events,
                                        const Deliver& deliver, Logger& log);

// Reads the event that work of the outbox names. Unset when there is none.
using FindEvent = Result<std::optional<Happened>> (*)(store::Connection& connection,
                                                      std::string_view tenant,
                                                      const outbox::Work& work);
// Tells the events that are due, as tell_in_order. kind: of their work in the outbox.
[[nodiscard]] std::size_t tell_due(const SessionParts& parts, std::string_view kind, FindEvent find,
                                   const Deliver& deliver);

}  // namespace rabt::consultation
