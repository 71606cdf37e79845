#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/exchange.hpp"
#include "hub/identity/principal.hpp"

// Issuers of tokens that the hub trusts: systems that sign their users in themselves. The tokens
// are JSON Web Tokens; the order of verification is that of RFC 8725.
namespace rabt::identity {

inline constexpr std::int64_t kMaxTokenLifetimeMs = 24LL * 3600 * 1000;
// RFC 7518 section 3.2.
inline constexpr std::size_t kMinSharedSecret = 32;
inline constexpr std::size_t kMaxTokenBytes = 8U << 10U;

struct IssuerOptions {
  // Names the issuer in the configuration and in the audit log.
  std::string name;
  // The claim `iss`. Empty when its tokens have none.
  std::string issuer;
  // Value that the claim `aud` must name. Empty if its tokens have no `aud`.
  std::string audience;
  // HS256. Null when `jwks` or `jwks_url` has the keys.
  std::shared_ptr<const SecretBytes> secret;
  // A JWK set, and the algorithms that its keys may be used with.
  std::string jwks;
  // Address of the issuer's keys. Empty if `jwks` holds them.
  std::string jwks_url;
  std::vector<std::string> algorithms;
  // Time for which keys hold beyond their own time while the issuer cannot be reached.
  std::int64_t stale_grace_ms = 24LL * 3600 * 1000;
  // The header `typ`. Empty when any type of an access token will do.
  std::string type;
  std::int64_t max_lifetime_ms = 3600LL * 1000;
  // Names of claims. Without `name` a new person has none.
  std::string subject_claim = "sub";
  std::string roles_claim = "role";
  std::string name_claim = "name";
  // From words of the roles' claim to roles, besides the names of roles themselves.
  std::map<std::string, Role> role_map;
  // Roles beyond these are never taken from a token.
  Roles may_grant{Role::doctor, Role::specialist, Role::nurse, Role::patient};
  // The system that its subjects are ids of, as in Person's externalIds.
  std::string subject_system;
  // True if subjects may be numbers or usernames of this hub's people.
  bool subject_numbers = false;
  // When a token says that there were two factors: by one of these values of the claim `acr`, or
  // always, since nobody signs in there with one.
  std::vector<std::string> strong_acr;
  bool second_factor = false;
  // Greatest age of a token since `iat`, which it must have then. 0 sets no limit.
  std::int64_t max_age_ms = 0;
  // Claims, and the value that each must have, or hold in a list; of `scope` a word (RFC 8693
  // section 4.2).
  std::map<std::string, std::string> required{};
  // False for tokens of systems that name no subject.
  bool needs_subject = true;
};

// Content of a token that was verified.
struct Claims {
  std::string subject;
  std::string name;
  // Within the ceiling of the issuer.
  Roles roles;
  // True if the token has a claim about roles.
  bool tells_roles = false;
  // `iat`; 0 if the token does not say when it was issued.
  std::int64_t issued_ms = 0;
  // As Principal has them: `auth_time`, or `iat` where there is none.
  std::int64_t proven_ms = 0;
  std::int64_t strong_ms = 0;
  // `cnf` (RFC 8705 section 3.1): the SHA-256 of the certificate that the caller has to hold, in
  // base64url. Empty when the token is good for whoever has it.
  std::string certificate;
  const IssuerOptions* issuer = nullptr;
};

// Refusal of a token, for operators; the caller is not told the reason. Without `why` it is an
// ordinary refusal: each token expires some day.
struct RefusedToken {
  // Its issuer's name in the configuration. Empty when the token names none that is trusted.
  std::string issuer;
  std::string why;
};

// Internally synchronised.
class Issuers {
 public:
  // Errors, with what to do: invalid identity.secret (too short, well known, or the same as that of
  // another issuer), identity.issuer (two issuers that cannot be told apart), crypto.jwk.
  // exchange: reaches the issuers that publish their keys.
  [[nodiscard]] static Result<Issuers> make(std::vector<IssuerOptions> issuers, const Clock& clock,
                                            const Exchange& exchange = {});
  Issuers(Issuers&&) noexcept;
  ~Issuers();

  // may_wait: whether the issuer may be asked for its keys. Errors: denied http.unauthenticated
  // (the message and `refused` say why); unavailable auth.issuer_unreachable, auth.waits (kWaits).
  [[nodiscard]] Result<Claims> verify(std::string_view token, RefusedToken* refused = nullptr,
                                      bool may_wait = true) const;

  // Refusals of tokens in the last ten minutes, for operators: the last reason of each issuer. An
  // expired token is no such reason. Error denied http.unauthenticated.
  [[nodiscard]] Status trouble() const;

 private:
  struct State;
  explicit Issuers(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace rabt::identity
