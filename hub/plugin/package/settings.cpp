#include "hub/base/suggest.hpp"
#include "hub/plugin/package/manifest.hpp"

// Secrets and configuration against what the manifest says of them, before any code of the plugin
// runs.
namespace rabt::plugin {

namespace {

// What is wrong with the value, as the end of a sentence. The text is empty if nothing is.
std::string fault_of(const SecretSpec& spec, const SecretBytes& value) {
  if (value.size() < spec.min_bytes)
    return "is shorter than " + std::to_string(spec.min_bytes) + " bytes";
  if (value.size() > spec.max_bytes)
    return "is longer than " + std::to_string(spec.max_bytes) + " bytes";
  if (spec.pattern != nullptr && !spec.pattern->found_in(value.expose_text()))
    return "does not match the pattern of its manifest";
  return {};
}

}  // namespace

Status check_secrets(const Package& package, const Secrets& secrets) {
  const std::string& id = package.manifest.id;
  std::vector<std::string> missing;
  std::string wrong;
  for (const SecretSpec& spec : package.secrets) {
    const auto found = secrets.find(spec.name);
    const bool present =
        found != secrets.end() && found->second != nullptr && !found->second->empty();
    if (!present) {
      if (spec.required) missing.push_back(spec.name);
      continue;
    }
    const std::string fault = fault_of(spec, *found->second);
    if (fault.empty()) continue;
    wrong.append(wrong.empty() ? "" : "; ").append(id + ": the secret " + spec.name + " " + fault);
    if (!spec.description.empty()) wrong += " (" + spec.description + ")";
  }
  if (!missing.empty()) {
    return invalid("plugin.missing_secret", id + " needs the secrets: " + listed(missing) +
                                                "; give them in its section of the configuration");
  }
  if (!wrong.empty()) return invalid("plugin.secret", wrong);
  return ok_status();
}

Status check_config(const Package& package, const Json& config, const std::string& folder) {
  const auto fault = package.config.check(config);
  if (!fault) return ok_status();
  return invalid("plugin.config", "the configuration of " + package.manifest.id +
                                      " does not fit its schema: config" + fault->instance_path +
                                      " " + fault->message + " (" + folder +
                                      "/manifest.yaml, config" + fault->schema_path + ")");
}

}  // namespace rabt::plugin
