#include "hub/consultation/intents/teller.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/intents/statements.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

// The event of work of the kind outbox::kEvent, as FindEvent.
Result<std::optional<Happened>> find_session_event(store::Connection& connection,
                                                   std::string_view tenant,
                                                   const outbox::Work& work) {
  std::optional<Happened> found;
  RABT_TRY_STATUS(connection.query(
      sql::intents::kSessionEvent, {tenant, work.ref, work.ref_n}, [&](const Row& row) {
        found = Happened{
            .id = work.ref + "/" + std::to_string(work.ref_n),
            .source = "/hub/sessions",
            .type = "session." + std::string(row.text(sql::intents::kSessionEvent["type"])),
            .at_ms = row.integer(sql::intents::kSessionEvent["at_ms"]),
            .subject = work.ref,
            .data = std::string(row.text(sql::intents::kSessionEvent["data"])),
            .trace = std::string(row.text(sql::intents::kSessionEvent["trace"]))};
        return false;
      }));
  return found;
}

}  // namespace

bool Teller::turn() {
  if (!deliver_) return false;
  std::size_t count = tell_due(acts_.parts(), outbox::kHubEvent, &find_hub_event, deliver_);
  count += tell_due(acts_.parts(), outbox::kEvent, &find_session_event, deliver_);
  told_ += count;
  return count > 0;
}

}  // namespace rabt::consultation
