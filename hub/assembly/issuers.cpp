#include "hub/assembly/issuers.hpp"

namespace rabt::assembly {

Result<identity::Issuers> read_issuers(const config::Config& config, const Clock& clock) {
  std::vector<identity::IssuerOptions> all;
  for (const config::IssuerEntry& entry : config.identity.issuers) {
    identity::IssuerOptions options = entry.options;
    if (entry.jwks.empty()) {
      auto secret = config::read_secret(entry.secret);
      if (!secret.ok()) {
        return invalid(secret.error().code,
                       "the issuer " + options.name + ": " + secret.error().message);
      }
      options.secret = *std::move(secret);
    } else {
      auto text = config::read_text(entry.jwks);
      if (!text.ok()) {
        return invalid("config.io", "the JWK set " + entry.jwks + " of the issuer " + options.name +
                                        " cannot be read: " + text.error().message);
      }
      options.jwks = *std::move(text);
    }
    all.push_back(std::move(options));
  }
  return identity::Issuers::make(std::move(all), clock);
}

}  // namespace rabt::assembly
