#include "hub/consultation/messages/reports.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/gateway.hpp"
#include "hub/consultation/messages/statements.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

constexpr std::string_view kAsk = "notify.message.get";
constexpr std::string_view kOutcomeSent = "sent";
constexpr std::string_view kDelivered = "delivered";
constexpr std::string_view kUndelivered = "undelivered";
// No gateway has longer ids.
constexpr std::size_t kMaxMessageId = 200;

}  // namespace

Result<std::vector<MessageReports::Taken>> MessageReports::taken(
    const Session& session, const std::string& participant) const {
  std::vector<Taken> found;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kTakenMessages, {session.tenant, session.id, participant},
        [&](const Row& row) {
          if (const auto name = parse_message_name(row.text(sql::messages::kTakenMessages["kind"])))
            found.push_back(
                {.message = {.kind = name->kind,
                             .version = row.integer(sql::messages::kTakenMessages["version"]),
                             .at_ms = row.integer(sql::messages::kTakenMessages["at_ms"])},
                 .channel = name->channel,
                 .outcome = std::string(row.text(sql::messages::kTakenMessages["outcome"])),
                 .gateway_id = std::string(row.text(sql::messages::kTakenMessages["gateway_id"])),
                 .asked = row.integer(sql::messages::kTakenMessages["asked"]),
                 .followed_by =
                     std::string(row.text(sql::messages::kTakenMessages["followed_by"]))});
          return true;
        });
  }));
  return found;
}

std::optional<bool> MessageReports::ask(const Session& session, const Taken& taken) const {
  const SessionParts& parts = acts_.parts();
  plugin::CallRequest request;
  request.tenant = session.tenant;
  request.instance = session.id;
  request.role = std::string(kNotifyRole);
  request.action = std::string(kAsk);
  request.version = std::string(kNotifyVersion);
  request.arguments = Json::object({{"messageId", taken.gateway_id}});
  const std::string name = session.id + "/" + taken.gateway_id + "/" + std::to_string(taken.asked);
  request.idempotency_key = to_hex(crypto::sha256(name)).substr(0, 32);
  request.deadline_unix_ms = parts.clock.now().ms + kGatewayMs;
  const auto outcome = call_gateway(parts.actions, request);
  if (!outcome || outcome->kind != workflow::OutcomeKind::done) return std::nullopt;
  const std::string status = outcome->output.string_or("status", "");
  if (status == "delivered") return true;
  return status == "failed" ? std::optional(false) : std::nullopt;
}

Status MessageReports::enter(const Place& at, const std::string& gateway_id, bool delivered) {
  const SessionParts& parts = acts_.parts();
  if (delivered) {
    return parts.store.write(lane_of(at.session), [&](store::Transaction& transaction) {
      return store::run(
          transaction, sql::messages::kMessageArrived,
          {parts.tenant, at.session, at.participant, at.kind, at.version, gateway_id});
    });
  }
  const auto session = acts_.load(at.session);
  if (!session.ok())
    return session.error().kind == ErrorKind::not_found ? ok_status() : Status(session.error());
  const auto name = parse_message_name(at.kind);
  Json data = Json::object({{"participant", at.participant},
                            {"kind", name ? to_string(name->kind) : std::string_view(at.kind)}});
  if (name && name->channel != Channel::sms) data.set("channel", to_string(name->channel));
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, "messages"), *session);
  entry.act = "participant.told";
  entry.detail = data;
  entry.detail.set("outcome", kUndelivered);
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write(lane_of(at.session), [&](store::Transaction& transaction) -> Status {
    RABT_TRY(changed, transaction.execute(sql::messages::kMessageLost,
                                          {parts.tenant, at.session, at.participant, at.kind,
                                           at.version, gateway_id}));
    if (changed == 0) return ok_status();
    RABT_TRY_STATUS(acts_.add_event(transaction, *session, "message-undelivered", data));
    return parts.audit.append(transaction, prepared);
  });
}

Status MessageReports::take(const Json& event) {
  const std::string type = event.string_or("type", "");
  const bool delivered = type == "org.rabt.notify.message-delivered.v1";
  if (!delivered && type != "org.rabt.notify.message-failed.v1") return ok_status();
  const SessionParts& parts = acts_.parts();
  const std::string id = event["data"].string_or("messageId", "");
  RABT_TRY(found, places_of(id));
  for (const Place& at : found) {
    RABT_TRY_STATUS(enter(at, id, delivered));
    if (delivered && at.followed) RABT_TRY_STATUS(close_call(at.session));
  }
  if (!found.empty() || id.empty() || id.size() > kMaxMessageId) return ok_status();
  RABT_TRY_STATUS(keep(id, event.string_or("source", ""), delivered));
  // The gateway's answer may have come meanwhile.
  RABT_TRY(since, places_of(id));
  for (const Place& at : since) RABT_TRY_STATUS(take_early(at.session, at.participant));
  // The gateway's id says nothing of anybody; it is what an operator looks for.
  if (since.empty())
    parts.log.info("message.report_unmatched",
                   {{"type", type},
                    {"message", id},
                    {"why",
                     "no message has this id: the gateway's answer is not here yet, and the report "
                     "is kept for a day, or the message is a workflow's, or nobody's"}});
  return ok_status();
}

Result<std::vector<MessageReports::Place>> MessageReports::places_of(const std::string& id) const {
  std::vector<Place> found;
  RABT_TRY_STATUS(acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kMessageOfGateway, {acts_.parts().tenant, id}, [&](const Row& row) {
          found.push_back(
              {.session = std::string(row.text(sql::messages::kMessageOfGateway["session"])),
               .participant =
                   std::string(row.text(sql::messages::kMessageOfGateway["participant"])),
               .kind = std::string(row.text(sql::messages::kMessageOfGateway["kind"])),
               .version = row.integer(sql::messages::kMessageOfGateway["version"]),
               .followed = !row.text(sql::messages::kMessageOfGateway["followed_by"]).empty()});
          return true;
        });
  }));
  return found;
}

Status MessageReports::keep(const std::string& id, const std::string& gateway, bool delivered) {
  const SessionParts& parts = acts_.parts();
  const std::int64_t now = parts.clock.now().ms;
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, sql::messages::kKeepEarlyReport,
                               {parts.tenant, id, gateway, delivered ? 1 : 0, now}));
    std::int64_t until = now - kDayMs;
    RABT_TRY_STATUS(transaction.query(
        sql::messages::kOldestEarlyReport, {parts.tenant, gateway, limits::kMaxEarlyReports - 1},
        [&](const Row& row) {
          until = std::max(until, row.integer(sql::messages::kOldestEarlyReport["at_ms"]));
          return false;
        }));
    return store::run(transaction, sql::messages::kForgetOldEarlyReports,
                      {parts.tenant, gateway, until});
  });
}

Status MessageReports::take_early(const std::string& session, const std::string& participant) {
  const SessionParts& parts = acts_.parts();
  struct Early {
    Place at;
    std::string id;
    bool delivered = false;
  };
  std::vector<Early> found;
  const std::int64_t since = parts.clock.now().ms - kDayMs;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kEarlyReportsOf, {parts.tenant, session, participant, since},
        [&](const Row& row) {
          found.push_back(
              {.at = {.session = session,
                      .participant = participant,
                      .kind = std::string(row.text(sql::messages::kEarlyReportsOf["kind"])),
                      .version = row.integer(sql::messages::kEarlyReportsOf["version"])},
               .id = std::string(row.text(sql::messages::kEarlyReportsOf["gateway_id"])),
               .delivered = row.integer(sql::messages::kEarlyReportsOf["delivered"]) != 0});
          return true;
        });
  }));
  for (const Early& early : found) {
    RABT_TRY_STATUS(enter(early.at, early.id, early.delivered));
    RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) {
      return store::run(transaction, sql::messages::kForgetEarlyReport, {parts.tenant, early.id});
    }));
  }
  return ok_status();
}

Status MessageReports::close_call(const std::string& session) {
  const SessionParts& parts = acts_.parts();
  if (!parts.close_tasks) return ok_status();
  // The newest message of a kind, by any channel, says how its patient knows.
  struct Known {
    std::int64_t version = 0;
    bool lost = false;
    bool arrived = false;
  };
  std::map<std::pair<std::string, std::string>, Known> known;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::messages::kMessageOutcomes, {parts.tenant, session}, [&](const Row& row) {
          const auto name = parse_message_name(row.text(sql::messages::kMessageOutcomes["kind"]));
          const std::string kind(name ? to_string(name->kind)
                                      : row.text(sql::messages::kMessageOutcomes["kind"]));
          Known& one =
              known[{std::string(row.text(sql::messages::kMessageOutcomes["participant"])), kind}];
          if (one.version != row.integer(sql::messages::kMessageOutcomes["version"]))
            one = {.version = row.integer(sql::messages::kMessageOutcomes["version"])};
          one.lost =
              one.lost || row.text(sql::messages::kMessageOutcomes["outcome"]) == kUndelivered;
          one.arrived = one.arrived ||
                        row.text(sql::messages::kMessageOutcomes["outcome"]) == kOutcomeSent ||
                        row.text(sql::messages::kMessageOutcomes["outcome"]) == kDelivered;
          return true;
        });
  }));
  std::set<std::string> lost;
  for (const auto& [of, one] : known) {
    if (one.lost && !one.arrived) lost.insert(of.second);
  }
  const auto arrived = [&lost](const TaskContent& content) {
    const Json& messages = content.data["told"];
    return messages.is_array() && messages.size() > 0 &&
           std::all_of(
               messages.as_array().begin(), messages.as_array().end(), [&](const Json& item) {
                 const std::string outcome = item.string_or("outcome", "");
                 return outcome == kOutcomeSent ||
                        (outcome == kUndelivered && !lost.contains(item.string_or("kind", "")));
               });
  };
  return parts.close_tasks({.kind = "call",
                            .title = "patient.not-told",
                            .object = session,
                            .why = "message.delivered",
                            .passed = arrived});
}

Result<MessageReports::Followed> MessageReports::follow(const Session& session,
                                                        const std::string& participant,
                                                        const std::string& call) {
  const SessionParts& parts = acts_.parts();
  const bool answers = parts.actions.find(kNotifyRole, kAsk, kNotifyVersion).has_value();
  const Timestamp now = parts.clock.now();
  Followed out;
  RABT_TRY_STATUS(take_early(session.id, participant));
  RABT_TRY(all, taken(session, participant));
  for (Taken& one : all) {
    const std::int64_t until = useful_until(session, one.message);
    if (until <= now.ms) continue;
    const Place at{.session = session.id,
                   .participant = participant,
                   .kind = to_string(MessageName{.kind = one.message.kind, .channel = one.channel}),
                   .version = one.message.version};
    auto question = answers ? next_question(one.message, one.asked) : std::nullopt;
    if (one.outcome == kOutcomeSent && question && *question <= now.ms) {
      const auto arrived = ask(session, one);
      if (arrived) {
        RABT_TRY_STATUS(enter(at, one.gateway_id, *arrived));
        one.outcome = *arrived ? kDelivered : kUndelivered;
      } else {
        const store::Lane lane = lane_of(at.session);
        RABT_TRY_STATUS(parts.store.write(lane, [&](store::Transaction& transaction) {
          return store::run(transaction, sql::messages::kMessageAsked,
                            {session.tenant, at.session, at.participant, at.kind, at.version});
        }));
        question = next_question(one.message, one.asked + 1);
      }
    }
    if (one.outcome == kOutcomeSent) {
      // Without a question a report may come.
      const std::int64_t look_ms = std::min(question.value_or(until), until);
      out.next_ms = std::min(out.next_ms.value_or(look_ms), look_ms);
    }
    if (one.outcome != kUndelivered || (!one.followed_by.empty() && one.followed_by != call))
      continue;
    out.undelivered.push_back({.kind = one.message.kind, .channel = one.channel});
  }
  return out;
}

Status MessageReports::pass_on(const Session& session, const std::string& participant,
                               const MessageName& lost, const std::string& call) {
  return acts_.parts().store.write(lane_of(session.id), [&](store::Transaction& transaction) {
    return store::run(
        transaction, sql::messages::kMessageFollowed,
        {session.tenant, session.id, participant, to_string(lost), session.schedule.version, call});
  });
}

}  // namespace rabt::consultation
