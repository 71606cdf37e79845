#include "hub/assembly/sources.hpp"

#include <future>
#include <map>
#include <memory>

#include "hub/api/browser.hpp"
#include "hub/assembly/edge.hpp"
#include "hub/assembly/issuers.hpp"
#include "hub/base/mutex.hpp"
#include "hub/http/sns_signature.hpp"

namespace rabt::assembly {

namespace {

http::SignatureScheme scheme_of(const std::string& name) {
  if (name == "twilio") return http::SignatureScheme::twilio;
  if (name == "hmac") return http::SignatureScheme::hmac;
  if (name == "jwt") return http::SignatureScheme::jwt;
  if (name == "basic") return http::SignatureScheme::basic;
  if (name == "sns") return http::SignatureScheme::sns;
  if (name == "static-token") return http::SignatureScheme::static_token;
  return http::SignatureScheme::standard_webhooks;
}

Error of_source(const config::SourceEntry& entry, const Error& error) {
  return invalid(error.code, "source " + entry.name + ": " + error.message);
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

// Client for addresses of SNS: fetches certificates, which are kept, and confirms subscriptions.
// Internally synchronised.
class Fetcher {
 public:
  static Result<std::shared_ptr<Fetcher>> make(const http::SignatureConfig& signature,
                                               net::HttpClient& http) {
    std::vector<std::string> hosts;
    for (const std::string& topic : signature.topics)
      hosts.push_back(http::sns_base(signature, topic));
    RABT_TRY(allowed, net::AllowList::make(hosts));
    return std::make_shared<Fetcher>(std::move(allowed), http);
  }
  Fetcher(net::AllowList allowed, net::HttpClient& http)
      : allowed_(std::make_shared<const net::AllowList>(std::move(allowed))), http_(http) {}

  Result<std::string> get(const std::string& url) {
    const bool certificate = url.ends_with(".pem");
    if (certificate) {
      const Lock lock(mutex_);
      if (const auto found = kept_.find(url); found != kept_.end()) return found->second;
    }
    net::Request request;
    request.url = url;
    request.timeout_ms = kPatienceMs;
    request.max_response_bytes = kMaxBytes;
    const auto answer = std::make_shared<std::promise<net::Response>>();
    auto coming = answer->get_future();
    http_.start(std::move(request), allowed_,
                [answer](net::Response response) { answer->set_value(std::move(response)); });
    const net::Response response = coming.get();
    if (response.status != 200)
      return unavailable("http.sns", "Amazon SNS did not answer with 200: status " +
                                         std::to_string(response.status) + " " +
                                         response.error_code);
    if (certificate && response.body.find("BEGIN CERTIFICATE") != std::string::npos) {
      const Lock lock(mutex_);
      // SNS has one at a time; a forger who names many makes only the newest ones stay.
      if (kept_.size() >= kMaxKept) kept_.clear();
      kept_.insert_or_assign(url, response.body);
    }
    return response.body;
  }

 private:
  static constexpr std::int64_t kPatienceMs = 5'000;
  static constexpr std::size_t kMaxBytes = 65'536;
  static constexpr std::size_t kMaxKept = 16;
  const std::shared_ptr<const net::AllowList> allowed_;
  net::HttpClient& http_;
  Mutex mutex_;
  std::map<std::string, std::string, std::less<>> kept_ RABT_GUARDED_BY(mutex_);
};

Status read_topics(const config::SourceEntry& entry, http::SignatureConfig& signature,
                   net::HttpClient& http) {
  signature.topics = entry.topics;
  signature.sns_endpoint = entry.endpoint;
  while (signature.sns_endpoint.ends_with('/')) signature.sns_endpoint.pop_back();
  RABT_TRY(fetcher, Fetcher::make(signature, http));
  signature.fetch = [fetcher](const std::string& url) { return fetcher->get(url); };
  return http::check(signature);
}

// Tokens are judged as those of people who sign in are; the hub asks the host of `jwks` alone.
Status read_issuer(const config::Config& config, const config::SourceEntry& entry,
                   const Clock& clock, net::HttpClient& http, http::SignatureConfig& signature) {
  RABT_TRY(options, issuer_options(*entry.issuer));
  signature.asks_issuer = !options.jwks_url.empty();
  std::vector<std::string> origins;
  if (signature.asks_issuer) origins.push_back(api::origin_of(options.jwks_url));
  RABT_TRY(exchange, exchange_with(origins, config, http));
  RABT_TRY(made, identity::Issuers::make({std::move(options)}, clock, exchange));
  const auto issuers = std::make_shared<const identity::Issuers>(std::move(made));
  signature.judge_token = [issuers](std::string_view token) -> Status {
    RABT_TRY(claims, issuers->verify(token));
    if (!claims.certificate.empty())
      return denied("http.signature",
                    "the token is good with a certificate alone (`cnf`), and deliveries show none");
    return ok_status();
  };
  return http::check(signature);
}

}  // namespace

Result<http::SignatureConfig> signature_of(const config::Config& config,
                                           const config::SourceEntry& entry) {
  http::SignatureConfig signature;
  signature.scheme = scheme_of(entry.scheme);
  if (!entry.header.empty()) signature.proof_header = entry.header;
  signature.hmac = entry.hmac;
  signature.user = entry.user;
  signature.public_url = config.public_url;
  if (signature.scheme == http::SignatureScheme::sns ||
      signature.scheme == http::SignatureScheme::jwt)
    return signature;
  if (const Status read = read_secrets(entry, signature); !read.ok())
    return of_source(entry, read.error());
  return signature;
}

Result<std::vector<api::Source>> read_sources(const config::Config& config, const Clock& clock,
                                              net::HttpClient& http) {
  std::vector<api::Source> sources;
  for (const config::SourceEntry& entry : config.sources) {
    api::Source& source = sources.emplace_back();
    source.name = entry.name;
    source.plugin = entry.plugin;
    source.over_mllp = entry.listen.has_value();
    if (source.over_mllp) continue;
    source.addresses = entry.addresses;
    RABT_TRY(signature, signature_of(config, entry));
    source.signature = std::move(signature);
    Status read = ok_status();
    if (entry.issuer) read = read_issuer(config, entry, clock, http, source.signature);
    if (source.signature.scheme == http::SignatureScheme::sns)
      read = read_topics(entry, source.signature, http);
    if (!read.ok()) return of_source(entry, read.error());
  }
  return sources;
}

std::vector<std::string> weak_sources(const config::Config& config) {
  std::vector<std::string> out;
  for (const config::SourceEntry& entry : config.sources) {
    const bool basic = entry.scheme == "basic";
    if (!basic && entry.scheme != "static-token") continue;
    std::string text = "source " + entry.name + ": each delivery carries the ";
    text += basic ? "password" : "token";
    text += " that proves its sender (" + entry.scheme + ")";
    text += entry.addresses ? "" : ", and deliveries are taken from everywhere";
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::shared_ptr<crypto::TlsServer>> open_mllp_tls(const config::ServerEntry& server,
                                                         const config::MllpEntry& listen,
                                                         const Clock& clock) {
  if (listen.authorities.empty()) return std::shared_ptr<crypto::TlsServer>();
  return open_tls(server, {listen.authorities, listen.revoked}, {}, clock);
}

Result<std::unique_ptr<MllpSources>> MllpSources::open(const config::Config& config,
                                                       api::Hooks& hooks, const Clock& clock,
                                                       Logger& log) {
  std::unique_ptr<MllpSources> sources(new MllpSources(log));
  for (const config::SourceEntry& entry : config.sources) {
    if (!entry.listen) continue;
    const config::MllpEntry& listen = *entry.listen;
    http::MllpOptions options{
        .address = listen.address, .port = listen.port, .names = listen.names};
    if (listen.from) {
      options.allowed = [from = *listen.from](std::string_view text) { return from.has(text); };
    }
    RABT_TRY(tls, open_mllp_tls(config.server, listen, clock));
    options.tls = std::move(tls);
    if (options.tls != nullptr) sources->tls_.push_back(options.tls);
    RABT_TRY(listener, http::MllpListener::start(
                           std::move(options),
                           [&hooks, name = entry.name](const std::string& message,
                                                       const std::string& address) {
                             return hooks.message(name, message, address);
                           },
                           log));
    log.info("hub.mllp",
             {{"source", entry.name}, {"port", static_cast<std::int64_t>(listener->port())}});
    sources->listeners_.push_back(std::move(listener));
  }
  return sources;
}

void MllpSources::reload() {
  for (const auto& tls : tls_) reload_certificates(*tls, log_);
}

}  // namespace rabt::assembly
