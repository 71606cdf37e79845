#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/alerts/alert.hpp"
#include "hub/alerts/texts.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The tables alert, alert_telling and alert_snooze.
namespace rabt::alerts {

// One telling to one address.
struct Telling {
  std::string id;
  Way way = Way::mail;
  std::int64_t target = 0;
  Facts facts;
  // open, done, dead
  std::string state = "open";
  std::int64_t attempts = 0;
  std::int64_t at_ms = 0;
  std::int64_t due_ms = 0;
  std::string code{};
};

// Alerts of which something may still be told.
[[nodiscard]] Result<std::vector<Alert>> read_living(store::Store& store, std::string_view tenant);
// Inserts or replaces.
[[nodiscard]] Status put(store::Transaction& transaction, std::string_view tenant,
                         const Alert& alert);
struct AlertFilter {
  // Also those that closed.
  bool all = false;
  // Empty for every rule.
  std::string rule{};
};
// The newest first, behind the id `before` unless that is empty.
[[nodiscard]] Result<std::vector<Alert>> list_alerts(store::Store& store, std::string_view tenant,
                                                     const AlertFilter& filter,
                                                     std::string_view before, std::size_t limit);
[[nodiscard]] Result<std::optional<Alert>> find_alert(store::Store& store, std::string_view tenant,
                                                      std::string_view id);

// Open tellings, and those of the last hour, which count for its limit.
[[nodiscard]] Result<std::vector<Telling>> read_tellings(store::Store& store,
                                                         std::string_view tenant,
                                                         std::int64_t since_ms);
[[nodiscard]] Status put(store::Transaction& transaction, std::string_view tenant,
                         const Telling& telling);

[[nodiscard]] Result<Snoozes> read_snoozes(store::Store& store, std::string_view tenant,
                                           std::int64_t now_ms);
[[nodiscard]] Status put_snooze(store::Transaction& transaction, std::string_view tenant,
                                const Cause& cause, std::int64_t until_ms);

// Removes some of what is older: alerts that closed before, tellings, snoozes that have ended. True
// when there may be more.
[[nodiscard]] Result<bool> remove_old(store::Store& store, std::int64_t closed_before_ms,
                                      std::int64_t now_ms);

}  // namespace rabt::alerts
