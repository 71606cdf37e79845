#include "hub/consultation/workflow/map_actions.hpp"

#include <utility>
#include <vector>

#include "hub/base/suggest.hpp"
#include "hub/consultation/workflow/service.hpp"
#include "hub/consultation/workflow/statements.hpp"

// hub://map
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;

// Digits of a digest that tell versions of a map apart where a person reads them.
constexpr std::size_t kShownDigits = 16;

std::vector<std::string> names_of(const ServedMaps& maps) {
  std::vector<std::string> out;
  for (const auto& [name, map] : maps) out.push_back(name);
  return out;
}

class MapActions final : public plugin::HubService {
 public:
  explicit MapActions(std::shared_ptr<const ServedMaps> maps) : maps_(std::move(maps)) {}
  [[nodiscard]] std::string name() const override { return std::string(kMapService); }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override {
    return map_actions(names_of(*maps_));
  }
  void invoke(const CallRequest& call, Ended ended) override {
    ended(look_up(*maps_, call.arguments));
  }

 private:
  const std::shared_ptr<const ServedMaps> maps_;
};

audit::Entry entry_of(const std::string& tenant, const std::string& actor, std::string_view act,
                      const std::string& name, Json detail) {
  return {.tenant = tenant,
          .actor = actor,
          .act = std::string(act),
          .object = "map:" + name,
          .result = "ok",
          .detail = std::move(detail)};
}

}  // namespace

workflow::ActionOutcome look_up(const ServedMaps& maps, const Json& arguments) {
  const auto found = maps.find(arguments.string_or("map", ""));
  if (found == maps.end())
    return failed(not_found("map.unknown", "there is no code map of this name; `maps` has " +
                                               (maps.empty() ? "none" : listed(names_of(maps)))));
  const auto& [name, served] = *found;
  auto value = served.map.value(name, arguments["code"]);
  if (!value.ok()) return failed(value.error());
  workflow::ActionOutcome out =
      done(Json::object({{"value", *std::move(value)}, {"map", name}, {"sha256", served.sha256}}));
  // Timeline, log and audit log show these.
  out.codes = Json::object({{"map", name}, {"sha256", served.sha256.substr(0, kShownDigits)}});
  return out;
}

std::vector<plugin::ActionSpec> map_actions(const std::vector<std::string>& names) {
  Json name = typed("string");
  if (!names.empty()) {
    Json values = Json::array();
    for (const std::string& text : names) values.push_back(text);
    name.set("enum", std::move(values));
  }
  const Json patient_data = Json::object({{"x-phi", true}});
  const Json code =
      Json::object({{"type", Json::array({"string", "number", "null"})}, {"x-phi", true}});
  return {{.name = "lookup",
           .version = "1.0.0",
           .title = "Look a code up in a code map",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema =
               schema_of({"map", "code"}, Json::object({{"map", std::move(name)}, {"code", code}})),
           .output_schema =
               schema_of({"value", "map", "sha256"}, Json::object({{"value", patient_data},
                                                                   {"map", typed("string")},
                                                                   {"sha256", typed("string")}})),
           .reads = true}};
}

std::shared_ptr<plugin::HubService> make_map_actions(std::shared_ptr<const ServedMaps> maps) {
  return std::make_shared<MapActions>(std::move(maps));
}

Status note_served_maps(store::Store& store, audit::AuditLog& audit, const Clock& clock,
                        const std::string& tenant, const std::string& actor,
                        const ServedMaps& maps) {
  std::map<std::string, std::string> before;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::workflow::kServedMaps, {tenant}, [&](const store::Row& row) {
      before.emplace(row.text(sql::workflow::kServedMaps["name"]),
                     row.text(sql::workflow::kServedMaps["sha256"]));
      return true;
    });
  }));
  std::vector<std::pair<std::string, std::string>> served;
  std::vector<std::string> gone;
  std::vector<audit::Prepared> entries;
  for (const auto& [name, map] : maps) {
    const auto previous_map = before.find(name);
    if (previous_map != before.end() && previous_map->second == map.sha256) continue;
    Json detail = Json::object({{"sha256", map.sha256}});
    if (previous_map != before.end()) detail.set("was", previous_map->second);
    served.emplace_back(name, map.sha256);
    entries.push_back(
        audit.prepare(entry_of(tenant, actor, "map.changed", name, std::move(detail))));
  }
  for (const auto& [name, sha256] : before) {
    if (maps.contains(name)) continue;
    gone.push_back(name);
    entries.push_back(audit.prepare(
        entry_of(tenant, actor, "map.removed", name, Json::object({{"was", sha256}}))));
  }
  if (entries.empty()) return ok_status();
  return store.write(
      [&](store::Transaction& transaction) -> Status {
        for (const auto& [name, sha256] : served)
          transaction.put(sql::workflow::kServeMap, {tenant, name, sha256, clock.now().ms});
        for (const std::string& name : gone)
          transaction.put(sql::workflow::kForgetMap, {tenant, name});
        for (const audit::Prepared& entry : entries)
          RABT_TRY_STATUS(audit.append(transaction, entry));
        return ok_status();
      },
      store::Store::Need::required);
}

}  // namespace rabt::consultation
