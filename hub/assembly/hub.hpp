#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/build.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/engine/engine.hpp"
#include "hub/http/server.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/phi/policy.hpp"
#include "hub/store/store.hpp"

namespace rabt::assembly {

// Options of a start.
struct HubOptions {
  // Unsigned plugins are loaded too, and /health says so.
  bool dev = false;
  // No instance runs, nothing is sent and only requests that look are answered (hold.hpp).
  bool hold = false;
  Build build{};
};

// A running hub of one tenant. Its parts are constructed in reading order, get references to the
// parts below them, and are destroyed in reverse order; there are no singletons. Threads: one
// thread calls start, stop and the destructor; any thread may call the rest.
class Hub {
 public:
  // Everything except what listens; the engine runs. Makes the data folder, the keyring and the API
  // token on the first start. Errors say what to do: cli.data_folder, config.missing_secret,
  // identity.no_token, plugin.*, engine.definition, store.*.
  [[nodiscard]] static Result<std::unique_ptr<Hub>> open(const config::Config& config,
                                                         const Clock& clock, Logger& log,
                                                         const phi::Policy& privacy,
                                                         const HubOptions& options = {});
  // The same, listening. Errors: those of open() and of Edge::open.
  [[nodiscard]] static Result<std::unique_ptr<Hub>> start(const config::Config& config,
                                                          const Clock& clock, Logger& log,
                                                          const phi::Policy& privacy,
                                                          const HubOptions& options = {});
  ~Hub();
  // Judges a request by its head, as Edge::Admit.
  [[nodiscard]] http::Admission admit(const http::Request& head, std::string_view listener);
  // As Edge::Word.
  void word(const http::Request& head, std::string_view listener, http::Response& problem) const;
  // The hub listens, as start() leaves it.
  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] engine::Engine& engine();
  [[nodiscard]] store::Store& store();
  [[nodiscard]] identity::People& people();
  // A code that makes the first administrator. Error conflict auth.bootstrap_closed: there is one.
  [[nodiscard]] Result<std::string> first_code();
  // Stops intake, waits for commits in flight and, for at most grace_ms, for open calls. Whatever
  // else calls admit() has stopped.
  void stop(std::int64_t grace_ms = 5'000);

 private:
  struct Parts;
  explicit Hub(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Options of the engine: hosts that workflows reach over HTTP, secrets, purposes of roles. Errors:
// those of read_secret, which names the secret, and of the lists of hosts.
[[nodiscard]] Result<engine::Engine::Options> engine_options(const config::Config& config);

// Reads workflow files, as the engine takes them. Error invalid config.io names the file.
[[nodiscard]] Result<std::vector<engine::WorkflowFile>> read_workflows(
    const std::vector<std::string>& names);

}  // namespace rabt::assembly
