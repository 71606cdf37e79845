#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hub/api/hooks.hpp"
#include "hub/base/result.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/mllp.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/net/http_client.hpp"

namespace rabt::assembly {

// The proof of a source that posts to /hooks/, with its secrets; of SNS without certificates, of
// jwt without keys.
// Errors: those of read_secret and http::check; the message names the source.
[[nodiscard]] Result<http::SignatureConfig> signature_of(const config::Config& config,
                                                         const config::SourceEntry& entry);

// Sources that may post to /hooks/, with the secrets that their signatures need. The client
// fetches what messages of SNS point to, and the keys of issuers; client and clock outlive the
// sources. Errors: those of read_secret, issuer_options, Issuers::make and http::check; the message
// names the source.
[[nodiscard]] Result<std::vector<api::Source>> read_sources(const config::Config& config,
                                                            const Clock& clock,
                                                            net::HttpClient& http);

// A warning for each source whose senders show a secret that does not change: whoever reads one
// delivery can send others.
[[nodiscard]] std::vector<std::string> weak_sources(const config::Config& config);

// The certificates of a source that sends over MLLP. Null when it speaks without TLS. Errors:
// tls.*.
[[nodiscard]] Result<std::shared_ptr<crypto::TlsServer>> open_mllp_tls(
    const config::ServerEntry& server, const config::MllpEntry& listen, const Clock& clock);

// Listeners of sources that send over MLLP. The objects that they call outlive them.
class MllpSources {
 public:
  // Listening when it returns. Errors: tls.*, http.bind, http.address.
  [[nodiscard]] static Result<std::unique_ptr<MllpSources>> open(const config::Config& config,
                                                                 api::Hooks& hooks,
                                                                 const Clock& clock, Logger& log);
  // Reads certificates again that have changed. Called from time to time.
  void reload();
  // Accepts nothing more; returns when the last message that was taken is answered.
  void stop() { listeners_.clear(); }

 private:
  explicit MllpSources(Logger& log) : log_(log) {}

  Logger& log_;
  std::vector<std::shared_ptr<crypto::TlsServer>> tls_;
  std::vector<std::unique_ptr<http::MllpListener>> listeners_;
};

}  // namespace rabt::assembly
