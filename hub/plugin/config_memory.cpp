#include "hub/plugin/config_memory.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/semver.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/statements.hpp"

namespace rabt::plugin {

namespace {

struct Row {
  std::string version;
  std::string library;
  std::string written;
  std::string from_version;
  std::string data_key;
  std::string sealed;  // empty if the plugin takes the section as it stands
};

std::string digest_of(const Json& config) {
  return to_hex(crypto::sha256(config.dump_sorted()));
}
crypto::SealContext context_of(const std::string& tenant, const std::string& row) {
  return {.tenant = tenant, .table = "plugin_config", .row = row, .field = "config"};
}
bool older(const std::string& text, const std::string& other) {
  return compare_semver(text, other) < 0;
}

}  // namespace

Result<ConfigChoice> ConfigMemory::choose(const ConfigQuestion& question, const Json& section,
                                          const Schema& schema) const {
  std::vector<Row> rows;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::kAllConfigs,
                            {std::string_view(question.tenant), std::string_view(question.plugin)},
                            [&rows](const store::Row& found) {
                              Row row{std::string(found.text(sql::kAllConfigs["version"])),
                                      std::string(found.text(sql::kAllConfigs["library"])),
                                      std::string(found.text(sql::kAllConfigs["written"])),
                                      std::string(found.text(sql::kAllConfigs["from_version"])),
                                      {},
                                      {}};
                              if (!found.is_null(sql::kAllConfigs["config"])) {
                                row.data_key = found.blob(sql::kAllConfigs["data_key"]);
                                row.sealed = found.blob(sql::kAllConfigs["config"]);
                              }
                              rows.push_back(std::move(row));
                              return true;
                            });
  }));
  // Newest first.
  std::sort(rows.begin(), rows.end(),
            [](const Row& a, const Row& b) { return older(b.version, a.version); });

  // Unset if its key is gone.
  const auto config_of = [&](const Row& row) -> Result<std::optional<Json>> {
    if (row.sealed.empty()) return std::optional<Json>(section);
    const auto key = keys_.open(question.tenant, row.data_key);
    if (!key.ok() && (key.error().code == "keys.shredded" || key.error().code == "keys.unknown"))
      return std::optional<Json>();
    if (!key.ok()) return key.error();
    const std::string name = question.plugin + "/" + row.version;
    RABT_TRY(plain, (*key)->open(context_of(question.tenant, name), row.sealed));
    RABT_TRY(config, Json::parse(plain));
    return std::optional<Json>(std::move(config));
  };

  const std::string written = digest_of(section);
  const std::string& running_version = question.config_version;
  const bool told_older = !running_version.empty() && older(running_version, question.version);

  const auto mine = std::find_if(rows.begin(), rows.end(), [&](const Row& row) {
    return row.version == question.version && row.written == written &&
           row.library == question.library_sha256;
  });
  if (mine != rows.end() &&
      (running_version.empty() ||
       mine->from_version == (told_older ? running_version : std::string()))) {
    RABT_TRY(config, config_of(*mine));
    if (config && !schema.check(*config))
      return ConfigChoice{*std::move(config), {}, /*remembered=*/true};
  }
  if (told_older) return ConfigChoice{section, running_version, false};
  if (!running_version.empty()) return ConfigChoice{section, {}, false};

  for (const Row& row : rows) {
    if (row.written != written || !older(row.version, question.version)) continue;
    RABT_TRY(config, config_of(row));
    if (config) return ConfigChoice{*std::move(config), row.version, false};
  }
  // The section is new. When it cannot be for this version, it is for the last one that took a
  // section as it stood.
  if (schema.check(section)) {
    for (const Row& row : rows) {
      if (row.from_version.empty() && older(row.version, question.version))
        return ConfigChoice{section, row.version, false};
    }
  }
  return ConfigChoice{section, {}, false};
}

Status ConfigMemory::remember(const ConfigQuestion& question, const Json& section,
                              const ConfigChoice& choice, const Json& taken, bool migrated) {
  const std::string written = digest_of(section);
  const std::string digest = digest_of(taken);
  const bool as_it_stands = digest == written;
  std::string data_key;
  std::string sealed;
  if (!as_it_stands) {
    RABT_TRY(key, keys_.shared(question.tenant, keys::kPlugin));
    data_key = key->id();
    sealed = key->seal(context_of(question.tenant, question.plugin + "/" + question.version),
                       taken.dump(), random_);
  }
  std::optional<audit::Prepared> act;
  if (migrated) {
    audit::Entry entry;
    entry.tenant = question.tenant;
    entry.actor = "node:plugins";
    entry.act = "plugin.migrated";
    entry.object = "plugin:" + question.plugin;
    entry.result = "ok";
    entry.detail = Json::object({{"version", question.version},
                                 {"from", choice.from_version},
                                 {"library_sha256", question.library_sha256},
                                 {"written_sha256", written},
                                 {"config_sha256", digest}});
    act.emplace(audit_.prepare(entry));
  }
  // When told so, the section is for that version, also where nothing had to be changed in it.
  const std::string from =
      as_it_stands && question.config_version.empty() ? std::string() : choice.from_version;
  return store_.write(
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(store::run(
            transaction, sql::kPutConfig,
            {std::string_view(question.tenant), std::string_view(question.plugin),
             std::string_view(question.version), std::string_view(question.library_sha256),
             std::string_view(written), std::string_view(from),
             as_it_stands ? store::Value(store::Null{}) : store::Value(store::Blob{data_key}),
             as_it_stands ? store::Value(store::Null{}) : store::Value(store::Blob{sealed})}));
        return act ? audit_.append(transaction, *act) : ok_status();
      },
      store::Store::Need::required);
}

}  // namespace rabt::plugin
