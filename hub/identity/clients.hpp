#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/peer_certificate.hpp"
#include "hub/identity/principal.hpp"
#include "hub/store/store.hpp"

// Systems that call the hub in their own name: their keys, their signed assertions, and the tokens
// that they get for these.
namespace rabt::identity {

// Roles of clients. Clinicians and patients are persons, never clients.
inline constexpr Roles kClientRoles{Role::admin,     Role::security_officer, Role::engineer,
                                    Role::operator_, Role::auditor,          Role::integration};
// Most keys of a client at one time: two, so that a key can be replaced without a gap.
inline constexpr int kKeysOfClient = 2;
inline constexpr std::int64_t kMaxKeyLifeMs = 365LL * 24 * 3600 * 1000;
inline constexpr std::int64_t kClientTokenMs = 5LL * 60 * 1000;

struct Client {
  // Stands in the audit log: "client:brainsait".
  std::string id;
  std::string name;
  bool active = true;
  Roles roles;
  // Networks from which it may call, such as "10.1.0.0/16". It may call from everywhere if there
  // are none.
  std::vector<std::string> addresses;
  // A JWK set with its public keys. Null when it signs nothing.
  Json jwks;
  // By which certificates of the mTLS listener it is known: "x5t#S256:<digest of one certificate>",
  // "uri:<alternative name>", "dns:<alternative name>".
  std::vector<std::string> certificates{};
  std::int64_t version = 1;
};

// Change of a client. Unset members stay as they are.
struct ClientChange {
  std::optional<std::string> name;
  std::optional<bool> active;
  std::optional<Roles> roles;
  std::optional<std::vector<std::string>> addresses;
  std::optional<Json> jwks;
  std::optional<std::vector<std::string>> certificates{};
  // The version that the caller has seen.
  std::optional<std::int64_t> version;
};

struct ClientKey {
  std::string id;
  std::int64_t created_ms = 0;
  std::int64_t ends_ms = 0;
  // Days since 1970 at the last use, 0 before the first one.
  std::int64_t used_day = 0;
};

// Every act is durable with its audit entry when it is ok. Internally synchronised; not from inside
// a read or a job of the store.
class Clients {
 public:
  struct Parts {
    store::Store& store;
    const crypto::Keyring& keyring;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
  };
  // token_url: the address of POST /auth/token, which assertions name; empty when the hub does not
  // know its own address, and takes no assertions.
  Clients(Parts parts, std::string tenant, std::string token_url);

  // Errors: invalid api.invalid; conflict client.taken, client.certificate_taken.
  [[nodiscard]] Result<Client> create(const Caller& caller, std::string_view id,
                                      const ClientChange& wanted);
  // Other roles, addresses or keys than before end its tokens, and what it has open. Errors:
  // not_found client.unknown; invalid api.invalid; conflict precondition.failed.
  [[nodiscard]] Result<Client> change(const Caller& caller, std::string_view id,
                                      const ClientChange& wanted);
  [[nodiscard]] Result<std::vector<Client>> all();
  // Error not_found client.unknown.
  [[nodiscard]] Result<Client> find(std::string_view id);

  struct NewKey {
    ClientKey key;
    // "rabt_live_<id>_<secret>_<checksum>": shown once.
    std::string text;
  };
  // Errors: not_found client.unknown; conflict client.keys (it has two already); invalid
  // api.invalid (a life of more than a year).
  [[nodiscard]] Result<NewKey> add_key(const Caller& caller, std::string_view id,
                                       std::int64_t life_ms);
  // Error not_found client.key_unknown.
  [[nodiscard]] Status revoke_key(const Caller& caller, std::string_view id, std::string_view key);
  [[nodiscard]] Result<std::vector<ClientKey>> keys(std::string_view id);

  // True if the text has the form of a client's key or token.
  [[nodiscard]] static bool is_credential(std::string_view text);
  // The client whose key or token this is. address: of the caller; empty where no request shows it,
  // and then no network is asked for. certificate: what the caller proved to hold, null if nothing;
  // a token that was asked for with one is good with that one only. Error denied
  // http.unauthenticated.
  [[nodiscard]] Result<Principal> principal(std::string_view text, std::string_view address,
                                            bool only_look,
                                            const crypto::PeerCertificate* certificate = nullptr);

  // The client whose certificate this is (RFC 8705), by its digest or an alternative name, letter
  // by letter; never by its subject or its authority. Nothing when it is nobody's. Error denied
  // http.unauthenticated: it is of several clients, or of one that may not call from there.
  [[nodiscard]] Result<std::optional<Principal>> of_certificate(
      const crypto::PeerCertificate& certificate, std::string_view address, bool only_look);

  struct Grant {
    std::string token;
    // Seconds.
    std::int64_t expires_in = 0;
    Roles roles;
  };
  // The client credentials grant with an assertion (RFC 7523, SMART backend services). scope: names
  // of roles with spaces between them, no more than the client has; all of them when empty. by:
  // address and request of the caller. certificate: what it proved to hold, to which the token is
  // bound (RFC 8705 section 3); null if nothing. Errors: denied auth.client (the assertion proves
  // nothing; the message says why, for the log only); invalid auth.scope.
  [[nodiscard]] Result<Grant> grant(const Caller& by, std::string_view assertion,
                                    std::string_view scope,
                                    const crypto::PeerCertificate* certificate = nullptr);

 private:
  using Writes = std::function<Status(store::Transaction&)>;
  [[nodiscard]] Status write(const Caller& caller, std::string_view act, std::string_view id,
                             Json detail, const Writes& writes);
  [[nodiscard]] Status put_certificates(store::Transaction& transaction, const Client& client);
  [[nodiscard]] Result<Principal> of_key(std::string_view text, bool only_look);
  [[nodiscard]] Result<Principal> of_token(std::string_view text,
                                           const crypto::PeerCertificate* certificate);
  [[nodiscard]] Result<std::string> mac(std::string_view id, std::string_view secret) const;

  const Parts parts_;
  const std::string tenant_;
  const std::string token_url_;
};

}  // namespace rabt::identity
