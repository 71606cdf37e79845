#pragma once

#include "hub/api/routes.hpp"
#include "hub/identity/approvals.hpp"
#include "hub/identity/clients.hpp"

namespace rabt::api {

// Systems that call in their own name, for administrators; and the tokens that they ask for.
struct Clients {
  identity::Clients& clients;
  identity::Approvals& approvals;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  [[nodiscard]] Result<http::Response> create(const Call& call) const;
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  [[nodiscard]] Result<http::Response> change(const Call& call) const;
  [[nodiscard]] Result<http::Response> add_key(const Call& call) const;
  [[nodiscard]] Result<http::Response> revoke_key(const Call& call) const;
  // POST /auth/token: the client credentials grant of RFC 6749, whose errors its answers have.
  [[nodiscard]] Result<http::Response> token(const Call& call) const;

 private:
  // Roles of weight need a second person.
  [[nodiscard]] Status confirmed(const Call& call, const std::string& id, identity::Roles before,
                                 const identity::ClientChange& wanted) const;
};

}  // namespace rabt::api
