#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Accounts of people who sign in at the hub itself: passwords, second factors, sessions.
namespace rabt::identity {

struct AccountOptions {
  // Whether people may sign in with a password of the hub.
  bool enabled = true;
  // Characters of a password with a second factor; without one it needs kMinAlone.
  int min_password = 12;
  // argon2id.
  std::uint32_t memory_kib = 65'536;
  std::uint32_t time = 3;
  std::uint32_t lanes = 1;
  std::int64_t idle_ms = 15LL * 60 * 1000;
  std::int64_t absolute_ms = 12LL * 3600 * 1000;
  int sessions_per_person = 5;
};

// Characters of a password that stands alone.
inline constexpr int kMinAlone = 15;

struct SignIn {
  std::string username;
  std::string password;
  // Six digits, or a recovery code. Empty when none was given.
  std::string otp;
  // Address and request id of the caller.
  std::string client;
  std::string request;
};

struct SignedIn {
  // For `Authorization: Bearer`; shown once.
  std::string token;
  // Seconds until the session ends, if it is used.
  std::int64_t expires_in = 0;
  Person person;
};

struct Registration {
  std::string username;
  std::string password;
  // Members of the API's Person: name, email, ...
  Json profile = Json::object();
  // What was asked for. Other roles than patient need an administrator.
  Roles roles{Role::patient};
};

struct Enrolment {
  // Base32, and the same as an otpauth:// address.
  std::string secret;
  std::string uri;
};

// Every act is durable with its audit entry when it is ok. Internally synchronised; not from inside
// a read or a job of the store.
class Accounts {
 public:
  struct Parts {
    People& people;
    store::Store& store;
    keys::DataKeys& keys;
    const crypto::Keyring& keyring;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
  };
  Accounts(Parts parts, std::string tenant, AccountOptions options);
  ~Accounts();

  // Errors: denied auth.failed (one text for an unknown name, a wrong password, a wrong or used
  // code, a disabled account); denied auth.mfa_required (the password holds, a code is missing);
  // unavailable rate.sign_in (too many failures; nothing was tried); unavailable auth.busy.
  [[nodiscard]] Result<SignedIn> login(const SignIn& order);
  // A session of somebody whom an issuer has named. issuer_session: its id there; may be empty.
  // Error denied auth.oidc: the person is disabled.
  [[nodiscard]] Result<SignedIn> open(const Caller& by, std::string_view person,
                                      std::string_view issuer, std::string_view issuer_session);
  // Ends the sessions that the issuer opened for the person, or, when issuer_session is not empty,
  // the one that it knows by this id.
  [[nodiscard]] Status close(const Caller& by, std::string_view issuer, std::string_view person,
                             std::string_view issuer_session);
  // Ends the session that the principal came by; nothing when he came by none.
  [[nodiscard]] Status logout(const Caller& caller);
  // Ends all sessions of a person.
  [[nodiscard]] Status logout_everywhere(const Caller& caller, std::string_view person);
  // Whether the text has the form of a session's token.
  [[nodiscard]] static bool is_session(std::string_view text);
  // The principal of a token that login() gave. only_look: this is no use of the session, which may
  // grow idle. Error denied http.unauthenticated.
  [[nodiscard]] Result<Principal> session(std::string_view token, bool only_look = false);

  // A person with username and password. An anonymous caller makes a patient, an administrator
  // anybody. Errors: invalid api.invalid; conflict person.taken; denied authorisation.denied.
  [[nodiscard]] Result<Person> add(const Caller& caller, const Registration& order);

  // The caller's own; ends all of the person's sessions. Errors: denied auth.failed; unavailable
  // rate.sign_in; invalid api.invalid.
  [[nodiscard]] Status set_password(const Caller& caller, std::string_view old_password,
                                    std::string_view new_password);
  // The caller's second factor. enrol() makes a secret that confirm() makes count; confirm() gives
  // recovery codes, once. That, and its removal, end the person's other sessions. Errors: conflict
  // auth.mfa_enrolled; denied auth.failed; unavailable rate.sign_in.
  [[nodiscard]] Result<Enrolment> enrol(const Caller& caller);
  [[nodiscard]] Result<std::vector<std::string>> confirm(const Caller& caller,
                                                         std::string_view code);
  [[nodiscard]] Status remove_factor(const Caller& caller, std::string_view code);
  struct Factors {
    bool password = false;
    bool totp = false;
    // Recovery codes that are left.
    int recovery = 0;
  };
  [[nodiscard]] Result<Factors> factors(std::string_view person);

  // By an administrator: the second factor goes, all sessions end. Errors: not_found
  // person.unknown.
  [[nodiscard]] Status reset_factor(const Caller& caller, std::string_view person);
  // By an administrator: a one-time code with which the person sets a password, good for 24 hours.
  // The password that was stops counting.
  [[nodiscard]] Result<std::string> reset_password(const Caller& caller, std::string_view person);
  // The person sets a password by the code. Errors: those of login(), invalid api.invalid.
  [[nodiscard]] Status activate(const SignIn& order, std::string_view code);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::identity
