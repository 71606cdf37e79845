#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/build.hpp"
#include "hub/base/clock.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/engine/pauses.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// The roles that nothing serves: {"video": "plugin://twilio quarantined"}. A process that is being
// started serves: calls wait for it. useless: what a role that is there cannot do for the hub;
// empty when it can.
[[nodiscard]] Json roles_unserved(
    const std::map<std::string, std::string>& bindings,
    const std::vector<plugin::PluginHost::PluginState>& states,
    const std::function<std::string_view(std::string_view role, const std::string& target)>&
        useless);
// A video provider with which no session can be made serves nothing, and neither does a role
// `notify` without SMS where the hub sends some: `asking` is that key of the configuration, or
// empty.
[[nodiscard]] Json roles_unserved(const plugin::PluginHost& plugins, std::string_view asking);

// Why a plugin cannot take a call now: quarantined, stopped or down; empty if it can. A process
// that starts again by itself can: calls wait for it.
[[nodiscard]] std::string why_unable(const plugin::PluginHost::PluginState& state);

// A part of the hub for which /health fails: "store", "keys", "role video", "plugin his"; and why,
// a code or plain words.
struct HealthFault {
  std::string part;
  std::string why;
};
// Plugins that read the deliveries of sources and cannot take a call now.
[[nodiscard]] std::vector<HealthFault> sources_unread(
    const std::set<std::string>& readers,
    const std::vector<plugin::PluginHost::PluginState>& states);
inline constexpr std::string_view kStorePart = "store";
inline constexpr std::string_view kKeysPart = "keys";
inline constexpr std::string_view kDiskFull = "disk full";
inline constexpr std::string_view kWritesWait = "too many writes wait";

// State of the hub: one word for everybody, its parts for operators. No patient data.
struct Health {
  store::Store& store;
  audit::AuditLog& audit;
  const crypto::Keyring& keyring;
  plugin::PluginHost& plugins;
  std::string tenant;
  // Faults in the hub's surroundings: {database, rabbitmq, credentials, jwt}, each a text for the
  // operator. A member is missing if its part works.
  std::function<Json()> troubles;
  // By which data keys are made.
  const Clock& clock;
  // The hub takes and sends nothing (rabt serve --hold).
  bool held = false;
  Build build{};
  // Key of the configuration by which the hub sends SMS; empty when it sends none.
  std::string_view sends_sms{};
  // Gives the roles whose calls are held. Unset if there are none.
  std::function<std::vector<engine::RolePause>()> paused{};
  // Plugins that read the deliveries of sources.
  std::set<std::string> readers{};
  // Settings that the operator chose, and that are weaker than others.
  std::vector<std::string> warnings{};
  // The log says once in each spell that the hub does not work.
  std::shared_ptr<std::atomic<bool>> told = std::make_shared<std::atomic<bool>>(false);

  // True if the caller sees more than one word.
  [[nodiscard]] static bool may_see_detail(const identity::Principal& who);
  [[nodiscard]] http::Response get(const Call& call) const;
  // Empty when all works.
  [[nodiscard]] std::vector<HealthFault> faults() const;

 private:
  // Code of the reason for which nothing can be sealed; empty if it can.
  [[nodiscard]] std::string keys_trouble() const;
};

}  // namespace rabt::api
