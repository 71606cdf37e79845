#include "hub/assembly/sources.hpp"

namespace rabt::assembly {

namespace {

http::SignatureScheme scheme_of(const std::string& name) {
  if (name == "twilio") return http::SignatureScheme::twilio;
  if (name == "static-token") return http::SignatureScheme::static_token;
  return http::SignatureScheme::standard_webhooks;
}

Status read_secrets(const config::SourceEntry& entry, http::SignatureConfig& signature) {
  for (const config::SecretSource& from : entry.secrets) {
    RABT_TRY(secret, config::read_secret(from));
    if (signature.scheme == http::SignatureScheme::standard_webhooks) {
      RABT_TRY(key, http::parse_whsec(secret->expose_text()));
      signature.secrets.push_back(std::move(key));
    } else {
      signature.secrets.push_back(secret->clone());
    }
  }
  return http::check(signature);
}

}  // namespace

Result<std::vector<api::Source>> read_sources(const config::Config& config) {
  std::vector<api::Source> sources;
  for (const config::SourceEntry& entry : config.sources) {
    api::Source& source = sources.emplace_back();
    source.name = entry.name;
    source.plugin = entry.plugin;
    source.signature.scheme = scheme_of(entry.scheme);
    if (!entry.header.empty()) source.signature.token_header = entry.header;
    source.signature.public_url = config.public_url;
    if (const Status good = read_secrets(entry, source.signature); !good.ok())
      return invalid(good.error().code, "source " + entry.name + ": " + good.error().message);
  }
  return sources;
}

}  // namespace rabt::assembly
