#include "hub/cli/plugin_record.hpp"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>

#include "hub/assembly/database.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/base/printable.hpp"
#include "hub/cli/hub_client.hpp"
#include "hub/identity/principal.hpp"

namespace rabt::cli {

namespace {

Status record_in_folder(const config::Config& config, const std::string& act,
                        const std::string& object, const Json& detail) {
  const SystemClock clock;
  RABT_TRY(base, assembly::Foundation::open(config, clock, null_logger()));
  audit::Entry entry;
  entry.tenant = config.tenant;
  entry.actor =
      identity::Principal{.kind = identity::Kind::local, .id = std::to_string(::geteuid())}.actor();
  entry.act = act;
  entry.object = object;
  entry.result = "ok";
  entry.detail = detail;
  const audit::Prepared prepared = base->audit->prepare(entry);
  return base->store->write(
      [&](store::Transaction& transaction) { return base->audit->append(transaction, prepared); },
      store::Store::Need::required);
}

Status record(const config::Config& config, const std::string& act, const std::string& object,
              const Json& detail) {
  if (auto client = HubClient::of(config); client.ok()) {
    const auto answer =
        client->post("/api/v1/plugins/acts",
                     Json::object({{"act", act}, {"object", object}, {"detail", detail}}));
    if (answer.ok()) return ok_status();
    if (answer.error().code != "net.no_answer") return answer.error();
  }
  // No hub answers. A hub that runs nevertheless holds the lock of the store.
  RABT_TRY(used, assembly::database_is_used(config));
  if (!used) return ok_status();
  return record_in_folder(config, act, object, detail);
}

}  // namespace

std::string now_text() {
  return to_iso8601(SystemClock().now());
}

std::string user_name() {
  const passwd* const entry = ::getpwuid(::geteuid());  // NOLINT(concurrency-mt-unsafe)
  return entry == nullptr ? std::to_string(::geteuid()) : entry->pw_name;
}

int record_plugin_act(const config::Config& config, const std::string& act,
                      const std::string& object, Json detail) {
  detail.set("user", user_name());
  const Status recorded = record(config, act, object, detail);
  if (recorded.ok()) return 0;
  std::fprintf(stderr, "the change is made, but the audit log does not have it:\n");
  return complain(recorded.error());
}

}  // namespace rabt::cli
