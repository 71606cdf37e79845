#include "hub/consultation/intents/teller.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/event_names.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/consultation/events/hub_events.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr Statement kUnsent{
    "SELECT tenant, session, seq, type, at_ms, data, trace FROM session_event WHERE sent = 0 ORDER "
    "BY at_ms, session, seq LIMIT $1"};
constexpr Statement kSent{
    "UPDATE session_event SET sent = 1 WHERE tenant = $1 AND session = $2 AND seq = $3"};

// Events told in one turn, all in one commit.
constexpr std::int64_t kBatch = 64;

// Events of which one visit has thousands.
bool is_often(std::string_view type) {
  return type == "message-sent" || type == "transcript-added" || type == "vitals-recorded";
}

}  // namespace

bool Teller::turn() {
  if (!deliver_) return false;
  const SessionParts& parts = acts_.parts();
  std::vector<Untold> untold;
  // Session and type of each.
  std::vector<std::pair<std::string, std::string>> about;
  const Status read = parts.store.read([&](store::Connection& connection) {
    untold.clear();
    about.clear();
    return connection.query(kUnsent, {kBatch}, [&](const Row& row) {
      const std::string session(row.text(1));
      const std::int64_t seq = row.integer(2);
      const std::string type(row.text(3));
      auto data = Json::parse(row.text(5));
      Json event = Json::object({{"specversion", "1.0"},
                                 {"id", session + "/" + std::to_string(seq)},
                                 {"source", "/hub/sessions"},
                                 {"type", event_type("session." + type)},
                                 {"time", to_iso8601({row.integer(4)})},
                                 {"subject", session},
                                 {"datacontenttype", "application/json"},
                                 {"data", data.ok() ? std::move(*data) : Json::object()}});
      if (const std::string trace(row.text(6)); !trace.empty())
        event.set("traceparent", traceparent_of(trace, parts.random));
      untold.push_back({std::move(event), [tenant = std::string(row.text(0)), session,
                                           seq](store::Transaction& transaction) {
                          return store::run(transaction, kSent, {tenant, session, seq});
                        }});
      about.emplace_back(session, type);
      return true;
    });
  });
  if (!read.ok()) return false;
  const std::size_t outside = tell_hub_events(parts.store, parts.random, parts.log, deliver_);
  const std::size_t told = tell_in_order(untold, deliver_, parts.log);
  for (std::size_t i = 0; i < told; ++i) {
    const auto& [session, type] = about[i];
    parts.log.log(is_often(type) ? LogLevel::debug : LogLevel::info, "session.told",
                  {{"session", session}, {"type", type}});
  }
  told_ += outside + told;
  return outside + told > 0;
}

}  // namespace rabt::consultation
