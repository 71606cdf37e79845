#include "hub/consultation/events/hub_events.hpp"

#include <algorithm>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/event_names.hpp"
#include "hub/consultation/events/statements.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

Status put(store::Transaction& transaction, std::string_view tenant, const HubEvent& event) {
  if (!is_event_name(event.type)) RABT_BUG("an event that hub/base/event_names.cpp does not list");
  Json data = event.data;
  data.set("at", to_iso8601(event.at));
  const std::string text = data.dump();
  return store::run(
      transaction, sql::events::kPutHubEvent,
      {tenant, event.id, event.type, event.at.ms, std::string_view(text), event.trace});
}

// Two writers may have drawn their ids in one order and committed in the other.
constexpr std::int64_t kNearMs = 10'000;

Happened read_kept(const Row& row) {
  return {.id = std::string(row.text(sql::events::kHubEvent["id"])),
          .source = "/hub",
          .type = std::string(row.text(sql::events::kHubEvent["type"])),
          .at_ms = row.integer(sql::events::kHubEvent["at_ms"]),
          .subject = {},
          .data = std::string(row.text(sql::events::kHubEvent["data"]))};
}

}  // namespace

Status put_event(store::Transaction& transaction, std::string_view tenant, const HubEvent& event) {
  RABT_TRY_STATUS(put(transaction, tenant, event));
  return outbox::put(transaction, tenant,
                     {.kind = outbox::kHubEvent, .ref = event.id, .put_ms = event.at.ms});
}

Status put_silent_event(store::Transaction& transaction, std::string_view tenant,
                        const HubEvent& event) {
  return put(transaction, tenant, event);
}

Result<std::optional<Json>> newest_event(store::Store& store, std::string_view tenant,
                                         std::string_view type) {
  std::optional<Json> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::events::kNewestOfType, {tenant, type}, [&](const Row& row) {
      if (auto data = Json::parse(row.text(sql::events::kNewestOfType["data"])); data.ok())
        found = *std::move(data);
      return false;
    });
  }));
  return found;
}

Result<std::optional<Happened>> find_hub_event(store::Connection& connection,
                                               std::string_view tenant, const outbox::Work& work) {
  std::optional<Happened> found;
  RABT_TRY_STATUS(connection.query(sql::events::kHubEvent, {tenant, work.ref}, [&](const Row& row) {
    found = read_kept(row);
    found->trace = row.text(sql::events::kHubEvent["trace"]);
    return false;
  }));
  return found;
}

Result<std::vector<Json>> told_after(store::Store& store, std::string_view tenant,
                                     std::string_view id) {
  std::optional<std::int64_t> at;
  std::vector<Happened> events;
  RABT_TRY(untold, outbox::waiting(store, tenant, outbox::kHubEvent));
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    at.reset();
    events.clear();
    RABT_TRY_STATUS(connection.query(sql::events::kHubEventAt, {tenant, id}, [&](const Row& row) {
      at = row.integer(sql::events::kHubEventAt["at_ms"]);
      return false;
    }));
    if (!at) return ok_status();
    return connection.query(sql::events::kHubEventsAfter, {tenant, id, *at - kNearMs},
                            [&](const Row& row) {
                              Happened event = read_kept(row);
                              if (!untold.contains(event.id)) events.push_back(std::move(event));
                              return true;
                            });
  }));
  if (!at) return not_found("stream.after", "the event is not kept any more; read what is now");
  std::vector<Json> out;
  out.reserve(events.size());
  for (const Happened& event : events) out.push_back(envelope_of(event));
  return out;
}

Status sweep_hub_events(store::Store& store, std::string_view tenant, Timestamp before) {
  RABT_TRY(waits, outbox::oldest(store, tenant, outbox::kHubEvent));
  const std::int64_t until = std::min(before.ms, waits.value_or(before.ms));
  return store.write([&](store::Transaction& transaction) {
    return store::run(transaction, sql::events::kSweepHubEvents, {until});
  });
}

}  // namespace rabt::consultation
