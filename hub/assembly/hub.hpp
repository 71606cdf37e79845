#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/engine/engine.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {
struct Resources;
struct Source;
}  // namespace rabt::api

namespace rabt::assembly {

// A running hub: everything constructed in reading order, references passed down, no singletons.
// Destroyed in reverse order. Threads: start, stop and the destructor from one thread; the rest
// from any.
class Hub {
 public:
  // dev: plugins that nobody signed are loaded too, and /health says so.
  // Makes the data folder, keyring and API token on first start. Errors say what to do:
  // cli.data_folder, http.port_in_use, config.missing_secret, plugin.*, engine.definition, store.*.
  [[nodiscard]] static Result<std::unique_ptr<Hub>> start(const config::Config& config,
                                                          const Clock& clock, Logger& log,
                                                          const phi::Policy& privacy,
                                                          bool dev = false);
  ~Hub();
  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] engine::Engine& engine();
  [[nodiscard]] store::Store& store();
  // Stops intake, waits for commits in flight, settles what can be settled within grace_ms.
  void stop(std::int64_t grace_ms = 5'000);

 private:
  struct Parts;
  static std::unique_ptr<api::Resources> make_resources(const config::Config& config, Parts& hub,
                                                        const phi::Policy& privacy,
                                                        std::vector<api::Source> sources);
  explicit Hub(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Workflow files as the engine takes them. Error invalid config.io names the file.
[[nodiscard]] Result<std::vector<engine::WorkflowFile>> read_workflows(
    const std::vector<std::string>& names);

// The token that protects /api: made on first start, mode 0600, in <data>/api-token.
[[nodiscard]] Result<std::string> read_api_token(const std::string& data_folder);

// The audit log of a data folder, with its anchors; a syslog server among them gets a sender, which
// goes after the log. All that is given outlives it.
[[nodiscard]] Result<std::unique_ptr<audit::AuditLog>> open_audit(
    store::Store& store, const crypto::Keyring& keyring, const config::Config& config,
    const Clock& clock, Logger& log, std::vector<std::unique_ptr<audit::SyslogSender>>& senders);

}  // namespace rabt::assembly
