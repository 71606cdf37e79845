#pragma once

#include <string>

#include "hub/api/routes.hpp"
#include "hub/identity/oidc.hpp"

namespace rabt::api {

// Sign-in of browsers at issuers of OpenID Connect.
class OidcSignIn {
 public:
  // pages: the hub has pages, and a browser whose sign-in fails is sent to the one that says so.
  OidcSignIn(identity::Oidc& oidc, bool pages) : oidc_(oidc), pages_(pages) {}

  // GET /auth/oidc/{issuer}/login?return_to=/path: sends the browser to the issuer.
  [[nodiscard]] Result<http::Response> login(const Call& call) const;
  // GET /auth/oidc/{issuer}/callback: the browser comes back, and gets its session.
  [[nodiscard]] Result<http::Response> callback(const Call& call) const;
  // POST /auth/oidc/{issuer}/logout: the issuer ends sessions (OpenID Connect Back-Channel Logout).
  [[nodiscard]] Result<http::Response> logout(const Call& call) const;

 private:
  [[nodiscard]] bool shows(const Call& call) const;

  identity::Oidc& oidc_;
  const bool pages_;
};

}  // namespace rabt::api
