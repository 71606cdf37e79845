#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/base/semver.hpp"
#include "hub/phi/vocabulary.hpp"
#include "hub/plugin/metric_table.hpp"
#include "hub/plugin/package/package_files.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/schema/schema.hpp"

// Everything that manifest.yaml and schemas/ say, with the schemas compiled.
namespace rabt::plugin {

struct SecretSpec {
  std::string name;
  std::string description;
  bool required = false;
};

// An action ready to be called.
struct CompiledAction {
  ActionSpec spec;
  Schema input;
  Schema output;
  std::set<std::string> marked;  // members that the input schema marks as x-phi
  std::set<std::string> places;  // Schema::phi_places of it
};

struct Package {
  Manifest manifest;
  std::string title;
  std::string license;
  std::vector<SecretSpec> secrets;
  Schema config;
  std::vector<CompiledAction> actions;
  std::map<std::string, Schema> events;  // by type; an event without a schema accepts any data
  std::vector<MetricSpec> metrics;
  std::set<std::string> phi_names;  // members that some schema marks as x-phi
  phi::Vocabulary words;            // what it may say; of manifest and schemas
  std::int64_t kv_bytes = 0;        // quota of the key-value service
  bool inline_allowed = true;       // isolation is not "process"
};
// Error codes: plugin.manifest, plugin.manifest_io (absent, too large).
[[nodiscard]] Result<Package> read_package(const PackageFiles& files);
// The same of a folder. Error codes also: those of PackageFiles::read.
[[nodiscard]] Result<Package> read_package(const std::string& folder);

// Whether a version serves a call that asks for another: same major, not older. An empty wish takes
// any. offered is a semantic version; what is asked for may be any text.
[[nodiscard]] bool version_serves(std::string_view offered, std::string_view asked);

inline const ActionSpec& spec_of(const ActionSpec& action) {
  return action;
}
inline const ActionSpec& spec_of(const CompiledAction& action) {
  return action.spec;
}
// Whether an action answers to this name in this version: by its own name, or by the capability
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
