#pragma once

#include <string>

#include "hub/api/routes.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/approvals.hpp"

namespace rabt::api {

// Sign-in, one's own account, and the accounts of others for administrators.
struct Accounts {
  identity::People& people;
  identity::Accounts& accounts;
  identity::Approvals& approvals;
  const Clock& clock;
  std::string tenant;
  // Origin of the hub's pages. Empty if the hub does not know its own address.
  std::string origin{};
  // True if the main listener speaks TLS.
  bool tls = false;

  [[nodiscard]] Result<http::Response> login(const Call& call) const;
  [[nodiscard]] Result<http::Response> logout(const Call& call) const;
  [[nodiscard]] Result<http::Response> activate(const Call& call) const;

  [[nodiscard]] Result<http::Response> make_bootstrap_code(const Call& call) const;
  [[nodiscard]] Result<http::Response> begin_bootstrap(const Call& call) const;
  [[nodiscard]] Result<http::Response> bootstrap(const Call& call) const;

  [[nodiscard]] Result<http::Response> begin_passkey_sign_in(const Call& call) const;
  [[nodiscard]] Result<http::Response> sign_in_with_passkey(const Call& call) const;
  [[nodiscard]] Result<http::Response> begin_step_up(const Call& call) const;
  [[nodiscard]] Result<http::Response> step_up(const Call& call) const;

  [[nodiscard]] Result<http::Response> begin_passkey(const Call& call) const;
  [[nodiscard]] Result<http::Response> add_passkey(const Call& call) const;
  [[nodiscard]] Result<http::Response> passkeys(const Call& call) const;
  [[nodiscard]] Result<http::Response> rename_passkey(const Call& call) const;
  [[nodiscard]] Result<http::Response> remove_passkey(const Call& call) const;

  [[nodiscard]] Result<http::Response> sessions(const Call& call) const;
  [[nodiscard]] Result<http::Response> end_session(const Call& call) const;
  [[nodiscard]] Result<http::Response> end_user_sessions(const Call& call) const;

  [[nodiscard]] Result<http::Response> me(const Call& call) const;
  [[nodiscard]] Result<http::Response> password(const Call& call) const;
  [[nodiscard]] Result<http::Response> factors(const Call& call) const;
  [[nodiscard]] Result<http::Response> enrol(const Call& call) const;
  [[nodiscard]] Result<http::Response> confirm(const Call& call) const;
  [[nodiscard]] Result<http::Response> remove_factor(const Call& call) const;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // {name, role?}: the staff whose name or username has these words, by number.
  [[nodiscard]] Result<http::Response> search(const Call& call) const;
  [[nodiscard]] Result<http::Response> create(const Call& call) const;
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  [[nodiscard]] Result<http::Response> change(const Call& call) const;

 private:
  // Credentials that an administrator takes away, so that the person sets them anew.
  struct Resets {
    bool factor = false;
    bool password = false;
    // A code only, of an account that nobody can sign in to yet.
    bool code = false;
  };
  // Persons as managed_json has them, and whether they can sign in.
  [[nodiscard]] Result<std::vector<Json>> managed(const std::vector<identity::Person>& all) const;
  [[nodiscard]] Result<Json> managed(const identity::Person& person) const;
  [[nodiscard]] Result<bool> unlocks(const identity::Person& person,
                                     const identity::PersonChange& wanted, Resets resets) const;
  [[nodiscard]] Result<bool> takes_last_officer(const identity::Person& person,
                                                const identity::PersonChange& wanted) const;
  [[nodiscard]] Status confirmed(const Call& call, const identity::Person& person,
                                 const identity::PersonChange& wanted, Resets resets) const;
};

// The answer to who has proved himself: with a token, or with the cookies of a browser.
[[nodiscard]] http::Response signed_in(const identity::SignedIn& in, bool by_cookie);

}  // namespace rabt::api
