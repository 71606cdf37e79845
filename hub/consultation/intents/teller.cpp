#include "hub/consultation/intents/teller.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/intents/statements.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

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
      RABT_TRY_STATUS(connection.query(
          sql::intents::kSessionEvent, {parts.tenant, work.ref, work.ref_n}, [&](const Row& row) {
            const Happened event{.id = work.ref + "/" + std::to_string(work.ref_n),
                                 .source = "/hub/sessions",
                                 .type = "session." + std::string(row.text(0)),
                                 .at_ms = row.integer(1),
                                 .subject = work.ref,
                                 .data = std::string(row.text(2))};
            untold.push_back({envelope_of(event, row.text(3), parts.random), outbox::kEvent, work});
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
