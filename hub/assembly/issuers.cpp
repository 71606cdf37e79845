#include "hub/assembly/issuers.hpp"

#include "hub/api/browser.hpp"
#include "hub/identity/password_rules.hpp"
#include "hub/net/url.hpp"

namespace rabt::assembly {

Result<identity::Exchange> issuer_exchange(const config::Config& config, net::HttpClient& http) {
  std::vector<std::string> hosts;
  for (const config::IssuerEntry& entry : config.identity.issuers) {
    if (!entry.options.jwks_url.empty()) hosts.push_back(api::origin_of(entry.options.jwks_url));
  }
  for (const config::OidcEntry& entry : config.identity.oidc) {
    hosts.push_back(api::origin_of(entry.options.issuer));
    hosts.insert(hosts.end(), entry.hosts.begin(), entry.hosts.end());
  }
  return exchange_with(hosts, config, http);
}

Result<identity::Exchange> exchange_with(const std::vector<std::string>& origins,
                                         const config::Config& config, net::HttpClient& http) {
  RABT_TRY(allow, net::AllowList::make(origins, config.http.allow_private));
  std::shared_ptr<const net::TlsOptions> tls;
  if (!config.http.ca.empty())
    tls = std::make_shared<const net::TlsOptions>(net::TlsOptions{.ca_file = config.http.ca});
  return identity::make_exchange(http, std::make_shared<const net::AllowList>(std::move(allow)),
                                 std::move(tls));
}

Result<identity::IssuerOptions> issuer_options(const config::IssuerEntry& entry) {
  identity::IssuerOptions options = entry.options;
  if (!options.jwks_url.empty()) return options;
  if (!entry.jwks.empty()) {
    auto text = config::read_text(entry.jwks);
    if (!text.ok()) {
      return invalid("config.io", "the JWK set " + entry.jwks + " of the issuer " + options.name +
                                      " cannot be read: " + text.error().message);
    }
    options.jwks = *std::move(text);
    return options;
  }
  auto secret = config::read_secret(entry.jwks_place.value_or(entry.secret));
  if (!secret.ok())
    return invalid(secret.error().code,
                   "the issuer " + options.name + ": " + secret.error().message);
  if (entry.jwks_place) {
    options.jwks = (*secret)->expose_text();
  } else {
    options.secret = *std::move(secret);
  }
  return options;
}

Result<identity::Issuers> read_issuers(const config::Config& config, const Clock& clock,
                                       net::HttpClient& http) {
  std::vector<identity::IssuerOptions> all;
  for (const config::IssuerEntry& entry : config.identity.issuers) {
    RABT_TRY(options, issuer_options(entry));
    all.push_back(std::move(options));
  }
  RABT_TRY(exchange, issuer_exchange(config, http));
  return identity::Issuers::make(std::move(all), clock, exchange);
}

Result<std::vector<identity::OidcOptions>> read_oidc(const config::Config& config) {
  std::vector<identity::OidcOptions> all;
  for (const config::OidcEntry& entry : config.identity.oidc) {
    identity::OidcOptions options = entry.options;
    auto secret = config::read_secret(entry.secret);
    if (!secret.ok()) {
      return invalid(secret.error().code,
                     "the issuer " + options.name + ": " + secret.error().message);
    }
    (options.key_algorithm.empty() ? options.secret : options.key) = *std::move(secret);
    all.push_back(std::move(options));
  }
  if (!all.empty() && config.public_url.empty()) {
    return invalid("config.public_url",
                   "set server.public_url: an issuer sends browsers back to this address");
  }
  return all;
}

std::vector<std::string> sign_in_systems(const config::Config& config) {
  std::vector<std::string> out;
  for (const config::IssuerEntry& entry : config.identity.issuers)
    out.push_back(entry.options.subject_system);
  for (const config::OidcEntry& entry : config.identity.oidc) out.push_back(entry.options.name);
  return out;
}

Result<identity::AccountOptions> account_options(const config::Config& config) {
  identity::AccountOptions options = config.identity.accounts;
  options.issuer_systems = sign_in_systems(config);
  if (!options.blocklist_file.empty()) {
    RABT_TRY(list, identity::PasswordList::read(options.blocklist_file));
    options.blocklist = std::make_shared<const identity::PasswordList>(std::move(list));
  }
  if (options.passkey_origins.empty()) {
    if (config.public_url.empty()) {
      if (options.passkey_host.empty()) return options;
      return invalid("config.passkeys",
                     "identity.passkeys: `host` needs `origins`, the pages that may ask for "
                     "passkeys; name them, or set server.public_url");
    }
    options.passkey_origins.push_back(api::origin_of(config.public_url));
  }
  for (const std::string& origin : options.passkey_origins) {
    const auto url = net::parse_url(origin);
    const std::string host = url.ok() ? url->host : std::string();
    // Browsers make no passkeys for addresses without TLS, nor for numbers.
    const bool fit = url.ok() && !url->literal && (url->scheme == "https" || host == "localhost") &&
                     api::origin_of(origin) == origin;
    if (options.passkey_host.empty()) options.passkey_host = host;
    const std::string& of = options.passkey_host;
    // Nor do they take `sa`, below which are the hosts of many.
    const bool below = of.find('.') != std::string::npos && host.ends_with("." + of);
    if (fit && (host == of || below)) continue;
    // The address of the hub is not about passkeys: then there are none.
    if (config.identity.accounts.passkey_origins.empty() &&
        config.identity.accounts.passkey_host.empty()) {
      options.passkey_host.clear();
      options.passkey_origins.clear();
      return options;
    }
    return invalid("config.passkeys",
                   "identity.passkeys: " + origin +
                       " must be https, without a path, and of the host that passkeys are for or "
                       "below it; that host is " +
                       of);
  }
  return options;
}

}  // namespace rabt::assembly
