#include "hub/api/delivery_outcomes.hpp"

#include <utility>
#include <vector>

#include "hub/api/answers.hpp"
#include "hub/api/statements.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/number.hpp"
#include "hub/keys/retention.hpp"

namespace rabt::api {

namespace {

constexpr std::array<std::string_view, 4> kNames = {"signature", "unreadable", "not_taken",
                                                    "unused"};
constexpr std::int64_t kListed = 100;
constexpr std::int64_t kMaxListed = 1'000;
constexpr std::size_t kUidBytes = 16;
constexpr std::size_t kMaxReason = 512;

crypto::SealContext context(std::string_view tenant, std::string_view uid,
                            std::string_view field = "body") {
  return {.tenant = tenant, .table = "delivery_outcome", .row = uid, .field = field};
}

Json entry_of(const store::Row& row) {
  Json out = Json::object({{"id", row.integer(sql::kListOutcome["id"])},
                           {"source", row.text(sql::kListOutcome["source"])},
                           {"outcome", row.text(sql::kListOutcome["outcome"])},
                           {"at", to_iso8601({row.integer(sql::kListOutcome["at_ms"])})},
                           {"client", row.text(sql::kListOutcome["client"])},
                           {"request", row.text(sql::kListOutcome["request"])},
                           {"code", row.text(sql::kListOutcome["code"])},
                           {"reason", row.text(sql::kListOutcome["reason"])},
                           {"length", row.integer(sql::kListOutcome["length"])},
                           {"bodyKept", row.integer(sql::kListOutcome["kept"]) != 0}});
  if (row.text(sql::kListOutcome["settled"]).empty()) return out;
  out.set("settled", row.text(sql::kListOutcome["settled"]));
  if (!row.text(sql::kListOutcome["became"]).empty())
    out.set("became", row.text(sql::kListOutcome["became"]));
  out.set("settledBy", row.text(sql::kListOutcome["settled_by"]));
  out.set("settledAt", to_iso8601({row.integer(sql::kListOutcome["settled_ms"])}));
  return out;
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  return kNames.at(static_cast<std::size_t>(outcome));
}

void DeliveryOutcomes::note(const LostDelivery& lost) {
  ++counts_.at(static_cast<std::size_t>(lost.outcome));
  if (lost.outcome == Outcome::unreadable || lost.outcome == Outcome::not_taken) {
    const Lock lock(mutex_);
    ++lost_[std::string(lost.source)];
  }
  std::array<std::uint8_t, kUidBytes> random{};
  parts_.random.fill(random);
  const std::string uid(random.begin(), random.end());
  std::string data_key;
  std::string sealed;
  std::string envelope;
  const bool keeps =
      lost.outcome == Outcome::unreadable || (lost.outcome == Outcome::not_taken && lost.for_good);
  if (keeps && lost.body.size() <= kMaxKeptBody) {
    if (const auto key = parts_.keys.shared(parts_.tenant, keys::kEvent); key.ok()) {
      data_key = std::string((*key)->id());
      sealed = (*key)->seal(context(parts_.tenant, uid), lost.body, parts_.random);
      if (lost.envelope != nullptr) {
        envelope = (*key)->seal(
            context(parts_.tenant, uid, "envelope"),
            Json::object({{"envelope", *lost.envelope}, {"dedupe", lost.dedupe}}).dump(),
            parts_.random);
      }
    }
  }
  parts_.store.submit(
      store::Store::Need::droppable,
      [tenant = parts_.tenant, source = std::string(lost.source), outcome = to_string(lost.outcome),
       at = parts_.clock.now().ms, client = std::string(lost.client),
       request = std::string(lost.request), code = std::string(lost.code),
       reason = std::string(lost.reason.substr(0, kMaxReason)),
       length = static_cast<std::int64_t>(lost.body.size()), uid, data_key, sealed,
       envelope](store::Transaction& transaction) -> Status {
        transaction.put(
            sql::kInsertOutcome,
            {tenant, source, outcome, at, client, request, code, reason, length, store::Blob{uid},
             store::Blob{data_key}, store::Blob{sealed}, store::Blob{envelope}});
        transaction.put(sql::kCountOutcome, {tenant, source, outcome});
        if (!data_key.empty())
          transaction.put(sql::kDropBodies, {tenant, source, kKeptBodies, store::Blob{""}});
        transaction.put(sql::kDropOldestOutcomes, {tenant, source, kKeptOutcomes});
        return ok_status();
      },
      [](const Status& /*status*/) {});
}

void DeliveryOutcomes::remove_old() {
  const std::int64_t before = parts_.clock.now().ms - kBodyKeptMs;
  parts_.store.submit(
      store::Store::Need::droppable,
      [before](store::Transaction& transaction) -> Status {
        transaction.put(sql::kDropOldBodies, {before, store::Blob{""}});
        return ok_status();
      },
      [](const Status& /*status*/) {});
}

Result<http::Response> DeliveryOutcomes::list(const Call& call) const {
  const auto source = call.request.parameter("source");
  std::int64_t limit = kListed;
  if (const auto wanted = call.request.parameter("limit")) {
    const auto number = read_number<std::int64_t>(*wanted);
    if (!number || *number < 1 || *number > kMaxListed)
      return invalid("api.invalid",
                     "limit: it must be a number from 1 to " + std::to_string(kMaxListed));
    limit = *number;
  }
  std::optional<std::int64_t> one;
  if (const auto wanted = call.request.parameter("id")) {
    one = read_number<std::int64_t>(*wanted);
    if (!one) return invalid("api.invalid", "id: it must be a number");
  }
  Json items = Json::array();
  Json totals = Json::array();
  const auto add = [&items](const store::Row& row) {
    items.push_back(entry_of(row));
    return true;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(one      ? connection.query(sql::kListOutcome, {parts_.tenant, *one}, add)
                    : source ? connection.query(sql::kListOutcomesOfSource,
                                                {parts_.tenant, limit, *source}, add)
                             : connection.query(sql::kListOutcomes, {parts_.tenant, limit}, add));
    return connection.query(sql::kOutcomeTotals, {parts_.tenant}, [&](const store::Row& row) {
      if (!source || row.text(sql::kOutcomeTotals["source"]) == *source)
        totals.push_back(Json::object({{"source", row.text(sql::kOutcomeTotals["source"])},
                                       {"outcome", row.text(sql::kOutcomeTotals["outcome"])},
                                       {"total", row.integer(sql::kOutcomeTotals["total"])}}));
      return true;
    });
  }));
  return json_response(200,
                       Json::object({{"items", std::move(items)}, {"totals", std::move(totals)}}));
}

Result<std::vector<std::pair<std::string, Tally>>> DeliveryOutcomes::lately(
    Timestamp unreadable_since, Timestamp since) const {
  std::vector<std::pair<std::string, Tally>> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kOutcomesLately, {parts_.tenant, unreadable_since.ms, since.ms},
        [&](const store::Row& row) {
          out.emplace_back(std::string(row.text(sql::kOutcomesLately["outcome"])),
                           Tally{.of = std::string(row.text(sql::kOutcomesLately["source"])),
                                 .count = row.integer(sql::kOutcomesLately["count"]),
                                 .oldest = {row.integer(sql::kOutcomesLately["first_at_ms"])}});
          return true;
        });
  }));
  return out;
}

Result<std::string> DeliveryOutcomes::body(std::int64_t id) const {
  std::string uid;
  std::string data_key;
  std::string sealed;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadBody, {id, parts_.tenant}, [&](const store::Row& row) {
      uid = std::string(row.blob(sql::kReadBody["uid"]));
      data_key = std::string(row.blob(sql::kReadBody["data_key"]));
      sealed = std::string(row.blob(sql::kReadBody["sealed"]));
      return false;
    });
  }));
  if (data_key.empty())
    return not_found("delivery.body", "no body of this delivery is kept; it is kept for 7 days");
  RABT_TRY(key, parts_.keys.open(parts_.tenant, data_key));
  return key->open(context(parts_.tenant, uid), sealed);
}

Result<KeptDelivery> DeliveryOutcomes::kept(std::int64_t id) const {
  KeptDelivery out;
  std::string uid;
  std::string data_key;
  std::string body;
  std::string envelope;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadKept, {id, parts_.tenant}, [&](const store::Row& row) {
      uid = std::string(row.blob(sql::kReadKept["uid"]));
      data_key = std::string(row.blob(sql::kReadKept["data_key"]));
      body = std::string(row.blob(sql::kReadKept["sealed"]));
      envelope = std::string(row.blob(sql::kReadKept["envelope"]));
      out.source = std::string(row.text(sql::kReadKept["source"]));
      out.client = std::string(row.text(sql::kReadKept["client"]));
      out.request = std::string(row.text(sql::kReadKept["request"]));
      out.settled = std::string(row.text(sql::kReadKept["settled"]));
      return false;
    });
  }));
  if (data_key.empty())
    return not_found("delivery.body", "no body of this delivery is kept; it is kept for 7 days");
  RABT_TRY(key, parts_.keys.open(parts_.tenant, data_key));
  RABT_TRY(opened, key->open(context(parts_.tenant, uid), body));
  RABT_TRY(how, key->open(context(parts_.tenant, uid, "envelope"), envelope));
  RABT_TRY(came, Json::parse(how));
  out.body = std::move(opened);
  out.envelope = came["envelope"];
  out.dedupe = came.string_or("dedupe", "");
  return out;
}

Result<std::vector<repair::Deliveries::One>> DeliveryOutcomes::oldest(
    const repair::DeliveryFilter& filter, std::size_t limit) const {
  std::vector<repair::Deliveries::One> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(
        sql::kOldestKept,
        {parts_.tenant, filter.source, filter.code, filter.since ? filter.since->ms : INT64_MIN,
         filter.until ? filter.until->ms : INT64_MAX, static_cast<std::int64_t>(limit)},
        [&](const store::Row& row) {
          out.push_back({.id = row.integer(sql::kOldestKept["id"]),
                         .source = std::string(row.text(sql::kOldestKept["source"])),
                         .at = {row.integer(sql::kOldestKept["at_ms"])}});
          return true;
        });
  }));
  return out;
}

Status DeliveryOutcomes::settle(store::Transaction& transaction, const Settled& how) const {
  RABT_TRY(changed,
           transaction.execute(sql::kSettleOutcome, {how.id, parts_.tenant, how.as, how.became,
                                                     how.by, parts_.clock.now().ms}));
  if (changed == 1) return ok_status();
  bool there = false;
  RABT_TRY_STATUS(
      transaction.query(sql::kOutcomeIsThere, {how.id, parts_.tenant}, [&](const store::Row&) {
        there = true;
        return false;
      }));
  if (!there) return not_found("delivery.unknown", "there is no delivery with this number");
  return conflict("delivery.discarded", "the delivery was discarded");
}

std::map<std::string, std::uint64_t> DeliveryOutcomes::lost() const {
  const Lock lock(mutex_);
  return lost_;
}

void DeliveryOutcomes::write_metrics(MetricsWriter& out) const {
  out.counters("rabt_deliveries_lost_total", "Deliveries that came to nothing, by outcome.");
  for (std::size_t i = 0; i < kNames.size(); ++i)
    out.sample("rabt_deliveries_lost_total", {{"outcome", std::string(kNames.at(i))}},
               counts_.at(i).load());
}

}  // namespace rabt::api
