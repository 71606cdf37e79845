#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/phi/policy.hpp"

// Capabilities: what plugins of one role have in common, so that a workflow can be written for the
// role and not for a vendor. docs/plugins/capabilities.md; the files: sdk/capabilities.
namespace rabt::plugin {

struct ActionSpec;
struct Manifest;

// Immutable, for the life of the program.
struct Capability {
  std::string id;    // video.session.create/1
  std::string name;  // video.session.create
  int revision = 0;
  std::string title;
  std::vector<std::string> idempotency;  // one of them is what an action must offer
  std::optional<phi::Channel> channel;   // what an action must declare
  Json input;                            // an action takes at least this
  Json output;                           // an action gives nothing else
  bool reads = false;                    // an action changes nothing
};
struct EventContract {
  std::string type;  // org.rabt.session.ended.v1
  std::string title;
  Json data;  // an event of this type gives nothing else
};
struct RoleContract {
  std::string role;  // video
  int revision = 0;
  std::string title;
  std::vector<std::string> required;  // ids of capabilities
  std::vector<std::string> optional;
  std::vector<std::string> required_events;  // types
  std::vector<std::string> optional_events;
  [[nodiscard]] std::string id() const { return role + "/" + std::to_string(revision); }
};

[[nodiscard]] const std::vector<Capability>& capabilities();
[[nodiscard]] const std::vector<EventContract>& event_contracts();
[[nodiscard]] const std::vector<RoleContract>& role_contracts();

// Null if there is none. id: video.session.create/1.
[[nodiscard]] const Capability* find_capability(std::string_view id);
// Capability that a workflow calls, such as video.session.create in version 1.0.0: the version's
// major is the revision. Null if no capability has the name.
[[nodiscard]] const Capability* capability_of_call(std::string_view name, std::string_view version);

// Members of the input that the capability marks with "x-optional" and the schema of an action does
// not name: they are younger than the action, and a call leaves them out.
[[nodiscard]] std::vector<std::string> left_out(const Json& input, const Capability& capability);
// Why an action cannot claim the capability: one sentence, with the place. Empty if it can: it
// takes every input that the capability allows, gives only output that the capability allows, marks
// as x-phi what the capability marks, and is as safe to repeat. Members with "x-optional" that its
// schemas do not name are not asked for.
[[nodiscard]] std::string capability_fault(const ActionSpec& action, const Capability& capability);
// Why the data of an event of a shared type breaks its contract, in one sentence. Empty if it does
// not. A null schema allows anything.
[[nodiscard]] std::string event_fault(const Json& schema, const EventContract& contract);
// Returns the parts that a plugin lacks of a role that its manifest claims; empty if it lacks none.
// Error plugin.role if there is no such role.
[[nodiscard]] Result<std::vector<std::string>> missing_of_role(const Manifest& manifest,
                                                               std::string_view role_id);

}  // namespace rabt::plugin
