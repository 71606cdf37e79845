#include <algorithm>

#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/net/url.hpp"
#include "hub/plugin/package/manifest.hpp"

// Secrets and configuration against what the manifest says of them, before any code of the plugin
// runs.
namespace rabt::plugin {

namespace {

// Longer names of regions are cut in messages.
constexpr std::size_t kMaxRegion = 64;

// Returns the fault of the value, as the end of a sentence. Empty if there is none.
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
  for (const auto& [name, value] : secrets) {
    const auto secret =
        std::any_of(package.secrets.begin(), package.secrets.end(),
                    [&](const SecretSpec& secret_spec) { return secret_spec.name == name; });
    if (secret) continue;
    std::vector<std::string> names;
    for (const SecretSpec& spec : package.secrets) names.push_back(spec.name);
    const std::string near = did_you_mean(name, names);
    wrong.append(wrong.empty() ? "" : "; ")
        .append(id + ": it has no secret " + name)
        .append(!near.empty()   ? "; " + near
                : names.empty() ? ": it has none"
                                : ": it has " + listed(names));
  }
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

Status check_regions(const Manifest& manifest, const Json& config,
                     const std::vector<std::string>& allowed) {
  if (allowed.empty()) return ok_status();
  constexpr std::string_view kOpen = "${config:";
  const std::string end = "; compliance.allowed_regions allows: " + listed(allowed);
  for (const std::string& entry : manifest.regions) {
    std::string region = entry;
    if (entry.starts_with(kOpen)) {
      const std::string pointer = entry.substr(kOpen.size(), entry.size() - kOpen.size() - 1);
      const Json* const value = at_pointer(config, pointer);
      if (value == nullptr || !value->is_string()) {
        return conflict("residency.region", manifest.id +
                                                " works in a region of its own choice as "
                                                "long as config" +
                                                pointer + " names none" + end);
      }
      region = value->as_string().substr(0, kMaxRegion);
    }
    if (std::find(allowed.begin(), allowed.end(), region) == allowed.end()) {
      return conflict("residency.region",
                      manifest.id + " keeps or handles data in the region " + region + end);
    }
  }
  return ok_status();
}

Result<std::vector<std::string>> resolve_hosts(const std::vector<std::string>& entries,
                                               const Json& config) {
  constexpr std::string_view kOpen = "${config:";
  std::vector<std::string> out;
  for (const std::string& entry : entries) {
    if (!entry.starts_with(kOpen)) {
      out.push_back(entry);
      continue;
    }
    if (!entry.ends_with("}"))
      return invalid("plugin.config", "the host entry \"" + entry + "\" does not end with }");
    const std::string pointer = entry.substr(kOpen.size(), entry.size() - kOpen.size() - 1);
    if (!pointer.starts_with('/'))
      return invalid("plugin.config", "the host entry \"" + entry + "\" names no JSON pointer");
    const Json* value = at_pointer(config, pointer);
    if (value == nullptr || value->is_null()) continue;
    if (!value->is_string())
      return invalid("plugin.config",
                     "config " + pointer + " must be a URL: it is an allow-list entry");
    const std::string& text = value->as_string();
    const auto url =
        net::parse_url_or_relay(text.substr(0, std::min(text.find_first_of("?#"), text.size())));
    if (!url.ok())
      return invalid("plugin.config", "config " + pointer + " is no URL: " + url.error().message);
    out.push_back(url->scheme + "://" + url->host_port());
  }
  return out;
}

Status check_config(const Package& package, const Json& config, const std::string& folder) {
  const auto fault = package.config.check(config);
  if (!fault) {
    RABT_TRY(hosts, resolve_hosts(package.manifest.hosts, config));
    (void)hosts;
    return ok_status();
  }
  return invalid("plugin.config", "the configuration of " + package.manifest.id +
                                      " does not fit its schema: config" + fault->instance_path +
                                      " " + fault->message + " (" + folder +
                                      "/manifest.yaml, config" + fault->schema_path + ")");
}

}  // namespace rabt::plugin
