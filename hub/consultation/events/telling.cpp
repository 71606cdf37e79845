#include "hub/consultation/events/telling.hpp"

#include "hub/base/clock.hpp"
#include "hub/base/event_names.hpp"
#include "hub/base/trace_context.hpp"

namespace rabt::consultation {

namespace {

// Events told in one turn, all in one commit.
constexpr std::size_t kToldAtOnce = 64;

// The event on its way to whoever listens.
Json with_trace(const Happened& event, Random& random) {
  Json out = envelope_of(event);
  if (!event.trace.empty()) out.set("traceparent", traceparent_of(event.trace, random));
  return out;
}

// Tells `count` events from `first` on.
Status tell(std::string_view tenant, const std::vector<Untold>& events, std::size_t first,
            std::size_t count, const Deliver& deliver) {
  std::vector<Json> batch;
  for (std::size_t i = first; i < first + count; ++i) batch.push_back(events[i].event);
  return deliver(batch, [&](store::Transaction& transaction) -> Status {
    for (std::size_t i = first; i < first + count; ++i)
      outbox::leave(transaction, tenant, events[i].kind, events[i].work.ref, events[i].work.ref_n);
    return ok_status();
  });
}

}  // namespace

Json envelope_of(const Happened& event) {
  auto data = Json::parse(event.data);
  Json out = Json::object({{"specversion", "1.0"},
                           {"id", event.id},
                           {"source", event.source},
                           {"type", event_type(event.type)},
                           {"time", to_iso8601({event.at_ms})}});
  if (!event.subject.empty()) out.set("subject", event.subject);
  out.set("datacontenttype", "application/json");
  out.set("data", data.ok() ? *std::move(data) : Json::object());
  return out;
}

std::size_t tell_in_order(std::string_view tenant, const std::vector<Untold>& events,
                          const Deliver& deliver, Logger& log) {
  if (events.empty()) return 0;
  if (events.size() > 1 && tell(tenant, events, 0, events.size(), deliver).ok())
    return events.size();
  std::size_t count = 0;
  for (; count < events.size(); ++count) {
    const Status status = tell(tenant, events, count, 1, deliver);
    if (status.ok()) continue;
    log.warn("hub.event", {{"event", std::string_view(events[count].event["id"].as_string())},
                           {"code", status.error().code}});
    break;
  }
  return count;
}

std::size_t tell_due(const SessionParts& parts, std::string_view kind, FindEvent find,
                     const Deliver& deliver) {
  const auto untold = outbox::due_items<Untold>(
      parts.store, parts.tenant, kind, "", parts.clock.now().ms, kToldAtOnce,
      [&](store::Connection& connection, const outbox::Work& work,
          std::vector<Untold>& found) -> Status {
        RABT_TRY(event, find(connection, parts.tenant, work));
        if (event) found.push_back({with_trace(*event, parts.random), kind, work});
        return ok_status();
      });
  return untold.ok() ? tell_in_order(parts.tenant, *untold, deliver, parts.log) : 0;
}

}  // namespace rabt::consultation
