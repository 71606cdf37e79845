#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/session/membership.hpp"
#include "hub/store/store.hpp"

// Events of sessions, told to those who listen as soon as they are durable.
namespace rabt::consultation {

// One event of a session's timeline. There is no patient data in it but in `content`.
struct LiveEvent {
  // Dense in its session, from 1.
  std::int64_t seq = 0;
  // Without the prefix: "note-written".
  std::string type;
  std::int64_t at_ms = 0;
  std::string actor;
  Json data;
  // The record that the event is about, opened, where listeners want it: a message, a segment of
  // the transcript. Patient data. Null for other events.
  Json content{};
};

// Called by one thread, which it does not hold up for long.
class LiveListener {
 public:
  virtual ~LiveListener() = default;
  // Each event after the one that listening began with, once and in order.
  virtual void happened(const LiveEvent& event) = 0;
  // All that had happened when listening began has been told.
  virtual void caught_up() = 0;
  // Comes every half minute while it listens, whatever happens.
  virtual void alive() = 0;
  // A signal of another listener of the session, which is not kept; and `presence`, whenever some
  // provider's has changed, in any session. Comes from the thread of the sender.
  virtual void relayed(const Json& what) = 0;
};

// Hears of events that belong to no session. Called by the thread that tells them, which it does
// not hold up.
class HubListener {
 public:
  virtual ~HubListener() = default;
  // A CloudEvent of the hub, once or more often.
  virtual void told(const Json& event) = 0;
};

// One thread looks at the sessions that somebody listens to. Internally synchronised.
class Live {
 public:
  // Opens what an event is about. Called once an event, whoever listens.
  using Content = std::function<Json(const Membership& of, const LiveEvent& event)>;
  Live(store::Store& store, Logger& log, Content content);
  ~Live();
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // Begins behind the event `after`, or behind the newest if it is unset. The caller has asked
  // whether the listener may. Returns the number of the newest event. Errors: not_found
  // session.unknown: there is no such session; stream.after: it has no event `after` yet.
  [[nodiscard]] Result<std::int64_t> listen(std::string_view tenant, std::string_view session,
                                            std::optional<std::int64_t> after,
                                            std::shared_ptr<LiveListener> listener);
  // When it returns, the listener hears of nothing any more, but for a call under way.
  void leave(std::string_view session, const LiveListener& listener);
  // Tells every other listener of the session.
  void relay(std::string_view session, const LiveListener& from, const Json& what);

  // The same for events that belong to no session: from now on, and before that those that were
  // told after the event `after`, unless it is empty. An event may come twice. Error not_found
  // stream.after: there is no such event any more.
  [[nodiscard]] Status listen_outside(std::string_view tenant, std::string_view after,
                                      const std::shared_ptr<HubListener>& listener);
  void leave_outside(const HubListener& listener);
  void tell_outside(const Json& event);

  // Counts the live channels through which somebody takes part in a call between browsers: adds
  // `change` and gives how many there are now.
  int count_call(std::string_view participant, int change);

  // Listeners now.
  [[nodiscard]] std::uint64_t listeners() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::consultation
