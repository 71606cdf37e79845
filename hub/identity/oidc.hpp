#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/exchange.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/store/store.hpp"

// Sign-in at issuers of OpenID Connect: the authorization code flow with PKCE, state, nonce and a
// redirect address of its own for each issuer (RFC 9700).
namespace rabt::identity {

struct OidcOptions {
  // Names the issuer in addresses, in the configuration and in the audit log.
  std::string name;
  // Exactly as its tokens and its discovery document say it.
  std::string issuer;
  std::string client_id;
  // client_secret_basic. Null when `key` proves who the hub is.
  std::shared_ptr<const SecretBytes> secret;
  // PEM, for private_key_jwt with ES384 or RS384.
  std::shared_ptr<const SecretBytes> key;
  std::string key_id;
  std::string key_algorithm;
  // Algorithms for the signatures of ID tokens.
  std::vector<std::string> algorithms;
  std::string scope = "openid";
  // True if the issuer decides about the roles of its people. If not, somebody who signs in for the
  // first time has no role until an administrator gives one.
  bool provision = false;
  std::string roles_claim = "groups";
  // Exact; other words give nothing.
  std::map<std::string, Role> role_map;
  // Roles beyond these are never taken from the issuer.
  Roles may_grant;
  // Values of `acr` with which somebody may become admin or security_officer.
  std::vector<std::string> strong_acr;
  // May be empty. Somebody whose claim has another value is refused.
  std::string tenant_claim;
  std::string tenant_value;
  std::string name_claim = "name";
  std::int64_t stale_grace_ms = 24LL * 3600 * 1000;
};

// Internally synchronised; not from inside a read or a job of the store.
class Oidc {
 public:
  struct Parts {
    People& people;
    Accounts& accounts;
    store::Store& store;
    const crypto::Keyring& keyring;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
  };
  // public_url: by which the world reaches the hub; the redirect address of an issuer is
  // <public_url>/auth/oidc/<name>/callback.
  Oidc(Parts parts, std::string tenant, std::string public_url, std::vector<OidcOptions> issuers,
       Exchange exchange);
  ~Oidc();

  struct Begun {
    // Address that the browser is sent to.
    std::string location;
    // Secret that the browser keeps and shows at the end, so that no other browser ends the
    // sign-in.
    std::string browser;
  };
  // return_to: a path of the hub. Errors: not_found auth.issuer_unknown; unavailable
  // auth.issuer_unreachable.
  [[nodiscard]] Result<Begun> begin(std::string_view name, std::string_view return_to);

  struct Ended {
    SignedIn in;
    std::string return_to;
  };
  using Query = std::vector<std::pair<std::string, std::string>>;
  // Ends a sign-in by the query with which the issuer sent the browser back. return_to, if given:
  // the target of a sign-in that fails; empty if this browser did not begin it. Errors: denied
  // auth.oidc (one text for every fault; audited with the reason); unavailable
  // auth.issuer_unreachable.
  [[nodiscard]] Result<Ended> finish(std::string_view name, const Query& query,
                                     std::string_view browser, const Caller& by,
                                     std::string* return_to = nullptr);
  // Back-channel logout: ends the sessions that the token names. Errors: denied auth.oidc; those of
  // the keys and the store.
  [[nodiscard]] Status logout(std::string_view name, std::string_view token, const Caller& by);

  // The names of the issuers.
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::identity
