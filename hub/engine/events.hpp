#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hub/engine/starts.hpp"

// Events: stored once, found by the listens that wait for them, and what they start.
namespace rabt::engine {

// An event made ready for storing, outside of the job.
struct PreparedEvent {
  Json envelope;
  // 16 bytes.
  std::string uid;
  // Blind index of source and id.
  std::string origin;
  // Names the key.
  std::string data_key;
  std::string sealed;
  // Blind indexes of its correlation keys.
  std::vector<std::string> keys;
  std::vector<PreparedStart> starts;
  // Definitions that wait for a set of events (schedule.on.all) with one of this type; the lease is
  // null when there are none.
  std::vector<std::int64_t> collecting;
  std::shared_ptr<const KeyLease> lease;
  // Definitions that starts and collecting were made of: as long as they are held, WantedTypes
  // wants what their active versions hear. Null when there are neither.
  std::shared_ptr<const std::vector<DeployedDefinition>> definitions;
};

// An event that would have started an instance, and that the instance which had its business key
// has not heard.
struct UnheardStart {
  // Blind index.
  std::string business_key;
  std::int64_t event = 0;
  std::int64_t instance = 0;
};

// Immutable.
class Events {
 public:
  Events(Context& context, const Definitions& definitions, const Starts& starts)
      : context_(context), definitions_(definitions), starts_(starts) {}

  [[nodiscard]] Result<PreparedEvent> prepare(Json envelope,
                                              const std::shared_ptr<const KeyLease>& lease) const;
  // Stores the event and what it starts, unless the event is known. instances: gets the ids of the
  // instances that it started or met. Inside a job. Error store.raced.
  Status store(store::Transaction& transaction, const PreparedEvent& event, AfterCommit& after,
               std::vector<std::string>& instances) const;
  // The events that found a business key taken which is free now, the oldest first.
  [[nodiscard]] Result<std::vector<UnheardStart>> unheard() const;
  // Starts the next instance by this event, unless somebody was quicker; by null none is started.
  // Durable when this returns; route what is given back.
  [[nodiscard]] Result<AfterCommit> start_unheard(const UnheardStart& unheard,
                                                  const Json& envelope) const;
  // Time at which a stored event was received.
  [[nodiscard]] Result<Timestamp> received_at(std::int64_t event) const;
  // Opens a stored event. Error not_found engine.event.
  [[nodiscard]] Result<Json> read(std::int64_t event) const;

  // After the commit: the listens that wait for these events.
  [[nodiscard]] Result<std::vector<EventMatch>> listens_for(
      const std::vector<StoredEvent>& events) const;
  // After the commit: the events that came before these listens were reached.
  [[nodiscard]] Result<std::vector<EventMatch>> events_for(
      const std::vector<StoredListen>& listens) const;
  // True if an event that was stored before the one that started the instance happened after it, as
  // far as their sources tell: then it is meant for this instance.
  [[nodiscard]] Result<bool> overtook(std::int64_t num, std::int64_t start_event,
                                      std::int64_t event, const Json& envelope) const;

 private:
  struct Order {
    std::int64_t received_ms = 0;
    // As the source says. Not set where it does not.
    std::optional<std::int64_t> said_ms;
  };
  [[nodiscard]] Result<Order> order_of(std::int64_t event, const Json& envelope) const;
  // schedule.on.all: the event joins a set; a set that is whole starts an instance. Inside a job.
  Status collect(store::Transaction& transaction, const PreparedEvent& event,
                 std::int64_t definition_id, std::int64_t number, AfterCommit& after,
                 std::vector<std::string>& instances) const;

  Context& context_;
  const Definitions& definitions_;
  const Starts& starts_;
};

inline constexpr std::string_view kCorrelationField = "event.correlation";

}  // namespace rabt::engine
