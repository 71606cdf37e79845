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

// Live channel: tells listeners the events of sessions as soon as the events are durable.
namespace rabt::consultation {

// One event of a session's timeline. Only `content` holds patient data.
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

// Listener to one session. One thread calls it; its functions must return soon.
class LiveListener {
 public:
  virtual ~LiveListener() = default;
  // An event after the one that listening began with. Each comes once, in order.
  virtual void happened(const LiveEvent& event) = 0;
  // All events that were stored when listening began have been told.
  virtual void caught_up() = 0;
  // Sign of life, every half minute.
  virtual void alive() = 0;
  // A signal of another listener of the session, which is not stored; and `presence` after a change
  // of any provider's presence. Called by the thread of the sender.
  virtual void relayed(const Json& what) = 0;
};

// Listener to events outside of sessions. The thread that tells them calls it; it must not block.
class HubListener {
 public:
  virtual ~HubListener() = default;
  // A CloudEvent of the hub, once or more often.
  virtual void told(const Json& event) = 0;
};

// Live channel of all sessions. One thread looks at sessions with listeners. Internally
// synchronised.
class Live {
 public:
  // Opens the record that an event is about. Called once for each event, for all listeners.
  using Content = std::function<Json(const Membership& of, const LiveEvent& event)>;
  Live(store::Store& store, Logger& log, Content content);
  ~Live();
  Live(const Live&) = delete;
  Live& operator=(const Live&) = delete;

  // Tells the listener the events after `after`; without it, those after the newest. The caller has
  // checked that the listener may listen. Returns the number of the newest event. Errors: not_found
  // session.unknown: there is no such session; stream.after: it has no event `after` yet.
  [[nodiscard]] Result<std::int64_t> listen(std::string_view tenant, std::string_view session,
                                            std::optional<std::int64_t> after,
                                            std::shared_ptr<LiveListener> listener);
  // Ends listening. After it returns, no call of the listener begins.
  void leave(std::string_view session, const LiveListener& listener);
  // Tells every other listener of the session.
  void relay(std::string_view session, const LiveListener& from, const Json& what);

  // The same for events outside of sessions: new events, and first the events after `after` unless
  // that is empty. An event may come twice. Error not_found stream.after: there is no such event
  // any more.
  [[nodiscard]] Status listen_outside(std::string_view tenant, std::string_view after,
                                      const std::shared_ptr<HubListener>& listener);
  void leave_outside(const HubListener& listener);
  void tell_outside(const Json& event);

  // Counts the live channels of a participant in a call between browsers: adds `change`, and gives
  // the new number.
  int count_call(std::string_view participant, int change);

  // Number of listeners.
  [[nodiscard]] std::uint64_t listeners() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::consultation
