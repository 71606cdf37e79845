#include "hub/consultation/intents/teller.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/event_names.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr Statement kUnsent{
    "SELECT tenant, session, seq, type, at_ms, data, trace FROM session_event WHERE sent = 0 ORDER "
    "BY at_ms, session, seq LIMIT $1"};
constexpr Statement kSent{
    "UPDATE session_event SET sent = 1 WHERE tenant = $1 AND session = $2 AND seq = $3"};

// Events told in one turn.
constexpr std::int64_t kBatch = 64;

// Events of which one visit has thousands.
bool is_often(std::string_view type) {
  return type == "message-sent" || type == "transcript-added" || type == "vitals-recorded";
}

}  // namespace

bool Teller::turn() {
  if (!deliver_) return false;
  struct Unsent {
    std::string tenant;
    std::string session;
    std::int64_t seq = 0;
    std::string type;
    std::int64_t at_ms = 0;
    std::string data;
    std::string trace;
  };
  std::vector<Unsent> unsent;
  const Status read = acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(kUnsent, {kBatch}, [&](const Row& row) {
      unsent.push_back({.tenant = std::string(row.text(0)),
                        .session = std::string(row.text(1)),
                        .seq = row.integer(2),
                        .type = std::string(row.text(3)),
                        .at_ms = row.integer(4),
                        .data = std::string(row.text(5)),
                        .trace = std::string(row.text(6))});
      return true;
    });
  });
  if (!read.ok()) return false;
  const std::size_t outside =
      tell_hub_events(acts_.parts().store, acts_.parts().random, acts_.parts().log, deliver_);
  told_ += outside;
  const bool any = outside > 0;
  // Data of the events that were told.
  std::vector<Json> delivered;
  for (const Unsent& one : unsent) {
    auto data = Json::parse(one.data);
    const std::string id = one.session + "/" + std::to_string(one.seq);
    engine::Delivery delivery;
    delivery.tenant = one.tenant;
    delivery.source = "hub";
    delivery.dedupe_id = id;
    delivery.body_sha256 = std::string(as_text(crypto::sha256(one.data)));
    delivery.events.push_back(
        Json::object({{"specversion", "1.0"},
                      {"id", id},
                      {"source", "/hub/sessions"},
                      {"type", event_type("session." + one.type)},
                      {"time", to_iso8601({one.at_ms})},
                      {"subject", one.session},
                      {"datacontenttype", "application/json"},
                      {"data", data.ok() ? std::move(*data) : Json::object()}}));
    if (!one.trace.empty()) {
      delivery.events.front().set("traceparent", traceparent_of(one.trace, acts_.parts().random));
    }
    if (const Status told = deliver_(delivery); !told.ok()) {
      acts_.parts().log.warn("session.event",
                             {{"session", one.session}, {"code", told.error().code}});
      break;
    }
    delivered.push_back(delivery.events.front()["data"]);
  }
  if (delivered.empty()) return any;
  // The same delivery again is known to whoever takes it: told once, whenever we stop before this
  // commit.
  const Status marked = acts_.parts().store.write([&](store::Transaction& transaction) {
    for (std::size_t i = 0; i < delivered.size(); ++i)
      transaction.put(kSent, {unsent[i].tenant, unsent[i].session, unsent[i].seq});
    return ok_status();
  });
  if (!marked.ok()) return any;
  for (std::size_t i = 0; i < delivered.size(); ++i) {
    ++told_;
    acts_.parts().log.log(is_often(unsent[i].type) ? LogLevel::debug : LogLevel::info,
                          "session.told",
                          {{"session", unsent[i].session}, {"type", unsent[i].type}});
    acts_.figures().told(unsent[i].type, delivered[i]);
  }
  return true;
}

}  // namespace rabt::consultation
