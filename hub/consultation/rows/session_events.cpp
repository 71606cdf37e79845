#include "hub/base/check.hpp"
#include "hub/base/event_names.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/rows/session_rows.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/outbox/outbox.hpp"

// Events of sessions.
namespace rabt::consultation {

namespace {

using store::Row;

}  // namespace

Result<SessionRows::EventPage> SessionRows::events(std::string_view tenant,
                                                   std::string_view session,
                                                   std::int64_t after) const {
  EventPage page;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    page = {};
    std::size_t bytes = 0;
    return connection.query(
        sql::rows::kEvents, {tenant, session, after, limits::kMaxPageItems + 1},
        [&](const Row& row) {
          bytes += row.text(sql::rows::kEvents["data"]).size();
          const auto items = static_cast<std::int64_t>(page.events.size());
          page.more =
              items > 0 && (bytes > limits::kMaxPageBytes || items == limits::kMaxPageItems);
          if (page.more) return false;
          auto data = Json::parse(row.text(sql::rows::kEvents["data"]));
          page.events.push_back({.seq = row.integer(sql::rows::kEvents["seq"]),
                                 .type = std::string(row.text(sql::rows::kEvents["type"])),
                                 .at_ms = row.integer(sql::rows::kEvents["at_ms"]),
                                 .actor = std::string(row.text(sql::rows::kEvents["actor"])),
                                 .data = data.ok() ? std::move(*data) : Json::object()});
          return true;
        });
  }));
  return page;
}

Result<std::int64_t> SessionRows::add_event(store::Transaction& transaction,
                                            std::string_view tenant, std::string_view session,
                                            std::string_view type, Timestamp at,
                                            std::string_view actor, std::string_view trace,
                                            const Json& data, bool wanted) {
  if (!is_event_name("session." + std::string(type)))
    RABT_BUG("an event that hub/base/event_names.cpp does not list");
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kCountEvent, {tenant, session}));
  std::int64_t seq = 0;
  RABT_TRY_STATUS(
      transaction.query(sql::rows::kEventNumber, {tenant, session}, [&](const Row& row) {
        seq = row.integer(sql::rows::kEventNumber["events"]);
        return false;
      }));
  const std::string text = data.dump();
  RABT_TRY_STATUS(
      store::run(transaction, sql::rows::kPutEvent,
                 {tenant, session, seq, type, at.ms, actor, std::string_view(text), trace}));
  if (wanted) {
    RABT_TRY_STATUS(
        outbox::put(transaction, tenant,
                    {.kind = outbox::kEvent, .ref = session, .ref_n = seq, .put_ms = at.ms}));
  }
  return seq;
}

}  // namespace rabt::consultation
