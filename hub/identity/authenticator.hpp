#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/peer_certificate.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/identity/clients.hpp"
#include "hub/identity/guests.hpp"
#include "hub/identity/issuers.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/principal.hpp"

// Authentication: from the credential of a request to a principal.
namespace rabt::identity {

// Credential that was shown, kept for further checks while a connection stays open.
struct Credential {
  std::string authorization;
  std::string actor;
  std::optional<std::uint32_t> local_user;
  // Certificate of a caller of the mTLS listener. Null everywhere else.
  std::shared_ptr<const crypto::PeerCertificate> certificate{};
  // A browser's cookie of a visit. Empty where anything else is shown.
  GuestProof guest{};
};

// Internally synchronised.
class Authenticator {
 public:
  // Credentials that a request shows.
  struct Shown {
    // The Authorization header. Empty when there is none.
    std::string_view authorization{};
    // The user at the other end of the hub's Unix socket, as the kernel says it.
    std::optional<std::uint32_t> local_user{};
    // Null when the caller proved to hold none.
    const crypto::PeerCertificate* certificate = nullptr;
    // X-Rabt-Actor: for whom a client acts.
    std::string_view actor{};
    // Address and request id, for the audit log.
    std::string_view client{};
    std::string_view request{};
    // True if this is only a look at what was shown before: nothing is written, and a session is
    // not used by it.
    bool only_look = false;
    // True if an issuer may be asked for its keys.
    bool may_wait = true;
    const GuestProof* guest = nullptr;
  };
  struct Parts {
    People& people;
    const Issuers& issuers;
    Accounts& accounts;
    Clients& clients;
    std::string tenant;
  };
  Authenticator(Parts parts, const ApiToken& token);
  // Before the first request; nobody is a guest without.
  void let_in(Guests& guests) { guests_ = &guests; }

  // Anonymous when nothing is shown; over the Unix socket the hub's own user and root are local. A
  // person whom a trusted issuer names for the first time is made. Errors: denied
  // http.unauthenticated (what is shown does not hold, or the person was disabled: all the same to
  // the caller); denied authorisation.actor (who may not act for another, or acts for nobody whom
  // the hub knows); unavailable auth.waits (kWaits of remote_keys.hpp); those of the store.
  // refused: gets why a token of an issuer does not hold.
  [[nodiscard]] Result<Principal> principal(const Shown& shown,
                                            RefusedToken* refused = nullptr) const;
  // The principal of what was shown before, as it is now. `used`: whether this is one more use.
  [[nodiscard]] Result<Principal> again(const Credential& shown, bool used) const;

 private:
  [[nodiscard]] Result<Principal> of_token(const Shown& shown, std::string_view token,
                                           RefusedToken* refused) const;
  [[nodiscard]] Result<Principal> of_claims(const Shown& shown, const Claims& claims,
                                            std::string_view token) const;
  [[nodiscard]] Result<Principal> acting_for(Principal client, std::string_view actor) const;
  [[nodiscard]] Result<Principal> of_guest(const GuestProof& proof) const;

  const Parts parts_;
  const ApiToken token_;
  // Set before the first request.
  Guests* guests_ = nullptr;
};

// The error of a credential that does not hold.
[[nodiscard]] Error unauthenticated();

}  // namespace rabt::identity
