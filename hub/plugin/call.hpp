#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

namespace rabt::phi {
enum class Channel : std::uint8_t;
}  // namespace rabt::phi

// Types shared by the callers of actions and their providers: the engine and the hub's own
// services. Loading and running of plugins stands in plugin_host.hpp.
namespace rabt::plugin {

// One action as its manifest declares it.
struct ActionSpec {
  std::string name;
  // Semantic version of the action's contract.
  std::string version;
  std::string title;
  // native: the outside system takes the key; key: the plugin makes repeating safe; probe: the
  // plugin can ask; none.
  std::string idempotency;
  std::int64_t timeout_ms = 0;
  // Channel by which the action's arguments leave the hub: event or notify.
  std::optional<phi::Channel> channel;
  // The shared contract that the action fulfils (video.session.create/1); "" for a vendor's own.
  std::string capability;
  // JSON null when the manifest names no schema.
  Json input_schema;
  Json output_schema;
  // It changes nothing: its effect needs no undoing, and nobody waits for it in vain.
  bool reads = false;
};

// Action that a workflow or a role relies on.
struct Need {
  std::string target;  // plugin://<id>, hub://<service>, or a role
  std::string action;
  std::string version;
  std::string by;  // "workflow telehealth/consultation 1.2.0, line 120 (3 instances)"
};
// Conflict engine.unserved: a line for each need that nothing serves, with what would.
[[nodiscard]] Status check_served(const std::vector<Need>& needs,
                                  const workflow::ActionCatalog& catalog);

struct CallRequest {
  std::string tenant;
  std::string instance;  // ULID text, for log and audit
  // The trace that the call belongs to, 32 hexadecimal digits. Empty if it is the instance's own.
  std::string trace{};
  std::string patient;  // pseudonym of the person whose data the call is about, for audit
  std::string role;
  // plugin://<id> or hub://<service>; "" means what the role is bound to.
  std::string target;
  std::string action;
  std::string version;
  Json arguments;
  std::string idempotency_key;
  std::int64_t deadline_unix_ms = 0;
  std::uint32_t attempt = 1;
};
using Ended = std::function<void(workflow::ActionOutcome)>;
// An outcome that is not done.
[[nodiscard]] workflow::ActionOutcome failed(workflow::OutcomeKind kind, std::string code,
                                             std::string message);

// A service of the hub that a role can be bound to (hub://<name>): the hub's own records, reached
// by workflows as any plugin. Internally synchronised.
class HubService {
 public:
  virtual ~HubService() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::vector<ActionSpec> actions() const = 0;
  // Calls done exactly once, from any thread, possibly before invoke returns.
  virtual void invoke(const CallRequest& call, Ended done) = 0;
};

struct ProbeAnswer {
  enum class Effect : std::uint8_t { yes, no, unknown } effect = Effect::unknown;
  Json output;
};

// Receiver of a call's arguments.
struct Recipient {
  std::string plugin;
  std::string version;
  // Hosts that the plugin may reach, as its allow-list has them.
  std::vector<std::string> hosts;
};

// Runs the actions that workflows call. Internally synchronised.
class ActionRunner : public workflow::ActionCatalog {
 public:
  // Starts a call. What the call carries to the channel notify (every call of a role `notify`, and
  // of an action whose manifest says so) or event passes the policy first; phi.blocked: nothing was
  // sent. done runs exactly once, from any thread, with the plugin's outcome, or transient
  // (refused, unknown role), permanent (arguments or output do not fit the schema), or ambiguous
  // (deadline and grace passed without an answer). A late answer is counted and dropped. Returns a
  // token for cancel.
  virtual std::uint64_t invoke(CallRequest call, Ended done) = 0;
  virtual void cancel(std::uint64_t token) = 0;
  // Asks whether an earlier call with this key took effect; unknown when the plugin cannot say.
  virtual void probe(CallRequest call, std::function<void(ProbeAnswer)> done) = 0;

  // role is a role or a target. Gives nullopt when a service of the hub or nobody is behind it.
  [[nodiscard]] virtual std::optional<Recipient> recipient(std::string_view role,
                                                           std::string_view action,
                                                           std::string_view version) const = 0;
  // Targets by role.
  [[nodiscard]] virtual std::map<std::string, std::string> bindings() const = 0;
};

}  // namespace rabt::plugin
