#include "hub/consultation/events/live.hpp"

#include "hub/consultation/events/hub_events.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/consultation/events/statements.hpp"

namespace rabt::consultation {

namespace {

// The one event outside of sessions that the live channel of sessions tells.
constexpr std::string_view kPresence = "org.rabt.hub.provider.presence-changed.v1";

// Interval of looks at sessions that somebody listens to. The database tells nobody by itself, and
// another node may have written.
constexpr std::chrono::milliseconds kLookEvery{50};

// Looks between two signs of life.
constexpr int kAliveLooks = 600;

struct Listening {
  std::shared_ptr<LiveListener> listener;
  // Number of the last event that the listener was told.
  std::int64_t told = 0;
  bool caught_up = false;
};

struct Topic {
  std::string tenant;
  std::vector<Listening> listeners;
};

}  // namespace

struct Live::State {
  State(store::Store& s, Logger& l, Content opens) : store(s), log(l), content(std::move(opens)) {}

  void run();
  // Tells the new events of a session; none while the session cannot be read.
  void look(const std::string& session);
  void tell_alive();

  // Constant after construction.
  store::Store& store;
  Logger& log;
  const Content content;
  std::thread thread;

  mutable Mutex mutex;
  Condition wake;
  std::map<std::string, Topic, std::less<>> topics RABT_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<HubListener>> outside RABT_GUARDED_BY(mutex);
  // Open live channels in calls between browsers, by participant.
  std::map<std::string, int, std::less<>> calls RABT_GUARDED_BY(mutex);
  bool stopping RABT_GUARDED_BY(mutex) = false;
};

void Live::State::tell_alive() {
  std::vector<std::shared_ptr<LiveListener>> all;
  {
    const Lock lock(mutex);
    for (const auto& [session, topic] : topics) {
      for (const Listening& listening : topic.listeners) all.push_back(listening.listener);
    }
  }
  for (const auto& listener : all) listener->alive();
}

void Live::State::run() {
  for (int looks = 1;; ++looks) {
    std::vector<std::string> sessions;
    {
      Lock lock(mutex);
      wake.wait(lock, [&]() RABT_REQUIRES(mutex) { return stopping || !topics.empty(); });
      if (stopping) return;
      for (const auto& [session, topic] : topics) sessions.push_back(session);
    }
    for (const std::string& session : sessions) look(session);
    if (looks % kAliveLooks == 0) tell_alive();
    Lock lock(mutex);
    wake.wait_for(lock, kLookEvery, [&]() RABT_REQUIRES(mutex) { return stopping; });
  }
}

void Live::State::look(const std::string& session) {
  std::string tenant;
  std::int64_t from = 0;
  {
    const Lock lock(mutex);
    const auto found = topics.find(session);
    if (found == topics.end()) return;
    tenant = found->second.tenant;
    from = found->second.listeners.front().told;
    for (const Listening& listening : found->second.listeners)
      from = std::min(from, listening.told);
  }
  std::vector<LiveEvent> events;
  std::int64_t newest = 0;
  Membership of{.tenant = tenant, .session = session};
  const Status read = store.read([&](store::Connection& connection) -> Status {
    events.clear();
    RABT_TRY_STATUS(connection.query(
        sql::events::kNewestOfSession, {tenant, session}, [&](const store::Row& row) {
          newest = row.integer(sql::events::kNewestOfSession["events"]);
          of.data_key = row.blob(sql::events::kNewestOfSession["data_key"]);
          of.number = row.integer(sql::events::kNewestOfSession["number"]);
          return false;
        }));
    if (newest <= from) return ok_status();
    return connection.query(
        sql::events::kSessionEventsAfter, {tenant, session, from}, [&](const store::Row& row) {
          auto data = Json::parse(row.text(sql::events::kSessionEventsAfter["data"]));
          events.push_back(
              {.seq = row.integer(sql::events::kSessionEventsAfter["seq"]),
               .type = std::string(row.text(sql::events::kSessionEventsAfter["type"])),
               .at_ms = row.integer(sql::events::kSessionEventsAfter["at_ms"]),
               .actor = std::string(row.text(sql::events::kSessionEventsAfter["actor"])),
               .data = data.ok() ? *std::move(data) : Json()});
          return true;
        });
  });
  if (!read.ok()) {
    log.warn("live.unreadable", {{"code", read.error().code}});
    return;
  }
  for (LiveEvent& event : events) event.content = content(of, event);
  // Listeners are told without the lock: they may ask the domain, and may leave.
  std::vector<Listening> now;
  {
    const Lock lock(mutex);
    const auto found = topics.find(session);
    if (found == topics.end()) return;
    now = found->second.listeners;
    for (Listening& listening : found->second.listeners) {
      if (!events.empty()) listening.told = std::max(listening.told, events.back().seq);
      listening.caught_up = listening.caught_up || listening.told >= newest;
    }
  }
  for (const Listening& listening : now) {
    std::int64_t last = listening.told;
    for (const LiveEvent& event : events) {
      if (event.seq <= listening.told) continue;
      listening.listener->happened(event);
      last = event.seq;
    }
    if (!listening.caught_up && last >= newest) listening.listener->caught_up();
  }
}

Live::Live(store::Store& store, Logger& log, Content content)
    : state_(std::make_unique<State>(store, log, std::move(content))) {
  state_->thread = std::thread([this] { state_->run(); });
}

Live::~Live() {
  {
    const Lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  state_->thread.join();
}

Result<std::int64_t> Live::listen(std::string_view tenant, std::string_view session,
                                  std::optional<std::int64_t> after,
                                  std::shared_ptr<LiveListener> listener) {
  std::optional<std::int64_t> newest;
  RABT_TRY_STATUS(state_->store.read([&](store::Connection& connection) {
    return connection.query(sql::events::kNewestOfSession, {tenant, session},
                            [&](const store::Row& row) {
                              newest = row.integer(sql::events::kNewestOfSession["events"]);
                              return false;
                            });
  }));
  if (!newest) return not_found("session.unknown", "there is no such session");
  if (after && *after > *newest)
    return not_found("stream.after",
                     "the session has no such event; read it, and listen without `after`");
  {
    const Lock lock(state_->mutex);
    Topic& topic = state_->topics[std::string(session)];
    topic.tenant = tenant;
    topic.listeners.push_back({.listener = std::move(listener), .told = after.value_or(*newest)});
  }
  state_->wake.notify_all();
  return *newest;
}

void Live::leave(std::string_view session, const LiveListener& listener) {
  const Lock lock(state_->mutex);
  const auto found = state_->topics.find(session);
  if (found == state_->topics.end()) return;
  std::erase_if(found->second.listeners,
                [&](const Listening& listening) { return listening.listener.get() == &listener; });
  if (found->second.listeners.empty()) state_->topics.erase(found);
}

void Live::relay(std::string_view session, const LiveListener& from, const Json& what) {
  std::vector<std::shared_ptr<LiveListener>> others;
  {
    const Lock lock(state_->mutex);
    const auto found = state_->topics.find(session);
    if (found == state_->topics.end()) return;
    for (const Listening& listening : found->second.listeners) {
      if (listening.listener.get() != &from) others.push_back(listening.listener);
    }
  }
  for (const auto& listener : others) listener->relayed(what);
}

Status Live::listen_outside(std::string_view tenant, std::string_view after,
                            const std::shared_ptr<HubListener>& listener) {
  {
    const Lock lock(state_->mutex);
    state_->outside.push_back(listener);
  }
  if (after.empty()) return ok_status();
  // The listener is entered already and misses nothing that happens while the past is read.
  const auto missed = told_after(state_->store, tenant, after);
  if (!missed.ok()) {
    leave_outside(*listener);
    return missed.error();
  }
  for (const Json& event : *missed) listener->told(event);
  return ok_status();
}

void Live::leave_outside(const HubListener& listener) {
  const Lock lock(state_->mutex);
  std::erase_if(state_->outside, [&](const auto& entry) { return entry.get() == &listener; });
}

void Live::tell_outside(const Json& event) {
  std::vector<std::shared_ptr<HubListener>> all;
  {
    const Lock lock(state_->mutex);
    all = state_->outside;
  }
  for (const auto& listener : all) listener->told(event);
  if (event.string_or("type", "") != kPresence) return;
  Json presence = Json::object({{"kind", "presence"}});
  for (const char* member : {"provider", "status"}) presence.set(member, event["data"][member]);
  std::vector<std::shared_ptr<LiveListener>> inside;
  {
    const Lock lock(state_->mutex);
    for (const auto& [session, topic] : state_->topics) {
      for (const Listening& listening : topic.listeners) inside.push_back(listening.listener);
    }
  }
  for (const auto& listener : inside) listener->relayed(presence);
}

int Live::count_call(std::string_view participant, int change) {
  const Lock lock(state_->mutex);
  const auto found = state_->calls.try_emplace(std::string(participant), 0).first;
  found->second += change;
  const int now = found->second;
  if (now <= 0) state_->calls.erase(found);
  return now;
}

std::uint64_t Live::listeners() const {
  const Lock lock(state_->mutex);
  std::uint64_t count = 0;
  for (const auto& [session, topic] : state_->topics) count += topic.listeners.size();
  return count;
}

}  // namespace rabt::consultation
