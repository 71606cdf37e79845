#include "hub/consultation/intents/teller.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/event_names.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr Statement kEvent{
    "SELECT type, at_ms, data, trace FROM session_event WHERE tenant = $1 AND session = $2 AND seq "
    "= $3"};

// Events told in one turn, all in one commit.
constexpr std::size_t kBatch = 64;

}  // namespace

bool Teller::turn() {
  if (!deliver_) return false;
  const SessionParts& parts = acts_.parts();
  std::vector<Untold> untold;
  const Status read = parts.store.read([&](store::Connection& connection) -> Status {
    untold.clear();
    std::vector<outbox::Work> waiting;
    RABT_TRY_STATUS(outbox::due(connection, parts.tenant, outbox::kEvent, "", parts.clock.now().ms,
                                kBatch, waiting));
    for (const outbox::Work& work : waiting) {
      RABT_TRY_STATUS(
          connection.query(kEvent, {parts.tenant, work.ref, work.ref_n}, [&](const Row& row) {
            const std::string type(row.text(0));
            auto data = Json::parse(row.text(2));
            Json event = Json::object({{"specversion", "1.0"},
                                       {"id", work.ref + "/" + std::to_string(work.ref_n)},
                                       {"source", "/hub/sessions"},
                                       {"type", event_type("session." + type)},
                                       {"time", to_iso8601({row.integer(1)})},
                                       {"subject", work.ref},
                                       {"datacontenttype", "application/json"},
                                       {"data", data.ok() ? std::move(*data) : Json::object()}});
            if (const std::string trace(row.text(3)); !trace.empty())
              event.set("traceparent", traceparent_of(trace, parts.random));
            untold.push_back({std::move(event), outbox::kEvent, work});
            return false;
          }));
    }
    return ok_status();
  });
  if (!read.ok()) return false;
  const std::size_t outside =
      tell_hub_events(parts.store, parts.tenant, parts.clock, parts.random, parts.log, deliver_);
  const std::size_t told = tell_in_order(parts.tenant, untold, deliver_, parts.log);
  told_ += outside + told;
  return outside + told > 0;
}

}  // namespace rabt::consultation
