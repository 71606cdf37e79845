#include <algorithm>
#include <filesystem>

#include "hub/config/config.hpp"

// Files that the configuration names.
namespace rabt::config {

std::vector<std::string> files_of(const Config& config) {
  std::vector<std::string> out{config.common, config.file};
  const auto add = [&out](const std::string& path) { out.push_back(path); };
  std::for_each(config.workflows.begin(), config.workflows.end(), add);
  if (!config.messages.empty()) {
    for (const char* const language : {"ar", "en"}) add(config.messages + "/" + language + ".yaml");
  }
  for (const auto& [name, plugin] : config.plugin) {
    for (const std::string* path : {&plugin.source, &plugin.tls_ca, &plugin.tls_cert}) add(*path);
  }
  add(config.http.ca);
  add(config.server.tls_certificates);
  if (config.server.mtls) {
    add(config.server.mtls->authorities);
    add(config.server.mtls->revoked);
  }
  for (const SourceEntry& source : config.sources) {
    if (!source.listen) continue;
    add(source.listen->authorities);
    add(source.listen->revoked);
  }
  if (config.bus) {
    add(config.bus->ca);
    add(config.bus->tls_cert);
  }
  if (config.alerts.mail) add(config.alerts.mail->ca);
  for (const AuditAnchor& anchor : config.audit.anchors) {
    add(anchor.tls.ca_file);
    add(anchor.tls.client_cert_file);
  }
  add(config.keys.ca);
  for (const IssuerEntry& issuer : config.identity.issuers) add(issuer.jwks);
  add(config.identity.accounts.blocklist_file);
  std::erase(out, "");
  std::error_code gone;
  for (std::string& path : out) {
    const auto whole = std::filesystem::absolute(path, gone);
    if (!gone) path = whole.lexically_normal().string();
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace rabt::config
