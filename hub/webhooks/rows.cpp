#include "hub/webhooks/rows.hpp"

#include "hub/outbox/outbox.hpp"
#include "hub/webhooks/statements.hpp"

namespace rabt::webhooks {

namespace {

using store::Blob;
using store::Row;

std::string text(const Row& row, int column) {
  return std::string(row.text(column));
}

Delivery read_delivery(const Row& row) {
  Delivery out;
  out.id = text(row, sql::kFindDelivery["id"]);
  out.webhook = text(row, sql::kFindDelivery["webhook"]);
  out.event = text(row, sql::kFindDelivery["event"]);
  out.type = text(row, sql::kFindDelivery["type"]);
  out.body = text(row, sql::kFindDelivery["body"]);
  out.state = text(row, sql::kFindDelivery["state"]);
  out.attempts = row.integer(sql::kFindDelivery["attempts"]);
  out.created_ms = row.integer(sql::kFindDelivery["created_ms"]);
  if (!row.is_null(sql::kFindDelivery["tried_ms"]))
    out.tried_ms = row.integer(sql::kFindDelivery["tried_ms"]);
  out.status = row.integer(sql::kFindDelivery["status"]);
  out.code = text(row, sql::kFindDelivery["code"]);
  out.topic = text(row, sql::kFindDelivery["topic"]);
  out.subject = text(row, sql::kFindDelivery["subject"]);
  out.trace = text(row, sql::kFindDelivery["trace"]);
  return out;
}

Status name_is_free(store::Transaction& transaction, std::string_view tenant,
                    const Endpoint& endpoint) {
  std::string other;
  RABT_TRY_STATUS(
      transaction.query(sql::kEndpointNamed, {tenant, endpoint.name}, [&](const Row& row) {
        other = text(row, sql::kEndpointNamed["id"]);
        return false;
      }));
  if (other.empty() || other == endpoint.id) return ok_status();
  return conflict("webhook.name_taken", "another webhook has this name; choose another one");
}

}  // namespace

Result<std::vector<Endpoint>> read_endpoints(store::Store& store, std::string_view tenant) {
  std::vector<Endpoint> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kEndpoints, {tenant}, [&](const Row& row) {
      Endpoint& endpoint = out.emplace_back();
      endpoint.id = text(row, sql::kEndpoints["id"]);
      endpoint.name = text(row, sql::kEndpoints["name"]);
      endpoint.configured = row.text(sql::kEndpoints["origin"]) == "configuration";
      endpoint.url = text(row, sql::kEndpoints["url"]);
      if (const auto wants = Json::parse(row.text(sql::kEndpoints["wants"])); wants.ok())
        endpoint.wants = read_wants(*wants);
      endpoint.state = text(row, sql::kEndpoints["state"]);
      endpoint.version = row.integer(sql::kEndpoints["version"]);
      endpoint.created_ms = row.integer(sql::kEndpoints["created_ms"]);
      endpoint.updated_ms = row.integer(sql::kEndpoints["updated_ms"]);
      endpoint.data_key = std::string(row.blob(sql::kEndpoints["data_key"]));
      endpoint.sealed = std::string(row.blob(sql::kEndpoints["sealed"]));
      return true;
    });
  }));
  return out;
}

Status insert_endpoint(store::Transaction& transaction, std::string_view tenant,
                       const Endpoint& endpoint) {
  RABT_TRY_STATUS(name_is_free(transaction, tenant, endpoint));
  const std::string wants = to_json(endpoint.wants).dump();
  RABT_TRY(inserted,
           transaction.execute(
               sql::kInsertEndpoint,
               {tenant, endpoint.id, endpoint.name, endpoint.configured ? "configuration" : "api",
                endpoint.url, wants, endpoint.state, endpoint.version, endpoint.created_ms,
                endpoint.updated_ms, Blob{endpoint.data_key}, Blob{endpoint.sealed}}));
  if (inserted == 1) return ok_status();
  return conflict(std::string(store::kRaced), "the name was taken by another writer");
}

Status update_endpoint(store::Transaction& transaction, std::string_view tenant,
                       const Endpoint& endpoint) {
  RABT_TRY_STATUS(name_is_free(transaction, tenant, endpoint));
  const std::string wants = to_json(endpoint.wants).dump();
  RABT_TRY(changed, transaction.execute(sql::kUpdateEndpoint,
                                        {tenant, endpoint.id, endpoint.name, endpoint.url, wants,
                                         endpoint.state, endpoint.version, endpoint.updated_ms,
                                         Blob{endpoint.data_key}, Blob{endpoint.sealed}}));
  if (changed == 1) return ok_status();
  return conflict("precondition.failed", "somebody else has changed the webhook meanwhile");
}

Status delete_endpoint(store::Transaction& transaction, std::string_view tenant,
                       std::string_view id) {
  outbox::leave_all(transaction, tenant, outbox::kWebhook, id);
  RABT_TRY_STATUS(store::run(transaction, sql::kDeleteDeliveries, {tenant, id}));
  return store::run(transaction, sql::kDeleteEndpoint, {tenant, id});
}

Status insert_delivery(store::Transaction& transaction, std::string_view tenant,
                       const Delivery& delivery) {
  RABT_TRY(inserted, transaction.execute(sql::kInsertDelivery,
                                         {tenant, delivery.id, delivery.webhook, delivery.event,
                                          delivery.type, delivery.body, delivery.created_ms,
                                          delivery.topic, delivery.subject, delivery.trace}));
  if (inserted == 0) return ok_status();
  return outbox::put(transaction, tenant,
                     {.kind = outbox::kWebhook,
                      .target = delivery.webhook,
                      .subject = delivery.subject,
                      .ref = delivery.id,
                      .put_ms = delivery.created_ms,
                      .due_ms = delivery.created_ms});
}

Result<std::vector<Delivery>> due_deliveries(store::Store& store, std::string_view tenant,
                                             std::string_view webhook, std::int64_t now_ms,
                                             std::size_t limit) {
  return outbox::due_items<Delivery>(
      store, tenant, outbox::kWebhook, webhook, now_ms, limit,
      [&](store::Connection& connection, const outbox::Work& work, std::vector<Delivery>& found) {
        return connection.query(sql::kFindDelivery, {tenant, webhook, work.ref},
                                [&](const Row& row) {
                                  Delivery delivery = read_delivery(row);
                                  if (delivery.state == "open")
                                    found.push_back(std::move(delivery));
                                  return false;
                                });
      });
}

Status write_attempt(store::Transaction& transaction, std::string_view tenant,
                     const Attempt& attempt) {
  RABT_TRY(written, transaction.execute(sql::kAttemptDelivery,
                                        {tenant, attempt.id, attempt.state, attempt.attempts,
                                         attempt.tried_ms, attempt.status, attempt.code}));
  // A delivery that was given up meanwhile waits no more.
  if (written == 0 || attempt.state != "open") {
    outbox::leave(transaction, tenant, outbox::kWebhook, attempt.id);
  } else {
    outbox::again(transaction, tenant, outbox::kWebhook, {attempt.id, 0}, attempt.attempts,
                  attempt.due_ms);
  }
  return ok_status();
}

Status kill_open(store::Transaction& transaction, std::string_view tenant, std::string_view webhook,
                 std::string_view code) {
  outbox::leave_all(transaction, tenant, outbox::kWebhook, webhook);
  return store::run(transaction, sql::kKillDeliveries, {tenant, webhook, code});
}

Result<std::int64_t> open_again(store::Transaction& transaction, std::string_view tenant,
                                std::string_view webhook, const Again& again, std::int64_t now_ms) {
  const auto open = [&]() -> Result<std::int64_t> {
    if (!again.delivery.empty())
      return transaction.execute(sql::kAgainOne, {tenant, webhook, again.delivery, now_ms});
    if (again.since_ms)
      return transaction.execute(sql::kAgainSince, {tenant, webhook, now_ms, *again.since_ms});
    return transaction.execute(sql::kAgainDead, {tenant, webhook, now_ms});
  };
  RABT_TRY(opened, open());
  struct Open {
    std::string id;
    std::string subject;
    std::int64_t opened_ms = 0;
  };
  std::vector<Open> all;
  bool in_order = false;
  RABT_TRY_STATUS(transaction.query(sql::kOpenDeliveries, {tenant, webhook}, [&](const Row& row) {
    all.push_back({text(row, sql::kOpenDeliveries["id"]),
                   text(row, sql::kOpenDeliveries["subject"]),
                   row.integer(sql::kOpenDeliveries["opened_ms"])});
    in_order = in_order || !all.back().subject.empty();
    return true;
  }));
  // Deliveries that wait for each other are put anew, all of them: in the order of their events.
  if (in_order) outbox::leave_all(transaction, tenant, outbox::kWebhook, webhook);
  for (const Open& one : all) {
    if (!in_order && one.opened_ms != now_ms) continue;
    RABT_TRY_STATUS(outbox::put(transaction, tenant,
                                {.kind = outbox::kWebhook,
                                 .target = webhook,
                                 .subject = one.subject,
                                 .ref = one.id,
                                 .put_ms = one.opened_ms,
                                 .due_ms = now_ms}));
  }
  return opened;
}

Result<std::int64_t> discard_dead(store::Transaction& transaction, std::string_view tenant,
                                  std::string_view webhook, std::string_view delivery) {
  if (delivery.empty()) return transaction.execute(sql::kDiscardDead, {tenant, webhook});
  return transaction.execute(sql::kDiscardOne, {tenant, webhook, delivery});
}

Result<std::vector<Delivery>> list_deliveries(store::Store& store, std::string_view tenant,
                                              std::string_view webhook, std::string_view state,
                                              std::string_view before, std::size_t limit) {
  std::vector<Delivery> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kListDeliveries,
                            {tenant, webhook, state, before, static_cast<std::int64_t>(limit)},
                            [&](const Row& row) {
                              out.push_back(read_delivery(row));
                              return true;
                            });
  }));
  return out;
}

Result<std::optional<Delivery>> find_delivery(store::Store& store, std::string_view tenant,
                                              std::string_view webhook, std::string_view id) {
  std::optional<Delivery> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindDelivery, {tenant, webhook, id}, [&](const Row& row) {
      found = read_delivery(row);
      return false;
    });
  }));
  return found;
}

Status sweep(store::Transaction& transaction, std::string_view tenant, std::int64_t dead_before,
             std::int64_t done_before, std::int64_t gone_before) {
  RABT_TRY_STATUS(store::run(transaction, sql::kExpireDeliveries, {dead_before}));
  outbox::leave_older(transaction, tenant, outbox::kWebhook, dead_before);
  RABT_TRY_STATUS(store::run(transaction, sql::kSweepDeliveries, {"done", done_before}));
  RABT_TRY_STATUS(store::run(transaction, sql::kSweepDeliveries, {"discarded", gone_before}));
  return store::run(transaction, sql::kSweepDeliveries, {"dead", gone_before});
}

Result<std::vector<GivenUp>> dead_deliveries(store::Store& store, std::string_view tenant) {
  std::vector<GivenUp> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kGivenUp, {tenant}, [&](const Row& row) {
      out.push_back({.events = {.of = std::string(row.text(sql::kGivenUp["name"])),
                                .count = row.integer(sql::kGivenUp["count"]),
                                .oldest = {row.integer(sql::kGivenUp["first_created_ms"])}},
                     .state = std::string(row.text(sql::kGivenUp["state"]))});
      return true;
    });
  }));
  return out;
}

Result<Counts> count_deliveries(store::Store& store, std::string_view tenant,
                                std::string_view webhook) {
  Counts out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(
        connection.query(sql::kCountDeliveries, {tenant, webhook, "open"}, [&](const Row& row) {
          out.open = row.integer(sql::kCountDeliveries["count"]);
          if (!row.is_null(sql::kCountDeliveries["first_created_ms"]))
            out.oldest_ms = row.integer(sql::kCountDeliveries["first_created_ms"]);
          return false;
        }));
    return connection.query(sql::kCountDeliveries, {tenant, webhook, "dead"}, [&](const Row& row) {
      out.dead = row.integer(sql::kCountDeliveries["count"]);
      return false;
    });
  }));
  return out;
}

Result<std::vector<Untold>> untold(store::Store& store, std::string_view tenant) {
  std::vector<Untold> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kUntold, {tenant}, [&](const Row& row) {
      out.push_back({.name = text(row, sql::kUntold["name"]),
                     .dead = row.integer(sql::kUntold["dead_count"]),
                     .oldest_ms = {}});
      if (!row.is_null(sql::kUntold["oldest_open_ms"]))
        out.back().oldest_ms = row.integer(sql::kUntold["oldest_open_ms"]);
      return true;
    });
  }));
  return out;
}

}  // namespace rabt::webhooks
