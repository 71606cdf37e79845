#pragma once

#include <string>

#include "hub/api/routes.hpp"
#include "hub/identity/accounts.hpp"

namespace rabt::api {

// Sign-in, one's own account, and the accounts of others for administrators.
struct Accounts {
  identity::People& people;
  identity::Accounts& accounts;
  std::string tenant;
  // Where the pages of the hub come from. Empty if it does not know its own address.
  std::string origin{};

  [[nodiscard]] Result<http::Response> login(const Call& call) const;
  [[nodiscard]] Result<http::Response> logout(const Call& call) const;
  [[nodiscard]] Result<http::Response> activate(const Call& call) const;

  [[nodiscard]] Result<http::Response> me(const Call& call) const;
  [[nodiscard]] Result<http::Response> password(const Call& call) const;
  [[nodiscard]] Result<http::Response> factors(const Call& call) const;
  [[nodiscard]] Result<http::Response> enrol(const Call& call) const;
  [[nodiscard]] Result<http::Response> confirm(const Call& call) const;
  [[nodiscard]] Result<http::Response> remove_factor(const Call& call) const;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  [[nodiscard]] Result<http::Response> create(const Call& call) const;
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  [[nodiscard]] Result<http::Response> change(const Call& call) const;
};

}  // namespace rabt::api
