#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/base/semver.hpp"
#include "hub/phi/vocabulary.hpp"
#include "hub/plugin/call.hpp"
#include "hub/plugin/metric_table.hpp"
#include "hub/plugin/package/coded.hpp"
#include "hub/plugin/package/package_files.hpp"
#include "hub/schema/schema.hpp"
#include "hub/schema/schema_regex.hpp"

// Everything that manifest.yaml and schemas/ say, with the schemas compiled.
namespace rabt::plugin {

// Properties that a call by this name can rely on. If the action fulfils a capability of that
// name, the capability's schemas count, so that a workflow relies on no property of a single
// vendor.
[[nodiscard]] workflow::ActionInfo action_info(const ActionSpec& spec, std::string_view called);

// A manifest, read and checked before any code of the plugin runs.
struct Manifest {
  std::string id;
  std::string version;
  int abi_major = 0;
  int abi_min_minor = 0;
  std::string vendor;
  Json config_schema;
  std::vector<ActionSpec> actions;
  // Events that the plugin may produce.
  std::vector<workflow::EventInfo> events;
  // Roles that the plugin serves as a whole: video/1.
  std::vector<std::string> roles;
  // Abilities beyond the required actions of its roles.
  std::vector<std::string> features;
  // Regions in which the other side keeps and handles the data; "${config:/pointer}" takes a text
  // of the configuration. Empty if the operator runs the other side.
  std::vector<std::string> regions;
  // Names of secrets that the plugin may refer to.
  std::vector<std::string> secrets;
  // Allow-list entries; "${config:/pointer}" takes the host of a configured URL.
  std::vector<std::string> hosts;
  // Subset of `hosts` allowed while a call's arguments contain x-phi data. nullopt means all of
  // `hosts`.
  std::optional<std::vector<std::string>> patient_hosts;
  bool secrets_raw = false;
  // True if the plugin may read and write blobs (rabt.blob/1).
  bool blob = false;
  int concurrency = 1;
  bool blocking = false;
  // Hex digest of the manifest file.
  std::string sha256;
};
// Error codes: plugin.manifest (file, line, what), plugin.manifest_io, those of PackageFiles::read.
[[nodiscard]] Result<Manifest> read_manifest(const std::string& folder);

// A chain of certificates with its key is far smaller.
inline constexpr std::size_t kMaxSecretBytes = 1U << 20U;

struct SecretSpec {
  std::string name;
  std::string description;
  bool required = false;
  // Rules for the value. pattern is null if any text of these lengths will do.
  std::size_t min_bytes = 1;
  std::size_t max_bytes = kMaxSecretBytes;
  std::shared_ptr<const schema::Pattern> pattern;
};

// An action ready to be called.
struct CompiledAction {
  ActionSpec spec;
  Schema input;
  Schema output;
  // Members of the output that everybody may read.
  CodedMembers coded;
  // Members that the input schema marks as x-phi, and Schema::phi_places of the input schema.
  std::set<std::string> marked;
  std::set<std::string> places;
  // Arguments of its capability that it does not know; a call leaves them out.
  std::vector<std::string> left_out;
};

// An event ready to be taken.
struct CompiledEvent {
  Schema data;
  // Members of the data that everybody may read.
  CodedMembers coded;
};

struct Package {
  Manifest manifest;
  std::string title;
  std::string license;
  std::vector<SecretSpec> secrets;
  Schema config;
  std::vector<CompiledAction> actions;
  std::map<std::string, CompiledEvent> events;  // by type; without a schema any data are accepted
  std::vector<MetricSpec> metrics;
  std::set<std::string> phi_names;  // members that some schema marks as x-phi
  // Codes of the outside system that it may say, as in the manifest: GE-#####.
  std::vector<std::string> codes;
  // Words that the plugin may use in public texts: those of manifest and schemas, and the codes.
  phi::Vocabulary words;
  std::int64_t kv_bytes = 0;   // quota of the key-value service
  bool inline_allowed = true;  // isolation is not "process"
};
// Error codes: plugin.manifest, plugin.manifest_io (absent, too large).
[[nodiscard]] Result<Package> read_package(const PackageFiles& files);
// The same of a folder. Error codes also: those of PackageFiles::read.
[[nodiscard]] Result<Package> read_package(const std::string& folder);

// Secrets by name. A value that is absent is null or has no key.
using Secrets = std::map<std::string, std::shared_ptr<SecretBytes>>;
// Ok if the secrets are those that the manifest declares. Error codes: plugin.missing_secret (a
// required one is absent), plugin.secret (one has not the form that the manifest declares). The
// message names the secret and tells nothing of its value.
[[nodiscard]] Status check_secrets(const Package& package, const Secrets& secrets);
// Ok if every region of the manifest is allowed; all are if `allowed` is empty. Error conflict
// residency.region.
[[nodiscard]] Status check_regions(const Manifest& manifest, const Json& config,
                                   const std::vector<std::string>& allowed);
// "${config:/pointer}" becomes the origin of the URL that the configuration has there; an absent
// value allows nothing.
// Error plugin.config.
[[nodiscard]] Result<std::vector<std::string>> resolve_hosts(
    const std::vector<std::string>& entries, const Json& config);
// Checks the configuration against the schema of the manifest, which stands in the folder, and that
// its addresses are well formed. Error plugin.config; the message names the place and holds no
// value.
[[nodiscard]] Status check_config(const Package& package, const Json& config,
                                  const std::string& folder);

// True if a version serves a call that asks for another: same major, not older. An empty wish takes
// any. offered is a semantic version; what is asked for may be any text.
[[nodiscard]] bool version_serves(std::string_view offered, std::string_view asked);

inline const ActionSpec& spec_of(const ActionSpec& action) {
  return action;
}
inline const ActionSpec& spec_of(const CompiledAction& action) {
  return action.spec;
}
// True if an action answers to this name in this version: by its own name, or by the capability
// that it claims (video.session.create in version 1.0.0).
[[nodiscard]] bool answers(const ActionSpec& action, std::string_view name,
                           std::string_view version);
// The newest action that answers; null when there is none.
template <typename Action>
[[nodiscard]] const Action* serving_action(const std::vector<Action>& actions,
                                           std::string_view name, std::string_view version) {
  const Action* best = nullptr;
  for (const Action& action : actions) {
    const ActionSpec& spec = spec_of(action);
    if (!answers(spec, name, version)) continue;
    if (best == nullptr || compare_semver(spec_of(*best).version, spec.version) < 0) best = &action;
  }
  return best;
}

}  // namespace rabt::plugin
