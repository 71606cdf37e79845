#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Judges what an authenticator answers (W3C Web Authentication level 3, sections 7.1 and 7.2): the
// JSON forms of section 5.1, attestation `none` or by the credential itself, user verification
// always. Pure; what a ceremony is about, and that it is answered once, is the caller's.
namespace rabt::identity {

// Party that passkeys are made for: the hub.
struct RelyingParty {
  // A host name: "hub.example".
  std::string id;
  // From where pages may ask, byte for byte: "https://hub.example".
  std::vector<std::string> origins;
};

// Longer ids than this are refused (section 5.8.3 of the standard).
inline constexpr std::size_t kMaxCredentialId = 1023;
// Signatures that are taken: the `alg` of COSE and of JOSE.
struct PasskeyAlgorithm {
  std::int64_t cose;
  std::string_view jose;
};
inline constexpr PasskeyAlgorithm kPasskeyAlgorithms[]{
    {-7, "ES256"}, {-8, "EdDSA"}, {-257, "RS256"}};

// State of an authenticator, from authenticatorData.
struct AuthenticatorState {
  std::uint32_t sign_count = 0;
  // The passkey may be on several devices, and is.
  bool backup_eligible = false;
  bool backed_up = false;
};

struct NewCredential {
  // As the authenticator gave it.
  std::string id;
  // The public key as JWK, and what it signs with: a name of kPasskeyAlgorithms.
  Json key;
  std::string algorithm;
  AuthenticatorState state;
};

// Checks the answer of navigator.credentials.create() (RegistrationResponseJSON). Error invalid
// auth.passkey.
[[nodiscard]] Result<NewCredential> check_registration(const RelyingParty& party,
                                                       std::string_view challenge,
                                                       const Json& answer);

// Passkey and user that an answer names, before it is verified.
struct AssertionOf {
  std::string credential;
  // May be empty.
  std::string user;
};
// Error invalid auth.passkey.
[[nodiscard]] Result<AssertionOf> read_assertion(const Json& answer);

// Checks the answer of navigator.credentials.get() (AuthenticationResponseJSON) with the key of
// NewCredential. Error invalid auth.passkey.
[[nodiscard]] Result<AuthenticatorState> check_assertion(const RelyingParty& party,
                                                         std::string_view challenge,
                                                         const Json& key,
                                                         std::string_view algorithm,
                                                         const Json& answer);

}  // namespace rabt::identity
