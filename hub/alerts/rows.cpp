#include "hub/alerts/rows.hpp"

#include "hub/alerts/statements.hpp"

namespace rabt::alerts {

namespace {

using store::Blob;
using store::Null;
using store::Row;
using store::Statement;
using store::Value;

// A telling is tried for a day; its row is kept a week for whoever asks why nobody was told.
constexpr std::int64_t kTellingKeptMs = 7LL * 24 * 3600 * 1000;

std::string text(const Row& row, int column) {
  return std::string(row.text(column));
}

std::optional<std::int64_t> maybe(const Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

Value or_null(const std::optional<std::int64_t>& value) {
  return value ? Value(*value) : Value(Null{});
}

Alert alert_of(const Row& row) {
  return {
      .id = text(row, sql::kLivingAlerts["id"]),
      .rule = text(row, sql::kLivingAlerts["rule"]),
      .object = text(row, sql::kLivingAlerts["object"]),
      .severity = parse_severity(row.text(sql::kLivingAlerts["severity"])).value_or(Severity::warn),
      .value = row.integer(sql::kLivingAlerts["value"]),
      .worst = row.integer(sql::kLivingAlerts["worst"]),
      .opened_ms = row.integer(sql::kLivingAlerts["opened_ms"]),
      .last_ms = row.integer(sql::kLivingAlerts["last_ms"]),
      .count = row.integer(sql::kLivingAlerts["count"]),
      .told_ms = maybe(row, sql::kLivingAlerts["told_ms"]),
      .told_severity =
          parse_severity(row.text(sql::kLivingAlerts["told_severity"])).value_or(Severity::warn),
      .closed_ms = maybe(row, sql::kLivingAlerts["closed_ms"]),
      .over = row.integer(sql::kLivingAlerts["over"]) != 0,
      .acked_by = text(row, sql::kLivingAlerts["acked_by"]),
      .acked_ms = maybe(row, sql::kLivingAlerts["acked_ms"]),
      .data_key = std::string(row.blob(sql::kLivingAlerts["data_key"])),
      .sealed = std::string(row.blob(sql::kLivingAlerts["sealed"]))};
}

Telling telling_of(const Row& row) {
  const auto facts = Json::parse(row.text(sql::kUntoldTellings["facts"]));
  return {.id = text(row, sql::kUntoldTellings["id"]),
          .way = parse_way(row.text(sql::kUntoldTellings["way"])).value_or(Way::webhook),
          .target = row.integer(sql::kUntoldTellings["target"]),
          .facts = read_facts(facts.ok() ? *facts : Json::object()),
          .state = text(row, sql::kUntoldTellings["state"]),
          .attempts = row.integer(sql::kUntoldTellings["attempts"]),
          .at_ms = row.integer(sql::kUntoldTellings["at_ms"]),
          .due_ms = row.integer(sql::kUntoldTellings["due_ms"]),
          .code = text(row, sql::kUntoldTellings["code"])};
}

// Appends each row of a statement.
template <class Item, class Make>
Status read_all(store::Connection& connection, const Statement& statement,
                std::initializer_list<Value> values, std::vector<Item>& out, Make make) {
  return connection.query(statement, values, [&](const Row& row) {
    out.push_back(make(row));
    return true;
  });
}

}  // namespace

Result<std::vector<Alert>> read_living(store::Store& store, std::string_view tenant) {
  std::vector<Alert> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return read_all(connection, sql::kLivingAlerts, {tenant}, out, alert_of);
  }));
  return out;
}

Status put(store::Transaction& transaction, std::string_view tenant, const Alert& alert) {
  return store::run(
      transaction, sql::kPutAlert,
      {tenant, alert.id, alert.rule, alert.object, to_string(alert.severity), alert.value,
       alert.worst, alert.opened_ms, alert.last_ms, alert.count, or_null(alert.told_ms),
       to_string(alert.told_severity), or_null(alert.closed_ms),
       static_cast<std::int64_t>(alert.over), alert.acked_by, or_null(alert.acked_ms),
       Blob{alert.data_key}, Blob{alert.sealed}});
}

Result<std::vector<Alert>> list_alerts(store::Store& store, std::string_view tenant,
                                       const AlertFilter& filter, std::string_view before,
                                       std::size_t limit) {
  std::vector<Alert> out;
  const auto most = static_cast<std::int64_t>(limit);
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    if (filter.rule.empty())
      return read_all(connection, filter.all ? sql::kEachAlert : sql::kOpenAlerts,
                      {tenant, before, most}, out, alert_of);
    return read_all(connection, filter.all ? sql::kEachAlertOfRule : sql::kOpenAlertsOfRule,
                    {tenant, before, most, filter.rule}, out, alert_of);
  }));
  return out;
}

Result<std::optional<Alert>> find_alert(store::Store& store, std::string_view tenant,
                                        std::string_view id) {
  std::vector<Alert> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return read_all(connection, sql::kFindAlert, {tenant, id}, found, alert_of);
  }));
  if (found.empty()) return std::optional<Alert>();
  return std::optional<Alert>(std::move(found.front()));
}

Result<std::vector<Telling>> read_tellings(store::Store& store, std::string_view tenant,
                                           std::int64_t since_ms) {
  std::vector<Telling> out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(read_all(connection, sql::kUntoldTellings, {tenant}, out, telling_of));
    return read_all(connection, sql::kToldSince, {tenant, since_ms}, out, telling_of);
  }));
  return out;
}

Status put(store::Transaction& transaction, std::string_view tenant, const Telling& telling) {
  const std::string facts = to_json(telling.facts).dump();
  return store::run(
      transaction, sql::kPutTelling,
      {tenant, telling.id, to_string(telling.way), telling.target, std::string_view(facts),
       telling.state, telling.attempts, telling.at_ms, telling.due_ms, telling.code});
}

Result<Snoozes> read_snoozes(store::Store& store, std::string_view tenant, std::int64_t now_ms) {
  Snoozes out;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kSnoozes, {tenant, now_ms}, [&](const Row& row) {
      out.insert_or_assign({text(row, sql::kSnoozes["rule"]), text(row, sql::kSnoozes["object"])},
                           row.integer(sql::kSnoozes["until_ms"]));
      return true;
    });
  }));
  return out;
}

Status put_snooze(store::Transaction& transaction, std::string_view tenant, const Cause& cause,
                  std::int64_t until_ms) {
  return store::run(transaction, sql::kPutSnooze, {tenant, cause.first, cause.second, until_ms});
}

Result<bool> remove_old(store::Store& store, std::int64_t closed_before_ms, std::int64_t now_ms) {
  bool more = false;
  RABT_TRY_STATUS(store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(alerts, transaction.execute(sql::kDropAlerts, {closed_before_ms}));
    RABT_TRY(tellings, transaction.execute(sql::kDropTellings, {now_ms - kTellingKeptMs}));
    more = alerts > 0 || tellings > 0;
    return store::run(transaction, sql::kDropSnoozes, {now_ms});
  }));
  return more;
}

}  // namespace rabt::alerts
